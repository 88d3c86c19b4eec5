//! Each type of device has its own words, shapes and deeds behind the numbers they share; an opener has no bolt.

use std::time::Duration;

use lockwarden_app::devices::{Connector, DeviceType, DoorState, LockAction, LockState, Mode, Observation};
use lockwarden_app::settings::{Setting, SettingValue};
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
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains("data-twice=\"Really let in everybody?\""));
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
    let rules = browser.get(&format!("/devices/{device}/safety")).await;
    assert!(rules.body.contains("Ask before ring to open") && rules.body.contains("continuous mode too"));
}

#[tokio::test]
async fn a_box_is_told_to_open_and_nothing_else_and_never_called_locked() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Entrance", 7).await;
    site.world.says(device, Observation::DeviceType(DeviceType::Box)).await;
    let id = format!("device-{device}");
    let offered = |card: &str| card.matches("name=\"order\"").count();
    for path in ["/devices".to_owned(), format!("/devices/{device}")] {
        let page = browser.get(&path).await;
        let card = page.part(&id);
        assert!(card.contains("<b>Ready</b>") && card.contains("#i-Box") && card.contains("Open…"), "{card}");
        assert_eq!(offered(card), 1, "{card}");
        assert!(!page.body.contains("1 locked"));
    }
    let order = format!("/devices/{device}/order");
    let question = browser.post(&order, &[("order", "unlock")]).await.leads_to().to_owned();
    let asked = browser.get(&question).await;
    assert!(asked.body.contains("Really open Entrance?") && asked.body.contains("The box opens the door"));
    assert!(site.world.app.list_commands(&anna, device, 9).await.unwrap().is_empty());
    let sure = [("order", "unlock"), ("sure", "yes")];
    browser.post(&order, &sure).await.leads_to();
    let commands = site.world.app.list_commands(&anna, device, 9).await.unwrap();
    assert_eq!(commands.iter().map(|one| one.action).collect::<Vec<_>>(), [LockAction::Unlock]);
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains("<b>Open</b> by Anna") && page.body.contains("open the box"), "{}", page.body);
    for refused in ["lock", "open", "lock-n-go"] {
        browser.post(&order, &[("order", refused), ("sure", "yes")]).await;
    }
    assert_eq!(site.world.app.list_commands(&anna, device, 9).await.unwrap().len(), 1);
    let rules = browser.get(&format!("/devices/{device}/safety")).await;
    assert!(rules.body.contains("The button that opens it is gone") && !rules.body.contains("ocking"));
    let settings = browser.get(&format!("/devices/{device}/settings")).await;
    assert!(settings.body.contains("gives its settings") && !settings.body.contains("Hub"));
}

#[tokio::test]
async fn each_type_has_a_shape_and_a_name_of_its_own_and_a_number_without_a_name_is_unknown() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let id = format!("device-{device}");
    let mut shapes = Vec::new();
    for kind in [DeviceType::SmartLock34, DeviceType::SmartDoor, DeviceType::Opener, DeviceType::Box] {
        site.world.says(device, Observation::DeviceType(kind)).await;
        site.world.says(device, Observation::State(LockState::Other(77))).await;
        let page = browser.get("/devices").await;
        let card = page.part(&id);
        assert!(card.contains("<b>Unknown</b>") && card.contains("reports state 77"), "{kind:?}: {card}");
        site.world.says(device, Observation::State(LockState::Locked)).await;
        let card = browser.get("/devices").await.part(&id).to_owned();
        let from = card.find("#i-").unwrap();
        shapes.push(card[from..].chars().take_while(|one| *one != '"').collect::<String>());
        assert_eq!(card.contains("<b>Locked</b>"), kind.has_bolt(), "{kind:?}: {card}");
        // A lock's motor and a lock's timer, which no document gives a box.
        for state in [LockState::MotorBlocked, LockState::UnlockedLockNGo] {
            site.world.says(device, Observation::State(state)).await;
            let card = browser.get("/devices").await.part(&id).to_owned();
            let is_unknown = card.contains("<b>Unknown</b>");
            assert_eq!(is_unknown, !kind.has_bolt(), "{kind:?}: {card}");
        }
    }
    assert_eq!(shapes, ["#i-Lock", "#i-SmartDoor", "#i-Bell", "#i-Box"]);
}

#[tokio::test]
async fn a_keypad_a_door_sensor_and_a_fob_are_parts_with_what_was_said_of_them() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let parts = format!("parts-{device}");
    let path = format!("/devices/{device}");
    assert!(!browser.get(&path).await.body.contains("<h2>Parts</h2>"), "nothing was said");
    let fact = |fact, value: &str| (fact, value.to_owned());
    site.world
        .says(device, Observation::Facts(vec![fact(Fact::Keypad2Paired, "1"), fact(Fact::FobPaired, "1")]))
        .await;
    site.world.says(device, Observation::KeypadBatteryCritical(true)).await;
    site.world.says(device, Observation::Door(DoorState::Tampered)).await;
    site.world.says(device, Observation::Settings(vec![(Setting::FobAction1, SettingValue::Int(4))])).await;
    let shown = browser.get(&path).await.part(&parts).to_owned();
    assert!(shown.contains("<b>Keypad 2</b><small>Battery critical</small>"), "{shown}");
    assert!(shown.contains("<b>Door sensor</b><small>Was tampered with</small>"), "{shown}");
    assert!(shown.contains("<b>Fob</b><small>Once: "), "{shown}");
    let gone =
        vec![fact(Fact::KeypadPaired, "0"), fact(Fact::Keypad2Paired, "0"), fact(Fact::FobPaired, "0")];
    site.world.says(device, Observation::Facts(gone)).await;
    site.world.says(device, Observation::Door(DoorState::Unavailable)).await;
    let shown = browser.get(&path).await.part(&parts).to_owned();
    assert!(shown.contains("No door sensor and no fob is paired with it."), "{shown}");
    assert!(
        shown.contains("<b>Keypad</b><small>Battery critical</small>"),
        "its battery was said last: {shown}"
    );
}
