//! Log, codes, time control and authorizations by way of a hub.

use lockwarden_simulator::hub::{Names, Pin};
use lockwarden_simulator::{HubSpec, LockSpec};
use serde_json::Value;

use crate::hub::{ID, Place};
use crate::{fast, within};

fn hub() -> HubSpec {
    HubSpec::new("hub1", ID).with_everything()
}

async fn place(hub: HubSpec) -> Place {
    let place = Place::new(LockSpec::new(ID, "Front door"), hub).await;
    place.ready(&fast()).await;
    place
}

async fn list(place: &mut Place, topic: &str) -> Vec<Value> {
    let text = place.next(topic).await;
    serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().clone()
}

#[tokio::test]
async fn the_log_tells_who_by_name_and_each_entry_once_by_itself() {
    let mut place = place(hub()).await;
    let code = place.fleet.locks()[0].visit(|machine| machine.memory().add_simple_code(589_472, "Carla"));
    assert_eq!(code.await, Some(Ok(8_192)));
    let lock = place.fleet.locks()[0].clone();
    lock.types(111_111);
    lock.types(589_472);
    let rolling: Vec<Value> = {
        let mut entries = Vec::new();
        while entries.len() < 2 {
            entries.push(serde_json::from_str(&place.next("lock/rollingLog").await).unwrap());
        }
        entries
    };
    let words = |entry: &Value| {
        ["type", "action", "trigger", "completionStatus", "authorizationName"]
            .map(|key| entry[key].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(words(&rolling[0]), ["KeypadAction", "Unlatch", "code", "invalidCode", "Keypad"]);
    assert_eq!(words(&rolling[1]), ["KeypadAction", "Unlatch", "code", "success", "Keypad"]);
    assert_eq!((&rolling[0]["codeId"], &rolling[1]["codeId"]), (&0.into(), &8_192.into()));
    assert_eq!(list(&mut place, "lock/shortLog").await.len(), 2);
    assert_eq!(list(&mut place, "lock/log").await.len(), 2);
    lock.turn_by_hand(true);
    let next: Value = serde_json::from_str(&place.next("lock/rollingLog").await).unwrap();
    assert_eq!((&next["index"], &next["trigger"]), (&3.into(), &"manual".into()));
    place.fleet.stop().await;
}

#[tokio::test]
async fn a_wrong_code_is_noticed_late_and_names_can_be_missing_or_wrong() {
    let mut place = place(hub()).await;
    let lock = place.fleet.locks()[0].clone();
    place.hub().quirks(|quirks| (quirks.notices_wrong_codes, quirks.names) = (true, Names::Empty));
    lock.finger(99);
    let entry: Value = serde_json::from_str(&place.next("lock/rollingLog").await).unwrap();
    assert_eq!((&entry["trigger"], &entry["completionStatus"]), (&"fingerprint".into(), &"undefined".into()));
    place.hub().quirks(|quirks| quirks.names = Names::Wrong);
    lock.finger(99);
    let entry: Value = serde_json::from_str(&place.next("lock/rollingLog").await).unwrap();
    assert_ne!(entry["authorizationName"], "Keypad");
    place.fleet.stop().await;
}

#[tokio::test]
async fn without_the_right_pin_there_is_no_log_and_nothing_is_written() {
    for pin in [Pin::None, Pin::Wrong] {
        let mut place = place(HubSpec { pin, ..hub() }).await;
        for (topic, payload, answer, result) in [
            (
                "keypad/actionJson",
                r#"{"action":"delete","codeId":"1"}"#,
                "keypad/commandResultJson",
                "noValidPinSet",
            ),
            ("timecontrol/action", r#"{"action":"delete"}"#, "timecontrol/commandResult", "noValidPinSet"),
            ("authorization/action", r#"{"action":"add"}"#, "authorization/commandResult", "noValidPinSet"),
            (
                "configuration/action",
                r#"{"name":"x"}"#,
                "configuration/commandResult",
                r#"{"general":"noValidPinSet"}"#,
            ),
        ] {
            let said = place.ask(&format!("lock/{topic}"), payload, &format!("lock/{answer}")).await;
            assert_eq!(said, result);
        }
        place.fleet.locks()[0].turn_by_hand(false);
        let seen = within(place.hub().says("lock/state", "unlocked")).await;
        assert_eq!(seen.last("lock/rollingLog"), None);
        place.fleet.stop().await;
    }
}

#[tokio::test]
async fn codes_are_added_changed_and_deleted_and_found_again_by_reading() {
    let mut place = place(HubSpec { keypad_codes: true, ..hub() }).await;
    let answer = "lock/keypad/commandResultJson";
    let add = r#"{"action":"add","code":"589472","name":"Carla","timeLimited":"1","allowedWeekdays":["wed","fri"],
        "allowedFromTime":"08:00","allowedUntilTime":"16:00","allowedFrom":"2026-01-01 00:00:00"}"#;
    assert_eq!(place.ask("lock/keypad/actionJson", add, answer).await, "success");
    let codes = list(&mut place, "lock/keypad/json").await;
    assert_eq!((&codes[0]["codeId"], &codes[0]["code"]), (&8_192.into(), &589_472.into()));
    assert_eq!(codes[0]["allowedWeekdays"], serde_json::json!(["wed", "fri"]));
    assert_eq!(
        (&codes[0]["allowedFromTime"], &codes[0]["allowedUntil"]),
        (&"08:00".into(), &"0000-00-00 00:00:00".into())
    );
    let update =
        r#"{"action":"update","codeId":8192,"enabled":"0","name":"Carla from the third floor on the left"}"#;
    assert_eq!(place.ask("lock/keypad/actionJson", update, answer).await, "success");
    let codes = list(&mut place, "lock/keypad/json").await;
    assert_eq!((&codes[0]["enabled"], &codes[0]["name"]), (&0.into(), &"Carla from the third".into()));
    assert_eq!(codes[0]["allowedFromTime"], "08:00", "what is not named stays");
    let delete = r#"{"action":"delete","codeId":"8192"}"#;
    assert_eq!(place.ask("lock/keypad/actionJson", delete, answer).await, "success");
    assert!(list(&mut place, "lock/keypad/json").await.is_empty());
    place.fleet.stop().await;
}

#[tokio::test]
async fn every_wrong_keypad_command_has_its_own_word() {
    let mut place = place(hub()).await;
    place.fleet.locks()[0].visit(|machine| machine.memory().add_simple_code(589_472, "Carla")).await;
    place.send("lock/query/keypad", "1").await;
    while list(&mut place, "lock/keypad/json").await.is_empty() {}
    for (command, result) in [
        ("nonsense", "invalidJson"),
        (r#"{"codeId":"1"}"#, "noActionSet"),
        (r#"{"action":"open"}"#, "invalidAction"),
        (r#"{"action":"delete","codeId":"1"}"#, "noExistingCodeIdSet"),
        (r#"{"action":"add","code":"589473"}"#, "noNameSet"),
        (r#"{"action":"add","name":"A"}"#, "noCodeSet"),
        (r#"{"action":"add","name":"A","code":"589402"}"#, "noValidCodeSet"),
        (r#"{"action":"add","name":"A","code":"58947"}"#, "noValidCodeSet"),
        (r#"{"action":"add","name":"A","code":"121111"}"#, "failed"),
        (r#"{"action":"add","name":"A","code":"589472"}"#, "failed"),
        (
            r#"{"action":"add","name":"A","code":"333333","timeLimited":"1","allowedFrom":"2026-13-01 00:00:00"}"#,
            "invalidAllowedFrom",
        ),
        (
            r#"{"action":"add","name":"A","code":"333333","timeLimited":"1","allowedUntil":"2026-12-01"}"#,
            "invalidAllowedUntil",
        ),
        (
            r#"{"action":"add","name":"A","code":"333333","timeLimited":"1","allowedFromTime":"8:00"}"#,
            "invalidAllowedFromTime",
        ),
        (
            r#"{"action":"add","name":"A","code":"333333","timeLimited":"1","allowedUntilTime":"24:00"}"#,
            "invalidAllowedUntilTime",
        ),
        (r#"{"action":"update","name":"A"}"#, "noCodeIdSet"),
        (r#"{"action":"update","codeId":"7"}"#, "noExistingCodeIdSet"),
        (r#"{"action":"check","codeId":"8192","code":"589472"}"#, "checkingKeypadCodesDisabled"),
    ] {
        let said = place.ask("lock/keypad/actionJson", command, "lock/keypad/commandResultJson").await;
        assert_eq!(said, result, "{command}");
    }
    place.fleet.stop().await;
}

#[tokio::test]
async fn codes_can_be_checked_and_the_old_way_of_writing_them_works_too() {
    let mut place = place(HubSpec { keypad_check: true, ..hub() }).await;
    for (topic, payload) in [("name", "Carla"), ("code", "589472"), ("action", "add")] {
        place.send(&format!("lock/keypad/command/{topic}"), payload).await;
    }
    assert_eq!(place.next("lock/keypad/command/commandResult").await, "success");
    while list(&mut place, "lock/keypad/json").await.is_empty() {}
    for (code, result) in [("589472", "codeValid"), ("111111", "codeInvalid")] {
        let check = format!(r#"{{"action":"check","codeId":"8192","code":"{code}"}}"#);
        let said = place.ask("lock/keypad/actionJson", &check, "lock/keypad/commandResultJson").await;
        assert_eq!(said, result);
    }
    assert_eq!(place.hub().seen().last("lock/keypad/code_0/name"), Some("Carla"));
    place.send("lock/keypad/command/action", "add").await;
    assert_eq!(place.next("lock/keypad/command/commandResult").await, "MissingParameterName");
    place.fleet.stop().await;
}

#[tokio::test]
async fn time_control_is_written_and_read() {
    let mut place = place(hub()).await;
    let answer = "lock/timecontrol/commandResult";
    let add = r#"{"action":"add","weekdays":["wed","thu"],"time":"08:00","lockAction":"Unlock"}"#;
    assert_eq!(place.ask("lock/timecontrol/action", add, answer).await, "success");
    let times = loop {
        let times = list(&mut place, "lock/timecontrol/json").await;
        if !times.is_empty() {
            break times;
        }
    };
    let expected =
        r#"{"entryId":1,"enabled":1,"weekdays":["wed","thu"],"time":"08:00","lockAction":"Unlock"}"#;
    assert_eq!(times[0], serde_json::from_str::<Value>(expected).unwrap());
    for (command, result) in [
        (r#"{"action":"update","entryId":"1","enabled":"0"}"#, "success"),
        (r#"{"action":"update","entryId":"9"}"#, "noExistingEntryIdSet"),
        (r#"{"action":"add","time":"25:00","lockAction":"Unlock"}"#, "invalidTime"),
        (r#"{"action":"add","time":"05:00","lockAction":"Explode"}"#, "invalidLockAction"),
        (r#"{"action":"delete","entryId":"1"}"#, "success"),
    ] {
        assert_eq!(place.ask("lock/timecontrol/action", command, answer).await, result, "{command}");
    }
    place.fleet.stop().await;
}

#[tokio::test]
async fn authorizations_are_read_changed_and_deleted_but_never_added() {
    let mut place = place(hub()).await;
    let list_of = |list: Vec<Value>| -> Vec<(u64, u64)> {
        list.iter()
            .map(|known| (known["authId"].as_u64().unwrap(), known["idType"].as_u64().unwrap()))
            .collect()
    };
    place.send("lock/query/config", "1").await;
    let known = list_of(list(&mut place, "lock/authorization/json").await);
    assert_eq!(known, [(54_321, 0), (54_322, 0), (54_330, 2), (60_001, 1), (195_249, 3)]);
    let answer = "lock/authorization/commandResult";
    for (command, result) in [
        (r#"{"action":"add","name":"Dora"}"#, "addActionNotSupported"),
        (r#"{"action":"delete","authId":"1"}"#, "noExistingAuthIdSet"),
        (r#"{"action":"update","authId":"54321","enabled":"0","remoteAllowed":"0"}"#, "success"),
        (r#"{"action":"delete","authId":"54330"}"#, "success"),
    ] {
        assert_eq!(place.ask("lock/authorization/action", command, answer).await, result, "{command}");
    }
    let known = list(&mut place, "lock/authorization/json").await;
    assert_eq!((known.len(), &known[0]["enabled"]), (4, &0.into()));
    place.fleet.stop().await;
}
