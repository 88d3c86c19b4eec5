//! One setting changed on many devices at once: which settings make sense so, and why a device is left out. Pure.

use super::{Held, Kind, Section, Setting, SettingValue, Way, check};
use crate::devices::{Connector, Device, DeviceType};
use crate::ways;

impl Setting {
    /// Whether the same value can be meant for many doors. What is of one door (its name, where it is, how its bolt turns,
    /// its intercom, whether its latch has to be pulled) is set there; the two ends of the night belong together.
    pub fn is_for_many(self) -> bool {
        let about = self.about();
        let of_one_door = matches!(self, Self::AutoUnlatch | Self::DetachedCylinder)
            || matches!(about.section, Section::Positions | Section::Location | Section::Intercom);
        let simple = matches!(
            about.kind,
            Kind::Bool | Kind::Int { .. } | Kind::OneOf { .. } | Kind::Choice { .. } | Kind::TimeZone
        );
        simple && !of_one_door && self.kind_for_many().is_some()
    }

    /// A kind of device on which it can be set from here, and whose words are those of all that it is set on.
    pub fn kind_for_many(self) -> Option<DeviceType> {
        let about = self.about();
        let fits = |kind: &&DeviceType| self.is_set_so_on(**kind);
        about.devices.iter().find(fits).copied()
    }

    /// Where openers have choices of their own, a number would mean something else there.
    pub(crate) fn is_set_so_on(self, kind: DeviceType) -> bool {
        let has_its_own = kind == DeviceType::Opener && self.about().on_openers.is_some();
        !has_its_own && self.reach(Way::NukiHub, kind).sets()
    }
}

/// Why a device is left out of a change, as it is now.
pub(crate) fn why_not(
    (setting, value): (Setting, &SettingValue),
    device: &Device,
    held: Option<&Held>,
    ways: &[ways::Way],
) -> Option<String> {
    let Some(kind) = device.kind else {
        return Some("has not said yet what kind of device it is".to_owned());
    };
    if !setting.is_on(kind) {
        return Some("has no such setting".to_owned());
    }
    if !setting.is_set_so_on(kind) {
        let own = kind == DeviceType::Opener && setting.about().on_openers.is_some();
        let words =
            if own { "has other choices for it, as an opener" } else { "is set in the Nuki app only" };
        return Some(words.to_owned());
    }
    if !ways.iter().any(|way| way.connector == Connector::NukiHub) {
        return Some("has no Nuki Hub, which would set it".to_owned());
    }
    if let Err(why) = check(setting, kind, value.clone()) {
        return Some(format!("has another range: {why}"));
    }
    let held = held?;
    let agrees = held.shown().is_some_and(|shown| shown.agrees(value));
    match (agrees, held.is_open()) {
        (true, true) => Some("is being changed to it already".to_owned()),
        (true, false) => Some("has it already".to_owned()),
        (false, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_of_one_door_is_set_on_many_and_what_houses_share_is() {
        for setting in [
            Setting::AutoLock,
            Setting::AutoLockTimeout,
            Setting::LedEnabled,
            Setting::LedBrightness,
            Setting::NightMode,
            Setting::SinglePress,
            Setting::ButtonEnabled,
            Setting::Timezone,
        ] {
            assert!(setting.is_for_many(), "{setting:?}");
        }
        for setting in [
            Setting::Name,
            Setting::AutoUnlatch,
            Setting::UnlockedOffset,
            Setting::Latitude,
            Setting::NightModeStart,
            Setting::IntercomId,
            Setting::KeypadPaired,
        ] {
            assert!(!setting.is_for_many(), "{setting:?}");
        }
    }

    #[test]
    fn where_openers_have_other_choices_a_number_is_never_set_on_both() {
        for setting in Setting::ALL.iter().filter(|setting| setting.about().on_openers.is_some()) {
            assert!(!setting.is_set_so_on(DeviceType::Opener), "{setting:?}");
        }
    }
}
