//! `/list`, `/lockState` and the body of a callback: devices and what the bridge last heard of them.

use lockwarden_app::clock::Time;
use lockwarden_app::devices::{DeviceType, DoorState, LockState, Mode, Observation};
use serde::Deserialize;

use super::scalar::{Maybe, Odd, Scalar, Sequence};
use super::{LONGEST_ANSWER, LONGEST_CALLBACK, Unreadable, read};
use crate::nuki_bridge::errors::Trouble;

/// Devices of one bridge; more are an error.
const MOST_DEVICES: usize = 100;
/// As many as fit into an answer are read, so that too many are not taken for something else than a bridge's.
const MOST_READ: usize = LONGEST_ANSWER / 16;

/// `/list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceList {
    pub devices: Vec<BridgeDevice>,
    /// Fields and devices that could not be read.
    pub unreadable: u32,
}

/// A device that is paired with a bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BridgeDevice {
    pub nuki_id: u32,
    pub kind: DeviceType,
    pub name: Option<String>,
    pub firmware: Option<String>,
    /// None if the bridge has not heard it yet.
    pub said: Option<StateReport>,
}

/// What a device said to its bridge. What was not there is `None`: an accessory that is absent has no key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StateReport {
    pub mode: Option<Mode>,
    pub mechanism: Option<Mechanism>,
    pub door: Option<DoorState>,
    pub battery_critical: Option<bool>,
    /// 0–100 %.
    pub battery_percent: Option<u8>,
    pub battery_charging: Option<bool>,
    pub keypad_battery_critical: Option<bool>,
    /// When the Opener's doorbell last rang.
    pub rang_at: Option<Time>,
    /// It rang within the last 30 s. No observation yet.
    pub is_ringing: Option<bool>,
    /// When the bridge heard all this, which may be long ago: `/list` repeats it until there is something newer. It is
    /// not the device's own time, and no observation. The same time again says nothing new.
    pub known_at: Option<Time>,
}

/// The number `state`, which means something else for each kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Lock(LockState),
    /// No observation yet: 1 is "online" here, and "locked" for a lock.
    Opener(OpenerState),
    /// Of a kind of device whose states are not known.
    Unknown(u8),
}

/// State of an Opener (Bridge API 1.13.3, lock states).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenerState {
    Untrained,
    Online,
    /// Ring to open: whoever rings next is let in.
    RingToOpen,
    Open,
    Opening,
    BootRun,
    Undefined,
    Other(u8),
}

/// `/lockState`, which asks the device itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    Said(StateReport),
    /// `success` is false: the bridge did not get an answer from the device.
    NotReached,
}

impl OpenerState {
    fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Untrained,
            1 => Self::Online,
            3 => Self::RingToOpen,
            5 => Self::Open,
            7 => Self::Opening,
            253 => Self::BootRun,
            255 => Self::Undefined,
            other => Self::Other(other),
        }
    }
}

impl Mechanism {
    pub(crate) fn of(kind: DeviceType, code: u8) -> Self {
        match kind {
            // A box's numbers are not documented; they are kept as what they are on every type.
            DeviceType::SmartLock12
            | DeviceType::Box
            | DeviceType::SmartDoor
            | DeviceType::SmartLock34
            | DeviceType::SmartLock5 => Self::Lock(LockState::from_code(code)),
            DeviceType::Opener => Self::Opener(OpenerState::from_code(code)),
            DeviceType::Other(_) => Self::Unknown(code),
        }
    }
}

