//! What a virtual bridge is, and how it may misbehave.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// One Nuki Bridge.
#[derive(Clone, Debug)]
pub struct BridgeSpec {
    pub hardware_id: u32,
    pub server_id: u32,
    pub address: IpAddr,
    /// 0 lets the system choose; real ones have 8080.
    pub port: u16,
    /// At most 20 bytes.
    pub token: String,
    /// Nuki IDs of the devices paired with it. Those of type 5 cannot be.
    pub devices: Vec<u32>,
    /// A software bridge on a telephone (type 2) instead of the box.
    pub software: bool,
    pub firmware: String,
    pub wifi_firmware: String,
    /// Whether `/auth` is enabled.
    pub auth_enabled: bool,
    /// Its authorization on the devices.
    pub auth_id: u32,
    /// How far its clock is slow.
    pub clock_offset: Duration,
    /// One exchange over Bluetooth.
    pub ble: Duration,
    /// How long it waits for a device. Not scaled: a machine that is busy for a moment is no lock that does not answer.
    pub device_timeout: Duration,
    /// How long it waits for whoever it calls back.
    pub callback_timeout: Duration,
    /// From power to network.
    pub boot: Duration,
    pub quirks: BridgeQuirks,
}

impl BridgeSpec {
    pub fn new(hardware_id: u32, token: &str, devices: Vec<u32>) -> Self {
        Self {
            hardware_id,
            server_id: hardware_id.rotate_left(7),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            token: token.to_owned(),
            devices,
            software: false,
            firmware: "2.17.0".to_owned(),
            wifi_firmware: "2.4.0".to_owned(),
            auth_enabled: true,
            auth_id: 70_001,
            clock_offset: Duration::ZERO,
            ble: Duration::from_millis(800),
            device_timeout: Duration::from_mins(1),
            callback_timeout: Duration::from_secs(10),
            boot: Duration::from_secs(10),
            quirks: BridgeQuirks::default(),
        }
    }
}

/// How a bridge misbehaves. By default as reports say that real ones do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeQuirks {
    /// Callback ids are places in the list, so that they shift after a removal (unconfirmed).
    pub ids_shift: bool,
    /// When the first callback fails, the others are not called (one report).
    pub first_failure_starves: bool,
    /// The door sensor calls back too (unconfirmed, newer firmware).
    pub door_calls_back: bool,
    /// Others have taken all its places for callbacks.
    pub callbacks_taken: bool,
    /// A wrong `deviceType` is taken for the right one.
    pub any_type: bool,
    /// Answers 503 to everything.
    pub always_busy: bool,
    /// Takes the request and never answers.
    pub never_answers: bool,
    /// Answers after so long.
    pub slow: Duration,
    /// The connection breaks in the middle of the body.
    pub cuts_bodies: bool,
    /// Bodies are padded to this many bytes.
    pub oversized: Option<usize>,
    /// The devices are out of reach of its Bluetooth.
    pub out_of_reach: bool,
    /// Tokens may be used again, and may be old.
    pub careless: bool,
}

impl Default for BridgeQuirks {
    fn default() -> Self {
        Self {
            ids_shift: true,
            first_failure_starves: false,
            door_calls_back: true,
            callbacks_taken: false,
            any_type: false,
            always_busy: false,
            never_answers: false,
            slow: Duration::ZERO,
            cuts_bodies: false,
            oversized: None,
            out_of_reach: false,
            careless: false,
        }
    }
}
