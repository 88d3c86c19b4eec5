//! The log of the lock as the hub tells it: the last entries at once, and each new one by itself (Nuki Hub,
//! publishAuthorizationInfo).

use super::words;
use super::work::{LISTED, Work};
use super::{HubQuirks, Names};
use crate::json::{Object, array};
use crate::memory::log::{Entry, Kind};

/// Entries of the short log.
const SHORT: usize = 3;

impl Work {
    /// Reads the log; the short one is told at once, the long one after a while.
    pub(super) async fn fetch_log(&mut self) {
        if !self.line.has_pin() || !self.line.exchange().await {
            return;
        }
        let most = self.line.spec.log_entries;
        let Some(log) = self.lock.visit(move |machine| last(&machine.memory().log, most)).await else {
            return;
        };
        self.due.log = Some((self.after(LISTED), log.clone()));
        let short = log.len().saturating_sub(SHORT);
        self.tell_log(log.into_iter().skip(short).collect(), true);
    }

    pub(super) fn tell_log(&mut self, log: Vec<Entry>, is_short: bool) {
        if log.is_empty() {
            return;
        }
        let quirks = self.line.quirks();
        let mut all = Vec::new();
        let mut acted = None;
        for entry in log {
            let name = self.name_in_log(&entry, quirks);
            if matches!(entry.kind, Kind::Action { .. } | Kind::Keypad { .. }) {
                acted = Some((entry.auth_id, name.clone()));
            }
            let json = written("lock", &entry, &name, quirks);
            if entry.index > self.last_rolling {
                self.last_rolling = entry.index;
                self.line.tell_json("lock/rollingLog", json.clone());
                self.line.tell("lock/lastRollingLog", entry.index.to_string());
            }
            all.push(json);
        }
        self.line.tell_json(if is_short { "lock/shortLog" } else { "lock/log" }, array(all));
        if let Some(acted) = acted {
            self.auth = acted;
            self.line.official().auth_id = None;
            self.line.tell("lock/authorizationId", self.auth.0.to_string());
            self.line.tell("lock/authorizationName", self.auth.1.clone());
        }
    }

    fn name_in_log(&self, entry: &Entry, quirks: HubQuirks) -> String {
        let known = || self.names.get(&entry.auth_id).cloned().unwrap_or_default();
        let others = || self.names.iter().find(|(id, _)| **id != entry.auth_id);
        match quirks.names {
            Names::Right if entry.name.is_empty() => known(),
            Names::Right => entry.name.clone(),
            Names::Empty => known(),
            Names::Wrong => others().map_or_else(|| "Somebody else".to_owned(), |(_, name)| name.clone()),
        }
    }

    /// Without "publish auth data" it says once that there is nothing.
    pub(super) fn clear_log(&self) {
        self.line.tell("lock/log", "--");
        self.line.tell("lock/authorizationId", "0");
        self.line.tell("lock/authorizationName", "--");
        if self.line.quirks().dashes {
            self.line.tell("lock/rollingLog", "--");
        }
    }
}

/// The newest entries, oldest first.
pub(super) fn last(log: &std::collections::VecDeque<Entry>, most: usize) -> Vec<Entry> {
    log.iter().skip(log.len().saturating_sub(most)).cloned().collect()
}

pub(super) fn written(side: &str, entry: &Entry, name: &str, quirks: HubQuirks) -> String {
    let at = if quirks.local_log { entry.local } else { entry.at };
    let [year, month, day, hour, minute, second] = at.0;
    let json = Object::new()
        .raw("index", entry.index)
        .raw("authorizationId", entry.auth_id)
        .text("authorizationName", name)
        .raw("timeYear", year)
        .raw("timeMonth", month)
        .raw("timeDay", day)
        .raw("timeHour", hour)
        .raw("timeMinute", minute)
        .raw("timeSecond", second)
        .text("type", kind(entry.kind));
    let action =
        |number| if side == "opener" { super::opener::action(number) } else { words::lock_action(number) };
    match entry.kind {
        Kind::Action { action: number, trigger, completion } => json
            .text("action", action(number))
            .text("trigger", words::trigger(trigger))
            .text("completionStatus", &words::completion_or_number(completion))
            .end(),
        Kind::Keypad { action: number, source, completion, code_id } => json
            .text("action", action(number))
            .text("trigger", keypad_source(source))
            .text("completionStatus", keypad_completion(completion))
            .raw("codeId", code_id)
            .end(),
        Kind::Door { event } => json.text("action", door(event)).end(),
        Kind::Doorbell { mode, source, geofence, suppression, sound, completion, code_id } => json
            .text("mode", bell_mode(mode))
            .text("source", bell_source(source))
            .text("geofence", if geofence { "active" } else { "inactive" })
            .text("doorbellSuppression", if suppression > 0 { "active" } else { "inactive" })
            .raw("soundId", sound)
            .text("completionStatus", words::completion(completion).unwrap_or("undefined"))
            .raw("codeId", code_id)
            .end(),
        Kind::Logging { .. } | Kind::Calibration | Kind::Initialization => json.end(),
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Logging { .. } => "LoggingEnabled",
        Kind::Action { .. } => "LockAction",
        Kind::Calibration => "Calibration",
        Kind::Initialization => "InitializationRun",
        Kind::Keypad { .. } => "KeypadAction",
        Kind::Door { .. } => "DoorSensor",
        Kind::Doorbell { .. } => "DoorbellRecognition",
    }
}

fn keypad_source(number: u8) -> &'static str {
    match number {
        0 => "arrowkey",
        1 => "code",
        2 => "fingerprint",
        _ => "Unknown",
    }
}

/// A wrong finger (225) has no word (Nuki Hub, issue 736).
fn keypad_completion(number: u8) -> &'static str {
    match number {
        9 => "notAuthorized",
        224 => "invalidCode",
        other => words::completion(other).unwrap_or("undefined"),
    }
}

fn door(event: u8) -> &'static str {
    match event {
        0 => "DoorOpened",
        1 => "DoorClosed",
        2 => "SensorJammed",
        _ => "Unknown",
    }
}

fn bell_mode(number: u8) -> &'static str {
    match number {
        0 => "None",
        2 => "RTO",
        3 => "CM",
        _ => "Unknown",
    }
}

fn bell_source(number: u8) -> &'static str {
    match number {
        0 => "Doorbell",
        1 => "Timecontrol",
        2 => "App",
        3 => "Button",
        4 => "Fob",
        5 => "Bridge",
        6 => "Keypad",
        _ => "Unknown",
    }
}
