//! What one report changes in what we know of a device: pure, so that every order of messages can be tried.

use std::time::Duration;

use super::report::{LockEvent, Observation};
use super::sql::StateRow;
use super::{Connector, DoorState, LockAction, LockState, Mode, Trigger};
use crate::activity::{Completion, Happening, Origin};
use crate::clock::Time;

/// A device that came back tells its whole state again; a difference found then happened while it was away.
const SETTLING: Duration = Duration::from_secs(30);
/// Nothing that an event announces takes longer: lock 'n' go waits a minute at most (Web API 4.10.0, `lngTimeout`).
const LONGEST: Duration = Duration::from_mins(2);

/// What follows from a report besides the state itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// Something happened that belongs in the log.
    Entry { happening: Happening, origin: Origin, result: Completion },
    /// The bolt moved, and no event said why: by one of our commands, or by hand.
    Turned { state: LockState, origin: Origin },
    /// The bolt moved some time ago, and the device says what it was.
    Found { state: LockState, action: LockAction, trigger: Trigger },
    /// An action event: either one of our commands at work, or an entry of its own.
    Performed(LockEvent),
    /// The motor runs.
    Moving,
    /// The lock's answer to the command under way.
    Answered(u8),
    /// The device told its own time.
    TimeTold(Time),
}

pub(super) fn apply(row: &mut StateRow, seen: &Observation, at: Time) -> Option<Effect> {
    // A device's last words are spoken for it.
    if !matches!(seen, Observation::Listens(_)) {
        row.said_at = Some(at);
    }
    match seen {
        Observation::State(state) => return lock_state(row, *state, at),
        Observation::Because { state, action, trigger, heard_at } => {
            return because(row, *state, (*action, *trigger), (*heard_at, at));
        }
        Observation::Event(event) => {
            event_happened(row, event, at);
            return Some(Effect::Performed(*event));
        }
        Observation::CommandResponse(code) => {
            if broke_off(*code) {
                row.expected_action = None;
            }
            return Some(Effect::Answered(*code));
        }
        Observation::Door(door) => return door_state(row, *door, at),
        Observation::DeviceTime(time) => {
            row.device_time = Some(*time);
            row.clock_offset_ms = Some(time.0.saturating_sub(at.0));
            return Some(Effect::TimeTold(*time));
        }
        Observation::Mode(mode) => mode_told(row, *mode, at),
        Observation::BatteryCritical(yes) => row.battery_critical = Some(*yes),
        Observation::BatteryPercent(percent) => row.battery_percent = Some(i64::from(*percent)),
        Observation::BatteryCharging(yes) => row.battery_charging = Some(*yes),
        Observation::KeypadBatteryCritical(yes) => row.keypad_battery_critical = Some(*yes),
        Observation::DoorBatteryCritical(yes) => row.door_battery_critical = Some(*yes),
        Observation::ServerConnected(yes) => row.server_connected = Some(*yes),
        Observation::Firmware(text) => row.firmware = Some(text.clone()),
        Observation::OwnName(text) => row.own_name = Some(text.clone()),
        Observation::RingTime(time) => row.ring_at = Some(*time),
        // What is of a way, and what the tables of ways, facts and the log keep, has its own place.
        Observation::Link { .. }
        | Observation::Connected(_)
        | Observation::Listens(_)
        | Observation::DeviceType(_)
        | Observation::NukiId(_)
        | Observation::Snapshot { .. }
        | Observation::Log(_)
        | Observation::Names(_)
        | Observation::Facts(_)
        | Observation::RingToOpen(_)
        | Observation::Settings(_)
        | Observation::SettingsAnswer(..)
        | Observation::Trouble(..)
        | Observation::Whole(_)
        | Observation::Hub(_) => {}
    }
    None
}

