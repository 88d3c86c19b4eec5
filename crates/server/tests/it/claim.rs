//! One server for one database: two would send orders past each other.

use lockwarden_app::db::Db;

use crate::kit::{EMAIL, Site, within};

/// As when PostgreSQL restarts: the claim goes with its connection, and the next server may have it.
#[tokio::test]
async fn a_server_that_lost_its_claim_stops_and_says_why() {
    let mut site = Site::serving().await;
    if site.database.is_sqlite() {
        return; // The operating system keeps the lock of a file as long as the process lives.
    }
    let cut = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 4708 \
               and database = (select oid from pg_database where datname = current_database())";
    let db = Db::open(&site.database.url).await.unwrap();
    let rows: Vec<(bool,)> = db.read().await.unwrap().query(cut).all().await.unwrap();
    assert_eq!(rows, [(true,)], "one server, one claim");
    let status = within(20, site.ended()).await;
    let said = site.said();
    assert!(!status.success() && said.contains("claim"), "{status}: {said}");
    site.serve().await;
    site.ok(&["token", "create", "--email", EMAIL, "--name", "later"], "");
}
