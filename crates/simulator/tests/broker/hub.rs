//! A virtual Nuki Hub beside the lock it speaks for.

use std::time::Duration;

use lockwarden_simulator::{Fleet, Hub, HubQuirks, HubSeen, HubSpec, LockSpec, Options, Received, Site};
use rumqttc::{AsyncClient, Event, Packet, QoS};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::{Mosquitto, fast, within};

pub(crate) const ID: u32 = 0x3C88_62ED;

/// One lock, one hub, and a client that watches.
pub(crate) struct Place {
    pub(crate) mosquitto: Mosquitto,
    pub(crate) fleet: Fleet,
    pub(crate) client: AsyncClient,
    heard: mpsc::UnboundedReceiver<(String, String)>,
    _polling: JoinSet<()>,
}

impl Place {
    pub(crate) async fn new(lock: LockSpec, hub: HubSpec) -> Self {
        Self::at_pace(lock, hub, &fast()).await
    }

    pub(crate) async fn at_pace(lock: LockSpec, hub: HubSpec, options: &Options) -> Self {
        let mosquitto = Mosquitto::start().await;
        let (client, mut events) = mosquitto.watcher().await;
        let (hear, heard) = mpsc::unbounded_channel();
        let mut polling = JoinSet::new();
        polling.spawn(async move {
            while let Ok(event) = events.poll().await {
                if let Event::Incoming(Packet::Publish(publish)) = event {
                    let payload = String::from_utf8_lossy(&publish.payload).into_owned();
                    let _ = hear.send((publish.topic, payload));
                }
            }
        });
        let site = Site { locks: vec![lock], hubs: vec![hub], ..Site::default() };
        let fleet = Fleet::open(&mosquitto.broker, site, options);
        Self { mosquitto, fleet, client, heard, _polling: polling }
    }

    pub(crate) fn hub(&self) -> Hub {
        self.fleet.hubs().first().unwrap().clone()
    }

    /// Waits until the hub listens to everything, also to actions.
    pub(crate) async fn ready(&self, options: &Options) {
        within(self.hub().wait_for(|seen| seen.last("lock/configuration/advancedJson").is_some())).await;
        listening(options).await;
    }

    pub(crate) async fn send(&self, topic: &str, payload: &str) {
        let topic = format!("nukihub/{topic}");
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).await.unwrap();
    }

    /// Sends, and waits for what the hub says about it on another topic.
    pub(crate) async fn ask(&mut self, topic: &str, payload: &str, answer: &str) -> String {
        self.send(topic, payload).await;
        self.next(answer).await
    }

    /// What comes next on a topic below the base of the hub, but for what only clears it.
    pub(crate) async fn next(&mut self, topic: &str) -> String {
        let topic = format!("nukihub/{topic}");
        within(async {
            loop {
                let (of, payload) = self.heard.recv().await.unwrap();
                if of == topic && !payload.is_empty() {
                    return payload;
                }
            }
        })
        .await
    }

    /// Topics and payloads until one is as wanted.
    pub(crate) async fn told_until(&mut self, topic: &str, payload: &str) -> Vec<(String, String)> {
        let mut told = Vec::new();
        within(async {
            while told.last().is_none_or(|(of, said)| (of, said) != (&topic.to_owned(), &payload.to_owned()))
            {
                told.push(self.heard.recv().await.unwrap());
            }
        })
        .await;
        told
    }

    /// Forgets what has been told until now.
    fn forget(&mut self) {
        while self.heard.try_recv().is_ok() {}
    }
}

/// The six seconds after connecting in which a hub hears no action.
pub(crate) async fn listening(options: &Options) {
    wait(options, 6).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "the hub is deaf for a time, and nothing tells when it is over"
)]
async fn wait(options: &Options, seconds: u64) {
    let time = Duration::from_secs(seconds).mul_f64(options.time_scale);
    tokio::time::sleep(time + Duration::from_millis(5)).await;
}

fn hub() -> HubSpec {
    HubSpec::new("hub1", ID)
}

