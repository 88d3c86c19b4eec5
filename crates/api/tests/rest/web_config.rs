//! What programs keep beside a device.

use axum::http::StatusCode;
use lockwarden_app::accounts::TokenScope;
use serde_json::{Value, json};

use crate::kit::{Api, SMARTLOCK, check};

const FIRST: i64 = 17_179_869_345;
const SECOND: i64 = 17_179_869_346;

async fn kept(api: &Api, token: &str, number: i64) -> Value {
    let one = api.get(&format!("/smartlock/{number}"), token).await.json();
    check(&SMARTLOCK, &one);
    one.get("webConfig").cloned().unwrap_or(Value::Null)
}

#[tokio::test]
async fn what_is_given_is_kept_what_is_left_out_or_null_stays_and_an_empty_list_clears() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    assert_eq!(kept(&api, &token, FIRST).await, Value::Null);
    for (body, expected) in [
        (json!({}), Value::Null),
        (json!({ "batteryWarningPerMailEnabled": "True" }), json!({ "batteryWarningPerMailEnabled": true })),
        (
            json!({ "dismissedLiftUpHandleWarning": [9, "7", 9], "other": 1 }),
            json!({ "batteryWarningPerMailEnabled": true, "dismissedLiftUpHandleWarning": [7, 9] }),
        ),
        (
            json!({ "batteryWarningPerMailEnabled": false, "dismissedLiftUpHandleWarning": null }),
            json!({ "batteryWarningPerMailEnabled": false, "dismissedLiftUpHandleWarning": [7, 9] }),
        ),
        (
            json!({ "dismissedLiftUpHandleWarning": [] }),
            json!({ "batteryWarningPerMailEnabled": false, "dismissedLiftUpHandleWarning": [] }),
        ),
    ] {
        let path = format!("/smartlock/{FIRST}/web/config");
        let answer = api.call("POST", &path, &token, &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{body}: {answer:?}");
        assert_eq!(kept(&api, &token, FIRST).await, expected, "{body}");
    }
    assert_eq!(api.get("/smartlock", &token).await.json()[0]["webConfig"], kept(&api, &token, FIRST).await);
}

#[tokio::test]
async fn many_at_once_are_all_kept_or_none_and_what_is_not_ones_own_answers_like_what_never_was() {
    let api = Api::new().await;
    let (anna, boris) = (api.world.owner("Anna").await, api.world.owner("Boris").await);
    api.world.lock(&anna, "Front door", 0xA1).await;
    api.world.lock(&anna, "Back door", 0xA2).await;
    api.world.lock(&boris, "His door", 0xB1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let on = json!({ "batteryWarningPerMailEnabled": true });
    let post =
        async |token: &str, body: Value| api.call("POST", "/bulk-web-config", token, &body.to_string()).await;
    let all = |third: Value| {
        json!({ "webConfigRequests": [
            { "smartlockId": FIRST, "webConfig": on },
            { "smartlockId": SECOND.to_string(), "webConfig": on, "other": 1 },
            third,
        ]})
    };
    let mut answers = Vec::new();
    for number in [17_179_869_361_i64, 17_179_900_000, 1, -1] {
        let answer = post(&token, all(json!({ "smartlockId": number, "webConfig": on }))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    for wrong in [
        json!({ "webConfig": on }),
        json!({ "smartlockId": FIRST, "webConfig": { "dismissedLiftUpHandleWarning": [1_i64 << 31] } }),
        json!({ "smartlockId": "x", "webConfig": on }),
        json!(7),
    ] {
        assert_eq!(post(&token, all(wrong.clone())).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let many = vec![json!({ "smartlockId": FIRST }); 1_001];
    let many = json!({ "webConfigRequests": many });
    assert_eq!(post(&token, many).await.status, StatusCode::BAD_REQUEST);
    // Nothing in it is required, and clients send it so.
    for nothing in [json!({}), json!({ "webConfigRequests": null }), json!({ "webConfigRequests": [] })] {
        assert_eq!(post(&token, nothing).await.status, StatusCode::NO_CONTENT);
    }
    let answer = post(&token, json!(7)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let words = answer.json().to_string();
    assert!(words.contains("an object with webConfigRequests"), "{words}");
    for number in [FIRST, SECOND] {
        assert_eq!(kept(&api, &token, number).await, Value::Null, "nothing is half done");
    }
    let reader = api.token(&anna, &[TokenScope::Smartlock]).await;
    let fine = all(json!({ "smartlockId": FIRST }));
    assert_eq!(post(&reader, fine.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(&token, fine).await.status, StatusCode::NO_CONTENT);
    for number in [FIRST, SECOND] {
        assert_eq!(kept(&api, &token, number).await, on);
    }
}
