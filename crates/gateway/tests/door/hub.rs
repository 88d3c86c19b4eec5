//! A Nuki Hub at the door: what it says of its lock, what it is told and when, and what it becomes one with.

use std::time::Duration;

use lockwarden_app::activity::{Completion, Entry, EntryQuery, Happening, Origin};
use lockwarden_app::actor::Actor;
use lockwarden_app::commands::{CommandState, Order};
use lockwarden_app::devices::{Connector, LockAction, LockState, NewDevice};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::Credentials;
use lockwarden_app::ways::{Fact, Trouble};
use lockwarden_app::{Error, Refusal};
use rumqttc::{LastWill, Packet, QoS};

use crate::kit::{Client, Site, options, within};

pub(crate) const BASE: &str = "nukihub";
/// 0x3C8862ED.
pub(crate) const BASIC: &str =
    r#"{"nukiID":"3c8862ed","name":"Front door","firmwareVersion":"3.10.7","hardwareRevision":"5.12"}"#;

pub(crate) struct Hub {
    client: Client,
    base: String,
}

impl Hub {
    /// Connects as a hub does, and subscribes to what it listens to.
    pub(crate) async fn connect(site: &Site, login: &Credentials, base: &str) -> Self {
        let mut options = options(site.addr, login, "nukihub-esp32");
        let will = format!("{base}/maintenance/mqttConnectionState");
        options.set_clean_session(false);
        options.set_last_will(LastWill::new(will.clone(), "offline", QoS::AtLeastOnce, true));
        let mut client = Client::new(options);
        client.until(|packet| matches!(packet, Packet::ConnAck(_))).await;
        for topic in [
            "action",
            "query/config",
            "query/keypad",
            "query/lockstate",
            "query/battery",
            "configuration/action",
        ] {
            assert!(client.listen(&format!("{base}/lock/{topic}")).await, "{topic}");
        }
        client.say(&will, "online", QoS::AtLeastOnce).await;
        Self { client, base: base.to_owned() }
    }

    pub(crate) async fn says(&mut self, topic: &str, payload: &str) {
        let topic = format!("{}/lock/{topic}", self.base);
        self.client.say(&topic, payload, QoS::AtLeastOnce).await;
    }

    /// Without waiting for the answer, so that what is asked meanwhile is heard.
    pub(crate) async fn begins_to_say(&mut self, topic: &str, payload: &str) {
        let topic = format!("{}/lock/{topic}", self.base);
        self.client.client.publish(topic, QoS::AtLeastOnce, false, payload).await.unwrap();
    }

    pub(crate) async fn is(&mut self, state: &str, trigger: &str, action: &str) {
        let json =
            format!(r#"{{"lock_state":"{state}","trigger":"{trigger}","last_lock_action":"{action}"}}"#);
        self.says("json", &json).await;
    }

    pub(crate) async fn hears(&mut self) -> (String, String) {
        let packet = self.client.until(|packet| matches!(packet, Packet::Publish(_))).await;
        let Packet::Publish(publish) = packet else { unreachable!() };
        assert!(!publish.retain);
        (publish.topic, String::from_utf8(publish.payload.to_vec()).unwrap())
    }
}

pub(crate) fn logged(index: u32, second: u32, rest: &str) -> String {
    format!(
        r#"{{"index":{index},"authorizationId":54321,"authorizationName":"Anna","timeYear":2026,"timeMonth":11,
        "timeDay":24,"timeHour":12,"timeMinute":0,"timeSecond":{second},{rest}}}"#
    )
}

pub(crate) async fn added(site: &Site, owner: &Actor) -> (DeviceId, Credentials) {
    site.world.app.add_device(owner, NewDevice::by_hub("By the hub", None)).await.unwrap()
}

/// Anna's lock, behind a hub that is connected and has said nothing yet.
pub(crate) async fn with_hub(base: &str) -> (Site, Actor, DeviceId, Hub) {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, login) = added(&site, &anna).await;
    let hub = Hub::connect(&site, &login, base).await;
    (site, anna, door, hub)
}

pub(crate) async fn log(site: &Site, owner: &Actor, device: DeviceId) -> Vec<Entry> {
    let query = EntryQuery { device: Some(device), ..EntryQuery::default() };
    site.world.app.list_activity(owner, query).await.unwrap().entries
}

