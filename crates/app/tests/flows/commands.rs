//! Promise 1: a command is executed at most once, not late, and never guessed about.

use std::time::Duration;

use lockwarden_app::accounts::{NewToken, TokenScope};
use lockwarden_app::activity::{Completion, EntryQuery, Happening, Origin};
use lockwarden_app::actor::{Actor, Rights};
use lockwarden_app::bridges::{Listed, NewBridge};
use lockwarden_app::commands::{ANSWER, Command, CommandState, DEADLINE, Order, WAITING};
use lockwarden_app::devices::{
    Connector, DeviceType, LockAction, LockEvent, LockState, NewDevice, Observation, Trigger,
};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::{Error, Refusal};
use lockwarden_testkit::World;

async fn order(world: &World, actor: &Actor, device: DeviceId, action: LockAction) -> Command {
    world.app.order(actor, Order { device, action, idempotency_key: None }).await.unwrap()
}

async fn state(world: &World, actor: &Actor, command: &Command) -> CommandState {
    world.app.load_command(actor, command.id).await.unwrap().state
}

fn told(action: LockAction) -> Observation {
    Observation::Event(LockEvent { action, trigger: Trigger::Mqtt, auth_id: None, code_id: None, extra: 0 })
}

#[tokio::test]
async fn a_command_lives_from_order_to_answer_and_is_one_entry_in_the_log() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    assert_eq!(command.state, CommandState::Created);
    assert_eq!(world.app.due_commands().await.unwrap(), [(command.id, door)]);
    assert!(world.app.take_command(command.id).await.unwrap().is_some());
    assert_eq!(state(&world, &anna, &command).await, CommandState::Sent);
    world.says(door, told(LockAction::Unlock)).await;
    assert_eq!(state(&world, &anna, &command).await, CommandState::Accepted);
    world.says(door, Observation::State(LockState::Unlocking)).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    world.says(door, Observation::CommandResponse(0)).await;
    assert_eq!(state(&world, &anna, &command).await, CommandState::Done);
    let log = world.app.list_activity(&anna, EntryQuery::default()).await.unwrap().entries;
    assert_eq!(log.len(), 1, "{log:#?}");
    assert_eq!(
        (log[0].happening, log[0].origin, log[0].result, log[0].actor_name.as_deref()),
        (Happening::Unlock, Origin::Console, Some(Completion::Success), Some("Anna"))
    );
}

#[tokio::test]
async fn a_command_is_taken_once_however_many_ask() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let app = world.app.clone();
        takers.spawn(async move { app.take_command(command.id).await.unwrap().is_some() });
    }
    let taken = takers.join_all().await.into_iter().filter(|taken| *taken).count();
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn a_command_that_waited_past_its_deadline_is_not_sent() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    world.clock.advance(DEADLINE + Duration::from_millis(1));
    assert!(world.app.take_command(command.id).await.unwrap().is_none());
    assert_eq!(state(&world, &anna, &command).await, CommandState::Expired);
}

#[tokio::test]
async fn the_deadline_ends_a_command_that_nobody_came_for() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    assert_eq!(world.app.settle_commands().await.unwrap(), Some(command.deadline));
    world.clock.advance(DEADLINE + Duration::from_millis(1));
    assert_eq!(world.app.settle_commands().await.unwrap(), None);
    assert_eq!(state(&world, &anna, &command).await, CommandState::Expired);
}

#[tokio::test]
async fn a_sent_command_without_answer_becomes_unknown_and_is_never_sent_again() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    world.app.take_command(command.id).await.unwrap().unwrap();
    world.clock.advance(ANSWER + Duration::from_millis(1));
    world.app.settle_commands().await.unwrap();
    assert_eq!(state(&world, &anna, &command).await, CommandState::Unknown);
    assert!(world.app.take_command(command.id).await.unwrap().is_none());
    assert!(world.app.due_commands().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_restart_sends_nothing_that_was_ordered_before_it() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let other = world.lock(&anna, "Back door", 0xA2).await;
    let waiting = order(&world, &anna, door, LockAction::Unlock).await;
    let sent = order(&world, &anna, other, LockAction::Unlock).await;
    world.app.take_command(sent.id).await.unwrap().unwrap();
    let world = world.restart(2).await;
    assert!(world.app.due_commands().await.unwrap().is_empty());
    assert_eq!(state(&world, &anna, &waiting).await, CommandState::Expired);
    assert_eq!(state(&world, &anna, &sent).await, CommandState::Unknown);
}

#[tokio::test]
async fn a_right_that_ended_between_click_and_sending_stops_the_command() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    let (_, elsewhere) = world.sign_in("anna@example.org").await;
    world.app.sign_out(&anna).await.unwrap();
    assert!(world.app.take_command(command.id).await.unwrap().is_none());
    let ended = world.app.load_command(&elsewhere, command.id).await.unwrap();
    assert_eq!(ended.state, CommandState::Failed);
    assert!(ended.reason.unwrap().contains("right"));
}

