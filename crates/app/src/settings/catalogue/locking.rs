//! What the bolt and the latch do.

use super::{
    ADVANCED, ADVANCED_AND_DOOR, About, CONFIG, Choice, FIFTH, Kind, LOCKS, LOCKS_AND_BOX, Reach, Section,
    TURNING, TURNING_AND_BOX, Unit,
};

pub(crate) const LIFT_UP_HANDLE: About = About::new(
    Section::Locking,
    "liftUpHandle",
    "Handle must be lifted to lock",
    "Tells the lock that this door can be locked only after its handle was lifted.",
    Kind::Bool,
)
.on(TURNING, CONFIG);

pub(crate) const SINGLE_LOCK: About = About::new(
    Section::Locking,
    "singleLock",
    "Lock with one turn",
    "The lock turns once instead of twice when it locks.",
    Kind::Bool,
)
.danger("The bolt comes out less far, so the door holds less.")
.on(LOCKS_AND_BOX, CONFIG)
.hub(Reach::ReadsAndSets, Reach::None);

pub(crate) const LOCK_N_GO_TIMEOUT: About = About::new(
    Section::Locking,
    "lngTimeout",
    "Lock ’n’ Go locks after",
    "How long the door stays unlocked after Lock ’n’ Go before the lock locks it again.",
    Kind::OneOf { of: &[5, 10, 15, 20, 30, 45, 60], unit: Unit::Seconds },
)
.danger("Until then the door is not locked.")
.on(TURNING, ADVANCED_AND_DOOR)
.hub(Reach::ReadsAndSets, Reach::None)
.normally("20", "Home Assistant 2026.2, lock_n_go");

pub(crate) const DETACHED_CYLINDER: About = About::new(
    Section::Locking,
    "detachedCylinder",
    "Key outside turns without the lock",
    "Tells the lock that a key turned outside does not turn the inner side of this cylinder.",
    Kind::Bool,
)
.danger("Such a lock cannot notice that somebody used a key: it may show locked what is open.")
.on(LOCKS, ADVANCED)
.hub(Reach::ReadsAndSets, Reach::None);

pub(crate) const AUTO_UNLATCH: About = About::new(
    Section::Unlatching,
    "autoUnlatch",
    "Unlocking also opens the door",
    "With every unlock the lock also pulls the latch, as a door with a knob outside needs it.",
    Kind::Bool,
)
.danger("The door comes open with every unlock, also from afar and when nobody stands there.")
.on(TURNING_AND_BOX, CONFIG)
.hub(Reach::ReadsAndSets, Reach::None);

pub(crate) const UNLATCH_DURATION: About = About::new(
    Section::Unlatching,
    "unlatchDuration",
    "Hold the latch for",
    "How long the latch is held back so that the door can be pushed open.",
    Kind::OneOf { of: &[1, 3, 5, 7, 10, 15, 20, 30], unit: Unit::Seconds },
)
.danger("As long as it is held, anybody can push the door open.")
.on(TURNING, ADVANCED_AND_DOOR)
.hub(Reach::ReadsAndSets, Reach::None)
.normally("3", "Nuki Hub; hass_nuki_bt issue 141");

pub(crate) const AUTO_LOCK: About = About::new(
    Section::AutoLock,
    "autoLock",
    "Lock by itself",
    "The door is locked again some time after it was unlocked, without anybody doing it.",
    Kind::Bool,
)
.danger("Without a door sensor the lock does not know that the door is open and pushes the bolt out all the same.")
.on(TURNING, ADVANCED_AND_DOOR)
.hub(Reach::ReadsAndSets, Reach::None)
.note("from firmware 2.7.8 (second generation) or 1.9.1 (first); before, a time of 0 switches it off");

pub(crate) const AUTO_LOCK_TIMEOUT: About = About::new(
    Section::AutoLock,
    "autoLockTimeout",
    "Lock by itself after",
    "How long the door stays unlocked before the lock locks it by itself.",
    Kind::Int { min: 2, max: 1_800, step: 30, unit: Unit::Seconds },
)
.on(TURNING, ADVANCED_AND_DOOR)
.hub(Reach::ReadsAndSets, Reach::None)
.normally("300", "Nuki help 360013922738")
.note("from firmware 2.7.8 (second generation) or 1.9.1 (first) at least 2; Nuki Hub sets 30 to 255 only")
.by("Web API 4.10.0 (from 2); Nuki help 4407476465937 (to 30 minutes)");

pub(crate) const IMMEDIATE_AUTO_LOCK: About = About::new(
    Section::AutoLock,
    "immediateAutoLockEnabled",
    "Lock as soon as the door is closed",
    "The door is locked when its sensor sees it closed, instead of after the time above.",
    Kind::Bool,
)
.danger("Who steps out without a key or a phone and lets the door fall shut is locked out at once.")
.hub_only(TURNING)
.hub(Reach::ReadsAndSets, Reach::None);

pub(crate) const AUTO_UNLOCK_DISABLED: About = About::new(
    Section::AutoLock,
    "autoUnLockDisabled",
    "No Auto Unlock",
    "Phones that come home no longer open this door by themselves.",
    Kind::Bool,
)
.hub_only(TURNING)
.hub(Reach::ReadsAndSets, Reach::None);

pub(crate) const MOTOR_SPEED: About = About::new(
    Section::Motor,
    "motorSpeed",
    "Motor speed",
    "How fast the lock turns: faster is louder, slower is quieter.",
    Kind::choice(&[Choice(0, "standard"), Choice(1, "fast"), Choice(2, "slow")]),
)
.on(FIFTH, ADVANCED)
.hub(Reach::ReadsAndSets, Reach::None)
.note("Ultra and 5th generation Pro");
