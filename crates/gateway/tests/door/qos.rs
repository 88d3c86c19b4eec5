//! Promise 3 at the door: acknowledged means committed, and committed once.

use lockwarden_app::activity::EntryQuery;
use lockwarden_app::devices::LockState;
use rumqttc::QoS;

use crate::kit::{Client, Site, within};
use crate::raw::{Raw, connect, connect_5};

const EVENT: &str = "3,0,195249,8193,1";

/// Entries with an entry code: what the events here bring, and connections do not.
async fn entries(site: &Site, owner: &lockwarden_app::actor::Actor) -> usize {
    let query = EntryQuery { limit: 200, ..EntryQuery::default() };
    let page = site.world.app.list_activity(owner, query).await.unwrap();
    page.entries.iter().filter(|entry| entry.code_id.is_some()).count()
}

#[tokio::test]
async fn what_is_acknowledged_can_be_read_at_once_by_somebody_else() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, credentials) = site.device(&anna, "Front door").await;
    let mut lock = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    lock.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    let found = site.world.app.load_device(&anna, door).await.unwrap();
    assert_eq!(
        (found.said.state, found.nuki_id, found.link.online),
        (Some(LockState::Locked), Some(0xA1), true)
    );
    for (number, qos) in [QoS::AtLeastOnce, QoS::ExactlyOnce].into_iter().enumerate() {
        lock.say("nuki/A1/lockActionEvent", EVENT, qos).await;
        assert_eq!(entries(&site, &anna).await, number + 1);
    }
}

#[tokio::test]
async fn a_repeated_qos_1_delivery_after_a_reconnect_is_one_entry() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    for dup in [false, true, true] {
        let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", false).await;
        raw.publish("nuki/A1/lockActionEvent", EVENT, 1, 7, dup).await;
        assert_eq!(raw.read(4).await, [0x40, 2, 0, 7]);
    }
    assert_eq!(entries(&site, &anna).await, 1);
}

#[tokio::test]
async fn a_client_that_repeats_without_the_flag_when_it_resumes_is_understood() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    for _ in 0..3 {
        let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", false).await;
        raw.publish("nuki/A1/lockActionEvent", EVENT, 1, 7, false).await;
        assert_eq!(raw.read(4).await, [0x40, 2, 0, 7]);
    }
    assert_eq!(entries(&site, &anna).await, 1);
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    raw.publish("nuki/A1/lockActionEvent", EVENT, 1, 7, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 7]);
    assert_eq!(entries(&site, &anna).await, 2, "a clean session repeats nothing");
}

#[tokio::test]
async fn an_open_qos_2_delivery_survives_a_restart_of_the_server() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", false).await;
    raw.publish("nuki/A1/lockActionEvent", EVENT, 2, 9, false).await;
    assert_eq!(raw.read(4).await, [0x50, 2, 0, 9]);
    let site = site.reopen().await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", false).await;
    assert!(raw.session_present, "the session is on the disk");
    for _ in 0..2 {
        raw.publish("nuki/A1/lockActionEvent", EVENT, 2, 9, true).await;
        assert_eq!(raw.read(4).await, [0x50, 2, 0, 9]);
    }
    raw.send(&[0x62, 2, 0, 9]).await;
    assert_eq!(raw.read(4).await, [0x70, 2, 0, 9]);
    assert_eq!(entries(&site, &anna).await, 1);
    raw.publish("nuki/A1/lockActionEvent", EVENT, 2, 9, false).await;
    assert_eq!(raw.read(4).await, [0x50, 2, 0, 9]);
    assert_eq!(entries(&site, &anna).await, 2, "a released id is free for something new");
}

#[tokio::test]
async fn a_session_taken_up_while_its_last_delivery_is_being_committed_knows_of_it() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", false).await;
    raw.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
    let busy = site.world.app.db().write().await.unwrap();
    raw.publish("nuki/A1/lockActionEvent", EVENT, 2, 9, false).await;
    raw.ping().await;
    let mut again = Raw::open(site.addr).await;
    again.send(&connect(&credentials, "SL3P_A1", false, None)).await;
    // The earlier connection is closed, and what it handed over is still on its way to the disk.
    assert_eq!(raw.rest().await, Vec::<u8>::new());
    drop(busy);
    assert_eq!(again.read(4).await, [0x20, 2, 1, 0]);
    // Some clients repeat without the flag.
    again.publish("nuki/A1/lockActionEvent", EVENT, 2, 9, false).await;
    assert_eq!(again.read(4).await, [0x50, 2, 0, 9]);
    assert_eq!(entries(&site, &anna).await, 1);
}

