//! What a device's card says, as plain values: from what the device said, and from nothing else. Whether it is drawn
//! as a tile, a row or a page is none of this file's business.

use std::time::Duration;

use lockwarden_app::activity::Origin;
use lockwarden_app::clock::Time;
use lockwarden_app::commands::{Command, CommandState};
pub(crate) use lockwarden_app::devices::Kind;
use lockwarden_app::devices::{
    Connector, Device, DoorState, LastEvent, LockAction, LockState, Problem, Problems,
};

use super::icon::Icon;
use super::words;
use crate::when::{When, roughly};

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
    let kind = Kind::of(device);
    if kind == Kind::New {
        let (word, detail) = if device.link.online && device.link.is_out_of_reach {
            ("Unknown", out_of_reach(device))
        } else if device.link.online && device.connector == Connector::NukiHub {
            ("Unknown", "its hub is connected, and has told nothing of it yet")
        } else {
            ("Not connected yet", "waiting for its first connection")
        };
        return Face { kind, icon: Icon::Plug, word: word.to_owned(), detail: vec![detail.to_owned()] };
    }
    let last_known = device.said.state.map(|state| format!("last known: {}", last_known(device, state)));
    if kind == Kind::Offline {
        let since = device
            .link
            .changed_at
            .map_or("offline".to_owned(), |at| format!("offline since {}", when.short(at)));
        return Face {
            kind,
            icon: Icon::Lost,
            word: "Unknown".to_owned(),
            detail: std::iter::once(since).chain(last_known).collect(),
        };
    }
    let Some(state) = device.said.state.filter(|_| !device.is_stale()) else {
        let waiting = if device.link.is_out_of_reach {
            out_of_reach(device)
        } else {
            "connected, but it has not said its state yet"
        };
        return Face {
            kind,
            icon: Icon::Help,
            word: "Unknown".to_owned(),
            detail: std::iter::once(waiting.to_owned()).chain(last_known).collect(),
        };
    };
    let (icon, word) = words::state(device.kind, state, device.said.mode);
    let mut detail: Vec<String> = words::explanation(device, state).into_iter().collect();
    if let Some(at) = device.said.state_changed_at {
        detail.push(format!("since {}", when.short(at)));
    }
    detail.extend(how(device, doing));
    let rang = device.said.rang_at.filter(|at| words::is_opener(device) && when.now.since(*at) <= RECENT);
    detail.extend(rang.map(|at| format!("rang {}", when.short(at))));
    Face { kind, icon, word: word.to_owned(), detail }
}

/// What it is reached through is there and does not reach it.
pub(crate) fn out_of_reach(device: &Device) -> &'static str {
    match device.connector {
        Connector::NukiBridge => "out of reach of its bridge",
        _ => "out of reach of its hub",
    }
}

fn last_known(device: &Device, state: LockState) -> String {
    words::state(device.kind, state, device.said.mode).1.trim_end_matches('…').to_lowercase()
}

/// A ring is news for so long.
const RECENT: Duration = Duration::from_hours(1);
/// How near an event or command has to be to a change of state to have caused it.
const NEAR: Duration = Duration::from_mins(2);

/// A state is heard of so long after the order that led to it has ended, at most. What comes later was somebody else's.
const HEARD_LATE: Duration = Duration::from_secs(10);

/// Who or what brought the device into its state, if that is known: of what leads to this state, the later one.
fn how(device: &Device, doing: &Doing) -> Option<String> {
    let (state, changed) = (device.said.state?, device.said.state_changed_at?);
    let near = |at: Time| changed.since(at) <= NEAR && at.since(changed) <= NEAR;
    let ours = doing.last.as_ref().filter(|command| {
        let begun = matches!(command.state, CommandState::Accepted | CommandState::Done);
        let before = command.created_at <= changed && near(command.created_at);
        let not_after = command.ended_at.is_none_or(|end| changed <= end.plus(HEARD_LATE));
        begun && before && not_after && leads_here(device, command.action, state)
    });
    let event = device.said.last.as_ref().filter(|event| {
        let after_ours = ours.is_none_or(|command| command.created_at <= event.at);
        near(event.at) && after_ours && leads_here(device, event.action, state)
    });
    match (event, ours) {
        (Some(event), _) if event.origin != Origin::Mqtt => Some(origin(event)),
        (_, Some(command)) => Some(by(command)),
        (Some(event), None) => Some(origin(event)),
        (None, None) => None,
    }
}

