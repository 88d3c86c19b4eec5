//! The list of devices as a person finds their way in it: search, filters, orders, pages, and what is kept.

use std::time::Duration;

use futures_util::StreamExt as _;
use lockwarden_app::devices::{LockState, Observation};
use lockwarden_app::groups::NewGroup;

use crate::kit::{Answer, Site};

/// The names on a page, in their order.
fn names(page: &Answer, of: &[&str]) -> Vec<String> {
    let place = |name: &str| page.body.find(&format!(">{name}</a>"));
    let mut found: Vec<_> = of.iter().filter_map(|name| Some((place(name)?, (*name).to_owned()))).collect();
    found.sort();
    found.into_iter().map(|(_, name)| name).collect()
}

#[tokio::test]
async fn a_search_finds_names_ids_and_groups_and_nothing_that_matches_is_not_nothing_at_all() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    assert!(browser.get("/devices?q=x").await.body.contains("No devices yet"));
    let all = ["Café door", "Flat 2"];
    let cafe = site.world.lock(&anna, "Café door", 0xBEEF).await;
    let flat = site.world.lock(&anna, "Flat 2", 8).await;
    let house =
        site.world.app.create_group(&anna, NewGroup { name: "Straße 4", parent: None }).await.unwrap();
    site.world.app.set_group(&anna, flat, Some(house)).await.unwrap();
    for (typed, found) in [("CAFE", "Café door"), ("beef", "Café door"), ("strasse+flat", "Flat 2")] {
        assert_eq!(names(&browser.get(&format!("/devices?q={typed}")).await, &all), [found], "{typed}");
    }
    let page = browser.get("/devices?q=nothing+like+it&show=locked").await;
    assert!(page.body.contains("No device matches.") && page.body.contains("Clear filters"));
    assert!(!page.body.contains("No devices yet") && page.body.contains("value=\"nothing like it\""));
    assert_eq!(names(&browser.get("/devices?group=none").await, &all), ["Café door"]);
    let page = browser.get(&format!("/devices?group={house}")).await;
    assert_eq!(names(&page, &all), ["Flat 2"]);
    assert!(page.body.contains("In Straße 4"));
    let evil = browser.get("/devices?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(!evil.body.contains("<script>alert"));
    site.world.says(cafe, Observation::BatteryCritical(true)).await;
    assert_eq!(names(&browser.get("/devices?wrong=battery-critical").await, &all), ["Café door"]);
    assert_eq!(names(&browser.get("/devices?sort=problems").await, &all), ["Café door", "Flat 2"]);
    assert_eq!(names(&browser.get("/devices?sort=name-down").await, &all), ["Flat 2", "Café door"]);
    site.world.app.set_favourite(&anna, flat, true).await.unwrap();
    let page = browser.get("/devices?sort=favourites").await;
    assert_eq!(names(&page, &all), ["Flat 2", "Café door"]);
    assert!(page.body.contains("Favourite</span>"));
}

#[tokio::test]
async fn what_a_person_chose_is_kept_and_an_address_from_elsewhere_changes_nothing() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    site.world.lock(&anna, "Front door", 7).await;
    browser.get("/devices?view=list&sort=added").await;
    let mut other = site.signed_in("Anna").await;
    let page = other.get("/devices").await;
    assert!(
        page.body.contains("<table class=\"devices\">") && page.body.contains("value=\"added\" selected")
    );
    assert!(!page.body.contains("class=\"card dense\""));
    let from_elsewhere = other.request("GET", "/devices?view=tiles").header("sec-fetch-site", "cross-site");
    let page = other.take(from_elsewhere.body(axum::body::Body::empty()).unwrap()).await;
    assert!(page.body.contains("class=\"tiles\""), "an address shows what it says");
    assert!(browser.get("/devices").await.body.contains("<table class=\"devices\">"), "and changes nothing");
    assert!(browser.get("/devices?view=dense-list").await.body.contains("class=\"card dense\""));
    let (bert, mut berts) = site.owner("Bert").await;
    site.world.lock(&bert, "Bert's door", 8).await;
    assert!(!berts.get("/devices").await.body.contains("<table class=\"devices\">"));
}

#[tokio::test]
async fn page_by_page_every_device_is_shown_once() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    for number in 1..=230 {
        site.world.device(&anna, &format!("Flat {number}")).await;
    }
    let mut path = "/devices".to_owned();
    let mut seen = Vec::new();
    for pages in 1.. {
        let page = browser.get(&path).await;
        let numbers = page.body.split(">Flat ").skip(1).map(|rest| rest.split('<').next().unwrap());
        seen.extend(numbers.map(|number| number.parse::<u32>().unwrap()));
        assert!(page.body.contains(" of 230 devices") && page.body.contains("All 230"));
        if !page.body.contains("id=\"next\"") {
            assert_eq!(pages, 3);
            break;
        }
        path = page.between("id=\"next\" href=\"", "\"").replace("&amp;", "&");
    }
    assert_eq!(seen, (1..=230).collect::<Vec<u32>>());
    let page = browser.get("/devices").await;
    let more = page.between("id=\"more\" href=\"", "\"").to_owned();
    assert_eq!(browser.get(&more).await.body.matches("<article").count(), 230);
}

#[tokio::test]
async fn a_page_of_some_hears_of_its_own_cards_and_of_the_numbers_of_all() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let mut devices = Vec::new();
    for number in 1..=101 {
        devices.push(site.world.lock(&anna, &format!("Flat {number}"), number).await);
    }
    site.world.clock.advance(Duration::from_mins(2));
    let path = browser.get("/devices").await.stream();
    let mut stream = browser.listen(&path).await;
    let mut until = async |words: &str| {
        let mut all = String::new();
        while !all.contains(words) {
            let next = tokio::time::timeout(Duration::from_secs(1), stream.next()).await.expect(words);
            all += std::str::from_utf8(&next.unwrap().unwrap()).unwrap();
        }
        all
    };
    until("retry").await;
    site.world.says(devices[100], Observation::State(LockState::Unlocked)).await;
    let said = until("1 unlocked").await;
    assert!(!said.contains("<article"), "it is not on this page: {said}");
    site.world.clock.advance(Duration::from_millis(10));
    site.world.says(devices[0], Observation::State(LockState::Unlocked)).await;
    let said = until(&format!("id=\"device-{}\"", devices[0])).await;
    assert!(!said.contains("2 unlocked"), "the numbers come a little later, the card at once");
    site.world.clock.advance(Duration::from_millis(250));
    until("2 unlocked").await;
}
