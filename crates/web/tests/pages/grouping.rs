//! Groups on the pages: made, changed, chosen, and as headings with their totals.

use std::time::Duration;

use futures_util::StreamExt as _;
use http::StatusCode;
use lockwarden_app::devices::{LockState, Observation};
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::GroupId;

use crate::kit::Site;

#[tokio::test]
async fn a_group_is_made_moved_renamed_and_deleted_by_forms() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    assert!(browser.get("/groups").await.body.contains("No groups yet"));
    browser.post("/groups", &[("name", "Harbour <b>street"), ("parent", "")]).await.leads_to();
    let harbour = site.world.app.known_groups(&anna).await.unwrap()[0].id.to_string();
    browser.post("/groups", &[("name", "House 4"), ("parent", &harbour)]).await.leads_to();
    let page = browser.get("/groups?said=group-made").await;
    assert!(page.body.contains("Harbour &lt;b&gt;street") && page.body.contains("depth-1"));
    let again = browser.post("/groups", &[("name", "house 4"), ("parent", &harbour)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("There is a group of this name here already"));
    assert!(again.body.contains("value=\"house 4\""));
    let house = site.world.app.known_groups(&anna).await.unwrap()[1].id.to_string();
    let page = browser.get(&format!("/groups/{house}")).await;
    assert!(page.body.contains("Harbour &lt;b&gt;street › House 4"));
    browser.post(&format!("/groups/{house}"), &[("name", "House 5")]).await.leads_to();
    browser.post(&format!("/groups/{house}/place"), &[("parent", "")]).await.leads_to();
    let into_itself = browser.post(&format!("/groups/{house}/place"), &[("parent", &house)]).await;
    assert_eq!(into_itself.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(into_itself.body.contains("cannot be inside itself"));
    let device = site.world.lock(&anna, "Flat 2", 7).await;
    browser.post(&format!("/devices/{device}/group"), &[("group", &house)]).await.leads_to();
    browser.post(&format!("/devices/{device}/favourite"), &[("favourite", "yes")]).await.leads_to();
    let card = browser.get("/devices").await;
    assert!(card.part(&format!("device-{device}")).contains("House 5"));
    assert!(card.body.contains("Favourite</span>"));
    let asked = browser.get(&format!("/groups/{house}/delete")).await;
    assert!(asked.body.contains("No device is removed"));
    browser.post(&format!("/groups/{house}/delete"), &[]).await.leads_to();
    assert_eq!(site.world.app.load_device(&anna, device).await.unwrap().group, None);
    assert_eq!(browser.get(&format!("/groups/{house}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn somebody_elses_group_answers_like_one_that_never_was() {
    let site = Site::new().await;
    let (anna, _) = site.owner("Anna").await;
    let (bert, mut berts) = site.owner("Bert").await;
    let new = NewGroup { name: "Secret site", parent: None };
    let theirs = site.world.app.create_group(&anna, new).await.unwrap();
    let door = site.world.lock(&bert, "Front door", 7).await;
    let mut answers = Vec::new();
    for group in [theirs, GroupId(12_345)] {
        let mut of_group = vec![
            berts.get(&format!("/groups/{group}")).await,
            berts.get(&format!("/groups/{group}/delete")).await,
        ];
        let id = group.to_string();
        for (path, fields) in [
            (format!("/groups/{group}"), vec![("name", "x")]),
            (format!("/groups/{group}/place"), vec![]),
            (format!("/groups/{group}/delete"), vec![]),
            ("/groups".to_owned(), vec![("name", "x"), ("parent", id.as_str())]),
            (format!("/devices/{door}/group"), vec![("group", id.as_str())]),
            ("/bulks".to_owned(), vec![("deed", "group"), ("group", id.as_str()), ("all", "yes")]),
        ] {
            of_group.push(berts.post(&path, &fields).await);
        }
        answers.push(of_group);
    }
    for (one, other) in answers[0].iter().zip(&answers[1]) {
        assert_eq!((one.status, &one.body), (StatusCode::NOT_FOUND, &other.body));
        assert!(!one.body.contains("Secret"));
    }
    for group in [theirs, GroupId(12_345)] {
        let page = berts.get(&format!("/devices?group={group}")).await;
        assert!(page.body.contains("No device matches") && !page.body.contains("Secret"));
    }
}

#[tokio::test]
async fn by_group_each_heading_has_its_total_and_follows_what_happens() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let app = &site.world.app;
    let group = async |name, parent| app.create_group(&anna, NewGroup { name, parent }).await.unwrap();
    let harbour = group("Harbour street", None).await;
    let house = group("House 4", Some(harbour)).await;
    group("Empty one", None).await;
    let flat = site.world.lock(&anna, "Flat 2", 1).await;
    let gate = site.world.lock(&anna, "Gate", 2).await;
    site.world.lock(&anna, "Garage", 3).await;
    app.set_group(&anna, flat, Some(house)).await.unwrap();
    app.set_group(&anna, gate, Some(harbour)).await.unwrap();
    site.world.says(flat, Observation::State(LockState::Unlocked)).await;
    let page = browser.get("/devices?by=group").await;
    let place = |words: &str| page.body.find(words).unwrap_or_else(|| panic!("no {words}"));
    let order =
        ["<h2>Harbour street</h2>", ">Gate</a>", "<h2>House 4</h2>", ">Flat 2</a>", "<h2>In no group</h2>"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])));
    assert!(place("<h2>In no group</h2>") < place(">Garage</a>") && !page.body.contains("<h2>Empty one"));
    assert!(page.between(&format!("id=\"in-group-{harbour}\">"), "<").contains("2 devices, 1 unlocked"));
    assert!(page.between(&format!("id=\"in-group-{house}\">"), "<").contains("1 device, 1 unlocked"));
    site.world.clock.advance(Duration::from_mins(2));
    let path = browser.get("/devices").await.stream();
    let mut stream = browser.listen(&path).await;
    let mut all = String::new();
    site.world.says(gate, Observation::State(LockState::Unlocked)).await;
    while !all.contains("2 devices, 2 unlocked") {
        let next = tokio::time::timeout(Duration::from_secs(1), stream.next()).await.expect("no totals came");
        all += std::str::from_utf8(&next.unwrap().unwrap()).unwrap();
    }
    assert!(!all.contains(&format!("id=\"in-group-{house}\"")), "what did not change is not sent");
}
