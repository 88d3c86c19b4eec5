//! The night of night mode: a time of day that begins and ends, with midnight usually between.

/// Minutes of the day, in the lock's own time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NightWindow {
    start: u16,
    end: u16,
}

const DAY: u16 = 24 * 60;

impl NightWindow {
    /// The first minute that belongs to it and the first that does not any more.
    pub fn new(start: u16, end: u16) -> Result<Self, &'static str> {
        if start >= DAY || end >= DAY {
            return Err("a day has 24 hours");
        }
        // What a lock makes of it nobody says: the whole day or nothing.
        if start == end {
            return Err("night mode must end at another time than it begins");
        }
        Ok(Self { start, end })
    }

    pub fn start(self) -> u16 {
        self.start
    }

    pub fn end(self) -> u16 {
        self.end
    }

    pub fn crosses_midnight(self) -> bool {
        self.start > self.end
    }

    /// Whether this minute of the day belongs to it.
    pub fn covers(self, minute: u16) -> bool {
        if self.crosses_midnight() {
            (self.start..DAY).contains(&minute) || minute < self.end
        } else {
            (self.start..self.end).contains(&minute)
        }
    }

    /// In minutes, on a day whose clocks are not changed.
    pub fn lasts(self) -> u16 {
        if self.crosses_midnight() { DAY - self.start + self.end } else { self.end - self.start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_goes_on_after_midnight_and_ends_before_its_last_minute() {
        let night = NightWindow::new(22 * 60, 6 * 60).unwrap();
        assert!(night.crosses_midnight());
        assert_eq!(night.lasts(), 8 * 60);
        for (minute, inside) in [
            (22 * 60 - 1, false),
            (22 * 60, true),
            (23 * 60 + 59, true),
            (0, true),
            (359, true),
            (360, false),
            (720, false),
        ] {
            assert_eq!(night.covers(minute), inside, "{minute}");
        }
        assert!(!night.covers(24 * 60), "a minute that no day has");
    }

    #[test]
    fn a_night_after_midnight_is_only_after_midnight() {
        let night = NightWindow::new(0, 5 * 60).unwrap();
        assert!(!night.crosses_midnight());
        assert!(night.covers(0) && night.covers(299) && !night.covers(300) && !night.covers(1_439));
        assert_eq!(night.lasts(), 300);
    }

    #[test]
    fn it_lasts_as_many_minutes_as_it_covers() {
        for (start, end) in [(0, 1), (1, 0), (1_439, 0), (1_320, 360), (360, 1_320), (719, 720), (720, 719)] {
            let night = NightWindow::new(start, end).unwrap();
            let covered = (0..DAY).filter(|minute| night.covers(*minute)).count();
            assert_eq!(covered, usize::from(night.lasts()), "{start} {end}");
        }
    }

    #[test]
    fn an_empty_night_and_a_time_no_clock_shows_are_refused() {
        assert!(NightWindow::new(600, 600).is_err());
        assert!(NightWindow::new(1_440, 0).is_err() && NightWindow::new(0, 1_440).is_err());
    }
}
