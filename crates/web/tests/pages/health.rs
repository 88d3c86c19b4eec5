//! What needs somebody, and the pictures of a device's history, as a browser gets them.

use std::time::Duration;

use lockwarden_app::devices::{Connector, Delivery, DoorState, LockState, Observation};
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::settings::{Change, Setting, SettingValue};

use crate::kit::{Answer, Site};
use crate::live::until;

const DAY: Duration = Duration::from_hours(24);

async fn says(site: &Site, door: DeviceId, all: &[Observation]) {
    for seen in all {
        site.world.says(door, seen.clone()).await;
    }
}

/// The number beside the navigation; nothing if none is shown.
fn badge(page: &Answer) -> Option<&str> {
    let badge = page.between("id=\"badge-side\"", "</span>");
    (!badge.starts_with(" hidden")).then(|| badge.trim_start_matches('>').split('<').next().unwrap())
}

#[tokio::test]
async fn a_house_in_order_says_so_and_has_no_number_in_the_navigation() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    site.world.lock(&anna, "Front door", 1).await;
    let page = browser.get("/attention").await;
    assert!(page.body.contains("Nothing needs you."));
    assert_eq!(badge(&page), None);
}

#[tokio::test]
async fn what_needs_somebody_is_listed_by_urgency_with_what_to_do_and_counted_on_every_page() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let front = site.world.lock(&anna, "Front <door>", 1).await;
    let back = site.world.lock(&anna, "Back door", 2).await;
    says(&site, front, &[Observation::State(LockState::MotorBlocked)]).await;
    says(&site, back, &[Observation::Link { up: false }]).await;
    let page = browser.get("/attention").await;
    let list = page.part("attention");
    assert!(list.contains("Now"));
    let (jam, away) =
        (page.body.find("Jammed").unwrap(), page.body.find("own connection is silent").unwrap());
    assert!(jam < away, "the jam is more urgent");
    assert!(page.body.contains("free the bolt"));
    assert!(page.body.contains(&format!("href=\"/devices/{front}\">Front &lt;door&gt;")));
    assert!(!page.body.contains("Nothing needs you."));
    for path in ["/attention", "/devices", "/activity", "/settings/account"] {
        assert_eq!(badge(&browser.get(path).await), Some("2"), "{path}");
    }
}

#[tokio::test]
async fn a_refused_setting_is_listed_with_its_name_and_the_reason_that_was_given() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let app = &site.world.app;
    let door = site.world.lock(&anna, "Front door", 1).await;
    app.add_way(&anna, door, Connector::NukiHub).await.unwrap();
    let by_hub = async |seen| site.world.says_by(door, Connector::NukiHub, seen).await;
    by_hub(Observation::Link { up: true }).await;
    by_hub(Observation::Settings(vec![(Setting::AutoLock, SettingValue::Bool(false))])).await;
    let change = Change { setting: Setting::AutoLock, value: SettingValue::Bool(true), seen: None };
    app.change_settings(&anna, door, &[change]).await.unwrap();
    app.settings_sent(door, &[Setting::AutoLock], &[]).await.unwrap();
    let no = Some(("the hub’s access list <forbids> it".to_owned(), false));
    by_hub(Observation::SettingsAnswer(vec![(Setting::AutoLock, no)], None)).await;
    let list = browser.get("/attention").await.part("attention").to_owned();
    assert!(list.contains("A setting was refused"), "{list}");
    assert!(list.contains("“Lock by itself”: the hub’s access list &lt;forbids&gt; it"), "{list}");
}

#[tokio::test]
async fn a_sign_in_that_may_not_see_devices_gets_no_list_and_no_number() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let front = site.world.lock(&anna, "Front door", 1).await;
    says(&site, front, &[Observation::State(LockState::MotorBlocked)]).await;
    let mut tx = site.world.app.db().write().await.unwrap();
    let but_view = lockwarden_app::actor::Rights::ALL.bits() & !lockwarden_app::actor::Rights::VIEW.bits();
    tx.query("update accounts set rights = $1").bind(but_view).run().await.unwrap();
    tx.commit().await.unwrap();
    let page = browser.get("/attention").await;
    assert_eq!(page.status, http::StatusCode::FORBIDDEN);
    assert_eq!(badge(&page), None);
}

