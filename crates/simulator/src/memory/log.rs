//! The lock's own log (BLE API, log entry).

use super::codes::Stamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The log was switched on or off.
    Logging {
        on: bool,
    },
    Action {
        action: u8,
        trigger: u8,
        completion: u8,
    },
    Calibration,
    Initialization,
    /// `source`: 0 back key, 1 code, 2 fingerprint.
    Keypad {
        action: u8,
        source: u8,
        completion: u8,
        code_id: u16,
    },
    /// 0 opened, 1 closed, 2 jammed.
    Door {
        event: u8,
    },
    /// An Opener's bell. `mode`: 0 none, 2 ring to open, 3 continuous. `source` and the rest as the BLE API has them.
    Doorbell {
        mode: u8,
        source: u8,
        geofence: bool,
        suppression: u8,
        sound: u8,
        completion: u8,
        code_id: u16,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, in order.
    pub index: u32,
    pub auth_id: u32,
    pub name: String,
    /// In UTC, as two traces show it.
    pub at: Stamp,
    pub local: Stamp,
    pub kind: Kind,
}
