//! The queries of the activity log. Every page is read from an index, in its order.

use sqlx::FromRow;

use super::{CLOCK_IS_WRONG, Completion, Cursor, Entry, Happening, NewEntry, Origin};
use crate::clock::Time;
use crate::commands::CommandState;
use crate::db::{DbError, Query, Tx, chunks};
use crate::devices::{DeviceType, Trigger};
use crate::ids::{AccountId, ActivityId, CommandId, DeviceId};

const COLUMNS: usize = 20;
const INSERT: &str = "insert into activity (id, account_id, device_id, at, received_at, device_at, marks, action, \
    origin, device_trigger, result, auth_id, code_id, presses, actor_id, command_id, delivered_by, name, log_index, \
    logged_at)";

pub(super) async fn insert(tx: &mut Tx, entries: &[(ActivityId, NewEntry)]) -> Result<(), DbError> {
    for chunk in chunks(entries) {
        let mut query = tx.rows(INSERT, COLUMNS, chunk.len(), "");
        for (id, entry) in chunk {
            query = query
                .bind(*id)
                .bind(entry.account)
                .bind(entry.device)
                .bind(entry.at)
                .bind(entry.received_at)
                .bind(entry.device_at)
                .bind(entry.marks)
                .bind(entry.happening.in_table())
                .bind(entry.origin.stored())
                .bind(entry.trigger.map(Trigger::stored))
                .bind(entry.result.map(Completion::stored))
                .bind(entry.auth_id.map(i64::from))
                .bind(entry.code_id.map(i64::from))
                .bind(entry.presses.map(i64::from))
                .bind(entry.actor)
                .bind(entry.command)
                .bind(entry.delivered_by.clone())
                .bind(entry.name.clone())
                .bind(entry.log.map(|(index, _)| i64::from(index)))
                .bind(entry.log.map(|(_, at)| at));
        }
        query.run().await?;
    }
    Ok(())
}

#[derive(FromRow)]
pub(super) struct EntryRow {
    id: ActivityId,
    account_id: AccountId,
    device_id: DeviceId,
    device_name: String,
    device_removed: bool,
    device_type: Option<i64>,
    nuki_id: Option<i64>,
    at: Time,
    received_at: Time,
    device_at: Option<Time>,
    marks: i64,
    action: i64,
    origin: i64,
    device_trigger: Option<i64>,
    result: Option<i64>,
    auth_id: Option<i64>,
    code_id: Option<i64>,
    presses: Option<i64>,
    name: Option<String>,
    actor_name: Option<String>,
    command_id: Option<CommandId>,
    command_state: Option<String>,
    command_reason: Option<String>,
}

/// Entries older than `before`, newest first. The filters choose the statement, so that each keeps its index.
pub(super) struct Slice {
    pub account: AccountId,
    pub device: Option<DeviceId>,
    pub action: Option<Happening>,
    pub from: Time,
    pub to: Time,
    pub before: (Time, ActivityId),
    /// Only what the Web API shows: a kind it has a number for, with an outcome, of a device it has a number for.
    pub in_web_api: bool,
    pub limit: i64,
}

/// The page first, from one index; then the names that belong to its rows.
macro_rules! page {
    ($filter:literal) => {
        concat!(
            "select e.id, e.account_id, e.device_id, d.name as device_name, \
             d.removed_at is not null as device_removed, d.device_type, d.nuki_id, e.at, e.received_at, \
             e.device_at, e.marks, e.action, e.origin, e.device_trigger, e.result, e.auth_id, e.code_id, \
             e.presses, e.name, a.name as actor_name, e.command_id, c.state as command_state, \
             c.reason as command_reason from ( \
             select * from activity where account_id = $1 and (at, id) < ($2, $3) and at >= $4 and at <= $5 \
             and ($6 = false or (result is not null and action in (1, 2, 3, 4, 5, 6, 150, 151, 224, 240, 241, 242, \
             250, 251, 252, 253, 254, 255) \
             and exists (select 1 from devices n where n.id = device_id and n.device_type is not null)))",
            $filter,
            " order by at desc, id desc limit $7) e join devices d on d.id = e.device_id \
             left join accounts a on a.id = e.actor_id left join commands c on c.id = e.command_id \
             order by e.at desc, e.id desc"
        )
    };
}

const PAGE: &str = page!("");
const PAGE_OF_DEVICE: &str = page!(" and device_id = $8");
const PAGE_OF_ACTION: &str = page!(" and action = $8");
const PAGE_OF_BOTH: &str = page!(" and device_id = $8 and action = $9");

pub(super) async fn page(tx: &mut Tx, slice: &Slice) -> Result<Vec<EntryRow>, DbError> {
    let sql = match (slice.device, slice.action) {
        (None, None) => PAGE,
        (Some(_), None) => PAGE_OF_DEVICE,
        (None, Some(_)) => PAGE_OF_ACTION,
        (Some(_), Some(_)) => PAGE_OF_BOTH,
    };
    bind(tx.query(sql), slice).all().await
}

