//! The rules that need a database: every test runs on SQLite and, with `TEST_DATABASE_URL`, on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod backup;
mod bridges;
mod bulk_turns;
mod bulks;
mod clock;
mod commands;
mod groups;
mod guessing;
mod health;
mod history;
mod isolation;
mod late;
mod lists;
mod log;
mod logins;
mod meanwhile;
mod names;
mod repeats;
mod restore;
mod safety;
mod settings;
mod sign_in;
mod storage;
mod truth;
