//! What happened, as a sentence a person would say. Pure: an entry in, words out.

use lockwarden_app::activity::{Completion, Entry, Happening, Origin};
use lockwarden_app::commands::CommandState;
use lockwarden_app::devices::DeviceType;

use super::face::origin_words;
use super::icon::Icon;
use super::said::sentence as capital;
use super::words::noun;

/// A piece of a sentence: plain words, or whose name it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Words(String),
    Person(String),
    Device(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence {
    pub pieces: Vec<Piece>,
    /// What else is known, in small print.
    pub more: Vec<String>,
    pub icon: Icon,
    /// `ok`, `warn`, `bad` or nothing: the colour of the icon.
    pub tone: &'static str,
    /// It did not work, and says so in red.
    pub failed: bool,
}

impl Sentence {
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Words(text) | Piece::Person(text) | Piece::Device(text) => text.clone(),
        };
        self.pieces.iter().map(text).collect()
    }
}

fn words(text: impl Into<String>) -> Piece {
    Piece::Words(text.into())
}

fn device_of(entry: &Entry) -> Piece {
    Piece::Device(entry.device_name.clone())
}

/// The same action in the forms that sentences need.
struct Verb {
    /// "Anna unlocked …"
    did: &'static str,
    /// "Anna asked to unlock …"
    to_do: &'static str,
    /// "… was unlocked", "… could not be unlocked"
    passive: &'static str,
    icon: Icon,
    tone: &'static str,
}

fn verb(entry: &Entry) -> Option<Verb> {
    use Happening as H;
    if entry.device_kind == Some(DeviceType::Opener) {
        return opener_verb(entry.happening);
    }
    let (did, to_do, icon, tone) = match entry.happening {
        H::Unlock if entry.device_kind == Some(DeviceType::Box) => ("opened", "open", Icon::DoorOpen, "warn"),
        H::Unlock => ("unlocked", "unlock", Icon::Unlock, "warn"),
        H::Lock | H::FullLock => ("locked", "lock", Icon::Lock, "ok"),
        H::Unlatch => ("opened", "open", Icon::DoorOpen, "warn"),
        H::LockNGo => ("started lock ’n’ go at", "start lock ’n’ go at", Icon::Timer, "warn"),
        H::LockNGoUnlatch => {
            ("started lock ’n’ go with opening at", "start lock ’n’ go with opening at", Icon::Timer, "warn")
        }
        _ => return None,
    };
    let passive = match entry.happening {
        H::LockNGo => "unlocked for lock ’n’ go",
        H::LockNGoUnlatch => "opened for lock ’n’ go",
        _ => did,
    };
    Some(Verb { did, to_do, passive, icon, tone })
}

/// What the same numbers mean on an opener.
fn opener_verb(happening: Happening) -> Option<Verb> {
    use Happening as H;
    let (did, to_do, passive, icon, tone) = match happening {
        H::Unlock => (
            "switched ring to open on at",
            "switch ring to open on at",
            "set to ring to open",
            Icon::Bell,
            "warn",
        ),
        H::Lock | H::FullLock => (
            "switched ring to open off at",
            "switch ring to open off at",
            "taken off ring to open",
            Icon::Bell,
            "ok",
        ),
        H::Unlatch => ("opened", "open", "opened", Icon::DoorOpen, "warn"),
        H::LockNGo => (
            "switched continuous mode on at",
            "switch continuous mode on at",
            "put into continuous mode",
            Icon::Bell,
            "warn",
        ),
        H::LockNGoUnlatch => (
            "switched continuous mode off at",
            "switch continuous mode off at",
            "taken out of continuous mode",
            Icon::Bell,
            "ok",
        ),
        _ => return None,
    };
    Some(Verb { did, to_do, passive, icon, tone })
}

pub(crate) fn sentence(entry: &Entry) -> Sentence {
    if let Some(result @ (Completion::InvalidCode | Completion::InvalidFingerprint)) = entry.result {
        return wrong_code(entry, result);
    }
    match (verb(entry), entry.command_state) {
        (Some(verb), Some(state)) => ordered(entry, &verb, state),
        (Some(verb), None) => told(entry, &verb),
        (None, _) => noticed(entry),
    }
}

/// For a device's own page, where its name would only repeat the heading.
pub(crate) fn nameless(entry: &Entry) -> Sentence {
    let mut told = sentence(entry);
    if let [.., Piece::Words(before), Piece::Device(_)] = told.pieces.as_mut_slice()
        && let Some(rest) = before.strip_suffix(" at ")
    {
        *before = rest.to_owned();
        told.pieces.pop();
    }
    for piece in &mut told.pieces {
        if matches!(piece, Piece::Device(_)) {
            *piece = words(noun(entry.device_kind));
        }
    }
    if let Some(Piece::Words(first)) = told.pieces.first_mut() {
        *first = capital(first);
    }
    told
}