fn bind<'t>(query: Query<'t>, slice: &Slice) -> Query<'t> {
    let mut query = query
        .bind(slice.account)
        .bind(slice.before.0)
        .bind(slice.before.1)
        .bind(slice.from)
        .bind(slice.to)
        .bind(slice.in_web_api)
        .bind(slice.limit);
    if let Some(device) = slice.device {
        query = query.bind(device);
    }
    if let Some(action) = slice.action {
        query = query.bind(action.in_table());
    }
    query
}

/// A device whose entries the account has: its name, and whether it was removed.
pub(super) async fn device(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
) -> Result<Option<(String, bool)>, DbError> {
    tx.query("select name, removed_at is not null from devices where id = $1 and account_id = $2")
        .bind(device)
        .bind(account)
        .find()
        .await
}

/// Where an entry stands in the log, and whose it is.
#[derive(sqlx::FromRow)]
pub(super) struct Place {
    pub id: ActivityId,
    pub at: Time,
    pub device_id: DeviceId,
}

pub(super) async fn place(tx: &mut Tx, account: AccountId, id: ActivityId) -> Result<Option<Place>, DbError> {
    tx.query("select id, at, device_id from activity where id = $1 and account_id = $2")
        .bind(id)
        .bind(account)
        .find()
        .await
}

const FROM_PLACE: &str = "select id, at, device_id from activity where account_id = $1 and (at, id) >= ($2, $3) \
    order by at, id limit $4";
const FROM_PLACE_OF_DEVICE: &str = "select id, at, device_id from activity where account_id = $1 \
    and (at, id) >= ($2, $3) and device_id = $5 order by at, id limit $4";

/// The account's entries from this place on, oldest first.
pub(super) async fn from_place(
    tx: &mut Tx,
    account: AccountId,
    device: Option<DeviceId>,
    from: Cursor,
    limit: usize,
) -> Result<Vec<Place>, DbError> {
    let sql = if device.is_some() { FROM_PLACE_OF_DEVICE } else { FROM_PLACE };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut query = tx.query(sql).bind(account).bind(from.at).bind(from.id).bind(limit);
    if let Some(device) = device {
        query = query.bind(device);
    }
    query.all().await
}

/// What delivered the device's last `limit` entries.
pub(super) async fn last_deliveries(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
    limit: i64,
) -> Result<Vec<(Option<Vec<u8>>, Time)>, DbError> {
    tx.query(
        "select e.delivered_by, e.received_at from activity e where e.account_id = $1 and e.device_id = $2 \
         order by e.at desc, e.id desc limit $3",
    )
    .bind(account)
    .bind(device)
    .bind(limit)
    .all()
    .await
}

pub(super) async fn tell_time(
    tx: &mut Tx,
    id: ActivityId,
    device_at: Time,
    marks: i64,
) -> Result<(), DbError> {
    tx.query("update activity set device_at = $2, marks = $3 where id = $1")
        .bind(id)
        .bind(device_at)
        .bind(marks)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn told(
    tx: &mut Tx,
    id: ActivityId,
    trigger: i64,
    (delivered_by, at): (Option<Vec<u8>>, Time),
) -> Result<(), DbError> {
    tx.query("update activity set device_trigger = $2, delivered_by = $3, received_at = $4 where id = $1")
        .bind(id)
        .bind(trigger)
        .bind(delivered_by)
        .bind(at)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn finish(tx: &mut Tx, id: ActivityId, result: i64) -> Result<(), DbError> {
    tx.query("update activity set result = $2 where id = $1").bind(id).bind(result).run().await?;
    Ok(())
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Self {
        let unsigned = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        Self {
            id: row.id,
            account: row.account_id,
            device: row.device_id,
            device_name: row.device_name,
            device_removed: row.device_removed,
            device_kind: row.device_type.map(DeviceType::from_stored),
            nuki_id: unsigned(row.nuki_id),
            at: row.at,
            received_at: row.received_at,
            device_at: row.device_at,
            clock_is_wrong: row.marks & CLOCK_IS_WRONG != 0,
            happening: Happening::from_table(row.action),
            origin: Origin::from_stored(row.origin),
            trigger: row.device_trigger.map(Trigger::from_stored),
            result: row.result.map(Completion::from_stored),
            auth_id: unsigned(row.auth_id),
            code_id: unsigned(row.code_id),
            presses: row.presses.and_then(|presses| u8::try_from(presses).ok()),
            name: row.name,
            actor_name: row.actor_name,
            command: row.command_id,
            command_state: row.command_state.as_deref().map(CommandState::from_name),
            command_reason: row.command_reason,
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
