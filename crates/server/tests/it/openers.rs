//! An opener behind a hub, through the real ports: what it is set to, what it is told, and what it says of itself.

use std::time::Duration;

use lockwarden_simulator::{Fleet, HubSpec, Opener, OpenerSpec, Options, Site as Place};
use serde_json::{Value, json};

use crate::kit::{EMAIL, Site, call, get};
use crate::matrix::{sign_in, speak};
use crate::ways::{add, login};

const ID: u32 = 0xB1;
/// Its number in the Web API: an opener's, with its Nuki ID.
const GATE: &str = "/api/smartlock/8589934769";

struct Gate {
    site: Site,
    token: String,
    fleet: Fleet,
    id: Value,
}

impl Gate {
    /// Behind a hub that may change everything but these settings, once it has said its state.
    async fn behind_a_hub(denied: &[&str]) -> Self {
        let site = Site::serving().await;
        let token = site.token();
        let device = add(&site, "nuki-hub", "Street door");
        let (user, password) = login(&device);
        let hub = HubSpec {
            lock: None,
            opener: Some(ID),
            denied_settings: denied.iter().map(|key| (*key).to_owned()).collect(),
            ..HubSpec::new("nukihub-esp32", 0).with_everything().with_login(&user, &password)
        };
        let openers = vec![OpenerSpec::new(ID, "Street door")];
        let place = Place { openers, hubs: vec![hub], ..Place::default() };
        let options = Options { time_scale: 0.05, ..Options::default() };
        let fleet = Fleet::open(&site.broker(), place, &options);
        let gate = Self { site, token, fleet, id: device["id"].clone() };
        gate.says(|opener| opener["serverState"] == 0 && opener["state"]["state"] == 1).await;
        gate
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