#[tokio::test]
async fn a_hub_tells_the_state_of_its_lock_and_is_known_by_what_it_says_of_its_configuration() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    hub.says("configuration/basicJson", BASIC).await;
    hub.is("locked", "system", "Lock").await;
    hub.says("battery/basicJson", r#"{"critical":"0","charging":"0","level":86}"#).await;
    hub.says("battery/advancedJson", r#"{"batteryVoltage":5.9,"startTemperature":23}"#).await;
    hub.says("rssi", "-61").await;
    let seen = site.until(&anna, door, |device| device.said.battery_percent.is_some()).await;
    assert_eq!((seen.nuki_id, seen.connector), (Some(0x3C88_62ED), Connector::NukiHub));
    assert_eq!((seen.said.state, seen.link.accepts_commands), (Some(LockState::Locked), Some(true)));
    let facts = site.world.app.load_connection(&anna, door).await.unwrap().facts;
    for (fact, value) in [(Fact::Signal, "-61"), (Fact::BatteryVoltage, "5900"), (Fact::Temperature, "23")] {
        assert!(facts.iter().any(|said| said.fact == fact && said.value == value), "{fact:?}");
    }
    assert!(log(&site, &anna, door).await.is_empty(), "a first state is where it stands, not what happened");
}

#[tokio::test]
async fn hubs_with_the_usual_base_path_do_not_mix() {
    let site = Site::open().await;
    let (anna, boris) = (site.world.owner("Anna").await, site.world.owner("Boris").await);
    let mut hubs = Vec::new();
    for (owner, state) in [(&anna, "locked"), (&anna, "unlocked"), (&boris, "unlatched")] {
        let (door, login) = added(&site, owner).await;
        let mut hub = Hub::connect(&site, &login, BASE).await;
        hub.is(state, "system", "Lock").await;
        hubs.push((owner, door, hub));
    }
    let mut states = Vec::new();
    for (owner, door, _) in &hubs {
        states.push(site.until(owner, *door, |device| device.said.state.is_some()).await.said.state);
    }
    assert_eq!(states, [LockState::Locked, LockState::Unlocked, LockState::Unlatched].map(Some));
}

#[tokio::test]
async fn a_command_waits_out_the_seconds_in_which_a_hub_ignores_it_and_is_said_in_its_words() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    hub.is("locked", "system", "Lock").await;
    site.until(&anna, door, |device| device.link.accepts_commands == Some(true)).await;
    let order = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
    let refused = site.world.app.order(&anna, order).await;
    assert!(
        matches!(refused, Err(Error::Refused(Refusal::NotIdentified))),
        "whose door it would be, nobody knows"
    );
    hub.says("configuration/basicJson", BASIC).await;
    // Also what is ordered a little later waits, and then has the rest of its ten seconds.
    site.world.clock.advance(Duration::from_millis(500));
    let order = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
    let command = site.world.app.order(&anna, order).await.unwrap();
    for _ in 0..6 {
        site.tick().await;
        let now = site.world.app.load_command(&anna, command.id).await.unwrap();
        assert_eq!(now.state, CommandState::Created, "a hub would ignore it now");
    }
    let mut heard = Vec::new();
    let hearing = async {
        while heard.last() != Some(&("nukihub/lock/action".to_owned(), "unlock".to_owned())) {
            heard.push(hub.hears().await);
        }
    };
    let ticking = async {
        loop {
            site.tick().await;
            // A busy machine needs longer than a tick to answer, and whoever is silent for ten of them is cut off.
            tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>()).await.unwrap_err();
        }
    };
    tokio::select! {
        () = hearing => {}
        () = ticking => {}
    }
    let asked = heard.iter().filter(|(topic, payload)| topic.contains("/query/") && payload == "1").count();
    assert_eq!(asked, 4, "a hub that comes back is asked how things stand: {heard:?}");
    hub.says("action", "ack").await;
    hub.says("commandResult", "success").await;
    hub.is("unlocked", "system", "Unlock").await;
    site.until(&anna, door, |device| device.said.state == Some(LockState::Unlocked)).await;
    let done = site.world.app.load_command(&anna, command.id).await.unwrap();
    assert_eq!((done.state, done.sent_by), (CommandState::Done, Some(Connector::NukiHub)));
    assert_eq!(log(&site, &anna, door).await.len(), 1, "one action, one entry");
}

