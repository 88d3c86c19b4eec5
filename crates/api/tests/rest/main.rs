//! The REST door with a real app and database behind it. What every operation must do is asked of the list of
//! operations that the document names, not of a list kept here.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod actions;
mod config;
mod contract;
mod devices;
mod kit;
mod log;
mod matrix;
mod opener;
mod truth;
mod web_config;
