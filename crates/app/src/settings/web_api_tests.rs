//! The catalogue against the Web API's four models: every key with its type, and whether it is marked read-only
//! (OpenAPI document of Web API 4.10.0; `Smartlock.Config`, `.AdvancedConfig`, `.OpenerAdvancedConfig`,
//! `.SmartdoorAdvancedConfig`).

use super::about::{Kind, Model as M, Reach, Wire as W};
use super::{NOT_OF_THE_LOCK, Setting};
use crate::devices::DeviceType;

/// Model, key, type, settable.
const KEYS: &[(M, &str, W, bool)] = &[
    (M::Config, "name", W::String, true),
    (M::Config, "latitude", W::Number, true),
    (M::Config, "longitude", W::Number, true),
    (M::Config, "capabilities", W::Integer, false),
    (M::Config, "autoUnlatch", W::Boolean, true),
    (M::Config, "liftUpHandle", W::Boolean, true),
    (M::Config, "pairingEnabled", W::Boolean, true),
    (M::Config, "buttonEnabled", W::Boolean, true),
    (M::Config, "ledEnabled", W::Boolean, true),
    (M::Config, "ledBrightness", W::Integer, true),
    (M::Config, "timezoneOffset", W::Integer, true),
    (M::Config, "daylightSavingMode", W::Integer, true),
    (M::Config, "fobPaired", W::Boolean, false),
    (M::Config, "fobAction1", W::Integer, false),
    (M::Config, "fobAction2", W::Integer, false),
    (M::Config, "fobAction3", W::Integer, false),
    (M::Config, "singleLock", W::Boolean, true),
    (M::Config, "operatingMode", W::Integer, false),
    (M::Config, "advertisingMode", W::Integer, true),
    (M::Config, "keypadPaired", W::Boolean, false),
    (M::Config, "keypad2Paired", W::Boolean, false),
    (M::Config, "homekitState", W::Integer, false),
    (M::Config, "matterState", W::Integer, false),
    (M::Config, "timezoneId", W::Integer, true),
    (M::Config, "deviceType", W::Integer, false),
    (M::Config, "wifiEnabled", W::Boolean, false),
    (M::Config, "operationId", W::String, false),
    (M::Config, "productVariant", W::Integer, false),
    (M::Advanced, "lngTimeout", W::Integer, true),
    (M::Advanced, "singleButtonPressAction", W::Integer, true),
    (M::Advanced, "doubleButtonPressAction", W::Integer, true),
    (M::Advanced, "automaticBatteryTypeDetection", W::Boolean, true),
    (M::Advanced, "unlatchDuration", W::Integer, true),
    (M::Advanced, "operationId", W::String, false),
    (M::Advanced, "totalDegrees", W::Integer, false),
    (M::Advanced, "singleLockedPositionOffsetDegrees", W::Integer, true),
    (M::Advanced, "unlockedToLockedTransitionOffsetDegrees", W::Integer, true),
    (M::Advanced, "unlockedPositionOffsetDegrees", W::Integer, true),
    (M::Advanced, "lockedPositionOffsetDegrees", W::Integer, true),
    (M::Advanced, "detachedCylinder", W::Boolean, true),
    (M::Advanced, "batteryType", W::Integer, true),
    (M::Advanced, "autoLock", W::Boolean, true),
    (M::Advanced, "autoLockTimeout", W::Integer, true),
    (M::Advanced, "autoUpdateEnabled", W::Boolean, true),
    (M::Advanced, "motorSpeed", W::Integer, true),
    (M::Advanced, "enableSlowSpeedDuringNightmode", W::Boolean, true),
    (M::Opener, "intercomId", W::Integer, false),
    (M::Opener, "busModeSwitch", W::Integer, false),
    (M::Opener, "shortCircuitDuration", W::Integer, true),
    (M::Opener, "electricStrikeDelay", W::Integer, true),
    (M::Opener, "randomElectricStrikeDelay", W::Boolean, true),
    (M::Opener, "electricStrikeDuration", W::Integer, true),
    (M::Opener, "disableRtoAfterRing", W::Boolean, true),
    (M::Opener, "rtoTimeout", W::Integer, true),
    (M::Opener, "doorbellSuppression", W::Integer, true),
    (M::Opener, "doorbellSuppressionDuration", W::Integer, true),
    (M::Opener, "soundRing", W::Integer, true),
    (M::Opener, "soundOpen", W::Integer, true),
    (M::Opener, "soundRto", W::Integer, true),
    (M::Opener, "soundCm", W::Integer, true),
    (M::Opener, "soundConfirmation", W::Integer, true),
    (M::Opener, "soundLevel", W::Integer, true),
    (M::Opener, "singleButtonPressAction", W::Integer, true),
    (M::Opener, "doubleButtonPressAction", W::Integer, true),
    (M::Opener, "batteryType", W::Integer, true),
    (M::Opener, "automaticBatteryTypeDetection", W::Boolean, true),
    (M::Opener, "autoUpdateEnabled", W::Boolean, true),
    (M::Opener, "operationId", W::String, false),
    (M::SmartDoor, "lngTimeout", W::Integer, true),
    (M::SmartDoor, "singleButtonPressAction", W::Integer, true),
    (M::SmartDoor, "doubleButtonPressAction", W::Integer, true),
    (M::SmartDoor, "automaticBatteryTypeDetection", W::Boolean, true),
    (M::SmartDoor, "unlatchDuration", W::Integer, true),
    (M::SmartDoor, "operationId", W::String, false),
    (M::SmartDoor, "buzzerVolume", W::Integer, true),
    (M::SmartDoor, "supportedBatteryTypes", W::Array, false),
    (M::SmartDoor, "batteryType", W::Integer, true),
    (M::SmartDoor, "autoLockTimeout", W::Integer, true),
    (M::SmartDoor, "autoLock", W::Boolean, true),
];