#[tokio::test]
async fn a_hub_that_gives_up_leaves_a_command_failed_or_unknown_by_what_it_saw() {
    for (result, state) in [("failed", CommandState::Failed), ("timeOut", CommandState::Unknown)] {
        let (site, anna, door, mut hub) = with_hub(BASE).await;
        hub.says("configuration/basicJson", BASIC).await;
        hub.is("locked", "system", "Lock").await;
        site.until(&anna, door, |device| device.link.accepts_commands == Some(true)).await;
        site.world.clock.advance(Duration::from_secs(8));
        let order = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
        let command = site.world.app.order(&anna, order).await.unwrap();
        while hub.hears().await.0 != "nukihub/lock/action" {}
        hub.says("action", "ack").await;
        // In hybrid mode a hub reads the lock's own 0 as this: it says nothing.
        hub.says("commandResult", "undefined").await;
        for retry in ["1", "2", "3"] {
            hub.says("commandResult", result).await;
            hub.says("retry", retry).await;
        }
        let open = site.world.app.load_command(&anna, command.id).await.unwrap();
        assert_eq!(open.state, CommandState::Sent);
        assert!(open.progress.unwrap().ends_with("the hub tries again, time 3"));
        hub.says("commandResult", result).await;
        hub.says("retry", "failed").await;
        let over = site.world.app.load_command(&anna, command.id).await.unwrap();
        assert_eq!(over.state, state, "{result}: {:?}", over.reason);
    }
}

#[tokio::test]
async fn a_hub_and_the_locks_own_mqtt_are_one_device_with_one_log() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, by_mqtt) = site.device(&anna, "Front door").await;
    let (temporary, by_hub) = added(&site, &anna).await;
    let mut lock = Client::connect(site.addr, &by_mqtt, "SL3P_3C8862ED").await;
    assert!(lock.listen("nuki/3C8862ED/lockAction").await);
    lock.say("nuki/3C8862ED/deviceType", "4", QoS::AtLeastOnce).await;
    lock.say("nuki/3C8862ED/state", "1", QoS::AtLeastOnce).await;
    let mut hub = Hub::connect(&site, &by_hub, BASE).await;
    hub.is("locked", "system", "Lock").await;
    hub.client
        .client
        .publish("nukihub/lock/configuration/basicJson", QoS::AtLeastOnce, false, BASIC)
        .await
        .unwrap();
    within(async { while hub.client.events.poll().await.is_ok() {} }).await;
    let one = site.world.app.load_device(&anna, temporary).await.unwrap();
    assert_eq!((one.id, one.connector), (door, Connector::NukiMqtt), "known by both numbers");
    let ways = |found: lockwarden_app::ways::Connection| {
        found.ways.iter().map(|way| way.connector).collect::<Vec<_>>()
    };
    let found = site.world.app.load_connection(&anna, door).await.unwrap();
    assert_eq!(ways(found), [Connector::NukiHub, Connector::NukiMqtt]);

    let mut hub = Hub::connect(&site, &by_hub, BASE).await;
    lock.say("nuki/3C8862ED/lockActionEvent", "1,0,54321,0,0", QoS::AtLeastOnce).await;
    lock.say("nuki/3C8862ED/state", "2", QoS::AtLeastOnce).await;
    hub.is("locked", "system", "Lock").await;
    lock.say("nuki/3C8862ED/state", "3", QoS::AtLeastOnce).await;
    let seen = site.until(&anna, door, |device| device.said.state == Some(LockState::Unlocked)).await;
    assert_eq!(seen.connector, Connector::NukiMqtt, "the faster way speaks");
    hub.is("locked", "system", "Lock").await;
    let log_of_it = logged(
        7,
        1,
        r#""type":"LockAction","action":"Unlock","trigger":"system","completionStatus":"success""#,
    );
    for topic in ["rollingLog", "shortLog", "log"] {
        let payload = if topic == "rollingLog" { log_of_it.clone() } else { format!("[{log_of_it}]") };
        hub.says(topic, &payload).await;
    }
    let entries = log(&site, &anna, door).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = &entries[0];
    assert_eq!((entry.happening, entry.origin), (Happening::Unlock, Origin::App));
    assert_eq!((entry.name.as_deref(), entry.auth_id), (Some("Anna"), Some(54_321)));
    let after = site.world.app.load_device(&anna, door).await.unwrap();
    assert_eq!(
        after.said.state,
        Some(LockState::Unlocked),
        "a hub is slower, and is not believed against the lock"
    );
}

