//! Where the bolt stops, and where the door is.

use super::{ADVANCED, About, CONFIG, EVERY, HUB, Kind, LOCKS, Reach, Section, Unit};

pub(crate) const TOTAL_DEGREES: About = About::new(
    Section::Positions,
    "totalDegrees",
    "Whole way of the bolt",
    "How far the lock turned from end to end when it was calibrated.",
    Kind::int(0, 65_535, Unit::Degrees),
)
.on(LOCKS, ADVANCED)
.told()
.hub(Reach::Reads, Reach::None);

const fn offset(key: &'static str, label: &'static str, help: &'static str, min: i64, max: i64) -> About {
    About::new(Section::Positions, key, label, help, Kind::Degrees { min, max })
        .danger("Turned too far the motor blocks, turned too little the door may be neither locked nor open.")
        .on(LOCKS, ADVANCED)
        .hub(Reach::ReadsAndSets, Reach::None)
        .by(HUB)
}

pub(crate) const UNLOCKED_OFFSET: About = offset(
    "unlockedPositionOffsetDegrees",
    "Shift where unlocked is",
    "How much further or less far the lock turns when it unlocks.",
    -90,
    180,
);

pub(crate) const LOCKED_OFFSET: About = offset(
    "lockedPositionOffsetDegrees",
    "Shift where locked is",
    "How much further or less far the lock turns when it locks.",
    -180,
    90,
);

pub(crate) const SINGLE_LOCKED_OFFSET: About = offset(
    "singleLockedPositionOffsetDegrees",
    "Shift where locked with one turn is",
    "How much further or less far the lock turns when it locks with one turn.",
    -180,
    180,
);

pub(crate) const TRANSITION_OFFSET: About = offset(
    "unlockedToLockedTransitionOffsetDegrees",
    "Shift between unlocked and locked",
    "From which position on a door whose key is turned counts as locked.",
    -180,
    180,
);

const fn place(key: &'static str, label: &'static str, help: &'static str, max: f64) -> About {
    About::new(Section::Location, key, label, help, Kind::Coordinate { max })
        .danger("With a wrong place Auto Unlock works somewhere else or not at all.")
        .on(EVERY, CONFIG)
        .hub(Reach::Sets, Reach::Sets)
        .note("Nuki Hub sets only what is greater than 0, and does not tell it")
}

pub(crate) const LATITUDE: About = place(
    "latitude",
    "Latitude",
    "How far north the door is, south is below 0; phones that come home go by it.",
    90.0,
);

pub(crate) const LONGITUDE: About = place(
    "longitude",
    "Longitude",
    "How far east of Greenwich the door is, west is below 0; phones that come home go by it.",
    180.0,
);
