//! What a device's card says, as plain values: from what the device said, and from nothing else. Whether it is drawn
//! as a tile, a row or a page is none of this file's business.

use std::time::Duration;

use lockwarden_app::activity::Origin;
use lockwarden_app::clock::Time;
use lockwarden_app::commands::{Command, CommandState};
use lockwarden_app::devices::{Device, DoorState, LastEvent, LockAction, LockState};

use super::icon::Icon;
use crate::when::{When, roughly};

/// Which of the counted kinds a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Locked,
    Unlocked,
    /// Somebody has to look after it.
    Problem,
    Offline,
    /// It has never connected.
    New,
    /// It moves, starts, or does not say.
    Between,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Locked, Self::Unlocked, Self::Problem, Self::Offline, Self::New, Self::Between];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
            Self::Problem => "problem",
            Self::Offline => "offline",
            Self::New => "new",
            Self::Between => "between",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Face {
    pub kind: Kind,
    pub icon: Icon,
    pub word: String,
    /// Since when, and how; each a few words.
    pub detail: Vec<String>,
}

/// The commands of one device that its card speaks of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doing {
    /// Oldest first: the first is at work.
    pub open: Vec<Command>,
    pub last: Option<Command>,
}

impl Doing {
    /// From a device's commands, newest first.
    pub(crate) fn of(newest_first: Vec<Command>) -> Self {
        let last = newest_first.first().cloned();
        let mut open: Vec<Command> = newest_first.into_iter().filter(|one| one.state.is_open()).collect();
        open.reverse();
        Self { open, last }
    }

    pub(crate) fn at_work(&self) -> Option<&Command> {
        self.open.first()
    }
}

pub(crate) fn face(device: &Device, doing: &Doing, when: &When) -> Face {
    if device.nuki_id.is_none() {
        return Face {
            kind: Kind::New,
            icon: Icon::Plug,
            word: "Not connected yet".to_owned(),
            detail: vec!["waiting for its first connection".to_owned()],
        };
    }
    let last_known = device.said.state.map(|state| format!("last known: {}", last_known(state)));
    if !device.link.online {
        let since = device
            .link
            .changed_at
            .map_or("offline".to_owned(), |at| format!("offline since {}", when.short(at)));
        return Face {
            kind: Kind::Offline,
            icon: Icon::Lost,
            word: "Unknown".to_owned(),
            detail: std::iter::once(since).chain(last_known).collect(),
        };
    }
    let Some(state) = device.said.state.filter(|_| !device.is_stale()) else {
        let waiting = "connected, but it has not said its state yet".to_owned();
        return Face {
            kind: Kind::Between,
            icon: Icon::Help,
            word: "Unknown".to_owned(),
            detail: std::iter::once(waiting).chain(last_known).collect(),
        };
    };
    let (kind, icon, word) = words(state);
    let mut detail: Vec<String> = explanation(state).into_iter().collect();
    if let Some(at) = device.said.state_changed_at {
        detail.push(format!("since {}", when.short(at)));
    }
    detail.extend(how(device, doing));
    Face { kind, icon, word, detail }
}

fn words(state: LockState) -> (Kind, Icon, String) {
    use LockState as S;
    let (kind, icon, word) = match state {
        S::Locked => (Kind::Locked, Icon::Lock, "Locked"),
        S::Unlocked => (Kind::Unlocked, Icon::Unlock, "Unlocked"),
        S::UnlockedLockNGo => (Kind::Unlocked, Icon::Timer, "Unlocked for a moment"),
        S::Unlatched => (Kind::Unlocked, Icon::DoorOpen, "Open"),
        S::Unlocking => (Kind::Between, Icon::Unlock, "Unlocking…"),
        S::Locking => (Kind::Between, Icon::Lock, "Locking…"),
        S::Unlatching => (Kind::Between, Icon::DoorOpen, "Opening…"),
        S::MotorBlocked => (Kind::Problem, Icon::Alert, "Jammed"),
        S::Uncalibrated => (Kind::Problem, Icon::Alert, "Not calibrated"),
        S::Calibration => (Kind::Between, Icon::Busy, "Calibrating…"),
        S::BootRun => (Kind::Between, Icon::Busy, "Starting…"),
        S::Undefined | S::Other(_) => (Kind::Problem, Icon::Help, "Unknown"),
    };
    (kind, icon, word.to_owned())
}

fn explanation(state: LockState) -> Option<String> {
    match state {
        LockState::UnlockedLockNGo => Some("lock ’n’ go: it locks by itself soon".to_owned()),
        LockState::Unlatched => Some("the latch is pulled back".to_owned()),
        LockState::MotorBlocked => Some("the motor is blocked".to_owned()),
        LockState::Uncalibrated => Some("calibrate it in the Nuki app".to_owned()),
        LockState::Undefined => Some("the lock does not know its own state".to_owned()),
        LockState::Other(number) => Some(format!("the lock reports state {number}, which has no name here")),
        _ => None,
    }
}

fn last_known(state: LockState) -> String {
    words(state).2.trim_end_matches('…').to_lowercase()
}

/// How near an event or command has to be to a change of state to have caused it.
const NEAR: Duration = Duration::from_mins(2);

