//! What a card may say, state by state.

use jiff::tz::TimeZone;
use lockwarden_app::devices::{Connector, Link, Mode, Said, Trigger};
use lockwarden_app::devices::{DeviceType, LockAction};
use lockwarden_app::ids::{AccountId, ActivityId, CommandId, DeviceId};

use super::*;

const NOW: Time = Time(1_795_521_600_000);

fn when() -> When {
    When::new(TimeZone::UTC, NOW)
}

fn device(state: Option<LockState>) -> Device {
    let before = NOW.minus(Duration::from_mins(5));
    Device {
        id: DeviceId(1),
        account: AccountId(1),
        connector: Connector::NukiMqtt,
        name: "Front door".to_owned(),
        nuki_id: Some(7),
        kind: None,
        group: None,
        favourite: false,
        left_open: lockwarden_app::devices::LeftOpen::USUAL,
        safety: lockwarden_app::devices::Safety::default(),
        unlocking_opens: false,
        added_at: before,
        updated_at: before,
        link: Link {
            online: true,
            changed_at: Some(before),
            speaker_since: Some(before),
            accepts_commands: Some(true),
            is_out_of_reach: false,
        },
        said: Said {
            state,
            state_at: state.map(|_| NOW),
            state_changed_at: state.map(|_| NOW),
            ..Said::default()
        },
    }
}

fn word(device: &Device) -> String {
    face(device, &Doing::default(), &when()).word
}

#[test]
fn only_a_lock_that_said_locked_reads_as_locked() {
    let others = (0..=u8::MAX).map(LockState::from_code).filter(|state| !state.is_locked());
    for state in others {
        assert_ne!(word(&device(Some(state))), "Locked", "{state:?}");
    }
    assert_eq!(word(&device(Some(LockState::Locked))), "Locked");
}

#[test]
fn an_offline_lock_is_unknown_and_its_last_state_is_called_that() {
    let mut away = device(Some(LockState::Locked));
    away.link.online = false;
    let face = face(&away, &Doing::default(), &when());
    assert_eq!((face.kind, face.word.as_str()), (Kind::Offline, "Unknown"));
    assert_eq!(face.detail, ["offline since 11:55", "last known: locked"]);
}

#[test]
fn a_state_from_before_this_connection_is_not_shown_as_fact() {
    let mut back = device(Some(LockState::Locked));
    back.said.state_at = Some(NOW.minus(Duration::from_hours(3)));
    assert_eq!(word(&back), "Unknown");
}

#[test]
fn a_device_that_never_connected_says_so() {
    let mut new = device(None);
    new.nuki_id = None;
    new.link.online = false;
    let face_of = |device: &Device| face(device, &Doing::default(), &when());
    assert_eq!((face_of(&new).kind, face_of(&new).word.as_str()), (Kind::New, "Not connected yet"));
    new.connector = Connector::NukiHub;
    new.link.online = true;
    let behind_hub = face_of(&new);
    assert_eq!((behind_hub.kind, behind_hub.word.as_str()), (Kind::New, "Unknown"));
    assert_eq!(behind_hub.detail, ["its hub is connected, and has told nothing of it yet"]);
}

#[test]
fn every_state_has_a_word_and_unknown_numbers_are_named() {
    for code in 0..=u8::MAX {
        assert!(!word(&device(Some(LockState::from_code(code)))).is_empty());
    }
    let odd = face(&device(Some(LockState::Other(99))), &Doing::default(), &when());
    assert!(odd.detail.iter().any(|detail| detail.contains("99")));
}

