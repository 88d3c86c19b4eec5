//! The queries of which device a row stands for.

use super::{Connector, Safety};
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::ids::{AccountId, DeviceId};

pub(super) async fn identity(tx: &mut Tx, device: DeviceId) -> Result<(Option<i64>, bool), DbError> {
    tx.query("select nuki_id, is_opener from devices where id = $1").bind(device).one().await
}

pub(super) async fn find(
    tx: &mut Tx,
    nuki_id: u32,
    is_opener: bool,
) -> Result<Option<(DeviceId, AccountId)>, DbError> {
    tx.query(
        "select id, account_id from devices where nuki_id = $1 and is_opener = $2 and removed_at is null",
    )
    .bind(i64::from(nuki_id))
    .bind(is_opener)
    .find()
    .await
}

pub(super) async fn set_nuki_id(tx: &mut Tx, id: DeviceId, nuki_id: i64, now: Time) -> Result<(), DbError> {
    tx.query("update devices set nuki_id = $2, updated_at = $3 where id = $1 and nuki_id is null")
        .bind(id)
        .bind(nuki_id)
        .bind(now)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn join(tx: &mut Tx, device: DeviceId, other: DeviceId, now: Time) -> Result<(), DbError> {
    tx.query("update devices set removed_at = $3, joined_to = $2 where id = $1")
        .bind(device)
        .bind(other)
        .bind(now)
        .run()
        .await?;
    // Whoever was joined to it is joined to what it became.
    tx.query("update devices set joined_to = $2 where joined_to = $1").bind(device).bind(other).run().await?;
    Ok(())
}

pub(super) async fn joined_to(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
) -> Result<Option<DeviceId>, DbError> {
    let query = tx.query("select joined_to from devices where id = $1 and account_id = $2");
    Ok(query.bind(device).bind(account).find_value::<Option<DeviceId>>().await?.flatten())
}

pub(super) async fn set_opener(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    tx.query("update devices set is_opener = true where id = $1").bind(device).run().await?;
    Ok(())
}

pub(super) async fn set_safety(
    tx: &mut Tx,
    device: DeviceId,
    safety: Safety,
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "update devices set never_open = $2, ask_again = $3, fresh_sign_in = $4, updated_at = $5 where id = $1",
    )
    .bind(device)
    .bind(safety.never_open)
    .bind(safety.ask_again)
    .bind(safety.fresh_sign_in)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn has_said_nothing(tx: &mut Tx, device: DeviceId) -> Result<bool, DbError> {
    tx.query("select said_at is null from device_states where device_id = $1").bind(device).value().await
}

pub(super) async fn name_of(tx: &mut Tx, device: DeviceId) -> Result<String, DbError> {
    tx.query("select name from devices where id = $1").bind(device).value().await
}

pub(super) async fn set_own_name(
    tx: &mut Tx,
    device: DeviceId,
    name: &str,
    now: Time,
) -> Result<bool, DbError> {
    let query = tx.query(
        "update devices set name = $2, updated_at = $3 where id = $1 and not name_given and name <> $2",
    );
    Ok(query.bind(device).bind(name.to_owned()).bind(now).run().await? > 0)
}

pub(super) async fn insert(
    tx: &mut Tx,
    (id, account): (DeviceId, AccountId),
    ((name, name_given), connector): ((&str, bool), Connector),
    is_opener: bool,
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "insert into devices (id, account_id, connector, name, is_opener, added_at, updated_at, name_given) \
         values ($1, $2, $3, $4, $5, $6, $6, $7)",
    )
    .bind(id)
    .bind(account)
    .bind(connector.name())
    .bind(name.to_owned())
    .bind(is_opener)
    .bind(now)
    .bind(name_given)
    .run()
    .await?;
    tx.query("insert into device_states (device_id) values ($1)").bind(id).run().await?;
    Ok(())
}

/// Who speaks for a device now, if anybody is there.
pub(super) async fn set_link(
    tx: &mut Tx,
    device: DeviceId,
    (speaker, accepts_commands): (Option<i64>, Option<bool>),
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "update device_states set online = $2, accepts_commands = $3, \
         online_changed_at = case when online = $2 then online_changed_at else $5 end, \
         speaker_since = case when speaker = coalesce($4, speaker) then speaker_since else $5 end, \
         speaker = coalesce($4, speaker) where device_id = $1",
    )
    .bind(device)
    .bind(speaker.is_some())
    .bind(accepts_commands)
    .bind(speaker)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// While no way is there, it is described by this one.
pub(super) async fn is_reached_by(tx: &mut Tx, device: DeviceId, by: Connector) -> Result<(), DbError> {
    let query = tx.query("update devices set connector = $2 where id = $1 and connector <> $2");
    query.bind(device).bind(by.name()).run().await?;
    Ok(())
}
