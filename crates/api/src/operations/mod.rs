//! One file per group of operations. Each reads like a sentence: actor, wire to product, action, product to wire.

pub(crate) mod account;
pub(crate) mod action;
pub(crate) mod config;
pub(crate) mod log;
pub(crate) mod opener;
pub(crate) mod smartlock;
