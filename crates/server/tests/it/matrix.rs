//! What each way gives and does not give, cell by cell of the table in `docs/connectors/README.md`: one lock, reached by one
//! way alone, through the real ports. Where a way does not give something, the page of the device says so.

use std::time::Duration;

use lockwarden_app::devices::{Capability, Connector, DeviceType};
use lockwarden_simulator::{BridgeSpec, Fleet, HubSpec, Lock, LockSpec, Options, Site as Place};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::kit::{EMAIL, PASSWORD, Site, call, get, within};
use crate::unlock::{DOOR, lock_says, log};
use crate::ways::{add, login};

const ID: u32 = 0xA1;
const TOKEN: &str = "bridge-token";
/// Of the lock's battery, so that no other figure is taken for it.
const PERCENT: u8 = 42;
/// A code that its keypad knows, and whose it is.
const CODE: u32 = 314_159;
const GUEST: &str = "Guest";
const GUEST_ID: u32 = 54_321;
/// Whom a simulated lock knows of itself.
const BEN: u32 = 54_322;

/// A lock that only one way leads to.
struct Reached {
    site: Site,
    token: String,
    fleet: Fleet,
    way: Connector,
    id: Value,
}

impl Reached {
    /// Once it is connected and has said its state.
    async fn by(way: Connector) -> Self {
        Self::at_pace(way, 0.05).await
    }

    /// The same, with delays of this part of what they are in life.
    async fn at_pace(way: Connector, time_scale: f64) -> Self {
        let site = Site::serving().await;
        let token = site.token();
        let mut lock = LockSpec::new(ID, "Front door");
        (lock.battery, lock.codes) = (PERCENT, vec![(CODE, GUEST.to_owned())]);
        lock.official = way == Connector::NukiMqtt;
        let options = Options { time_scale, ..Options::default() };
        let open = |place: Place| Fleet::open(&site.broker(), place, &options);
        let (fleet, id) = match way {
            Connector::NukiMqtt => {
                let device = add(&site, way.name(), "Front door");
                let (user, password) = login(&device);
                let lock = lock.with_login(&user, &password);
                (open(Place { locks: vec![lock], ..Place::default() }), device["id"].clone())
            }
            Connector::NukiHub => {
                let device = add(&site, way.name(), "Front door");
                let (user, password) = login(&device);
                let hub = HubSpec::new("nukihub-esp32", ID).with_everything().with_login(&user, &password);
                let place = Place { locks: vec![lock], hubs: vec![hub], ..Place::default() };
                (open(place), device["id"].clone())
            }
            Connector::NukiBridge => {
                let bridge = BridgeSpec::new(1_013_065_235, TOKEN, vec![ID]);
                let fleet = open(Place { locks: vec![lock], bridges: vec![bridge], ..Place::default() });
                let address = within(30, fleet.bridges()[0].address()).await.unwrap().to_string();
                let args =
                    ["device", "add", "--email", EMAIL, "--connector", way.name(), "--bridge", &address];
                let added = site.ok(&[&args[..], &["--token", TOKEN]].concat(), "");
                let added: Value = serde_json::from_str(&added).unwrap();
                (fleet, added["devices"][0]["id"].clone())
            }
        };
        let reached = Self { site, token, fleet, way, id };
        reached.says(|lock| lock["serverState"] == 0 && lock["state"]["state"] == 1).await;
        reached
    }

    fn lock(&self) -> &Lock {
        &self.fleet.locks()[0]
    }

    async fn says(&self, fact: impl Fn(&Value) -> bool) -> Value {
        lock_says(&self.site, &self.token, fact).await
    }

    /// An order by the API: the status and the words of its answer.
    async fn order(&self, action: &str) -> (u16, String) {
        call(self.site.http, "POST", &format!("{DOOR}/action"), &self.token, action).await.unwrap()
    }

