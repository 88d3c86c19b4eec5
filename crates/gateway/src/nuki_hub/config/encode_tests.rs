//! What is sent, against a model of the Hub's own parser.

use lockwarden_app::devices::DeviceType;
use lockwarden_app::settings::{Kind, Reach, Setting, SettingValue, Way, ZONES};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::encode::Encoded;
use super::hub_model::{self, Hub};
use super::result::{General, Outcome};
use super::*;

const BOTH: [(Side, DeviceType); 2] =
    [(Side::Lock, DeviceType::SmartLock5), (Side::Opener, DeviceType::Opener)];

/// What the Hub can set on this side.
fn settable(side: Side, device: DeviceType) -> Vec<Setting> {
    let all = Setting::of(device).filter(|setting| setting.reach(Way::NukiHub, device).sets());
    all.filter(|setting| side.key(*setting).is_some()).collect()
}

/// A value that the Hub can set, chosen by a number.
fn sample(setting: Setting, device: DeviceType, seed: i64) -> SettingValue {
    let pick = |length: usize| usize::try_from(seed).unwrap() % length;
    let range = |min: i64, max: i64| SettingValue::Int(min + seed % (max - min + 1));
    match (setting, setting.kind(device)) {
        (Setting::AutoLockTimeout, _) => range(30, 255),
        (Setting::TimezoneOffset, _) => range(0, 60),
        (_, Kind::Bool) => SettingValue::Bool(seed % 2 == 1),
        (_, Kind::Int { min, max, .. } | Kind::Degrees { min, max }) => range(min, max),
        (_, Kind::OneOf { of, .. }) => SettingValue::Int(of[pick(of.len())]),
        (_, Kind::Choice { of, .. }) => SettingValue::Int(of[pick(of.len())].0),
        (_, Kind::MinuteOfDay) => range(0, 1_439),
        (_, Kind::TimeZone) => SettingValue::Int(i64::try_from(pick(ZONES.len())).unwrap()),
        (_, Kind::Coordinate { max }) => {
            #[expect(clippy::cast_precision_loss, reason = "a few decimals are enough for a place in a test")]
            let share = (seed % 10_000 + 1) as f64 / 10_000.0;
            SettingValue::Float((share * max * 1e6).round() / 1e6)
        }
        (_, Kind::Text { .. }) => {
            let names = ["Haustür", "\"Front\" \\ door", "ü".repeat(16).leak(), "x", "🚪 2"];
            SettingValue::Text(names[pick(names.len())].to_owned())
        }
        (_, Kind::Several(_)) => panic!("{setting:?} is only told"),
    }
}

/// Sends it all, expects success, and gives what the Hub tells then.
fn round_trip(side: Side, device: DeviceType, wanted: &[(Setting, SettingValue)]) -> Hub {
    let mut hub = Hub::new(side);
    let encoded = encode(side, device, wanted);
    assert_eq!(encoded.refused, [], "the Hub can set all of them");
    for Payload { text, settings } in &encoded.payloads {
        let answer = read_result(side, hub.take(text).as_bytes()).unwrap();
        assert_eq!(answer.general, Some(General::Success), "{text}");
        for setting in settings {
            assert_eq!(answer.of(*setting), Some(Outcome::Success), "{setting:?} in {text}");
        }
        assert_eq!(answer.settings.len(), settings.len());
    }
    let told = read(side, hub.tell().as_bytes()).unwrap();
    assert_eq!(told.unknown, 0, "{}", hub.tell());
    for (setting, value) in wanted.iter().filter(|(setting, _)| setting.reach(Way::NukiHub, device).reads()) {
        let said = told.settings.iter().find(|(told, _)| told == setting);
        assert_eq!(said.map(|(_, value)| value), Some(value), "{setting:?}");
    }
    hub
}

