//! SQLite's write-ahead log is folded into the database by this task, not by whichever commit happens to be the
//! thousandth: that commit would stall every acknowledgement behind it.

use std::time::Duration;

use sqlx::{Row as _, SqlitePool};

/// How often the log is looked at.
const PERIOD: Duration = Duration::from_millis(250);
/// Log pages (4 KiB each) worth a pass: below this a pass costs more than it saves.
const WORTH_A_PASS: i64 = 2_000;
/// Log pages from which the writer is held for the last few pages, so that the log starts again at its beginning.
const HOLD_THE_WRITER: i64 = 24_000;

pub(super) async fn run(write: &SqlitePool) {
    let options = write.connect_options();
    let Ok(beside) = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with((*options).clone())
        .await
    else {
        tracing::error!("cannot open a second connection for checkpoints");
        return;
    };
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = pass(&beside, write).await {
            tracing::warn!(%error, "checkpoint failed; it is tried again");
        }
    }
}

async fn pass(beside: &SqlitePool, write: &SqlitePool) -> Result<(), sqlx::Error> {
    let (log, done) = passive(beside).await?;
    if log < HOLD_THE_WRITER || done >= log {
        return Ok(());
    }
    // The first pass left only what was committed while it ran; with the writer held the second can finish.
    let held = write.acquire().await?;
    passive(beside).await?;
    drop(held);
    Ok(())
}

/// Pages in the log, and pages of it that are in the database.
async fn passive(pool: &SqlitePool) -> Result<(i64, i64), sqlx::Error> {
    let seen = sqlx::query("pragma wal_checkpoint(noop)").fetch_one(pool).await;
    if let Ok(row) = seen
        && row.try_get::<i64, _>(1)? < WORTH_A_PASS
    {
        return Ok((0, 0));
    }
    let row = sqlx::query("pragma wal_checkpoint(passive)").fetch_one(pool).await?;
    Ok((row.try_get(1)?, row.try_get(2)?))
}

pub(super) async fn last(write: &SqlitePool) {
    if let Err(error) = sqlx::query("pragma wal_checkpoint(truncate)").execute(write).await {
        tracing::debug!(%error, "a checkpoint did not finish; a later one does it");
    }
}
