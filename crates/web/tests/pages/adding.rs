//! Adding a device step by step: where somebody is follows from what the device has said.

use std::collections::HashMap;
use std::time::Duration;

use http::StatusCode;
use lockwarden_app::bridges::{Listed, NewBridge, Polled};
use lockwarden_app::devices::{DeviceType, LockState, NewDevice, Observation};
use lockwarden_app::logins::Stranger;
use lockwarden_app::ways::Fact;

use crate::kit::{Browser, Site};
use crate::live::{says_nothing, until};

#[tokio::test]
async fn there_are_three_ways_to_begin_with_and_each_says_how_to_simulate_it() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let page = browser.get("/devices/new").await;
    for way in ["nuki-mqtt", "nuki-hub", "nuki-bridge"] {
        assert!(page.body.contains(&format!("/devices/new?way={way}")), "{way}");
        assert_eq!(browser.get(&format!("/devices/new?way={way}")).await.status, StatusCode::OK);
    }
    assert!(page.body.contains("No lock at hand?"));
    let bridge = browser.get("/devices/new?way=nuki-bridge").await;
    assert!(bridge.body.contains("lockwarden simulate --bridge 127.0.0.1:8082<"));
    for (way, path, rest) in [
        ("nuki-mqtt", "", ""),
        ("nuki-hub", "nukihub", " --hub"),
        ("nuki-hub", "my house", " --hub --base-path='my house'"),
    ] {
        let fields = [("way", way), ("name", "Front door"), ("base_path", path)];
        let to = browser.post("/devices/new", &fields).await.leads_to().replace("#connect", "");
        let page = browser.get(&to).await;
        let user = page.between("id=\"mqtt-user\">", "<");
        let command = page.between(&format!("id=\"simulate-{way}\">"), "<");
        let whole =
            format!("lockwarden simulate --broker 192.0.2.20:1883 --username {user} --password-stdin{rest}");
        assert_eq!(command, whole);
    }
}

#[tokio::test]
async fn who_comes_back_to_the_first_steps_goes_on_with_what_was_begun_instead_of_adding_it_twice() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let steps = ["/devices/new", "/devices/new?way=nuki-mqtt", "/devices/new?way=nuki-hub"];
    for path in steps {
        assert!(!browser.get(path).await.body.contains("id=\"begun\""), "{path}");
    }
    site.world.lock(&anna, "Back door", 0xA1).await;
    let fields = [("way", "nuki-mqtt"), ("name", "Front door")];
    let to = browser.post("/devices/new", &fields).await.leads_to().replace("#connect", "");
    let (_, mut boris) = site.owner("Boris").await;
    for path in steps {
        let page = browser.get(path).await;
        let begun = page.between("id=\"begun\"", "</section>");
        assert!(begun.contains(&format!("href=\"{to}\"")) && begun.contains("Front door"), "{path}");
        assert!(!begun.contains("Back door"), "{path}: it has connected");
        assert!(!boris.get(path).await.body.contains("id=\"begun\""), "{path}");
    }
}

#[tokio::test]
async fn an_order_that_tests_a_new_device_leads_back_to_the_step_it_was_given_at() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 0xA1).await;
    let page = browser.get(&format!("/devices/{device}/add")).await;
    let drawn = page.hidden("drawn");
    let path = format!("/devices/{device}/order");
    let steps = format!("/devices/{device}/add");
    let done = browser.post(&path, &[("order", "lock"), ("drawn", &drawn)]).await;
    assert_eq!(done.leads_to(), steps);
    let asks = browser.post(&path, &[("order", "open"), ("drawn", &drawn)]).await.leads_to().to_owned();
    let question = browser.get(&asks).await;
    assert!(question.body.contains(&format!("href=\"{steps}\"")) && question.hidden("drawn") == drawn);
}

#[tokio::test]
async fn a_hub_is_told_its_base_path_and_a_wrong_one_comes_back() {
    let site = Site::new().await;
    let (_, mut browser) = site.owner("Anna").await;
    let wrong = [("way", "nuki-hub"), ("name", "Front door"), ("base_path", "a/#")];
    let wrong = browser.post("/devices/new", &wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"base_path-wrong\"") && wrong.body.contains("value=\"Front door\""));
    let right = [("way", "nuki-hub"), ("name", "Front door"), ("base_path", "house/door")];
    let to = browser.post("/devices/new", &right).await.leads_to().replace("#connect", "");
    let page = browser.get(&to).await;
    for shown in ["MQTT base path", "id=\"mqtt-path\">house/door<", "id=\"mqtt-password\"", "192.0.2.20"] {
        assert!(page.body.contains(shown), "{shown}");
    }
}