#[tokio::test]
async fn a_hub_sets_up_its_topics_and_tells_of_its_lock() {
    let mut place = Place::new(LockSpec::new(ID, "Front door"), hub()).await;
    let told = place.told_until("nukihub/lock/configuration/autoLock", "0").await;
    let said = |topic: &str| {
        let topic = format!("nukihub/{topic}");
        told.iter().rev().find(|(of, _)| *of == topic).map(|(_, payload)| payload.as_str())
    };
    for (topic, payload) in [
        ("maintenance/mqttConnectionState", "online"),
        ("lock/action", "--"),
        ("lock/query/config", "0"),
        ("lock/retry", "0"),
        ("lock/state", "locked"),
        ("lock/availability", "online"),
        ("lock/doorSensorState", "doorClosed"),
        ("lock/lastLockAction", "Lock"),
        ("lock/battery/level", "86"),
        ("lock/log", "--"),
        ("lock/authorizationName", "--"),
        ("lock/info/firmwareVersion", "3.10.7"),
        ("lock/address", "54:d2:3c:88:62:ed"),
    ] {
        assert_eq!(said(topic), Some(payload), "{topic}");
    }
    let battery =
        r#"{"critical":"0","charging":"0","level":86,"keypadCritical":"0","doorSensorCritical":"0"}"#;
    assert_eq!(said("lock/battery/basicJson"), Some(battery), "flags are text, the level is a number");
    let json: serde_json::Value = serde_json::from_str(said("lock/json").unwrap()).unwrap();
    assert_eq!((&json["lock_state"], &json["timeZoneOffset"]), (&"locked".into(), &60.into()));
    let basic: serde_json::Value =
        serde_json::from_str(said("lock/configuration/basicJson").unwrap()).unwrap();
    assert_eq!((&basic["nukiID"], &basic["deviceType"]), (&"3c8862ed".into(), &4.into()));
    assert_eq!(said("lock/hastate"), None, "without Home Assistant nobody needs it");
    place.fleet.stop().await;
}

#[tokio::test]
async fn an_action_is_acknowledged_moves_the_one_bolt_and_each_way_tells_it_in_its_own_words() {
    let options = Options { time_scale: 0.05, ..Options::default() };
    let mut place = Place::at_pace(LockSpec::new(ID, "Front door"), hub(), &options).await;
    place.ready(&options).await;
    place.forget();
    place.send("lock/action", "unlatch").await;
    let told = place.told_until("nukihub/lock/state", "unlocked").await;
    let on = |topic: &str| -> Vec<&str> {
        told.iter().filter(|(of, _)| of == topic).map(|(_, payload)| payload.as_str()).collect()
    };
    assert_eq!(on("nukihub/lock/action"), ["unlatch", "ack"]);
    assert_eq!(on("nukihub/lock/commandResult"), ["success"]);
    assert_eq!(on("nukihub/lock/retry"), ["--"]);
    let mut states = on("nukihub/lock/state");
    assert!(states.len() > 6, "it asks again and again while the bolt moves: {states:?}");
    states.dedup();
    let mut whole = ["unlocking", "unlatching", "unlatched", "unlocked"].iter();
    assert!(states.iter().all(|state| whole.any(|next| next == state)), "in order: {states:?}");
    assert_eq!(on("nuki/3C8862ED/state"), ["2", "7", "5", "3"], "the lock itself tells every state");
    assert_eq!(on("nuki/3C8862ED/lockActionEvent"), ["3,0,60001,0,0"]);
    let first = |topic: &str, payload: &str| {
        told.iter().position(|(of, said)| of == topic && said == payload).unwrap()
    };
    assert!(
        first("nuki/3C8862ED/state", "2") < first("nukihub/lock/state", "unlocking"),
        "Bluetooth takes its time"
    );
    assert!(on("nuki/3C8862ED/commandResponse").is_empty(), "nobody ordered it by MQTT");
    assert_eq!(place.fleet.locks()[0].seen().moves, 1);
    place.fleet.stop().await;
}

