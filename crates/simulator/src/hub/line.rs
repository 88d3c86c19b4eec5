//! What the parts of a hub share: the way to the broker, what it is set to, and what has been seen of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rumqttc::{AsyncClient, QoS};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::mirror::Official;
use super::{HubQuirks, HubSeen, HubSpec};
use crate::spec::Options;

pub(super) struct Line {
    /// As it was when the hub started.
    pub spec: HubSpec,
    pub options: Options,
    pub seen: watch::Sender<HubSeen>,
    pub connected: watch::Sender<Option<Instant>>,
    pub official: Mutex<Official>,
    now: Arc<Mutex<HubSpec>>,
    client: Mutex<Option<AsyncClient>>,
    unsent: Mutex<Vec<(String, String, bool)>>,
    crash: mpsc::UnboundedSender<&'static str>,
    rng: Mutex<StdRng>,
    /// When the last exchange over Bluetooth was over.
    exchanged: Mutex<Option<Instant>>,
}

/// How long a Bluetooth connection stays open after an exchange.
const OPEN: Duration = Duration::from_secs(2);
/// Messages that wait for a connection, when they do.
const UNSENT: usize = 1_000;

impl Line {
    pub(super) fn new(
        now: Arc<Mutex<HubSpec>>,
        options: Options,
        seen: watch::Sender<HubSeen>,
        crash: mpsc::UnboundedSender<&'static str>,
    ) -> Self {
        let spec = held(&now).clone();
        let own = spec.name.bytes().fold(options.seed, |seed, byte| seed.rotate_left(5) ^ u64::from(byte));
        Self {
            spec,
            options,
            seen,
            connected: watch::Sender::new(None),
            official: Mutex::default(),
            now,
            client: Mutex::new(None),
            unsent: Mutex::default(),
            crash,
            rng: Mutex::new(StdRng::seed_from_u64(own)),
            exchanged: Mutex::default(),
        }
    }

    pub(super) fn quirks(&self) -> HubQuirks {
        held(&self.now).quirks
    }

    pub(super) fn official(&self) -> MutexGuard<'_, Official> {
        held(&self.official)
    }

    pub(super) fn attach(&self, client: Option<AsyncClient>) {
        *held(&self.client) = client;
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected.borrow().is_some()
    }

    /// Publishes below the base, retained, with QoS 1 as the hub does nearly everything.
    pub(super) fn tell(&self, topic: &str, payload: impl Into<String>) {
        self.publish(topic, payload.into(), true);
    }

    pub(super) fn tell_once(&self, topic: &str, payload: &str) {
        self.publish(topic, payload.to_owned(), false);
    }

    pub(super) fn tell_flag(&self, topic: &str, value: bool) {
        self.tell(topic, if value { "1" } else { "0" });
    }

    /// JSON goes through the buffer, and what does not fit is cut off.
    pub(super) fn tell_json(&self, topic: &str, mut json: String) {
        let room = self.spec.buffer.saturating_sub(1);
        if self.quirks().truncates && json.len() > room {
            json.truncate(json.floor_char_boundary(room));
        }
        self.tell(topic, json);
    }

    fn publish(&self, topic: &str, payload: String, retained: bool) {
        if self.is_connected() {
            self.seen.send_modify(|seen| seen.say(topic, &payload));
            let full = format!("{}/{topic}", self.spec.base);
            self.send(&full, QoS::AtLeastOnce, retained, payload);
        } else if self.quirks().keeps_unsent {
            let mut unsent = held(&self.unsent);
            if unsent.len() < UNSENT {
                unsent.push((topic.to_owned(), payload, retained));
            }
        } else {
            self.seen.send_modify(|seen| seen.lost += 1);
        }
    }

    /// Anywhere, not only below the base.
    pub(super) fn send(&self, topic: &str, qos: QoS, retained: bool, payload: String) {
        if let Some(client) = &*held(&self.client) {
            // A full pipe loses messages, as it does on a small device.
            if client.try_publish(topic, qos, retained, payload).is_err() {
                self.seen.send_modify(|seen| seen.lost += 1);
            }
        }
    }

    pub(super) fn subscribe(&self, topic: &str) {
        if let Some(client) = &*held(&self.client) {
            let _ = client.try_subscribe(topic, QoS::AtLeastOnce);
        }
    }

    pub(super) fn send_unsent(&self) {
        for (topic, payload, retained) in std::mem::take(&mut *held(&self.unsent)) {
            self.publish(&topic, payload, retained);
        }
    }

    pub(super) fn crash(&self, reason: &'static str) {
        let _ = self.crash.send(reason);
    }

    pub(super) async fn sleep(&self, time: Duration) {
        sleep_until(Instant::now() + self.options.scaled(time)).await;
    }

    /// One exchange over Bluetooth takes its time; false when the lock is out of reach.
    pub(super) async fn exchange(&self) -> bool {
        let is_open = held(&self.exchanged).is_some_and(|last| last.elapsed() < self.options.scaled(OPEN));
        let lag = if is_open { self.spec.ble_open } else { self.spec.ble };
        let lag = lag.mul_f64(held(&self.rng).random_range(0.67..1.33));
        self.sleep(lag).await;
        *held(&self.exchanged) = Some(Instant::now());
        self.seen.send_modify(|seen| seen.exchanges += 1);
        !self.quirks().out_of_reach
    }

    /// Whatever was in memory.
    pub(super) fn garbage(&self) -> u16 {
        held(&self.rng).random_range(0..u16::MAX)
    }

    pub(super) fn has_pin(&self) -> bool {
        held(&self.now).pin == super::Pin::Right
    }
}

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
