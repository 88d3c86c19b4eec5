//! What the Hub tells, in every way it has told it.

use lockwarden_app::settings::Setting as S;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const BASIC: &str = r#"{"nukiID":"3c8862ed","name":"Front door","autoUnlatch":0,"pairingEnabled":1,"buttonEnabled":1,
"ledEnabled":1,"ledBrightness":3,"currentTime":"2026-07-01 10:00:00","timeZoneOffset":60,"dstMode":1,"hasFob":1,
"fobAction1":"Intelligent","fobAction2":"Unlock","fobAction3":"Lock n Go","singleLock":0,"advertisingMode":"Automatic",
"hasKeypad":0,"hasKeypadV2":1,"firmwareVersion":"3.10.7","hardwareRevision":"5.12","homeKitStatus":"Enabled & Paired",
"timeZone":"Europe/Berlin","deviceType":4,"wifiCapable":1,"threadCapable":0,"matterStatus":2,"productVariant":0}"#;

const ADVANCED: &str = r#"{"totalDegrees":921,"unlockedPositionOffsetDegrees":90,"lockedPositionOffsetDegrees":-90,
"singleLockedPositionOffsetDegrees":-90,"unlockedToLockedTransitionOffsetDegrees":0,"lockNgoTimeout":30,
"singleButtonPressAction":"Intelligent","doubleButtonPressAction":"Lock n Go","detachedCylinder":0,
"batteryType":"Accumulators","automaticBatteryTypeDetection":1,"unlatchDuration":3,"autoLockTimeOut":600,
"autoUnLockDisabled":0,"nightModeEnabled":1,"nightModeStartTime":"22:00","nightModeEndTime":"06:30",
"nightModeAutoLockEnabled":1,"nightModeAutoUnlockDisabled":1,"nightModeImmediateLockOnStart":0,"autoLockEnabled":1,
"immediateAutoLockEnabled":0,"autoUpdateEnabled":1,"rebootNuki":0,"recalibrateNuki":0}"#;

const OPENER_BASIC: &str = r#"{"nukiID":"2A1B","name":"Haus","capabilities":"Both","pairingEnabled":1,"buttonEnabled":1,
"ledFlashEnabled":1,"currentTime":"2026-07-01 10:00:00","timeZoneOffset":60,"dstMode":1,"hasFob":0,
"fobAction1":"Toggle RTO","fobAction2":"Open","fobAction3":"Ring","operatingMode":"Siedle HTS",
"advertisingMode":"Slow","hasKeypad":0,"hasKeypadV2":0,"firmwareVersion":"1.9.2","hardwareRevision":"2.1",
"timeZone":"None"}"#;

const OPENER_ADVANCED: &str = r#"{"intercomID":1712,"busModeSwitch":1,"shortCircuitDuration":250,
"electricStrikeDelay":0,"randomElectricStrikeDelay":0,"electricStrikeDuration":3000,"disableRtoAfterRing":1,
"rtoTimeout":20,
"doorbellSuppression":"CM & RTO","doorbellSuppressionDuration":500,"soundRing":"No Sound","soundOpen":"Sound 1",
"soundRto":"Sound 2","soundCm":"Sound 3","soundConfirmation":1,"soundLevel":255,"singleButtonPressAction":"Toggle CM",
"doubleButtonPressAction":"Open","batteryType":"Lithium","automaticBatteryTypeDetection":0,"rebootNuki":0}"#;

fn said(side: Side, text: &str) -> Config {
    read(side, text.as_bytes()).unwrap_or_else(|why| panic!("{why:?}: {text}"))
}

fn value(config: &Config, setting: S) -> Option<SettingValue> {
    config.settings.iter().find(|(known, _)| *known == setting).map(|(_, value)| value.clone())
}

