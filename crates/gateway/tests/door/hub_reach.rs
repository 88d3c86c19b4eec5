//! A hub is there and does not reach its lock, or says first what is long past: none of it is the lock's own word.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lockwarden_app::activity::Happening;
use lockwarden_app::actor::Actor;
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{Connector, Device, DoorState, LockState};
use lockwarden_app::health::Ailment;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::ways::{Fact, Trouble};
use rumqttc::QoS;

use crate::hub::{BASE, BASIC, Hub, added, log, with_hub};
use crate::kit::{Client, Site, within};

/// As a hub writes it that has not heard its lock since it started.
const ZEROS: &str =
    r#"{"critical":"1","charging":"0","level":0,"keypadCritical":"0","doorSensorCritical":"0"}"#;
const FULL: &str =
    r#"{"critical":"0","charging":"0","level":86,"keypadCritical":"0","doorSensorCritical":"0"}"#;
const UNDEFINED: &str = r#"{"lock_state":"undefined","lockngo_state":0,"trigger":"undefined",
    "currentTime":"0000-00-00 00:00:00","timeZoneOffset":0,"nightModeActive":0,"last_lock_action":"Unknown",
    "lock_completion_status":"undefined","door_sensor_state":"unavailable","auth_id":0,"auth_name":""}"#;

async fn out_of_reach(hub: &mut Hub) {
    hub.says("availability", "offline").await;
    hub.says("battery/basicJson", ZEROS).await;
    hub.says("json", UNDEFINED).await;
}

async fn device(site: &Site, owner: &Actor, door: DeviceId) -> Device {
    site.world.app.load_device(owner, door).await.unwrap()
}

async fn troubles(site: &Site, owner: &Actor, door: DeviceId) -> Vec<Trouble> {
    let connection = site.world.app.load_connection(owner, door).await.unwrap();
    connection.troubles.iter().map(|seen| seen.trouble).collect()
}

fn state(word: &str, clock: &str) -> String {
    format!(
        r#"{{"lock_state":"{word}","trigger":"manual","last_lock_action":"Lock","currentTime":"{clock}",
        "door_sensor_state":"doorClosed"}}"#
    )
}

#[tokio::test]
async fn nothing_is_taken_for_the_word_of_a_lock_that_its_hub_has_not_reached_and_the_owner_is_told() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    out_of_reach(&mut hub).await;
    let new = device(&site, &anna, door).await;
    assert!(new.link.online, "the hub is there");
    let said = (new.said.battery_critical, new.said.battery_percent, new.said.door, new.said.state);
    assert_eq!(said, (None, None, None, None));
    let facts = site.world.app.load_connection(&anna, door).await.unwrap().facts;
    assert!(
        !facts.iter().any(|said| matches!(said.fact, Fact::NightMode | Fact::TimeZoneOffset)),
        "{facts:?}"
    );
    assert_eq!(troubles(&site, &anna, door).await, [Trouble::OutOfReach]);
    let attention = site.world.app.load_attention(&anna, None).await.unwrap();
    let listed: Vec<Ailment> = attention.wards.iter().map(|ward| ward.ailment).collect();
    assert_eq!(listed, [Ailment::Trouble(Trouble::OutOfReach)]);

    hub.says("availability", "online").await;
    hub.says("battery/basicJson", FULL).await;
    hub.says("json", &state("locked", "2026-11-24 12:00:00")).await;
    let reached = device(&site, &anna, door).await.said;
    assert_eq!((reached.state, reached.door), (Some(LockState::Locked), Some(DoorState::Closed)));
    assert_eq!((reached.battery_critical, reached.battery_percent), (Some(false), Some(86)));
    assert_eq!(troubles(&site, &anna, door).await, []);
    assert!(log(&site, &anna, door).await.is_empty());

    out_of_reach(&mut hub).await;
    let lost = device(&site, &anna, door).await.said;
    assert_eq!((lost.battery_critical, lost.battery_percent), (Some(false), Some(86)), "its last word stays");
    assert_eq!(troubles(&site, &anna, door).await, [Trouble::OutOfReach]);
}

