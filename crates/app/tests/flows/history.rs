//! A device's history says what was said, on change only, and nothing of a time in which nothing was known.

use std::time::Duration;

use lockwarden_app::actor::Actor;
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{Connector, Delivery, DoorState, LockState, Observation};
use lockwarden_app::history::{Held, KEPT, Kind, MOST_POINTS, PastPoint};
use lockwarden_app::ids::DeviceId;
use lockwarden_testkit::{START, World};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
const LOCKED: Held = Held::Value(1);
const UNLOCKED: Held = Held::Value(3);

/// What held since the start, with the minutes of which each stretch is.
async fn told(world: &World, anna: &Actor, door: DeviceId, kind: Kind) -> Vec<(u64, u64, Held)> {
    let span = (START.minus(10 * MINUTE), world.clock.now());
    let history = world.app.load_history(anna, door, kind, span).await.unwrap();
    let minutes = |at: Time| at.since(span.0).as_secs() / 60;
    history.stretches().iter().map(|one| (minutes(one.from), minutes(one.to), one.held)).collect()
}

async fn rows(world: &World) -> i64 {
    let mut tx = world.app.db().read().await.unwrap();
    tx.query("select count(*) from history").value().await.unwrap()
}

#[tokio::test]
async fn a_picture_begins_with_the_first_report_and_is_interrupted_while_the_device_is_away() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.clock.advance(10 * MINUTE);
    world.says(door, Observation::Link { up: false }).await;
    world.clock.advance(10 * MINUTE);
    world.says(door, Observation::Link { up: true }).await;
    world.clock.advance(5 * MINUTE);
    assert_eq!(
        told(&world, &anna, door, Kind::State).await,
        [(0, 10, Held::Nothing), (10, 20, LOCKED), (20, 35, Held::Nothing)],
        "connected is not yet locked"
    );
    world.says(door, Observation::State(LockState::Locked)).await;
    world.clock.advance(5 * MINUTE);
    assert_eq!(
        told(&world, &anna, door, Kind::State).await,
        [(0, 10, Held::Nothing), (10, 20, LOCKED), (20, 35, Held::Nothing), (35, 40, LOCKED)]
    );
    assert_eq!(
        told(&world, &anna, door, Kind::Link).await,
        [
            (0, 10, Held::Nothing),
            (10, 20, Held::Value(1)),
            (20, 30, Held::Value(0)),
            (30, 40, Held::Value(1))
        ]
    );
}

#[tokio::test]
async fn the_way_to_a_state_is_no_state_and_what_is_said_again_is_no_change() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let before = rows(&world).await;
    for state in [LockState::Locked, LockState::Unlocking, LockState::Locked, LockState::Locked] {
        world.clock.advance(MINUTE);
        world.says(door, Observation::State(state)).await;
    }
    assert_eq!(rows(&world).await, before);
    world.clock.advance(MINUTE);
    world.says(door, Observation::State(LockState::Unlocked)).await;
    world.clock.advance(MINUTE);
    assert_eq!(
        told(&world, &anna, door, Kind::State).await,
        [(0, 10, Held::Nothing), (10, 15, LOCKED), (15, 16, UNLOCKED)]
    );
}

#[tokio::test]
async fn battery_and_door_are_kept_and_end_with_the_connection() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for seen in [Observation::BatteryPercent(80), Observation::Door(DoorState::Opened)] {
        world.says(door, seen).await;
    }
    world.clock.advance(5 * MINUTE);
    world.says(door, Observation::Door(DoorState::Closed)).await;
    world.says(door, Observation::BatteryPercent(78)).await;
    world.clock.advance(5 * MINUTE);
    world.says(door, Observation::Link { up: false }).await;
    world.clock.advance(5 * MINUTE);
    let expected =
        |first, second| [(0, 10, Held::Nothing), (10, 15, first), (15, 20, second), (20, 25, Held::Nothing)];
    assert_eq!(told(&world, &anna, door, Kind::Battery).await, expected(Held::Value(80), Held::Value(78)));
    assert_eq!(
        told(&world, &anna, door, Kind::Door).await,
        expected(Held::Value(DoorState::Opened.code()), Held::Value(DoorState::Closed.code()))
    );
}

