//! The log over the wire: newest first, pages by cursor, limits clamped.

use std::time::Duration;

use axum::http::StatusCode;
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::devices::{LockAction, LockEvent, LockState, Observation, Trigger};
use serde_json::Value;

use crate::kit::Api;

fn keypad(code_id: u32) -> Observation {
    Observation::Event(LockEvent {
        action: LockAction::Unlatch,
        trigger: Trigger::System,
        auth_id: Some(195_249),
        code_id: Some(code_id),
        extra: 1,
    })
}

fn ids(page: &Value) -> Vec<String> {
    page.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_of_fifty_lose_and_repeat_nothing_though_half_of_the_log_is_not_shown() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    for code in 1..=137 {
        api.world.says(door, keypad(code)).await;
        // The Web API has no number for these.
        api.world.says(door, Observation::Connected(false)).await;
        api.world.says(door, Observation::Connected(true)).await;
        api.world.clock.advance(Duration::from_millis(7));
    }
    for path in ["/smartlock/log", "/smartlock/17179869345/log"] {
        let (mut seen, mut cursor, mut sizes) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = api.get(&format!("{path}?limit=50{cursor}"), &token).await.json();
            let ids = ids(&page);
            sizes.push(ids.len());
            let Some(last) = ids.last() else { break };
            cursor = format!("&id={last}");
            seen.extend(
                page.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()),
            );
            api.world.says(door, keypad(9_999)).await;
        }
        let expected: Vec<_> = (1..=137).rev().map(|code| format!("Keypad code {code}")).collect();
        assert_eq!(
            seen.iter().filter(|name| *name != "Keypad code 9999").collect::<Vec<_>>(),
            expected.iter().collect::<Vec<_>>()
        );
        assert!(sizes.iter().all(|size| *size <= 50) && sizes[0] == 50, "{sizes:?}");
    }
}

#[tokio::test]
async fn limits_are_clamped_and_nonsense_is_refused() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    for code in 1..=70 {
        api.world.says(door, keypad(code)).await;
    }
    for (query, expected) in [
        ("", 20),
        ("?limit=1000", 50),
        ("?limit=3", 3),
        ("?action=3", 20),
        ("?action=240", 0),
        ("?action=99", 0),
        ("?authId=x", 0),
        ("?accountUserId=7", 0),
    ] {
        let page = api.get(&format!("/smartlock/log{query}"), &token).await.json();
        assert_eq!(ids(&page).len(), expected, "{query}");
    }
    for query in [
        "?limit=0",
        "?limit=-1",
        "?limit=x",
        "?id=1",
        "?id=zz",
        "?fromDate=yesterday",
        "?action=1000",
        "?accountUserId=abc",
        "?limit=1&limit=2",
    ] {
        assert_eq!(
            api.get(&format!("/smartlock/log{query}"), &token).await.status,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
    assert_eq!(
        api.get("/smartlock/log?id=000000000000000000000001", &token).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_lock_that_comes_and_goes_does_not_hide_what_happened_before() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    api.world.says(door, keypad(7)).await;
    for _ in 0..3 {
        api.world.clock.advance(Duration::from_secs(1));
        api.world.says(door, Observation::Link { up: false }).await;
        api.world.says(door, Observation::Link { up: true }).await;
        api.world.says(door, Observation::State(LockState::MotorBlocked)).await;
    }
    for path in ["/smartlock/log", "/smartlock/17179869345/log"] {
        let page = api.get(&format!("{path}?limit=1"), &token).await.json();
        assert_eq!((ids(&page).len(), &page[0]["name"]), (1, &"Keypad code 7".into()), "{path}");
    }
}

#[tokio::test]
async fn an_event_with_a_number_that_is_ours_or_the_door_sensors_is_not_told_as_that() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    for number in [7, 150, 160, 240, 241] {
        let action = LockAction::from_code(number);
        let event = LockEvent { action, trigger: Trigger::System, auth_id: None, code_id: None, extra: 0 };
        api.world.says(door, Observation::Event(event)).await;
    }
    for query in ["", "?action=240", "?action=2"] {
        assert!(ids(&api.get(&format!("/smartlock/log{query}"), &token).await.json()).is_empty(), "{query}");
    }
}

#[tokio::test]
async fn a_period_and_an_action_narrow_the_log() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let door = api.world.lock(&anna, "Front door", 0xA1).await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let start = api.world.clock.now();
    for code in 1..=10 {
        api.world.says(door, keypad(code)).await;
        api.world.clock.advance(Duration::from_mins(1));
    }
    let at = |minutes: u64| start.plus(Duration::from_mins(minutes)).to_jiff();
    let page = api.get(&format!("/smartlock/log?fromDate={}&toDate={}", at(3), at(5)), &token).await.json();
    assert_eq!(ids(&page).len(), 3);
    assert_eq!(page[0]["name"], "Keypad code 6");
    let page = api.get("/smartlock/log?action=3&limit=4", &token).await.json();
    assert_eq!((ids(&page).len(), &page[0]["trigger"], &page[0]["source"]), (4, &255.into(), &1.into()));
}