/// Numbers that the document lists for a key.
const LISTED: &[(&str, &[i64])] = &[
    ("lngTimeout", &[5, 10, 15, 20, 30, 45, 60]),
    ("unlatchDuration", &[1, 3, 5, 7, 10, 15, 20, 30]),
    ("busModeSwitch", &[0, 1]),
    ("soundRing", &[0, 1, 2, 3]),
    ("soundOpen", &[0, 1, 2, 3]),
    ("soundRto", &[0, 1, 2, 3]),
    ("soundCm", &[0, 1, 2, 3]),
    ("soundConfirmation", &[0, 1]),
    ("buzzerVolume", &[0, 1, 2]),
    ("capabilities", &[0, 1, 2]),
    ("advertisingMode", &[0, 1, 2, 3]),
    ("homekitState", &[0, 1, 2, 3]),
    ("matterState", &[0, 1, 2, 3, 4]),
    ("productVariant", &[1, 2, 3]),
    ("daylightSavingMode", &[0, 1]),
    ("motorSpeed", &[0, 1, 2]),
];

fn device_of(model: M) -> &'static [DeviceType] {
    match model {
        M::Config => &[DeviceType::SmartLock34, DeviceType::Opener, DeviceType::SmartLock5],
        M::Advanced => &[DeviceType::SmartLock34, DeviceType::SmartLock5],
        M::Opener => &[DeviceType::Opener],
        M::SmartDoor => &[DeviceType::SmartDoor],
    }
}

#[test]
fn every_key_of_the_four_models_is_in_the_catalogue_with_its_type_and_whether_it_is_settable() {
    assert_eq!(KEYS.len(), 79);
    for (model, key, wire, settable) in KEYS {
        let Some(setting) = Setting::from_key(key) else {
            assert!(NOT_OF_THE_LOCK.contains(key), "{key} of {} is missing", model.name());
            continue;
        };
        let about = setting.about();
        assert!(about.models.contains(model), "{key} is in {}", model.name());
        assert_eq!(about.kind.wire(), *wire, "{key}");
        assert_eq!(about.on_openers.map_or(*wire, Kind::wire), *wire, "{key}");
        assert_eq!(about.web.sets(), *settable, "{key}");
        assert!(about.web.reads(), "{key}");
        assert!(
            device_of(*model).iter().any(|device| setting.is_on(*device)),
            "{key} is on no device of {}",
            model.name()
        );
    }
}

#[test]
fn the_catalogue_says_of_no_setting_that_it_is_in_a_model_which_lacks_it() {
    for setting in Setting::ALL {
        for model in setting.about().models {
            let found = KEYS.iter().any(|(of, key, ..)| of == model && *key == setting.key());
            assert!(found, "{} is not in {}", setting.key(), model.name());
        }
        let in_none = setting.about().models.is_empty();
        assert_eq!(in_none, setting.about().web == Reach::None, "{}", setting.key());
        assert!(!NOT_OF_THE_LOCK.contains(&setting.key()));
    }
}

#[test]
fn the_numbers_that_the_document_lists_are_those_of_the_catalogue() {
    for (key, numbers) in LISTED {
        let kind = Setting::from_key(key).unwrap().about().kind;
        let found: Vec<i64> = match kind {
            Kind::OneOf { of, .. } => of.to_vec(),
            Kind::Choice { of, .. } => of.iter().map(|choice| choice.0).collect(),
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(found, *numbers, "{key}");
    }
}

#[test]
fn the_ranges_that_the_document_gives_hold() {
    assert_eq!(super::ZONES.len(), 46, "timezoneId goes to 45");
    for press in ["singleButtonPressAction", "doubleButtonPressAction"] {
        let setting = Setting::from_key(press).unwrap();
        assert_eq!(setting.kind(DeviceType::SmartDoor).word(6), Some("show its state"));
        assert_eq!(setting.kind(DeviceType::SmartDoor).word(7), None);
        assert_eq!(setting.kind(DeviceType::Opener).word(7), Some("open the door"));
        assert_eq!(setting.kind(DeviceType::Opener).word(8), None);
    }
    for fob in ["fobAction1", "fobAction2", "fobAction3"] {
        let setting = Setting::from_key(fob).unwrap();
        let known =
            |device| (0..=8).filter(|code| setting.kind(device).word(*code).is_some()).collect::<Vec<i64>>();
        assert_eq!(known(DeviceType::SmartLock34), [0, 1, 2, 3, 4]);
        assert_eq!(known(DeviceType::Opener), [0, 1, 2, 3, 7, 8]);
    }
    let batteries = Setting::BatteryType.about().kind;
    assert_eq!([0, 1, 2, 3, 255].map(|code| batteries.word(code).is_some()), [true; 5]);
    let supported = Setting::SupportedBatteryTypes.about().kind;
    assert_eq!([0, 1, 2, 3, 254, 255].map(|code| supported.word(code).is_some()), [true; 6]);
    let modes = Setting::OperatingMode.about().kind;
    assert!((0x00..=0x0F).all(|code| modes.word(code).is_some()) && modes.word(0x10).is_none());
}
