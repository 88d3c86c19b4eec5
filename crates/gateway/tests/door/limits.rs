//! What the door does not put up with.

use std::time::Duration;

use lockwarden_app::logins::RefusalReason;
use lockwarden_gateway::Limits;
use lockwarden_testkit::World;
use rumqttc::v5;

use crate::isolation::told;
use crate::kit::{Site, within};
use crate::raw::{self, Raw, connect, publish};

#[tokio::test]
async fn connections_that_never_say_who_they_are_are_closed_after_ten_seconds() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let whole = connect(&credentials, "SL3P_A1", true, None);
    let mut half_open = Vec::new();
    for number in 0..300 {
        let mut raw = Raw::open(site.addr).await;
        match number % 4 {
            0 => {}
            1 => raw.send(&whole[..1]).await,
            2 => raw.send(&whole[..12]).await,
            _ => raw.send(&whole[..whole.len() - 1]).await,
        }
        half_open.push(raw);
    }
    for _ in 0..8 {
        site.tick().await;
    }
    assert!(half_open.iter().all(Raw::is_open), "a slow lock has ten seconds");
    for _ in 0..4 {
        site.tick().await;
    }
    for mut raw in half_open {
        assert!(within(raw.rest()).await.is_empty());
    }
}

#[tokio::test]
async fn half_a_packet_does_not_count_as_a_sign_of_life() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    // The keep-alive is 60 s, so silence ends at 90.
    let mut silent = Raw::sign_in(site.addr, &credentials, "silent", true).await;
    let mut dripping = Raw::sign_in(site.addr, &credentials, "dripping", true).await;
    let mut alive = Raw::sign_in(site.addr, &credentials, "alive", true).await;
    let drops = publish("nuki/A1/name", &"x".repeat(200), 0, 0, false);
    for second in 0..95 {
        site.tick().await;
        if second < 85 {
            dripping.send(&drops[second..=second]).await;
        }
        if second % 30 == 0 {
            alive.ping().await;
        }
        if second == 86 {
            assert!(silent.is_open() && dripping.is_open(), "half as long again as the keep-alive");
        }
    }
    assert!(within(silent.rest()).await.is_empty());
    assert!(within(dripping.rest()).await.is_empty());
    alive.ping().await;
}

#[tokio::test]
async fn an_announced_gigabyte_closes_at_once_before_and_after_sign_in() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut raw = Raw::open(site.addr).await;
    raw.send(&[0x10, 0xFF, 0xFF, 0xFF, 0x7F]).await;
    assert!(raw.rest().await.is_empty());
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    raw.send(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F]).await;
    assert!(raw.rest().await.is_empty());
}

#[tokio::test]
async fn a_client_id_with_wildcards_and_an_old_protocol_are_refused_in_their_own_words() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    for id in ["#", "a+b", "nuki/A1", "$SYS"] {
        let mut raw = Raw::open(site.addr).await;
        raw.send(&connect(&credentials, id, true, None)).await;
        assert_eq!(raw.read(4).await, [0x20, 2, 0, 2], "{id}");
    }
    let mut raw = Raw::open(site.addr).await;
    raw.send(&[0x10, 16, 0, 6, b'M', b'Q', b'I', b's', b'd', b'p', 3, 2, 0, 60, 0, 2, b'i', b'd']).await;
    assert_eq!(raw.read(4).await, [0x20, 2, 0, 1]);
}

#[tokio::test]
async fn a_wrong_password_is_answered_late_and_a_right_one_is_not() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut wrong = credentials.clone();
    wrong.password = "wrong".to_owned();
    let mut guess = Raw::open(site.addr).await;
    guess.send(&connect(&wrong, "SL3P_A1", true, None)).await;
    Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await.ping().await;
    let mut byte = [0];
    assert!(guess.stream.try_read(&mut byte).is_err(), "answered without a delay");
    let mut answer = [0; 4];
    for _ in 0..50 {
        site.tick().await;
        if guess.stream.try_read(&mut answer).is_ok() {
            break;
        }
    }
    assert_eq!(answer, [0x20, 2, 0, 4]);
    told(&site, &anna, device, RefusalReason::WrongPassword).await;
}

#[tokio::test]
async fn a_login_holds_so_many_connections_and_an_address_so_many_unknown_ones() {
    let site = Site::with(World::new().await, Limits { unknown_per_address: 5, ..Limits::default() });
    let anna = site.world.owner("Anna").await;
    let (device, credentials) = site.device(&anna, "Front door").await;
    let mut held = Vec::new();
    for id in ["a", "b", "c", "d"] {
        held.push(Raw::sign_in(site.addr, &credentials, id, true).await);
    }
    let mut fifth = Raw::open(site.addr).await;
    fifth.send(&connect(&credentials, "e", true, None)).await;
    assert_eq!(fifth.read(4).await, [0x20, 2, 0, 3]);
    drop(fifth);
    let mut unknown = Vec::new();
    for _ in 0..5 {
        unknown.push(Raw::open(site.addr).await);
    }
    tokio::task::yield_now().await;
    let mut sixth = Raw::open(site.addr).await;
    assert!(within(sixth.rest()).await.is_empty());
    told(&site, &anna, device, RefusalReason::TooManyConnections).await;
    for raw in &mut held {
        raw.ping().await;
    }
}

