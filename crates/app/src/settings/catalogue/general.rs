//! Name, make and batteries.

use super::{
    ADVANCED_ALL, ADVANCED_AND_OPENER, About, CONFIG, Choice, DOOR, EVERY, FIFTH, Kind, LOCKS_AND_OPENERS,
    NO_BOX, Reach, SMART_DOORS, Section,
};

pub(crate) const NAME: About = About::new(
    Section::General,
    "name",
    "Name on the device",
    "What the device calls itself in the app and towards people who are new to it.",
    Kind::Text { max_bytes: 32 },
)
.on(EVERY, CONFIG)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets)
.by("BLE API; Nuki Hub 9.15");

pub(crate) const AUTO_UPDATE: About = About::new(
    Section::General,
    "autoUpdateEnabled",
    "Install updates by itself",
    "New firmware is installed without anybody asking for it; the device does not answer meanwhile.",
    Kind::Bool,
)
.on(LOCKS_AND_OPENERS, ADVANCED_AND_OPENER)
.hub(Reach::ReadsAndSets, Reach::None);

pub(crate) const DEVICE_TYPE: About = About::new(
    Section::General,
    "deviceType",
    "Kind of device",
    "Which kind of device this is, as it says itself.",
    Kind::choice(&[
        Choice(0, "Smart Lock 1 or 2"),
        Choice(1, "Box"),
        Choice(2, "Opener"),
        Choice(3, "Smart Door"),
        Choice(4, "Smart Lock 3 or 4"),
        Choice(5, "Smart Lock 5"),
    ]),
)
.on(EVERY, CONFIG)
.told()
.hub(Reach::Reads, Reach::None);

pub(crate) const PRODUCT_VARIANT: About = About::new(
    Section::General,
    "productVariant",
    "Model",
    "Which model of the newest generation this is.",
    Kind::choice(&[Choice(1, "Go"), Choice(2, "Pro"), Choice(3, "Ultra")]),
)
.on(FIFTH, CONFIG)
.told()
.hub(Reach::Reads, Reach::None);

const UNKNOWN: Choice = Choice(255, "unknown");
const ALKALINE: Choice = Choice(0, "alkaline");
const RECHARGEABLE: Choice = Choice(1, "rechargeable");
const LITHIUM: Choice = Choice(2, "lithium");
const FIXED: Choice = Choice(3, "built in");

pub(crate) const BATTERY_TYPE: About = About::new(
    Section::Battery,
    "batteryType",
    "Kind of batteries",
    "Which batteries are inside, so that the warning comes neither too early nor too late.",
    Kind::Choice { of: &[ALKALINE, RECHARGEABLE, LITHIUM], also: &[FIXED, UNKNOWN] },
)
.danger("With the wrong kind the device may stop before it warns.")
.on(NO_BOX, ADVANCED_ALL)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets)
.note("not told by the Ultra and the 5th generation over Nuki Hub");

pub(crate) const AUTOMATIC_BATTERY_TYPE: About = About::new(
    Section::Battery,
    "automaticBatteryTypeDetection",
    "Recognise the batteries by itself",
    "The device finds out which batteries are inside instead of being told.",
    Kind::Bool,
)
.on(NO_BOX, ADVANCED_ALL)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets)
.note("not told by the Ultra and the 5th generation over Nuki Hub");

pub(crate) const SUPPORTED_BATTERY_TYPES: About = About::new(
    Section::Battery,
    "supportedBatteryTypes",
    "Batteries it can work with",
    "Which batteries may be put in.",
    Kind::Several(&[ALKALINE, RECHARGEABLE, LITHIUM, FIXED, Choice(254, "automatic"), UNKNOWN]),
)
.on(SMART_DOORS, DOOR)
.told();