#[tokio::test]
async fn a_hub_that_comes_back_without_its_lock_leaves_what_the_lock_said_last_and_calls_it_old() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, login) = added(&site, &anna).await;
    let mut hub = Hub::connect(&site, &login, BASE).await;
    hub.says("configuration/basicJson", BASIC).await;
    hub.says("json", &state("locked", "2026-11-24 12:00:00")).await;
    hub.says("battery/basicJson", FULL).await;
    assert_eq!(device(&site, &anna, door).await.said.battery_percent, Some(86));
    drop(hub);
    site.until(&anna, door, |device| !device.link.online).await;
    site.tick().await;
    let mut hub = Hub::connect(&site, &login, BASE).await;
    out_of_reach(&mut hub).await;
    let back = device(&site, &anna, door).await;
    assert!(back.link.online && back.is_stale());
    assert_eq!((back.said.battery_critical, back.said.battery_percent), (Some(false), Some(86)));
    assert_eq!(troubles(&site, &anna, door).await, [Trouble::OutOfReach]);
    drop(hub);
    site.until(&anna, door, |device| !device.link.online).await;
    assert_eq!(troubles(&site, &anna, door).await, [], "a hub that is away is another matter");
    let mut hub = Hub::connect(&site, &login, BASE).await;
    out_of_reach(&mut hub).await;
    let site = site.reopen().await;
    assert_eq!(troubles(&site, &anna, door).await, [], "nor does anybody know after a restart");
}

#[tokio::test]
async fn what_a_hub_says_of_the_battery_before_the_state_counts_with_the_state() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    hub.says("battery/basicJson", ZEROS).await;
    hub.says("battery/basicJson", FULL).await;
    hub.says("battery/advancedJson", r#"{"batteryVoltage":5.9}"#).await;
    assert_eq!(device(&site, &anna, door).await.said.battery_percent, None);
    hub.says("json", &state("locked", "2026-11-24 12:00:00")).await;
    assert_eq!(device(&site, &anna, door).await.said.battery_percent, Some(86));
    let facts = site.world.app.load_connection(&anna, door).await.unwrap().facts;
    assert!(facts.iter().any(|said| said.fact == Fact::BatteryVoltage && said.value == "5900"), "{facts:?}");
}

/// What an earlier life of the hub left: opened by the app on the first of January 2020.
const OLD_LOG: &str = r#"[{"index":1,"authorizationId":0,"authorizationName":"","timeYear":2020,"timeMonth":1,"timeDay":1,
    "timeHour":0,"timeMinute":0,"timeSecond":0,"type":"LockAction","action":"Unlatch","trigger":"system",
    "completionStatus":"success"}]"#;
const YEAR_2020: Time = Time(1_577_836_800_000);

async fn leftovers(hub: &mut Hub) {
    hub.says("commandResult", "failed").await;
    hub.says("json", &state("unlatched", "2020-01-01 00:00:00")).await;
    hub.says("log", OLD_LOG).await;
}

#[tokio::test]
async fn what_a_hub_has_left_from_years_ago_is_no_present_and_stands_in_the_log_in_its_own_year() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, login) = added(&site, &anna).await;
    for (nth, word, is) in [(0, "locked", LockState::Locked), (1, "unlocked", LockState::Unlocked)] {
        let mut hub = Hub::connect(&site, &login, BASE).await;
        leftovers(&mut hub).await;
        let before = device(&site, &anna, door).await;
        assert!(before.said.state.is_none() || before.is_stale(), "{:?}", before.said.state);
        hub.says("json", &state(word, &format!("2026-11-24 12:0{nth}:00"))).await;
        let now = device(&site, &anna, door).await;
        assert_eq!((now.said.state, now.is_stale()), (Some(is), false));
        drop(hub);
        site.until(&anna, door, |device| !device.link.online).await;
        site.world.clock.advance(Duration::from_mins(1));
    }
    let entries = log(&site, &anna, door).await;
    let told: Vec<_> = entries.iter().map(|entry| (entry.happening, entry.at == YEAR_2020)).collect();
    let link = [Happening::WentOffline, Happening::CameOnline, Happening::WentOffline];
    let [last, back, away] = link.map(|happening| (happening, false));
    let meanwhile = (Happening::Unlock, false);
    assert_eq!(told, [last, meanwhile, back, away, (Happening::Unlatch, true)], "{entries:?}");
}

#[tokio::test]
async fn a_lock_whose_clock_is_years_off_is_believed_as_soon_as_that_clock_runs_and_is_asked_for_once() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    for _ in 0..5 {
        site.tick().await;
    }
    while hub.hears().await.0 != "nukihub/lock/configuration/action" {}
    let first = state("locked", "2019-05-01 10:00:00");
    hub.begins_to_say("json", &first).await;
    assert_eq!(within(hub.hears()).await, ("nukihub/lock/query/lockstate".to_owned(), "1".to_owned()));
    hub.begins_to_say("json", &first).await;
    let again = tokio::time::timeout(Duration::from_millis(300), hub.hears()).await;
    assert!(again.is_err(), "{again:?}");
    hub.says("rssi", "-61").await;
    assert_eq!(device(&site, &anna, door).await.said.state, None);
    hub.says("json", &state("locked", "2019-05-01 10:00:04")).await;
    assert_eq!(device(&site, &anna, door).await.said.state, Some(LockState::Locked));
}

