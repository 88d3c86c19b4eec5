//! What announces itself to Home Assistant: read of the login's own device, only shown of anything else.

use std::time::Duration;

use lockwarden_app::Error;
use lockwarden_app::actor::Actor;
use lockwarden_app::commands::Order;
use lockwarden_app::devices::{LockAction, NewDevice, SortBy};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::{Credentials, StrangerSeen};
use lockwarden_app::ways::{Connection, Fact};
use rumqttc::{LastWill, Packet, QoS};

use crate::kit::{Client, Site, options, within};
use crate::raw::{Raw, connect};

/// As a real lock writes it, but for its number and name.
fn real(id: &str, name: &str) -> String {
    format!(
        r#"{{"~":"nuki/{id}","avty_t":"~/connected","pl_avail":"true","pl_not_avail":"false","dev":{{"ids":"[{id}]",
        "mf":"Nuki","name":"{name}","mdl":"Smart Lock 3.0 Pro"}},"name":"{name} unlatch","uniq_id":"{id}_unlatch_button",
        "cmd_t":"~/lockAction","pl_prs":"3"}}"#
    )
}

fn of_hub(side: &str, id: &str, name: &str) -> String {
    format!(
        r#"{{"dev":{{"ids":["nuki_{id}"],"mf":"Nuki","mdl":"{side}","name":"{name}"}},"~":"nukihub/{side}",
        "unique_id":"{id}_smartlock","cmd_t":"~/action","stat_t":"~/hastate"}}"#
    )
}

/// A device that nobody has named.
async fn unnamed(site: &Site, owner: &Actor) -> (DeviceId, Credentials) {
    site.world.app.add_device(owner, NewDevice { name: None, ..NewDevice::by_mqtt("") }).await.unwrap()
}

async fn connection(site: &Site, owner: &Actor, device: DeviceId) -> Connection {
    site.world.app.load_connection(owner, device).await.unwrap()
}

