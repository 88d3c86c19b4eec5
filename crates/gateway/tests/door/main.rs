//! The door over the network: the real listener, a real database, and clients nobody here wrote. With
//! `TEST_DATABASE_URL` the database is PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod announcing;
mod bounds;
mod bridge_reach;
mod bridges;
mod clients;
mod commands;
mod foreign;
mod hub;
mod hub_quirks;
mod hub_reach;
mod hub_settings;
mod isolation;
mod kit;
mod limits;
mod line;
mod parsers;
mod qos;
mod raw;
mod tls;