/// Who or what brought the device into its state, if that is known: of what leads to this state, the later one.
fn how(device: &Device, doing: &Doing) -> Option<String> {
    let (state, changed) = (device.said.state?, device.said.state_changed_at?);
    let near = |at: Time| changed.since(at) <= NEAR && at.since(changed) <= NEAR;
    let ours = doing.last.as_ref().filter(|command| {
        let begun = matches!(command.state, CommandState::Accepted | CommandState::Done);
        let before = command.created_at <= changed && near(command.created_at);
        begun && before && command.action.passes(state)
    });
    let event = device.said.last.filter(|event| {
        let after_ours = ours.is_none_or(|command| command.created_at <= event.at);
        near(event.at) && after_ours && event.action.passes(state)
    });
    match (event, ours) {
        (Some(event), _) if event.origin != Origin::Mqtt => Some(origin(&event)),
        (_, Some(command)) => Some(by(command)),
        (Some(event), None) => Some(origin(&event)),
        (None, None) => None,
    }
}

fn by(command: &Command) -> String {
    match &command.actor_name {
        Some(name) => format!("by {name}"),
        None => "from the server".to_owned(),
    }
}

fn origin(event: &LastEvent) -> String {
    match (event.origin, event.code_id) {
        (Origin::KeypadCode, Some(code)) => format!("entry code {code}"),
        (Origin::KeypadFingerprint, Some(finger)) => format!("fingerprint {finger}"),
        _ => origin_words(event.origin).to_owned(),
    }
}

pub(crate) fn origin_words(origin: Origin) -> &'static str {
    match origin {
        Origin::Console | Origin::Mqtt => "from Lockwarden",
        Origin::App => "by app or Bluetooth",
        Origin::AutoUnlock => "auto unlock",
        Origin::KeypadCode => "entry code",
        Origin::KeypadFingerprint => "fingerprint",
        Origin::KeypadButton => "button of the keypad",
        Origin::Button => "button of the lock",
        Origin::Fob => "fob",
        Origin::TimeControl => "time control",
        Origin::AutoLock => "auto lock",
        Origin::HomeKitOrMatter => "HomeKit or Matter",
        Origin::ByHand => "by hand",
        Origin::Unknown | Origin::Other(_) => "unknown how",
    }
}

pub(crate) fn action_words(action: LockAction) -> &'static str {
    match action {
        LockAction::Lock | LockAction::FullLock => "Lock",
        LockAction::Unlock => "Unlock",
        LockAction::Unlatch => "Open",
        LockAction::LockNGo => "Lock ’n’ go",
        LockAction::LockNGoUnlatch => "Lock ’n’ go with opening",
        LockAction::FobNoAction | LockAction::ButtonNoAction | LockAction::Other(_) => "Action",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Warn,
    Bad,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    pub tone: Tone,
    pub icon: Icon,
    pub text: String,
}

/// A device clock further off than this is worth a word; the log marks entries from the same bound on.
const CLOCK_TOLERANCE_MS: i64 = 120_000;
const LOW_BATTERY: u8 = 20;

/// What somebody has to know or do. Nothing, most of the time.
pub(crate) fn chips(device: &Device, when: &When) -> Vec<Chip> {
    let said = &device.said;
    let mut chips = Vec::new();
    let mut chip = |tone, icon, text: String| chips.push(Chip { tone, icon, text });
    // What it said before it was away is no reason to send anybody to the door.
    if device.link.online && !device.is_stale() {
        if said.state == Some(LockState::MotorBlocked) {
            chip(Tone::Bad, Icon::Alert, "Somebody must look at the door".to_owned());
        }
        match said.door {
            Some(DoorState::Opened) => {
                let locked = said.state.is_some_and(LockState::is_locked);
                let since =
                    said.door_changed_at.map(|at| format!(" since {}", when.short(at))).unwrap_or_default();
                let (tone, words) = if locked {
                    (Tone::Bad, format!("Door open{since}, although locked"))
                } else {
                    (Tone::Warn, format!("Door open{since}"))
                };
                chip(tone, Icon::DoorOpen, words);
            }
            Some(DoorState::Tampered) => chip(Tone::Bad, Icon::Alert, "Door sensor tampered with".to_owned()),
            _ => {}
        }
    }
    if device.link.online && device.link.accepts_commands == Some(false) {
        chip(Tone::Warn, Icon::Off, "“Allow locking” is off".to_owned());
    }
    // These go on being true or not while it is away, and may be why it is.
    let old = if device.link.online { "" } else { ", last known" };
    let percent = said.battery_percent;
    if said.battery_critical == Some(true) {
        let left = percent.map(|percent| format!(", {percent} %")).unwrap_or_default();
        chip(Tone::Bad, Icon::Battery, format!("Battery critical{left}{old}"));
    } else if let Some(percent) = percent.filter(|percent| *percent <= LOW_BATTERY) {
        chip(Tone::Warn, Icon::Battery, format!("Battery {percent} %{old}"));
    }
    if said.keypad_battery_critical == Some(true) {
        chip(Tone::Bad, Icon::Keypad, format!("Keypad battery critical{old}"));
    }
    if said.door_battery_critical == Some(true) {
        chip(Tone::Bad, Icon::Door, format!("Door sensor battery critical{old}"));
    }
    if let Some(off) = said.clock_offset_ms.filter(|off| off.abs() > CLOCK_TOLERANCE_MS) {
        let direction = if off > 0 { "fast" } else { "slow" };
        chip(Tone::Warn, Icon::ClockWrong, format!("Its clock is {} {direction}{old}", roughly(off)));
    }
    chips
}

#[cfg(test)]
#[path = "face_tests.rs"]
mod tests;
