//! The time of day of the whole process, set while it runs: as on a small machine without a clock of its own, once the
//! network tells it what time it is.

use std::path::{Path, PathBuf};

use lockwarden_app::db::Db;
use lockwarden_simulator::{Fleet, Options};

use crate::crash::pause;
use crate::kit::{Site, call, within};
use crate::unlock::{DOOR, lock_says, log};

/// What moves the time of day for one process, wherever this system keeps it.
fn library() -> PathBuf {
    let found = std::process::Command::new("dpkg").args(["--listfiles", "libfaketime"]).output().unwrap();
    let files = String::from_utf8(found.stdout).unwrap();
    files.lines().find(|file| file.ends_with("/libfaketimeMT.so.1")).expect("libfaketime is installed").into()
}

fn set(file: &Path, offset: &str) {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, offset).unwrap();
    std::fs::rename(fresh, file).unwrap();
}

/// A server that takes today for a day of last year, where it reads that, a token, and a lock that is connected.
async fn long_ago() -> (Site, PathBuf, String, Fleet) {
    let mut site = Site::new().await;
    site.create_account(crate::kit::EMAIL);
    let offset = site.dir().join("offset");
    set(&offset, "-400d");
    site.set_clock_by(&library(), &offset);
    site.serve().await;
    let token = site.token();
    let spec = site.lock("Front door", 0xA1);
    let fleet = Fleet::start(&site.broker(), vec![spec], &Options { time_scale: 0.01, ..Options::default() });
    lock_says(&site, &token, |lock| lock["serverState"] == 0 && lock["state"]["doorState"] == 2).await;
    (site, offset, token, fleet)
}

#[tokio::test]
async fn a_time_of_day_that_is_set_by_days_costs_no_connection_and_no_order() {
    let (mut site, offset, token, fleet) = long_ago().await;
    let moves = [("-400d", "unlock", 3), ("+0", "lock", 1), ("-2d", "unlock", 3), ("+30d", "lock", 1)];
    for (before, (moved, action, state)) in moves.into_iter().enumerate() {
        set(&offset, moved);
        // Whoever looks after silent connections comes round once a second.
        pause(1_500).await;
        let (status, body) =
            call(site.http, "POST", &format!("{DOOR}/action/{action}"), &token, "").await.unwrap();
        assert_eq!((status, body.as_str()), (204, ""), "{moved}");
        lock_says(&site, &token, |lock| lock["state"]["state"] == state).await;
        within(30, async { while log(&site, &token).await.len() <= before {} }).await;
    }
    let seen = fleet.locks()[0].seen();
    assert_eq!((seen.received, seen.moves, seen.trouble), (4, 4, None));
    site.kill();
    let db = Db::open(&site.database.url).await.unwrap();
    let entries: i64 = db.read().await.unwrap().query("select count(*) from activity").value().await.unwrap();
    assert_eq!(entries, 4, "each order is one entry, and the lock never went away");
    fleet.stop().await;
}

#[tokio::test]
async fn a_lock_that_was_away_for_days_is_sent_nothing_old_and_takes_new_orders() {
    let (site, offset, token, fleet) = long_ago().await;
    fleet.locks()[0].go_offline(None);
    lock_says(&site, &token, |lock| lock["serverState"] == 4).await;
    let unlock = format!("{DOOR}/action/unlock");
    for day in 1..=3 {
        let (status, _) = call(site.http, "POST", &unlock, &token, "").await.unwrap();
        assert_eq!(status, 409);
        set(&offset, &format!("-{}d", 400 - day));
    }
    fleet.locks()[0].come_back();
    lock_says(&site, &token, |lock| lock["serverState"] == 0).await;
    assert_eq!(call(site.http, "POST", &unlock, &token, "").await.unwrap().0, 204);
    lock_says(&site, &token, |lock| lock["state"]["state"] == 3).await;
    let seen = fleet.locks()[0].seen();
    assert_eq!((seen.received, seen.moves), (1, 1));
    fleet.stop().await;
}
