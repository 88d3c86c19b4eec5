//! A Nuki Bridge and the whole product: what it calls about is seen at once, one that is busy is not added, and one that
//! was mistyped is mended.

use std::time::Duration;

use lockwarden_simulator::{BridgeSpec, Fleet, LockSpec, Options, Site as Place};
use serde_json::Value;

use crate::kit::{EMAIL, Site, within};
use crate::matrix::{sign_in, speak};
use crate::unlock::lock_says;
use crate::ways::listed;

const ID: u32 = 0xA1;
const TOKEN: &str = "bridge-token";

/// A bridge with a lock that speaks no MQTT, not added yet.
fn bridge(site: &Site) -> Fleet {
    let lock = LockSpec { official: false, ..LockSpec::new(ID, "Front door") };
    let bridge = BridgeSpec::new(1_013_065_235, TOKEN, vec![ID]);
    let place = Place { locks: vec![lock], bridges: vec![bridge], ..Place::default() };
    Fleet::open(&site.broker(), place, &Options { time_scale: 0.01, ..Options::default() })
}

async fn add(site: &Site, fleet: &Fleet) -> std::process::Output {
    let address = within(30, fleet.bridges()[0].address()).await.unwrap().to_string();
    let args = ["device", "add", "--email", EMAIL, "--connector", "nuki-bridge", "--bridge", &address];
    site.run(&[&args[..], &["--token", TOKEN]].concat(), "")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bridge_calls_about_is_on_the_page_and_in_the_api_long_before_it_would_be_asked_again() {
    let site = Site::serving().await;
    let token = site.token();
    let fleet = bridge(&site);
    let added = add(&site, &fleet).await;
    let added: Value = serde_json::from_slice(&added.stdout).unwrap();
    let (lock, bridge) = (&fleet.locks()[0], &fleet.bridges()[0]);
    // It is asked every half minute, and was just now: it has taken our callback only after that.
    within(30, bridge.wait_for(|seen| !seen.callbacks.is_empty())).await;
    lock_says(&site, &token, |lock| lock["state"]["state"] == 1).await;
    let polls = || bridge.seen().targets.iter().filter(|target| target.starts_with("/list?")).count();
    let before = polls();
    lock.turn_by_hand(false);
    let said = lock_says(&site, &token, |lock| lock["state"]["state"] == 3);
    let said = tokio::time::timeout(Duration::from_secs(15), said).await;
    assert!(
        said.is_ok(),
        "it called {} times and was asked {} times",
        bridge.seen().called,
        polls() - before
    );
    assert!(bridge.seen().called > 0, "and nobody asked it but because it called");
    let cookie = sign_in(&site).await;
    let path = format!("/devices/{}", added["devices"][0]["id"]);
    let page = speak(&site, &format!("GET {path} HTTP/1.1\r\ncookie: {cookie}\r\n"), "").await;
    assert!(page.contains("Unlocked"), "{page}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_is_busy_is_not_added_and_the_words_say_to_try_again() {
    let site = Site::serving().await;
    let fleet = bridge(&site);
    fleet.bridges()[0].quirks(|quirks| quirks.always_busy = true);
    let refused = add(&site, &fleet).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), refused.stdout.is_empty()), (Some(5), true), "{words}");
    assert!(words.contains("busy with another request") && words.contains("try again"), "{words}");
    assert!(listed(&site).is_empty());
    fleet.bridges()[0].quirks(|quirks| quirks.always_busy = false);
    let added = add(&site, &fleet).await;
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_was_mistyped_is_asked_at_once_where_it_is_and_calls_us_from_there() {
    let site = Site::serving().await;
    let token = site.token();
    let fleet = bridge(&site);
    let bridge = &fleet.bridges()[0];
    let address = within(30, bridge.address()).await.unwrap().to_string();
    let cookie = sign_in(&site).await;
    let sends = async |path: &str, fields: &str| {
        let form = "content-type: application/x-www-form-urlencoded";
        let answer =
            speak(&site, &format!("POST {path} HTTP/1.1\r\ncookie: {cookie}\r\n{form}\r\n"), fields).await;
        let to = answer.lines().find_map(|line| line.strip_prefix("location: "));
        to.unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let typed = "way=nuki-bridge&address=127.0.0.1:1&token=wrong&token_form=encrypted";
    let path = sends("/devices/new", typed).await;
    let page =
        async |path: &str| speak(&site, &format!("GET {path} HTTP/1.1\r\ncookie: {cookie}\r\n"), "").await;
    within(30, async { while !page("/attention").await.contains("A bridge cannot be used yet") {} }).await;
    let right = format!("address={address}&token={TOKEN}&token_form=encrypted");
    assert_eq!(sends(&format!("{path}/change"), &right).await, path);
    // Not after the half minute, when every bridge is asked again.
    let locked = lock_says(&site, &token, |lock| lock["state"]["state"] == 1);
    tokio::time::timeout(Duration::from_secs(10), locked).await.expect("it was not asked at once");
    within(30, bridge.wait_for(|seen| !seen.callbacks.is_empty())).await;
    assert!(page(&path).await.contains("It answers"));
    assert!(!page("/attention").await.contains("A bridge cannot be used yet"));
    let called = bridge.seen().called;
    fleet.locks()[0].turn_by_hand(false);
    lock_says(&site, &token, |lock| lock["state"]["state"] == 3).await;
    within(30, bridge.wait_for(|seen| seen.called > called)).await;
    fleet.stop().await;
}
