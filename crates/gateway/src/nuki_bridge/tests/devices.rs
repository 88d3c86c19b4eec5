//! Devices as a bridge tells of them: real traces, the examples of the API, and what no bridge says.

use lockwarden_app::clock::Time;
use lockwarden_app::devices::{DeviceType, DoorState, LockState, Mode, Observation as O};

use crate::nuki_bridge::errors::Trouble;
use crate::nuki_bridge::wire::devices::{
    BridgeDevice, DeviceList, Fresh, Mechanism, OpenerState, callback, list, lock_state,
};
use crate::nuki_bridge::wire::{LONGEST_ANSWER, LONGEST_CALLBACK, Unreadable};

const REAL: &str = r#"[{"deviceType":4,"nukiId":1015571181,"name":"Front door","firmwareVersion":"4.2.6",
    "lastKnownState":{"mode":2,"state":3,"stateName":"unlocked","batteryCritical":false,"batteryCharging":false,
    "batteryChargeState":96,"keypadBatteryCritical":false,"doorsensorState":2,
    "doorsensorStateName":"door closed","timestamp":"2024-04-06T06:00:51+00:00"}}]"#;

fn read_list(text: &str) -> DeviceList {
    list(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"))
}

fn only(text: &str) -> BridgeDevice {
    let mut read = read_list(text);
    assert_eq!((read.devices.len(), read.unreadable), (1, 0), "{text}");
    read.devices.remove(0)
}

#[test]
fn the_trace_of_a_real_lock_reads_as_what_it_was_always_in_the_same_order() {
    let lock = only(REAL);
    assert_eq!((lock.nuki_id, lock.kind), (0x3C88_62ED, DeviceType::SmartLock34));
    let expected = [
        O::DeviceType(DeviceType::SmartLock34),
        O::OwnName("Front door".to_owned()),
        O::Firmware("4.2.6".to_owned()),
        O::Mode(Mode::Door),
        O::State(LockState::Unlocked),
        O::Door(DoorState::Closed),
        O::BatteryCritical(false),
        O::BatteryPercent(96),
        O::BatteryCharging(false),
        O::KeypadBatteryCritical(false),
    ];
    assert_eq!(lock.observations(), expected);
    let turned_round = r#"[{"lastKnownState":{"timestamp":"2024-04-06T08:00:51+02:00","doorsensorState":2,
        "keypadBatteryCritical":false,"batteryChargeState":96,"batteryCharging":false,"batteryCritical":false,
        "state":3,"mode":2},"firmwareVersion":"4.2.6","name":"Front door","nukiId":1015571181,"deviceType":4}]"#;
    assert_eq!(only(turned_round), lock);
}

#[test]
fn when_the_bridge_heard_it_is_not_the_time_of_the_device() {
    let lock = only(REAL);
    assert_eq!(lock.said.as_ref().unwrap().known_at, Some(Time(1_712_383_251_000)));
    assert!(!lock.observations().iter().any(|seen| matches!(seen, O::DeviceTime(_))));
}

#[test]
fn what_is_not_there_stays_unsaid() {
    let bare = only(
        r#"[{"deviceType":0,"nukiId":11,"name":"Home","lastKnownState":{"mode":2,"state":1,"timestamp":null}}]"#,
    );
    let expected = [
        O::DeviceType(DeviceType::SmartLock12),
        O::OwnName("Home".to_owned()),
        O::Mode(Mode::Door),
        O::State(LockState::Locked),
    ];
    assert_eq!(bare.observations(), expected);
    let silent = only(r#"[{"deviceType":3,"nukiId":12}]"#);
    assert_eq!(silent.said, None);
    assert_eq!(silent.observations(), [O::DeviceType(DeviceType::SmartDoor)]);
}

#[test]
fn an_opener_that_is_online_is_not_a_lock_that_is_locked() {
    let opener = only(
        r#"[{"deviceType":2,"nukiId":2,"name":"Bell","lastKnownState":{"mode":3,"state":1,"stateName":"online",
        "batteryCritical":true,"ringactionTimestamp":"2018-10-03T06:49:00+00:00","ringactionState":true}}]"#,
    );
    let said = opener.said.clone().unwrap();
    assert_eq!(said.mechanism, Some(Mechanism::Opener(OpenerState::Online)));
    assert_eq!(said.is_ringing, Some(true));
    let expected = [
        O::DeviceType(DeviceType::Opener),
        O::OwnName("Bell".to_owned()),
        O::Mode(Mode::Continuous),
        O::BatteryCritical(true),
        O::RingTime(Time(1_538_549_340_000)),
    ];
    assert_eq!(opener.observations(), expected);
    let never = only(
        r#"[{"deviceType":2,"nukiId":2,"lastKnownState":{"ringactionTimestamp":"1970-01-01T00:00:00+00:00"}}]"#,
    );
    assert_eq!(never.said.unwrap().rang_at, None, "nobody has rung there yet");
}

