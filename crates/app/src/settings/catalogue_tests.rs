//! What must hold of the catalogue as a whole, whoever reads it.

use std::collections::BTreeSet;

use super::about::{Choice, Kind, Reach, Section, Way};
use super::{Setting, SettingValue};
use crate::devices::DeviceType;

fn choices(kind: Kind) -> Vec<Choice> {
    match kind {
        Kind::Choice { of, also } => [of, also].concat(),
        Kind::Several(of) => of.to_vec(),
        _ => Vec::new(),
    }
}

#[test]
fn a_key_names_one_setting() {
    for setting in Setting::ALL {
        assert_eq!(Setting::from_key(setting.key()), Some(*setting));
        let fine = setting.key().bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(fine && setting.key().starts_with(char::is_lowercase), "{}", setting.key());
    }
    assert_eq!(Setting::from_key("operationId"), None);
    assert_eq!(Setting::from_key("AutoLock"), None);
}

#[test]
fn no_two_settings_on_the_page_of_a_device_look_alike() {
    for device in DeviceType::KNOWN {
        let labels: Vec<_> = Setting::of(*device).map(|setting| setting.about().label).collect();
        let different: BTreeSet<_> = labels.iter().map(|label| label.to_lowercase()).collect();
        assert_eq!(labels.len(), different.len(), "{device:?}: {labels:?}");
        let helps: BTreeSet<_> = Setting::of(*device).map(|setting| setting.about().help).collect();
        assert_eq!(helps.len(), labels.len(), "{device:?} explains two settings alike");
    }
}

#[test]
fn a_page_goes_through_its_sections_once_and_every_section_has_something() {
    for device in DeviceType::KNOWN {
        let sections: Vec<_> = Setting::of(*device).map(|setting| setting.about().section).collect();
        assert!(sections.is_sorted(), "{device:?}: {sections:?}");
    }
    for section in Section::ALL {
        assert!(Setting::ALL.iter().any(|setting| setting.about().section == *section), "{section:?}");
    }
    assert!(Section::ALL.is_sorted());
    let titles: BTreeSet<_> = Section::ALL.iter().map(|section| section.title()).collect();
    assert_eq!(titles.len(), Section::ALL.len());
}

#[test]
fn a_family_reads_one_plain_sentence_about_each() {
    // What the makers call things, and what nobody at the door does.
    const JARGON: &[&str] =
        &["RTO", "CM", "BLE", "API", "MQTT", "GPS", "JSON", "boolean", "enabled", "timeout", "flag", "ms "];
    for setting in Setting::ALL {
        let about = setting.about();
        for sentence in [Some(about.help), about.danger].into_iter().flatten() {
            assert!(sentence.ends_with('.') && !sentence.trim_end_matches('.').contains(". "), "{sentence}");
            assert!(sentence.starts_with(char::is_uppercase), "{sentence}");
            assert!((20..=130).contains(&sentence.chars().count()), "{sentence}");
            for word in JARGON {
                assert!(!sentence.contains(word), "{sentence}: {word}");
            }
        }
        assert!(about.label.chars().count() <= 40 && !about.label.ends_with('.'), "{}", about.label);
        assert!(about.label.starts_with(char::is_uppercase), "{}", about.label);
        assert!(!about.source.is_empty());
    }
}

#[test]
fn what_can_let_a_stranger_in_says_so() {
    for setting in [
        Setting::AutoUnlatch,
        Setting::UnlatchDuration,
        Setting::LockNGoTimeout,
        Setting::PairingEnabled,
        Setting::RtoTimeout,
        Setting::StrikeDuration,
        Setting::DetachedCylinder,
        Setting::Latitude,
        Setting::Longitude,
        Setting::Timezone,
    ] {
        assert!(setting.about().danger.is_some(), "{setting:?}");
    }
}

#[test]
fn every_number_of_a_choice_and_every_word_is_there_once() {
    for setting in Setting::ALL {
        let about = setting.about();
        for kind in [Some(about.kind), about.on_openers].into_iter().flatten() {
            let all = choices(kind);
            let codes: BTreeSet<_> = all.iter().map(|choice| choice.0).collect();
            let words: BTreeSet<_> = all.iter().map(|choice| choice.1).collect();
            assert_eq!((codes.len(), words.len()), (all.len(), all.len()), "{setting:?}");
            for Choice(code, word) in all {
                assert_eq!(kind.word(code), Some(word));
                if !matches!(kind, Kind::Several(_)) {
                    assert_eq!(kind.in_words(&SettingValue::Int(code)), word);
                }
            }
        }
    }
}

#[test]
fn openers_have_values_of_their_own_only_where_they_have_the_setting() {
    for setting in Setting::ALL.iter().filter(|setting| setting.about().on_openers.is_some()) {
        assert!(setting.is_on(DeviceType::Opener), "{setting:?}");
        assert_ne!(setting.kind(DeviceType::Opener), setting.kind(DeviceType::SmartLock34));
    }
}

#[test]
fn what_a_device_lacks_no_way_reaches_and_the_hub_reaches_only_what_speaks_bluetooth_with_it() {
    let mut beyond_the_hub = 0;
    for setting in Setting::ALL {
        for device in DeviceType::KNOWN.iter().copied().chain([DeviceType::Other(9)]) {
            for way in Way::ALL {
                let reach = setting.reach(*way, device);
                assert!(setting.is_on(device) || reach == Reach::None, "{setting:?} {device:?}");
                assert!(*way != Way::NukiHub || device != DeviceType::Box || reach == Reach::None);
            }
            beyond_the_hub +=
                usize::from(setting.is_settable(device) && !setting.reach(Way::NukiHub, device).sets());
        }
        let about = setting.about();
        let on_locks =
            about.devices.iter().any(|device| *device != DeviceType::Opener && *device != DeviceType::Box);
        assert!(on_locks || about.hub_on_locks == Reach::None, "{setting:?} is on no lock");
        assert!(setting.is_on(DeviceType::Opener) || about.hub_on_openers == Reach::None, "{setting:?}");
        assert!(!about.devices.is_empty(), "{setting:?} is on nothing");
    }
    assert!(beyond_the_hub > 0, "some need another way: {beyond_the_hub}");
    assert_eq!(Setting::Latitude.reach(Way::NukiHub, DeviceType::SmartLock34), Reach::Sets);
    assert_eq!(Setting::LiftUpHandle.reach(Way::NukiHub, DeviceType::SmartLock34), Reach::None);
    assert_eq!(Setting::NightMode.reach(Way::NukiWeb, DeviceType::SmartLock34), Reach::None);
    assert_eq!(Setting::AutoUpdate.reach(Way::NukiHub, DeviceType::Opener), Reach::None);
    assert_eq!(Setting::FobAction1.reach(Way::NukiWeb, DeviceType::SmartLock34), Reach::Reads);
    for of_type_1 in [Setting::SingleLock, Setting::AutoUnlatch, Setting::LedBrightness] {
        assert!(
            of_type_1.is_on(DeviceType::Box) && of_type_1.is_on(DeviceType::SmartLock34),
            "{of_type_1:?}"
        );
    }
}