/// Only MQTT 5 can begin anew and keep what follows.
#[tokio::test]
async fn what_an_earlier_session_still_had_on_its_way_does_not_come_into_a_new_one() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut raw = Raw::sign_in_5(site.addr, &credentials, "SL3P_A1", true).await;
    raw.publish_5("nuki/A1/lockActionEvent", EVENT, 1, 1).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
    let busy = site.world.app.db().write().await.unwrap();
    // The first waits for the disk, the second for the first.
    for (qos, packet) in [(1, 2), (2, 9)] {
        raw.publish_5("nuki/A1/lockActionEvent", EVENT, qos, packet).await;
        raw.ping().await;
    }
    let mut anew = Raw::open(site.addr).await;
    anew.send(&connect_5(&credentials, "SL3P_A1", true)).await;
    raw.rest().await;
    drop(busy);
    assert_eq!(anew.welcome_5().await, 0, "a new session");
    anew.send(&[0xE0, 0]).await;
    anew.rest().await;
    let mut resumed = Raw::sign_in_5(site.addr, &credentials, "SL3P_A1", false).await;
    assert!(resumed.session_present, "the same session");
    let before = entries(&site, &anna).await;
    resumed.publish_5("nuki/A1/lockActionEvent", "3,0,195249,8194,1", 2, 9).await;
    assert_eq!(resumed.read(4).await, [0x50, 2, 0, 9]);
    assert_eq!(entries(&site, &anna).await, before + 1);
}

#[tokio::test]
async fn a_release_of_an_id_nobody_knows_is_answered_and_ends_nothing() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", false).await;
    raw.send(&[0x62, 2, 0, 77]).await;
    assert_eq!(raw.read(4).await, [0x70, 2, 0, 77]);
    raw.ping().await;
}

#[tokio::test]
async fn a_commit_that_fails_acknowledges_nothing_and_ends_the_connection() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    raw.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
    site.world.break_writes().await;
    raw.publish("nuki/A1/lockActionEvent", EVENT, 1, 2, false).await;
    assert!(within(raw.rest()).await.is_empty(), "an acknowledgement would be a lie");
}

#[tokio::test]
async fn a_slow_disk_keeps_acknowledgements_back_and_nothing_else() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let (_, other) = site.device(&anna, "Back door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    let mut quiet = Raw::sign_in(site.addr, &other, "SL3P_A2", true).await;
    raw.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
    let busy = site.world.app.db().write().await.unwrap();
    raw.publish("nuki/A1/lockActionEvent", EVENT, 1, 2, false).await;
    for _ in 0..20 {
        quiet.ping().await;
        raw.ping().await;
    }
    assert_eq!(entries(&site, &anna).await, 0);
    drop(busy);
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 2]);
    assert_eq!(entries(&site, &anna).await, 1);
}

#[tokio::test]
async fn a_client_that_sends_without_reading_is_not_read_without_end() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    raw.publish("nuki/A1/state", "1", 1, 1, false).await;
    raw.read(4).await;
    let busy = site.world.app.db().write().await.unwrap();
    let mut sent: u32 = 0;
    let mut packet: u16 = 1;
    // With nothing committed, at most the window is taken over; the rest stays in the pipe, which fills.
    while sent < 100_000 && raw.try_publish("nuki/A1/lockActionEvent", EVENT, packet).await {
        sent += 1;
        packet = packet.checked_add(1).unwrap_or(1);
    }
    assert!(sent < 100_000, "somebody kept all of it");
    drop(busy);
    within(async {
        while site.gauge.stats().acknowledged < u64::from(sent) {
            raw.read(4).await;
        }
    })
    .await;
}
