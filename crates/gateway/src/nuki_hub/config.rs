//! Nuki Hub's view of a device's settings: `configuration/basicJson` and `configuration/advancedJson` into settings and
//! facts (Nuki Hub 9.15, `publishConfig` and `publishAdvancedConfig` of `NukiNetworkLock.cpp` and
//! `NukiNetworkOpener.cpp`). What nobody can read is kept out and counted.

pub(crate) mod encode;
#[cfg(test)]
mod encode_tests;
#[cfg(test)]
mod hub_model;
mod keys;
#[cfg(test)]
mod read_tests;
pub(crate) mod result;

use lockwarden_app::devices::DeviceType;
use lockwarden_app::foreign::plain;
use lockwarden_app::settings::{Kind, NO_ZONE, Setting, SettingValue, zone_id};
use serde_json::{Map, Value};

use self::encode::{Payload, encode};
pub(crate) use self::keys::Side;
use self::result::read_result;

/// The largest buffer that the Hub can be set to.
const LONGEST: usize = 65_536;
/// The smallest buffer that the Hub writes JSON to; what is shorter was not cut by it. It was 2,048 for the answers of
/// older versions and is 4,096 unless set otherwise.
const SMALLEST_BUFFER: usize = 2_048;
/// The Hub's objects have fewer than 40.
const MOST_KEYS: usize = 256;
/// Bytes of a text; locks hold 32 (BLE API `Config.name`).
const LONGEST_TEXT: usize = 64;

/// Why a payload says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Cut at the end of the Hub's buffer.
    Truncated,
    Malformed,
}

impl Unreadable {
    /// For the owner, who can do something about it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Truncated => {
                "Nuki Hub cut this message, because it is longer than its buffer: on its web page, raise the size of \
                 the buffer, or let it publish fewer entries of log, keypad, time control and authorizations"
            }
            Self::Malformed => "this is nothing that Nuki Hub says",
        }
    }
}

/// What the Hub says of a device beside its settings; `None` is "did not say".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub nuki_id: Option<u32>,
    pub name: Option<String>,
    pub kind: Option<DeviceType>,
    /// `3.10.7`
    pub firmware: Option<String>,
    /// `5.12`
    pub hardware: Option<String>,
    pub has_keypad: Option<bool>,
    pub has_keypad_2: Option<bool>,
    pub has_fob: Option<bool>,
    /// As `homekitState` of the Web API.
    pub homekit: Option<i64>,
    /// As `matterState` of the Web API.
    pub matter: Option<i64>,
    /// As `productVariant` of the Web API.
    pub variant: Option<i64>,
}

/// One of the two objects. Both together are the whole configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Config {
    pub settings: Vec<(Setting, SettingValue)>,
    pub facts: Facts,
    /// Values of known keys that are no value of theirs: a word nobody knows, a number where a time belongs.
    pub unknown: usize,
}

/// Reads either object. A cleared topic says nothing.
pub(crate) fn read(side: Side, payload: &[u8]) -> Result<Config, Unreadable> {
    let mut config = Config::default();
    let Some(object) = object(payload)? else { return Ok(config) };
    for (key, setting) in side.keys() {
        let Some(value) = object.get(*key) else { continue };
        match value_of(side, *setting, value) {
            Read::Said(value) => config.settings.push((*setting, value)),
            Read::Silent => {}
            Read::Unknown => config.unknown += 1,
        }
    }
    config.facts = facts(side, &object, &config.settings);
    Ok(config)
}

