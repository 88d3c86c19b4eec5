//! One lock by all its ways at once, and crowds of which not all connect.

use std::collections::BTreeSet;
use std::time::Duration;

use lockwarden_simulator::{BridgeSpec, Fleet, HubSpec, LockSpec, Options, Site};
use rumqttc::{Event, Packet, QoS};
use tokio::task::JoinSet;

use crate::hub::{ID, listening};
use crate::{Mosquitto, bridge, fast, within};

#[tokio::test]
async fn one_bolt_is_moved_by_every_way_and_all_tell_the_same_in_the_end() {
    let options = Options { time_scale: 0.02, ..Options::default() };
    let mosquitto = Mosquitto::start().await;
    let (client, mut events) = mosquitto.watcher().await;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { while events.poll().await.is_ok() {} });
    let site = Site {
        locks: vec![LockSpec::new(ID, "Front door")],
        hubs: vec![HubSpec { retries: 0, ..HubSpec::new("hub1", ID) }],
        bridges: vec![BridgeSpec::new(1, "123456", vec![ID])],
        ..Site::default()
    };
    let fleet = Fleet::open(&mosquitto.broker, site, &options);
    let (lock, hub, bridge) = (&fleet.locks()[0], &fleet.hubs()[0], &fleet.bridges()[0]);
    within(fleet.all_connected()).await;
    within(hub.says("lock/state", "locked")).await;
    let address = within(bridge.address()).await.unwrap();
    listening(&options).await;
    let state = async || {
        let answer = bridge::ask(address, &format!("/lockState?nukiId={ID}&deviceType=4&token=123456")).await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["stateName"].as_str().unwrap().to_owned()
    };
    let publish = async |topic: &str, payload: &str| {
        client.publish(topic, QoS::AtLeastOnce, false, payload).await.unwrap();
    };
    publish("nuki/3C8862ED/lockAction", "1").await;
    within(hub.says("lock/state", "unlocked")).await;
    assert_eq!(state().await, "unlocked");
    publish("nukihub/lock/action", "lock").await;
    within(lock.wait_for(|seen| seen.state == 1)).await;
    within(hub.says("lock/state", "locked")).await;
    assert_eq!(state().await, "locked");
    let target = format!("/lockAction?nukiId={ID}&deviceType=4&action=1&token=123456");
    let moving = tokio::join!(bridge::ask(address, &target), async {
        within(lock.wait_for(|seen| seen.state == 2)).await;
        // Whoever comes second by another way is told that it moves already.
        publish("nukihub/lock/action", "lock").await;
        within(hub.says("lock/commandResult", "failed")).await;
    });
    assert!(moving.0.contains(r#""success":true"#), "{}", moving.0);
    within(hub.says("lock/state", "unlocked")).await;
    assert_eq!((lock.seen().moves, lock.seen().state), (3, 3));
    fleet.stop().await;
}

#[tokio::test]
async fn only_as_many_locks_connect_as_are_asked_for_and_others_when_they_are_told() {
    let mosquitto = Mosquitto::start().await;
    let sources = vec!["127.0.0.2".parse().unwrap(), "127.0.0.3".parse().unwrap()];
    let options = Options { connect: Some(3), connects_a_second: Some(50.0), sources, ..fast() };
    let locks = (0..5).map(|number| LockSpec::new(0xA0 + number, "Door")).collect();
    let began = std::time::Instant::now();
    let fleet = Fleet::start(&mosquitto.broker, locks, &options);
    within(fleet.all_connected()).await;
    assert!(began.elapsed() >= Duration::from_millis(40), "three of fifty a second");
    assert_eq!(fleet.connected(), 3);
    fleet.locks()[4].come_back();
    within(fleet.locks()[4].wait_for(|seen| seen.connected)).await;
    assert_eq!((fleet.connected(), fleet.locks()[3].seen().connected), (4, false));
    fleet.stop().await;
}

#[tokio::test]
async fn locks_that_only_come_by_say_what_they_are_and_leave() {
    let mosquitto = Mosquitto::start().await;
    let (_client, mut events) = mosquitto.watcher().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            if let Event::Incoming(Packet::Publish(said)) = events.poll().await.unwrap() {
                tell.send((said.topic, said.payload)).unwrap();
            }
        }
    });
    let options = Options { connect: Some(1), visits_a_second: Some(50.0), ..fast() };
    let locks = (0..4).map(|number| LockSpec::new(0xA0 + number, "Door")).collect();
    let fleet = Fleet::start(&mosquitto.broker, locks, &options);
    let mut states = BTreeSet::new();
    within(async {
        while states.len() < 4 {
            let (topic, payload) = told.recv().await.unwrap();
            if topic.ends_with("/state") && payload == "1" {
                states.insert(topic);
            }
        }
    })
    .await;
    for lock in &fleet.locks()[1..] {
        within(lock.wait_for(|seen| !seen.connected)).await;
    }
    assert_eq!(fleet.connected(), 1);
    // Whoever has been there comes again when it is told to, and stays.
    fleet.locks()[3].come_back();
    within(fleet.locks()[3].wait_for(|seen| seen.connected)).await;
    assert_eq!(fleet.connected(), 2);
    fleet.stop().await;
}
