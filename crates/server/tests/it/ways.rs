//! One lock by every way at once: its own MQTT client, a hub and a bridge. It is one device, its log is one, and a command
//! takes the best way that is there, once.

use std::time::Duration;

use lockwarden_simulator::{BridgeSpec, Fleet, HubSpec, LockSpec, Options, Site as Place};
use serde_json::Value;

use crate::kit::{EMAIL, Site, call, within};
use crate::unlock::{DOOR, lock_says, log};

const ID: u32 = 0xA1;
const TOKEN: &str = "bridge-token";

pub(crate) fn add(site: &Site, connector: &str, name: &str) -> Value {
    let args = ["device", "add", "--email", EMAIL, "--connector", connector, "--name", name];
    serde_json::from_str(&site.ok(&args, "")).unwrap()
}

pub(crate) fn login(device: &Value) -> (String, String) {
    let text = |key: &str| device[key].as_str().unwrap().to_owned();
    (text("username"), text("password"))
}

fn show(site: &Site, id: &Value) -> Value {
    let id = id.to_string();
    serde_json::from_str(&site.ok(&["device", "show", "--email", EMAIL, &id], "")).unwrap()
}

fn listed(site: &Site) -> Vec<Value> {
    let lines = site.ok(&["device", "list", "--email", EMAIL], "");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn until(site: &Site, id: &Value, what: &str, fact: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..150 {
        last = show(site, id);
        if fact(&last) {
            return last;
        }
        let _ = tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>()).await;
    }
    panic!("{what}: {last}");
}

fn is_online(shown: &Value, connector: &str) -> bool {
    let ways = shown["ways"].as_array().unwrap();
    ways.iter().any(|way| way["connector"] == connector && way["online"] == true)
}

async fn order(site: &Site, token: &str, what: &str) {
    let path = format!("{DOOR}/action/{what}");
    let (status, body) = call(site.http, "POST", &path, token, "").await.unwrap();
    assert_eq!(status, 204, "{what}: {body}");
}

// The commands wait, and what they wait for is in this process.
#[tokio::test(flavor = "multi_thread")]
async fn one_lock_by_all_its_ways_is_one_device_with_one_log_and_moves_once_for_each_order() {
    let site = Site::serving().await;
    let token = site.token();
    let (by_mqtt, by_hub) = (add(&site, "nuki-mqtt", "Front door"), add(&site, "nuki-hub", "The hub’s"));
    assert_eq!(by_hub["base_path"], "nukihub");
    let (user, password) = login(&by_mqtt);
    let lock = LockSpec::new(ID, "Front door").with_login(&user, &password);
    let (user, password) = login(&by_hub);
    let hub = HubSpec::new("nukihub-esp32", ID).with_everything().with_login(&user, &password);
    let bridge = BridgeSpec::new(1_013_065_235, TOKEN, vec![ID]);
    let place = Place { locks: vec![lock], hubs: vec![hub], bridges: vec![bridge], ..Place::default() };
    let options = Options { time_scale: 0.01, ..Options::default() };
    let fleet = Fleet::open(&site.broker(), place, &options);
    let address = within(30, async {
        loop {
            if let Some(address) = fleet.bridges()[0].seen().address {
                return address;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (lock, hub, bridge) = (&fleet.locks()[0], &fleet.hubs()[0], &fleet.bridges()[0]);
    let id = &by_mqtt["id"];
    until(&site, id, "the hub is joined", |shown| {
        is_online(shown, "nuki-mqtt") && is_online(shown, "nuki-hub")
    })
    .await;
    assert_eq!(show(&site, &by_hub["id"])["id"], *id, "known by both of its numbers");

    let wrong =
        ["device", "add", "--email", EMAIL, "--connector", "nuki-bridge", "--bridge", &address.to_string()];
    let refused = site.run(&[&wrong[..], &["--token", "wrong-token"]].concat(), "");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("token"), "{words}");
    let added: Value =
        serde_json::from_str(&site.ok(&[&wrong[..], &["--token", TOKEN]].concat(), "")).unwrap();
    assert_eq!(added["devices"][0]["id"], *id, "{added}");
    assert_eq!(listed(&site).len(), 1);
    until(&site, id, "the bridge is there", |shown| is_online(shown, "nuki-bridge")).await;

    order(&site, &token, "unlock").await;
    lock_says(&site, &token, |lock| lock["state"]["state"] == 3).await;
    assert_eq!(
        (lock.seen().moves, hub.seen().orders, bridge.seen().orders),
        (1, 0, 0),
        "the fastest way takes it"
    );

    lock.go_offline(None);
    until(&site, id, "its own MQTT is away", |shown| !is_online(shown, "nuki-mqtt")).await;
    order(&site, &token, "lock").await;
    lock_says(&site, &token, |lock| lock["state"]["state"] == 1).await;
    assert_eq!((lock.seen().moves, hub.seen().orders, bridge.seen().orders), (2, 1, 0), "then the hub");

    hub.go_offline(None);
    until(&site, id, "the hub is away", |shown| !is_online(shown, "nuki-hub")).await;
    order(&site, &token, "unlock").await;
    lock_says(&site, &token, |lock| lock["state"]["state"] == 3).await;
    assert_eq!((lock.seen().moves, hub.seen().orders, bridge.seen().orders), (3, 1, 1), "then the bridge");

    hub.come_back();
    lock.come_back();
    until(&site, id, "all are back", |shown| is_online(shown, "nuki-mqtt") && is_online(shown, "nuki-hub"))
        .await;
    lock.types(0);
    let told = within(60, async {
        loop {
            let entries = log(&site, &token).await;
            let actions: Vec<Value> =
                entries.into_iter().filter(|one| one["action"] == 1 || one["action"] == 2).collect();
            if actions.len() >= 3 {
                return actions;
            }
        }
    })
    .await;
    let orders: Vec<_> = told.iter().map(|one| one["action"].clone()).collect();
    assert_eq!(orders, [1, 2, 1], "three orders are three entries, newest first: {told:?}");
    assert_eq!(bridge.seen().most_concurrent, 1, "a bridge takes one request at a time");
    fleet.stop().await;
}
