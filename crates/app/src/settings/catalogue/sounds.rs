//! What an opener sounds like, and when the bell in the flat is kept silent.

use super::{About, Choice, HUB, Kind, OPENER, OPENERS, Reach, Section, Unit};

const fn sound(key: &'static str, label: &'static str, help: &'static str, kind: Kind) -> About {
    About::new(Section::Sounds, key, label, help, kind)
        .on(OPENERS, OPENER)
        .hub(Reach::None, Reach::ReadsAndSets)
}

const TUNES: Kind =
    Kind::choice(&[Choice(0, "none"), Choice(1, "sound 1"), Choice(2, "sound 2"), Choice(3, "sound 3")]);

pub(crate) const SOUND_LEVEL: About = sound(
    "soundLevel",
    "Loudness",
    "How loud the opener is; 0 is silent.",
    Kind::Int { min: 0, max: 255, step: 5, unit: Unit::None },
)
.by(HUB);

pub(crate) const SOUND_RING: About =
    sound("soundRing", "Sound of a ring", "What the opener plays when somebody rings.", TUNES);

pub(crate) const SOUND_OPEN: About =
    sound("soundOpen", "Sound of opening", "What the opener plays when it opens the door.", TUNES);

pub(crate) const SOUND_RTO: About = sound(
    "soundRto",
    "Sound of ring to open",
    "What the opener plays when a ring opens the door while ring to open is on.",
    TUNES,
);

pub(crate) const SOUND_CM: About = sound(
    "soundCm",
    "Sound of continuous mode",
    "What the opener plays when a ring opens the door while continuous mode is on.",
    TUNES,
);

pub(crate) const SOUND_CONFIRMATION: About = sound(
    "soundConfirmation",
    "Beep when operated",
    "Whether the opener beeps when it was told something.",
    Kind::choice(&[Choice(0, "no"), Choice(1, "yes")]),
);

/// As the Web API counts: 1 when neither mode is on, 2 ring to open, 4 continuous mode. Bluetooth, and so Nuki Hub,
/// counts 1 continuous mode, 2 ring to open, 4 otherwise; the connector translates by the words.
pub(crate) const DOORBELL_SUPPRESSION: About = sound(
    "doorbellSuppression",
    "Keep the bell silent",
    "When the bell in the flat stays silent although somebody rings.",
    Kind::choice(&[
        Choice(0, "never"),
        Choice(1, "while no ring opens"),
        Choice(2, "in ring to open"),
        Choice(3, "except in continuous mode"),
        Choice(4, "in continuous mode"),
        Choice(5, "except in ring to open"),
        Choice(6, "in ring to open and continuous mode"),
        Choice(7, "always"),
    ]),
)
.danger("Nobody hears the bell.");

pub(crate) const DOORBELL_SUPPRESSION_DURATION: About = sound(
    "doorbellSuppressionDuration",
    "Keep the bell silent for",
    "How long the bell is kept silent after a ring, with a digital intercom.",
    Kind::Int { min: 500, max: 10_000, step: 100, unit: Unit::Milliseconds },
)
.note("only with operating mode 2, digital intercom")
.by(HUB);
