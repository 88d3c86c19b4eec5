//! What a report changes in the pictures of a device's history: only what it rests in and says while it is there.

use super::report::Observation;
use super::sql::StateRow;
use super::{DoorState, LockState, Mode};
use crate::history::{CONTINUOUS, Pictured};

/// Takes over what was just applied to a state. What is no longer known becomes unknown, not what it was.
pub(super) fn follow(row: &mut StateRow, before: &StateRow, seen: &Observation) {
    let mut is = Pictured::read(row.pictured);
    if row.online || row.online_changed_at.is_some() {
        is.link = Some(u8::from(row.online));
    }
    if !row.online {
        (is.state, is.battery, is.door) = (None, None, None);
    } else if (row.online_changed_at, row.speaker_since) != (before.online_changed_at, before.speaker_since) {
        // Another way speaks: what it says of the bolt and the door has to come first.
        (is.state, is.door) = (None, None);
    }
    if row.online {
        match seen {
            Observation::State(state) | Observation::Because { state, .. } if !state.is_moving() => {
                is.state = Some(rest(row, state.code()));
            }
            // Only at rest: a movement under way comes to its own end.
            Observation::Mode(_) if is.state.is_some() => {
                let state = row.state.map(LockState::from_stored).filter(|state| !state.is_moving());
                is.state = state.map_or(is.state, |state| Some(rest(row, state.code())));
            }
            Observation::Door(door) => is.door = known(*door).map(DoorState::code),
            Observation::BatteryPercent(percent) => is.battery = Some((*percent).min(100)),
            _ => {}
        }
    }
    row.pictured = Some(is.stored());
}

/// An opener in continuous mode lets everybody in, whatever its state.
fn rest(row: &StateRow, state: u8) -> u8 {
    let continuous = row.mode.map(Mode::from_stored) == Some(Mode::Continuous);
    if continuous { CONTINUOUS } else { state }
}

/// A sensor that does not know says nothing.
fn known(door: DoorState) -> Option<DoorState> {
    matches!(door, DoorState::Closed | DoorState::Opened | DoorState::Tampered).then_some(door)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;

    fn row() -> StateRow {
        StateRow { online: true, online_changed_at: Some(Time(1)), ..StateRow::default() }
    }

    fn says(row: &mut StateRow, seen: &Observation) -> Pictured {
        let before = row.clone();
        follow(row, &before, seen);
        Pictured::read(row.pictured)
    }

    #[test]
    fn a_movement_is_no_rest_and_leaves_the_picture_as_it_was() {
        let mut row = row();
        says(&mut row, &Observation::State(LockState::Locked));
        assert_eq!(says(&mut row, &Observation::State(LockState::Unlocking)).state, Some(1));
        assert_eq!(says(&mut row, &Observation::State(LockState::Unlocked)).state, Some(3));
    }

    #[test]
    fn who_is_away_is_in_no_state_and_what_arrives_late_does_not_put_it_in_one() {
        let mut row = row();
        says(&mut row, &Observation::State(LockState::Locked));
        says(&mut row, &Observation::BatteryPercent(80));
        row.online = false;
        let away = Pictured { link: Some(0), ..Pictured::default() };
        assert_eq!(says(&mut row, &Observation::Link { up: false }), away);
        assert_eq!(says(&mut row, &Observation::State(LockState::Locked)), away);
    }

    #[test]
    fn an_opener_that_lets_everybody_in_is_not_at_rest_whatever_its_state() {
        let mut row = row();
        row.state = Some(LockState::Locked.stored());
        says(&mut row, &Observation::State(LockState::Locked));
        row.mode = Some(Mode::Continuous.stored());
        assert_eq!(says(&mut row, &Observation::Mode(Mode::Continuous)).state, Some(CONTINUOUS));
        assert_eq!(says(&mut row, &Observation::State(LockState::Locked)).state, Some(CONTINUOUS));
        row.mode = Some(Mode::Door.stored());
        assert_eq!(says(&mut row, &Observation::Mode(Mode::Door)).state, Some(1));
    }

    #[test]
    fn another_way_that_speaks_has_to_say_the_state_first() {
        let mut row = row();
        says(&mut row, &Observation::State(LockState::Locked));
        says(&mut row, &Observation::BatteryPercent(80));
        let before = row.clone();
        row.speaker_since = Some(Time(9));
        follow(&mut row, &before, &Observation::Connected(true));
        let is = Pictured::read(row.pictured);
        assert_eq!((is.state, is.battery, is.link), (None, Some(80), Some(1)));
    }
}
