//! A place with everything in it: locks, Openers, and what speaks for them.

use crate::bridge::BridgeSpec;
use crate::hub::HubSpec;
use crate::opener::OpenerSpec;
use crate::spec::LockSpec;

/// What stands at one place. Hubs and bridges name the devices they reach by their Nuki IDs.
#[derive(Clone, Debug, Default)]
pub struct Site {
    pub locks: Vec<LockSpec>,
    pub openers: Vec<OpenerSpec>,
    pub hubs: Vec<HubSpec>,
    pub bridges: Vec<BridgeSpec>,
}
