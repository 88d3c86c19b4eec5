//! One action, told of more than once: by the lock as it happens, and by its own log afterwards. Both become one entry
//! with what each knows.

use super::sql_joining as sql;
use super::{Completion, Happening, WAS_FOUND};
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::devices::{LockEvent, LockState, LogRecord, Trigger};
use crate::ids::{AccountId, ActivityId, DeviceId};

/// An entry that may be the same action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub id: ActivityId,
    pub at: Time,
    pub happening: Happening,
    /// The device was only found so, some time after.
    pub was_found: bool,
    pub auth_id: Option<u32>,
    pub code_id: Option<u32>,
}

/// How long before the lock tells of an action by itself its log may have told of it.
const TOLD_LATE_MS: i64 = 30_000;

/// The entry that an entry of the lock's log became.
pub(crate) async fn find_logged(
    tx: &mut Tx,
    device: DeviceId,
    index: u32,
    logged_at: Time,
) -> Result<Option<ActivityId>, DbError> {
    sql::find_logged(tx, device, index, logged_at).await
}

/// Entries of this time that the lock's own log has not told of.
pub(crate) async fn find_unlogged(
    tx: &mut Tx,
    of: (AccountId, DeviceId),
    between: (Time, Time),
) -> Result<Vec<Found>, DbError> {
    Ok(sql::unlogged(tx, of, between).await?.into_iter().map(Into::into).collect())
}

/// The entry from the lock's log that tells of this event, if it came first.
pub(crate) async fn find_told(
    tx: &mut Tx,
    of: (AccountId, DeviceId),
    event: &LockEvent,
    at: Time,
) -> Result<Option<ActivityId>, DbError> {
    let between = (Time(at.0 - TOLD_LATE_MS), Time(at.0 + TOLD_LATE_MS));
    let rows = sql::logged_only(tx, of, between).await?;
    let same = rows.into_iter().map(Found::from).filter(|found| {
        let other_code = matches!((found.code_id, event.code_id), (Some(a), Some(b)) if a != b);
        let other_auth =
            found.code_id.is_none() && matches!((found.auth_id, event.auth_id), (Some(a), Some(b)) if a != b);
        found.happening == event.action.into() && !other_code && !other_auth
    });
    Ok(same.min_by_key(|found| found.at.0.abs_diff(at.0)).map(|found| found.id))
}

/// Whether an entry from the lock's log tells of a moment ago how it got into this state.
pub(crate) async fn is_told(
    tx: &mut Tx,
    of: (AccountId, DeviceId),
    state: LockState,
    at: Time,
) -> Result<bool, DbError> {
    let between = (Time(at.0 - TOLD_LATE_MS), Time(at.0 + TOLD_LATE_MS));
    let rows = sql::logged_done(tx, of, between).await?;
    Ok(rows.into_iter().map(Found::from).any(|found| !found.was_found && found.happening.passes(state)))
}

/// Adds to an entry what only the lock's log knows. What an entry says already stays, unless it was a guess.
pub(crate) async fn add_log(tx: &mut Tx, found: &Found, record: &LogRecord, at: Time) -> Result<(), DbError> {
    sql::add_log(tx, found.id, record).await?;
    if found.was_found {
        sql::correct(tx, found.id, (record.happening.in_table(), record.origin.stored()), at).await?;
    }
    if record.result != Completion::Success {
        sql::set_result(tx, found.id, record.result.stored()).await?;
    }
    Ok(())
}

/// Adds to an entry from the lock's log what the event told.
pub(crate) async fn add_event(
    tx: &mut Tx,
    id: ActivityId,
    event: &LockEvent,
    delivery: (Option<Vec<u8>>, Time),
) -> Result<(), DbError> {
    sql::add_event(tx, id, event, delivery).await
}

/// Whom the lock names, if nobody was named yet.
pub(crate) async fn name(tx: &mut Tx, id: ActivityId, name: &str) -> Result<(), DbError> {
    sql::name(tx, id, name).await
}

/// Two devices turned out to be one.
pub(crate) async fn move_to_device(tx: &mut Tx, from: DeviceId, to: DeviceId) -> Result<(), DbError> {
    sql::move_to_device(tx, from, to).await
}

impl From<sql::FoundRow> for Found {
    fn from(row: sql::FoundRow) -> Self {
        let unsigned = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        Self {
            id: row.id,
            at: row.at,
            happening: Happening::from_table(row.action),
            was_found: row.marks & WAS_FOUND != 0,
            auth_id: unsigned(row.auth_id),
            code_id: unsigned(row.code_id),
        }
    }
}

/// As it is stored where nobody said.
pub(super) fn stored(trigger: Option<Trigger>) -> Option<i64> {
    trigger.map(Trigger::stored)
}
