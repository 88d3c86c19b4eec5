//! An opener has no bolt: its own words, and its own deeds behind the numbers it shares with locks.

use std::time::Duration;

use lockwarden_app::devices::{Connector, DeviceType, LockAction, LockState, Mode, Observation};
use lockwarden_app::ways::Fact;

use crate::kit::{Site, behind_hub};

#[tokio::test]
async fn an_opener_is_never_called_locked_and_offers_what_it_can() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = behind_hub(&site, &anna, DeviceType::Opener, 7).await;
    let says = |seen| site.world.says_by(device, Connector::NukiHub, seen);
    let id = format!("device-{device}");
    let page = browser.get("/devices").await;
    assert!(page.part(&id).contains("<b>Ready</b>") && page.body.contains("1 ready to open"));
    assert!(page.part(&id).contains("Ring to open on") && !page.part(&id).contains(">Lock<"));
    assert!(!page.body.contains("1 locked"));
    says(Observation::State(LockState::Unlocked)).await;
    let page = browser.get("/devices").await;
    assert!(page.part(&id).contains("<b>Ring to open</b>") && page.part(&id).contains("Ring to open off"));
    says(Observation::State(LockState::Locked)).await;
    says(Observation::Mode(Mode::Continuous)).await;
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(
        page.part(&id).contains("<b>Continuous mode</b>") && page.part(&id).contains("Continuous mode off")
    );
}

#[tokio::test]
async fn when_ring_to_open_ends_is_the_first_that_its_page_tells_and_nothing_once_it_is_over() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = behind_hub(&site, &anna, DeviceType::Opener, 7).await;
    let end = site.world.clock.now().plus(Duration::from_mins(20)).0.to_string();
    let facts = vec![(Fact::HubVersion, "9.15".to_owned()), (Fact::RingToOpenEnd, end)];
    site.world.says_by(device, Connector::NukiHub, Observation::Facts(facts)).await;
    let path = format!("/devices/{device}");
    let page = browser.get(&path).await;
    let first = page.part(&format!("facts-{device}")).split("<dt>").nth(1).unwrap();
    assert!(first.starts_with("Ring to open ends</dt>"), "{first}");
    site.world.clock.advance(Duration::from_mins(21));
    assert!(!browser.get(&path).await.body.contains("Ring to open ends"));
}

#[tokio::test]
async fn what_lets_everybody_in_for_good_is_asked_twice_and_says_what_it_does() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = behind_hub(&site, &anna, DeviceType::Opener, 7).await;
    let order = format!("/devices/{device}/order");
    let question = browser.post(&order, &[("order", "lock-n-go")]).await.leads_to().to_owned();
    let asked = browser.get(&question).await;
    assert!(asked.body.contains("whoever rings") && !asked.body.contains("latch"));
    let open = browser.post(&order, &[("order", "open")]).await.leads_to().to_owned();
    assert!(browser.get(&open).await.body.contains("The opener opens the door of the house"));
    assert!(site.world.app.list_commands(&anna, device, 9).await.unwrap().is_empty());
    browser.post(&order, &[("order", "unlock")]).await.leads_to();
    let commands = site.world.app.list_commands(&anna, device, 9).await.unwrap();
    assert_eq!(commands[0].action, LockAction::Unlock);
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains("<b>Ring to open on</b> by Anna"));
}

#[tokio::test]
async fn a_box_says_why_there_is_nothing_to_press() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Key box", 7).await;
    site.world.says(device, Observation::DeviceType(DeviceType::Box)).await;
    let page = browser.get("/devices").await;
    let card = page.part(&format!("device-{device}"));
    assert!(card.contains("It is operated in the Nuki app") && !card.contains("name=\"order\""), "{card}");
}
