//! What lies on the line and who is on it: nothing stale reaches a lock, nobody is blamed for what we did.

use std::time::Duration;

use lockwarden_app::activity::{EntryQuery, Happening};
use lockwarden_app::actor::Actor;
use lockwarden_app::clock::Time;
use lockwarden_app::commands::{CommandState, Order};
use lockwarden_app::devices::{DeviceType, DoorState, LockAction, LockState, Mode};
use rumqttc::QoS;

use crate::kit::{Client, Site, within};
use crate::raw::{self, Raw};

async fn happenings(site: &Site, owner: &Actor) -> Vec<Happening> {
    let page = site.world.app.list_activity(owner, EntryQuery::default()).await.unwrap();
    page.entries.iter().map(|entry| entry.happening).collect()
}

#[tokio::test]
async fn a_lock_that_takes_nothing_is_sent_no_command_and_let_go() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, _, mut raw) = raw::lock(&site, &anna, true).await;
    // It asks without ever reading an answer, until the pipe is full in both directions.
    while tokio::time::timeout(Duration::from_secs(1), raw.send(&[0xC0, 0].repeat(4_096))).await.is_ok() {}
    let order = Order { device, action: LockAction::Unlock, idempotency_key: None };
    let command = site.world.app.order(&anna, order).await.unwrap();
    let failed = within(async {
        loop {
            let command = site.world.app.load_command(&anna, command.id).await.unwrap();
            if !command.state.is_open() {
                return command;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(failed.state, CommandState::Failed);
    assert!(failed.reason.unwrap().contains("stuck"));
    for _ in 0..17 {
        site.tick().await;
    }
    site.until(&anna, device, |device| !device.link.online).await;
    let rest = raw.rest().await;
    assert!(rest.iter().all(|byte| matches!(byte, 0xD0 | 0)), "nothing but answers to its questions");
}

#[tokio::test]
async fn everything_a_lock_tells_of_itself_arrives_under_its_own_name() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut lock = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    for (topic, payload) in [
        ("deviceType", "5"),
        ("mode", "2"),
        ("state", "3"),
        ("doorsensorState", "3"),
        ("batteryCritical", "true"),
        ("batteryChargeState", "18"),
        ("batteryCharging", "false"),
        ("keypadBatteryCritical", "false"),
        ("doorsensorBatteryCritical", "true"),
        ("serverConnected", "false"),
        ("connected", "true"),
        ("name", "Haustür"),
        ("firmware", "5.9.4"),
        ("ringactionTimestamp", "2026-11-25T09:00:00+01:00"),
        ("timestamp", "2026-11-26T09:00:00+01:00"),
        ("lockActionEvent", "3,0,195249,8193,2"),
    ] {
        lock.say(&format!("nuki/A1/{topic}"), payload, QoS::AtLeastOnce).await;
    }
    let known = site.world.app.load_device(&anna, device).await.unwrap();
    assert_eq!((known.nuki_id, known.kind), (Some(0xA1), Some(DeviceType::SmartLock5)));
    let said = known.said;
    assert_eq!(
        (said.mode, said.state, said.door),
        (Some(Mode::Door), Some(LockState::Unlocked), Some(DoorState::Opened))
    );
    assert_eq!(
        (said.battery_critical, said.battery_percent, said.battery_charging),
        (Some(true), Some(18), Some(false))
    );
    assert_eq!((said.keypad_battery_critical, said.door_battery_critical), (Some(false), Some(true)));
    assert_eq!(said.server_connected, Some(false));
    assert_eq!((said.own_name.as_deref(), said.firmware.as_deref()), (Some("Haustür"), Some("5.9.4")));
    assert_eq!(said.rang_at, Some(Time(1_795_593_600_000)));
    assert_eq!(said.device_time, Some(Time(1_795_680_000_000)));
    assert_eq!(
        said.last.map(|event| (event.action, event.code_id)),
        Some((LockAction::Unlatch, Some(8_193)))
    );
}

#[tokio::test]
async fn a_restart_of_the_server_is_not_the_locks_going_away() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, _, raw) = raw::lock(&site, &anna, true).await;
    let site = site.reopen().await;
    drop(raw);
    let (_, anna) = site.world.sign_in("anna@example.org").await;
    assert!(!site.world.app.load_device(&anna, device).await.unwrap().link.online);
    assert_eq!(happenings(&site, &anna).await, []);
}

