//! A disk that fails now and then: strace lets single calls of the server fail as a worn or full disk would.

use std::sync::Arc;

use lockwarden_app::db::Db;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::events::{self, Ledger, Publisher, acknowledged};
use super::pause;
use crate::kit::{EMAIL, Site, get, within};

const FAILURES: usize = 3;

async fn survives(calls: &str, fault: &str) {
    let mut site = Site::new().await;
    if !site.database.is_sqlite() {
        return; // PostgreSQL writes in processes of its own.
    }
    site.create_account(EMAIL);
    site.fail(calls, fault);
    site.serve().await;
    let (ledger, stop, mut load) = (Arc::new(Ledger::default()), CancellationToken::new(), JoinSet::new());
    for number in 0..2 {
        let spec = site.lock(&format!("Publisher {number}"), 0xB000 + number);
        load.spawn(Publisher::new(&spec, site.mqtt).run(Arc::clone(&ledger), stop.clone()));
    }
    let failures = || site.said().matches("nothing is committed").count();
    within(120, async {
        while failures() < FAILURES {
            pause(50).await;
        }
        let then = acknowledged(&ledger);
        while acknowledged(&ledger) < then + 100 {
            pause(50).await;
        }
    })
    .await;
    let said = site.said();
    assert!(said.matches("committed and acknowledged again").count() >= FAILURES - 1, "{said}");
    // It may fail this very moment, but not for long.
    within(20, async {
        while !get(site.http, "/readyz", "").await.is_ok_and(|(status, _)| status == 200) {
            pause(200).await;
        }
    })
    .await;
    stop.cancel();
    within(60, async { while load.join_next().await.is_some() {} }).await;
    site.kill();
    let db = Db::open(&site.database.url).await.unwrap();
    events::check(&mut db.read().await.unwrap(), &ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_fails_acknowledges_nothing_and_the_server_goes_on() {
    survives("fsync,fdatasync", "EIO:when=60+60").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_acknowledges_nothing_and_the_server_goes_on_once_there_is_room() {
    survives("pwrite64", "ENOSPC:when=400+400").await;
}
