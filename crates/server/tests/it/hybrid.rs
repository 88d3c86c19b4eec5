//! A lock with its own MQTT and a hub beside it: who came is told by the faster of the two as it happens, and what only the
//! slower one knows is added to the same.

use std::time::Duration;

use lockwarden_simulator::{Fleet, HubSpec, LockSpec, Options, Site as Place};
use serde_json::Value;

use crate::kit::Site;
use crate::matrix::{sign_in, speak};
use crate::unlock::{lock_says, log};
use crate::ways::{add, is_online, login, until};

const ID: u32 = 0xA1;
/// Whom a simulated lock knows of itself.
const BEN: u32 = 54_322;
const CODE: u32 = 314_159;

async fn logs(site: &Site, token: &str, fact: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut entries = Vec::new();
    for _ in 0..600 {
        entries = log(site, token).await;
        if fact(&entries) {
            return entries;
        }
        let _ = tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
    }
    panic!("{entries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_hub_beside_it_who_came_is_told_at_once_and_what_the_hub_knows_of_it_joins_the_same_entry() {
    let site = Site::serving().await;
    let token = site.token();
    let (by_mqtt, by_hub) = (add(&site, "nuki-mqtt", "Front door"), add(&site, "nuki-hub", "The hub’s"));
    let (user, password) = login(&by_mqtt);
    let lock = LockSpec::new(ID, "Front door").with_login(&user, &password);
    let (user, password) = login(&by_hub);
    // No lists: a name can only come from the lock's log.
    let hub = HubSpec { log: true, hybrid: true, ..HubSpec::new("nukihub-esp32", ID) };
    let hub = hub.with_login(&user, &password);
    let place = Place { locks: vec![lock], hubs: vec![hub], ..Place::default() };
    let fleet = Fleet::open(&site.broker(), place, &Options { time_scale: 0.05, ..Options::default() });
    let (lock, hub) = (&fleet.locks()[0], &fleet.hubs()[0]);
    let both = |shown: &Value| is_online(shown, "nuki-mqtt") && is_online(shown, "nuki-hub");
    until(&site, &by_mqtt["id"], "both ways are one device's", both).await;
    lock_says(&site, &token, |lock| lock["state"]["state"] == 1).await;

    hub.quirks(|quirks| quirks.out_of_reach = true);
    lock.fob(BEN, 1, 1);
    let entries = logs(&site, &token, |entries| !entries.is_empty()).await;
    let told = (entries.len(), &entries[0]["name"], &entries[0]["action"]);
    assert_eq!(told, (1, &format!("Fob {BEN}").into(), &1.into()), "{entries:?}");
    lock_says(&site, &token, |lock| lock["state"]["state"] == 3).await;

    hub.quirks(|quirks| quirks.out_of_reach = false);
    lock.types(CODE);
    lock.turn_by_hand(true);
    let is_named = |entry: &Value| entry["name"] == "Ben" && entry["action"] == 1;
    let entries = logs(&site, &token, |entries| entries.iter().any(is_named)).await;
    let of_ben = entries.iter().filter(|entry| entry["action"] == 1 && entry["state"] == 0).count();
    assert_eq!(of_ben, 1, "one entry of both: {entries:?}");
    let failed = |entries: &[Value]| entries.iter().any(|entry| entry["source"] == 1 && entry["state"] != 0);
    logs(&site, &token, failed).await;

    let cookie = sign_in(&site).await;
    let page =
        speak(&site, &format!("GET /devices/{} HTTP/1.1\r\ncookie: {cookie}\r\n", by_mqtt["id"]), "").await;
    assert!(page.contains("Front door") && !page.contains(" would."), "each gives what the other does not");
    fleet.stop().await;
}
