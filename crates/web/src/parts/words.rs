//! What a device is called, what its states are called and what its actions are called: each type of device has its own,
//! because the same numbers mean other things on another. Sources: Bridge API 1.13.3 (lock and opener states, modes),
//! Web API 4.10.0 (`SmartlockAction`, `Smartlock.State`).

use lockwarden_app::devices::{Device, DeviceType, LockAction, LockState, Mode};

use super::icon::Icon;

pub(crate) fn kind_words(kind: DeviceType) -> &'static str {
    match kind {
        DeviceType::SmartLock12 => "Smart Lock 1.0 or 2.0",
        DeviceType::Box => "Box",
        DeviceType::Opener => "Opener",
        DeviceType::SmartDoor => "Smart Door",
        DeviceType::SmartLock34 => "Smart Lock 3.0 or 4.0",
        DeviceType::SmartLock5 => "Smart Lock 5th generation",
        DeviceType::Other(_) => "unknown type",
    }
}

pub(crate) fn kind_icon(kind: DeviceType) -> Icon {
    match kind {
        DeviceType::SmartLock12 | DeviceType::SmartLock34 | DeviceType::SmartLock5 => Icon::Lock,
        DeviceType::SmartDoor => Icon::SmartDoor,
        DeviceType::Opener => Icon::Bell,
        DeviceType::Box => Icon::Box,
        DeviceType::Other(_) => Icon::Help,
    }
}

/// In the middle of a sentence.
pub(crate) fn noun(kind: Option<DeviceType>) -> &'static str {
    match kind {
        Some(DeviceType::Opener) => "the opener",
        Some(DeviceType::Box) => "the box",
        Some(DeviceType::SmartDoor) => "the Smart Door",
        _ => "the lock",
    }
}

pub(crate) fn is_opener(device: &Device) -> bool {
    device.kind == Some(DeviceType::Opener)
}

/// The word for a state, and its shape.
pub(crate) fn state(kind: Option<DeviceType>, state: LockState, mode: Option<Mode>) -> (Icon, &'static str) {
    match kind {
        Some(DeviceType::Opener) => of_opener(state, mode),
        Some(DeviceType::Box) => of_box(state),
        Some(DeviceType::SmartDoor) => of_smart_door(state),
        _ => of_lock(state),
    }
}

fn of_lock(state: LockState) -> (Icon, &'static str) {
    use LockState as S;
    match state {
        S::Locked => (Icon::Lock, "Locked"),
        S::Unlocked => (Icon::Unlock, "Unlocked"),
        S::UnlockedLockNGo => (Icon::Timer, "Unlocked for a moment"),
        S::Unlatched => (Icon::DoorOpen, "Open"),
        S::Unlocking => (Icon::Unlock, "Unlocking…"),
        S::Locking => (Icon::Lock, "Locking…"),
        S::Unlatching => (Icon::DoorOpen, "Opening…"),
        S::MotorBlocked => (Icon::Alert, "Jammed"),
        S::Uncalibrated => (Icon::Alert, "Not calibrated"),
        S::Calibration => (Icon::Busy, "Calibrating…"),
        S::BootRun => (Icon::Busy, "Starting…"),
        S::Undefined | S::Other(_) => (Icon::Help, "Unknown"),
    }
}

/// A door with its bolts built in: a lock's states, in the shape of a door.
fn of_smart_door(state: LockState) -> (Icon, &'static str) {
    use LockState as S;
    let (icon, word) = of_lock(state);
    let icon = match state {
        S::Locked | S::Locking => Icon::SmartDoor,
        S::Unlocked | S::Unlocking => Icon::Door,
        _ => icon,
    };
    (icon, word)
}

/// It has no bolt: it rests, or lets in whoever rings.
fn of_opener(state: LockState, mode: Option<Mode>) -> (Icon, &'static str) {
    use LockState as S;
    match (state, mode) {
        (S::Locked | S::Unlocked, Some(Mode::Continuous)) => (Icon::DoorOpen, "Continuous mode"),
        (S::Locked, _) => (Icon::Bell, "Ready"),
        (S::Unlocked, _) => (Icon::DoorOpen, "Ring to open"),
        (S::Unlatched, _) => (Icon::DoorOpen, "Open"),
        (S::Unlatching, _) => (Icon::DoorOpen, "Opening…"),
        (S::Uncalibrated, _) => (Icon::Alert, "Not set up"),
        (S::BootRun, _) => (Icon::Busy, "Starting…"),
        _ => (Icon::Help, "Unknown"),
    }
}

