//! A bridge that is busy, slow, silent, restarts, or has too many to call back.

use std::time::Duration;

use lockwarden_simulator::Options;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bridge::{FRONT, House, ask, listener};
use crate::within;

#[tokio::test]
async fn a_second_request_while_one_is_worked_on_is_answered_with_503() {
    let house = House::at_pace(&Options { time_scale: 0.05, ..Options::default() }, |_| {}).await;
    let target = format!("/lockAction?nukiId={FRONT}&deviceType=4&action=1");
    let first = house.get(&target);
    let second = async {
        within(house.fleet.lock(FRONT).unwrap().wait_for(|seen| seen.state == 2)).await;
        house.get("/info").await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.0, second), (200, (503, json!("HTTP 503 Unavailable"))));
    let seen = house.bridge().seen();
    assert_eq!((seen.most_concurrent, seen.busy), (2, 1));
    house.get(&format!("{target}&nowait=1")).await;
    assert_eq!(house.get(&target).await.0, 503, "the radio is in use");
    assert_eq!(house.get("/info").await.0, 200, "and nothing else is");
    house.fleet.stop().await;
}

#[tokio::test]
async fn there_is_room_for_three_callbacks_and_their_ids_are_their_places() {
    let house = House::new(|_| {}).await;
    for (letter, answer) in [
        ("a", json!({"success": true})),
        ("a", json!({"success": false, "message": "callback already added"})),
        ("b", json!({"success": true})),
        ("c", json!({"success": true})),
        ("d", json!({"success": false, "message": "too many callbacks registered"})),
    ] {
        let target = format!("/callback/add?url=http%3A%2F%2F127.0.0.1%3A9%2F{letter}");
        assert_eq!(house.get(&target).await.1, answer);
    }
    let listed = async || -> Vec<(u64, String)> {
        let (_, list) = house.get("/callback/list").await;
        let all = list["callbacks"].as_array().unwrap().iter();
        all.map(|one| {
            (one["id"].as_u64().unwrap(), one["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        })
        .collect()
    };
    assert_eq!(house.get("/callback/remove?id=0").await.1, json!({"success": true}));
    assert_eq!(listed().await, [(0, "b".to_owned()), (1, "c".to_owned())], "they move up");
    house.bridge().quirks(|quirks| quirks.ids_shift = false);
    assert_eq!(listed().await, [(1, "b".to_owned()), (2, "c".to_owned())]);
    assert_eq!(house.get("/callback/remove?id=0").await.0, 400);
    assert_eq!(house.bridge().seen().callbacks.len(), 2);
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_first_callback_that_fails_can_starve_the_others() {
    let house = House::new(|_| {}).await;
    let mut tasks = JoinSet::new();
    let (url, mut heard) = listener(&mut tasks).await;
    for url in ["http://127.0.0.1:9/nobody", &url] {
        house.get(&format!("/callback/add?url={url}")).await;
    }
    let lock = house.fleet.lock(FRONT).unwrap();
    lock.turn_by_hand(false);
    assert_eq!(within(heard.recv()).await.unwrap()["state"], 3);
    house.bridge().quirks(|quirks| quirks.first_failure_starves = true);
    lock.turn_by_hand(true);
    within(house.bridge().wait_for(|seen| seen.uncalled == 2)).await;
    house.bridge().quirks(|quirks| quirks.first_failure_starves = false);
    lock.turn_by_hand(false);
    assert_eq!(within(heard.recv()).await.unwrap()["state"], 3, "of the one between it never heard");
    within(house.bridge().wait_for(|seen| (seen.called, seen.uncalled) == (2, 3))).await;
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_bridge_without_power_takes_no_connection_and_has_its_port_again_afterwards() {
    let house = House::new(|_| {}).await;
    house.get("/callback/add?url=http://127.0.0.1:9/a").await;
    house.bridge().power(false);
    within(house.bridge().wait_for(|seen| seen.address.is_none())).await;
    assert!(TcpStream::connect(house.address).await.is_err());
    house.bridge().power(true);
    assert_eq!(within(house.bridge().address()).await, Some(house.address));
    assert_eq!(house.get("/callback/list").await.1["callbacks"].as_array().unwrap().len(), 1);
    assert_eq!(house.get("/reboot").await.0, 200);
    within(house.bridge().wait_for(|seen| seen.boots == 3)).await;
    within(house.bridge().address()).await;
    assert_eq!(house.get("/factoryReset").await.0, 200);
    within(house.bridge().wait_for(|seen| seen.boots == 4)).await;
    within(house.bridge().address()).await;
    assert_eq!(house.get("/list").await.1, json!([]));
    house.fleet.stop().await;
}

#[tokio::test]
async fn answers_can_be_cut_padded_slow_refused_or_never_come() {
    let house = House::new(|_| {}).await;
    let target = "/info?token=123456";
    let whole = within(ask(house.address, target)).await;
    house.bridge().quirks(|quirks| quirks.cuts_bodies = true);
    let cut = within(ask(house.address, target)).await;
    assert!(cut.len() < whole.len() && cut.contains("Content-Length"), "{cut}");
    house.bridge().quirks(|quirks| (quirks.cuts_bodies, quirks.oversized) = (false, Some(1_000_000)));
    assert!(within(ask(house.address, target)).await.len() > 1_000_000);
    house.bridge().quirks(|quirks| (quirks.oversized, quirks.out_of_reach) = (None, true));
    let state = format!("/lockState?nukiId={FRONT}&deviceType=4");
    assert_eq!(house.get(&state).await.0, 503);
    house.bridge().quirks(|quirks| (quirks.out_of_reach, quirks.always_busy) = (false, true));
    assert_eq!(house.get("/info").await.0, 503);
    house.bridge().quirks(|quirks| (quirks.always_busy, quirks.slow) = (false, Duration::from_secs(50)));
    let asked = std::time::Instant::now();
    assert_eq!(house.get("/info").await.0, 200);
    assert!(asked.elapsed() >= Duration::from_millis(100), "a twentieth of a second was asked for, twice");
    house.bridge().quirks(|quirks| (quirks.slow, quirks.never_answers) = (Duration::ZERO, true));
    let silent = tokio::time::timeout(Duration::from_millis(100), ask(house.address, target)).await;
    assert!(silent.is_err());
    house.bridge().quirks(|quirks| quirks.never_answers = false);
    assert_eq!(house.get("/info").await.0, 200, "whoever gave up is in nobody's way");
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_lock_that_never_answers_or_jams_is_no_success() {
    let house = House::new(|spec| spec.device_timeout = Duration::from_secs(2)).await;
    let lock = house.fleet.lock(FRONT).unwrap();
    let target = format!("/lockAction?nukiId={FRONT}&deviceType=4&action=1");
    let faults = lockwarden_simulator::Faults::default();
    lock.faults(lockwarden_simulator::Faults { jam: true, ..faults.clone() });
    assert_eq!(house.get(&target).await, (200, json!({"success": false, "batteryCritical": false})));
    let (_, state) = house.get(&format!("/lockState?nukiId={FRONT}&deviceType=4")).await;
    assert_eq!((&state["stateName"], &state["success"]), (&json!("motor blocked"), &json!(true)));
    lock.faults(lockwarden_simulator::Faults { never_answer: true, ..faults });
    assert_eq!(house.get(&target).await.1["success"], false);
    house.fleet.stop().await;
}
