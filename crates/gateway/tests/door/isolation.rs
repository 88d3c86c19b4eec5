//! A login is one device's: nothing it does reaches another's.

use lockwarden_app::actor::Actor;
use lockwarden_app::devices::{Connector, LockState, Observation};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::RefusalReason;
use rumqttc::QoS;

use crate::kit::{Client, Site};
use crate::raw::{Raw, connect};

/// The owner sees what was refused, once the sweep has come round.
pub(crate) async fn told(site: &Site, owner: &Actor, device: DeviceId, reason: RefusalReason) {
    let mut found = Vec::new();
    for _ in 0..50 {
        site.tick().await;
        found = site.world.app.load_logins(owner, device).await.unwrap().1;
        if found.iter().any(|refusal| refusal.reason == reason) {
            return;
        }
    }
    panic!("not told of {reason:?}: {found:?}");
}

#[tokio::test]
async fn a_foreign_topic_ends_a_3_1_1_connection_without_acknowledgement() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let (other, _) = site.device(&anna, "Back door").await;
    for topic in
        ["nuki/B2/state", "homeassistant/status", "homeassistant/lock/A1/set", "$SYS/broker", "state"]
    {
        let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
        raw.publish("nuki/A1/state", "1", 1, 1, false).await;
        assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
        raw.publish(topic, "3", 1, 2, false).await;
        assert!(raw.rest().await.is_empty(), "{topic}");
    }
    assert_eq!(site.world.app.load_device(&anna, other).await.unwrap().said.state, None);
    told(&site, &anna, device, RefusalReason::OtherDevice).await;
    told(&site, &anna, device, RefusalReason::ForeignTopic).await;
}

#[tokio::test]
async fn foreign_subscriptions_are_refused_and_own_ones_granted() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut lock = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    lock.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "other", true).await;
    for filter in [
        "#",
        "+/A1/lockAction",
        "nuki/+/lockAction",
        "nuki/#",
        "nuki/B2/lockAction",
        "$SYS/#",
        "$share/g/nuki/A1/lock",
    ] {
        assert_eq!(raw.subscribe(filter).await, 0x80, "{filter}");
    }
    for filter in ["nuki/A1/lockAction", "nuki/a1/lock", "nuki/000000A1/unlock", "nuki/A1/#"] {
        assert_eq!(raw.subscribe(filter).await, 2, "{filter}");
    }
    told(&site, &anna, device, RefusalReason::ForeignSubscription).await;
}

#[tokio::test]
async fn a_foreign_will_is_not_let_in() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut lock = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    lock.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    for topic in ["nuki/B2/connected", "homeassistant/x", "nuki/A1/lockAction"] {
        let mut raw = Raw::open(site.addr).await;
        raw.send(&connect(&credentials, "other", true, Some((topic, "false")))).await;
        assert_eq!(raw.read(4).await, [0x20, 2, 0, 5], "{topic}");
    }
    told(&site, &anna, device, RefusalReason::ForeignWill).await;
}

#[tokio::test]
async fn the_second_login_that_speaks_for_a_lock_is_refused_whoever_has_it() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let boris = site.world.owner("Boris").await;
    let (_, first) = site.device(&anna, "Front door").await;
    let (stranger, second) = site.device(&boris, "Mine now").await;
    let mut lock = Client::connect(site.addr, &first, "SL3P_A1").await;
    lock.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    let mut raw = Raw::sign_in(site.addr, &second, "SL3P_A1", true).await;
    raw.publish("nuki/00A1/state", "3", 1, 1, false).await;
    assert!(raw.rest().await.is_empty());
    told(&site, &boris, stranger, RefusalReason::DeviceTaken).await;
    lock.say("nuki/A1/batteryCritical", "false", QoS::AtLeastOnce).await;
}

#[tokio::test]
async fn a_client_id_is_taken_over_only_with_the_same_login_and_the_lock_stays_online() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, first) = site.device(&anna, "Front door").await;
    let (_, second) = site.device(&anna, "Back door").await;
    let mut old = Raw::open(site.addr).await;
    old.send(&connect(&first, "same", true, Some(("nuki/A1/connected", "false")))).await;
    assert_eq!(old.read(4).await, [0x20, 2, 0, 0]);
    let mut other = Raw::sign_in(site.addr, &second, "same", true).await;
    old.ping().await;
    other.ping().await;
    let mut new = Raw::sign_in(site.addr, &first, "same", true).await;
    assert!(old.rest().await.is_empty(), "the old connection is closed");
    new.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(new.read(4).await, [0x40, 2, 0, 1]);
    let found = site.world.app.load_device(&anna, door).await.unwrap();
    assert!(found.link.online, "its last words must not take it offline");
    let log =
        site.world.app.list_activity(&anna, lockwarden_app::activity::EntryQuery::default()).await.unwrap();
    assert!(log.entries.is_empty(), "{:?}", log.entries);
}

