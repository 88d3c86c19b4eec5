//! Devices and what they last said of themselves. State is only ever written from a device's own report, and every
//! reader gets its age with it. Reports come from the gateway (`record.rs`), orders leave by `commands`.

mod actions;
mod age;
mod apply;
mod beside;
mod condition;
mod connector;
mod identity;
mod identity_sql;
mod links;
pub mod list;
mod log_book;
mod names;
mod names_sql;
mod pictured;
mod record;
mod repeats;
mod report;
mod sql;

pub use actions::{NewDevice, SortBy};
pub(crate) use actions::{
    account_of, all_offline, check_room, find_smartlock, kinds, load, load_smartlock, set_favourite, some,
};
pub use condition::{Kind, LeftOpen, Problem, Problems};
pub use connector::{Capability, Connector};
pub(crate) use identity::{
    bind, find_by_identity, has_said_nothing, identity, insert, join, name_of, set_opener, set_safety,
    set_type, unnamed, way_ended,
};
pub use log_book::LogRecord;
pub use names::{MOST_NAMES, Number};
pub use report::{Delivery, HubAnswer, Intake, LockEvent, Observation, Repetition, Report, Session};

use crate::activity::Origin;
use crate::clock::Time;
use crate::codes::codes;
use crate::ids::{AccountId, DeviceId, GroupId};

codes! {
    /// Device type (Nuki Bridge API 1.13.3 `/list`; MQTT API 1.4 `deviceType`; Web API 4.10.0 `Smartlock.type`).
    DeviceType { SmartLock12 = 0, Box = 1, Opener = 2, SmartDoor = 3, SmartLock34 = 4, SmartLock5 = 5 }
    /// State of the lock mechanism (MQTT API 1.4 `state`; Bridge API 1.13.3 lock states).
    LockState {
        Uncalibrated = 0, Locked = 1, Unlocking = 2, Unlocked = 3, Locking = 4, Unlatched = 5,
        UnlockedLockNGo = 6, Unlatching = 7, Calibration = 252, BootRun = 253, MotorBlocked = 254, Undefined = 255,
    }
    /// What a lock can be told to do (MQTT API 1.4 `lockAction`), and what its events speak of.
    LockAction {
        Unlock = 1, Lock = 2, Unlatch = 3, LockNGo = 4, LockNGoUnlatch = 5, FullLock = 6,
        /// A fob button that is set to do nothing; only ever an event.
        FobNoAction = 80,
        /// A button press that is set to do nothing; only ever an event.
        ButtonNoAction = 90,
    }
    /// Door sensor (MQTT API 1.4 `doorsensorState`).
    DoorState {
        Unavailable = 0, Deactivated = 1, Closed = 2, Opened = 3, Unknown = 4, Calibrating = 5,
        Uncalibrated = 16, Tampered = 240,
        /// The sensor's own word for not knowing.
        Undefined = 255,
    }
    /// Operating mode (MQTT API 1.4 `mode`).
    Mode { Uninitialized = 0, Pairing = 1, Door = 2, Continuous = 3, Maintenance = 4, OffDoorCharging = 5 }
    /// What set an action off (MQTT API 1.4 `lockActionEvent`, second field).
    Trigger { System = 0, Manual = 1, Button = 2, Automatic = 3, AutoLock = 6, HomeKit = 171, Mqtt = 172, Undefined = 255 }
}

impl DeviceType {
    /// Openers and boxes let somebody in and hold no door shut. Of a type that nobody knows, the more is assumed.
    pub fn has_bolt(self) -> bool {
        !matches!(self, Self::Opener | Self::Box)
    }

    /// What a state says on this type. No document numbers the states of a box: those are taken for what they are that mean
    /// the same on every other type, and any other has no name.
    pub fn reads(self, state: LockState) -> LockState {
        use LockState::{Calibration, Locking, MotorBlocked, Other, UnlockedLockNGo};
        match (self, state) {
            (Self::Box, Locking | UnlockedLockNGo | Calibration | MotorBlocked) => Other(state.code()),
            _ => state,
        }
    }
}

