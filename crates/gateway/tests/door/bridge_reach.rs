//! What a bridge goes on repeating of a device that it does not reach, or that somebody else has heard since, is no news.

use std::time::Duration;

use lockwarden_app::activity::Happening;
use lockwarden_app::commands::Order;
use lockwarden_app::devices::{Connector, Device, LockAction, LockState};
use lockwarden_app::ways::Trouble;
use rumqttc::QoS;

use crate::bridges::{House, ID, ask};
use crate::hub::log;
use crate::kit::Client;

#[tokio::test]
async fn what_a_bridge_repeats_of_a_lock_out_of_its_reach_is_old_and_the_owner_is_told_until_it_hears_it() {
    let house = House::build().await;
    let Device { id: device, said, .. } = house.heard_device().await;
    let (site, owner, bridge) = (&house.site, &house.owner, &house.fleet.bridges()[0]);
    assert_eq!(house.troubles(device).await, []);
    house.seconds_until_asked().await;
    let repeated = site.world.app.load_device(owner, device).await.unwrap();
    assert_eq!(repeated.said.state_at, said.state_at, "an hour of repetition is not one of news");

    bridge.quirks(|quirks| quirks.out_of_reach = true);
    let order = Order { device, action: LockAction::Lock, idempotency_key: None };
    site.world.app.order(owner, order).await.unwrap();
    house.looked_until(device, |_, troubles| !troubles.is_empty()).await;
    assert_eq!(house.troubles(device).await, [Trouble::OutOfReach]);
    let lost = site.world.app.load_device(owner, device).await.unwrap();
    assert!(lost.link.online && lost.link.is_out_of_reach && lost.is_stale());
    assert_eq!((lost.said.state, lost.said.state_changed_at), (said.state, said.state_changed_at));
    for _ in 0..3 {
        house.seconds_until_asked().await;
    }
    assert!(site.world.app.load_device(owner, device).await.unwrap().is_stale(), "it only repeats it");

    bridge.quirks(|quirks| quirks.out_of_reach = false);
    house.looked_until(device, |device, troubles| troubles.is_empty() && !device.is_stale()).await;
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_device_that_its_bridge_does_not_list_any_more_is_out_of_its_reach() {
    let house = House::build().await;
    let device = house.heard_device().await.id;
    let address = house.fleet.bridges()[0].address().await.unwrap();
    ask(address, &format!("/unpair?nukiId={ID}&deviceType=4&token=123456")).await;
    house
        .looked_until(device, |device, troubles| device.is_stale() && troubles == [Trouble::OutOfReach])
        .await;
    assert_eq!(house.devices().await, [device], "it stays its owner's");
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_lock_that_its_bridge_has_not_seen_for_long_is_asked_itself_without_anybody_ordering_anything() {
    let house = House::build().await;
    let device = house.heard_device().await.id;
    house.fleet.bridges()[0].quirks(|quirks| quirks.out_of_reach = true);
    for _ in 0..2 {
        house.seconds_until_asked().await;
    }
    assert_eq!(house.troubles(device).await, []);
    house.site.world.clock.advance(Duration::from_hours(6));
    house.looked_until(device, |_, troubles| troubles == [Trouble::OutOfReach]).await;
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_bridge_that_takes_over_repeats_nothing_older_than_what_the_lock_itself_said() {
    let house = House::build().await;
    let [door] = house.devices().await.try_into().unwrap();
    let (site, anna) = (&house.site, &house.owner);
    site.until(anna, door, |device| device.said.state == Some(LockState::Locked)).await;
    let by_mqtt = site.world.app.add_way(anna, door, Connector::NukiMqtt).await.unwrap();
    site.tick().await;
    let mut lock = Client::connect(site.addr, &by_mqtt, "SL_000000A1").await;
    lock.say("nuki/A1/state", "3", QoS::AtLeastOnce).await;
    site.until(anna, door, |device| device.connector == Connector::NukiMqtt && !device.is_stale()).await;
    let bridge = &house.fleet.bridges()[0];
    bridge.quirks(|quirks| quirks.out_of_reach = true);
    drop(lock);
    site.until(anna, door, |device| device.connector == Connector::NukiBridge).await;
    for _ in 0..2 {
        house.seconds_until_asked().await;
    }
    let after = site.world.app.load_device(anna, door).await.unwrap();
    assert_eq!((after.is_stale(), after.said.state), (true, Some(LockState::Unlocked)));
    let entries = log(site, anna, door).await;
    assert!(entries.iter().all(|entry| entry.happening != Happening::Lock), "{entries:?}");
    bridge.quirks(|quirks| quirks.out_of_reach = false);
    let answers = |device: &Device| !device.is_stale() && device.said.state == Some(LockState::Locked);
    house.looked_until(door, |device, _| answers(device)).await;
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_lock_that_its_bridge_did_not_reach_is_asked_after_a_restart_before_what_is_repeated_counts() {
    let house = House::build().await;
    let device = house.heard_device().await.id;
    house.fleet.bridges()[0].quirks(|quirks| quirks.out_of_reach = true);
    house.site.world.app.sync_device(&house.owner, device).await.unwrap();
    house.looked_until(device, |_, troubles| troubles == [Trouble::OutOfReach]).await;
    let House { site, owner, fleet } = house;
    let house = House { site: site.reopen().await, owner, fleet };
    house.site.until(&house.owner, device, |device| device.link.online).await;
    house.seconds_until_asked().await;
    let back = house.site.world.app.load_device(&house.owner, device).await.unwrap();
    assert!(back.is_stale() && back.link.is_out_of_reach);
    house.fleet.bridges()[0].quirks(|quirks| quirks.out_of_reach = false);
    house.looked_until(device, |device, troubles| !device.is_stale() && troubles.is_empty()).await;
    house.fleet.stop().await;
}

#[tokio::test]
async fn that_a_bridge_does_not_reach_a_lock_is_over_with_the_way() {
    let house = House::build().await;
    let device = house.heard_device().await.id;
    let app = &house.site.world.app;
    app.add_way(&house.owner, device, Connector::NukiMqtt).await.unwrap();
    house.fleet.bridges()[0].quirks(|quirks| quirks.out_of_reach = true);
    app.sync_device(&house.owner, device).await.unwrap();
    house.looked_until(device, |_, troubles| troubles == [Trouble::OutOfReach]).await;
    app.remove_way(&house.owner, device, Connector::NukiBridge).await.unwrap();
    assert_eq!(house.troubles(device).await, []);
    let late = lockwarden_app::devices::Observation::Trouble(Trouble::OutOfReach, Some(String::new()));
    house.site.world.says_by(device, Connector::NukiBridge, late).await;
    assert_eq!(house.troubles(device).await, [], "what was under way comes too late");
    house.fleet.stop().await;
}
