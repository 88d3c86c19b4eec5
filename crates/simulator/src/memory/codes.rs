//! Keypad codes and the windows of time in which a code or an authorization is good.

/// Bytes of a code's name on the lock (BLE API, keypad code).
pub const NAME: usize = 20;

/// Year, month, day, hour, minute, second as a lock stores them: anything, also zeros and nonsense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub [u16; 6]);

impl std::fmt::Display for Stamp {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [year, month, day, hour, minute, second] = self.0;
        write!(to, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

impl Stamp {
    /// Monday is 64, Sunday is 1; 0 for a date that does not exist.
    fn weekday(self) -> u8 {
        let [year, month, day, ..] = self.0;
        let date = i16::try_from(year).ok().zip(i8::try_from(month).ok()).zip(i8::try_from(day).ok());
        let date = date.and_then(|((year, month), day)| jiff::civil::Date::new(year, month, day).ok());
        date.map_or(0, |date| 64 >> date.weekday().to_monday_zero_offset())
    }

    fn minutes(self) -> u16 {
        let [_, _, _, hour, minute, _] = self.0;
        hour * 60 + minute
    }
}

/// When something is good, in the lock's local time (unconfirmed; it may be UTC). All zeros means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    pub limited: bool,
    pub from: Stamp,
    pub until: Stamp,
    /// Bits: 64 is Monday, 1 is Sunday; none set is every day.
    pub weekdays: u8,
    pub from_time: (u8, u8),
    pub until_time: (u8, u8),
}

impl Window {
    pub fn allows(&self, now: &Stamp) -> bool {
        if !self.limited {
            return true;
        }
        let minutes = |(hour, minute): (u8, u8)| u16::from(hour) * 60 + u16::from(minute);
        let (from, until) = (minutes(self.from_time), minutes(self.until_time));
        let in_dates = (self.from == Stamp::default() || self.from <= *now)
            && (self.until == Stamp::default() || *now <= self.until);
        let on_day = self.weekdays == 0 || self.weekdays & now.weekday() != 0;
        let in_hours = from == until || (from <= now.minutes() && now.minutes() < until);
        in_dates && on_day && in_hours
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub id: u16,
    pub code: u32,
    pub enabled: bool,
    pub name: String,
    pub created: Stamp,
    pub count: u16,
    pub active: Stamp,
    pub window: Window,
}

impl Code {
    /// A code for every hour; the lock gives it its id.
    pub fn new(code: u32, name: &str, created: Stamp) -> Self {
        Self {
            id: 0,
            code,
            enabled: true,
            name: cut(name, NAME),
            created,
            count: 0,
            active: Stamp::default(),
            window: Window::default(),
        }
    }

    pub(crate) fn used(&mut self, now: &Stamp) {
        self.count = self.count.saturating_add(1);
        self.active = *now;
    }
}

/// Six digits from 1 to 9 that do not begin with 12 (Nuki Hub README; the lock enforces it).
pub fn is_allowed(code: u32) -> bool {
    let digits = code.to_string();
    digits.len() == 6 && !digits.contains('0') && !digits.starts_with("12")
}

/// The first so many bytes, without half a character.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_digits_without_zero_and_does_not_begin_with_12() {
        for (code, good) in [
            (589_472, true),
            (999_999, true),
            (111_111, true),
            (121_111, false),
            (129_999, false),
            (589_402, false),
            (58_947, false),
            (1_234_567, false),
            (0, false),
        ] {
            assert_eq!(is_allowed(code), good, "{code}");
        }
    }

    #[test]
    fn a_window_is_dates_days_and_hours_at_once() {
        // A Wednesday.
        let noon = Stamp([2026, 11, 25, 12, 0, 0]);
        let window = Window {
            limited: true,
            from: Stamp([2026, 11, 1, 0, 0, 0]),
            until: Stamp([2026, 11, 30, 0, 0, 0]),
            weekdays: 16,
            from_time: (8, 0),
            until_time: (16, 0),
        };
        assert!(window.allows(&noon));
        for (wrong, now) in [
            ("early", Stamp([2026, 10, 28, 12, 0, 0])),
            ("late", Stamp([2026, 12, 2, 12, 0, 0])),
            ("a Thursday", Stamp([2026, 11, 26, 12, 0, 0])),
            ("evening", Stamp([2026, 11, 25, 16, 0, 0])),
        ] {
            assert!(!window.allows(&now), "{wrong}");
            assert!(Window { limited: false, ..window }.allows(&now), "{wrong}");
        }
        assert!(Window { limited: true, ..Window::default() }.allows(&noon), "all zeros limits nothing");
    }

    #[test]
    fn a_long_name_is_cut_without_half_a_letter() {
        assert_eq!(Code::new(589_472, "Müller & Söhne, Büro im 3. Stock", Stamp::default()).name.len(), 19);
        assert_eq!(cut("äää", 5), "ää");
    }
}
