//! `lock/json`, `opener/json` and the two battery objects. A hub writes flags as numbers, booleans or text, depending on its
//! version.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{DoorState, LockAction, LockState, Mode, Observation, Trigger};
use lockwarden_app::ways::{Fact, HubPart};
use serde::Deserialize;
use serde_json::Value;

use super::{Unreadable, json, reach, short};

#[derive(Deserialize)]
struct Told<'p> {
    lock_state: Option<&'p str>,
    trigger: Option<&'p str>,
    last_lock_action: Option<&'p str>,
    door_sensor_state: Option<&'p str>,
    #[serde(rename = "currentTime")]
    current_time: Option<&'p str>,
    #[serde(rename = "timeZoneOffset")]
    time_zone_offset: Option<i64>,
    #[serde(rename = "nightModeActive")]
    night_mode: Option<Value>,
    continuous_mode: Option<Value>,
    #[serde(rename = "ringToOpenTimer")]
    ring_to_open: Option<Value>,
    #[serde(rename = "bleConnectionStrength")]
    ble: Option<i64>,
}

pub(super) fn read(part: HubPart, payload: &[u8]) -> Result<Observation, Unreadable> {
    let told: Told<'_> = json(payload)?;
    if told.lock_state == Some("undefined") {
        return Ok(reach::is_not_reached());
    }
    let mut seen = Vec::new();
    if let Some(state) = told.lock_state.and_then(|word| state_of(part, word)) {
        let action = told.last_lock_action.map_or(LockAction::Other(u8::MAX), |word| action_of(part, word));
        let trigger = told.trigger.map_or(Trigger::Undefined, trigger_of);
        seen.push(Observation::Because { state, action, trigger, heard_at: None });
    }
    if part == HubPart::Opener {
        let continuous = told.continuous_mode.as_ref().and_then(flag);
        seen.extend(continuous.map(|yes| Observation::Mode(if yes { Mode::Continuous } else { Mode::Door })));
        let seconds = told.ring_to_open.as_ref().and_then(number).and_then(|left| u16::try_from(left).ok());
        seen.extend(seconds.map(Observation::RingToOpen));
    }
    seen.extend(told.door_sensor_state.and_then(door_of).map(Observation::Door));
    let mut facts = Vec::new();
    if let Some(yes) = told.night_mode.as_ref().and_then(flag) {
        facts.push((Fact::NightMode, u8::from(yes).to_string()));
    }
    if let Some(minutes) = told.time_zone_offset {
        facts.push((Fact::TimeZoneOffset, minutes.to_string()));
    }
    if let Some(dbm) = told.ble.filter(|dbm| (-150..0).contains(dbm)) {
        facts.push((Fact::Signal, dbm.to_string()));
    }
    seen.push(Observation::Facts(facts));
    let clock = told.current_time.and_then(civil);
    Ok(Observation::Snapshot { clock, zone_minutes: told.time_zone_offset.unwrap_or(0), seen })
}

/// `YYYY-MM-DD HH:MM:SS`, read as UTC.
pub(super) fn civil(text: &str) -> Option<Time> {
    let time: DateTime = text.parse().ok()?;
    // A lock whose clock was never set tells of the year 0.
    let told = Some(time).filter(|time| time.year() >= 2015)?;
    TimeZone::UTC.to_timestamp(told).ok().map(Into::into)
}

fn state_of(part: HubPart, word: &str) -> Option<LockState> {
    use HubPart::{Lock, Opener};
    Some(match (part, word) {
        (_, "uncalibrated") => LockState::Uncalibrated,
        // An opener's states have numbers of a lock's (Bridge API 1.13.3, lock states): 1 is online, 3 ring to open.
        (_, "locked") => LockState::Locked,
        (Lock, "unlocking") => LockState::Unlocking,
        (Lock, "unlocked") | (Opener, "RTOactive") => LockState::Unlocked,
        (Lock, "locking") => LockState::Locking,
        (Lock, "unlatched") | (Opener, "open") => LockState::Unlatched,
        (Lock, "unlockedLnga") => LockState::UnlockedLockNGo,
        (Lock, "unlatching") | (Opener, "opening") => LockState::Unlatching,
        (_, "calibration") => LockState::Calibration,
        (_, "bootRun") => LockState::BootRun,
        (_, "motorBlocked") => LockState::MotorBlocked,
        _ => return None,
    })
}

