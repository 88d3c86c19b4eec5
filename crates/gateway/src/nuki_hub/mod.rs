//! The connector `nuki-hub`: Nuki Hub 9 (ESP32) at our MQTT door, from topics and payloads to observations. A hub brings a
//! lock, an opener, or both; it speaks Bluetooth with them, so what it says of their state is seconds old.

mod answers;
pub(crate) mod config;
mod log;
mod names;
mod people;
mod reach;
mod settings;
mod state;

use std::time::Duration;

use lockwarden_app::devices::{LockAction, Observation};
use lockwarden_app::foreign::plain;
use lockwarden_app::ways::{Fact, HubPart, Trouble};

use crate::realm::Handle;

pub(crate) use names::{HubName, base_path_of, filter_for, name};
pub(crate) use reach::{Reach, Taken};

/// The largest buffer that a hub can be given (Nuki Hub 9, "Char buffer size").
pub(crate) const LONGEST_PAYLOAD: usize = 65_536;
/// From here on a payload that ends in the middle was cut by the hub's buffer (4,096 bytes unless it was changed).
const SHORTEST_CUT: usize = 1_024;

/// What a hub writes where there is nothing.
const NOTHING: &[u8] = b"--";

/// A hub ignores everything in its first two seconds on a connection (Nuki Hub 9, `onMqttDataReceived`), counted from when
/// it has seen our answer.
pub(crate) const SETTLED: Duration = Duration::from_secs(3);
/// And commands in its first six (`mqttRecentlyConnected`).
pub(crate) const DEAF: Duration = Duration::from_secs(7);

/// Asks a hub for everything it can tell: it answers within seconds, by Bluetooth. With its configuration it
/// reads the authorizations, and its codes only when it is asked for them.
pub(crate) fn ask(handle: &Handle) {
    put(handle, &["query/config", "query/keypad", "query/lockstate", "query/battery"], "1");
    // A hub without the lock's PIN publishes no log and says nothing of it. It says so to whoever changes settings, also to
    // somebody who changes none.
    put(handle, &["configuration/action"], "{}");
}

/// Asks how things stand after something was set. Each question costs the lock some of its battery.
pub(crate) fn ask_again(handle: &Handle) {
    put(handle, &["query/config", "query/lockstate", "query/battery"], "1");
}

/// Asks for the state alone.
pub(crate) fn ask_state(handle: &Handle) {
    put(handle, &["query/lockstate"], "1");
}

fn put(handle: &Handle, questions: &[&str], payload: &str) {
    let topics: Vec<Box<str>> = handle.out().questions.iter().map(|(topic, _)| topic.clone()).collect();
    let is_one = |topic: &str| {
        let is = |question: &&str| topic.strip_suffix(question).is_some_and(|before| before.ends_with('/'));
        questions.iter().any(is)
    };
    for topic in topics.iter().filter(|topic| is_one(topic)) {
        handle.tell(topic, payload);
    }
}

/// A payload that its topic does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Malformed,
    /// It ends where the hub's buffer ended.
    Truncated,
}

/// What a hub publishes of one of its devices: `rest` is what follows `<base>/lock/` or `<base>/opener/`.
pub(crate) fn read(part: HubPart, rest: &str, payload: &[u8]) -> Result<Option<Observation>, Unreadable> {
    if payload.is_empty() {
        return Ok(None);
    }
    if payload.len() > LONGEST_PAYLOAD {
        return Err(Unreadable::Malformed);
    }
    Ok(match rest {
        "json" => Some(state::read(part, payload)?),
        "availability" => (text(payload)? == "offline").then(reach::is_not_reached),
        "action" => answers::action(text(payload)?).map(Observation::Hub),
        "commandResult" => answers::command_result(text(payload)?).map(Observation::Hub),
        "retry" => answers::retry(text(payload)?).map(Observation::Hub),
        "log" | "shortLog" | "rollingLog" => log::read(part, payload)?,
        "keypad/json" => people::codes(payload)?,
        "authorization/json" => people::authorizations(payload)?,
        "configuration/basicJson" | "configuration/advancedJson" => Some(settings::read(part, payload)?),
        "configuration/commandResult" => Some(settings::read_answer(part, payload)?),
        "battery/basicJson" => Some(state::battery(payload)?),
        "battery/advancedJson" => Some(state::battery_report(payload)?),
        "rssi" => number_fact(Fact::Signal, text(payload)?),
        "hybridConnected" => flag_fact(Fact::Hybrid, text(payload)?),
        _ => None,
    })
}

