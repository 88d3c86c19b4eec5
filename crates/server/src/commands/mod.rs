//! One file per command of the command line.

pub mod admin;
pub mod backup;
pub mod demo;
mod demo_past;
mod demo_ways;
pub mod device;
pub mod health;
pub mod serve;
pub mod simulate;
