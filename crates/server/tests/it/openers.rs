//! An opener behind a hub or a bridge, through the real ports: what it is set to, what it is told, and what it says of itself.

use std::time::Duration;

use lockwarden_app::devices::Connector;
use lockwarden_simulator::{BridgeSpec, Fleet, HubSpec, Opener, OpenerSpec, Options, Site as Place};
use serde_json::{Value, json};

use crate::kit::{EMAIL, Site, call, get, within};
use crate::matrix::{sign_in, speak};
use crate::unlock::log;
use crate::ways::{add, login};

const ID: u32 = 0xB1;
const TOKEN: &str = "bridge-token";
/// Its number in the Web API: an opener's, with its Nuki ID.
const GATE: &str = "/api/smartlock/8589934769";

/// An opener that only one way leads to.
struct Gate {
    site: Site,
    token: String,
    fleet: Fleet,
    way: Connector,
    id: Value,
}

impl Gate {
    /// Once it has said its state.
    async fn by(way: Connector) -> Self {
        match way {
            Connector::NukiBridge => Self::behind_a_bridge().await,
            _ => Self::behind_a_hub(&[]).await,
        }
    }

    /// Behind a hub that may change everything but these settings.
    async fn behind_a_hub(denied: &[&str]) -> Self {
        let site = Site::serving().await;
        let device = add(&site, "nuki-hub", "Street door");
        let (user, password) = login(&device);
        let hub = HubSpec {
            lock: None,
            opener: Some(ID),
            denied_settings: denied.iter().map(|key| (*key).to_owned()).collect(),
            ..HubSpec::new("nukihub-esp32", 0).with_everything().with_login(&user, &password)
        };
        let fleet = Self::open(&site, Place { hubs: vec![hub], ..Place::default() });
        Self { token: site.token(), site, fleet, way: Connector::NukiHub, id: device["id"].clone() }
            .once_it_is_there()
            .await
    }

    async fn behind_a_bridge() -> Self {
        let site = Site::serving().await;
        let bridge = BridgeSpec::new(1_013_065_235, TOKEN, vec![ID]);
        let fleet = Self::open(&site, Place { bridges: vec![bridge], ..Place::default() });
        let address = within(30, fleet.bridges()[0].address()).await.unwrap().to_string();
        let args = ["device", "add", "--email", EMAIL, "--connector", "nuki-bridge", "--bridge", &address];
        let added = site.ok(&[&args[..], &["--token", TOKEN]].concat(), "");
        let added: Value = serde_json::from_str(&added).unwrap();
        let id = added["devices"][0]["id"].clone();
        Self { token: site.token(), site, fleet, way: Connector::NukiBridge, id }.once_it_is_there().await
    }

    fn open(site: &Site, place: Place) -> Fleet {
        let openers = vec![OpenerSpec::new(ID, "Street door")];
        let options = Options { time_scale: 0.05, ..Options::default() };
        Fleet::open(&site.broker(), Place { openers, ..place }, &options)
    }

    async fn once_it_is_there(self) -> Self {
        self.says(|opener| opener["serverState"] == 0 && opener["state"]["state"] == 1).await;
        self
    }

    fn opener(&self) -> &Opener {
        &self.fleet.openers()[0]
    }

    /// What the Web API answers of it, once it is as `fact` says.
    async fn says(&self, fact: impl Fn(&Value) -> bool) -> Value {
        let mut last = String::new();
        for _ in 0..1_200 {
            let (status, body) = get(self.site.http, GATE, &self.token).await.unwrap();
            if status == 200 {
                let opener: Value = serde_json::from_str(&body).unwrap();
                if fact(&opener) {
                    return opener;
                }
            }
            last = body;
            moment().await;
        }
        panic!("{last}")
    }

    async fn post(&self, below: &str, body: &str) -> (u16, String) {
        call(self.site.http, "POST", &format!("{GATE}/{below}"), &self.token, body).await.unwrap()
    }

    /// A page as its owner's browser gets it.
    async fn page(&self, below: &str) -> String {
        let cookie = sign_in(&self.site).await;
        let path = format!("/devices/{}{below}", self.id);
        speak(&self.site, &format!("GET {path} HTTP/1.1\r\ncookie: {cookie}\r\n"), "").await
    }

