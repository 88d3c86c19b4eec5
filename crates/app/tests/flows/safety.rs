//! Doors whose owner wants more before they open from afar, and doors that are opened too often.

use std::time::Duration;

use lockwarden_app::accounts::{NewToken, TokenScope};
use lockwarden_app::actor::Actor;
use lockwarden_app::commands::{CommandState, Order};
use lockwarden_app::devices::{LockAction, LockState, Observation, Safety};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::settings::{Setting, SettingValue};
use lockwarden_app::{Error, Refusal, Result};
use lockwarden_testkit::{PASSWORD, World};

async fn order(world: &World, actor: &Actor, device: DeviceId, action: LockAction) -> Result<CommandState> {
    let command = world.app.order(actor, Order { device, action, idempotency_key: None }).await?;
    world.app.take_command(command.id).await?;
    world.says(device, Observation::CommandResponse(0)).await;
    Ok(world.app.load_command(actor, command.id).await?.state)
}

fn refusal(result: Result<CommandState>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_door_that_is_never_opened_from_here_is_not_even_by_an_order_given_before_that() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let before = Order { device: door, action: LockAction::Unlatch, idempotency_key: None };
    let before = world.app.order(&anna, before).await.unwrap();
    let safety = Safety { never_open: true, ..Safety::default() };
    world.app.set_safety(&anna, door, safety).await.unwrap();
    assert!(
        world.app.take_command(before.id).await.unwrap().is_none(),
        "the rule holds again when it is sent"
    );
    assert_eq!(world.app.load_command(&anna, before.id).await.unwrap().state, CommandState::Failed);
    for action in [LockAction::Unlatch, LockAction::LockNGoUnlatch] {
        assert_eq!(refusal(order(&world, &anna, door, action).await), Refusal::NeverOpens);
    }
    assert_eq!(order(&world, &anna, door, LockAction::Unlock).await.unwrap(), CommandState::Done);
}

#[tokio::test]
async fn a_lock_that_opens_whenever_it_unlocks_is_not_unlocked_either_where_it_must_not_open() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let other = world.lock(&anna, "Back door", 0xA2).await;
    let safety = Safety { never_open: true, ..Safety::default() };
    for device in [door, other] {
        world.app.set_safety(&anna, device, safety).await.unwrap();
    }
    let says = async |opens: bool| {
        let settings = vec![(Setting::AutoUnlatch, SettingValue::Bool(opens))];
        world.says(door, Observation::Settings(settings)).await;
    };
    let before = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
    let before = world.app.order(&anna, before).await.unwrap();
    says(true).await;
    assert!(
        world.app.take_command(before.id).await.unwrap().is_none(),
        "not by an order given before either"
    );
    for action in [LockAction::Unlock, LockAction::LockNGo, LockAction::Unlatch] {
        assert_eq!(refusal(order(&world, &anna, door, action).await), Refusal::NeverOpens);
    }
    assert_eq!(order(&world, &anna, door, LockAction::Lock).await.unwrap(), CommandState::Done);
    assert_eq!(order(&world, &anna, other, LockAction::Unlock).await.unwrap(), CommandState::Done);
    world.app.set_safety(&anna, door, Safety::default()).await.unwrap();
    // With the one that was not sent these are five.
    for _ in 0..4 {
        assert_eq!(order(&world, &anna, door, LockAction::Unlock).await.unwrap(), CommandState::Done);
    }
    assert_eq!(refusal(order(&world, &anna, door, LockAction::Unlock).await), Refusal::TooManyOpenings(60));
    says(false).await;
    world.app.prove_again(&anna, PASSWORD).await.unwrap();
    world.app.set_safety(&anna, door, safety).await.unwrap();
    assert_eq!(order(&world, &anna, door, LockAction::Unlock).await.unwrap(), CommandState::Done);
}

#[tokio::test]
async fn a_door_that_wants_a_fresh_password_opens_for_five_minutes_after_it_and_for_no_program() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let safety = Safety { fresh_sign_in: true, ..Safety::default() };
    world.app.set_safety(&anna, door, safety).await.unwrap();
    assert_eq!(
        order(&world, &anna, door, LockAction::Unlatch).await.unwrap(),
        CommandState::Done,
        "just signed in"
    );
    world.clock.advance(Duration::from_mins(6));
    assert_eq!(refusal(order(&world, &anna, door, LockAction::Unlatch).await), Refusal::ProveAgain);
    assert_eq!(order(&world, &anna, door, LockAction::Lock).await.unwrap(), CommandState::Done);
    assert!(world.app.prove_again(&anna, "not the password").await.is_err());
    assert_eq!(refusal(order(&world, &anna, door, LockAction::Unlatch).await), Refusal::ProveAgain);
    world.app.prove_again(&anna, PASSWORD).await.unwrap();
    assert_eq!(order(&world, &anna, door, LockAction::Unlatch).await.unwrap(), CommandState::Done);
    let new = NewToken { name: "program", scopes: TokenScope::ALL };
    let (_, secret) = world.app.create_token(&anna, new).await.unwrap();
    let program = world.app.authenticate_token(&secret).await.unwrap().unwrap();
    assert_eq!(refusal(order(&world, &program, door, LockAction::Unlatch).await), Refusal::NotByProgram);
}