fn wrong_code(entry: &Entry, result: Completion) -> Sentence {
    let what = match result {
        Completion::InvalidCode => "Wrong code at the keypad of ",
        _ => "Unknown finger at the keypad of ",
    };
    Sentence {
        pieces: vec![words(what), device_of(entry)],
        more: Vec::new(),
        icon: Icon::Keypad,
        tone: "bad",
        failed: true,
    }
}

/// An order from here: who gave it, and what became of it.
fn ordered(entry: &Entry, verb: &Verb, state: CommandState) -> Sentence {
    let who = Piece::Person(entry.actor_name.clone().unwrap_or_else(|| "The server".to_owned()));
    let device = device_of(entry);
    let reason = entry.command_reason.clone();
    let noun = noun(entry.device_kind);
    let asked = |more: &str, icon, tone, failed| Sentence {
        pieces: vec![who.clone(), words(format!(" asked to {} ", verb.to_do)), device.clone()],
        more: vec![more.to_owned()],
        icon,
        tone,
        failed,
    };
    match state {
        CommandState::Created => asked("about to be sent", Icon::Clock, "", false),
        CommandState::Sent => asked(&format!("sent, waiting for {noun}"), Icon::Clock, "", false),
        CommandState::Accepted => asked(&format!("{noun} has begun"), Icon::Busy, "", false),
        CommandState::Done => Sentence {
            pieces: vec![who, words(format!(" {} ", verb.did)), device],
            more: reason.into_iter().collect(),
            icon: verb.icon,
            tone: verb.tone,
            failed: false,
        },
        CommandState::Failed => {
            let why = reason.unwrap_or_else(|| format!("{noun} did not do it"));
            asked(&failed(&why), Icon::Cross, "bad", true)
        }
        CommandState::Expired => {
            let why = reason.unwrap_or_else(|| "it could not be sent in time".to_owned());
            asked(&format!("not sent: {why}"), Icon::Cross, "bad", true)
        }
        CommandState::Unknown => {
            let why = reason.unwrap_or_else(|| format!("no answer from {noun}"));
            asked(&why, Icon::Help, "warn", true)
        }
    }
}

fn failed(why: &str) -> String {
    format!("failed: {why}")
}

/// Something the lock told of itself.
fn told(entry: &Entry, verb: &Verb) -> Sentence {
    let device = device_of(entry);
    if let Some(why) = entry.result.and_then(result_words) {
        return Sentence {
            pieces: vec![device, words(format!(" could not be {}", verb.passive))],
            more: std::iter::once(failed(why)).chain(who(entry)).collect(),
            icon: Icon::Alert,
            tone: "bad",
            failed: true,
        };
    }
    let itself = matches!(entry.origin, Origin::AutoLock | Origin::TimeControl | Origin::AutoUnlock);
    let done = verb.passive;
    let mut more = Vec::new();
    let rest = match (entry.origin, entry.code_id) {
        _ if itself => {
            let why = origin_words(entry.origin);
            more.push(entry.name.as_ref().map_or(why.to_owned(), |name| format!("{why}, for {name}")));
            return Sentence {
                pieces: vec![device, words(format!(" {done} itself"))],
                more,
                icon: verb.icon,
                tone: verb.tone,
                failed: false,
            };
        }
        (Origin::KeypadCode, Some(code)) => format!(" with entry code no. {code}"),
        (Origin::KeypadFingerprint, Some(finger)) => format!(" with fingerprint no. {finger}"),
        (Origin::KeypadCode, None) => " with an entry code".to_owned(),
        (Origin::KeypadFingerprint, None) => " with a fingerprint".to_owned(),
        (Origin::KeypadButton, _) => " with the button of the keypad".to_owned(),
        (Origin::Button, _) => format!(" with its button{}", presses(entry)),
        (Origin::Fob, _) => format!(" with a fob{}", presses(entry)),
        (Origin::App, _) => " by app or Bluetooth".to_owned(),
        (Origin::HomeKitOrMatter, _) => " by HomeKit or Matter".to_owned(),
        (Origin::Mqtt | Origin::Console, _) => " from Lockwarden".to_owned(),
        (Origin::ByHand, _) => " by hand".to_owned(),
        _ => String::new(),
    };
    let pieces = match &entry.name {
        Some(name) => {
            vec![Piece::Person(name.clone()), words(format!(" {} ", verb.did)), device, words(rest)]
        }
        None => vec![device, words(format!(" was {done}{rest}"))],
    };
    more.extend(how(entry));
    Sentence { pieces, more, icon: verb.icon, tone: verb.tone, failed: false }
}

fn presses(entry: &Entry) -> String {
    match entry.presses {
        Some(times @ 2..) => format!(", pressed {times} times"),
        _ => String::new(),
    }
}

/// Who it was, where the sentence does not say it.
fn who(entry: &Entry) -> Option<String> {
    entry.name.as_ref().map(|name| format!("by {name}")).or_else(|| how(entry))
}

/// Who it was, as far as the lock said it by number alone.
fn how(entry: &Entry) -> Option<String> {
    let number = entry.auth_id.filter(|_| entry.name.is_none());
    number.map(|auth| format!("authorization {auth}"))
}

