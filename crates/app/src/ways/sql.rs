//! The queries of ways, facts and troubles.

use sqlx::FromRow;

use super::Way;
use crate::clock::Time;
use crate::db::{DbError, Tx, chunks};
use crate::devices::Connector;
use crate::ids::{AccountId, DeviceId, LoginId, WayId};

#[derive(Clone, FromRow)]
pub(super) struct WayRow {
    id: WayId,
    pub device_id: DeviceId,
    connector: String,
    login_id: Option<LoginId>,
    added_at: Time,
    online: bool,
    online_changed_at: Option<Time>,
    accepts_commands: Option<bool>,
    heard_at: Option<Time>,
    speaks_for: Option<i64>,
}

macro_rules! select_way {
    ($rest:literal) => {
        concat!(
            "select w.id, w.device_id, w.connector, w.login_id, w.added_at, w.online, w.online_changed_at, \
             w.accepts_commands, w.heard_at, w.speaks_for from ways w ",
            $rest
        )
    };
}

pub(super) async fn of_device(tx: &mut Tx, device: DeviceId) -> Result<Vec<WayRow>, DbError> {
    tx.query(select_way!("where w.device_id = $1 order by w.connector")).bind(device).all().await
}

pub(super) async fn of_devices(tx: &mut Tx, devices: &[DeviceId]) -> Result<Vec<WayRow>, DbError> {
    let mut found = Vec::with_capacity(devices.len());
    for chunk in chunks(devices) {
        found.extend(tx.among(select_way!("where w.device_id in ("), chunk, ")").all::<WayRow>().await?);
    }
    Ok(found)
}

/// The devices that a login brings, and whether each is an opener.
pub(super) async fn of_login(
    tx: &mut Tx,
    login: LoginId,
) -> Result<Vec<(DeviceId, bool, Option<i64>)>, DbError> {
    tx.query(
        "select d.id, d.is_opener, d.nuki_id from ways w join devices d on d.id = w.device_id \
         where w.login_id = $1 and d.removed_at is null order by w.added_at, w.id",
    )
    .bind(login)
    .all()
    .await
}

/// The other devices that come with a login of this one.
pub(super) async fn beside(tx: &mut Tx, device: DeviceId) -> Result<Vec<(DeviceId, String)>, DbError> {
    tx.query(
        "select d.id, d.name from ways w join ways o on o.login_id = w.login_id and o.device_id <> w.device_id \
         join devices d on d.id = o.device_id where w.device_id = $1 and d.removed_at is null order by d.id",
    )
    .bind(device)
    .all()
    .await
}

pub(super) async fn login_of(
    tx: &mut Tx,
    device: DeviceId,
    connector: Connector,
) -> Result<Option<LoginId>, DbError> {
    let query = tx.query("select login_id from ways where device_id = $1 and connector = $2");
    Ok(query.bind(device).bind(connector.name()).find_value::<Option<LoginId>>().await?.flatten())
}