/// What a hub publishes of itself: `rest` is what follows `<base>/`.
pub(crate) fn read_own(rest: &str, payload: &[u8]) -> Result<Option<Observation>, Unreadable> {
    if payload.is_empty() {
        return Ok(None);
    }
    let word = text(payload)?;
    Ok(match rest {
        "maintenance/wifiRssi" => number_fact(Fact::HubSignal, word),
        "maintenance/restartReasonNukiHub" => Some(fact(Fact::HubRestart, word)),
        "info/nukiHubVersion" => Some(fact(Fact::HubVersion, word)),
        "info/nukiHubIp" => Some(fact(Fact::HubAddress, word)),
        _ => None,
    })
}

/// The word for an action (Nuki Hub 9, `lock/action`, `opener/action`); nothing for what it cannot be told.
pub(crate) fn word(part: HubPart, action: LockAction) -> Option<&'static str> {
    Some(match (part, action) {
        (HubPart::Lock, LockAction::Unlock) => "unlock",
        (HubPart::Lock, LockAction::Lock) => "lock",
        (HubPart::Lock, LockAction::Unlatch) => "unlatch",
        (HubPart::Lock, LockAction::LockNGo) => "lockNgo",
        (HubPart::Lock, LockAction::LockNGoUnlatch) => "lockNgoUnlatch",
        (HubPart::Lock, LockAction::FullLock) => "fullLock",
        (HubPart::Opener, LockAction::Unlock) => "activateRTO",
        (HubPart::Opener, LockAction::Lock) => "deactivateRTO",
        (HubPart::Opener, LockAction::Unlatch) => "electricStrikeActuation",
        (HubPart::Opener, LockAction::LockNGo) => "activateCM",
        (HubPart::Opener, LockAction::LockNGoUnlatch) => "deactivateCM",
        _ => return None,
    })
}

fn fact(fact: Fact, value: &str) -> Observation {
    Observation::Facts(vec![(fact, short(value))])
}

fn number_fact(which: Fact, word: &str) -> Option<Observation> {
    let number: i64 = word.parse().ok()?;
    (-200..=200).contains(&number).then(|| fact(which, &number.to_string()))
}

fn flag_fact(which: Fact, word: &str) -> Option<Observation> {
    matches!(word, "0" | "1").then(|| fact(which, word))
}

fn text(payload: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(payload).map(str::trim).map_err(|_| Unreadable::Malformed)
}

/// Names and versions.
fn short(text: &str) -> String {
    plain(text, 64)
}

/// JSON, or what is wrong with it.
fn json<'p, T: serde::Deserialize<'p>>(payload: &'p [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(payload).map_err(|error| {
        if error.is_eof() && payload.len() >= SHORTEST_CUT {
            Unreadable::Truncated
        } else {
            Unreadable::Malformed
        }
    })
}

/// The Nuki ID that is told among other things.
pub(crate) fn nuki_id_in(seen: &Observation) -> Option<u32> {
    match seen {
        Observation::NukiId(id) => Some(*id),
        Observation::Snapshot { seen, .. } => seen.iter().find_map(nuki_id_in),
        _ => None,
    }
}

/// Told to the owner with the topic it is about; over when that topic can be read again.
pub(crate) fn truncated(rest: &str, is_cut: bool) -> Observation {
    if is_cut {
        Observation::Trouble(Trouble::Truncated, Some(rest.to_owned()))
    } else {
        Observation::Whole(rest.to_owned())
    }
}

/// Topics whose payload a hub may cut.
pub(crate) fn may_be_cut(rest: &str) -> bool {
    matches!(rest, "log" | "keypad/json" | "timecontrol/json" | "authorization/json")
        || matches!(rest, "configuration/basicJson" | "configuration/advancedJson")
}

#[cfg(test)]
mod tests;
