//! The lock itself, without network or time: inputs go in, publishes and delays come out. State sequences, timings and
//! errors are those of MQTT API 1.4 and the BLE API; where no trace confirms an order, `Order` chooses.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::spec::{Faults, LockSpec, Order};

/// MQTT API 1.4 `state`.
pub mod state {
    pub const UNCALIBRATED: u8 = 0;
    pub const LOCKED: u8 = 1;
    pub const UNLOCKING: u8 = 2;
    pub const UNLOCKED: u8 = 3;
    pub const LOCKING: u8 = 4;
    pub const UNLATCHED: u8 = 5;
    pub const LOCK_N_GO: u8 = 6;
    pub const UNLATCHING: u8 = 7;
    pub const BOOT: u8 = 253;
    pub const JAMMED: u8 = 254;
    pub const UNDEFINED: u8 = 255;
}

/// MQTT API 1.4 `lockAction`.
pub mod action {
    pub const UNLOCK: u8 = 1;
    pub const LOCK: u8 = 2;
    pub const UNLATCH: u8 = 3;
    pub const LOCK_N_GO: u8 = 4;
    pub const LOCK_N_GO_UNLATCH: u8 = 5;
    pub const FULL_LOCK: u8 = 6;
    pub const FOB_NOTHING: u8 = 80;
    pub const BUTTON_NOTHING: u8 = 90;
}

/// BLE API error codes, as `commandResponse` sends them.
pub mod error {
    pub const BAD_PARAMETER: u8 = 35;
    pub const MOTOR_BLOCKED: u8 = 66;
    pub const BUSY: u8 = 69;
    pub const CANCELED: u8 = 70;
    pub const NOT_CALIBRATED: u8 = 71;
    pub const VOLTAGE_TOO_LOW: u8 = 73;
}

const STROKE: Duration = Duration::from_millis(1_200);
/// The radio is up before the boot run is over, so that a lock tells first that it boots (state 253), then the last state.
pub(crate) const RADIO_UP: Duration = Duration::from_secs(3);
const BOOTING: Duration = Duration::from_secs(5);
/// How far a turn must have come for the bolt to be found at its end when the power fails on the way. No trace says what
/// a lock reports that stopped in between; we take it to report the rest it came from, unless it was this near the other.
const NEARLY_DONE: f64 = 0.9;
/// Below this the motor does not turn any more.
const FLAT: u8 = 4;
const CRITICAL: u8 = 20;
/// Triggers of MQTT API 1.4.
const BUTTON: u8 = 2;
const MQTT: u8 = 172;
/// Of so many actions, as many use up a step of the battery as they have cost.
const ACTIONS_A_STEP: u32 = 16;

/// Something that happens to the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A number on `lockAction`.
    Command(u8),
    /// `true` on `lock` or `unlock`.
    Simple {
        unlock: bool,
    },
    /// The key or the knob inside.
    ByHand {
        lock: bool,
    },
    /// An action from elsewhere: trigger, authorization, code and extra as in `lockActionEvent`.
    Act {
        action: u8,
        trigger: u8,
        auth_id: u32,
        code_id: u32,
        extra: u8,
    },
    DoorOpens,
    DoorCloses,
    Battery(u8),
    PowerLoss,
    /// A delay that was asked for is over.
    Due(u64),
}

/// What the lock does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Under `nuki/<ID>/`; state topics are retained, events and answers are not.
    Publish { topic: &'static str, payload: String, retained: bool },
    /// Come back with [`Input::Due`] after this long.
    Wait { after: Duration, number: u64 },
    /// The connection drops, and comes back once booted.
    LosePower,
}

#[derive(Clone, Debug)]
enum Step {
    State(u8),
    Event(String),
    Answer(u8),
    /// So much of the turn was done.
    PowerFails(f64),
    /// What it has cost the battery.
    End(u32),
}

pub struct Machine {
    pub spec: LockSpec,
    pub faults: Faults,
    pub state: u8,
    pub door_open: bool,
    pub battery: u8,
    /// How often the motor really moved.
    pub moves: u32,
    /// Where the bolt was before it began to move.
    rest: u8,
    order: Order,
    rng: StdRng,
    plan: VecDeque<(Duration, Step)>,
    /// The number of the wait that carries the plan on; older ones are void.
    carry_on: u64,
    auto_lock: u64,
    late_answers: Vec<(u64, u8)>,
    next_number: u64,
    opened_since_unlock: bool,
}

