//! Which devices a bridge brings and does not bring again, and since when a state is one that it repeats.

use std::collections::BTreeSet;
use std::time::Duration;

use lockwarden_app::actor::{Actor, Rights};
use lockwarden_app::bridges::{Listed, NewBridge, Polled};
use lockwarden_app::clock::Time;
use lockwarden_app::devices::list::Place;
use lockwarden_app::devices::{
    Connector, DeviceType, LockAction, LockState, NewDevice, Observation, Said, SortBy, Trigger,
};
use lockwarden_app::health::Urgency;
use lockwarden_app::ids::{BridgeId, DeviceId};
use lockwarden_app::ways::Move;
use lockwarden_app::{Error, Refusal};
use lockwarden_testkit::World;

fn lock(nuki_id: u32) -> Listed {
    Listed { nuki_id, kind: DeviceType::SmartLock34, name: Some(format!("Door {nuki_id:X}")) }
}

async fn add(world: &World, owner: &Actor, address: &str) -> (BridgeId, Vec<DeviceId>) {
    let listed = [lock(0xA1), lock(0xB2)];
    let new = NewBridge { address, token: "token", token_form: "encrypted", listed: &listed };
    world.app.add_bridge(owner, new).await.unwrap()
}

async fn names(world: &World, owner: &Actor) -> Vec<String> {
    let devices = world.app.list_devices(owner, SortBy::Name).await.unwrap();
    devices.into_iter().map(|device| device.name).collect()
}

async fn ways(world: &World, owner: &Actor, device: DeviceId) -> Vec<Connector> {
    let connection = world.app.load_connection(owner, device).await.unwrap();
    connection.ways.into_iter().map(|way| way.connector).collect()
}

#[tokio::test]
async fn what_was_taken_from_a_bridge_comes_back_only_with_the_bridge_added_anew() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (bridge, devices) = add(&world, &anna, "192.0.2.7").await;
    let (other, _) = add(&world, &anna, "192.0.2.8").await;
    world.app.remove_device(&anna, devices[0]).await.unwrap();
    let to = Move { to: Connector::NukiHub, keep: false, base_path: None };
    world.app.move_device(&anna, devices[1], to).await.unwrap();
    for bridge in [bridge, other] {
        world.app.bridge_lists(bridge, &[lock(0xA1), lock(0xB2), lock(0xC3)]).await.unwrap();
    }
    assert_eq!(names(&world, &anna).await, ["Door B2", "Door C3"], "only what is new is added");
    assert_eq!(ways(&world, &anna, devices[1]).await, [Connector::NukiHub]);
    let told = world.app.list_bridges(&anna).await.unwrap();
    assert_eq!(told.iter().map(|bridge| bridge.left_out).collect::<Vec<_>>(), [2, 2]);

    world.app.remove_bridge(&anna, bridge).await.unwrap();
    let (_, anew) = add(&world, &anna, "192.0.2.7").await;
    assert_ne!(anew[0], devices[0]);
    assert_eq!(anew[1], devices[1], "what stayed is the same device");
    assert_eq!(names(&world, &anna).await, ["Door A1", "Door B2", "Door C3"]);
    assert_eq!(ways(&world, &anna, devices[1]).await, [Connector::NukiBridge, Connector::NukiHub]);
}

#[tokio::test]
async fn one_way_of_several_that_was_removed_does_not_come_back_either() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let front = world.lock(&anna, "Front door", 0xA1).await;
    let (bridge, _) = add(&world, &anna, "192.0.2.7").await;
    assert_eq!(ways(&world, &anna, front).await, [Connector::NukiBridge, Connector::NukiMqtt]);
    world.app.remove_way(&anna, front, Connector::NukiBridge).await.unwrap();
    world.app.bridge_lists(bridge, &[lock(0xA1), lock(0xB2)]).await.unwrap();
    assert_eq!(ways(&world, &anna, front).await, [Connector::NukiMqtt]);
}

