//! Copies all data between two databases of the same schema, whichever kinds they are. Names of tables and columns come
//! from our own migrations, never from the file that is read.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, Row as _, SqliteConnection, SqlitePool};

use super::connect::{Kind, MIGRATIONS};
use super::tx::Inner;
use super::{Db, DbError, Query, Tx, chunks};

/// Parents before children. What passes by itself is left out: sessions, links, open deliveries, events, bulks.
const TABLES: &[(&str, Paging)] = &[
    ("accounts", Paging::Offset("case when master_id is null then 0 else 1 end, id")),
    ("known_browsers", Paging::Offset("token_hash")),
    ("sign_in_failures", Paging::Offset("key")),
    ("tokens", Paging::FirstColumn("id")),
    ("preferences", Paging::Offset("person_id, name")),
    ("device_groups", Paging::FirstColumn("id")),
    ("devices", Paging::FirstColumn("id")),
    ("device_states", Paging::FirstColumn("device_id")),
    ("logins", Paging::FirstColumn("id")),
    ("bridges", Paging::FirstColumn("id")),
    ("bridge_left_out", Paging::Offset("bridge_id, nuki_id, is_opener")),
    ("ways", Paging::FirstColumn("id")),
    ("facts", Paging::Offset("device_id, fact")),
    ("names", Paging::FirstThree("device_id, kind, number")),
    ("settings", Paging::Offset("device_id, setting")),
    ("web_configs", Paging::FirstColumn("device_id")),
    ("troubles", Paging::Offset("device_id, connector, trouble")),
    ("login_refusals", Paging::Offset("login_id, reason")),
    ("commands", Paging::FirstColumn("id")),
    ("activity", Paging::FirstColumn("id")),
    ("history", Paging::FirstThree("device_id, kind, at")),
    ("forecasts", Paging::FirstColumn("device_id")),
];