impl LockState {
    /// The motor is turning.
    pub fn is_moving(self) -> bool {
        matches!(self, Self::Unlocking | Self::Locking | Self::Unlatching)
    }

    /// The bolt is certainly out. Anything else must not be shown as locked.
    pub fn is_locked(self) -> bool {
        self == Self::Locked
    }
}

impl LockAction {
    /// Whether a lock that carries this out comes through this state (MQTT API 1.4, sequences of `state`). In any other it
    /// got by something else.
    pub fn passes(self, state: LockState) -> bool {
        use LockState::{Locked, Locking, Unlatched, Unlatching, Unlocked, UnlockedLockNGo, Unlocking};
        let opens = matches!(state, Unlocking | Unlocked);
        match self {
            Self::Unlock => opens,
            Self::Lock | Self::FullLock => matches!(state, Locking | Locked),
            Self::Unlatch => opens || matches!(state, Unlatching | Unlatched),
            Self::LockNGo => matches!(state, Unlocking | UnlockedLockNGo | Locking | Locked),
            Self::LockNGoUnlatch => Self::LockNGo.passes(state) || matches!(state, Unlatching | Unlatched),
            Self::FobNoAction | Self::ButtonNoAction | Self::Other(_) => false,
        }
    }
}

/// A device with what it last said.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub id: DeviceId,
    pub account: AccountId,
    /// The way that speaks for it now, or did last.
    pub connector: Connector,
    pub name: String,
    /// 32 bits; none until the device has connected once.
    pub nuki_id: Option<u32>,
    pub kind: Option<DeviceType>,
    pub group: Option<GroupId>,
    pub favourite: bool,
    pub safety: Safety,
    /// It pulls its latch whenever it unlocks, or is about to be told to (`autoUnlatch`). Where no way tells, nobody knows.
    pub unlocking_opens: bool,
    /// What its account chose.
    pub left_open: LeftOpen,
    pub added_at: Time,
    pub updated_at: Time,
    pub link: Link,
    pub said: Said,
}

/// What its owner wants to happen before it opens from afar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Safety {
    /// It is not opened from here at all.
    pub never_open: bool,
    /// A person is asked once more before it is unlocked.
    pub ask_again: bool,
    /// Whoever opens it has given their password a moment ago.
    pub fresh_sign_in: bool,
}

/// The connection, as we see it ourselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub online: bool,
    pub changed_at: Option<Time>,
    /// Since when the way speaks for it that does now, or when that way lost it.
    pub speaker_since: Option<Time>,
    /// `Some(false)`: the lock listens to no command topic, because "Allow locking" is off in its MQTT settings
    /// (MQTT API 1.4, control topics).
    pub accepts_commands: Option<bool>,
    /// What it is reached through is there, and does not reach it.
    pub is_out_of_reach: bool,
}

/// What the device said, and when; `None` is "never said".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    pub at: Option<Time>,
    pub state: Option<LockState>,
    pub state_at: Option<Time>,
    pub state_changed_at: Option<Time>,
    pub mode: Option<Mode>,
    pub last: Option<LastEvent>,
    pub door: Option<DoorState>,
    pub door_changed_at: Option<Time>,
    pub battery_critical: Option<bool>,
    /// 0–100 %, in steps of 2.
    pub battery_percent: Option<u8>,
    pub battery_charging: Option<bool>,
    pub keypad_battery_critical: Option<bool>,
    pub door_battery_critical: Option<bool>,
    pub server_connected: Option<bool>,
    pub firmware: Option<String>,
    pub own_name: Option<String>,
    /// When its doorbell last rang.
    pub rang_at: Option<Time>,
    pub device_time: Option<Time>,
    /// The device's clock minus ours, in milliseconds, when it last told its time.
    pub clock_offset_ms: Option<i64>,
}

