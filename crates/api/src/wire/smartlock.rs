//! `Smartlock` and `Smartlock.State`. Both are made from what the device last said; `serverState` 4 says that it is
//! offline, so that a client can tell an old state from a present one. Of a device that is back and has not told its state
//! since, nothing is known: state 255.

use lockwarden_app::clock::Time;
use lockwarden_app::devices::{Device, DeviceType, DoorState, LockAction, LockState, Mode, Trigger};
use lockwarden_app::profiles::Profile;
use lockwarden_app::ways::Fact;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::{Advanced, Config, Opener, Settings, SmartDoor, operation_id};
use super::{WebConfig, date, loose};
use crate::error::Failure;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Smartlock {
    smartlock_id: i64,
    account_id: i64,
    /// 0 Smart Lock 1/2, 2 Opener, 3 Smart Door, 4 Smart Lock 3/4, 5 Smart Lock 5.
    #[serde(rename = "type")]
    kind: u8,
    /// Always 0: Lockwarden has no authorization of its own on the lock.
    auth_id: i64,
    name: String,
    favorite: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Settings<Config>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_config: Option<Settings<Advanced>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opener_advanced_config: Option<Settings<Opener>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smartdoor_advanced_config: Option<Settings<SmartDoor>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_config: Option<WebConfig>,
    /// Left out until the device has told its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    /// One byte each for major, minor and patch: 199175 is 3.10.7.
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware_version: Option<i64>,
    /// One byte each for major and minor: 1291 is 5.11.
    #[serde(skip_serializing_if = "Option::is_none")]
    hardware_version: Option<i64>,
    /// There while a change to one of its settings is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_id: Option<String>,
    /// 0 ok, 4 offline.
    server_state: u8,
    /// Of the PIN on its hub: 0 ok, 1 missing or wrong. Without a hub nothing here has one: 1.
    admin_pin_state: u8,
    creation_date: String,
    update_date: String,
    /// Which changes to its settings were refused, and why; until they are changed or dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct State {
    mode: u8,
    state: u8,
    trigger: u8,
    last_action: u8,
    battery_critical: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_charging: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_charge: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keypad_battery_critical: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doorsensor_battery_critical: Option<bool>,
    door_state: u8,
    /// How many seconds ring to open still runs; 0 if it does not.
    ring_to_open_timer: u16,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    ring_to_open_end: Option<String>,
    /// A lock says so by a hub only, and it is required.
    night_mode: bool,
}

impl Smartlock {
    /// None for a device that has never connected: it has no number.
    pub(crate) fn of(device: &Device, profile: &Profile, now: Time) -> Option<Self> {
        Some(Self {
            smartlock_id: device.smartlock_id()?,
            account_id: device.account.0,
            kind: device.kind.map_or(0, DeviceType::code),
            auth_id: 0,
            name: device.name.clone(),
            favorite: device.favourite,
            config: Settings::of(device, profile),
            advanced_config: Settings::of(device, profile),
            opener_advanced_config: Settings::of(device, profile),
            smartdoor_advanced_config: Settings::of(device, profile),
            web_config: profile.web_config.as_ref().map(Into::into),
            state: State::of(device, profile, now),
            firmware_version: device.said.firmware.as_deref().and_then(version::<3>),
            hardware_version: profile.fact(Fact::Hardware).and_then(version::<2>),
            operation_id: profile.waiting().map(|since| operation_id(device, since)),
            server_state: if device.link.online { 0 } else { 4 },
            admin_pin_state: u8::from(!profile.by_hub || profile.no_pin),
            creation_date: date(device.added_at),
            update_date: date(device.updated_at.max(device.said.at.unwrap_or(device.updated_at))),
            error: profile.refusals(),
        })
    }
}

