//! Virtual Nuki locks that speak the real protocol (MQTT API 1.4) through the network to any broker. Nothing of
//! Lockwarden is inside: what they agree on with it, they agree on over the wire.

mod body;
pub mod bridge;
mod building;
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
