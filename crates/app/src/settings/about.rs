//! What is known of one setting, and the kinds of values there are.

use super::SettingValue;
use super::zones::{NO_ZONE, zone_name};
use crate::devices::DeviceType;

/// A heading of the page, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    General,
    Locking,
    Unlatching,
    AutoLock,
    NightMode,
    Buttons,
    Fob,
    Motor,
    Positions,
    Battery,
    Connection,
    Location,
    Time,
    Intercom,
    RingToOpen,
    Sounds,
}

impl Section {
    pub const ALL: &'static [Self] = &[
        Self::General,
        Self::Locking,
        Self::Unlatching,
        Self::AutoLock,
        Self::NightMode,
        Self::Buttons,
        Self::Fob,
        Self::Motor,
        Self::Positions,
        Self::Battery,
        Self::Connection,
        Self::Location,
        Self::Time,
        Self::Intercom,
        Self::RingToOpen,
        Self::Sounds,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Locking => "Locking",
            Self::Unlatching => "Unlatching",
            Self::AutoLock => "Auto lock and auto unlock",
            Self::NightMode => "Night mode",
            Self::Buttons => "Buttons, light and beeps",
            Self::Fob => "Fob",
            Self::Motor => "Motor",
            Self::Positions => "Positions of the bolt",
            Self::Battery => "Batteries",
            Self::Connection => "Pairing and connection",
            Self::Location => "Where the door is",
            Self::Time => "Time",
            Self::Intercom => "Intercom",
            Self::RingToOpen => "Ring to open",
            Self::Sounds => "Sounds",
        }
    }
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Steps of a scale, or a number that only names something.
    None,
    Milliseconds,
    Seconds,
    Minutes,
    Degrees,
}

impl Unit {
    /// What stands behind a number of this unit.
    pub const fn word(self, number: i64) -> &'static str {
        match (self, number) {
            (Self::None, _) => "",
            (Self::Milliseconds, _) => " ms",
            (Self::Seconds, 1) => " second",
            (Self::Seconds, _) => " seconds",
            (Self::Minutes, 1) => " minute",
            (Self::Minutes, _) => " minutes",
            (Self::Degrees, _) => "°",
        }
    }
}

/// A number with its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice(pub i64, pub &'static str);

/// What a value is, and which are right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Bool,
    /// `step` is what a form moves by; every whole number between is right.
    Int {
        min: i64,
        max: i64,
        step: i64,
        unit: Unit,
    },
    /// These numbers and no others.
    OneOf {
        of: &'static [i64],
        unit: Unit,
    },
    /// One of `of` is set; what stands in `also` is only ever told.
    Choice {
        of: &'static [Choice],
        also: &'static [Choice],
    },
    /// Any of these at once, in text as numbers in ascending order with commas.
    Several(&'static [Choice]),
    Text {
        max_bytes: usize,
    },
    /// 0 is midnight, in the device's own time zone.
    MinuteOfDay,
    /// How far a position is moved.
    Degrees {
        min: i64,
        max: i64,
    },
    /// Degrees from the equator or from Greenwich, at most so many either way.
    Coordinate {
        max: f64,
    },
    /// One of [`super::ZONES`] by its number.
    TimeZone,
}

/// How a value looks in the JSON of the Web API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Boolean,
    Integer,
    Number,
    String,
    /// Of integers.
    Array,
}

impl Kind {
    pub(super) const fn choice(of: &'static [Choice]) -> Self {
        Self::Choice { of, also: &[] }
    }

    pub(super) const fn int(min: i64, max: i64, unit: Unit) -> Self {
        Self::Int { min, max, step: 1, unit }
    }

    pub const fn wire(self) -> Wire {
        match self {
            Self::Bool => Wire::Boolean,
            Self::Coordinate { .. } => Wire::Number,
            Self::Text { .. } => Wire::String,
            Self::Several(_) => Wire::Array,
            Self::Int { .. }
            | Self::OneOf { .. }
            | Self::Choice { .. }
            | Self::MinuteOfDay
            | Self::Degrees { .. }
            | Self::TimeZone => Wire::Integer,
        }
    }

    /// The word for a number of a choice or for a time zone.
    pub fn word(self, code: i64) -> Option<&'static str> {
        let find = |choices: &[Choice]| choices.iter().find(|choice| choice.0 == code).map(|choice| choice.1);
        match self {
            Self::Choice { of, also } => find(of).or_else(|| find(also)),
            Self::Several(of) => find(of),
            Self::TimeZone if code == NO_ZONE => Some("none"),
            Self::TimeZone => zone_name(code),
            _ => None,
        }
    }

    /// A value for a person: `22:00`, `20 seconds`, `on`; a number nobody has a word for as `unknown (9)`.
    pub fn in_words(self, value: &SettingValue) -> String {
        match (self, value) {
            (_, SettingValue::Bool(on)) => if *on { "on" } else { "off" }.to_owned(),
            (Self::Int { unit, .. } | Self::OneOf { unit, .. }, SettingValue::Int(number)) => {
                format!("{number}{}", unit.word(*number))
            }
            (Self::Degrees { .. }, SettingValue::Int(number)) => format!("{number}°"),
            (Self::MinuteOfDay, SettingValue::Int(minute)) if (0..1_440).contains(minute) => {
                format!("{:02}:{:02}", minute / 60, minute % 60)
            }
            (Self::Several(_), SettingValue::Text(codes)) => {
                let words = codes.split(',').map(|code| match code.parse() {
                    Ok(number) => self.worded(number),
                    Err(_) => format!("unknown ({code})"),
                });
                words.collect::<Vec<_>>().join(", ")
            }
            (_, SettingValue::Int(number)) => self.worded(*number),
            (Self::Coordinate { .. }, SettingValue::Float(degrees)) => format!("{degrees}°"),
            (_, SettingValue::Float(number)) => number.to_string(),
            (_, SettingValue::Text(text)) => text.clone(),
        }
    }

    fn worded(self, code: i64) -> String {
        self.word(code).map_or_else(|| format!("unknown ({code})"), str::to_owned)
    }
}

