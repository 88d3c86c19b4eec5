//! A virtual bridge, asked by hand over plain TCP.

use std::net::SocketAddr;
use std::time::Duration;

use lockwarden_simulator::bridge::token;
use lockwarden_simulator::{Bridge, BridgeSpec, Fleet, LockSpec, Model, OpenerSpec, Options, Site};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::{fast, within};

pub(crate) const FRONT: u32 = 1_015_571_181;
pub(crate) const OLD: u32 = 0xC2;
pub(crate) const GATE: u32 = 0xB1;
const NEWEST: u32 = 0xD5;

pub(crate) struct House {
    pub(crate) fleet: Fleet,
    pub(crate) address: SocketAddr,
}

impl House {
    pub(crate) async fn new(change: impl FnOnce(&mut BridgeSpec)) -> Self {
        Self::at_pace(&fast(), change).await
    }

    pub(crate) async fn at_pace(options: &Options, change: impl FnOnce(&mut BridgeSpec)) -> Self {
        let mut front = LockSpec::of(Model::SmartLock3, FRONT, "Front door");
        let mut old = LockSpec::of(Model::SmartLock2, OLD, "Cellar");
        let newest = LockSpec::of(Model::Ultra, NEWEST, "Office");
        (front.official, old.knob) = (false, true);
        let mut bridge = BridgeSpec::new(0x7F00_0001, "123456", vec![FRONT, OLD, GATE, NEWEST]);
        change(&mut bridge);
        let site = Site {
            locks: vec![front, old, LockSpec { official: false, ..newest }],
            openers: vec![OpenerSpec::new(GATE, "Gate")],
            bridges: vec![bridge],
            ..Site::default()
        };
        // No broker is needed: none of these speaks MQTT.
        let nowhere = lockwarden_simulator::Broker { host: "127.0.0.1".to_owned(), port: 1 };
        let fleet = Fleet::open(&nowhere, site, options);
        let address = within(fleet.bridges().first().unwrap().address()).await.unwrap();
        let house = Self { fleet, address };
        // It knows its devices once it has read them all.
        within(async { while house.get("/list").await.1.as_array().unwrap().len() < 3 {} }).await;
        house
    }

    pub(crate) fn bridge(&self) -> &Bridge {
        self.fleet.bridges().first().unwrap()
    }

    /// Asks with the plain token.
    pub(crate) async fn get(&self, target: &str) -> (u16, Value) {
        let sign = if target.contains('?') { '&' } else { '?' };
        self.raw(&format!("{target}{sign}token=123456")).await
    }

    /// A status and what came with it; plain words become a JSON text.
    pub(crate) async fn raw(&self, target: &str) -> (u16, Value) {
        let answer = within(ask(self.address, target)).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| body.into()))
    }
}

pub(crate) async fn ask(address: SocketAddr, target: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

/// Somebody to call back: an address, and the bodies that come there.
pub(crate) async fn listener(tasks: &mut JoinSet<()>) -> (String, mpsc::UnboundedReceiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, heard) = mpsc::unbounded_channel();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut text = String::new();
            while !text.ends_with('}') {
                let mut part = [0; 512];
                let count = stream.read(&mut part).await.unwrap();
                text.push_str(&String::from_utf8_lossy(part.get(..count).unwrap()));
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
            let _ = tell.send(serde_json::from_str(body).unwrap());
        }
    });
    (url, heard)
}

#[tokio::test]
async fn a_bridge_lists_what_it_last_knew_but_no_lock_of_the_newest_type() {
    let house = House::new(|_| {}).await;
    let (status, list) = house.get("/list").await;
    let list = list.as_array().unwrap();
    assert_eq!((status, list.len()), (200, 3), "{list:?}");
    let of = |id: u32| list.iter().find(|device| device["nukiId"] == id).unwrap();
    assert_eq!(of(FRONT)["deviceType"], 4);
    let state = &of(FRONT)["lastKnownState"];
    assert_eq!((&state["state"], &state["stateName"]), (&json!(1), &json!("locked")));
    assert_eq!(
        (&state["batteryChargeState"], &state["doorsensorStateName"]),
        (&json!(86), &json!("door closed"))
    );
    let old = &of(OLD)["lastKnownState"];
    assert!(old.get("batteryChargeState").is_none() && old.get("doorsensorState").is_none(), "{old}");
    let gate = &of(GATE)["lastKnownState"];
    assert_eq!((&gate["stateName"], &gate["ringactionState"]), (&json!("online"), &json!(false)));
    let (_, info) = house.get("/info").await;
    assert_eq!((&info["bridgeType"], &info["ids"]["hardwareId"]), (&json!(1), &json!(0x7F00_0001)));
    assert_eq!(info["scanResults"].as_array().unwrap().len(), 3);
    house.fleet.stop().await;
}

