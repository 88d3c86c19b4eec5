//! The queries that find and complete an entry which was told of before.

use super::joining::stored;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::devices::{LockEvent, LogRecord};
use crate::ids::{AccountId, ActivityId, DeviceId};

#[derive(sqlx::FromRow)]
pub(super) struct FoundRow {
    pub id: ActivityId,
    pub at: Time,
    pub action: i64,
    pub marks: i64,
    pub auth_id: Option<i64>,
    pub code_id: Option<i64>,
}

pub(super) async fn find_logged(
    tx: &mut Tx,
    device: DeviceId,
    index: u32,
    logged_at: Time,
) -> Result<Option<ActivityId>, DbError> {
    tx.query("select id from activity where device_id = $1 and log_index = $2 and logged_at = $3 and log_index is not null")
        .bind(device)
        .bind(i64::from(index))
        .bind(logged_at)
        .find_value()
        .await
}

macro_rules! select_found {
    ($rest:literal) => {
        concat!(
            "select id, at, action, marks, auth_id, code_id from activity \
             where account_id = $1 and device_id = $2 and at >= $3 and at <= $4 and ",
            $rest,
            " order by at desc, id desc limit 200"
        )
    };
}

pub(super) async fn unlogged(
    tx: &mut Tx,
    whose: (AccountId, DeviceId),
    span: (Time, Time),
) -> Result<Vec<FoundRow>, DbError> {
    found(tx, select_found!("log_index is null"), whose, span).await
}

pub(super) async fn logged_only(
    tx: &mut Tx,
    whose: (AccountId, DeviceId),
    span: (Time, Time),
) -> Result<Vec<FoundRow>, DbError> {
    let only = select_found!("log_index is not null and delivered_by is null and command_id is null");
    found(tx, only, whose, span).await
}

pub(super) async fn logged_done(
    tx: &mut Tx,
    whose: (AccountId, DeviceId),
    span: (Time, Time),
) -> Result<Vec<FoundRow>, DbError> {
    let done =
        select_found!("log_index is not null and delivered_by is null and command_id is null and result = 0");
    found(tx, done, whose, span).await
}

async fn found(
    tx: &mut Tx,
    sql: &'static str,
    (account, device): (AccountId, DeviceId),
    (from, to): (Time, Time),
) -> Result<Vec<FoundRow>, DbError> {
    tx.query(sql).bind(account).bind(device).bind(from).bind(to).all().await
}

pub(super) async fn add_log(tx: &mut Tx, id: ActivityId, record: &LogRecord) -> Result<(), DbError> {
    tx.query(
        "update activity set log_index = $2, logged_at = $3, name = coalesce(name, $4), \
         device_at = coalesce(device_at, $3), auth_id = coalesce(auth_id, $5), code_id = coalesce(code_id, $6), \
         device_trigger = coalesce(device_trigger, $7), result = coalesce(result, $8) where id = $1",
    )
    .bind(id)
    .bind(i64::from(record.index))
    .bind(record.at)
    .bind(record.name.clone())
    .bind(record.auth_id.map(i64::from))
    .bind(record.code_id.map(i64::from))
    .bind(stored(record.trigger))
    .bind(record.result.stored())
    .run()
    .await?;
    Ok(())
}

pub(super) async fn correct(
    tx: &mut Tx,
    id: ActivityId,
    (action, origin): (i64, i64),
    at: Time,
) -> Result<(), DbError> {
    tx.query("update activity set action = $2, origin = $3, at = $4 where id = $1")
        .bind(id)
        .bind(action)
        .bind(origin)
        .bind(at)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn set_result(tx: &mut Tx, id: ActivityId, result: i64) -> Result<(), DbError> {
    tx.query("update activity set result = $2 where id = $1").bind(id).bind(result).run().await?;
    Ok(())
}

pub(super) async fn add_event(
    tx: &mut Tx,
    id: ActivityId,
    event: &LockEvent,
    (delivered_by, at): (Option<Vec<u8>>, Time),
) -> Result<(), DbError> {
    tx.query(
        "update activity set device_trigger = $2, delivered_by = $3, received_at = $4, \
         auth_id = coalesce(auth_id, $5), code_id = coalesce(code_id, $6), presses = coalesce(presses, $7), \
         origin = $8 where id = $1",
    )
    .bind(id)
    .bind(event.trigger.stored())
    .bind(delivered_by)
    .bind(at)
    .bind(event.auth_id.map(i64::from))
    .bind(event.code_id.map(i64::from))
    .bind(event.presses().map(i64::from))
    .bind(event.origin().stored())
    .run()
    .await?;
    Ok(())
}

pub(super) async fn name(tx: &mut Tx, id: ActivityId, name: &str) -> Result<(), DbError> {
    tx.query("update activity set name = $2 where id = $1 and name is null")
        .bind(id)
        .bind(name.to_owned())
        .run()
        .await?;
    Ok(())
}

pub(super) async fn move_to_device(tx: &mut Tx, from: DeviceId, to: DeviceId) -> Result<(), DbError> {
    tx.query("update activity set device_id = $2 where device_id = $1").bind(from).bind(to).run().await?;
    tx.query("update commands set device_id = $2 where device_id = $1").bind(from).bind(to).run().await?;
    Ok(())
}
