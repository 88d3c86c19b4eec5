//! Exactly as much as is allowed, and a little more.

use std::time::Duration;

use lockwarden_app::activity::{EntryQuery, Happening};
use lockwarden_app::logins::RefusalReason;

use crate::isolation::told;
use crate::kit::{Site, within};
use crate::raw::{Raw, connect, publish};

/// A packet as long as the door takes (64 KiB).
const LARGEST: usize = 65_536;

#[tokio::test]
async fn a_packet_of_exactly_64_kilobytes_is_taken_and_one_byte_more_ends_the_connection() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let around = publish("nuki/A1/name", &"x".repeat(LARGEST / 2), 1, 7, false).len() - LARGEST / 2;
    let largest = publish("nuki/A1/name", &"x".repeat(LARGEST - around), 1, 7, false);
    let larger = publish("nuki/A1/name", &"x".repeat(LARGEST - around + 1), 1, 8, false);
    assert_eq!((largest.len(), larger.len()), (LARGEST, LARGEST + 1));
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    raw.send(&largest).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 7]);
    // Only the head: what is announced is enough to be refused.
    raw.send(&larger[..8]).await;
    assert!(raw.rest().await.is_empty());
}

#[tokio::test]
async fn a_first_packet_of_exactly_a_kilobyte_is_looked_at_and_one_byte_more_is_not() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let with_will = |payload: usize| {
        connect(&credentials, "SL3P_A1", true, Some(("nuki/A1/connected", &"x".repeat(payload))))
    };
    let around = with_will(500).len() - 500;
    let mut raw = Raw::open(site.addr).await;
    raw.send(&with_will(1_024 - around)).await;
    assert_eq!(raw.read(4).await, [0x20, 2, 0, 0]);
    let mut raw = Raw::open(site.addr).await;
    raw.send(&with_will(1_025 - around)).await;
    assert!(raw.rest().await.is_empty());
}

#[tokio::test]
async fn a_lock_without_keep_alive_may_be_silent_for_twenty_minutes() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, credentials) = site.device(&anna, "Front door").await;
    let mut hello = connect(&credentials, "SL3P_A1", true, None);
    // The two bytes behind protocol name, level and flags.
    assert_eq!(hello[10..12], [0, 60]);
    hello[11] = 0;
    let mut raw = Raw::open(site.addr).await;
    raw.send(&hello).await;
    assert_eq!(raw.read(4).await, [0x20, 2, 0, 0]);
    raw.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
    for _ in 0..2 {
        site.world.clock.advance(Duration::from_mins(19));
        site.tick().await;
        site.tick().await;
        raw.ping().await;
    }
    site.world.clock.advance(Duration::from_mins(20));
    site.tick().await;
    site.tick().await;
    assert!(within(raw.rest()).await.is_empty());
    site.until(&anna, door, |device| !device.link.online).await;
    let log = site.world.app.list_activity(&anna, EntryQuery::default()).await.unwrap();
    assert!(log.entries.iter().any(|entry| entry.happening == Happening::WentOffline));
}

#[tokio::test]
async fn a_client_id_with_wildcards_is_counted_and_shown_to_the_owner_of_the_login_only() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let boris = site.world.owner("Boris").await;
    let (door, credentials) = site.device(&anna, "Front door").await;
    let (other, _) = site.device(&boris, "Back door").await;
    for id in ["#", "a+b", "nuki/A1"] {
        let mut raw = Raw::open(site.addr).await;
        raw.send(&connect(&credentials, id, true, None)).await;
        assert_eq!(raw.read(4).await, [0x20, 2, 0, 2], "{id}");
    }
    told(&site, &anna, door, RefusalReason::ClientId).await;
    let (_, refusals) = site.world.app.load_logins(&anna, door).await.unwrap();
    let counted = refusals.iter().find(|refusal| refusal.reason == RefusalReason::ClientId).unwrap();
    assert_eq!((counted.times, counted.detail.as_str()), (3, "nuki/A1"));
    assert!(site.world.app.load_logins(&boris, other).await.unwrap().1.is_empty());
    assert!(site.world.app.load_logins(&boris, door).await.is_err());
}