#[test]
fn a_lock_is_read_with_every_setting_and_every_fact() {
    let basic = said(Side::Lock, BASIC);
    assert_eq!((basic.settings.len(), basic.unknown), (22, 0), "{basic:?}");
    for (setting, expected) in [
        (S::Name, SettingValue::Text("Front door".to_owned())),
        (S::AutoUnlatch, SettingValue::Bool(false)),
        (S::LedBrightness, SettingValue::Int(3)),
        (S::FobAction1, SettingValue::Int(4)),
        (S::FobAction3, SettingValue::Int(3)),
        (S::AdvertisingMode, SettingValue::Int(0)),
        (S::DaylightSavingMode, SettingValue::Int(1)),
        (S::Timezone, SettingValue::Int(37)),
        (S::WifiEnabled, SettingValue::Bool(true)),
        (S::MatterState, SettingValue::Int(2)),
    ] {
        assert_eq!(value(&basic, setting), Some(expected), "{setting:?}");
    }
    let facts = Facts {
        nuki_id: Some(0x3C88_62ED),
        name: Some("Front door".to_owned()),
        kind: Some(DeviceType::SmartLock34),
        firmware: Some("3.10.7".to_owned()),
        hardware: Some("5.12".to_owned()),
        has_keypad: Some(false),
        has_keypad_2: Some(true),
        has_fob: Some(true),
        homekit: Some(3),
        matter: Some(2),
        variant: None,
    };
    assert_eq!(basic.facts, facts);
    let advanced = said(Side::Lock, ADVANCED);
    assert_eq!((advanced.settings.len(), advanced.unknown), (23, 0));
    for (setting, expected) in [
        (S::TotalDegrees, SettingValue::Int(921)),
        (S::LockedOffset, SettingValue::Int(-90)),
        (S::DoublePress, SettingValue::Int(5)),
        (S::BatteryType, SettingValue::Int(1)),
        (S::AutoLockTimeout, SettingValue::Int(600)),
        (S::NightModeStart, SettingValue::Int(1_320)),
        (S::NightModeEnd, SettingValue::Int(390)),
        (S::NightModeAutoUnlockDisabled, SettingValue::Bool(true)),
    ] {
        assert_eq!(value(&advanced, setting), Some(expected), "{setting:?}");
    }
    assert_eq!(advanced.facts, Facts::default());
}

#[test]
fn an_opener_is_read_with_its_own_words() {
    let basic = said(Side::Opener, OPENER_BASIC);
    assert_eq!((basic.settings.len(), basic.unknown), (16, 0), "{basic:?}");
    assert_eq!(value(&basic, S::OperatingMode), Some(SettingValue::Int(6)));
    assert_eq!(value(&basic, S::FobAction2), Some(SettingValue::Int(7)));
    assert_eq!(value(&basic, S::FobAction3), Some(SettingValue::Int(8)));
    assert_eq!(value(&basic, S::Capabilities), Some(SettingValue::Int(1)));
    assert_eq!(value(&basic, S::LedEnabled), Some(SettingValue::Bool(true)));
    assert_eq!(value(&basic, S::Timezone), Some(SettingValue::Int(NO_ZONE)));
    assert_eq!((basic.facts.nuki_id, basic.facts.kind), (Some(0x2A1B), Some(DeviceType::Opener)));
    let advanced = said(Side::Opener, OPENER_ADVANCED);
    assert_eq!((advanced.settings.len(), advanced.unknown), (20, 0), "{advanced:?}");
    assert_eq!(value(&advanced, S::IntercomId), Some(SettingValue::Int(1_712)));
    assert_eq!(value(&advanced, S::SoundLevel), Some(SettingValue::Int(255)), "the loudest, not a gap");
    assert_eq!(value(&advanced, S::SinglePress), Some(SettingValue::Int(4)));
    assert_eq!(advanced.facts.kind, None, "half of it does not say whose it is");
}

