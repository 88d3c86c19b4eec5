//! Many virtual locks in one process, and a handle on each for whoever watches or plays tricks on it.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::link::{Control, Link, Seen};
use crate::machine::{Input, Machine};
use crate::spec::{Broker, Faults, LockSpec, Options};

pub struct Fleet {
    locks: Vec<Lock>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A handle on one virtual lock.
#[derive(Clone)]
pub struct Lock {
    pub nuki_id: u32,
    control: mpsc::UnboundedSender<Control>,
    seen: watch::Receiver<Seen>,
}

impl Fleet {
    /// Starts every lock; they connect by themselves.
    pub fn start(broker: &Broker, specs: Vec<LockSpec>, options: &Options) -> Self {
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let locks = specs
            .into_iter()
            .map(|spec| {
                let nuki_id = spec.nuki_id;
                let machine = Machine::new(spec, options.order, options.seed);
                let (control, orders) = mpsc::unbounded_channel();
                let first = Seen { state: machine.state, battery: machine.battery, ..Seen::default() };
                let (show, seen) = watch::channel(first);
                let link = Link::new(broker.clone(), options.clone(), machine, orders, (show, stop.clone()));
                tasks.spawn(link.run());
                Lock { nuki_id, control, seen }
            })
            .collect();
        tasks.close();
        Self { locks, tasks, stop }
    }

    pub fn locks(&self) -> &[Lock] {
        &self.locks
    }

    pub fn lock(&self, nuki_id: u32) -> Option<&Lock> {
        self.locks.iter().find(|lock| lock.nuki_id == nuki_id)
    }

    /// Returns once every lock is connected.
    pub async fn all_connected(&self) {
        for lock in &self.locks {
            lock.wait_for(|seen| seen.connected).await;
        }
    }

    /// How many are connected now.
    pub fn connected(&self) -> usize {
        self.locks.iter().filter(|lock| lock.seen.borrow().connected).count()
    }

    /// Disconnects every lock in good order.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Lock {
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Returns once the lock is as `fact` says.
    pub async fn wait_for(&self, fact: impl Fn(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.clone();
        // The sender lives as long as the lock; a stopped lock shows its last state.
        let found = seen.wait_for(|seen| fact(seen)).await.map(|seen| seen.clone());
        found.unwrap_or_else(|_| self.seen())
    }

    pub fn happens(&self, input: Input) {
        self.tell(Control::Input(input));
    }

    pub fn turn_by_hand(&self, lock: bool) {
        self.happens(Input::ByHand { lock });
    }

    /// Somebody types a code that the keypad knows.
    pub fn keypad(&self, code_id: u32) {
        self.happens(Input::Act { action: 3, trigger: 0, auth_id: 195_249, code_id, extra: 1 });
    }

    /// From now on, once each.
    pub fn faults(&self, faults: Faults) {
        self.tell(Control::Faults(faults));
    }

    /// Its line breaks without a goodbye; the other side is told at once, by the network.
    pub fn go_offline(&self, time: Option<Duration>) {
        self.tell(Control::Offline(time));
    }

    /// Vanishes without a trace, as when the access point loses power: the line stays open, and nobody reads or writes
    /// at this end. It comes back on a new one.
    pub fn go_silent(&self, time: Option<Duration>) {
        self.tell(Control::Silent(time));
    }

    pub fn come_back(&self) {
        self.tell(Control::Back);
    }

    fn tell(&self, control: Control) {
        // A lock that was stopped hears nothing any more.
        let _ = self.control.send(control);
    }
}
