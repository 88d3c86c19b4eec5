//! One thing done with many devices. What is tried: another person, twice, late, after a restart, and that nothing opens.

use std::time::Duration;

use lockwarden_app::Error;
use lockwarden_app::actor::{Actor, Rights, Scope};
use lockwarden_app::bulks::{Became, BulkState, Deed, Item, Tally};
use lockwarden_app::commands::CommandState;
use lockwarden_app::devices::{DoorState, LockAction, LockState, Observation};
use lockwarden_app::error::Refusal;
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::{BulkId, DeviceId};
use lockwarden_testkit::World;

/// Works until there is nothing left to do.
async fn work(world: &World) {
    for _ in 0..100 {
        if world.app.work_on_bulks().await.unwrap() == lockwarden_app::bulks::Step::Nothing {
            return;
        }
    }
    unreachable!("it never ends");
}

async fn items(world: &World, actor: &Actor, bulk: BulkId, left_out: bool) -> Vec<Item> {
    world.app.list_bulk_items(actor, bulk, left_out, (0, 1_000)).await.unwrap()
}

async fn tally(world: &World, actor: &Actor, bulk: BulkId) -> Tally {
    world.app.load_bulk(actor, bulk).await.unwrap().tally
}

/// Every order there ever was.
async fn orders(world: &World, actor: &Actor, devices: &[DeviceId]) -> Vec<(DeviceId, LockAction)> {
    let mut orders = Vec::new();
    for device in devices {
        let of_device = world.app.list_commands(actor, *device, 50).await.unwrap();
        orders.extend(of_device.into_iter().map(|command| (command.device, command.action)));
    }
    orders
}

/// Unlocked, locked, offline, jammed, ajar, deaf and new.
async fn mixed(world: &World, anna: &Actor) -> Vec<DeviceId> {
    let mut devices = Vec::new();
    for (number, name) in (1..).zip(["Unlocked", "Locked", "Offline", "Jammed", "Ajar", "Deaf"]) {
        devices.push(world.lock(anna, name, number).await);
    }
    devices.push(world.device(anna, "New").await.0);
    let says = [
        (0, Observation::State(LockState::Unlocked)),
        (2, Observation::Link { up: false }),
        (3, Observation::State(LockState::MotorBlocked)),
        (4, Observation::State(LockState::Unlocked)),
        (4, Observation::Door(DoorState::Opened)),
        (5, Observation::Listens(false)),
    ];
    for (place, seen) in says {
        world.says(*devices.get(place).unwrap(), seen).await;
    }
    devices
}

#[tokio::test]
async fn lock_all_tells_first_locks_what_can_be_locked_and_gives_no_other_order() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let devices = mixed(&world, &anna).await;
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &devices).await.unwrap();
    let proposed = tally(&world, &anna, bulk).await;
    assert_eq!((proposed.waiting, proposed.all_left_out()), (2, 5), "{proposed:?}");
    for why in
        ["is locked already", "is offline", "“Allow locking” is off", "has never connected", "its door open"]
    {
        assert!(proposed.left_out.iter().any(|(reason, count)| reason.contains(why) && *count == 1), "{why}");
    }
    work(&world).await;
    assert!(orders(&world, &anna, &devices).await.is_empty(), "a proposal does nothing");
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    let right = [(devices[0], LockAction::Lock), (devices[3], LockAction::Lock)];
    assert_eq!(orders(&world, &anna, &devices).await, right);
    let bulk = world.app.load_bulk(&anna, bulk).await.unwrap();
    assert_eq!((bulk.state, bulk.tally.under_way, bulk.is_settled()), (BulkState::Over, 2, false));
    // One is done, the other is answered with an error.
    for (id, _) in world.app.due_commands().await.unwrap() {
        let taken = world.app.take_command(id).await.unwrap().unwrap();
        let code = if taken.device == devices[0] { 0 } else { 66 };
        world.says(taken.device, Observation::CommandResponse(code)).await;
    }
    let results = items(&world, &anna, bulk.id, false).await;
    let became: Vec<_> = results.iter().map(|item| (item.name.as_str(), item.became)).collect();
    assert_eq!(became, [("Unlocked", Became::Done), ("Jammed", Became::Failed)]);
    assert!(results[1].reason.as_ref().unwrap().contains("motor is blocked"));
    assert!(world.app.load_bulk(&anna, bulk.id).await.unwrap().is_settled());
    assert_eq!(items(&world, &anna, bulk.id, true).await.len(), 5);
}

