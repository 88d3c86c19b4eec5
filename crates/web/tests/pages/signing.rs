//! The first start, signing in and out, sessions.

use std::time::Duration;

use http::StatusCode;
use lockwarden_testkit::PASSWORD;

use crate::kit::Site;

const NEW: [(&str, &str); 4] =
    [("name", "Anna"), ("email", "anna@example.org"), ("password", PASSWORD), ("zone", "Europe/Vienna")];

#[tokio::test]
async fn as_long_as_there_is_no_account_every_page_leads_to_the_set_up() {
    let site = Site::new().await;
    let mut browser = site.browser();
    for path in ["/", "/devices", "/sign-in", "/activity", "/nothing"] {
        assert_eq!(browser.get(path).await.leads_to(), "/set-up", "{path}");
    }
    let page = browser.get("/set-up").await;
    assert!(page.body.contains("one-time link") && page.body.contains("restart the server"));
}

#[tokio::test]
async fn a_set_up_link_makes_one_account_and_then_nothing_more() {
    let site = Site::new().await;
    let secret = site.world.app.create_set_up_link().await.unwrap().unwrap();
    let path = format!("/set-up/{secret}");
    let mut browser = site.browser();
    assert_eq!(browser.get("/set-up/0").await.status, StatusCode::NOT_FOUND);
    assert!(browser.get(&path).await.body.contains("At least 15 characters"));
    assert!(browser.post(&path, &NEW).await.leads_to().starts_with("/sign-in"));
    let again = [("name", "Eve"), ("email", "eve@example.org"), ("password", PASSWORD), ("zone", "UTC")];
    assert_eq!(browser.post(&path, &again).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/set-up").await.leads_to(), "/sign-in");
    let mut signed = site.signed_in("Anna").await;
    assert!(signed.get("/settings/account").await.body.contains("value=\"Europe/Vienna\" selected"));
}

#[tokio::test]
async fn a_refused_password_comes_back_with_its_reason_at_the_field_and_the_rest_filled_in() {
    let site = Site::new().await;
    let secret = site.world.app.create_set_up_link().await.unwrap().unwrap();
    let fields = [
        ("name", "Anna"),
        ("email", "anna@example.org"),
        ("password", "too short"),
        ("zone", "Europe/Vienna"),
    ];
    let answer = site.browser().post(&format!("/set-up/{secret}"), &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("aria-invalid=\"true\" aria-describedby=\"password-wrong password-hint\""));
    assert!(answer.body.contains("value=\"anna@example.org\""));
    assert!(answer.body.contains("value=\"Europe/Vienna\" selected"));
    assert!(!answer.body.contains("too short"), "a password is never sent back");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_person_read_the_same() {
    let site = Site::new().await;
    site.world.owner("Anna").await;
    let mut bodies = Vec::new();
    for email in ["anna@example.org", "nobody@example.org"] {
        let fields = [("email", email), ("password", "some other long password")];
        let answer = site.browser().post("/sign-in", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.headers.get("set-cookie").is_none());
        bodies.push(answer.body.replace(email, ""));
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn guessing_is_slowed_and_says_how_long() {
    let site = Site::new().await;
    site.world.owner("Anna").await;
    let mut browser = site.browser();
    let fields = [("email", "anna@example.org"), ("password", "some other long password")];
    for _ in 0..5 {
        browser.post("/sign-in", &fields).await;
    }
    let answer = browser.post("/sign-in", &fields).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.body.contains("try again in 30 s"));
}

#[tokio::test]
async fn after_the_sign_in_the_page_that_was_asked_for_follows_and_no_other_site() {
    let site = Site::new().await;
    site.world.owner("Anna").await;
    let asked = site.browser().get("/activity?device=7").await;
    assert_eq!(asked.leads_to(), "/sign-in?next=/activity%3Fdevice%3D7");
    let sign_in = |next: &'static str| {
        let mut browser = site.browser();
        async move {
            let fields = [("email", "anna@example.org"), ("password", PASSWORD), ("next", next)];
            browser.post("/sign-in", &fields).await.leads_to().to_owned()
        }
    };
    assert_eq!(sign_in("/activity?device=7").await, "/activity?device=7");
    assert_eq!(sign_in("//evil.example/").await, "/devices");
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server_too() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let copy = browser.clone();
    assert!(browser.post("/sign-out", &[]).await.leads_to().starts_with("/sign-in"));
    assert!(!browser.cookies.contains_key("lockwarden"));
    for mut replayed in [browser, copy] {
        assert!(replayed.get("/devices").await.leads_to().starts_with("/sign-in"));
    }
}

#[tokio::test]
async fn signing_in_again_ends_the_session_that_was_there() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let mut old = browser.clone();
    browser.post("/sign-in", &[("email", "anna@example.org"), ("password", PASSWORD)]).await.leads_to();
    assert!(old.get("/devices").await.leads_to().starts_with("/sign-in"));
    assert_eq!(browser.get("/devices").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_in_use_changes_its_secret_on_whatever_answer_comes_next() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    for path in ["/devices", "/devices?view=list", "/nothing", "/settings/account"] {
        let before = browser.cookies["lockwarden"].clone();
        site.world.clock.advance(Duration::from_mins(61));
        browser.get(path).await;
        assert_ne!(browser.cookies["lockwarden"], before, "{path}");
    }
    site.world.clock.advance(Duration::from_mins(2));
    assert_eq!(browser.get("/devices").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_person_sees_their_sessions_and_ends_the_others() {
    let site = Site::new().await;
    let (_, mut here) = site.owner("Anna").await;
    let mut elsewhere = site.signed_in("Anna").await;
    assert!(here.get("/settings/account").await.body.contains("End all other sessions"));
    assert!(
        here.post("/settings/account/sessions/end-others", &[]).await.leads_to().ends_with("said=others")
    );
    assert!(elsewhere.get("/devices").await.leads_to().starts_with("/sign-in"));
    assert_eq!(here.get("/devices").await.status, StatusCode::OK);

    let (mut second, mut third) = (site.signed_in("Anna").await, site.signed_in("Anna").await);
    let page = here.get("/settings/account").await;
    let paths: Vec<&str> = page.body.split('"').filter(|path| path.ends_with("/end")).collect();
    assert_eq!(paths.len(), 2, "one for each other session");
    here.post(paths[0], &[]).await.leads_to();
    let alive = [second.get("/devices").await.status, third.get("/devices").await.status];
    assert_eq!(alive.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{alive:?}");
    assert!(!here.get("/settings/account").await.body.contains(paths[0]));
}

#[tokio::test]
async fn a_new_password_takes_the_present_one() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let path = "/settings/account/password";
    let wrong = browser
        .post(path, &[("present", "not it at all, really"), ("new", "a brand new set of words")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"present-wrong\""));
    let weak = browser.post(path, &[("present", PASSWORD), ("new", "short")]).await;
    assert!(weak.body.contains("id=\"new-wrong\""));
    let fine = browser.post(path, &[("present", PASSWORD), ("new", "a brand new set of words")]).await;
    assert!(fine.leads_to().ends_with("said=password"));
    assert_eq!(browser.get("/devices").await.status, StatusCode::OK);
}