impl StateReport {
    /// Always in this order, whatever the order of the keys was.
    pub(crate) fn observations(&self) -> Vec<Observation> {
        let state = match self.mechanism {
            Some(Mechanism::Lock(state)) => Some(Observation::State(state)),
            Some(Mechanism::Opener(_) | Mechanism::Unknown(_)) | None => None,
        };
        [
            self.mode.map(Observation::Mode),
            state,
            self.door.map(Observation::Door),
            self.battery_critical.map(Observation::BatteryCritical),
            self.battery_percent.map(Observation::BatteryPercent),
            self.battery_charging.map(Observation::BatteryCharging),
            self.keypad_battery_critical.map(Observation::KeypadBatteryCritical),
            self.rang_at.map(Observation::RingTime),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl BridgeDevice {
    /// What the device is, and then what it said.
    pub(crate) fn observations(&self) -> Vec<Observation> {
        let mut all = vec![Observation::DeviceType(self.kind)];
        all.extend(self.name.clone().map(Observation::OwnName));
        all.extend(self.firmware.clone().map(Observation::Firmware));
        all.extend(self.said.iter().flat_map(StateReport::observations));
        all
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawDevice {
    device_type: Scalar,
    nuki_id: Scalar,
    name: Scalar,
    firmware_version: Scalar,
    last_known_state: Maybe<Box<RawState>>,
}

/// Where nobody has rung yet, a bridge may tell the beginning of all time (unconfirmed).
const NEVER: Time = Time(24 * 3_600_000);

/// The keys of all three, because two of them mix the state with the rest.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawState {
    device_type: Scalar,
    nuki_id: Scalar,
    success: Scalar,
    mode: Scalar,
    state: Scalar,
    battery_critical: Scalar,
    battery_charging: Scalar,
    battery_charge_state: Scalar,
    keypad_battery_critical: Scalar,
    doorsensor_state: Scalar,
    ringaction_timestamp: Scalar,
    ringaction_state: Scalar,
    timestamp: Scalar,
}

impl RawState {
    fn report(self, kind: DeviceType, odd: &mut Odd) -> StateReport {
        StateReport {
            mode: self.mode.number(odd).map(Mode::from_code),
            mechanism: self.state.number(odd).map(|code| Mechanism::of(kind, code)),
            door: self.doorsensor_state.number(odd).map(DoorState::from_code),
            battery_critical: self.battery_critical.truth(odd),
            battery_percent: self.battery_charge_state.percent(odd),
            battery_charging: self.battery_charging.truth(odd),
            keypad_battery_critical: self.keypad_battery_critical.truth(odd),
            rang_at: self.ringaction_timestamp.time(odd).filter(|at| *at > NEVER),
            is_ringing: self.ringaction_state.truth(odd),
            known_at: self.timestamp.time(odd),
        }
    }
}

/// `/list`. A device without an id or a type is left out and counted.
pub(crate) fn list(body: &[u8]) -> Result<DeviceList, Trouble> {
    let raw: Sequence<RawDevice, MOST_READ> = read(body, LONGEST_ANSWER)?;
    if raw.items.len() > MOST_DEVICES {
        return Err(Trouble::TooManyDevices);
    }
    let mut odd = raw.odd;
    let devices = raw.items.into_iter().filter_map(|raw| device(raw, &mut odd)).collect();
    Ok(DeviceList { devices, unreadable: odd.0 })
}

fn device(raw: RawDevice, odd: &mut Odd) -> Option<BridgeDevice> {
    let ids = (raw.nuki_id.number(odd), raw.device_type.number(odd).map(DeviceType::from_code));
    let (Some(nuki_id), Some(kind)) = ids else {
        return odd.count();
    };
    Some(BridgeDevice {
        nuki_id,
        kind,
        name: raw.name.name(odd),
        firmware: raw.firmware_version.name(odd),
        said: raw.last_known_state.object(odd).map(|state| state.report(kind, odd)),
    })
}

/// `/lockState` of a device of this kind.
pub(crate) fn lock_state(body: &[u8], kind: DeviceType) -> Result<Fresh, Unreadable> {
    let odd = &mut Odd::default();
    let mut raw: RawState = object(body, LONGEST_ANSWER, odd)?;
    match std::mem::take(&mut raw.success).truth(odd) {
        Some(true) => Ok(Fresh::Said(raw.report(kind, odd))),
        Some(false) => Ok(Fresh::NotReached),
        None => Err(Unreadable),
    }
}

/// The body of a callback. It only says which device is worth a look; what it says of it is not believed.
pub(crate) fn callback(body: &[u8]) -> Result<BridgeDevice, Unreadable> {
    let odd = &mut Odd::default();
    let mut raw: RawState = object(body, LONGEST_CALLBACK, odd)?;
    let nuki_id = std::mem::take(&mut raw.nuki_id).number(odd).ok_or(Unreadable)?;
    let kind = std::mem::take(&mut raw.device_type).number(odd).map(DeviceType::from_code);
    let kind = kind.ok_or(Unreadable)?;
    Ok(BridgeDevice { nuki_id, kind, name: None, firmware: None, said: Some(raw.report(kind, odd)) })
}

fn object(body: &[u8], longest: usize, odd: &mut Odd) -> Result<RawState, Unreadable> {
    read::<Maybe<RawState>>(body, longest)?.object(odd).ok_or(Unreadable)
}
