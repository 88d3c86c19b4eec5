//! One lock by every way at once: its own MQTT client, a hub and a bridge. It is one device, its log is one, and a command
//! takes the best way that is there, once.

use std::time::Duration;

use lockwarden_simulator::{BridgeSpec, Fleet, HubSpec, LockSpec, OpenerSpec, Options, Site as Place};
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

pub(crate) fn show(site: &Site, id: &Value) -> Value {
    let id = id.to_string();
    serde_json::from_str(&site.ok(&["device", "show", "--email", EMAIL, &id], "")).unwrap()
}

pub(crate) fn listed(site: &Site) -> Vec<Value> {
    let lines = site.ok(&["device", "list", "--email", EMAIL], "");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) async fn until(site: &Site, id: &Value, what: &str, fact: impl Fn(&Value) -> bool) -> Value {
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

pub(crate) fn is_online(shown: &Value, connector: &str) -> bool {
    let ways = shown["ways"].as_array().unwrap();
    ways.iter().any(|way| way["connector"] == connector && way["online"] == true)
}

async fn order(site: &Site, token: &str, what: &str) {
    let path = format!("{DOOR}/action/{what}");
    let (status, body) = call(site.http, "POST", &path, token, "").await.unwrap();
    assert_eq!(status, 204, "{what}: {body}");
}

/// One lock with its own MQTT client, a hub and a bridge, all added.
struct House {
    site: Site,
    token: String,
    fleet: Fleet,
    id: Value,
    hubs_id: Value,
}

impl House {
    async fn build() -> Self {
        Self::of(|_| {}).await
    }

    /// With a lock that is a little different.
    async fn of(change: impl FnOnce(&mut LockSpec)) -> Self {
        let site = Site::serving().await;
        let token = site.token();
        let by_mqtt = add(&site, "nuki-mqtt", "Front door");
        let by_hub = add(&site, "nuki-hub", "The hub’s");
        assert_eq!(by_hub["base_path"], "nukihub");
        let (user, password) = login(&by_mqtt);
        let mut lock = LockSpec::new(ID, "Front door").with_login(&user, &password);
        change(&mut lock);
        let (user, password) = login(&by_hub);
        let hub = HubSpec::new("nukihub-esp32", ID).with_everything().with_login(&user, &password);
        let bridge = BridgeSpec::new(1_013_065_235, TOKEN, vec![ID]);
        let place = Place { locks: vec![lock], hubs: vec![hub], bridges: vec![bridge], ..Place::default() };
        let options = Options { time_scale: 0.01, ..Options::default() };
        let fleet = Fleet::open(&site.broker(), place, &options);
        let (id, hubs_id) = (by_mqtt["id"].clone(), by_hub["id"].clone());
        let house = Self { site, token, fleet, id, hubs_id };
        house
            .until("both are there", |shown| is_online(shown, "nuki-mqtt") && is_online(shown, "nuki-hub"))
            .await;
        house
    }

    async fn until(&self, what: &str, fact: impl Fn(&Value) -> bool) {
        until(&self.site, &self.id, what, fact).await;
    }

    async fn add_bridge(&self, token: &str) -> std::process::Output {
        let address = within(30, self.fleet.bridges()[0].address()).await.unwrap().to_string();
        let args = ["device", "add", "--email", EMAIL, "--connector", "nuki-bridge", "--bridge", &address];
        self.site.run(&[&args[..], &["--token", token]].concat(), "")
    }

    /// Until it is over: what a bridge remembers from before may be the state that is asked for.
    async fn order(&self, what: &str, state: u8) {
        let ours = async || {
            let entries = log(&self.site, &self.token).await;
            entries.iter().filter(|one| one["name"] == "Anna").count()
        };
        let before = ours().await;
        order(&self.site, &self.token, what).await;
        within(30, async { while ours().await == before {} }).await;
        lock_says(&self.site, &self.token, |lock| lock["state"]["state"] == state).await;
    }

    /// How often the bolt moved, and what hub and bridge were told.
    fn orders(&self) -> (u32, u64, u64) {
        let fleet = &self.fleet;
        (fleet.locks()[0].seen().moves, fleet.hubs()[0].seen().orders, fleet.bridges()[0].seen().orders)
    }
}

// The commands wait, and what they wait for is in this process.
#[tokio::test(flavor = "multi_thread")]
async fn one_lock_by_all_its_ways_is_one_device_with_one_log_and_moves_once_for_each_order() {
    let house = House::build().await;
    assert_eq!(show(&house.site, &house.hubs_id)["id"], house.id, "known by both of its numbers");
    let added = house.add_bridge(TOKEN).await;
    let added: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!(added["devices"][0]["id"], house.id, "{added}");
    assert_eq!(listed(&house.site).len(), 1);
    house.until("the bridge is there", |shown| is_online(shown, "nuki-bridge")).await;
    let bridge = show(&house.site, &added["id"]);
    assert_eq!((&bridge["bridge"], &bridge["devices"][0]["id"]), (&added["bridge"], &house.id), "{bridge}");

    house.order("unlock", 3).await;
    assert_eq!(house.orders(), (1, 0, 0), "the fastest way takes it");
    let (lock, hub, bridge) = (&house.fleet.locks()[0], &house.fleet.hubs()[0], &house.fleet.bridges()[0]);
    lock.go_offline(None);
    house.until("its own MQTT is away", |shown| !is_online(shown, "nuki-mqtt")).await;
    house.order("lock", 1).await;
    assert_eq!(house.orders(), (2, 1, 0), "then the hub");
    hub.go_offline(None);
    house.until("the hub is away", |shown| !is_online(shown, "nuki-hub")).await;
    house.order("unlock", 3).await;
    assert_eq!(house.orders(), (3, 1, 1), "then the bridge");

    hub.come_back();
    lock.come_back();
    house.until("all are back", |shown| is_online(shown, "nuki-mqtt") && is_online(shown, "nuki-hub")).await;
    let told = within(60, async {
        loop {
            let entries = log(&house.site, &house.token).await;
            let actions = entries.into_iter().filter(|one| one["action"] == 1 || one["action"] == 2);
            let actions: Vec<Value> = actions.collect();
            if actions.len() >= 3 {
                return actions;
            }
        }
    })
    .await;
    let orders: Vec<_> = told.iter().map(|one| one["action"].clone()).collect();
    assert_eq!(orders, [1, 2, 1], "three orders are three entries, newest first: {told:?}");
    assert_eq!(bridge.seen().most_concurrent, 1, "a bridge takes one request at a time");
    house.site.ok(&["device", "remove", "--email", EMAIL, &added["id"].to_string()], "");
    house
        .until("only the other ways are left", |shown| shown["ways"].as_array().map(Vec::len) == Some(2))
        .await;
    assert_eq!(listed(&house.site).len(), 1, "what has other ways stays");
    house.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_pulls_its_latch_whenever_it_unlocks_has_one_entry_for_it_and_nobody_opened_it_by_hand() {
    let house = House::of(|lock| lock.auto_unlatch = true).await;
    let lock = &house.fleet.locks()[0];
    order(&house.site, &house.token, "unlock").await;
    within(30, lock.wait_for(|seen| seen.state == 5)).await;
    lock_says(&house.site, &house.token, |told| told["state"]["state"] == 3).await;
    house.order("lock", 1).await;
    let told = within(60, async {
        loop {
            let entries = log(&house.site, &house.token).await.into_iter();
            let actions: Vec<_> = entries.map(|one| one["action"].as_i64().unwrap()).collect();
            let actions: Vec<_> = actions.into_iter().filter(|action| (1..=3).contains(action)).collect();
            if actions.len() >= 2 {
                return actions;
            }
        }
    })
    .await;
    assert_eq!(told, [2, 1], "newest first");
    house.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_with_a_wrong_token_or_at_a_wrong_place_is_told_at_once_and_adds_nothing() {
    let house = House::build().await;
    let refused = house.add_bridge("wrong-token").await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("refuses the token"), "{words}");
    house.fleet.bridges()[0].power(false);
    let refused = house.site.run(
        &[
            "device",
            "add",
            "--email",
            EMAIL,
            "--connector",
            "nuki-bridge",
            "--bridge",
            "127.0.0.1:9",
            "--token",
            "x",
        ],
        "",
    );
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("nothing answers"), "{words}");
    assert_eq!(listed(&house.site).len(), 1);
    assert!(!is_online(&show(&house.site, &house.id), "nuki-bridge"));
    house.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lock_and_a_hub_announce_to_home_assistant_is_known_here_and_names_what_nobody_named() {
    const LOCK_BEHIND: u32 = 0xB2;
    let site = Site::serving().await;
    let by_mqtt = add(&site, "nuki-mqtt", "Front door");
    let by_hub = add(&site, "nuki-hub", "Back door");
    let (user, password) = login(&by_mqtt);
    let mut lock = LockSpec::new(ID, "Haustür").with_login(&user, &password);
    lock.auto_discovery = true;
    let behind = LockSpec { official: false, ..LockSpec::new(LOCK_BEHIND, "Hof") };
    let (user, password) = login(&by_hub);
    // Its prefix is not that of a lock, which is fixed.
    let hub = HubSpec {
        opener: Some(0xC3),
        home_assistant: Some("ha".to_owned()),
        ..HubSpec::new("nukihub-esp32", LOCK_BEHIND).with_everything().with_login(&user, &password)
    };
    let place = Place {
        locks: vec![lock, behind],
        openers: vec![OpenerSpec::new(0xC3, "Street door")],
        hubs: vec![hub],
        ..Place::default()
    };
    let fleet = Fleet::open(&site.broker(), place, &Options { time_scale: 0.01, ..Options::default() });
    let announces = |model: &'static str| move |shown: &Value| shown["facts"]["model"] == model;
    let lock = until(&site, &by_mqtt["id"], "the lock", announces("Smart Lock 3.0 Pro")).await;
    assert_eq!((&lock["facts"]["announced-name"], &lock["name"]), (&"Haustür".into(), &"Front door".into()));
    // Whichever part speaks first is the device that was added; the other one comes by itself, and has no name of ours.
    let both = within(60, async {
        loop {
            let behind: Vec<Value> = listed(&site)
                .into_iter()
                .filter(|one| one["id"] != lock["id"] && !one["nukiId"].is_null() && !one["type"].is_null())
                .collect();
            if behind.len() == 2 {
                return behind;
            }
            let _ = tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>()).await;
        }
    })
    .await;
    // A hub announces once when it starts, and its connection may just have begun anew then.
    fleet.hubs()[0].reboot();
    for one in both {
        let (model, name) = if one["type"] == 2 { ("Opener", "Street door") } else { ("SmartLock", "Hof") };
        let shown = until(&site, &one["id"], name, announces(model)).await;
        assert_eq!(shown["facts"]["announced-name"], name);
        let is_first = shown["id"] == by_hub["id"];
        assert_eq!(shown["name"], if is_first { "Back door" } else { name }, "{shown}");
    }
    fleet.stop().await;
}
