//! Settings over the wire: answered as the device says they are, changed as little as the body says.

use axum::http::StatusCode;
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::actor::Actor;
use lockwarden_app::devices::{DeviceType, Observation};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::settings::{Setting, SettingValue};
use lockwarden_app::ways::{Fact, Trouble};
use serde_json::{Value, json};

use crate::kit::{Api, SMARTLOCK, check, everything_of};

const DOOR: &str = "/smartlock/17179869345";
const KINDS: &[DeviceType] = &[
    DeviceType::SmartLock12,
    DeviceType::Opener,
    DeviceType::SmartDoor,
    DeviceType::SmartLock34,
    DeviceType::SmartLock5,
];

/// A lock behind a hub that has told all its settings, and a token for everything.
async fn lock(api: &Api) -> (Actor, DeviceId, String) {
    let anna = api.world.owner("Anna").await;
    let kind = DeviceType::SmartLock34;
    let door = api.behind_hub(&anna, "Front door", (kind, 0xA1)).await;
    api.hub_says(door, Observation::Settings(everything_of(kind))).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    (anna, door, token)
}

/// What is on its way to the device, by key.
async fn open(api: &Api, anna: &Actor, door: DeviceId) -> Vec<(&'static str, SettingValue)> {
    let held = api.world.app.load_settings(anna, door).await.unwrap().into_iter();
    let mut open: Vec<_> = held
        .filter(lockwarden_app::settings::Held::is_open)
        .map(|one| (one.setting.key(), one.desired.unwrap()))
        .collect();
    open.sort_by_key(|(key, _)| *key);
    open
}

async fn post(api: &Api, path: &str, token: &str, body: &Value) -> StatusCode {
    let answer = api.call("POST", &format!("{DOOR}/{path}"), token, &body.to_string()).await;
    assert!(answer.status != StatusCode::NO_CONTENT || answer.text.is_empty());
    answer.status
}

#[tokio::test]
async fn every_type_has_its_models_whole_as_soon_as_all_that_is_required_is_known_and_not_before() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let token = api.token(&anna, TokenScope::ALL).await;
    for kind in KINDS {
        let number = (kind.stored() << 32) | (0xB0 + kind.stored());
        let nuki_id = u32::try_from(number & 0xFFFF_FFFF).unwrap();
        let device = api.behind_hub(&anna, "A device", (*kind, nuki_id)).await;
        let path = format!("/smartlock/{number}");
        let models = async || {
            let one = api.get(&path, &token).await.json();
            check(&SMARTLOCK, &one);
            ["config", "advancedConfig", "openerAdvancedConfig", "smartdoorAdvancedConfig"]
                .map(|model| one.get(model).is_some())
        };
        assert_eq!(models().await, [false; 4], "{kind:?}");
        let (last, first): (Vec<_>, Vec<_>) = everything_of(*kind)
            .into_iter()
            .partition(|(setting, _)| matches!(setting, Setting::Timezone | Setting::BatteryType));
        api.hub_says(device, Observation::Settings(first)).await;
        assert_eq!(models().await, [false; 4], "{kind:?}");
        api.hub_says(device, Observation::Settings(last)).await;
        let is = |kinds: &[DeviceType]| kinds.contains(kind);
        // A smart door has no cylinder whose degrees the lock's model requires.
        let lock = !is(&[DeviceType::Opener, DeviceType::SmartDoor]);
        assert_eq!(
            models().await,
            [true, lock, is(&[DeviceType::Opener]), is(&[DeviceType::SmartDoor])],
            "{kind:?}"
        );
    }
    let all = api.get("/smartlock", &token).await.json();
    assert_eq!(all.as_array().unwrap().len(), KINDS.len());
    for one in all.as_array().unwrap() {
        check(&SMARTLOCK, one);
        assert_eq!(*one, api.get(&format!("/smartlock/{}", one["smartlockId"]), &token).await.json());
    }
    let of_type = api.get("/smartlock?type=3", &token).await.json();
    assert_eq!(of_type.as_array().unwrap().len(), 1);
    assert_eq!(of_type[0]["smartdoorAdvancedConfig"]["supportedBatteryTypes"], json!([0, 2]));
    assert_eq!(api.get("/smartlock?authId=7", &token).await.json(), json!([]));
}