#[tokio::test]
async fn an_mqtt_5_client_is_told_what_this_door_does_not_offer() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut options = v5::MqttOptions::new("SL3P_A1", site.addr.ip().to_string(), site.addr.port());
    options.set_credentials(&credentials.username, &credentials.password);
    let (client, mut events) = v5::AsyncClient::new(options, 20);
    client.publish("nuki/A1/state", v5::mqttbytes::QoS::ExactlyOnce, true, "1").await.unwrap();
    client.publish("nuki/B2/state", v5::mqttbytes::QoS::AtLeastOnce, true, "3").await.unwrap();
    client.subscribe("#", v5::mqttbytes::QoS::AtLeastOnce).await.unwrap();
    let (mut acknowledged, mut refused) = (false, false);
    within(async {
        use v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
        loop {
            match events.poll().await.unwrap() {
                v5::Event::Incoming(Packet::ConnAck(ack)) => {
                    let properties = ack.properties.unwrap();
                    assert_eq!(
                        (properties.receive_max, properties.max_packet_size),
                        (Some(64), Some(65_536))
                    );
                    assert_eq!(properties.shared_subscription_available, Some(0));
                }
                v5::Event::Incoming(Packet::PubComp(_)) => acknowledged = true,
                v5::Event::Incoming(Packet::PubAck(ack)) => {
                    assert_eq!(ack.reason, PubAckReason::NotAuthorized);
                    refused = true;
                }
                v5::Event::Incoming(Packet::SubAck(ack)) => {
                    assert_eq!(ack.return_codes, [SubscribeReasonCode::NotAuthorized]);
                    break;
                }
                _ => {}
            }
        }
        while !(acknowledged && refused) {
            match events.poll().await.unwrap() {
                v5::Event::Incoming(Packet::PubComp(_)) => acknowledged = true,
                v5::Event::Incoming(Packet::PubAck(_)) => refused = true,
                _ => {}
            }
        }
    })
    .await;
}

#[tokio::test]
async fn clients_by_the_dozen_that_never_read_hold_up_nobody_and_are_let_go() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, _, mut neighbour) = raw::lock(&site, &anna, true).await;
    let mut deaf = Vec::new();
    for number in 0..12_u32 {
        let (_, credentials) = site.device(&anna, &format!("Deaf {number}")).await;
        let mut raw = Raw::open_narrow(site.addr).await;
        raw.send(&connect(&credentials, &format!("deaf-{number}"), true, None)).await;
        raw.read(4).await;
        deaf.push(raw);
    }
    for raw in &mut deaf {
        // Each is answered until nothing more fits on its way, and then not read any more either.
        let mut sent = 0;
        while sent < 16_000_000 && raw.try_send(&[0xC0, 0].repeat(512), Duration::from_millis(20)).await {
            sent += 512;
        }
        assert!(sent < 16_000_000, "somebody kept all of it");
    }
    neighbour.publish("nuki/A1/batteryCritical", "false", 1, 2, false).await;
    assert_eq!(neighbour.read(4).await, [0x40, 2, 0, 2]);
    for second in 0..20 {
        site.tick().await;
        if second % 5 == 0 {
            neighbour.ping().await;
        }
    }
    assert_eq!(site.gauge.stats().connections, 1, "whoever takes nothing for fifteen seconds is gone");
    neighbour.ping().await;
}

#[tokio::test]
async fn whoever_waits_for_a_write_keeps_nobody_from_signing_in() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (device, known, first) = raw::lock(&site, &anna, false).await;
    drop(first);
    site.until(&anna, device, |device| !device.link.online).await;
    let mut newcomers = Vec::new();
    for number in 0..8 {
        let (_, credentials) = site.device(&anna, &format!("Flat {number}")).await;
        newcomers.push((Raw::open(site.addr).await, connect(&credentials, "SL3P_A2", false, None)));
    }
    let writing = site.world.app.db().write().await.unwrap();
    for (newcomer, whole) in &mut newcomers {
        newcomer.send(whole).await;
    }
    site.tick().await;
    // Its session is read and not written: it waits for nobody.
    Raw::sign_in(site.addr, &known, "SL3P_A1", false).await.ping().await;
    drop(writing);
    for (mut newcomer, _) in newcomers {
        assert_eq!(newcomer.read(4).await, [0x20, 2, 0, 0]);
    }
}
