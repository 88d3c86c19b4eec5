//! The queries of bridges.

use sqlx::FromRow;

use super::{Access, Bridge};
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::ids::{AccountId, BridgeId, DeviceId};

#[derive(FromRow)]
pub(super) struct BridgeRow {
    id: BridgeId,
    pub account_id: AccountId,
    address: String,
    token: String,
    token_form: String,
    callback: String,
    hardware_id: Option<i64>,
    version: Option<String>,
    added_at: Time,
    pub online: bool,
    online_changed_at: Option<Time>,
    heard_at: Option<Time>,
    latency_ms: Option<i64>,
    pub trouble: Option<String>,
    callbacks: Option<String>,
    left_out: i64,
    /// Where this bridge was added before, if it was.
    pub same_as: Option<String>,
}

macro_rules! select_bridge {
    ($rest:literal) => {
        concat!(
            "select b.id, b.account_id, b.address, b.token, b.token_form, b.callback, b.hardware_id, b.version, b.added_at, b.online, \
             b.online_changed_at, b.heard_at, b.latency_ms, b.trouble, b.callbacks, \
             (select count(*) from bridge_left_out l where l.bridge_id = b.id) as left_out, \
             (select o.address from bridges o where o.account_id = b.account_id and o.hardware_id = b.hardware_id \
              and (o.added_at, o.id) < (b.added_at, b.id) order by o.added_at, o.id limit 1) as same_as from bridges b ",
            $rest
        )
    };
}

pub(super) async fn all(tx: &mut Tx) -> Result<Vec<BridgeRow>, DbError> {
    tx.query(select_bridge!("order by b.id")).all().await
}

pub(super) async fn of_account(tx: &mut Tx, account: AccountId) -> Result<Vec<BridgeRow>, DbError> {
    tx.query(select_bridge!("where b.account_id = $1 order by b.added_at, b.id")).bind(account).all().await
}

pub(super) async fn load(tx: &mut Tx, id: BridgeId) -> Result<BridgeRow, DbError> {
    tx.query(select_bridge!("where b.id = $1")).bind(id).one().await
}

pub(super) async fn of_device(tx: &mut Tx, device: DeviceId) -> Result<Option<BridgeRow>, DbError> {
    tx.query(select_bridge!("join ways w on w.bridge_id = b.id where w.device_id = $1"))
        .bind(device)
        .find()
        .await
}

