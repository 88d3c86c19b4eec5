//! A lock's machine in time: its delays, what happens at its door, and who waits for the outcome of an order. It does not
//! know how it is connected; what it wants to tell waits in `backlog`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::life::{Happening, Routine};
use crate::machine::{Input, Machine, Output, RADIO_UP, state};
use crate::seen::Seen;
use crate::spec::{Faults, Life, Options};
use crate::time::lock_time;

/// Work for the machine, done between two of its own steps.
pub(crate) type Visit = Box<dyn FnOnce(&mut Machine) -> Vec<Output> + Send>;

pub(crate) enum Control {
    Input(Input),
    /// Once each, or again and again.
    Faults(Faults),
    Always(Faults),
    /// Without a goodbye; for a time, or until told.
    Offline(Option<Duration>),
    /// The same, and the line stays open.
    Silent(Option<Duration>),
    Back,
    Visit(Visit),
    Order(Order),
}

/// An order over Bluetooth.
pub(crate) struct Order {
    pub action: u8,
    pub auth_id: u32,
    /// Whether the answer waits for the bolt, or comes when the lock has accepted.
    pub when_done: bool,
    /// 0, or an error of the BLE API.
    pub reply: oneshot::Sender<u8>,
}

/// What a timer was set for.
enum Timer {
    Machine(u64),
    Life(Happening),
    NextScene,
}

