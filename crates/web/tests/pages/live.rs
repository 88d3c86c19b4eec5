//! The stream of an open page. Every wait has an end, so a stream that says nothing fails the test.

use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use lockwarden_app::devices::{Delivery, LockState, Observation};

use crate::kit::Site;

const SOON: Duration = Duration::from_secs(1);

/// The next thing the stream says; nothing once it has ended.
async fn next(stream: &mut BodyDataStream) -> Option<String> {
    let chunk =
        tokio::time::timeout(SOON, stream.next()).await.expect("the stream said nothing within a second");
    chunk.map(|bytes| String::from_utf8(bytes.unwrap().to_vec()).unwrap())
}

/// What the stream says until this is part of it.
pub(crate) async fn until(stream: &mut BodyDataStream, words: &str) -> String {
    let mut all = String::new();
    while !all.contains(words) {
        all += &next(stream).await.unwrap_or_else(|| panic!("the stream ended before {words}: {all}"));
    }
    all
}

pub(crate) async fn says_nothing(stream: &mut BodyDataStream) {
    let quiet = tokio::time::timeout(Duration::from_millis(200), stream.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

#[tokio::test]
async fn a_change_arrives_as_the_same_card_with_a_word_for_those_who_do_not_see_it() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.clock.advance(Duration::from_mins(2));
    let mut stream = browser.listen(&live(&site, "on=devices&drawn=tiles")).await;
    until(&mut stream, "retry: 2000").await;
    says_nothing(&mut stream).await;
    site.world.says(device, Observation::State(LockState::Unlocked)).await;
    let said = until(&mut stream, "1 unlocked").await;
    assert!(said.contains("event: parts") && said.contains(&format!("id=\"device-{device}\"")));
    assert!(said.contains("event: say") && said.contains("Front door: Unlocked"));
    let place = |part| said.find(part).unwrap();
    assert!(place("id=\"device-") < place("id=\"counts\""), "the card does not wait for the numbers");
}

fn live(site: &Site, query: &str) -> String {
    format!("/live?{query}&since={}", site.world.app.now().0)
}

#[tokio::test]
async fn what_happened_between_page_and_stream_is_caught_up() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.clock.advance(Duration::from_secs(1));
    let path = live(&site, "on=devices");
    site.world.says(device, Observation::State(LockState::Unlocked)).await;
    let mut stream = browser.listen(&path).await;
    until(&mut stream, "<b>Unlocked</b>").await;
}

#[tokio::test]
async fn what_came_before_a_page_was_made_and_was_committed_after_it_is_caught_up() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let report = site.world.report(device, Observation::Link { up: false }, Delivery::AtMostOnce);
    site.world.clock.advance(Duration::from_secs(20));
    let path = live(&site, "on=devices");
    assert!(browser.get("/devices").await.body.contains("<b>Locked</b>"));
    site.world.app.record(&[report]).await.unwrap();
    let mut stream = browser.listen(&path).await;
    until(&mut stream, "<b>Unknown</b>").await;
}

#[tokio::test]
async fn the_log_counts_what_was_received_before_its_newest_entry_and_committed_after_it() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let other = site.world.lock(&anna, "Garage", 8).await;
    let late = site.world.report(other, Observation::Link { up: false }, Delivery::AtMostOnce);
    site.world.clock.advance(Duration::from_secs(20));
    site.world.says(device, Observation::Link { up: false }).await;
    let path = browser.get("/activity").await.stream();
    let mut stream = browser.listen(&path).await;
    until(&mut stream, "retry").await;
    says_nothing(&mut stream).await;
    site.world.app.record(&[late]).await.unwrap();
    until(&mut stream, "1 new entry").await;
    let mut again = browser.listen(&path).await;
    until(&mut again, "1 new entry").await;
}

#[tokio::test]
async fn only_what_a_full_page_of_the_log_does_not_have_is_new() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    for _ in 0..30 {
        for up in [false, true] {
            site.world.clock.advance(Duration::from_secs(1));
            site.world.says(device, Observation::Link { up }).await;
        }
    }
    let path = browser.get("/activity").await.stream();
    let mut stream = browser.listen(&path).await;
    until(&mut stream, "retry").await;
    says_nothing(&mut stream).await;
    site.world.says(device, Observation::Link { up: false }).await;
    until(&mut stream, "1 new entry").await;
}

#[tokio::test]
async fn nobody_hears_of_somebody_elses_doors() {
    let site = Site::new().await;
    let (anna, _) = site.owner("Anna").await;
    let (_, mut berts) = site.owner("Bert").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let mut stream = berts.listen(&live(&site, "on=devices")).await;
    until(&mut stream, "retry").await;
    site.world.says(device, Observation::State(LockState::Unlocked)).await;
    says_nothing(&mut stream).await;
    for query in [format!("on=device&device={device}"), format!("on=activity&device={device}")] {
        let refused = berts.get(&live(&site, &query)).await;
        assert_eq!(refused.status, http::StatusCode::NOT_FOUND, "{query}");
    }
}

