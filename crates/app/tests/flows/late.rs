//! Promise 1 where time, removal and other commands come in between.

use std::future::poll_fn;
use std::time::Duration;

use lockwarden_app::activity::{EntryQuery, Happening};
use lockwarden_app::actor::Actor;
use lockwarden_app::clock::Time;
use lockwarden_app::commands::{ANSWER, Command, CommandState, DEADLINE, Order};
use lockwarden_app::devices::{LockAction, LockEvent, LockState, Observation, Trigger};
use lockwarden_app::ids::DeviceId;
use lockwarden_testkit::{START, World};

async fn order(world: &World, actor: &Actor, device: DeviceId, action: LockAction) -> Command {
    world.app.order(actor, Order { device, action, idempotency_key: None }).await.unwrap()
}

async fn sent(world: &World, actor: &Actor, device: DeviceId, action: LockAction) -> Command {
    let command = order(world, actor, device, action).await;
    assert!(world.app.take_command(command.id).await.unwrap().is_some());
    command
}

async fn load(world: &World, actor: &Actor, command: &Command) -> Command {
    world.app.load_command(actor, command.id).await.unwrap()
}

fn told(action: LockAction) -> Observation {
    Observation::Event(LockEvent { action, trigger: Trigger::Mqtt, auth_id: None, code_id: None, extra: 0 })
}

fn set_back(world: &World, by: Duration) {
    world.clock.set(world.clock.now().minus(by));
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_command_late() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let under_way = sent(&world, &anna, door, LockAction::LockNGo).await;
    let waiting = order(&world, &anna, door, LockAction::Unlock).await;
    set_back(&world, Duration::from_hours(1));
    world.clock.advance(DEADLINE + Duration::from_secs(1));
    world.says(door, Observation::CommandResponse(0)).await;
    assert_eq!(load(&world, &anna, &under_way).await.state, CommandState::Done);
    assert!(world.app.take_command(waiting.id).await.unwrap().is_none(), "it would leave late");
    assert_eq!(load(&world, &anna, &waiting).await.state, CommandState::Expired);
}

/// The clock jumps past the deadline at one pause of taking a command after the other: while it waits for its turn to
/// write, for a query, for its commit.
#[tokio::test]
async fn wherever_the_time_is_lost_on_the_way_to_the_lock_nothing_leaves_late() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for lost_at in 1.. {
        let command = order(&world, &anna, door, LockAction::Unlock).await;
        let mut pauses = 0;
        let mut taking = Box::pin(world.app.take_command(command.id));
        let taken = poll_fn(|cx| {
            let polled = taking.as_mut().poll(cx);
            if polled.is_pending() {
                pauses += 1;
                if pauses == lost_at {
                    world.clock.advance(DEADLINE + Duration::from_secs(1));
                }
            }
            polled
        });
        let taken = taken.await.unwrap();
        if pauses < lost_at {
            assert!(taken.is_some() && pauses > 0, "nothing was late, and the commit alone is a pause");
            return;
        }
        assert!(taken.is_none(), "pause {lost_at} of {pauses}");
        assert_eq!(load(&world, &anna, &command).await.state, CommandState::Expired);
    }
}

#[tokio::test]
async fn a_command_ends_in_time_although_the_clock_was_set_back() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let under_way = sent(&world, &anna, door, LockAction::Unlock).await;
    let waiting = order(&world, &anna, door, LockAction::Lock).await;
    set_back(&world, Duration::from_hours(1));
    world.clock.advance(DEADLINE + Duration::from_secs(1));
    world.app.settle_commands().await.unwrap();
    assert_eq!(load(&world, &anna, &waiting).await.state, CommandState::Expired);
    world.clock.advance(ANSWER);
    world.app.settle_commands().await.unwrap();
    assert_eq!(load(&world, &anna, &under_way).await.state, CommandState::Unknown);
}

#[tokio::test]
async fn ids_go_on_growing_after_a_restart_with_the_clock_set_back() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let before = order(&world, &anna, door, LockAction::Unlock).await;
    let world = world.restart(2).await;
    world.clock.set(Time(START.0 - 86_400_000));
    let (_, anna) = world.sign_in("anna@example.org").await;
    world.says(door, Observation::Link { up: true }).await;
    let after = order(&world, &anna, door, LockAction::Lock).await;
    assert!(after.id > before.id);
}