#[tokio::test]
async fn the_steps_go_on_by_themselves_and_are_found_again_by_their_address() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (device, credentials) = site.world.device(&anna, "Front door").await;
    let path = format!("/devices/{device}/add");
    let page = browser.get(&path).await;
    assert!(page.body.contains("Waiting for the first connection"));
    assert!(
        page.body.contains("aria-current=\"step\">3. Connect")
            || page.between("aria-current=\"step\"", "</li>").contains("Connect")
    );
    let mut stream = browser.listen(&page.stream()).await;
    until(&mut stream, "Waiting for the first connection").await;
    let login = site.world.login(&credentials).await;
    site.world.app.bind_login(&login, 9).await.unwrap().unwrap();
    for seen in [
        Observation::Link { up: true },
        Observation::Listens(true),
        Observation::DeviceType(DeviceType::SmartLock5),
        Observation::Firmware("5.1.2".to_owned()),
        Observation::OwnName("Haustür".to_owned()),
        Observation::State(LockState::Unlocked),
    ] {
        site.world.says(device, seen).await;
    }
    site.world.clock.advance(Duration::from_secs(1));
    until(&mut stream, "event: refresh").await;
    let page = browser.get(&path).await;
    for found in ["<b>Connected</b>", "Haustür", "5th generation", "5.1.2", "Test it", "value=\"lock\""] {
        assert!(page.body.contains(found), "{found}");
    }
    assert!(page.between("aria-current=\"step\"", "</li>").contains("Test"));
    browser.post(&format!("/devices/{device}/order"), &[("order", "lock")]).await.leads_to();
    let due = site.world.app.due_commands().await.unwrap();
    site.world.app.take_command(due[0].0).await.unwrap().unwrap();
    site.world.says(device, Observation::CommandResponse(0)).await;
    site.world.says(device, Observation::State(LockState::Locked)).await;
    let page = browser.get(&path).await;
    assert!(page.between("aria-current=\"step\"", "</li>").contains("Group"), "{}", page.body);
    let done = browser.post(&format!("/devices/{device}/group"), &[("group", "")]).await;
    assert_eq!(done.leads_to(), format!("/devices/{device}?said=grouped"));
}

#[tokio::test]
async fn a_new_group_that_is_there_already_is_that_one_and_one_of_no_name_comes_back_at_its_field() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let app = &site.world.app;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let path = format!("/devices/{device}/add");
    assert!(browser.get(&path).await.body.contains(&format!("method=\"post\" action=\"{path}\"")));
    let done = format!("/devices/{device}?said=grouped");
    let group = async || app.load_device(&anna, device).await.unwrap().group;
    assert_eq!(browser.post(&path, &[("new_group", "Harbour street")]).await.leads_to(), done);
    let harbour = group().await.unwrap();
    let inside = harbour.to_string();
    assert_eq!(browser.post(&path, &[("group", &inside), ("new_group", "House 4")]).await.leads_to(), done);
    let house = group().await.unwrap();
    // Its place belongs to its name: of what is at the top, and of what is inside.
    for (parent, name, there) in [("", " HARBOUR street ", harbour), (&inside, "house 4", house)] {
        assert_eq!(browser.post(&path, &[("group", parent), ("new_group", name)]).await.leads_to(), done);
        assert_eq!(group().await, Some(there), "{name}");
    }
    let long = "A<".repeat(33);
    for (name, why) in [(long.as_str(), "At most 64 characters"), ("a\u{1}b", "No line breaks")] {
        let again = browser.post(&path, &[("group", &inside), ("new_group", name)]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        let field = again.between("<input id=\"new_group\"", ">");
        for part in
            ["autofocus", "aria-invalid=\"true\"", "aria-describedby=\"new_group-wrong new_group-hint\""]
        {
            assert!(field.contains(part), "{part}: {field}");
        }
        assert!(field.contains(&format!("value=\"{}\"", name.replace('<', "&lt;"))), "{field}");
        assert!(again.between("id=\"new_group-wrong\"", "</p>").contains(why));
        assert!(again.body.contains(&format!("value=\"{inside}\" selected")), "the group stays chosen");
        assert!(again.body.contains("<title>Not saved: Add Front door"));
        assert!(again.part(&format!("test-{device}")).contains("Test it"));
    }
    assert_eq!((group().await, app.known_groups(&anna).await.unwrap().len()), (Some(house), 2));
}

