//! Forms: filled in again when wrong, secrets shown once, and nothing that anybody typed is ever markup.

use std::time::Duration;

use http::StatusCode;
use lockwarden_app::devices::Observation;
use lockwarden_app::logins::RefusalReason;

use crate::kit::Site;

const EVIL: &str = "<img src=x onerror=alert(1)>\"'&";

#[tokio::test]
async fn adding_a_device_leads_to_its_login_which_is_not_shown_to_another_browser() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let path =
        browser.post("/devices/new", &[("name", "Front door")]).await.leads_to().replace("#connect", "");
    let page = browser.get(&path).await;
    for shown in
        ["Waiting for the first connection", "192.0.2.20", "1883", "id=\"mqtt-user\"", "id=\"mqtt-password\""]
    {
        assert!(page.body.contains(shown), "{shown}");
    }
    let password = page.between("id=\"mqtt-password\">", "<").to_owned();
    let user = page.between("id=\"mqtt-user\">", "<").to_owned();
    let check = site.world.app.check_login(&user, password.as_bytes()).await.unwrap();
    assert!(matches!(check, lockwarden_app::logins::LoginCheck::Right(_)));
    let elsewhere = site.signed_in("Anna").await.get(&path).await;
    assert!(!elsewhere.body.contains(&password));
    assert!(elsewhere.body.contains("cannot be shown again"));
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one_and_a_revoked_login_says_so() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (device, old) = site.world.device(&anna, "Front door").await;
    let path =
        browser.post(&format!("/devices/{device}/password"), &[]).await.leads_to().replace("#connect", "");
    assert!(browser.get(&path).await.body.contains("id=\"mqtt-password\""));
    let check = site.world.app.check_login(&old.username, old.password.as_bytes()).await.unwrap();
    assert!(matches!(check, lockwarden_app::logins::LoginCheck::Unknown));
    assert!(browser.get(&format!("/devices/{device}/revoke")).await.body.contains("cut off at once"));
    browser.post(&format!("/devices/{device}/revoke"), &[]).await.leads_to();
    let page = browser.get(&path).await;
    assert!(page.body.contains("This device has no login"));
    assert!(!page.body.contains("id=\"mqtt-password\""));
}

#[tokio::test]
async fn what_a_login_was_refused_is_told_to_its_owner_with_the_count() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (device, credentials) = site.world.device(&anna, "Front door").await;
    let login = site.world.login(&credentials).await;
    site.world
        .app
        .note_login_refusals(&[(login.login, RefusalReason::WrongPassword, EVIL.to_owned(), 3)])
        .await
        .unwrap();
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains("Tried to connect with a wrong password: 3 times"));
    assert!(page.body.contains("Refused at the MQTT door"));
    assert!(!page.body.contains("<img"));

    site.world.clock.advance(Duration::from_secs(5));
    site.world.app.bind_login(&login, 7).await.unwrap().unwrap();
    site.world.says(device, Observation::Link { up: true }).await;
    let page = browser.get(&format!("/devices/{device}")).await;
    let is_calm =
        |page: &str| page.contains("What was refused") && !page.contains("Refused at the MQTT door");
    assert!(is_calm(&page.body), "no alarm beside a lock that is connected");
    assert!(page.body.contains("Tried to connect with a wrong password: 3 times"));

    site.world.clock.advance(Duration::from_secs(5));
    site.world
        .app
        .note_login_refusals(&[(login.login, RefusalReason::WrongPassword, EVIL.to_owned(), 1)])
        .await
        .unwrap();
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains("Refused at the MQTT door"));
}

