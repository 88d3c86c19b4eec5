//! What the lock does when it is told to move, and what becomes of it on the way.

use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt as _;

use super::{
    ACTIONS_A_STEP, BOOTING, Cause, FLAT, Machine, NEARLY_DONE, Output, STROKE, Step, To, action, completion,
    error, retained, state, told, trigger,
};
use crate::spec::Order;

impl Machine {
    pub(super) fn command(&mut self, number: u8, out: &mut Vec<Output>) {
        let cause = Cause { action: number, trigger: trigger::MQTT, ..Cause::default() };
        self.obey(cause, To::Mqtt, out);
    }

    pub(super) fn ordered(&mut self, number: u8, auth_id: u32, order: u64, out: &mut Vec<Output>) {
        let number = match number {
            // The fob's settings: lock'n'go is 3 there, and "intelligent" turns the other way (BLE API, fob action).
            action::FOB_1..=action::FOB_3 => match self.spec.fob_action(number) {
                1 => action::UNLOCK,
                3 => action::LOCK_N_GO,
                4 if self.state == state::LOCKED => action::UNLOCK,
                2 | 4 => action::LOCK,
                _ => action::FOB_NOTHING,
            },
            other => other,
        };
        let cause = Cause { action: number, trigger: trigger::SYSTEM, auth_id, ..Cause::default() };
        self.obey(cause, To::Order(order), out);
    }

    fn obey(&mut self, cause: Cause, to: To, out: &mut Vec<Output>) {
        let refusal = if let Some(code) = self.faults.refuse.take() {
            Some(code)
        } else if !(action::UNLOCK..=action::FULL_LOCK).contains(&cause.action) {
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
            Some(code) => self.answer(to, code, out),
            None => self.act(cause, Some(to), out),
        }
    }

    /// Something that nobody over the network asked for.
    pub(super) fn happen(&mut self, cause: Cause, out: &mut Vec<Output>) {
        if matches!(cause.action, action::FOB_NOTHING | action::BUTTON_NOTHING) {
            out.push(told("lockActionEvent", cause.event()));
        } else if !self.is_busy() {
            self.act(cause, None, out);
        } else if cause.trigger == trigger::BUTTON {
            self.cancel(out);
        }
    }

    /// Plans a whole action: what is told, what moves, what is answered.
    pub(super) fn act(&mut self, cause: Cause, to: Option<To>, out: &mut Vec<Output>) {
        let jam = std::mem::take(&mut self.faults.jam);
        let reboot = std::mem::take(&mut self.faults.reboot);
        let path = self.path(cause.action);
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
        let told = (Duration::ZERO, Step::Event(cause.event()));
        match self.order {
            Order::EventLate if steps.len() > 1 => steps.insert(1, told),
            _ => steps.push_front(told),
        }
        let code = if jam { error::MOTOR_BLOCKED } else { 0 };
        for to in to.into_iter().chain(self.overheard(to)) {
            let answer = (Duration::ZERO, Step::Answer(to, code));
            match self.order {
                Order::AnswerFirst => steps.push_front(answer),
                _ => steps.push_back(answer),
            }
        }
        steps.push_back((Duration::ZERO, Step::End(cost(path.iter().map(|(_, state)| *state)))));
        self.plan = steps;
        self.last = cause;
        self.moves += 1;
        self.opened_since_unlock = false;
        self.carry_on(out);
    }

    /// Whether `commandResponse` also follows what came another way is unconfirmed.
    fn overheard(&self, to: Option<To>) -> Option<To> {
        (self.spec.answers_others && to != Some(To::Mqtt)).then_some(To::Mqtt)
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
        let number = match number {
            action::UNLOCK if self.spec.auto_unlatch => action::UNLATCH,
            action::LOCK_N_GO if self.spec.auto_unlatch => action::LOCK_N_GO_UNLATCH,
            other => other,
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

    pub(super) fn jitter(&mut self, after: Duration) -> Duration {
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
                Step::Answer(to, code) => self.answer(to, code, out),
                Step::End(cost) => {
                    let jammed = self.state == state::JAMMED;
                    self.ended(if jammed { completion::MOTOR_BLOCKED } else { completion::SUCCESS });
                    self.drain(cost, out);
                }
            }
        }
    }