impl Machine {
    pub fn new(spec: LockSpec, order: Order, seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed ^ u64::from(spec.nuki_id).rotate_left(32));
        let battery = spec.battery;
        Self {
            spec,
            faults: Faults::default(),
            state: state::LOCKED,
            door_open: false,
            battery,
            moves: 0,
            rest: state::LOCKED,
            order,
            rng,
            plan: VecDeque::new(),
            carry_on: 0,
            auto_lock: 0,
            late_answers: Vec::new(),
            next_number: 0,
            opened_since_unlock: false,
        }
    }

    /// Everything a lock tells when it connects (MQTT API 1.4, base topic).
    pub fn everything(&self) -> Vec<Output> {
        let mut out = vec![
            retained("deviceType", self.spec.device_type.to_string()),
            retained("name", self.spec.name.clone()),
            retained("firmware", self.spec.firmware.clone()),
            retained("mode", "2".to_owned()),
            retained("state", self.state.to_string()),
            retained("serverConnected", "false".to_owned()),
            retained("connected", "true".to_owned()),
        ];
        out.extend(self.battery_topics());
        if self.spec.keypad {
            out.push(retained("keypadBatteryCritical", "false".to_owned()));
        }
        if self.spec.door_sensor {
            out.push(self.door_topic());
            out.push(retained("doorsensorBatteryCritical", "false".to_owned()));
        }
        out
    }

    fn battery_topics(&self) -> [Output; 3] {
        [
            retained("batteryCritical", (self.battery <= CRITICAL).to_string()),
            retained("batteryChargeState", (self.battery & !1).to_string()),
            retained("batteryCharging", "false".to_owned()),
        ]
    }

    fn door_topic(&self) -> Output {
        retained("doorsensorState", if self.door_open { "3" } else { "2" }.to_owned())
    }

    pub fn step(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Command(number) => self.command(number, &mut out),
            Input::Simple { unlock: false } => self.command(action::LOCK, &mut out),
            Input::Simple { unlock: true } => {
                self.command(if self.spec.knob { action::UNLATCH } else { action::UNLOCK }, &mut out);
            }
            Input::ByHand { lock } => self.by_hand(lock, &mut out),
            Input::Act { action, trigger, auth_id, code_id, extra } => {
                let event = format!("{action},{trigger},{auth_id},{code_id},{extra}");
                if matches!(action, action::FOB_NOTHING | action::BUTTON_NOTHING) {
                    out.push(told("lockActionEvent", event));
                } else if !self.is_busy() {
                    self.act(action, event, None, &mut out);
                } else if trigger == BUTTON {
                    self.cancel(&mut out);
                }
            }
            Input::DoorOpens | Input::DoorCloses => {
                self.door_open = input == Input::DoorOpens;
                self.opened_since_unlock |= self.door_open;
                if self.spec.door_sensor {
                    out.push(self.door_topic());
                }
                self.maybe_auto_lock(&mut out);
            }
            Input::Battery(percent) => {
                self.battery = percent;
                out.extend(self.battery_topics());
            }
            Input::PowerLoss => {
                let turned = self.rng.random_range(0.0..1.0);
                self.power_loss(turned, &mut out);
            }
            Input::Due(number) => self.due(number, &mut out),
        }
        out
    }

    fn is_busy(&self) -> bool {
        !self.plan.is_empty()
    }

    fn command(&mut self, number: u8, out: &mut Vec<Output>) {
        let refusal = if let Some(code) = self.faults.refuse.take() {
            Some(code)
        } else if !(action::UNLOCK..=action::FULL_LOCK).contains(&number) {
            Some(error::BAD_PARAMETER)
        } else if self.is_busy() {
            Some(error::BUSY)
        } else if self.state == state::UNCALIBRATED {
            Some(error::NOT_CALIBRATED)
        } else if self.battery <= FLAT {
            Some(error::VOLTAGE_TOO_LOW)
        } else {
            None
        };
        match refusal {
            Some(code) => self.answer(code, out),
            None => self.act(number, format!("{number},{MQTT},0,0,0"), Some(0), out),
        }
    }

    /// Plans a whole action: what is told, what moves, what is answered.
    fn act(&mut self, number: u8, event: String, answer: Option<u8>, out: &mut Vec<Output>) {
        let jam = std::mem::take(&mut self.faults.jam);
        let reboot = std::mem::take(&mut self.faults.reboot);
        let path = self.path(number);
        let mut steps: VecDeque<(Duration, Step)> = VecDeque::new();
        for (index, (after, next)) in path.iter().enumerate() {
            let after = self.jitter(*after);
            if jam && index == 1 {
                steps.push_back((after, Step::State(state::JAMMED)));
                break;
            }
            if reboot && index == 1 {
                let turned = self.rng.random_range(0.0..1.0);
                steps.push_back((after.mul_f64(turned), Step::PowerFails(turned)));
                break;
            }
            steps.push_back((after, Step::State(*next)));
        }
        let answer = answer.map(|code| if jam { error::MOTOR_BLOCKED } else { code });
        let told = (Duration::ZERO, Step::Event(event));
        match self.order {
            Order::EventLate if steps.len() > 1 => steps.insert(1, told),
            _ => steps.push_front(told),
        }
        if let Some(code) = answer {
            match self.order {
                Order::AnswerFirst => steps.push_front((Duration::ZERO, Step::Answer(code))),
                _ => steps.push_back((Duration::ZERO, Step::Answer(code))),
            }
        }
        steps.push_back((Duration::ZERO, Step::End(cost(&path))));
        self.plan = steps;
        self.moves += 1;
        self.opened_since_unlock = false;
        self.carry_on(out);
    }

    /// States on the way, each with the time before it.
    fn path(&self, number: u8) -> Vec<(Duration, u8)> {
        use state::{LOCK_N_GO, LOCKED, LOCKING, UNLATCHED, UNLATCHING, UNLOCKED, UNLOCKING};
        const NOW: Duration = Duration::ZERO;
        let (turn, hold) = (self.spec.turn, self.spec.unlatch_hold);
        let from_locked = self.state == LOCKED || self.state == state::JAMMED;
        let open = || {
            let mut path = if from_locked {
                vec![(NOW, UNLOCKING), (turn, UNLATCHING)]
            } else {
                vec![(NOW, UNLATCHING)]
            };
            path.push((STROKE, UNLATCHED));
            path
        };
        match number {
            action::UNLOCK => vec![(NOW, UNLOCKING), (turn, UNLOCKED)],
            action::UNLATCH => [open(), vec![(hold, UNLOCKED)]].concat(),
            action::LOCK_N_GO => {
                let first = if from_locked {
                    vec![(NOW, UNLOCKING), (turn, LOCK_N_GO)]
                } else {
                    vec![(NOW, LOCK_N_GO)]
                };
                [first, vec![(self.spec.lock_n_go, LOCKING), (turn, LOCKED)]].concat()
            }
            action::LOCK_N_GO_UNLATCH => {
                [open(), vec![(hold, LOCK_N_GO), (self.spec.lock_n_go, LOCKING), (turn, LOCKED)]].concat()
            }
            _ => vec![(NOW, LOCKING), (turn, LOCKED)],
        }
    }

    fn jitter(&mut self, after: Duration) -> Duration {
        after.mul_f64(self.rng.random_range(0.9..1.1))
    }

    fn carry_on(&mut self, out: &mut Vec<Output>) {
        while let Some((after, step)) = self.plan.pop_front() {
            if !after.is_zero() {
                self.plan.push_front((Duration::ZERO, step));
                self.carry_on = self.number();
                out.push(Output::Wait { after, number: self.carry_on });
                return;
            }
            match step {
                Step::State(next) => self.enter(next, out),
                Step::PowerFails(turned) => return self.power_loss(turned, out),
                Step::Event(event) => out.push(told("lockActionEvent", event)),
                Step::Answer(code) => self.answer(code, out),
                Step::End(cost) => self.drain(cost, out),
            }
        }
    }

    fn enter(&mut self, next: u8, out: &mut Vec<Output>) {
        self.state = next;
        self.rest = match next {
            // The bolt is back; the latch springs back by itself.
            state::UNLATCHED | state::LOCK_N_GO | state::UNLATCHING => state::UNLOCKED,
            state::UNLOCKING | state::LOCKING | state::BOOT | state::UNDEFINED => self.rest,
            rest => rest,
        };
        out.push(retained("state", next.to_string()));
        self.maybe_auto_lock(out);
    }

    fn drain(&mut self, cost: u32, out: &mut Vec<Output>) {
        if self.rng.random_range(0..ACTIONS_A_STEP) < cost {
            self.battery = self.battery.saturating_sub(2);
            out.extend(self.battery_topics());
        }
    }

    fn answer(&mut self, code: u8, out: &mut Vec<Output>) {
        if std::mem::take(&mut self.faults.never_answer) {
            return;
        }
        if let Some(after) = self.faults.answer_late.take() {
            let number = self.number();
            self.late_answers.push((number, code));
            out.push(Output::Wait { after, number });
            return;
        }
        let times = if std::mem::take(&mut self.faults.answer_twice) { 2 } else { 1 };
        for _ in 0..times {
            out.push(told("commandResponse", code.to_string()));
        }
    }

    /// The movement under way is given up, and whoever ordered it is told so.
    fn give_up(&mut self, out: &mut Vec<Output>) {
        let was_commanded = self.plan.iter().any(|(_, step)| matches!(step, Step::Answer(_)));
        self.plan.clear();
        if was_commanded {
            self.answer(error::CANCELED, out);
        }
    }

    /// The button while it moves. Whether a lock then tells where it stands or that it does not know is unconfirmed.
    fn cancel(&mut self, out: &mut Vec<Output>) {
        self.give_up(out);
        let stands = if self.order == Order::EventLate { state::UNDEFINED } else { self.rest };
        self.enter(stands, out);
    }

    /// A hand on the knob: the bolt moves, a motor under way gives up, and no event is published.
    fn by_hand(&mut self, lock: bool, out: &mut Vec<Output>) {
        self.give_up(out);
        self.opened_since_unlock = false;
        self.enter(if lock { state::LOCKED } else { state::UNLOCKED }, out);
    }

    /// With a door sensor it waits for the door to have been opened and closed, and may lock right then (HELP, Auto Lock).
    fn maybe_auto_lock(&mut self, out: &mut Vec<Output>) {
        let Some(after) = self.spec.auto_lock else {
            return;
        };
        self.auto_lock = 0;
        let door_allows = !self.spec.door_sensor || (self.opened_since_unlock && !self.door_open);
        let after = if self.spec.lock_at_closing && self.spec.door_sensor { Duration::ZERO } else { after };
        if self.state == state::UNLOCKED && door_allows {
            self.auto_lock = self.number();
            out.push(Output::Wait { after, number: self.auto_lock });
        }
    }

    /// Everything that was only in its memory is gone: the action, the answers it owes.
    fn power_loss(&mut self, turned: f64, out: &mut Vec<Output>) {
        self.plan.clear();
        self.late_answers.clear();
        let last = match self.state {
            state::UNLOCKING if turned >= NEARLY_DONE => state::UNLOCKED,
            state::LOCKING if turned >= NEARLY_DONE => state::LOCKED,
            _ => self.rest,
        };
        self.state = state::BOOT;
        self.rest = last;
        out.push(Output::LosePower);
        self.plan.push_back((BOOTING, Step::State(last)));
        self.carry_on(out);
    }

    fn due(&mut self, number: u64, out: &mut Vec<Output>) {
        if number == self.carry_on {
            self.carry_on(out);
        } else if number == self.auto_lock && !self.is_busy() {
            self.act(action::LOCK, "2,6,0,0,0".to_owned(), None, out);
        } else if let Some(place) = self.late_answers.iter().position(|(late, _)| *late == number) {
            let (_, code) = self.late_answers.remove(place);
            out.push(told("commandResponse", code.to_string()));
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

/// Pulling the latch costs more than a turn (HELP, batteries).
fn cost(path: &[(Duration, u8)]) -> u32 {
    let of = |state: &u8| match *state {
        state::UNLOCKING | state::LOCKING => 2,
        state::UNLATCHING => 3,
        _ => 0,
    };
    path.iter().map(|(_, state)| of(state)).sum()
}

fn retained(topic: &'static str, payload: String) -> Output {
    Output::Publish { topic, payload, retained: true }
}

fn told(topic: &'static str, payload: String) -> Output {
    Output::Publish { topic, payload, retained: false }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
