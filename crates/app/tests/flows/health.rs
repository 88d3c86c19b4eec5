//! The work list: what needs somebody, over all devices in scope, and its number.

use std::collections::BTreeSet;
use std::time::Duration;

use lockwarden_app::Error;
use lockwarden_app::actor::{Actor, Rights, Scope};
use lockwarden_app::devices::list::Place;
use lockwarden_app::devices::{Connector, DoorState, LeftOpen, LockState, Observation, Problem};
use lockwarden_app::groups::NewGroup;
use lockwarden_app::health::{Ailment, Detail, Urgency, WhyOffline};
use lockwarden_app::history::forecast::Forecast;
use lockwarden_app::ids::{DeviceId, GroupId};
use lockwarden_app::ways::{Fact, Trouble};
use lockwarden_testkit::World;

const DAY: Duration = Duration::from_hours(24);

async fn found(world: &World, actor: &Actor) -> Vec<(Ailment, Vec<(DeviceId, Detail)>)> {
    let attention = world.app.load_attention(actor, None).await.unwrap();
    let of = |ward: &lockwarden_app::health::Ward| {
        ward.patients.iter().map(|one| (one.device.id, one.detail.clone())).collect::<Vec<_>>()
    };
    attention.wards.iter().map(|ward| (ward.ailment, of(ward))).collect()
}

#[tokio::test]
async fn a_house_in_order_needs_nobody() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    world.lock(&anna, "Front door", 0xA1).await;
    world.device(&anna, "Not there yet").await;
    assert_eq!(found(&world, &anna).await, []);
    assert_eq!(world.app.count_attention(&anna).await.unwrap(), 0);
}

#[tokio::test]
async fn the_most_urgent_comes_first_and_a_device_counts_once() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (front, back) = (world.lock(&anna, "Front", 1).await, world.lock(&anna, "Back", 2).await);
    let off = world.clock.now().plus(Duration::from_mins(7));
    for seen in [Observation::State(LockState::MotorBlocked), Observation::BatteryPercent(12)] {
        world.says(front, seen).await;
    }
    world.says(back, Observation::DeviceTime(off)).await;
    let now = world.clock.now();
    assert_eq!(
        found(&world, &anna).await,
        [
            (Ailment::Problem(Problem::Jammed), vec![(front, Detail::Since(now))]),
            (Ailment::Problem(Problem::BatteryLow), vec![(front, Detail::Percent(12))]),
            (Ailment::Problem(Problem::ClockWrong), vec![(back, Detail::ClockOff(420_000))]),
        ]
    );
    assert_eq!(world.app.count_attention(&anna).await.unwrap(), 1, "a clock calls nobody");
}

#[tokio::test]
async fn a_door_is_left_open_by_time_passing_alone() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front", 1).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    world.says(door, Observation::Door(DoorState::Opened)).await;
    let opened = world.clock.now();
    assert_eq!(world.app.count_attention(&anna).await.unwrap(), 0);
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(world.app.count_attention(&anna).await.unwrap(), 1);
    let left_open = Ailment::Problem(Problem::DoorLeftOpen);
    assert_eq!(found(&world, &anna).await, [(left_open, vec![(door, Detail::Since(opened))])]);
    world.says(door, Observation::State(LockState::Locked)).await;
    let locked_but_open = Ailment::Problem(Problem::LockedButOpen);
    assert_eq!(found(&world, &anna).await, [(locked_but_open, vec![(door, Detail::Since(opened))])]);
}

#[tokio::test]
async fn who_is_away_is_listed_with_the_reason_as_far_as_it_is_known() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (own, both) = (world.lock(&anna, "A", 1).await, world.lock(&anna, "B", 2).await);
    world.app.add_way(&anna, both, Connector::NukiHub).await.unwrap();
    for door in [own, both] {
        world.says(door, Observation::Link { up: false }).await;
    }
    let since = Some(world.clock.now());
    let offline = Ailment::Problem(Problem::Offline);
    let away = |door, why| (door, Detail::Offline(since, why));
    let expected = vec![away(own, WhyOffline::OwnMqttSilent), away(both, WhyOffline::EveryWay)];
    assert_eq!(found(&world, &anna).await, [(offline, expected)]);
    let world = world.restart(2).await;
    let (_, anna) = world.sign_in("anna@example.org").await;
    world.says(own, Observation::Link { up: true }).await;
    world.says(own, Observation::State(LockState::Locked)).await;
    assert_eq!(found(&world, &anna).await, [(offline, vec![away(both, WhyOffline::EveryWay)])]);
    let world = world.restart(3).await;
    let (_, anna) = world.sign_in("anna@example.org").await;
    let (_, listed) = found(&world, &anna).await.remove(0);
    assert_eq!(listed.first(), Some(&(own, Detail::Offline(None, WhyOffline::JustStarted))));
}