#[tokio::test]
async fn what_happens_at_the_door_reaches_the_hub_too() {
    let mut place = Place::new(LockSpec::new(ID, "Front door"), hub()).await;
    place.ready(&fast()).await;
    place.fleet.locks()[0].turn_by_hand(false);
    within(place.hub().says("lock/state", "unlocked")).await;
    let seen = within(place.hub().says("lock/trigger", "manual")).await;
    assert_eq!(seen.last("lock/lastLockAction"), Some("Unlock"));
    place.fleet.locks()[0].door(true);
    within(place.hub().says("lock/doorSensorState", "doorOpened")).await;
    let result = place.ask("lock/doorsensorOverride", "0", "lock/doorSensorState").await;
    assert_eq!(result, "doorClosed");
    place.fleet.stop().await;
}

#[tokio::test]
async fn actions_that_are_unknown_denied_or_fail_are_told_as_such() {
    let spec = HubSpec { denied: vec!["unlatch".to_owned()], ..hub() };
    let place = Place::new(LockSpec::new(ID, "Front door"), spec).await;
    place.ready(&fast()).await;
    for (action, answer) in [("open", "unknown_action"), ("Unlatch", "denied"), ("7", "unknown_action")] {
        let before = place.hub().seen().published;
        place.send("lock/action", action).await;
        within(place.hub().says_after(before, "lock/action", answer)).await;
    }
    place.hub().quirks(|quirks| quirks.answers_error = true);
    place.send("lock/action", "lock").await;
    within(place.hub().says("lock/action", "error")).await;
    assert_eq!((place.hub().seen().orders, place.fleet.locks()[0].seen().moves), (0, 0));
    place.fleet.stop().await;
}

#[tokio::test]
async fn an_order_the_lock_refuses_is_tried_four_times_and_one_out_of_reach_times_out() {
    let mut place = Place::new(LockSpec { battery: 2, ..LockSpec::new(ID, "Front door") }, hub()).await;
    place.ready(&fast()).await;
    place.send("lock/action", "lock").await;
    let told = place.told_until("nukihub/lock/retry", "failed").await;
    let on = |topic: &str| -> Vec<&str> {
        told.iter().filter(|(of, _)| of == topic).map(|(_, payload)| payload.as_str()).collect()
    };
    assert_eq!(on("nukihub/lock/commandResult"), ["", "failed", "failed", "failed", "failed"]);
    assert_eq!(on("nukihub/lock/retry"), ["0", "1", "2", "3", "4", "failed"]);
    assert_eq!(place.hub().seen().orders, 4);
    place.hub().quirks(|quirks| quirks.out_of_reach = true);
    place.send("lock/action", "lock").await;
    within(place.hub().says("lock/commandResult", "timeOut")).await;
    assert_eq!(place.hub().seen().orders, 4, "nothing reached the lock");
    place.fleet.stop().await;
}

#[tokio::test]
async fn a_result_that_waits_for_the_bolt_tells_of_a_jam() {
    let spec = HubSpec { result_when_done: true, retries: 0, ..hub() };
    let place = Place::new(LockSpec::new(ID, "Front door"), spec).await;
    place.ready(&fast()).await;
    let faults = lockwarden_simulator::Faults { jam: true, ..lockwarden_simulator::Faults::default() };
    place.fleet.locks()[0].faults(faults);
    place.send("lock/action", "unlock").await;
    within(place.hub().says("lock/commandResult", "failed")).await;
    let seen = within(place.hub().says("lock/state", "motorBlocked")).await;
    assert_eq!(seen.last("lock/completionStatus"), Some("motorBlocked"));
    place.fleet.stop().await;
}

#[tokio::test]
async fn after_a_break_a_hub_says_that_it_is_there_and_nothing_of_what_it_missed() {
    let mut place = Place::new(LockSpec::new(ID, "Front door"), hub()).await;
    place.ready(&fast()).await;
    place.hub().go_offline(None);
    place.told_until("nukihub/maintenance/mqttConnectionState", "offline").await;
    place.fleet.locks()[0].turn_by_hand(false);
    within(place.hub().wait_for(|seen| seen.lost > 0)).await;
    place.hub().come_back();
    let told = place.told_until("nukihub/info/nukiHubIp", "192.168.1.77").await;
    let own: Vec<_> = told.iter().filter(|(topic, _)| topic.starts_with("nukihub/")).collect();
    assert_eq!(own.len(), 2, "{own:?}");
    assert_eq!(own[0].1, "online");
    assert_eq!(place.hub().seen().last("lock/state"), Some("locked"), "it was never told");
    place.hub().reboot();
    let seen = within(place.hub().says("lock/state", "unlocked")).await;
    assert_eq!((seen.boots, seen.restart_reason), (2, "RequestedViaWebServer"));
    place.fleet.stop().await;
}

