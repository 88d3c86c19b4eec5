//! Night mode. The Web API has only its slow motor; the rest is Nuki Hub's.

use super::{ADVANCED, About, FIFTH, Kind, Reach, Section, TURNING};

const fn hub_only(key: &'static str, label: &'static str, help: &'static str, kind: Kind) -> About {
    About::new(Section::NightMode, key, label, help, kind)
        .hub_only(TURNING)
        .hub(Reach::ReadsAndSets, Reach::None)
}

pub(crate) const NIGHT_MODE: About = hub_only(
    "nightModeEnabled",
    "Night mode",
    "Every day between the two times below, the lock keeps the rules of this section.",
    Kind::Bool,
);

pub(crate) const NIGHT_MODE_START: About = hub_only(
    "nightModeStartTime",
    "The night begins at",
    "From this time on, by the clock of the lock, the rules of the night are kept.",
    Kind::MinuteOfDay,
);

pub(crate) const NIGHT_MODE_END: About = hub_only(
    "nightModeEndTime",
    "The night ends at",
    "At this time, usually on the next morning, the rules of the day are back; the door is not unlocked by it.",
    Kind::MinuteOfDay,
);

pub(crate) const NIGHT_MODE_AUTO_LOCK: About = hub_only(
    "nightModeAutoLockEnabled",
    "Lock by itself at night",
    "At night the door is always locked again by itself, with two turns.",
    Kind::Bool,
)
.danger("Without a door sensor the lock does not know that the door is open and pushes the bolt out all the same.");

pub(crate) const NIGHT_MODE_AUTO_UNLOCK_DISABLED: About = hub_only(
    "nightModeAutoUnlockDisabled",
    "No Auto Unlock at night",
    "At night no phone that comes home opens the door by itself.",
    Kind::Bool,
);

pub(crate) const NIGHT_MODE_LOCK_ON_START: About = hub_only(
    "nightModeImmediateLockOnStart",
    "Lock when the night begins",
    "The door is locked at the minute the night begins, whoever is in or out.",
    Kind::Bool,
)
.danger("Who is outside without a key at that minute is locked out.");

pub(crate) const NIGHT_MODE_SLOW_SPEED: About = About::new(
    Section::NightMode,
    "enableSlowSpeedDuringNightmode",
    "Turn slowly at night",
    "At night the lock turns slowly, so that it wakes nobody.",
    Kind::Bool,
)
.on(FIFTH, ADVANCED)
.hub(Reach::ReadsAndSets, Reach::None)
.note("Ultra and 5th generation Pro");
