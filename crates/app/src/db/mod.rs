//! The only module that names SQLite or PostgreSQL. Everything else writes one SQL text that both understand.
//!
//! The dialect, which the tests hold on both databases:
//! - placeholders `$1…$n`; column lists written out; `returning`, `on conflict`, row values, `exists`, CTEs
//! - types: `text`, `bigint` (also every time, in UTC milliseconds), `boolean`, `bytea`
//! - never: `now()`, `serial`, arrays, `ilike`, date functions, `alter column type`
//! - SQL is `&'static str`; the one place that builds text is [`Tx::rows`], over a fixed shape of row
//!
//! Reads run on a pool, writes one after another: on SQLite a single writer connection (`BEGIN IMMEDIATE`, WAL,
//! `synchronous=FULL`), on PostgreSQL by an advisory lock, so that both give the same guarantees.

mod checkpoint;
mod connect;
#[cfg(test)]
pub(crate) mod plans;
mod query;
mod readers;
mod transfer;
mod tx;

pub use connect::{Claim, Db};
pub use query::{Query, Record, Value, chunks, filled};
pub use tx::Tx;

/// What can go wrong between the product and its database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("{0}")]
    Open(String),
    #[error("{0}")]
    NotABackup(String),
    #[error("a row with the same {0} exists")]
    Unique(String),
    #[error(transparent)]
    Sql(sqlx::Error),
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(inner) if inner.is_unique_violation() => {
                let named = inner.constraint().map_or_else(|| inner.message().to_owned(), ToOwned::to_owned);
                DbError::Unique(named)
            }
            _ => DbError::Sql(error),
        }
    }
}