#[tokio::test]
async fn a_bridge_is_asked_at_once_and_its_devices_appear() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let bad = [("way", "nuki-bridge"), ("address", "https://x"), ("token", "abc"), ("token_form", "plain")];
    let answer = browser.post("/devices/new", &bad).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("id=\"address-wrong\""));
    let good =
        [("way", "nuki-bridge"), ("address", "192.0.2.7"), ("token", "abc123"), ("token_form", "hashed")];
    let path = browser.post("/devices/new", &good).await.leads_to().to_owned();
    let known = site.world.app.all_bridges().await.unwrap();
    assert_eq!((known[0].address.as_str(), known[0].token_form.as_str()), ("192.0.2.7:8080", "hashed"));
    assert!(
        browser.get("/devices/new").await.body.contains("192.0.2.7:8080"),
        "it is found again without a device"
    );
    let other = [("token", "other456"), ("token_form", "plain"), good[0], good[1]];
    assert_eq!(
        browser.post("/devices/new", &other).await.leads_to(),
        path,
        "what was mistyped is typed again"
    );
    assert_eq!(site.world.app.all_bridges().await.unwrap()[0].token, "other456");
    let page = browser.get(&path).await;
    assert!(page.body.contains("The bridge is being asked.") && !page.body.contains("abc123"));
    let mut stream = browser.listen(&page.stream()).await;
    until(&mut stream, "The bridge is being asked.").await;
    let bridge = site.world.app.list_bridges(&anna).await.unwrap()[0].id;
    let trouble = Polled::Troubled { words: "the bridge refuses the token", is_away: false };
    site.world.app.bridge_polled(bridge, &trouble).await.unwrap();
    site.world.clock.advance(Duration::from_secs(1));
    until(&mut stream, "The bridge refuses the token").await;
    site.world.app.bridge_polled(bridge, &Polled::Answered { latency_ms: 31 }).await.unwrap();
    let listed = [Listed { nuki_id: 9, kind: DeviceType::SmartLock12, name: Some("Cellar".to_owned()) }];
    site.world.app.bridge_lists(bridge, &listed).await.unwrap();
    site.world.clock.advance(Duration::from_secs(1));
    let said = until(&mut stream, "Cellar").await;
    assert!(said.contains("in 31 ms"), "{said}");
    let twice = browser.post("/devices/new", &good).await;
    assert!(twice.body.contains("id=\"address-wrong\""), "one that answers needs no other token");
    assert_eq!(site.world.app.all_bridges().await.unwrap()[0].token, "other456");
    let again = browser.get(&path).await;
    assert!(again.body.contains("1 device found.") && again.body.contains("Smart Lock 1.0 or 2.0"));
}

