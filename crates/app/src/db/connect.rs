//! Opening: pragmas and pools, migrations, and the lock that keeps one `serve` per data directory.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, PgConnection, PgPool, SqlitePool};

use tokio::sync::Semaphore;

use super::readers::{READERS, Readers};
use super::{DbError, Tx, checkpoint};
use crate::clock::Clock;

pub(super) static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Tells SQLite's planner how the log and the commands will look once they have grown: rows, then rows per value of the
/// first column, of the first two, and so on. Without it, and for any table it has not analysed, it takes the narrowest
/// index and reads past everybody else's entries. Analysing a table of a dozen rows makes the place for it; the log itself
/// is never scanned.
const PLANS: &str = "analyze foreign_events; \
    delete from sqlite_stat1 where tbl in ('activity', 'commands'); \
    insert into sqlite_stat1 (tbl, idx, stat) values \
    ('commands', 'commands_of_device', '1000000 1000 1'), \
    ('commands', 'commands_open', '10 5 2 1'), \
    ('commands', 'commands_once', '1000000 100000 1'), \
    ('commands', 'sqlite_autoindex_commands_1', '1000000 1'), \
    ('activity', 'activity_newest', '10000000 1000000 2 1'), \
    ('activity', 'activity_of_device', '10000000 1000000 2000 2 1'), \
    ('activity', 'activity_of_action', '10000000 1000000 100000 2 1'), \
    ('activity', 'activity_of_auth', '10000000 1000000 10000 2 1'), \
    ('activity', 'activity_of_code', '5000000 1000000 10000 2 1'), \
    ('activity', 'sqlite_autoindex_activity_1', '10000000 1'); \
    analyze sqlite_schema";

/// How long a writer waits for another process (a command line beside the server) before it gives up.
const BUSY: Duration = Duration::from_secs(10);
/// A PostgreSQL server that does not answer at the start within this is not there.
const REACHED: Duration = Duration::from_secs(10);
const PG_CONNECTIONS: u32 = 12;
/// How soon a server notices that it may not be the only one any more.
const LOOK_AT_CLAIM: Duration = Duration::from_secs(1);

/// Bytes of write-ahead log that a start folds into the database before it serves: well under a second's work.
const LONG_LOG: u64 = 64 << 20;

/// Writers take turns on PostgreSQL too, as they do on SQLite: what a transaction has read stays true until it commits,
/// so "look, then write" is right on both. The number is only a name.
const ONE_WRITER: &str = "select pg_advisory_xact_lock(4707)";

/// A server that died without a word must not keep the next one out.
const NOTICE_THE_DEAD: &str =
    "set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3";
const ONE_SERVER: &str = "select pg_try_advisory_lock(4708)";

/// Whether the writer can begin anew. After a commit that the disk did not take, SQLite has rolled back by itself and the
/// driver still counts a transaction, for ever: such a connection is closed, and the next one is as good as new.
async fn is_out_of_its_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // What rolls back an abandoned transaction may still be on its way to SQLite's thread.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// See [`Db::claim`].
pub struct Claim {
    connection: Option<PgConnection>,
}

impl Claim {
    /// Returns once the claim may be somebody else's: PostgreSQL restarted, or cut the connection that holds it.
    pub async fn lost(&mut self, clock: &Clock) {
        let Some(connection) = &mut self.connection else {
            return std::future::pending().await;
        };
        loop {
            clock.wait(LOOK_AT_CLAIM).await;
            if !matches!(tokio::time::timeout(REACHED, connection.ping()).await, Ok(Ok(()))) {
                return;
            }
        }
    }
}

#[derive(Clone)]
pub struct Db(pub(super) Kind);

#[derive(Clone)]
pub(super) enum Kind {
    Sqlite {
        read: Readers,
        write: SqlitePool,
    },
    /// Whose turn it is to write is settled here first: whoever waits for it takes no connection from those who read.
    Pg {
        pool: PgPool,
        turn: Arc<Semaphore>,
    },
}