pub(super) async fn insert(
    tx: &mut Tx,
    id: WayId,
    (device, account): (DeviceId, AccountId),
    (connector, login): (Connector, Option<LoginId>),
    now: Time,
) -> Result<(), DbError> {
    tx.query(
        "insert into ways (id, device_id, account_id, connector, login_id, added_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(device)
    .bind(account)
    .bind(connector.name())
    .bind(login)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn write(tx: &mut Tx, way: &Way) -> Result<(), DbError> {
    tx.query(
        "update ways set online = $2, online_changed_at = $3, accepts_commands = $4, heard_at = $5, speaks_for = $6 \
         where id = $1",
    )
    .bind(way.id)
    .bind(way.online)
    .bind(way.changed_at)
    .bind(way.accepts_commands)
    .bind(way.heard_at)
    .bind(way.speaks_for.map(i64::from))
    .run()
    .await?;
    Ok(())
}

pub(super) async fn move_to_login(tx: &mut Tx, from: LoginId, to: LoginId) -> Result<(), DbError> {
    tx.query("update ways set login_id = $2 where login_id = $1").bind(from).bind(to).run().await?;
    Ok(())
}

/// Gives a way of one device to another.
pub(super) async fn move_to_device(
    tx: &mut Tx,
    from: DeviceId,
    connector: Connector,
    to: DeviceId,
) -> Result<(), DbError> {
    tx.query("update ways set device_id = $3 where device_id = $1 and connector = $2")
        .bind(from)
        .bind(connector.name())
        .bind(to)
        .run()
        .await?;
    Ok(())
}

/// A way, and what kept it from giving what it could.
pub(super) async fn delete(tx: &mut Tx, device: DeviceId, way: &Way) -> Result<(), DbError> {
    let query = tx.query("delete from troubles where device_id = $1 and connector = $2");
    query.bind(device).bind(way.connector.name()).run().await?;
    tx.query("delete from ways where id = $1").bind(way.id).run().await?;
    Ok(())
}

pub(super) async fn delete_of_device(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    tx.query("delete from troubles where device_id = $1").bind(device).run().await?;
    tx.query("delete from ways where device_id = $1").bind(device).run().await?;
    Ok(())
}

pub(super) async fn all_offline(tx: &mut Tx) -> Result<(), DbError> {
    tx.query(
        "update ways set online = false, accepts_commands = null, online_changed_at = null where online",
    )
    .run()
    .await?;
    Ok(())
}

pub(super) async fn end_each_trouble(
    tx: &mut Tx,
    connector: Connector,
    trouble: &'static str,
) -> Result<(), DbError> {
    let query = tx.query("delete from troubles where connector = $1 and trouble = $2");
    query.bind(connector.name()).bind(trouble).run().await?;
    Ok(())
}

pub(super) async fn set_fact(
    tx: &mut Tx,
    device: DeviceId,
    (fact, value): (&'static str, &str),
    now: Time,
) -> Result<bool, DbError> {
    let changed = tx
        .query(
            "insert into facts (device_id, fact, value, said_at) values ($1, $2, $3, $4) \
             on conflict (device_id, fact) do update set value = excluded.value, said_at = excluded.said_at \
             where facts.value <> excluded.value or facts.said_at < excluded.said_at - 300000",
        )
        .bind(device)
        .bind(fact)
        .bind(value.to_owned())
        .bind(now)
        .run()
        .await?;
    Ok(changed > 0)
}

pub(super) async fn fact(
    tx: &mut Tx,
    device: DeviceId,
    fact: &'static str,
) -> Result<Option<String>, DbError> {
    let query = tx.query("select value from facts where device_id = $1 and fact = $2");
    query.bind(device).bind(fact).find_value().await
}

pub(super) async fn facts(tx: &mut Tx, device: DeviceId) -> Result<Vec<(String, String, Time)>, DbError> {
    tx.query("select fact, value, said_at from facts where device_id = $1 order by fact")
        .bind(device)
        .all()
        .await
}

/// True if it is new.
pub(super) async fn set_trouble(
    tx: &mut Tx,
    device: DeviceId,
    (connector, trouble, detail): (Connector, &'static str, &str),
    now: Time,
) -> Result<bool, DbError> {
    let changed = tx
        .query(
            "insert into troubles (device_id, connector, trouble, detail, since) values ($1, $2, $3, $4, $5) \
             on conflict (device_id, connector, trouble) do update set detail = excluded.detail \
             where troubles.detail <> excluded.detail",
        )
        .bind(device)
        .bind(connector.name())
        .bind(trouble)
        .bind(detail.to_owned())
        .bind(now)
        .run()
        .await?;
    Ok(changed > 0)
}

pub(super) async fn end_trouble(
    tx: &mut Tx,
    device: DeviceId,
    connector: Connector,
    trouble: &'static str,
) -> Result<bool, DbError> {
    let query = tx.query("delete from troubles where device_id = $1 and connector = $2 and trouble = $3");
    Ok(query.bind(device).bind(connector.name()).bind(trouble).run().await? > 0)
}

/// Ends it if it is about this.
pub(super) async fn end_trouble_of(
    tx: &mut Tx,
    device: DeviceId,
    connector: Connector,
    (trouble, detail): (&'static str, &str),
) -> Result<bool, DbError> {
    let query = tx.query(
        "delete from troubles where device_id = $1 and connector = $2 and trouble = $3 and detail = $4",
    );
    let query = query.bind(device).bind(connector.name()).bind(trouble).bind(detail.to_owned());
    Ok(query.run().await? > 0)
}

pub(super) async fn troubles(
    tx: &mut Tx,
    device: DeviceId,
) -> Result<Vec<(String, String, String, Time)>, DbError> {
    tx.query(
        "select connector, trouble, detail, since from troubles where device_id = $1 order by since, trouble",
    )
    .bind(device)
    .all()
    .await
}

impl TryFrom<WayRow> for Way {
    type Error = ();

    /// A connector of a later version is none of ours.
    fn try_from(row: WayRow) -> Result<Self, ()> {
        Ok(Self {
            id: row.id,
            connector: Connector::from_name(&row.connector).ok_or(())?,
            login: row.login_id,
            added_at: row.added_at,
            online: row.online,
            changed_at: row.online_changed_at,
            accepts_commands: row.accepts_commands,
            heard_at: row.heard_at,
            speaks_for: row.speaks_for.and_then(|id| u32::try_from(id).ok()),
        })
    }
}