#[tokio::test]
async fn a_door_is_not_opened_over_and_over_and_locking_it_is_never_held_up() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for _ in 0..5 {
        assert_eq!(order(&world, &anna, door, LockAction::Unlatch).await.unwrap(), CommandState::Done);
    }
    assert_eq!(refusal(order(&world, &anna, door, LockAction::Unlatch).await), Refusal::TooManyOpenings(60));
    assert_eq!(order(&world, &anna, door, LockAction::Lock).await.unwrap(), CommandState::Done);
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(order(&world, &anna, door, LockAction::Unlatch).await.unwrap(), CommandState::Done);
}

#[tokio::test]
async fn an_opening_asked_for_again_before_it_ended_is_the_same_and_afterwards_another() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let ben = world.owner("Ben").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let new = NewToken { name: "program", scopes: TokenScope::ALL };
    let (_, secret) = world.app.create_token(&anna, new).await.unwrap();
    let program = world.app.authenticate_token(&secret).await.unwrap().unwrap();
    let ask = async |actor: &Actor, action, key: Option<&'static str>| {
        world.app.order(actor, Order { device: door, action, idempotency_key: key }).await.map(|one| one.id)
    };
    let first = ask(&anna, LockAction::Unlatch, None).await.unwrap();
    for _ in 0..9 {
        assert_eq!(
            ask(&anna, LockAction::Unlatch, None).await.unwrap(),
            first,
            "neither queued nor too often"
        );
    }
    world.app.take_command(first).await.unwrap().unwrap();
    assert_eq!(ask(&anna, LockAction::Unlatch, None).await.unwrap(), first, "sent, and nothing heard yet");
    world.says(door, Observation::State(LockState::Unlatching)).await;
    assert_eq!(world.app.load_command(&anna, first).await.unwrap().state, CommandState::Accepted);
    assert_eq!(ask(&anna, LockAction::Unlatch, None).await.unwrap(), first, "begun, and not over");
    let others = ask(&program, LockAction::Unlatch, None).await.unwrap();
    assert_ne!(others, first, "somebody else's is another");
    assert_eq!(ask(&anna, LockAction::Unlatch, None).await.unwrap(), first, "and changes nothing about it");
    assert!(ask(&ben, LockAction::Unlatch, None).await.is_err(), "and it is nobody's who may not");
    let lock = ask(&anna, LockAction::Lock, None).await.unwrap();
    let after_it = ask(&anna, LockAction::Unlatch, None).await.unwrap();
    assert_ne!(after_it, first, "after a lock it is wanted anew");
    let other_window = ask(&anna, LockAction::Unlatch, Some("click-2")).await.unwrap();
    assert_eq!(other_window, after_it, "a person wants the door open once, on whichever page they press");
    let keyed = ask(&program, LockAction::Unlatch, Some("click-2")).await.unwrap();
    assert!(![first, others, after_it].contains(&keyed), "a program's with a key is its own");
    assert_ne!(ask(&anna, LockAction::Lock, None).await.unwrap(), lock, "what opens nothing is as it was");
    for command in world.app.list_commands(&anna, door, 9).await.unwrap().iter().rev().skip(1) {
        assert_eq!(command.state, CommandState::Created, "one at a time");
    }
}

#[tokio::test]
async fn an_opening_asked_for_again_once_it_was_done_or_refused_or_too_late_is_another() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let unlatch = Order { device: door, action: LockAction::Unlatch, idempotency_key: None };
    let mut before = None;
    for (answer, ends) in
        [(Some(0), CommandState::Done), (Some(66), CommandState::Failed), (None, CommandState::Expired)]
    {
        let asked = world.app.order(&anna, Order { ..unlatch }).await.unwrap().id;
        assert_ne!(Some(asked), before.replace(asked), "{ends:?}");
        if let Some(answer) = answer {
            world.app.take_command(asked).await.unwrap().unwrap();
            world.says(door, Observation::CommandResponse(answer)).await;
        } else {
            world.clock.advance(Duration::from_secs(11));
            world.app.settle_commands().await.unwrap();
        }
        assert_eq!(world.app.load_command(&anna, asked).await.unwrap().state, ends);
    }
    assert_ne!(world.app.order(&anna, unlatch).await.unwrap().id, before.unwrap());
}

#[tokio::test]
async fn a_rule_is_made_stricter_at_once_and_looser_only_with_the_password() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.clock.advance(Duration::from_mins(6));
    let both = Safety { never_open: true, ask_again: false, fresh_sign_in: true };
    world.app.set_safety(&anna, door, both).await.unwrap();
    for less in [Safety { never_open: false, ..both }, Safety { fresh_sign_in: false, ..both }] {
        let refused = world.app.set_safety(&anna, door, less).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::ProveAgain))), "{refused:?}");
    }
    assert_eq!(world.app.load_device(&anna, door).await.unwrap().safety, both);
    world.app.prove_again(&anna, PASSWORD).await.unwrap();
    world.app.set_safety(&anna, door, Safety::default()).await.unwrap();
    assert_eq!(world.app.load_device(&anna, door).await.unwrap().safety, Safety::default());
}

#[tokio::test]
async fn nobody_elses_door_gets_another_rule() {
    let world = World::new().await;
    let (anna, boris) = (world.owner("Anna").await, world.owner("Boris").await);
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let none = world.app.set_safety(&boris, door, Safety::default()).await;
    assert!(matches!(none, Err(Error::NotFound)));
}
