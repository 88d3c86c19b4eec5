//! The write-ahead log is folded in beside the writer: nothing else in the product does it.

use lockwarden_app::devices::Delivery;
use lockwarden_app::devices::{LockAction, LockEvent, Observation, Trigger};
use lockwarden_testkit::World;

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
        let _ = tokio::time::timeout(std::time::Duration::from_micros(number * 10), renaming).await;
        // Whoever writes next comes after it.
        drop(world.app.db().write().await.unwrap());
        let done = world.app.load_device(&anna, door).await.unwrap().name == name;
        let told = tokio::time::timeout(std::time::Duration::from_secs(5 * u64::from(done)), events.recv());
        assert_eq!(done, told.await.is_ok(), "attempt {number}: done, and nobody was told");
    }
}
