//! The whole product, driven through its doors: the real binary, real locks on the network, a real browser, client
//! libraries nobody here wrote. With `TEST_DATABASE_URL` everything runs on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod architecture;
mod beside;
mod bridges;
mod browser;
mod claim;
mod clients;
mod clock;
mod commands;
mod crash;
mod demo;
mod durable;
mod flood;
mod hybrid;
mod kit;
mod leftovers;
mod matrix;
mod network;
mod openers;
mod quiet;
mod simulate;
mod tiles;
mod tls;
mod trouble;
mod unlock;
mod ways;