#[tokio::test]
async fn a_hub_hears_no_action_for_six_seconds_and_nothing_at_all_for_two() {
    let options = Options { time_scale: 0.4, ..Options::default() };
    let place = Place::at_pace(LockSpec::new(ID, "Front door"), hub(), &options).await;
    let arrived = async |topic: &str, payload: &str| {
        let topic = format!("nukihub/{topic}");
        let is_it = |message: &Received| message.topic == topic && message.payload == payload;
        within(place.hub().wait_for(|seen| seen.messages.iter().any(is_it))).await
    };
    arrived("lock/query/lockstate", "0").await;
    arrived("lock/action", "--").await;
    place.send("lock/query/battery", "1").await;
    let seen = arrived("lock/query/battery", "1").await;
    assert_eq!(seen.ignored, seen.received, "all of it");
    // The same two for two seconds, which are long over before six are.
    wait(&options, 2).await;
    place.send("lock/query/battery", "1").await;
    let seen = within(place.hub().wait_for(|seen| seen.received > seen.ignored)).await;
    place.send("lock/action", "unlock").await;
    let after = arrived("lock/action", "unlock").await;
    assert_eq!(after.ignored, seen.ignored + 1, "the query was heard, the action was not");
    listening(&options).await;
    place.send("lock/action", "unlock").await;
    within(place.hub().says("lock/action", "ack")).await;
    within(place.hub().wait_for(|seen| seen.orders == 1)).await;
    place.fleet.stop().await;
}

#[tokio::test]
async fn what_the_broker_kept_for_a_hub_that_was_away_comes_while_it_is_deaf() {
    let options = Options { time_scale: 0.05, ..Options::default() };
    let mut place = Place::at_pace(LockSpec::new(ID, "Front door"), hub(), &options).await;
    place.ready(&options).await;
    let hub = place.hub();
    hub.go_offline(None);
    place.told_until("nukihub/maintenance/mqttConnectionState", "offline").await;
    place.send("lock/action", "unlock").await;
    place.told_until("nukihub/lock/action", "unlock").await;
    hub.come_back();
    let came = |seen: &HubSeen| seen.messages.iter().any(|message| message.payload == "unlock");
    let seen = within(hub.wait_for(|seen| seen.connects == 2 && came(seen))).await;
    assert_eq!((seen.last("lock/action"), seen.orders), (Some("--"), 0), "it came and was not listened to");
    // A hub without that fault would open the door now, however old the order is.
    hub.quirks(|quirks| quirks.deaf_at_first = false);
    hub.go_offline(None);
    place.told_until("nukihub/maintenance/mqttConnectionState", "offline").await;
    place.send("lock/action", "unlock").await;
    place.told_until("nukihub/lock/action", "unlock").await;
    hub.come_back();
    within(hub.wait_for(|seen| seen.orders == 1)).await;
    place.fleet.stop().await;
}

#[tokio::test]
async fn a_hub_told_to_restart_does_so_and_one_asked_reads_again() {
    let place = Place::new(LockSpec::new(ID, "Front door"), hub()).await;
    place.ready(&fast()).await;
    let before = place.hub().seen().published;
    place.send("lock/query/lockstate", "1").await;
    within(place.hub().wait_for(|seen| seen.published > before + 2)).await;
    assert_eq!(place.hub().seen().last("lock/query/lockstate"), Some("0"), "it resets by itself");
    place.send("maintenance/reset", "1").await;
    let seen = within(place.hub().wait_for(|seen| seen.boots == 2 && seen.connected)).await;
    assert_eq!(seen.restart_reason, "RequestedViaMqtt");
    place.fleet.stop().await;
}

