//! Only the truth is shown: unknown is unknown, and the log says who, how, when and by which clock.

use std::time::Duration;

use http::StatusCode;
use lockwarden_app::bridges::{Listed, NewBridge};
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{
    Connector, DeviceType, DoorState, LockAction, LockEvent, LockState, Observation, Trigger,
};
use lockwarden_app::ids::DeviceId;
use lockwarden_testkit::START;

use crate::kit::{Answer, Site};

#[tokio::test]
async fn an_offline_lock_is_never_called_locked() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(device, Observation::Link { up: false }).await;
    for path in ["/devices?view=tiles".to_owned(), format!("/devices/{device}")] {
        let page = browser.get(&path).await;
        let card = page.part(&format!("device-{device}"));
        assert!(!card.contains("Locked"), "{path}");
        assert!(card.contains("<b>Unknown</b>") && card.contains("offline since 13:00 · last known: locked"));
        assert!(!card.contains("name=\"order\""), "{path}");
    }
    let list = browser.get("/devices?view=list").await;
    assert!(!list.body.contains("Locked"));
    assert!(list.body.contains("All 1") && list.body.contains("1 offline"));
}

#[tokio::test]
async fn what_an_offline_lock_said_of_its_door_and_battery_is_called_last_known() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(device, Observation::Door(DoorState::Opened)).await;
    site.world.says(device, Observation::BatteryPercent(60)).await;
    let path = format!("/devices/{device}");
    let facts = format!("facts-{device}");
    let page = browser.get(&path).await;
    let parts = format!("parts-{device}");
    assert!(
        page.part(&parts).contains("<small>Door open since") && page.part(&facts).contains("<dd>60 %</dd>")
    );
    assert!(!page.part(&parts).contains("last known"));
    site.world.says(device, Observation::Link { up: false }).await;
    let page = browser.get(&path).await;
    assert!(page.part(&parts).contains(", last known</small>"));
    assert!(page.part(&facts).contains("<dd>60 %, last known</dd>"));
    assert!(browser.get("/devices?view=list").await.body.contains("60 % <small class=\"muted\">last known"));
}

#[tokio::test]
async fn nobody_is_drawn_to_lock_an_open_door() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(device, Observation::State(LockState::Unlocked)).await;
    let lock = |style: &str| format!("class=\"btn {style}\" id=\"device-{device}-lock\"");
    for path in ["/devices?view=tiles".to_owned(), format!("/devices/{device}")] {
        site.world.says(device, Observation::Door(DoorState::Closed)).await;
        assert!(browser.get(&path).await.body.contains(&lock("main")), "{path}");
        site.world.says(device, Observation::Door(DoorState::Opened)).await;
        assert!(browser.get(&path).await.body.contains(&lock("soft")), "{path}");
    }
}

#[tokio::test]
async fn a_lock_that_came_back_and_said_nothing_is_unknown() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(device, Observation::Link { up: false }).await;
    site.world.clock.advance(Duration::from_mins(5));
    site.world.says(device, Observation::Link { up: true }).await;
    let page = browser.get("/devices").await;
    assert!(page.part(&format!("device-{device}")).contains("<b>Unknown</b>"));
    site.world.says(device, Observation::State(LockState::Locked)).await;
    let page = browser.get("/devices").await;
    assert!(page.part(&format!("device-{device}")).contains("<b>Locked</b>"));
}

#[tokio::test]
async fn a_lock_that_ignores_commands_offers_none_and_says_why() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(device, Observation::Listens(false)).await;
    let page = browser.get("/devices").await;
    assert!(page.part(&format!("device-{device}")).contains("“Allow locking” is off"));
    assert!(!page.part(&format!("device-{device}")).contains("name=\"order\""));
    assert!(browser.get(&format!("/devices/{device}")).await.body.contains("switch on “Allow locking”"));
}

