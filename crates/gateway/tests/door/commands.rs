//! Promise 1 at the door: a command goes to the live connection, once, in time, or nowhere.

use std::time::Duration;

use lockwarden_app::activity::EntryQuery;
use lockwarden_app::actor::Actor;
use lockwarden_app::commands::{ANSWER, Command, CommandState, Order};
use lockwarden_app::devices::LockAction;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::Credentials;
use lockwarden_app::{Error, Refusal};
use rumqttc::{Packet, QoS};

use crate::kit::{Client, Site, options, within};
use crate::raw::{self, Raw};

const EVENT: &str = "3,0,195249,8193,1";

async fn order(site: &Site, owner: &Actor, device: DeviceId) -> Result<Command, Error> {
    site.world.app.order(owner, Order { device, action: LockAction::Unlock, idempotency_key: None }).await
}

async fn until_state(site: &Site, owner: &Actor, command: &Command, state: CommandState) -> Command {
    let mut events = site.world.app.bus().subscribe();
    within(async {
        loop {
            let found = site.world.app.load_command(owner, command.id).await.unwrap();
            if found.state == state {
                return found;
            }
            let _ = events.recv().await;
        }
    })
    .await
}

/// A lock that is bound and listens for commands.
async fn lock(site: &Site, owner: &Actor) -> (DeviceId, Credentials, Client) {
    let (device, credentials) = site.device(owner, "Front door").await;
    let mut client = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    for topic in ["lockAction", "lock", "unlock"] {
        assert!(client.listen(&format!("nuki/A1/{topic}")).await);
    }
    client.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    site.until(owner, device, |device| device.link.accepts_commands == Some(true)).await;
    (device, credentials, client)
}

#[tokio::test]
async fn an_order_reaches_the_lock_and_its_answer_comes_back() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, _, mut client) = lock(&site, &anna).await;
    let command = order(&site, &anna, device).await.unwrap();
    let Packet::Publish(publish) = client.until(|packet| matches!(packet, Packet::Publish(_))).await else {
        unreachable!()
    };
    assert_eq!((publish.topic.as_str(), &*publish.payload), ("nuki/A1/lockAction", &b"1"[..]));
    assert!(!publish.retain && !publish.dup);
    client.say("nuki/A1/lockActionEvent", "1,172,0,0,0", QoS::ExactlyOnce).await;
    until_state(&site, &anna, &command, CommandState::Accepted).await;
    client.say("nuki/A1/commandResponse", "0", QoS::ExactlyOnce).await;
    until_state(&site, &anna, &command, CommandState::Done).await;
}

#[tokio::test]
async fn nothing_waits_for_a_lock_that_is_away_not_even_in_a_kept_session() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut with = options(site.addr, &credentials, "SL3P_A1");
    with.set_clean_session(false);
    let mut client = Client::new(with.clone());
    client.until(|packet| matches!(packet, Packet::ConnAck(_))).await;
    assert!(client.listen("nuki/A1/lockAction").await);
    client.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    drop(client);
    site.until(&anna, device, |device| !device.link.online).await;
    let refused = order(&site, &anna, device).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Offline))), "{refused:?}");

    let mut client = Client::new(with);
    let Packet::ConnAck(ack) = client.until(|packet| matches!(packet, Packet::ConnAck(_))).await else {
        unreachable!()
    };
    assert!(ack.session_present);
    client.client.publish("nuki/A1/batteryCritical", QoS::AtLeastOnce, false, "false").await.unwrap();
    let first = client.until(|packet| matches!(packet, Packet::PubAck(_) | Packet::Publish(_))).await;
    assert!(matches!(first, Packet::PubAck(_)), "something had waited: {first:?}");
    // The kept session listens without subscribing anew.
    let command = order(&site, &anna, device).await.unwrap();
    client.until(|packet| matches!(packet, Packet::Publish(_))).await;
    until_state(&site, &anna, &command, CommandState::Sent).await;
}

#[tokio::test]
async fn a_lock_whose_command_has_left_is_spoken_with_when_the_commands_time_is_over() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, _, mut raw) = raw::lock(&site, &anna, false).await;
    for is_acknowledged in [false, true] {
        let command = order(&site, &anna, device).await.unwrap();
        let publish = raw.read(25).await;
        assert_eq!(publish[0], 0x32);
        if is_acknowledged {
            raw.send(&[0x40, 2, publish[21], publish[22]]).await;
            raw.ping().await;
        }
        site.world.clock.advance(ANSWER + Duration::from_secs(1));
        until_state(&site, &anna, &command, CommandState::Unknown).await;
        raw.ping().await;
    }
}

