//! Promise 3 where deliveries come again: nothing twice, and nothing new taken for something old.

use std::time::Duration;

use lockwarden_app::activity::{Entry, EntryQuery, Happening};
use lockwarden_app::actor::Actor;
use lockwarden_app::commands::{CommandState, Order};
use lockwarden_app::devices::{
    Delivery, DoorState, LockAction, LockEvent, LockState, Observation, Repetition, Trigger,
};
use lockwarden_app::ids::DeviceId;
use lockwarden_testkit::World;

/// The same every evening, to the byte.
const AUTO_LOCK: Observation = Observation::Event(LockEvent {
    action: LockAction::Lock,
    trigger: Trigger::AutoLock,
    auth_id: None,
    code_id: None,
    extra: 0,
});

fn delivered(packet: u16, digest: u64, repetition: Repetition) -> Delivery {
    Delivery::AtLeastOnce { packet, digest, repetition }
}

async fn says(world: &World, device: DeviceId, seen: Observation, delivery: Delivery) {
    world.app.record(&[world.report(device, seen, delivery)]).await.unwrap();
}

async fn log(world: &World, actor: &Actor, happening: Happening) -> Vec<Entry> {
    let page =
        world.app.list_activity(actor, EntryQuery { limit: 200, ..EntryQuery::default() }).await.unwrap();
    page.entries.into_iter().filter(|entry| entry.happening == happening).collect()
}

#[tokio::test]
async fn a_lock_that_rebooted_begins_its_packet_ids_anew_and_loses_no_event() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    says(&world, door, AUTO_LOCK, delivered(2, 99, Repetition::No)).await;
    // It stays connected over night, its batteries are changed, and the server dies before its first event is committed.
    world.clock.advance(Duration::from_hours(14));
    world.says(door, Observation::Link { up: false }).await;
    world.says(door, Observation::Link { up: true }).await;
    world.clock.advance(Duration::from_mins(5));
    let world = world.restart(2).await;
    world.says(door, Observation::Link { up: true }).await;
    says(&world, door, AUTO_LOCK, delivered(2, 99, Repetition::Said)).await;
    let (_, anna) = world.sign_in("anna@example.org").await;
    assert_eq!(log(&world, &anna, Happening::Lock).await.len(), 2, "one of yesterday, one of today");
}

#[tokio::test]
async fn what_was_not_acknowledged_is_one_entry_through_any_number_of_reconnects() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.clock.advance(Duration::from_hours(14));
    world.says(door, Observation::BatteryPercent(80)).await;
    says(&world, door, AUTO_LOCK, delivered(2, 99, Repetition::No)).await;
    for second in 0..5 {
        world.clock.advance(Duration::from_secs(second));
        world.says(door, Observation::Link { up: false }).await;
        world.says(door, Observation::Link { up: true }).await;
        says(&world, door, AUTO_LOCK, delivered(2, 99, Repetition::Said)).await;
    }
    assert_eq!(log(&world, &anna, Happening::Lock).await.len(), 1);
}

#[tokio::test]
async fn a_door_that_is_told_of_again_did_not_move_again() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, Observation::Door(DoorState::Closed)).await;
    for repetition in [Repetition::No, Repetition::Said, Repetition::Said] {
        for (packet, state) in [(7, DoorState::Opened), (8, DoorState::Closed)] {
            let digest = u64::from(state.code());
            says(&world, door, Observation::Door(state), delivered(packet, digest, repetition)).await;
        }
    }
    assert_eq!(log(&world, &anna, Happening::DoorOpened).await.len(), 1);
    assert_eq!(log(&world, &anna, Happening::DoorClosed).await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_comes_again_answers_nothing_else() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let mut commands = Vec::new();
    for (action, repetition) in [(LockAction::Unlock, Repetition::No), (LockAction::Lock, Repetition::Said)] {
        let order = Order { device: door, action, idempotency_key: None };
        let command = world.app.order(&anna, order).await.unwrap();
        world.app.take_command(command.id).await.unwrap();
        says(&world, door, Observation::CommandResponse(0), delivered(7, 5, repetition)).await;
        commands.push(world.app.load_command(&anna, command.id).await.unwrap().state);
    }
    assert_eq!(commands, [CommandState::Done, CommandState::Sent]);
}

#[tokio::test]
async fn a_hand_on_the_knob_is_the_last_that_happened_whatever_was_ordered_before() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.clock.advance(Duration::from_mins(1));
    world.says(door, Observation::State(LockState::Unlocked)).await;
    world.says(door, AUTO_LOCK).await;
    world.says(door, Observation::State(LockState::Locking)).await;
    world.says(door, Observation::State(LockState::Locked)).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    let last = world.app.load_device(&anna, door).await.unwrap().said.last.unwrap();
    assert_eq!(
        (last.action, last.trigger, last.origin),
        (LockAction::Unlock, Trigger::Manual, lockwarden_app::activity::Origin::ByHand)
    );
}

#[tokio::test]
async fn a_repetition_is_known_also_when_our_clock_was_set_back_in_between() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.clock.advance(Duration::from_mins(2));
    world.says(door, Observation::BatteryPercent(80)).await;
    world.says(door, Observation::Link { up: false }).await;
    world.says(door, Observation::Link { up: true }).await;
    world.clock.set(world.clock.now().minus(Duration::from_hours(1)));
    says(&world, door, AUTO_LOCK, delivered(2, 99, Repetition::No)).await;
    world.says(door, Observation::Link { up: false }).await;
    world.says(door, Observation::Link { up: true }).await;
    says(&world, door, AUTO_LOCK, delivered(2, 99, Repetition::Said)).await;
    assert_eq!(log(&world, &anna, Happening::Lock).await.len(), 1);
}

/// A client may give an id to the next delivery as soon as it is free.
#[tokio::test]
async fn what_an_order_set_off_is_known_again_whatever_had_its_packet_id_before() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let order = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
    let command = world.app.order(&anna, order).await.unwrap();
    world.app.take_command(command.id).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    says(&world, door, AUTO_LOCK, delivered(1, 50, Repetition::No)).await;
    let ours = Observation::Event(LockEvent {
        action: LockAction::Unlock,
        trigger: Trigger::Mqtt,
        auth_id: None,
        code_id: None,
        extra: 0,
    });
    for repetition in [Repetition::No, Repetition::Said] {
        world.clock.advance(Duration::from_secs(1));
        says(&world, door, ours.clone(), delivered(1, 77, repetition)).await;
        world.says(door, Observation::Link { up: false }).await;
        world.says(door, Observation::Link { up: true }).await;
    }
    assert_eq!(log(&world, &anna, Happening::Unlock).await.len(), 1);
}