#[tokio::test]
async fn facts_of_the_hub_are_told_where_the_web_api_has_a_place_for_them() {
    let api = Api::new().await;
    let (_, door, token) = lock(&api).await;
    let facts = [(Fact::Hardware, "5.11"), (Fact::NightMode, "1"), (Fact::KeypadPaired, "1")];
    let facts = facts.map(|(fact, value)| (fact, value.to_owned()));
    api.hub_says(door, Observation::Facts(facts.to_vec())).await;
    api.hub_says(door, Observation::Firmware("3.10.7".to_owned())).await;
    let one = api.get(DOOR, &token).await.json();
    check(&SMARTLOCK, &one);
    assert_eq!((&one["hardwareVersion"], &one["firmwareVersion"]), (&json!(1_291), &json!(199_175)));
    assert_eq!((&one["state"]["nightMode"], &one["config"]["keypadPaired"]), (&json!(true), &json!(true)));
    assert_eq!(one["adminPinState"], 0);
    api.hub_says(door, Observation::Trouble(Trouble::NoPin, Some(String::new()))).await;
    assert_eq!(api.get(DOOR, &token).await.json()["adminPinState"], 1);
}

#[tokio::test]
async fn a_whole_config_sent_back_changes_only_what_is_otherwise_in_it() {
    let api = Api::new().await;
    let (anna, door, token) = lock(&api).await;
    let before = api.get(DOOR, &token).await.json();
    let mut config = before["config"].clone();
    (config["fobAction1"], config["keypadPaired"]) = (json!(3), json!(false));
    (config["operationId"], config["somethingElse"]) = (json!("x"), json!({ "a": [1] }));
    assert_eq!(post(&api, "config", &token, &config).await, StatusCode::NO_CONTENT);
    assert!(open(&api, &anna, door).await.is_empty(), "what can only be read is nobody's wish");
    assert_eq!(api.get(DOOR, &token).await.json(), before);

    config["ledBrightness"] = json!("4");
    assert_eq!(post(&api, "config", &token, &config).await, StatusCode::NO_CONTENT);
    assert_eq!(open(&api, &anna, door).await, [("ledBrightness", SettingValue::Int(4))]);
    let meanwhile = api.get(DOOR, &token).await.json();
    check(&SMARTLOCK, &meanwhile);
    assert_eq!(meanwhile["config"]["ledBrightness"], 0, "what is wanted is not what is");
    let operation = meanwhile["config"]["operationId"].as_str().unwrap();
    assert!(operation.len() == 24 && operation.bytes().all(|byte| byte.is_ascii_hexdigit()), "{operation}");
    assert_eq!(meanwhile["operationId"], operation);
    assert!(meanwhile["advancedConfig"].get("operationId").is_none(), "no change to that one is on its way");

    // Somebody who read before it arrived changes something else and sends everything back.
    let mut config = meanwhile["config"].clone();
    config["buttonEnabled"] = json!(false);
    assert_eq!(post(&api, "config", &token, &config).await, StatusCode::NO_CONTENT);
    let wanted = open(&api, &anna, door).await;
    assert_eq!(
        wanted,
        [("buttonEnabled", SettingValue::Bool(false)), ("ledBrightness", SettingValue::Int(4))]
    );

    let has = vec![
        (Setting::LedBrightness, SettingValue::Int(4)),
        (Setting::ButtonEnabled, SettingValue::Bool(false)),
    ];
    api.hub_says(door, Observation::Settings(has)).await;
    let after = api.get(DOOR, &token).await.json();
    assert_eq!(
        (&after["config"]["ledBrightness"], &after["config"]["buttonEnabled"]),
        (&json!(4), &json!(false))
    );
    assert!(after["config"].get("operationId").is_none() && after.get("operationId").is_none(), "{after}");
}

