//! What a hub does with its lock, one exchange after another: orders first, then the state for as long as it moves, then
//! battery, settings, log and lists when they are due (Nuki Hub, NukiWrapper).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::line::Line;
use super::turner::Turner;
use super::words;
use crate::body::LONG;
use crate::fleet::Lock;
use crate::memory::Authorization;
use crate::memory::TimeControl;
use crate::memory::codes::Code;
use crate::memory::log::Entry;
use crate::seen::Seen;

/// Between asking the lock for a list and telling it.
pub(super) const LISTED: Duration = Duration::from_secs(5);
/// For so long after a change it keeps asking while the lock moves.
const FOLLOWS: Duration = Duration::from_secs(10);
/// How long a lock may take to react to an action by its own topic.
const REACTS: Duration = Duration::from_secs(2);
/// Between a settings command and reading them again.
pub(super) const SETTLED: Duration = Duration::from_millis(300);
const RSSI: Duration = Duration::from_mins(1);

/// What is to be done, and when.
pub(super) struct Due {
    pub state: Instant,
    pub battery: Instant,
    pub config: Instant,
    pub keypad: Instant,
    pub rssi: Instant,
    pub log: Option<(Instant, Vec<Entry>)>,
    pub codes: Option<(Instant, Vec<Code>)>,
    pub times: Option<(Instant, Vec<TimeControl>)>,
    pub authorizations: Option<(Instant, Vec<Authorization>)>,
}

pub(super) struct Work {
    pub line: Arc<Line>,
    pub lock: Lock,
    pub due: Due,
    /// What it knows of codes: id and digits, as far as it fetches them.
    pub codes: Vec<(u16, u32)>,
    pub most_codes: usize,
    pub authorizations: Vec<u32>,
    pub times: Vec<u8>,
    /// Names of codes and authorizations, in one list.
    pub names: BTreeMap<u32, String>,
    pub last_rolling: u32,
    pub auth: (u32, String),
    pub config_is_known: bool,
    pub has_keypad: bool,
    pub wrong_checks: u32,
    pub last_check: Option<Instant>,
    pub last: Option<Turner>,
    pub typed: super::keypad_legacy::Typed,
    pub discovered: bool,
    inbox: mpsc::UnboundedReceiver<(String, String)>,
    seen: watch::Receiver<Seen>,
    beacon: (u64, u32),
    next_action: Option<u8>,
    queries: Vec<String>,
    commands: VecDeque<(String, String)>,
    is_moving: bool,
    changed: Instant,
}

impl Work {
    pub(super) fn new(line: Arc<Line>, lock: Lock, inbox: mpsc::UnboundedReceiver<(String, String)>) -> Self {
        let now = Instant::now();
        let due = Due {
            state: now,
            battery: now,
            config: now,
            keypad: now,
            rssi: now,
            log: None,
            codes: None,
            times: None,
            authorizations: None,
        };
        let seen = lock.watch();
        Self {
            line,
            lock,
            due,
            codes: Vec::new(),
            most_codes: 0,
            authorizations: Vec::new(),
            times: Vec::new(),
            names: BTreeMap::new(),
            last_rolling: 0,
            auth: (0, String::new()),
            config_is_known: false,
            has_keypad: false,
            wrong_checks: 0,
            last_check: None,
            last: None,
            typed: super::keypad_legacy::Typed::default(),
            discovered: false,
            inbox,
            seen,
            beacon: (0, 0),
            next_action: None,
            queries: Vec::new(),
            commands: VecDeque::new(),
            is_moving: false,
            changed: now,
        }
    }

    pub(super) async fn run(mut self) {
        let (id, name) = (self.line.spec.auth_id, self.line.spec.name.clone());
        self.lock.visit(move |machine| machine.memory().authorize(id, 1, &name)).await;
        let mut connected = self.line.connected.subscribe();
        let _ = connected.wait_for(Option::is_some).await;
        self.line.tell("lock/address", address(self.lock.nuki_id));
        if !self.line.spec.log {
            self.clear_log();
        }
        loop {
            self.gather();
            if let Some(action) = self.next_action.take() {
                self.act(action).await;
            }
            let asked = self.is_asked("query/lockstate");
            if asked || self.is_moving || Instant::now() >= self.due.state {
                self.due.state = self.after(self.line.spec.state_interval);
                self.is_moving = self.read_state().await;
                self.line.tell_flag("lock/statusUpdated", self.is_moving);
            }
            if self.is_moving {
                continue;
            }
            if self.line.is_connected() {
                self.look_around().await;
                if let Some((topic, payload)) = self.commands.pop_front() {
                    self.command(&topic, &payload).await;
                    continue;
                }
            }
            self.wait(&mut connected).await;
        }
    }

