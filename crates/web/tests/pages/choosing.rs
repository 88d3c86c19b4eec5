//! One thing done with many devices, from the boxes to the last result.

use std::time::Duration;

use futures_util::StreamExt as _;
use http::StatusCode;
use lockwarden_app::devices::{Connector, LockAction, LockState, NewDevice, Observation};
use lockwarden_app::settings::{Setting, SettingValue};

use crate::kit::Site;

#[tokio::test]
async fn locking_many_is_looked_at_first_begun_once_and_watched_to_its_end() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let app = &site.world.app;
    let mut devices = Vec::new();
    for (number, name) in (1..).zip(["Open one", "Open two", "Locked", "Away", "Not chosen"]) {
        devices.push(site.world.lock(&anna, name, number).await);
    }
    for place in [0, 1, 4] {
        site.world.says(devices[place], Observation::State(LockState::Unlocked)).await;
    }
    site.world.says(devices[3], Observation::Link { up: false }).await;
    let page = browser.get("/devices?select=yes").await;
    assert!(!page.body.contains("name=\"order\""), "nothing is operated where devices are chosen");
    let boxes: Vec<String> = devices[..4].iter().map(|device| format!("pick-{device}")).collect();
    let mut fields: Vec<(&str, &str)> = boxes.iter().map(|name| (name.as_str(), "yes")).collect();
    assert!(fields.iter().all(|(name, _)| page.body.contains(&format!("name=\"{name}\""))));
    fields.push(("deed", "lock"));
    let path = browser.post("/bulks", &fields).await.leads_to().to_owned();
    let preview = browser.get(&path).await;
    for words in ["Lock 2 devices?", "2 devices will be locked.", "1 is locked already", "1 is offline"] {
        assert!(preview.body.contains(words), "{words}");
    }
    assert!(preview.body.contains("id=\"each\" open>"), "a few are shown as they are");
    assert!(app.list_open_commands(&anna).await.unwrap().is_empty());
    let begin = format!("{path}/begin");
    assert_eq!(browser.post(&begin, &[]).await.leads_to(), path);
    assert_eq!(browser.post(&begin, &[]).await.leads_to(), path);
    app.work_on_bulks().await.unwrap();
    let open = app.list_open_commands(&anna).await.unwrap();
    assert_eq!(open.len(), 2);
    assert!(open.iter().all(|one| one.action == LockAction::Lock));
    let page = browser.get(&path).await;
    let progress = page.part("bulk-progress");
    assert!(progress.contains("2 waiting for the lock") && progress.contains("<b>0 of 2 devices</b>"));
    let mut stream = browser.listen(&page.stream()).await;
    for ((id, device), code) in app.due_commands().await.unwrap().into_iter().zip([0, 66]) {
        app.take_command(id).await.unwrap().unwrap();
        site.world.says(device, Observation::CommandResponse(code)).await;
        site.world.clock.advance(Duration::from_millis(250));
    }
    let mut said = String::new();
    while !said.contains("event: say") {
        let next =
            tokio::time::timeout(Duration::from_secs(1), stream.next()).await.expect("it was not told");
        said += std::str::from_utf8(&next.unwrap().unwrap()).unwrap();
    }
    assert!(said.contains("1 of 2 devices done, 1 failed."), "{said}");
    assert!(said.contains("he motor is blocked"), "{said}");
    let page = browser.get(&path).await;
    assert!(page.part("bulk-progress").contains("Try again with the one…"));
    let watched = said.split("id=\"results\"").collect::<Vec<_>>();
    assert_eq!(watched.len(), 2, "the whole list comes once: {said}");
    for seen in [watched[1], &page.body] {
        let names = ["Open one", "Open two"].map(|name| seen.find(&format!(">{name}<")).unwrap());
        assert!(names[0] > names[1], "what failed comes first: {seen}");
    }
    let again = browser.post(&format!("{path}/again"), &[]).await.leads_to().to_owned();
    assert!(again != path && browser.get(&again).await.body.contains("Lock 1 device?"));
}