#[tokio::test]
async fn a_device_goes_from_waiting_to_connected() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (device, credentials) = site.world.device(&anna, "Front door").await;
    let path = format!("/devices/{device}");
    assert!(browser.get("/devices").await.body.contains("Not connected yet"));
    assert!(browser.get(&path).await.body.contains("Waiting for the first connection"));
    let login = site.world.login(&credentials).await;
    site.world.app.bind_login(&login, 9).await.unwrap().unwrap();
    site.world.says(device, Observation::Link { up: true }).await;
    let page = browser.get(&path).await;
    assert!(
        page.body.contains("<b>Connected</b>") && !page.body.contains("Waiting for the first connection")
    );
}

#[tokio::test]
async fn the_log_is_read_in_the_persons_own_days() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let empty = browser.get("/activity").await;
    assert!(empty.body.contains("Nothing yet") && empty.body.contains("Go to the devices"));
    let device = site.world.lock(&anna, "Front door", 7).await;
    // 23:30 UTC is half past midnight in Vienna.
    site.world.clock.advance(Duration::from_mins(11 * 60 + 30));
    site.world.says(device, by_code(8_193)).await;
    let page = browser.get("/activity").await;
    assert!(page.body.contains("was unlocked with entry code no. 8193"));
    assert!(page.body.contains("datetime=\"2026-11-25T00:30:00+01:00\""), "{}", page.body);
    assert!(page.body.contains("data-day=\"2026-11-25\"") && page.body.contains("Wednesday, 25 November"));
}

fn by_code(code: u32) -> Observation {
    Observation::Event(LockEvent {
        action: LockAction::Unlock,
        trigger: Trigger::System,
        auth_id: None,
        code_id: Some(code),
        extra: 1,
    })
}

#[tokio::test]
async fn a_wrong_clock_is_marked_and_its_time_is_told() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(device, by_code(8_193)).await;
    site.world.says(device, Observation::DeviceTime(Time(START.0 - 900_000))).await;
    let log = browser.get("/activity").await;
    assert!(log.body.contains("the lock’s clock said 12:45, which is 15 min slow"), "{}", log.body);
    assert!(browser.get("/devices").await.body.contains("Its clock is 15 min slow"));
}

#[tokio::test]
async fn the_log_is_turned_page_by_page_without_losing_or_repeating_an_entry() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    for code in 1..=120 {
        site.world.says(device, by_code(code)).await;
    }
    let mut path = "/activity".to_owned();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = browser.get(&path).await;
        let codes = page.body.split("with entry code no. ").skip(1);
        seen.extend(codes.map(|rest| rest.split('<').next().unwrap().parse::<u32>().unwrap()));
        if !page.body.contains("id=\"older\"") {
            break;
        }
        let tag = page.between("<a class=\"btn\" id=\"older\" href=\"", "\"");
        path = tag.replace("&amp;", "&");
    }
    assert_eq!(seen, (1..=120).rev().collect::<Vec<u32>>());
}

#[tokio::test]
async fn the_list_is_filtered_and_ordered_by_its_address() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (away, _) = site.world.device(&anna, "Attic").await;
    for (name, id) in [("Flat 10", 1), ("Flat 2", 2)] {
        site.world.clock.advance(Duration::from_secs(1));
        site.world.lock(&anna, name, id).await;
    }
    let order = |body: &str| {
        let mut names = ["Attic", "Flat 10", "Flat 2"];
        names.sort_by_key(|name| body.find(&format!(">{name}</a>")).unwrap());
        names
    };
    assert_eq!(order(&browser.get("/devices").await.body), ["Attic", "Flat 2", "Flat 10"]);
    assert_eq!(order(&browser.get("/devices?sort=added").await.body), ["Flat 2", "Flat 10", "Attic"]);
    let only_new = browser.get("/devices?show=new").await;
    assert!(only_new.body.contains(&format!("device-{away}")) && !only_new.body.contains(">Flat 2<"));
    let counts = only_new.part("counts");
    assert!(
        counts.find("1 not connected yet") < counts.find("2 locked"),
        "what is looked at comes first: {counts}"
    );
    assert!(browser.get("/devices?show=problem").await.body.contains("No device matches."));
}