#[tokio::test]
async fn a_picture_shows_a_gap_where_nothing_was_known_and_its_table_says_the_same() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let front = site.world.lock(&anna, "Front door", 1).await;
    says(&site, front, &[Observation::BatteryPercent(80)]).await;
    site.world.clock.advance(DAY);
    says(&site, front, &[Observation::Link { up: false }]).await;
    site.world.clock.advance(DAY);
    says(&site, front, &[Observation::Link { up: true }, Observation::State(LockState::Unlocked)]).await;
    site.world.clock.advance(DAY);
    let page = browser.get(&format!("/devices/{front}")).await;
    let history = page.part("history");
    for words in [
        "State from ",
        "Nothing known 71 %, Locked 14 %, Unlocked 14 % of the time.",
        "Battery from ",
        "80 % all the time that is known.",
        "No forecast: its charge is known for less than 14 days",
        "Connection from ",
        "Nothing known 57 %, Online 29 %, Offline 14 % of the time.",
    ] {
        assert!(history.contains(words), "{words} in {history}");
    }
    assert_eq!(history.matches("role=\"img\"").count(), 3);
    assert_eq!(history.matches("<details>").count(), 3);
    // One stretch of line, of a seventh of the width, for the day on which the battery was known.
    let line = history.split("class=\"line\" d=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(line.matches('M').count(), 1, "{line}");
    assert!(!page.body.contains("style=\""), "the policy allows no styles of elements");
}

#[tokio::test]
async fn how_far_back_is_chosen_by_links_and_nonsense_is_a_week() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let front = site.world.lock(&anna, "Front door", 1).await;
    for (asked, words) in
        [("7", "7 days"), ("30", "30 days"), ("365", "A year"), ("9999999", "7 days"), ("x", "7 days")]
    {
        let page = browser.get(&format!("/devices/{front}?days={asked}")).await;
        let chosen = page.part("history").split("aria-current=\"true\">").nth(1).unwrap();
        assert!(chosen.starts_with(words), "{asked}");
    }
}

#[tokio::test]
async fn a_year_of_a_restless_door_is_a_picture_of_bounded_weight() {
    let site = Site::new().await;
    let anna = site.world.owner("Anna").await;
    let front = site.world.lock(&anna, "Front door", 1).await;
    let mut reports = Vec::new();
    for turn in 0..5_000_u32 {
        site.world.clock.advance(Duration::from_mins(97));
        let state = if turn % 2 == 0 { LockState::Unlocked } else { LockState::Locked };
        reports.push(site.world.report(front, Observation::State(state), Delivery::AtMostOnce));
    }
    for batch in reports.chunks(400) {
        site.world.app.record(batch).await.unwrap();
    }
    // No session lasts that long.
    let mut browser = site.signed_in("Anna").await;
    let path = format!("/devices/{front}?days=365");
    let page = browser.get(&path).await;
    let history = page.part("history");
    assert!(history.matches("<rect").count() < 300, "{}", history.matches("<rect").count());
    assert!(history.contains("Several changes"));
    let weight = browser.weigh(&path).await;
    assert!(weight < 30_000, "{weight} bytes");
}

#[tokio::test]
async fn an_open_work_list_follows_what_happens() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let front = site.world.lock(&anna, "Front door", 1).await;
    let page = browser.get("/attention").await;
    let mut stream = browser.listen(&page.stream()).await;
    until(&mut stream, "Nothing needs you.").await;
    site.world.clock.advance(Duration::from_secs(1));
    says(&site, front, &[Observation::State(LockState::MotorBlocked)]).await;
    let parts = until(&mut stream, "badge-bottom").await;
    assert!(parts.contains("Jammed") && parts.contains("id=\"badge-side\">1<"), "{parts}");
}

