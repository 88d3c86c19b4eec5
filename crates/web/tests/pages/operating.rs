//! Orders from the pages: once, never by surprise, and never shown as done before the lock says so.

use std::time::Duration;

use http::StatusCode;
use lockwarden_app::devices::{LockAction, LockState, Observation};

use crate::kit::Site;

#[tokio::test]
async fn an_order_is_shown_as_waiting_and_the_state_stays_what_the_lock_said() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let id = format!("device-{device}");
    let order = format!("/devices/{device}/order");
    assert_eq!(browser.post(&order, &[("order", "unlock")]).await.leads_to(), format!("/devices#{id}"));
    let page = browser.get("/devices").await;
    assert!(page.part(&id).contains("<b>Locked</b>"));
    assert!(page.part(&id).contains("is about to be sent"));

    let (command, _) = site.world.app.due_commands().await.unwrap()[0];
    site.world.app.take_command(command).await.unwrap().unwrap();
    site.world.clock.advance(Duration::from_millis(1_200));
    let page = browser.get("/devices").await;
    assert!(page.part(&id).contains("<b>Locked</b>"));
    assert!(page.part(&id).contains("Unlock sent <time-ago age=\"1200\""));
    assert!(page.part(&id).contains("waiting for the lock"));
    assert!(page.part(&id).contains("<span class=\"unscripted\"> · reload the page to see"));
    assert!(!page.part(&id).contains("value=\"unlock\""), "one order at a time");

    site.world.says(device, Observation::State(LockState::Unlocking)).await;
    let page = browser.get("/devices").await;
    assert!(page.part(&id).contains("<b>Unlocking…</b>"));
    assert!(page.part(&id).contains("Unlocking, the lock began"));

    site.world.says(device, Observation::State(LockState::Unlocked)).await;
    site.world.says(device, Observation::CommandResponse(0)).await;
    let page = browser.get("/devices").await;
    assert!(page.part(&id).contains("<b>Unlocked</b>"));
    assert!(page.part(&id).contains("by Anna"));
    assert!(page.part(&id).contains(": done"));

    site.world.says(device, Observation::Link { up: false }).await;
    let away = browser.get("/devices").await;
    assert!(
        away.part(&id).contains("<b>Unknown</b>") && !away.part(&id).contains(": done"),
        "it may be over"
    );
    site.world.says(device, Observation::Link { up: true }).await;
    site.world.says(device, Observation::State(LockState::Unlocked)).await;
    assert!(browser.get("/devices").await.part(&id).contains(": done"));

    site.world.says(device, Observation::State(LockState::Locked)).await;
    let page = browser.get("/devices").await;
    assert!(page.part(&id).contains("<b>Locked</b>"));
    assert!(!page.part(&id).contains(": done"), "it would read as if the lock was wrong");
}

#[tokio::test]
async fn what_the_lock_says_against_it_is_told_in_words_and_so_is_silence() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let id = format!("device-{device}");
    let order = format!("/devices/{device}/order");
    for (answer, words) in [(Some(66), "the motor is blocked"), (None, "no answer from the lock")] {
        browser.post(&order, &[("order", "unlock")]).await;
        let (command, _) = site.world.app.due_commands().await.unwrap()[0];
        site.world.app.take_command(command).await.unwrap().unwrap();
        if let Some(code) = answer {
            site.world.says(device, Observation::CommandResponse(code)).await;
        } else {
            site.world.clock.advance(Duration::from_secs(21));
            site.world.app.settle_commands().await.unwrap();
        }
        let page = browser.get("/devices").await;
        assert!(page.part(&id).contains("<b>Locked</b>"));
        assert!(page.part(&id).contains(words), "{}", page.part(&id));
        assert!(browser.get("/activity").await.body.contains(words));
        assert!(browser.get(&format!("/devices/{device}")).await.body.contains(words));
    }
}

