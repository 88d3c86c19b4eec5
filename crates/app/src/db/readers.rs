//! Reading connections of SQLite, kept out of their pool. The pool asks a connection whether it lives before and after each
//! use, each a hop to the connection's thread and back; a file needs no asking, and those hops cost more than most reads.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqlitePool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::DbError;

/// Reads at the same time; more of them wait, first come first served.
pub(super) const READERS: u32 = 4;

#[derive(Clone)]
pub(super) struct Readers {
    pub(super) pool: SqlitePool,
    idle: Arc<Mutex<Vec<PoolConnection<Sqlite>>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self { pool, idle: Arc::default(), turns: Arc::new(Semaphore::new(READERS as usize)) }
    }

    pub(super) async fn take(&self) -> Result<Reader, DbError> {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| DbError::Sql(sqlx::Error::PoolClosed))?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        Ok(Reader { connection: Some(connection), idle: Arc::clone(&self.idle), _turn: turn })
    }

    /// Waits for the reads under way, then closes every connection.
    pub(super) async fn close(&self) {
        let turns = self.turns.acquire_many(READERS).await;
        self.turns.close();
        drop(turns);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.pool.close().await;
    }
}

/// A connection for as long as somebody reads. It goes back before its turn does.
pub(super) struct Reader {
    connection: Option<PoolConnection<Sqlite>>,
    idle: Arc<Mutex<Vec<PoolConnection<Sqlite>>>>,
    _turn: OwnedSemaphorePermit,
}

impl Reader {
    pub(super) fn connection(&mut self) -> Result<&mut PoolConnection<Sqlite>, DbError> {
        self.connection.as_mut().ok_or(DbError::Sql(sqlx::Error::PoolClosed))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
