//! Keypad codes without JSON, as older installations read and write them.

use serde_json::Value;

use super::keypad::number;
use super::words;
use super::work::Work;
use crate::memory::codes::Code;

/// What it listens to, and what stands there at first.
pub(super) const TOPICS: [(&str, &str); 5] = [
    ("keypad/command/action", "--"),
    ("keypad/command/id", "0"),
    ("keypad/command/name", "--"),
    ("keypad/command/code", "000000"),
    ("keypad/command/enabled", "1"),
];

/// What was last written to these topics.
pub(super) struct Typed {
    id: u16,
    name: String,
    code: String,
    enabled: bool,
}

impl Default for Typed {
    fn default() -> Self {
        Self { id: 0, name: "--".to_owned(), code: "000000".to_owned(), enabled: true }
    }
}

impl Work {
    /// Whether this was one of these topics and is dealt with.
    pub(super) fn type_legacy(&mut self, topic: &str, payload: &str) -> bool {
        match topic {
            "keypad/command/id" => self.typed.id = payload.parse().unwrap_or_default(),
            "keypad/command/name" => payload.clone_into(&mut self.typed.name),
            "keypad/command/code" => payload.clone_into(&mut self.typed.code),
            "keypad/command/enabled" => self.typed.enabled = payload != "0",
            _ => return false,
        }
        true
    }

    pub(super) async fn keypad_legacy(&mut self, command: &str) {
        let typed = std::mem::take(&mut self.typed);
        let result = match self.legacy_result(command, typed).await {
            Ok(outcome) => {
                self.fetch_codes().await;
                words::result(outcome)
            }
            Err(refusal) => refusal,
        };
        self.line.tell("lock/keypad/command/commandResult", result);
        for (topic, payload) in TOPICS {
            self.line.tell(&format!("lock/{topic}"), payload);
        }
    }

    async fn legacy_result(&self, command: &str, typed: Typed) -> Result<Option<u8>, &'static str> {
        if !self.line.spec.keypad_control {
            return Err("KeypadControlDisabled");
        } else if !self.has_keypad {
            return Err("KeypadNotAvailable");
        }
        let code = u32::try_from(number(&Value::from(typed.code.clone()))).unwrap_or_default();
        if matches!(command, "add" | "update") {
            if matches!(typed.name.as_str(), "" | "--") {
                return Err("MissingParameterName");
            } else if code == 0 {
                return Err("MissingParameterCode");
            } else if code <= 100_000 || code >= 1_000_000 || typed.code.contains('0') {
                return Err("CodeInvalid");
            }
        }
        let id = typed.id;
        match command {
            "add" => {
                Ok(self.ble(move |memory| memory.add_code(Code::new(code, &typed.name, memory.now()))).await)
            }
            "delete" | "update" if !self.knows(id) => Err("UnknownId"),
            "delete" => Ok(self.ble(move |memory| memory.delete_code(id)).await),
            "update" => Ok(self
                .ble(move |memory| {
                    let mut changed = Code::new(code, &typed.name, memory.now());
                    (changed.id, changed.enabled) = (id, typed.enabled);
                    memory.update_code(changed)
                })
                .await),
            _ => Err("UnknownCommand"),
        }
    }

    pub(super) fn tell_legacy_code(&self, index: usize, code: Option<&Code>) {
        let base = format!("lock/keypad/code_{index}");
        let tell = |key: &str, value: String| self.line.tell(&format!("{base}/{key}"), value);
        tell("id", code.map_or(0, |code| code.id).to_string());
        tell("enabled", u8::from(code.is_some_and(|code| code.enabled)).to_string());
        tell("name", code.map(|code| code.name.clone()).unwrap_or_default());
        if self.line.spec.keypad_codes {
            tell("code", code.map_or(0, |code| code.code).to_string());
        }
        let created = code.map(|code| code.created.0).unwrap_or_default();
        let keys = ["createdYear", "createdMonth", "createdDay", "createdHour", "createdMin", "createdSec"];
        for (key, value) in keys.into_iter().zip(created) {
            tell(key, value.to_string());
        }
        tell("lockCount", code.map_or(0, |code| code.count).to_string());
    }
}