#[tokio::test]
async fn who_only_listens_or_is_refused_binds_its_login_to_nothing() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "mosquitto_sub", true).await;
    assert_eq!(raw.subscribe("nuki/A2/#").await, 2);
    raw.publish("nuki/A2/lockAction", "1", 1, 1, false).await;
    assert!(raw.rest().await.is_empty(), "a command is nobody's to publish");
    assert_eq!(site.world.app.load_device(&anna, device).await.unwrap().nuki_id, None);
    // A filter from before is void once the lock has said who it is.
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    assert_eq!(raw.subscribe("nuki/A2/lockAction").await, 2);
    raw.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
    let bound = site.until(&anna, device, |device| device.nuki_id.is_some()).await;
    assert_eq!(bound.nuki_id, Some(0xA1));
    let order = Order { device, action: LockAction::Unlock, idempotency_key: None };
    match site.world.app.order(&anna, order).await {
        Err(_) => {}
        Ok(command) => {
            within(async {
                while site.world.app.load_command(&anna, command.id).await.unwrap().state
                    != CommandState::Failed
                {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
    }
    raw.ping().await;
}

#[tokio::test]
async fn a_second_connection_that_does_not_listen_is_not_allow_locking_off() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut lock = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    assert!(lock.listen("nuki/A1/lockAction").await);
    lock.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    let mut curious = Raw::sign_in(site.addr, &credentials, "curious", true).await;
    for _ in 0..10 {
        site.tick().await;
    }
    curious.ping().await;
    lock.say("nuki/A1/batteryCritical", "false", QoS::AtLeastOnce).await;
    let found = site.world.app.load_device(&anna, device).await.unwrap();
    assert_eq!(found.link.accepts_commands, Some(true));
    // The one that listened goes, and the one that stays listens to nothing.
    lock.client.disconnect().await.unwrap();
    let _ = lock.events.poll().await;
    site.until(&anna, device, |device| device.link.accepts_commands == Some(false)).await;
    curious.ping().await;
    assert!(site.world.app.load_device(&anna, device).await.unwrap().link.online);
}

#[tokio::test]
async fn a_clock_that_is_set_cuts_off_nobody() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, _, mut raw) = raw::lock(&site, &anna, true).await;
    for hours in [1, -2] {
        let now = site.world.clock.now();
        site.world.clock.set(Time(now.0 + hours * 3_600_000));
        for _ in 0..3 {
            site.tick().await;
        }
        raw.ping().await;
    }
    assert_eq!(happenings(&site, &anna).await, []);
}

#[tokio::test]
async fn a_lock_that_vanished_while_the_database_was_away_is_offline_once_it_is_back() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, _, raw) = raw::lock(&site, &anna, true).await;
    site.world.break_writes().await;
    drop(raw);
    within(async {
        while site.gauge.stats().connections > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for _ in 0..3 {
        site.tick().await;
    }
    site.world.mend_writes().await;
    site.tick().await;
    site.until(&anna, device, |device| !device.link.online).await;
}

#[tokio::test]
async fn half_done_deliveries_are_bounded_and_those_of_a_clean_session_are_not_kept() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    for round in 0..3 {
        let mut raw = Raw::sign_in(site.addr, &credentials, &format!("client-{round}"), true).await;
        for id in 1..=1_100_u16 {
            raw.publish("nuki/A1/batteryCritical", "false", 2, id, false).await;
        }
        let received = raw.rest().await.len() / 4;
        assert!(received < 1_100, "{received} are half done, and it goes on");
    }
    let mut tx = site.world.app.db().read().await.unwrap();
    assert_eq!(tx.query("select count(*) from open_deliveries").value::<i64>().await.unwrap(), 0);
}