/// What is to be told under `nuki/<ID>/`: the topic, whether it is retained, and what.
pub(crate) type Word = (&'static str, bool, String);

pub(crate) struct Body {
    pub machine: Machine,
    pub options: Arc<Options>,
    pub seen: watch::Sender<Seen>,
    pub backlog: VecDeque<Word>,
    pub offline_until: Option<Instant>,
    pub is_silent: bool,
    /// A quiet door has none.
    routine: Option<Box<Routine>>,
    /// What goes wrong with every action.
    always: Option<Box<Faults>>,
    timers: BTreeMap<(Instant, u64), Timer>,
    next_timer: u64,
    orders: Vec<(u64, oneshot::Sender<u8>)>,
    next_order: u64,
}

/// A lock that was told to stay away does so for this long at most.
pub(crate) const LONG: Duration = Duration::from_hours(24 * 365);

impl Body {
    pub(crate) fn new(options: Arc<Options>, machine: Machine, seen: watch::Sender<Seen>) -> Self {
        let spec = &machine.spec;
        let is_quiet = spec.life == Life::Quiet;
        let routine = (!is_quiet).then(|| Box::new(Routine::new(spec.life, spec.nuki_id, options.seed)));
        Self {
            machine,
            options,
            seen,
            backlog: VecDeque::new(),
            offline_until: None,
            is_silent: false,
            routine,
            always: None,
            timers: BTreeMap::new(),
            next_timer: 0,
            orders: Vec::new(),
            next_order: 0,
        }
    }

    pub(crate) fn obey(&mut self, control: Control) {
        match control {
            Control::Input(input) => {
                let outputs = self.machine.step(input);
                self.carry_out(outputs);
            }
            Control::Faults(faults) => self.machine.faults = faults,
            Control::Always(faults) => {
                self.always = Some(Box::new(faults));
                self.go_wrong_again();
            }
            Control::Offline(time) => self.leave(time),
            Control::Silent(time) => {
                self.is_silent = true;
                self.leave(time);
            }
            Control::Back => {
                if self.machine.spec.official {
                    self.offline_until = None;
                }
            }
            Control::Visit(visit) => {
                let outputs = visit(&mut self.machine);
                self.carry_out(outputs);
            }
            Control::Order(order) => self.order(order),
        }
    }

    fn order(&mut self, asked: Order) {
        self.next_order += 1;
        let (order, Order { action, auth_id, when_done, reply }) = (self.next_order, asked);
        let outputs = self.machine.step(Input::Order { action, auth_id, order });
        let is_accepted = self.machine.is_busy()
            && !outputs
                .iter()
                .any(|output| matches!(output, Output::Result { order: of, .. } if *of == order));
        if is_accepted && !when_done {
            // Whoever asked may be gone.
            let _ = reply.send(0);
        } else {
            self.orders.retain(|(_, waiting)| !waiting.is_closed());
            self.orders.push((order, reply));
        }
        self.carry_out(outputs);
    }

    fn leave(&mut self, time: Option<Duration>) {
        let time = time.map_or(LONG, |time| self.scaled(time));
        self.offline_until = Some(Instant::now() + time);
        self.show(|seen| seen.connected = false);
    }

    pub(crate) fn carry_out(&mut self, outputs: Vec<Output>) {
        let mut told = false;
        for output in outputs {
            match output {
                Output::Publish { topic, payload, retained } => {
                    told = true;
                    self.backlog.push_back((topic, retained, payload));
                }
                Output::Result { order, code } => {
                    if let Some(place) = self.orders.iter().position(|(waiting, _)| *waiting == order) {
                        let _ = self.orders.swap_remove(place).1.send(code);
                    }
                }
                Output::Wait { after, number } => self.set(after, Timer::Machine(number)),
                Output::LosePower => {
                    let up = Instant::now() + self.scaled(RADIO_UP);
                    // Power that comes back brings no network where there was none.
                    self.offline_until = self.offline_until.max(Some(up));
                    self.orders.clear();
                }
            }
        }
        if told {
            let time = lock_time(self.machine.spec.clock_offset);
            self.backlog.push_back(("timestamp", true, time));
        }
        self.go_wrong_again();
        self.reveal(told);
    }

    fn go_wrong_again(&mut self) {
        if let Some(always) = &self.always {
            let jam = self.machine.faults.jam;
            self.machine.faults.clone_from(always);
            self.machine.faults.jam |= jam;
        }
    }

    fn reveal(&self, told: bool) {
        let machine = &self.machine;
        let written =
            machine.memory.as_ref().and_then(|memory| memory.log.back()).map_or(0, |entry| entry.index);
        self.show(|seen| {
            seen.state = machine.state;
            (seen.door_open, seen.battery, seen.moves) = (machine.door_open, machine.battery, machine.moves);
            (seen.finished, seen.written) = (machine.finished, written);
            seen.beacon += u64::from(told);
        });
    }

    pub(crate) fn scaled(&self, time: Duration) -> Duration {
        self.options.scaled(time)
    }

    fn set(&mut self, after: Duration, timer: Timer) {
        self.next_timer += 1;
        self.timers.insert((Instant::now() + self.scaled(after), self.next_timer), timer);
    }

    pub(crate) fn next_due(&self) -> Instant {
        self.timers.first_key_value().map_or_else(|| Instant::now() + LONG, |((at, _), _)| *at)
    }

    pub(crate) fn fire(&mut self) {
        let Some((_, timer)) = self.timers.pop_first() else {
            return;
        };
        match timer {
            Timer::Machine(number) => self.obey(Control::Input(Input::Due(number))),
            Timer::Life(Happening::Input(input)) => {
                // Nobody needs to come home to an open door.
                let pointless =
                    matches!(input, Input::Act { action: 2, .. }) && self.machine.state == state::LOCKED;
                if !pointless {
                    self.obey(Control::Input(input));
                }
            }
            Timer::Life(Happening::Jam) => self.machine.faults.jam = true,
            Timer::Life(Happening::Offline(time)) => self.obey(Control::Offline(Some(time))),
            Timer::Life(Happening::Silent(time)) => self.obey(Control::Silent(Some(time))),
            Timer::NextScene => self.next_scene(),
        }
    }

    pub(crate) fn next_scene(&mut self) {
        let Some((pause, scene)) = self.routine.as_mut().and_then(|routine| routine.next()) else {
            return;
        };
        let mut end = pause;
        for (after, happening) in scene {
            end = end.max(pause + after);
            self.set(pause + after, Timer::Life(happening));
        }
        self.set(end, Timer::NextScene);
    }

    pub(crate) fn show(&self, change: impl FnOnce(&mut Seen)) {
        self.seen.send_modify(change);
    }
}