#[tokio::test]
async fn names_and_what_locks_report_are_text_on_every_page() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, EVIL, 7).await;
    site.world.says(device, Observation::OwnName(EVIL.to_owned())).await;
    site.world.says(device, Observation::Firmware(EVIL.to_owned())).await;
    site.world.says(device, Observation::Link { up: false }).await;
    browser.post("/settings/api-tokens", &[("name", EVIL), ("smartlock", "yes")]).await;
    browser.post("/settings/account/profile", &[("name", EVIL), ("zone", "UTC")]).await;
    let device = format!("/devices/{device}");
    for path in [
        "/devices",
        "/devices?view=list",
        "/activity",
        "/settings/account",
        "/settings/api-tokens",
        &device,
        &format!("{device}/order?order=open"),
        &format!("{device}/remove"),
        &format!("{device}/revoke"),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains("&lt;img src=x"), "{path}");
        assert!(!page.body.contains("<img"), "{path}");
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_comes_back_with_its_reason() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let long = "x".repeat(65);
    for path in ["/devices/new".to_owned(), format!("/devices/{device}")] {
        let answer = browser.post(&path, &[("name", &long)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(answer.body.contains("At most 64 characters"));
        assert!(answer.body.contains(&format!("value=\"{long}\"")));
    }
    browser.post(&format!("/devices/{device}"), &[("name", "Back door")]).await.leads_to();
    assert!(browser.get("/devices").await.body.contains("Back door"));
}

#[tokio::test]
async fn a_refused_profile_comes_back_as_it_was_typed() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let path = "/settings/account/profile";
    let no_name = browser.post(path, &[("name", " "), ("zone", "Asia/Tokyo")]).await;
    assert_eq!(no_name.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(no_name.body.contains("id=\"name-wrong\""));
    assert!(no_name.body.contains("value=\"Asia/Tokyo\" selected"));
    let no_zone = browser.post(path, &[("name", "Anna Maria"), ("zone", "Nowhere/Land")]).await;
    assert_eq!(no_zone.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(no_zone.body.contains("id=\"zone-wrong\"") && no_zone.body.contains("aria-invalid=\"true\""));
    assert!(no_zone.body.contains("value=\"Anna Maria\""));
    let saved = browser.get("/settings/account").await;
    assert!(saved.body.contains("value=\"Anna\"") && saved.body.contains("value=\"Europe/Vienna\" selected"));
}

#[tokio::test]
async fn a_device_is_removed_only_by_its_name() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let path = format!("/devices/{device}/remove");
    assert!(browser.get(&path).await.body.contains("Not touched:"));
    let answer = browser.post(&path, &[("typed", "front")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("nothing was removed"));
    assert_eq!(browser.post(&path, &[("typed", "Front door")]).await.leads_to(), "/devices?said=removed");
    assert_eq!(browser.get(&format!("/devices/{device}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_revoked() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let path = "/settings/api-tokens";
    let none = browser.post(path, &[("name", "Home Assistant")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.body.contains("Choose at least one") && none.body.contains("value=\"Home Assistant\""));
    let fields = [("name", "Home Assistant"), ("smartlock.readOnly", "yes")];
    assert_eq!(browser.post(path, &fields).await.leads_to(), path);
    let page = browser.get(path).await;
    let secret = page.between("<code id=\"token\">", "<").to_owned();
    assert!(page.body.contains("http://console.test/api/smartlock"));
    assert!(page.body.contains("href=\"/api/openapi.json\""));
    assert!(site.world.app.authenticate_token(&secret).await.unwrap().is_some());
    let again = browser.get(path).await;
    assert!(!again.body.contains(&secret));
    assert!(!again.body.contains("/revoke\"><button"), "one press revokes nothing");
    let revoke = format!("/settings/api-tokens/{}", again.between("href=\"/settings/api-tokens/", "\""));
    let question = browser.get(&revoke).await;
    assert!(question.body.contains("Revoke Home Assistant?") && question.body.contains("last used 13:00"));
    assert!(site.world.app.authenticate_token(&secret).await.unwrap().is_some());
    assert!(question.body.contains(&format!("method=\"post\" action=\"{revoke}\"")));
    browser.post(&revoke, &[]).await.leads_to();
    assert!(site.world.app.authenticate_token(&secret).await.unwrap().is_none());
}

#[tokio::test]
async fn the_page_says_only_what_it_knows_how_to_say() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    assert!(browser.get("/devices?said=removed").await.body.contains("The device is removed."));
    assert!(!browser.get("/devices?said=you+won").await.body.contains("won"));
}
