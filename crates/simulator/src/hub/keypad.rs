//! Keypad codes: what the hub tells of them, and its JSON commands (Nuki Hub, onKeypadJsonCommandReceived).

use serde_json::Value;
use tokio::time::Instant;

use super::words;
use super::work::{LISTED, Work};
use crate::json::{Object, array};
use crate::memory::codes::{Code, Stamp, Window};

/// What a command may say of a window, checked.
#[derive(Default)]
pub(super) struct Asked {
    pub limited: Option<bool>,
    from: Option<Stamp>,
    until: Option<Stamp>,
    weekdays: Option<u8>,
    from_time: Option<(u8, u8)>,
    until_time: Option<(u8, u8)>,
}

impl Asked {
    /// Windows are only looked at with `timeLimited`; without, what is there is taken unread.
    pub(super) fn read(json: &Value, garbage: impl Fn() -> u16) -> Result<Self, &'static str> {
        let limited = json.get("timeLimited").map(|value| number(value) == 1);
        let text = |key: &str| json.get(key).map(as_text).filter(|text| !text.is_empty());
        let mut asked = Self { limited, ..Self::default() };
        if limited == Some(true) {
            asked.from =
                text("allowedFrom").map(|text| stamp(&text).ok_or("invalidAllowedFrom")).transpose()?;
            asked.until =
                text("allowedUntil").map(|text| stamp(&text).ok_or("invalidAllowedUntil")).transpose()?;
            asked.from_time = text("allowedFromTime")
                .map(|text| hours(&text).ok_or("invalidAllowedFromTime"))
                .transpose()?;
            asked.until_time = text("allowedUntilTime")
                .map(|text| hours(&text).ok_or("invalidAllowedUntilTime"))
                .transpose()?;
            asked.weekdays = text("allowedWeekdays").map(|text| words::weekday_bits(&text));
        } else {
            let stamp = || Stamp([0; 6].map(|_| garbage() % 256));
            let small = || u8::try_from(garbage() % 256).unwrap_or_default();
            asked.from = text("allowedFrom").map(|_| stamp());
            asked.until = text("allowedUntil").map(|_| stamp());
            asked.from_time = text("allowedFromTime").map(|_| (small(), small()));
            asked.until_time = text("allowedUntilTime").map(|_| (small(), small()));
        }
        Ok(asked)
    }

    /// Whether it holds anything of a window beside `timeLimited`.
    fn is_empty(&self) -> bool {
        self.from.is_none() && self.until.is_none() && self.from_time.is_none() && self.until_time.is_none()
    }

    /// What it changes in a window; what it does not name stays.
    pub(super) fn apply(&self, window: &mut Window) {
        window.limited = self.limited.unwrap_or(window.limited);
        window.from = self.from.unwrap_or(window.from);
        window.until = self.until.unwrap_or(window.until);
        window.weekdays = self.weekdays.unwrap_or(window.weekdays);
        window.from_time = self.from_time.unwrap_or(window.from_time);
        window.until_time = self.until_time.unwrap_or(window.until_time);
    }
}

impl Work {
    pub(super) async fn fetch_codes(&mut self) {
        if !self.line.has_pin() || !self.line.spec.keypad_info || !self.line.exchange().await {
            return;
        }
        if let Some(codes) = self.lock.visit(|machine| machine.memory().codes.clone()).await {
            self.due.codes = Some((self.after(LISTED), codes));
        }
    }

    pub(super) fn tell_codes(&mut self, mut codes: Vec<Code>) {
        codes.sort_by_key(|code| code.id);
        codes.truncate(self.line.spec.keypad_entries);
        for code in &codes {
            self.names.insert(u32::from(code.id), code.name.clone());
        }
        let entries = codes.iter().enumerate();
        let all: Vec<String> = entries.map(|(index, code)| self.tell_code(index, code)).collect();
        self.line.tell_json("lock/keypad/json", array(all));
        if !self.line.spec.json_only {
            for index in codes.len()..self.most_codes {
                self.tell_legacy_code(index, None);
            }
        }
        self.most_codes = self.most_codes.max(codes.len());
        self.codes = codes.iter().map(|code| (code.id, code.code)).collect();
    }