#[tokio::test]
async fn an_action_is_answered_when_it_is_done_or_at_once_if_nobody_waits() {
    let house = House::at_pace(&Options { time_scale: 0.02, ..Options::default() }, |_| {}).await;
    let target = format!("/lockAction?nukiId={FRONT}&deviceType=4&action=1");
    assert_eq!(house.get(&target).await, (200, json!({"success": true, "batteryCritical": false})));
    let lock = house.fleet.lock(FRONT).unwrap();
    assert_eq!((lock.seen().state, lock.seen().moves), (3, 1), "it waited for the bolt");
    let list = house.get("/list").await.1;
    let front = list.as_array().unwrap().iter().find(|device| device["nukiId"] == FRONT).unwrap();
    assert_eq!(front["lastKnownState"]["stateName"], "unlocked");
    for (word, action, state) in [("nowait", 2, 1), ("noWait", 1, 3)] {
        let target = format!("/lockAction?nukiId={FRONT}&deviceType=4&action={action}&{word}=1");
        assert_eq!(house.get(&target).await.0, 200);
        assert_ne!(lock.seen().state, state, "answered before the bolt was there");
        within(lock.wait_for(|seen| seen.state == state)).await;
        within(async {
            while house.get(&format!("/lockState?nukiId={FRONT}&deviceType=4")).await.0 != 200 {}
        })
        .await;
    }
    house.fleet.stop().await;
}

#[tokio::test]
async fn simple_actions_mean_what_the_door_is_like() {
    let house = House::new(|_| {}).await;
    let get = async |target: String| assert_eq!(house.get(&target).await.0, 200, "{target}");
    let opened = |id: u32| house.fleet.lock(id).unwrap().visit(|machine| machine.last.action);
    get(format!("/unlock?nukiId={FRONT}&deviceType=4")).await;
    get(format!("/unlock?nukiId={OLD}")).await;
    assert_eq!((opened(FRONT).await, opened(OLD).await), (Some(1), Some(3)), "a knob needs the latch");
    get(format!("/lock?nukiId={OLD}&deviceType=0")).await;
    assert_eq!(opened(OLD).await, Some(2));
    get(format!("/lockAction?nukiId={GATE}&deviceType=2&action=4")).await;
    get(format!("/unlock?nukiId={GATE}&deviceType=2")).await;
    let gate = &house.fleet.openers()[0];
    assert_eq!((gate.seen().opened, gate.seen().mode), (1, 3));
    get(format!("/lock?nukiId={GATE}&deviceType=2")).await;
    assert_eq!((gate.seen().mode, gate.seen().state), (2, 1));
    house.fleet.stop().await;
}

#[tokio::test]
async fn wrong_requests_get_plain_words_and_the_right_number() {
    let house = House::new(|_| {}).await;
    let front = format!("nukiId={FRONT}&deviceType=4");
    for (target, status, words) in [
        ("/lockState?nukiId=7".to_owned(), 404, "HTTP 404 Not Found"),
        (format!("/lockState?nukiId={FRONT}&deviceType=0"), 404, "HTTP 404 Not Found"),
        (format!("/lockState?nukiId={NEWEST}&deviceType=5"), 404, "HTTP 404 Not Found"),
        ("/lockState".to_owned(), 400, "HTTP 400 Bad Request"),
        (format!("/lockAction?{front}"), 400, "HTTP 400 Bad Request"),
        (format!("/lockAction?{front}&action=6"), 400, "HTTP 400 Bad Request"),
        ("/configAuth?enable=2".to_owned(), 400, "HTTP 400 Bad Request"),
        ("/callback/add".to_owned(), 400, "HTTP 400 Bad Request"),
        ("/callback/add?url=https://a/b".to_owned(), 400, "HTTP 400 Bad Request"),
        ("/callback/remove?id=0".to_owned(), 400, "HTTP 400 Bad Request"),
        ("/nothing".to_owned(), 404, "HTTP 404 Not Found"),
    ] {
        assert_eq!(house.get(&target).await, (status, json!(words)), "{target}");
    }
    assert_eq!(house.raw("/list?token=1234567").await, (401, json!("HTTP 401 Unauthorized")));
    assert_eq!(house.raw("/list").await.0, 401);
    assert_eq!(house.bridge().seen().unauthorized, 2);
    house.bridge().quirks(|quirks| quirks.any_type = true);
    assert_eq!(house.get(&format!("/lockState?nukiId={FRONT}")).await.0, 200);
    house.fleet.stop().await;
}