#[tokio::test]
async fn in_hybrid_mode_the_hub_repeats_the_lock_and_sends_actions_through_it() {
    let spec = HubSpec { hybrid: true, official_actions: true, ..hub() };
    let mut place = Place::new(LockSpec::new(ID, "Front door"), spec).await;
    place.ready(&fast()).await;
    // What the broker retained came while it did not listen yet; the lock must speak again.
    place.fleet.locks()[0].go_offline(None);
    within(place.hub().says("lock/hybridConnected", "0")).await;
    place.fleet.locks()[0].come_back();
    within(place.hub().says("lock/hybridConnected", "1")).await;
    place.send("lock/action", "unlock").await;
    place.told_until("nuki/3C8862ED/lockAction", "1").await;
    within(place.hub().says("lock/state", "unlocked")).await;
    let seen = within(place.hub().says("lock/commandResult", "undefined")).await;
    assert_eq!((seen.orders, seen.last("lock/trigger")), (0, Some("mqtt")));
    place.hub().quirks(|quirks| quirks.undefined_success = false);
    place.send("lock/action", "lock").await;
    within(place.hub().says("lock/commandResult", "success")).await;
    place.fleet.locks()[0].keypad(8_192);
    within(place.hub().says("lock/lockActionContext", "keypadCode")).await;
    place.fleet.stop().await;
}

#[tokio::test]
async fn in_hybrid_mode_a_lock_that_does_not_listen_is_ordered_over_bluetooth_if_that_is_set() {
    // The way through the broker takes its true time.
    let options = Options { time_scale: 0.1, ..Options::default() };
    for (allow_locking, orders) in [(true, 0), (false, 1)] {
        // What the broker retained is how the hub learns that the lock is there.
        let quirks = HubQuirks { deaf_at_first: false, ..HubQuirks::default() };
        let spec = HubSpec { hybrid: true, official_actions: true, official_retry: true, quirks, ..hub() };
        let lock = LockSpec { allow_locking, ..LockSpec::new(ID, "Front door") };
        let place = Place::at_pace(lock, spec, &options).await;
        place.ready(&options).await;
        within(place.hub().says("lock/hybridConnected", "1")).await;
        place.send("lock/action", "unlock").await;
        within(place.hub().says("lock/state", "unlocked")).await;
        wait(&options, 4).await;
        assert_eq!((place.hub().seen().orders, place.fleet.locks()[0].seen().moves), (orders, 1));
        place.fleet.stop().await;
    }
}

#[tokio::test]
async fn home_assistant_is_told_of_the_lock_when_that_is_set() {
    let spec = HubSpec { home_assistant: Some("homeassistant".to_owned()), ..hub() };
    let mut place = Place::new(LockSpec::new(ID, "Front door"), spec).await;
    let config = within(async {
        loop {
            let (topic, payload) = place.heard.recv().await.unwrap();
            if topic == "homeassistant/lock/3c8862ed/smartlock/config" {
                return payload;
            }
        }
    })
    .await;
    let json: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!((&json["~"], &json["pl_open"]), (&"nukihub/lock".into(), &"unlatch".into()));
    assert_eq!(json["avty"].as_array().unwrap().len(), 2);
    within(place.hub().says("lock/hastate", "locked")).await;
    place.fleet.stop().await;
}

#[tokio::test]
async fn a_hub_whose_base_is_that_of_the_locks_themselves_does_not_mix_them_up() {
    let spec = HubSpec { base: "nuki".to_owned(), ..hub() };
    let place = Place::new(LockSpec::new(ID, "Front door"), spec).await;
    place.ready(&fast()).await;
    place.client.publish("nuki/lock/action", QoS::AtLeastOnce, false, "unlock").await.unwrap();
    within(place.hub().says("lock/state", "unlocked")).await;
    let seen = place.fleet.locks()[0].seen();
    assert_eq!((seen.moves, seen.received), (1, 0));
    drop(place.mosquitto);
    place.fleet.stop().await;
}