pub(super) fn action_of(part: HubPart, word: &str) -> LockAction {
    match (part, word) {
        (HubPart::Lock, "Unlock") | (HubPart::Opener, "ActivateRTO") => LockAction::Unlock,
        (HubPart::Lock, "Lock") | (HubPart::Opener, "DeactivateRTO") => LockAction::Lock,
        (HubPart::Lock, "Unlatch") | (HubPart::Opener, "ElectricStrikeActuation") => LockAction::Unlatch,
        (HubPart::Lock, "LockNgo") | (HubPart::Opener, "ActivateCM") => LockAction::LockNGo,
        (HubPart::Lock, "LockNgoUnlatch") | (HubPart::Opener, "DeactivateCM") => LockAction::LockNGoUnlatch,
        (_, "FullLock") => LockAction::FullLock,
        (_, "FobNoAction") => LockAction::FobNoAction,
        (_, "ButtonNoAction") => LockAction::ButtonNoAction,
        _ => LockAction::Other(u8::MAX),
    }
}

pub(super) fn trigger_of(word: &str) -> Trigger {
    match word {
        "system" => Trigger::System,
        "manual" => Trigger::Manual,
        "button" => Trigger::Button,
        "automatic" => Trigger::Automatic,
        "autoLock" => Trigger::AutoLock,
        "homekit" => Trigger::HomeKit,
        "mqtt" => Trigger::Mqtt,
        _ => Trigger::Undefined,
    }
}

fn door_of(word: &str) -> Option<DoorState> {
    Some(match word {
        "unavailable" => DoorState::Unavailable,
        "deactivated" => DoorState::Deactivated,
        "doorClosed" => DoorState::Closed,
        "doorOpened" => DoorState::Opened,
        "doorStateUnknown" | "unknown" => DoorState::Unknown,
        "calibrating" => DoorState::Calibrating,
        "uncalibrated" => DoorState::Uncalibrated,
        "tampered" => DoorState::Tampered,
        _ => return None,
    })
}

/// 1, true, "1" and "true" are the same word.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::Number(number) => number.as_i64().filter(|number| *number < 2).map(|number| number != 0),
        Value::String(word) => match word.as_str() {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[derive(Deserialize)]
struct Battery {
    critical: Option<Value>,
    charging: Option<Value>,
    level: Option<Value>,
    #[serde(rename = "keypadCritical")]
    keypad: Option<Value>,
    #[serde(rename = "doorSensorCritical")]
    door: Option<Value>,
}

/// `battery/basicJson`.
pub(super) fn battery(payload: &[u8]) -> Result<Observation, Unreadable> {
    let told: Battery = json(payload)?;
    let flag = |value: &Option<Value>| value.as_ref().and_then(flag);
    let level = told.level.as_ref().and_then(number).and_then(|level| u8::try_from(level).ok());
    let seen = [
        flag(&told.critical).map(Observation::BatteryCritical),
        level.filter(|level| *level <= 100).map(Observation::BatteryPercent),
        flag(&told.charging).map(Observation::BatteryCharging),
        flag(&told.keypad).map(Observation::KeypadBatteryCritical),
        flag(&told.door).map(Observation::DoorBatteryCritical),
    ];
    Ok(Observation::Snapshot { clock: None, zone_minutes: 0, seen: seen.into_iter().flatten().collect() })
}

pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// `battery/advancedJson`, the report of the last action (BLE API battery report). Volts, amperes and ohms come as
/// fractions.
pub(super) fn battery_report(payload: &[u8]) -> Result<Observation, Unreadable> {
    let told: serde_json::Map<String, Value> = json(payload)?;
    let whole = |key: &str, thousandths: bool| {
        let value = told.get(key)?.as_f64().filter(|value| value.is_finite())?;
        let value = if thousandths { value * 1_000.0 } else { value };
        (value.abs() < 1e9).then(|| format!("{value:.0}"))
    };
    let facts = [
        (Fact::BatteryVoltage, whole("batteryVoltage", true)),
        (Fact::BatteryDrain, whole("batteryDrain", false)),
        (Fact::Temperature, whole("startTemperature", false)),
        (Fact::BatteryResistance, whole("batteryResistance", true)),
        (Fact::TurnCurrent, whole("maxTurnCurrent", true)),
    ];
    let facts = facts.into_iter().filter_map(|(fact, value)| Some((fact, short(&value?))));
    Ok(Observation::Facts(facts.collect()))
}
