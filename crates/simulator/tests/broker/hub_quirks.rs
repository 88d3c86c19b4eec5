//! Settings by way of a hub, and what goes wrong in it.

use lockwarden_simulator::{HubQuirks, HubSpec, LockSpec};
use rumqttc::QoS;

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

const ANSWER: &str = "lock/configuration/commandResult";
const COMMAND: &str = "lock/configuration/action";

#[tokio::test]
async fn every_setting_has_a_result_of_its_own() {
    let mut place = place(HubSpec { denied_settings: vec!["ledEnabled".to_owned()], ..hub() }).await;
    for (command, answer) in [
        (r#"{"buttonEnabled":"0"}"#, r#"{"buttonEnabled":"success","general":"success"}"#),
        (r#"{"buttonEnabled":"0"}"#, r#"{"buttonEnabled":"unchanged","general":"noChange"}"#),
        (
            r#"{"lockNgoTimeout":"61","name":"","ledEnabled":"0","unlatchDuration":"7"}"#,
            r#"{"name":"noValueSet","ledEnabled":"accessDenied","lockNgoTimeout":"invalidValue","unlatchDuration":"success","general":"success"}"#,
        ),
        (
            r#"{"name":"a name of more than thirty-two letters"}"#,
            r#"{"name":"valueTooLong","general":"noChange"}"#,
        ),
        (r#"{"colour":"red"}"#, r#"{"general":"noChange"}"#),
        ("{", r#"{"general":"invalidJson"}"#),
    ] {
        assert_eq!(place.ask(COMMAND, command, ANSWER).await, answer, "{command}");
    }
    let hold = place.fleet.locks()[0].visit(|machine| machine.spec.unlatch_hold).await;
    assert_eq!(hold, Some(std::time::Duration::from_secs(7)), "the lock lives by it");
    place.send(COMMAND, r#"{"name":"Gate"}"#).await;
    place.told_until("nuki/3C8862ED/name", "Gate").await;
    place.fleet.stop().await;
}

#[tokio::test]
async fn six_hundred_seconds_of_auto_lock_become_eighty_eight() {
    let mut place = place(hub()).await;
    for (value, result, stored) in [
        ("600", r#"{"autoLockTimeOut":"success","general":"success"}"#, "88"),
        ("256", r#"{"autoLockTimeOut":"invalidValue","general":"noChange"}"#, "88"),
        ("1800", r#"{"autoLockTimeOut":"invalidValue","general":"noChange"}"#, "88"),
    ] {
        let command = format!(r#"{{"autoLockTimeOut":"{value}"}}"#);
        assert_eq!(place.ask(COMMAND, &command, ANSWER).await, result);
        let is = |machine: &mut lockwarden_simulator::machine::Machine| {
            machine.memory().settings.get("autoLockTimeOut").to_owned()
        };
        assert_eq!(place.fleet.locks()[0].visit(is).await.as_deref(), Some(stored));
    }
    place.hub().quirks(|quirks| quirks.narrow_numbers = false);
    place.ask(COMMAND, r#"{"autoLockTimeOut":"1800"}"#, ANSWER).await;
    let is =
        place.fleet.locks()[0].visit(|machine| machine.memory().settings.get("autoLockTimeOut") == "1800");
    assert_eq!(is.await, Some(true));
    place.fleet.stop().await;
}

#[tokio::test]
async fn a_number_instead_of_text_crashes_the_hub_and_nothing_is_written() {
    for value in ["0", "false", "null"] {
        let mut place = place(hub()).await;
        place.send(COMMAND, &format!(r#"{{"buttonEnabled":{value}}}"#)).await;
        place.told_until("nukihub/maintenance/mqttConnectionState", "offline").await;
        let seen = within(place.hub().wait_for(|seen| seen.boots == 2 && seen.connected)).await;
        assert_eq!((seen.restart_reason, seen.last(ANSWER)), ("ESP_RST_PANIC", Some("")));
        let is =
            place.fleet.locks()[0].visit(|machine| machine.memory().settings.get("buttonEnabled") == "1");
        assert_eq!(is.await, Some(true));
        place.fleet.stop().await;
    }
    let mut kind = place(HubSpec { quirks: HubQuirks::none(), ..hub() }).await;
    let answer = kind.ask(COMMAND, r#"{"buttonEnabled":false}"#, ANSWER).await;
    assert_eq!(answer, r#"{"buttonEnabled":"success","general":"success"}"#);
    kind.fleet.stop().await;
}

#[tokio::test]
async fn json_that_does_not_fit_is_cut_off_and_a_long_command_is_cut_short() {
    let mut place = place(HubSpec { buffer: 300, keypad_entries: 100, ..hub() }).await;
    let lock = place.fleet.locks()[0].clone();
    lock.visit(|machine| {
        for code in 0..5 {
            machine.memory().add_simple_code(333_331 + code, "Somebody with a name").unwrap();
        }
    })
    .await;
    place.send("lock/query/keypad", "1").await;
    let text = loop {
        let text = place.next("lock/keypad/json").await;
        if text.len() > 2 {
            break text;
        }
    };
    assert_eq!(text.len(), 299);
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_err());
    let long = format!(r#"{{"action":"add","code":"589472","name":"A","padding":"{}"}}"#, "x".repeat(800));
    let said = place.ask("lock/keypad/actionJson", &long, "lock/keypad/commandResultJson").await;
    assert_eq!(said, "invalidJson", "of a longer payload it reads 799 bytes");
    place.fleet.stop().await;
}

#[tokio::test]
async fn codes_beyond_what_the_hub_fetches_do_not_exist_for_it() {
    let mut place = place(hub()).await;
    place.fleet.locks()[0]
        .visit(|machine| {
            for code in 0..8 {
                machine.memory().add_simple_code(333_331 + code, "A").unwrap();
                machine.memory().add_simple_code(444_441 + code, "B").unwrap();
            }
        })
        .await;
    place.send("lock/query/keypad", "1").await;
    let count = loop {
        let text = place.next("lock/keypad/json").await;
        let list: serde_json::Value = serde_json::from_str(&text).unwrap();
        if !list.as_array().unwrap().is_empty() {
            break list.as_array().unwrap().len();
        }
    };
    assert_eq!(count, 10);
    let answer = "lock/keypad/commandResultJson";
    for (id, result) in [(8_192 + 10, "noExistingCodeIdSet"), (8_192 + 9, "success")] {
        let command = format!(r#"{{"action":"delete","codeId":"{id}"}}"#);
        assert_eq!(place.ask("lock/keypad/actionJson", &command, answer).await, result);
    }
    place.fleet.stop().await;
}

#[tokio::test]
async fn a_window_sent_without_time_limited_becomes_garbage() {
    for (quirks, spoiled) in [(HubQuirks::default(), true), (HubQuirks::none(), false)] {
        let mut place = place(HubSpec { quirks, ..hub() }).await;
        let answer = "lock/keypad/commandResultJson";
        let add = r#"{"action":"add","code":"589472","name":"Carla","timeLimited":"1","allowedFromTime":"08:00","allowedUntilTime":"16:00"}"#;
        assert_eq!(place.ask("lock/keypad/actionJson", add, answer).await, "success");
        while place.next("lock/keypad/json").await.len() < 3 {}
        let update = r#"{"action":"update","codeId":"8192","allowedFromTime":"09:00"}"#;
        assert_eq!(place.ask("lock/keypad/actionJson", update, answer).await, "success");
        let time = place.fleet.locks()[0].visit(|machine| machine.memory().codes[0].window.from_time).await;
        assert_ne!(time, Some((9, 0)), "it is never what was meant");
        assert_eq!(time != Some((8, 0)), spoiled, "{time:?}");
        place.fleet.stop().await;
    }
}

#[tokio::test]
async fn what_the_broker_kept_from_an_earlier_life_comes_again() {
    let mut quirks = HubQuirks::default();
    (quirks.leftovers, quirks.dashes) = (true, true);
    let spec = HubSpec { log: false, quirks, ..hub() };
    let mut place = Place::new(LockSpec::new(ID, "Front door"), spec).await;
    let told = place.told_until("nukihub/lock/rollingLog", "--").await;
    let first = |topic: &str| told.iter().find(|(of, _)| of == topic).unwrap().1.clone();
    assert_eq!(first("nukihub/lock/commandResult"), "failed");
    assert!(first("nukihub/lock/json").contains("2020-01-01"), "an old state before the true one");
    place.client.publish("nukihub/lock/action", QoS::AtLeastOnce, true, "unlock").await.unwrap();
    place.fleet.stop().await;
}

#[tokio::test]
async fn the_log_can_be_in_local_time() {
    let mut hours = Vec::new();
    for local_log in [false, true] {
        let quirks = HubQuirks { local_log, ..HubQuirks::default() };
        let spec = LockSpec { time_zone_minutes: 300, ..LockSpec::new(ID, "Front door") };
        let mut place = Place::new(spec, HubSpec { quirks, ..hub() }).await;
        place.ready(&fast()).await;
        place.fleet.locks()[0].turn_by_hand(false);
        let entry: serde_json::Value = serde_json::from_str(&place.next("lock/rollingLog").await).unwrap();
        hours.push(entry["timeHour"].as_u64().unwrap());
        place.fleet.stop().await;
    }
    // An hour may begin between the two.
    assert!(matches!((hours[1] + 24 - hours[0]) % 24, 5 | 6), "{hours:?}");
}
