//! One query, whichever database runs it.

use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Decode, Encode, FromRow, Type};

use super::{DbError, Tx};
use crate::db::tx::Inner;

/// What can be bound to a placeholder.
pub trait Value:
    for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres> + Send + 'static
{
}
impl<T> Value for T where
    T: for<'q> Encode<'q, Sqlite>
        + Type<Sqlite>
        + for<'q> Encode<'q, Postgres>
        + Type<Postgres>
        + Send
        + 'static
{
}

/// What a row can become: a struct with `#[derive(sqlx::FromRow)]`, or a tuple.
pub trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A single column that a row can become.
pub trait Scalar:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin
{
}
impl<T> Scalar for T where
    T: for<'r> Decode<'r, Sqlite>
        + Type<Sqlite>
        + for<'r> Decode<'r, Postgres>
        + Type<Postgres>
        + Send
        + Unpin
{
}

enum Args {
    Sqlite(SqliteArguments),
    Pg(PgArguments),
}

pub struct Query<'t> {
    tx: &'t mut Tx,
    sql: &'static str,
    args: Args,
    broken: Option<DbError>,
}

impl<'t> Query<'t> {
    pub(super) fn new(tx: &'t mut Tx, sql: &'static str) -> Self {
        let args = match tx.inner {
            Inner::SqliteRead(_) | Inner::SqliteWrite(_) => Args::Sqlite(SqliteArguments::default()),
            Inner::PgRead(_) | Inner::PgWrite(_) => Args::Pg(PgArguments::default()),
        };
        Self { tx, sql, args, broken: None }
    }

    #[must_use]
    pub fn bind<V: Value>(mut self, value: V) -> Self {
        let bound = match &mut self.args {
            Args::Sqlite(args) => args.add(value),
            Args::Pg(args) => args.add(value),
        };
        if let Err(error) = bound {
            self.broken = Some(DbError::Sql(sqlx::Error::Encode(error)));
        }
        self
    }

    /// Runs it; the number of rows it touched.
    pub async fn run(self) -> Result<u64, DbError> {
        let Query { tx, sql, args, broken } = self;
        if let Some(error) = broken {
            return Err(error);
        }
        Ok(match (&mut tx.inner, args) {
            (Inner::SqliteRead(c), Args::Sqlite(a)) => {
                sqlx::query_with(sql, a).execute(&mut **c.connection()?).await?.rows_affected()
            }
            (Inner::SqliteWrite(c), Args::Sqlite(a)) => {
                sqlx::query_with(sql, a).execute(&mut **c).await?.rows_affected()
            }
            (Inner::PgRead(c), Args::Pg(a)) => {
                sqlx::query_with(sql, a).execute(&mut **c).await?.rows_affected()
            }
            (Inner::PgWrite(c), Args::Pg(a)) => {
                sqlx::query_with(sql, a).execute(&mut **c).await?.rows_affected()
            }
            _ => return Err(mixed()),
        })
    }

    pub async fn all<R: Record>(self) -> Result<Vec<R>, DbError> {
        let Query { tx, sql, args, broken } = self;
        if let Some(error) = broken {
            return Err(error);
        }
        Ok(match (&mut tx.inner, args) {
            (Inner::SqliteRead(c), Args::Sqlite(a)) => {
                sqlx::query_as_with(sql, a).fetch_all(&mut **c.connection()?).await?
            }
            (Inner::SqliteWrite(c), Args::Sqlite(a)) => {
                sqlx::query_as_with(sql, a).fetch_all(&mut **c).await?
            }
            (Inner::PgRead(c), Args::Pg(a)) => sqlx::query_as_with(sql, a).fetch_all(&mut **c).await?,
            (Inner::PgWrite(c), Args::Pg(a)) => sqlx::query_as_with(sql, a).fetch_all(&mut **c).await?,
            _ => return Err(mixed()),
        })
    }

    /// The first row, if there is one. Queries that want one row say `limit 1` or ask by key.
    pub async fn find<R: Record>(self) -> Result<Option<R>, DbError> {
        Ok(self.all::<R>().await?.into_iter().next())
    }

