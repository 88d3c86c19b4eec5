//! Orders over the wire.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::devices::{DeviceType, LockAction, Observation};

use crate::kit::Api;

const DOOR: &str = "/smartlock/17179869345";

#[tokio::test]
async fn a_valid_order_answers_204_and_waits_in_the_table() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, &[TokenScope::SmartlockAction]).await;
    for (path, body) in [
        ("/action", r#"{"action":1,"option":0}"#),
        ("/action", r#"{"action":"3","config":0}"#),
        ("/action", r#"{"action":2,"option":4}"#),
        ("/action", r#"{"action":4}"#),
        ("/action/lock", ""),
        ("/action/unlock", ""),
    ] {
        let answer = api.call("POST", &format!("{DOOR}{path}"), &token, body).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""), "{path} {body}");
    }
    let commands = api.world.app.list_commands(&anna, door, 10).await.unwrap();
    let actions: Vec<_> = commands.iter().rev().map(|command| command.action).collect();
    assert_eq!(
        actions,
        [
            LockAction::Unlock,
            LockAction::Unlatch,
            LockAction::FullLock,
            LockAction::LockNGo,
            LockAction::Lock,
            LockAction::Unlock
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_right_orders_nothing() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    for body in ["", "{}", "null", "x", r#"{"action":9}"#, r#"{"action":6}"#, r#"{"action":1,"action":2}"#] {
        let answer = api.call("POST", &format!("{DOOR}/action"), &token, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(!answer.json()["detailMessage"].as_str().unwrap().is_empty());
    }
    let large = format!(r#"{{"action":1,"x":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(
        api.call("POST", &format!("{DOOR}/action"), &token, &large).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(
        api.call("POST", "/smartlock/0x4000000A1/action/unlock", &token, "").await.status,
        StatusCode::BAD_REQUEST
    );
    assert!(api.world.app.list_commands(&anna, door, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_offline_lock_answers_409_in_words_and_nothing_waits() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    api.world.says(door, Observation::Link { up: false }).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let answer = api.call("POST", &format!("{DOOR}/action/unlock"), &token, "").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.json()["detailMessage"].as_str().unwrap().contains("offline"));
    assert!(api.world.app.list_commands(&anna, door, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_same_idempotency_key_is_one_command() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    for _ in 0..3 {
        let request = Request::post(format!("/api{DOOR}/action/unlock"))
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", "retry-1")
            .body(Body::empty())
            .unwrap();
        assert_eq!(api.send(request).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(api.world.app.list_commands(&anna, door, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_that_cannot_be_or_was_another_order_is_400_with_and_without_a_body() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let call = async |path: &str, keys: &[&str]| {
        let mut request =
            Request::post(format!("/api{DOOR}{path}")).header("authorization", format!("Bearer {token}"));
        for key in keys {
            request = request.header("idempotency-key", *key);
        }
        api.send(request.body(Body::from(r#"{"action":1}"#)).unwrap()).await.status
    };
    assert_eq!(call("/action/lock", &["first"]).await, StatusCode::NO_CONTENT);
    let long = "x".repeat(129);
    for path in ["/action", "/action/unlock"] {
        for keys in [&["first"][..], &[""], &["a b"], &["ä"], &[&long], &["one", "two"]] {
            assert_eq!(call(path, keys).await, StatusCode::BAD_REQUEST, "{path} {keys:?}");
        }
    }
    assert_eq!(api.world.app.list_commands(&anna, door, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_device_does_not_offer_is_405_without_a_body_and_400_with_one() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let opener = api.world.lock(&anna, "Opener", 0xA1).await;
    api.world.says(opener, Observation::DeviceType(DeviceType::Opener)).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    for (path, expected) in [
        ("/action", StatusCode::BAD_REQUEST),
        ("/action/lock", StatusCode::METHOD_NOT_ALLOWED),
        ("/action/unlock", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer =
            api.call("POST", &format!("/smartlock/8589934753{path}"), &token, r#"{"action":4}"#).await;
        assert_eq!(answer.status, expected, "{path}");
    }
    assert!(api.world.app.list_commands(&anna, opener, 9).await.unwrap().is_empty());
    let rings = api.call("POST", "/smartlock/8589934753/action", &token, r#"{"action":6}"#).await;
    assert_eq!(rings.status, StatusCode::NO_CONTENT);
    let commands = api.world.app.list_commands(&anna, opener, 9).await.unwrap();
    assert_eq!(commands[0].action, LockAction::LockNGo);
}

#[tokio::test]
async fn too_many_waiting_orders_answer_423() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let mut last = StatusCode::OK;
    for _ in 0..9 {
        last = api.call("POST", &format!("{DOOR}/action/lock"), &token, "").await.status;
    }
    assert_eq!(last, StatusCode::LOCKED);
}
