//! The settings of a lock: what the hub tells of them, and the command that writes them (Nuki Hub, publishConfig and
//! onConfigUpdateReceived).

use serde_json::{Map, Value};

use super::keypad::hours;
use super::line::Line;
use super::work::Work;
use crate::fleet::Lock;
use crate::json::{Object, quote};
use crate::machine::{Input, Machine};
use crate::memory::settings::{ALL, Part, Setting, Settings, Takes};
use crate::opener::Opener;

impl Work {
    pub(super) async fn read_config(&mut self) {
        if !self.line.exchange().await {
            return;
        }
        let told =
            self.lock.visit(|machine| (basic(machine), Versions::of(machine), machine.spec.keypad)).await;
        let Some((basic, versions, has_keypad)) = told else { return };
        (self.has_keypad, self.config_is_known) = (has_keypad, true);
        if self.line.spec.config_info {
            self.line.tell_json("lock/configuration/basicJson", basic);
            self.line.tell("lock/info/firmwareVersion", versions.firmware);
            self.line.tell("lock/info/hardwareVersion", versions.hardware);
            self.tell_legacy_settings().await;
        }
        self.fetch_times().await;
        self.fetch_authorizations().await;
        if self.line.exchange().await
            && let Some(advanced) = self.lock.visit(advanced).await
            && self.line.spec.config_info
        {
            self.line.tell_json("lock/configuration/advancedJson", advanced);
        }
    }

    async fn tell_legacy_settings(&self) {
        if self.line.spec.json_only {
            return;
        }
        let Some(settings) = self.lock.visit(|machine| machine.memory().settings.clone()).await else {
            return;
        };
        for key in ["buttonEnabled", "ledEnabled", "ledBrightness", "singleLock"] {
            self.line.tell(&format!("lock/configuration/{key}"), settings.get(key));
        }
        self.line.tell_flag("lock/configuration/autoUnlock", settings.get("autoUnLockDisabled") == "0");
        self.line.tell_flag("lock/configuration/autoLock", settings.get("autoLockEnabled") == "1");
    }

    pub(super) async fn write_settings(&mut self, payload: &str) {
        let is_known = self.config_is_known;
        let desk = Desk { line: &self.line, holder: Holder::Lock(&self.lock), is_known };
        let json = desk.answer(payload).await;
        self.line.tell_json("lock/configuration/commandResult", json);
    }
}

/// Whose settings they are.
pub(super) enum Holder<'a> {
    Lock(&'a Lock),
    Opener(&'a Opener),
}

impl Holder<'_> {
    fn all(&self) -> &'static [Setting] {
        match self {
            Self::Lock(_) => ALL,
            Self::Opener(_) => crate::opener::settings::ALL,
        }
    }

    /// What is done rather than set, under a key beside the settings.
    fn deeds(&self) -> &'static [&'static str] {
        match self {
            Self::Lock(_) => &["rebootNuki", "recalibrateNuki"],
            Self::Opener(_) => &[],
        }
    }

    async fn has(&self, key: &'static str, value: String) -> bool {
        let is_there = match self {
            Self::Lock(lock) => lock.visit(move |machine| machine.memory().settings.get(key) == value).await,
            Self::Opener(opener) => {
                opener.visit(move |machine| machine.memory.settings.get(key) == value).await
            }
        };
        is_there == Some(true)
    }

    async fn set(&self, key: &'static str, value: String) -> Option<()> {
        match self {
            Self::Lock(lock) => lock.change(move |machine| ((), machine.set(key, &value))).await,
            Self::Opener(opener) => opener.visit(move |machine| machine.set(key, &value)).await,
        }
    }
}

/// Where changes of a device's settings are taken.
pub(super) struct Desk<'a> {
    pub line: &'a Line,
    pub holder: Holder<'a>,
    /// Whether the hub has read the settings since it started.
    pub is_known: bool,
}

