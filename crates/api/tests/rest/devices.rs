//! Naming, favouring, asking anew and removing devices over the wire.

use axum::http::StatusCode;
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::bus::Event;
use serde_json::json;

use crate::kit::{Api, SMARTLOCK, check};

const DOOR: &str = "/smartlock/17179869345";

#[tokio::test]
async fn a_name_and_a_favourite_are_changed_together_or_not_at_all() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, &[TokenScope::Smartlock]).await;
    let is = async || {
        let one = api.get(DOOR, &token).await.json();
        check(&SMARTLOCK, &one);
        (one["name"].as_str().unwrap().to_owned(), one["favorite"].as_bool().unwrap())
    };
    for (body, status, name, favourite) in [
        (json!({}), StatusCode::NO_CONTENT, "Front door", false),
        (json!({ "name": "  Haustür  ", "favorite": true }), StatusCode::NO_CONTENT, "Haustür", true),
        (json!({ "favorite": "False" }), StatusCode::NO_CONTENT, "Haustür", false),
        (json!({ "name": null, "favorite": 1, "smartlockId": 7 }), StatusCode::NO_CONTENT, "Haustür", true),
        (json!({ "name": "", "favorite": false }), StatusCode::BAD_REQUEST, "Haustür", true),
        (json!({ "name": "x".repeat(65), "favorite": false }), StatusCode::BAD_REQUEST, "Haustür", true),
        (json!({ "name": "Other", "favorite": "x" }), StatusCode::BAD_REQUEST, "Haustür", true),
        (json!({ "name": 5 }), StatusCode::BAD_REQUEST, "Haustür", true),
    ] {
        let answer = api.call("POST", DOOR, &token, &body.to_string()).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert_eq!(is().await, (name.to_owned(), favourite), "{body}");
    }
    let twice = api.call("POST", DOOR, &token, r#"{"name":"One","name":"Two"}"#).await;
    assert_eq!((twice.status, is().await.0.as_str()), (StatusCode::BAD_REQUEST, "Haustür"));
}

#[tokio::test]
async fn a_list_is_no_object_wherever_an_object_belongs_and_changes_nothing() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let before = api.get(DOOR, &token).await.json();
    let paths = ["", "/action", "/config", "/advanced/config", "/admin/pin", "/web/config"];
    let on_the_door = paths.iter().flat_map(|path| {
        ["[]", r#"["Evil",false]"#, "[1]", "[true,[7]]", r#"[{"name":"Evil"}]"#, "null", "7"]
            .map(|body| (format!("{DOOR}{path}"), body))
    });
    let of_many = [
        "[]",
        "[[]]",
        r#"{"webConfigRequests":[[17179869345,{"batteryWarningPerMailEnabled":true}]]}"#,
        r#"{"webConfigRequests":[{"smartlockId":17179869345,"webConfig":[true]}]}"#,
    ];
    for (path, body) in on_the_door.chain(of_many.map(|body| ("/bulk-web-config".to_owned(), body))) {
        let answer = api.call("POST", &path, &token, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}: {answer:?}");
        let words = answer.json()["detailMessage"].as_str().unwrap().to_owned();
        assert!(words.starts_with("body: ") && words.contains(" is expected at line 1"), "{body}: {words}");
        assert!(words.contains("object") && !words.contains("struct"), "{path} {body}: {words}");
    }
    assert_eq!(api.get(DOOR, &token).await.json(), before);
}

#[tokio::test]
async fn a_removed_device_is_gone_and_its_number_is_nobodys() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let reader = api.token(&anna, &[TokenScope::SmartlockReadOnly]).await;
    assert_eq!(api.call("DELETE", DOOR, &reader, "").await.status, StatusCode::FORBIDDEN);
    let removed = api.call("DELETE", DOOR, &token, "").await;
    assert_eq!((removed.status, removed.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(api.call("DELETE", DOOR, &token, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.get(DOOR, &token).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.get("/smartlock", &token).await.json(), json!([]));
}

#[tokio::test]
async fn whoever_may_operate_a_device_may_have_it_asked_anew() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, &[TokenScope::SmartlockAction]).await;
    let mut events = api.world.app.bus().subscribe();
    let answer = api.call("POST", &format!("{DOOR}/sync"), &token, "").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
    let asked = Event::SyncAsked { account: anna.account, device: door };
    assert_eq!(events.try_recv(), Ok(asked));
}
