//! Many virtual locks in one process, and a handle on each for whoever watches or plays tricks on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::body::{Body, Control, Order};
use crate::bridge::Bridge;
use crate::hub::{Hub, Reach};
use crate::link::Link;
use crate::machine::{Input, Machine, Output};
use crate::opener::{Opener, OpenerBody, OpenerMachine};
use crate::seen::Seen;
use crate::site::Site;
use crate::spec::{Broker, Faults, LockSpec, Options};
use crate::way::{Presence, Ways};

pub struct Fleet {
    locks: Vec<Lock>,
    by_id: BTreeMap<u32, usize>,
    openers: Vec<Opener>,
    hubs: Vec<Hub>,
    bridges: Vec<Bridge>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A handle on one virtual lock.
#[derive(Clone)]
pub struct Lock {
    pub nuki_id: u32,
    /// Whether it connects by itself to the broker, and stays.
    stays: bool,
    control: mpsc::UnboundedSender<Control>,
    seen: watch::Receiver<Seen>,
}

impl Fleet {
    /// Starts every lock; they connect by themselves.
    pub fn start(broker: &Broker, specs: Vec<LockSpec>, options: &Options) -> Self {
        Self::open(broker, Site { locks: specs, ..Site::default() }, options)
    }

    /// Starts everything at a place. Each device is one machine, whatever ways lead to it.
    pub fn open(broker: &Broker, site: Site, options: &Options) -> Self {
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let mut locks = Vec::with_capacity(site.locks.len());
        let ways = Ways::new(broker, options);
        let shared = Arc::new(options.clone());
        for spec in site.locks {
            let nuki_id = spec.nuki_id;
            let way = ways.next(spec.official);
            let stays = matches!(way.presence, Presence::Stays);
            let machine = Machine::new(spec, options.order, options.seed);
            let (control, orders) = mpsc::unbounded_channel();
            let first = Seen { state: machine.state, battery: machine.battery, ..Seen::default() };
            let (show, seen) = watch::channel(first);
            let body = Body::new(shared.clone(), machine, show);
            tasks.spawn(Box::new(Link::new(way, body, orders, stop.clone())).run());
            locks.push(Lock { nuki_id, stays, control, seen });
        }
        let mut openers = Vec::new();
        for spec in site.openers {
            let (opener, body) = OpenerBody::new(OpenerMachine::new(spec), options.clone());
            tasks.spawn(body.run(stop.clone()));
            openers.push(opener);
        }
        let mut by_id = BTreeMap::new();
        for (place, lock) in locks.iter().enumerate() {
            by_id.entry(lock.nuki_id).or_insert(place);
        }
        let lock = |id: Option<u32>| locks.get(*by_id.get(&id?)?).cloned();
        let opener = |id: Option<u32>| openers.iter().find(|opener| Some(opener.nuki_id) == id).cloned();
        let mut hubs = Vec::new();
        for spec in site.hubs {
            let reach = Reach { lock: lock(spec.lock), opener: opener(spec.opener) };
            let (hub, life) = Hub::start(spec, broker, options, reach, stop.clone());
            tasks.spawn(life);
            hubs.push(hub);
        }
        let mut bridges = Vec::new();
        for spec in site.bridges {
            let (bridge, life) = Bridge::start(spec, options, &locks, &openers, stop.clone());
            tasks.spawn(life);
            bridges.push(bridge);
        }
        tasks.close();
        Self { locks, by_id, openers, hubs, bridges, tasks, stop }
    }

    pub fn openers(&self) -> &[Opener] {
        &self.openers
    }

    pub fn bridges(&self) -> &[Bridge] {
        &self.bridges
    }

    pub fn hubs(&self) -> &[Hub] {
        &self.hubs
    }

    pub fn locks(&self) -> &[Lock] {
        &self.locks
    }

    pub fn lock(&self, nuki_id: u32) -> Option<&Lock> {
        self.by_id.get(&nuki_id).and_then(|place| self.locks.get(*place))
    }

    /// Returns once every lock that connects by itself and stays is connected.
    pub async fn all_connected(&self) {
        for lock in self.locks.iter().filter(|lock| lock.stays) {
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
    pub(crate) fn watch(&self) -> watch::Receiver<Seen> {
        self.seen.clone()
    }

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

    /// Somebody types these six digits; whether the keypad knows them is up to [`crate::memory::Memory::codes`].
    pub fn types(&self, code: u32) {
        self.happens(Input::Code(code));
    }

    /// A finger that belongs to this code, or with 0 one that the keypad does not know.
    pub fn finger(&self, code_id: u16) {
        self.happens(Input::Finger(code_id));
    }

    /// The fob of this authorization, so many presses, set to do this.
    pub fn fob(&self, auth_id: u32, presses: u8, action: u8) {
        self.happens(Input::Act { action, trigger: 3, auth_id, code_id: 0, extra: presses });
    }

    pub fn button(&self, presses: u8, action: u8) {
        self.happens(Input::Act { action, trigger: 2, auth_id: 0, code_id: 0, extra: presses });
    }

    pub fn battery(&self, percent: u8) {
        self.happens(Input::Battery(percent));
    }

    /// The next movement jams.
    pub fn jam(&self) {
        self.faults(Faults { jam: true, ..Faults::default() });
    }

    pub fn door(&self, opens: bool) {
        self.happens(if opens { Input::DoorOpens } else { Input::DoorCloses });
    }

    /// Looks at the machine, or changes it, between two of its steps. `None` if the lock was stopped.
    pub async fn visit<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Machine) -> T + Send + 'static,
    ) -> Option<T> {
        self.change(|machine| (look(machine), Vec::new())).await
    }

    /// The same for what has consequences: the outputs are carried out.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Machine) -> (T, Vec<Output>) + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        self.tell(Control::Visit(Box::new(move |machine| {
            let (answer, outputs) = change(machine);
            // Whoever asked may be gone.
            let _ = tell.send(answer);
            outputs
        })));
        told.await.ok()
    }

    /// An order over Bluetooth: 0 or an error of the BLE API, at once or when the bolt is there. `None` without an answer.
    pub async fn order(&self, action: u8, auth_id: u32, when_done: bool) -> Option<u8> {
        let (reply, answer) = oneshot::channel();
        self.tell(Control::Order(Order { action, auth_id, when_done, reply }));
        answer.await.ok()
    }

    /// From now on, once each.
    pub fn faults(&self, faults: Faults) {
        self.tell(Control::Faults(faults));
    }

    /// From now on, with every action.
    pub fn always(&self, faults: Faults) {
        self.tell(Control::Always(faults));
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
