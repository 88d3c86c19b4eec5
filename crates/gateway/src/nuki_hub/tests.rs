use lockwarden_app::activity::{Completion, Happening, Origin};
use lockwarden_app::devices::{HubAnswer, LockState, LogRecord, Number, Trigger};

use super::*;

fn read_lock(rest: &str, payload: &str) -> Result<Option<Observation>, Unreadable> {
    read(HubPart::Lock, rest, payload.as_bytes())
}

fn parts(seen: Option<Observation>) -> Vec<Observation> {
    match seen {
        Some(Observation::Snapshot { seen, .. }) => seen,
        other => other.into_iter().collect(),
    }
}

#[test]
fn a_state_comes_with_what_led_to_it() {
    let json = r#"{"lock_state":"locked","trigger":"manual","last_lock_action":"Lock","door_sensor_state":"doorClosed",
        "currentTime":"2026-11-27 12:00:00","timeZoneOffset":60,"nightModeActive":1,"lockngo_state":0}"#;
    let Ok(Some(Observation::Snapshot { clock, zone_minutes, seen })) = read_lock("json", json) else {
        panic!("a whole state");
    };
    assert_eq!(clock.map(|clock| clock.0), Some(1_795_780_800_000));
    assert_eq!(zone_minutes, 60);
    let because = Observation::Because {
        state: LockState::Locked,
        action: LockAction::Lock,
        trigger: Trigger::Manual,
        heard_at: None,
    };
    assert_eq!(seen.first(), Some(&because));
    assert!(seen.contains(&Observation::Facts(vec![
        (Fact::NightMode, "1".to_owned()),
        (Fact::TimeZoneOffset, "60".to_owned())
    ])));
}

