//! An Opener behind a hub.

use lockwarden_simulator::{Fleet, HubSpec, OpenerSpec, Site};
use rumqttc::QoS;

use crate::hub::listening;
use crate::{Mosquitto, fast, within};

#[tokio::test]
async fn a_hub_speaks_for_an_opener_and_tells_when_it_rings() {
    let mosquitto = Mosquitto::start().await;
    let (client, mut events) = mosquitto.watcher().await;
    let mut polling = tokio::task::JoinSet::new();
    polling.spawn(async move { while events.poll().await.is_ok() {} });
    let hub = HubSpec { lock: None, opener: Some(0xB1), ..HubSpec::new("hub1", 0).with_everything() };
    let site = Site { openers: vec![OpenerSpec::new(0xB1, "Gate")], hubs: vec![hub], ..Site::default() };
    let fleet = Fleet::open(&mosquitto.broker, site, &fast());
    let (hub, opener) = (&fleet.hubs()[0], &fleet.openers()[0]);
    within(hub.says("opener/state", "locked")).await;
    let people = |list: &str| list.contains("\"authId\":54321") && list.contains("\"name\":\"Anna\"");
    within(hub.wait_for(|seen| seen.last("opener/authorization/json").is_some_and(people))).await;
    listening(&fast()).await;
    let act = async |action: &str| {
        client.publish("nukihub/opener/action", QoS::AtLeastOnce, false, action).await.unwrap();
    };
    opener.ring();
    within(hub.says("opener/ring", "ringlocked")).await;
    within(hub.says("opener/binaryRing", "standby")).await;
    act("activateRTO").await;
    within(hub.says("opener/state", "RTOactive")).await;
    opener.ring();
    within(hub.says("opener/ring", "ring")).await;
    within(opener.wait_for(|seen| seen.opened == 1)).await;
    within(hub.says("opener/state", "locked")).await;
    act("activateCM").await;
    let seen = within(hub.says("opener/continuousMode", "1")).await;
    assert!(seen.last("opener/json").is_some());
    within(hub.wait_for(|seen| seen.last("opener/rollingLog").is_some_and(|log| log.contains("ActivateCM"))))
        .await;
    let log = hub.seen().last("opener/shortLog").unwrap_or_default().to_owned();
    assert!(log.contains(r#""type":"DoorbellRecognition""#), "{log}");
    act("unlatch").await;
    within(hub.says("opener/action", "unknown_action")).await;
    fleet.stop().await;
}
