//! The lock itself, without network or time: inputs go in, publishes and delays come out. State sequences, timings and
//! errors are those of MQTT API 1.4 and the BLE API; where no trace confirms an order, `Order` chooses.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::memory::Memory;
use crate::spec::{Faults, LockSpec, Order};

mod acting;
mod keypad;

pub(crate) use acting::cost;

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
    pub const CALIBRATION: u8 = 252;
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
    /// By Bluetooth only: what the fob does on one, two and three presses.
    pub const FOB_1: u8 = 129;
    pub const FOB_3: u8 = 131;
}

/// BLE API error codes, as `commandResponse` sends them.
pub mod error {
    pub const BAD_PARAMETER: u8 = 35;
    pub const TOO_MANY_ENTRIES: u8 = 41;
    pub const CODE_EXISTS: u8 = 42;
    pub const CODE_INVALID: u8 = 43;
    pub const MOTOR_BLOCKED: u8 = 66;
    pub const BUSY: u8 = 69;
    pub const CANCELED: u8 = 70;
    pub const NOT_CALIBRATED: u8 = 71;
    pub const VOLTAGE_TOO_LOW: u8 = 73;
}

/// Triggers of MQTT API 1.4.
pub mod trigger {
    pub const SYSTEM: u8 = 0;
    pub const MANUAL: u8 = 1;
    pub const BUTTON: u8 = 2;
    pub const AUTO_LOCK: u8 = 6;
    pub const MQTT: u8 = 172;
}

/// Completion status of the BLE API.
pub mod completion {
    pub const SUCCESS: u8 = 0;
    pub const MOTOR_BLOCKED: u8 = 1;
    pub const CANCELED: u8 = 2;
    pub const NOT_AUTHORIZED: u8 = 9;
    pub const INVALID_CODE: u8 = 224;
    pub const INVALID_FINGER: u8 = 225;
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
pub(crate) const CRITICAL: u8 = 20;
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
    /// An order over Bluetooth by a hub or a bridge, which hears its outcome as [`Output::Result`].
    Order {
        action: u8,
        auth_id: u32,
        order: u64,
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
    /// Six digits typed on the keypad, right or wrong.
    Code(u32),
    /// A finger on the keypad that belongs to this code id; 0 is a finger it does not know.
    Finger(u16),
    DoorOpens,
    DoorCloses,
    Battery(u8),
    Charging(bool),
    KeypadBattery {
        critical: bool,
    },
    DoorSensorBattery {
        critical: bool,
    },
    PowerLoss,
    /// A delay that was asked for is over.
    Due(u64),
}

/// What the lock does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Under `nuki/<ID>/`; state topics are retained, events and answers are not.
    Publish { topic: &'static str, payload: String, retained: bool },
    /// The outcome of [`Input::Order`]: 0, or an error of the BLE API.
    Result { order: u64, code: u8 },
    /// Come back with [`Input::Due`] after this long.
    Wait { after: Duration, number: u64 },
    /// The connection drops, and comes back once booted.
    LosePower,
}

/// What set an action off, with the fields of `lockActionEvent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    pub action: u8,
    pub trigger: u8,
    pub auth_id: u32,
    pub code_id: u32,
    pub extra: u8,
}

impl Cause {
    fn event(self) -> String {
        format!("{},{},{},{},{}", self.action, self.trigger, self.auth_id, self.code_id, self.extra)
    }
}

/// Who waits for the outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Mqtt,
    Order(u64),
}