/// How a table is read page by page: small ones by offset, large ones from the index of their key.
#[derive(Clone, Copy)]
enum Paging {
    FirstColumn(&'static str),
    FirstThree(&'static str),
    Offset(&'static str),
}

/// Also emptied before a restore: what belongs to what is being replaced.
const PASSING: &[&str] = &[
    "sessions",
    "set_up_links",
    "open_deliveries",
    "broker_sessions",
    "strangers",
    "foreign_events",
    "bulk_items",
    "bulks",
];
const PAGE: i64 = 2_048;

impl Db {
    /// Writes everything into a new SQLite file. Others go on working; what they commit meanwhile is not in it.
    pub async fn back_up(&self, file: &Path) -> Result<u64, DbError> {
        let mut from = match &self.0 {
            Kind::Sqlite { read, .. } => {
                let mut reader = read.take().await?;
                sqlx::query("vacuum into $1")
                    .bind(file.to_string_lossy().into_owned())
                    .execute(&mut **reader.connection()?)
                    .await?;
                return count(file).await;
            }
            Kind::Pg { pool, .. } => {
                Tx::pg_write(pool.begin_with("begin isolation level repeatable read").await?)
            }
        };
        let copy = Self::open(&format!("sqlite:{}", file.display())).await?;
        let mut to = copy.write().await?;
        let copied = copy_all(&mut from, &mut to).await?;
        to.commit().await?;
        copy.close().await;
        Ok(copied)
    }

    /// Replaces everything by what a backup holds, inside `tx`. The file itself is not touched: an older schema is
    /// brought up to date in a copy beside it. A file that is no complete backup is refused before anything is deleted.
    pub async fn restore_into(tx: &mut Tx, file: &Path, scratch: &Path) -> Result<u64, DbError> {
        std::fs::copy(file, scratch)
            .map_err(|error| DbError::Open(format!("cannot copy the backup: {error}")))?;
        check(scratch).await?;
        let backup = Self::open(&format!("sqlite:{}", scratch.display())).await?;
        for table in TABLES.iter().rev().map(|(table, _)| table).chain(PASSING) {
            tx.query(leak(format!("delete from {table}"))).run().await?;
        }
        let mut from = backup.read().await?;
        let copied = copy_all(&mut from, tx).await?;
        drop(from);
        backup.close().await;
        Ok(copied)
    }
}

/// Whether a file is a whole database of ours with somebody who can sign in.
async fn check(file: &Path) -> Result<(), DbError> {
    let no_backup = |why: &str| DbError::NotABackup(why.to_owned());
    let mut head = [0; 16];
    let read = std::fs::File::open(file).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    if read.is_err() || head != *b"SQLite format 3\0" {
        return Err(no_backup("is not a backup"));
    }
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let checked = async {
        let sound: String = sqlx::query_scalar("pragma quick_check(1)").fetch_one(&mut connection).await?;
        if sound != "ok" {
            return Err(no_backup("is damaged"));
        }
        let ours: i64 = sqlx::query_scalar(
            "select count(*) from sqlite_schema where name in ('_sqlx_migrations', 'accounts', 'activity')",
        )
        .fetch_one(&mut connection)
        .await?;
        if ours < 3 {
            return Err(no_backup("is a database, but not a backup of Lockwarden"));
        }
        let accounts: i64 =
            sqlx::query_scalar("select count(*) from accounts").fetch_one(&mut connection).await?;
        if accounts == 0 {
            return Err(no_backup("holds no account: it is empty, or was never finished"));
        }
        Ok(())
    };
    let checked = checked.await;
    connection.close().await?;
    match checked {
        Err(DbError::Sql(_)) => Err(no_backup("is damaged")),
        other => other,
    }
}

/// After a file-level copy: drops what passes by itself, and counts the rest.
async fn count(file: &Path) -> Result<u64, DbError> {
    let copy = Db::open(&format!("sqlite:{}", file.display())).await?;
    let mut tx = copy.write().await?;
    let mut total = 0_i64;
    for table in PASSING {
        tx.query(leak(format!("delete from {table}"))).run().await?;
    }
    for (table, _) in TABLES {
        total += tx.query(leak(format!("select count(*) from {table}"))).value::<i64>().await?;
    }
    tx.commit().await?;
    copy.close().await;
    Ok(u64::try_from(total).unwrap_or(0))
}

async fn copy_all(from: &mut Tx, to: &mut Tx) -> Result<u64, DbError> {
    let schema = SqlitePool::connect("sqlite::memory:").await?;
    MIGRATIONS.run(&schema).await?;
    let mut copied = 0;
    for (table, paging) in TABLES {
        let columns: Vec<(String, String)> =
            sqlx::query_as("select name, type from pragma_table_info($1) order by cid")
                .bind(*table)
                .fetch_all(&schema)
                .await?;
        copied += copy_table(from, to, (table, *paging), &columns).await?;
    }
    Ok(copied)
}

async fn copy_table(
    from: &mut Tx,
    to: &mut Tx,
    (table, paging): (&str, Paging),
    columns: &[(String, String)],
) -> Result<u64, DbError> {
    let kinds: Vec<CellKind> = columns.iter().map(|(_, kind)| CellKind::of(kind)).collect();
    let names = columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let select = leak(match paging {
        Paging::FirstColumn(key) => {
            format!("select {names} from {table} where {key} > $1 order by {key} limit {PAGE}")
        }
        Paging::FirstThree(key) => {
            format!("select {names} from {table} where ({key}) > ($1, $2, $3) order by {key} limit {PAGE}")
        }
        Paging::Offset(order) => {
            format!("select {names} from {table} order by {order} limit {PAGE} offset $1")
        }
    });
    let insert = leak(format!("insert into {table} ({names})"));
    let mut copied = 0;
    let mut place = vec![0_i64; if matches!(paging, Paging::FirstThree(_)) { 3 } else { 1 }];
    loop {
        let page = page(from, select, &place, &kinds).await?;
        write(to, insert, &page).await?;
        copied += page.len() as u64;
        let Some(last) = page.last() else { return Ok(copied) };
        match paging {
            Paging::Offset(_) => place.iter_mut().for_each(|offset| *offset += PAGE),
            Paging::FirstColumn(_) | Paging::FirstThree(_) => {
                for (part, cell) in place.iter_mut().zip(last) {
                    if let Cell::Number(Some(key)) = cell {
                        *part = *key;
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum CellKind {
    Number,
    Text,
    Truth,
    Bytes,
}

impl CellKind {
    fn of(declared: &str) -> Self {
        match declared.to_ascii_lowercase().as_str() {
            "bigint" => Self::Number,
            "boolean" => Self::Truth,
            "bytea" => Self::Bytes,
            _ => Self::Text,
        }
    }
}

enum Cell {
    Number(Option<i64>),
    Text(Option<String>),
    Truth(Option<bool>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! cells {
    ($row:expr, $kinds:expr) => {
        $kinds
            .iter()
            .enumerate()
            .map(|(index, kind)| {
                Ok(match kind {
                    CellKind::Number => Cell::Number($row.try_get(index)?),
                    CellKind::Text => Cell::Text($row.try_get(index)?),
                    CellKind::Truth => Cell::Truth($row.try_get(index)?),
                    CellKind::Bytes => Cell::Bytes($row.try_get(index)?),
                })
            })
            .collect::<Result<Vec<Cell>, sqlx::Error>>()?
    };
}

async fn page(
    from: &mut Tx,
    select: &'static str,
    place: &[i64],
    kinds: &[CellKind],
) -> Result<Vec<Vec<Cell>>, DbError> {
    macro_rules! asked {
        () => {
            place.iter().fold(sqlx::query(select), |query, part| query.bind(*part))
        };
    }
    let mut page = Vec::new();
    match &mut from.inner {
        Inner::SqliteRead(c) => {
            for row in asked!().fetch_all(&mut **c.connection()?).await? {
                page.push(cells!(row, kinds));
            }
        }
        Inner::SqliteWrite(c) => {
            for row in asked!().fetch_all(&mut **c).await? {
                page.push(cells!(row, kinds));
            }
        }
        Inner::PgRead(c) => {
            for row in asked!().fetch_all(&mut **c).await? {
                page.push(cells!(row, kinds));
            }
        }
        Inner::PgWrite(c) => {
            for row in asked!().fetch_all(&mut **c).await? {
                page.push(cells!(row, kinds));
            }
        }
    }
    Ok(page)
}

async fn write(to: &mut Tx, insert: &'static str, page: &[Vec<Cell>]) -> Result<(), DbError> {
    for chunk in chunks(page) {
        let columns = chunk.first().map_or(0, Vec::len);
        let query = to.rows(insert, columns, chunk.len(), "");
        chunk.iter().flatten().fold(query, bind).run().await?;
    }
    Ok(())
}

fn bind<'t>(query: Query<'t>, cell: &Cell) -> Query<'t> {
    match cell {
        Cell::Number(value) => query.bind(*value),
        Cell::Text(value) => query.bind(value.clone()),
        Cell::Truth(value) => query.bind(*value),
        Cell::Bytes(value) => query.bind(value.clone()),
    }
}

/// Texts of statements live as long as the process that makes a backup, which is as long as the backup takes.
fn leak(sql: String) -> &'static str {
    Box::leak(sql.into_boxed_str())
}