/// A bounded JSON object, or nothing for a topic without a value.
fn object(payload: &[u8]) -> Result<Option<Map<String, Value>>, Unreadable> {
    if payload.is_empty() || payload == b"--" {
        return Ok(None);
    }
    if payload.len() > LONGEST {
        return Err(Unreadable::Malformed);
    }
    match serde_json::from_slice(payload) {
        Ok(Value::Object(object)) if object.len() <= MOST_KEYS => Ok(Some(object)),
        // The Hub's string ends one byte before its buffer.
        Err(error) if error.is_eof() && payload.len() + 1 >= SMALLEST_BUFFER => Err(Unreadable::Truncated),
        Ok(_) | Err(_) => Err(Unreadable::Malformed),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Read {
    Said(SettingValue),
    /// The firmware has nothing there.
    Silent,
    Unknown,
}

/// A value as number, switch or text, whichever way a version of the Hub writes it.
fn value_of(side: Side, setting: Setting, value: &Value) -> Read {
    // The Hub's own word for a value it has no word for, and for what old firmware does not have.
    if value.as_str() == Some("undefined") {
        return Read::Silent;
    }
    let kind = setting.kind(side.example());
    let read = match kind {
        Kind::Bool => match whole(value) {
            Some(0) => Some(SettingValue::Bool(false)),
            Some(1) => Some(SettingValue::Bool(true)),
            Some(255) => return Read::Silent,
            _ => None,
        },
        Kind::Choice { .. } => match code(side, setting, value) {
            Some(code) if is_silent(setting, code) => return Read::Silent,
            code => code.map(SettingValue::Int),
        },
        Kind::TimeZone => match value.as_str() {
            Some("None") => Some(SettingValue::Int(NO_ZONE)),
            Some(name) => zone_id(name).or_else(|| number(name)).map(SettingValue::Int),
            None => whole(value).map(SettingValue::Int),
        },
        Kind::MinuteOfDay => value.as_str().and_then(minute).map(SettingValue::Int),
        Kind::Text { .. } => value.as_str().map(|text| SettingValue::Text(short(text))),
        Kind::Coordinate { max } => degrees(value, max).map(SettingValue::Float),
        Kind::Int { .. } | Kind::OneOf { .. } | Kind::Degrees { .. } => match whole(value) {
            Some(number) if is_silent(setting, number) => return Read::Silent,
            number => number.map(SettingValue::Int),
        },
        Kind::Several(_) => None,
    };
    read.map_or(Read::Unknown, Read::Said)
}

/// What the Bluetooth library of the Hub fills in where the firmware is older than a field: all ones. And the variant,
/// which counts from 1.
fn is_silent(setting: Setting, number: i64) -> bool {
    match setting {
        // Here 255 is the loudest, and what may be negative has nothing to fill in.
        Setting::SoundLevel | Setting::TimezoneOffset => false,
        Setting::ProductVariant => matches!(number, 0 | 255),
        Setting::AutoLockTimeout
        | Setting::TotalDegrees
        | Setting::IntercomId
        | Setting::ShortCircuitDuration
        | Setting::StrikeDelay
        | Setting::StrikeDuration
        | Setting::DoorbellSuppressionDuration => number == 65_535,
        _ => number == 255,
    }
}

/// The number of a choice, from its number or from the Hub's word for it.
fn code(side: Side, setting: Setting, value: &Value) -> Option<i64> {
    let from_word =
        |word: &str| side.words(setting).iter().find(|(_, known)| *known == word).map(|(code, _)| *code);
    match value.as_str() {
        // A number on the wire counts as Bluetooth does, as the Hub's words do.
        Some(word) => from_word(word).or_else(|| number(word).map(|number| side.web_number(setting, number))),
        None => whole(value).map(|number| side.web_number(setting, number)),
    }
}

/// No number of the Hub has more than five digits.
const LARGEST: i64 = 99_999;

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(on) => Some(i64::from(*on)),
        Value::String(text) => match text.as_str() {
            "true" => Some(1),
            "false" => Some(0),
            digits => number(digits),
        },
        Value::Number(written) => written.as_i64().filter(|number| (-LARGEST..=LARGEST).contains(number)),
        _ => None,
    }
}

/// Digits, with a minus perhaps: `+1`, `1e0` and ` 1` are nobody's numbers.
fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let fine = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fine { text.parse().ok() } else { None }
}

/// `22:00`, exactly.
fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let part =
        |text: &str, below: i64| number(text).filter(|part| text.len() == 2 && (0..below).contains(part));
    Some(part(hours, 24)? * 60 + part(minutes, 60)?)
}