    fn tell_code(&self, index: usize, code: &Code) -> String {
        if !self.line.spec.json_only {
            self.tell_legacy_code(index, Some(code));
        }
        let json = |per_entry: bool| {
            let mut json = Object::new().raw("codeId", code.id);
            if self.line.spec.keypad_codes {
                json = json.raw("code", code.code);
            }
            json = json
                .flag("enabled", code.enabled)
                .text("name", &code.name)
                .text("dateCreated", &code.created.to_string())
                .raw("lockCount", code.count)
                .text("dateLastActive", &code.active.to_string());
            json = window(json, &code.window);
            if per_entry {
                json = json.text("name_ha", &code.name).raw("index", index);
            }
            json.end()
        };
        if self.line.spec.topic_per_entry {
            self.line.tell_json(&format!("lock/keypad/codes/{index}"), json(true));
        }
        json(false)
    }

    pub(super) async fn keypad(&mut self, payload: &str) {
        let result = match self.keypad_result(payload).await {
            Ok(outcome) => {
                self.fetch_codes().await;
                words::result(outcome)
            }
            Err(refusal) => refusal,
        };
        self.line.tell("lock/keypad/commandResultJson", result);
    }

    async fn keypad_result(&mut self, payload: &str) -> Result<Option<u8>, &'static str> {
        let spec = &self.line.spec;
        if !self.line.has_pin() {
            return Err("noValidPinSet");
        } else if !spec.keypad_control {
            return Err("keypadControlDisabled");
        } else if !self.config_is_known {
            return Err("configNotReady");
        } else if !self.has_keypad {
            return Err("keypadNotAvailable");
        } else if !spec.keypad_info {
            return Err("keypadDisabled");
        }
        let json: Value = serde_json::from_str(payload).map_err(|_| "invalidJson")?;
        let action = json.get("action").and_then(Value::as_str).ok_or("noActionSet")?.to_owned();
        let id = json.get("codeId").map(number).and_then(|id| u16::try_from(id).ok()).unwrap_or_default();
        match action.as_str() {
            "check" => Err(self.check(id, json.get("code").map(number).unwrap_or_default())),
            "delete" if self.knows(id) => Ok(self.ble(move |memory| memory.delete_code(id)).await),
            "delete" => Err("noExistingCodeIdSet"),
            "add" => self.add(&json).await,
            "update" => self.update(id, &json).await,
            _ => Err("invalidAction"),
        }
    }

    /// Beyond what it fetches there is nothing.
    pub(super) fn knows(&self, id: u16) -> bool {
        self.codes.iter().any(|(known, _)| *known == id)
    }

    /// A change in the lock's memory over Bluetooth: 0, an error, or nothing.
    pub(super) async fn ble<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut crate::memory::Memory) -> Result<T, u8> + Send + 'static,
    ) -> Option<u8> {
        if !self.line.exchange().await {
            return None;
        }
        self.lock.visit(move |machine| change(machine.memory()).err().unwrap_or(0)).await
    }

    async fn add(&mut self, json: &Value) -> Result<Option<u8>, &'static str> {
        let name = json.get("name").map(as_text).filter(|name| !name.is_empty()).ok_or("noNameSet")?;
        let code = checked_code(json)?.ok_or("noCodeSet")?;
        let asked = Asked::read(json, || self.line.garbage())?;
        Ok(self
            .ble(move |memory| {
                let mut new = Code::new(code, &name, memory.now());
                if asked.limited == Some(true) {
                    asked.apply(&mut new.window);
                }
                memory.add_code(new)
            })
            .await)
    }

    async fn update(&mut self, id: u16, json: &Value) -> Result<Option<u8>, &'static str> {
        let code = checked_code(json)?;
        let mut asked = Asked::read(json, || self.line.garbage())?;
        if id == 0 {
            return Err("noCodeIdSet");
        } else if !self.knows(id) {
            return Err("noExistingCodeIdSet");
        }
        // It reads all codes once more before it writes one.
        self.line.exchange().await;
        self.line.sleep(LISTED).await;
        if asked.limited.is_none() && !self.line.quirks().garbage_windows && !asked.is_empty() {
            asked = Asked::default();
        }
        let found = self.lock.visit(move |machine| {
            let found = machine.memory().codes.iter().find(|known| known.id == id);
            found.cloned()
        });
        let mut changed = found.await.flatten().ok_or("failedToRetrieveExistingKeypadEntry")?;
        changed.code = code.unwrap_or(changed.code);
        if let Some(name) = json.get("name").map(as_text).filter(|name| !name.is_empty()) {
            changed.name = crate::memory::codes::cut(&name, crate::memory::codes::NAME);
        }
        if let Some(enabled) = json.get("enabled") {
            changed.enabled = number(enabled) != 0;
        }
        asked.apply(&mut changed.window);
        Ok(self.ble(move |memory| memory.update_code(changed)).await)
    }

    fn check(&mut self, id: u16, code: u64) -> &'static str {
        if !self.line.spec.keypad_check {
            return "checkingKeypadCodesDisabled";
        }
        let pause = std::time::Duration::from_millis(u64::from(self.wrong_checks).pow(5));
        let last = self.last_check.replace(Instant::now());
        if last.is_some_and(|last| last.elapsed() < self.line.options.scaled(pause)) {
            return "checkingCodesBlockedTooManyInvalid";
        }
        match self.codes.iter().find(|(known, _)| *known == id) {
            Some((_, right)) if u64::from(*right) == code => {
                self.wrong_checks = 0;
                "codeValid"
            }
            found => {
                self.wrong_checks += 1;
                if found.is_some() { "codeInvalid" } else { "noExistingCodeIdSet" }
            }
        }
    }
}

