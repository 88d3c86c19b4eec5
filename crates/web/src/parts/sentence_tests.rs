//! Each kind of entry is read aloud once.

use lockwarden_app::clock::Time;
use lockwarden_app::ids::{AccountId, ActivityId, CommandId, DeviceId};

use super::*;

fn entry(happening: Happening, origin: Origin) -> Entry {
    Entry {
        id: ActivityId(1),
        account: AccountId(1),
        device: DeviceId(1),
        device_name: "Front door".to_owned(),
        device_removed: false,
        device_kind: None,
        nuki_id: None,
        at: Time(0),
        received_at: Time(0),
        device_at: None,
        clock_is_wrong: false,
        happening,
        origin,
        trigger: None,
        result: Some(Completion::Success),
        auth_id: None,
        code_id: None,
        presses: None,
        name: None,
        actor_name: None,
        command: None,
        command_state: None,
        command_reason: None,
    }
}

fn ordered_entry(state: CommandState, reason: Option<&str>) -> Entry {
    Entry {
        actor_name: Some("Anna".to_owned()),
        command: Some(CommandId(1)),
        command_state: Some(state),
        command_reason: reason.map(ToOwned::to_owned),
        result: None,
        ..entry(Happening::Unlock, Origin::Console)
    }
}

#[test]
fn an_order_is_told_as_done_only_when_the_lock_said_so() {
    for state in CommandState::ALL {
        let text = sentence(&ordered_entry(*state, None)).text();
        let expected = match state {
            CommandState::Done => "Anna unlocked Front door",
            _ => "Anna asked to unlock Front door",
        };
        assert_eq!(text, expected, "{state:?}");
    }
}

#[test]
fn a_failed_order_gives_the_locks_own_reason() {
    let told = sentence(&ordered_entry(CommandState::Failed, Some("the motor is blocked")));
    assert_eq!((told.more.as_slice(), told.failed), (&["failed: the motor is blocked".to_owned()][..], true));
}

#[test]
fn each_way_in_has_its_words() {
    let told = |origin, code_id, presses| {
        sentence(&Entry { code_id, presses, ..entry(Happening::Unlock, origin) }).text()
    };
    assert_eq!(
        told(Origin::KeypadCode, Some(8_193), None),
        "Front door was unlocked with entry code no. 8193"
    );
    assert_eq!(
        told(Origin::KeypadFingerprint, Some(2), None),
        "Front door was unlocked with fingerprint no. 2"
    );
    assert_eq!(told(Origin::ByHand, None, None), "Front door was unlocked by hand");
    assert_eq!(told(Origin::Fob, None, Some(2)), "Front door was unlocked with a fob, pressed 2 times");
    assert_eq!(told(Origin::AutoUnlock, None, None), "Front door unlocked itself");
    assert_eq!(told(Origin::Unknown, None, None), "Front door was unlocked");
}

#[test]
fn whoever_is_known_by_name_is_in_the_sentence_or_beside_it() {
    let anna = |happening, origin| Entry {
        name: Some("Anna".to_owned()),
        auth_id: Some(7),
        ..entry(happening, origin)
    };
    let by_code = Entry { code_id: Some(8_193), ..anna(Happening::Unlatch, Origin::KeypadCode) };
    assert_eq!(sentence(&by_code).text(), "Anna opened Front door with entry code no. 8193");
    let more = |entry: Entry| sentence(&entry).more;
    assert_eq!(more(anna(Happening::Unlock, Origin::AutoUnlock)), ["auto unlock, for Anna"]);
    assert_eq!(more(anna(Happening::FobNoAction, Origin::Fob)), ["it is set to do nothing", "by Anna"]);
    let refused = Entry { result: Some(Completion::Rejected), ..by_code };
    assert!(more(refused).ends_with(&["by Anna".to_owned()]));
    let nameless = Entry { name: None, ..anna(Happening::FobNoAction, Origin::Fob) };
    assert_eq!(more(nameless), ["it is set to do nothing", "authorization 7"]);
}

#[test]
fn a_lock_that_locks_itself_does_so() {
    assert_eq!(sentence(&entry(Happening::Lock, Origin::AutoLock)).text(), "Front door locked itself");
}

#[test]
fn turned_by_hand_and_found_turned_are_different_things() {
    let by_hand = sentence(&entry(Happening::TurnedToUnlocked, Origin::ByHand));
    assert_eq!(by_hand.text(), "Front door was unlocked by hand");
    let found = sentence(&entry(Happening::TurnedToLocked, Origin::Unknown));
    assert_eq!(found.text(), "Front door is now locked");
    assert!(!found.more.is_empty());
}

#[test]
fn what_did_not_work_never_reads_as_if_it_had() {
    for result in Completion::KNOWN.iter().filter(|result| **result != Completion::Success) {
        let told = sentence(&Entry { result: Some(*result), ..entry(Happening::Lock, Origin::App) });
        assert!(told.failed, "{result:?}");
        assert!(!told.text().contains("was locked"), "{result:?}");
    }
}

#[test]
fn on_its_own_page_a_device_is_not_called_by_its_name() {
    let told = |happening, origin| nameless(&entry(happening, origin)).text();
    assert_eq!(told(Happening::Unlock, Origin::ByHand), "The lock was unlocked by hand");
    assert_eq!(told(Happening::DoorOpened, Origin::Unknown), "Door opened");
    let ordered = |happening| {
        let entry = Entry { happening, ..ordered_entry(CommandState::Done, None) };
        nameless(&entry).text()
    };
    assert_eq!(ordered(Happening::Unlock), "Anna unlocked the lock");
    assert_eq!(ordered(Happening::LockNGo), "Anna started lock ’n’ go");
}

#[test]
fn a_wrong_code_is_an_entry_of_its_own() {
    let wrong =
        Entry { result: Some(Completion::InvalidCode), ..entry(Happening::Unlock, Origin::KeypadCode) };
    assert_eq!(sentence(&wrong).text(), "Wrong code at the keypad of Front door");
}

#[test]
fn an_event_without_a_name_is_kept_with_its_number() {
    let told = sentence(&entry(Happening::Other(99), Origin::Other(99)));
    assert_eq!(told.more, ["event 99"]);
}

#[test]
fn what_an_opener_did_is_told_in_its_own_words() {
    let opener = |entry: Entry| Entry { device_kind: Some(DeviceType::Opener), ..entry };
    let text = |entry: Entry| sentence(&opener(entry)).text();
    assert_eq!(text(ordered_entry(CommandState::Done, None)), "Anna switched ring to open on at Front door");
    let own = nameless(&opener(ordered_entry(CommandState::Sent, None)));
    assert_eq!(own.text(), "Anna asked to switch ring to open on");
    for (happening, told) in [
        (Happening::Unlock, "Front door was set to ring to open by app or Bluetooth"),
        (Happening::Lock, "Front door was taken off ring to open by app or Bluetooth"),
        (Happening::Unlatch, "Front door was opened by app or Bluetooth"),
        (Happening::LockNGo, "Front door was put into continuous mode by app or Bluetooth"),
        (Happening::LockNGoUnlatch, "Front door was taken out of continuous mode by app or Bluetooth"),
    ] {
        assert_eq!(text(entry(happening, Origin::App)), told);
    }
}