#[tokio::test]
async fn a_part_of_a_config_touches_only_what_it_names_and_takes_back_what_it_names() {
    let api = Api::new().await;
    let (anna, door, token) = lock(&api).await;
    let body = json!({ "lngTimeout": 30, "autoLock": "False", "totalDegrees": 1, "ledBrightness": 3 });
    assert_eq!(post(&api, "advanced/config", &token, &body).await, StatusCode::NO_CONTENT);
    let wanted = open(&api, &anna, door).await;
    assert_eq!(wanted, [("autoLock", SettingValue::Bool(false)), ("lngTimeout", SettingValue::Int(30))]);
    let told = api.get(DOOR, &token).await.json();
    assert!(
        told["advancedConfig"].get("operationId").is_some() && told["config"].get("operationId").is_none()
    );
    assert_eq!(
        (&told["advancedConfig"]["lngTimeout"], &told["advancedConfig"]["autoLock"]),
        (&json!(5), &json!(true))
    );
    assert_eq!(
        post(&api, "advanced/config", &token, &json!({ "lngTimeout": 5 })).await,
        StatusCode::NO_CONTENT
    );
    let wanted = open(&api, &anna, door).await;
    assert_eq!(wanted, [("autoLock", SettingValue::Bool(false)), ("lngTimeout", SettingValue::Int(5))]);
    for nothing in [json!({}), json!({ "autoLock": null }), json!({ "name": "x" })] {
        assert_eq!(post(&api, "advanced/config", &token, &nothing).await, StatusCode::NO_CONTENT);
        assert_eq!(open(&api, &anna, door).await, wanted, "{nothing}");
    }
}

#[tokio::test]
async fn what_cannot_be_right_is_400_in_words_and_changes_nothing_at_all() {
    let api = Api::new().await;
    let (anna, door, token) = lock(&api).await;
    for (path, body, word) in [
        ("config", json!({ "buttonEnabled": false, "ledBrightness": 6 }), "ledBrightness"),
        ("config", json!({ "buttonEnabled": false, "timezoneId": 46 }), "timezoneId"),
        ("config", json!({ "buttonEnabled": false, "latitude": 90.5 }), "latitude"),
        ("config", json!({ "buttonEnabled": false, "name": "x".repeat(33) }), "name"),
        ("config", json!({ "buttonEnabled": false, "ledEnabled": "maybe" }), "ledEnabled"),
        ("advanced/config", json!({ "autoLock": false, "lngTimeout": 7 }), "lngTimeout"),
        (
            "advanced/config",
            json!({ "autoLock": false, "singleButtonPressAction": 7 }),
            "singleButtonPressAction",
        ),
        ("advanced/openerconfig", json!({ "soundLevel": 5 }), "OpenerAdvancedConfig"),
        ("advanced/smartdoorconfig", json!({ "buzzerVolume": 1 }), "SmartdoorAdvancedConfig"),
        // No hub can set it, so it stays as the device says.
        ("config", json!({ "buttonEnabled": false, "liftUpHandle": false }), "Nuki app"),
        ("config", json!([]), "Config"),
        ("admin/pin", json!({ "adminPin": 1234 }), "Nuki app"),
        ("admin/pin", json!({ "adminPin": 10_000 }), "9999"),
        ("admin/pin", json!({}), "9999"),
        ("web/config", json!({ "batteryWarningPerMailEnabled": "perhaps" }), "true or false"),
        ("web/config", json!({ "dismissedLiftUpHandleWarning": [-1] }), "accounts"),
    ] {
        let answer = api.call("POST", &format!("{DOOR}/{path}"), &token, &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}");
        let words = answer.json()["detailMessage"].as_str().unwrap().to_owned();
        assert!(words.contains(word), "{path} {body}: {words}");
        assert!(open(&api, &anna, door).await.is_empty(), "{path} {body}");
    }
    assert!(api.get(DOOR, &token).await.json().get("webConfig").is_none());
}