/// It opens the door of a house and has no bolt.
fn of_box(state: LockState) -> (Icon, &'static str) {
    use LockState as S;
    match state {
        S::Locked => (Icon::Box, "Ready"),
        S::Unlocked => (Icon::Unlock, "Unlocked"),
        S::Unlatched => (Icon::DoorOpen, "Open"),
        S::Unlocking | S::Unlatching => (Icon::DoorOpen, "Opening…"),
        S::Uncalibrated => (Icon::Alert, "Not set up"),
        S::BootRun => (Icon::Busy, "Starting…"),
        _ => (Icon::Help, "Unknown"),
    }
}

/// What the word of a state leaves open.
pub(crate) fn explanation(device: &Device, state: LockState) -> Option<String> {
    use LockState as S;
    let noun = noun(device.kind);
    match (device.kind, state) {
        (_, S::Undefined) => Some(format!("{noun} does not know its own state")),
        (_, S::Other(number)) => Some(format!("{noun} reports state {number}, which has no name here")),
        (Some(DeviceType::Opener), _) => opener_explanation(state, device.said.mode).map(ToOwned::to_owned),
        (Some(DeviceType::Box), S::Unlatched) => Some("the door can be pushed open".to_owned()),
        (Some(DeviceType::Box), S::Uncalibrated) => Some("set it up in the Nuki app".to_owned()),
        (Some(DeviceType::Box), _) => None,
        (Some(DeviceType::SmartDoor), S::MotorBlocked) => Some("the motor in the door is blocked".to_owned()),
        _ => lock_explanation(state).map(ToOwned::to_owned),
    }
}

fn lock_explanation(state: LockState) -> Option<&'static str> {
    match state {
        LockState::UnlockedLockNGo => Some("lock ’n’ go: it locks by itself soon"),
        LockState::Unlatched => Some("the latch is pulled back"),
        LockState::MotorBlocked => Some("the motor is blocked"),
        LockState::Uncalibrated => Some("calibrate it in the Nuki app"),
        _ => None,
    }
}

fn opener_explanation(state: LockState, mode: Option<Mode>) -> Option<&'static str> {
    match (state, mode) {
        (LockState::Locked | LockState::Unlocked, Some(Mode::Continuous)) => {
            Some("whoever rings is let in, until it is switched off")
        }
        (LockState::Unlocked, _) => Some("whoever rings is let in"),
        (LockState::Unlatched, _) => Some("the door can be pushed open"),
        (LockState::Uncalibrated, _) => Some("set its intercom up in the Nuki app"),
        _ => None,
    }
}

/// What a device is told by an action.
pub(crate) fn action(kind: Option<DeviceType>, action: LockAction) -> &'static str {
    match kind {
        Some(DeviceType::Opener) => match action {
            LockAction::Lock => "Ring to open off",
            LockAction::Unlock => "Ring to open on",
            LockAction::LockNGo => "Continuous mode on",
            LockAction::LockNGoUnlatch => "Continuous mode off",
            _ => of_any(action),
        },
        Some(DeviceType::Box) if action == LockAction::Unlock => "Open",
        _ => of_any(action),
    }
}

fn of_any(action: LockAction) -> &'static str {
    match action {
        LockAction::Lock | LockAction::FullLock => "Lock",
        LockAction::Unlock => "Unlock",
        LockAction::Unlatch => "Open",
        LockAction::LockNGo => "Lock ’n’ go",
        LockAction::LockNGoUnlatch => "Lock ’n’ go with opening",
        LockAction::FobNoAction | LockAction::ButtonNoAction | LockAction::Other(_) => "Action",
    }
}

/// An action while it goes on.
pub(crate) fn at_it(kind: Option<DeviceType>, of: LockAction) -> &'static str {
    match (kind, of) {
        (Some(DeviceType::Opener), _) => action(kind, of),
        (Some(DeviceType::Box), LockAction::Unlock) | (_, LockAction::Unlatch) => "Opening",
        (_, LockAction::Lock | LockAction::FullLock) => "Locking",
        (_, LockAction::Unlock) => "Unlocking",
        _ => action(kind, of),
    }
}
