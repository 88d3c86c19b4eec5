//! How often one device may be drawn: at once when it was quiet, and then not more than twenty times a second, however
//! much it says. Nothing is queued but the fact that it changed.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use lockwarden_app::clock::Time;
use lockwarden_app::ids::DeviceId;

const APART: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(super) struct Pace {
    changed: BTreeSet<DeviceId>,
    drawn: HashMap<DeviceId, Time>,
}

impl Pace {
    pub(super) fn starting_with(changed: BTreeSet<DeviceId>) -> Self {
        Self { changed, drawn: HashMap::new() }
    }

    pub(super) fn changed(&mut self, device: DeviceId) {
        self.changed.insert(device);
    }

    pub(super) fn changed_if(&mut self, yes: bool, device: DeviceId) {
        if yes {
            self.changed(device);
        }
    }

    fn due_at(&self, device: DeviceId) -> Time {
        self.drawn.get(&device).map_or(Time(i64::MIN), |at| at.plus(APART))
    }

    /// When the next device is due, if any changed.
    pub(super) fn next(&self) -> Option<Time> {
        self.changed.iter().map(|device| self.due_at(*device)).min()
    }

    /// The devices to draw now.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<DeviceId> {
        let due: Vec<DeviceId> =
            self.changed.iter().copied().filter(|device| self.due_at(*device) <= now).collect();
        for device in &due {
            self.changed.remove(device);
            self.drawn.insert(*device, now);
        }
        due
    }

    /// The page reads itself again: what waited is in that.
    pub(super) fn forget(&mut self) {
        self.changed.clear();
    }

    pub(super) fn forget_old(&mut self, now: Time) {
        self.drawn.retain(|_, at| now.since(*at) < APART);
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
            let due = pace.take_due(Time(millisecond));
            assert!(millisecond > 0 || due == [device]);
            drawn += due.len();
        }
        assert_eq!(drawn, 20);
        assert_eq!(pace.next(), Some(Time(1_000)));
    }

    #[test]
    fn devices_do_not_wait_for_each_other() {
        let mut pace = Pace::default();
        pace.changed(DeviceId(1));
        pace.take_due(Time(0));
        pace.changed(DeviceId(1));
        pace.changed(DeviceId(2));
        assert_eq!(pace.take_due(Time(10)), [DeviceId(2)]);
        assert_eq!(pace.take_due(Time(50)), [DeviceId(1)]);
    }
}
