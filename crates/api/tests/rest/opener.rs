//! Openers: the intercoms nobody has a list of, and their own numbers of actions.

use axum::http::StatusCode;
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::devices::DeviceType;
use serde_json::json;

use crate::kit::Api;

#[tokio::test]
async fn the_list_of_intercoms_is_empty_and_open_to_everybody() {
    let api = Api::new().await;
    for (path, status) in [
        ("/opener/brand", StatusCode::OK),
        ("/opener/brand/4", StatusCode::NOT_FOUND),
        ("/opener/brand/x", StatusCode::BAD_REQUEST),
        // As the clients of PyPI and npm write it.
        ("/opener/intercom?brandId=4", StatusCode::OK),
        ("/opener/intercom?1&brandId=4", StatusCode::OK),
        ("/opener/intercom?ignoreVerified=True&recentlyChanged=True", StatusCode::OK),
        ("/opener/intercom", StatusCode::BAD_REQUEST),
        ("/opener/intercom?recentlyChanged=false", StatusCode::BAD_REQUEST),
        ("/opener/intercom?brandId=4&brandId=5", StatusCode::BAD_REQUEST),
        ("/opener/intercom?recentlyChanged=perhaps", StatusCode::BAD_REQUEST),
        ("/opener/intercom/3?1&", StatusCode::NOT_FOUND),
        ("/opener/intercom/-3", StatusCode::BAD_REQUEST),
    ] {
        let answer = api.get(path, "").await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        if status == StatusCode::OK {
            assert_eq!(answer.json(), json!([]), "{path}");
        }
    }
}

#[tokio::test]
async fn an_opener_is_told_nothing_by_a_number_that_means_something_else_to_it() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let opener = api.behind_hub(&anna, "Opener", (DeviceType::Opener, 0xA1)).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    for number in [0, 4, 5, 8] {
        let body = json!({ "action": number }).to_string();
        let answer = api.call("POST", "/smartlock/8589934753/action", &token, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let words = answer.json()["detailMessage"].as_str().unwrap().to_owned();
        assert!(words.contains("1, 2, 3, 6 or 7"), "{number}: {words}");
    }
    assert!(api.world.app.list_commands(&anna, opener, 10).await.unwrap().is_empty());
}