#[tokio::test]
async fn from_the_last_word_before_a_restart_on_nothing_is_known_until_the_device_is_back() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.clock.advance(30 * MINUTE);
    let world = world.restart(2).await;
    let (_, anna) = world.sign_in("anna@example.org").await;
    world.clock.advance(MINUTE);
    let all = told(&world, &anna, door, Kind::State).await;
    assert_eq!(all.last(), Some(&(10, 41, Held::Nothing)), "{all:?}");
    // Some never come back: they are away, since the start.
    world.app.note_absent(START.plus(31 * MINUTE)).await.unwrap();
    world.clock.advance(9 * MINUTE);
    let all = told(&world, &anna, door, Kind::Link).await;
    assert_eq!(all.last(), Some(&(41, 50, Held::Value(0))), "{all:?}");
    world.says(door, Observation::Link { up: true }).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    world.clock.advance(10 * MINUTE);
    assert_eq!(told(&world, &anna, door, Kind::State).await.last(), Some(&(50, 60, UNLOCKED)));
}

#[tokio::test]
async fn a_way_that_takes_over_has_to_say_the_state_first_and_one_that_is_removed_leaves_nothing_known() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.app.add_way(&anna, door, Connector::NukiHub).await.unwrap();
    world.says_by(door, Connector::NukiHub, Observation::Connected(true)).await;
    world.clock.advance(5 * MINUTE);
    world.app.remove_way(&anna, door, Connector::NukiMqtt).await.unwrap();
    world.clock.advance(5 * MINUTE);
    assert_eq!(
        told(&world, &anna, door, Kind::State).await,
        [(0, 10, Held::Nothing), (10, 15, LOCKED), (15, 20, Held::Nothing)]
    );
    world.says_by(door, Connector::NukiHub, Observation::State(LockState::Unlocked)).await;
    world.clock.advance(5 * MINUTE);
    assert_eq!(told(&world, &anna, door, Kind::State).await.last(), Some(&(20, 25, UNLOCKED)));
    assert_eq!(told(&world, &anna, door, Kind::Link).await.last(), Some(&(10, 25, Held::Value(1))));
}

#[tokio::test]
async fn a_batch_may_hold_many_changes_of_many_devices_and_two_in_one_millisecond() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut doors = Vec::new();
    for number in 1..=70 {
        doors.push(world.lock(&anna, &format!("Door {number}"), number).await);
    }
    world.clock.advance(5 * MINUTE);
    let mut batch = Vec::new();
    for door in &doors {
        for state in [LockState::Unlocked, LockState::Locked, LockState::Unlocked] {
            batch.push(world.report(*door, Observation::State(state), Delivery::AtMostOnce));
        }
    }
    world.app.record(&batch).await.unwrap();
    world.clock.advance(5 * MINUTE);
    for door in doors {
        let expected = [(0, 10, Held::Nothing), (10, 15, LOCKED), (15, 20, UNLOCKED)];
        assert_eq!(told(&world, &anna, door, Kind::State).await, expected);
    }
}

#[tokio::test]
async fn a_restless_year_is_read_as_two_thousand_points_and_says_where_it_left_some_out() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let mut batch = Vec::new();
    for turn in 0..3_000 {
        world.clock.advance(MINUTE);
        let state = if turn % 2 == 0 { LockState::Unlocked } else { LockState::Locked };
        batch.push(world.report(door, Observation::State(state), Delivery::AtMostOnce));
    }
    for some in batch.chunks(256) {
        world.app.record(some).await.unwrap();
    }
    let now = world.clock.now();
    let read = async |from| world.app.load_history(&anna, door, Kind::State, (from, now)).await.unwrap();
    let all = read(START).await;
    assert!(all.points.len() <= MOST_POINTS && all.is_thinned());
    let changes: u32 = all.points.iter().map(|point| point.changes).sum();
    assert_eq!(changes, 3_001, "each is counted");
    assert!(all.points.is_sorted_by_key(|point| point.at));
    let stretches = all.stretches();
    let follows = stretches.iter().zip(stretches.iter().skip(1)).all(|(one, next)| one.to == next.from);
    assert!(follows, "without a gap");
    let last_day = read(now.minus(Duration::from_hours(5))).await;
    assert!(!last_day.is_thinned());
    assert!((300..=302).contains(&last_day.points.len()));
}

