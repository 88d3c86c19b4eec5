//! A value of a setting, and its one form in the database.

use std::collections::BTreeSet;

use super::Setting;
use super::about::Wire;
use crate::devices::DeviceType;

/// Two coordinates nearer than this are the same place: locks keep 32-bit floats, which at 180° are 0.000 015° apart.
const SAME_PLACE: f64 = 0.000_02;

/// A value as a device says it or should have it. Numbers that nobody has a word for are kept as they came.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    Bool(bool),
    /// Also a choice, a time zone and a minute of the day.
    Int(i64),
    /// Finite.
    Float(f64),
    Text(String),
}

impl SettingValue {
    /// As stored; [`SettingValue::from_stored`] reads it again.
    pub fn stored(&self) -> String {
        match self {
            Self::Bool(on) => on.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    /// Nothing, if this setting cannot have been stored like that.
    pub fn from_stored(setting: Setting, text: &str) -> Option<Self> {
        // Kinds differ between devices, what they are made of does not.
        match setting.about().kind.wire() {
            Wire::Boolean => text.parse().ok().map(Self::Bool),
            Wire::Integer => text.parse().ok().map(Self::Int),
            Wire::Number => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Float),
            Wire::String | Wire::Array => Some(Self::Text(text.to_owned())),
        }
    }

    /// Several choices, in their one form.
    pub fn from_codes(codes: &[i64]) -> Self {
        let ascending: BTreeSet<_> = codes.iter().collect();
        Self::Text(ascending.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    }

    /// The numbers of several choices; none of anything else.
    pub fn codes(&self) -> Vec<i64> {
        match self {
            Self::Text(text) => text.split(',').filter_map(|code| code.parse().ok()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a device that says `other` has what was asked of it: equal, or for a place as near as it can be kept.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(one), Self::Float(other)) => (one - other).abs() < SAME_PLACE,
            _ => self == other,
        }
    }

    /// For a person.
    pub fn in_words(&self, setting: Setting, device: DeviceType) -> String {
        setting.kind(device).in_words(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(setting: Setting) -> Vec<SettingValue> {
        match setting.about().kind.wire() {
            Wire::Boolean => vec![SettingValue::Bool(false), SettingValue::Bool(true)],
            Wire::Integer => [i64::MIN, -90, -1, 0, 1, 255, 65_535, i64::MAX].map(SettingValue::Int).to_vec(),
            Wire::Number => [-180.0, -0.000_001, 0.0, 48.208_176, 16.373_819, 1e-7, f64::MAX]
                .map(SettingValue::Float)
                .to_vec(),
            Wire::String | Wire::Array => ["", "0,2", "Front door", "true", "Haustür ☂ 2\u{1f6aa}", " "]
                .map(|text| SettingValue::Text(text.to_owned()))
                .to_vec(),
        }
    }

    #[test]
    fn every_value_is_read_as_it_was_stored() {
        for setting in Setting::ALL {
            for value in examples(*setting) {
                let text = value.stored();
                assert_eq!(SettingValue::from_stored(*setting, &text), Some(value), "{setting:?} {text}");
            }
        }
    }

    #[test]
    fn what_a_setting_cannot_be_is_not_read() {
        for (setting, text) in [
            (Setting::AutoUnlatch, "1"),
            (Setting::AutoUnlatch, "True"),
            (Setting::AutoLockTimeout, "300.0"),
            (Setting::AutoLockTimeout, ""),
            (Setting::NightModeStart, "22:00"),
            (Setting::Latitude, "north"),
            (Setting::Latitude, "NaN"),
            (Setting::Latitude, "inf"),
        ] {
            assert_eq!(SettingValue::from_stored(setting, text), None, "{setting:?} {text}");
        }
    }

    #[test]
    fn several_choices_have_one_form() {
        let several = SettingValue::from_codes(&[254, 0, 2, 0]);
        assert_eq!(several, SettingValue::Text("0,2,254".to_owned()));
        assert_eq!(several.codes(), [0, 2, 254]);
        let none = SettingValue::from_codes(&[]);
        assert_eq!((none.stored().as_str(), none.codes().len()), ("", 0));
        assert!(SettingValue::Int(3).codes().is_empty());
    }

    #[test]
    fn a_place_agrees_with_what_a_lock_can_keep_of_it_and_with_no_other() {
        #[expect(clippy::cast_possible_truncation, reason = "this is what the lock does")]
        let kept = |degrees: f64| SettingValue::Float(f64::from(degrees as f32));
        for degrees in [48.208_176, 16.373_819, 179.999_99, 0.000_001] {
            assert!(SettingValue::Float(degrees).agrees(&kept(degrees)), "{degrees}");
            assert!(
                !SettingValue::Float(degrees).agrees(&SettingValue::Float(degrees + 0.000_1)),
                "{degrees}"
            );
        }
        assert!(
            SettingValue::Int(5).agrees(&SettingValue::Int(5))
                && !SettingValue::Int(5).agrees(&SettingValue::Int(6))
        );
        assert!(!SettingValue::Int(1).agrees(&SettingValue::Bool(true)));
    }

    #[test]
    fn a_person_reads_words_and_units_and_is_told_what_nobody_knows() {
        let lock = DeviceType::SmartLock34;
        for (setting, device, value, words) in [
            (Setting::AutoUnlatch, lock, SettingValue::Bool(true), "on"),
            (Setting::LockNGoTimeout, lock, SettingValue::Int(20), "20 seconds"),
            (Setting::UnlatchDuration, lock, SettingValue::Int(1), "1 second"),
            (Setting::NightModeStart, lock, SettingValue::Int(1_320), "22:00"),
            (Setting::NightModeEnd, lock, SettingValue::Int(1_500), "unknown (1500)"),
            (Setting::LockedOffset, lock, SettingValue::Int(-90), "-90°"),
            (Setting::SinglePress, lock, SettingValue::Int(1), "lock or unlock, whichever fits"),
            (Setting::SinglePress, DeviceType::Opener, SettingValue::Int(1), "ring to open on or off"),
            (Setting::SinglePress, lock, SettingValue::Int(9), "unknown (9)"),
            (Setting::Timezone, lock, SettingValue::Int(37), "Europe/Berlin"),
            (Setting::Timezone, lock, SettingValue::Int(65_535), "none"),
            (Setting::Latitude, lock, SettingValue::Float(48.2), "48.2°"),
            (
                Setting::SupportedBatteryTypes,
                DeviceType::SmartDoor,
                SettingValue::Text("0,2,9".to_owned()),
                "alkaline, lithium, unknown (9)",
            ),
        ] {
            assert_eq!(value.in_words(setting, device), words, "{setting:?}");
        }
    }
}