#[tokio::test]
async fn no_device_gets_a_way_that_its_type_does_not_have_and_one_that_is_refused_changes_nothing() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    for (kind, none) in [
        (DeviceType::Opener, Connector::NukiMqtt),
        (DeviceType::SmartDoor, Connector::NukiMqtt),
        (DeviceType::Box, Connector::NukiHub),
    ] {
        let new = NewDevice { connector: Connector::NukiHub, ..NewDevice::by_mqtt("Gate") };
        let (device, login) = world.app.add_device(&anna, new).await.unwrap();
        world.says_by(device, Connector::NukiHub, Observation::DeviceType(kind)).await;
        for keep in [false, true] {
            let to = Move { to: none, keep, base_path: None };
            let refused = world.app.move_device(&anna, device, to).await;
            assert!(matches!(refused, Err(Error::Refused(Refusal::NotReachedBy(_)))), "{kind:?} {refused:?}");
        }
        let refused = world.app.add_way(&anna, device, none).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::NotReachedBy(_)))), "{kind:?} {refused:?}");
        assert_eq!(ways(&world, &anna, device).await, [Connector::NukiHub], "{kind:?}");
        world.login(&login).await;
    }
    let unknown = world.device(&anna, "Nobody knows yet").await.0;
    world.app.add_way(&anna, unknown, Connector::NukiHub).await.unwrap();
}

#[tokio::test]
async fn a_bridge_still_leaves_out_what_it_did_after_a_backup_came_back() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (bridge, devices) = add(&world, &anna, "192.0.2.7").await;
    world.app.remove_device(&anna, devices[0]).await.unwrap();
    let file = world.database.dir.path().join("backup.db");
    world.app.db().back_up(&file).await.unwrap();
    let mut tx = world.app.db().write().await.unwrap();
    let scratch = world.database.dir.path().join("scratch.db");
    lockwarden_app::db::Db::restore_into(&mut tx, &file, &scratch).await.unwrap();
    tx.commit().await.unwrap();
    world.app.bridge_lists(bridge, &[lock(0xA1), lock(0xB2)]).await.unwrap();
    let anna = world.sign_in("anna@example.org").await.1;
    assert_eq!(names(&world, &anna).await, ["Door B2"]);
}

/// A minute after the last time, the bridge repeats what it heard at a time by its own clock.
async fn repeats(
    world: &World,
    (owner, device): (&Actor, DeviceId),
    state: LockState,
    heard_at: Option<Time>,
) -> Said {
    world.clock.advance(Duration::from_mins(1));
    let (action, trigger) = (LockAction::Other(u8::MAX), Trigger::Undefined);
    let because = Observation::Because { state, action, trigger, heard_at };
    let seen = Observation::Snapshot { clock: None, zone_minutes: 0, seen: vec![because] };
    world.says_by(device, Connector::NukiBridge, seen).await;
    world.app.load_device(owner, device).await.unwrap().said
}

#[tokio::test]
async fn a_state_lasts_since_its_bridge_heard_it_and_not_since_before_the_one_before_it_was_said() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (bridge, devices) = add(&world, &anna, "192.0.2.7").await;
    world.app.bridge_polled(bridge, &Polled::Answered { latency_ms: 1 }).await.unwrap();
    let of = (&anna, devices[0]);
    let (now, minutes) = (|| world.clock.now(), |minutes| Duration::from_mins(minutes));

    let long_ago = now().minus(minutes(300));
    let said = repeats(&world, of, LockState::Locked, Some(long_ago)).await;
    let there = now().minus(minutes(1));
    assert_eq!(
        (said.state_changed_at, said.state_at),
        (Some(long_ago), Some(there)),
        "since its way is there"
    );
    let said = repeats(&world, of, LockState::Locked, Some(long_ago)).await;
    assert_eq!(said.state_at, Some(there), "a repetition is no news");
    let said = repeats(&world, of, LockState::Locked, Some(now())).await;
    assert_eq!((said.state_changed_at, said.state_at), (Some(long_ago), Some(now().minus(minutes(1)))));
    let last_locked = now();

    world.clock.advance(minutes(60));
    let meanwhile = now().minus(minutes(20));
    let said = repeats(&world, of, LockState::Unlocked, Some(meanwhile)).await;
    assert_eq!(said.state_changed_at, Some(meanwhile), "nobody looked in between");
    let unlocked = repeats(&world, of, LockState::Locked, Some(last_locked)).await;
    assert_eq!(
        (unlocked.state, unlocked.state_at),
        (said.state, said.state_at),
        "it was unlocked later than that"
    );
    let said = repeats(&world, of, LockState::Locked, Some(now().plus(minutes(90)))).await;
    assert_eq!(said.state_changed_at, Some(now()), "a fast clock: nothing lasts since tomorrow");
    let said = repeats(&world, of, LockState::Unlocked, None).await;
    assert_eq!(said.state_changed_at, Some(now()), "a bridge that tells no time");
}

