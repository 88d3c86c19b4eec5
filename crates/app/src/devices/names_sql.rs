//! The queries of the book of names.

use super::names::Number;
use crate::clock::Time;
use crate::db::{DbError, Tx, chunks, filled};
use crate::ids::DeviceId;

/// More numbers than this are asked for with more than one statement.
const AT_ONCE: usize = 512;

/// Those that have a name.
pub(super) async fn find(
    tx: &mut Tx,
    asked: &[(DeviceId, Number)],
) -> Result<Vec<((DeviceId, Number), String)>, DbError> {
    let mut known = Vec::new();
    for piece in asked.chunks(AT_ONCE) {
        let filled = filled(piece);
        let query = tx.rows(FIND, 3, filled.len(), FOUND);
        let query = filled.iter().fold(query, |query, (device, number)| {
            let (kind, number) = number.stored();
            query.bind(*device).bind(kind).bind(number)
        });
        let rows = query.all::<(DeviceId, i64, i64, Option<String>)>().await?;
        known.extend(rows.into_iter().filter_map(|(device, kind, number, name)| {
            Some(((device, Number::from_stored(kind, number)?), name?))
        }));
    }
    Ok(known)
}

const FIND: &str = "select column1, column2, column3, (select n.name from names n \
    where n.device_id = asked.column1 and n.kind = asked.column2 and n.number = asked.column3) from (";
const FOUND: &str = ") asked";

/// Whether anything is new. What is told again as it was is only noted once a day.
pub(super) async fn write(
    tx: &mut Tx,
    device: DeviceId,
    list: &[(Number, &str)],
    at: Time,
) -> Result<bool, DbError> {
    let mut written = 0;
    for chunk in chunks(list) {
        let query = tx.rows(WRITE, 5, chunk.len(), WRITE_CONFLICT);
        let query = chunk.iter().fold(query, |query, (number, name)| {
            let (kind, number) = number.stored();
            query.bind(device).bind(kind).bind(number).bind((*name).to_owned()).bind(at)
        });
        written += query.run().await?;
    }
    Ok(written > 0)
}

const WRITE: &str = "insert into names (device_id, kind, number, name, told_at)";
const WRITE_CONFLICT: &str = " on conflict (device_id, kind, number) do update set name = excluded.name, \
    told_at = excluded.told_at where names.name <> excluded.name or names.told_at < excluded.told_at - 86400000";

/// Keeps what was told last.
pub(super) async fn trim(tx: &mut Tx, device: DeviceId, most: usize) -> Result<(), DbError> {
    tx.query(
        "delete from names where device_id = $1 and (kind, number) not in (select n.kind, n.number from names n \
         where n.device_id = $1 order by n.told_at desc, n.kind desc, n.number limit $2)",
    )
    .bind(device)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .run()
    .await?;
    Ok(())
}

pub(super) async fn counts(tx: &mut Tx, device: DeviceId) -> Result<Vec<(i64, i64)>, DbError> {
    tx.query("select kind, count(*) from names where device_id = $1 group by kind").bind(device).all().await
}

pub(super) async fn forget(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    tx.query("delete from names where device_id = $1").bind(device).run().await?;
    Ok(())
}

/// Where both have a name, the later one counts. What `to` has is looked up from then on.
pub(super) async fn copy(tx: &mut Tx, from: DeviceId, to: DeviceId) -> Result<(), DbError> {
    tx.query(
        "insert into names (device_id, kind, number, name, told_at) \
         select $2, kind, number, name, told_at from names where device_id = $1 \
         on conflict (device_id, kind, number) do update set name = excluded.name, told_at = excluded.told_at \
         where names.told_at <= excluded.told_at",
    )
    .bind(from)
    .bind(to)
    .run()
    .await?;
    tx.query(
        "update device_states set has_names = true where device_id = $1 \
         and exists (select 1 from names where device_id = $1)",
    )
    .bind(to)
    .run()
    .await?;
    Ok(())
}