    /// What the one who carries orders was told to do, in its own words.
    fn told(&self) -> Vec<String> {
        if self.way == Connector::NukiBridge {
            let targets = self.fleet.bridges()[0].seen().targets;
            let action = |target: &String| {
                let (_, rest) = target.strip_prefix("/lockAction?")?.split_once("action=")?;
                Some(rest.split('&').next()?.to_owned())
            };
            return targets.iter().filter_map(action).collect();
        }
        let messages = self.fleet.hubs()[0].seen().messages;
        // It hears its own answers there, too.
        let actions = messages.into_iter().filter(|one| {
            one.topic.ends_with("/opener/action") && !["ack", "--"].contains(&one.payload.as_str())
        });
        actions.map(|one| one.payload).collect()
    }

    /// What the opener itself is set to.
    async fn held(&self, key: &'static str) -> String {
        self.opener().visit(move |machine| machine.memory.settings.get(key).to_owned()).await.unwrap()
    }
}

async fn moment() {
    let _ = tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opener_behind_a_hub_tells_its_settings_and_is_set_by_the_api() {
    let gate = Gate::behind_a_hub(&[]).await;
    let opener = gate.says(|opener| opener["openerAdvancedConfig"].is_object()).await;
    let told = json!({
        "intercomId": 0, "busModeSwitch": 0, "shortCircuitDuration": 0, "electricStrikeDelay": 0,
        "randomElectricStrikeDelay": false, "electricStrikeDuration": 3_000, "disableRtoAfterRing": true,
        "rtoTimeout": 20, "doorbellSuppression": 3, "doorbellSuppressionDuration": 500, "soundRing": 1,
        "soundOpen": 2, "soundRto": 3, "soundCm": 0, "soundConfirmation": 1, "soundLevel": 255,
        "singleButtonPressAction": 1, "doubleButtonPressAction": 4, "batteryType": 0,
        "automaticBatteryTypeDetection": false,
    });
    assert_eq!(opener["openerAdvancedConfig"], told);

    // By bits of the Web API, which are not those of Bluetooth.
    let change = r#"{"soundLevel":100,"doorbellSuppression":4,"rtoTimeout":10,"disableRtoAfterRing":false}"#;
    let (status, answer) = gate.post("advanced/openerconfig", change).await;
    assert_eq!(status, 204, "{answer}");
    let opener = gate
        .says(|opener| {
            let told = &opener["openerAdvancedConfig"];
            told["soundLevel"] == 100 && told["operationId"].is_null()
        })
        .await;
    let mut changed = told;
    changed["soundLevel"] = 100.into();
    changed["doorbellSuppression"] = 4.into();
    changed["rtoTimeout"] = 10.into();
    changed["disableRtoAfterRing"] = false.into();
    assert_eq!(opener["openerAdvancedConfig"], changed);
    for (key, value) in [
        ("soundLevel", "100"),
        ("doorbellSuppression", "CM"),
        ("rtoTimeout", "10"),
        ("disableRtoAfterRing", "0"),
    ] {
        assert_eq!(gate.held(key).await, value, "{key}");
    }
    gate.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hub_does_not_let_be_set_on_an_opener_stays_as_it_is_and_the_owner_is_told_why() {
    let gate = Gate::behind_a_hub(&["soundOpen"]).await;
    gate.says(|opener| opener["openerAdvancedConfig"]["soundOpen"] == 2).await;
    let (status, answer) = gate.post("advanced/openerconfig", r#"{"soundOpen":3,"soundLevel":90}"#).await;
    assert_eq!(status, 204, "{answer}");
    let opener = gate
        .says(|opener| {
            let told = &opener["openerAdvancedConfig"];
            told["soundLevel"] == 90 && told["operationId"].is_null()
        })
        .await;
    assert_eq!(opener["openerAdvancedConfig"]["soundOpen"], 2);
    let why = opener["error"].as_str().unwrap();
    assert!(why.contains(": Nuki Hub does not allow it"), "{why}");
    assert_eq!(
        (gate.held("soundOpen").await, gate.held("soundLevel").await),
        ("Sound 2".into(), "90".into())
    );
    let id = gate.id.to_string();
    let shown = gate.site.ok(&["device", "show", "--email", EMAIL, &id], "");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["troubles"][0]["trouble"], "denied", "{shown}");
    let page = gate.page("/settings").await;
    assert!(page.contains("refused: Nuki Hub does not allow it"), "{page}");
    gate.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opener_does_each_of_its_actions_once_as_ordered_by_hub_and_by_bridge() {
    for way in [Connector::NukiHub, Connector::NukiBridge] {
        let gate = Gate::by(way).await;
        // Continuous mode on and off, ring to open on and off, open; state and mode afterwards, how often it has opened.
        for (number, state, mode, opened) in
            [(6, 1, 3, 0), (7, 1, 2, 0), (1, 3, 2, 0), (2, 1, 2, 0), (3, 1, 2, 1)]
        {
            let before = log(&gate.site, &gate.token).await.len();
            let (status, body) = gate.post("action", &format!(r#"{{"action":{number}}}"#)).await;
            assert_eq!(status, 204, "{way:?} {number}: {body}");
            let mut entries: Vec<Value> = Vec::new();
            within(30, async {
                while entries.len() <= before || entries[0]["state"] != 0 {
                    entries = log(&gate.site, &gate.token).await;
                    moment().await;
                }
            })
            .await;
            assert_eq!(entries.len(), before + 1, "{way:?} {number}: {entries:?}");
            let is_there =
                gate.opener().wait_for(|seen| (seen.state, seen.mode, seen.opened) == (state, mode, opened));
            within(30, is_there).await;
            gate.says(|opener| opener["state"]["state"] == state && opener["state"]["mode"] == mode).await;
        }
        let words = match way {
            Connector::NukiBridge => ["4", "5", "1", "2", "3"],
            _ => ["activateCM", "deactivateCM", "activateRTO", "deactivateRTO", "electricStrikeActuation"],
        };
        assert_eq!(gate.told(), words, "{way:?}");
        gate.fleet.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opener_behind_a_hub_tells_when_ring_to_open_ends_and_no_more_once_somebody_rang() {
    let gate = Gate::behind_a_hub(&[]).await;
    let opener = gate.says(|opener| opener["state"]["ringToOpenTimer"] == 0).await;
    assert!(opener["state"]["ringToOpenEnd"].is_null(), "{opener}");
    let (status, body) = gate.post("action", r#"{"action":1}"#).await;
    assert_eq!(status, 204, "{body}");
    let opener = gate.says(|opener| opener["state"]["ringToOpenTimer"] != 0).await;
    let seconds = opener["state"]["ringToOpenTimer"].as_u64().unwrap();
    // Twenty minutes; a part of a second here is many there.
    assert!((600..=1_200).contains(&seconds), "{opener}");
    let date = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let left = date(&opener["state"]["ringToOpenEnd"]).duration_since(date(&opener["updateDate"]));
    assert!(left.as_secs() >= 600, "{opener}");
    let row = "Ring to open ends";
    assert!(gate.page("").await.contains(row));
    gate.opener().ring();
    gate.says(|opener| opener["state"]["ringToOpenTimer"] == 0 && opener["state"]["state"] == 1).await;
    assert_eq!(gate.opener().seen().opened, 1);
    assert!(!gate.page("").await.contains(row));
    gate.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opener_is_not_moved_to_mqtt_of_its_own_which_it_does_not_have_and_stays_connected() {
    let gate = Gate::by(Connector::NukiHub).await;
    let id = gate.id.to_string();
    for more in [&[][..], &["--keep"]] {
        let to_mqtt = ["device", "move", "--email", EMAIL, "--to", "nuki-mqtt", &id];
        let refused = gate.site.run(&[&to_mqtt[..], more].concat(), "");
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(5), "{words}");
        assert!(words.contains("does not lead to devices of this type: nothing was changed"), "{words}");
    }
    let (status, body) = gate.post("action", r#"{"action":3}"#).await;
    assert_eq!(status, 204, "{body}");
    within(30, gate.opener().wait_for(|seen| seen.opened == 1)).await;
    gate.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opener_that_starts_is_in_its_boot_run_as_a_bridge_tells_it() {
    let gate = Gate::by(Connector::NukiBridge).await;
    gate.opener().visit(|machine| machine.state = 253).await;
    let (status, body) = gate.post("sync", "").await;
    assert_eq!(status, 204, "{body}");
    gate.says(|opener| opener["state"]["state"] == 253).await;
    gate.fleet.stop().await;
}
