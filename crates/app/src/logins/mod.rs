//! A device's login at the MQTT door: who it is, what it is bound to, and what it tried and was refused.

mod actions;
mod filters;
mod sql;
mod strangers;

pub use actions::{Authenticated, BindRefusal, BrokerSession, LoginCheck};
pub(crate) use actions::{
    close_delivery, create, device_of, keep_revoked, leave_out, left_out, move_to_device, open_delivery,
    revoke, revoked,
};
pub use filters::Filters;
pub use strangers::{MOST_STRANGERS, Stranger, StrangerSeen};

use crate::Error;
use crate::clock::Time;
use crate::devices::Connector;
use crate::ids::LoginId;

/// Where a hub publishes if nobody changed it (Nuki Hub 9, preference `mqttpath`).
pub const BASE_PATH: &str = "nukihub";

/// The base path of a new login: a hub has one, given or the usual, and nothing else has.
pub(crate) fn base_path_for(connector: Connector, given: Option<&str>) -> Result<Option<&str>, Error> {
    if connector != Connector::NukiHub {
        return Ok(None);
    }
    let path = check_base_path(given.unwrap_or(BASE_PATH));
    path.map(Some).map_err(|why| Error::invalid("base_path", why))
}

/// What is wrong with a hub's base path, if anything.
pub fn check_base_path(path: &str) -> Result<&str, &'static str> {
    let path = path.trim().trim_matches('/');
    if path.is_empty() {
        return Err("give the path under which the hub publishes, usually nukihub");
    }
    if path.len() > 128 {
        return Err("at most 128 bytes");
    }
    if path.starts_with('$') || path.chars().any(|c| c.is_control() || matches!(c, '+' | '#')) {
        return Err("no +, # or control characters, and no $ at the beginning");
    }
    Ok(path)
}

/// Locks store at most 32 bytes each (BLE API `MqttConfig`).
pub const FIELD_BYTES: usize = 32;

/// A login as its owner sees it. The password is shown once, when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    pub id: LoginId,
    pub connector: Connector,
    pub username: String,
    /// Of a hub: where it publishes.
    pub base_path: Option<String>,
    pub created_at: Time,
    pub first_connected_at: Option<Time>,
}

/// What to type into the Nuki app. Not stored; the password cannot be shown again.
#[derive(Clone)]
pub struct Credentials {
    pub username: String,
    pub password: String,
    /// Of a hub.
    pub base_path: Option<String>,
}

/// A password must not find its way into a log.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Why something a login tried was refused. Counted per login, shown to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    WrongPassword,
    ForeignTopic,
    ForeignSubscription,
    ForeignWill,
    OtherDevice,
    DeviceTaken,
    ClientId,
    Malformed,
    TooManyConnections,
    RetainedCommand,
    BasePath,
}

impl RefusalReason {
    pub const ALL: &'static [Self] = &[
        Self::WrongPassword,
        Self::ForeignTopic,
        Self::ForeignSubscription,
        Self::ForeignWill,
        Self::OtherDevice,
        Self::DeviceTaken,
        Self::ClientId,
        Self::Malformed,
        Self::TooManyConnections,
        Self::RetainedCommand,
        Self::BasePath,
    ];

    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong-password",
            Self::ForeignTopic => "foreign-topic",
            Self::ForeignSubscription => "foreign-subscription",
            Self::ForeignWill => "foreign-will",
            Self::OtherDevice => "other-device",
            Self::DeviceTaken => "device-taken",
            Self::ClientId => "client-id",
            Self::Malformed => "malformed",
            Self::TooManyConnections => "too-many-connections",
            Self::RetainedCommand => "retained-command",
            Self::BasePath => "base-path",
        }
    }

    /// For its owner.
    pub fn words(self) -> &'static str {
        match self {
            Self::WrongPassword => "tried to connect with a wrong password",
            Self::ForeignTopic => "tried to publish outside its own topics",
            Self::ForeignSubscription => "tried to listen outside its own topics",
            Self::ForeignWill => "tried to leave a last message outside its own topics",
            Self::OtherDevice => "spoke for another lock than the one this login belongs to",
            Self::DeviceTaken => "spoke for a lock that is already connected by another login",
            Self::ClientId => "used a client id that is not allowed",
            Self::Malformed => "sent something that is not valid",
            Self::TooManyConnections => "held too many connections at once",
            Self::RetainedCommand => "tried to publish a command",
            Self::BasePath => {
                "publishes under another base path than its own; a lock’s own MQTT needs a login of its own"
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct LoginRefusal {
    pub reason: RefusalReason,
    pub detail: String,
    pub times: u64,
    pub last_at: Time,
}
