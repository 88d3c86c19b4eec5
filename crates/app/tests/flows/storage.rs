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
