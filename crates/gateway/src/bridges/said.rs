//! What a bridge says of a device, as a report of ours.

use std::time::Duration;

use lockwarden_app::bridges::Behind;
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{Connector, DeviceType, LockAction, Observation, Trigger};
use lockwarden_app::ways::{Fact, Trouble};

use crate::door::Door;
use crate::nuki_bridge::wire::devices::{BridgeDevice, Mechanism, OpenerState, StateReport};

const YEAR: Duration = Duration::from_hours(365 * 24);

/// What a bridge says of one of its devices goes the way of every report. It repeats what it last heard until it hears
/// something newer; when that was goes with it.
pub(super) fn hand_over(door: &Door, device: &BridgeDevice, behind: &Behind, heard_at: Time) {
    let now = door.app.now();
    let over = Observation::Trouble(Trouble::OutOfReach, None);
    let told = device.observations().into_iter().chain(opener_state(device));
    let told = told.map(|seen| without_a_reason(seen, heard_at));
    let by_its_clock = known_at(device.said.as_ref(), now);
    let heard = by_its_clock.map(|at| Observation::Facts(vec![(Fact::BridgeHeard, at.0.to_string())]));
    let seen = std::iter::once(over).chain(told).chain(heard).collect();
    let snapshot = Observation::Snapshot { clock: None, zone_minutes: 0, seen };
    door.committer.observe((behind.device, Connector::NukiBridge), snapshot, now);
}

/// Who of ours a bridge means.
pub(super) fn meant<'b>(device: &BridgeDevice, behind: &'b [Behind]) -> Option<&'b Behind> {
    behind.iter().find(|one| one.nuki_id == device.nuki_id && is_same_kind(one.kind, device.kind))
}

/// When a bridge heard something, by its own clock.
pub(super) fn known_at(said: Option<&StateReport>, now: Time) -> Option<Time> {
    said?.known_at.filter(|at| is_time(*at, now))
}

/// A clock that was never set tells no time; nor does one that is a year behind.
fn is_time(told: Time, now: Time) -> bool {
    now.since(told) < YEAR
}

/// A bridge says where a bolt is and when it heard so, and not how it came there.
fn without_a_reason(seen: Observation, heard_at: Time) -> Observation {
    let (action, trigger) = (LockAction::Other(u8::MAX), Trigger::Undefined);
    match seen {
        Observation::State(state) => {
            Observation::Because { state, action, trigger, heard_at: Some(heard_at) }
        }
        other => other,
    }
}

fn is_same_kind(one: DeviceType, other: DeviceType) -> bool {
    (one == DeviceType::Opener) == (other == DeviceType::Opener)
}

/// The states of an opener have numbers of a lock's with meanings of their own.
fn opener_state(device: &BridgeDevice) -> Option<Observation> {
    use lockwarden_app::devices::LockState as S;
    let Mechanism::Opener(state) = device.said.as_ref()?.mechanism? else { return None };
    let state = match state {
        OpenerState::Untrained => S::Uncalibrated,
        OpenerState::Online => S::Locked,
        OpenerState::RingToOpen => S::Unlocked,
        OpenerState::Open => S::Unlatched,
        OpenerState::Opening => S::Unlatching,
        OpenerState::BootRun => S::BootRun,
        OpenerState::Undefined => S::Undefined,
        OpenerState::Other(code) => S::from_code(code),
    };
    Some(Observation::State(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bridge_heard_before_its_clock_was_set_it_heard_at_no_time() {
        let now = Time(1_795_521_600_000);
        for none in [0, 946_684_800_000, now.0 - 366 * 86_400_000] {
            assert!(!is_time(Time(none), now), "{none}");
        }
        for some in [now.0 - 300 * 86_400_000, now.0, now.0 + 86_400_000] {
            assert!(is_time(Time(some), now), "{some}");
        }
    }
}
