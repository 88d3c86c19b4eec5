//! What a hub does with its Opener (Nuki Hub, NukiOpenerWrapper and NukiNetworkOpener).

mod settings;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::authorizations::listed;
use super::line::Line;
use super::log::{last, written};
use super::words;
use super::work::{LISTED, address};
use crate::json::{Object, array};
use crate::memory::Authorization;
use crate::memory::codes::Stamp;
use crate::memory::log::Entry;
use crate::opener::{CONTINUOUS, Opener, OpenerMachine, state};

/// How long `binaryRing` says `ring`.
const RINGS: Duration = Duration::from_secs(2);

pub(super) struct OpenerWork {
    line: Arc<Line>,
    opener: Opener,
    inbox: mpsc::UnboundedReceiver<(String, String)>,
    last_rolling: u32,
    rings: u64,
    auth: (u32, String),
    quiet_at: Option<Instant>,
    log_at: Option<(Instant, Vec<Entry>)>,
    people_at: Option<(Instant, Vec<Authorization>)>,
    state_at: Instant,
    config_at: Instant,
    config_is_known: bool,
    next_action: Option<u8>,
    changes: VecDeque<String>,
    queries: Vec<String>,
    beacon: u64,
    is_told: bool,
}

struct Told {
    state: u8,
    mode: u8,
    action: u8,
    trigger: u8,
    rings: u64,
    ring_opened: bool,
    critical: bool,
    rto_left: u64,
    now: Stamp,
    zone: i16,
}

impl Told {
    fn of(machine: &mut OpenerMachine, time_scale: f64) -> Self {
        Self {
            state: machine.state,
            mode: machine.mode,
            action: machine.last_action,
            trigger: machine.last_trigger,
            rings: machine.rings,
            ring_opened: machine.ring_opened,
            critical: machine.spec.battery_critical,
            rto_left: machine.rto_left(time_scale).as_secs(),
            now: machine.memory.now(),
            zone: machine.spec.time_zone_minutes,
        }
    }
}

impl OpenerWork {
    pub(super) fn new(
        line: Arc<Line>,
        opener: Opener,
        inbox: mpsc::UnboundedReceiver<(String, String)>,
    ) -> Self {
        let (now, rings) = (Instant::now(), opener.seen().rings);
        Self {
            line,
            opener,
            inbox,
            last_rolling: 0,
            rings,
            auth: (0, String::new()),
            quiet_at: None,
            log_at: None,
            people_at: None,
            state_at: now,
            config_at: now,
            config_is_known: false,
            next_action: None,
            changes: VecDeque::new(),
            queries: Vec::new(),
            beacon: 0,
            is_told: false,
        }
    }

    pub(super) async fn run(mut self) {
        let mut connected = self.line.connected.subscribe();
        let _ = connected.wait_for(Option::is_some).await;
        let (id, name) = (self.line.spec.auth_id, self.line.spec.name.clone());
        self.opener.visit(move |machine| machine.memory.authorize(id, 1, &name)).await;
        self.line.tell("opener/address", address(self.opener.nuki_id));
        let mut seen = self.opener.watch();
        loop {
            while let Ok((topic, payload)) = self.inbox.try_recv() {
                self.sort(topic, &payload);
            }
            if let Some(action) = self.next_action.take() {
                self.act(action).await;
            }
            let now = Instant::now();
            let beacon = seen.borrow_and_update().beacon;
            let asked = self.is_asked("query/lockstate") | self.is_asked("query/battery");
            if beacon != self.beacon || asked || now >= self.state_at {
                self.state_at = now + self.line.options.scaled(self.line.spec.state_interval);
                self.beacon = beacon;
                self.read_state().await;
            }
            self.write_settings().await;
            if now >= self.config_at || self.is_asked("query/config") {
                self.config_at = now + self.line.options.scaled(self.line.spec.config_interval);
                self.read_config().await;
            }
            if self.quiet_at.take_if(|at| *at <= now).is_some() {
                self.line.tell("opener/binaryRing", "standby");
            }
            if let Some((_, log)) = self.log_at.take_if(|(at, _)| *at <= now) {
                self.tell_log(&log, "opener/log");
            }
            if let Some((_, people)) = self.people_at.take_if(|(at, _)| *at <= now) {
                self.line.tell_json("opener/authorization/json", listed(&people));
            }
            let log_at = self.log_at.as_ref().map(|(at, _)| *at);
            let lists = self.people_at.as_ref().map(|(at, _)| *at).into_iter().chain(log_at);
            let next =
                self.quiet_at.into_iter().chain(lists).fold(self.state_at.min(self.config_at), Ord::min);
            tokio::select! {
                () = sleep_until(next) => {}
                _ = seen.changed() => {}
                Some((topic, payload)) = self.inbox.recv() => self.sort(topic, &payload),
            }
        }
    }