#[tokio::test]
async fn begun_twice_it_is_one_bulk_and_one_order_each() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 7).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &[door, door]).await.unwrap();
    let both = tokio::join!(world.app.begin_bulk(&anna, bulk), world.app.begin_bulk(&anna, bulk));
    assert!(both.0.is_ok() && both.1.is_ok());
    let (one, other) = tokio::join!(world.app.work_on_bulks(), world.app.work_on_bulks());
    assert!(one.is_ok() && other.is_ok());
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    assert_eq!(orders(&world, &anna, &[door]).await.len(), 1);
    assert_eq!(items(&world, &anna, bulk, false).await.len(), 1);
}

#[tokio::test]
async fn to_anybody_else_a_bulk_never_was_and_their_devices_are_not_in_it() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let front = world.lock(&anna, "Front door", 7).await;
    let back = world.lock(&anna, "Back door", 8).await;
    for door in [front, back] {
        world.says(door, Observation::State(LockState::Unlocked)).await;
    }
    let app = &world.app;
    let nothing = app.propose_bulk(&boris, Deed::Lock, &[front, back]).await;
    assert!(matches!(nothing, Err(Error::Invalid { .. })), "{nothing:?}");
    let narrow = Actor { scope: Scope::Only([back].into()), ..anna.clone() };
    let bulk = app.propose_bulk(&narrow, Deed::Lock, &[front, back]).await.unwrap();
    assert_eq!(items(&world, &anna, bulk, false).await.len(), 1);
    for id in [bulk, BulkId(12)] {
        assert!(matches!(app.load_bulk(&boris, id).await, Err(Error::NotFound)));
        assert!(matches!(app.begin_bulk(&boris, id).await, Err(Error::NotFound)));
        assert!(matches!(app.list_bulk_items(&boris, id, false, (0, 10)).await, Err(Error::NotFound)));
    }
    let theirs = app.create_group(&anna, NewGroup { name: "Theirs", parent: None }).await.unwrap();
    let own = world.lock(&boris, "Own door", 9).await;
    let into = app.propose_bulk(&boris, Deed::SetGroup(Some(theirs)), &[own]).await;
    assert!(matches!(into, Err(Error::NotFound)));
    let mut nobody = anna.clone();
    nobody.rights = Rights::VIEW;
    for deed in [Deed::Lock, Deed::SetGroup(None), Deed::SetFavourite(true)] {
        assert!(matches!(app.propose_bulk(&nobody, deed, &[front]).await, Err(Error::Forbidden(_))));
    }
    assert!(matches!(app.begin_bulk(&nobody, bulk).await, Err(Error::Forbidden(_))));
    work(&world).await;
    assert!(orders(&world, &anna, &[front, back]).await.is_empty());
}

#[tokio::test]
async fn after_a_restart_nothing_is_taken_up_again_and_it_is_told_so() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut devices = Vec::new();
    for number in 1..=70 {
        let door = world.lock(&anna, &format!("Flat {number}"), number).await;
        world.says(door, Observation::State(LockState::Unlocked)).await;
        devices.push(door);
    }
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &devices).await.unwrap();
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    world.app.work_on_bulks().await.unwrap();
    let world = world.restart(2).await;
    work(&world).await;
    let tally = tally(&world, &anna, bulk).await;
    assert_eq!((tally.failed, tally.waiting, tally.under_way), (70, 0, 0));
    assert_eq!(orders(&world, &anna, &devices).await.len(), 64, "the rest was never ordered");
    let results = items(&world, &anna, bulk, false).await;
    assert!(results[69].reason.as_ref().unwrap().contains("restarted before its turn"));
    assert!(world.app.load_bulk(&anna, bulk).await.unwrap().is_settled());
}