#[tokio::test]
async fn what_is_older_than_400_days_is_forgotten_except_what_may_still_hold() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for state in [LockState::Unlocked, LockState::Locked, LockState::Unlocked] {
        world.clock.advance(DAY);
        world.says(door, Observation::State(state)).await;
    }
    assert_eq!(world.app.prune_history().await.unwrap(), 0);
    world.clock.advance(KEPT);
    world.clock.advance(2 * DAY);
    assert_eq!(world.app.prune_history().await.unwrap(), 3);
    assert_eq!(world.app.prune_history().await.unwrap(), 0);
    let now = world.clock.now();
    let history = world.app.load_history(&anna, door, Kind::State, (now.minus(DAY), now)).await.unwrap();
    assert_eq!(history.stretches().first().map(|one| one.held), Some(UNLOCKED));
    assert_eq!(history.stretches().len(), 1);
}

#[tokio::test]
async fn nobody_elses_history_exists() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let bert = world.owner("Bert").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let span = (START, world.clock.now());
    for kind in Kind::ALL {
        assert!(world.app.load_history(&bert, door, kind, span).await.is_err());
    }
    assert!(world.app.forecast_battery(&bert, door).await.is_err());
}

/// Whether a batch touches the table is seen by taking it away.
#[tokio::test]
async fn a_batch_that_changes_nothing_writes_no_history() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    world.says(door, Observation::BatteryPercent(80)).await;
    let mut tx = world.app.db().write().await.unwrap();
    tx.query("alter table history rename to history_away").run().await.unwrap();
    tx.commit().await.unwrap();
    world.clock.advance(MINUTE);
    let repeated = [
        Observation::State(LockState::Locked),
        Observation::BatteryPercent(80),
        Observation::Link { up: true },
        Observation::BatteryCritical(true),
        Observation::State(LockState::Unlocking),
    ];
    let batch = repeated.map(|seen| world.report(door, seen, Delivery::AtMostOnce));
    world.app.record(&batch).await.unwrap();
    let change = world.report(door, Observation::BatteryPercent(78), Delivery::AtMostOnce);
    assert!(world.app.record(&[change]).await.is_err());
}

#[tokio::test]
async fn a_past_is_taken_over_until_now_and_never_becomes_a_present() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let bert = world.owner("Bert").await;
    let (door, credentials) = world.device(&anna, "Front door").await;
    let point = |kind, minute: u64, value| PastPoint {
        device: door,
        kind,
        at: START.minus(10 * MINUTE).plus(Duration::from_secs(60 * minute)),
        value: Some(value),
    };
    let past = [point(Kind::Link, 1, 1), point(Kind::State, 2, 3), point(Kind::State, 5, 1)];
    assert!(world.app.import_history(&bert, &past).await.is_err());
    assert!(world.app.import_history(&anna, &[point(Kind::State, 10, 1)]).await.is_err(), "now is no past");
    world.app.import_history(&anna, &past).await.unwrap();
    world.clock.advance(5 * MINUTE);
    let state = [(0, 2, Held::Nothing), (2, 5, UNLOCKED), (5, 10, LOCKED), (10, 15, Held::Nothing)];
    assert_eq!(told(&world, &anna, door, Kind::State).await, state);
    let link = [(0, 1, Held::Nothing), (1, 10, Held::Value(1)), (10, 15, Held::Nothing)];
    assert_eq!(told(&world, &anna, door, Kind::Link).await, link);

    let login = world.login(&credentials).await;
    world.app.bind_login(&login, 0xA1).await.unwrap().unwrap();
    for seen in [Observation::Link { up: true }, Observation::State(LockState::Locked)] {
        world.says(door, seen).await;
    }
    world.clock.advance(5 * MINUTE);
    assert_eq!(told(&world, &anna, door, Kind::State).await.last(), Some(&(15, 20, LOCKED)));
    assert!(world.app.import_history(&anna, &past).await.is_err(), "it speaks for itself by now");
    assert_eq!(told(&world, &anna, door, Kind::State).await.last(), Some(&(15, 20, LOCKED)));
}
