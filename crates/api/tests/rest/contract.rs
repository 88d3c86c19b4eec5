//! Exact on the wire, and equal to the document.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::activity::{EntryQuery, Happening};
use lockwarden_app::devices::{DoorState, LockAction, LockEvent, LockState, Observation, Trigger};
use serde_json::Value;

use crate::kit::{
    ADVANCED_CONFIG, Api, CONFIG, Kind, LOG, MY_ACCOUNT, OPENER_ADVANCED_CONFIG, SMARTDOOR_ADVANCED_CONFIG,
    SMARTLOCK, check,
};

#[tokio::test]
async fn every_model_has_its_required_keys_and_none_of_ours() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let token = api.token(&anna, TokenScope::ALL).await;
    check(&MY_ACCOUNT, &api.get("/account", &token).await.json());
    // A device that never connected has no number; one that said little is complete all the same.
    api.world.device(&anna, "Not connected").await;
    let door = api.world.lock(&anna, "Front door", 0x1234_5678).await;
    let listed = api.get("/smartlock", &token).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    check(&SMARTLOCK, &listed[0]);
    assert_eq!(
        (&listed[0]["smartlockId"], &listed[0]["state"]["state"]),
        (&17_485_289_080_i64.into(), &1.into())
    );
    for seen in [
        Observation::Firmware("3.10.7".to_owned()),
        Observation::BatteryPercent(86),
        Observation::BatteryCharging(false),
        Observation::KeypadBatteryCritical(true),
        Observation::Door(DoorState::Opened),
        Observation::State(LockState::Other(99)),
        Observation::Event(LockEvent {
            action: LockAction::Unlatch,
            trigger: Trigger::HomeKit,
            auth_id: None,
            code_id: None,
            extra: 0,
        }),
    ] {
        api.world.says(door, seen).await;
    }
    let one = api.get("/smartlock/17485289080", &token).await.json();
    check(&SMARTLOCK, &one);
    assert_eq!(
        (&one["firmwareVersion"], &one["state"]["state"], &one["state"]["trigger"]),
        (&199_175.into(), &255.into(), &0.into())
    );
    api.world.says(door, Observation::Link { up: false }).await;
    assert_eq!(api.get("/smartlock/17485289080", &token).await.json()["serverState"], 4);
}

#[tokio::test]
async fn a_lock_that_came_back_and_has_said_nothing_since_is_in_no_known_state() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    api.world.says(door, Observation::Door(DoorState::Closed)).await;
    api.world.says(door, Observation::Link { up: false }).await;
    api.world.clock.advance(Duration::from_mins(5));
    api.world.says(door, Observation::Link { up: true }).await;
    let told = async || {
        let listed = api.get("/smartlock", &token).await.json();
        let one = api.get("/smartlock/17179869345", &token).await.json();
        assert_eq!(listed[0], one);
        check(&SMARTLOCK, &one);
        [&one["serverState"], &one["state"]["state"], &one["state"]["doorState"]].map(|n| n.as_i64().unwrap())
    };
    assert_eq!(told().await, [0, 255, 4]);
    api.world.says(door, Observation::State(LockState::Locked)).await;
    assert_eq!(told().await, [0, 1, 2]);
}

#[tokio::test]
async fn every_kind_of_entry_fits_the_model_or_is_left_out() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    for action in 0..=255 {
        for (trigger, code_id, extra) in [
            (0, None, 0),
            (0, None, 1),
            (0, Some(8_193), 1),
            (2, None, 1),
            (171, None, 0),
            (172, None, 0),
            (6, None, 0),
        ] {
            let event = LockEvent {
                action: LockAction::from_code(action),
                trigger: Trigger::from_code(trigger),
                auth_id: Some(54_321),
                code_id,
                extra,
            };
            if action < 8 || action % 40 == 0 {
                api.world.says(door, Observation::Event(event)).await;
            }
        }
    }
    for state in [LockState::MotorBlocked, LockState::Unlocked, LockState::Locked] {
        api.world.says(door, Observation::State(state)).await;
    }
    api.world.says(door, Observation::Link { up: false }).await;
    let ours =
        api.world.app.list_activity(&anna, EntryQuery { limit: 200, ..EntryQuery::default() }).await.unwrap();
    let shown = api.get("/smartlock/log?limit=50", &token).await.json();
    let fits = ours.entries.iter().filter(|entry| Happening::IN_WEB_API.contains(&entry.happening)).count();
    assert!(ours.entries.len() > fits && fits > 40, "{fits}");
    assert_eq!(shown.as_array().unwrap().len(), fits);
    for entry in shown.as_array().unwrap() {
        check(&LOG, entry);
    }
}