#[tokio::test]
async fn what_is_too_late_is_not_begun_and_whose_turn_comes_too_late_is_told_so() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 7).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    let old = world.app.propose_bulk(&anna, Deed::Lock, &[door]).await.unwrap();
    let slow = world.app.propose_bulk(&anna, Deed::Lock, &[door]).await.unwrap();
    world.app.begin_bulk(&anna, slow).await.unwrap();
    world.clock.advance(Duration::from_mins(11));
    let begun = world.app.begin_bulk(&anna, old).await;
    assert!(matches!(begun, Err(Error::Refused(Refusal::ProposalTooOld))), "{begun:?}");
    work(&world).await;
    assert!(orders(&world, &anna, &[door]).await.is_empty());
    let results = items(&world, &anna, slow, false).await;
    assert!(results[0].reason.as_ref().unwrap().contains("did not come in time"));
}

#[tokio::test]
async fn a_right_that_ends_meanwhile_ends_the_bulk() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 7).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &[door]).await.unwrap();
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    let (_, other) = world.sign_in("anna@example.org").await;
    world.app.end_other_sessions(&other).await.unwrap();
    work(&world).await;
    assert!(orders(&world, &other, &[door]).await.is_empty());
    let results = items(&world, &other, bulk, false).await;
    assert_eq!(results[0].became, Became::Failed);
    assert!(results[0].reason.as_ref().unwrap().contains("right to do this ended"));
}

#[tokio::test]
async fn what_changed_between_proposal_and_turn_is_looked_at_again() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut devices = Vec::new();
    for (number, name) in (1..).zip(["Locks itself", "Goes away", "Is removed", "Stays"]) {
        let door = world.lock(&anna, name, number).await;
        world.says(door, Observation::State(LockState::Unlocked)).await;
        devices.push(door);
    }
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &devices).await.unwrap();
    world.says(devices[0], Observation::State(LockState::Locked)).await;
    world.says(devices[1], Observation::Link { up: false }).await;
    world.app.remove_device(&anna, devices[2]).await.unwrap();
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    let became: Vec<_> =
        items(&world, &anna, bulk, false).await.into_iter().map(|item| item.became).collect();
    assert_eq!(became, [Became::Done, Became::Failed, Became::Failed, Became::UnderWay]);
    assert_eq!(world.app.list_open_commands(&anna).await.unwrap().len(), 1);
    assert!(
        world
            .app
            .list_open_commands(&anna)
            .await
            .unwrap()
            .iter()
            .all(|one| one.state == CommandState::Created)
    );
}

#[tokio::test]
async fn groups_and_favourites_are_set_for_many_with_one_result_each() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut devices = Vec::new();
    for number in 1..=3 {
        devices.push(world.lock(&anna, &format!("Flat {number}"), number).await);
    }
    let app = &world.app;
    let house = app.create_group(&anna, NewGroup { name: "House", parent: None }).await.unwrap();
    app.set_group(&anna, devices[0], Some(house)).await.unwrap();
    for (deed, done) in
        [(Deed::SetGroup(Some(house)), 2), (Deed::SetFavourite(true), 3), (Deed::SetFavourite(false), 3)]
    {
        let bulk = app.propose_bulk(&anna, deed, &devices).await.unwrap();
        app.begin_bulk(&anna, bulk).await.unwrap();
        work(&world).await;
        assert_eq!(tally(&world, &anna, bulk).await.done, done, "{deed:?}");
    }
    assert_eq!(app.list_groups(&anna).await.unwrap()[0].counts.total(), 3);
    let gone = app
        .propose_bulk(&anna, Deed::SetGroup(Some(house)), &[world.lock(&anna, "Flat 9", 9).await])
        .await
        .unwrap();
    app.delete_group(&anna, house).await.unwrap();
    app.begin_bulk(&anna, gone).await.unwrap();
    work(&world).await;
    assert_eq!(tally(&world, &anna, gone).await.failed, 1);
}