#[tokio::test]
async fn what_a_log_tells_first_and_the_lock_afterwards_is_one_entry_too() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, by_mqtt) = site.device(&anna, "Front door").await;
    let mut lock = Client::connect(site.addr, &by_mqtt, "SL3P_3C8862ED").await;
    lock.say("nuki/3C8862ED/state", "1", QoS::AtLeastOnce).await;
    let by_hub = site.world.app.add_way(&anna, door, Connector::NukiHub).await.unwrap();
    let mut hub = Hub::connect(&site, &by_hub, BASE).await;
    let told = r#""type":"KeypadAction","action":"Unlatch","trigger":"code","completionStatus":"success","codeId":8193"#;
    hub.says("rollingLog", &logged(8, 0, told)).await;
    lock.say("nuki/3C8862ED/lockActionEvent", "3,0,195249,8193,1", QoS::AtLeastOnce).await;
    let entries = log(&site, &anna, door).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!((entries[0].name.as_deref(), entries[0].code_id), (Some("Anna"), Some(8_193)));
    hub.says("rollingLog", &logged(9, 40, &told.replace("success", "invalidCode").replace("8193", "0")))
        .await;
    let wrong = &log(&site, &anna, door).await[0];
    assert_eq!((wrong.result, wrong.happening), (Some(Completion::InvalidCode), Happening::Unlatch));
}

#[tokio::test]
async fn what_a_log_tells_before_the_state_is_seen_is_one_entry_and_a_refusal_in_it_explains_no_movement() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    hub.is("locked", "system", "Lock").await;
    let fob = r#""type":"LockAction","action":"Unlock","trigger":"automatic","completionStatus":"success""#;
    hub.says("rollingLog", &logged(1, 0, fob)).await;
    hub.is("unlocked", "automatic", "Unlock").await;
    let entries = log(&site, &anna, door).await;
    assert_eq!((entries.len(), entries[0].name.as_deref()), (1, Some("Anna")), "{entries:?}");
    site.world.clock.advance(Duration::from_mins(2));
    let failed = fob.replace("Unlock", "Lock").replace("success", "motorBlocked");
    hub.says("rollingLog", &logged(2, 0, &failed).replace("\"timeMinute\":0", "\"timeMinute\":2")).await;
    hub.is("locked", "manual", "Lock").await;
    let entries = log(&site, &anna, door).await;
    assert_eq!(entries.len(), 3, "it was locked all the same, by hand: {entries:?}");
}

#[tokio::test]
async fn without_its_own_mqtt_an_action_is_one_entry_of_what_the_state_and_the_log_know() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    hub.is("locked", "system", "Lock").await;
    hub.is("unlocked", "manual", "Unlock").await;
    let first = log(&site, &anna, door).await;
    assert_eq!(first.len(), 1);
    assert_eq!(
        (first[0].happening, first[0].origin, first[0].name.as_deref()),
        (Happening::Unlock, Origin::ByHand, None)
    );
    hub.says(
        "log",
        &format!("[{}]", logged(1, 0, r#""type":"LockAction","action":"Unlock","trigger":"manual""#)),
    )
    .await;
    hub.says("log", "--").await;
    let entries = log(&site, &anna, door).await;
    assert_eq!((entries.len(), entries[0].name.as_deref()), (1, Some("Anna")));
    let troubles = site.world.app.load_connection(&anna, door).await.unwrap().troubles;
    assert_eq!(troubles.iter().map(|seen| seen.trouble).collect::<Vec<_>>(), [Trouble::LogOff]);
}

#[tokio::test]
async fn a_list_that_was_cut_is_told_to_the_owner_until_it_comes_whole() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    let entry = logged(1, 0, r#""type":"LockAction","action":"Lock","trigger":"system""#);
    let mut long = format!("[{}", vec![entry.clone(); 20].join(","));
    long.truncate(4_095);
    hub.says("log", &long).await;
    let troubles = async || site.world.app.load_connection(&anna, door).await.unwrap().troubles;
    let told = troubles().await;
    assert_eq!(
        told.iter().map(|seen| (seen.trouble, seen.detail.as_str())).collect::<Vec<_>>(),
        [(Trouble::Truncated, "log")]
    );
    assert!(log(&site, &anna, door).await.is_empty());
    hub.says("keypad/json", r#"[{"codeId":8193,"name":"Guest"}]"#).await;
    assert_eq!(troubles().await.len(), 1, "another list that is whole is no proof of this one");
    hub.says("log", &format!("[{entry}]")).await;
    assert!(troubles().await.is_empty());
}

#[tokio::test]
async fn a_hub_whose_base_path_begins_like_the_locks_own_topics_reads_as_a_hub() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, login) = added(&site, &anna).await;
    let mut hub = Hub::connect(&site, &login, "nuki").await;
    hub.says("configuration/basicJson", BASIC).await;
    hub.is("unlocked", "system", "Unlock").await;
    let seen = site.until(&anna, door, |device| device.said.state.is_some()).await;
    assert_eq!((seen.said.state, seen.nuki_id), (Some(LockState::Unlocked), Some(0x3C88_62ED)));
    let (logins, _) = site.world.app.load_logins(&anna, door).await.unwrap();
    assert_eq!(logins[0].base_path.as_deref(), Some("nuki"), "its last message tells where it publishes");
    for foreign in ["nuki/3C8862ED/state", "nuki/AAAA/state", "other/lock/json"] {
        let mut hub = Hub::connect(&site, &login, "nuki").await;
        hub.client.client.publish(foreign, QoS::AtLeastOnce, false, "1").await.unwrap();
        within(async { while hub.client.events.poll().await.is_ok() {} }).await;
    }
    assert_eq!(site.world.app.load_device(&anna, door).await.unwrap().said.state, Some(LockState::Unlocked));
}