#[tokio::test]
async fn the_document_names_what_is_served_and_nothing_else() {
    let api = Api::new().await;
    let document = api.get("/openapi.json", "").await.json();
    let described = document["paths"].as_object().unwrap();
    let mut paths: Vec<&str> = described.keys().map(String::as_str).chain(["/openapi.json"]).collect();
    paths.sort_unstable();
    assert_eq!(served(&api), paths);
    for (path, methods) in described {
        for method in ["get", "post", "put", "delete", "patch"] {
            let concrete = ["{smartlockId}", "{brandId}", "{intercomId}"]
                .iter()
                .fold(path.clone(), |path, parameter| path.replace(parameter, "1"));
            let answer = api.call(&method.to_uppercase(), &concrete, "", "").await;
            let documented = methods.get(method).is_some();
            let served = answer.status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(documented, served, "{method} {path}: {answer:?}");
            if let Some(operation) = methods.get(method) {
                for key in ["operationId", "summary", "responses"] {
                    assert!(operation.get(key).is_some(), "{method} {path} has no {key}");
                }
                let is_open = path.starts_with("/opener/");
                assert_eq!(operation.get("security").is_none(), is_open, "{method} {path}");
                let success = if method == "get" { "200" } else { "204" };
                let refusals = if is_open { &[][..] } else { &["401", "403"] };
                for status in [success].iter().chain(refusals) {
                    assert!(
                        operation["responses"].get(*status).is_some(),
                        "{method} {path} does not say {status}"
                    );
                }
            }
        }
    }
    assert_eq!(api.get("/address", "").await.status, StatusCode::NOT_FOUND);
}

/// The paths that the router itself knows.
fn served(api: &Api) -> Vec<String> {
    let router = format!("{:?}", lockwarden_api::router(api.world.app.clone()));
    let quoted = router.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/'));
    let paths: BTreeSet<&str> = quoted.filter(|path| path.len() > 1 && !path.contains("__private")).collect();
    paths.into_iter().map(ToOwned::to_owned).collect()
}

/// An operation of the Web API 4.10.0: method and path, its id, and its parameters with their types.
type Operation = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const DEVICE: (&str, &str) = ("smartlockId", "integer");
const LOG_QUERY: &[(&str, &str)] = &[
    ("accountUserId", "integer"),
    ("action", "integer"),
    ("authId", "string"),
    ("fromDate", "string"),
    ("id", "string"),
    ("limit", "integer"),
    ("toDate", "string"),
];
const INTERCOM_QUERY: &[(&str, &str)] =
    &[("brandId", "integer"), ("ignoreVerified", "boolean"), ("recentlyChanged", "boolean")];
/// `/smartlock/log` has no `authId` there, and takes the same as the other list here. The number of a device is text in
/// the paths of actions there: the same digits.
const OPERATIONS: &[Operation] = &[
    ("delete /smartlock/{smartlockId}", "DeleteSmartlock", &[]),
    ("get /account", "GetAccounts", &[]),
    ("get /opener/brand", "GetOpenerBrands", &[]),
    ("get /opener/brand/{brandId}", "GetOpenerBrand", &[("brandId", "integer")]),
    ("get /opener/intercom", "GetOpenerIntercoms", INTERCOM_QUERY),
    ("get /opener/intercom/{intercomId}", "GetOpenerIntercom", &[("intercomId", "integer")]),
    ("get /smartlock", "GetSmartlocks", &[("authId", "integer"), ("type", "integer")]),
    ("get /smartlock/log", "GetSmartlocksLogs", LOG_QUERY),
    ("get /smartlock/{smartlockId}", "GetSmartlock", &[]),
    ("get /smartlock/{smartlockId}/log", "GetSmartlockLogs", LOG_QUERY),
    ("post /bulk-web-config", "PostSmartlockBulkWebConfig", &[]),
    ("post /smartlock/{smartlockId}", "PostSmartlock", &[]),
    ("post /smartlock/{smartlockId}/action", "PostSmartlockAction", &[("Idempotency-Key", "string")]),
    (
        "post /smartlock/{smartlockId}/action/lock",
        "PostLockSmartlockLockAction",
        &[("Idempotency-Key", "string")],
    ),
    (
        "post /smartlock/{smartlockId}/action/unlock",
        "PostUnlockSmartlockUnlockAction",
        &[("Idempotency-Key", "string")],
    ),
    ("post /smartlock/{smartlockId}/admin/pin", "PostSmartlockAdminPin", &[]),
    ("post /smartlock/{smartlockId}/advanced/config", "PostSmartlockAdvancedConfig", &[]),
    ("post /smartlock/{smartlockId}/advanced/openerconfig", "PostSmartlockOpenerAdvancedConfig", &[]),
    ("post /smartlock/{smartlockId}/advanced/smartdoorconfig", "PostSmartdoorAdvancedConfig", &[]),
    ("post /smartlock/{smartlockId}/config", "PostSmartlockConfig", &[]),
    ("post /smartlock/{smartlockId}/sync", "PostSmartlockSync", &[]),
    ("post /smartlock/{smartlockId}/web/config", "PostSmartlockWebConfig", &[]),
];