/// Continuous mode is what an opener is in, as much as a state, though the state stays what it was.
fn mode_told(row: &mut StateRow, mode: Mode, at: Time) {
    let was = row.mode.replace(mode.stored()).map(Mode::from_stored);
    let turned = was.is_some_and(|was| (was == Mode::Continuous) != (mode == Mode::Continuous));
    if turned && row.state.is_some() {
        row.state_changed_at = Some(at);
    }
}

/// The device is there, or not, by whichever way.
pub(super) fn link(row: &mut StateRow, up: bool, at: Time) -> Option<Effect> {
    if row.online == up {
        return None;
    }
    row.online = up;
    // A first connection is not a return, and our own restart is not the lock's absence.
    let returned = row.online_changed_at.replace(at).is_some();
    let happening = if up { Happening::CameOnline } else { Happening::WentOffline };
    (returned || !up).then_some(Effect::Entry {
        happening,
        origin: Origin::Unknown,
        result: Completion::Success,
    })
}

/// Another way speaks for the device from now on, or this one has lost it: whatever was said before was before this, even
/// if our clock was set back meanwhile.
pub(super) fn spoken_for_by(row: &mut StateRow, speaker: Connector, at: Time) {
    row.speaker = Some(speaker.code());
    row.speaker_since = Some(at);
    row.state_said_at = row.state_said_at.min(Some(at.minus(Duration::from_millis(1))));
}

/// The state with its reason, as it is known where the device is only asked now and then. It lasts since it was heard, and
/// was said then however often it is repeated, but not before the state before it was said: the clock by which it was
/// heard may be wrong.
fn because(
    row: &mut StateRow,
    state: LockState,
    (action, trigger): (LockAction, Trigger),
    (heard_at, at): (Option<Time>, Time),
) -> Option<Effect> {
    let (before, said_before) = (row.state, row.state_said_at);
    let effect = lock_state(row, state, at);
    if heard_at.is_some() {
        let heard = heard_at.max(said_before).min(Some(at));
        row.state_said_at = heard.max(here_since(row));
        if row.state != before {
            row.state_changed_at = heard;
        }
    }
    match effect {
        Some(Effect::Turned { .. }) => Some(Effect::Found { state, action, trigger }),
        other => other,
    }
}

/// Since when what is told counts. It is told on this connection, also if our clock was set back since it began.
pub(super) fn here_since(row: &StateRow) -> Option<Time> {
    row.online_changed_at.max(row.speaker_since).filter(|_| row.online)
}

fn lock_state(row: &mut StateRow, state: LockState, at: Time) -> Option<Effect> {
    let before = row.state.map(LockState::from_stored);
    row.state_said_at = Some(at).max(here_since(row));
    if before == Some(state) {
        return None;
    }
    row.state = Some(state.stored());
    row.state_changed_at = Some(at);
    if state.is_moving() {
        return Some(Effect::Moving);
    }
    if state == LockState::MotorBlocked {
        row.expected_action = None;
        return Some(Effect::Entry {
            happening: Happening::Jammed,
            origin: Origin::Unknown,
            result: Completion::MotorBlocked,
        });
    }
    explain_rest(row, state, at)
}

/// Answers after which the movement that was under way does not go on (BLE API error codes).
fn broke_off(code: u8) -> bool {
    matches!(code, 64 | 66..=68 | 70 | 72..=76)
}

/// A mechanism came to rest. Was it expected there?
fn explain_rest(row: &mut StateRow, state: LockState, at: Time) -> Option<Effect> {
    if !matches!(state, LockState::Locked | LockState::Unlocked | LockState::Unlatched) {
        return None;
    }
    let was = row.rest_state.replace(state.stored()).map(LockState::from_stored);
    let expected = row.expected_action.map(LockAction::from_stored);
    let expected = expected.filter(|action| comes_by(*action, state) || is_lock_n_go(*action));
    if let Some(action) =
        expected.filter(|_| row.last_event_at.is_some_and(|event| at.since(event) < LONGEST))
    {
        if ends(action, was, state) {
            row.expected_action = None;
        }
        return None;
    }
    row.expected_action = None;
    // Unlatched falls back to unlocked by itself.
    if was == Some(state)
        || (was == Some(LockState::Unlatched) && state == LockState::Unlocked)
        || was.is_none()
    {
        return None;
    }
    let just_back = row.online_changed_at.is_some_and(|since| at.since(since) < SETTLING);
    let origin = if just_back { Origin::Unknown } else { Origin::ByHand };
    Some(Effect::Turned { state, origin })
}

