//! What stays true while our own clock is set: by a time server, or by somebody's hand.

use std::time::Duration;

use lockwarden_app::actor::Actor;
use lockwarden_app::commands::{ANSWER, Command, CommandState, DEADLINE, Order};
use lockwarden_app::devices::{LockAction, LockEvent, LockState, Observation, Trigger};
use lockwarden_app::ids::DeviceId;
use lockwarden_testkit::World;

const HOUR: Duration = Duration::from_hours(1);

async fn order(world: &World, actor: &Actor, device: DeviceId, action: LockAction) -> Command {
    world.app.order(actor, Order { device, action, idempotency_key: None }).await.unwrap()
}

async fn state(world: &World, actor: &Actor, command: &Command) -> CommandState {
    world.app.load_command(actor, command.id).await.unwrap().state
}

fn set_back(world: &World) {
    world.clock.set(world.clock.now().minus(HOUR));
}

#[tokio::test]
async fn a_state_that_was_told_is_told_although_the_clock_was_set_back_since_the_lock_connected() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    set_back(&world);
    world.says(door, Observation::State(LockState::Unlocked)).await;
    let device = world.app.load_device(&anna, door).await.unwrap();
    assert!(!device.is_stale(), "{device:?}");
    world.says(door, Observation::Link { up: false }).await;
    world.says(door, Observation::Link { up: true }).await;
    assert!(world.app.load_device(&anna, door).await.unwrap().is_stale(), "it may have changed while away");
}

#[tokio::test]
async fn a_state_from_before_the_clock_was_set_back_does_not_make_a_command_done() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    set_back(&world);
    let command = order(&world, &anna, door, LockAction::Lock).await;
    world.app.take_command(command.id).await.unwrap().unwrap();
    let begun = LockEvent {
        action: LockAction::Lock,
        trigger: Trigger::Mqtt,
        auth_id: None,
        code_id: None,
        extra: 0,
    };
    world.says(door, Observation::Event(begun)).await;
    world.clock.advance(ANSWER + Duration::from_secs(1));
    world.app.settle_commands().await.unwrap();
    assert_eq!(state(&world, &anna, &command).await, CommandState::Unknown, "it was locked before");
}

#[tokio::test]
async fn an_answer_finds_its_command_although_the_clock_leapt_ahead_while_it_was_under_way() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let first = order(&world, &anna, door, LockAction::Unlock).await;
    world.app.take_command(first.id).await.unwrap().unwrap();
    world.clock.set(world.clock.now().plus(HOUR));
    let look_again = world.app.settle_commands().await.unwrap();
    assert!(look_again.is_some_and(|at| at > world.clock.now()), "{look_again:?}");
    let second = order(&world, &anna, door, LockAction::Lock).await;
    world.says(door, Observation::CommandResponse(0)).await;
    assert_eq!(state(&world, &anna, &first).await, CommandState::Done);
    assert_eq!(state(&world, &anna, &second).await, CommandState::Created);
    // It still ends by itself if no answer comes.
    world.app.take_command(second.id).await.unwrap().unwrap();
    world.clock.set(world.clock.now().plus(HOUR));
    world.clock.advance(ANSWER + Duration::from_secs(1));
    world.app.settle_commands().await.unwrap();
    assert_eq!(state(&world, &anna, &second).await, CommandState::Unknown);
}

#[tokio::test]
async fn an_order_whose_end_could_not_be_written_down_does_not_leave_late() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    set_back(&world);
    world.clock.advance(DEADLINE + Duration::from_secs(1));
    let rename = async |sql| {
        let mut tx = world.app.db().write().await.unwrap();
        tx.query(sql).run().await.unwrap();
        tx.commit().await.unwrap();
    };
    rename("alter table commands rename to commands_away").await;
    assert!(world.app.settle_commands().await.is_err());
    rename("alter table commands_away rename to commands").await;
    assert!(world.app.take_command(command.id).await.unwrap().is_none(), "it would leave late");
    assert_eq!(state(&world, &anna, &command).await, CommandState::Expired);
}
