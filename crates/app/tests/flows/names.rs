//! For whom numbers stand: what a device's lists say, kept for what it does afterwards, and for nothing else.

use std::time::Duration;

use lockwarden_app::activity::{Completion, Entry, EntryQuery, Happening, Origin};
use lockwarden_app::actor::Actor;
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{
    Connector, Delivery, LastEvent, LockAction, LockEvent, LogRecord, MOST_NAMES, NewDevice, Number,
    Observation, Trigger,
};
use lockwarden_app::ids::DeviceId;
use lockwarden_testkit::World;

const KEYPAD: u32 = 195_249;

fn names(list: &[(Number, &str)]) -> Observation {
    Observation::Names(list.iter().map(|(number, name)| (*number, (*name).to_owned())).collect())
}

fn event(auth_id: u32, code_id: u32) -> Observation {
    let some = |id: u32| Some(id).filter(|id| *id != 0);
    let (action, trigger) = (LockAction::Unlatch, Trigger::System);
    Observation::Event(LockEvent {
        action,
        trigger,
        auth_id: some(auth_id),
        code_id: some(code_id),
        extra: 1,
    })
}

fn logged(index: u32, at: Time, code_id: u32, name: &str) -> Observation {
    Observation::Log(vec![LogRecord {
        index,
        at,
        name: Some(name.to_owned()),
        auth_id: Some(KEYPAD),
        code_id: Some(code_id),
        happening: Happening::Unlatch,
        origin: Origin::KeypadCode,
        trigger: None,
        result: Completion::Success,
    }])
}

async fn log(world: &World, actor: &Actor, door: DeviceId) -> Vec<Entry> {
    let query = EntryQuery { device: Some(door), limit: 200, ..EntryQuery::default() };
    world.app.list_activity(actor, query).await.unwrap().entries
}

/// Who is named in the log, newest first.
async fn named(world: &World, actor: &Actor, door: DeviceId) -> Vec<Option<String>> {
    log(world, actor, door).await.into_iter().map(|entry| entry.name).collect()
}

async fn last(world: &World, actor: &Actor, door: DeviceId) -> LastEvent {
    world.app.load_device(actor, door).await.unwrap().said.last.unwrap()
}

/// Its name for code 8193, once it is typed.
async fn guest(world: &World, actor: &Actor, door: DeviceId) -> Option<String> {
    world.clock.advance(Duration::from_mins(5));
    world.says(door, event(KEYPAD, 8_193)).await;
    named(world, actor, door).await.remove(0)
}

#[tokio::test]
async fn an_event_with_a_number_is_told_by_name_at_once_and_keeps_the_number() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let list = [(Number::Code(8_193), "Guest"), (Number::Authorization(54_321), "Anna")];
    world.says(door, names(&list)).await;
    for (numbers, name) in
        [((KEYPAD, 8_193), Some("Guest")), ((54_321, 0), Some("Anna")), ((KEYPAD, 8_194), None)]
    {
        world.clock.advance(Duration::from_mins(5));
        world.says(door, event(numbers.0, numbers.1)).await;
        let entry = log(&world, &anna, door).await.remove(0);
        assert_eq!(entry.name.as_deref(), name);
        assert_eq!((entry.auth_id, entry.code_id.unwrap_or(0)), (Some(numbers.0), numbers.1));
        let last = last(&world, &anna, door).await;
        assert_eq!((last.name.as_deref(), last.auth_id), (name, Some(numbers.0)));
    }
    // What it does next without anybody is nobody's.
    world.says(door, event(54_321, 0)).await;
    assert!(last(&world, &anna, door).await.name.is_some());
    world.says(door, event(0, 0)).await;
    assert_eq!(last(&world, &anna, door).await.name, None);
}

#[tokio::test]
async fn a_list_counts_for_what_comes_after_it_in_the_same_batch_and_renames_nothing_before() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let said = [
        event(KEYPAD, 8_193),
        names(&[(Number::Code(8_193), "Guest")]),
        event(KEYPAD, 8_193),
        names(&[(Number::Code(8_193), "Gast")]),
        event(KEYPAD, 8_193),
    ];
    let batch: Vec<_> = said.into_iter().map(|seen| world.report(door, seen, Delivery::AtMostOnce)).collect();
    world.app.record(&batch).await.unwrap();
    let told = [Some("Gast".to_owned()), Some("Guest".to_owned()), None];
    assert_eq!(named(&world, &anna, door).await, told);
    world.says(door, names(&[(Number::Code(8_193), "Somebody else")])).await;
    assert_eq!(named(&world, &anna, door).await, told, "an entry says what was known when it was written");
}

#[tokio::test]
async fn what_the_log_of_a_lock_calls_only_keypad_is_whose_code_it_was() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, names(&[(Number::Code(8_193), "Guest")])).await;
    let at = world.clock.now();
    world.says(door, logged(1, at, 8_193, "Keypad")).await;
    world.says(door, logged(2, at, 8_194, "Keypad")).await;
    let codes = |entries: &[Entry]| {
        entries.iter().map(|entry| (entry.code_id.unwrap(), entry.name.clone())).collect::<Vec<_>>()
    };
    let guest = (8_193, Some("Guest".to_owned()));
    let mut told = codes(&log(&world, &anna, door).await);
    told.sort_unstable();
    assert_eq!(told, [guest.clone(), (8_194, None)], "the number of a code says more than the keypad");
    // An entry that nobody was named in may be told of again by the lock's own log, when its list knows more.
    world.says(door, names(&[(Number::Code(8_194), "Cleaner"), (Number::Code(8_193), "Renamed")])).await;
    world.says(door, logged(1, at, 8_193, "Keypad")).await;
    world.says(door, logged(2, at, 8_194, "Keypad")).await;
    let mut told = codes(&log(&world, &anna, door).await);
    told.sort_unstable();
    assert_eq!(told, [guest, (8_194, Some("Cleaner".to_owned()))]);
}

