//! Backups: complete, consistent, readable into either database, and nothing comes back to life with them.

use lockwarden_app::activity::EntryQuery;
use lockwarden_app::commands::{CommandState, Order};
use lockwarden_app::devices::{LockAction, Number, Observation, SortBy};
use lockwarden_testkit::World;

#[tokio::test]
async fn a_backup_brings_everything_back_but_sessions_and_open_commands() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let order = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
    let command = world.app.order(&anna, order).await.unwrap();
    world.says(door, Observation::Names(vec![(Number::Code(8_193), "Guest".to_owned())])).await;
    let file = world.database.dir.path().join("backup.db");
    let rows = world.app.back_up(&file).await.unwrap();

    let other = World::new().await;
    other.owner("Boris").await;
    assert_eq!(other.app.restore(&file).await.unwrap().rows, rows);
    let (_, anna) = other.sign_in("anna@example.org").await;
    let devices = other.app.list_devices(&anna, SortBy::Name).await.unwrap();
    assert_eq!((devices.len(), devices[0].name.as_str(), devices[0].link.online), (1, "Front door", false));
    assert_eq!(other.app.load_command(&anna, command.id).await.unwrap().state, CommandState::Expired);
    assert_eq!(other.app.list_activity(&anna, EntryQuery::default()).await.unwrap().entries.len(), 1);
    assert_eq!(other.app.list_sessions(&anna).await.unwrap().len(), 1, "only the sign-in of a moment ago");
    assert!(other.app.find_account("boris@example.org").await.is_err());
    let mut tx = other.app.db().read().await.unwrap();
    let name = tx.query("select name from names where device_id = $1 and number = 8193").bind(door);
    assert_eq!(name.value::<String>().await.unwrap(), "Guest");
}

#[tokio::test]
async fn a_file_that_is_no_backup_changes_nothing() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let file = world.database.dir.path().join("nonsense.db");
    std::fs::write(&file, b"this is not a database, however long it is".repeat(100)).unwrap();
    assert!(world.app.restore(&file).await.is_err());
    assert!(world.app.list_devices(&anna, SortBy::Name).await.is_ok());
    assert!(world.app.find_account("anna@example.org").await.is_ok());
}
