//! A device that is reached by several ways: what its page tells of each, and how ways come and go.

use std::time::Duration;

use http::StatusCode;
use lockwarden_app::actor::Rights;
use lockwarden_app::bridges::{Listed, NewBridge, Polled};
use lockwarden_app::commands::Order;
use lockwarden_app::devices::{
    Connector, DeviceType, HubAnswer, LockAction, LockState, NewDevice, Observation,
};
use lockwarden_app::logins::LoginCheck;
use lockwarden_app::ways::{Fact, Trouble};

use crate::kit::{Site, behind_hub};

/// Takes rights away from every account.
pub(crate) async fn without(site: &Site, rights: Rights) {
    let mut tx = site.world.app.db().write().await.unwrap();
    let left = Rights::ALL.bits() & !rights.bits();
    tx.query("update accounts set rights = $1").bind(left).run().await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn every_way_is_told_with_how_it_stands_and_which_one_speaks() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let hub = site.world.app.add_way(&anna, device, Connector::NukiHub).await.unwrap();
    let login = site.world.login(&hub).await;
    let path = format!("/devices/{device}");
    let page = browser.get(&path).await;
    assert!(page.body.contains("never connected"), "the hub has not come yet");
    site.world.app.bind_login(&login, 7).await.unwrap().unwrap();
    site.world.says_by(device, Connector::NukiHub, Observation::Link { up: true }).await;
    let facts = vec![(Fact::HubVersion, "9.15".to_owned()), (Fact::Signal, "-64".to_owned())];
    site.world.says_by(device, Connector::NukiHub, Observation::Facts(facts)).await;
    let page = browser.get(&path).await;
    assert_eq!(page.body.matches("speaks for it now").count(), 1);
    let own = page.between(&format!("id=\"way-{device}-nuki-mqtt\""), "</li>");
    assert!(own.contains("connected since") && own.contains("speaks for it now"), "{own}");
    for told in ["Nuki Hub version", "9.15", "-64 dBm, good"] {
        assert!(page.body.contains(told), "{told}");
    }
    site.world.clock.advance(Duration::from_mins(1));
    site.world.says(device, Observation::Link { up: false }).await;
    let page = browser.get(&path).await;
    let own = page.between(&format!("id=\"way-{device}-nuki-mqtt\""), "</li>");
    let hub = page.between(&format!("id=\"way-{device}-nuki-hub\""), "</li>");
    assert!(own.contains("away since") && !own.contains("speaks for it now"), "{own}");
    assert!(hub.contains("connected since") && hub.contains("speaks for it now"), "{hub}");
}

#[tokio::test]
async fn what_a_way_does_not_give_is_told_with_the_way_that_would() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains("The lock’s own MQTT does not give names and failed attempts"));
    assert!(page.body.contains("a Nuki Hub would."));
    site.world.app.add_way(&anna, device, Connector::NukiHub).await.unwrap();
    assert!(!browser.get(&format!("/devices/{device}")).await.body.contains("a Nuki Hub would."));
}

#[tokio::test]
async fn a_trouble_is_told_with_how_it_is_mended_and_a_deaf_hub_in_its_own_words() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = behind_hub(&site, &anna, DeviceType::SmartLock34, 7).await;
    let says = |seen| site.world.says_by(device, Connector::NukiHub, seen);
    says(Observation::Trouble(Trouble::NoPin, Some("here".to_owned()))).await;
    says(Observation::Listens(false)).await;
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains("Enter it on the hub’s web page under “Credentials”"));
    assert!(page.body.contains("The hub does not listen."));
    assert!(!page.body.contains("Allow locking” is off"), "that is a switch of the lock’s own MQTT");
    let tile = browser.get("/devices").await;
    let tile = tile.part(&format!("device-{device}"));
    assert!(tile.contains("The hub takes no commands") && tile.contains("Why it takes no commands"));
}

