//! Promise 3: an event is in the log exactly once, whatever is repeated, reordered or wrong about it.

use std::time::Duration;

use lockwarden_app::Error;
use lockwarden_app::activity::{Cursor, Entry, EntryQuery, Happening, Logged, Origin};
use lockwarden_app::actor::{Actor, Scope};
use lockwarden_app::clock::Time;
use lockwarden_app::commands::Order;
use lockwarden_app::devices::{
    Delivery, DoorState, Intake, LockAction, LockEvent, LockState, Observation, Repetition, Session, Trigger,
};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::Filters;
use lockwarden_testkit::World;

fn keypad(code_id: u32) -> Observation {
    let event = LockEvent {
        action: LockAction::Unlatch,
        trigger: Trigger::System,
        auth_id: Some(195_249),
        code_id: Some(code_id),
        extra: 1,
    };
    Observation::Event(event)
}

fn delivered(packet: u16, digest: u64, repeated: bool) -> Delivery {
    let repetition = if repeated { Repetition::Said } else { Repetition::No };
    Delivery::AtLeastOnce { packet, digest, repetition }
}

async fn log(world: &World, actor: &Actor) -> Vec<Entry> {
    world.app.list_activity(actor, EntryQuery { limit: 200, ..EntryQuery::default() }).await.unwrap().entries
}

#[tokio::test]
async fn a_repeated_delivery_is_one_entry_in_the_same_batch_and_in_a_later_one() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let first = world.report(door, keypad(8_193), delivered(7, 99, false));
    let again = world.report(door, keypad(8_193), delivered(7, 99, true));
    world.app.record(&[first, again.clone()]).await.unwrap();
    world.clock.advance(Duration::from_hours(1));
    world.app.record(&[again]).await.unwrap();
    assert_eq!(log(&world, &anna).await.len(), 1);
}

#[tokio::test]
async fn a_possible_repetition_is_one_only_of_something_very_recent() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let possible = Delivery::AtLeastOnce { packet: 7, digest: 99, repetition: Repetition::Possible };
    world.app.record(&[world.report(door, keypad(1), delivered(7, 99, false))]).await.unwrap();
    world.clock.advance(Duration::from_secs(50));
    world.app.record(&[world.report(door, keypad(1), possible.clone())]).await.unwrap();
    assert_eq!(log(&world, &anna).await.len(), 1);
    world.clock.advance(Duration::from_secs(50));
    world.app.record(&[world.report(door, keypad(1), possible)]).await.unwrap();
    assert_eq!(log(&world, &anna).await.len(), 2, "the same key is turned every day");
}

#[tokio::test]
async fn a_repetition_that_was_never_recorded_is_recorded() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.app.record(&[world.report(door, keypad(8_193), delivered(7, 99, true))]).await.unwrap();
    assert_eq!(log(&world, &anna).await.len(), 1);
}

#[tokio::test]
async fn the_same_thing_happening_twice_is_two_entries() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for packet in [7, 8] {
        world.app.record(&[world.report(door, keypad(8_193), delivered(packet, 99, false))]).await.unwrap();
    }
    world.clock.advance(Duration::from_mins(1));
    world.app.record(&[world.report(door, keypad(8_193), delivered(7, 99, false))]).await.unwrap();
    assert_eq!(log(&world, &anna).await.len(), 3);
}

#[tokio::test]
async fn a_repetition_after_a_restart_is_still_one_entry() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.app.record(&[world.report(door, keypad(8_193), delivered(7, 99, false))]).await.unwrap();
    let world = world.restart(2).await;
    world.app.record(&[world.report(door, keypad(8_193), delivered(7, 99, true))]).await.unwrap();
    assert_eq!(log(&world, &anna).await.len(), 1);
}

#[tokio::test]
async fn an_open_delivery_survives_a_restart_until_it_is_released() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (door, credentials) = world.device(&anna, "Front door").await;
    let login = world.login(&credentials).await;
    let client_id: std::sync::Arc<str> = "SL3P_A1".into();
    let session = Session { login: login.login, client_id: client_id.clone() };
    let delivery = Delivery::ExactlyOnce {
        session: Some(session.clone()),
        packet: 11,
        digest: 5,
        repetition: Repetition::No,
    };
    let filters: Filters = [("nuki/A1/lockAction", 2)].into_iter().collect();
    world.app.save_broker_session(login.login, &client_id, &filters).await.unwrap();
    world.app.record(&[world.report(door, keypad(1), delivery)]).await.unwrap();
    let world = world.restart(2).await;
    let left = world.app.load_broker_session(login.login, &client_id).await.unwrap().unwrap();
    assert_eq!((left.filters, left.open), (filters, vec![11]));
    world.app.record(&[Intake::Released { session, packet: 11 }]).await.unwrap();
    let session = world.app.load_broker_session(login.login, &client_id).await.unwrap().unwrap();
    assert!(session.open.is_empty());
}

#[tokio::test]
async fn retained_state_told_again_adds_nothing() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, Observation::Door(DoorState::Closed)).await;
    for _ in 0..3 {
        world.says(door, Observation::State(LockState::Locked)).await;
        world.says(door, Observation::Door(DoorState::Closed)).await;
        world.says(door, Observation::Connected(true)).await;
    }
    assert!(log(&world, &anna).await.is_empty());
}

