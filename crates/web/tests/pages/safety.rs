//! Rules of a door's owner, as they are met on the pages.

use std::time::Duration;

use http::StatusCode;
use lockwarden_app::devices::{DeviceType, LockAction, Observation};
use lockwarden_app::settings::{Setting, SettingValue};
use lockwarden_testkit::PASSWORD;

use crate::kit::{Site, behind_hub};

#[tokio::test]
async fn a_door_that_wants_a_password_opens_after_it_and_not_after_a_wrong_one() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let (order, safety) = (format!("/devices/{device}/order"), format!("/devices/{device}/safety"));
    assert!(!browser.get(&safety).await.body.contains("Your password"), "nothing to loosen yet");
    browser.post(&safety, &[("fresh", "on")]).await.leads_to();
    assert!(
        browser
            .get(&format!("/devices/{device}"))
            .await
            .body
            .contains("asks for the password before it opens")
    );
    site.world.clock.advance(Duration::from_mins(6));
    let sure = [("order", "open"), ("sure", "yes")];
    let question = browser.post(&order, &sure).await.leads_to().to_owned();
    assert!(browser.get(&question).await.body.contains("Your password"));
    let given = |password| [sure[0], sure[1], ("password", password)];
    let again = browser.post(&order, &given("not the password")).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("This is not your password; nothing was done"));
    assert!(site.world.app.list_commands(&anna, device, 9).await.unwrap().is_empty());
    browser.post(&order, &given(PASSWORD)).await.leads_to();
    let commands = site.world.app.list_commands(&anna, device, 9).await.unwrap();
    assert_eq!(commands[0].action, LockAction::Unlatch);
}

#[tokio::test]
async fn a_rule_is_loosened_with_the_password_only() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let safety = format!("/devices/{device}/safety");
    let rules = async || site.world.app.load_device(&anna, device).await.unwrap().safety;
    browser.post(&safety, &[("never", "on"), ("ask", "on")]).await.leads_to();
    site.world.clock.advance(Duration::from_mins(6));
    assert!(browser.get(&safety).await.body.contains("changing them takes your password"));
    assert_eq!(browser.post(&safety, &[("ask", "on")]).await.status, StatusCode::CONFLICT);
    let wrong = browser.post(&safety, &[("ask", "on"), ("password", "not the password")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(rules().await.never_open);
    browser.post(&safety, &[("ask", "on"), ("password", PASSWORD)]).await.leads_to();
    assert!(!rules().await.never_open && rules().await.ask_again);
}

#[tokio::test]
async fn a_door_that_asks_again_asks_before_it_is_unlocked_and_never_before_it_is_locked() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let order = format!("/devices/{device}/order");
    browser.post(&format!("/devices/{device}/safety"), &[("ask", "on")]).await.leads_to();
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(
        page.body.contains("data-twice=\"Unlock: sure?\"")
            && !page.body.contains("data-twice=\"Lock: sure?\"")
    );
    let question = browser.post(&order, &[("order", "unlock")]).await.leads_to().to_owned();
    assert!(browser.get(&question).await.body.contains("Really unlock Front door?"));
    assert!(site.world.app.list_commands(&anna, device, 9).await.unwrap().is_empty());
    browser.post(&order, &[("order", "lock")]).await.leads_to();
    assert_eq!(site.world.app.list_commands(&anna, device, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_never_opened_from_here_has_no_button_that_would() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let lock = site.world.lock(&anna, "Front door", 7).await;
    let opener = behind_hub(&site, &anna, DeviceType::Opener, 8).await;
    for device in [lock, opener] {
        let page = browser.get(&format!("/devices/{device}")).await;
        assert!(page.part(&format!("device-{device}")).contains("value=\"open\""));
        browser.post(&format!("/devices/{device}/safety"), &[("never", "on")]).await.leads_to();
        let page = browser.get(&format!("/devices/{device}")).await;
        assert!(!page.part(&format!("device-{device}")).contains("value=\"open\""));
        let sure = [("order", "open"), ("sure", "yes")];
        let refused = browser.post(&format!("/devices/{device}/order"), &sure).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.body.contains("This door is never opened from here"));
        let asked = browser.get(&format!("/devices/{device}/order?order=open")).await;
        assert_eq!(asked.status, StatusCode::CONFLICT, "nobody is asked for what is refused then");
    }
}

#[tokio::test]
async fn a_lock_that_opens_whenever_it_unlocks_asks_before_it_and_has_no_such_button_where_it_must_not_open()
{
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let path = format!("/devices/{device}");
    let has_button = |page: &str| page.contains("value=\"unlock\"");
    site.world
        .says(device, Observation::Settings(vec![(Setting::AutoUnlatch, SettingValue::Bool(true))]))
        .await;
    let question = browser.post(&format!("{path}/order"), &[("order", "unlock")]).await.leads_to().to_owned();
    let asked = browser.get(&question).await.body;
    assert!(asked.contains("Really open Front door?") && asked.contains("Yes, open it"), "{asked}");
    let page = browser.get(&path).await;
    assert!(has_button(page.part(&format!("device-{device}"))));
    browser.post(&format!("{path}/safety"), &[("never", "on")]).await.leads_to();
    let page = browser.get(&path).await;
    assert!(!has_button(page.part(&format!("device-{device}"))));
    assert!(
        browser.get(&format!("{path}/safety")).await.body.contains("so it is not unlocked from here either")
    );
    let sure = [("order", "unlock"), ("sure", "yes")];
    assert_eq!(browser.post(&format!("{path}/order"), &sure).await.status, StatusCode::CONFLICT);
}
