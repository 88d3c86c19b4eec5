//! A transaction that collects events and lets them out only by its commit.

use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite, Transaction};
use tokio::sync::OwnedSemaphorePermit;

use super::query::{Value, rows};
use super::readers::Reader;
use super::{DbError, Query};
use crate::bus::{Bus, Event};
use crate::ids::{AccountId, DeviceId};

pub(super) enum Inner {
    SqliteRead(Reader),
    SqliteWrite(Transaction<'static, Sqlite>),
    PgRead(PoolConnection<Postgres>),
    PgWrite(Transaction<'static, Postgres>),
}

pub struct Tx {
    pub(super) inner: Inner,
    events: Vec<Event>,
    bus: Option<Bus>,
    /// The turn to write, given on when this is over.
    turn: Option<OwnedSemaphorePermit>,
}

/// A commit that has begun is finished and told of, also if whoever asked for it has gone (a browser that closed).
#[expect(clippy::disallowed_methods, reason = "closing the database waits for the connection that it holds")]
async fn finish(commit: impl Future<Output = Result<(), DbError>> + Send + 'static) -> Result<(), DbError> {
    tokio::spawn(commit)
        .await
        .unwrap_or_else(|broken| Err(DbError::Open(format!("a commit broke off: {broken}"))))
}

impl Tx {
    pub(super) fn sqlite_read(reader: Reader) -> Self {
        Self::new(Inner::SqliteRead(reader))
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
        Self { inner, events: Vec::new(), bus: None, turn: None }
    }

    #[must_use]
    pub(super) fn holding(mut self, turn: OwnedSemaphorePermit) -> Self {
        self.turn = Some(turn);
        self
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

    /// `head values (…),(…)… tail` for `count` rows of `columns` values, to be bound row by row.
    pub fn rows(
        &mut self,
        head: &'static str,
        columns: usize,
        count: usize,
        tail: &'static str,
    ) -> Query<'_> {
        let numbered = matches!(self.inner, Inner::PgRead(_) | Inner::PgWrite(_));
        let sql = rows(numbered, head, columns, count, tail);
        Query::new(self, sql)
    }

    /// `head values (…),(…)… tail`, bound to these values: for `… in (`.
    pub fn among<V: Value + Copy>(
        &mut self,
        head: &'static str,
        values: &[V],
        tail: &'static str,
    ) -> Query<'_> {
        values.iter().fold(self.rows(head, 1, values.len(), tail), |query, value| query.bind(*value))
    }

    /// Tells the open pages what changed, if and when this transaction commits.
    pub fn emit(&mut self, event: Event) {
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    /// Makes it last (on the disk, not only in memory), then publishes what was emitted.
    pub async fn commit(mut self) -> Result<(), DbError> {
        if self.bus.as_ref().is_some_and(Bus::is_elsewhere) {
            self.leave_events().await?;
        }
        let Tx { inner, events, bus, turn } = self;
        let finishing = async move {
            match inner {
                Inner::SqliteWrite(transaction) => transaction.commit().await?,
                Inner::PgWrite(transaction) => transaction.commit().await?,
                Inner::SqliteRead(_) | Inner::PgRead(_) => {
                    return Err(DbError::Open("a reading connection has nothing to commit".to_owned()));
                }
            }
            drop(turn);
            if let Some(bus) = bus {
                for event in events {
                    bus.publish(event);
                }
            }
            Ok(())
        };
        finish(finishing).await
    }

    /// Leaves the events in their table, inside the transaction, for the process that people look at.
    async fn leave_events(&mut self) -> Result<(), DbError> {
        for event in std::mem::take(&mut self.events) {
            let (kind, account, device) = event.stored();
            self.query("insert into foreign_events (kind, account_id, device_id) values ($1, $2, $3)")
                .bind(kind)
                .bind(account)
                .bind(device)
                .run()
                .await?;
        }
        Ok(())
    }

    /// Takes what other processes left, and emits it here.
    pub(crate) async fn take_foreign_events(&mut self) -> Result<(), DbError> {
        let left = self
            .query("delete from foreign_events returning kind, account_id, device_id")
            .all::<(String, AccountId, DeviceId)>()
            .await?;
        for (kind, account, device) in left {
            if let Some(event) = Event::from_stored(&kind, account, device) {
                self.emit(event);
            }
        }
        Ok(())
    }
}
