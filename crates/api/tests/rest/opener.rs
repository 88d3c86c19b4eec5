//! Openers: the intercoms nobody has a list of, and their own numbers of actions.

use std::time::Duration;

use axum::http::StatusCode;
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::devices::{DeviceType, LockState, Observation};
use serde_json::json;

use crate::kit::{Api, SMARTLOCK, check};

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

#[tokio::test]
async fn how_long_ring_to_open_still_runs_is_told_while_it_does_and_0_otherwise() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let opener = api.behind_hub(&anna, "Opener", (DeviceType::Opener, 0xA1)).await;
    let lock = api.behind_hub(&anna, "Lock", (DeviceType::SmartLock34, 0xA2)).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let told = async |number: &str| {
        let one = api.get(&format!("/smartlock/{number}"), &token).await.json();
        check(&SMARTLOCK, &one);
        (one["state"]["ringToOpenTimer"].clone(), one["state"]["ringToOpenEnd"].clone())
    };
    let says = async |device, state, seconds| {
        api.hub_says(device, Observation::State(state)).await;
        api.hub_says(device, Observation::RingToOpen(seconds)).await;
    };
    let of_opener = async || told("8589934753").await;
    assert_eq!(of_opener().await, (json!(0), json!(null)), "nothing is known");
    says(opener, LockState::Unlocked, 1_200).await;
    let (seconds, end) = of_opener().await;
    assert_eq!(seconds, 1_200);
    assert!(end.is_string());
    api.world.clock.advance(Duration::from_secs(200));
    assert_eq!(of_opener().await, (json!(1_000), end.clone()));
    // It may let in more than one.
    says(opener, LockState::Unlatching, 1_000).await;
    assert_eq!(of_opener().await, (json!(1_000), end.clone()));
    // Another way says that it is over.
    api.hub_says(opener, Observation::State(LockState::Locked)).await;
    assert_eq!(of_opener().await, (json!(0), json!(null)));
    says(opener, LockState::Unlocked, 1_000).await;
    assert_eq!(of_opener().await, (json!(1_000), end));
    api.world.clock.advance(Duration::from_secs(1_001));
    assert_eq!(of_opener().await, (json!(0), json!(null)), "its time is over");
    says(opener, LockState::Unlocked, 0).await;
    assert_eq!(of_opener().await, (json!(0), json!(null)), "it says that it does not run");

    // What is unlocked is no ring to open of a lock.
    says(lock, LockState::Unlocked, 1_200).await;
    assert_eq!(told("17179869346").await, (json!(0), json!(null)));
}

#[tokio::test]
async fn the_boot_run_has_a_number_of_an_opener_and_none_of_a_lock() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let token = api.token(&anna, TokenScope::ALL).await;
    for (kind, nuki_id, path, number) in [
        (DeviceType::Opener, 0xA1, "/smartlock/8589934753", 253),
        (DeviceType::SmartLock34, 0xA2, "/smartlock/17179869346", 255),
    ] {
        let device = api.behind_hub(&anna, "Door", (kind, nuki_id)).await;
        api.hub_says(device, Observation::State(LockState::BootRun)).await;
        assert_eq!(api.get(path, &token).await.json()["state"]["state"], number, "{kind:?}");
        api.hub_says(device, Observation::State(LockState::Calibration)).await;
        assert_eq!(api.get(path, &token).await.json()["state"]["state"], 255, "{kind:?}");
    }
}