/// A model of the Web API (4.10.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// `Smartlock.Config`
    Config,
    /// `Smartlock.AdvancedConfig`
    Advanced,
    /// `Smartlock.OpenerAdvancedConfig`
    Opener,
    /// `Smartlock.SmartdoorAdvancedConfig`
    SmartDoor,
}

impl Model {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "Config",
            Self::Advanced => "AdvancedConfig",
            Self::Opener => "OpenerAdvancedConfig",
            Self::SmartDoor => "SmartdoorAdvancedConfig",
        }
    }
}

/// A way by which settings reach a device. Nuki's own MQTT and the Bridge know none (MQTT API 1.4, Bridge API 1.13.3);
/// what neither of these can set is set in the Nuki app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Nuki Web API 4.10.0.
    NukiWeb,
    /// Nuki Hub 9.15.
    NukiHub,
}

impl Way {
    pub const ALL: &'static [Self] = &[Self::NukiWeb, Self::NukiHub];

    pub const fn name(self) -> &'static str {
        match self {
            Self::NukiWeb => "Nuki Web",
            Self::NukiHub => "Nuki Hub",
        }
    }
}

/// What a way can do with a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    None,
    Reads,
    ReadsAndSets,
    /// It is never told what became of it.
    Sets,
}

impl Reach {
    pub const fn sets(self) -> bool {
        matches!(self, Self::ReadsAndSets | Self::Sets)
    }

    pub const fn reads(self) -> bool {
        matches!(self, Self::Reads | Self::ReadsAndSets)
    }
}

/// What a new device has, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normal {
    /// As stored.
    pub value: &'static str,
    pub source: &'static str,
}

/// Everything known of one setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct About {
    pub key: &'static str,
    pub section: Section,
    /// The only one of its words on the page of a device.
    pub label: &'static str,
    /// One sentence: what changes at the door.
    pub help: &'static str,
    /// What can go wrong at the door, where something can.
    pub danger: Option<&'static str>,
    pub kind: Kind,
    /// Where an opener has other values than a lock.
    pub on_openers: Option<Kind>,
    pub devices: &'static [DeviceType],
    /// Where the Web API has it; nowhere: Nuki Hub adds it.
    pub models: &'static [Model],
    pub web: Reach,
    pub hub_on_locks: Reach,
    pub hub_on_openers: Reach,
    pub normal: Option<Normal>,
    /// Which firmware has it, and where a way falls short.
    pub note: Option<&'static str>,
    /// Who says which values are right.
    pub source: &'static str,
}

impl About {
    /// A setting that the Web API has and can set; the rest is said by what follows.
    pub(super) const fn new(
        section: Section,
        key: &'static str,
        label: &'static str,
        help: &'static str,
        kind: Kind,
    ) -> Self {
        Self {
            key,
            section,
            label,
            help,
            danger: None,
            kind,
            on_openers: None,
            devices: &[],
            models: &[],
            web: Reach::ReadsAndSets,
            hub_on_locks: Reach::None,
            hub_on_openers: Reach::None,
            normal: None,
            note: None,
            source: "Web API 4.10.0",
        }
    }

    pub(super) const fn danger(self, danger: &'static str) -> Self {
        Self { danger: Some(danger), ..self }
    }

    pub(super) const fn or_on_openers(self, kind: Kind) -> Self {
        Self { on_openers: Some(kind), ..self }
    }

    pub(super) const fn on(self, devices: &'static [DeviceType], models: &'static [Model]) -> Self {
        Self { devices, models, ..self }
    }

    /// The Web API only tells it.
    pub(super) const fn told(self) -> Self {
        Self { web: Reach::Reads, ..self }
    }

    /// The Web API does not know it.
    pub(super) const fn hub_only(self, devices: &'static [DeviceType]) -> Self {
        Self { devices, web: Reach::None, source: "Nuki Hub 9.15", ..self }
    }

    pub(super) const fn hub(self, locks: Reach, openers: Reach) -> Self {
        Self { hub_on_locks: locks, hub_on_openers: openers, ..self }
    }

    pub(super) const fn normally(self, value: &'static str, source: &'static str) -> Self {
        Self { normal: Some(Normal { value, source }), ..self }
    }

    pub(super) const fn note(self, note: &'static str) -> Self {
        Self { note: Some(note), ..self }
    }

    pub(super) const fn by(self, source: &'static str) -> Self {
        Self { source, ..self }
    }
}