#[tokio::test]
async fn a_bridge_that_cannot_be_used_yet_says_why_where_its_devices_are_missed_and_what_was_mistyped_is_typed_again()
 {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let app = &site.world.app;
    let typed =
        [("way", "nuki-bridge"), ("address", "192.0.2.7"), ("token", "abc123"), ("token_form", "hashed")];
    let path = browser.post("/devices/new", &typed).await.leads_to().to_owned();
    let link = format!("href=\"{path}\">192.0.2.7:8080</a>");
    assert!(!browser.get("/devices").await.body.contains(&link));
    let work = browser.get("/attention").await;
    assert!(work.body.contains("Nothing needs you."));
    let mut stream = browser.listen(&work.stream()).await;
    until(&mut stream, "Nothing needs you.").await;
    let bridge = app.list_bridges(&anna).await.unwrap()[0].id;
    for why in ["the bridge refuses <the> token", "the bridge is busy", "nothing answers"] {
        app.bridge_polled(bridge, &Polled::Troubled { words: why, is_away: true }).await.unwrap();
        site.world.clock.advance(Duration::from_mins(1));
        let why = why.replace('<', "&lt;").replace('>', "&gt;");
        let told = until(&mut stream, &why).await;
        assert!(told.contains("A bridge cannot be used yet") && told.contains(&link), "{told}");
        let devices = browser.get("/devices").await;
        let strip = devices.between("<div id=\"missing\">", "</div>");
        assert!(strip.contains(&format!("The bridge at <a {link} cannot be used yet: {why}.")), "{strip}");
        assert_eq!(devices.between("id=\"badge-side\"", "</span>"), ">1<span class=\"sr\"> needs you");
        let page = browser.get(&path).await;
        assert!(
            page.part("bridge-state").contains("It cannot be used yet.") && page.body.contains("lists them")
        );
    }

    let change = format!("{path}/change");
    assert!(browser.get(&path).await.body.contains(&format!("href=\"{change}\"")));
    let form = browser.get(&change).await;
    assert!(form.between("<input id=\"address\"", ">").contains("value=\"192.0.2.7:8080\""));
    assert!(form.between("<input id=\"token\"", ">").contains("value=\"\""), "it is never shown");
    assert!(form.body.contains("value=\"hashed\" selected") && !form.body.contains("abc123"));
    for (address, token, field) in [("https://x", "abc123", "address"), ("192.0.2.8", "", "token")] {
        let typed = [("address", address), ("token", token), ("token_form", "plain")];
        let again = browser.post(&change, &typed).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        let wrong = again.between(&format!("<input id=\"{field}\""), ">");
        assert!(wrong.contains("aria-invalid=\"true\"") && wrong.contains("autofocus"), "{wrong}");
        assert!(again.body.contains(&format!("value=\"{address}\"")));
        assert!(again.body.contains("value=\"plain\" selected"));
    }
    let right = [("address", "192.0.2.8"), ("token", " def456 "), ("token_form", "encrypted")];
    assert_eq!(browser.post(&change, &right).await.leads_to(), path);
    let access = &app.all_bridges().await.unwrap()[0];
    assert_eq!((access.address.as_str(), access.token.as_str()), ("192.0.2.8:8080", "def456"));
    let page = browser.get(&path).await;
    assert!(page.body.contains("The bridge is being asked.") && page.body.contains("192.0.2.8:8080"));
    assert!(browser.get("/devices").await.body.contains("<div id=\"missing\"></div>"));
}

#[tokio::test]
async fn a_bridge_is_being_asked_as_long_as_it_is_not_known_how_that_went() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let app = site.world.app.clone();
    let new = NewBridge { address: "192.0.2.7", token: "token", token_form: "plain", listed: &[] };
    let (bridge, _) = app.add_bridge(&anna, new).await.unwrap();
    app.bridge_polled(bridge, &Polled::Answered { latency_ms: 31 }).await.unwrap();
    let refused = Polled::Troubled { words: "the bridge refuses the token", is_away: true };
    app.bridge_polled(bridge, &refused).await.unwrap();
    let path = format!("/bridges/{bridge}");
    let says = async |browser: &mut Browser, words: &str, among: &str| {
        let page = browser.get(&path).await;
        let state = page.part("bridge-state");
        assert!(state.contains(words) && state.contains("<dt>Last heard</dt>"), "{words}: {state}");
        let all = browser.get("/devices/new").await;
        assert!(all.between("Bridges that are here", "</section>").contains(among), "{among}");
    };
    says(&mut browser, "It cannot be used now.", "The bridge refuses the token").await;
    let right = [("address", "192.0.2.7"), ("token", "def456"), ("token_form", "plain")];
    assert_eq!(browser.post(&format!("{path}/change"), &right).await.leads_to(), path);
    says(&mut browser, "The bridge is being asked.", "It is being asked").await;
    app.bridge_polled(bridge, &Polled::Answered { latency_ms: 31 }).await.unwrap();
    says(&mut browser, "It answers", "It answers").await;
    drop(app);
    let _site = site.restart(2, &mut browser).await;
    says(&mut browser, "The bridge is being asked.", "It is being asked").await;
}