#[test]
fn every_state_of_an_opener_has_its_name_and_unknown_ones_their_number() {
    use OpenerState as S;
    for (code, state) in [
        (0, S::Untrained),
        (1, S::Online),
        (3, S::RingToOpen),
        (5, S::Open),
        (7, S::Opening),
        (253, S::BootRun),
        (255, S::Undefined),
        (2, S::Other(2)),
    ] {
        assert_eq!(Mechanism::of(DeviceType::Opener, code), Mechanism::Opener(state));
    }
}

#[test]
fn a_number_nobody_knows_is_kept_and_says_nothing_about_a_lock_that_nobody_knows() {
    let lock = only(
        r#"[{"deviceType":4,"nukiId":1,"lastKnownState":{"state":99,"mode":77,"doorsensorState":200}}]"#,
    );
    let said = [O::Mode(Mode::Other(77)), O::State(LockState::Other(99)), O::Door(DoorState::Other(200))];
    assert_eq!(lock.observations()[1..], said);
    let other = only(r#"[{"deviceType":9,"nukiId":1,"lastKnownState":{"state":1}}]"#);
    assert_eq!(other.kind, DeviceType::Other(9));
    assert_eq!(other.said.clone().unwrap().mechanism, Some(Mechanism::Unknown(1)));
    assert_eq!(other.observations(), [O::DeviceType(DeviceType::Other(9))]);
}

#[test]
fn an_impossible_value_is_unsaid_and_counted_and_takes_nothing_with_it() {
    let read = read_list(
        r#"[{"deviceType":4,"nukiId":1,"name":7,"lastKnownState":{"state":1,"mode":256,"batteryChargeState":101,
        "batteryCritical":"true","batteryCharging":[1,{"a":2}],"doorsensorState":-1,"keypadBatteryCritical":1.5,
        "timestamp":"yesterday","ringactionState":{},"more":{"of":["this"]}}},
        {"deviceType":4},{"nukiId":5},{"deviceType":4,"nukiId":4294967296},{"deviceType":4,"nukiId":"6"},
        "device",null,{"deviceType":4,"nukiId":8,"lastKnownState":"locked"}]"#,
    );
    let ids: Vec<u32> = read.devices.iter().map(|device| device.nuki_id).collect();
    assert_eq!(ids, [1, 8]);
    let said = [O::DeviceType(DeviceType::SmartLock34), O::State(LockState::Locked)];
    assert_eq!(read.devices[0].observations(), said);
    assert_eq!(read.devices[1].said, None);
    assert_eq!(read.unreadable, 9 + 1 + 1 + 2 + 2 + 2 + 1);
}

