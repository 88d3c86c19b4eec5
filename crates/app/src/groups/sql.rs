//! The queries of groups.

use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::ids::{AccountId, DeviceId, GroupId};

pub(super) async fn all(
    tx: &mut Tx,
    account: AccountId,
) -> Result<Vec<(GroupId, Option<GroupId>, String)>, DbError> {
    tx.query("select id, parent_id, name from device_groups where account_id = $1").bind(account).all().await
}

pub(super) async fn insert(
    tx: &mut Tx,
    (id, account, parent): (GroupId, AccountId, Option<GroupId>),
    name: &str,
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "insert into device_groups (id, account_id, parent_id, name, created_at, updated_at) \
         values ($1, $2, $3, $4, $5, $5)",
    )
    .bind(id)
    .bind(account)
    .bind(parent)
    .bind(name.to_owned())
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn change(
    tx: &mut Tx,
    (id, parent): (GroupId, Option<GroupId>),
    name: &str,
    now: Time,
) -> Result<(), DbError> {
    tx.query("update device_groups set parent_id = $2, name = $3, updated_at = $4 where id = $1")
        .bind(id)
        .bind(parent)
        .bind(name.to_owned())
        .bind(now)
        .run()
        .await?;
    Ok(())
}

/// What was in the group is in `parent` from now on; the devices among it are returned.
pub(super) async fn delete(
    tx: &mut Tx,
    id: GroupId,
    parent: Option<GroupId>,
    now: Time,
) -> Result<Vec<DeviceId>, DbError> {
    let moved = tx
        .query("update devices set group_id = $2, updated_at = $3 where group_id = $1 returning id")
        .bind(id)
        .bind(parent)
        .bind(now)
        .all::<(DeviceId,)>()
        .await?;
    tx.query("update device_groups set parent_id = $2, updated_at = $3 where parent_id = $1")
        .bind(id)
        .bind(parent)
        .bind(now)
        .run()
        .await?;
    tx.query("delete from device_groups where id = $1").bind(id).run().await?;
    Ok(moved.into_iter().map(|(device,)| device).collect())
}

pub(super) async fn set_group(
    tx: &mut Tx,
    device: DeviceId,
    group: Option<GroupId>,
    now: Time,
) -> Result<(), DbError> {
    tx.query("update devices set group_id = $2, updated_at = $3 where id = $1")
        .bind(device)
        .bind(group)
        .bind(now)
        .run()
        .await?;
    Ok(())
}

/// Devices in these groups that are still in the account.
pub(super) async fn devices_in(tx: &mut Tx, groups: &[GroupId]) -> Result<Vec<DeviceId>, DbError> {
    let mut found = Vec::new();
    for chunk in crate::db::chunks(groups) {
        let head = "select id from devices where removed_at is null and group_id in (";
        found.extend(tx.among(head, chunk, ")").all::<(DeviceId,)>().await?);
    }
    Ok(found.into_iter().map(|(device,)| device).collect())
}