impl Db {
    /// Opens `sqlite:PATH` or `postgres:…` and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        let db = if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Self::open_pg(url).await?
        } else if let Some(path) = url.strip_prefix("sqlite:") {
            Self::open_sqlite(Path::new(path)).await?
        } else {
            return Err(DbError::Open("the database URL must start with sqlite: or postgres:".to_owned()));
        };
        match &db.0 {
            Kind::Sqlite { write, .. } => {
                MIGRATIONS.run(write).await?;
                sqlx::raw_sql(PLANS).execute(write).await?;
            }
            Kind::Pg { pool, .. } => MIGRATIONS.run(pool).await?,
        }
        Ok(db)
    }

    async fn open_sqlite(path: &Path) -> Result<Self, DbError> {
        let log = std::path::PathBuf::from(format!("{}-wal", path.display()));
        let left = std::fs::metadata(log).map_or(0, |file| file.len());
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("wal_autocheckpoint", "0")
            .pragma("temp_store", "memory")
            .statement_cache_capacity(256);
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|connection, _| Box::pin(is_out_of_its_transaction(connection)))
            .connect_with(options.clone())
            .await?;
        if left > LONG_LOG {
            // A process that is killed again and again never gets round to it, and each start reads all of the log.
            checkpoint::last(&write).await;
        }
        let read = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options.read_only(true));
        Ok(Self(Kind::Sqlite { read: Readers::new(read), write }))
    }

    async fn open_pg(url: &str) -> Result<Self, DbError> {
        // A server may be set to acknowledge commits early. What we acknowledge is on the disk.
        let options = PgConnectOptions::from_str(url)?
            .statement_cache_capacity(256)
            .options([("synchronous_commit", "on")]);
        // A pool would go on trying for half a minute, and then not say why.
        let first = tokio::time::timeout(REACHED, PgConnection::connect_with(&options)).await;
        first
            .map_err(|_| {
                DbError::Open(format!("PostgreSQL does not answer within {} s", REACHED.as_secs()))
            })??
            .close()
            .await?;
        let pool = PgPoolOptions::new().max_connections(PG_CONNECTIONS).connect_with(options).await?;
        Ok(Self(Kind::Pg { pool, turn: Arc::new(Semaphore::new(1)) }))
    }

    /// Claims the database for one server, as long as the claim is held; none if another server holds it. (A file has its
    /// directory's lock.) The claim of a server whose machine died is gone after half a minute.
    pub async fn claim(&self) -> Result<Option<Claim>, DbError> {
        let Kind::Pg { pool, .. } = &self.0 else {
            return Ok(Some(Claim { connection: None }));
        };
        let mut connection = pool.acquire().await?.detach();
        sqlx::raw_sql(NOTICE_THE_DEAD).execute(&mut connection).await?;
        let held: bool = sqlx::query_scalar(ONE_SERVER).fetch_one(&mut connection).await?;
        Ok(held.then_some(Claim { connection: Some(connection) }))
    }

    /// A connection for reading. What it reads may move between two queries; nothing it does can be committed.
    pub async fn read(&self) -> Result<Tx, DbError> {
        Ok(match &self.0 {
            Kind::Sqlite { read, .. } => Tx::sqlite_read(read.take().await?),
            Kind::Pg { pool, .. } => Tx::pg_read(pool.acquire().await?),
        })
    }

    /// A transaction. Dropped without [`Tx::commit`], it leaves nothing behind.
    pub async fn write(&self) -> Result<Tx, DbError> {
        Ok(match &self.0 {
            Kind::Sqlite { write, .. } => Tx::sqlite_write(write.begin_with("begin immediate").await?),
            Kind::Pg { pool, turn } => {
                let turn = Arc::clone(turn).acquire_owned().await;
                let turn = turn.map_err(|_| DbError::Open("the database was closed".to_owned()))?;
                let mut transaction = pool.begin().await?;
                sqlx::query(ONE_WRITER).execute(&mut *transaction).await?;
                Tx::pg_write(transaction).holding(turn)
            }
        })
    }

    /// Keeps SQLite's write-ahead log short, beside the writer instead of inside its commits. PostgreSQL does so itself.
    pub async fn keep_checkpointed(&self) {
        match &self.0 {
            Kind::Sqlite { write, .. } => checkpoint::run(write).await,
            Kind::Pg { .. } => std::future::pending().await,
        }
    }

    /// Closes every connection; for SQLite the log is folded into the database first.
    pub async fn close(&self) {
        match &self.0 {
            Kind::Sqlite { read, write } => {
                read.close().await;
                checkpoint::last(write).await;
                write.close().await;
            }
            Kind::Pg { pool, .. } => pool.close().await,
        }
    }
}