    pub async fn one<R: Record>(self) -> Result<R, DbError> {
        self.find::<R>().await?.ok_or(DbError::Sql(sqlx::Error::RowNotFound))
    }

    /// The first column of the first row, if there is one.
    pub async fn find_value<S: Scalar>(self) -> Result<Option<S>, DbError>
    where
        (S,): Record,
    {
        Ok(self.find::<(S,)>().await?.map(|row| row.0))
    }

    /// The first column of the first row.
    pub async fn value<S: Scalar>(self) -> Result<S, DbError>
    where
        (S,): Record,
    {
        Ok(self.one::<(S,)>().await?.0)
    }
}

fn mixed() -> DbError {
    DbError::Open("arguments of one database met a connection of the other".to_owned())
}

/// `head values (…),(…)… tail`: the one statement whose text depends on a number, the number of rows. The texts are
/// made once per shape and number, so that both databases can keep them prepared. SQLite gets `?` here, because sqlx
/// looks every numbered placeholder up by a walk through all of them, which is quadratic in rows.
pub(super) fn rows(
    numbered: bool,
    head: &'static str,
    columns: usize,
    rows: usize,
    tail: &'static str,
) -> &'static str {
    use std::collections::HashMap;
    use std::fmt::Write as _;
    use std::sync::{LazyLock, Mutex, PoisonError};

    type Shapes = Mutex<HashMap<(bool, &'static str, &'static str, usize), &'static str>>;
    static MADE: LazyLock<Shapes> = LazyLock::new(Shapes::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry((numbered, head, tail, rows)).or_insert_with(|| {
        let mut sql = String::with_capacity(head.len() + tail.len() + rows * columns * 7);
        sql.push_str(head);
        for row in 0..rows {
            sql.push_str(if row == 0 { " values (" } else { ",(" });
            for column in 1..=columns {
                let comma = if column == 1 { "" } else { "," };
                let _ = if numbered {
                    write!(sql, "{comma}${}", row * columns + column)
                } else {
                    write!(sql, "{comma}?")
                };
            }
            sql.push(')');
        }
        sql.push_str(tail);
        Box::leak(sql.into_boxed_str())
    })
}

/// The items, and the last one again up to a power of two: few shapes of statement for one that takes them all. Nothing of
/// nothing.
pub fn filled<T: Copy>(items: &[T]) -> Vec<T> {
    let Some(last) = items.last() else {
        return Vec::new();
    };
    let mut filled = items.to_vec();
    filled.resize(items.len().next_power_of_two(), *last);
    filled
}

/// Slices of 64, 32, … 1 items: few shapes of statement, and none with more variables than SQLite takes.
pub fn chunks<T>(mut items: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1 << items.len().checked_ilog2()?.min(6);
        let (chunk, rest) = items.split_at(size);
        items = rest;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::{chunks, rows};

    #[test]
    fn chunks_leave_nothing_out() {
        let items: Vec<u32> = (0..203).collect();
        let sizes: Vec<usize> = chunks(&items).map(<[u32]>::len).collect();
        assert_eq!(sizes, [64, 64, 64, 8, 2, 1]);
        assert_eq!(chunks(&items).flatten().copied().collect::<Vec<_>>(), items);
    }

    #[test]
    fn a_row_shape_has_a_placeholder_for_every_value() {
        let tail = " on conflict do nothing";
        let numbered = rows(true, "insert into t (a,b)", 2, 2, tail);
        assert_eq!(numbered, "insert into t (a,b) values ($1,$2),($3,$4) on conflict do nothing");
        let plain = rows(false, "insert into t (a,b)", 2, 2, tail);
        assert_eq!(plain, "insert into t (a,b) values (?,?),(?,?) on conflict do nothing");
        let without = rows(false, "insert into t (a,b)", 2, 2, "");
        assert_eq!(without, "insert into t (a,b) values (?,?),(?,?)");
    }
}