#[tokio::test]
async fn what_only_the_database_tells_is_listed_too_and_ends_when_it_is_mended() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front", 1).await;
    let by_hub = async |seen| world.says_by(door, Connector::NukiHub, seen).await;
    world.app.add_way(&anna, door, Connector::NukiHub).await.unwrap();
    by_hub(Observation::Connected(true)).await;
    by_hub(Observation::Trouble(Trouble::NoPin, Some(String::new()))).await;
    for (dbm, is_weak) in [("-79", false), ("-80", false), ("-81", true), ("-105", true), ("-9", false)] {
        by_hub(Observation::Facts(vec![(Fact::Signal, dbm.to_owned())])).await;
        let listed: Vec<_> = found(&world, &anna).await.into_iter().map(|(one, _)| one).collect();
        assert_eq!(listed.contains(&Ailment::WeakSignal), is_weak, "{dbm}");
        assert!(listed.contains(&Ailment::Trouble(Trouble::NoPin)));
    }
    assert_eq!(world.app.count_attention(&anna).await.unwrap(), 1);
    by_hub(Observation::Trouble(Trouble::NoPin, None)).await;
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(world.app.count_attention(&anna).await.unwrap(), 0, "half a minute later at the latest");
    assert_eq!(found(&world, &anna).await, []);
}

#[tokio::test]
async fn a_firmware_is_old_only_beside_a_newer_one_of_its_type_and_generation_that_one_may_see() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (old, new) = (world.lock(&anna, "A", 1).await, world.lock(&anna, "B", 2).await);
    world.says(old, Observation::Firmware("4.9.14".to_owned())).await;
    world.says(new, Observation::Firmware("4.10.2".to_owned())).await;
    // A 3.0 never gets what a lock of the fourth generation has, and both tell the same type.
    let third = world.lock(&anna, "C", 3).await;
    world.says(third, Observation::Firmware("3.10.7".to_owned())).await;
    let versions = Detail::Firmware("4.9.14".to_owned(), "4.10.2".to_owned());
    assert_eq!(found(&world, &anna).await, [(Ailment::OldFirmware, vec![(old, versions)])]);
    let only_old = Actor { scope: Scope::Only(BTreeSet::from([old])), ..anna };
    assert_eq!(found(&world, &only_old).await, []);
}

#[tokio::test]
async fn a_battery_that_will_be_low_within_two_weeks_is_listed_before_it_is() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front", 1).await;
    assert!(matches!(world.app.forecast_battery(&anna, door).await.unwrap(), Forecast::Not(_)));
    for step in 0..33 {
        world.says(door, Observation::BatteryPercent(98 - 2 * step)).await;
        world.app.refresh_forecasts().await.unwrap();
        let listed = found(&world, &anna).await;
        let soon = listed.iter().any(|(one, _)| *one == Ailment::BatterySoonLow);
        // 2 % a day: 13 days before it is at 20 %, and not 15 days before.
        match 98 - 2 * step {
            48 => {}
            percent => assert_eq!(soon, percent < 48, "{percent} %"),
        }
        world.clock.advance(DAY);
    }
    world.says(door, Observation::BatteryPercent(100)).await;
    world.app.refresh_forecasts().await.unwrap();
    assert_eq!(found(&world, &anna).await, [], "a new battery");
}

#[tokio::test]
async fn what_is_out_of_scope_or_anothers_is_neither_listed_nor_counted() {
    let world = World::new().await;
    let (anna, bert) = (world.owner("Anna").await, world.owner("Bert").await);
    let (front, back) = (world.lock(&anna, "Front", 1).await, world.lock(&anna, "Back", 2).await);
    for door in [front, back] {
        world.says(door, Observation::State(LockState::MotorBlocked)).await;
        world.app.add_way(&anna, door, Connector::NukiHub).await.unwrap();
        let trouble = Observation::Trouble(Trouble::DeviceTaken, Some(String::new()));
        world.says_by(door, Connector::NukiHub, trouble).await;
    }
    assert_eq!(found(&world, &bert).await, []);
    assert_eq!(world.app.count_attention(&bert).await.unwrap(), 0);
    let only = Actor { scope: Scope::Only(BTreeSet::from([back])), ..anna.clone() };
    assert_eq!(world.app.count_attention(&only).await.unwrap(), 1);
    let attention = world.app.load_attention(&only, None).await.unwrap();
    assert!(attention.wards.iter().all(|ward| ward.count == 1));
    assert_eq!(attention.count(Urgency::Now), 1);
    assert_eq!(world.app.count_attention(&anna).await.unwrap(), 2);
}

