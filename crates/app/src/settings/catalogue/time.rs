//! The device's clock.

use super::{About, CONFIG, Choice, EVERY, Kind, Reach, Section, Unit};

pub(crate) const TIMEZONE: About = About::new(
    Section::Time,
    "timezoneId",
    "Time zone",
    "By which clock the device keeps its schedules, entry codes and night mode, summer time included.",
    Kind::TimeZone,
)
.danger("With a wrong zone codes and schedules work hours too early or too late.")
.on(EVERY, CONFIG)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets)
.note("none (65535) where the firmware knows no time zones");

pub(crate) const TIMEZONE_OFFSET: About = About::new(
    Section::Time,
    "timezoneOffset",
    "Offset without a time zone",
    "How far its clock is from UTC, on a device that knows no time zones.",
    Kind::int(-720, 840, Unit::Minutes),
)
.on(EVERY, CONFIG)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets)
.note("replaced by the time zone; Nuki Hub sets 0 to 60 only")
.by("the offsets that are in use in the world");

pub(crate) const DAYLIGHT_SAVING_MODE: About = About::new(
    Section::Time,
    "daylightSavingMode",
    "Summer time without a time zone",
    "Whether its clock follows European summer time, on a device that knows no time zones.",
    Kind::choice(&[Choice(0, "off"), Choice(1, "European")]),
)
.on(EVERY, CONFIG)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets)
.note("replaced by the time zone");