#[tokio::test]
async fn what_is_said_above_the_devices_of_a_bridge_comes_and_goes_by_itself() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let app = &site.world.app;
    let new = NewBridge { address: "192.0.2.7", token: "token", token_form: "plain", listed: &[] };
    let (bridge, _) = app.add_bridge(&anna, new).await.unwrap();
    site.world.clock.advance(Duration::from_mins(2));
    let none = "<div id=\"missing\"></div>";
    let page = browser.get("/devices").await;
    assert!(page.body.contains(none));
    let path = page.stream();
    let mut stream = browser.listen(&path).await;
    until(&mut stream, "retry").await;
    let away = Polled::Troubled { words: "no answer", is_away: true };
    app.bridge_polled(bridge, &away).await.unwrap();
    let said = until(&mut stream, "id=\"missing\"").await;
    assert!(said.contains(&format!("href=\"/bridges/{bridge}\"")), "{said}");
    assert!(!said.contains("event: refresh") && !said.contains("id=\"counts\""), "{said}");
    let mut late = browser.listen(&path).await;
    until(&mut late, "id=\"missing\"").await;

    site.world.clock.advance(Duration::from_secs(1));
    site.world.says(device, Observation::State(LockState::Unlocked)).await;
    let said = until(&mut stream, "1 unlocked").await;
    assert!(!said.contains("id=\"missing\""), "it was said before: {said}");

    // The page may read itself again between the bridge's list and its answer.
    let listed = [Listed { nuki_id: 9, kind: DeviceType::SmartLock12, name: None }];
    app.bridge_lists(bridge, &listed).await.unwrap();
    until(&mut stream, "event: refresh").await;
    site.world.clock.advance(Duration::from_mins(2));
    let page = browser.get("/devices").await;
    assert!(!page.body.contains(none));
    let mut stream = browser.listen(&page.stream()).await;
    until(&mut stream, "retry").await;
    says_nothing(&mut stream).await;
    app.bridge_polled(bridge, &Polled::Answered { latency_ms: 31 }).await.unwrap();
    assert!(!until(&mut stream, none).await.contains("event: refresh"));
    let mut late = browser.listen(&page.stream()).await;
    until(&mut late, none).await;
}

#[tokio::test]
async fn an_address_that_nobody_would_ask_is_refused_at_its_field_and_the_same_bridge_is_one_however_it_is_written()
 {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let mut add = async |address: &str| {
        let fields =
            [("way", "nuki-bridge"), ("address", address), ("token", "abc123"), ("token_form", "encrypted")];
        browser.post("/devices/new", &fields).await
    };
    for address in ["2130706433", "192.168.1.050", "0.0.0.0"] {
        let again = add(address).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        assert!(again.body.contains("id=\"address-wrong\""), "{address}");
    }
    let first = add("http://Bridge.lan/").await.leads_to().to_owned();
    assert_eq!(add("bridge.lan:8080").await.leads_to(), first);
    assert_eq!(site.world.app.list_bridges(&anna).await.unwrap().len(), 1);
}

fn announcing(name: &str) -> Observation {
    let facts = [(Fact::AnnouncedName, name), (Fact::Model, "Smart Lock 3.0 Pro"), (Fact::Maker, "Nuki")];
    Observation::Facts(facts.map(|(fact, value)| (fact, value.to_owned())).to_vec())
}

#[tokio::test]
async fn a_device_without_a_name_takes_the_one_it_announces_and_the_page_says_what_was_found_at_once() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let unnamed = [("way", "nuki-mqtt"), ("name", " ")];
    let to = browser.post("/devices/new", &unnamed).await.leads_to().replace("#connect", "");
    let page = browser.get(&to).await;
    assert!(page.body.contains("<h1>Add New lock</h1>") && !page.body.contains("Found: "));
    let mut stream = browser.listen(&page.stream()).await;
    until(&mut stream, "Waiting for the first connection").await;
    let device =
        site.world.app.list_devices(&anna, lockwarden_app::devices::SortBy::Name).await.unwrap()[0].id;
    site.world.clock.advance(Duration::from_secs(1));
    site.world.says(device, announcing("Maison <1>")).await;
    let said = until(&mut stream, "Found: ").await;
    assert!(said.contains("</b>Maison &lt;1&gt;, Smart Lock 3.0 Pro"), "{said}");
    site.world.says(device, Observation::DeviceType(DeviceType::SmartLock34)).await;
    site.world.clock.advance(Duration::from_secs(1));
    let page = browser.get(&to).await;
    assert!(page.body.contains("<h1>Add Maison &lt;1&gt;</h1>") && !page.body.contains("Call it"));
    let facts = browser.get(&format!("/devices/{device}")).await;
    assert!(facts.part(&format!("facts-{device}")).contains("<dt>Model</dt>"));
}