#[tokio::test]
async fn the_token_can_be_hashed_or_sealed_and_neither_works_twice() {
    let house = House::new(|_| {}).await;
    let now = house.get("/info").await.1["currentTime"].as_str().unwrap().replace("+00:00", "Z");
    let hash = token::hashed(&now, "4711", "123456");
    let sealed = token::seal(&format!("{now},4711"), [7; 24], "123456").unwrap();
    for target in [
        format!("/list?ts={now}&rnr=4711&hash={hash}"),
        format!("/list?ctoken={sealed}&nonce={}", "07".repeat(24)),
    ] {
        assert_eq!(house.raw(&target).await.0, 200, "{target}");
        assert_eq!(house.raw(&target).await.0, 401, "{target}");
        house.bridge().quirks(|quirks| quirks.careless = true);
        assert_eq!(house.raw(&target).await.0, 200, "{target}");
        house.bridge().quirks(|quirks| quirks.careless = false);
    }
    house.bridge().set(|spec| spec.clock_offset = Duration::from_secs(90));
    let sealed = token::seal(&format!("{now},4712"), [8; 24], "123456").unwrap();
    let target = format!("/list?ctoken={sealed}&nonce={}", "08".repeat(24));
    assert_eq!(house.raw(&target).await.0, 401, "its clock is slow");
    house.fleet.stop().await;
}

#[tokio::test]
async fn the_token_is_given_away_only_while_the_button_was_just_pressed() {
    let house = House::new(|_| {}).await;
    assert_eq!(house.raw("/auth").await, (200, json!({"success": false})));
    house.bridge().press_button();
    assert_eq!(house.raw("/auth").await, (200, json!({"token": "123456", "success": true})));
    assert_eq!(house.get("/configAuth?enable=0").await.1, json!({"success": true}));
    assert_eq!(house.raw("/auth").await, (403, json!("HTTP 403 Forbidden")));
    house.fleet.stop().await;
}

#[tokio::test]
async fn callbacks_tell_final_states_the_bell_and_the_door() {
    let house = House::at_pace(&Options { time_scale: 0.02, ..Options::default() }, |_| {}).await;
    let mut tasks = JoinSet::new();
    let (url, mut heard) = listener(&mut tasks).await;
    assert_eq!(house.get(&format!("/callback/add?url={url}")).await.1, json!({"success": true}));
    let front = house.fleet.lock(FRONT).unwrap();
    assert_eq!(house.get(&format!("/lockAction?nukiId={FRONT}&deviceType=4&action=3")).await.0, 200);
    front.turn_by_hand(true);
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "locked") {
        let body = within(heard.recv()).await.unwrap();
        assert_eq!((&body["deviceType"], &body["nukiId"]), (&json!(4), &json!(FRONT)));
        names.push(body["stateName"].as_str().unwrap().to_owned());
    }
    assert!(names.iter().all(|name| matches!(name.as_str(), "unlocked" | "locked")), "final: {names:?}");
    front.door(true);
    until(&mut heard, |body| body["doorsensorState"] == 3).await;
    house.fleet.openers()[0].ring();
    until(&mut heard, |body| body["deviceType"] == 2 && body["ringactionState"] == true).await;
    house.bridge().quirks(|quirks| quirks.door_calls_back = false);
    front.door(false);
    front.turn_by_hand(false);
    let last = until(&mut heard, |body| body["doorsensorState"] == 2).await;
    assert_eq!(last["stateName"], "unlocked", "of the door alone it says nothing now");
    house.fleet.stop().await;
}

async fn until(heard: &mut mpsc::UnboundedReceiver<Value>, is_it: impl Fn(&Value) -> bool) -> Value {
    within(async {
        loop {
            let body = heard.recv().await.unwrap();
            if is_it(&body) {
                return body;
            }
        }
    })
    .await
}