/// The last action event: the "how" beside the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastEvent {
    pub action: LockAction,
    pub trigger: Trigger,
    pub origin: Origin,
    pub auth_id: Option<u32>,
    pub code_id: Option<u32>,
    /// Whose number it was then.
    pub name: Option<String>,
    pub at: Time,
}

/// The Web API's number for a device: `type · 2^32 + Nuki ID` (Web API 4.10.0, `smartlockId`).
pub fn smartlock_id(kind: DeviceType, nuki_id: u32) -> i64 {
    (kind.stored() << 32) | i64::from(nuki_id)
}

impl Device {
    pub fn smartlock_id(&self) -> Option<i64> {
        Some(smartlock_id(self.kind?, self.nuki_id?))
    }

    /// Its state was said before it connected, by another way than the one that speaks for it now, or before that way lost
    /// it: it may have changed since.
    pub fn is_stale(&self) -> bool {
        let since = self.link.changed_at.max(self.link.speaker_since);
        since.zip(self.said.state_at).is_some_and(|(since, said)| said < since)
    }

    /// An opener that opens whenever somebody rings, until that is switched off: a mode, whatever its state (Bridge API
    /// 1.13.3, mode 3).
    pub fn lets_everybody_in(&self) -> bool {
        self.kind == Some(DeviceType::Opener) && self.said.mode == Some(Mode::Continuous)
    }

    /// What a person can be offered here, the safe action first.
    pub fn offers(&self) -> &'static [LockAction] {
        use LockAction::{Lock, LockNGo, LockNGoUnlatch, Unlatch, Unlock};
        match self.kind {
            // All that the discontinued box is documented to do: it opens (Web API 4.10.0, `SmartlockAction`).
            Some(DeviceType::Box) => &[Unlock],
            // The same numbers mean an opener's own deeds: ring to open on and off, open, continuous mode on and off.
            Some(DeviceType::Opener) => &[Lock, Unlock, LockNGo, LockNGoUnlatch, Unlatch],
            _ => &[Lock, Unlock, Unlatch, LockNGo, LockNGoUnlatch],
        }
    }
}

/// Characters of a device's name.
pub const LONGEST_NAME: usize = 64;

/// What is wrong with a device's name, if anything.
pub fn check_name(name: &str) -> Result<&str, &'static str> {
    let name = name.trim();
    if name.is_empty() {
        return Err("give the device a name");
    }
    if name.chars().count() > LONGEST_NAME {
        return Err("at most 64 characters");
    }
    if name.chars().any(char::is_control) {
        return Err("no line breaks or control characters");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_nobody_knows_is_kept() {
        assert_eq!(LockState::from_code(99), LockState::Other(99));
        assert_eq!(LockState::from_code(99).code(), 99);
    }

    #[test]
    fn the_smartlock_number_is_type_before_nuki_id() {
        assert_eq!(smartlock_id(DeviceType::SmartLock34, 0x1234_5678), 17_485_289_080);
        assert_eq!(smartlock_id(DeviceType::SmartLock12, 0x3C88_62ED), 1_015_571_181);
    }

    #[test]
    fn an_action_passes_its_own_states_and_never_rests_in_its_opposite() {
        use LockState as S;
        let path = |action: LockAction| {
            LockState::KNOWN.iter().copied().filter(|state| action.passes(*state)).collect::<Vec<_>>()
        };
        assert_eq!(path(LockAction::Lock), [S::Locked, S::Locking]);
        assert_eq!(path(LockAction::Unlock), [S::Unlocking, S::Unlocked]);
        assert_eq!(path(LockAction::Unlatch), [S::Unlocking, S::Unlocked, S::Unlatched, S::Unlatching]);
        assert_eq!(path(LockAction::LockNGo), [S::Locked, S::Unlocking, S::Locking, S::UnlockedLockNGo]);
        assert!(path(LockAction::ButtonNoAction).is_empty());
    }

    #[test]
    fn only_the_word_locked_means_locked() {
        let locked: Vec<_> = LockState::KNOWN.iter().filter(|state| state.is_locked()).collect();
        assert_eq!(locked, [&LockState::Locked]);
    }
}
