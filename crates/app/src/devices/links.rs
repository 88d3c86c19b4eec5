//! What a way's connection says, and what follows for the device: it is there if any way is, and the best of them speaks
//! for it. What a lesser way says of the same things is older or poorer, and is not taken.

use super::Connector;
use super::apply::{Effect, link, spoken_for_by};
use super::repeats;
use super::report::Observation;
use super::sql::StateRow;
use crate::clock::Time;
use crate::ways::{Way, accepts_commands, speaker};

/// Whether the ways of a device have to be at hand for this.
pub(super) fn concerns_ways(by: Connector, seen: &Observation) -> bool {
    by != Connector::NukiMqtt || is_of_the_way(seen)
}

/// What is said of the connection itself.
pub(super) fn is_of_the_way(seen: &Observation) -> bool {
    matches!(seen, Observation::Link { .. } | Observation::Connected(_) | Observation::Listens(_))
}

/// Whether another way, that is there and better, says this of the device itself.
pub(super) fn is_better_known(row: &StateRow, by: Connector, seen: &Observation) -> bool {
    let speaks = row.speaker.and_then(Connector::from_code);
    let outranked = row.online && speaks.is_some_and(|speaker| speaker < by);
    outranked
        && matches!(
            seen,
            Observation::State(_)
                | Observation::Because { .. }
                | Observation::Door(_)
                | Observation::BatteryCritical(_)
                | Observation::BatteryPercent(_)
                | Observation::BatteryCharging(_)
                | Observation::KeypadBatteryCritical(_)
                | Observation::DoorBatteryCritical(_)
                | Observation::DeviceTime(_)
                | Observation::DeviceType(_)
                | Observation::Mode(_)
                | Observation::OwnName(_)
        )
}

/// Takes over what a way says of its connection. Without a row for it (it was removed a moment ago) nothing changes.
pub(super) fn way_says(
    row: &mut StateRow,
    ways: &mut [Way],
    by: Connector,
    seen: &Observation,
    at: Time,
) -> Option<Effect> {
    let is_only = ways.len() == 1;
    let way = ways.iter_mut().find(|way| way.connector == by)?;
    match seen {
        Observation::Link { up } => {
            if *up && by == Connector::NukiMqtt {
                let gone = way.changed_at.filter(|_| !way.online);
                // What another way said meanwhile tells nothing of when this one was last heard.
                let heard = if is_only { row.said_at.max(gone) } else { gone };
                repeats::connected(row, heard, at);
            }
            way_is(way, *up, at);
        }
        Observation::Connected(up) => {
            way_is(way, *up, at);
            if *up {
                row.said_at = Some(at);
            }
        }
        Observation::Listens(yes) => way.accepts_commands = Some(*yes),
        _ => return None,
    }
    settle(row, ways, at)
}

fn way_is(way: &mut Way, up: bool, at: Time) {
    if !up {
        // The next connection says anew whether it listens.
        way.accepts_commands = None;
    }
    if way.online != up {
        way.online = up;
        way.changed_at = Some(at);
        way.heard_at = Some(at);
    }
}

/// Works out from its ways whether the device is there and who speaks for it.
pub(super) fn settle(row: &mut StateRow, ways: &[Way], at: Time) -> Option<Effect> {
    let speaking = speaker(ways);
    row.accepts_commands = accepts_commands(ways);
    let was_online = row.online;
    let effect = link(row, speaking.is_some(), at);
    if let Some(speaker) = speaking
        && (!was_online || row.speaker != Some(speaker.code()))
    {
        spoken_for_by(row, speaker, at);
    }
    effect
}

/// A way that is there has lost the device: what it said counts as old until it says something anew.
pub(super) fn lost(row: &mut StateRow, by: Connector, at: Time) {
    if row.online && row.speaker == Some(by.code()) {
        spoken_for_by(row, by, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::LockState;
    use crate::devices::apply::apply;
    use crate::ids::WayId;

    fn way(connector: Connector) -> Way {
        Way {
            id: WayId(connector.code()),
            connector,
            login: None,
            added_at: Time(0),
            online: false,
            changed_at: None,
            accepts_commands: None,
            heard_at: None,
            speaks_for: None,
        }
    }

    fn at(seconds: i64) -> Time {
        Time(seconds * 1_000)
    }

    fn one() -> (StateRow, [Way; 1]) {
        (StateRow::default(), [way(Connector::NukiMqtt)])
    }

    #[test]
    fn what_the_gateway_saw_is_not_the_last_that_the_device_said() {
        let (mut row, mut ways) = one();
        apply(&mut row, &Observation::State(LockState::Locked), at(1));
        for seen in
            [Observation::Link { up: false }, Observation::Connected(false), Observation::Listens(false)]
        {
            way_says(&mut row, &mut ways, Connector::NukiMqtt, &seen, at(2));
        }
        assert_eq!(row.said_at, Some(at(1)));
    }

    #[test]
    fn a_state_said_while_our_clock_was_ahead_is_from_before_the_next_connection() {
        let (mut row, mut ways) = one();
        let mut link = |row: &mut StateRow, up, seconds| {
            way_says(row, &mut ways, Connector::NukiMqtt, &Observation::Link { up }, at(seconds))
        };
        link(&mut row, true, 1_000_000);
        apply(&mut row, &Observation::State(LockState::Locked), at(1_000_001));
        link(&mut row, false, 1_000_002);
        link(&mut row, true, 5);
        assert!(row.state_said_at < row.online_changed_at);
        apply(&mut row, &Observation::State(LockState::Locked), at(6));
        assert_eq!(row.state_said_at, Some(at(6)));
    }

    #[test]
    fn a_device_is_away_when_its_last_way_is_and_each_change_of_speaker_makes_its_state_an_old_one() {
        let mut row = StateRow::default();
        let mut ways = [way(Connector::NukiMqtt), way(Connector::NukiHub)];
        let link = |up| Observation::Link { up };
        way_says(&mut row, &mut ways, Connector::NukiHub, &link(true), at(1));
        apply(&mut row, &Observation::State(LockState::Locked), at(2));
        way_says(&mut row, &mut ways, Connector::NukiMqtt, &link(true), at(3));
        assert_eq!(row.speaker, Some(Connector::NukiMqtt.code()));
        assert!(row.state_said_at < row.speaker_since, "the hub's word is from before");
        apply(&mut row, &Observation::State(LockState::Unlocked), at(4));
        assert!(is_better_known(&row, Connector::NukiHub, &Observation::State(LockState::Locked)));
        assert_eq!(way_says(&mut row, &mut ways, Connector::NukiMqtt, &link(false), at(5)), None);
        assert!(row.online && row.speaker == Some(Connector::NukiHub.code()));
        assert!(row.state_said_at < row.speaker_since);
        assert!(!is_better_known(&row, Connector::NukiHub, &Observation::State(LockState::Locked)));
        assert!(way_says(&mut row, &mut ways, Connector::NukiHub, &link(false), at(6)).is_some());
        assert!(!row.online);
    }
}