    fn sort(&mut self, topic: String, payload: &str) {
        match topic.as_str() {
            "action" => self.next_action = action_number(payload),
            "lastRollingLog" => {
                self.last_rolling = self.last_rolling.max(payload.parse().unwrap_or_default());
            }
            "configuration/action" if !matches!(payload, "" | "--") => {
                self.changes.push_back(payload.to_owned());
            }
            query if query.starts_with("query/") && payload == "1" => {
                self.line.tell(&format!("opener/{query}"), "0");
                self.queries.push(topic);
            }
            _ => {}
        }
    }

    fn is_asked(&mut self, query: &str) -> bool {
        let place = self.queries.iter().position(|asked| asked == query);
        place.map(|place| self.queries.swap_remove(place)).is_some()
    }

    async fn act(&mut self, action: u8) {
        let spec = self.line.spec.clone();
        for attempt in 1..=spec.retries + 1 {
            let outcome = if self.line.exchange().await {
                self.line.seen.send_modify(|seen| seen.orders += 1);
                let answer = self.opener.order(action, spec.auth_id, spec.result_when_done);
                let timeout = self.line.options.scaled(spec.command_timeout);
                tokio::time::timeout(timeout, answer).await.ok().flatten()
            } else {
                None
            };
            self.line.tell("opener/commandResult", words::result(outcome));
            if outcome == Some(0) {
                self.line.tell("opener/retry", "--");
                return;
            }
            self.line.tell("opener/retry", attempt.to_string());
            self.line.sleep(spec.retry_delay).await;
        }
        self.line.tell("opener/retry", "failed");
    }

    async fn read_state(&mut self) {
        if !self.line.exchange().await {
            return;
        }
        let time_scale = self.line.options.time_scale;
        let Some(told) = self.opener.visit(move |machine| Told::of(machine, time_scale)).await else {
            return;
        };
        if told.rings > self.rings {
            self.rings = told.rings;
            self.line.tell("opener/ring", if told.ring_opened { "ring" } else { "ringlocked" });
            self.line.tell("opener/binaryRing", "ring");
            self.quiet_at = Some(Instant::now() + self.line.options.scaled(RINGS));
        }
        let word = state_word(told.state);
        self.line.tell("opener/state", word);
        if self.line.spec.home_assistant.is_some() {
            let ha = match (told.mode, told.state) {
                (CONTINUOUS, _) | (_, state::RTO_ACTIVE) => "unlocked",
                (_, state::OPEN) => "open",
                (_, state::OPENING) => "opening",
                (_, state::ONLINE) => "locked",
                _ => "jammed",
            };
            self.line.tell("opener/hastate", ha);
            self.line.tell("opener/binaryState", if ha == "locked" { "locked" } else { "unlocked" });
        }
        let is_continuous = told.mode == CONTINUOUS;
        self.line.tell_flag("opener/continuousMode", is_continuous);
        self.line.tell("opener/trigger", words::trigger(told.trigger));
        self.line.tell("opener/lastLockAction", action(told.action));
        self.line.tell("opener/completionStatus", "success");
        self.line.tell_flag("opener/battery/critical", told.critical);
        if self.line.spec.log {
            self.fetch_log().await;
        }
        let json = Object::new()
            .text("lock_state", word)
            .flag("continuous_mode", is_continuous)
            .text("trigger", words::trigger(told.trigger))
            .raw("ringToOpenTimer", told.rto_left)
            .text("currentTime", &told.now.to_string())
            .raw("timeZoneOffset", told.zone)
            .text("last_lock_action", action(told.action))
            .text("last_lock_action_trigger", words::trigger(told.trigger))
            .text("lock_completion_status", "success")
            .text("door_sensor_state", "unavailable")
            .raw("auth_id", self.auth.0)
            .text("auth_name", &self.auth.1)
            .end();
        self.line.tell_json("opener/json", json);
        let battery = Object::new().text("critical", if told.critical { "1" } else { "0" }).end();
        self.line.tell_json("opener/battery/basicJson", battery);
    }

