//! Nuki Bridges: where they are, which devices they list, and how they are reached. What a bridge says of a device comes in
//! as reports like any other; what is told to a device leaves by commands.

mod actions;
mod address;
mod sql;

pub use actions::{BridgeOutcome, NewBridge, Polled};
pub(crate) use actions::{all_offline, leave_out, unusable};
pub use address::{BridgeAddress, Host};

use crate::clock::Time;
use crate::devices::DeviceType;
use crate::ids::{AccountId, BridgeId, DeviceId};

/// Bridges of one account.
pub const MOST: usize = 64;

/// A bridge as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    pub id: BridgeId,
    pub account: AccountId,
    pub address: String,
    /// How its token travels.
    pub token_form: String,
    pub hardware_id: Option<u32>,
    pub version: Option<String>,
    pub added_at: Time,
    pub online: bool,
    pub changed_at: Option<Time>,
    pub heard_at: Option<Time>,
    /// From asking to the head of its answer.
    pub latency_ms: Option<i64>,
    pub trouble: Option<String>,
    pub callbacks: Option<String>,
    /// Devices that were removed while it listed them. They stay away until it is added anew.
    pub left_out: usize,
    /// Where this bridge was added before: it is asked there, and not here.
    pub same_as: Option<String>,
}

impl Bridge {
    /// It was asked in vain, and has never given an answer that can be used: what was typed may be wrong.
    pub fn is_unusable(&self) -> bool {
        self.heard_at.is_none() && self.trouble.is_some() && self.same_as.is_none()
    }
}

/// What the gateway needs to speak to it. A token must not find its way into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    pub bridge: BridgeId,
    pub account: AccountId,
    pub address: String,
    pub token: String,
    /// How it travels, as the connector names it.
    pub token_form: String,
    pub callback: String,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("bridge", &self.bridge).finish_non_exhaustive()
    }
}

/// A device that a bridge lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub nuki_id: u32,
    pub kind: DeviceType,
    pub name: Option<String>,
}

/// A device of ours behind a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    pub device: DeviceId,
    pub nuki_id: u32,
    pub kind: DeviceType,
    /// The bridge was there and did not reach it, as far as is known.
    pub is_lost: bool,
}