    /// Waits until the log is as `fact` says; newest first.
    async fn logs(&self, fact: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut entries = Vec::new();
        for _ in 0..1_200 {
            entries = log(&self.site, &self.token).await;
            if fact(&entries) {
                return entries;
            }
            moment().await;
        }
        panic!("{:?}: {entries:?}", self.way)
    }

    /// As the command line shows it.
    fn shown(&self) -> Value {
        let id = self.id.to_string();
        serde_json::from_str(&self.site.ok(&["device", "show", "--email", EMAIL, &id], "")).unwrap()
    }

    async fn until_shown(&self, fact: impl Fn(&Value) -> bool) -> Value {
        within(60, async {
            loop {
                let shown = self.shown();
                if fact(&shown) {
                    return shown;
                }
                moment().await;
            }
        })
        .await
    }

    /// A page as its owner's browser gets it.
    async fn page(&self, below: &str) -> String {
        let cookie = sign_in(&self.site).await;
        let path = format!("/devices/{}{below}", self.id);
        speak(&self.site, &format!("GET {path} HTTP/1.1\r\ncookie: {cookie}\r\n"), "").await
    }

    /// What the one who carries orders was told to do, in its own words.
    fn told(&self) -> Vec<String> {
        match self.way {
            Connector::NukiMqtt => self.lock().seen().commands.into_iter().map(|one| one.payload).collect(),
            Connector::NukiHub => {
                let messages = self.fleet.hubs()[0].seen().messages;
                // It hears its own answers there, too.
                let actions = messages.into_iter().filter(|one| {
                    one.topic.ends_with("/lock/action") && !["ack", "--"].contains(&one.payload.as_str())
                });
                actions.map(|one| one.payload).collect()
            }
            Connector::NukiBridge => {
                let targets = self.fleet.bridges()[0].seen().targets;
                let action = |target: &String| {
                    let (_, rest) = target.strip_prefix("/lockAction?")?.split_once("action=")?;
                    Some(rest.split('&').next()?.to_owned())
                };
                targets.iter().filter_map(action).collect()
            }
        }
    }
}

async fn moment() {
    let _ = tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
}

