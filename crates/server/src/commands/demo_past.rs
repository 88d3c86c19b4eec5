//! A demo's past: what happened at its doors as entries of the log, and what the locks were meanwhile, as their pictures
//! show it.

use std::collections::BTreeMap;

use lockwarden_app::activity::{Completion, Happening, Origin, Past};
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{DoorState, LockAction, LockEvent, LockState, Trigger};
use lockwarden_app::history::{Kind, PastPoint};
use lockwarden_app::ids::DeviceId;
use lockwarden_simulator::PastEvent;

const LOCKED: u8 = LockState::Locked.code();
const UNLOCKED: u8 = LockState::Unlocked.code();

/// As it is in the log; nothing of what is no entry there.
pub(super) fn entry(device: DeviceId, at: i64, event: PastEvent) -> Option<Past> {
    let mut past = Past {
        device,
        at: Time(at),
        happening: Happening::Jammed,
        origin: Origin::Unknown,
        trigger: None,
        result: Completion::Success,
        auth_id: None,
        code_id: None,
        presses: None,
    };
    match event {
        PastEvent::Action { action, trigger, auth_id, code_id, extra } => {
            let event = LockEvent {
                action: LockAction::from_code(action),
                trigger: Trigger::from_code(trigger),
                auth_id: Some(auth_id).filter(|id| *id != 0),
                code_id: Some(code_id).filter(|id| *id != 0),
                extra,
            };
            past.happening = event.action.into();
            past.origin = event.origin();
            past.trigger = Some(event.trigger);
            (past.auth_id, past.code_id, past.presses) = (event.auth_id, event.code_id, event.presses());
        }
        PastEvent::Jammed => past.result = Completion::MotorBlocked,
        PastEvent::TurnedByHand { lock } => {
            past.happening = if lock { Happening::TurnedToLocked } else { Happening::TurnedToUnlocked };
            past.origin = Origin::ByHand;
        }
        PastEvent::DoorOpened => past.happening = Happening::DoorOpened,
        PastEvent::DoorClosed => past.happening = Happening::DoorClosed,
        PastEvent::WentOffline => past.happening = Happening::WentOffline,
        PastEvent::CameOnline => past.happening = Happening::CameOnline,
        PastEvent::Battery(_) => return None,
    }
    Some(past)
}

/// What a lock was, as it follows from what happened. While it was away nothing else of it was known.
pub(super) fn points(device: DeviceId, events: &[(i64, PastEvent)]) -> Vec<PastPoint> {
    let mut points = Vec::new();
    let (mut is, mut told) = (BTreeMap::from([(Kind::Link, 1)]), BTreeMap::new());
    for (at, event) in events {
        let (kind, value) = match *event {
            PastEvent::Action { action, .. } if action == LockAction::Lock.code() => (Kind::State, LOCKED),
            PastEvent::Action { .. } => (Kind::State, UNLOCKED),
            PastEvent::TurnedByHand { lock } => (Kind::State, if lock { LOCKED } else { UNLOCKED }),
            PastEvent::Jammed => (Kind::State, LockState::MotorBlocked.code()),
            PastEvent::DoorOpened => (Kind::Door, DoorState::Opened.code()),
            PastEvent::DoorClosed => (Kind::Door, DoorState::Closed.code()),
            PastEvent::Battery(percent) => (Kind::Battery, percent),
            PastEvent::WentOffline => (Kind::Link, 0),
            PastEvent::CameOnline => (Kind::Link, 1),
        };
        is.insert(kind, value);
        let is_there = is.get(&Kind::Link) == Some(&1);
        for (kind, value) in &is {
            let value = Some(*value).filter(|_| is_there || *kind == Kind::Link);
            if told.insert(*kind, value) != Some(value) {
                points.push(PastPoint { device, kind: *kind, at: Time(*at), value });
            }
        }
    }
    points
}