#[tokio::test]
async fn all_that_match_are_chosen_also_those_on_no_page_and_nobody_elses() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (bert, mut berts) = site.owner("Bert").await;
    let theirs = site.world.lock(&bert, "Flat 99", 99_999).await;
    for number in 1..=120 {
        site.world.device(&anna, &format!("Flat {number}")).await;
    }
    site.world.device(&anna, "Cellar").await;
    let page = browser.get("/devices?q=flat&select=yes").await;
    assert!(page.body.contains("All 120 devices") && page.body.contains("that match"));
    let list = page.hidden("list").replace("&amp;", "&");
    let pick = format!("pick-{theirs}");
    let fields = [("all", "yes"), ("list", list.as_str()), ("deed", "favourite"), (pick.as_str(), "yes")];
    let path = browser.post("/bulks", &fields).await.leads_to().to_owned();
    assert!(browser.get(&path).await.body.contains("Make 120 devices favourites?"));
    for path in [path.as_str(), "/bulks/77"] {
        assert_eq!(berts.get(path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(berts.post(&format!("{path}/begin"), &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            berts.get(&format!("/live?on=bulk&bulk={}", &path[7..])).await.status,
            StatusCode::NOT_FOUND
        );
    }
    browser.post(&format!("{path}/begin"), &[]).await.leads_to();
    assert!(browser.get(&path).await.body.contains("Stop here"));
    for _ in 0..5 {
        site.world.app.work_on_bulks().await.unwrap();
    }
    assert!(browser.get(&path).await.body.contains("Done: 120 devices."));
    assert!(!site.world.app.load_device(&bert, theirs).await.unwrap().favourite);
    let nothing = browser.post("/bulks", &[("deed", "lock")]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nothing.body.contains("hoose at least one device"));
    for deed in ["unlock", "open", "unlatch", ""] {
        let refused = browser.post("/bulks", &[("deed", deed), ("all", "yes")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{deed}");
    }
}

#[tokio::test]
async fn whose_turn_had_not_come_when_somebody_stopped_it_is_not_called_failed_and_can_have_it_later() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    for number in 1..=70 {
        site.world.device(&anna, &format!("Flat {number}")).await;
    }
    let path = browser.post("/bulks", &[("deed", "favourite"), ("all", "yes")]).await.leads_to().to_owned();
    browser.post(&format!("{path}/begin"), &[]).await.leads_to();
    site.world.app.work_on_bulks().await.unwrap();
    let page = browser.get(&path).await;
    assert!(page.part("bulk-progress").contains("6 waiting for their turn"));
    let mut stream = browser.listen(&page.stream()).await;
    crate::live::until(&mut stream, "6 waiting for their turn").await;
    site.world.clock.advance(Duration::from_secs(1));
    browser.post(&format!("{path}/stop"), &[]).await.leads_to();
    let told = crate::live::until(&mut stream, "event: say").await;
    let page = browser.get(&path).await;
    for seen in [told.as_str(), page.part("bulk-progress")] {
        for words in ["64 of 70 devices done, 6 not begun.", ">6 not begun<", "Try again with those 6…"] {
            assert!(seen.contains(words), "{words}: {seen}");
        }
        assert!(!seen.contains("failed"), "{seen}");
    }
    assert_eq!(page.body.matches("Stopped before its turn came: nothing was done").count(), 6);
    let again = browser.post(&format!("{path}/again"), &[]).await.leads_to().to_owned();
    assert!(browser.get(&again).await.body.contains("Make 6 devices favourites?"));
}

#[tokio::test]
async fn all_but_some_are_chosen_with_and_without_a_setting_and_all_but_all_are_nobody() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let mut doors = Vec::new();
    for number in 1..=60 {
        doors.push(site.world.device(&anna, &format!("Flat {number}")).await.0);
    }
    let page = browser.get("/devices?select=yes&shown=50").await;
    assert!(
        page.body.contains("All 60 devices") && page.body.contains("also the 10 that are not on this page")
    );
    assert!(page.body.contains("name=\"but\""), "without a script it is a box");
    let out = [format!("pick-{}", doors[3]), format!("pick-{}", doors[59])];
    let all_but = |more: &[(&'static str, &'static str)]| {
        let fields = out.iter().map(|pick| (pick.as_str(), "yes")).chain([("all", "yes"), ("but", "yes")]);
        fields.chain(more.iter().copied()).collect::<Vec<_>>()
    };
    let path = browser.post("/bulks", &all_but(&[("deed", "favourite")])).await.leads_to().to_owned();
    let preview = browser.get(&path).await;
    assert!(preview.body.contains("Make 58 devices favourites?"), "{}", preview.body);
    assert!(!preview.body.contains(">Flat 4<") && !preview.body.contains(">Flat 60<"));
    assert!(
        preview.body.contains("id=\"each\"><summary>Each device"),
        "many are folded in below the question"
    );
    let which = browser.post("/bulks", &all_but(&[("deed", "setting")])).await;
    for name in [out[0].as_str(), out[1].as_str(), "but", "all"] {
        assert!(which.body.contains(&format!("name=\"{name}\" value=\"yes\"")), "{name} is carried along");
    }
    let unsaid = browser.post("/bulks", &[("but", "yes"), ("deed", "lock"), (out[0].as_str(), "yes")]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY, "of which all?");
    let everyone: Vec<String> = doors.iter().map(|door| format!("pick-{door}")).collect();
    let mut fields: Vec<(&str, &str)> = everyone.iter().map(|pick| (pick.as_str(), "yes")).collect();
    fields.extend([("all", "yes"), ("but", "yes"), ("deed", "favourite")]);
    let nobody = browser.post("/bulks", &fields).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nobody.body.contains("hoose at least one device"));
}

#[tokio::test]
async fn an_old_preview_begins_nothing_and_says_so() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let door = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(door, Observation::State(LockState::Unlocked)).await;
    let path = browser.post("/bulks", &[("deed", "lock"), ("all", "yes")]).await.leads_to().to_owned();
    site.world.clock.advance(Duration::from_mins(11));
    let refused = browser.post(&format!("{path}/begin"), &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("hings may have changed"), "{}", refused.body);
    site.world.app.work_on_bulks().await.unwrap();
    assert!(site.world.app.list_open_commands(&anna).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_setting_is_chosen_looked_at_for_each_device_and_watched_until_the_device_says_it() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let app = &site.world.app;
    let door = site.world.lock(&anna, "Front <door>", 1).await;
    let bare = site.world.lock(&anna, "No hub", 2).await;
    app.add_way(&anna, door, Connector::NukiHub).await.unwrap();
    let by_hub = async |seen| site.world.says_by(door, Connector::NukiHub, seen).await;
    by_hub(Observation::Link { up: true }).await;
    by_hub(Observation::Settings(vec![(Setting::AutoLock, SettingValue::Bool(false))])).await;
    assert!(browser.get("/devices?select=yes").await.body.contains("value=\"setting\""));
    let picks = [format!("pick-{door}"), format!("pick-{bare}")];
    let chosen = |more: &[(&'static str, &'static str)]| {
        let picks = picks.iter().map(|pick| (pick.as_str(), "yes"));
        picks.chain(more.iter().copied()).collect::<Vec<_>>()
    };
    let which = browser.post("/bulks", &chosen(&[("deed", "setting")])).await;
    assert_eq!(which.status, StatusCode::OK);
    assert!(which.body.contains("value=\"autoLock\"") && !which.body.contains("value=\"autoUnlatch\""));
    assert!(picks.iter().all(|pick| which.body.contains(&format!("name=\"{pick}\""))));
    let value = browser.post("/bulks", &chosen(&[("deed", "setting"), ("setting", "autoLock")])).await;
    assert_eq!(value.status, StatusCode::OK);
    for words in ["Lock by itself", "pushes the bolt out all the same", "name=\"autoLock\""] {
        assert!(value.body.contains(words), "{words}");
    }
    for (setting, wrong) in [("autoLock", "perhaps"), ("autoLock", ""), ("ledBrightness", "77")] {
        let mut fields = chosen(&[("deed", "set")]);
        fields.extend([("setting", setting), (setting, wrong)]);
        assert_eq!(browser.post("/bulks", &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    // What is of one door is asked for anew, not done.
    let latch = chosen(&[("deed", "set"), ("setting", "autoUnlatch"), ("autoUnlatch", "on")]);
    assert!(browser.post("/bulks", &latch).await.body.contains("value=\"autoLock\""));
    let set = chosen(&[("deed", "set"), ("setting", "autoLock"), ("autoLock", "on")]);
    let path = browser.post("/bulks", &set).await.leads_to().to_owned();
    let preview = browser.get(&path).await;
    for words in [
        "Set “Lock by itself” of 1 device to on?",
        "1 device will be changed.",
        "1 has no Nuki Hub",
        ">Is off, will be on<",
        "pushes the bolt out all the same",
        "Left out, and why",
        ">No hub</a>",
    ] {
        assert!(preview.body.contains(words), "{words}");
    }
    browser.post(&format!("{path}/begin"), &[]).await.leads_to();
    app.work_on_bulks().await.unwrap();
    let page = browser.get(&path).await;
    assert!(page.body.contains("On its way: done when the device says it"));
    let mut stream = browser.listen(&page.stream()).await;
    crate::live::until(&mut stream, "bulk-progress").await;
    for due in app.due_settings(None).await.unwrap().0 {
        app.settings_sent(due.device, &[Setting::AutoLock], &[]).await.unwrap();
    }
    by_hub(Observation::Settings(vec![(Setting::AutoLock, SettingValue::Bool(true))])).await;
    site.world.clock.advance(Duration::from_secs(1));
    crate::live::until(&mut stream, "Done · was off, is on").await;
    assert!(browser.get(&path).await.body.contains("Done: 1 device."));
    let nobody = browser.post("/bulks", &[("deed", "setting")]).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_a_setting_should_be_is_chosen_by_nobody_else_least_of_all_the_first_of_all_time_zones() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let door = site.world.lock(&anna, "Front door", 1).await;
    let pick = format!("pick-{door}");
    for (setting, described) in [
        ("autoLock", "autoLock-wrong autoLock-hint autoLock-danger"),
        ("timezoneId", "timezoneId-wrong timezoneId-hint timezoneId-danger"),
    ] {
        let asked = [(pick.as_str(), "yes"), ("deed", "setting"), ("setting", setting)];
        let page = browser.post("/bulks", &asked).await;
        assert_eq!(page.body.matches(" selected").count(), 1, "{setting}");
        assert!(page.body.contains("<option value=\"\" selected>choose…</option>"), "{setting}");
        let on = [(pick.as_str(), "yes"), ("deed", "set"), ("setting", setting), (setting, "")];
        let again = browser.post("/bulks", &on).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.body.contains("Choose what it should be"), "{setting}");
        assert!(again.body.contains(&format!("aria-describedby=\"{described}\"")), "{setting}");
    }
}

#[tokio::test]
async fn a_page_of_what_is_left_out_says_how_many_more_there_are() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    site.world.app.add_devices(&anna, &vec![NewDevice::by_mqtt("Flat"); 1_234], None).await.unwrap();
    let path = browser.post("/bulks", &[("deed", "lock"), ("all", "yes")]).await.leads_to().to_owned();
    let preview = browser.get(&path).await;
    assert_eq!(preview.body.matches("id=\"result-").count(), 500);
    assert!(preview.body.contains("and 734 more"), "{}", preview.body);
    assert!(preview.body.contains("Nothing to do") && !preview.body.contains("Lock 0"), "{}", preview.body);
}
