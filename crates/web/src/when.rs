//! Times as a person reads them: in their own zone, as short as they can be without being wrong.

use jiff::ZonedDateTime;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lockwarden_app::clock::Time;

/// A person's zone, and now.
#[derive(Clone, Debug)]
pub(crate) struct When {
    zone: TimeZone,
    pub now: Time,
}

/// A day's heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    pub date: Date,
    pub title: String,
    pub rest: String,
}

impl When {
    pub(crate) fn new(zone: TimeZone, now: Time) -> Self {
        Self { zone, now }
    }

    fn local(&self, at: Time) -> ZonedDateTime {
        at.to_jiff().to_zoned_datetime(self.zone.clone())
    }

    pub(crate) fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// `14:02`.
    pub(crate) fn clock(&self, at: Time) -> String {
        self.local(at).strftime("%H:%M").to_string()
    }

    /// `14:02:31`.
    pub(crate) fn seconds(&self, at: Time) -> String {
        self.local(at).strftime("%H:%M:%S").to_string()
    }

    /// Everything, for a tooltip.
    pub(crate) fn full(&self, at: Time) -> String {
        format!("{} ({})", self.local(at).strftime("%A, %-d %B %Y, %H:%M:%S"), self.zone_name())
    }

    /// For machines: `2026-11-24T14:02:31+01:00`.
    pub(crate) fn machine(&self, at: Time) -> String {
        self.local(at).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// `14:02` today, then `yesterday 14:02`, `Tue 14:02`, `3 Nov 14:02`, `3 Nov 2025 14:02`.
    pub(crate) fn short(&self, at: Time) -> String {
        let (at, now) = (self.local(at), self.local(self.now));
        let format = match days_between(at.date(), now.date()) {
            0 => "%H:%M",
            1 => "yesterday %H:%M",
            2..=6 => "%a %H:%M",
            _ if at.year() == now.year() => "%-d %b %H:%M",
            _ => "%-d %b %Y %H:%M",
        };
        at.strftime(format).to_string()
    }

    /// The same to the second, where somebody looks closely.
    pub(crate) fn exact(&self, at: Time) -> String {
        format!("{}{}", self.short(at), self.local(at).strftime(":%S"))
    }

    /// `24 November 2026`.
    pub(crate) fn date(&self, at: Time) -> String {
        self.local(at).strftime("%-d %B %Y").to_string()
    }

    /// `24 Nov`.
    pub(crate) fn day_short(&self, at: Time) -> String {
        self.local(at).strftime("%-d %b").to_string()
    }

    pub(crate) fn day(&self, at: Time) -> Day {
        let (at, now) = (self.local(at), self.local(self.now));
        let this_year = at.year() == now.year();
        let date = at.strftime(if this_year { "%-d %B" } else { "%-d %B %Y" }).to_string();
        let weekday = at.strftime("%A").to_string();
        let (title, rest) = match days_between(at.date(), now.date()) {
            0 => ("Today".to_owned(), format!("{weekday}, {date}")),
            1 => ("Yesterday".to_owned(), format!("{weekday}, {date}")),
            _ => (weekday, date),
        };
        Day { date: at.date(), title, rest }
    }
}

fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(i32::MAX, |span| span.get_days())
}

/// `7 min`, `3 h`, `2 days`: a length, roughly.
pub(crate) fn roughly(milliseconds: i64) -> String {
    let seconds = milliseconds.unsigned_abs() / 1_000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", (seconds + 30) / 60),
        7_200..=172_799 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

/// Every zone this machine knows, for a list to choose from.
pub(crate) fn zones() -> Vec<String> {
    let mut names: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.as_str().to_owned())
        .filter(|name| name == "UTC" || (name.contains('/') && !name.starts_with("Etc/")))
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(text: &str) -> When {
        When::new(TimeZone::get("Europe/Vienna").unwrap(), time(text))
    }

    fn time(text: &str) -> Time {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn a_time_is_as_short_as_it_can_be() {
        let when = when("2026-11-24T13:30:00Z");
        assert_eq!(when.short(time("2026-11-24T13:02:00Z")), "14:02");
        assert_eq!(when.short(time("2026-11-23T22:59:00Z")), "yesterday 23:59");
        assert_eq!(when.exact(time("2026-11-23T22:59:07Z")), "yesterday 23:59:07");
        assert_eq!(when.short(time("2026-11-23T23:00:00Z")), "00:00");
        assert_eq!(when.short(time("2026-11-20T21:10:00Z")), "Fri 22:10");
        assert_eq!(when.short(time("2026-03-02T21:10:00Z")), "2 Mar 22:10");
        assert_eq!(when.short(time("2025-12-24T21:10:00Z")), "24 Dec 2025 22:10");
    }

    #[test]
    fn days_are_the_persons_own_days() {
        let when = when("2026-11-24T13:30:00Z");
        assert_eq!(when.day(time("2026-11-23T23:30:00Z")).title, "Today");
        assert_eq!(when.day(time("2026-11-23T22:30:00Z")).title, "Yesterday");
        let last_year = when.day(time("2025-11-24T12:00:00Z"));
        assert_eq!((last_year.title.as_str(), last_year.rest.as_str()), ("Monday", "24 November 2025"));
    }

    #[test]
    fn the_hour_that_comes_twice_is_told_apart_for_machines() {
        let when = when("2026-10-25T02:00:00Z");
        assert_eq!(when.machine(time("2026-10-25T00:30:00Z")), "2026-10-25T02:30:00+02:00");
        assert_eq!(when.machine(time("2026-10-25T01:30:00Z")), "2026-10-25T02:30:00+01:00");
    }

    #[test]
    fn lengths_are_rough() {
        assert_eq!(roughly(-420_000), "7 min");
        assert_eq!(roughly(90_000), "90 s");
        assert_eq!(roughly(200_000_000), "2 days");
    }
}
