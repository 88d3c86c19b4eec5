//! What a real Nuki Hub does that nobody would expect of it, byte for byte as it comes over the network.

use std::time::Duration;

use lockwarden_app::Error;
use lockwarden_app::activity::{Entry, EntryQuery, Happening, Origin};
use lockwarden_app::actor::Actor;
use lockwarden_app::commands::{Command, CommandState, Order};
use lockwarden_app::devices::{LockAction, LockState};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::settings::{Change, Delivery, Setting, SettingValue};
use serde_json::{Map, Value};

use crate::hub::{BASE, BASIC, Hub, added, log, logged, with_hub};
use crate::kit::Site;

const SUCCESS: &str =
    r#""type":"LockAction","action":"Unlock","trigger":"system","completionStatus":"success""#;

async fn ordered(site: &Site, owner: &Actor, device: DeviceId) -> Command {
    let order = Order { device, action: LockAction::Unlock, idempotency_key: None };
    site.world.app.order(owner, order).await.unwrap()
}

async fn state_of(site: &Site, owner: &Actor, command: &Command) -> (CommandState, String) {
    let command = site.world.app.load_command(owner, command.id).await.unwrap();
    (command.state, command.progress.unwrap_or_default())
}

/// Once the hub was told to unlock.
async fn until_told(hub: &mut Hub) {
    while hub.hears().await != ("nukihub/lock/action".to_owned(), "unlock".to_owned()) {}
}

/// The next change of settings that the hub is sent, while time goes by.
async fn change_sent(site: &Site, hub: &mut Hub) -> String {
    let hearing = async {
        loop {
            let (topic, payload) = hub.hears().await;
            if topic == "nukihub/lock/configuration/action" && payload != "{}" {
                return payload;
            }
        }
    };
    let ticking = async {
        loop {
            site.tick().await;
            // A busy machine needs longer than a tick to send.
            tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await.unwrap_err();
        }
    };
    tokio::select! {
        sent = hearing => sent,
        () = ticking => unreachable!(),
    }
}

/// A hub that has told which lock it has, and that it is locked.
async fn listening() -> (Site, Actor, DeviceId, Hub) {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    is_known(&site, &anna, door, &mut hub).await;
    (site, anna, door, hub)
}

async fn is_known(site: &Site, owner: &Actor, door: DeviceId, hub: &mut Hub) {
    hub.says("configuration/basicJson", BASIC).await;
    hub.is("locked", "system", "Lock").await;
    site.until(owner, door, |device| device.link.accepts_commands == Some(true)).await;
}

#[tokio::test]
async fn answers_and_a_log_left_over_from_before_decide_no_order_and_are_nothing_new() {
    let (site, anna, door, mut hub) = listening().await;
    let old = format!("[{}]", logged(7, 1, SUCCESS));
    hub.says("log", &old).await;
    assert_eq!(log(&site, &anna, door).await.len(), 1);
    // It waits for the seconds in which a hub hears nothing: what comes now is no answer to it.
    let command = ordered(&site, &anna, door).await;
    for (topic, left_over) in [
        ("action", "ack"),
        ("commandResult", "success"),
        ("commandResult", "failed"),
        ("retry", "failed"),
        ("log", old.as_str()),
        ("shortLog", old.as_str()),
    ] {
        hub.says(topic, left_over).await;
        assert_eq!(state_of(&site, &anna, &command).await, (CommandState::Created, String::new()), "{topic}");
    }
    for _ in 0..8 {
        site.tick().await;
    }
    until_told(&mut hub).await;
    hub.says("action", "ack").await;
    hub.says("commandResult", "success").await;
    assert_eq!(state_of(&site, &anna, &command).await.0, CommandState::Done);
    assert_eq!(log(&site, &anna, door).await.len(), 2, "the one from before, and this one");
}

