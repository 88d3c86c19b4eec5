//! An Opener: the box at the intercom that rings and presses the button of the door below. It speaks no MQTT of its own; a
//! hub or a bridge reaches it over Bluetooth.

mod body;
pub mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use body::OpenerBody;
pub use body::{Opener, OpenerSeen};

use crate::machine::{error, trigger};
use crate::memory::Memory;
use crate::memory::log::Kind;
use crate::spec::LockSpec;

/// Bridge HTTP API 1.13, lock states of an Opener.
pub mod state {
    pub const UNTRAINED: u8 = 0;
    pub const ONLINE: u8 = 1;
    pub const RTO_ACTIVE: u8 = 3;
    pub const OPEN: u8 = 5;
    pub const OPENING: u8 = 7;
    pub const BOOT: u8 = 253;
    pub const UNDEFINED: u8 = 255;
}

/// Bridge HTTP API 1.13, lock actions of an Opener.
pub mod action {
    pub const ACTIVATE_RTO: u8 = 1;
    pub const DEACTIVATE_RTO: u8 = 2;
    pub const STRIKE: u8 = 3;
    pub const ACTIVATE_CM: u8 = 4;
    pub const DEACTIVATE_CM: u8 = 5;
}

/// Modes: the usual one, and the one that opens at every ring.
pub const DOOR_MODE: u8 = 2;
pub const CONTINUOUS: u8 = 3;

/// From the ring to the strike.
const AFTER_RING: Duration = Duration::from_secs(1);
const OPENING: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub struct OpenerSpec {
    pub nuki_id: u32,
    pub name: String,
    pub firmware: String,
    pub hardware: String,
    /// Whether it has learned the intercom; without it can do nothing.
    pub trained: bool,
    /// Ring to open ends by itself after this long.
    pub rto_timeout: Duration,
    /// Ring to open ends when it has opened once.
    pub rto_once: bool,
    pub strike: Duration,
    pub battery_critical: bool,
    /// Minutes east of Greenwich.
    pub time_zone_minutes: i16,
}

impl OpenerSpec {
    pub fn new(nuki_id: u32, name: &str) -> Self {
        Self {
            nuki_id,
            name: name.to_owned(),
            firmware: "1.10.1".to_owned(),
            hardware: "2.1".to_owned(),
            trained: true,
            rto_timeout: Duration::from_mins(20),
            rto_once: true,
            strike: Duration::from_secs(3),
            battery_critical: false,
            time_zone_minutes: 60,
        }
    }
}

/// Something that happens to the Opener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// An order over Bluetooth; its outcome comes as [`Output::Result`].
    Order {
        action: u8,
        auth_id: u32,
        order: u64,
    },
    /// From elsewhere, such as its own button or the app.
    Act {
        action: u8,
        trigger: u8,
        auth_id: u32,
    },
    /// Somebody rings.
    Ring,
    Battery {
        critical: bool,
    },
    Trained(bool),
    /// A delay that was asked for is over.
    Due(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Result { order: u64, code: u8 },
    Wait { after: Duration, number: u64 },
}

/// What comes next while the strike is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strike {
    Ring,
    Opening,
    Open,
}

pub struct OpenerMachine {
    pub spec: OpenerSpec,
    pub state: u8,
    pub mode: u8,
    pub last_action: u8,
    pub last_trigger: u8,
    pub rings: u64,
    /// When it last rang.
    pub ring_at: Option<jiff::Timestamp>,
    /// Whether the last ring opened.
    pub ring_opened: bool,
    pub opened: u32,
    pub finished: u64,
    pub memory: Box<Memory>,
    /// The next error an order is refused with.
    pub refuse: Option<u8>,
    strike: Option<Strike>,
    rto: bool,
    /// When ring to open began last.
    rto_at: jiff::Timestamp,
    waits: (u64, u64),
    asked: Option<u64>,
    next_number: u64,
}

impl OpenerMachine {
    pub fn new(spec: OpenerSpec) -> Self {
        let mut like = LockSpec::new(spec.nuki_id, &spec.name);
        (like.keypad, like.time_zone_minutes) = (false, spec.time_zone_minutes);
        let mut memory = Memory::new(&like);
        memory.settings = settings::of(&spec);
        Self {
            state: if spec.trained { state::ONLINE } else { state::UNTRAINED },
            mode: DOOR_MODE,
            last_action: action::DEACTIVATE_RTO,
            last_trigger: trigger::SYSTEM,
            rings: 0,
            ring_at: None,
            ring_opened: false,
            opened: 0,
            finished: 0,
            memory: Box::new(memory),
            refuse: None,
            strike: None,
            rto: false,
            rto_at: jiff::Timestamp::UNIX_EPOCH,
            waits: (0, 0),
            asked: None,
            next_number: 0,
            spec,
        }
    }

