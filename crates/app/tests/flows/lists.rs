//! The list of devices follows every commit, and belongs to whoever asks.

use std::future::{Future as _, poll_fn};
use std::task::Poll;
use std::time::Duration;

use lockwarden_app::Error;
use lockwarden_app::accounts::Preference;
use lockwarden_app::actor::{Actor, Rights, Scope};
use lockwarden_app::devices::list::{Filter, ListOrder, ListQuery, Place, Wrong};
use lockwarden_app::devices::{DoorState, Kind, LockState, NewDevice, Observation, Problem};
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::DeviceId;
use lockwarden_testkit::World;

async fn found(world: &World, actor: &Actor, filter: Filter) -> Vec<DeviceId> {
    let query = ListQuery { filter, ..ListQuery::default() };
    world.app.list_page(actor, &query).await.unwrap().devices
}

fn words(words: &str) -> Filter {
    Filter { words: words.to_owned(), ..Filter::default() }
}

#[tokio::test]
async fn whatever_changes_a_device_is_in_the_list_at_once() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let all = || found(&world, &anna, Filter::default());
    assert!(all().await.is_empty());
    let (cellar, credentials) = world.device(&anna, "Cellar").await;
    let front = world.lock(&anna, "Front door", 0xBEEF).await;
    assert_eq!(all().await, [cellar, front]);
    let kind = |kind| found(&world, &anna, Filter { kind: Some(kind), ..Filter::default() });
    assert_eq!(kind(Kind::New).await, [cellar]);
    let login = world.login(&credentials).await;
    world.app.bind_login(&login, 0xCAFE).await.unwrap().unwrap();
    assert_eq!(kind(Kind::Offline).await, [cellar]);
    world.says(cellar, Observation::Link { up: true }).await;
    world.says(cellar, Observation::State(LockState::Unlocked)).await;
    assert_eq!(kind(Kind::Unlocked).await, [cellar]);
    assert_eq!(found(&world, &anna, words("cafe")).await, [cellar]);
    world.app.rename_device(&anna, cellar, "Zum Keller").await.unwrap();
    assert_eq!(all().await, [front, cellar]);
    assert!(found(&world, &anna, words("Cellar")).await.is_empty());
    world.app.set_favourite(&anna, cellar, true).await.unwrap();
    assert_eq!(all().await, [cellar, front]);
    let house = world.app.create_group(&anna, NewGroup { name: "Straße 4", parent: None }).await.unwrap();
    world.app.set_group(&anna, front, Some(house)).await.unwrap();
    assert_eq!(found(&world, &anna, words("strasse door")).await, [front]);
    let within = Filter { place: Some(Place::Within(house)), ..Filter::default() };
    assert_eq!(found(&world, &anna, within.clone()).await, [front]);
    world.app.rename_group(&anna, house, "Platz 5").await.unwrap();
    assert!(found(&world, &anna, words("strasse")).await.is_empty());
    world.app.delete_group(&anna, house).await.unwrap();
    assert!(found(&world, &anna, within).await.is_empty());
    world.app.remove_device(&anna, front).await.unwrap();
    assert_eq!(all().await, [cellar]);
}

#[tokio::test]
async fn a_door_becomes_a_problem_by_standing_open() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let calm = world.lock(&anna, "A calm door", 7).await;
    let open = world.lock(&anna, "Open door", 8).await;
    world.says(open, Observation::State(LockState::Unlocked)).await;
    world.says(open, Observation::Door(DoorState::Closed)).await;
    world.says(open, Observation::Door(DoorState::Opened)).await;
    let left_open = Filter { wrong: Some(Wrong::This(Problem::DoorLeftOpen)), ..Filter::default() };
    assert!(found(&world, &anna, left_open.clone()).await.is_empty());
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(found(&world, &anna, left_open).await, [open]);
    let query = ListQuery { order: ListOrder::Problems, ..ListQuery::default() };
    assert_eq!(world.app.list_page(&anna, &query).await.unwrap().devices, [open, calm]);
}

#[tokio::test]
async fn nobody_finds_or_counts_what_is_not_theirs() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let front = world.lock(&anna, "Front door", 7).await;
    let back = world.lock(&anna, "Back door", 8).await;
    assert!(found(&world, &boris, words("door")).await.is_empty());
    let narrow = Actor { scope: Scope::Only([back].into()), ..anna.clone() };
    let page = world.app.list_page(&narrow, &ListQuery::default()).await.unwrap();
    assert_eq!((page.devices, page.all, page.counts.total()), (vec![back], 1, 1));
    assert_eq!(world.app.list_matching(&narrow, &ListQuery::default()).await.unwrap(), [back]);
    let after = ListQuery { after: Some(front), ..ListQuery::default() };
    assert!(
        world.app.list_page(&narrow, &after).await.unwrap().devices.is_empty(),
        "Back comes before Front"
    );
    let mut nobody = anna.clone();
    nobody.rights = Rights::NONE;
    let refused = world.app.list_page(&nobody, &ListQuery::default()).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    assert!(world.app.list_groups(&nobody).await.is_err());
}

