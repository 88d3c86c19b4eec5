//! For tests: how SQLite would answer a query, with nothing in its tables yet.

use super::Db;

/// What `explain query plan` says of each, in one line.
pub(crate) async fn plans(queries: &[&'static str]) -> Vec<String> {
    let name = format!("lockwarden-plans-{}-{:?}.db", std::process::id(), std::thread::current().id());
    let file = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&file);
    let db = Db::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let mut plans = Vec::new();
    for sql in queries {
        let values = (1..=9).take_while(|number| sql.contains(&format!("${number}"))).count();
        let explained: &'static str = Box::leak(format!("explain query plan {sql}").into_boxed_str());
        let mut query = tx.query(explained);
        for _ in 0..values {
            query = query.bind(0_i64);
        }
        let steps = query.all::<(i64, i64, i64, String)>().await.unwrap();
        plans.push(steps.into_iter().map(|(.., detail)| detail).collect::<Vec<_>>().join("; "));
    }
    drop(tx);
    db.close().await;
    let _ = std::fs::remove_file(file);
    plans
}
