//! An opener's intercom and ring to open. Milliseconds are the device's; a page may show seconds.

use super::super::intercoms::OPERATING_MODES;
use super::{About, CONFIG, Choice, HUB, Kind, OPENER, OPENERS, Reach, Section, Unit};

pub(crate) const CAPABILITIES: About = About::new(
    Section::Intercom,
    "capabilities",
    "What it can do here",
    "Whether this intercom lets it open the door from the app, on a ring, or both.",
    Kind::choice(&[
        Choice(0, "open the door"),
        Choice(1, "open the door and ring to open"),
        Choice(2, "ring to open"),
    ]),
)
.on(OPENERS, CONFIG)
.told()
.hub(Reach::None, Reach::Reads);

pub(crate) const OPERATING_MODE: About = About::new(
    Section::Intercom,
    "operatingMode",
    "Kind of intercom",
    "How the opener speaks with the intercom it is wired to.",
    Kind::choice(OPERATING_MODES),
)
.danger("If it does not fit the wiring, the bell is not heard and the door cannot be opened.")
.on(OPENERS, CONFIG)
.told()
.hub(Reach::None, Reach::ReadsAndSets);

const fn intercom(key: &'static str, label: &'static str, help: &'static str, kind: Kind) -> About {
    About::new(Section::Intercom, key, label, help, kind)
        .on(OPENERS, OPENER)
        .hub(Reach::None, Reach::ReadsAndSets)
}

pub(crate) const INTERCOM_ID: About = intercom(
    "intercomId",
    "Model of intercom",
    "The number of the intercom in Nuki’s own list, chosen when it was set up.",
    // 65535 is how firmware says that it knows no such thing.
    Kind::int(0, 65_534, Unit::None),
)
.danger("If it does not fit the wiring, the bell is not heard and the door cannot be opened.")
.told()
.by(HUB);

pub(crate) const BUS_MODE_SWITCH: About = intercom(
    "busModeSwitch",
    "How it switches the line",
    "How the opener changes between listening to the intercom and speaking on its line.",
    Kind::choice(&[Choice(0, "not at all"), Choice(1, "short circuit")]),
)
.told()
.by(HUB);

pub(crate) const SHORT_CIRCUIT_DURATION: About = intercom(
    "shortCircuitDuration",
    "Length of the short circuit",
    "How long the line is closed to switch it.",
    Kind::Int { min: 0, max: 65_530, step: 10, unit: Unit::Milliseconds },
)
.by(HUB);

pub(crate) const STRIKE_DELAY: About = intercom(
    "electricStrikeDelay",
    "Wait before opening",
    "How long the opener waits before it opens the door to somebody who rang.",
    Kind::Int { min: 0, max: 30_000, step: 100, unit: Unit::Milliseconds },
)
.by(HUB);

pub(crate) const RANDOM_STRIKE_DELAY: About = intercom(
    "randomElectricStrikeDelay",
    "Wait now longer, now shorter",
    "The opener waits 3 to 7 seconds, each time different, as if somebody at home had opened.",
    Kind::Bool,
);

pub(crate) const STRIKE_DURATION: About = intercom(
    "electricStrikeDuration",
    "Keep it open for",
    "How long the door can be pushed open after the opener opened it.",
    Kind::Int { min: 1_000, max: 30_000, step: 500, unit: Unit::Milliseconds },
)
.danger("As long as it is open, anybody can walk in.")
.by(HUB);

const fn ring_to_open(key: &'static str, label: &'static str, help: &'static str, kind: Kind) -> About {
    About::new(Section::RingToOpen, key, label, help, kind)
        .on(OPENERS, OPENER)
        .hub(Reach::None, Reach::ReadsAndSets)
}

pub(crate) const RTO_TIMEOUT: About = ring_to_open(
    "rtoTimeout",
    "Ring to open ends after",
    "How long everybody who rings is let in after ring to open was switched on.",
    Kind::Int { min: 5, max: 60, step: 5, unit: Unit::Minutes },
)
.danger("Until then whoever rings gets into the house.")
.by(HUB);

pub(crate) const DISABLE_RTO_AFTER_RING: About = ring_to_open(
    "disableRtoAfterRing",
    "Ring to open ends with the first ring",
    "Only the first who rings is let in, then ring to open is off.",
    Kind::Bool,
);
