//! The virtual locks against a broker nobody here wrote (mosquitto), watched by a client nobody here wrote.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod bridge;
mod bridge_trouble;
mod hub;
mod hub_lists;
mod hub_quirks;
mod opener;
mod ways;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lockwarden_simulator::{Broker, Faults, Fleet, KEPT, LockSpec, Options, building};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tempfile::TempDir;

struct Mosquitto {
    child: Child,
    broker: Broker,
    _dir: TempDir,
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mosquitto {
    async fn start() -> Self {
        Self::with("allow_anonymous true").await
    }

    async fn with(who: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = dir.path().join("mosquitto.conf");
        let mut settings = format!("listener {port} 127.0.0.1\n{who}\n");
        // Without delay, or each answer of a lock waits 40 ms for the acknowledgement of the one before.
        settings.push_str("max_queued_messages 0\nset_tcp_nodelay true\n");
        std::fs::write(&file, settings).unwrap();
        let child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is needed: apt-get install mosquitto");
        let ready = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        within(ready).await;
        Self { child, broker: Broker { host: "127.0.0.1".to_owned(), port }, _dir: dir }
    }

    /// A client that listens to everything.
    async fn watcher(&self) -> (AsyncClient, EventLoop) {
        let (client, mut events) =
            AsyncClient::new(MqttOptions::new("watcher", "127.0.0.1", self.broker.port), 1_000);
        client.subscribe("#", QoS::ExactlyOnce).await.unwrap();
        within(async {
            while !matches!(events.poll().await.unwrap(), Event::Incoming(Packet::SubAck(_))) {}
        })
        .await;
        (client, events)
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work).await.expect("it did not happen within 30 s")
}

fn fast() -> Options {
    Options { time_scale: 0.002, ..Options::default() }
}

/// Topics and payloads until one is as wanted.
async fn told_until(events: &mut EventLoop, last: (&str, &str)) -> Vec<(String, String)> {
    let mut told = Vec::new();
    within(async {
        loop {
            if let Event::Incoming(Packet::Publish(publish)) = events.poll().await.unwrap() {
                told.push((publish.topic.clone(), String::from_utf8(publish.payload.to_vec()).unwrap()));
                if told.last().is_some_and(|(topic, payload)| (topic.as_str(), payload.as_str()) == last) {
                    return told;
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_lock_tells_everything_when_it_connects_and_answers_a_command() {
    let mosquitto = Mosquitto::start().await;
    let (client, mut events) = mosquitto.watcher().await;
    let fleet = Fleet::start(&mosquitto.broker, vec![LockSpec::new(0x3C88_62ED, "Front door")], &fast());
    let told = told_until(&mut events, ("nuki/3C8862ED/doorsensorBatteryCritical", "false")).await;
    for (topic, payload) in
        [("deviceType", "4"), ("state", "1"), ("connected", "true"), ("name", "Front door")]
    {
        assert!(told.contains(&(format!("nuki/3C8862ED/{topic}"), payload.to_owned())), "{topic}: {told:?}");
    }
    client.publish("nuki/3C8862ED/lockAction", QoS::AtMostOnce, false, "1").await.unwrap();
    let told = told_until(&mut events, ("nuki/3C8862ED/commandResponse", "0")).await;
    let states: Vec<_> =
        told.iter().filter(|(topic, _)| topic.ends_with("/state")).map(|(_, payload)| payload).collect();
    assert_eq!(states, ["2", "3"]);
    let seen = fleet.locks()[0].seen();
    assert_eq!((seen.moves, seen.commands.len(), seen.state), (1, 1, 3));
    fleet.stop().await;
}

#[tokio::test]
async fn a_lock_that_loses_its_network_leaves_its_will_and_comes_back_with_its_state() {
    let mosquitto = Mosquitto::start().await;
    let (_client, mut events) = mosquitto.watcher().await;
    let fleet = Fleet::start(&mosquitto.broker, vec![LockSpec::new(0xA1, "Front door")], &fast());
    within(fleet.all_connected()).await;
    fleet.locks()[0].go_offline(None);
    told_until(&mut events, ("nuki/A1/connected", "false")).await;
    fleet.locks()[0].turn_by_hand(false);
    fleet.locks()[0].come_back();
    told_until(&mut events, ("nuki/A1/state", "3")).await;
    fleet.stop().await;
}

#[tokio::test]
async fn a_lock_that_vanishes_is_missed_after_its_keep_alive_and_never_reads_what_was_sent_meanwhile() {
    let mosquitto = Mosquitto::start().await;
    let (client, mut events) = mosquitto.watcher().await;
    let options = Options { keep_alive: Duration::from_secs(1), ..fast() };
    let fleet = Fleet::start(&mosquitto.broker, vec![LockSpec::new(0xA1, "Front door")], &options);
    within(fleet.all_connected()).await;
    told_until(&mut events, ("nuki/A1/doorsensorBatteryCritical", "false")).await;
    let lock = &fleet.locks()[0];
    lock.go_silent(None);
    within(lock.wait_for(|seen| !seen.connected)).await;
    client.publish("nuki/A1/lockAction", QoS::AtLeastOnce, false, "3").await.unwrap();
    lock.turn_by_hand(false);
    let told = told_until(&mut events, ("nuki/A1/connected", "false")).await;
    assert!(
        told.contains(&("nuki/A1/lockAction".to_owned(), "3".to_owned())),
        "it went out while the line was open"
    );
    assert!(!told.iter().any(|(topic, _)| topic == "nuki/A1/state"), "a silent lock speaks: {told:?}");
    lock.come_back();
    told_until(&mut events, ("nuki/A1/state", "3")).await;
    client.publish("nuki/A1/lockAction", QoS::AtLeastOnce, false, "2").await.unwrap();
    told_until(&mut events, ("nuki/A1/commandResponse", "0")).await;
    let payloads: Vec<_> = lock.seen().commands.into_iter().map(|command| command.payload).collect();
    assert_eq!(payloads, ["2"]);
    fleet.stop().await;
}

#[tokio::test]
async fn a_lock_that_reboots_on_its_way_says_that_it_boots_and_then_where_the_bolt_is() {
    let mosquitto = Mosquitto::start().await;
    let (client, mut events) = mosquitto.watcher().await;
    // Slow enough for it to connect before the boot run is over.
    let options = Options { time_scale: 0.4, ..Options::default() };
    let fleet = Fleet::start(&mosquitto.broker, vec![LockSpec::new(0xA1, "Front door")], &options);
    within(fleet.all_connected()).await;
    let lock = &fleet.locks()[0];
    lock.faults(Faults { reboot: true, ..Faults::default() });
    client.publish("nuki/A1/lockAction", QoS::AtLeastOnce, false, "1").await.unwrap();
    let told = told_until(&mut events, ("nuki/A1/state", "253")).await;
    assert!(told.contains(&("nuki/A1/state".to_owned(), "2".to_owned())), "it had begun: {told:?}");
    let seen = within(lock.wait_for(|seen| matches!(seen.state, 1 | 3))).await;
    let told = told_until(&mut events, ("nuki/A1/state", &seen.state.to_string())).await;
    assert!(!told.iter().any(|(topic, _)| topic.ends_with("commandResponse")), "{told:?}");
    fleet.stop().await;
}

#[tokio::test]
async fn a_lock_that_is_not_let_in_knows_why_and_one_that_was_never_answered_does_not_guess() {
    let mosquitto = Mosquitto::with("allow_anonymous false").await;
    let spec = LockSpec::new(0xA1, "Front door").with_login("lock", "wrong");
    let fleet = Fleet::start(&mosquitto.broker, vec![spec], &fast());
    let seen = within(fleet.locks()[0].wait_for(|seen| seen.refused.is_some())).await;
    assert!(!seen.connected && seen.refused.unwrap().contains("login"), "{seen:?}");
    drop(mosquitto);
    within(fleet.locks()[0].wait_for(|seen| seen.refused.is_none())).await;
    fleet.stop().await;
}

#[tokio::test]
async fn a_lock_remembers_its_last_commands_and_how_many_there_were() {
    let mosquitto = Mosquitto::start().await;
    let fleet = Fleet::start(&mosquitto.broker, vec![LockSpec::new(0xA1, "Front door")], &fast());
    within(fleet.all_connected()).await;
    let (client, mut events) = mosquitto.watcher().await;
    let mut polling = tokio::task::JoinSet::new();
    polling.spawn(async move { while events.poll().await.is_ok() {} });
    let sent = KEPT + 20;
    let lock = &fleet.locks()[0];
    for number in 1..=sent as u64 {
        client.publish("nuki/A1/lockAction", QoS::AtLeastOnce, false, "0").await.unwrap();
        // One at a time: a broker drops what comes too fast.
        within(lock.wait_for(|seen| seen.received == number)).await;
    }
    let seen = lock.seen();
    assert_eq!((seen.received, seen.commands.len()), (sent as u64, KEPT));
    assert_eq!((seen.commands[0].number, seen.commands[KEPT - 1].number), (21, sent as u64));
    assert!(seen.commands.iter().is_sorted_by_key(|command| command.at));
    fleet.stop().await;
}

#[tokio::test]
async fn a_retained_command_is_carried_out_and_counted_as_retained() {
    let mosquitto = Mosquitto::start().await;
    let (client, mut events) = mosquitto.watcher().await;
    client.publish("nuki/A1/lockAction", QoS::AtLeastOnce, true, "3").await.unwrap();
    within(async { while !matches!(events.poll().await.unwrap(), Event::Incoming(Packet::PubAck(_))) {} })
        .await;
    let fleet = Fleet::start(&mosquitto.broker, vec![LockSpec::new(0xA1, "Front door")], &fast());
    let seen = within(fleet.locks()[0].wait_for(|seen| seen.moves == 1)).await;
    assert!(seen.commands[0].retain, "a server that retains commands opens doors by itself");
    fleet.stop().await;
}

#[tokio::test]
async fn a_lock_with_allow_locking_off_hears_nothing() {
    let mosquitto = Mosquitto::start().await;
    let (client, mut events) = mosquitto.watcher().await;
    let mut spec = LockSpec::new(0xA1, "Front door");
    spec.allow_locking = false;
    let fleet = Fleet::start(&mosquitto.broker, vec![spec], &fast());
    within(fleet.all_connected()).await;
    client.publish("nuki/A1/lockAction", QoS::AtLeastOnce, false, "1").await.unwrap();
    told_until(&mut events, ("nuki/A1/lockAction", "1")).await;
    fleet.locks()[0].turn_by_hand(false);
    told_until(&mut events, ("nuki/A1/state", "3")).await;
    assert!(fleet.locks()[0].seen().commands.is_empty());
    fleet.stop().await;
}

#[tokio::test]
async fn a_lock_with_auto_discovery_on_announces_itself_to_home_assistant() {
    let mosquitto = Mosquitto::start().await;
    let (_client, mut events) = mosquitto.watcher().await;
    let mut spec = LockSpec::new(0xA1, "Front door");
    spec.auto_discovery = true;
    let fleet = Fleet::start(&mosquitto.broker, vec![spec], &fast());
    let announced = within(async {
        loop {
            if let Event::Incoming(Packet::Publish(publish)) = events.poll().await.unwrap()
                && publish.topic == "homeassistant/button/A1/lock_n_go_unlatch_button/config"
            {
                return String::from_utf8(publish.payload.to_vec()).unwrap();
            }
        }
    })
    .await;
    // As a real one wrote it, but for its number and name.
    let real = r#"{"~":"nuki/A1","avty_t":"~/connected","pl_avail":"true","pl_not_avail":"false","dev":{"ids":"[A1]","mf":"Nuki","name":"Front door","mdl":"Smart Lock 3.0 Pro"},"name":"Front door Lock 'n' Go with unlatch","uniq_id":"A1_lock_n_go_unlatch_button","cmd_t":"~/lockAction","pl_prs":"5"}"#;
    assert_eq!(announced, real);
    fleet.stop().await;
}

#[tokio::test]
async fn five_hundred_locks_connect_and_each_answers() {
    let mosquitto = Mosquitto::start().await;
    let mut house = building(500, 1);
    for spec in &mut house {
        spec.life = lockwarden_simulator::Life::Quiet;
        spec.allow_locking = true;
    }
    let fleet = Fleet::start(&mosquitto.broker, house, &fast());
    within(fleet.all_connected()).await;
    let (client, mut events) =
        AsyncClient::new(MqttOptions::new("sender", "127.0.0.1", mosquitto.broker.port), 1_000);
    for lock in fleet.locks() {
        client
            .publish(format!("nuki/{:X}/lockAction", lock.nuki_id), QoS::AtLeastOnce, false, "1")
            .await
            .unwrap();
    }
    let mut polling = tokio::task::JoinSet::new();
    polling.spawn(async move { while events.poll().await.is_ok() {} });
    for lock in fleet.locks() {
        within(lock.wait_for(|seen| seen.moves == 1 && seen.state == 3)).await;
    }
    fleet.stop().await;
}