#[tokio::test]
async fn a_hub_that_comes_back_and_repeats_its_last_word_does_not_undo_what_another_way_told_meanwhile() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, by_mqtt) = site.device(&anna, "Front door").await;
    let by_hub = site.world.app.add_way(&anna, door, Connector::NukiHub).await.unwrap();
    let mut lock = Client::connect(site.addr, &by_mqtt, "SL3P_3C8862ED").await;
    lock.say("nuki/3C8862ED/state", "1", QoS::AtLeastOnce).await;
    let last = state("locked", "2026-11-24 12:00:00");
    let mut hub = Hub::connect(&site, &by_hub, BASE).await;
    hub.says("json", &last).await;
    drop(hub);
    lock.say("nuki/3C8862ED/state", "3", QoS::AtLeastOnce).await;
    drop(lock);
    site.until(&anna, door, |device| !device.link.online).await;
    let turns = async || {
        let entries = log(&site, &anna, door).await;
        let of_link = [Happening::WentOffline, Happening::CameOnline];
        entries.iter().map(|entry| entry.happening).filter(|one| !of_link.contains(one)).collect::<Vec<_>>()
    };
    assert_eq!(turns().await, [Happening::TurnedToUnlocked]);
    let mut hub = Hub::connect(&site, &by_hub, BASE).await;
    hub.says("json", &last).await;
    let back = device(&site, &anna, door).await;
    assert!(back.link.online && back.is_stale());
    assert_eq!((back.said.state, turns().await.len()), (Some(LockState::Unlocked), 1));
    hub.says("json", &state("locked", "2026-11-24 12:00:00")).await;
    assert!(device(&site, &anna, door).await.is_stale());
    hub.says("json", &state("locked", "2026-11-24 12:05:00")).await;
    let now = device(&site, &anna, door).await;
    assert_eq!((now.said.state, now.is_stale()), (Some(LockState::Locked), false));
    assert_eq!(turns().await, [Happening::Lock, Happening::TurnedToUnlocked]);
}

#[tokio::test]
async fn a_hub_that_loses_its_lock_and_repeats_its_last_word_reaches_it_but_tells_nothing_new() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    hub.says("json", &state("locked", "2026-11-24 12:00:00")).await;
    hub.says("json", UNDEFINED).await;
    let lost = device(&site, &anna, door).await;
    assert!(lost.is_stale() && lost.link.is_out_of_reach);
    hub.says("json", &state("locked", "2026-11-24 12:00:00")).await;
    let again = device(&site, &anna, door).await;
    assert_eq!((again.is_stale(), again.link.is_out_of_reach), (true, false));
    hub.says("json", &state("locked", "2026-11-24 12:00:03")).await;
    assert!(!device(&site, &anna, door).await.is_stale());
}

/// As a lock writes it whose clock is a year slow.
fn by_a_slow_clock(now: Time, minutes: i64) -> DateTime {
    let told = Time(now.0 - 365 * 86_400_000 + minutes * 60_000);
    TimeZone::UTC.to_datetime(told.to_jiff())
}

#[tokio::test]
async fn an_action_and_its_record_are_one_entry_of_now_by_a_lock_a_year_slow_in_whatever_time_it_writes() {
    for (zone, clock, log_of_lock) in [60, -60]
        .into_iter()
        .flat_map(|zone| [(zone, 0, 0), (zone, zone, 0), (zone, 0, zone), (zone, zone, zone)])
    {
        let (site, anna, door, mut hub) = with_hub(BASE).await;
        for (word, seconds) in [("locked", 0), ("locked", 4), ("unlocked", 56)] {
            site.world.clock.advance(Duration::from_secs(seconds));
            let json =
                state(word, &by_a_slow_clock(site.world.clock.now(), clock).strftime("%F %T").to_string());
            let json = json.replacen('{', &format!("{{\"timeZoneOffset\":{zone},"), 1);
            hub.says("json", &json).await;
        }
        let at = by_a_slow_clock(site.world.clock.now(), log_of_lock);
        let record = format!(
            r#"[{{"index":1,"authorizationId":54321,"authorizationName":"Anna","timeYear":{},"timeMonth":{},"timeDay":{},
            "timeHour":{},"timeMinute":{},"timeSecond":{},"type":"LockAction","action":"Unlock","trigger":"manual",
            "completionStatus":"success"}}]"#,
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
        );
        hub.says("log", &record).await;
        let entries = log(&site, &anna, door).await;
        let told: Vec<_> = entries.iter().map(|entry| (entry.happening, entry.name.as_deref())).collect();
        let case = (zone, clock, log_of_lock);
        assert_eq!(told, [(Happening::Unlock, Some("Anna"))], "{case:?}: {entries:?}");
        assert!(
            site.world.clock.now().since(entries[0].at) < Duration::from_secs(5),
            "{case:?}: {entries:?}"
        );
    }
}