    /// Everything that is due while nothing moves.
    async fn look_around(&mut self) {
        let now = Instant::now();
        if now >= self.due.battery || self.is_asked("query/battery") {
            self.due.battery = self.after(self.line.spec.battery_interval);
            self.read_battery().await;
        }
        if now >= self.due.config || self.is_asked("query/config") {
            self.due.config = self.after(self.line.spec.config_interval);
            self.read_config().await;
        }
        if let Some((_, log)) = self.due.log.take_if(|(at, _)| *at <= now) {
            self.tell_log(log, false);
        }
        if let Some((_, codes)) = self.due.codes.take_if(|(at, _)| *at <= now) {
            self.tell_codes(codes);
        }
        if let Some((_, times)) = self.due.times.take_if(|(at, _)| *at <= now) {
            self.tell_times(times);
        }
        if let Some((_, list)) = self.due.authorizations.take_if(|(at, _)| *at <= now) {
            self.tell_authorizations(list);
        }
        if now >= self.due.rssi {
            self.due.rssi = self.after(RSSI);
            self.line.tell("lock/rssi", (-50 - i32::from(self.line.garbage() % 30)).to_string());
        }
        let asked = self.is_asked("query/keypad");
        if self.has_keypad && self.line.spec.keypad_info && (asked || now >= self.due.keypad) {
            self.due.keypad = self.after(self.line.spec.keypad_interval);
            self.fetch_codes().await;
        }
        if self.config_is_known && !self.discovered {
            self.discovered = true;
            self.announce().await;
        }
    }

    pub(super) fn after(&self, time: Duration) -> Instant {
        Instant::now() + self.line.options.scaled(time)
    }

    fn is_asked(&mut self, query: &str) -> bool {
        let place = self.queries.iter().position(|asked| asked == query);
        place.map(|place| self.queries.swap_remove(place)).is_some()
    }

    /// Takes in what has arrived meanwhile. Of several actions only the last counts.
    fn gather(&mut self) {
        while let Ok((topic, payload)) = self.inbox.try_recv() {
            self.sort(topic, payload);
        }
        let seen = self.seen.borrow_and_update();
        let (beacon, written) = (seen.beacon, seen.written);
        drop(seen);
        let noticed = self.line.quirks().notices_wrong_codes && written != self.beacon.1;
        if beacon != self.beacon.0 || noticed {
            // Bluetooth tells that there is something new, not what.
            if beacon != self.beacon.0 {
                self.changed = Instant::now();
            }
            self.is_moving = true;
        }
        self.beacon = (beacon, written);
    }

    fn sort(&mut self, topic: String, payload: String) {
        match topic.as_str() {
            "action" => self.next_action = words::lock_action_number(&payload),
            "official" => self.is_moving |= matches!(payload.as_str(), "state" | "doorsensorState"),
            "lastRollingLog" => {
                self.last_rolling = self.last_rolling.max(payload.parse().unwrap_or_default());
            }
            "doorsensorOverride" if matches!(payload.as_str(), "0" | "1") => {
                self.commands.push_back((topic, payload));
            }
            query if query.starts_with("query/") => {
                if payload == "1" {
                    self.line.tell(&format!("lock/{query}"), "0");
                    self.queries.push(topic);
                }
            }
            _ if self.type_legacy(&topic, &payload) => {}
            _ if payload.is_empty() || payload == "--" => {}
            _ => self.commands.push_back((topic, payload)),
        }
    }

