//! A hub that was away: it says again what it had said before, and sends what it could not send meanwhile. Nothing of it
//! happens twice, and nothing of what it has left from years ago, or says of a lock that it does not reach, is the present.

use std::time::Duration;

use lockwarden_simulator::hub::HubQuirks;
use lockwarden_simulator::machine::state;
use lockwarden_simulator::{Fleet, Hub, HubSpec, LockSpec, Options, Site as Place};
use serde_json::Value;

use crate::kit::{Site, call, within};
use crate::unlock::{DOOR, lock_says, log};
use crate::ways::{add, is_online, login, until};

const ID: u32 = 0xA1;

/// What the log tells of bolt and latch, newest first: what, and how it went.
async fn actions(site: &Site, token: &str) -> Vec<(u64, u64)> {
    let number = |entry: &Value, key: &str| entry[key].as_u64().unwrap();
    let entries = log(site, token).await;
    let told = entries.iter().map(|entry| (number(entry, "action"), number(entry, "state")));
    told.filter(|(action, _)| (1..=5).contains(action)).collect()
}

/// Once it has said its whole log, with an entry of this number in it.
async fn has_logged(hub: &Hub, index: u32) {
    let entry = format!("\"index\":{index},");
    within(30, hub.wait_for(|seen| seen.said.get("lock/log").is_some_and(|log| log.contains(&entry)))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_says_everything_again_and_sends_late_what_it_kept_tells_each_action_once() {
    let site = Site::serving().await;
    let token = site.token();
    let device = add(&site, "nuki-hub", "Front door");
    let (user, password) = login(&device);
    let lock = LockSpec { official: false, ..LockSpec::new(ID, "Front door") };
    let quirks = HubQuirks { keeps_unsent: true, ..HubQuirks::default() };
    let hub = HubSpec { quirks, ..HubSpec::new("nukihub-esp32", ID).with_everything() };
    let hub = hub.with_login(&user, &password);
    let place = Place { locks: vec![lock], hubs: vec![hub], ..Place::default() };
    let fleet = Fleet::open(&site.broker(), place, &Options { time_scale: 0.02, ..Options::default() });
    let (lock, hub) = (&fleet.locks()[0], &fleet.hubs()[0]);
    let is_there = |shown: &Value| is_online(shown, "nuki-hub");
    lock_says(&site, &token, |lock| lock["serverState"] == 0 && lock["state"]["state"] == 1).await;

    let (status, body) = call(site.http, "POST", &format!("{DOOR}/action/unlock"), &token, "").await.unwrap();
    assert_eq!(status, 204, "{body}");
    lock_says(&site, &token, |lock| lock["state"]["state"] == 3).await;
    // What it says again is what it has said before.
    within(30, hub.wait_for(|seen| seen.said.get("lock/log").is_some_and(|log| log.contains("Unlock"))))
        .await;
    hub.quirks(|quirks| quirks.leftovers = true);
    for (button, rests) in [(2, state::LOCKED), (1, state::UNLOCKED)] {
        hub.go_offline(None);
        until(&site, &device["id"], "it is away", |shown| !is_there(shown)).await;
        let (written, asked) = (lock.seen().written, hub.seen().exchanges);
        lock.button(1, button);
        lock.wait_for(|seen| seen.state == rests && seen.written > written).await;
        // It looks at the lock and at its log, and can tell nobody.
        within(30, hub.wait_for(|seen| seen.exchanges > asked + 2)).await;
        let _ = tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
        hub.come_back();
        lock_says(&site, &token, |lock| lock["serverState"] == 0 && lock["state"]["state"] == rests).await;
    }
    has_logged(hub, 3).await;
    let told = within(30, async {
        loop {
            let told = actions(&site, &token).await;
            if told.len() >= 3 {
                return told;
            }
            let _ = tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await;
        }
    })
    .await;
    assert_eq!(told, [(1, 0), (2, 0), (1, 0)], "newest first");
    fleet.stop().await;
}

/// Says its quirks over the network from its first moment on.
fn place(login: &(String, String), quirks: HubQuirks) -> Place {
    let lock = LockSpec { official: false, ..LockSpec::new(ID, "Front door") };
    let mut hub = HubSpec { quirks, ..HubSpec::new("nukihub-esp32", ID).with_everything() };
    (hub.state_interval, hub.config_interval) = (Duration::from_mins(3), Duration::from_mins(3));
    let hub = hub.with_login(&login.0, &login.1);
    Place { locks: vec![lock], hubs: vec![hub], ..Place::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_never_reached_its_lock_tells_that_and_no_battery_until_it_does() {
    let site = Site::serving().await;
    let token = site.token();
    let device = add(&site, "nuki-hub", "Front door");
    let quirks = HubQuirks { out_of_reach: true, leftovers: true, ..HubQuirks::default() };
    let options = Options { time_scale: 0.02, ..Options::default() };
    let fleet = Fleet::open(&site.broker(), place(&login(&device), quirks), &options);
    let tells = |shown: &Value| shown["troubles"].to_string().contains("out-of-reach");
    until(&site, &device["id"], "it tells that it does not reach it", tells).await;
    let hub = &fleet.hubs()[0];
    let said = |seen: &lockwarden_simulator::HubSeen, words: &str| {
        seen.said.get("lock/battery/basicJson").is_some_and(|json| json.contains(words))
    };
    within(30, hub.wait_for(|seen| said(seen, r#""level":0"#))).await;
    // What it goes on saying is behind that.
    let asked = hub.seen().exchanges;
    within(30, hub.wait_for(|seen| seen.exchanges > asked + 1)).await;
    let shown = until(&site, &device["id"], "the hub is there", |shown| is_online(shown, "nuki-hub")).await;
    assert!(tells(&shown), "{shown}");
    assert!(shown["batteryPercent"].is_null() && shown["state"].is_null(), "{shown}");

    hub.quirks(|quirks| quirks.out_of_reach = false);
    let lock = lock_says(&site, &token, |lock| lock["state"]["state"] == 1).await;
    assert_eq!(lock["state"]["batteryCritical"], false, "{lock}");
    assert!(lock["state"]["batteryCharge"].as_u64().unwrap() > 20, "{lock}");
    until(&site, &device["id"], "it is reached", |shown| !tells(shown)).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_never_moved_has_nobody_who_opened_it_in_what_its_hub_has_left_from_years_ago() {
    let site = Site::serving().await;
    let token = site.token();
    let device = add(&site, "nuki-hub", "Front door");
    let quirks = HubQuirks { leftovers: true, ..HubQuirks::default() };
    let options = Options { time_scale: 0.02, ..Options::default() };
    let fleet = Fleet::open(&site.broker(), place(&login(&device), quirks), &options);
    lock_says(&site, &token, |lock| lock["serverState"] == 0 && lock["state"]["state"] == 1).await;
    // The one from 2020 stays what it was then.
    let entries = log(&site, &token).await;
    let years: Vec<&str> = entries.iter().map(|entry| &entry["date"].as_str().unwrap()[..4]).collect();
    assert_eq!(years, ["2020"], "{entries:?}");
    fleet.stop().await;
}