#[tokio::test]
async fn the_log_says_whose_time_it_is_in_and_a_devices_page_tells_it_to_the_second() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.clock.advance(Duration::from_secs(7));
    site.world.says(device, by_code(8_193)).await;
    browser.post(&format!("/devices/{device}/order"), &[("order", "unlock")]).await;
    assert!(browser.get("/activity").await.body.contains("Times are those of Europe/Vienna"));
    let page = browser.get(&format!("/devices/{device}")).await;
    for part in ["log", "commands"] {
        assert!(page.part(&format!("{part}-{device}")).contains(">13:00:07</time>"), "{part}");
    }
}

#[tokio::test]
async fn a_removed_devices_entries_stay_readable_and_lead_nowhere() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let (_, mut berts) = site.owner("Bert").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.says(device, by_code(8_193)).await;
    let link = format!("href=\"/devices/{device}\"");
    assert!(browser.get("/activity").await.body.contains(&link));
    site.world.app.remove_device(&anna, device).await.unwrap();
    let path = format!("/activity?device={device}");
    for path in ["/activity", &path] {
        let page = browser.get(path).await;
        assert!(
            page.body.contains("<b>Front door</b> was unlocked with entry code no. 8193"),
            "{}",
            page.body
        );
        assert!(!page.body.contains(&link), "{path}");
    }
    let page = browser.get(&path).await;
    assert!(page.body.contains("Only Front door (removed)"));
    assert!(page.body.contains("<title>Activity log of Front door (removed)"));
    drop(browser.listen(&page.stream()).await);
    assert_eq!(berts.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_event_without_a_name_is_told_as_that_even_if_its_number_is_one_of_ours() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    for number in [160, 240] {
        let action = LockAction::from_code(number);
        let event = LockEvent { action, trigger: Trigger::System, auth_id: None, code_id: None, extra: 0 };
        site.world.says(device, Observation::Event(event)).await;
    }
    let log = browser.get("/activity").await;
    assert!(log.body.contains("event 160") && log.body.contains("event 240"));
    assert_eq!(log.body.matches("told of something that has no name here").count(), 2);
    assert!(!log.body.contains("went offline") && !log.body.contains("Door opened"));
}

/// What may be claimed after anything that three ways say: the best one that is there counts, from when it is.
struct Claim {
    up: [bool; 3],
    speaker: Option<usize>,
    state: Option<LockState>,
    door: Option<DoorState>,
    percent: Option<u8>,
    dice: u64,
}