impl Desk<'_> {
    pub(super) async fn answer(&self, payload: &str) -> String {
        match self.change(payload).await {
            Ok(answer) => answer,
            Err(general) => Object::new().text("general", general).end(),
        }
    }

    async fn change(&self, payload: &str) -> Result<String, &'static str> {
        if !self.is_known {
            return Err("configNotReady");
        } else if !self.line.has_pin() {
            return Err("noValidPinSet");
        }
        let asked: Map<String, Value> = serde_json::from_str(payload).map_err(|_| "invalidJson")?;
        let mut answer = Object::new();
        let mut is_changed = false;
        let keys = self.holder.all().iter().map(|(key, _, takes, _)| (*key, Some(*takes)));
        for (key, takes) in keys.chain(self.holder.deeds().iter().map(|deed| (*deed, None))) {
            let Some(value) = asked.get(key) else { continue };
            let Some(value) = self.as_sent(value).await else { continue };
            let result = if value.is_empty() {
                "noValueSet"
            } else if self.line.spec.denied_settings.iter().any(|denied| denied == key) {
                "accessDenied"
            } else {
                self.write(key, takes, &value).await
            };
            is_changed |= result == "success";
            answer = answer.text(key, result);
        }
        Ok(answer.text("general", if is_changed { "success" } else { "noChange" }).end())
    }

    /// Anything but a text goes through a pointer to nowhere.
    async fn as_sent(&self, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            _ if self.line.quirks().crashes_on_untyped => {
                self.line.crash("ESP_RST_PANIC");
                std::future::pending().await
            }
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(u8::from(*flag).to_string()),
            _ => None,
        }
    }

    async fn write(&self, key: &'static str, takes: Option<Takes>, value: &str) -> &'static str {
        let Some(takes) = takes else {
            if value != "1" {
                return "invalidValue";
            }
            self.line.exchange().await;
            if let (Holder::Lock(lock), "rebootNuki") = (&self.holder, key) {
                lock.happens(Input::PowerLoss);
            }
            return "success";
        };
        let stored = match checked(takes, value, self.line.quirks().narrow_numbers) {
            Ok(stored) => stored,
            Err(refusal) => return refusal,
        };
        if self.holder.has(key, stored.clone()).await {
            return "unchanged";
        }
        if !self.line.exchange().await {
            return "timeOut";
        }
        match self.holder.set(key, stored).await {
            Some(()) => "success",
            None => "timeOut",
        }
    }
}

/// What is stored of a value, or why not. Numbers pass through eight bits, as they do in the hub.
fn checked(takes: Takes, value: &str, is_narrow: bool) -> Result<String, &'static str> {
    let good = match takes {
        Takes::Text(longest) if value.len() > longest => return Err("valueTooLong"),
        Takes::Text(_) => Some(value.to_owned()),
        Takes::Flag => within(value, 0, 1, is_narrow),
        // Degrees and the offset of the time zone are 16 bits wide.
        Takes::Number(least, most) => within(value, least, most, is_narrow && least >= 0),
        Takes::Word(least, most) => within(value, least, most, false),
        Takes::Choice(all) => all.contains(&value).then(|| value.to_owned()),
        Takes::Time => hours(value).map(|_| value.to_owned()),
        Takes::Degrees => {
            value.parse::<f64>().ok().filter(|degrees| *degrees > 0.0).map(|_| value.to_owned())
        }
    };
    good.ok_or("invalidValue")
}

fn within(value: &str, least: i32, most: i32, is_narrow: bool) -> Option<String> {
    let (sign, digits) = value.strip_prefix('-').map_or((1, value), |rest| (-1, rest));
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    let number: i32 = digits.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or_default();
    let number = if is_narrow { (sign * number).rem_euclid(256) } else { sign * number };
    (least..=most).contains(&number).then(|| number.to_string())
}

struct Versions {
    firmware: String,
    hardware: String,
}

impl Versions {
    fn of(machine: &Machine) -> Self {
        Self { firmware: machine.spec.firmware.clone(), hardware: machine.spec.hardware.clone() }
    }
}