#[tokio::test]
async fn a_token_revoked_between_order_and_sending_stops_the_command_and_another_does_not() {
    for own in [true, false] {
        let world = World::new().await;
        let anna = world.owner("Anna").await;
        let door = world.lock(&anna, "Front door", 0xA1).await;
        let new = || NewToken { name: "script", scopes: TokenScope::ALL };
        let (id, secret) = world.app.create_token(&anna, new()).await.unwrap();
        let (other, _) = world.app.create_token(&anna, new()).await.unwrap();
        let script = world.app.authenticate_token(&secret).await.unwrap().unwrap();
        let command = order(&world, &script, door, LockAction::Unlock).await;
        world.app.revoke_token(&anna, if own { id } else { other }).await.unwrap();
        assert_eq!(world.app.take_command(command.id).await.unwrap().is_none(), own);
        let found = world.app.load_command(&anna, command.id).await.unwrap();
        assert_eq!(found.state, if own { CommandState::Failed } else { CommandState::Sent });
        assert_eq!(found.reason.is_some_and(|reason| reason.contains("right")), own);
    }
}

#[tokio::test]
async fn a_right_taken_from_the_person_stops_what_their_token_ordered() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let new = NewToken { name: "script", scopes: TokenScope::ALL };
    let (_, secret) = world.app.create_token(&anna, new).await.unwrap();
    let script = world.app.authenticate_token(&secret).await.unwrap().unwrap();
    let command = order(&world, &script, door, LockAction::Unlock).await;
    let mut tx = world.app.db().write().await.unwrap();
    // Nothing in the product takes rights away yet.
    tx.query("update accounts set rights = $1").bind(Rights::VIEW.bits()).run().await.unwrap();
    tx.commit().await.unwrap();
    assert!(world.app.take_command(command.id).await.unwrap().is_none());
    assert_eq!(state(&world, &anna, &command).await, CommandState::Failed);
}

#[tokio::test]
async fn an_offline_lock_is_refused_in_words_and_nothing_is_kept_for_it() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, Observation::Link { up: false }).await;
    let refused = world
        .app
        .order(&anna, Order { device: door, action: LockAction::Unlock, idempotency_key: None })
        .await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Offline))), "{refused:?}");
    world.says(door, Observation::Link { up: true }).await;
    assert!(world.app.due_commands().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_lock_that_went_offline_before_the_sending_gets_nothing() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    world.says(door, Observation::Connected(false)).await;
    assert!(world.app.take_command(command.id).await.unwrap().is_none());
    assert_eq!(state(&world, &anna, &command).await, CommandState::Failed);
}

#[tokio::test]
async fn a_lock_with_allow_locking_off_is_recognised() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, Observation::Listens(false)).await;
    let refused =
        world.app.order(&anna, Order { device: door, action: LockAction::Lock, idempotency_key: None }).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::LockingNotAllowed))), "{refused:?}");
}

#[tokio::test]
async fn an_opener_takes_its_own_deeds_and_a_deaf_hub_is_not_called_a_switch_of_the_lock() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (device, login) = world.app.add_device(&anna, NewDevice::by_hub("Intercom", None)).await.unwrap();
    let login = world.login(&login).await;
    world.app.bind_login(&login, 0xA1).await.unwrap().unwrap();
    for seen in [
        Observation::Link { up: true },
        Observation::Listens(true),
        Observation::DeviceType(DeviceType::Opener),
        Observation::State(LockState::Locked),
    ] {
        world.says_by(device, Connector::NukiHub, seen).await;
    }
    let give = async |action| world.app.order(&anna, Order { device, action, idempotency_key: None }).await;
    let offered = [
        LockAction::Unlock,
        LockAction::Lock,
        LockAction::Unlatch,
        LockAction::LockNGo,
        LockAction::LockNGoUnlatch,
    ];
    for action in offered {
        assert!(give(action).await.is_ok(), "{action:?}");
    }
    let turned = give(LockAction::FullLock).await;
    assert!(matches!(turned, Err(Error::Refused(Refusal::NotOffered))), "{turned:?}");
    world.says_by(device, Connector::NukiHub, Observation::Listens(false)).await;
    let deaf = give(LockAction::Unlatch).await;
    assert!(matches!(deaf, Err(Error::Refused(Refusal::HubDoesNotListen))), "{deaf:?}");
}