impl State {
    fn of(device: &Device, profile: &Profile, now: Time) -> Option<Self> {
        let said = &device.said;
        let unsaid = device.link.online && device.is_stale();
        let state = if unsaid { LockState::Undefined } else { said.state? };
        let end = ring_to_open_end(device.kind, state, profile).filter(|end| *end > now);
        Some(Self {
            // Every lock that is mounted is in door mode; one that never said so is taken at that.
            mode: said.mode.map_or(Mode::Door.code(), Mode::code),
            state: match state {
                LockState::BootRun if device.kind == Some(DeviceType::Opener) => LockState::BootRun.code(),
                // A number of the device that the Web API does not have, as that of a lock's boot run.
                LockState::Other(_) | LockState::Calibration | LockState::BootRun => {
                    LockState::Undefined.code()
                }
                known => known.code(),
            },
            trigger: said.last.as_ref().map_or(0, |last| match last.trigger {
                // HomeKit and MQTT are newer than this list; both reach the lock as the system does.
                Trigger::HomeKit | Trigger::Mqtt | Trigger::Undefined | Trigger::Other(_) => 0,
                known => known.code(),
            }),
            last_action: said.last.as_ref().map_or(0, |last| match last.action {
                LockAction::FullLock => LockAction::Lock.code(),
                LockAction::FobNoAction | LockAction::ButtonNoAction | LockAction::Other(_) => 0,
                known => known.code(),
            }),
            battery_critical: said.battery_critical.unwrap_or(false),
            battery_charging: said.battery_charging,
            battery_charge: said.battery_percent,
            keypad_battery_critical: said.keypad_battery_critical,
            doorsensor_battery_critical: said.door_battery_critical,
            door_state: match said.door {
                None => DoorState::Unavailable.code(),
                Some(DoorState::Opened | DoorState::Closed) if unsaid => DoorState::Unknown.code(),
                Some(door) => door.code(),
            },
            ring_to_open_timer: end
                .map_or(0, |end| u16::try_from(end.since(now).as_secs()).unwrap_or(u16::MAX)),
            ring_to_open_end: end.map(date),
            night_mode: profile.fact(Fact::NightMode) == Some("1"),
        })
    }
}

/// None where ring to open does not run. It may run on while the opener lets somebody in.
fn ring_to_open_end(kind: Option<DeviceType>, state: LockState, profile: &Profile) -> Option<Time> {
    let may_run = matches!(state, LockState::Unlocked | LockState::Unlatching | LockState::Unlatched);
    if kind != Some(DeviceType::Opener) || !may_run {
        return None;
    }
    profile.fact(Fact::RingToOpenEnd)?.parse().ok().map(Time)
}

/// `3.10.7` is 0x030A07; what follows the parts that count is left out.
fn version<const PARTS: usize>(text: &str) -> Option<i64> {
    let mut parts = text.trim().split('.').map(|part| part.parse::<u8>().ok());
    (0..PARTS).try_fold(0, |number, _| Some(number * 256 + i64::from(parts.next()??)))
}

/// What becomes of a device here; its own settings are other operations. What is left out or null stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SmartlockUpdate {
    /// At most 64 characters.
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "loose::boolean")]
    pub(crate) favorite: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SmartlockAdminPinUpdate")]
pub(crate) struct AdminPin {
    /// 0 to 9999.
    #[serde(default, deserialize_with = "loose::number")]
    admin_pin: Option<i64>,
}

impl AdminPin {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let is_pin = self.admin_pin.is_some_and(|pin| (0..=9_999).contains(&pin));
        if is_pin { Ok(()) } else { Err(Failure::bad("adminPin: a number from 0 to 9999")) }
    }
}

/// The query of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SmartlockFilter {
    /// Only devices on which this authorization is.
    auth_id: Option<i64>,
    /// Only devices of this type.
    #[serde(rename = "type")]
    kind: Option<i64>,
}

impl SmartlockFilter {
    pub(crate) fn takes(&self, lock: &Smartlock) -> bool {
        self.auth_id.is_none_or(|id| id == lock.auth_id)
            && self.kind.is_none_or(|kind| kind == i64::from(lock.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_firmware_version_is_three_bytes() {
        assert_eq!(version::<3>("3.10.7"), Some(199_175));
        assert_eq!(version::<3>("2.8.15"), Some(133_135));
        for odd in ["", "3", "3.10", "3.256.1", "a.b.c"] {
            assert_eq!(version::<3>(odd), None, "{odd}");
        }
        assert_eq!(version::<2>("5.11"), Some(1_291));
        for odd in ["", "5", "5.", "5.x", "256.1"] {
            assert_eq!(version::<2>(odd), None, "{odd}");
        }
    }
}
