//! The simulator's own clock: a lock does not ask the server what time it is.

use std::time::Duration;

use crate::memory::codes::Stamp;
use crate::spec::LockSpec;

#[expect(clippy::disallowed_methods, reason = "a virtual lock has a clock of its own")]
pub(crate) fn now(offset: Duration) -> jiff::Timestamp {
    jiff::Timestamp::now().saturating_sub(offset).unwrap_or(jiff::Timestamp::MIN)
}

/// What the lock's own clock shows, as MQTT API 1.4 `timestamp` writes it.
pub(crate) fn lock_time(offset: Duration) -> String {
    iso(now(offset))
}

pub(crate) fn iso(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Where the lock stands, by its own clock.
pub(crate) fn local(spec: &LockSpec) -> Stamp {
    local_at(spec.time_zone_minutes, spec.clock_offset)
}

pub(crate) fn local_at(zone_minutes: i16, offset: Duration) -> Stamp {
    let zone = jiff::SignedDuration::from_mins(i64::from(zone_minutes));
    stamp(now(offset).saturating_add(zone).unwrap_or(jiff::Timestamp::MIN))
}

pub(crate) fn utc_at(offset: Duration) -> Stamp {
    stamp(now(offset))
}

fn stamp(at: jiff::Timestamp) -> Stamp {
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    let two = |part: i8| u16::try_from(part).unwrap_or_default();
    Stamp([
        u16::try_from(at.year()).unwrap_or_default(),
        two(at.month()),
        two(at.day()),
        two(at.hour()),
        two(at.minute()),
        two(at.second()),
    ])
}