#[tokio::test]
async fn a_lock_without_a_hub_can_be_set_by_no_way_and_says_so() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, &[TokenScope::SmartlockConfig]).await;
    let answer = api.call("POST", &format!("{DOOR}/config"), &token, r#"{"ledEnabled":false}"#).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let words = answer.json()["detailMessage"].as_str().unwrap().to_owned();
    assert!(words.contains("no way to this device can set it"), "{words}");
    assert!(open(&api, &anna, door).await.is_empty());
    let reader = api.token(&anna, &[TokenScope::Smartlock]).await;
    let one = api.get(DOOR, &reader).await.json();
    check(&SMARTLOCK, &one);
    assert_eq!((one.get("config"), &one["adminPinState"]), (None, &json!(1)));
}

#[tokio::test]
async fn a_change_that_was_refused_is_told_with_its_reason_until_a_later_one_or_nobody_wants_it() {
    let api = Api::new().await;
    let (anna, door, token) = lock(&api).await;
    let refuse = async |settings: &[(Setting, &str)]| {
        let refused: Vec<_> = settings.iter().map(|(setting, why)| (*setting, (*why).to_owned())).collect();
        api.world.app.settings_sent(door, &[], &refused).await.unwrap();
    };
    let error = async || {
        let (one, all) = (api.get(DOOR, &token).await.json(), api.get("/smartlock", &token).await.json());
        check(&SMARTLOCK, &one);
        assert_eq!(all[0], one);
        one.get("error").cloned()
    };
    let beyond = json!({ "autoLockTimeout": 300, "lngTimeout": 20 });
    assert_eq!(post(&api, "advanced/config", &token, &beyond).await, StatusCode::BAD_REQUEST, "no hub can");
    let body = json!({ "autoLockTimeout": 240, "lngTimeout": 20 });
    assert_eq!(post(&api, "advanced/config", &token, &body).await, StatusCode::NO_CONTENT);
    assert_eq!(error().await, None, "on its way");
    refuse(&[(Setting::AutoLockTimeout, "it was asleep"), (Setting::LockNGoTimeout, "it is busy")]).await;
    let said = "“Lock ’n’ Go locks after”: it is busy; “Lock by itself after”: it was asleep";
    assert_eq!(error().await, Some(json!(said)));
    assert!(api.get(DOOR, &token).await.json().get("operationId").is_none());
    let body = json!({ "autoLockTimeout": 200 });
    assert_eq!(post(&api, "advanced/config", &token, &body).await, StatusCode::NO_CONTENT);
    assert_eq!(error().await, Some(json!("“Lock ’n’ Go locks after”: it is busy")));
    let told = vec![(Setting::AutoLockTimeout, SettingValue::Int(200))];
    api.hub_says(door, Observation::Settings(told)).await;
    api.world.app.drop_change(&anna, door, Setting::LockNGoTimeout).await.unwrap();
    assert_eq!(error().await, None);
}

#[tokio::test]
async fn a_hub_that_is_away_gets_it_when_it_is_back() {
    let api = Api::new().await;
    let (_, door, token) = lock(&api).await;
    api.hub_says(door, Observation::Link { up: false }).await;
    let body = json!({ "ledBrightness": 5 });
    assert_eq!(post(&api, "config", &token, &body).await, StatusCode::NO_CONTENT);
    assert!(api.world.app.due_settings(None).await.unwrap().0.is_empty());
    assert!(api.get(DOOR, &token).await.json()["config"].get("operationId").is_some());
    api.hub_says(door, Observation::Link { up: true }).await;
    let (due, _) = api.world.app.due_settings(None).await.unwrap();
    assert_eq!(due[0].wanted, [(Setting::LedBrightness, SettingValue::Int(5))]);
}