/// A lock may be set to pull its latch whenever it unlocks, and then says only that it unlocks (unconfirmed).
fn comes_by(action: LockAction, state: LockState) -> bool {
    action.passes(state) || action == LockAction::Unlock && state == LockState::Unlatched
}

/// Whether it tells of a rest before its timer is unconfirmed; in between it may stand anywhere.
fn is_lock_n_go(action: LockAction) -> bool {
    matches!(action, LockAction::LockNGo | LockAction::LockNGoUnlatch)
}

/// What a state that was found says of how it came to be: the device's last action, if that leads there.
pub(super) fn found(
    row: &mut StateRow,
    state: LockState,
    (action, trigger): (LockAction, Trigger),
    at: Time,
) -> (Happening, Origin) {
    let happening = match state {
        _ if action.passes(state) => action.into(),
        LockState::Locked => Happening::Lock,
        LockState::Unlatched => Happening::Unlatch,
        _ => Happening::Unlock,
    };
    let event = LockEvent { action, trigger, auth_id: None, code_id: None, extra: 0 };
    row.last_action = Some(action.stored());
    row.last_trigger = Some(trigger.stored());
    row.last_origin = Some(event.origin().stored());
    (row.last_auth_id, row.last_code_id, row.last_name) = (None, None, None);
    row.last_event_at = Some(at);
    (happening, event.origin())
}

/// No event told of it, so this is the last that is known to have happened.
pub(super) fn turned(row: &mut StateRow, state: LockState, origin: Origin, at: Time) -> Happening {
    let (action, happening) = match state {
        LockState::Locked => (LockAction::Lock, Happening::TurnedToLocked),
        _ => (LockAction::Unlock, Happening::TurnedToUnlocked),
    };
    row.last_action = Some(action.stored());
    row.last_trigger = Some(Trigger::Manual.stored());
    row.last_origin = Some(origin.stored());
    (row.last_auth_id, row.last_code_id, row.last_name) = (None, None, None);
    row.last_event_at = Some(at);
    happening
}

/// Whether an action is over with this state of rest. Unlocked is on the way to unlatched, or after it.
fn ends(action: LockAction, was: Option<LockState>, state: LockState) -> bool {
    match action {
        action if is_lock_n_go(action) => state == LockState::Locked,
        LockAction::Unlatch => was == Some(LockState::Unlatched),
        // A lock that pulls its latch whenever it unlocks may tell of both.
        LockAction::Unlock => state == LockState::Unlatched,
        _ => true,
    }
}

fn event_happened(row: &mut StateRow, event: &LockEvent, at: Time) {
    row.last_action = Some(event.action.stored());
    row.last_trigger = Some(event.trigger.stored());
    row.last_origin = Some(event.origin().stored());
    row.last_auth_id = event.auth_id.map(i64::from);
    row.last_code_id = event.code_id.map(i64::from);
    row.last_name = None;
    row.last_event_at = Some(at);
    row.expected_action = event.moves().then(|| event.action.stored());
}

fn door_state(row: &mut StateRow, door: DoorState, at: Time) -> Option<Effect> {
    let before = row.door_state.map(DoorState::from_stored);
    if before == Some(door) {
        return None;
    }
    row.door_state = Some(door.stored());
    row.door_changed_at = Some(at);
    let happening = match door {
        DoorState::Opened => Happening::DoorOpened,
        DoorState::Closed => Happening::DoorClosed,
        _ => return None,
    };
    // What the sensor says first is where the door stands, not that it moved.
    before?;
    Some(Effect::Entry { happening, origin: Origin::Unknown, result: Completion::Success })
}