    /// The last action is over, and the lock writes down how it ended.
    fn ended(&mut self, completion: u8) {
        self.completion = completion;
        self.finished += 1;
        let cause = self.last;
        let keypad = self.spec.keypad_auth;
        if let Some(memory) = &mut self.memory {
            memory.acted(cause, completion, keypad);
        }
    }

    pub(super) fn enter(&mut self, next: u8, out: &mut Vec<Output>) {
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

    fn answer(&mut self, to: To, code: u8, out: &mut Vec<Output>) {
        if std::mem::take(&mut self.faults.never_answer) {
            return;
        }
        if let Some(after) = self.faults.answer_late.take() {
            let number = self.number();
            self.late_answers.push((number, to, code));
            out.push(Output::Wait { after, number });
            return;
        }
        let times = if std::mem::take(&mut self.faults.answer_twice) { 2 } else { 1 };
        for _ in 0..times {
            out.push(answered(to, code));
        }
    }

    /// The movement under way is given up, and whoever ordered it is told so.
    fn give_up(&mut self, out: &mut Vec<Output>) {
        let was_busy = self.is_busy();
        let asked = self.plan.iter().find_map(|(_, step)| match step {
            Step::Answer(to, _) => Some(*to),
            _ => None,
        });
        self.plan.clear();
        if let Some(to) = asked {
            self.answer(to, error::CANCELED, out);
        }
        if was_busy {
            self.ended(completion::CANCELED);
        }
    }

    /// The button while it moves. Whether a lock then tells where it stands or that it does not know is unconfirmed.
    fn cancel(&mut self, out: &mut Vec<Output>) {
        self.give_up(out);
        let stands = if self.order == Order::EventLate { state::UNDEFINED } else { self.rest };
        self.enter(stands, out);
    }

    /// A hand on the knob: the bolt moves, a motor under way gives up, and no event is published.
    pub(super) fn by_hand(&mut self, lock: bool, out: &mut Vec<Output>) {
        self.give_up(out);
        self.opened_since_unlock = false;
        let action = if lock { action::LOCK } else { action::UNLOCK };
        self.last = Cause { action, trigger: trigger::MANUAL, ..Cause::default() };
        self.ended(completion::SUCCESS);
        self.enter(if lock { state::LOCKED } else { state::UNLOCKED }, out);
    }

    pub(super) fn door(&mut self, opens: bool, out: &mut Vec<Output>) {
        self.door_open = opens;
        self.opened_since_unlock |= opens;
        if self.spec.door_sensor {
            out.push(self.door_topic());
            if let Some(memory) = &mut self.memory {
                memory.door(opens);
            }
        }
        self.maybe_auto_lock(out);
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
    pub(super) fn power_loss(&mut self, turned: f64, out: &mut Vec<Output>) {
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

    pub(super) fn due(&mut self, number: u64, out: &mut Vec<Output>) {
        if self.pause_over(number) {
            return;
        }
        if number == self.carry_on {
            self.carry_on(out);
        } else if number == self.auto_lock && !self.is_busy() {
            let cause = Cause { action: action::LOCK, trigger: trigger::AUTO_LOCK, ..Cause::default() };
            self.act(cause, None, out);
        } else if let Some(place) = self.late_answers.iter().position(|(late, ..)| *late == number) {
            let (_, to, code) = self.late_answers.remove(place);
            out.push(answered(to, code));
        }
    }
}

fn answered(to: To, code: u8) -> Output {
    match to {
        To::Mqtt => told("commandResponse", code.to_string()),
        To::Order(order) => Output::Result { order, code },
    }
}

/// Pulling the latch costs more than a turn (HELP, batteries).
pub(crate) fn cost(states: impl IntoIterator<Item = u8>) -> u32 {
    let of = |state| match state {
        state::UNLOCKING | state::LOCKING => 2,
        state::UNLATCHING => 3,
        _ => 0,
    };
    states.into_iter().map(of).sum()
}