/// An opener's continuous mode is no state of its own, and what ends or begins ring to open does not lead into it.
fn leads_here(device: &Device, action: LockAction, state: LockState) -> bool {
    let into_continuous = action == LockAction::LockNGo;
    if device.lets_everybody_in() {
        return into_continuous;
    }
    action.passes(state) && !(into_continuous && words::is_opener(device))
}

fn by(command: &Command) -> String {
    match &command.actor_name {
        Some(name) => format!("by {name}"),
        None => "from the server".to_owned(),
    }
}

/// By name, if one is known: then the number is in the log alone.
fn origin(event: &LastEvent) -> String {
    let words = origin_words(event.origin);
    match (event.origin, event.code_id, &event.name) {
        (_, _, Some(name)) => format!("by {name}, {}", words.trim_start_matches("by ")),
        (Origin::KeypadCode, Some(code), None) => format!("{words} no. {code}"),
        (Origin::KeypadFingerprint, Some(finger), None) => format!("{words} no. {finger}"),
        _ => words.to_owned(),
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

/// What somebody has to know or do. Nothing, most of the time.
pub(crate) fn chips(device: &Device, when: &When) -> Vec<Chip> {
    let (said, online) = (&device.said, device.link.online);
    let mut chips: Vec<Chip> = Problems::of(device, when.now)
        .iter()
        .filter_map(|problem| problem_chip(problem, device, when))
        .collect();
    // Not wrong yet, and worth knowing.
    if online && !device.is_stale() && said.door == Some(DoorState::Opened) && !is_locked(device) {
        let since = door_since(device, when);
        chips.insert(0, Chip { tone: Tone::Warn, icon: Icon::DoorOpen, text: format!("Door open{since}") });
    }
    chips
}

fn is_locked(device: &Device) -> bool {
    device.said.state.is_some_and(LockState::is_locked)
}

fn door_since(device: &Device, when: &When) -> String {
    device.said.door_changed_at.map(|at| format!(" since {}", when.short(at))).unwrap_or_default()
}

/// What is wrong, unless the state's own word or another chip tells it.
fn problem_chip(problem: Problem, device: &Device, when: &When) -> Option<Chip> {
    let said = &device.said;
    // These go on being true or not while it is away, and may be why it is.
    let old = if device.link.online { "" } else { ", last known" };
    let charging = if said.battery_charging == Some(true) { ", charging" } else { "" };
    let (tone, icon, text) = match problem {
        Problem::Jammed => (Tone::Bad, Icon::Alert, "Somebody must look at the door".to_owned()),
        Problem::LockedButOpen => {
            (Tone::Bad, Icon::DoorOpen, format!("Door open{}, although locked", door_since(device, when)))
        }
        Problem::SensorTampered => (Tone::Bad, Icon::Alert, "Door sensor tampered with".to_owned()),
        Problem::TakesNoCommands if device.connector == Connector::NukiMqtt => {
            (Tone::Warn, Icon::Off, "“Allow locking” is off".to_owned())
        }
        Problem::TakesNoCommands => (Tone::Warn, Icon::Off, "The hub takes no commands".to_owned()),
        Problem::BatteryCritical => {
            let left = said.battery_percent.map(|percent| format!(", {percent} %")).unwrap_or_default();
            (Tone::Bad, Icon::Battery, format!("Battery critical{left}{charging}{old}"))
        }
        Problem::BatteryLow => {
            let left = said.battery_percent.unwrap_or(0);
            (Tone::Warn, Icon::Battery, format!("Battery {left} %{charging}{old}"))
        }
        Problem::KeypadBattery => (Tone::Bad, Icon::Keypad, format!("Keypad battery critical{old}")),
        Problem::DoorBattery => (Tone::Bad, Icon::Door, format!("Door sensor battery critical{old}")),
        Problem::ClockWrong => {
            let off = said.clock_offset_ms.unwrap_or(0);
            let direction = if off > 0 { "fast" } else { "slow" };
            (Tone::Warn, Icon::ClockWrong, format!("Its clock is {} {direction}{old}", roughly(off)))
        }
        Problem::NotCalibrated | Problem::StateUnknown | Problem::DoorLeftOpen | Problem::Offline => {
            return None;
        }
    };
    Some(Chip { tone, icon, text })
}

#[cfg(test)]
#[path = "face_tests.rs"]
mod tests;