/// Waits until so many announce themselves that the account does not have.
async fn strangers(site: &Site, owner: &Actor, count: usize) -> Vec<StrangerSeen> {
    for _ in 0..50 {
        site.tick().await;
        let found = site.world.app.list_strangers(owner, None).await.unwrap();
        if found.len() == count {
            return found;
        }
    }
    panic!(
        "{count} strangers were expected: {:?}",
        site.world.app.list_strangers(owner, None).await.unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_announces_itself_is_known_by_name_and_model_once_it_has_spoken_for_itself() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = unnamed(&site, &anna).await;
    assert_eq!(site.world.app.load_device(&anna, device).await.unwrap().name, "New lock");
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    // Until then it may be anybody's: of a broker that passes on what it kept of several.
    raw.publish("homeassistant/lock/B2/lock/config", &real("B2", "Cellar"), 1, 1, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
    raw.publish("nuki/A1/state", "1", 1, 2, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 2]);
    let bound = site.until(&anna, device, |device| device.said.state.is_some()).await;
    assert_eq!((bound.name.as_str(), bound.nuki_id), ("New lock", Some(0xA1)));
    assert_eq!(connection(&site, &anna, device).await.fact(Fact::Model), None);
    raw.publish("homeassistant/lock/A1/lock/config", &real("A1", "Maison"), 1, 3, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 3]);
    site.until(&anna, device, |device| device.name == "Maison").await;
    let known = connection(&site, &anna, device).await;
    for (fact, value) in
        [(Fact::Model, "Smart Lock 3.0 Pro"), (Fact::Maker, "Nuki"), (Fact::AnnouncedName, "Maison")]
    {
        assert_eq!(known.fact(fact), Some(value));
    }
    assert!(site.world.app.load_logins(&anna, device).await.unwrap().1.is_empty(), "nothing was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_person_gave_is_kept_whatever_the_lock_calls_itself() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (given, first) = site.device(&anna, "Front door").await;
    let (renamed, second) = unnamed(&site, &anna).await;
    for (id, device, login) in [("A1", given, &first), ("B2", renamed, &second)] {
        let mut lock = Client::connect(site.addr, login, id).await;
        lock.say(&format!("nuki/{id}/name"), "Own name", QoS::AtLeastOnce).await;
        if device == renamed {
            site.until(&anna, device, |device| device.name == "Own name").await;
            site.world.app.rename_device(&anna, device, "Back door").await.unwrap();
        }
        lock.say(&format!("homeassistant/lock/{id}/x/config"), &real(id, "Maison"), QoS::AtLeastOnce).await;
        lock.say(&format!("nuki/{id}/name"), "Another", QoS::AtLeastOnce).await;
        site.until(&anna, device, |device| device.said.own_name.as_deref() == Some("Another")).await;
    }
    let names = site.world.app.list_devices(&anna, SortBy::Name).await.unwrap();
    let names: Vec<&str> = names.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["Back door", "Front door"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_login_announces_of_another_device_is_only_shown_and_added_with_a_login_of_its_own() {
    let site = Site::open().await;
    let (anna, boris) = (site.world.owner("Anna").await, site.world.owner("Boris").await);
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut lock = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    lock.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    lock.say("homeassistant/lock/B2/lock/config", &real("B2", "Cellar"), QoS::AtLeastOnce).await;
    // One that says one number and speaks under two is nobody.
    let torn = r#"{"~":"nuki/A1","stat_t":"~/state","cmd_t":"nuki/C3/lockAction","dev":{"ids":"[A1]","name":"Torn"}}"#;
    lock.say("homeassistant/lock/A1/torn/config", torn, QoS::AtLeastOnce).await;
    let found = strangers(&site, &anna, 1).await.remove(0);
    assert_eq!((found.stranger.nuki_id, found.stranger.name.as_deref()), (0xB2, Some("Cellar")));
    assert_eq!((found.through.0, found.is_part), (device, false));
    assert_eq!(connection(&site, &anna, device).await.fact(Fact::Model), None, "it is not the login's own");

    let which = (found.login, 0xB2, false);
    let foreign = site.world.app.add_stranger(&boris, which).await;
    assert!(matches!(foreign, Err(Error::NotFound)), "to anybody else it never was");
    assert!(site.world.app.list_strangers(&boris, None).await.unwrap().is_empty());
    let (cellar, login) = site.world.app.add_stranger(&anna, which).await.unwrap();
    let twice = site.world.app.add_stranger(&anna, which).await;
    assert!(matches!(twice, Err(Error::NotFound)), "once is enough");
    let login = login.unwrap();
    assert_ne!(login.username, credentials.username);
    let mut second = Client::connect(site.addr, &login, "SL3P_B2").await;
    second.say("nuki/B2/state", "3", QoS::AtLeastOnce).await;
    let cellar = site.until(&anna, cellar, |device| device.said.state.is_some()).await;
    assert_eq!((cellar.name.as_str(), cellar.nuki_id), ("Cellar", Some(0xB2)));
    // The first may still speak only for itself.
    lock.client.publish("nuki/B2/state", QoS::AtLeastOnce, false, "1").await.unwrap();
    within(async { while lock.events.poll().await.is_ok() {} }).await;
    assert_eq!(site.world.app.load_device(&anna, cellar.id).await.unwrap().said.state, cellar.said.state);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_lock_that_was_given_the_login_of_another_is_turned_away_and_shown() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut lock = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    lock.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    let mut raw = Raw::open(site.addr).await;
    raw.send(&connect(&credentials, "SL3P_B2", true, Some(("nuki/B2/connected", "false")))).await;
    assert_eq!(raw.read(4).await, [0x20, 2, 0, 5]);
    let found = strangers(&site, &anna, 1).await;
    assert_eq!(found[0].stranger.nuki_id, 0xB2);
}

/// Connects as a hub and says what it announces of its lock and its opener, and their configuration.
async fn hub(site: &Site, login: &Credentials) -> Client {
    let mut options = options(site.addr, login, "nukihub");
    let will = "nukihub/maintenance/mqttConnectionState";
    options.set_last_will(LastWill::new(will, "offline", QoS::AtLeastOnce, true));
    let mut hub = Client::new(options);
    hub.until(|packet| matches!(packet, Packet::ConnAck(_))).await;
    for side in ["lock", "opener"] {
        assert!(hub.listen(&format!("nukihub/{side}/action")).await);
    }
    for (side, id, name) in [("lock", "a1", "Front door"), ("opener", "b2", "Street door")] {
        let told = format!(r#"{{"nukiID":"{id}","name":"{name}","firmwareVersion":"3.10.7"}}"#);
        hub.say(&format!("nukihub/{side}/configuration/basicJson"), &told, QoS::AtLeastOnce).await;
        // A hub's prefix is whatever was typed in there.
        let topic = format!("ha/lock/{id}/smartlock/config");
        hub.say(&topic, &of_hub(side, id, name), QoS::AtLeastOnce).await;
    }
    hub
}

/// Anna's hub, which has told of its lock and of its opener.
async fn with_both() -> (Site, Actor, Credentials, [DeviceId; 2], Client) {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, login) = site.world.app.add_device(&anna, NewDevice::by_hub("Front", None)).await.unwrap();
    let hub = hub(&site, &login).await;
    let beside = connection(&site, &anna, door).await.beside;
    let [(opener, _)] = beside.as_slice() else { panic!("the opener: {beside:?}") };
    (site, anna, login, [door, *opener], hub)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opener_behind_a_hub_is_called_what_it_announces_and_removed_it_comes_back_only_when_it_is_added_again()
 {
    let (site, anna, login, [door, opener], first) = with_both().await;
    site.until(&anna, opener, |device| device.name == "Street door").await;
    assert_eq!(connection(&site, &anna, opener).await.fact(Fact::Model), Some("opener"));
    assert_eq!(site.world.app.load_device(&anna, door).await.unwrap().name, "Front");

    site.world.app.remove_device(&anna, opener).await.unwrap();
    drop(first);
    let _second = hub(&site, &login).await;
    let found = strangers(&site, &anna, 1).await.remove(0);
    assert_eq!((found.stranger.nuki_id, found.stranger.is_opener, found.is_part), (0xB2, true, true));
    assert_eq!(site.world.app.list_devices(&anna, SortBy::Name).await.unwrap().len(), 1, "it stays removed");

    let which = (found.login, 0xB2, true);
    let (again, credentials) = site.world.app.add_stranger(&anna, which).await.unwrap();
    assert!(credentials.is_none(), "the hub has its login");
    let _third = hub(&site, &login).await;
    let again = site.until(&anna, again, |device| device.nuki_id.is_some()).await;
    assert_eq!((again.name.as_str(), again.nuki_id, again.link.online), ("Street door", Some(0xB2), true));
    assert!(strangers(&site, &anna, 0).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_for_an_opener_never_goes_to_the_lock_that_was_removed_beside_it() {
    let (site, anna, login, [door, opener], first) = with_both().await;
    site.world.app.remove_device(&anna, door).await.unwrap();
    drop(first);
    let mut second = hub(&site, &login).await;
    site.until(&anna, opener, |device| device.link.accepts_commands == Some(true)).await;
    site.world.clock.advance(Duration::from_secs(8));
    let order = Order { device: opener, action: LockAction::Unlatch, idempotency_key: None };
    site.world.app.order(&anna, order).await.unwrap();
    let packet = second.until(|packet| matches!(packet, Packet::Publish(_))).await;
    let Packet::Publish(publish) = packet else { unreachable!() };
    let told = (publish.topic.as_str(), std::str::from_utf8(&publish.payload).unwrap());
    assert_eq!(told, ("nukihub/opener/action", "electricStrikeActuation"));
}