#[test]
fn chips_appear_only_when_they_matter() {
    let mut quiet = device(Some(LockState::Locked));
    quiet.said.battery_percent = Some(21);
    quiet.said.battery_critical = Some(false);
    quiet.said.door = Some(DoorState::Closed);
    quiet.said.clock_offset_ms = Some(90_000);
    assert_eq!(chips(&quiet, &when()), []);

    quiet.said.battery_percent = Some(20);
    quiet.said.door = Some(DoorState::Opened);
    quiet.said.clock_offset_ms = Some(-420_000);
    quiet.said.keypad_battery_critical = Some(true);
    quiet.link.accepts_commands = Some(false);
    let texts: Vec<String> = chips(&quiet, &when()).into_iter().map(|chip| chip.text).collect();
    let expected = [
        "Door open, although locked",
        "Keypad battery critical",
        "Battery 20 %",
        "“Allow locking” is off",
        "Its clock is 7 min slow",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn a_low_battery_that_is_being_charged_says_so_and_a_ring_is_told_for_an_hour() {
    let mut flat = device(Some(LockState::Locked));
    (flat.said.battery_percent, flat.said.battery_charging) = (Some(9), Some(true));
    assert_eq!(chips(&flat, &when())[0].text, "Battery 9 %, charging");
    let mut opener = device(Some(LockState::Locked));
    opener.kind = Some(DeviceType::Opener);
    let detail = |opener: &Device| face(opener, &Doing::default(), &when()).detail.join(" · ");
    opener.said.rang_at = Some(NOW.minus(Duration::from_mins(59)));
    assert!(detail(&opener).contains("rang "), "{}", detail(&opener));
    opener.said.rang_at = Some(NOW.minus(Duration::from_mins(61)));
    assert!(!detail(&opener).contains("rang "));
}

#[test]
fn a_door_that_an_offline_lock_once_saw_open_is_not_called_open() {
    let mut away = device(Some(LockState::Locked));
    away.link.online = false;
    away.said.door = Some(DoorState::Opened);
    assert_eq!(chips(&away, &when()), []);
}

#[test]
fn a_battery_of_an_offline_lock_is_called_last_known() {
    let mut away = device(Some(LockState::Locked));
    away.link.online = false;
    away.said.battery_percent = Some(9);
    away.said.keypad_battery_critical = Some(true);
    let texts: Vec<String> = chips(&away, &when()).into_iter().map(|chip| chip.text).collect();
    assert_eq!(texts, ["Keypad battery critical, last known", "Battery 9 %, last known"]);
}

#[test]
fn a_door_or_a_jam_from_before_this_connection_sends_nobody_anywhere() {
    let mut back = device(Some(LockState::MotorBlocked));
    back.said.door = Some(DoorState::Opened);
    assert_eq!(chips(&back, &when()).len(), 2);
    back.said.state_at = Some(NOW.minus(Duration::from_hours(3)));
    assert_eq!(chips(&back, &when()), []);
}

fn event(action: LockAction, origin: Origin, at: Time) -> LastEvent {
    LastEvent { action, trigger: Trigger::System, origin, auth_id: None, code_id: None, name: None, at }
}

/// Anna's order, and how it went.
fn annas(action: LockAction, at: Time) -> Doing {
    let command = Command {
        id: CommandId(1),
        device: DeviceId(1),
        action,
        state: CommandState::Done,
        error_code: None,
        reason: None,
        actor: Some(AccountId(1)),
        actor_name: Some("Anna".to_owned()),
        created_at: at,
        deadline: at,
        sent_by: None,
        progress: None,
        sent_at: Some(at),
        answer_by: None,
        accepted_at: Some(at),
        ended_at: Some(at),
        activity: ActivityId(1),
    };
    Doing { open: Vec::new(), last: Some(command) }
}

#[test]
fn who_ordered_the_opposite_did_not_bring_it_here() {
    let before = NOW.minus(Duration::from_secs(8));
    let mut turned = device(Some(LockState::Locked));
    let how = |device: &Device| face(device, &annas(LockAction::Unlock, before), &when()).detail;
    assert_eq!(how(&turned), ["since 12:00"]);
    turned.said.last = Some(event(LockAction::Unlock, Origin::Mqtt, before));
    assert_eq!(how(&turned), ["since 12:00"]);
    turned.said.last = Some(event(LockAction::Lock, Origin::ByHand, NOW));
    assert_eq!(how(&turned), ["since 12:00", "by hand"]);
    turned.said.state = Some(LockState::Unlocked);
    turned.said.last = None;
    assert_eq!(how(&turned), ["since 12:00", "by Anna"]);
}

#[test]
fn who_turned_it_long_after_an_order_had_ended_was_somebody_else() {
    let unlocked = device(Some(LockState::Unlocked));
    let how = |seconds| {
        let order = annas(LockAction::Unlock, NOW.minus(Duration::from_secs(seconds)));
        face(&unlocked, &order, &when()).detail
    };
    assert_eq!(how(10), ["since 12:00", "by Anna"]);
    assert_eq!(how(11), ["since 12:00"]);
    let mut slow = annas(LockAction::Unlock, NOW.minus(Duration::from_secs(40)));
    slow.last.as_mut().unwrap().ended_at = None;
    assert_eq!(face(&unlocked, &slow, &when()).detail, ["since 12:00", "by Anna"], "it is still at it");
}

#[test]
fn an_openers_continuous_mode_is_of_whoever_switched_it_on() {
    let mut opener = device(Some(LockState::Locked));
    opener.kind = Some(DeviceType::Opener);
    let how = |opener: &Device, action| face(opener, &annas(action, NOW), &when()).detail.pop().unwrap();
    assert_eq!(how(&opener, LockAction::Lock), "by Anna");
    opener.said.mode = Some(Mode::Continuous);
    assert_eq!(how(&opener, LockAction::LockNGo), "by Anna");
    for other in [LockAction::Lock, LockAction::LockNGoUnlatch, LockAction::Unlock] {
        assert_ne!(how(&opener, other), "by Anna", "{other:?}");
    }
}

#[test]
fn of_an_event_and_an_order_that_both_lead_here_the_later_one_did() {
    let mut unlocked = device(Some(LockState::Unlocked));
    let order = annas(LockAction::Unlock, NOW.minus(Duration::from_secs(10)));
    for (seconds_ago, expected) in [(90, "by Anna"), (5, "fob")] {
        let at = NOW.minus(Duration::from_secs(seconds_ago));
        unlocked.said.last = Some(event(LockAction::Unlock, Origin::Fob, at));
        assert_eq!(face(&unlocked, &order, &when()).detail, ["since 12:00", expected]);
    }
}

#[test]
fn how_it_came_about_is_told_when_an_event_was_near() {
    let mut by_code = device(Some(LockState::Unlocked));
    by_code.said.last =
        Some(LastEvent { code_id: Some(8_193), ..event(LockAction::Unlock, Origin::KeypadCode, NOW) });
    let told = face(&by_code, &Doing::default(), &when());
    assert_eq!(told.detail, ["since 12:00", "entry code no. 8193"]);
    by_code.said.last = by_code.said.last.map(|event| LastEvent { name: Some("Guest".to_owned()), ..event });
    let told = face(&by_code, &Doing::default(), &when());
    assert_eq!(told.detail, ["since 12:00", "by Guest, entry code"]);
    let by_app = LastEvent { name: Some("Ben".to_owned()), ..event(LockAction::Unlock, Origin::App, NOW) };
    let told = face(
        &Device { said: Said { last: Some(by_app), ..by_code.said.clone() }, ..by_code.clone() },
        &Doing::default(),
        &when(),
    );
    assert_eq!(told.detail, ["since 12:00", "by Ben, app or Bluetooth"]);
    by_code.said.last =
        by_code.said.last.map(|event| LastEvent { at: NOW.minus(Duration::from_hours(1)), ..event });
    assert_eq!(face(&by_code, &Doing::default(), &when()).detail, ["since 12:00"]);
}
