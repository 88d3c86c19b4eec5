//! A lock behind a hub and one behind a bridge, which both carry their orders out by themselves: what the locks did is in
//! their own logs.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use lockwarden_app::db::Db;
use lockwarden_simulator::memory::log::{Entry, Kind};
use lockwarden_simulator::{BridgeSpec, Fleet, HubSpec, LockSpec, Options, Site as Place};
use rand::RngExt as _;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::crash::commands::{self, Orders, operate};
use crate::crash::{Goal, chance, pause};
use crate::kit::{EMAIL, Site, call, within};
use crate::ways::{add, login};

const BY_HUB: u32 = 0xE001;
const BY_BRIDGE: u32 = 0xE002;
const TOKEN: &str = "bridge-token";
/// Each of which is one entry of the lock's log, whatever it did before: unlock, lock, unlatch.
const ACTIONS: &[u8] = &[1, 2, 3];
/// A hub tries again what its lock did not hear, and a lock notes what it has done, not what it begins.
const PATIENCE_MS: i64 = 4_000;

/// What each lock did, oldest first. A lock remembers only the last of it, so this looks often.
#[derive(Default)]
struct Deeds(BTreeMap<u32, Vec<Entry>>);

impl Deeds {
    async fn look(&mut self, fleet: &Fleet) {
        for lock in fleet.locks() {
            let log = within(30, lock.visit(|machine| machine.memory().log.clone())).await.unwrap();
            let known = self.0.entry(lock.nuki_id).or_default();
            let last = known.last().map_or(0, |entry| entry.index);
            known.extend(log.into_iter().filter(|entry| entry.index > last));
            assert_eq!(
                known.last().map_or(0, |entry| entry.index) as usize,
                known.len(),
                "looked too seldom"
            );
        }
    }

    /// What was done by order, as [`commands::unmatched`] takes it.
    fn of(&self, nuki_id: u32) -> Vec<(i64, String)> {
        let entries = self.0.get(&nuki_id).into_iter().flatten();
        let actions = entries.filter_map(|entry| match entry.kind {
            Kind::Action { action, trigger: 0, .. } => Some((millis(entry), action.to_string())),
            _ => None,
        });
        actions.collect()
    }
}

/// When it was, to a second.
fn millis(entry: &Entry) -> i64 {
    let [year, month, day, hour, minute, second] = entry.at.0.map(|part| i16::try_from(part).unwrap());
    let at = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    at.parse::<Timestamp>().unwrap().as_millisecond()
}

async fn place(site: &Site) -> Fleet {
    let (user, password) = login(&add(site, "nuki-hub", "By the hub"));
    let hub = HubSpec::new("nukihub", BY_HUB).with_everything().with_login(&user, &password);
    let by_hub = LockSpec { official: false, ..LockSpec::new(BY_HUB, "By the hub") };
    let old = LockSpec {
        official: false,
        device_type: 0,
        keypad: false,
        ..LockSpec::new(BY_BRIDGE, "By the bridge")
    };
    let bridge = BridgeSpec::new(0x7F00_0001, TOKEN, vec![BY_BRIDGE]);
    let place =
        Place { locks: vec![by_hub, old], hubs: vec![hub], bridges: vec![bridge], ..Place::default() };
    let fleet = Fleet::open(&site.broker(), place, &Options { time_scale: 0.01, ..Options::default() });
    let address = within(30, fleet.bridges()[0].address()).await.unwrap().to_string();
    let args = ["device", "add", "--email", EMAIL, "--connector", "nuki-bridge", "--bridge", &address];
    site.ok(&[&args[..], &["--token", TOKEN]].concat(), "");
    fleet
}

/// The devices as the API has them.
async fn devices(site: &Site, token: &str) -> Vec<Value> {
    let (status, body) = call(site.http, "GET", "/api/smartlock", token, "").await.unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<Vec<Value>>(&body).unwrap()
}

/// Returns once both locks have done something by order.
async fn both_obey(deeds: &mut Deeds, fleet: &Fleet) {
    let before = [BY_HUB, BY_BRIDGE].map(|nuki_id| deeds.of(nuki_id).len());
    within(60, async {
        while [BY_HUB, BY_BRIDGE].map(|nuki_id| deeds.of(nuki_id).len()) < before.map(|count| count + 1) {
            pause(50).await;
            deeds.look(fleet).await;
        }
    })
    .await;
}

// The commands wait, and what they wait for is in this process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_hub_and_a_bridge_nothing_is_done_twice_and_no_wish_is_lost_however_often_it_is_killed() {
    let (goal, mut rng, mut site) = (Goal::chosen(), chance(), Site::serving().await);
    let (fleet, token) = (place(&site).await, site.token());
    let (orders, stop) = (Arc::new(Orders::default()), CancellationToken::new());
    let mut load = JoinSet::new();
    for device in [(4, BY_HUB), (0, BY_BRIDGE)] {
        let login = (site.http, token.clone());
        load.spawn(operate(login, device, ACTIONS, Arc::clone(&orders), stop.clone()));
    }
    let mut deeds = Deeds::default();
    both_obey(&mut deeds, &fleet).await;
    let mut wished = 0;
    for _ in 0..goal.kills / 2 {
        // A hub listens to nothing in the first seconds of a connection.
        pause(rng.random_range(100..10_000)).await;
        wished = (wished + 1) % 6;
        let path = format!("/api/smartlock/{}/config", (4_u64 << 32) | u64::from(BY_HUB));
        let body = format!("{{\"ledBrightness\":{wished}}}");
        assert_eq!(call(site.http, "POST", &path, &token, &body).await.unwrap().0, 204);
        site.kill();
        deeds.look(&fleet).await;
        site.serve().await;
    }
    both_obey(&mut deeds, &fleet).await;
    stop.cancel();
    within(120, async { while load.join_next().await.is_some() {} }).await;
    within(120, async {
        let lock = fleet.lock(BY_HUB).unwrap();
        let brightness = || lock.visit(|machine| machine.memory().settings.get("ledBrightness").to_owned());
        while brightness().await != Some(wished.to_string()) {
            pause(100).await;
        }
    })
    .await;
    let there: Vec<_> = devices(&site, &token).await.iter().map(|one| one["smartlockId"].clone()).collect();
    assert_eq!(there.len(), 2, "each is one device: {there:?}");
    site.kill();
    deeds.look(&fleet).await;
    fleet.stop().await;

    let db = Db::open(&site.database.url).await.unwrap();
    let mut tx = db.read().await.unwrap();
    for nuki_id in [BY_HUB, BY_BRIDGE] {
        let ordered = orders.lock().unwrap().get(&nuki_id).copied().unwrap_or_default();
        let done = deeds.of(nuki_id);
        let idle = commands::unmatched(&mut tx, (nuki_id, ordered), &done, PATIENCE_MS).await;
        eprintln!("lock {nuki_id:X}: {} orders carried out, {idle} sent and not", done.len());
    }
    let twice = tx
        .query("select count(*) from (select 1 from activity where log_index is not null group by device_id, log_index having count(*) > 1) d")
        .value::<i64>()
        .await
        .unwrap();
    assert_eq!(twice, 0, "entries of the lock's log that are there twice");
}
