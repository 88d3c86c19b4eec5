//! What a device was over time: state at rest, battery, connection and door, written on change in the transaction that
//! records a report, and read as stretches of which each says something or says that nothing is known.

mod actions;
pub mod forecast;
mod sql;

use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use actions::{absent, insert, unknown_since_last_word};

use crate::clock::Time;
use crate::ids::DeviceId;

/// How long history is kept.
pub const KEPT: Duration = Duration::from_hours(400 * 24);
/// Points that are read at most; what does not fit is told as several changes at once.
pub const MOST_POINTS: usize = 2_000;

/// In a history of states: an opener's continuous mode, which has no number among them (Bridge API 1.13.3: a mode).
pub const CONTINUOUS: u8 = 128;

/// Of what there is a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `LockState::code`, at rest, or [`CONTINUOUS`].
    State,
    /// Percent.
    Battery,
    /// 1 while it is there, 0 while it is not.
    Link,
    /// `DoorState::code`.
    Door,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::State, Self::Battery, Self::Link, Self::Door];

    pub(crate) fn stored(self) -> i64 {
        match self {
            Self::State => 0,
            Self::Battery => 1,
            Self::Link => 2,
            Self::Door => 3,
        }
    }
}

/// Something changed, or became unknown (`None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub at: Time,
    pub value: Option<u8>,
    /// Of how many changes this is the last, the first of which was at `since`; 1 unless there were too many to tell each.
    pub changes: u32,
    pub since: Time,
}

/// What changed, or became unknown, before Lockwarden knew the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastPoint {
    pub device: DeviceId,
    pub kind: Kind,
    pub at: Time,
    pub value: Option<u8>,
}

/// What held for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Nothing,
    Value(u8),
    /// So many changes that they are not told one by one.
    Several(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub from: Time,
    pub to: Time,
    pub held: Held,
}

/// The history of one kind between two moments, oldest first. The first point may be from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub from: Time,
    pub to: Time,
    pub points: Vec<Point>,
}

impl History {
    pub fn is_thinned(&self) -> bool {
        self.points.iter().any(|point| point.changes > 1)
    }

    /// The whole time from end to end, in stretches that follow each other without a gap.
    pub fn stretches(&self) -> Vec<Stretch> {
        let mut found: Vec<Stretch> = Vec::with_capacity(self.points.len() + 1);
        let mut from = self.from;
        let mut held = Held::Nothing;
        let mut add = |from: Time, to: Time, held: Held| {
            if to <= from {
                return;
            }
            match found.last_mut() {
                Some(last) if last.held == held && !matches!(held, Held::Several(_)) => last.to = to,
                _ => found.push(Stretch { from, to, held }),
            }
        };
        for point in &self.points {
            let (since, at) = (point.since.clamp(self.from, self.to), point.at.clamp(self.from, self.to));
            add(from, since, held);
            if point.changes > 1 {
                add(since, at, Held::Several(point.changes));
            }
            held = point.value.map_or(Held::Nothing, Held::Value);
            from = at;
        }
        add(from, self.to, held);
        found
    }
}

/// What was last written of a device, each unless it is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pictured {
    pub state: Option<u8>,
    pub battery: Option<u8>,
    pub link: Option<u8>,
    pub door: Option<u8>,
}

/// [`Pictured`] of a device of which only is known that it is away, as stored.
pub(crate) const AWAY: i64 = 1 << 32;

impl Pictured {
    /// Sixteen bits each, one more than the value.
    pub(crate) fn read(stored: Option<i64>) -> Self {
        let stored = stored.unwrap_or(0);
        let part = |place: u32| u8::try_from(((stored >> (16 * place)) & 0xFFFF) - 1).ok();
        Self { state: part(0), battery: part(1), link: part(2), door: part(3) }
    }

    pub(crate) fn stored(self) -> i64 {
        let parts = [self.state, self.battery, self.link, self.door].into_iter().rev();
        parts.fold(0, |all, part| (all << 16) | part.map_or(0, |value| i64::from(value) + 1))
    }

    fn of(self, kind: Kind) -> Option<u8> {
        match kind {
            Kind::State => self.state,
            Kind::Battery => self.battery,
            Kind::Link => self.link,
            Kind::Door => self.door,
        }
    }
}

/// Changes of a batch, in the order of their table. Two in one millisecond are one: the later.
pub(crate) type Changes = BTreeMap<(DeviceId, Kind, Time), Option<u8>>;

/// Notes what is different between what was last written and what is so now.
pub(crate) fn note(changes: &mut Changes, device: DeviceId, (was, is): (Pictured, Pictured), at: Time) {
    for kind in Kind::ALL {
        if was.of(kind) != is.of(kind) {
            changes.insert((device, kind, at), is.of(kind));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: i64, value: Option<u8>) -> Point {
        Point { at: Time(at), value, changes: 1, since: Time(at) }
    }

    fn told(history: &History) -> Vec<(i64, i64, Held)> {
        history.stretches().iter().map(|one| (one.from.0, one.to.0, one.held)).collect()
    }

    #[test]
    fn what_is_packed_is_what_comes_out() {
        let all = Pictured { state: Some(255), battery: Some(0), link: Some(1), door: Some(240) };
        for one in [all, Pictured::default(), Pictured { battery: None, ..all }] {
            assert_eq!(Pictured::read(Some(one.stored())), one);
        }
        assert_eq!(Pictured::read(None), Pictured::default());
        assert_eq!(Pictured { link: Some(0), ..Pictured::default() }.stored(), AWAY);
    }

    #[test]
    fn before_the_first_report_and_after_the_last_word_nothing_is_claimed() {
        let points = vec![point(10, Some(1)), point(20, None), point(30, Some(3))];
        let history = History { from: Time(0), to: Time(40), points };
        let expected = [
            (0, 10, Held::Nothing),
            (10, 20, Held::Value(1)),
            (20, 30, Held::Nothing),
            (30, 40, Held::Value(3)),
        ];
        assert_eq!(told(&history), expected);
    }

    #[test]
    fn what_held_when_the_picture_begins_reaches_into_it() {
        let history =
            History { from: Time(100), to: Time(200), points: vec![point(5, Some(1)), point(150, Some(3))] };
        assert_eq!(told(&history), [(100, 150, Held::Value(1)), (150, 200, Held::Value(3))]);
    }

    #[test]
    fn many_changes_at_once_are_told_as_such_and_not_as_the_last_of_them() {
        let several = Point { at: Time(30), value: Some(1), changes: 9, since: Time(10) };
        let history = History { from: Time(0), to: Time(40), points: vec![point(0, Some(3)), several] };
        assert!(history.is_thinned());
        let expected = [(0, 10, Held::Value(3)), (10, 30, Held::Several(9)), (30, 40, Held::Value(1))];
        assert_eq!(told(&history), expected);
    }
}