impl LockEvent {
    /// How it was set off, from all fields together: a code id decides first, because every event of one keypad
    /// carries the keypad's own authorization (Nuki Hub `NukiOfficial.cpp`, issue 408).
    pub fn origin(&self) -> Origin {
        if self.code_id.is_some() {
            return match self.extra {
                0 => Origin::KeypadButton,
                2 => Origin::KeypadFingerprint,
                _ => Origin::KeypadCode,
            };
        }
        match self.trigger {
            Trigger::System if self.extra == 1 => Origin::AutoUnlock,
            Trigger::System => Origin::App,
            Trigger::Manual => Origin::ByHand,
            Trigger::Button => Origin::Button,
            Trigger::Automatic if self.extra > 0 => Origin::Fob,
            Trigger::Automatic => Origin::TimeControl,
            Trigger::AutoLock => Origin::AutoLock,
            Trigger::HomeKit => Origin::HomeKitOrMatter,
            Trigger::Mqtt => Origin::Mqtt,
            Trigger::Undefined | Trigger::Other(_) => Origin::Unknown,
        }
    }

    /// Presses of a button or fob, where the event counts them.
    pub fn presses(&self) -> Option<u8> {
        (matches!(self.origin(), Origin::Button | Origin::Fob) && self.extra > 0).then_some(self.extra)
    }

