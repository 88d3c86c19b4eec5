//! What the device is paired with, and how it speaks.

use super::{About, CONFIG, Choice, EVERY, Kind, LOCKS, NO_BOX, Reach, Section};

pub(crate) const PAIRING_ENABLED: About = About::new(
    Section::Connection,
    "pairingEnabled",
    "Pair by the button",
    "Whether new phones and accessories can be paired by holding the button on the device.",
    Kind::Bool,
)
.danger("While it is on, whoever gets to the device on the inside can pair a phone of their own.")
.on(NO_BOX, CONFIG)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets);

pub(crate) const ADVERTISING_MODE: About = About::new(
    Section::Connection,
    "advertisingMode",
    "How often it calls by Bluetooth",
    "How often the device makes itself known: slower spares the batteries, and everything takes longer to reach it.",
    Kind::choice(&[
        Choice(0, "automatic"),
        Choice(1, "normal"),
        Choice(2, "slow"),
        Choice(3, "slowest"),
    ]),
)
.on(EVERY, CONFIG)
.hub(Reach::ReadsAndSets, Reach::ReadsAndSets);

pub(crate) const KEYPAD_PAIRED: About = About::new(
    Section::Connection,
    "keypadPaired",
    "A keypad is paired",
    "Whether the door can be opened with entry codes.",
    Kind::Bool,
)
.on(EVERY, CONFIG)
.told()
.hub(Reach::Reads, Reach::Reads);

pub(crate) const KEYPAD_2_PAIRED: About = About::new(
    Section::Connection,
    "keypad2Paired",
    "A Keypad 2 is paired",
    "Whether the door can be opened with entry codes and fingerprints.",
    Kind::Bool,
)
.on(EVERY, CONFIG)
.told()
.hub(Reach::Reads, Reach::Reads);

pub(crate) const HOMEKIT_STATE: About = About::new(
    Section::Connection,
    "homekitState",
    "Apple Home",
    "Whether the device can be operated from Apple Home.",
    Kind::choice(&[
        Choice(0, "not available"),
        Choice(1, "off"),
        Choice(2, "on"),
        Choice(3, "on and paired"),
    ]),
)
.on(NO_BOX, CONFIG)
.told()
.hub(Reach::Reads, Reach::None);

pub(crate) const MATTER_STATE: About = About::new(
    Section::Connection,
    "matterState",
    "Matter",
    "Whether the device can be operated from a Matter home.",
    Kind::choice(&[
        Choice(0, "not available"),
        Choice(1, "off, without a certificate"),
        Choice(2, "off"),
        Choice(3, "on"),
        Choice(4, "on and paired"),
    ]),
)
.on(NO_BOX, CONFIG)
.told()
.hub(Reach::Reads, Reach::None);

pub(crate) const WIFI_ENABLED: About = About::new(
    Section::Connection,
    "wifiEnabled",
    "Own WiFi",
    "Whether the device can reach the network by itself, without a bridge.",
    Kind::Bool,
)
.on(LOCKS, CONFIG)
.told()
.hub(Reach::Reads, Reach::None);

pub(crate) const THREAD_CAPABLE: About = About::new(
    Section::Connection,
    "threadCapable",
    "Thread",
    "Whether the device can reach the network by Thread.",
    Kind::Bool,
)
.hub_only(LOCKS)
.hub(Reach::Reads, Reach::None);
