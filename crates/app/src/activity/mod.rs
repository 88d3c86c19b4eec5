//! The activity log: one entry per thing that happened at a device, exactly once, newest first.

mod actions;
mod joining;
mod sql;
mod sql_joining;

pub use actions::{Cursor, EntryQuery, Logged, Page, Past};
pub(crate) use actions::{finish, last_deliveries, note, note_all, tell_time, told};
pub(crate) use joining::{
    Found, add_event, add_log, find_logged, find_told, find_unlogged, is_told, move_to_device, name,
};

use crate::clock::Time;
use crate::codes::codes;
use crate::devices::{DeviceType, LockAction, LockState, Trigger};
use crate::ids::{AccountId, ActivityId, CommandId, DeviceId};

codes! {
    /// What happened. Numbers below 128 and from 208 are the Web API's (4.10.0, `SmartlockLog.action`). `Other` is an
    /// action of a lock that has no name here; its number may be one of ours, so the table has it 1,000 higher.
    Happening {
        Unlock = 1, Lock = 2, Unlatch = 3, LockNGo = 4, LockNGoUnlatch = 5, FullLock = 6,
        FobNoAction = 80, ButtonNoAction = 90,
        /// Ours: the bolt moved and no event said why, so by hand or key.
        TurnedToLocked = 150, TurnedToUnlocked = 151,
        /// Ours: the mechanism reported that it is stuck.
        Jammed = 152,
        WentOffline = 160, CameOnline = 161,
        /// The doorbell rang (openers).
        Doorbell = 224,
        DoorOpened = 240, DoorClosed = 241, DoorSensorJammed = 242,
        DoorLogOn = 250, DoorLogOff = 251, Initialized = 252, Calibrated = 253, LogOn = 254, LogOff = 255,
    }
    /// How it was set off, decided from all fields of an event together.
    Origin {
        Unknown = 0,
        /// An order from this console or its API.
        Console = 1,
        /// Bluetooth: the app, a bridge, or another system (trigger 0).
        App = 2,
        AutoUnlock = 3,
        KeypadCode = 4,
        KeypadFingerprint = 5,
        KeypadButton = 6,
        Button = 7,
        Fob = 8,
        TimeControl = 9,
        AutoLock = 10,
        HomeKitOrMatter = 11,
        /// Another MQTT command than ours.
        Mqtt = 12,
        ByHand = 13,
    }
    /// Completion status (BLE API lock action log; Web API 4.10.0 `SmartlockLog.state`).
    Completion {
        Success = 0, MotorBlocked = 1, Canceled = 2, TooRecent = 3, Busy = 4, LowMotorVoltage = 5, ClutchFailure = 6,
        MotorPowerFailure = 7, Incomplete = 8, Rejected = 9, RejectedNightMode = 10,
        InvalidCode = 224, InvalidFingerprint = 225, OtherError = 254, Unknown = 255,
    }
}

impl From<LockAction> for Happening {
    fn from(action: LockAction) -> Self {
        match action {
            LockAction::Unlock => Self::Unlock,
            LockAction::Lock => Self::Lock,
            LockAction::Unlatch => Self::Unlatch,
            LockAction::LockNGo => Self::LockNGo,
            LockAction::LockNGoUnlatch => Self::LockNGoUnlatch,
            LockAction::FullLock => Self::FullLock,
            LockAction::FobNoAction => Self::FobNoAction,
            LockAction::ButtonNoAction => Self::ButtonNoAction,
            LockAction::Other(number) => Self::Other(number),
        }
    }
}

const NAMELESS: i64 = 1_000;

impl Happening {
    /// What the Web API has a number for.
    pub const IN_WEB_API: [Self; 18] = [
        Self::Unlock,
        Self::Lock,
        Self::Unlatch,
        Self::LockNGo,
        Self::LockNGoUnlatch,
        Self::FullLock,
        Self::TurnedToLocked,
        Self::TurnedToUnlocked,
        Self::Doorbell,
        Self::DoorOpened,
        Self::DoorClosed,
        Self::DoorSensorJammed,
        Self::DoorLogOn,
        Self::DoorLogOff,
        Self::Initialized,
        Self::Calibrated,
        Self::LogOn,
        Self::LogOff,
    ];

    /// Whether a lock that does this comes through this state.
    pub(crate) fn passes(self, state: LockState) -> bool {
        u8::try_from(self.stored()).is_ok_and(|number| LockAction::from_code(number).passes(state))
    }

    fn in_table(self) -> i64 {
        match self {
            Self::Other(number) => NAMELESS + i64::from(number),
            named => named.stored(),
        }
    }

    fn from_table(number: i64) -> Self {
        match u8::try_from(number - NAMELESS) {
            Ok(nameless) => Self::Other(nameless),
            Err(_) => Self::from_stored(number),
        }
    }
}

/// The device's clock was more than two minutes off when this happened; its own time is shown with a mark.
pub const CLOCK_IS_WRONG: i64 = 1;
/// The device was asked and found so; it happened some time before.
pub(crate) const WAS_FOUND: i64 = 2;

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub id: ActivityId,
    pub account: AccountId,
    pub device: DeviceId,
    pub device_name: String,
    /// It is not in the account any more; what it did still is.
    pub device_removed: bool,
    pub device_kind: Option<DeviceType>,
    pub nuki_id: Option<u32>,
    pub at: Time,
    pub received_at: Time,
    /// By the device's own clock.
    pub device_at: Option<Time>,
    pub clock_is_wrong: bool,
    pub happening: Happening,
    pub origin: Origin,
    pub trigger: Option<Trigger>,
    /// What the device said of the outcome; none while it has said nothing.
    pub result: Option<Completion>,
    pub auth_id: Option<u32>,
    pub code_id: Option<u32>,
    pub presses: Option<u8>,
    /// Whom the lock's own log names, or its lists for the number it told.
    pub name: Option<String>,
    /// Who asked, where it was one of ours.
    pub actor_name: Option<String>,
    pub command: Option<CommandId>,
    /// State of the command behind it, where there is one.
    pub command_state: Option<crate::commands::CommandState>,
    /// Why the command ended as it did, in words.
    pub command_reason: Option<String>,
}

/// An entry about to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewEntry {
    pub device: DeviceId,
    pub account: AccountId,
    pub at: Time,
    pub received_at: Time,
    pub device_at: Option<Time>,
    pub marks: i64,
    pub happening: Happening,
    pub origin: Origin,
    pub trigger: Option<Trigger>,
    pub result: Option<Completion>,
    pub auth_id: Option<u32>,
    pub code_id: Option<u32>,
    pub presses: Option<u8>,
    pub actor: Option<AccountId>,
    pub command: Option<CommandId>,
    pub delivered_by: Option<Vec<u8>>,
    pub name: Option<String>,
    /// Its number and time in the lock's own log.
    pub log: Option<(u32, Time)>,
}

impl NewEntry {
    pub(crate) fn at(
        account: AccountId,
        device: DeviceId,
        at: Time,
        happening: Happening,
        origin: Origin,
    ) -> Self {
        Self {
            device,
            account,
            at,
            received_at: at,
            device_at: None,
            marks: 0,
            happening,
            origin,
            trigger: None,
            result: Some(Completion::Success),
            auth_id: None,
            code_id: None,
            presses: None,
            actor: None,
            command: None,
            delivered_by: None,
            name: None,
            log: None,
        }
    }
}
