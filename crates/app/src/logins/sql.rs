//! The queries of device logins.

use sqlx::FromRow;

use super::{Stranger, StrangerSeen};
use crate::clock::Time;
use crate::db::{DbError, Tx, chunks};
use crate::ids::{AccountId, DeviceId, LoginId};

#[derive(FromRow)]
pub(super) struct KnownLogin {
    pub id: LoginId,
    pub account_id: AccountId,
    pub password_hash: Vec<u8>,
    pub connector: String,
    pub base_path: Option<String>,
    pub left_out: Option<String>,
}

#[derive(FromRow)]
pub(super) struct StrangerRow {
    pub login_id: LoginId,
    pub account_id: AccountId,
    pub nuki_id: i64,
    pub is_opener: bool,
    pub name: Option<String>,
    pub model: Option<String>,
    pub seen_at: Time,
    pub left_out: Option<String>,
    pub device_id: DeviceId,
    pub device_name: String,
}

#[derive(FromRow)]
pub(super) struct LoginRow {
    pub id: LoginId,
    pub connector: String,
    pub username: String,
    pub base_path: Option<String>,
    pub created_at: Time,
    pub first_connected_at: Option<Time>,
}

#[derive(FromRow)]
pub(super) struct RefusalRow {
    pub reason: String,
    pub detail: String,
    pub times: i64,
    pub last_at: Time,
}

pub(super) async fn find(tx: &mut Tx, username: &str) -> Result<Option<KnownLogin>, DbError> {
    tx.query(
        "select id, account_id, password_hash, connector, base_path, left_out from logins \
         where username = $1 and revoked_at is null",
    )
    .bind(username.to_owned())
    .find()
    .await
}

pub(super) async fn stands(tx: &mut Tx, login: LoginId) -> Result<bool, DbError> {
    let found = tx
        .query(
            "select l.id from logins l where l.id = $1 and l.revoked_at is null and exists ( \
             select 1 from ways w join devices d on d.id = w.device_id \
             where w.login_id = l.id and d.removed_at is null)",
        )
        .bind(login)
        .find_value::<LoginId>()
        .await?;
    Ok(found.is_some())
}

pub(super) async fn of_device(tx: &mut Tx, device: DeviceId) -> Result<Vec<LoginRow>, DbError> {
    tx.query(
        "select l.id, l.connector, l.username, l.base_path, l.created_at, l.first_connected_at \
         from ways w join logins l on l.id = w.login_id \
         where w.device_id = $1 and l.revoked_at is null order by l.connector",
    )
    .bind(device)
    .all()
    .await
}

