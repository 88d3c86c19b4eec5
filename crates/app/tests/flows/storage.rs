//! What the database owes the rest of the product.

use std::future::{Future as _, poll_fn};
use std::task::Poll;
use std::time::Duration;

use lockwarden_app::commands::Order;
use lockwarden_app::devices::Delivery;
use lockwarden_app::devices::{LockAction, LockEvent, Observation, Trigger};
use lockwarden_testkit::World;

/// Whoever ordered goes away at one pause of the order after the other.
#[tokio::test]
async fn nobody_is_told_of_what_was_not_committed() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for gone_at in 1.. {
        let mut events = world.app.bus().subscribe();
        let before = world.app.list_commands(&anna, door, 50).await.unwrap().len();
        let order = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
        let mut ordering = Box::pin(world.app.order(&anna, order));
        let mut pauses = 0;
        let finished = poll_fn(|cx| match ordering.as_mut().poll(cx) {
            Poll::Ready(ordered) => Poll::Ready(Some(ordered.unwrap())),
            Poll::Pending => {
                pauses += 1;
                if pauses == gone_at { Poll::Ready(None) } else { Poll::Pending }
            }
        });
        let finished = finished.await;
        drop(ordering);
        let was_told = events.try_recv().is_ok();
        let commands = world.app.list_commands(&anna, door, 50).await.unwrap();
        assert!(!was_told || commands.len() > before, "told of an order that is not there, pause {gone_at}");
        if let Some(ordered) = finished {
            assert!(was_told && commands.iter().any(|command| command.id == ordered.id));
            return;
        }
        world.clock.advance(Duration::from_secs(11));
        world.app.settle_commands().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_keeps_nothing_is_not_ready_and_is_again_once_it_does() {
    let world = World::new().await;
    assert!(world.app.is_ready().await);
    let rename = async |from: &'static str| {
        let mut tx = world.app.db().write().await.unwrap();
        tx.query(from).run().await.unwrap();
        tx.commit().await.unwrap();
        world.clock.advance(Duration::from_secs(2));
    };
    rename("alter table foreign_events rename to foreign_events_away").await;
    assert!(!world.app.is_ready().await);
    rename("alter table foreign_events_away rename to foreign_events").await;
    assert!(world.app.is_ready().await);
}

#[tokio::test]
async fn the_write_ahead_log_reaches_the_database_while_events_keep_coming() {
    let world = World::new().await;
    if !world.database.is_sqlite() {
        return;
    }
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let file = world.database.dir.path().join("lockwarden.db");
    let before = std::fs::metadata(&file).unwrap().len();
    let folding = world.app.db().keep_checkpointed();
    let writing = async {
        for _ in 0..4_000 {
            let event = LockEvent {
                action: LockAction::Unlatch,
                trigger: Trigger::System,
                auth_id: None,
                code_id: Some(1),
                extra: 1,
            };
            let batch: Vec<_> = (0..64)
                .map(|_| world.report(door, Observation::Event(event), Delivery::AtMostOnce))
                .collect();
            world.app.record(&batch).await.unwrap();
            if std::fs::metadata(&file).unwrap().len() > before + (1 << 20) {
                return true;
            }
        }
        false
    };
    let folded = tokio::select! { () = folding => false, folded = writing => folded };
    assert!(folded, "a megabyte of entries never reached the database file");
}

#[tokio::test]
async fn a_commit_is_on_the_disk_whatever_the_database_server_is_set_to() {
    let world = World::new().await;
    let mut tx = world.app.db().read().await.unwrap();
    if world.database.is_sqlite() {
        assert_eq!(tx.query("pragma synchronous").value::<i64>().await.unwrap(), 2, "FULL");
    } else {
        assert_eq!(tx.query("show synchronous_commit").value::<String>().await.unwrap(), "on");
    }
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_any_more_is_told_of_all_the_same() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for number in 0..200 {
        let mut events = world.app.bus().subscribe();
        let name = format!("Door {number}");
        let renaming = world.app.rename_device(&anna, door, &name);
        // A browser that goes away drops its request wherever it is.
        let _ = tokio::time::timeout(Duration::from_micros(number * 10), renaming).await;
        // Whoever writes next comes after it.
        drop(world.app.db().write().await.unwrap());
        let done = world.app.load_device(&anna, door).await.unwrap().name == name;
        let told = tokio::time::timeout(Duration::from_secs(5 * u64::from(done)), events.recv());
        assert_eq!(done, told.await.is_ok(), "attempt {number}: done, and nobody was told");
    }
}

#[tokio::test]
async fn however_many_wait_for_their_turn_to_write_everybody_can_read() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let busy = world.app.db().write().await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..40 {
        let (app, anna) = (world.app.clone(), anna.clone());
        writers.spawn(async move { app.rename_device(&anna, door, &format!("Door {number}")).await });
    }
    for _ in 0..200 {
        let reading = world.app.load_device(&anna, door);
        let device = tokio::time::timeout(Duration::from_secs(10), reading).await;
        assert_eq!(device.expect("it waits for the writers").unwrap().name, "Front door");
    }
    drop(busy);
    for renamed in writers.join_all().await {
        renamed.unwrap();
    }
}
