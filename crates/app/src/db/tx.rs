//! A transaction that collects events and lets them out only by its commit.

use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite, Transaction};

use super::{DbError, Query};
use crate::bus::{Bus, Event};

pub(super) enum Inner {
    SqliteRead(PoolConnection<Sqlite>),
    SqliteWrite(Transaction<'static, Sqlite>),
    PgRead(PoolConnection<Postgres>),
    PgWrite(Transaction<'static, Postgres>),
}

pub struct Tx {
    pub(super) inner: Inner,
    events: Vec<Event>,
    bus: Option<Bus>,
}

impl Tx {
    pub(super) fn sqlite_read(connection: PoolConnection<Sqlite>) -> Self {
        Self::new(Inner::SqliteRead(connection))
    }

    pub(super) fn sqlite_write(transaction: Transaction<'static, Sqlite>) -> Self {
        Self::new(Inner::SqliteWrite(transaction))
    }

    pub(super) fn pg_read(connection: PoolConnection<Postgres>) -> Self {
        Self::new(Inner::PgRead(connection))
    }

    pub(super) fn pg_write(transaction: Transaction<'static, Postgres>) -> Self {
        Self::new(Inner::PgWrite(transaction))
    }

    fn new(inner: Inner) -> Self {
        Self { inner, events: Vec::new(), bus: None }
    }

    /// Where the commit publishes to.
    #[must_use]
    pub(crate) fn publishing_to(mut self, bus: Bus) -> Self {
        self.bus = Some(bus);
        self
    }

    /// SQL is a literal: nothing that came from outside can be part of it.
    pub fn query(&mut self, sql: &'static str) -> Query<'_> {
        Query::new(self, sql)
    }

    /// Tells the open pages what changed, if and when this transaction commits.
    pub fn emit(&mut self, event: Event) {
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    /// Makes it last (on the disk, not only in memory), then publishes what was emitted.
    pub async fn commit(self) -> Result<(), DbError> {
        let Tx { inner, events, bus } = self;
        match inner {
            Inner::SqliteWrite(transaction) => transaction.commit().await?,
            Inner::PgWrite(transaction) => transaction.commit().await?,
            Inner::SqliteRead(_) | Inner::PgRead(_) => {
                return Err(DbError::Open("a reading connection has nothing to commit".to_owned()));
            }
        }
        if let Some(bus) = bus {
            for event in events {
                bus.publish(event);
            }
        }
        Ok(())
    }
}