#[test]
fn the_bell_is_silent_when_the_words_say_so_however_the_bits_are_counted() {
    // Word, number of Bluetooth, number of the Web API. There bit 0 is a ring in neither mode, 1 is ring to open.
    for (word, bluetooth, web) in [
        ("Off", 0, 0),
        ("CM", 1, 4),
        ("RTO", 2, 2),
        ("CM & RTO", 3, 6),
        ("Ring", 4, 1),
        ("CM & Ring", 5, 5),
        ("RTO & Ring", 6, 3),
        ("CM & RTO & Ring", 7, 7),
    ] {
        for written in [format!("\"{word}\""), bluetooth.to_string(), format!("\"{bluetooth}\"")] {
            let config = said(Side::Opener, &format!(r#"{{"doorbellSuppression":{written}}}"#));
            assert_eq!(value(&config, S::DoorbellSuppression), Some(SettingValue::Int(web)), "{written}");
        }
    }
}

#[test]
fn a_value_may_come_as_number_switch_or_text() {
    for (key, written, setting, expected) in [
        ("autoUnlatch", "true", S::AutoUnlatch, SettingValue::Bool(true)),
        ("autoUnlatch", "\"1\"", S::AutoUnlatch, SettingValue::Bool(true)),
        ("autoUnlatch", "\"false\"", S::AutoUnlatch, SettingValue::Bool(false)),
        ("ledBrightness", "\"5\"", S::LedBrightness, SettingValue::Int(5)),
        ("lockedPositionOffsetDegrees", "\"-180\"", S::LockedOffset, SettingValue::Int(-180)),
        ("fobAction1", "4", S::FobAction1, SettingValue::Int(4)),
        ("fobAction1", "\"4\"", S::FobAction1, SettingValue::Int(4)),
        // Numbers that nobody has a word for are kept.
        ("fobAction1", "9", S::FobAction1, SettingValue::Int(9)),
        ("deviceType", "7", S::DeviceType, SettingValue::Int(7)),
        ("dstMode", "true", S::DaylightSavingMode, SettingValue::Int(1)),
        ("timeZone", "37", S::Timezone, SettingValue::Int(37)),
        ("timeZone", "\"37\"", S::Timezone, SettingValue::Int(37)),
        ("latitude", "\"48.2\"", S::Latitude, SettingValue::Float(48.2)),
        ("latitude", "48.2", S::Latitude, SettingValue::Float(48.2)),
    ] {
        let config = said(Side::Lock, &format!(r#"{{"{key}":{written}}}"#));
        assert_eq!((value(&config, setting), config.unknown), (Some(expected), 0), "{key} {written}");
    }
    assert_eq!(said(Side::Lock, r#"{"deviceType":7}"#).facts.kind, Some(DeviceType::Other(7)));
}

#[test]
fn what_nobody_can_read_is_kept_out_and_counted_and_the_rest_is_read() {
    for (key, written) in [
        ("autoUnlatch", "2"),
        ("autoUnlatch", "\"yes\""),
        ("autoUnlatch", "[1]"),
        ("autoUnlatch", "null"),
        ("ledBrightness", "1.5"),
        ("ledBrightness", "1e3"),
        ("ledBrightness", "\"+1\""),
        ("ledBrightness", "123456"),
        ("ledBrightness", "-9223372036854775808"),
        ("ledBrightness", "18446744073709551615"),
        ("fobAction1", "\"Fly\""),
        ("fobAction1", "\"unlock\""),
        ("fobAction1", "\"Toggle RTO\""),
        ("batteryType", "\"No Warnings\""),
        ("nightModeStartTime", "\"24:00\""),
        ("nightModeStartTime", "\"2:00\""),
        ("nightModeStartTime", "\"-1:00\""),
        ("nightModeStartTime", "\"22:00:00\""),
        ("nightModeStartTime", "1320"),
        ("timeZone", "\"Europe/Vienna\""),
        ("name", "7"),
        ("latitude", "\"NaN\""),
        ("latitude", "91"),
        ("latitude", "true"),
    ] {
        let config =
            said(Side::Lock, &format!(r#"{{"{key}":{written},"singleLock":1,"somethingNew":{{"a":[1]}}}}"#));
        assert_eq!(config.unknown, 1, "{key} {written}");
        assert_eq!(config.settings, [(S::SingleLock, SettingValue::Bool(true))], "{key} {written}");
    }
}

#[test]
fn what_the_firmware_does_not_have_is_neither_a_value_nor_a_fault() {
    for (key, written) in [
        ("autoUnlatch", "255"),
        ("nightModeEnabled", "255"),
        ("autoLockTimeOut", "65535"),
        ("lockNgoTimeout", "255"),
        ("deviceType", "255"),
        ("matterStatus", "255"),
        ("productVariant", "0"),
        ("homeKitStatus", "\"undefined\""),
        ("batteryType", "\"undefined\""),
        ("timeZone", "\"undefined\""),
    ] {
        let config = said(Side::Lock, &format!(r#"{{"{key}":{written}}}"#));
        assert_eq!((config.settings.len(), config.unknown), (0, 0), "{key} {written}");
    }
    // A minute and four seconds short of a gap is a time.
    let config = said(Side::Lock, r#"{"autoLockTimeOut":255}"#);
    assert_eq!(value(&config, S::AutoLockTimeout), Some(SettingValue::Int(255)));
}

#[test]
fn a_message_cut_by_the_hubs_buffer_is_told_from_garbage() {
    let long = format!(r#"{{"name":"x","filler":"{}","singleLock":1}}"#, "ü".repeat(40_000));
    for buffer in [2_048, 4_096, 8_192, 65_536] {
        let cut = &long.as_bytes()[..buffer - 1];
        assert_eq!(read(Side::Lock, cut), Err(Unreadable::Truncated), "{buffer}");
        assert_eq!(read_result(Side::Lock, cut), Err(Unreadable::Truncated), "{buffer}");
    }
    assert!(Unreadable::Truncated.words().contains("buffer"));
    for cut in [BASIC.len() - 1, BASIC.len() / 2, 1] {
        assert_eq!(
            read(Side::Lock, &BASIC.as_bytes()[..cut]),
            Err(Unreadable::Malformed),
            "{cut} bytes fit any buffer"
        );
    }
    let wrong = format!(r#"{{"name":x{}"#, " ".repeat(5_000));
    assert_eq!(read(Side::Lock, wrong.as_bytes()), Err(Unreadable::Malformed));
}

#[test]
fn garbage_is_refused_and_a_cleared_topic_says_nothing() {
    for garbage in [
        "[]".to_owned(),
        "1".to_owned(),
        "null".to_owned(),
        "\"name\"".to_owned(),
        "{} {}".to_owned(),
        "{\"name\":\"a\u{0}b\"}".to_owned(),
        "[".repeat(60_000),
        format!("{{\"a\":{}", "[".repeat(60_000)),
        json!((0..300).map(|n| (n.to_string(), json!(n))).collect::<Map<String, Value>>()).to_string(),
        format!("{{\"name\":\"{}\"}}", "x".repeat(70_000)),
    ] {
        assert_eq!(read(Side::Lock, garbage.as_bytes()), Err(Unreadable::Malformed), "{garbage:.40}");
    }
    for bytes in [&[0xFF, 0xFE][..], b"{\"name\":\"\xC3\"}"] {
        assert_eq!(read(Side::Lock, bytes), Err(Unreadable::Malformed));
    }
    assert_eq!(read(Side::Lock, b""), Ok(Config::default()));
    assert_eq!(read(Side::Opener, b"--"), Ok(Config::default()));
    assert_eq!(read(Side::Lock, b"{}"), Ok(Config::default()));
}

#[test]
fn a_name_is_cut_and_loses_what_could_forge_a_log_line() {
    let config = said(Side::Lock, &format!(r#"{{"name":" Door\r\n\u001b[31m{}"}}"#, "ü".repeat(99)));
    let name = config.facts.name.clone().unwrap();
    assert!(
        name.chars().count() <= 64 && !name.chars().any(char::is_control) && name.starts_with("Door"),
        "{name}"
    );
    assert_eq!(value(&config, S::Name), Some(SettingValue::Text(name)));
}

#[test]
fn a_nuki_id_is_hexadecimal_and_counts_by_value() {
    for (text, id) in [
        ("3c8862ed", Some(0x3C88_62ED)),
        ("00A1", Some(0xA1)),
        ("ffffffff", Some(u32::MAX)),
        ("", None),
        ("+1", None),
        ("100000000", None),
        ("xyz", None),
    ] {
        assert_eq!(said(Side::Lock, &format!(r#"{{"nukiID":"{text}"}}"#)).facts.nuki_id, id, "{text}");
    }
    assert_eq!(said(Side::Lock, r#"{"nukiID":1234}"#).facts.nuki_id, None, "in which base?");
}

/// Whatever may stand at a key.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(|number| json!(number)),
        (-300_i64..70_000).prop_map(|number| json!(number)),
        (-300_i64..70_000).prop_map(|number| json!(number.to_string())),
        any::<f64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(|on| json!(on)),
        "\\PC{0,20}".prop_map(|text| json!(text)),
        "[0-2]?[0-9]:[0-6][0-9]".prop_map(|text| json!(text)),
        prop_oneof![Just("Unlock"), Just("RTO & Ring"), Just("Sound 2"), Just("None"), Just("Europe/Berlin")]
            .prop_map(|word| json!(word)),
        Just(json!(null)),
        Just(json!([1, [2]])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_stands_at_a_key_is_read_or_counted_and_what_is_sent_of_it_reads_as_it_was(
        opener in any::<bool>(),
        values in proptest::collection::vec((0_usize..60, anything()), 0..60),
    ) {
        let side = if opener { Side::Opener } else { Side::Lock };
        let keys = side.keys();
        let object: Map<String, Value> =
            values.into_iter().map(|(which, value)| (keys[which % keys.len()].0.to_owned(), value)).collect();
        let payload = Value::Object(object.clone()).to_string();
        let config = read(side, payload.as_bytes()).unwrap();
        prop_assert!(config.settings.len() + config.unknown <= object.len());
        fuzz(payload.as_bytes());
    }
}