/// The settings of these parts that the hub tells in one row.
pub(super) fn put(mut json: Object, settings: &Settings, all: &[Setting], parts: &[Part]) -> Object {
    let hidden = ["latitude", "longitude", "name", "timeZone"];
    for (key, _, takes, _) in
        all.iter().filter(|(key, part, ..)| parts.contains(part) && !hidden.contains(key))
    {
        let value = settings.get(key);
        let is_number = matches!(takes, Takes::Flag | Takes::Number(..) | Takes::Word(..));
        json = json.raw(key, if is_number { value.to_owned() } else { quote(value) });
    }
    json
}

fn basic(machine: &mut Machine) -> String {
    let id = format!("{:x}", machine.spec.nuki_id);
    let now = crate::time::local(&machine.spec);
    let zone = machine.memory().settings.get("timeZone").to_owned();
    let name = machine.spec.name.clone();
    let json = Object::new().text("nukiID", &id).text("name", &name);
    let json = put(json, &machine.memory().settings, ALL, &[Part::Basic]);
    let spec = &machine.spec;
    let newest = spec.device_type == 5;
    json.text("currentTime", &now.to_string())
        .flag("hasFob", true)
        .flag("hasKeypad", spec.keypad)
        .flag("hasKeypadV2", false)
        .text("firmwareVersion", &spec.firmware)
        .text("hardwareRevision", &spec.hardware)
        .text("homeKitStatus", "Not Available")
        .text("timeZone", &zone)
        .raw("deviceType", spec.device_type)
        .flag("wifiCapable", spec.official)
        .flag("threadCapable", newest)
        .raw("matterStatus", 0)
        .raw("productVariant", spec.product_variant)
        .end()
}

fn advanced(machine: &mut Machine) -> String {
    let newest = machine.spec.device_type == 5;
    let last = if newest { Part::Newest } else { Part::Older };
    let json = Object::new().raw("totalDegrees", 921);
    let json = put(json, &machine.memory().settings, ALL, &[Part::Advanced, last]);
    json.raw("rebootNuki", 0).raw("recalibrateNuki", 0).end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pass_through_eight_bits_unless_that_is_switched_off() {
        let time = Takes::Number(30, 1_800);
        for (value, narrow, wide) in [
            ("600", Ok("88"), Ok("600")),
            ("256", Err("invalidValue"), Ok("256")),
            ("1800", Err("invalidValue"), Ok("1800")),
            ("60", Ok("60"), Ok("60")),
            ("29", Err("invalidValue"), Err("invalidValue")),
            ("abc", Err("invalidValue"), Err("invalidValue")),
        ] {
            assert_eq!(checked(time, value, true), narrow.map(str::to_owned), "{value}");
            assert_eq!(checked(time, value, false), wide.map(str::to_owned), "{value}");
        }
        let strike = Takes::Word(1_000, 30_000);
        assert_eq!(checked(strike, "3000", true), Ok("3000".to_owned()));
        assert_eq!(checked(strike, "999", true), Err("invalidValue"));
        assert_eq!(checked(Takes::Number(-180, 180), "-90", true), Ok("-90".to_owned()));
    }

    #[test]
    fn each_kind_of_setting_refuses_what_it_does_not_take() {
        for (takes, value, result) in [
            (Takes::Text(4), "Gate", Ok("Gate")),
            (Takes::Text(3), "Gate", Err("valueTooLong")),
            (Takes::Choice(&["Lock"]), "Unlock", Err("invalidValue")),
            (Takes::Time, "22:61", Err("invalidValue")),
            (Takes::Time, "6:00", Err("invalidValue")),
            (Takes::Degrees, "-33.4", Err("invalidValue")),
            (Takes::Flag, "2", Err("invalidValue")),
        ] {
            assert_eq!(checked(takes, value, true), result.map(str::to_owned), "{value}");
        }
    }
}
