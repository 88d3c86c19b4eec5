//! An Opener in time, and the handle on it.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Input, OpenerMachine, Output};
use crate::body::LONG;
use crate::spec::Options;

/// What can be seen of an Opener from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenerSeen {
    pub state: u8,
    pub mode: u8,
    pub rings: u64,
    /// How often the strike was at work.
    pub opened: u32,
    pub finished: u64,
    /// Grows whenever there may be something new.
    pub beacon: u64,
}

type Visit = Box<dyn FnOnce(&mut OpenerMachine) + Send>;

pub(crate) enum Control {
    Input(Input),
    Visit(Visit),
    /// Action, authorization, whether the answer waits for the strike, and where it goes.
    Order(u8, u32, bool, oneshot::Sender<u8>),
}

/// A handle on one virtual Opener.
#[derive(Clone)]
pub struct Opener {
    pub nuki_id: u32,
    control: mpsc::UnboundedSender<Control>,
    seen: watch::Receiver<OpenerSeen>,
}

impl Opener {
    pub fn seen(&self) -> OpenerSeen {
        self.seen.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<OpenerSeen> {
        self.seen.clone()
    }

    /// Returns once the Opener is as `fact` says.
    pub async fn wait_for(&self, fact: impl Fn(&OpenerSeen) -> bool) -> OpenerSeen {
        let mut seen = self.seen.clone();
        let found = seen.wait_for(|seen| fact(seen)).await.map(|seen| seen.clone());
        found.unwrap_or_else(|_| self.seen())
    }

    pub fn happens(&self, input: Input) {
        self.tell(Control::Input(input));
    }

    pub fn ring(&self) {
        self.happens(Input::Ring);
    }

    /// Looks at the machine, or changes it, between two of its steps. `None` if it was stopped.
    pub async fn visit<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut OpenerMachine) -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        // Whoever asked may be gone.
        self.tell(Control::Visit(Box::new(move |machine| drop(tell.send(look(machine))))));
        told.await.ok()
    }

    /// An order over Bluetooth: 0 or an error of the BLE API. `None` without an answer.
    pub async fn order(&self, action: u8, auth_id: u32, when_done: bool) -> Option<u8> {
        let (reply, answer) = oneshot::channel();
        self.tell(Control::Order(action, auth_id, when_done, reply));
        answer.await.ok()
    }

    fn tell(&self, control: Control) {
        // One that was stopped hears nothing any more.
        let _ = self.control.send(control);
    }
}

pub(crate) struct OpenerBody {
    machine: OpenerMachine,
    options: Options,
    control: mpsc::UnboundedReceiver<Control>,
    show: watch::Sender<OpenerSeen>,
    timers: BTreeMap<(Instant, u64), u64>,
    orders: Vec<(u64, oneshot::Sender<u8>)>,
    next: u64,
}

impl OpenerBody {
    pub(crate) fn new(machine: OpenerMachine, options: Options) -> (Opener, Self) {
        let (tell, control) = mpsc::unbounded_channel();
        let (show, seen) = watch::channel(OpenerSeen::default());
        let opener = Opener { nuki_id: machine.spec.nuki_id, control: tell, seen };
        let body =
            Self { machine, options, control, show, timers: BTreeMap::new(), orders: Vec::new(), next: 0 };
        body.reveal();
        (opener, body)
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let due = self.timers.first_key_value().map_or_else(|| Instant::now() + LONG, |((at, _), _)| *at);
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(due) => {
                    if let Some((_, number)) = self.timers.pop_first() {
                        self.step(Input::Due(number));
                    }
                }
                control = self.control.recv() => match control {
                    Some(control) => self.obey(control),
                    None => return,
                },
            }
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Input(input) => self.step(input),
            Control::Visit(visit) => {
                visit(&mut self.machine);
                self.reveal();
            }
            Control::Order(action, auth_id, when_done, reply) => {
                self.next += 1;
                let order = self.next;
                let outputs = self.machine.step(Input::Order { action, auth_id, order });
                let is_answered = outputs.iter().any(|output| matches!(output, Output::Result { .. }));
                if is_answered || when_done {
                    self.orders.push((order, reply));
                } else {
                    let _ = reply.send(0);
                }
                self.carry_out(outputs);
            }
        }
    }

    fn step(&mut self, input: Input) {
        let outputs = self.machine.step(input);
        self.carry_out(outputs);
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Result { order, code } => {
                    if let Some(place) = self.orders.iter().position(|(waiting, _)| *waiting == order) {
                        let _ = self.orders.swap_remove(place).1.send(code);
                    }
                }
                Output::Wait { after, number } => {
                    self.next += 1;
                    let at = Instant::now() + self.options.scaled(after);
                    self.timers.insert((at, self.next), number);
                }
            }
        }
        self.reveal();
    }

    fn reveal(&self) {
        let machine = &self.machine;
        self.show.send_modify(|seen| {
            (seen.state, seen.mode, seen.rings) = (machine.state, machine.mode, machine.rings);
            (seen.opened, seen.finished) = (machine.opened, machine.finished);
            seen.beacon += 1;
        });
    }
}