impl Claim {
    fn throw(&mut self, sides: u64) -> usize {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.dice >> 33) % sides).unwrap()
    }

    fn link(&mut self, way: usize, up: bool) {
        self.up[way] = up;
        let speaker = self.up.iter().position(|up| *up);
        if speaker != self.speaker {
            (self.speaker, self.state) = (speaker, None);
        }
    }

    /// What this way says: of itself, or of the device if it is there.
    fn say(&mut self, way: usize) -> Option<Observation> {
        const STATES: [LockState; 4] =
            [LockState::Locked, LockState::Unlocked, LockState::Unlatched, LockState::MotorBlocked];
        let counts = self.speaker == Some(way);
        Some(match self.throw(8) {
            0..=2 => {
                let up = self.throw(2) > 0;
                self.link(way, up);
                Observation::Link { up }
            }
            _ if !self.up[way] => return None,
            3 => {
                let door = [DoorState::Opened, DoorState::Closed][self.throw(2)];
                self.door = if counts { Some(door) } else { self.door };
                Observation::Door(door)
            }
            4 => {
                let percent = u8::try_from(self.throw(101)).unwrap();
                self.percent = if counts { Some(percent) } else { self.percent };
                Observation::BatteryPercent(percent)
            }
            _ => {
                let state = STATES[self.throw(4)];
                self.state = if counts { Some(state) } else { self.state };
                Observation::State(state)
            }
        })
    }

    fn words(&self) -> &'static str {
        match self.state {
            Some(LockState::Locked) => "<b>Locked</b>",
            Some(LockState::Unlocked) => "<b>Unlocked</b>",
            Some(LockState::Unlatched) => "<b>Open</b>",
            Some(LockState::MotorBlocked) => "<b>Jammed</b>",
            _ => "<b>Unknown</b>",
        }
    }

    /// Door and battery on the page of the device.
    fn check_rest(&self, page: &Answer, device: DeviceId, step: u64) {
        let old = if self.state.is_some() { "" } else { ", last known" };
        let door = page.part(&format!("parts-{device}"));
        if let Some(state) = self.door {
            let words = if state == DoorState::Opened { "Door open since" } else { "Door closed since" };
            let told = door.split_once(words).unwrap_or_else(|| panic!("{step}: no {words}: {door}")).1;
            assert_eq!(
                told.split_once("</small>").unwrap().0.contains("last known"),
                !old.is_empty(),
                "{step}"
            );
        } else {
            assert!(!door.contains("Door open") && !door.contains("Door closed"), "{step}: {door}");
        }
        let facts = page.part(&format!("facts-{device}"));
        if let Some(percent) = self.percent {
            assert!(
                facts.contains(&format!("<dd>{percent} %{old}</dd>")),
                "{step}: {percent} %{old}: {facts}"
            );
        } else {
            assert!(!facts.contains(" %"), "{step}: {facts}");
        }
    }
}

#[tokio::test]
async fn tile_row_and_page_claim_what_was_said_and_nothing_else_whatever_comes_and_goes() {
    let mut site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    site.world.app.add_way(&anna, device, Connector::NukiHub).await.unwrap();
    let listed = [Listed { nuki_id: 7, kind: DeviceType::SmartLock34, name: None }];
    let bridge = NewBridge { address: "192.0.2.7", token: "token", token_form: "encrypted", listed: &listed };
    assert_eq!(site.world.app.add_bridge(&anna, bridge).await.unwrap().1, [device]);
    let ways = [Connector::NukiMqtt, Connector::NukiHub, Connector::NukiBridge];
    let mut claim = Claim {
        up: [true, false, false],
        speaker: Some(0),
        state: Some(LockState::Locked),
        door: None,
        percent: None,
        dice: 11,
    };
    let (mut claimed, mut spoke, mut restarts) = (0, [0; 3], 0);
    for step in 0..200 {
        if claim.throw(40) == 0 {
            site = site.restart(step + 2, &mut browser).await;
            (0..ways.len()).for_each(|way| claim.link(way, false));
            restarts += 1;
        } else {
            let way = claim.throw(3);
            let Some(seen) = claim.say(way) else { continue };
            site.world.says_by(device, ways[way], seen).await;
        }
        site.world.clock.advance(Duration::from_secs(2));
        claimed += usize::from(claim.state.is_some());
        claim.speaker.into_iter().for_each(|way| spoke[way] += 1);
        for path in
            ["/devices?view=tiles".to_owned(), "/devices?view=list".to_owned(), format!("/devices/{device}")]
        {
            let page = browser.get(&path).await;
            let card = page.part(&format!("device-{device}"));
            assert!(card.contains(claim.words()), "{step} {path}: {} is expected: {card}", claim.words());
            if path.ends_with(&device.to_string()) {
                claim.check_rest(&page, device, step);
            }
        }
    }
    assert!((30..160).contains(&claimed), "both are tried: {claimed}");
    assert!(spoke.iter().all(|times| *times > 5) && restarts > 1, "{spoke:?} {restarts}");
}