#[tokio::test]
async fn removing_a_device_ends_its_commands_and_nobody_elses() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (gone, stays) = (world.lock(&anna, "Gone", 0xA1).await, world.lock(&anna, "Stays", 0xA2).await);
    let begun = sent(&world, &anna, gone, LockAction::Unlock).await;
    world.says(gone, Observation::State(LockState::Unlocking)).await;
    let waiting = order(&world, &anna, gone, LockAction::Lock).await;
    let other = sent(&world, &anna, stays, LockAction::Unlock).await;
    world.app.remove_device(&anna, gone).await.unwrap();
    assert!(world.app.due_commands().await.unwrap().is_empty());
    assert!(world.app.take_command(waiting.id).await.unwrap().is_none());
    world.clock.advance(ANSWER + Duration::from_secs(1));
    world.app.settle_commands().await.unwrap();
    assert_eq!(load(&world, &anna, &other).await.state, CommandState::Unknown, "its time is over");
    let next = order(&world, &anna, stays, LockAction::Lock).await;
    assert_eq!(world.app.due_commands().await.unwrap(), [(next.id, stays)]);
    let entries = world.app.list_activity(&anna, EntryQuery::default()).await.unwrap().entries;
    let states: Vec<_> = [begun, waiting]
        .iter()
        .map(|command| entries.iter().find(|entry| entry.command == Some(command.id)).unwrap().command_state)
        .collect();
    assert_eq!(states, [Some(CommandState::Unknown), Some(CommandState::Expired)]);
}

#[tokio::test]
async fn a_late_answer_of_a_command_that_was_done_by_its_state_does_not_end_the_next() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let first = sent(&world, &anna, door, LockAction::Unlock).await;
    world.clock.advance(Duration::from_secs(1));
    world.says(door, Observation::State(LockState::Unlocking)).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    world.clock.advance(ANSWER);
    world.app.settle_commands().await.unwrap();
    assert_eq!(load(&world, &anna, &first).await.state, CommandState::Done);
    let second = sent(&world, &anna, door, LockAction::Lock).await;
    world.says(door, Observation::CommandResponse(0)).await;
    assert_eq!(load(&world, &anna, &second).await.state, CommandState::Sent, "that was the first one's");
    world.says(door, Observation::CommandResponse(66)).await;
    let second = load(&world, &anna, &second).await;
    assert_eq!((second.state, second.error_code), (CommandState::Failed, Some(66)));
}

#[tokio::test]
async fn what_the_lock_tells_belongs_to_the_command_it_took_and_not_to_one_it_refused() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let refused = sent(&world, &anna, door, LockAction::Unlock).await;
    world.says(door, Observation::CommandResponse(69)).await;
    let taken = sent(&world, &anna, door, LockAction::Unlock).await;
    world.says(door, told(LockAction::Unlock)).await;
    assert_eq!(load(&world, &anna, &taken).await.state, CommandState::Accepted);
    assert_eq!(load(&world, &anna, &refused).await.state, CommandState::Failed);
    let entries = world.app.list_activity(&anna, EntryQuery::default()).await.unwrap().entries;
    let trigger =
        |command: &Command| entries.iter().find(|entry| entry.command == Some(command.id)).unwrap().trigger;
    assert_eq!((trigger(&refused), trigger(&taken)), (None, Some(Trigger::Mqtt)));
}

#[tokio::test]
async fn who_does_not_come_back_after_a_restart_is_away_since_then_and_returns_with_an_entry() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (back, away) = (world.lock(&anna, "Back", 0xA1).await, world.lock(&anna, "Away", 0xA2).await);
    let long_gone = world.lock(&anna, "Long gone", 0xA3).await;
    world.says(long_gone, Observation::Link { up: false }).await;
    let since = world.app.load_device(&anna, long_gone).await.unwrap().link.changed_at;
    world.clock.advance(Duration::from_hours(1));
    let world = world.restart(2).await;
    let (_, anna) = world.sign_in("anna@example.org").await;
    let started = world.clock.now();
    world.says(back, Observation::Link { up: true }).await;
    world.clock.advance(Duration::from_mins(2));
    for _ in 0..2 {
        world.app.note_absent(started).await.unwrap();
    }
    assert_eq!(world.app.load_device(&anna, long_gone).await.unwrap().link.changed_at, since);
    assert_eq!(world.app.load_device(&anna, away).await.unwrap().link.changed_at, Some(started));
    assert!(world.app.load_device(&anna, back).await.unwrap().link.online);
    world.says(away, Observation::Link { up: true }).await;
    let entries = world.app.list_activity(&anna, EntryQuery::default()).await.unwrap().entries;
    let of = |device| -> Vec<Happening> {
        entries.iter().filter(|entry| entry.device == device).map(|entry| entry.happening).collect()
    };
    assert_eq!(of(away), [Happening::CameOnline, Happening::WentOffline]);
    assert_eq!(of(back), [], "our restart is not its absence");
}