#[derive(Clone, Debug)]
enum Step {
    State(u8),
    Event(String),
    Answer(To, u8),
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
    pub charging: bool,
    pub keypad_critical: bool,
    pub door_sensor_critical: bool,
    /// How often the motor really moved.
    pub moves: u32,
    /// What set off the action that is under way, or the last one.
    pub last: Cause,
    /// How the last action ended (BLE API completion status).
    pub completion: u8,
    /// How many actions came to an end, good or bad, by whatever way.
    pub finished: u64,
    /// Log, codes, authorizations, settings. Only a lock that somebody can ask for them keeps them.
    pub memory: Option<Box<Memory>>,
    /// Where the bolt was before it began to move.
    rest: u8,
    order: Order,
    rng: StdRng,
    plan: VecDeque<(Duration, Step)>,
    /// The number of the wait that carries the plan on; older ones are void.
    carry_on: u64,
    auto_lock: u64,
    late_answers: Vec<(u64, To, u8)>,
    next_number: u64,
    opened_since_unlock: bool,
    keypad: keypad::Keypad,
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
            charging: false,
            keypad_critical: false,
            door_sensor_critical: false,
            moves: 0,
            last: Cause { action: action::LOCK, ..Cause::default() },
            completion: completion::SUCCESS,
            finished: 0,
            memory: None,
            rest: state::LOCKED,
            order,
            rng,
            plan: VecDeque::new(),
            carry_on: 0,
            auto_lock: 0,
            late_answers: Vec::new(),
            next_number: 0,
            opened_since_unlock: false,
            keypad: keypad::Keypad::default(),
        }
    }

    /// The lock's memory, made when first asked for.
    pub fn memory(&mut self) -> &mut Memory {
        let spec = &self.spec;
        self.memory.get_or_insert_with(|| Box::new(Memory::new(spec)))
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
            out.push(retained("keypadBatteryCritical", self.keypad_critical.to_string()));
        }
        if self.spec.door_sensor {
            out.push(self.door_topic());
            out.push(retained("doorsensorBatteryCritical", self.door_sensor_critical.to_string()));
        }
        out
    }

    fn battery_topics(&self) -> [Output; 3] {
        [
            retained("batteryCritical", (self.battery <= CRITICAL).to_string()),
            retained("batteryChargeState", (self.battery & !1).to_string()),
            retained("batteryCharging", self.charging.to_string()),
        ]
    }

    fn door_topic(&self) -> Output {
        retained("doorsensorState", if self.door_open { "3" } else { "2" }.to_owned())
    }

    pub fn step(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Command(number) => self.command(number, &mut out),
            Input::Simple { unlock } => self.command(self.simple(unlock), &mut out),
            Input::Order { action, auth_id, order } => self.ordered(action, auth_id, order, &mut out),
            Input::ByHand { lock } => self.by_hand(lock, &mut out),
            Input::Act { action, trigger, auth_id, code_id, extra } => {
                self.happen(Cause { action, trigger, auth_id, code_id, extra }, &mut out);
            }
            Input::Code(code) => self.code_typed(code, &mut out),
            Input::Finger(code_id) => self.finger(code_id, &mut out),
            Input::DoorOpens | Input::DoorCloses => self.door(input == Input::DoorOpens, &mut out),
            Input::Battery(percent) => {
                self.battery = percent;
                out.extend(self.battery_topics());
            }
            Input::Charging(charging) => {
                self.charging = charging;
                out.extend(self.battery_topics());
            }
            Input::KeypadBattery { critical } => {
                self.keypad_critical = critical;
                out.push(retained("keypadBatteryCritical", critical.to_string()));
            }
            Input::DoorSensorBattery { critical } => {
                self.door_sensor_critical = critical;
                out.push(retained("doorsensorBatteryCritical", critical.to_string()));
            }
            Input::PowerLoss => {
                let turned = self.rng.random_range(0.0..1.0);
                self.power_loss(turned, &mut out);
            }
            Input::Due(number) => self.due(number, &mut out),
        }
        out
    }

    /// What the simple actions mean at this door (MQTT API 1.4, `lock` and `unlock`).
    pub fn simple(&self, unlock: bool) -> u8 {
        match (unlock, self.spec.knob) {
            (false, _) => action::LOCK,
            (true, true) => action::UNLATCH,
            (true, false) => action::UNLOCK,
        }
    }

    pub fn is_busy(&self) -> bool {
        !self.plan.is_empty()
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

fn retained(topic: &'static str, payload: String) -> Output {
    Output::Publish { topic, payload, retained: true }
}

fn told(topic: &'static str, payload: String) -> Output {
    Output::Publish { topic, payload, retained: false }
}

/// The lock's name has changed.
pub(crate) fn told_name(name: &str) -> Output {
    retained("name", name.to_owned())
}

#[cfg(test)]
mod tests;