#[tokio::test]
async fn a_lock_that_its_hub_has_never_reached_is_not_said_to_wait_for_a_connection_but_for_the_hub_to_reach_it()
 {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let new = NewDevice::by_hub("Front door", None);
    let (device, _) = site.world.app.add_device(&anna, new).await.unwrap();
    let says = |seen| site.world.says_by(device, Connector::NukiHub, seen);
    says(Observation::Link { up: true }).await;
    says(Observation::Trouble(Trouble::OutOfReach, Some(String::new()))).await;
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(
        page.body.contains("The hub is connected.")
            && page.body.contains("Move the two nearer to each other")
    );
    assert!(!page.body.contains("aiting for"), "{}", page.body);
    let tile = browser.get("/devices").await;
    assert!(tile.part(&format!("device-{device}")).contains("out of reach of its hub"));
    let work = browser.get("/attention").await;
    assert!(work.body.contains("Out of reach of its hub or bridge"));
}

#[tokio::test]
async fn an_order_tells_by_which_way_it_went_and_what_the_hub_says_of_it() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = behind_hub(&site, &anna, DeviceType::SmartLock34, 7).await;
    let path = format!("/devices/{device}");
    browser.post(&format!("{path}/order"), &[("order", "unlock"), ("drawn", "head")]).await.leads_to();
    let due = site.world.app.due_commands().await.unwrap();
    site.world.app.take_command(due[0].0).await.unwrap().unwrap();
    site.world.says_by(device, Connector::NukiHub, Observation::Hub(HubAnswer::Acknowledged)).await;
    let page = browser.get(&path).await;
    assert!(page.body.contains("y Nuki Hub: the hub has it and speaks to the lock"), "{}", page.body);
    assert!(page.part(&format!("device-{device}")).contains("by Nuki Hub"));
}

#[tokio::test]
async fn another_way_is_added_with_a_login_of_its_own_and_removed_after_a_question() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let way = format!("/devices/{device}/way");
    let to = browser.post(&way, &[("way", "nuki-hub"), ("do", "add")]).await.leads_to().to_owned();
    let page = browser.get(&to.replace("#connect", "")).await;
    let user = page.between("id=\"nuki-hub-user\">", "<").to_owned();
    let password = page.between("id=\"nuki-hub-password\">", "<").to_owned();
    assert!(page.body.contains("id=\"nuki-hub-path\">nukihub<"), "where it publishes");
    assert!(!page.body.contains("id=\"mqtt-password\""), "the other login has its own");
    let check = site.world.app.check_login(&user, password.as_bytes()).await.unwrap();
    assert!(matches!(check, LoginCheck::Right(login) if login.connector == Connector::NukiHub));

    let question = browser.get(&format!("{way}?do=remove&way=nuki-hub")).await;
    for words in [
        "and its login with it. The lock’s own MQTT goes on speaking for the device.",
        "Nothing else gives names and failed attempts",
    ] {
        assert!(question.body.contains(words), "{words}: {}", question.body);
    }
    assert_eq!(browser.get(&format!("{way}?do=remove&way=nuki-bridge")).await.status, StatusCode::NOT_FOUND);
    browser.post(&way, &[("way", "nuki-hub"), ("do", "remove")]).await.leads_to();
    let ways = site.world.app.load_connection(&anna, device).await.unwrap().ways;
    assert_eq!(ways.iter().map(|way| way.connector).collect::<Vec<_>>(), [Connector::NukiMqtt]);
    assert!(matches!(
        site.world.app.check_login(&user, password.as_bytes()).await.unwrap(),
        LoginCheck::Unknown
    ));
    let last = browser.post(&way, &[("way", "nuki-mqtt"), ("do", "remove")]).await;
    assert_eq!(last.status, StatusCode::CONFLICT);
    assert!(last.body.contains("the only way to this device"));
}

#[tokio::test]
async fn moving_to_another_way_ends_the_one_there_was() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let way = format!("/devices/{device}/way");
    assert!(browser.get(&format!("{way}?do=move&way=nuki-hub")).await.body.contains("is offline here"));
    browser.post(&way, &[("way", "nuki-hub"), ("do", "move")]).await.leads_to();
    let ways = site.world.app.load_connection(&anna, device).await.unwrap().ways;
    assert_eq!(ways.iter().map(|way| way.connector).collect::<Vec<_>>(), [Connector::NukiHub]);
}

