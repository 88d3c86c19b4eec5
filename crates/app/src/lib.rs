//! What Lockwarden does: its types, rules, actions and SQL. It knows no HTTP and no MQTT; every door holds an [`App`]
//! and calls its actions with an [`actor::Actor`] first. Permission becomes a value, events leave by commit, tables are
//! the queue.

pub mod accounts;
pub mod activity;
pub mod actor;
pub mod bus;
pub mod clock;
mod codes;
pub mod commands;
pub mod db;
pub mod devices;
pub mod error;
pub mod ids;
pub mod logins;
pub mod rng;
mod secrets;

use std::sync::Arc;

use bus::Bus;
use clock::{Clock, Time};
use db::{Db, DbError, Tx};
pub use error::{Error, Refusal, Result};
use rng::Chance;

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
}

impl App {
    pub fn new(db: Db, clock: Clock, chance: Chance, bus: Bus) -> Self {
        Self(Arc::new(Inner { db, clock, chance, bus, hashing: tokio::sync::Semaphore::new(2) }))
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

    /// Fits the numbers of JSON (2^53), and is not guessed.
    pub(crate) fn random_id(&self) -> i64 {
        self.0.chance.number(53)
    }

    pub(crate) fn growing_id(&self) -> i64 {
        self.0.chance.growing_id(self.now())
    }

    async fn read(&self) -> Result<Tx, DbError> {
        self.0.db.read().await
    }

    async fn write(&self) -> Result<Tx, DbError> {
        Ok(self.0.db.write().await?.publishing_to(self.0.bus.clone()))
    }
}