/// Anything that is not an action of the lock.
fn noticed(entry: &Entry) -> Sentence {
    use Happening as H;
    let device = device_of(entry);
    let by_hand = entry.origin == Origin::ByHand;
    let turned = |to: &str| if by_hand { format!(" was {to} by hand") } else { format!(" is now {to}") };
    let away = (!by_hand).then(|| "it happened while it was not connected".to_owned());
    let (pieces, more, icon, tone) = match entry.happening {
        H::TurnedToLocked => (vec![device, words(turned("locked"))], away, Icon::Lock, "ok"),
        H::TurnedToUnlocked => (vec![device, words(turned("unlocked"))], away, Icon::Unlock, "warn"),
        H::Jammed => {
            let why = Some("the motor is blocked; somebody must look at the door".to_owned());
            (vec![device, words(" is jammed")], why, Icon::Alert, "bad")
        }
        H::WentOffline => (vec![device, words(" went offline")], None, Icon::Lost, ""),
        H::CameOnline => (vec![device, words(" is connected again")], None, Icon::Online, ""),
        H::DoorOpened => (vec![words("Door opened at "), device], None, Icon::DoorOpen, ""),
        H::DoorClosed => (vec![words("Door closed at "), device], None, Icon::Door, ""),
        H::DoorSensorJammed => {
            let why = Some("its sensor does not feel its magnet as it should".to_owned());
            (vec![words("The door sensor is stuck at "), device], why, Icon::Alert, "warn")
        }
        H::Doorbell => (vec![words("The doorbell rang at "), device], None, Icon::Bell, ""),
        H::Calibrated => (vec![device, words(" was calibrated")], None, Icon::Check, ""),
        H::Initialized => (vec![device, words(" was set up anew")], None, Icon::Check, ""),
        H::LogOn => (vec![words("The lock’s log was switched on at "), device], None, Icon::Activity, ""),
        H::LogOff => {
            (vec![words("The lock’s log was switched off at "), device], None, Icon::Activity, "warn")
        }
        H::DoorLogOn => {
            (vec![words("The log of the door sensor was switched on at "), device], None, Icon::Activity, "")
        }
        H::DoorLogOff => (
            vec![words("The log of the door sensor was switched off at "), device],
            None,
            Icon::Activity,
            "warn",
        ),
        H::FobNoAction => (
            vec![words("A fob was pressed at "), device],
            Some("it is set to do nothing".to_owned()),
            Icon::Key,
            "",
        ),
        H::ButtonNoAction => {
            let why = Some("it is set to do nothing".to_owned());
            (vec![words("The button was pressed at "), device], why, Icon::Hand, "")
        }
        other => {
            let number = Some(format!("event {}", other.code()));
            (vec![device, words(" told of something that has no name here")], number, Icon::Help, "")
        }
    };
    let failed = entry.happening == H::Jammed;
    Sentence { pieces, more: more.into_iter().chain(who(entry)).collect(), icon, tone, failed }
}

/// Why it did not work; nothing if it did, or if the device has not said.
fn result_words(result: Completion) -> Option<&'static str> {
    use Completion as C;
    Some(match result {
        C::Success => return None,
        C::MotorBlocked => "the motor is blocked",
        C::Canceled => "stopped at the lock",
        C::TooRecent => "too soon after the last one",
        C::Busy => "the lock was busy",
        C::LowMotorVoltage => "the batteries are too weak",
        C::ClutchFailure => "the clutch slipped",
        C::MotorPowerFailure => "the motor has no power",
        C::Incomplete => "it stopped half-way",
        C::Rejected => "the lock refused it",
        C::RejectedNightMode => "night mode does not allow it",
        C::InvalidCode => "wrong code",
        C::InvalidFingerprint => "unknown finger",
        C::OtherError | C::Unknown | C::Other(_) => "the lock gave no reason",
    })
}

/// The short word in the column at the right.
pub(crate) fn method(entry: &Entry) -> Option<&'static str> {
    Some(match entry.origin {
        Origin::Console | Origin::Mqtt => "Lockwarden",
        Origin::App => "App",
        Origin::AutoUnlock | Origin::TimeControl | Origin::AutoLock => "Automatic",
        Origin::KeypadCode | Origin::KeypadFingerprint | Origin::KeypadButton => "Keypad",
        Origin::Button => "Button",
        Origin::Fob => "Fob",
        Origin::HomeKitOrMatter => "HomeKit, Matter",
        Origin::ByHand => "By hand",
        Origin::Unknown | Origin::Other(_) => match entry.happening {
            Happening::WentOffline | Happening::CameOnline => "Connection",
            Happening::DoorOpened | Happening::DoorClosed | Happening::DoorSensorJammed => "Door sensor",
            Happening::Doorbell => "Doorbell",
            _ => return None,
        },
    })
}

#[cfg(test)]
#[path = "sentence_tests.rs"]
mod tests;