#[tokio::test]
async fn what_many_devices_said_is_read_before_anybody_asks() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let is_read_by = async |count: usize| {
        found(&world, &anna, Filter::default()).await;
        let names: Vec<String> = (0..count).map(|number| format!("Flat {number}")).collect();
        let new: Vec<_> = names.iter().map(|name| NewDevice::by_mqtt(name)).collect();
        let added = world.app.add_devices(&anna, &new, None).await.unwrap();
        world.app.refresh_rosters().await.unwrap();
        // Nobody is told of this, so that who read before it does not know it.
        let mut tx = world.app.db().write().await.unwrap();
        tx.query("update devices set name = 'Read late'").run().await.unwrap();
        tx.commit().await.unwrap();
        let late = found(&world, &anna, words("late")).await;
        let first = added[0].0;
        world.app.set_favourite(&anna, first, true).await.unwrap();
        assert!(found(&world, &anna, words("late")).await.contains(&first), "what is told of is known");
        !late.contains(&first)
    };
    assert!(!is_read_by(9).await, "a few are read by who asks");
    assert!(is_read_by(300).await);
}

#[tokio::test]
async fn many_devices_come_into_a_group_at_once_or_not_at_all() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let house = world.app.create_group(&anna, NewGroup { name: "House", parent: None }).await.unwrap();
    let new = ["Flat 1", "Flat 2"].map(NewDevice::by_mqtt);
    let added = world.app.add_devices(&anna, &new, Some(house)).await.unwrap();
    assert_ne!(added[0].1.username, added[1].1.username);
    let within = Filter { place: Some(Place::Within(house)), ..Filter::default() };
    assert_eq!(found(&world, &anna, within).await, [added[0].0, added[1].0]);
    let bad = [NewDevice::by_mqtt("Flat 3"), NewDevice::by_mqtt("")];
    assert!(matches!(world.app.add_devices(&anna, &bad, Some(house)).await, Err(Error::Invalid { .. })));
    assert!(matches!(world.app.add_devices(&boris, &new, Some(house)).await, Err(Error::NotFound)));
    let mut nobody = anna.clone();
    nobody.rights = Rights::NONE;
    assert!(matches!(world.app.add_devices(&nobody, &new, None).await, Err(Error::Forbidden(_))));
    assert_eq!(found(&world, &anna, Filter::default()).await.len(), 2);
    assert!(found(&world, &boris, Filter::default()).await.is_empty());
}

#[tokio::test]
async fn a_restore_is_in_the_list_too() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let front = world.lock(&anna, "Front door", 7).await;
    world.app.set_favourite(&anna, front, true).await.unwrap();
    let house = world.app.create_group(&anna, NewGroup { name: "House", parent: None }).await.unwrap();
    world.app.set_group(&anna, front, Some(house)).await.unwrap();
    world.app.set_preference(&anna, Preference::DeviceList, "sort=added").await.unwrap();
    let file = world.database.dir.path().join("backup.db");
    world.app.back_up(&file).await.unwrap();
    world.app.delete_group(&anna, house).await.unwrap();
    let later = world.lock(&anna, "A later door", 9).await;
    assert_eq!(found(&world, &anna, Filter::default()).await, [front, later]);
    world.app.restore(&file).await.unwrap();
    assert_eq!(found(&world, &anna, Filter::default()).await, [front]);
    assert_eq!(world.app.list_groups(&anna).await.unwrap()[0].counts.of(Kind::Offline), 1);
    let (_, anna) = world.sign_in("anna@example.org").await;
    assert_eq!(world.app.preference(&anna, Preference::DeviceList).await.unwrap().unwrap(), "sort=added");
}

#[tokio::test]
async fn what_a_person_chose_is_their_own() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let app = &world.app;
    let which = Preference::DeviceList;
    assert_eq!(app.preference(&anna, which).await.unwrap(), None);
    for value in ["sort=added", "sort=problems&view=list"] {
        app.set_preference(&anna, which, value).await.unwrap();
        assert_eq!(app.preference(&anna, which).await.unwrap().as_deref(), Some(value));
    }
    assert_eq!(app.preference(&boris, which).await.unwrap(), None);
    assert!(matches!(app.set_preference(&anna, which, &"x".repeat(501)).await, Err(Error::Invalid { .. })));
}

#[tokio::test]
async fn whoever_goes_away_in_the_middle_of_asking_takes_no_change_with_them() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let query = ListQuery::default();
    world.app.list_page(&anna, &query).await.unwrap();
    let mut given_up = 0;
    for round in 0..20 {
        let state = if round % 2 == 0 { LockState::Unlocked } else { LockState::Locked };
        world.says(door, Observation::State(state)).await;
        let mut asked = Box::pin(world.app.list_page(&anna, &query));
        let mut is_over = false;
        for _ in 0..=round {
            is_over = is_over || poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx).is_ready())).await;
            tokio::task::yield_now().await;
        }
        drop(asked);
        given_up += u32::from(!is_over);
        let counts = world.app.list_page(&anna, &query).await.unwrap().counts;
        assert_eq!(counts.of(Kind::Locked), usize::from(state == LockState::Locked), "round {round}");
    }
    assert!(given_up > 0, "somebody went away in the middle");
}