#[tokio::test]
async fn a_name_is_known_after_a_restart_and_when_a_list_does_not_have_it_any_more() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, names(&[(Number::Code(8_193), "Guest")])).await;
    world.says(door, names(&[(Number::Code(8_194), "Cleaner")])).await;
    let world = world.restart(2).await;
    assert_eq!(guest(&world, &anna, door).await.as_deref(), Some("Guest"));
}

#[tokio::test]
async fn names_are_of_one_device_and_nobody_elses_numbers_get_them() {
    let world = World::new().await;
    let (anna, boris) = (world.owner("Anna").await, world.owner("Boris").await);
    let front = world.lock(&anna, "Front door", 0xA1).await;
    let back = world.lock(&anna, "Back door", 0xA2).await;
    let other = world.lock(&boris, "Office", 0xB1).await;
    world.says(front, names(&[(Number::Code(8_193), "Guest")])).await;
    world
        .says(other, names(&[(Number::Code(8_193), "Colleague"), (Number::Authorization(8_193), "App")]))
        .await;
    assert_eq!(guest(&world, &anna, front).await.as_deref(), Some("Guest"));
    assert_eq!(guest(&world, &anna, back).await, None);
    assert_eq!(
        guest(&world, &boris, other).await.as_deref(),
        Some("Colleague"),
        "a code is no authorization"
    );
}

#[tokio::test]
async fn a_device_has_so_many_names_at_most_and_those_that_were_told_last_stay() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, names(&[(Number::Code(8_193), "Guest")])).await;
    let many = |from: u32| {
        Observation::Names(
            (from..from + 200).map(|id| (Number::Authorization(id), format!("Person {id}"))).collect(),
        )
    };
    for from in [1, 201] {
        world.clock.advance(Duration::from_hours(1));
        world.says(door, many(from)).await;
    }
    assert_eq!(guest(&world, &anna, door).await, None, "the oldest made room");
    world.clock.advance(Duration::from_hours(1));
    world.says(door, names(&[(Number::Code(8_193), "Guest")])).await;
    assert_eq!(guest(&world, &anna, door).await.as_deref(), Some("Guest"));
    let mut tx = world.app.db().read().await.unwrap();
    let count: i64 = tx.query("select count(*) from names").value().await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), MOST_NAMES);
    // A list that tells what is known already writes nothing, and all day long.
    drop(tx);
    let since = async || {
        let mut tx = world.app.db().read().await.unwrap();
        tx.query("select max(told_at) from names where kind = 1").value::<i64>().await.unwrap()
    };
    let before = since().await;
    world.says(door, many(201)).await;
    assert_eq!(since().await, before);
}

#[tokio::test]
async fn two_devices_that_turn_out_to_be_one_have_one_book_and_a_removed_one_has_none() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let (by_hub, _) = world.app.add_device(&anna, NewDevice::by_hub("By the hub", None)).await.unwrap();
    world.says(door, names(&[(Number::Code(8_193), "Old"), (Number::Code(8_194), "Cleaner")])).await;
    world.clock.advance(Duration::from_mins(1));
    world.says_by(by_hub, Connector::NukiHub, names(&[(Number::Code(8_193), "Guest")])).await;
    world.says_by(by_hub, Connector::NukiHub, Observation::NukiId(0xA1)).await;
    assert_eq!(guest(&world, &anna, door).await.as_deref(), Some("Guest"));
    world.clock.advance(Duration::from_mins(5));
    world.says(door, event(KEYPAD, 8_194)).await;
    assert_eq!(named(&world, &anna, door).await[0].as_deref(), Some("Cleaner"));
    let back = world.lock(&anna, "Back door", 0xA2).await;
    let (by_hub, _) = world.app.add_device(&anna, NewDevice::by_hub("By the hub", None)).await.unwrap();
    world.says_by(by_hub, Connector::NukiHub, names(&[(Number::Code(8_193), "Guest")])).await;
    world.says_by(by_hub, Connector::NukiHub, Observation::NukiId(0xA2)).await;
    assert_eq!(guest(&world, &anna, back).await.as_deref(), Some("Guest"), "it had no book of its own");
    world.app.remove_device(&anna, back).await.unwrap();
    world.app.remove_device(&anna, door).await.unwrap();
    let mut tx = world.app.db().read().await.unwrap();
    assert_eq!(tx.query("select count(*) from names").value::<i64>().await.unwrap(), 0);
    drop(tx);
    assert_eq!(named(&world, &anna, door).await[1].as_deref(), Some("Guest"), "what happened stays told");
}

#[tokio::test]
async fn however_many_numbers_come_at_once_each_is_looked_up() {
    const MANY: u32 = 8_200;
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, names(&[(Number::Code(1), "Guest")])).await;
    let now = world.clock.now();
    let told = (1..=MANY).rev().map(|code| {
        let before = Duration::from_mins(u64::from(code));
        let Observation::Log(record) = logged(MANY - code, now.minus(before), code, "Keypad") else {
            unreachable!()
        };
        record
    });
    world.says(door, Observation::Log(told.flatten().collect())).await;
    assert_eq!(named(&world, &anna, door).await[..2], [Some("Guest".to_owned()), None]);
}