#[tokio::test]
async fn each_way_has_its_own_password_and_its_own_end() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (device, own) = site.world.device(&anna, "Front door").await;
    let hub = site.world.app.add_way(&anna, device, Connector::NukiHub).await.unwrap();
    let path = format!("/devices/{device}");
    browser.post(&format!("{path}/password"), &[("way", "nuki-hub")]).await.leads_to();
    let stands = async |login: &lockwarden_app::logins::Credentials| {
        let check = site.world.app.check_login(&login.username, login.password.as_bytes()).await.unwrap();
        matches!(check, LoginCheck::Right(_))
    };
    assert!(stands(&own).await && !stands(&hub).await);
    assert!(
        browser
            .get(&format!("{path}/revoke?way=nuki-mqtt"))
            .await
            .body
            .contains("The lock is cut off at once")
    );
    browser.post(&format!("{path}/revoke"), &[("way", "nuki-mqtt")]).await.leads_to();
    assert!(!stands(&own).await);
    assert!(browser.get(&path).await.body.contains("its login was revoked"));
}

#[tokio::test]
async fn a_hub_that_brings_another_device_stays_for_it_when_it_is_removed_from_the_first() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let hub = site.world.app.add_way(&anna, device, Connector::NukiHub).await.unwrap();
    let login = site.world.login(&hub).await;
    site.world.app.bind_login(&login, 7).await.unwrap().unwrap();
    let part = lockwarden_app::ways::HubPart::Opener;
    site.world.app.hub_part(login.login, part).await.unwrap().unwrap();
    let question = browser.get(&format!("/devices/{device}/way?do=remove&way=nuki-hub")).await;
    let words = "The hub and its login stay for Front door (opener), and it leaves this one out.";
    assert!(question.body.contains(words), "{}", question.body);
    assert!(!question.body.contains("its login with it"));
}

#[tokio::test]
async fn whoever_may_only_see_a_device_is_told_its_ways_and_nothing_to_type() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    without(&site, Rights::MANAGE).await;
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains(&format!("id=\"way-{device}-nuki-mqtt\"")));
    for hidden in ["mqtt-user", "mqtt-host", "Make a new password", "Add another way", "192.0.2.20"] {
        assert!(!page.body.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn removing_a_device_says_which_ways_end() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.app.add_way(&anna, device, Connector::NukiHub).await.unwrap();
    let page = browser.get(&format!("/devices/{device}/remove")).await;
    for words in ["Lost here:", "Kept here:", "Not touched:", "the lock’s own MQTT", "by its Nuki Hub"] {
        assert!(page.body.contains(words), "{words}");
    }
    assert!(!page.body.contains("by its bridge"));
}

#[tokio::test]
async fn each_way_says_how_long_the_answer_to_its_last_order_took() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let path = format!("/devices/{device}");
    assert!(!browser.get(&path).await.body.contains("answered after"), "nothing was ordered yet");
    for (action, took) in [(LockAction::Unlock, 2_450), (LockAction::Lock, 640)] {
        let order = Order { device, action, idempotency_key: None };
        let command = site.world.app.order(&anna, order).await.unwrap();
        site.world.app.take_command(command.id).await.unwrap().unwrap();
        site.world.clock.advance(Duration::from_millis(took));
        site.world.says(device, Observation::CommandResponse(0)).await;
    }
    let page = browser.get(&path).await;
    assert!(page.part(&format!("way-{device}-nuki-mqtt")).contains("last order answered after 0.6 s"));
    assert!(!page.body.contains("2.4 s"), "the last one counts");
    let order = Order { device, action: LockAction::Unlock, idempotency_key: None };
    let command = site.world.app.order(&anna, order).await.unwrap();
    site.world.app.take_command(command.id).await.unwrap().unwrap();
    site.world.clock.advance(Duration::from_millis(34));
    site.world.says(device, Observation::CommandResponse(0)).await;
    assert!(browser.get(&path).await.body.contains("last order answered after 34 ms"));
}