#[tokio::test]
async fn the_stream_ends_within_a_second_when_the_session_does() {
    let site = Site::new().await;
    let (_, mut here) = site.owner("Anna").await;
    let mut elsewhere = site.signed_in("Anna").await;
    let mut ended = elsewhere.listen(&live(&site, "on=devices")).await;
    let mut stays = here.listen(&live(&site, "on=devices")).await;
    until(&mut ended, "retry").await;
    until(&mut stays, "retry").await;
    here.post("/settings/account/sessions/end-others", &[]).await.leads_to();
    assert_eq!(next(&mut ended).await, None);
    says_nothing(&mut stays).await;
    here.post("/sign-out", &[]).await.leads_to();
    assert_eq!(next(&mut stays).await, None);
}

/// Whoever does not read loses events, and among them may be the end of the session.
#[tokio::test]
async fn whoever_missed_the_end_of_their_session_hears_nothing_more_either() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let mut stream = browser.listen(&live(&site, "on=devices")).await;
    until(&mut stream, "retry").await;
    site.world.app.end_other_sessions(&anna).await.unwrap();
    for percent in 0..4_200_u32 {
        let percent = u8::try_from(percent % 100).unwrap();
        site.world.says(device, Observation::BatteryPercent(percent)).await;
    }
    while let Some(said) = next(&mut stream).await {
        assert!(!said.contains("event: parts"), "{said}");
    }
}

#[tokio::test]
async fn a_session_that_runs_out_ends_its_stream_too() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let mut stream = browser.listen(&live(&site, "on=devices")).await;
    until(&mut stream, "retry").await;
    site.world.clock.advance(Duration::from_secs(10));
    until(&mut stream, "event: beat").await;
    site.world.clock.advance(Duration::from_hours(31 * 24));
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn a_device_that_talks_without_end_is_drawn_again_only_after_a_while() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.clock.advance(Duration::from_secs(1));
    let mut stream = browser.listen(&live(&site, "on=devices")).await;
    until(&mut stream, "retry").await;
    site.world.says(device, Observation::BatteryPercent(50)).await;
    until(&mut stream, "event: parts").await;
    for percent in 0..50 {
        site.world.says(device, Observation::BatteryPercent(percent)).await;
    }
    says_nothing(&mut stream).await;
    site.world.clock.advance(Duration::from_millis(50));
    let said = until(&mut stream, "event: parts").await;
    assert_eq!(said.matches("event: parts").count(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_up_no_page() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let mut stream = browser.listen(&live(&site, "on=devices")).await;
    site.world.says(device, Observation::State(LockState::Unlocked)).await;
    until(&mut stream, "Front door: Unlocked").await;
    let now = site.world.clock.now();
    site.world.clock.set(now.minus(Duration::from_hours(72)));
    site.world.clock.advance(Duration::from_millis(50));
    site.world.says(device, Observation::State(LockState::Locked)).await;
    until(&mut stream, "Front door: Locked").await;
    site.world.clock.advance(Duration::from_secs(10));
    until(&mut stream, "event: beat").await;
}

#[tokio::test]
async fn devices_that_come_or_go_and_a_backlog_make_the_page_read_itself_again() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let mut stream = browser.listen(&live(&site, "on=devices")).await;
    until(&mut stream, "retry").await;
    let (device, _) = site.world.device(&anna, "Front door").await;
    until(&mut stream, "event: refresh").await;
    for percent in 0..4_200_u32 {
        let percent = u8::try_from(percent % 100).unwrap();
        site.world.says(device, Observation::BatteryPercent(percent)).await;
    }
    until(&mut stream, "event: refresh").await;
}

#[tokio::test]
async fn new_entries_wait_behind_a_link_and_orders_end_on_their_own_line() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    browser.post(&format!("/devices/{device}/order"), &[("order", "unlock")]).await;
    let page = browser.get("/activity").await;
    let path = page.stream();
    let entry = page.between("<li class=\"ev\" id=\"", "\"").to_owned();
    let mut stream = browser.listen(&path).await;
    until(&mut stream, "retry").await;
    let (command, _) = site.world.app.due_commands().await.unwrap()[0];
    site.world.app.take_command(command).await.unwrap().unwrap();
    site.world.clock.advance(Duration::from_secs(1));
    site.world.says(device, Observation::CommandResponse(66)).await;
    let said = until(&mut stream, "the motor is blocked").await;
    assert!(said.contains(&entry));
    site.world.clock.advance(Duration::from_secs(1));
    site.world.says(device, Observation::Link { up: false }).await;
    let said = until(&mut stream, "1 new entry").await;
    assert!(said.contains("href=\"/activity\""));
}

#[tokio::test]
async fn the_page_of_a_new_device_turns_green_by_itself() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (device, credentials) = site.world.device(&anna, "Front door").await;
    let page = browser.get(&format!("/devices/{device}")).await;
    let mut stream = browser.listen(&page.stream()).await;
    until(&mut stream, "Waiting for the first connection").await;
    let login = site.world.login(&credentials).await;
    site.world.clock.advance(Duration::from_secs(1));
    site.world.app.bind_login(&login, 9).await.unwrap().unwrap();
    site.world.says(device, Observation::Link { up: true }).await;
    site.world.clock.advance(Duration::from_secs(1));
    until(&mut stream, "<b>Connected</b>").await;
}