#[tokio::test]
async fn a_hub_that_was_paired_with_another_lock_is_not_believed() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    hub.says("configuration/basicJson", BASIC).await;
    hub.is("locked", "system", "Lock").await;
    site.until(&anna, door, |device| device.said.state.is_some()).await;
    hub.says("configuration/basicJson", &BASIC.replace("3c8862ed", "63")).await;
    hub.is("unlocked", "system", "Unlock").await;
    let seen = site.world.app.load_device(&anna, door).await.unwrap();
    assert_eq!((seen.said.state, seen.link.online), (Some(LockState::Locked), false));
    let troubles = site.world.app.load_connection(&anna, door).await.unwrap().troubles;
    assert_eq!(troubles[0].trouble, Trouble::OtherDevice);
    let order = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
    assert!(site.world.app.order(&anna, order).await.is_err(), "nothing is sent to somebody else's door");
    hub.says("configuration/basicJson", BASIC).await;
    hub.is("unlocked", "system", "Unlock").await;
    let seen = site.until(&anna, door, |device| device.link.online).await;
    assert_eq!(seen.said.state, Some(LockState::Unlocked));
}

#[tokio::test]
async fn a_state_that_was_left_over_from_before_is_not_taken_and_the_end_of_summer_time_is_no_leftover() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    let app = site.world.app.clone();
    let state = async || app.load_device(&anna, door).await.unwrap().said.state;
    for (clock, told, taken) in [
        ("12:00:10", "unlocked", LockState::Unlocked),
        ("12:00:05", "locked", LockState::Unlocked),
        ("11:30:00", "locked", LockState::Unlocked),
        ("12:00:20", "locked", LockState::Locked),
        ("11:00:30", "unlocked", LockState::Unlocked),
    ] {
        let json =
            format!(r#"{{"lock_state":"{told}","currentTime":"2026-11-24 {clock}","timeZoneOffset":60}}"#);
        hub.says("json", &json).await;
        assert_eq!(state().await, Some(taken), "{clock} {told}");
    }
}

#[tokio::test]
async fn a_hub_in_hybrid_mode_hears_its_lock_and_tells_it_and_nobody_elses() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, by_mqtt) = site.device(&anna, "Front door").await;
    let mut lock = Client::connect(site.addr, &by_mqtt, "SL3P_3C8862ED").await;
    lock.say("nuki/3C8862ED/state", "1", QoS::AtLeastOnce).await;
    assert!(lock.listen("nuki/3C8862ED/lockAction").await);
    let by_hub = site.world.app.add_way(&anna, door, Connector::NukiHub).await.unwrap();
    let mut hub = Hub::connect(&site, &by_hub, BASE).await;
    assert!(!hub.client.listen("nuki/AAAA/state").await, "another lock's");
    hub.client.client.subscribe("nuki/3C8862ED/state", QoS::AtMostOnce).await.unwrap();
    assert_eq!(hub.hears().await, ("nuki/3C8862ED/state".to_owned(), "1".to_owned()));
    lock.say("nuki/3C8862ED/state", "2", QoS::AtLeastOnce).await;
    assert_eq!(hub.hears().await, ("nuki/3C8862ED/state".to_owned(), "2".to_owned()));
    hub.client.say("nuki/3C8862ED/lockAction", "2", QoS::AtLeastOnce).await;
    let heard = lock.until(|packet| matches!(packet, Packet::Publish(_))).await;
    let Packet::Publish(publish) = heard else { unreachable!() };
    assert_eq!(
        (publish.topic.as_str(), &publish.payload[..], publish.retain),
        ("nuki/3C8862ED/lockAction", &b"2"[..], false)
    );
}