pub(super) async fn insert(tx: &mut Tx, access: &Access, now: Time) -> Result<(), DbError> {
    tx.query(
        "insert into bridges (id, account_id, address, token, token_form, callback, added_at) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(access.bridge)
    .bind(access.account)
    .bind(access.address.clone())
    .bind(access.token.clone())
    .bind(access.token_form.clone())
    .bind(access.callback.clone())
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn set_token(tx: &mut Tx, id: BridgeId, (token, form): (&str, &str)) -> Result<(), DbError> {
    let query = tx.query("update bridges set token = $2, token_form = $3, trouble = null where id = $1");
    query.bind(id).bind(token.to_owned()).bind(form.to_owned()).run().await?;
    Ok(())
}

/// Of what is there nothing is known yet.
pub(super) async fn set_address(tx: &mut Tx, id: BridgeId, address: String) -> Result<(), DbError> {
    tx.query(
        "update bridges set address = $2, hardware_id = null, version = null, online = false, \
         online_changed_at = null, heard_at = null, latency_ms = null, trouble = null, callbacks = null where id = $1",
    )
    .bind(id)
    .bind(address)
    .run()
    .await?;
    Ok(())
}

/// What became known of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub online: bool,
    pub changed_at: Option<Time>,
    pub heard_at: Option<Time>,
    pub latency_ms: Option<i64>,
    pub trouble: Option<String>,
}

pub(super) async fn set_known(tx: &mut Tx, id: BridgeId, known: Known) -> Result<(), DbError> {
    tx.query(
        "update bridges set online = $2, online_changed_at = coalesce($3, online_changed_at), \
         heard_at = coalesce($4, heard_at), latency_ms = coalesce($5, latency_ms), trouble = $6 where id = $1",
    )
    .bind(id)
    .bind(known.online)
    .bind(known.changed_at)
    .bind(known.heard_at)
    .bind(known.latency_ms)
    .bind(known.trouble)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn set_info(
    tx: &mut Tx,
    id: BridgeId,
    (hardware_id, version): (Option<i64>, Option<String>),
    callbacks: &str,
) -> Result<(), DbError> {
    tx.query(
        "update bridges set hardware_id = coalesce($2, hardware_id), version = coalesce($3, version), callbacks = $4 \
         where id = $1",
    )
    .bind(id)
    .bind(hardware_id)
    .bind(version)
    .bind(callbacks.to_owned())
    .run()
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, id: BridgeId) -> Result<(), DbError> {
    tx.query("delete from bridges where id = $1").bind(id).run().await?;
    Ok(())
}

pub(super) async fn all_offline(tx: &mut Tx) -> Result<(), DbError> {
    tx.query("update bridges set online = false where online").run().await?;
    Ok(())
}

/// A device behind a bridge, its Nuki ID and type, and whether the bridge does not reach it.
pub(super) type BehindRow = (DeviceId, Option<i64>, Option<i64>, bool);

pub(super) async fn behind(tx: &mut Tx, bridge: BridgeId) -> Result<Vec<BehindRow>, DbError> {
    tx.query(
        "select d.id, d.nuki_id, d.device_type, exists (select 1 from troubles t where t.device_id = d.id \
         and t.connector = 'nuki-bridge' and t.trouble = 'out-of-reach') from ways w join devices d on d.id = w.device_id \
         where w.bridge_id = $1 and d.removed_at is null order by d.id",
    )
    .bind(bridge)
    .all()
    .await
}

pub(super) async fn set_way(tx: &mut Tx, device: DeviceId, bridge: BridgeId) -> Result<(), DbError> {
    tx.query("update ways set bridge_id = $2 where device_id = $1 and connector = 'nuki-bridge'")
        .bind(device)
        .bind(bridge)
        .run()
        .await?;
    Ok(())
}

/// A device that is taken from its bridge is left out of every bridge of its account: another one may list it as well.
pub(super) async fn leave_out(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    tx.query(
        "insert into bridge_left_out (bridge_id, nuki_id, is_opener) \
         select b.id, d.nuki_id, d.is_opener from devices d join bridges b on b.account_id = d.account_id \
         where d.id = $1 and d.nuki_id is not null on conflict do nothing",
    )
    .bind(device)
    .run()
    .await?;
    Ok(())
}

/// Nuki IDs, and whether each is an opener's.
pub(super) async fn left_out(tx: &mut Tx, bridge: BridgeId) -> Result<Vec<(i64, bool)>, DbError> {
    tx.query("select nuki_id, is_opener from bridge_left_out where bridge_id = $1").bind(bridge).all().await
}

/// Bridges of the account that were added twice, each with the one that it is, the first one before others.
pub(super) async fn repeated(tx: &mut Tx, account: AccountId) -> Result<Vec<(BridgeId, BridgeId)>, DbError> {
    tx.query(
        "select b.id, o.id from bridges b join bridges o on o.account_id = b.account_id \
         and o.hardware_id = b.hardware_id and (o.added_at, o.id) < (b.added_at, b.id) \
         where b.account_id = $1 order by o.added_at, o.id, b.id",
    )
    .bind(account)
    .all()
    .await
}

pub(super) async fn move_ways(tx: &mut Tx, from: BridgeId, to: BridgeId) -> Result<(), DbError> {
    tx.query("update ways set bridge_id = $2 where bridge_id = $1").bind(from).bind(to).run().await?;
    Ok(())
}

impl From<BridgeRow> for Bridge {
    fn from(row: BridgeRow) -> Self {
        Self {
            id: row.id,
            account: row.account_id,
            address: row.address,
            token_form: row.token_form,
            hardware_id: row.hardware_id.and_then(|id| u32::try_from(id).ok()),
            version: row.version,
            added_at: row.added_at,
            online: row.online && row.same_as.is_none(),
            changed_at: row.online_changed_at,
            heard_at: row.heard_at,
            latency_ms: row.latency_ms,
            trouble: row.trouble,
            callbacks: row.callbacks,
            left_out: usize::try_from(row.left_out).unwrap_or(0),
            same_as: row.same_as,
        }
    }
}

impl From<BridgeRow> for Access {
    fn from(row: BridgeRow) -> Self {
        Self {
            bridge: row.id,
            account: row.account_id,
            address: row.address,
            token: row.token,
            token_form: row.token_form,
            callback: row.callback,
        }
    }
}
