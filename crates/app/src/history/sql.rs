//! The queries of the history. Each is a range of its primary key.

use std::collections::HashSet;

use sqlx::FromRow;

use super::{Kind, Point};
use crate::clock::Time;
use crate::db::{DbError, Tx, chunks};
use crate::ids::DeviceId;

const UNKNOWN: i64 = -1;

const BEFORE: &str = "select at, value, cast(1 as bigint) as changes, at as since from history \
         where device_id = $1 and kind = $2 and at < $3 order by at desc limit 1";
const POINTS: &str = "select at, value, cast(1 as bigint) as changes, at as since from history \
         where device_id = $1 and kind = $2 and at >= $3 and at <= $4 order by at limit $5";
const THINNED: &str = "select h.at, h.value, part.changes, part.since from ( \
         select max(at) as last, min(at) as since, count(*) as changes from history \
         where device_id = $1 and kind = $2 and at >= $3 and at <= $4 group by (at - $3) / $5) part \
         join history h on h.device_id = $1 and h.kind = $2 and h.at = part.last order by h.at";
const NEWEST_BEFORE: &str = "select d.id, \
         (select max(h.at) from history h where h.device_id = d.id and h.kind = 0 and h.at < $2), \
         (select max(h.at) from history h where h.device_id = d.id and h.kind = 1 and h.at < $2), \
         (select max(h.at) from history h where h.device_id = d.id and h.kind = 2 and h.at < $2), \
         (select max(h.at) from history h where h.device_id = d.id and h.kind = 3 and h.at < $2) \
         from devices d where d.id > $1 order by d.id limit $3";
const OLDER: &str = "select at from history where device_id = $1 and kind = $2 and at < $3 limit 1";
const DELETE_OLDER: &str = "delete from history where device_id = $1 and kind = $2 and at < $3";
const LAST_OF_BATTERY: &str = "select at, value from history where device_id = $1 and kind = $2 and value >= 0 order by at desc limit $3";

#[derive(FromRow)]
struct PointRow {
    at: Time,
    value: i64,
    changes: i64,
    since: Time,
}

impl From<PointRow> for Point {
    fn from(row: PointRow) -> Self {
        Self {
            at: row.at,
            value: u8::try_from(row.value).ok(),
            changes: u32::try_from(row.changes).unwrap_or(u32::MAX),
            since: row.since,
        }
    }
}

pub(super) type NewRow = ((DeviceId, Kind, Time), Option<u8>);

pub(super) async fn insert(tx: &mut Tx, rows: &[NewRow]) -> Result<(), DbError> {
    for chunk in chunks(rows) {
        let mut query = tx.rows(
            "insert into history (device_id, kind, at, value)",
            4,
            chunk.len(),
            " on conflict (device_id, kind, at) do update set value = excluded.value",
        );
        for ((device, kind, at), value) in chunk {
            query = query.bind(*device).bind(kind.stored()).bind(*at).bind(value.map_or(UNKNOWN, i64::from));
        }
        query.run().await?;
    }
    Ok(())
}

/// The last change before a moment.
pub(super) async fn before(
    tx: &mut Tx,
    (device, kind): (DeviceId, Kind),
    at: Time,
) -> Result<Option<Point>, DbError> {
    let query = tx.query(BEFORE);
    let found = query.bind(device).bind(kind.stored()).bind(at).find::<PointRow>().await?;
    Ok(found.map(Into::into))
}

pub(super) async fn points(
    tx: &mut Tx,
    (device, kind): (DeviceId, Kind),
    (from, to): (Time, Time),
    limit: i64,
) -> Result<Vec<Point>, DbError> {
    let query = tx.query(POINTS);
    let query = query.bind(device).bind(kind.stored()).bind(from).bind(to).bind(limit);
    Ok(query.all::<PointRow>().await?.into_iter().map(Into::into).collect())
}

/// The last change of each `step` milliseconds, and how many it stands for.
pub(super) async fn thinned(
    tx: &mut Tx,
    (device, kind): (DeviceId, Kind),
    (from, to): (Time, Time),
    step: i64,
) -> Result<Vec<Point>, DbError> {
    let query = tx.query(THINNED);
    let query = query.bind(device).bind(kind.stored()).bind(from).bind(to).bind(step);
    Ok(query.all::<PointRow>().await?.into_iter().map(Into::into).collect())
}

