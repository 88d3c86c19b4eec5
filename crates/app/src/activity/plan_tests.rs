//! Every page of the log is read from its index, in the index's order: the database is asked how it would.

use super::*;
use crate::db::Db;
use crate::devices::LockAction;

fn slice(device: Option<DeviceId>, action: Option<Happening>) -> Slice {
    Slice {
        account: AccountId(1),
        device,
        action,
        from: Time(0),
        to: Time(i64::MAX),
        before: (Time(i64::MAX), ActivityId(i64::MAX)),
        in_web_api: true,
        limit: 51,
    }
}

async fn open() -> (Db, std::path::PathBuf) {
    let name = format!("lockwarden-plans-{}-{:?}.db", std::process::id(), std::thread::current().id());
    let file = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&file);
    (Db::open(&format!("sqlite:{}", file.display())).await.unwrap(), file)
}

async fn plan(tx: &mut Tx, sql: &str, slice: &Slice) -> String {
    let sql: &'static str = Box::leak(format!("explain query plan {sql}").into_boxed_str());
    let steps = bind(tx.query(sql), slice).all::<(i64, i64, i64, String)>().await.unwrap();
    steps.into_iter().map(|(.., detail)| detail).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn every_page_comes_from_its_index_without_sorting() {
    let (db, file) = open().await;
    let mut tx = db.read().await.unwrap();
    let (device, action) = (Some(DeviceId(1)), Some(Happening::Unlock));
    for (sql, slice, indexes) in [
        (PAGE, slice(None, None), &["activity_newest"][..]),
        (PAGE_OF_DEVICE, slice(device, None), &["activity_of_device"][..]),
        (PAGE_OF_ACTION, slice(None, action), &["activity_of_action"][..]),
        (PAGE_OF_BOTH, slice(device, action), &["activity_of_device", "activity_of_action"][..]),
    ] {
        let plan = plan(&mut tx, sql, &slice).await;
        let from_index =
            indexes.iter().any(|index| plan.contains(&format!("SEARCH activity USING INDEX {index}")));
        assert!(from_index && !plan.contains("TEMP B-TREE"), "{plan}");
    }
    drop(tx);
    db.close().await;
    let _ = std::fs::remove_file(file);
}

#[test]
fn the_query_for_the_web_api_names_exactly_the_kinds_it_has_a_number_for() {
    let numbers = Happening::IN_WEB_API.map(|happening| happening.in_table().to_string()).join(", ");
    for sql in [PAGE, PAGE_OF_DEVICE, PAGE_OF_ACTION, PAGE_OF_BOTH] {
        assert!(sql.contains(&format!("action in ({numbers})")), "{sql}");
    }
}

#[test]
fn an_action_without_a_name_never_reads_as_one_that_has_one() {
    for number in 0..=u8::MAX {
        let happening = Happening::from(LockAction::from_code(number));
        assert_eq!(Happening::from_table(happening.in_table()), happening, "{number}");
        if matches!(LockAction::from_code(number), LockAction::Other(_)) {
            assert_eq!(
                (happening, happening.in_table()),
                (Happening::Other(number), 1_000 + i64::from(number))
            );
        }
    }
}