#[test]
fn how_long_ring_to_open_still_runs_is_read_of_an_opener_alone() {
    for (told, seconds) in [
        ("1200", Some(1_200)),
        ("\"900\"", Some(900)),
        ("0", Some(0)),
        ("-1", None),
        ("65536", None),
        ("\"--\"", None),
        ("null", None),
    ] {
        let json = format!(r#"{{"lock_state":"RTOactive","continuous_mode":0,"ringToOpenTimer":{told}}}"#);
        let seen = parts(read(HubPart::Opener, "json", json.as_bytes()).unwrap());
        let timer = seen.iter().find(|one| matches!(one, Observation::RingToOpen(_)));
        assert_eq!(timer, seconds.map(Observation::RingToOpen).as_ref(), "{told}");
        let of_lock = parts(read_lock("json", &json).unwrap());
        assert!(!of_lock.iter().any(|one| matches!(one, Observation::RingToOpen(_))));
    }
}

#[test]
fn undefined_says_nothing_of_the_lock_and_nothing_of_a_command() {
    for (topic, payload) in [
        ("json", r#"{"lock_state":"undefined","door_sensor_state":"unavailable"}"#),
        ("availability", "offline"),
    ] {
        let out_of_reach = Observation::Trouble(Trouble::OutOfReach, Some(String::new()));
        assert_eq!(read_lock(topic, payload), Ok(Some(out_of_reach)), "{topic}");
    }
    assert_eq!(read_lock("availability", "online"), Ok(None));
    assert_eq!(read_lock("commandResult", "undefined"), Ok(None));
    assert_eq!(read_lock("commandResult", "success"), Ok(Some(Observation::Hub(HubAnswer::Success))));
}

#[test]
fn an_entry_of_the_log_says_who_how_and_how_it_went() {
    let entry = |rest: &str| {
        format!(
            r#"{{"index":355,"authorizationId":195249,"authorizationName":"Keypad","timeYear":2024,"timeMonth":12,
            "timeDay":3,"timeHour":18,"timeMinute":14,"timeSecond":46,{rest}}}"#
        )
    };
    let only = |payload: String| {
        let seen = parts(read_lock("rollingLog", &payload).unwrap());
        let Some(Observation::Log(records)) = seen.get(1) else { panic!("a log: {seen:?}") };
        records.first().cloned()
    };
    let by_code = only(entry(
        r#""type":"KeypadAction","action":"Unlatch","trigger":"code","completionStatus":"success","codeId":8193"#,
    ));
    let record = LogRecord {
        index: 355,
        at: lockwarden_app::clock::Time(1_733_249_686_000),
        name: Some("Keypad".to_owned()),
        auth_id: Some(195_249),
        code_id: Some(8_193),
        happening: Happening::Unlatch,
        origin: Origin::KeypadCode,
        trigger: None,
        result: Completion::Success,
    };
    assert_eq!(by_code, Some(record));
    let wrong = only(entry(
        r#""type":"KeypadAction","action":"Unlock","trigger":"code","completionStatus":"invalidCode","codeId":0"#,
    ))
    .unwrap();
    assert_eq!((wrong.result, wrong.code_id), (Completion::InvalidCode, None));
    let finger = only(entry(
        r#""type":"KeypadAction","action":"Unlock","trigger":"fingerprint","completionStatus":"undefined","codeId":0"#,
    ))
    .unwrap();
    assert_eq!((finger.result, finger.origin), (Completion::InvalidFingerprint, Origin::KeypadFingerprint));
    let door = only(entry(r#""type":"DoorSensor","action":"DoorOpened""#)).unwrap();
    assert_eq!(door.happening, Happening::DoorOpened);
}

#[test]
fn a_log_that_is_off_says_so() {
    let seen = read_lock("log", "--").unwrap();
    assert_eq!(seen, Some(Observation::Trouble(Trouble::LogOff, Some(String::new()))));
}

#[test]
fn a_list_cut_by_the_hubs_buffer_is_told_from_garbage() {
    let long = r#"{"index":7,"authorizationName":"somebody"},"#.repeat(120);
    let whole = format!("[{long}");
    let cut = &whole[..4_095];
    assert!(cut.len() > SHORTEST_CUT);
    assert_eq!(read_lock("log", cut), Err(Unreadable::Truncated));
    assert_eq!(
        read_lock("log", r#"{"index":"#),
        Err(Unreadable::Malformed),
        "a hub has no buffer this small"
    );
    assert_eq!(read_lock("log", &format!("{}]]", " ".repeat(2_000))), Err(Unreadable::Malformed));
}

#[test]
fn a_battery_is_read_whichever_way_its_flags_are_written() {
    for flag in [r#""1""#, "1", "true", r#""true""#] {
        let seen =
            parts(read_lock("battery/basicJson", &format!(r#"{{"critical":{flag},"level":86}}"#)).unwrap());
        assert_eq!(seen, [Observation::BatteryCritical(true), Observation::BatteryPercent(86)], "{flag}");
    }
    let report =
        r#"{"batteryVoltage":5.9,"batteryDrain":1234,"startTemperature":23,"batteryResistance":0.12}"#;
    let Ok(Some(Observation::Facts(facts))) = read_lock("battery/advancedJson", report) else {
        panic!("a report");
    };
    assert_eq!(facts.first(), Some(&(Fact::BatteryVoltage, "5900".to_owned())));
}

#[test]
fn answers_of_a_hub_are_told_from_the_commands_on_the_same_topic() {
    for word in ["unlock", "--", "", "lock", "fobAction1"] {
        assert!(matches!(read_lock("action", word), Ok(None)), "{word}");
    }
    assert_eq!(read_lock("action", "denied"), Ok(Some(Observation::Hub(HubAnswer::Denied))));
    assert_eq!(read_lock("retry", "2"), Ok(Some(Observation::Hub(HubAnswer::Retry(2)))));
    assert_eq!(read_lock("retry", "failed"), Ok(Some(Observation::Hub(HubAnswer::GaveUp))));
    assert_eq!(read_lock("retry", "--"), Ok(None));
}

/// As a hub writes it that is set to publish the codes as well.
const CODES: &str = r#"[{"codeId":8193,"code":589472,"enabled":1,"name":"Guest","dateCreated":"2026-01-01 10:00:00",
    "lockCount":100,"timeLimited":0,"allowedFrom":"0000-00-00 00:00:00","allowedWeekdays":["mon","sun"]},
    {"codeId":8194,"code":314159,"enabled":0,"name":"Cleaner","lockCount":0}]"#;
const PEOPLE: &str = r#"[{"authId":54321,"idType":0,"enabled":1,"name":"Anna","remoteAllowed":1,"lockCount":12},
    {"authId":195249,"idType":3,"enabled":1,"name":"Keypad","remoteAllowed":0,"lockCount":3}]"#;

#[test]
fn lists_tell_for_whom_numbers_stand_and_no_code_is_taken_along() {
    let named = |number, name: &str| (number, name.to_owned());
    let codes = read_lock("keypad/json", CODES).unwrap();
    let wanted = vec![named(Number::Code(8_193), "Guest"), named(Number::Code(8_194), "Cleaner")];
    assert_eq!(codes, Some(Observation::Names(wanted)));
    assert!(["589472", "314159"].iter().all(|secret| !format!("{codes:?}").contains(secret)));
    let people =
        vec![named(Number::Authorization(54_321), "Anna"), named(Number::Authorization(195_249), "Keypad")];
    for part in [HubPart::Lock, HubPart::Opener] {
        let told = read(part, "authorization/json", PEOPLE.as_bytes()).unwrap();
        assert_eq!(told, Some(Observation::Names(people.clone())));
    }
    for topic in ["keypad/codes/0", "keypad/code_0/code", "keypad/code_0/name", "authorization/auths/0"] {
        assert_eq!(read_lock(topic, "589472"), Ok(None), "{topic}");
    }
}

#[test]
fn a_list_without_names_says_nothing_and_what_is_odd_in_one_spoils_only_itself() {
    for nothing in
        ["--", "", "null", "[]", r#"[{"codeId":7}]"#, r#"[{"codeId":7,"name":""},{"name":"Nobody"}]"#]
    {
        assert_eq!(read_lock("keypad/json", nothing), Ok(None), "{nothing}");
    }
    let odd = r#"[{"codeId":0,"name":"Zero"},{"codeId":-1,"name":"Less"},{"codeId":4294967296,"name":"More"},
        {"codeId":"8193","name":" Gu\u0007est\n"},{"codeId":8194,"name":7},{"codeId":null,"name":null}]"#;
    let wanted = vec![(Number::Code(8_193), "Guest".to_owned())];
    assert_eq!(read_lock("keypad/json", odd), Ok(Some(Observation::Names(wanted))));
    for wrong in ["7", "{}", "[7]", "[[]]", "\u{0}", r#"{"codeId":7,"name":"Anna"}"#] {
        assert_eq!(read_lock("authorization/json", wrong), Err(Unreadable::Malformed), "{wrong}");
    }
    let long = format!(r#"[{{"authId":7,"name":"{}"}}]"#, "x".repeat(5_000));
    let Ok(Some(Observation::Names(names))) = read_lock("authorization/json", &long) else {
        panic!("one name")
    };
    assert_eq!(names[0].1.len(), 64);
}

#[test]
fn a_list_of_names_that_was_cut_or_is_longer_than_any_gives_none() {
    let entry = r#"{"codeId":8193,"code":589472,"name":"Guest"}"#;
    let list = |count: usize| format!("[{}]", vec![entry; count].join(","));
    let whole = list(150);
    for topic in ["keypad/json", "authorization/json"] {
        assert!(may_be_cut(topic));
        assert_eq!(read_lock(topic, &whole[..4_095]), Err(Unreadable::Truncated));
    }
    assert!(matches!(read_lock("keypad/json", &list(200)), Ok(Some(Observation::Names(_)))));
    assert_eq!(read_lock("keypad/json", &list(201)), Err(Unreadable::Malformed));
}