#[tokio::test]
async fn a_bridge_tells_how_fast_it_answers_and_what_is_wrong_with_it() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let listed = [Listed { nuki_id: 9, kind: DeviceType::SmartLock12, name: Some("Cellar".to_owned()) }];
    let new =
        NewBridge { address: "192.0.2.7:8080", token: "abc123", token_form: "encrypted", listed: &listed };
    let (bridge, devices) = site.world.app.add_bridge(&anna, new).await.unwrap();
    site.world.app.bridge_polled(bridge, &Polled::Answered { latency_ms: 24 }).await.unwrap();
    site.world.says_by(devices[0], Connector::NukiBridge, Observation::State(LockState::Locked)).await;
    let path = format!("/devices/{}", devices[0]);
    let page = browser.get(&path).await;
    assert!(page.body.contains("answers in 24 ms") && page.body.contains(&format!("/bridges/{bridge}")));
    assert!(!page.body.contains("abc123"), "its token is nobody's to read");
    assert!(!page.body.contains("has no login"), "a bridge needs none");
    assert_eq!(
        browser.get(&format!("{path}/revoke")).await.status,
        StatusCode::NOT_FOUND,
        "and has none to revoke"
    );
    let asked = browser.get(&format!("{path}/remove")).await;
    assert!(
        asked.body.contains("leaves this one out. It comes back when you remove the bridge"),
        "{}",
        asked.body
    );
    let (_, mut berts) = site.owner("Bert").await;
    assert_eq!(berts.get(&format!("/bridges/{bridge}")).await.status, StatusCode::NOT_FOUND);
    site.world.clock.advance(Duration::from_secs(1));
    let new = NewBridge { address: "bridge.lan", token: "abc123", token_form: "encrypted", listed: &listed };
    let (again, _) = site.world.app.add_bridge(&anna, new).await.unwrap();
    for bridge in [bridge, again] {
        site.world.app.bridge_told(bridge, (Some(7), None), "").await.unwrap();
    }
    assert!(!browser.get(&format!("/bridges/{bridge}")).await.body.contains("Added twice"));
    let all = browser.get("/devices/new").await;
    let line = format!("<a href=\"/bridges/{again}\">bridge.lan:8080</a><small>Added twice</small>");
    assert!(all.between("Bridges that are here", "</section>").contains(&line), "it is not asked");
    let shown = browser.get(&format!("/bridges/{again}")).await;
    let there = format!("<a href=\"/bridges/{bridge}\">192.0.2.7:8080</a>, and is asked only there.");
    for words in [there.as_str(), "Its devices are reached by the other one."] {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    let gone = browser.get(&format!("/bridges/{bridge}/remove")).await;
    assert!(gone.body.contains("Cellar"));
    assert!(!browser.get(&format!("/bridges/{bridge}")).await.body.contains("left out"));
    browser.post(&format!("{path}/remove"), &[("typed", "Cellar")]).await.leads_to();
    site.world.app.bridge_lists(bridge, &listed).await.unwrap();
    let shown = browser.get(&format!("/bridges/{bridge}")).await;
    assert!(shown.body.contains("1 device that you removed here is left out."), "{}", shown.body);
    assert!(!shown.body.contains("lists no devices"), "it lists one: {}", shown.body);
    browser.post(&format!("/bridges/{bridge}/remove"), &[]).await.leads_to();
    assert_eq!(browser.get(&format!("/bridges/{bridge}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_way_that_was_there_before_a_restart_is_away_and_not_one_that_never_came() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = behind_hub(&site, &anna, DeviceType::SmartLock34, 7).await;
    site.world.app.forget_connections().await.unwrap();
    let page = browser.get(&format!("/devices/{device}")).await;
    let hub = page.between(&format!("id=\"way-{device}-nuki-hub\""), "</li>");
    assert!(hub.contains("away") && hub.contains("last heard") && !hub.contains("never connected"), "{hub}");
}