#[test]
fn what_is_no_list_of_devices_is_not_from_a_bridge() {
    let most = |count: usize| format!("[{}]", vec![r#"{"deviceType":0,"nukiId":1}"#; count].join(","));
    assert_eq!(read_list(&most(100)).devices.len(), 100);
    for too_many in [101, 150, 1_000] {
        assert_eq!(list(most(too_many).as_bytes()), Err(Trouble::TooManyDevices), "{too_many}");
    }
    let long = format!("[{}]", " ".repeat(LONGEST_ANSWER));
    for body in [
        "",
        "null",
        "{}",
        "7",
        "[",
        "[1,]",
        "[] []",
        "<!doctype html>",
        r#"[{"deviceType":0,"deviceType":4,"nukiId":1}]"#,
        r#"[{"deviceType":4,"nukiId":1,"lastKnownState":{"state":1,"state":3}}]"#,
        &long,
    ] {
        assert_eq!(list(body.as_bytes()), Err(Trouble::NotABridge), "{}", &body[..body.len().min(80)]);
    }
}

#[test]
fn what_is_nested_as_deep_as_an_answer_is_long_is_one_odd_field() {
    let nested = |key: &str, open: &str, close: &str| {
        let (open, close) = (open.repeat(9_000), close.repeat(9_000));
        read_list(&format!(r#"[{{"deviceType":0,"nukiId":1,"{key}":{open}1{close}}}]"#)).unreadable
    };
    assert_eq!(nested("name", "[", "]"), 1);
    assert_eq!(nested("lastKnownState", "[", "]"), 1);
    assert_eq!(nested("lastKnownState", r#"{"a":"#, "}"), 0, "a key that nobody knows is not looked at");
}

#[test]
fn a_name_is_cut_and_loses_what_could_forge_a_log_line() {
    let forged =
        format!(r#"[{{"deviceType":0,"nukiId":1,"name":" Door\r\n\u001b[31m{}"}}]"#, "x".repeat(999));
    let name = only(&forged).name.unwrap();
    assert!(name.starts_with("Door[31mx") && name.chars().count() <= 64, "{name}");
}

#[test]
fn a_name_that_the_lock_cut_within_a_letter_does_not_hide_its_state() {
    let mut body = br#"[{"deviceType":0,"nukiId":1,"name":"Haust"#.to_vec();
    body.extend([0xC3]);
    body.extend(br#"","lastKnownState":{"state":1}}]"#);
    let device = list(&body).unwrap().devices.remove(0);
    assert_eq!(device.name.as_deref(), Some("Haust\u{FFFD}"));
    assert!(device.observations().contains(&O::State(LockState::Locked)));
}

#[test]
fn a_fresh_state_counts_only_if_the_device_was_reached() {
    let kind = DeviceType::SmartLock34;
    let said = lock_state(
        br#"{"mode":2,"state":1,"stateName":"locked","batteryCritical":false,"success":true}"#,
        kind,
    );
    let Ok(Fresh::Said(report)) = said else { panic!("{said:?}") };
    let seen = [O::Mode(Mode::Door), O::State(LockState::Locked), O::BatteryCritical(false)];
    assert_eq!(report.observations(), seen);
    assert_eq!(lock_state(br#"{"state":1,"success":false}"#, kind), Ok(Fresh::NotReached));
    for body in [r#"{"state":1}"#, r#"{"state":1,"success":1}"#, "[]", "HTTP 503 Unavailable"] {
        assert_eq!(lock_state(body.as_bytes(), kind), Err(Unreadable), "{body}");
    }
}

#[test]
fn a_callback_names_its_device_or_is_none() {
    let body =
        br#"{"deviceType":0,"nukiId":11,"mode":2,"state":1,"stateName":"locked","batteryCritical":false,
        "batteryCharging":false,"batteryChargeState":85,"keypadBatteryCritical":false,"doorsensorState":2,
        "doorsensorStateName":"door closed"}"#;
    let device = callback(body).unwrap();
    assert_eq!((device.nuki_id, device.kind), (11, DeviceType::SmartLock12));
    assert_eq!(device.observations().len(), 8);
    let padded = format!(r#"{{"deviceType":0,"nukiId":11}}{}"#, " ".repeat(LONGEST_CALLBACK));
    for body in [r#"{"nukiId":11}"#, r#"{"deviceType":0}"#, "[]", "", &padded] {
        assert_eq!(callback(body.as_bytes()), Err(Unreadable), "{body}");
    }
}
