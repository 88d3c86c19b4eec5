//! The pages as a browser meets them: the whole router, a real database, a clock that the test moves.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod adding;
mod choosing;
mod forms;
mod grouping;
mod health;
mod kit;
mod listing;
mod live;
mod operating;
mod reaching;
mod safety;
mod settings;
mod signing;
mod truth;
mod types;
mod weight;