#[tokio::test]
async fn a_bolt_that_a_command_moved_was_not_moved_by_hand_even_if_the_lock_tells_no_event() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for answer_first in [false, true] {
        let action = if answer_first { LockAction::Lock } else { LockAction::Unlock };
        let rest = if answer_first { LockState::Locked } else { LockState::Unlocked };
        let command = sent(&world, &anna, door, action).await;
        if answer_first {
            world.says(door, Observation::CommandResponse(0)).await;
        }
        world.says(door, Observation::State(rest)).await;
        if !answer_first {
            world.says(door, Observation::CommandResponse(0)).await;
        }
        assert_eq!(load(&world, &anna, &command).await.state, CommandState::Done);
    }
    let entries = world.app.list_activity(&anna, EntryQuery::default()).await.unwrap().entries;
    assert!(entries.iter().all(|entry| entry.command.is_some()), "{entries:#?}");
    world.clock.advance(Duration::from_mins(3));
    world.says(door, Observation::State(LockState::Unlocked)).await;
    let entries = world.app.list_activity(&anna, EntryQuery::default()).await.unwrap().entries;
    assert_eq!(entries[0].happening, Happening::TurnedToUnlocked, "long after is another matter");
}

#[tokio::test]
async fn a_clock_that_leaps_past_the_deadline_expires_the_command_too() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    world.clock.set(command.deadline.plus(Duration::from_millis(1)));
    assert!(world.app.take_command(command.id).await.unwrap().is_none());
    assert_eq!(load(&world, &anna, &command).await.state, CommandState::Expired);
}

#[tokio::test]
async fn an_answer_that_was_quicker_than_the_word_that_nothing_left_stands() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    let taken = world.app.take_command(command.id).await.unwrap().unwrap();
    world.says(door, Observation::CommandResponse(0)).await;
    world.app.command_not_sent(&taken, "the lock went offline before it was sent").await.unwrap();
    assert_eq!(load(&world, &anna, &command).await.state, CommandState::Done);
}

#[tokio::test]
async fn the_same_action_told_twice_is_ours_once_and_somebody_elses_the_second_time() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = sent(&world, &anna, door, LockAction::Unlock).await;
    for _ in 0..2 {
        world.says(door, told(LockAction::Unlock)).await;
        world.clock.advance(Duration::from_secs(1));
    }
    let entries = world.app.list_activity(&anna, EntryQuery::default()).await.unwrap().entries;
    let commands: Vec<_> = entries.iter().map(|entry| entry.command).collect();
    assert_eq!(commands, [None, Some(command.id)], "newest first");
}

#[tokio::test]
async fn a_lock_that_was_there_before_the_order_has_not_thereby_carried_it_out() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.clock.advance(Duration::from_secs(1));
    let command = sent(&world, &anna, door, LockAction::Lock).await;
    world.says(door, told(LockAction::Lock)).await;
    assert_eq!(load(&world, &anna, &command).await.state, CommandState::Accepted);
    world.clock.advance(ANSWER + Duration::from_secs(1));
    world.app.settle_commands().await.unwrap();
    assert_eq!(load(&world, &anna, &command).await.state, CommandState::Unknown);
}

#[tokio::test]
async fn once_the_lock_has_begun_the_newer_command_an_answer_is_no_longer_the_olders() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let older = sent(&world, &anna, door, LockAction::Unlock).await;
    world.clock.advance(ANSWER + Duration::from_millis(1));
    world.app.settle_commands().await.unwrap();
    let newer = sent(&world, &anna, door, LockAction::LockNGo).await;
    world.says(door, told(LockAction::LockNGo)).await;
    world.says(door, Observation::CommandResponse(0)).await;
    assert_eq!(load(&world, &anna, &older).await.state, CommandState::Unknown);
    assert_eq!(load(&world, &anna, &newer).await.state, CommandState::Done);
}
