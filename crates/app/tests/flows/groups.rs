//! Groups of devices: their shape, what is in them, and for whom they exist.

use lockwarden_app::Error;
use lockwarden_app::actor::{Actor, Rights, Scope};
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::{DeviceId, GroupId};
use lockwarden_testkit::World;

async fn group(world: &World, actor: &Actor, name: &str, parent: Option<GroupId>) -> GroupId {
    world.app.create_group(actor, NewGroup { name, parent }).await.unwrap()
}

/// Each group with its depth, and how many devices are in it or below it.
async fn tree(world: &World, actor: &Actor) -> Vec<(String, usize, usize)> {
    let groups = world.app.list_groups(actor).await.unwrap();
    groups.into_iter().map(|one| (one.group.name, one.group.depth, one.counts.total())).collect()
}

async fn group_of(world: &World, actor: &Actor, device: DeviceId) -> Option<GroupId> {
    world.app.load_device(actor, device).await.unwrap().group
}

#[tokio::test]
async fn a_group_is_made_renamed_moved_and_deleted_and_what_was_in_it_moves_up() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Flat 2", 7).await;
    let site = group(&world, &anna, "Harbour", None).await;
    let house = group(&world, &anna, "House 4", Some(site)).await;
    let floor = group(&world, &anna, "Second floor", Some(house)).await;
    world.app.set_group(&anna, door, Some(house)).await.unwrap();
    let named = |name: &str, depth, count| (name.to_owned(), depth, count);
    let right = [named("Harbour", 0, 1), named("House 4", 1, 1), named("Second floor", 2, 0)];
    assert_eq!(tree(&world, &anna).await, right);
    world.app.rename_group(&anna, house, "House 5").await.unwrap();
    world.app.delete_group(&anna, house).await.unwrap();
    assert_eq!(group_of(&world, &anna, door).await, Some(site));
    assert_eq!(tree(&world, &anna).await, [named("Harbour", 0, 1), named("Second floor", 1, 0)]);
    world.app.move_group(&anna, floor, None).await.unwrap();
    world.app.delete_group(&anna, site).await.unwrap();
    assert_eq!(group_of(&world, &anna, door).await, None);
    assert_eq!(tree(&world, &anna).await, [named("Second floor", 0, 0)]);
    assert!(matches!(world.app.rename_group(&anna, site, "x").await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_cycle_a_fifth_level_and_a_second_of_the_same_name_are_refused() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut above = None;
    let mut groups = Vec::new();
    for name in ["a", "b", "c", "d"] {
        above = Some(group(&world, &anna, name, above).await);
        groups.extend(above);
    }
    let before = tree(&world, &anna).await;
    let app = &world.app;
    let invalid =
        |result: Result<(), Error>| assert!(matches!(result, Err(Error::Invalid { .. })), "{result:?}");
    invalid(app.create_group(&anna, NewGroup { name: "e", parent: above }).await.map(|_| ()));
    invalid(app.create_group(&anna, NewGroup { name: " A ", parent: None }).await.map(|_| ()));
    invalid(app.create_group(&anna, NewGroup { name: "", parent: None }).await.map(|_| ()));
    invalid(app.move_group(&anna, groups[0], Some(groups[2])).await);
    invalid(app.move_group(&anna, groups[1], Some(groups[1])).await);
    let other = group(&world, &anna, "other", None).await;
    invalid(app.move_group(&anna, groups[0], Some(other)).await);
    app.delete_group(&anna, other).await.unwrap();
    assert_eq!(tree(&world, &anna).await, before);
}

#[tokio::test]
async fn the_groups_of_another_account_never_were() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let theirs = group(&world, &anna, "Secret site", None).await;
    let mine = group(&world, &boris, "Mine", None).await;
    let door = world.lock(&boris, "Front door", 7).await;
    let not_found = |result: Result<(), Error>| assert!(matches!(result, Err(Error::NotFound)), "{result:?}");
    for group in [theirs, GroupId(12_345)] {
        let app = &world.app;
        not_found(app.create_group(&boris, NewGroup { name: "x", parent: Some(group) }).await.map(|_| ()));
        not_found(app.rename_group(&boris, group, "x").await);
        not_found(app.move_group(&boris, group, None).await);
        not_found(app.move_group(&boris, mine, Some(group)).await);
        not_found(app.delete_group(&boris, group).await);
        not_found(app.set_group(&boris, door, Some(group)).await);
    }
    not_found(world.app.set_group(&anna, door, Some(theirs)).await);
    assert_eq!(tree(&world, &boris).await, [("Mine".to_owned(), 0, 0)]);
    assert_eq!(tree(&world, &anna).await, [("Secret site".to_owned(), 0, 0)]);
}

#[tokio::test]
async fn a_narrow_scope_knows_of_its_own_groups_only_and_changes_no_shape() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let front = world.lock(&anna, "Front door", 7).await;
    let back = world.lock(&anna, "Back door", 8).await;
    let here = group(&world, &anna, "Here", None).await;
    let there = group(&world, &anna, "There", None).await;
    world.app.set_group(&anna, front, Some(here)).await.unwrap();
    world.app.set_group(&anna, back, Some(there)).await.unwrap();
    let narrow = Actor { scope: Scope::Only([front].into()), ..anna.clone() };
    assert_eq!(tree(&world, &narrow).await, [("Here".to_owned(), 0, 1)]);
    let app = &world.app;
    assert!(matches!(app.set_group(&narrow, front, Some(there)).await, Err(Error::NotFound)));
    assert!(matches!(app.set_group(&narrow, back, Some(here)).await, Err(Error::NotFound)));
    assert!(matches!(
        app.create_group(&narrow, NewGroup { name: "x", parent: None }).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(app.delete_group(&narrow, here).await, Err(Error::Forbidden(_))));
    app.set_group(&narrow, front, None).await.unwrap();
    assert_eq!(group_of(&world, &anna, front).await, None);
    let mut nobody = anna.clone();
    nobody.rights = Rights::VIEW;
    assert!(matches!(app.set_group(&nobody, front, None).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.set_favourite(&nobody, front, true).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.rename_group(&nobody, here, "x").await, Err(Error::Forbidden(_))));
}