    pub fn step(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Order { action, auth_id, order } => match self.refusal(action) {
                Some(code) => out.push(Output::Result { order, code }),
                None => self.act(action, trigger::SYSTEM, auth_id, Some(order), &mut out),
            },
            Input::Act { action, trigger, auth_id } => {
                if self.refusal(action).is_none() {
                    self.act(action, trigger, auth_id, None, &mut out);
                }
            }
            Input::Ring => self.ring(&mut out),
            Input::Battery { critical } => self.spec.battery_critical = critical,
            Input::Trained(trained) => {
                self.spec.trained = trained;
                self.rest();
            }
            Input::Due(number) => self.due(number, &mut out),
        }
        out
    }

    /// What the simple actions mean here (Bridge HTTP API, `/lock` and `/unlock`).
    pub fn simple(unlock: bool) -> u8 {
        if unlock { action::STRIKE } else { action::DEACTIVATE_RTO }
    }

    pub fn is_busy(&self) -> bool {
        self.strike.is_some()
    }

    /// How long ring to open still runs, where time passes at this part of its pace.
    pub fn rto_left(&self, time_scale: f64) -> Duration {
        if !self.rto {
            return Duration::ZERO;
        }
        let passed = crate::time::now(Duration::ZERO).duration_since(self.rto_at).as_secs_f64() / time_scale;
        self.spec.rto_timeout.saturating_sub(Duration::try_from_secs_f64(passed).unwrap_or_default())
    }

    fn refusal(&mut self, number: u8) -> Option<u8> {
        if let Some(code) = self.refuse.take() {
            Some(code)
        } else if !(action::ACTIVATE_RTO..=action::DEACTIVATE_CM).contains(&number) {
            Some(error::BAD_PARAMETER)
        } else if !self.spec.trained {
            Some(error::NOT_CALIBRATED)
        } else if self.is_busy() && number == action::STRIKE {
            Some(error::BUSY)
        } else {
            None
        }
    }

    fn act(&mut self, number: u8, trigger: u8, auth_id: u32, order: Option<u64>, out: &mut Vec<Output>) {
        (self.last_action, self.last_trigger) = (number, trigger);
        self.memory.write(auth_id, Kind::Action { action: number, trigger, completion: 0 });
        match number {
            action::ACTIVATE_RTO => {
                (self.rto, self.rto_at) = (true, crate::time::now(Duration::ZERO));
                self.waits.1 = self.number();
                out.push(Output::Wait { after: self.spec.rto_timeout, number: self.waits.1 });
            }
            action::DEACTIVATE_RTO => self.rto = false,
            action::ACTIVATE_CM => self.mode = CONTINUOUS,
            action::DEACTIVATE_CM => self.mode = DOOR_MODE,
            _ => {
                self.asked = order;
                self.go(Strike::Opening, OPENING, out);
                return;
            }
        }
        self.finished += 1;
        self.rest();
        out.extend(order.map(|order| Output::Result { order, code: 0 }));
    }

    /// The simple "lock" ends both (Bridge HTTP API, `/lock`).
    pub fn all_off(&mut self) {
        (self.rto, self.mode) = (false, DOOR_MODE);
        self.finished += 1;
        self.rest();
    }

    fn ring(&mut self, out: &mut Vec<Output>) {
        let opens = self.spec.trained && (self.rto || self.mode == CONTINUOUS) && !self.is_busy();
        self.rings += 1;
        self.ring_at = Some(crate::time::now(Duration::ZERO));
        self.ring_opened = opens;
        let mode = match (self.mode, self.rto) {
            (CONTINUOUS, _) => 3,
            (_, true) => 2,
            _ => 0,
        };
        let bell = Kind::Doorbell {
            mode,
            source: 0,
            geofence: false,
            suppression: 0,
            sound: 0,
            completion: 0,
            code_id: 0,
        };
        self.memory.write(0, bell);
        if opens {
            self.go(Strike::Ring, AFTER_RING, out);
        }
    }

    fn go(&mut self, strike: Strike, after: Duration, out: &mut Vec<Output>) {
        match strike {
            Strike::Ring => {}
            Strike::Opening => self.state = state::OPENING,
            Strike::Open => self.state = state::OPEN,
        }
        self.strike = Some(strike);
        self.waits.0 = self.number();
        out.push(Output::Wait { after, number: self.waits.0 });
    }

    fn due(&mut self, number: u64, out: &mut Vec<Output>) {
        if number == self.waits.1 {
            self.rto = false;
            self.rest();
        }
        if number != self.waits.0 {
            return;
        }
        match self.strike {
            Some(Strike::Ring) => {
                self.rto &= !self.spec.rto_once;
                self.go(Strike::Opening, OPENING, out);
            }
            Some(Strike::Opening) => {
                self.opened += 1;
                self.go(Strike::Open, self.spec.strike, out);
            }
            Some(Strike::Open) => {
                self.strike = None;
                self.finished += 1;
                self.rest();
                out.extend(self.asked.take().map(|order| Output::Result { order, code: 0 }));
            }
            None => {}
        }
    }

    fn rest(&mut self) {
        if self.is_busy() {
            return;
        }
        self.state = match (self.spec.trained, self.rto) {
            (false, _) => state::UNTRAINED,
            (true, true) => state::RTO_ACTIVE,
            (true, false) => state::ONLINE,
        };
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}
