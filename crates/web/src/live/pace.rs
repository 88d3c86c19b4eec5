//! How often one device may be drawn: at once when it was quiet, and then not more than twenty times a second, however
//! much it says. On a page where all devices share one part, they share that measure too. Nothing is queued but the fact
//! that something changed.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use lockwarden_app::clock::Steady;
use lockwarden_app::ids::DeviceId;

const APART: Duration = Duration::from_millis(50);
/// The same for what is told of all devices together: it takes a look at each of them.
const ALL_APART: Duration = Duration::from_millis(250);
/// Devices drawn at once. A browser that gets a thousand cards in one piece stands still for it.
const AT_ONCE: usize = 32;
/// Stands for all devices together: no device has this id.
pub(super) const ALL: DeviceId = DeviceId(0);

/// What has a measure of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Measure {
    #[default]
    EachDevice,
    All,
}

#[derive(Debug, Default)]
pub(super) struct Pace {
    measure: Measure,
    changed: BTreeSet<DeviceId>,
    drawn: HashMap<Option<DeviceId>, Steady>,
}

impl Pace {
    pub(super) fn starting_with(changed: BTreeSet<DeviceId>, measure: Measure) -> Self {
        Self { measure, changed, drawn: HashMap::new() }
    }

    fn key(&self, device: DeviceId) -> Option<DeviceId> {
        (self.measure == Measure::EachDevice).then_some(device)
    }

    pub(super) fn changed(&mut self, device: DeviceId) {
        self.changed.insert(device);
    }

    fn due_at(&self, device: DeviceId) -> Steady {
        let apart = if device == ALL { ALL_APART } else { APART };
        self.drawn.get(&self.key(device)).map_or(Steady(i64::MIN), |at| at.plus(apart))
    }

    /// When the next device is due, if any changed.
    pub(super) fn next(&self) -> Option<Steady> {
        self.changed.iter().map(|device| self.due_at(*device)).min()
    }

    /// The devices to draw now.
    pub(super) fn take_due(&mut self, now: Steady) -> Vec<DeviceId> {
        let due: Vec<DeviceId> =
            self.changed.iter().copied().filter(|device| self.due_at(*device) <= now).take(AT_ONCE).collect();
        for device in &due {
            self.changed.remove(device);
            self.drawn.insert(self.key(*device), now);
        }
        due
    }

    /// The page reads itself again: what waited is in that.
    pub(super) fn forget(&mut self) {
        self.changed.clear();
    }

    pub(super) fn forget_old(&mut self, now: Steady) {
        self.drawn.retain(|_, at| now.since(*at) < ALL_APART);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_device_is_drawn_at_once_and_a_busy_one_twenty_times_a_second() {
        let (mut pace, device) = (Pace::default(), DeviceId(1));
        let mut drawn = 0;
        for millisecond in 0..1_000 {
            pace.changed(device);
            let due = pace.take_due(Steady(millisecond));
            assert!(millisecond > 0 || due == [device]);
            drawn += due.len();
        }
        assert_eq!(drawn, 20);
        assert_eq!(pace.next(), Some(Steady(1_000)));
    }

    #[test]
    fn where_devices_share_a_part_they_share_the_measure() {
        let mut pace = Pace::starting_with(BTreeSet::from([DeviceId(1)]), Measure::All);
        assert_eq!(pace.take_due(Steady(0)), [DeviceId(1)]);
        pace.changed(DeviceId(2));
        assert!(pace.take_due(Steady(49)).is_empty());
        assert_eq!(pace.take_due(Steady(50)), [DeviceId(2)]);
    }

    #[test]
    fn what_is_told_of_all_together_is_told_four_times_a_second() {
        let mut pace = Pace::default();
        let mut told = 0;
        for millisecond in 0..1_000 {
            pace.changed(ALL);
            told += pace.take_due(Steady(millisecond)).len();
        }
        assert_eq!(told, 4);
    }

    #[test]
    fn very_many_are_drawn_in_pieces_without_a_pause() {
        let mut pace = Pace::starting_with((1..=200).map(DeviceId).collect(), Measure::EachDevice);
        let pieces: Vec<usize> = std::iter::from_fn(|| {
            pace.next().filter(|due| *due <= Steady(0))?;
            Some(pace.take_due(Steady(0)).len())
        })
        .collect();
        assert_eq!(pieces, [32, 32, 32, 32, 32, 32, 8]);
    }

    #[test]
    fn devices_do_not_wait_for_each_other() {
        let mut pace = Pace::default();
        pace.changed(DeviceId(1));
        pace.take_due(Steady(0));
        pace.changed(DeviceId(1));
        pace.changed(DeviceId(2));
        assert_eq!(pace.take_due(Steady(10)), [DeviceId(2)]);
        assert_eq!(pace.take_due(Steady(50)), [DeviceId(1)]);
    }
}
