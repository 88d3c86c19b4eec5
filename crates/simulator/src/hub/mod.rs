//! A virtual Nuki Hub: an MQTT client of its own that speaks for one lock, one Opener, or both, over Bluetooth with its lag.
//! Topics, words, limits and faults are those of Nuki Hub 9.15, read in its source; `HubSpec` says which parts are switched
//! on, `HubQuirks` how it misbehaves.

mod authorizations;
mod discovery;
mod keypad;
mod keypad_legacy;
mod line;
mod log;
mod mirror;
mod network;
mod opener;
mod settings;
mod spec;
mod times;
mod topics;
mod turner;
mod words;
mod work;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::fleet::Lock;
use crate::opener::Opener;
use crate::seen::{KEPT, Received};
use crate::spec::{Broker, Options};
pub use spec::{HubQuirks, HubSpec, Names, Pin};

/// What can be seen of a hub from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubSeen {
    pub connected: bool,
    /// How often it connected, since it was built.
    pub connects: u32,
    /// How often it started.
    pub boots: u32,
    /// Why it started last.
    pub restart_reason: &'static str,
    /// Why it could not connect, or lost the connection, when it last did.
    pub trouble: Option<String>,
    /// Why the broker does not let it in, if that is so.
    pub refused: Option<&'static str>,
    /// How many messages ever arrived, and how many of them it did not listen to because it had just connected.
    pub received: u64,
    pub ignored: u64,
    /// The last of them, at most [`KEPT`].
    pub messages: VecDeque<Received>,
    /// How many messages it published, and how many were lost because it was away.
    pub published: u64,
    pub lost: u64,
    /// What it last said, by topic below its base.
    pub said: BTreeMap<String, String>,
    /// The last of what it said, with its place among all that it published, at most [`SAID`]. Waiting for what
    /// changes quickly is waiting for one of these.
    pub history: VecDeque<Said>,
    /// Exchanges over Bluetooth, for whatever reason.
    pub exchanges: u64,
    /// Orders it gave the lock or the Opener.
    pub orders: u64,
}

/// Something a hub published, by topic below its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its place among all that it published, from 1.
    pub number: u64,
    pub topic: String,
    pub payload: String,
}

/// Publishes a hub remembers.
pub const SAID: usize = 200;

impl HubSeen {
    /// Whether it said this after so many publishes, as far as it remembers.
    pub fn has_said(&self, after: u64, topic: &str, payload: &str) -> bool {
        let is_it = |said: &Said| said.number > after && said.topic == topic && said.payload == payload;
        self.history.iter().any(is_it)
    }

    fn say(&mut self, topic: &str, payload: &str) {
        self.published += 1;
        self.said.insert(topic.to_owned(), payload.to_owned());
        if self.history.len() == SAID {
            self.history.pop_front();
        }
        let (topic, payload) = (topic.to_owned(), payload.to_owned());
        self.history.push_back(Said { number: self.published, topic, payload });
    }

    /// What it last said on this topic below its base, such as `lock/state`.
    pub fn last(&self, topic: &str) -> Option<&str> {
        self.said.get(topic).map(String::as_str)
    }

    fn arrived(&mut self, mut received: Received) {
        self.received += 1;
        received.number = self.received;
        if self.messages.len() == KEPT {
            self.messages.pop_front();
        }
        self.messages.push_back(received);
    }
}

enum Control {
    Offline(Option<Duration>),
    Back,
    Reboot,
}

/// A handle on one virtual hub.
#[derive(Clone)]
pub struct Hub {
    pub name: String,
    spec: Arc<Mutex<HubSpec>>,
    control: mpsc::UnboundedSender<Control>,
    seen: watch::Receiver<HubSeen>,
}

/// What a hub reaches by Bluetooth.
pub(crate) struct Reach {
    pub lock: Option<Lock>,
    pub opener: Option<Opener>,
}

impl Hub {
    pub(crate) fn start(
        spec: HubSpec,
        broker: &Broker,
        options: &Options,
        reach: Reach,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (control, orders) = mpsc::unbounded_channel();
        let (show, seen) = watch::channel(HubSeen::default());
        let broker = spec.broker.clone().unwrap_or_else(|| broker.clone());
        let name = spec.name.clone();
        let spec = Arc::new(Mutex::new(spec));
        let life = network::Life { spec: spec.clone(), broker, options: options.clone(), reach, show, stop };
        (Self { name, spec, control, seen }, life.run(orders))
    }

    pub fn seen(&self) -> HubSeen {
        self.seen.borrow().clone()
    }

    /// Returns once the hub is as `fact` says.
    pub async fn wait_for(&self, fact: impl Fn(&HubSeen) -> bool) -> HubSeen {
        let mut seen = self.seen.clone();
        let found = seen.wait_for(|seen| fact(seen)).await.map(|seen| seen.clone());
        found.unwrap_or_else(|_| self.seen())
    }

    /// Returns once it has said this on a topic below its base.
    pub async fn says(&self, topic: &str, payload: &str) -> HubSeen {
        self.wait_for(|seen| seen.last(topic) == Some(payload)).await
    }

    /// Returns once it has said this on a topic below its base after so many publishes, even if only for a moment.
    pub async fn says_after(&self, after: u64, topic: &str, payload: &str) -> HubSeen {
        self.wait_for(|seen| seen.has_said(after, topic, payload)).await
    }

    /// Changes how it misbehaves, from now on.
    pub fn quirks(&self, change: impl FnOnce(&mut HubQuirks)) {
        self.set(|spec| change(&mut spec.quirks));
    }

    /// Changes how it is set up; most of it counts from the next start on.
    pub fn set(&self, change: impl FnOnce(&mut HubSpec)) {
        change(&mut self.spec.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Its line breaks without a goodbye, for a time or until told.
    pub fn go_offline(&self, time: Option<Duration>) {
        self.tell(Control::Offline(time));
    }

    pub fn come_back(&self) {
        self.tell(Control::Back);
    }

    /// It starts anew and has forgotten what it did not store.
    pub fn reboot(&self) {
        self.tell(Control::Reboot);
    }

    fn tell(&self, control: Control) {
        // A hub that was stopped hears nothing any more.
        let _ = self.control.send(control);
    }
}