#[tokio::test]
async fn after_how_long_a_door_was_left_open_is_changed_from_the_work_list_which_follows_at_once() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let front = site.world.lock(&anna, "Front door", 1).await;
    says(&site, front, &[Observation::State(LockState::Unlocked), Observation::Door(DoorState::Opened)])
        .await;
    site.world.clock.advance(Duration::from_mins(5));
    let page = browser.get("/attention").await;
    assert!(page.body.contains("href=\"/settings/left-open\""));
    let mut stream = browser.listen(&page.stream()).await;
    until(&mut stream, "Nothing needs you.").await;
    let path = "/settings/left-open";
    assert!(browser.get(path).await.body.contains("value=\"10\""));
    for wrong in ["0", "1441", "ten", "", "5.5"] {
        let again = browser.post(path, &[("watched", "yes"), ("minutes", wrong)]).await;
        assert_eq!(again.status, http::StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(
            again.body.contains("id=\"minutes-wrong\"") && again.body.contains(&format!("value=\"{wrong}\""))
        );
    }
    let saved = browser.post(path, &[("watched", "yes"), ("minutes", "5")]).await;
    assert!(saved.leads_to().starts_with(path));
    site.world.clock.advance(Duration::from_secs(1));
    until(&mut stream, "event: refresh").await;
    let page = browser.get("/attention").await;
    assert!(page.part("attention").contains("Door left open") && badge(&page) == Some("1"));
    assert!(page.part("attention").contains("After how long a door counts as left open"));
    browser.post(path, &[("minutes", "x")]).await.leads_to();
    let page = browser.get("/attention").await;
    assert!(page.body.contains("Nothing needs you.") && badge(&page).is_none());
    assert!(!browser.get(path).await.body.contains("checked"));
}

#[tokio::test]
async fn each_line_of_the_work_list_names_the_place_and_the_list_is_narrowed_to_one() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let group = async |name: &str, parent| {
        site.world.app.create_group(&anna, NewGroup { name, parent }).await.unwrap()
    };
    let street = group("Harbour <street>", None).await;
    let house = group("House 4", Some(street)).await;
    let other = group("Elsewhere", None).await;
    for (number, place) in (1..).zip([house, other]) {
        let door = site.world.lock(&anna, &format!("Door {number}"), number).await;
        site.world.app.set_group(&anna, door, Some(place)).await.unwrap();
        says(&site, door, &[Observation::State(LockState::MotorBlocked)]).await;
    }
    let page = browser.get("/attention").await;
    assert!(page.part("attention").contains("Harbour &lt;street&gt; › House 4"));
    assert!(page.body.contains("Door 1") && page.body.contains("Door 2"));
    let page = browser.get(&format!("/attention?group={street}")).await;
    assert!(page.body.contains("Door 1") && !page.body.contains("Door 2"));
    assert!(page.body.contains(&format!("value=\"{street}\" selected")));
    // The open page stays narrowed.
    let mut stream = browser.listen(&page.stream()).await;
    let parts = until(&mut stream, "id=\"attention\"").await;
    assert!(parts.contains("Door 1") && !parts.contains("Door 2"), "{parts}");
    let nothing = browser.get("/attention?group=none").await;
    assert!(nothing.body.contains("Nothing here needs you.") && badge(&nothing) == Some("2"));
    // A list of what is in a group that is gone does not say that it is of everywhere, here or among the devices.
    for group in [house, street, other] {
        site.world.app.delete_group(&anna, group).await.unwrap();
        for path in [format!("/attention?group={group}"), format!("/devices?group={group}")] {
            let page = browser.get(&path).await;
            let gone = format!("<option value=\"{group}\" selected>A group that is gone</option>");
            assert!(page.body.contains(&gone) && !page.body.contains("Nothing here needs you."), "{path}");
        }
    }
}