fn degrees(value: &Value, max: f64) -> Option<f64> {
    let degrees: f64 = match value {
        Value::String(text) if text.len() <= 24 => text.parse().ok()?,
        Value::Number(number) => number.as_f64()?,
        _ => return None,
    };
    (-max..=max).contains(&degrees).then_some(degrees)
}

fn short(text: &str) -> String {
    plain(text, LONGEST_TEXT)
}

fn facts(side: Side, object: &Map<String, Value>, settings: &[(Setting, SettingValue)]) -> Facts {
    let said =
        |wanted: Setting| settings.iter().find(|(setting, _)| *setting == wanted).map(|(_, value)| value);
    let switch = |setting| match said(setting) {
        Some(SettingValue::Bool(on)) => Some(*on),
        _ => None,
    };
    let number = |setting| match said(setting) {
        Some(SettingValue::Int(number)) => Some(*number),
        _ => None,
    };
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(short).filter(|text| !text.is_empty());
    let kind = match side {
        // The Hub says it of locks only, and where an opener's JSON is there is an opener.
        Side::Opener => object.contains_key("nukiID").then_some(DeviceType::Opener),
        Side::Lock => {
            number(Setting::DeviceType).and_then(|code| u8::try_from(code).ok()).map(DeviceType::from_code)
        }
    };
    Facts {
        nuki_id: object.get("nukiID").and_then(Value::as_str).and_then(nuki_id),
        name: match said(Setting::Name) {
            Some(SettingValue::Text(name)) => Some(name.clone()),
            _ => None,
        },
        kind,
        firmware: text("firmwareVersion"),
        hardware: text("hardwareRevision"),
        has_keypad: switch(Setting::KeypadPaired),
        has_keypad_2: switch(Setting::Keypad2Paired),
        has_fob: switch(Setting::FobPaired),
        homekit: number(Setting::HomekitState),
        matter: number(Setting::MatterState),
        variant: number(Setting::ProductVariant),
    }
}

/// Hexadecimal without leading zeros and in any case, compared by value.
fn nuki_id(text: &str) -> Option<u32> {
    let fine = (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fine { u32::from_str_radix(text, 16).ok() } else { None }
}

/// Whatever comes, reading ends, and what can be sent reads as it was.
pub(crate) fn fuzz(payload: &[u8]) {
    for (side, device) in [(Side::Lock, DeviceType::SmartLock5), (Side::Opener, DeviceType::Opener)] {
        if let Ok(config) = read(side, payload) {
            assert!(config.settings.len() + config.unknown <= MOST_KEYS);
            again(side, device, &config);
        }
        match read_result(side, payload) {
            Ok(answer) => {
                for (setting, outcome) in &answer.settings {
                    assert_eq!(answer.of(*setting), Some(*outcome), "{setting:?} twice");
                    assert!(!(outcome.is_done() && outcome.may_be_repeated()));
                    assert!(!outcome.words().is_empty());
                }
                assert!(
                    answer.general.is_none_or(|general| general.is_refusal() || !general.words().is_empty())
                );
            }
            Err(why) => assert!(!why.words().is_empty()),
        }
    }
}

fn again(side: Side, device: DeviceType, config: &Config) {
    let encode::Encoded { payloads, refused } = encode(side, device, &config.settings);
    let sent: Vec<Setting> = payloads.iter().flat_map(|payload| payload.settings.clone()).collect();
    assert_eq!(sent.len() + refused.len(), config.settings.len());
    for Payload { text, settings } in payloads {
        let told = read(side, text.as_bytes()).map(|told| told.settings).unwrap_or_default();
        assert_eq!(told.len(), settings.len(), "{text}");
        for (setting, value) in told {
            let wanted = config.settings.iter().find(|(wanted, _)| *wanted == setting);
            assert!(wanted.is_some_and(|(_, wanted)| wanted.agrees(&value)), "{text}");
        }
    }
}