#[tokio::test]
async fn a_sent_command_is_not_repeated_to_a_lock_that_comes_back_without_having_acknowledged_it() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials, mut raw) = raw::lock(&site, &anna, false).await;
    let command = order(&site, &anna, device).await.unwrap();
    let publish = raw.read(25).await;
    assert_eq!(publish[0], 0x32, "QoS 1, no DUP, not retained: nothing that could stay half done");
    drop(raw);
    site.until(&anna, device, |device| !device.link.online).await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", false).await;
    raw.ping().await;
    site.world.clock.advance(ANSWER + Duration::from_secs(1));
    until_state(&site, &anna, &command, CommandState::Unknown).await;
    raw.ping().await;
    // The next one is itself and nothing older, although packet ids begin anew.
    let lock = Order { device, action: LockAction::Lock, idempotency_key: None };
    site.world.app.order(&anna, lock).await.unwrap();
    let publish = raw.read(25).await;
    assert_eq!((publish[0], publish[24]), (0x32, b'2'));
}

#[tokio::test]
async fn a_lock_that_returns_after_days_is_sent_nothing_old_and_takes_new_orders() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials, mut raw) = raw::lock(&site, &anna, false).await;
    let command = order(&site, &anna, device).await.unwrap();
    raw.read(25).await;
    raw.publish("nuki/A1/lockActionEvent", EVENT, 1, 2, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 2]);
    // It vanishes with the command in its hands.
    for days in [1, 4] {
        site.world.clock.advance(Duration::from_hours(24 * days));
        site.tick().await;
        site.until(&anna, device, |device| !device.link.online).await;
        let (_, anna) = site.world.sign_in("anna@example.org").await;
        assert!(matches!(order(&site, &anna, device).await, Err(Error::Refused(Refusal::Offline))));
    }
    let (_, anna) = site.world.sign_in("anna@example.org").await;
    let given_up = site.world.app.load_command(&anna, command.id).await.unwrap();
    assert_eq!(given_up.state, CommandState::Unknown);

    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", false).await;
    assert!(raw.session_present);
    raw.publish("nuki/A1/lockActionEvent", EVENT, 1, 2, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 2], "the first thing it hears is not an order of days ago");
    raw.publish("nuki/A1/state", "3", 1, 3, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 3]);
    let page = site.world.app.list_activity(&anna, EntryQuery::default()).await.unwrap();
    let events = page.entries.iter().filter(|entry| entry.code_id.is_some()).count();
    assert_eq!(events, 2, "the same code as days ago, with the same packet id, is a new visit");
    let command = order(&site, &anna, device).await.unwrap();
    raw.read(25).await;
    until_state(&site, &anna, &command, CommandState::Sent).await;
}

#[tokio::test]
async fn a_command_goes_to_the_newest_connection_that_listens() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials, mut older) = raw::lock(&site, &anna, true).await;
    let mut newer = Raw::sign_in(site.addr, &credentials, "SL3P_A1_again", true).await;
    assert_eq!(newer.subscribe("nuki/A1/lockAction").await, 2);
    let command = order(&site, &anna, device).await.unwrap();
    assert_eq!(newer.read(25).await[24], b'1');
    until_state(&site, &anna, &command, CommandState::Sent).await;
    older.ping().await;
}

#[tokio::test]
async fn a_lock_that_never_listens_is_recognised_as_allow_locking_off() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut client = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    client.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    for _ in 0..10 {
        site.tick().await;
    }
    site.until(&anna, device, |device| device.link.accepts_commands == Some(false)).await;
    let refused = order(&site, &anna, device).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::LockingNotAllowed))), "{refused:?}");
}

#[tokio::test]
async fn an_order_right_after_connecting_fails_in_words_if_the_lock_does_not_listen_yet() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut client = Client::connect(site.addr, &credentials, "SL3P_A1").await;
    client.say("nuki/A1/state", "1", QoS::AtLeastOnce).await;
    let command = order(&site, &anna, device).await.unwrap();
    let ended = until_state(&site, &anna, &command, CommandState::Failed).await;
    assert!(ended.reason.unwrap().contains("does not listen"));
}

#[tokio::test]
async fn a_command_ordered_beside_a_thousand_events_of_other_locks_still_goes_out() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, _, mut client) = lock(&site, &anna).await;
    let (_, noisy) = site.device(&anna, "Noisy door").await;
    let mut noise = tokio::task::JoinSet::new();
    noise.spawn({
        let addr = site.addr;
        async move {
            let mut raw = Raw::sign_in(addr, &noisy, "SL3P_B2", true).await;
            for id in 1..=1_000 {
                raw.publish("nuki/B2/lockActionEvent", "3,0,1,2,1", 1, id, false).await;
            }
            raw.read(4_000).await;
        }
    });
    order(&site, &anna, device).await.unwrap();
    client.until(|packet| matches!(packet, Packet::Publish(_))).await;
    noise.join_all().await;
}
