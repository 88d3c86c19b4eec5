//! What programs read of a device beside its state: its settings as it says they are, slow facts, and what programs keep
//! here of their own. One query beside that of the device.

mod actions;
mod sql;

use std::collections::BTreeMap;

use crate::clock::Time;
use crate::settings::{Model, Setting, SettingValue, Wire};
use crate::ways::Fact;

pub use actions::MOST_AT_ONCE;

/// Everything is as the device, or what it is reached through, last said it; what is only wanted is in `waiting`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    reported: BTreeMap<Setting, SettingValue>,
    waiting: BTreeMap<Setting, Time>,
    /// Why it was refused what somebody wanted.
    refused: BTreeMap<Setting, String>,
    facts: BTreeMap<Fact, String>,
    /// It is reached through a hub, which has a PIN of the lock.
    pub by_hub: bool,
    /// That PIN is missing, or wrong: the lock does not say which.
    pub no_pin: bool,
    pub web_config: Option<WebConfig>,
}

/// What programs keep beside a device (Web API 4.10.0, `Smartlock.WebConfig`); `None` was never given. Lockwarden itself
/// does nothing by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebConfig {
    /// Whether a warning of the batteries is wanted by e-mail.
    pub battery_mails: Option<bool>,
    /// The accounts that have seen the advice on lifting the handle: at most [`MOST_AT_ONCE`], each below 2^31.
    pub dismissed: Option<Vec<i64>>,
}

impl Profile {
    /// What the device says this setting is. A hub tells some of them as facts only.
    pub fn reported(&self, setting: Setting) -> Option<SettingValue> {
        self.reported.get(&setting).cloned().or_else(|| {
            let text = self.facts.get(&fact_of(setting)?)?;
            match (setting.about().kind.wire(), text.as_str()) {
                (Wire::Boolean, "0") => Some(SettingValue::Bool(false)),
                (Wire::Boolean, "1") => Some(SettingValue::Bool(true)),
                (Wire::Boolean, _) => None,
                _ => SettingValue::from_stored(setting, text),
            }
        })
    }

    /// Since when the newest change to a setting of this model is on its way, if any is.
    pub fn waiting_in(&self, model: Model) -> Option<Time> {
        let of_model = self.waiting.iter().filter(|(setting, _)| setting.about().models.contains(&model));
        of_model.map(|(_, since)| *since).max()
    }

    /// The same of all models.
    pub fn waiting(&self) -> Option<Time> {
        let of_any = self.waiting.iter().filter(|(setting, _)| !setting.about().models.is_empty());
        of_any.map(|(_, since)| *since).max()
    }

    /// Which changes were refused and why, until somebody changes or drops them.
    pub fn refusals(&self) -> Option<String> {
        let said = self.refused.iter().map(|(setting, why)| setting.refused_for(why));
        let said: Vec<String> = said.collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    pub fn fact(&self, fact: Fact) -> Option<&str> {
        self.facts.get(&fact).map(String::as_str)
    }
}

fn fact_of(setting: Setting) -> Option<Fact> {
    match setting {
        Setting::KeypadPaired => Some(Fact::KeypadPaired),
        Setting::Keypad2Paired => Some(Fact::Keypad2Paired),
        Setting::FobPaired => Some(Fact::FobPaired),
        Setting::HomekitState => Some(Fact::HomeKit),
        Setting::MatterState => Some(Fact::Matter),
        Setting::ProductVariant => Some(Fact::Variant),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_stands_for_a_setting_that_was_not_told_and_for_no_other() {
        let mut profile = Profile::default();
        profile.facts.insert(Fact::KeypadPaired, "1".to_owned());
        profile.facts.insert(Fact::FobPaired, "2".to_owned());
        profile.facts.insert(Fact::Variant, "3".to_owned());
        profile.facts.insert(Fact::Matter, "on".to_owned());
        assert_eq!(profile.reported(Setting::KeypadPaired), Some(SettingValue::Bool(true)));
        assert_eq!(profile.reported(Setting::ProductVariant), Some(SettingValue::Int(3)));
        for unknown in [Setting::FobPaired, Setting::MatterState, Setting::Keypad2Paired, Setting::Name] {
            assert_eq!(profile.reported(unknown), None, "{unknown:?}");
        }
        profile.reported.insert(Setting::KeypadPaired, SettingValue::Bool(false));
        assert_eq!(profile.reported(Setting::KeypadPaired), Some(SettingValue::Bool(false)));
    }

    #[test]
    fn what_is_on_its_way_belongs_to_the_models_that_have_it() {
        let mut profile = Profile::default();
        profile.waiting.insert(Setting::LedEnabled, Time(5));
        profile.waiting.insert(Setting::LedBrightness, Time(9));
        profile.waiting.insert(Setting::NightMode, Time(11));
        assert_eq!(profile.waiting_in(Model::Config), Some(Time(9)));
        assert_eq!(profile.waiting_in(Model::Advanced), None);
        assert_eq!(profile.waiting(), Some(Time(9)), "night mode is in no model of the Web API");
    }
}
