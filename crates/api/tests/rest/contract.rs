//! Exact on the wire, and equal to the document.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::activity::EntryQuery;
use lockwarden_app::devices::{DoorState, LockAction, LockEvent, LockState, Observation, Trigger};
use serde_json::Value;

use crate::kit::{Api, LOG, MY_ACCOUNT, SMARTLOCK, check};

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
    assert!(ours.entries.len() > 60 && shown.as_array().unwrap().len() == 50);
    for entry in shown.as_array().unwrap() {
        check(&LOG, entry);
    }
}

#[tokio::test]
async fn the_document_names_what_is_served_and_nothing_else() {
    let api = Api::new().await;
    let document = api.get("/openapi.json", "").await.json();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete", "patch"] {
            let concrete = path.replace("{smartlockId}", "1");
            let answer = api.call(&method.to_uppercase(), &concrete, "", "").await;
            let documented = methods.get(method).is_some();
            let served = answer.status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(documented, served, "{method} {path}: {answer:?}");
            if let Some(operation) = methods.get(method) {
                operations.push(format!("{method} {path}"));
                for key in ["operationId", "summary", "security", "responses"] {
                    assert!(operation.get(key).is_some(), "{method} {path} has no {key}");
                }
                let success = if method == "get" { "200" } else { "204" };
                for status in [success, "401", "403"] {
                    assert!(
                        operation["responses"].get(status).is_some(),
                        "{method} {path} does not say {status}"
                    );
                }
            }
        }
    }
    operations.sort();
    let expected = [
        "get /account",
        "get /smartlock",
        "get /smartlock/log",
        "get /smartlock/{smartlockId}",
        "get /smartlock/{smartlockId}/log",
        "post /smartlock/{smartlockId}/action",
        "post /smartlock/{smartlockId}/action/lock",
        "post /smartlock/{smartlockId}/action/unlock",
    ];
    assert_eq!(operations, expected);
    assert_eq!(api.get("/address", "").await.status, StatusCode::NOT_FOUND);
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
    assert_eq!(error.json()["code"], 404);
    assert!(error.json()["detailMessage"].is_string());
}
