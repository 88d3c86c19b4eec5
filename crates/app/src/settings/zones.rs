//! The time zones a lock can be set to, and what a clock in one of them does. Summer time follows from the zone by the
//! time zone database; the lock's old flag for it knows only European summer time.

use jiff::tz::{Dst, TimeZone};

use crate::clock::Time;

/// By the number of `timezoneId`, 0 to 45 (BLE API `TimeZoneId`; that the Web API 4.10.0 counts alike is inferred from
/// its range). The names are those of the IANA database, and of Nuki Hub.
pub const ZONES: [&str; 46] = [
    "Africa/Cairo",
    "Africa/Lagos",
    "Africa/Maputo",
    "Africa/Nairobi",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Los_Angeles",
    "America/Manaus",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Regina",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Bangkok",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jerusalem",
    "Asia/Karachi",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Riyadh",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Asia/Yangon",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Darwin",
    "Australia/Hobart",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Auckland",
    "Pacific/Guam",
    "Pacific/Honolulu",
    "Pacific/Pago_Pago",
];

/// What firmware without time zones says (BLE API `TimeZoneId` none).
pub const NO_ZONE: i64 = 65_535;

/// The database may hold changes that leave the clock as it is; more in a row than these there are nowhere.
const LOOKED_AT: usize = 64;

pub fn zone_name(id: i64) -> Option<&'static str> {
    usize::try_from(id).ok().and_then(|id| ZONES.get(id)).copied()
}

pub fn zone_id(name: &str) -> Option<i64> {
    let at = ZONES.iter().position(|zone| *zone == name)?;
    i64::try_from(at).ok()
}

/// What a clock in a zone shows at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneClock {
    /// East of UTC, in minutes.
    pub offset: i32,
    pub summer_time: bool,
    /// `CET`, or an offset where a zone has no letters.
    pub short_name: String,
    /// None: this zone's clocks are not changed any more.
    pub next: Option<ZoneChange>,
}

/// A moment at which the clocks are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneChange {
    pub at: Time,
    /// In minutes, from then on.
    pub offset: i32,
    pub summer_time: bool,
}

/// The offset at a moment and when it changes next. None for a number that is no zone, or that the computer's time zone
/// database lacks.
pub fn zone_clock(id: i64, now: Time) -> Option<ZoneClock> {
    let zone = TimeZone::get(zone_name(id)?).ok()?;
    let now = now.to_jiff();
    let current = zone.to_offset_info(now);
    let next = zone.following(now).take(LOOKED_AT).find(|change| change.offset() != current.offset()).map(
        |change| ZoneChange {
            at: change.timestamp().into(),
            offset: change.offset().seconds() / 60,
            summer_time: change.dst() == Dst::Yes,
        },
    );
    Some(ZoneClock {
        offset: current.offset().seconds() / 60,
        summer_time: current.dst() == Dst::Yes,
        short_name: current.abbreviation().to_owned(),
        next,
    })
}

/// Minutes since midnight on the clocks of a zone.
pub fn minute_of_day(id: i64, now: Time) -> Option<u16> {
    let zone = TimeZone::get(zone_name(id)?).ok()?;
    let local = now.to_jiff().to_zoned_datetime(zone);
    u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::NightWindow;

    fn time(text: &str) -> Time {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn every_zone_a_lock_can_have_is_known_and_has_its_number() {
        for (id, name) in (0..).zip(ZONES) {
            assert_eq!(zone_name(id), Some(name));
            assert_eq!(zone_id(name), Some(id));
            let clock = zone_clock(id, time("2026-07-01T00:00:00Z")).unwrap();
            assert!((-720..=840).contains(&clock.offset), "{name}: {clock:?}");
        }
        let mut names = ZONES.to_vec();
        names.dedup();
        assert_eq!(names.len(), 46);
        assert!(names.is_sorted(), "the numbers follow the alphabet");
    }

    #[test]
    fn what_is_no_zone_has_no_clock() {
        for id in [-1, 46, 255, NO_ZONE, i64::MAX] {
            assert_eq!(
                (zone_name(id), zone_clock(id, Time(0)), minute_of_day(id, Time(0))),
                (None, None, None)
            );
        }
        assert_eq!(zone_id("Europe/Vienna"), None);
        assert_eq!(zone_id("europe/berlin"), None);
    }

    #[test]
    fn the_zone_says_when_the_clocks_change_and_how() {
        let berlin = zone_id("Europe/Berlin").unwrap();
        let winter = zone_clock(berlin, time("2026-01-15T12:00:00Z")).unwrap();
        assert_eq!((winter.offset, winter.summer_time, winter.short_name.as_str()), (60, false, "CET"));
        let spring = ZoneChange { at: time("2026-03-29T01:00:00Z"), offset: 120, summer_time: true };
        assert_eq!(winter.next, Some(spring));
        // From the very moment on it is the next one.
        let summer = zone_clock(berlin, spring.at).unwrap();
        assert_eq!((summer.offset, summer.summer_time), (120, true));
        let autumn = ZoneChange { at: time("2026-10-25T01:00:00Z"), offset: 60, summer_time: false };
        assert_eq!(summer.next, Some(autumn));
        // The other half of the world, and half an hour.
        let adelaide =
            zone_clock(zone_id("Australia/Adelaide").unwrap(), time("2026-01-15T12:00:00Z")).unwrap();
        assert_eq!((adelaide.offset, adelaide.summer_time), (630, true));
        assert_eq!(adelaide.next.map(|change| change.offset), Some(570));
        let newfoundland =
            zone_clock(zone_id("America/St_Johns").unwrap(), time("2026-01-15T12:00:00Z")).unwrap();
        assert_eq!(newfoundland.offset, -210);
    }

    #[test]
    fn a_zone_without_summer_time_never_changes() {
        for name in ["Asia/Tokyo", "America/Phoenix", "Asia/Kolkata", "Pacific/Honolulu", "Africa/Lagos"] {
            let clock = zone_clock(zone_id(name).unwrap(), time("2026-06-01T00:00:00Z")).unwrap();
            assert_eq!((clock.summer_time, clock.next), (false, None), "{name}");
        }
    }

    #[test]
    fn a_change_that_leaves_the_clock_as_it_is_does_not_count() {
        // In October 1968 London called its summer time the standard time, and went back only in 1971.
        let london = zone_clock(zone_id("Europe/London").unwrap(), time("1968-07-01T00:00:00Z")).unwrap();
        assert_eq!((london.offset, london.summer_time), (60, true));
        let change = ZoneChange { at: time("1971-10-31T02:00:00Z"), offset: 0, summer_time: false };
        assert_eq!(london.next, Some(change));
    }

    #[test]
    fn a_night_is_a_night_in_the_zone_of_the_lock() {
        let night = NightWindow::new(22 * 60, 6 * 60).unwrap();
        let at = |name: &str, text: &str| minute_of_day(zone_id(name).unwrap(), time(text)).unwrap();
        assert_eq!(at("Asia/Kathmandu", "2026-01-15T00:00:00Z"), 5 * 60 + 45);
        assert!(night.covers(at("Europe/Berlin", "2026-01-15T21:00:00Z")));
        assert!(!night.covers(at("Europe/London", "2026-01-15T21:00:00Z")));
        // In summer the same hour of UTC is later.
        assert!(night.covers(at("Europe/London", "2026-07-15T21:00:00Z")));
    }
}
