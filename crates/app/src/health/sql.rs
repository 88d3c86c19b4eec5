//! What is asked of all devices of an account at once. Each is bounded, and begins with the few rows that ail: the plus before
//! the account, and the cross join, keep SQLite from walking all its devices instead.

use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::ids::{AccountId, DeviceId};

pub(super) const MOST: i64 = 5_000;

pub(super) async fn troubles(
    tx: &mut Tx,
    account: AccountId,
) -> Result<Vec<(DeviceId, String, String, String)>, DbError> {
    let query = tx.query(
        "select t.device_id, t.connector, t.trouble, t.detail from troubles t join devices d on d.id = t.device_id \
         where +d.account_id = $1 and d.removed_at is null order by t.since, t.device_id limit $2",
    );
    query.bind(account).bind(MOST).all().await
}

pub(super) async fn refused(
    tx: &mut Tx,
    account: AccountId,
) -> Result<Vec<(DeviceId, String, Option<String>)>, DbError> {
    let query = tx.query(
        "select s.device_id, s.setting, s.reason from settings s join devices d on d.id = s.device_id \
         where s.state = 'refused' and +d.account_id = $1 and d.removed_at is null \
         order by s.device_id, s.setting limit $2",
    );
    query.bind(account).bind(MOST).all().await
}

/// Signals below −80 dBm. They are texts, of which those with two digits below −80 come after it.
pub(super) async fn weak(tx: &mut Tx, account: AccountId) -> Result<Vec<(DeviceId, String)>, DbError> {
    let query = tx.query(
        "select f.device_id, f.value from facts f join devices d on d.id = f.device_id \
         where f.fact = 'signal-dbm' and +d.account_id = $1 and d.removed_at is null \
         and (f.value like '-8_' or f.value like '-9_' or f.value like '-1__') and f.value <> '-80' \
         order by f.device_id limit $2",
    );
    query.bind(account).bind(MOST).all().await
}

/// Batteries that are likely to be low by then, and are not yet.
pub(super) async fn soon_low(
    tx: &mut Tx,
    account: AccountId,
    by: Time,
    low: i64,
) -> Result<Vec<(DeviceId, Time, Time)>, DbError> {
    let query = tx.query(
        "select f.device_id, f.low_at, f.earliest_at from forecasts f cross join devices d \
         cross join device_states s where d.id = f.device_id and s.device_id = f.device_id \
         and +d.account_id = $1 and d.removed_at is null and f.low_at <= $2 and s.battery_percent > $3 \
         and coalesce(s.battery_critical, false) = false order by f.low_at, f.device_id limit $4",
    );
    query.bind(account).bind(by).bind(low).bind(MOST).all().await
}