#[tokio::test]
async fn a_wrong_device_clock_is_marked_and_nothing_is_dropped() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let years_off = Time(world.clock.now().0 - 1_000 * 3_600 * 24 * 400);
    world.says(door, keypad(1)).await;
    world.says(door, Observation::DeviceTime(years_off)).await;
    world.says(door, keypad(2)).await;
    let entries = log(&world, &anna).await;
    assert_eq!(entries.len(), 2);
    let first = entries.iter().find(|entry| entry.code_id == Some(1)).unwrap();
    assert_eq!((first.device_at, first.clock_is_wrong, first.at), (Some(years_off), true, world.clock.now()));
    assert!(entries.iter().all(|entry| entry.clock_is_wrong));
    world.says(door, Observation::Link { up: false }).await;
    let newest = log(&world, &anna).await.remove(0);
    assert_eq!(
        (newest.happening, newest.clock_is_wrong),
        (Happening::WentOffline, false),
        "by our own clock"
    );
}

#[tokio::test]
async fn a_bolt_turned_by_hand_is_in_the_log_and_one_that_moved_while_away_is_not_called_that() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.clock.advance(Duration::from_mins(1));
    world.says(door, Observation::State(LockState::Unlocked)).await;
    world.says(door, Observation::Link { up: false }).await;
    world.clock.advance(Duration::from_mins(10));
    world.says(door, Observation::Link { up: true }).await;
    world.says(door, Observation::State(LockState::Locked)).await;
    let told: Vec<_> = log(&world, &anna).await.into_iter().rev().map(|e| (e.happening, e.origin)).collect();
    assert_eq!(
        told,
        [
            (Happening::TurnedToUnlocked, Origin::ByHand),
            (Happening::WentOffline, Origin::Unknown),
            (Happening::CameOnline, Origin::Unknown),
            (Happening::TurnedToLocked, Origin::Unknown),
        ]
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap_while_new_entries_arrive() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for code in 1..=137 {
        // Several entries share a millisecond, as a batch makes them.
        if code % 5 == 0 {
            world.clock.advance(Duration::from_millis(1));
        }
        world.says(door, keypad(code)).await;
    }
    let mut seen = Vec::new();
    let mut before: Option<Cursor> = None;
    loop {
        let query = EntryQuery { before, limit: 50, ..EntryQuery::default() };
        let page = world.app.list_activity(&anna, query).await.unwrap();
        seen.extend(page.entries.iter().filter_map(|entry| entry.code_id));
        world.says(door, keypad(1_000)).await;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=137).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_repeated_event_of_our_own_command_stays_its_one_entry() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let order = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
    let command = world.app.order(&anna, order).await.unwrap();
    world.app.take_command(command.id).await.unwrap().unwrap();
    let event = LockEvent {
        action: LockAction::Unlock,
        trigger: Trigger::Mqtt,
        auth_id: None,
        code_id: None,
        extra: 0,
    };
    for repeated in [false, true, true] {
        let told = world.report(door, Observation::Event(event), delivered(3, 4, repeated));
        world.app.record(&[told]).await.unwrap();
    }
    assert_eq!(log(&world, &anna).await.len(), 1);
}

#[tokio::test]
async fn an_event_whose_number_is_one_of_ours_keeps_it_and_is_not_mistaken_for_it() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for number in [7, 99, 150, 160, 240] {
        let event = LockEvent {
            action: LockAction::from_code(number),
            trigger: Trigger::System,
            auth_id: None,
            code_id: None,
            extra: 0,
        };
        world.says(door, Observation::Event(event)).await;
        world.clock.advance(Duration::from_secs(1));
    }
    let told: Vec<_> = log(&world, &anna).await.into_iter().rev().map(|entry| entry.happening).collect();
    assert_eq!(told, [7, 99, 150, 160, 240].map(Happening::Other));
    for ours in [Happening::WentOffline, Happening::DoorOpened] {
        let query = EntryQuery { happening: Some(ours), ..EntryQuery::default() };
        assert!(world.app.list_activity(&anna, query).await.unwrap().entries.is_empty(), "{ours:?}");
    }
}

#[tokio::test]
async fn the_log_of_a_removed_device_is_its_owners_to_read_and_nobody_elses() {
    let world = World::new().await;
    let (anna, boris) = (world.owner("Anna").await, world.owner("Boris").await);
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, keypad(8_193)).await;
    world.app.remove_device(&anna, door).await.unwrap();
    let of_door = EntryQuery { device: Some(door), ..EntryQuery::default() };
    let page = world.app.list_activity(&anna, of_door).await.unwrap();
    assert!(page.entries.len() == 1 && page.entries[0].device_removed);
    let expected = Logged { id: door, name: "Front door".to_owned(), removed: true };
    assert_eq!(world.app.load_logged(&anna, door).await.unwrap(), expected);
    assert!(matches!(world.app.load_logged(&boris, door).await, Err(Error::NotFound)));
    assert!(matches!(world.app.list_activity(&boris, of_door).await, Err(Error::NotFound)));
    let cellar_only = Actor { scope: Scope::Only([DeviceId(1)].into()), ..anna };
    assert!(matches!(world.app.load_logged(&cellar_only, door).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn what_the_web_api_cannot_show_takes_no_place_on_a_page() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, keypad(8_193)).await;
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(1));
        world.says(door, Observation::Link { up: false }).await;
        world.says(door, Observation::Link { up: true }).await;
    }
    for device in [None, Some(door)] {
        let query = EntryQuery { device, in_web_api: true, limit: 1, ..EntryQuery::default() };
        let page = world.app.list_activity(&anna, query).await.unwrap();
        assert_eq!((page.entries[0].code_id, page.next), (Some(8_193), None));
    }
}