    async fn fetch_log(&mut self) {
        if !self.line.has_pin() || !self.line.exchange().await {
            return;
        }
        let most = self.line.spec.log_entries;
        let Some(log) = self.opener.visit(move |machine| last(&machine.memory.log, most)).await else {
            return;
        };
        if log.is_empty() {
            return;
        }
        let short: Vec<Entry> = log.iter().skip(log.len().saturating_sub(3)).cloned().collect();
        self.tell_log(&short, "opener/shortLog");
        self.log_at = Some((Instant::now() + self.line.options.scaled(LISTED), log));
    }

    fn tell_log(&mut self, log: &[Entry], topic: &str) {
        let quirks = self.line.quirks();
        let mut all = Vec::new();
        for entry in log {
            let json = written("opener", entry, &entry.name, quirks);
            if entry.index > self.last_rolling {
                self.last_rolling = entry.index;
                self.line.tell_json("opener/rollingLog", json.clone());
                self.line.tell("opener/lastRollingLog", entry.index.to_string());
            }
            if entry.auth_id != 0 {
                self.auth = (entry.auth_id, entry.name.clone());
            }
            all.push(json);
        }
        self.line.tell_json(topic, array(all));
        self.line.tell("opener/authorizationId", self.auth.0.to_string());
        self.line.tell("opener/authorizationName", self.auth.1.clone());
    }

    async fn fetch_authorizations(&mut self) {
        let spec = &self.line.spec;
        if !spec.authorization_info || !self.line.has_pin() || !self.line.exchange().await {
            return;
        }
        let most = spec.authorization_entries;
        let people = self.opener.visit(|machine| machine.memory.authorizations.clone()).await;
        let Some(mut people) = people else { return };
        people.sort_by_key(|known| known.id);
        people.truncate(most);
        self.people_at = Some((Instant::now() + self.line.options.scaled(LISTED), people));
    }
}

fn state_word(number: u8) -> &'static str {
    match number {
        state::UNTRAINED => "uncalibrated",
        state::ONLINE => "locked",
        state::RTO_ACTIVE => "RTOactive",
        state::OPEN => "open",
        state::OPENING => "opening",
        _ => "undefined",
    }
}

pub(super) fn action(number: u8) -> &'static str {
    match number {
        1 => "ActivateRTO",
        2 => "DeactivateRTO",
        3 => "ElectricStrikeActuation",
        4 => "ActivateCM",
        5 => "DeactivateCM",
        129 => "FobAction1",
        130 => "FobAction2",
        131 => "FobAction3",
        _ => "Unknown",
    }
}

pub(super) fn action_number(word: &str) -> Option<u8> {
    [1, 2, 3, 4, 5, 129, 130, 131].into_iter().find(|number| words::same(word, action(*number)))
}