#[tokio::test]
async fn the_same_button_pressed_twice_is_one_order() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let key = browser.get("/devices").await.hidden("key");
    let order = format!("/devices/{device}/order");
    let fields = [("order", "unlock"), ("key", key.as_str())];
    let mut twin = browser.clone();
    let (one, other) = tokio::join!(browser.post(&order, &fields), twin.post(&order, &fields));
    assert_eq!((one.status, other.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    assert_eq!(site.world.app.list_open_commands(&anna).await.unwrap().len(), 1);
    browser.post(&order, &[("order", "lock"), ("key", &key)]).await.leads_to();
    assert_eq!(
        site.world.app.list_open_commands(&anna).await.unwrap().len(),
        2,
        "another button is another order"
    );
}

#[tokio::test]
async fn opening_takes_two_steps_without_a_script() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let order = format!("/devices/{device}/order");
    for name in ["open", "lock-n-go-open"] {
        let asked = browser.post(&order, &[("order", name), ("key", "k")]).await.leads_to().to_owned();
        assert_eq!(asked, format!("{order}?order={name}"));
        let live = browser.post_live(&order, &[("order", name)]).await;
        assert_eq!(live.status, StatusCode::SEE_OTHER, "a script does not get around it");
        assert!(site.world.app.list_open_commands(&anna).await.unwrap().is_empty());
        let page = browser.get(&asked).await;
        assert!(page.body.contains("Really open Front door?"));
        assert_eq!(page.hidden("sure"), "yes");
    }
    browser.post(&order, &[("order", "open"), ("sure", "yes"), ("key", "k")]).await.leads_to();
    assert_eq!(site.world.app.list_open_commands(&anna).await.unwrap().len(), 1);
    assert_eq!(browser.get(&format!("{order}?order=unlock")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn with_a_script_the_same_card_comes_back_and_refusals_as_words() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let order = format!("/devices/{device}/order");
    let answer = browser.post_live(&order, &[("order", "unlock"), ("drawn", "tiles")]).await;
    assert_eq!((answer.status, answer.header("lockwarden-parts")), (StatusCode::OK, "1"));
    assert!(answer.body.starts_with("<article") && answer.body.contains("is about to be sent"));
    assert!(!answer.body.contains("<html"));
    site.world.says(device, Observation::Link { up: false }).await;
    let refused = browser.post_live(&order, &[("order", "lock")]).await;
    assert_eq!((refused.status, refused.header("lockwarden-parts")), (StatusCode::CONFLICT, "1"));
    assert!(refused.body.starts_with("<div id=\"said\"") && refused.body.contains("The lock is offline"));
    let elsewhere = [("origin", "https://evil.example"), ("lockwarden-parts", "1")];
    let foreign = browser.post_with(&order, &[("order", "lock")], &elsewhere).await;
    assert_eq!((foreign.status, foreign.header("lockwarden-parts")), (StatusCode::FORBIDDEN, "1"));
    assert!(foreign.body.starts_with("<div id=\"said\""));
    let plain = browser.post(&order, &[("order", "lock")]).await;
    assert_eq!((plain.status, plain.header("lockwarden-parts")), (StatusCode::CONFLICT, ""));
    assert!(plain.body.contains("<html") && plain.body.contains("The lock is offline: nothing was sent."));
    browser.cookies.clear();
    assert_eq!(browser.post_live(&order, &[("order", "lock")]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_part_of_a_card_that_comes_and_goes_has_a_name_of_its_own() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(device, Observation::BatteryCritical(true)).await;
    browser.post(&format!("/devices/{device}/order"), &[("order", "lock")]).await;
    site.world.clock.advance(Duration::from_secs(11));
    site.world.app.settle_commands().await.unwrap();
    for path in
        ["/devices?view=tiles".to_owned(), "/devices?view=list".to_owned(), format!("/devices/{device}")]
    {
        let page = browser.get(&path).await;
        for part in ["state", "note", "chips", "acts"] {
            assert_eq!(
                page.body.matches(&format!("id=\"device-{device}-{part}\"")).count(),
                1,
                "{path} {part}"
            );
        }
        assert!(page.body.contains(&format!("id=\"device-{device}-state\" tabindex=\"-1\"")), "{path}");
    }
}

#[tokio::test]
async fn lock_n_go_is_ordered_from_the_page_of_a_device() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let page = browser.get(&format!("/devices/{device}")).await;
    assert!(page.body.contains("value=\"lock-n-go\""));
    let (key, drawn) = (page.hidden("key"), page.hidden("drawn"));
    let fields = [("order", "lock-n-go"), ("key", key.as_str()), ("drawn", drawn.as_str())];
    let back = browser.post(&format!("/devices/{device}/order"), &fields).await.leads_to().to_owned();
    assert_eq!(back, format!("/devices/{device}"));
    let ordered = site.world.app.list_open_commands(&anna).await.unwrap();
    assert_eq!(ordered.iter().map(|one| one.action).collect::<Vec<_>>(), [LockAction::LockNGo]);
    assert!(browser.get(&back).await.body.contains("Lock ’n’ go is about to be sent"));
}

#[tokio::test]
async fn an_order_leads_back_to_the_list_it_was_given_from_and_to_no_other_site() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let order = format!("/devices/{device}/order");
    let list = format!("/devices?q=front&show=locked&sort=added&by=none&view=list#device-{device}");
    let page = browser.get("/devices?q=front&show=locked&sort=added&view=list").await;
    let (query, drawn) = (page.hidden("list").replace("&amp;", "&"), page.hidden("drawn"));
    let mut fields = vec![("list", query.as_str()), ("drawn", drawn.as_str()), ("order", "lock")];
    assert_eq!(browser.post(&order, &fields).await.leads_to(), list);
    fields[2] = ("order", "open");
    let question = browser.post(&order, &fields).await.leads_to().to_owned();
    let asked = browser.get(&question).await;
    assert!(asked.body.contains(&format!("href=\"{}\"", list.replace('&', "&amp;"))));
    let query = asked.hidden("list").replace("&amp;", "&");
    let answer = [("order", "open"), ("sure", "yes"), ("drawn", &asked.hidden("drawn")), ("list", &query)];
    assert_eq!(browser.post(&order, &answer).await.leads_to(), list);
    for evil in
        ["//evil.example", "https://evil.example/?show=up", "show=x&sort=\r\nlocation:y", "#\"><script>"]
    {
        let fields = [("order", "lock"), ("list", evil), ("drawn", "https://evil")];
        assert_eq!(browser.post(&order, &fields).await.leads_to(), format!("/devices#device-{device}"));
    }
    assert!(!browser.get("/devices?sort=favourites&view=tiles").await.body.contains("name=\"list\""));
}

#[tokio::test]
async fn an_order_that_does_not_exist_is_refused() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    for name in ["", "explode", "full-lock"] {
        let answer = browser.post(&format!("/devices/{device}/order"), &[("order", name)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
    }
}