#[tokio::test]
async fn with_its_first_connection_an_open_page_gets_the_controls_of_the_device() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (device, credentials) = site.world.device(&anna, "Front door").await;
    let path = format!("/devices/{device}");
    let page = browser.get(&path).await;
    assert!(!page.body.contains(&format!("id=\"device-{device}\"")));
    let login = site.world.login(&credentials).await;
    site.world.app.bind_login(&login, 9).await.unwrap().unwrap();
    // It connected before the page began to listen: that counts too.
    until(&mut browser.listen(&page.stream()).await, "event: refresh").await;
    let page = browser.get(&path).await;
    assert!(page.body.contains(&format!("id=\"device-{device}\"")));
    let mut stream = browser.listen(&page.stream()).await;
    until(&mut stream, "event: parts").await;
    says_nothing(&mut stream).await;
}

#[tokio::test]
async fn a_device_that_crosses_the_filter_makes_the_list_read_itself_again() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.clock.advance(Duration::from_secs(1));
    for (show, before, after) in [
        ("problem", LockState::Locked, LockState::MotorBlocked),
        ("problem", LockState::MotorBlocked, LockState::Locked),
        ("locked", LockState::Locked, LockState::Unlocking),
    ] {
        site.world.says(device, Observation::State(before)).await;
        site.world.clock.advance(Duration::from_secs(1));
        let path = browser.get(&format!("/devices?show={show}")).await.stream();
        let mut open = browser.listen(&path).await;
        until(&mut open, "retry").await;
        site.world.says(device, Observation::State(after)).await;
        until(&mut open, "event: refresh").await;
        // Whoever begins to listen only now has a page that was made before.
        until(&mut browser.listen(&path).await, "event: refresh").await;
    }
    let open = browser.get("/devices?show=locked&sort=added").await.stream();
    site.world.says(device, Observation::State(LockState::Locked)).await;
    let drawn = until(&mut browser.listen(&open).await, "event: parts").await;
    assert!(drawn.contains("name=\"list\" value=\"show=locked&amp;sort=added&amp;by=none&amp;view=tiles\""));
    let all = browser.get("/devices?sort=favourites").await.stream();
    let mut open = browser.listen(&all).await;
    until(&mut open, "retry").await;
    site.world.clock.advance(Duration::from_secs(1));
    site.world.says(device, Observation::State(LockState::MotorBlocked)).await;
    assert!(!until(&mut open, "event: say").await.contains("refresh"), "without a filter the card is enough");
}

#[tokio::test]
async fn orders_of_any_number_of_devices_end_on_their_own_lines() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    for number in 0..12 {
        let device = site.world.lock(&anna, &format!("Flat {number}"), 100 + number).await;
        browser.post(&format!("/devices/{device}/order"), &[("order", "unlock")]).await;
    }
    let page = browser.get("/activity").await;
    assert_eq!(page.body.matches("about to be sent").count(), 12);
    let mut stream = browser.listen(&page.stream()).await;
    let first = until(&mut stream, "event: parts").await;
    assert_eq!(first.matches("about to be sent").count(), 12);
    site.world.clock.advance(Duration::from_secs(11));
    site.world.app.settle_commands().await.unwrap();
    let mut said = String::new();
    while said.matches("could not be sent").count() < 12 {
        said += &next(&mut stream).await.unwrap();
    }
}

#[tokio::test]
async fn a_changed_time_zone_reaches_a_page_that_is_open() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let mut stream = browser.listen(&live(&site, "on=devices")).await;
    until(&mut stream, "retry").await;
    let fields = [("name", "Anna"), ("zone", "Asia/Tokyo")];
    browser.post("/settings/account/profile", &fields).await.leads_to();
    site.world.clock.advance(Duration::from_secs(10));
    until(&mut stream, "event: refresh").await;
    site.world.clock.advance(Duration::from_secs(10));
    assert!(!until(&mut stream, "event: beat").await.contains("refresh"), "once is enough");
}

#[tokio::test]
async fn an_entry_that_came_between_log_and_stream_is_behind_the_link() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let page = browser.get("/activity").await;
    let path = page.stream();
    site.world.clock.advance(Duration::from_secs(1));
    site.world.says(device, Observation::Link { up: false }).await;
    until(&mut browser.listen(&path).await, "1 new entry").await;
}

#[tokio::test]
async fn the_page_of_a_removed_device_reads_itself_again_at_once() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let mut stream = browser.listen(&live(&site, &format!("on=device&device={device}"))).await;
    until(&mut stream, "event: parts").await;
    site.world.clock.advance(Duration::from_secs(1));
    site.world.app.remove_device(&anna, device).await.unwrap();
    until(&mut stream, "event: refresh").await;
}
