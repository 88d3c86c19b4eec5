//! Virtual Nuki devices that speak the real protocols through the network. Nothing of Lockwarden is inside: what they agree
//! on with it, they agree on over the wire.
//!
//! A device is one machine, whatever ways lead to it. Each way tells of it in its own words and at its own pace:
//!
//! | way | who speaks | what it tells |
//! |---|---|---|
//! | official MQTT (MQTT API 1.4) | the lock itself | every state at once, who by number, no failures |
//! | Nuki Hub ([`hub`]) | a box beside the lock, over Bluetooth | states as it polls them, log, codes, settings |
//! | Bridge HTTP ([`bridge`]) | a box for many devices, over Bluetooth | final states, one request at a time |
//!
//! [`Fleet::open`] starts a [`Site`]; its handles ([`Lock`], [`Opener`], [`Hub`], [`Bridge`]) make things happen and let a
//! test wait for facts. Everything is repeatable by its seed, and `time_scale` shortens every delay but those that another
//! program's clock takes part in: the minute for which a token is good, and idle connections.

mod body;
pub mod bridge;
mod building;
mod discovery;
mod fleet;
pub mod hub;
mod json;
mod life;
mod link;
pub mod machine;
pub mod memory;
mod mqtt;
pub mod opener;
mod seen;
mod site;
mod spec;
mod time;
mod way;

pub use bridge::{Bridge, BridgeQuirks, BridgeSeen, BridgeSpec};
pub use building::{PastEvent, building, history};
pub use fleet::{Fleet, Lock};
pub use hub::{Hub, HubQuirks, HubSeen, HubSpec};
pub use opener::{Opener, OpenerSpec};
pub use seen::{KEPT, Received, Seen};
pub use site::Site;
pub use spec::{Broker, Faults, Life, LockSpec, Model, Options, Order};
