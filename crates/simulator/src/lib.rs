//! Virtual Nuki locks that speak the real protocol (MQTT API 1.4) through the network to any broker. Nothing of
//! Lockwarden is inside: what they agree on with it, they agree on over the wire.

mod building;
mod fleet;
mod life;
mod link;
pub mod machine;
mod spec;
mod time;

pub use building::{PastEvent, building, history};
pub use fleet::{Fleet, Lock};
pub use link::{KEPT, Received, Seen};
pub use spec::{Broker, Faults, Life, LockSpec, Options, Order};