    async fn command(&mut self, topic: &str, payload: &str) {
        let is_answered = match topic {
            "configuration/action" => {
                self.write_settings(payload).await;
                self.due.config = self.after(SETTLED);
                true
            }
            "keypad/actionJson" => {
                self.keypad(payload).await;
                true
            }
            "timecontrol/action" => {
                self.write_times(payload).await;
                true
            }
            "authorization/action" => {
                self.write_authorizations(payload).await;
                true
            }
            "keypad/command/action" => {
                self.keypad_legacy(payload).await;
                false
            }
            "doorsensorOverride" => {
                let is_done = self.line.exchange().await;
                self.lock.door(payload == "1");
                self.line.tell("lock/doorsensorOverride", if is_done { "success" } else { "failed" });
                false
            }
            _ => false,
        };
        if is_answered {
            self.line.tell(&format!("lock/{topic}"), "--");
        }
    }

    async fn act(&mut self, action: u8) {
        let official = self.line.spec.official_actions && self.line.official().connected;
        if official && self.line.spec.hybrid {
            self.line.official().reacted = false;
            self.line.act_officially(self.lock.nuki_id, action);
            if !self.line.spec.official_retry {
                return;
            }
            self.line.sleep(REACTS).await;
            if self.line.official().reacted {
                return;
            }
        }
        for attempt in 1..=self.line.spec.retries + 1 {
            let outcome = self.order(action).await;
            self.line.tell("lock/commandResult", words::result(outcome));
            if outcome == Some(0) {
                self.line.tell("lock/retry", "--");
                self.is_moving = true;
                self.changed = Instant::now();
                return;
            }
            self.line.tell("lock/retry", attempt.to_string());
            self.line.sleep(self.line.spec.retry_delay).await;
        }
        self.line.tell("lock/retry", "failed");
    }

    async fn order(&mut self, action: u8) -> Option<u8> {
        if !self.line.exchange().await {
            return None;
        }
        self.line.seen.send_modify(|seen| seen.orders += 1);
        let spec = &self.line.spec;
        let answer = self.lock.order(action, spec.auth_id, spec.result_when_done);
        let timeout = self.line.options.scaled(spec.command_timeout);
        tokio::time::timeout(timeout, answer).await.ok().flatten()
    }

    /// Reads the state and tells it; true if it should be read again at once because the lock is on its way.
    async fn read_state(&mut self) -> bool {
        let is_there = self.line.exchange().await;
        let turner = if is_there { self.lock.visit(Turner::of).await } else { None };
        let result = if turner.is_some() { "success" } else { "timeOut" };
        self.line.tell("lock/query/lockstateCommandResult", result);
        let Some(turner) = turner else {
            self.tell_turner(self.last.clone().unwrap_or_default());
            return false;
        };
        if self.last.as_ref().is_none_or(|last| last.state != turner.state) {
            self.changed = Instant::now();
        }
        let is_young = self.changed.elapsed() < self.line.options.scaled(FOLLOWS);
        let follow = turner.is_on_its_way() && !self.line.official().connected && is_young;
        if turner.is_settled() && self.line.spec.log {
            self.fetch_log().await;
        }
        self.tell_turner(turner);
        follow
    }

    async fn wait(&mut self, connected: &mut watch::Receiver<Option<Instant>>) {
        let due = &self.due;
        let mut next = due.state;
        if self.line.is_connected() {
            let lists = [
                due.log.as_ref().map(|(at, _)| *at),
                due.codes.as_ref().map(|(at, _)| *at),
                due.times.as_ref().map(|(at, _)| *at),
                due.authorizations.as_ref().map(|(at, _)| *at),
                (self.has_keypad && self.line.spec.keypad_info).then_some(due.keypad),
            ];
            let soon = lists.into_iter().flatten().chain([due.battery, due.config, due.rssi]).min();
            next = next.min(soon.unwrap_or_else(|| Instant::now() + LONG));
        }
        tokio::select! {
            () = sleep_until(next) => {}
            _ = connected.changed() => {}
            Some((topic, payload)) = self.inbox.recv() => self.sort(topic, payload),
            _ = self.seen.changed() => {}
        }
    }
}

/// A Bluetooth address that fits the Nuki ID.
pub(super) fn address(nuki_id: u32) -> String {
    let [a, b, c, d] = nuki_id.to_be_bytes();
    format!("54:d2:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}