#[tokio::test]
async fn the_name_that_a_device_announces_is_suggested_beside_the_one_it_was_given() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(device, announcing("Maison")).await;
    let path = format!("/devices/{device}/add");
    let page = browser.get(&path).await;
    assert!(page.body.contains("Here it is called “Front door”") && page.body.contains("Call it “Maison”"));
    let named = browser.post(&format!("/devices/{device}"), &[("name", "Maison"), ("from", "add")]).await;
    assert_eq!(named.leads_to(), path);
    assert!(!browser.get(&path).await.body.contains("Call it"));
    // A hub calls every lock so.
    site.world.says(device, Observation::Facts(vec![(Fact::Model, "SmartLock".to_owned())])).await;
    let page = browser.get(&path).await;
    assert!(!page.body.contains("SmartLock") && !page.body.contains("<dt>Model</dt>"));
    site.world.says(device, announcing("Maison")).await;
    // Its own word is better than an announcement, and what the lock is better than what it is called.
    site.world.says(device, Observation::OwnName("Haustür".to_owned())).await;
    site.world.says(device, Observation::Facts(vec![(Fact::Variant, "3".to_owned())])).await;
    let page = browser.get(&format!("/devices/{device}")).await;
    let facts = page.part(&format!("facts-{device}"));
    assert!(facts.contains("Haustür") && !facts.contains("Announces itself as"), "{facts}");
    assert!(facts.contains("Ultra") && !facts.contains("Smart Lock 3.0 Pro"), "{facts}");
    // Nor does an announcement take the place of its own word where nobody named it.
    let (unnamed, _) =
        site.world.app.add_device(&anna, NewDevice { name: None, ..NewDevice::by_mqtt("") }).await.unwrap();
    let name = async || site.world.app.load_device(&anna, unnamed).await.unwrap().name;
    site.world.says(unnamed, announcing("Maison")).await;
    assert_eq!(name().await, "Maison");
    site.world.says(unnamed, Observation::OwnName("Haustür".to_owned())).await;
    site.world.says(unnamed, announcing("Maison")).await;
    assert_eq!(name().await, "Haustür");
}

#[tokio::test]
async fn what_announces_itself_and_is_not_in_the_account_is_added_with_one_click() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (_, mut boris) = site.owner("Boris").await;
    let (device, credentials) = site.world.device(&anna, "Front door").await;
    let login = site.world.login(&credentials).await.login;
    let path = format!("/devices/{device}/add");
    let page = browser.get(&path).await;
    let mut stream = browser.listen(&page.stream()).await;
    until(&mut stream, "Waiting for the first connection").await;
    let stranger = Stranger { name: Some("Cellar <2>".to_owned()), ..Stranger::lock(0xB2) };
    site.world.clock.advance(Duration::from_secs(1));
    site.world.app.note_strangers(&HashMap::from([(login, vec![stranger])])).await.unwrap();
    until(&mut stream, "Announcing themselves").await;
    let everywhere = browser.get("/devices/new").await;
    for page in [&browser.get(&path).await, &everywhere] {
        assert!(
            page.body.contains("Cellar &lt;2&gt;") && page.body.contains("It uses the login of “Front door”")
        );
    }
    assert!(!boris.get("/devices/new").await.body.contains("Announcing themselves"));
    let (noted, login) = (login, login.to_string());
    let click = [("login", login.as_str()), ("nuki_id", "000000B2"), ("part", "lock")];
    assert_eq!(boris.post("/devices/new/announced", &click).await.status, StatusCode::NOT_FOUND);
    let to = browser.post("/devices/new/announced", &click).await.leads_to().to_owned();
    let page = browser.get(&to).await;
    assert!(
        page.body.contains("<h1>Add Cellar &lt;2&gt;</h1>") && page.body.contains("id=\"mqtt-password\"")
    );
    assert_eq!(browser.post("/devices/new/announced", &click).await.status, StatusCode::NOT_FOUND);
    // Until its own login is typed in, it comes back with the other, and is no second lock for that.
    site.world.clock.advance(Duration::from_secs(1));
    site.world.app.note_strangers(&HashMap::from([(noted, vec![Stranger::lock(0xB2)])])).await.unwrap();
    for path in [&path, "/devices/new"] {
        assert!(!browser.get(path).await.body.contains("Announcing themselves"), "{path}");
    }
    assert_eq!(browser.post("/devices/new/announced", &click).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_hub_brings_besides_is_told_where_one_of_its_devices_is_added() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let new = NewDevice::by_hub("Front door", None);
    let (device, credentials) = site.world.app.add_device(&anna, new).await.unwrap();
    let login = site.world.login(&credentials).await;
    site.world.app.bind_login(&login, 7).await.unwrap().unwrap();
    let part = lockwarden_app::ways::HubPart::Opener;
    let opener = site.world.app.hub_part(login.login, part).await.unwrap().unwrap();
    let page = browser.get(&format!("/devices/{device}/add")).await;
    assert!(page.body.contains("Its hub brings also: "));
    assert!(page.body.contains(&format!("href=\"/devices/{opener}/add\">Front door (opener)</a>")));
}