#[tokio::test]
async fn a_lost_connection_speaks_its_will_and_a_clean_goodbye_does_not() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, credentials) = site.device(&anna, "Front door").await;
    // A will that says something else than the end of the connection shows that it was spoken.
    for (goodbye, expected) in [(true, LockState::Locked), (false, LockState::MotorBlocked)] {
        let mut raw = Raw::open(site.addr).await;
        raw.send(&connect(&credentials, "SL3P_A1", true, Some(("nuki/A1/state", "254")))).await;
        assert_eq!(raw.read(4).await, [0x20, 2, 0, 0]);
        raw.publish("nuki/A1/state", "1", 1, 1, false).await;
        assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
        site.until(&anna, door, |device| device.link.online).await;
        if goodbye {
            raw.send(&[0xE0, 0]).await;
        }
        drop(raw);
        let found = site.until(&anna, door, |device| !device.link.online).await;
        assert_eq!(found.said.state, Some(expected));
    }
}

#[tokio::test]
async fn a_new_password_a_revocation_or_a_removal_cuts_the_connection_at_once() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, old) = site.device(&anna, "Front door").await;
    let mut raw = Raw::sign_in(site.addr, &old, "SL3P_A1", true).await;
    let new = site.world.app.rotate_login(&anna, door, Connector::NukiMqtt).await.unwrap();
    // The clock stands still: nobody waits for a round of anything.
    assert!(raw.rest().await.is_empty());
    let mut raw = Raw::sign_in(site.addr, &new, "SL3P_A1", true).await;
    site.world.app.revoke_login(&anna, door, Connector::NukiMqtt).await.unwrap();
    assert!(raw.rest().await.is_empty());
    let newest = site.world.app.rotate_login(&anna, door, Connector::NukiMqtt).await.unwrap();
    let mut raw = Raw::sign_in(site.addr, &newest, "SL3P_A1", true).await;
    site.world.app.remove_device(&anna, door).await.unwrap();
    assert!(raw.rest().await.is_empty());
}

#[tokio::test]
async fn a_device_cannot_publish_commands_but_may_clear_a_leftover() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    raw.publish("nuki/A1/lockAction", "", 1, 1, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
    raw.publish("nuki/A1/unlock", "true", 1, 2, false).await;
    assert!(raw.rest().await.is_empty());
    told(&site, &anna, device, RefusalReason::RetainedCommand).await;
}

#[tokio::test]
async fn a_state_report_for_another_lock_never_reaches_it() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let front = site.world.lock(&anna, "Front door", 0xB2).await;
    site.world.says(front, Observation::Link { up: false }).await;
    let (_, credentials) = site.device(&anna, "Back door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_B2", true).await;
    raw.publish("nuki/B2/state", "3", 1, 1, false).await;
    assert!(raw.rest().await.is_empty());
    assert_eq!(site.world.app.load_device(&anna, front).await.unwrap().said.state, Some(LockState::Locked));
}

#[tokio::test]
async fn what_a_topic_does_not_allow_is_acknowledged_changes_nothing_and_is_told() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, _, mut raw) = crate::raw::lock(&site, &anna, true).await;
    for (packet, topic, payload) in
        [(2, "state", "open sesame"), (3, "lockActionEvent", "3,0,1"), (4, "batteryChargeState", "101")]
    {
        raw.publish(&format!("nuki/A1/{topic}"), payload, 1, packet, false).await;
        assert_eq!(raw.read(4).await, [0x40, 2, 0, u8::try_from(packet).unwrap()], "{topic}");
    }
    raw.ping().await;
    told(&site, &anna, device, RefusalReason::Malformed).await;
    let said = site.world.app.load_device(&anna, device).await.unwrap().said;
    assert_eq!((said.state, said.battery_percent), (Some(LockState::Locked), None));
}
