//! What a lock keeps beside its bolt: log, keypad codes, authorizations, time control and settings, with the limits and
//! rules of the BLE API. A lock that nobody can ask for them (official MQTT alone) keeps none.

pub mod codes;
pub mod log;
pub mod settings;

use std::collections::VecDeque;

use crate::machine::{Cause, error};
use crate::spec::LockSpec;
use codes::{Code, Stamp, Window};
use log::{Entry, Kind};
use settings::Settings;

/// Actions a lock remembers (HELP, activity log).
pub const LOG_KEPT: usize = 1_000;
/// Time control entries a lock takes; the true number is not known.
pub const TIMES_KEPT: usize = 100;

/// What apps write for no limit (Nuki Hub, pull request 336).
const EVERY_DAY: u8 = 127;

/// Somebody or something that may operate the lock (BLE API, authorization entry).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub id: u32,
    /// 0 app, 1 bridge, 2 fob, 3 keypad.
    pub kind: u8,
    pub enabled: bool,
    pub name: String,
    pub remote_allowed: bool,
    pub created: Stamp,
    pub count: u16,
    pub active: Stamp,
    pub window: Window,
}

/// An action at a time of day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeControl {
    pub id: u8,
    pub enabled: bool,
    /// Bits: 64 is Monday, 1 is Sunday.
    pub weekdays: u8,
    pub hour: u8,
    pub minute: u8,
    pub action: u8,
}

#[derive(Clone, Debug)]
pub struct Memory {
    /// Oldest first.
    pub log: VecDeque<Entry>,
    pub codes: Vec<Code>,
    pub authorizations: Vec<Authorization>,
    pub times: Vec<TimeControl>,
    pub settings: Settings,
    /// How many codes fit; 100, or 200 on newer firmware (unconfirmed).
    pub codes_limit: usize,
    /// Minutes east of Greenwich, and how far the lock's clock is slow.
    clock: (i16, std::time::Duration),
    next_index: u32,
    next_code_id: u16,
}

impl Memory {
    pub(crate) fn new(spec: &LockSpec) -> Self {
        let mut memory = Self {
            log: VecDeque::new(),
            codes: Vec::new(),
            authorizations: Vec::new(),
            times: Vec::new(),
            settings: Settings::of(spec),
            codes_limit: spec.codes_limit,
            clock: (spec.time_zone_minutes, spec.clock_offset),
            next_index: 1,
            next_code_id: 8_192,
        };
        memory.authorize(54_321, 0, "Anna");
        memory.authorize(54_322, 0, "Ben");
        memory.authorize(54_330, 2, "Fob");
        if spec.keypad {
            memory.authorize(spec.keypad_auth, 3, "Keypad");
            for (code, name) in &spec.codes {
                let _ = memory.add_simple_code(*code, name);
            }
        }
        memory
    }

    /// Adds an authorization, or renames it if the number is known.
    pub fn authorize(&mut self, id: u32, kind: u8, name: &str) {
        self.authorizations.retain(|known| known.id != id);
        let now = self.now();
        self.authorizations.push(Authorization {
            id,
            kind,
            enabled: true,
            name: name.to_owned(),
            remote_allowed: true,
            created: now,
            count: 0,
            active: now,
            window: Window { weekdays: EVERY_DAY, ..Window::default() },
        });
    }

    /// The lock's own clock, in local time.
    pub fn now(&self) -> Stamp {
        crate::time::local_at(self.clock.0, self.clock.1)
    }

    /// Adds a log entry of now.
    pub fn write(&mut self, auth_id: u32, kind: Kind) {
        let name = self.name_of(auth_id);
        let entry = Entry {
            index: self.next_index,
            auth_id,
            name,
            at: crate::time::utc_at(self.clock.1),
            local: self.now(),
            kind,
        };
        self.next_index += 1;
        if self.log.len() == LOG_KEPT {
            self.log.pop_front();
        }
        self.log.push_back(entry);
    }

    pub(crate) fn name_of(&self, auth_id: u32) -> String {
        let known = self.authorizations.iter().find(|known| known.id == auth_id);
        known.map(|known| known.name.clone()).unwrap_or_default()
    }

    /// An action is over.
    pub(crate) fn acted(&mut self, cause: Cause, completion: u8, keypad: u32) {
        let Cause { action, trigger, auth_id, code_id, extra } = cause;
        let now = self.now();
        if let Some(known) = self.authorizations.iter_mut().find(|known| known.id == auth_id) {
            known.count = known.count.saturating_add(1);
            known.active = now;
        }
        let kind = if auth_id == keypad && trigger == crate::machine::trigger::SYSTEM {
            let code_id = u16::try_from(code_id).unwrap_or_default();
            Kind::Keypad { action, source: extra, completion, code_id }
        } else {
            Kind::Action { action, trigger, completion }
        };
        self.write(auth_id, kind);
    }

    pub(crate) fn door(&mut self, opens: bool) {
        self.write(0, Kind::Door { event: u8::from(!opens) });
    }

    /// Takes a new code and gives it an id, or refuses it with an error of the BLE API.
    pub fn add_code(&mut self, mut code: Code) -> Result<u16, u8> {
        self.check(&code, None)?;
        if self.codes.len() >= self.codes_limit {
            return Err(error::TOO_MANY_ENTRIES);
        }
        code.id = self.next_code_id;
        self.next_code_id = self.next_code_id.wrapping_add(1).max(1);
        let id = code.id;
        self.codes.push(code);
        Ok(id)
    }

    /// A right code that is valid at any time, for tests that need one.
    pub fn add_simple_code(&mut self, code: u32, name: &str) -> Result<u16, u8> {
        let mut code = Code::new(code, name, self.now());
        code.window = Window { weekdays: EVERY_DAY, ..Window::default() };
        self.add_code(code)
    }

    /// Puts a changed code in the place of the one with its id.
    pub fn update_code(&mut self, code: Code) -> Result<(), u8> {
        self.check(&code, Some(code.id))?;
        let place = self.codes.iter_mut().find(|known| known.id == code.id);
        *place.ok_or(error::BAD_PARAMETER)? = code;
        Ok(())
    }

    pub fn delete_code(&mut self, id: u16) -> Result<(), u8> {
        let before = self.codes.len();
        self.codes.retain(|known| known.id != id);
        if self.codes.len() == before { Err(error::BAD_PARAMETER) } else { Ok(()) }
    }

    fn check(&self, code: &Code, own: Option<u16>) -> Result<(), u8> {
        if !codes::is_allowed(code.code) {
            return Err(error::CODE_INVALID);
        }
        let taken = self.codes.iter().any(|known| known.code == code.code && Some(known.id) != own);
        if taken { Err(error::CODE_EXISTS) } else { Ok(()) }
    }

    pub fn add_time(&mut self, mut time: TimeControl) -> Result<u8, u8> {
        if self.times.len() >= TIMES_KEPT {
            return Err(error::TOO_MANY_ENTRIES);
        }
        let free = (1..=u8::MAX).find(|id| !self.times.iter().any(|known| known.id == *id));
        time.id = free.ok_or(error::TOO_MANY_ENTRIES)?;
        let id = time.id;
        self.times.push(time);
        Ok(id)
    }
}
