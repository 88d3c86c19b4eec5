//! The keypad beside the door: right and wrong codes, fingers, and the pause it takes after too many wrong ones.

use std::time::Duration;

use super::{Cause, Machine, Output, completion, trigger};
use crate::memory::log::Kind;

/// After the fifth wrong code in a row it is deaf for so long (developer forum, thread 787); the longer pauses after many
/// more have no known length, and each is taken to be five times the one before.
const PAUSES: [(u32, Duration); 3] =
    [(5, Duration::from_secs(30)), (15, Duration::from_secs(150)), (25, Duration::from_secs(750))];

#[derive(Default)]
pub(super) struct Keypad {
    wrong: u32,
    /// The number of the wait that ends its pause; 0 when it listens.
    paused: u64,
}

impl Machine {
    /// How often in a row the code was wrong, and whether the keypad is deaf for it.
    pub fn wrong_codes(&self) -> (u32, bool) {
        (self.keypad.wrong, self.keypad.paused != 0)
    }

    pub(super) fn code_typed(&mut self, code: u32, out: &mut Vec<Output>) {
        // Even the right code is ignored during a pause, and nothing is written down.
        if !self.spec.keypad || self.keypad.paused != 0 {
            return;
        }
        let clock = crate::time::local(&self.spec);
        let (action, auth_id) = (self.spec.keypad_action, self.spec.keypad_auth);
        let found = self.memory().codes.iter_mut().find(|known| known.code == code);
        let (code_id, outcome) = match found {
            None => (0, completion::INVALID_CODE),
            Some(known) if !known.enabled || !known.window.allows(&clock) => {
                (known.id, completion::NOT_AUTHORIZED)
            }
            Some(known) => {
                known.used(&clock);
                (known.id, completion::SUCCESS)
            }
        };
        if outcome == completion::SUCCESS {
            self.keypad.wrong = 0;
            let code_id = u32::from(code_id);
            self.happen(Cause { action, trigger: trigger::SYSTEM, auth_id, code_id, extra: 1 }, out);
            return;
        }
        self.write_down(1, outcome, code_id);
        if outcome == completion::INVALID_CODE {
            self.wrong_code(out);
        }
    }

    pub(super) fn finger(&mut self, code_id: u16, out: &mut Vec<Output>) {
        if !self.spec.keypad || self.keypad.paused != 0 {
            return;
        }
        let clock = crate::time::local(&self.spec);
        let (action, auth_id) = (self.spec.keypad_action, self.spec.keypad_auth);
        match self.memory().codes.iter_mut().find(|known| known.id == code_id) {
            None => self.write_down(2, completion::INVALID_FINGER, 0),
            Some(known) if !known.enabled || !known.window.allows(&clock) => {
                self.write_down(2, completion::NOT_AUTHORIZED, code_id);
            }
            Some(known) => {
                known.used(&clock);
                let code_id = u32::from(code_id);
                self.happen(Cause { action, trigger: trigger::SYSTEM, auth_id, code_id, extra: 2 }, out);
            }
        }
    }

    fn write_down(&mut self, source: u8, completion: u8, code_id: u16) {
        let (action, auth_id) = (self.spec.keypad_action, self.spec.keypad_auth);
        self.memory().write(auth_id, Kind::Keypad { action, source, completion, code_id });
    }

    fn wrong_code(&mut self, out: &mut Vec<Output>) {
        self.keypad.wrong += 1;
        let wrong = self.keypad.wrong;
        let due = PAUSES.iter().rev().find(|(after, _)| wrong >= *after && wrong.is_multiple_of(5));
        if let Some((_, pause)) = due {
            self.keypad.paused = self.number();
            out.push(Output::Wait { after: *pause, number: self.keypad.paused });
        }
    }

    pub(super) fn pause_over(&mut self, number: u64) -> bool {
        let is_it = number == self.keypad.paused && number != 0;
        if is_it {
            self.keypad.paused = 0;
        }
        is_it
    }
}
