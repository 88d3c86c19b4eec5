//! `log`, `shortLog` and `rollingLog`: the lock's own log, as a hub reads it out (Nuki Hub 9, `publishAuthorizationInfo`).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lockwarden_app::activity::{Completion, Happening, Origin};
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{LockEvent, LogRecord, Observation, Trigger};
use lockwarden_app::ways::{HubPart, Trouble};
use serde::Deserialize;

use super::state::{action_of, trigger_of};
use super::{NOTHING, Unreadable, json, short};

/// A hub publishes 100 at most.
const MOST: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'p> {
    index: u32,
    authorization_id: Option<u32>,
    #[serde(borrow)]
    authorization_name: Option<std::borrow::Cow<'p, str>>,
    time_year: i16,
    time_month: i8,
    time_day: i8,
    time_hour: i8,
    time_minute: i8,
    time_second: i8,
    r#type: &'p str,
    action: Option<&'p str>,
    trigger: Option<&'p str>,
    completion_status: Option<&'p str>,
    code_id: Option<u32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Piece<'p> {
    #[serde(borrow)]
    Many(Vec<Told<'p>>),
    #[serde(borrow)]
    One(Told<'p>),
}

pub(super) fn read(part: HubPart, payload: &[u8]) -> Result<Option<Observation>, Unreadable> {
    if payload == NOTHING {
        // Its log is off, or was cleared.
        return Ok(Some(Observation::Trouble(Trouble::LogOff, Some(String::new()))));
    }
    let told = match json(payload)? {
        Piece::Many(many) if many.len() <= MOST => many,
        Piece::Many(_) => return Err(Unreadable::Malformed),
        Piece::One(one) => vec![one],
    };
    if told.is_empty() {
        return Ok(None);
    }
    let records: Vec<LogRecord> = told.iter().filter_map(|told| record(part, told)).collect();
    let seen = vec![Observation::Trouble(Trouble::LogOff, None), Observation::Log(records)];
    Ok(Some(Observation::Snapshot { clock: None, zone_minutes: 0, seen }))
}

fn record(part: HubPart, told: &Told<'_>) -> Option<LogRecord> {
    let (happening, origin, trigger, result) = happening(part, told)?;
    let name = told.authorization_name.as_deref().map(short).filter(|name| !name.is_empty() && name != "--");
    Some(LogRecord {
        index: told.index,
        at: time(told)?,
        name,
        auth_id: told.authorization_id.filter(|id| *id != 0),
        code_id: told.code_id.filter(|id| *id != 0),
        happening,
        origin,
        trigger,
        result,
    })
}

fn time(told: &Told<'_>) -> Option<Time> {
    let date = (told.time_year, told.time_month, told.time_day);
    let time =
        DateTime::new(date.0, date.1, date.2, told.time_hour, told.time_minute, told.time_second, 0).ok()?;
    TimeZone::UTC.to_timestamp(time).ok().map(Into::into)
}

type Read = (Happening, Origin, Option<Trigger>, Completion);

fn happening(part: HubPart, told: &Told<'_>) -> Option<Read> {
    let word = |word: Option<&str>| word.unwrap_or_default().to_owned();
    let (action, trigger, completion) =
        (word(told.action), word(told.trigger), completion_of(&word(told.completion_status)));
    let plain = |happening| Some((happening, Origin::Unknown, None, Completion::Success));
    match told.r#type {
        "LockAction" => {
            let (action, trigger) = (action_of(part, &action), trigger_of(&trigger));
            let event = LockEvent { action, trigger, auth_id: None, code_id: None, extra: 0 };
            Some((action.into(), event.origin(), Some(trigger), completion))
        }
        "KeypadAction" => {
            let origin = match trigger.as_str() {
                "fingerprint" => Origin::KeypadFingerprint,
                "arrowkey" => Origin::KeypadButton,
                _ => Origin::KeypadCode,
            };
            // The hub has no word for 225, a finger that is not known (Nuki Hub, issue 736).
            let unknown_finger = origin == Origin::KeypadFingerprint && completion == Completion::Unknown;
            let completion = if unknown_finger { Completion::InvalidFingerprint } else { completion };
            Some((action_of(part, &action).into(), origin, None, completion))
        }
        "DoorSensor" => match action.as_str() {
            "DoorOpened" => plain(Happening::DoorOpened),
            "DoorClosed" => plain(Happening::DoorClosed),
            "SensorJammed" => plain(Happening::DoorSensorJammed),
            _ => None,
        },
        "DoorbellRecognition" => Some((Happening::Doorbell, Origin::Unknown, None, completion)),
        "Calibration" => plain(Happening::Calibrated),
        "InitializationRun" => plain(Happening::Initialized),
        "LoggingEnabled" => plain(Happening::LogOn),
        "DoorSensorLoggingEnabled" => plain(Happening::DoorLogOn),
        _ => None,
    }
}

/// Words of the hub for a completion status; a number it has no word for comes as that (BLE API completion status).
fn completion_of(word: &str) -> Completion {
    use Completion as C;
    match word {
        "" | "success" => C::Success,
        "motorBlocked" => C::MotorBlocked,
        "canceled" => C::Canceled,
        "tooRecent" => C::TooRecent,
        "busy" => C::Busy,
        "lowMotorVoltage" => C::LowMotorVoltage,
        "clutchFailure" => C::ClutchFailure,
        "motorPowerFailure" => C::MotorPowerFailure,
        "incompleteFailure" | "incomplete" => C::Incomplete,
        "rejected" | "notAuthorized" => C::Rejected,
        "rejectedNightMode" => C::RejectedNightMode,
        "invalidCode" => C::InvalidCode,
        "otherError" | "failure" => C::OtherError,
        other => other.parse().map_or(C::Unknown, C::from_code),
    }
}
