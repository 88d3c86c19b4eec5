//! Who may call what: every operation of the document with every kind of token, and every device that is not one's own.

use axum::http::StatusCode;
use lockwarden_app::accounts::{NewToken, TokenScope};
use lockwarden_app::devices::{DeviceType, Observation, SortBy};
use serde_json::Value;

use crate::kit::Api;

const OWN: &str = "17179869345";
const OPENER: &str = "8589934754";
const SMART_DOOR: &str = "12884902051";

/// Method, path and scopes of every operation, from the document.
fn operations() -> Vec<(String, String, Vec<String>)> {
    let document = serde_json::to_value(lockwarden_api::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Some(security) = operation.get("security").and_then(Value::as_array) else {
                continue;
            };
            let scopes = security
                .iter()
                .flat_map(|one| one["token"].as_array().unwrap())
                .map(|scope| scope.as_str().unwrap().to_owned());
            operations.push((method.to_uppercase(), path.clone(), scopes.collect()));
        }
    }
    operations
}

fn body(path: &str) -> &'static str {
    match path.rsplit('/').next().unwrap() {
        "action" => r#"{"action":2}"#,
        "pin" => r#"{"adminPin":1234}"#,
        "bulk-web-config" => r#"{"webConfigRequests":[]}"#,
        _ => "{}",
    }
}

/// What a call that is right and allowed answers. A PIN can be set by no way (decision 5).
fn right(path: &str) -> StatusCode {
    if path.ends_with("/admin/pin") { StatusCode::BAD_REQUEST } else { StatusCode::NO_CONTENT }
}

#[tokio::test]
async fn a_scope_opens_exactly_the_operations_that_declare_it() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    api.world.lock(&anna, "Front door", 0xA1).await;
    for (nuki_id, kind) in [(0xA2, DeviceType::Opener), (0xA3, DeviceType::SmartDoor)] {
        let device = api.world.lock(&anna, "Another kind", nuki_id).await;
        api.world.says(device, Observation::DeviceType(kind)).await;
    }
    let (mut allowed, mut refused) = (0, 0);
    for (scope, nuki_id) in TokenScope::ALL.iter().zip(0xC0..) {
        let token = api.token(&anna, &[*scope]).await;
        api.world.lock(&anna, "To be removed", nuki_id).await;
        let other = ((4_i64 << 32) | i64::from(nuki_id)).to_string();
        for (method, path, scopes) in operations() {
            let number = match path.rsplit('/').next().unwrap() {
                "openerconfig" => OPENER,
                "smartdoorconfig" => SMART_DOOR,
                _ if method == "DELETE" => other.as_str(),
                _ => OWN,
            };
            let path = path.replace("{smartlockId}", number);
            let answer = api.call(&method, &path, &token, body(&path)).await;
            let declared = scopes.iter().any(|declared| declared == scope.name());
            if declared && method == "GET" {
                assert_eq!(answer.status, StatusCode::OK, "{path} with {}: {answer:?}", scope.name());
                allowed += 1;
            } else if declared {
                assert_eq!(answer.status, right(&path), "{method} {path} with {}: {answer:?}", scope.name());
                allowed += 1;
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} with {}", scope.name());
                refused += 1;
            }
        }
    }
    assert_eq!((allowed, refused), (20, 88));
}

#[tokio::test]
async fn without_a_token_or_with_a_dead_one_nothing_answers() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    api.world.lock(&anna, "Front door", 0xA1).await;
    let (id, revoked) =
        api.world.app.create_token(&anna, NewToken { name: "old", scopes: TokenScope::ALL }).await.unwrap();
    api.world.app.revoke_token(&anna, id).await.unwrap();
    for (method, path, _) in operations() {
        for token in ["", "wrong", &revoked, &"0".repeat(80), "a b"] {
            let answer = api.call(&method, &path.replace("{smartlockId}", OWN), token, body(&path)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
}

#[tokio::test]
async fn what_is_somebody_elses_answers_to_the_byte_like_what_never_was() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let boris = api.world.owner("Boris").await;
    api.world.lock(&anna, "Front door", 0xA1).await;
    let gone = api.world.lock(&boris, "Gone", 0xB1).await;
    api.world.app.remove_device(&boris, gone).await.unwrap();
    let token = api.token(&boris, TokenScope::ALL).await;
    let (foreign, removed, never) = (OWN, "17179869361", "17179900000");
    for (method, path, _) in operations().into_iter().filter(|(_, path, _)| path.contains('{')) {
        let mut answers = Vec::new();
        for number in [foreign, removed, never, "1", "0", "9223372036854775807"] {
            let answer = api.call(&method, &path.replace("{smartlockId}", number), &token, body(&path)).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path} {number}");
            answers.push(answer);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{method} {path}");
    }
    assert!(api.get("/smartlock", &token).await.json().as_array().unwrap().is_empty());
    assert!(api.get("/smartlock/log", &token).await.json().as_array().unwrap().is_empty());
    assert_eq!(api.world.app.list_devices(&anna, SortBy::Name).await.unwrap().len(), 1);
}