    /// Whether the mechanism is about to move.
    pub fn moves(&self) -> bool {
        !matches!(self.action, LockAction::FobNoAction | LockAction::ButtonNoAction | LockAction::Other(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: LockAction, trigger: Trigger, code_id: Option<u32>, extra: u8) -> LockEvent {
        LockEvent { action, trigger, auth_id: None, code_id, extra }
    }

    fn at(seconds: i64) -> Time {
        Time(seconds * 1_000)
    }

    #[test]
    fn an_opener_is_in_continuous_mode_since_it_was_switched_on() {
        let mut row = StateRow::default();
        let mut says = |seen, seconds| {
            apply(&mut row, &seen, at(seconds));
            row.state_changed_at
        };
        says(Observation::Mode(Mode::Door), 1);
        assert_eq!(says(Observation::State(LockState::Locked), 2), Some(at(2)));
        assert_eq!(says(Observation::Mode(Mode::Door), 3), Some(at(2)));
        assert_eq!(says(Observation::Mode(Mode::Continuous), 4), Some(at(4)));
        assert_eq!(says(Observation::State(LockState::Locked), 5), Some(at(4)));
        assert_eq!(says(Observation::Mode(Mode::Door), 6), Some(at(6)));
    }

    fn play(row: &mut StateRow, states: &[LockState]) -> Vec<Effect> {
        states.iter().filter_map(|state| apply(row, &Observation::State(*state), at(1_000))).collect()
    }

    #[test]
    fn the_code_id_decides_before_the_trigger() {
        assert_eq!(event(LockAction::Unlatch, Trigger::System, Some(12_345), 1).origin(), Origin::KeypadCode);
        assert_eq!(
            event(LockAction::Unlatch, Trigger::System, Some(8_193), 2).origin(),
            Origin::KeypadFingerprint
        );
        assert_eq!(event(LockAction::Unlock, Trigger::System, None, 1).origin(), Origin::AutoUnlock);
        assert_eq!(event(LockAction::Unlatch, Trigger::Automatic, None, 3).presses(), Some(3));
        assert_eq!(event(LockAction::Lock, Trigger::Automatic, None, 0).origin(), Origin::TimeControl);
    }

    #[test]
    fn a_movement_that_an_event_announced_is_not_by_hand() {
        let mut row = StateRow::default();
        play(&mut row, &[LockState::Locked]);
        apply(&mut row, &Observation::Event(event(LockAction::Unlatch, Trigger::System, None, 0)), at(999));
        let path = [LockState::Unlocking, LockState::Unlatching, LockState::Unlatched, LockState::Unlocked];
        assert_eq!(play(&mut row, &path), [Effect::Moving, Effect::Moving]);
    }

    #[test]
    fn a_lock_that_pulls_its_latch_whenever_it_unlocks_is_not_opened_by_hand() {
        use LockState::{Locked, Unlatched, Unlatching, Unlocked, Unlocking};
        // Whether it tells of 3 between 2 and 7 is unconfirmed.
        for path in [
            &[Unlocking, Unlatching, Unlatched, Unlocked][..],
            &[Unlocking, Unlocked, Unlatching, Unlatched, Unlocked],
        ] {
            let mut row = StateRow::default();
            play(&mut row, &[Locked]);
            let unlock = event(LockAction::Unlock, Trigger::System, None, 0);
            apply(&mut row, &Observation::Event(unlock), at(999));
            assert_eq!(play(&mut row, path), [Effect::Moving, Effect::Moving], "{path:?}");
            let by_hand = [
                Effect::Turned { state: Locked, origin: Origin::ByHand },
                Effect::Turned { state: Unlocked, origin: Origin::ByHand },
            ];
            assert_eq!(play(&mut row, &[Locked, Unlocked]), by_hand, "what comes after is something else");
        }
    }

    #[test]
    fn a_movement_that_nothing_announced_is_by_hand() {
        let mut row = StateRow::default();
        play(&mut row, &[LockState::Locked]);
        let effects = play(&mut row, &[LockState::Unlocked]);
        assert_eq!(effects, [Effect::Turned { state: LockState::Unlocked, origin: Origin::ByHand }]);
    }

    #[test]
    fn an_open_that_passes_through_unlocked_is_one_action() {
        let mut row = StateRow::default();
        play(&mut row, &[LockState::Locked]);
        apply(&mut row, &Observation::Event(event(LockAction::Unlatch, Trigger::System, None, 0)), at(999));
        // Whether a lock tells of 3 between 2 and 7 is unconfirmed (device traces differ).
        let path = [
            LockState::Unlocking,
            LockState::Unlocked,
            LockState::Unlatching,
            LockState::Unlatched,
            LockState::Unlocked,
        ];
        assert_eq!(play(&mut row, &path), [Effect::Moving, Effect::Moving]);
        assert_eq!(row.expected_action, None);
        assert_eq!(play(&mut row, &[LockState::Locked]).len(), 1, "the next movement is another one");
    }

    #[test]
    fn what_an_event_announced_explains_no_movement_long_after_it_or_after_it_broke_off() {
        for broken_off in [false, true] {
            let mut row = StateRow::default();
            play(&mut row, &[LockState::Locked]);
            let begun = event(LockAction::LockNGo, Trigger::System, None, 0);
            let seen = if broken_off { at(999) } else { at(500) };
            apply(&mut row, &Observation::Event(begun), seen);
            if broken_off {
                apply(&mut row, &Observation::CommandResponse(70), at(999));
            }
            assert_eq!(play(&mut row, &[LockState::Unlocked]).len(), 1);
            assert_eq!(play(&mut row, &[LockState::Locked]).len(), 1);
        }
    }

    #[test]
    fn the_same_state_told_again_is_nothing_new_but_is_newer() {
        let mut row = StateRow::default();
        play(&mut row, &[LockState::Locked]);
        assert_eq!(apply(&mut row, &Observation::State(LockState::Locked), at(2_000)), None);
        assert_eq!((row.state_changed_at, row.state_said_at), (Some(at(1_000)), Some(at(2_000))));
    }

    #[test]
    fn a_first_door_report_is_a_position_not_a_movement() {
        let mut row = StateRow::default();
        assert_eq!(apply(&mut row, &Observation::Door(DoorState::Opened), at(1)), None);
        assert!(apply(&mut row, &Observation::Door(DoorState::Closed), at(2)).is_some());
        assert_eq!(apply(&mut row, &Observation::Door(DoorState::Closed), at(3)), None);
    }
}