/// The hub's own check; that a code does not begin with 12 only the lock knows.
fn checked_code(json: &Value) -> Result<Option<u32>, &'static str> {
    let Some(value) = json.get("code") else { return Ok(None) };
    let digits = as_text(value);
    let code = u32::try_from(number(value)).unwrap_or_default();
    let is_good = code > 100_000 && code < 1_000_000 && !digits.contains('0');
    if is_good { Ok(Some(code)) } else { Err("noValidCodeSet") }
}

pub(super) fn window(json: Object, window: &Window) -> Object {
    let time = |(hour, minute): (u8, u8)| format!("{hour:02}:{minute:02}");
    json.flag("timeLimited", window.limited)
        .text("allowedFrom", &window.from.to_string())
        .text("allowedUntil", &window.until.to_string())
        .raw("allowedWeekdays", words::weekdays(window.weekdays))
        .text("allowedFromTime", &time(window.from_time))
        .text("allowedUntilTime", &time(window.until_time))
}

/// A number, or the number that a text begins with, or 0.
pub(super) fn number(value: &Value) -> u64 {
    match value {
        Value::String(text) => {
            let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
            text.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or_default()
        }
        Value::Bool(value) => u64::from(*value),
        other => other.as_u64().unwrap_or_default(),
    }
}

/// What the hub's JSON library makes of anything when it is asked for text.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn stamp(text: &str) -> Option<Stamp> {
    if text.len() != 19 {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<u16>().ok();
    let stamp = [part(0..4)?, part(5..7)?, part(8..10)?, part(11..13)?, part(14..16)?, part(17..19)?];
    let [year, month, day, hour, minute, second] = stamp;
    let is_date = (2_000..=3_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    (is_date && hour < 24 && minute < 60 && second < 60).then_some(Stamp(stamp))
}

pub(super) fn hours(text: &str) -> Option<(u8, u8)> {
    if text.len() != 5 {
        return None;
    }
    let time: (u8, u8) = (text.get(0..2)?.parse().ok()?, text.get(3..5)?.parse().ok()?);
    (time.0 < 24 && time.1 < 60).then_some(time)
}