#[tokio::test]
async fn a_bridge_that_does_not_answer_gets_another_address_and_token_and_brings_its_devices_from_there() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let app = &world.app;
    let (bridge, devices) = add(&world, &anna, "192.0.2.7").await;
    add(&world, &anna, "192.0.2.8").await;
    app.bridge_told(bridge, (Some(7), None), "").await.unwrap();
    let change = async |who, address, token| {
        let new = NewBridge { address, token, token_form: "plain", listed: &[] };
        app.change_bridge(who, bridge, new).await
    };
    let access =
        async || app.all_bridges().await.unwrap().into_iter().find(|access| access.bridge == bridge).unwrap();
    let behind = async || {
        let behind = app.devices_behind(bridge).await.unwrap();
        behind.into_iter().map(|one| one.device).collect::<BTreeSet<_>>()
    };
    let before = access().await;

    app.bridge_polled(bridge, &Polled::Answered { latency_ms: 1 }).await.unwrap();
    let answers = change(&anna, "192.0.2.9", "other").await;
    assert!(matches!(answers, Err(Error::Invalid { field: "address", .. })), "{answers:?}");
    let away = Polled::Troubled { words: "no answer", is_away: true };
    app.bridge_polled(bridge, &away).await.unwrap();
    let narrow = Actor { rights: Rights::VIEW, ..anna.clone() };
    assert!(matches!(change(&narrow, "192.0.2.9", "other").await, Err(Error::Forbidden(_))));
    assert!(matches!(change(&boris, "192.0.2.9", "other").await, Err(Error::NotFound)));
    let there = change(&anna, "192.0.2.8:8080", "other").await;
    assert!(matches!(there, Err(Error::Refused(Refusal::BridgeExists))), "{there:?}");
    for token in ["", "with space"] {
        let unknown = change(&anna, "192.0.2.9", token).await;
        assert!(matches!(unknown, Err(Error::Invalid { field: "token", .. })), "{unknown:?}");
    }
    assert_eq!(access().await, before);

    change(&anna, "192.0.2.7:8080", "other").await.unwrap();
    assert_eq!(behind().await, devices.iter().copied().collect(), "with another token it is the same bridge");
    change(&anna, "192.0.2.9", "third").await.unwrap();
    let after = access().await;
    assert_eq!((after.address.as_str(), after.token.as_str()), ("192.0.2.9:8080", "third"));
    assert_eq!((after.token_form.as_str(), &after.callback), ("plain", &before.callback));
    assert_eq!(behind().await, BTreeSet::new(), "at another address it may be another bridge");
    assert!(!ways(&world, &anna, devices[0]).await.contains(&Connector::NukiBridge));
    let shown = app.list_bridges(&anna).await.unwrap();
    let shown = shown.iter().find(|one| one.id == bridge).unwrap();
    assert_eq!((shown.hardware_id, shown.heard_at, &shown.trouble), (None, None, &None));
    app.bridge_lists(bridge, &[lock(0xA1)]).await.unwrap();
    assert_eq!(behind().await, BTreeSet::from([devices[0]]), "what it lists is the same device as before");
    assert_eq!(names(&world, &anna).await, ["Door A1", "Door B2"]);
}