#[test]
fn operations_and_their_parameters_are_those_of_the_web_api() {
    let document = serde_json::to_value(lockwarden_api::openapi()).unwrap();
    let mut described = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut parameters: Vec<(String, String)> =
                operation["parameters"].as_array().into_iter().flatten().map(parameter).collect();
            parameters.sort();
            described.push((format!("{method} {path}"), text(&operation["operationId"]), parameters));
        }
    }
    described.sort();
    let expected: Vec<_> = OPERATIONS
        .iter()
        .map(|(operation, id, parameters)| {
            let device = operation.contains("{smartlockId}").then_some(&DEVICE);
            let mut all: Vec<_> = parameters
                .iter()
                .chain(device)
                .map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()))
                .collect();
            all.sort();
            ((*operation).to_owned(), (*id).to_owned(), all)
        })
        .collect();
    assert_eq!(described, expected);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Name and type; that it may be left out is said beside its type.
fn parameter(parameter: &Value) -> (String, String) {
    let kind = &parameter["schema"]["type"];
    let kind = kind.as_array().map_or(kind, |kinds| kinds.iter().find(|kind| *kind != "null").unwrap());
    (text(&parameter["name"]), text(kind))
}

#[tokio::test]
async fn no_reference_in_the_document_leads_nowhere() {
    let document = serde_json::to_value(lockwarden_api::openapi()).unwrap();
    let mut todo = vec![&document];
    while let Some(value) = todo.pop() {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                todo.extend(object.values());
            }
            Value::Array(items) => todo.extend(items),
            _ => {}
        }
    }
}

#[test]
fn the_models_of_settings_are_described_with_their_keys_types_and_what_is_required() {
    let document = serde_json::to_value(lockwarden_api::openapi()).unwrap();
    for (name, model) in [
        ("Smartlock.Config", &CONFIG),
        ("Smartlock.AdvancedConfig", &ADVANCED_CONFIG),
        ("Smartlock.OpenerAdvancedConfig", &OPENER_ADVANCED_CONFIG),
        ("Smartlock.SmartdoorAdvancedConfig", &SMARTDOOR_ADVANCED_CONFIG),
    ] {
        let schema = &document["components"]["schemas"][name];
        let keys = |all: &[(&'static str, Kind)]| all.iter().map(|(key, _)| *key).collect::<BTreeSet<_>>();
        let required: BTreeSet<_> =
            schema["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
        assert_eq!(required, keys(model.required), "{name}");
        let properties = schema["properties"].as_object().unwrap();
        let described: BTreeSet<_> = properties.keys().map(String::as_str).collect();
        assert_eq!(described, &keys(model.required) | &keys(model.optional), "{name}");
        for (key, kind) in model.required.iter().chain(model.optional) {
            let expected = match kind {
                Kind::Float => "number",
                Kind::Bool => "boolean",
                Kind::Text => "string",
                Kind::Ints => "array",
                _ => "integer",
            };
            assert_eq!(properties[*key]["type"], expected, "{name} {key}");
        }
    }
}

#[test]
fn the_document_changes_only_on_purpose() {
    insta::assert_json_snapshot!(lockwarden_api::openapi());
}

#[tokio::test]
async fn answers_are_not_kept_by_anybody_and_bodies_of_reads_are_ignored() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let answer = api.call("GET", "/smartlock", &token, "{}").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        (&answer.headers["cache-control"], &answer.headers["x-content-type-options"]),
        (&"no-store".parse().unwrap(), &"nosniff".parse().unwrap())
    );
    let bare = Request::get("/api/account").header("authorization", &token).body(Body::empty()).unwrap();
    assert_eq!(api.send(bare).await.status, StatusCode::OK, "a bare token is a token");
    let error = api.get("/nothing", &token).await;
    let body = error.json();
    let mut keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["code", "description", "detailMessage", "homeRef", "reasonPhrase", "uri"]);
    assert_eq!((&body["code"], &body["reasonPhrase"]), (&404.into(), &"Not Found".into()));
    assert!(body["detailMessage"].is_string() && body["description"] == body["detailMessage"]);
    assert!(body["uri"].as_str().unwrap().starts_with("https://") && body["homeRef"] == "/");
}