#[tokio::test]
async fn what_a_hub_could_not_send_while_it_was_away_counts_once_when_it_sends_it_afterwards() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, login) = added(&site, &anna).await;
    let mut hub = Hub::connect(&site, &login, BASE).await;
    is_known(&site, &anna, door, &mut hub).await;
    site.world.clock.advance(Duration::from_secs(8));
    let command = ordered(&site, &anna, door).await;
    until_told(&mut hub).await;
    hub.says("action", "ack").await;
    drop(hub);
    site.until(&anna, door, |device| !device.link.online).await;
    assert_eq!(state_of(&site, &anna, &command).await.0, CommandState::Sent);
    let mut hub = Hub::connect(&site, &login, BASE).await;
    // First what waited, in its order; then how things stand.
    hub.says("commandResult", "success").await;
    hub.is("unlocking", "system", "Unlock").await;
    hub.is("unlocked", "system", "Unlock").await;
    hub.says("rollingLog", &logged(8, 0, SUCCESS)).await;
    let locked = SUCCESS.replace("Unlock", "Lock").replace("system", "button");
    hub.says("rollingLog", &logged(9, 20, &locked)).await;
    hub.is("locked", "button", "Lock").await;
    hub.says("log", &format!("[{},{}]", logged(8, 0, SUCCESS), logged(9, 20, &locked))).await;
    assert_eq!(
        state_of(&site, &anna, &command).await.0,
        CommandState::Done,
        "late, and an answer all the same"
    );
    let now = site.until(&anna, door, |device| device.link.online).await;
    assert_eq!(now.said.state, Some(LockState::Locked));
    let entries = log(&site, &anna, door).await;
    let told = |entry: &Entry| (entry.happening, entry.origin, entry.command);
    let told: Vec<_> = entries.iter().map(told).collect();
    let (locked, unlocked) = (Happening::Lock, Happening::Unlock);
    let away = [Happening::CameOnline, Happening::WentOffline].map(|one| (one, Origin::Unknown, None));
    let unlocked = (unlocked, Origin::Console, Some(command.id));
    assert_eq!(told, [(locked, Origin::Button, None), away[0], away[1], unlocked]);
}

#[tokio::test]
async fn undefined_before_a_success_is_nothing_and_the_success_is_one() {
    let (site, anna, door, mut hub) = listening().await;
    site.world.clock.advance(Duration::from_secs(8));
    let command = ordered(&site, &anna, door).await;
    until_told(&mut hub).await;
    hub.says("action", "ack").await;
    let before = state_of(&site, &anna, &command).await;
    assert_eq!(before.0, CommandState::Sent);
    hub.says("commandResult", "undefined").await;
    assert_eq!(state_of(&site, &anna, &command).await, before);
    hub.says("commandResult", "success").await;
    assert_eq!(state_of(&site, &anna, &command).await.0, CommandState::Done);
}

/// So many that they do not fit one message, with the values that a lock does not have from the start.
fn many_changes() -> Vec<Change> {
    use Setting as S;
    let switches = [
        S::AutoUnlatch,
        S::PairingEnabled,
        S::ButtonEnabled,
        S::LedEnabled,
        S::SingleLock,
        S::DetachedCylinder,
        S::AutomaticBatteryType,
        S::AutoUnlockDisabled,
        S::NightMode,
        S::NightModeAutoLock,
        S::NightModeAutoUnlockDisabled,
        S::NightModeLockOnStart,
        S::AutoLock,
        S::ImmediateAutoLock,
        S::AutoUpdate,
    ]
    .map(|setting| (setting, SettingValue::Bool(true)));
    let numbers = [
        (S::LedBrightness, 1),
        (S::FobAction1, 4),
        (S::FobAction2, 4),
        (S::FobAction3, 4),
        (S::AdvertisingMode, 2),
        (S::LockNGoTimeout, 45),
        (S::SinglePress, 3),
        (S::DoublePress, 5),
        (S::UnlatchDuration, 7),
        (S::UnlockedOffset, 45),
        (S::LockedOffset, -45),
        (S::SingleLockedOffset, -45),
        (S::TransitionOffset, 45),
        (S::NightModeStart, 1_320),
        (S::NightModeEnd, 360),
    ]
    .map(|(setting, number)| (setting, SettingValue::Int(number)));
    let place = [(S::Latitude, 48.208_176), (S::Longitude, 16.373_819)]
        .map(|(setting, degrees)| (setting, SettingValue::Float(degrees)));
    let name = (S::Name, SettingValue::Text("n".repeat(32)));
    let all = switches.into_iter().chain(numbers).chain(place).chain([name]);
    all.map(|(setting, value)| Change { setting, value, seen: None }).collect()
}