pub(crate) async fn speak(site: &Site, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(site.http).await.unwrap();
    let http = site.http;
    let request = format!(
        "{head}host: {http}\r\norigin: http://{http}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) async fn sign_in(site: &Site) -> String {
    let body = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
    let head = "POST /sign-in HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let answer = speak(site, head, &body).await;
    let cookies = answer.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    cookies.map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

const WAYS: [Connector; 3] = [Connector::NukiMqtt, Connector::NukiHub, Connector::NukiBridge];

/// Does this with a lock by each of the ways.
macro_rules! by_each_way {
    ($reached:ident => $then:block) => {
        for way in WAYS {
            let $reached = Reached::by(way).await;
            $then
            $reached.fleet.stop().await;
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_carries_out_every_action_in_its_own_words_once() {
    by_each_way!(reached => {
        let way = reached.way;
        // Unlock, lock, open, lock 'n' go, the same with opening; and where the bolt rests afterwards.
        for (number, rests) in [(1, 3), (2, 1), (3, 3), (4, 1), (5, 1)] {
            let before = log(&reached.site, &reached.token).await.len();
            let (status, body) = reached.order(&format!(r#"{{"action":{number}}}"#)).await;
            assert_eq!(status, 204, "{way:?} {number}: {body}");
            let entries = reached.logs(|entries| entries.len() > before && entries[0]["state"] == 0).await;
            assert_eq!((entries.len(), &entries[0]["action"]), (before + 1, &number.into()), "{way:?}: {entries:?}");
            reached.lock().wait_for(|seen| seen.state == rests).await;
            reached.says(|lock| lock["state"]["state"] == rests).await;
        }
        let words = match way {
            Connector::NukiHub => ["unlock", "lock", "unlatch", "lockNgo", "lockNgoUnlatch"],
            Connector::NukiMqtt | Connector::NukiBridge => ["1", "2", "3", "4", "5"],
        };
        assert_eq!(reached.told(), words, "{way:?}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn both_turns_go_by_mqtt_and_hub_and_where_only_a_bridge_is_the_answer_says_that_it_cannot() {
    by_each_way!(reached => {
        let (status, body) = reached.order(r#"{"action":2,"option":4}"#).await;
        if reached.way == Connector::NukiBridge {
            assert_eq!(status, 400, "{body}");
            assert!(body.contains("the lock’s own MQTT or a Nuki Hub could"), "{body}");
            assert!(reached.told().is_empty() && reached.lock().seen().moves == 0, "nothing less was done instead");
        } else {
            assert_eq!(status, 204, "{:?}: {body}", reached.way);
            reached.logs(|entries| entries.first().is_some_and(|entry| entry["state"] == 0)).await;
            let word = if reached.way == Connector::NukiHub { "fullLock" } else { "6" };
            assert_eq!(reached.told(), [word]);
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bolt_is_seen_turning_by_mqtt_and_hub_and_by_a_bridge_only_once_it_rests() {
    for way in WAYS {
        // The bolt turns long enough to be asked meanwhile, also on a busy machine.
        let reached = Reached::at_pace(way, 0.5).await;
        let mut states = Vec::new();
        let (moved, ()) = tokio::join!(reached.order(r#"{"action":1}"#), async {
            while states.last() != Some(&3) {
                let (_, body) = get(reached.site.http, DOOR, &reached.token).await.unwrap();
                let lock: Value = serde_json::from_str(&body).unwrap();
                let state = lock["state"]["state"].as_u64().unwrap();
                if states.last() != Some(&state) {
                    states.push(state);
                }
            }
        });
        assert_eq!(moved.0, 204, "{:?}: {}", reached.way, moved.1);
        let seen = if reached.way == Connector::NukiBridge { &[1, 3][..] } else { &[1, 2, 3] };
        assert_eq!(states, seen, "{:?}", reached.way);
        reached.fleet.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_is_told_by_number_by_mqtt_by_name_by_the_hub_and_not_at_all_by_a_bridge() {
    by_each_way!(reached => {
        // Unlocked with one press of somebody's fob.
        reached.lock().visit(|machine| machine.memory().authorize(GUEST_ID, 0, GUEST)).await;
        reached.lock().fob(GUEST_ID, 1, 1);
        let name = match reached.way {
            Connector::NukiMqtt => format!("Fob {GUEST_ID}"),
            Connector::NukiHub => GUEST.to_owned(),
            Connector::NukiBridge => String::new(),
        };
        let entries = reached.logs(|entries| entries.iter().any(|entry| entry["name"] == name.as_str())).await;
        let entry = (&entries[0]["action"], &entries[0]["state"]);
        assert_eq!((entries.len(), entry), (1, (&1.into(), &0.into())), "{:?}: {entries:?}", reached.way);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_told_by_its_number_by_mqtt_by_name_where_a_hub_lists_it_and_not_at_all_by_a_bridge() {
    by_each_way!(reached => {
        if reached.way == Connector::NukiHub {
            reached.until_shown(|shown| shown["facts"]["named-codes"] == "1").await;
        }
        reached.lock().types(CODE);
        let name = match reached.way {
            Connector::NukiMqtt => "Keypad code 8192",
            Connector::NukiHub => GUEST,
            Connector::NukiBridge => "",
        };
        let entries = reached.logs(|entries| entries.iter().any(|entry| entry["name"] == name)).await;
        assert_eq!(entries.len(), 1, "{:?}: {entries:?}", reached.way);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_hub_beside_it_a_locks_own_mqtt_tells_at_once_by_name_whose_code_or_fob_it_was() {
    let site = Site::serving().await;
    let token = site.token();
    let (by_mqtt, by_hub) = (add(&site, "nuki-mqtt", "Front door"), add(&site, "nuki-hub", "The hub’s"));
    let (user, password) = login(&by_mqtt);
    let mut lock = LockSpec::new(ID, "Front door").with_login(&user, &password);
    lock.codes = vec![(CODE, GUEST.to_owned())];
    let (user, password) = login(&by_hub);
    let hub = HubSpec::new("nukihub-esp32", ID).with_everything().with_login(&user, &password);
    // It publishes the codes themselves, too, and no log: by name it can only be told by what its lists said before.
    let hub = HubSpec { keypad_codes: true, log: false, ..hub };
    let place = Place { locks: vec![lock], hubs: vec![hub], ..Place::default() };
    let fleet = Fleet::open(&site.broker(), place, &Options { time_scale: 0.05, ..Options::default() });
    let reached = Reached { site, token, fleet, way: Connector::NukiMqtt, id: by_mqtt["id"].clone() };
    let shown = reached
        .until_shown(|shown| {
            shown["facts"]["named-codes"] == "1" && shown["facts"]["named-authorizations"].is_string()
        })
        .await;
    assert_eq!(shown["connector"], "nuki-mqtt", "the faster way speaks");

    reached.lock().types(CODE);
    let entries = reached.logs(|entries| !entries.is_empty()).await;
    assert_eq!((&entries[0]["name"], &entries[0]["source"]), (&GUEST.into(), &1.into()), "{entries:?}");
    reached.says(|lock| lock["state"]["state"] == 3).await;
    let page = reached.page("").await;
    assert!(page.contains("by Guest, entry code<") && page.contains("with entry code no. 8192"), "{page}");
    reached.lock().fob(BEN, 2, 1);
    let entries = reached.logs(|entries| entries.len() > 1).await;
    assert_eq!((&entries[0]["name"], entries.len()), (&"Ben".into(), 2), "{entries:?}");
    reached.fleet.stop().await;

    // The code itself is nowhere.
    let file = reached.site.dir().join("backup.db");
    reached.site.ok(&["backup", file.to_str().unwrap()], "");
    let (kept, code) = (std::fs::read(&file).unwrap(), CODE.to_string());
    assert!(kept.windows(GUEST.len()).any(|piece| piece == GUEST.as_bytes()));
    assert!(!kept.windows(code.len()).any(|piece| piece == code.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_is_told_by_the_hub_and_by_no_other_way() {
    by_each_way!(reached => {
        reached.lock().types(CODE + 1);
        let refused = |entries: &[Value]| entries.iter().any(|entry| entry["state"] != 0);
        if reached.way == Connector::NukiHub {
            // A hub looks at the log when it is next told of something; a person who comes is that.
            reached.lock().types(CODE);
            let entries = reached.logs(|entries| entries.len() == 2 && refused(entries)).await;
            assert_eq!(entries[1]["source"], 1, "{entries:?}");
        } else {
            reached.lock().types(CODE);
            reached.logs(|entries| !entries.is_empty()).await;
            reached.lock().wait_for(|seen| seen.finished > 0 && seen.state == 3).await;
            assert_eq!(reached.order(r#"{"action":2}"#).await.0, 204);
            let entries = reached.logs(|entries| entries.len() > 1 && entries[0]["state"] == 0).await;
            assert!(entries.len() == 2 && !refused(&entries), "{:?}: {entries:?}", reached.way);
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn of_codes_access_and_schedules_no_way_gives_more_than_how_many_have_a_name() {
    by_each_way!(reached => {
        let is_hub = reached.way == Connector::NukiHub;
        if is_hub {
            reached.until_shown(|shown| shown["facts"]["named-codes"] == "1").await;
        }
        assert_eq!(reached.page("").await.contains("1 entry code known by name"), is_hub, "{:?}", reached.way);
        let (status, _) = get(reached.site.http, &format!("{DOOR}/auth"), &reached.token).await.unwrap();
        assert_eq!(status, 404, "they come with users and permissions");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_battery_is_told_in_percent_by_every_way_and_its_voltage_by_the_hub_alone() {
    by_each_way!(reached => {
        let shown = reached.until_shown(|shown| shown["batteryPercent"] == PERCENT).await;
        assert_eq!(shown["connector"], reached.way.name());
        let report = ["battery-mv", "temperature-c", "battery-mohm"];
        let has = |shown: &Value| report.iter().filter(|fact| !shown["facts"][fact].is_null()).count();
        if reached.way == Connector::NukiHub {
            reached.until_shown(|shown| has(shown) == report.len()).await;
        } else {
            assert_eq!(has(&shown), 0, "{shown}");
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_reach_the_lock_by_the_hub_and_are_refused_in_words_by_other_ways() {
    by_each_way!(reached => {
        if reached.way == Connector::NukiHub {
            reached.says(|lock| lock["advancedConfig"]["lngTimeout"] == 20).await;
        }
        let path = format!("{DOOR}/advanced/config");
        let body = r#"{"lngTimeout":45}"#;
        let (status, answer) = call(reached.site.http, "POST", &path, &reached.token, body).await.unwrap();
        let page = reached.page("/settings").await;
        if reached.way == Connector::NukiHub {
            assert_eq!(status, 204, "{answer}");
            reached.says(|lock| lock["advancedConfig"]["lngTimeout"] == 45).await;
            let held = reached.lock().visit(|machine| machine.memory.as_ref().map(|memory| memory.settings.get("lockNgoTimeout").to_owned()));
            assert_eq!(held.await.flatten().as_deref(), Some("45"));
            assert!(page.contains("The hub is connected: changes are sent at once."), "{page}");
        } else {
            assert_eq!(status, 400, "{:?}: {answer}", reached.way);
            assert!(answer.contains("no way to this device can set it"), "{answer}");
            assert!(page.contains("No way to this device gives its settings: a Nuki Hub would."));
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_fetched_anew_by_hub_and_bridge_and_not_offered_where_neither_is() {
    by_each_way!(reached => {
        let asked = || match reached.way {
            Connector::NukiMqtt => 0,
            Connector::NukiHub => reached.fleet.hubs()[0].seen().messages.iter().filter(|one| one.topic.ends_with("/query/lockstate") && one.payload == "1").count(),
            Connector::NukiBridge => reached.fleet.bridges()[0].seen().targets.iter().filter(|target| target.starts_with("/lockState?")).count(),
        };
        let before = asked();
        let (status, answer) = call(reached.site.http, "POST", &format!("{DOOR}/sync"), &reached.token, "").await.unwrap();
        let page = reached.page("").await;
        let offers = page.contains("/sync\"");
        // As in the Web API it is accepted in any case: what the lock tells by itself is as new as it can be.
        assert_eq!(status, 204, "{answer}");
        assert_eq!(offers, reached.way != Connector::NukiMqtt, "what cannot be done is not offered");
        if offers {
            within(60, async { while asked() <= before { moment().await } }).await;
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_of_everything_a_way_does_not_give_which_other_would() {
    by_each_way!(reached => {
        let page = reached.page("").await;
        for one in Capability::ALL.iter().copied().filter(|one| !reached.way.can(*one)) {
            let other = Connector::that_can(one, Some(DeviceType::SmartLock34)).unwrap();
            let would = match other {
                Connector::NukiMqtt => "the lock’s own MQTT would.",
                Connector::NukiHub => "a Nuki Hub would.",
                Connector::NukiBridge => "a Nuki Bridge would.",
            };
            let said = page.split("<p class=\"hint\">").any(|hint| {
                let hint = hint.split("</p>").next().unwrap_or_default();
                hint.contains(one.words()) && hint.ends_with(would) && hint.contains("does not give")
            });
            assert!(said, "{:?} does not give {}", reached.way, one.words());
        }
    });
}
