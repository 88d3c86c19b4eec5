//! What Lockwarden does: its types, rules, actions and SQL. It knows no HTTP and no MQTT; every door holds an [`App`]
//! and calls its actions with an [`actor::Actor`] first. Permission becomes a value, events leave by commit, tables are
//! the queue.

pub mod accounts;
pub mod activity;
pub mod actor;
pub mod address;
pub mod backup;
pub mod bridges;
pub mod bulks;
pub mod bus;
pub mod clock;
mod codes;
pub mod commands;
pub mod db;
pub mod devices;
pub mod error;
pub mod foreign;
pub mod groups;
pub mod health;
pub mod history;
pub mod ids;
pub mod logins;
pub mod profiles;
pub mod rng;
mod secrets;
pub mod settings;
pub mod ways;

use std::sync::Arc;
use std::time::Duration;

use actor::Actor;
use bus::Bus;
use clock::{Clock, Time};
use db::{Db, DbError, Tx};
pub use error::{Error, Refusal, Result};
use rng::Chance;

/// How often at most somebody who asks whether we are ready makes the database work.
const TRIED_EVERY: Duration = Duration::from_secs(1);
/// How soon a command beside the server is noticed.
const FOREIGN_EVENTS: Duration = Duration::from_millis(200);

/// The one handle every door holds.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    chance: Chance,
    bus: Bus,
    /// Argon2 takes 19 MiB and a core for each check: guesses wait for each other, not everybody for them.
    hashing: tokio::sync::Semaphore,
    ends: commands::Ends,
    known_tokens: accounts::KnownTokens,
    rosters: devices::list::Rosters,
    works: bulks::Works,
    ailments: health::Known,
    /// When the database was last tried, and whether it was fine.
    tried: tokio::sync::Mutex<Option<(clock::Steady, bool)>>,
}

impl App {
    pub fn new(db: Db, clock: Clock, chance: Chance, bus: Bus) -> Self {
        let hashing = tokio::sync::Semaphore::new(2);
        let (ends, known_tokens) = (commands::Ends::default(), accounts::KnownTokens::default());
        Self(Arc::new(Inner {
            db,
            clock,
            chance,
            bus,
            hashing,
            ends,
            known_tokens,
            rosters: devices::list::Rosters::default(),
            works: bulks::Works::default(),
            ailments: health::Known::default(),
            tried: tokio::sync::Mutex::default(),
        }))
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    pub fn now(&self) -> Time {
        self.0.clock.now()
    }

    pub fn chance(&self) -> &Chance {
        &self.0.chance
    }

    pub(crate) fn hashing(&self) -> &tokio::sync::Semaphore {
        &self.0.hashing
    }

    pub(crate) fn ends(&self) -> &commands::Ends {
        &self.0.ends
    }

    pub(crate) fn known_tokens(&self) -> &accounts::KnownTokens {
        &self.0.known_tokens
    }

    pub(crate) fn rosters(&self) -> &devices::list::Rosters {
        &self.0.rosters
    }

    pub(crate) fn ailments(&self) -> &health::Known {
        &self.0.ailments
    }

    pub(crate) fn works(&self) -> &bulks::Works {
        &self.0.works
    }

    /// A transaction of somebody, and what they may do in it: less, if rights were taken from them since they asked, and
    /// nothing, if their session or token was closed. Between asking and writing lies what a network or a disk takes.
    pub(crate) async fn write_as(&self, actor: &Actor) -> Result<(Tx, Actor)> {
        let mut tx = self.write().await?;
        let found = accounts::actor_now(&mut tx, actor.account, actor.way_in(), self.now()).await?;
        let now = found.ok_or(Error::Ended)?;
        let (rights, scope) = (actor.rights.and(now.rights), actor.scope.and(&now.scope));
        Ok((tx, Actor { rights, scope, ..*actor }))
    }

    /// Fits the numbers of JSON (2^53), and is not guessed.
    pub(crate) fn random_id(&self) -> i64 {
        self.0.chance.number(53)
    }

    pub(crate) fn growing_id(&self) -> i64 {
        self.0.chance.growing_id(self.now())
    }

    /// Whether the database answers a question and keeps what it is told. It is tried once a second at most, however many
    /// ask.
    pub async fn is_ready(&self) -> bool {
        let mut last = self.0.tried.lock().await;
        let now = self.clock().steady();
        if let Some((at, was_ready)) = *last
            && now.since(at) < TRIED_EVERY
        {
            return was_ready;
        }
        let tried = self.try_database().await;
        if let Err(error) = &tried {
            tracing::warn!(%error, "not ready: the database does not keep what it is told");
        }
        *last = Some((now, tried.is_ok()));
        tried.is_ok()
    }

    async fn try_database(&self) -> Result<()> {
        let mut tx = self.read().await?;
        tx.query("select 1 from accounts limit 1").find_value::<i32>().await?;
        drop(tx);
        let mut tx = self.write().await?;
        // Nobody ever sees it, and yet the disk has to take it.
        tx.query("insert into foreign_events (kind, account_id, device_id) values ('trial', 0, 0)")
            .run()
            .await?;
        tx.query("delete from foreign_events where kind = 'trial'").run().await?;
        Ok(tx.commit().await?)
    }

    /// Passes on what commands beside the server changed, until stopped by being dropped.
    pub async fn pass_on_foreign_events(&self) {
        loop {
            if let Err(error) = self.take_foreign_events().await {
                tracing::warn!(%error, "cannot read what other processes changed; it is tried again");
            }
            self.clock().wait(FOREIGN_EVENTS).await;
        }
    }

    /// For a command beside a server that runs: returns once it has heard of everything.
    pub async fn await_the_server(&self) -> Result<()> {
        while self.has_foreign_events().await? {
            self.clock().wait(FOREIGN_EVENTS / 10).await;
        }
        Ok(())
    }

    async fn has_foreign_events(&self) -> Result<bool> {
        let mut tx = self.read().await?;
        let left: i64 =
            tx.query("select count(*) from (select 1 from foreign_events limit 1) found").value().await?;
        Ok(left > 0)
    }

    async fn take_foreign_events(&self) -> Result<()> {
        if self.has_foreign_events().await? {
            let mut tx = self.write().await?;
            tx.take_foreign_events().await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn read(&self) -> Result<Tx, DbError> {
        self.0.db.read().await
    }

    async fn write(&self) -> Result<Tx, DbError> {
        Ok(self.0.db.write().await?.publishing_to(self.0.bus.clone()))
    }
}
