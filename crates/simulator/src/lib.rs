//! Virtual Nuki locks that speak the real protocol (MQTT API 1.4) through the network to any broker. Nothing of
//! Lockwarden is inside: what they agree on with it, they agree on over the wire.

mod body;
mod building;
mod fleet;
mod life;
mod link;
pub mod machine;
pub mod memory;
mod seen;
mod spec;
mod time;

pub use building::{PastEvent, building, history};
pub use fleet::{Fleet, Lock};
pub use seen::{KEPT, Received, Seen};
pub use spec::{Broker, Faults, Life, LockSpec, Model, Options, Order};