pub(super) async fn insert(
    tx: &mut Tx,
    ids: (LoginId, DeviceId, AccountId),
    (connector, base_path): (&'static str, Option<&str>),
    username: &str,
    password_hash: Vec<u8>,
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "insert into logins (id, device_id, account_id, username, password_hash, created_at, connector, base_path) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(ids.0)
    .bind(ids.1)
    .bind(ids.2)
    .bind(username.to_owned())
    .bind(password_hash)
    .bind(now)
    .bind(connector)
    .bind(base_path.map(ToOwned::to_owned))
    .run()
    .await?;
    Ok(())
}

pub(super) async fn base_path_of(tx: &mut Tx, login: LoginId) -> Result<Option<String>, DbError> {
    let query = tx.query("select base_path from logins where id = $1");
    Ok(query.bind(login).find_value::<Option<String>>().await?.flatten())
}

pub(super) async fn set_base_path(tx: &mut Tx, login: LoginId, path: &str, now: Time) -> Result<(), DbError> {
    tx.query(
        "update logins set base_path = $2, first_connected_at = coalesce(first_connected_at, $3) where id = $1",
    )
    .bind(login)
    .bind(path.to_owned())
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn move_to_device(tx: &mut Tx, from: DeviceId, to: DeviceId) -> Result<(), DbError> {
    tx.query("update logins set device_id = $2 where device_id = $1").bind(from).bind(to).run().await?;
    Ok(())
}

pub(super) async fn revoked(tx: &mut Tx) -> Result<Vec<(LoginId, Time)>, DbError> {
    tx.query("select id, revoked_at from logins where revoked_at is not null").all().await
}

pub(super) async fn revoke(tx: &mut Tx, login: LoginId, at: Time) -> Result<u64, DbError> {
    tx.query("update logins set revoked_at = $2 where id = $1 and revoked_at is null")
        .bind(login)
        .bind(at)
        .run()
        .await
}

pub(super) async fn connected(tx: &mut Tx, login: LoginId, now: Time) -> Result<(), DbError> {
    tx.query("update logins set first_connected_at = $2 where id = $1 and first_connected_at is null")
        .bind(login)
        .bind(now)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn refused(
    tx: &mut Tx,
    login: LoginId,
    reason: &'static str,
    (detail, times): (&str, u32),
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "insert into login_refusals (login_id, reason, detail, times, last_at) values ($1, $2, $3, $4, $5) \
         on conflict (login_id, reason) do update set detail = excluded.detail, \
         times = login_refusals.times + excluded.times, last_at = excluded.last_at",
    )
    .bind(login)
    .bind(reason)
    .bind(detail.to_owned())
    .bind(i64::from(times))
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn device_of(tx: &mut Tx, login: LoginId) -> Result<Option<(AccountId, DeviceId)>, DbError> {
    tx.query("select account_id, device_id from logins where id = $1").bind(login).find().await
}

pub(super) async fn refusals(tx: &mut Tx, device: DeviceId) -> Result<Vec<RefusalRow>, DbError> {
    tx.query(
        "select r.reason, r.detail, r.times, r.last_at from login_refusals r \
         join logins l on l.id = r.login_id join ways w on w.login_id = l.id \
         where w.device_id = $1 and l.revoked_at is null order by r.last_at desc",
    )
    .bind(device)
    .all()
    .await
}

pub(super) async fn open_delivery(
    tx: &mut Tx,
    login: LoginId,
    client_id: &str,
    packet: u16,
) -> Result<(), DbError> {
    tx.query("insert into open_deliveries (login_id, client_id, packet_id) values ($1, $2, $3) on conflict do nothing")
        .bind(login)
        .bind(client_id.to_owned())
        .bind(i64::from(packet))
        .run()
        .await?;
    Ok(())
}

pub(super) async fn close_delivery(
    tx: &mut Tx,
    login: LoginId,
    client_id: &str,
    packet: u16,
) -> Result<(), DbError> {
    tx.query("delete from open_deliveries where login_id = $1 and client_id = $2 and packet_id = $3")
        .bind(login)
        .bind(client_id.to_owned())
        .bind(i64::from(packet))
        .run()
        .await?;
    Ok(())
}

pub(super) async fn open_deliveries(
    tx: &mut Tx,
    login: LoginId,
    client_id: &str,
) -> Result<Vec<(i64,)>, DbError> {
    tx.query("select packet_id from open_deliveries where login_id = $1 and client_id = $2 limit 65535")
        .bind(login)
        .bind(client_id.to_owned())
        .all()
        .await
}

pub(super) async fn find_session(
    tx: &mut Tx,
    login: LoginId,
    client_id: &str,
) -> Result<Option<String>, DbError> {
    tx.query("select filters from broker_sessions where login_id = $1 and client_id = $2")
        .bind(login)
        .bind(client_id.to_owned())
        .find_value()
        .await
}

pub(super) async fn save_session(
    tx: &mut Tx,
    login: LoginId,
    client_id: &str,
    filters: String,
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "insert into broker_sessions (login_id, client_id, filters, seen_at) values ($1, $2, $3, $4) \
         on conflict (login_id, client_id) do update set filters = excluded.filters, seen_at = excluded.seen_at",
    )
    .bind(login)
    .bind(client_id.to_owned())
    .bind(filters)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// All but the newest `keep` sessions of a login, and the deliveries they left open.
pub(super) async fn forget_old_sessions(tx: &mut Tx, login: LoginId, keep: i64) -> Result<(), DbError> {
    tx.query(
        "delete from broker_sessions where login_id = $1 and client_id not in ( \
         select client_id from broker_sessions where login_id = $1 order by seen_at desc, client_id limit $2)",
    )
    .bind(login)
    .bind(keep)
    .run()
    .await?;
    tx.query(
        "delete from open_deliveries where login_id = $1 and client_id not in ( \
         select client_id from broker_sessions where login_id = $1)",
    )
    .bind(login)
    .run()
    .await?;
    Ok(())
}

/// Whether a client left a session or open deliveries.
pub(super) async fn has_left_something(
    tx: &mut Tx,
    login: LoginId,
    client_id: &str,
) -> Result<bool, DbError> {
    let left: i64 = tx
        .query(
            "select (select count(*) from broker_sessions where login_id = $1 and client_id = $2) \
             + (select count(*) from open_deliveries where login_id = $1 and client_id = $2)",
        )
        .bind(login)
        .bind(client_id.to_owned())
        .value()
        .await?;
    Ok(left > 0)
}

pub(super) async fn forget_session(tx: &mut Tx, login: LoginId, client_id: &str) -> Result<(), DbError> {
    for sql in [
        "delete from open_deliveries where login_id = $1 and client_id = $2",
        "delete from broker_sessions where login_id = $1 and client_id = $2",
    ] {
        tx.query(sql).bind(login).bind(client_id.to_owned()).run().await?;
    }
    Ok(())
}

pub(super) async fn left_out(tx: &mut Tx, login: LoginId) -> Result<Option<String>, DbError> {
    let query = tx.query("select left_out from logins where id = $1");
    Ok(query.bind(login).find_value::<Option<String>>().await?.flatten())
}

pub(super) async fn leave_out(
    tx: &mut Tx,
    login: LoginId,
    part: Option<&'static str>,
) -> Result<(), DbError> {
    let query = tx.query("update logins set left_out = $2 where id = $1");
    query.bind(login).bind(part.map(ToOwned::to_owned)).run().await?;
    Ok(())
}

pub(super) async fn note_stranger(
    tx: &mut Tx,
    login: LoginId,
    stranger: &Stranger,
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "insert into strangers (login_id, nuki_id, is_opener, name, model, seen_at) values ($1, $2, $3, $4, $5, $6) \
         on conflict (login_id, nuki_id, is_opener) do update set name = coalesce(excluded.name, strangers.name), \
         model = coalesce(excluded.model, strangers.model), seen_at = excluded.seen_at",
    )
    .bind(login)
    .bind(i64::from(stranger.nuki_id))
    .bind(stranger.is_opener)
    .bind(stranger.name.clone())
    .bind(stranger.model.clone())
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// All but the newest `keep` of a login.
pub(super) async fn forget_strangers(tx: &mut Tx, login: LoginId, keep: usize) -> Result<(), DbError> {
    tx.query(
        "delete from strangers where login_id = $1 and (nuki_id, is_opener) not in ( \
         select nuki_id, is_opener from strangers where login_id = $1 order by seen_at desc, nuki_id limit $2)",
    )
    .bind(login)
    .bind(i64::try_from(keep).unwrap_or(i64::MAX))
    .run()
    .await?;
    Ok(())
}

/// It is a device of the account from now on, though it may not speak by its own login yet.
pub(super) async fn became(tx: &mut Tx, one: &StrangerSeen, device: DeviceId) -> Result<(), DbError> {
    tx.query("update strangers set became = $4 where login_id = $1 and nuki_id = $2 and is_opener = $3")
        .bind(one.login)
        .bind(i64::from(one.stranger.nuki_id))
        .bind(one.stranger.is_opener)
        .bind(device)
        .run()
        .await?;
    Ok(())
}

/// What spoke through a login and is no device of its account, and none that was added and has yet to get its own login.
macro_rules! select_strangers {
    ($from:literal, $rest:literal) => {
        concat!(
            "select s.login_id, l.account_id, s.nuki_id, s.is_opener, s.name, s.model, s.seen_at, l.left_out, \
             d.id as device_id, d.name as device_name from ",
            $from,
            " join devices d on d.id = w.device_id where l.id = s.login_id and l.revoked_at is null \
             and d.removed_at is null and w.id = (select min(o.id) from ways o where o.login_id = l.id) \
             and not exists (select 1 from devices k where k.account_id = l.account_id and k.removed_at is null \
             and k.nuki_id = s.nuki_id and k.is_opener = s.is_opener) \
             and not exists (select 1 from devices b where b.id = s.became and (b.removed_at >= s.seen_at \
             or (b.removed_at is null and b.nuki_id is null))) and ",
            $rest
        )
    };
}

// They are few and logins are many: they lead, and SQLite takes `cross join` for that.
const STRANGERS: &str = select_strangers!(
    "strangers s cross join logins l join ways w on w.login_id = l.id",
    "l.account_id = $1 and s.seen_at >= $2 order by s.seen_at desc, s.nuki_id limit $3"
);
const STRANGER: &str = select_strangers!(
    "strangers s cross join logins l join ways w on w.login_id = l.id",
    "l.account_id = $1 and s.login_id = $2 and s.nuki_id = $3 and s.is_opener = $4"
);

/// The last heard of an account, since then.
pub(super) async fn strangers(
    tx: &mut Tx,
    account: AccountId,
    (since, limit): (Time, i64),
) -> Result<Vec<StrangerRow>, DbError> {
    tx.query(STRANGERS).bind(account).bind(since).bind(limit).all().await
}

/// All that spoke through the logins of these devices, in no order.
pub(super) async fn strangers_of(tx: &mut Tx, devices: &[DeviceId]) -> Result<Vec<StrangerRow>, DbError> {
    let mut found = Vec::new();
    for chunk in chunks(devices) {
        let head = select_strangers!(
            "ways w cross join logins l join strangers s on s.login_id = w.login_id",
            "l.id = w.login_id and w.device_id in ("
        );
        found.extend(tx.among(head, chunk, ")").all::<StrangerRow>().await?);
    }
    Ok(found)
}

pub(super) async fn stranger(
    tx: &mut Tx,
    account: AccountId,
    (login, nuki_id, is_opener): (LoginId, u32, bool),
) -> Result<Option<StrangerRow>, DbError> {
    let query = tx.query(STRANGER).bind(account).bind(login);
    query.bind(i64::from(nuki_id)).bind(is_opener).find().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::plans;

    #[tokio::test]
    async fn strangers_are_found_without_a_look_at_every_login() {
        let of_devices = select_strangers!(
            "ways w cross join logins l join strangers s on s.login_id = w.login_id",
            "l.id = w.login_id and w.device_id in ( values ($1),($2))"
        );
        for plan in plans(&[STRANGERS, STRANGER, of_devices]).await {
            let scans = ["SCAN l", "SCAN w", "SCAN d", "SCAN o", "SCAN k", "SCAN b"];
            assert!(!scans.iter().any(|scan| plan.contains(scan)), "{plan}");
        }
    }
}