/// A door that stands open, unlocked.
async fn open_door(world: &World, owner: &Actor, name: &str, nuki_id: u32) -> DeviceId {
    let door = world.lock(owner, name, nuki_id).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    world.says(door, Observation::Door(DoorState::Opened)).await;
    door
}

#[tokio::test]
async fn from_when_on_a_door_was_left_open_is_the_accounts_to_choose_and_holds_at_once() {
    let world = World::new().await;
    let (anna, boris) = (world.owner("Anna").await, world.owner("Boris").await);
    open_door(&world, &anna, "Front", 1).await;
    open_door(&world, &boris, "Mine", 2).await;
    let minutes = |minutes| LeftOpen::after_minutes(minutes).unwrap();
    let counts = async || {
        let anna = world.app.count_attention(&anna).await.unwrap();
        (anna, world.app.count_attention(&boris).await.unwrap())
    };
    assert_eq!(world.app.load_left_open(&anna).await.unwrap(), LeftOpen::USUAL);
    world.clock.advance(Duration::from_mins(3));
    assert_eq!(counts().await, (0, 0));
    world.app.set_left_open(&anna, minutes(3)).await.unwrap();
    assert_eq!(counts().await, (1, 0), "the door that stands open now, and nobody else's");
    world.app.set_left_open(&anna, minutes(LeftOpen::MOST)).await.unwrap();
    world.clock.advance(Duration::from_hours(23));
    assert_eq!(counts().await, (0, 1));
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(counts().await, (1, 1));
    world.app.set_left_open(&anna, LeftOpen::NEVER).await.unwrap();
    world.clock.advance(Duration::from_hours(1_000));
    assert_eq!(counts().await, (0, 1));
    let world = world.restart(2).await;
    let (_, anna) = world.sign_in("anna@example.org").await;
    assert_eq!(world.app.load_left_open(&anna).await.unwrap(), LeftOpen::NEVER);
}

#[tokio::test]
async fn who_is_shown_only_some_doors_does_not_choose_for_all() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let front = world.lock(&anna, "Front", 1).await;
    let some = Actor { scope: Scope::Only([front].into()), ..anna.clone() };
    let mut not_devices = anna.clone();
    not_devices.rights = Rights::from_bits(Rights::ALL.bits() & !Rights::MANAGE.bits());
    for who in [&some, &not_devices] {
        assert!(matches!(world.app.load_left_open(who).await, Err(Error::Forbidden(_))));
        assert!(matches!(world.app.set_left_open(who, LeftOpen::NEVER).await, Err(Error::Forbidden(_))));
    }
    let mut no_account = anna.clone();
    no_account.rights = Rights::from_bits(Rights::ALL.bits() & !Rights::ACCOUNT.bits());
    assert_eq!(world.app.load_left_open(&no_account).await.unwrap(), LeftOpen::USUAL);
}

#[tokio::test]
async fn the_work_list_of_a_group_is_of_what_is_in_it_and_inside_it_and_of_nothing_else() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let group =
        async |name: &str, parent| world.app.create_group(&anna, NewGroup { name, parent }).await.unwrap();
    let street = group("Harbour street", None).await;
    let house = group("House 4", Some(street)).await;
    let other = group("Elsewhere", None).await;
    let mut doors = Vec::new();
    for (number, place) in (1..).zip([Some(house), Some(other), None]) {
        let door = world.lock(&anna, &format!("Door {number}"), number).await;
        world.app.set_group(&anna, door, place).await.unwrap();
        world.says(door, Observation::State(LockState::MotorBlocked)).await;
        world.app.add_way(&anna, door, Connector::NukiHub).await.unwrap();
        let trouble = Observation::Trouble(Trouble::NoPin, Some(String::new()));
        world.says_by(door, Connector::NukiHub, trouble).await;
        doors.push(door);
    }
    for (place, expected) in [
        (None, &doors[..]),
        (Some(Place::Within(street)), &doors[..1]),
        (Some(Place::Within(house)), &doors[..1]),
        (Some(Place::Within(other)), &doors[1..2]),
        (Some(Place::InNoGroup), &doors[2..]),
        (Some(Place::Within(GroupId(7))), &[]),
    ] {
        let attention = world.app.load_attention(&anna, place).await.unwrap();
        for ward in &attention.wards {
            let listed: Vec<DeviceId> = ward.patients.iter().map(|one| one.device.id).collect();
            assert_eq!(
                (listed.as_slice(), ward.count),
                (expected, expected.len()),
                "{place:?} {:?}",
                ward.ailment
            );
        }
        assert_eq!(attention.wards.len(), if expected.is_empty() { 0 } else { 2 }, "{place:?}");
    }
    assert_eq!(world.app.count_attention(&anna).await.unwrap(), 3, "the number is of all");
}