/// The process begins: of who was there, nothing is known since its last word. A millisecond later, so that the word
/// itself stays.
pub(super) async fn unknown_since_last_word(tx: &mut Tx, kind: Kind) -> Result<(), DbError> {
    let query = tx.query(
        "insert into history (device_id, kind, at, value) select device_id, $1, \
         1 + case when coalesce(online_changed_at, 0) > coalesce(said_at, 0) then online_changed_at else said_at end, -1 \
         from device_states where online and pictured is not null \
         and (said_at is not null or online_changed_at is not null) \
         on conflict (device_id, kind, at) do update set value = excluded.value",
    );
    query.bind(kind.stored()).run().await?;
    Ok(())
}

type NewestRow = (DeviceId, Option<Time>, Option<Time>, Option<Time>, Option<Time>);

/// The next devices, with the newest change of each kind before a moment.
pub(super) async fn newest_before(
    tx: &mut Tx,
    after: DeviceId,
    at: Time,
    limit: i64,
) -> Result<Vec<(DeviceId, [Option<Time>; 4])>, DbError> {
    let query = tx.query(NEWEST_BEFORE);
    let found = query.bind(after).bind(at).bind(limit).all::<NewestRow>().await?;
    Ok(found.into_iter().map(|(id, a, b, c, d)| (id, [a, b, c, d])).collect())
}

pub(super) async fn has_older(
    tx: &mut Tx,
    (device, kind): (DeviceId, Kind),
    than: Time,
) -> Result<bool, DbError> {
    let query = tx.query(OLDER);
    Ok(query.bind(device).bind(kind.stored()).bind(than).find_value::<Time>().await?.is_some())
}

pub(super) async fn delete_older(
    tx: &mut Tx,
    (device, kind): (DeviceId, Kind),
    than: Time,
) -> Result<u64, DbError> {
    let query = tx.query(DELETE_OLDER);
    query.bind(device).bind(kind.stored()).bind(than).run().await
}

/// The newest percentages of a battery, newest first.
pub(super) async fn last_of_battery(
    tx: &mut Tx,
    device: DeviceId,
    limit: i64,
) -> Result<Vec<(Time, i64)>, DbError> {
    let query = tx.query(LAST_OF_BATTERY);
    query.bind(device).bind(Kind::Battery.stored()).bind(limit).all().await
}

/// The next devices that tell of their battery.
pub(super) async fn with_battery(tx: &mut Tx, after: DeviceId, limit: i64) -> Result<Vec<DeviceId>, DbError> {
    let query = tx.query(
        "select s.device_id from device_states s where s.device_id > $1 and s.battery_percent is not null \
         order by s.device_id limit $2",
    );
    let found = query.bind(after).bind(limit).all::<(DeviceId,)>().await?;
    Ok(found.into_iter().map(|(device,)| device).collect())
}

/// Which of the devices after one, up to another, have a forecast that is kept.
pub(super) async fn forecasts(
    tx: &mut Tx,
    (after, to): (DeviceId, DeviceId),
) -> Result<HashSet<DeviceId>, DbError> {
    let query = tx.query("select device_id from forecasts where device_id > $1 and device_id <= $2");
    let found = query.bind(after).bind(to).all::<(DeviceId,)>().await?;
    Ok(found.into_iter().map(|(device,)| device).collect())
}

pub(super) async fn write_forecast(
    tx: &mut Tx,
    device: DeviceId,
    (low_at, earliest_at): (Time, Time),
    now: Time,
) -> Result<(), DbError> {
    let query = tx.query(
        "insert into forecasts (device_id, low_at, earliest_at, made_at) values ($1, $2, $3, $4) \
         on conflict (device_id) do update set low_at = excluded.low_at, earliest_at = excluded.earliest_at, \
         made_at = excluded.made_at",
    );
    query.bind(device).bind(low_at).bind(earliest_at).bind(now).run().await?;
    Ok(())
}

pub(super) async fn forget_forecast(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    tx.query("delete from forecasts where device_id = $1").bind(device).run().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::plans;

    #[tokio::test]
    async fn every_look_at_a_history_is_a_range_of_its_key() {
        for plan in
            plans(&[BEFORE, POINTS, THINNED, NEWEST_BEFORE, OLDER, DELETE_OLDER, LAST_OF_BATTERY]).await
        {
            assert!(plan.contains("(device_id=? AND kind=?"), "{plan}");
            assert!(!plan.contains("SCAN history") && !plan.contains("SCAN h"), "{plan}");
        }
    }
}
