//! What becomes of a change of many when its turn comes, and when somebody stops it or tries again.

use std::time::Duration;

use lockwarden_app::Error;
use lockwarden_app::bulks::{Became, BulkState, Deed, Tally};
use lockwarden_app::commands::CommandState;
use lockwarden_app::devices::{DeviceType, DoorState, LockAction, LockState, Mode, Observation};
use lockwarden_testkit::World;

use crate::bulks::{items, work};

#[tokio::test]
async fn what_changed_between_proposal_and_turn_is_looked_at_again() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut devices = Vec::new();
    for (number, name) in (1..).zip(["Locks itself", "Goes away", "Is removed", "Stays", "Is opened"]) {
        let door = world.lock(&anna, name, number).await;
        world.says(door, Observation::State(LockState::Unlocked)).await;
        devices.push(door);
    }
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &devices).await.unwrap();
    world.says(devices[0], Observation::State(LockState::Locked)).await;
    world.says(devices[1], Observation::Link { up: false }).await;
    world.app.remove_device(&anna, devices[2]).await.unwrap();
    world.says(devices[4], Observation::Door(DoorState::Opened)).await;
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    let became: Vec<_> =
        items(&world, &anna, bulk, false).await.into_iter().map(|item| item.became).collect();
    assert_eq!(
        became,
        [Became::Done, Became::Failed, Became::Failed, Became::UnderWay, Became::Failed],
        "a bolt is not driven out of an open door"
    );
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
async fn what_is_stopped_goes_no_further_and_says_so_of_each() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut doors = Vec::new();
    for number in 1..=70 {
        doors.push(world.lock(&anna, &format!("Flat {number}"), number).await);
    }
    let bulk = world.app.propose_bulk(&anna, Deed::SetFavourite(true), &doors).await.unwrap();
    world.app.stop_bulk(&anna, bulk).await.unwrap();
    assert_eq!(
        world.app.load_bulk(&anna, bulk).await.unwrap().state,
        BulkState::Proposed,
        "nothing goes on yet"
    );
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    world.app.work_on_bulks().await.unwrap();
    let boris = world.owner("Boris").await;
    assert!(matches!(world.app.stop_bulk(&boris, bulk).await, Err(Error::NotFound)));
    world.app.stop_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    let stopped = world.app.load_bulk(&anna, bulk).await.unwrap();
    assert_eq!((stopped.state, stopped.is_settled()), (BulkState::Over, true));
    assert_eq!(stopped.tally, Tally { done: 64, not_begun: 6, ..Tally::default() });
    let last = items(&world, &anna, bulk, false).await.pop().unwrap();
    assert_eq!(last.became, Became::NotBegun);
    assert_eq!(last.reason.as_deref(), Some("stopped before its turn came: nothing was done"));
    assert!(!world.app.load_device(&anna, doors[69]).await.unwrap().favourite);
    let rest = world.app.propose_rest(&anna, bulk).await.unwrap();
    assert_eq!(items(&world, &anna, rest, false).await.len(), 6);
}

#[tokio::test]
async fn those_with_which_it_came_to_nothing_are_proposed_once_more_and_no_others() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut doors = Vec::new();
    for (number, name) in (1..).zip(["Goes away", "Locks", "Never answers"]) {
        let door = world.lock(&anna, name, number).await;
        world.says(door, Observation::State(LockState::Unlocked)).await;
        doors.push(door);
    }
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &doors).await.unwrap();
    world.says(doors[0], Observation::Link { up: false }).await;
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    for (id, _) in world.app.due_commands().await.unwrap() {
        world.app.take_command(id).await.unwrap().unwrap();
    }
    world.says(doors[1], Observation::State(LockState::Locked)).await;
    world.says(doors[1], Observation::CommandResponse(0)).await;
    world.clock.advance(Duration::from_mins(3));
    world.app.settle_commands().await.unwrap();
    let rest = world.app.propose_rest(&anna, bulk).await.unwrap();
    let left_out = items(&world, &anna, rest, true).await;
    assert_eq!(left_out.iter().map(|item| item.device).collect::<Vec<_>>(), [doors[0]], "it is offline");
    let proposed = items(&world, &anna, rest, false).await;
    assert_eq!(proposed.iter().map(|item| item.device).collect::<Vec<_>>(), [doors[2]]);
    let nothing = world.app.propose_rest(&anna, rest).await;
    assert!(matches!(nothing, Err(Error::Invalid { field: "devices", .. })), "none of them has failed");
}

#[tokio::test]
async fn an_opener_is_told_to_end_ring_to_open_and_one_in_continuous_mode_is_never_called_done() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut openers = Vec::new();
    for (number, name) in (1..).zip(["Rings open", "Lets everybody in", "Will let everybody in", "Rests"]) {
        let opener = world.lock(&anna, name, number).await;
        world.says(opener, Observation::DeviceType(DeviceType::Opener)).await;
        world.says(opener, Observation::Mode(Mode::Door)).await;
        world.says(opener, Observation::State(LockState::Unlocked)).await;
        openers.push(opener);
    }
    world.says(openers[1], Observation::Mode(Mode::Continuous)).await;
    world.says(openers[3], Observation::State(LockState::Locked)).await;
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &openers).await.unwrap();
    let why: Vec<_> =
        items(&world, &anna, bulk, true).await.into_iter().filter_map(|item| item.reason).collect();
    assert_eq!(why, ["is in continuous mode: switch that off on its own page", "lets nobody in already"]);
    world.says(openers[2], Observation::Mode(Mode::Continuous)).await;
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    let became: Vec<_> =
        items(&world, &anna, bulk, false).await.into_iter().map(|item| item.became).collect();
    assert_eq!(became, [Became::UnderWay, Became::Failed]);
    let ordered = world.app.list_open_commands(&anna).await.unwrap();
    assert_eq!(ordered.iter().map(|one| one.action).collect::<Vec<_>>(), [LockAction::Lock]);
}