#[test]
fn everything_the_hub_can_set_comes_back_as_it_was_wanted() {
    for (side, device) in BOTH {
        for seed in 0..300 {
            let wanted: Vec<_> = settable(side, device)
                .into_iter()
                .map(|setting| (setting, sample(setting, device, seed)))
                .collect();
            assert!(wanted.len() > 30);
            round_trip(side, device, &wanted);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_change_fits_the_hub_and_arrives(
        opener in any::<bool>(),
        picked in proptest::collection::vec((0_usize..60, 0_i64..1_000_000), 1..60),
    ) {
        let (side, device) = BOTH[usize::from(opener)];
        let settable = settable(side, device);
        let mut wanted: Vec<(Setting, SettingValue)> = Vec::new();
        for (which, seed) in picked {
            let setting = settable[which % settable.len()];
            if wanted.iter().all(|(known, _)| *known != setting) {
                wanted.push((setting, sample(setting, device, seed)));
            }
        }
        round_trip(side, device, &wanted);
    }

    #[test]
    fn no_message_is_longer_than_the_hub_takes_and_every_value_is_a_string(
        opener in any::<bool>(),
        names in proptest::collection::vec("\\PC{0,40}", 1..4),
        numbers in proptest::collection::vec((0_usize..80, any::<i64>()), 0..60),
    ) {
        let (side, device) = BOTH[usize::from(opener)];
        let mut wanted: Vec<_> = numbers.into_iter().map(|(which, number)| {
            (Setting::ALL[which % Setting::ALL.len()], SettingValue::Int(number % 2_000))
        }).collect();
        wanted.extend(names.into_iter().map(|name| (Setting::Name, SettingValue::Text(name))));
        for payload in encode(side, device, &wanted).payloads {
            prop_assert!(payload.text.len() <= 799);
            let Ok(Value::Object(object)) = serde_json::from_str(&payload.text) else { panic!("{}", payload.text) };
            prop_assert!(object.values().all(Value::is_string), "{}", payload.text);
            prop_assert_eq!(object.len(), payload.settings.len());
        }
    }
}

#[test]
fn the_messages_are_filled_and_say_what_is_in_them() {
    let device = DeviceType::SmartLock34;
    let wanted: Vec<_> = settable(Side::Lock, device)
        .into_iter()
        .map(|setting| (setting, sample(setting, device, 7)))
        .collect();
    let encoded = encode(Side::Lock, device, &wanted);
    assert!((2..=4).contains(&encoded.payloads.len()), "{}", encoded.payloads.len());
    let listed: Vec<Setting> = encoded.payloads.iter().flat_map(|payload| payload.settings.clone()).collect();
    assert_eq!(listed, wanted.iter().map(|(setting, _)| *setting).collect::<Vec<_>>());
    let one = encode(
        Side::Lock,
        device,
        &[(Setting::FobAction1, SettingValue::Int(3)), (Setting::AutoUnlatch, SettingValue::Bool(false))],
    );
    assert_eq!(one.payloads[0].text, r#"{"fobAction1":"Lock n Go","autoUnlatch":"0"}"#);
    assert_eq!(encode(Side::Lock, device, &[]), Encoded::default());
}

#[test]
fn a_time_that_the_hub_would_cut_is_never_sent() {
    let device = DeviceType::SmartLock34;
    let mut hub = Hub::new(Side::Lock);
    // What would have become of it.
    hub.take(r#"{"autoLockTimeOut":"600"}"#);
    assert_eq!(hub.kept("autoLockTimeOut"), Some(&json!(88)));
    for (seconds, fine) in [(29, false), (30, true), (255, true), (256, false), (600, false), (1_800, false)]
    {
        let encoded = encode(Side::Lock, device, &[(Setting::AutoLockTimeout, SettingValue::Int(seconds))]);
        assert_eq!(encoded.payloads.len(), usize::from(fine), "{seconds}");
        if let Some((setting, why)) = encoded.refused.first() {
            assert_eq!(*setting, Setting::AutoLockTimeout);
            assert!(why.contains("255") && why.contains("Nuki app"), "{why}");
        } else {
            let hub =
                round_trip(Side::Lock, device, &[(Setting::AutoLockTimeout, SettingValue::Int(seconds))]);
            assert_eq!(hub.kept("autoLockTimeOut"), Some(&json!(seconds)));
        }
    }
}

#[test]
fn a_place_in_the_south_or_west_is_not_sent_and_the_person_is_told_where_to_set_it() {
    for (setting, degrees, fine) in [
        (Setting::Latitude, 48.208_176, true),
        (Setting::Latitude, 0.000_001, true),
        (Setting::Latitude, 0.0, false),
        (Setting::Latitude, -33.868_82, false),
        (Setting::Longitude, -0.127_758, false),
        (Setting::Longitude, 180.0, true),
    ] {
        for (side, device) in BOTH {
            let wanted = [(setting, SettingValue::Float(degrees))];
            let encoded = encode(side, device, &wanted);
            assert_eq!(encoded.refused.is_empty(), fine, "{setting:?} {degrees}");
            assert!(encoded.refused.iter().all(|(_, why)| why.contains("Nuki app")));
            if fine {
                let hub = round_trip(side, device, &wanted);
                let kept = hub.kept(setting.key()).and_then(Value::as_f64).unwrap();
                assert!(SettingValue::Float(kept).agrees(&SettingValue::Float(degrees)), "{kept}");
            }
        }
    }
}

#[test]
fn what_the_hub_cannot_set_or_the_device_lacks_is_refused_with_a_reason() {
    for (side, device, setting, value, word) in [
        (Side::Lock, DeviceType::SmartLock34, Setting::LiftUpHandle, SettingValue::Bool(true), "Nuki app"),
        (Side::Lock, DeviceType::SmartDoor, Setting::BuzzerVolume, SettingValue::Int(1), "Nuki app"),
        (Side::Opener, DeviceType::Opener, Setting::AutoUpdate, SettingValue::Bool(true), "Nuki app"),
        (Side::Opener, DeviceType::Opener, Setting::TimezoneOffset, SettingValue::Int(90), "time zone"),
        (Side::Lock, DeviceType::SmartLock34, Setting::TotalDegrees, SettingValue::Int(900), "only tells"),
        (Side::Lock, DeviceType::SmartLock34, Setting::MotorSpeed, SettingValue::Int(1), "does not have"),
        (
            Side::Lock,
            DeviceType::SmartLock34,
            Setting::UnlatchDuration,
            SettingValue::Int(4),
            "choose one of",
        ),
        // The wrong half of the Hub, a box, and a device nobody knows.
        (
            Side::Opener,
            DeviceType::SmartLock34,
            Setting::Name,
            SettingValue::Text("x".to_owned()),
            "Nuki app",
        ),
        (Side::Lock, DeviceType::Box, Setting::Name, SettingValue::Text("x".to_owned()), "Nuki app"),
        (Side::Lock, DeviceType::Other(9), Setting::Name, SettingValue::Text("x".to_owned()), "nobody knows"),
    ] {
        let encoded = encode(side, device, &[(setting, value)]);
        assert_eq!(encoded.payloads, [], "{setting:?}");
        assert!(encoded.refused[0].1.contains(word), "{setting:?}: {}", encoded.refused[0].1);
    }
}

#[test]
fn of_a_setting_that_is_wanted_twice_the_last_counts_and_one_refusal_stops_no_other() {
    let wanted = [
        (Setting::LedBrightness, SettingValue::Int(1)),
        (Setting::AutoLockTimeout, SettingValue::Int(600)),
        (Setting::LedBrightness, SettingValue::Int(4)),
    ];
    let encoded = encode(Side::Lock, DeviceType::SmartLock34, &wanted);
    assert_eq!(encoded.payloads.len(), 1);
    assert_eq!(encoded.payloads[0].text, r#"{"ledBrightness":"4"}"#);
    assert_eq!(encoded.refused.len(), 1);
}

#[test]
fn the_hubs_keys_and_the_catalogue_say_the_same_of_what_it_reads_and_sets() {
    for (side, devices, rules) in [
        (Side::Lock, &[DeviceType::SmartLock34, DeviceType::SmartLock5][..], hub_model::LOCK),
        (Side::Opener, &[DeviceType::Opener][..], hub_model::OPENER),
    ] {
        for setting in Setting::ALL {
            let on: Vec<_> = devices.iter().copied().filter(|device| setting.is_on(*device)).collect();
            let key = side.key(*setting);
            for device in &on {
                let reach = setting.reach(Way::NukiHub, *device);
                assert_eq!(key.is_some(), reach != Reach::None, "{setting:?}");
                assert_eq!(
                    key.is_some_and(|key| rules.iter().any(|(known, _)| *known == key)),
                    reach.sets(),
                    "{setting:?}"
                );
                assert_eq!(reach == Reach::Sets, matches!(setting, Setting::Latitude | Setting::Longitude));
            }
            assert!(key.is_none() || !on.is_empty(), "{setting:?} is told of devices that lack it");
        }
        for (key, _) in rules {
            let setting = side.setting(key).unwrap_or_else(|| panic!("{key} is missing"));
            assert_eq!(side.key(setting), Some(*key), "each key is one setting");
        }
    }
}

#[test]
fn every_choice_that_can_be_set_has_a_word_or_a_number_of_the_hub() {
    for (side, device) in BOTH {
        for setting in settable(side, device) {
            let Kind::Choice { of, .. } = setting.kind(device) else { continue };
            for choice in of {
                let hub = round_trip(side, device, &[(setting, SettingValue::Int(choice.0))]);
                assert!(hub.kept(side.key(setting).unwrap()).is_some());
            }
        }
    }
}

#[test]
fn a_hub_without_a_pin_or_a_right_says_so_and_nothing_counts_as_done() {
    let device = DeviceType::SmartLock34;
    let wanted =
        [(Setting::AutoUnlatch, SettingValue::Bool(true)), (Setting::SingleLock, SettingValue::Bool(true))];
    let text = &encode(Side::Lock, device, &wanted).payloads[0].text;
    let mut hub = Hub::new(Side::Lock);
    hub.has_pin = false;
    let answer = read_result(Side::Lock, hub.take(text).as_bytes()).unwrap();
    assert_eq!((answer.general, answer.of(Setting::AutoUnlatch)), (Some(General::NoValidPinSet), None));
    hub.has_pin = true;
    hub.denied.insert("autoUnlatch");
    let answer = read_result(Side::Lock, hub.take(text).as_bytes()).unwrap();
    assert_eq!(answer.of(Setting::AutoUnlatch), Some(Outcome::AccessDenied));
    assert_eq!(answer.of(Setting::SingleLock), Some(Outcome::Success));
    let again = read_result(Side::Lock, hub.take(text).as_bytes()).unwrap();
    assert_eq!(
        (again.of(Setting::SingleLock), again.general),
        (Some(Outcome::Unchanged), Some(General::NoChange))
    );
}