#[tokio::test]
async fn what_a_bridge_cannot_be_told_to_do_is_refused_with_the_ways_that_could() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let new = NewBridge {
        address: "192.0.2.7",
        token: "token",
        token_form: "encrypted",
        listed: &[
            Listed { nuki_id: 0xA1, kind: DeviceType::SmartLock34, name: None },
            Listed { nuki_id: 0xB2, kind: DeviceType::SmartDoor, name: None },
        ],
    };
    let (_, devices) = world.app.add_bridge(&anna, new).await.unwrap();
    let refused = async |device| {
        for seen in [Observation::Link { up: true }, Observation::State(LockState::Unlocked)] {
            world.says_by(device, Connector::NukiBridge, seen).await;
        }
        let both_turns = Order { device, action: LockAction::FullLock, idempotency_key: None };
        match world.app.order(&anna, both_turns).await {
            Err(Error::Refused(why @ Refusal::NoWayToDo(_))) => why.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let no_way = "no way to this device can do that now: nothing was sent";
    assert_eq!(refused(devices[0]).await, format!("{no_way}; the lock’s own MQTT or a Nuki Hub could"));
    assert_eq!(refused(devices[1]).await, format!("{no_way}; a Nuki Hub could"));
    world.app.add_way(&anna, devices[0], Connector::NukiHub).await.unwrap();
    let away = format!("{no_way}; a Nuki Hub could, and takes no commands now");
    assert_eq!(refused(devices[0]).await, away);
}

#[tokio::test]
async fn the_same_key_is_the_same_command_even_fifty_times_at_once() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (app, anna) = (world.app.clone(), anna.clone());
        clicks.spawn(async move {
            let order = Order { device: door, action: LockAction::Unlock, idempotency_key: Some("click-1") };
            app.order(&anna, order).await.map(|command| command.id)
        });
    }
    let mut ids: Vec<_> = clicks.join_all().await.into_iter().map(Result::unwrap).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.app.list_commands(&anna, door, 100).await.unwrap().len(), 1);
    let other = Order { device: door, action: LockAction::Lock, idempotency_key: Some("click-1") };
    assert!(matches!(world.app.order(&anna, other).await, Err(Error::Invalid { .. })));
}

#[tokio::test]
async fn commands_of_one_lock_go_one_at_a_time_and_only_so_many_wait() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let first = order(&world, &anna, door, LockAction::Unlock).await;
    let second = order(&world, &anna, door, LockAction::Lock).await;
    world.app.take_command(first.id).await.unwrap().unwrap();
    assert!(world.app.due_commands().await.unwrap().is_empty(), "the first is under way");
    world.says(door, Observation::CommandResponse(0)).await;
    assert_eq!(world.app.due_commands().await.unwrap(), [(second.id, door)]);
    for _ in 0..WAITING - 1 {
        order(&world, &anna, door, LockAction::Lock).await;
    }
    let refused =
        world.app.order(&anna, Order { device: door, action: LockAction::Lock, idempotency_key: None }).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::TooManyWaiting(_)))), "{refused:?}");
}

#[tokio::test]
async fn an_error_number_fails_the_command_in_words() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Lock).await;
    world.app.take_command(command.id).await.unwrap().unwrap();
    world.says(door, Observation::CommandResponse(66)).await;
    let ended = world.app.load_command(&anna, command.id).await.unwrap();
    assert_eq!((ended.state, ended.error_code), (CommandState::Failed, Some(66)));
    assert!(ended.reason.unwrap().contains("motor is blocked"));
    let log = world.app.list_activity(&anna, EntryQuery::default()).await.unwrap().entries;
    assert_eq!(log[0].result, Some(Completion::MotorBlocked));
}

#[tokio::test]
async fn a_late_answer_goes_to_the_command_it_is_late_for() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let first = order(&world, &anna, door, LockAction::Unlock).await;
    world.app.take_command(first.id).await.unwrap().unwrap();
    world.clock.advance(ANSWER + Duration::from_millis(1));
    world.app.settle_commands().await.unwrap();
    let second = order(&world, &anna, door, LockAction::Lock).await;
    world.app.take_command(second.id).await.unwrap().unwrap();
    world.says(door, Observation::CommandResponse(66)).await;
    assert_eq!(state(&world, &anna, &first).await, CommandState::Failed);
    assert_eq!(state(&world, &anna, &second).await, CommandState::Sent);
    world.says(door, Observation::CommandResponse(0)).await;
    assert_eq!(state(&world, &anna, &second).await, CommandState::Done);
}

#[tokio::test]
async fn a_second_answer_changes_nothing() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    world.app.take_command(command.id).await.unwrap().unwrap();
    world.says(door, Observation::CommandResponse(0)).await;
    world.says(door, Observation::CommandResponse(66)).await;
    assert_eq!(state(&world, &anna, &command).await, CommandState::Done);
}

#[tokio::test]
async fn a_lock_that_never_answers_but_moves_is_believed_by_its_state() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let command = order(&world, &anna, door, LockAction::Unlock).await;
    world.app.take_command(command.id).await.unwrap().unwrap();
    world.says(door, Observation::State(LockState::Unlocking)).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    world.clock.advance(ANSWER + Duration::from_millis(1));
    world.app.settle_commands().await.unwrap();
    let ended = world.app.load_command(&anna, command.id).await.unwrap();
    assert_eq!(ended.state, CommandState::Done);
    assert!(ended.reason.unwrap().contains("no answer"));
}