#[tokio::test]
async fn a_bridge_that_never_answered_needs_somebody_until_it_does_and_only_whoever_may_add_devices() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let app = &world.app;
    let new = NewBridge { address: "192.0.2.7", token: "token", token_form: "plain", listed: &[] };
    let (bridge, _) = app.add_bridge(&anna, new).await.unwrap();
    let narrow = Actor { rights: Rights::VIEW, ..anna.clone() };
    let needs = async |who: &Actor| {
        world.clock.advance(Duration::from_mins(1));
        let attention = app.load_attention(who, None).await.unwrap();
        let listed: Vec<BridgeId> = attention.bridges(Urgency::Soon).iter().map(|one| one.id).collect();
        assert_eq!(attention.count(Urgency::Soon), listed.len());
        assert_eq!(app.count_attention(who).await.unwrap(), listed.len());
        listed
    };
    assert_eq!(needs(&anna).await, [], "it has not been asked");
    let away = Polled::Troubled { words: "no answer", is_away: true };
    app.bridge_polled(bridge, &away).await.unwrap();
    assert_eq!(needs(&anna).await, [bridge]);
    let nowhere = app.load_attention(&anna, Some(Place::InNoGroup)).await.unwrap();
    assert!(nowhere.is_empty(), "a bridge is in no group, and not among what is in none");
    for other in [&narrow, &boris] {
        assert_eq!(needs(other).await, []);
    }
    app.bridge_polled(bridge, &Polled::Answered { latency_ms: 1 }).await.unwrap();
    assert_eq!(needs(&anna).await, []);
    app.bridge_polled(bridge, &away).await.unwrap();
    assert_eq!(needs(&anna).await, [], "what it brings is told by its devices");
}

#[tokio::test]
async fn of_one_bridge_under_two_addresses_the_first_has_the_devices_until_it_is_removed() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let listed = [lock(0xA1)];
    let new = |address| NewBridge { address, token: "token", token_form: "encrypted", listed: &[] };
    let (first, _) = world.app.add_bridge(&anna, new("localhost:8411")).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let (second, _) = world.app.add_bridge(&anna, new("127.0.0.1:8411")).await.unwrap();
    let told = async |bridge, hardware_id| {
        world.app.bridge_polled(bridge, &Polled::Answered { latency_ms: 1 }).await.unwrap();
        world.app.bridge_lists(bridge, &listed).await.unwrap();
        world.app.bridge_told(bridge, (hardware_id, None), "").await.unwrap();
    };
    let asked = async || -> Vec<BridgeId> {
        world.app.all_bridges().await.unwrap().iter().map(|access| access.bridge).collect()
    };
    let behind = async |bridge| world.app.devices_behind(bridge).await.unwrap().len();

    told(second, Some(7)).await;
    assert_eq!((asked().await.len(), behind(second).await), (2, 1), "the first has not said what it is");
    let boris = world.owner("Boris").await;
    let (of_another, _) = world.app.add_bridge(&boris, new("localhost:8411")).await.unwrap();
    told(of_another, Some(7)).await;
    told(first, Some(7)).await;
    assert_eq!(asked().await.iter().filter(|bridge| **bridge == second).count(), 0);
    assert_eq!((asked().await.len(), behind(first).await, behind(second).await), (2, 1, 0));
    let shown = world.app.list_bridges(&anna).await.unwrap();
    assert!(shown[0].online && shown[0].trouble.is_none(), "{shown:?}");
    assert!(!shown[1].online && shown[1].same_as.as_deref() == Some("localhost:8411"), "{shown:?}");
    world.app.bridge_lists(second, &[lock(0xA1), lock(0xB2)]).await.unwrap();
    assert_eq!(behind(second).await, 0, "what was on its way brings nothing either");

    world.app.remove_bridge(&anna, first).await.unwrap();
    told(second, Some(7)).await;
    assert_eq!((asked().await.len(), behind(second).await), (2, 1));
    assert_eq!(world.app.list_bridges(&anna).await.unwrap()[0].same_as, None);
    let (software, _) = world.app.add_bridge(&anna, new("192.0.2.9")).await.unwrap();
    told(software, None).await;
    assert_eq!(asked().await.len(), 3, "what does not say what it is may be anything");
}