#[tokio::test]
async fn many_settings_at_once_reach_a_hub_that_cuts_what_it_is_sent_in_pieces_that_it_does_not_cut() {
    let (site, anna, door, mut hub) = listening().await;
    hub.says("configuration/basicJson", r#"{"nukiID":"3c8862ed","deviceType":4}"#).await;
    let changes = many_changes();
    site.world.app.change_settings(&anna, door, &changes).await.unwrap();
    let (mut arrived, mut pieces) = (Map::new(), 0);
    while arrived.len() < changes.len() {
        // As the hub reads it.
        let payload = change_sent(&site, &mut hub).await;
        let read = &payload[..payload.len().min(799)];
        let piece: Map<String, Value> = serde_json::from_str(read).unwrap();
        hub.says("configuration/commandResult", r#"{"general":"success"}"#).await;
        hub.says("configuration/advancedJson", &Value::from(piece.clone()).to_string()).await;
        arrived.extend(piece);
        pieces += 1;
    }
    assert!(pieces > 1 && arrived.values().all(Value::is_string), "{pieces}: {arrived:?}");
}

#[tokio::test]
async fn a_time_that_a_hub_would_keep_one_byte_of_is_refused_with_the_reason_and_never_leaves() {
    let (site, anna, door, mut hub) = listening().await;
    let config = r#"{"nukiID":"3c8862ed","deviceType":4,"autoLockTimeOut":120}"#;
    hub.says("configuration/basicJson", config).await;
    let app = &site.world.app;
    let held = async || {
        let held = app.load_settings(&anna, door).await.unwrap();
        held.into_iter().find(|held| held.setting == Setting::AutoLockTimeout).unwrap()
    };
    let int = |setting, value| Change { setting, value: SettingValue::Int(value), seen: None };
    // All or nothing: what else was asked for in the same form does not leave either.
    let beyond = [int(Setting::LedBrightness, 3), int(Setting::AutoLockTimeout, 600)];
    let refused = app.change_settings(&anna, door, &beyond).await;
    let Err(Error::Invalid { field: "autoLockTimeout", why }) = refused else { panic!("{refused:?}") };
    assert!(why.contains("600 would become 88"), "{why}");
    assert_eq!(held().await.delivery, None);
    app.change_settings(&anna, door, &[int(Setting::AutoLockTimeout, 255)]).await.unwrap();
    let sent = change_sent(&site, &mut hub).await;
    assert_eq!(sent, r#"{"autoLockTimeOut":"255"}"#);
    assert_eq!(held().await.delivery, Some(Delivery::Sent));
}

#[tokio::test]
async fn what_a_hub_does_not_pass_on_failed_in_the_log_with_the_reason_and_is_no_outcome_of_the_lock() {
    let (site, anna, door, mut hub) = listening().await;
    hub.says("configuration/basicJson", &BASIC.replace('{', r#"{"deviceType":4,"#)).await;
    site.world.clock.advance(Duration::from_secs(8));
    for (answer, reason) in [("denied", "the hub’s own access list forbids it"), ("error", "could not take")]
    {
        let command = ordered(&site, &anna, door).await;
        until_told(&mut hub).await;
        hub.says("action", answer).await;
        let entry = log(&site, &anna, door).await.remove(0);
        assert_eq!((entry.command, entry.command_state), (Some(command.id), Some(CommandState::Failed)));
        assert!(entry.command_reason.is_some_and(|words| words.contains(reason)), "{answer}");
        assert_eq!(entry.result, None, "the lock was not told, and said nothing");
    }
    let query = EntryQuery { device: Some(door), in_web_api: true, ..EntryQuery::default() };
    let over_rest = site.world.app.list_activity(&anna, query).await.unwrap().entries;
    assert!(over_rest.is_empty(), "only what a lock told the outcome of: {over_rest:?}");
}
