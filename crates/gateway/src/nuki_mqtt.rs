//! The connector `nuki-mqtt`: Nuki's MQTT API 1.4, from topics and payloads to observations. Ids are compared by value,
//! numbers nobody knows are kept, what cannot be read is an error that the door counts. Nothing here can fail otherwise.

use lockwarden_app::clock::Time;
use lockwarden_app::devices::{
    Device, DeviceType, DoorState, LockAction, LockEvent, LockState, Mode, Observation, Trigger,
};
use lockwarden_app::foreign::plain;

/// Names and versions are cut here; locks hold 32 bytes (BLE API `Config.name`).
const LONGEST_TEXT: usize = 64;
/// No payload of the API is longer.
const LONGEST_PAYLOAD: usize = 512;

/// A payload that its topic does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What a publish under a device's own prefix says. `None`: a topic this version does not know, or an empty payload,
/// with which a retained value is cleared.
pub(crate) fn read(topic: &str, payload: &[u8]) -> Result<Option<Observation>, Malformed> {
    if payload.is_empty() {
        return Ok(None);
    }
    if payload.len() > LONGEST_PAYLOAD {
        return Err(Malformed);
    }
    let text = std::str::from_utf8(payload).map_err(|_| Malformed)?;
    let word = text.trim();
    Ok(Some(match topic {
        "connected" => Observation::Connected(truth(word)?),
        "state" => Observation::State(LockState::from_code(code(word)?)),
        "lockActionEvent" => Observation::Event(event(word)?),
        "commandResponse" => Observation::CommandResponse(code(word)?),
        "timestamp" => Observation::DeviceTime(time(word)?),
        "doorsensorState" => Observation::Door(DoorState::from_code(code(word)?)),
        "batteryCritical" => Observation::BatteryCritical(truth(word)?),
        "batteryChargeState" => Observation::BatteryPercent(percent(word)?),
        "batteryCharging" => Observation::BatteryCharging(truth(word)?),
        "keypadBatteryCritical" => Observation::KeypadBatteryCritical(truth(word)?),
        "doorsensorBatteryCritical" => Observation::DoorBatteryCritical(truth(word)?),
        "serverConnected" => Observation::ServerConnected(truth(word)?),
        "deviceType" => Observation::DeviceType(DeviceType::from_code(code(word)?)),
        "mode" => Observation::Mode(Mode::from_code(code(word)?)),
        "name" => Observation::OwnName(short(text)),
        "firmware" => Observation::Firmware(short(text)),
        "ringactionTimestamp" => Observation::RingTime(time(word)?),
        _ => return Ok(None),
    }))
}

/// What a lock has published, as far as it is known: for a hub that comes to listen later.
pub(crate) fn published(device: &Device) -> Vec<(&'static str, String)> {
    let said = &device.said;
    let truth = |yes: Option<bool>| yes.map(|yes| yes.to_string());
    let known = [
        ("connected", Some("true".to_owned())),
        ("state", said.state.filter(|_| !device.is_stale()).map(|state| state.code().to_string())),
        ("doorsensorState", said.door.map(|door| door.code().to_string())),
        ("batteryCritical", truth(said.battery_critical)),
        ("batteryChargeState", said.battery_percent.map(|percent| percent.to_string())),
        ("batteryCharging", truth(said.battery_charging)),
        ("keypadBatteryCritical", truth(said.keypad_battery_critical)),
        ("doorsensorBatteryCritical", truth(said.door_battery_critical)),
    ];
    known.into_iter().filter_map(|(topic, value)| Some((topic, value?))).collect()
}

/// Exactly `true` or `false` (Nuki Hub compares the bytes); a wrong word must not read as either.
fn truth(word: &str) -> Result<bool, Malformed> {
    match word {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Malformed),
    }
}

/// A code of one byte, as every enumeration of the API is.
fn code(word: &str) -> Result<u8, Malformed> {
    number(word).and_then(|number| u8::try_from(number).map_err(|_| Malformed))
}

/// Digits only: `+1`, `1e0` and ` 1 1` are nobody's numbers.
fn number(word: &str) -> Result<u32, Malformed> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    word.parse().map_err(|_| Malformed)
}

fn percent(word: &str) -> Result<u8, Malformed> {
    code(word).and_then(|percent| if percent <= 100 { Ok(percent) } else { Err(Malformed) })
}

/// ISO 8601 with an offset, for example `2018-10-03T06:49:00+00:00`.
fn time(word: &str) -> Result<Time, Malformed> {
    word.parse::<jiff::Timestamp>().map(Into::into).map_err(|_| Malformed)
}

fn short(text: &str) -> String {
    plain(text, LONGEST_TEXT)
}

/// `LockAction,Trigger,AuthId,CodeId,X` (MQTT API 1.4, `lockActionEvent`). Ids of 0 mean none.
fn event(word: &str) -> Result<LockEvent, Malformed> {
    let mut fields = word.split(',').map(str::trim);
    let mut next = || fields.next().ok_or(Malformed);
    let action = LockAction::from_code(code(next()?)?);
    let trigger = Trigger::from_code(code(next()?)?);
    let auth_id = Some(number(next()?)?).filter(|id| *id != 0);
    let code_id = Some(number(next()?)?).filter(|id| *id != 0);
    let extra = code(next()?)?;
    if fields.next().is_some() {
        return Err(Malformed);
    }
    Ok(LockEvent { action, trigger, auth_id, code_id, extra })
}

#[cfg(test)]
mod tests {
    use lockwarden_app::activity::Origin;

    use super::*;

    fn event_of(text: &str) -> LockEvent {
        match read("lockActionEvent", text.as_bytes()) {
            Ok(Some(Observation::Event(event))) => event,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_examples_of_the_api_and_of_real_traces_read_as_what_they_were() {
        for (text, action, origin) in [
            ("3,0,54321,12345,1", LockAction::Unlatch, Origin::KeypadCode),
            ("1,0,54322,0,1", LockAction::Unlock, Origin::AutoUnlock),
            ("4,2,0,0,0", LockAction::LockNGo, Origin::Button),
            ("90,2,0,0,2", LockAction::ButtonNoAction, Origin::Button),
            ("3,3,54322,0,3", LockAction::Unlatch, Origin::Fob),
            ("3,0,195249,8193,2", LockAction::Unlatch, Origin::KeypadFingerprint),
            ("1,172,0,0,0", LockAction::Unlock, Origin::Mqtt),
            ("2,6,0,0,0", LockAction::Lock, Origin::AutoLock),
            ("2,171,0,0,0", LockAction::Lock, Origin::HomeKitOrMatter),
        ] {
            let event = event_of(text);
            assert_eq!((event.action, event.origin()), (action, origin), "{text}");
        }
        assert_eq!(event_of("90,2,0,0,2").presses(), Some(2));
        assert_eq!(event_of("3,3,54322,0,3").presses(), Some(3));
    }

    #[test]
    fn every_topic_of_the_api_says_its_own_thing() {
        use Observation as O;
        let at = Time(1_538_549_340_000);
        let fob = LockEvent {
            action: LockAction::Unlatch,
            trigger: Trigger::Automatic,
            auth_id: Some(54_322),
            code_id: None,
            extra: 3,
        };
        for (topic, payload, said) in [
            ("connected", "true", O::Connected(true)),
            ("state", "3", O::State(LockState::Unlocked)),
            ("lockActionEvent", "3,3,54322,0,3", O::Event(fob)),
            ("commandResponse", "66", O::CommandResponse(66)),
            ("timestamp", "2018-10-03T06:49:00+00:00", O::DeviceTime(at)),
            ("doorsensorState", "3", O::Door(DoorState::Opened)),
            ("batteryCritical", "true", O::BatteryCritical(true)),
            ("batteryChargeState", "82", O::BatteryPercent(82)),
            ("batteryCharging", "true", O::BatteryCharging(true)),
            ("keypadBatteryCritical", "true", O::KeypadBatteryCritical(true)),
            ("doorsensorBatteryCritical", "true", O::DoorBatteryCritical(true)),
            ("serverConnected", "true", O::ServerConnected(true)),
            ("deviceType", "4", O::DeviceType(DeviceType::SmartLock34)),
            ("mode", "2", O::Mode(Mode::Door)),
            ("name", "Front door", O::OwnName("Front door".to_owned())),
            ("firmware", "3.10.7", O::Firmware("3.10.7".to_owned())),
            ("ringactionTimestamp", "2018-10-03T08:49:00+02:00", O::RingTime(at)),
        ] {
            assert_eq!(read(topic, payload.as_bytes()), Ok(Some(said)), "{topic}");
        }
    }

    #[test]
    fn an_unknown_number_is_kept_and_an_impossible_one_is_refused() {
        assert_eq!(read("state", b"99"), Ok(Some(Observation::State(LockState::Other(99)))));
        for (topic, payload) in [
            ("state", "256"),
            ("state", "-1"),
            ("state", "+1"),
            ("state", "locked"),
            ("connected", "TRUE"),
            ("connected", "1"),
            ("batteryChargeState", "101"),
            ("timestamp", "yesterday"),
            ("lockActionEvent", "1,2,3,4"),
            ("lockActionEvent", "1,2,3,4,5,6"),
            ("lockActionEvent", "1,2,99999999999,0,0"),
            ("mode", "1e0"),
        ] {
            assert_eq!(read(topic, payload.as_bytes()), Err(Malformed), "{topic} {payload}");
        }
        assert_eq!(read("state", &[0xFF, 0xFE]), Err(Malformed));
        assert_eq!(read("name", &[b'x'; 513]), Err(Malformed));
    }

    #[test]
    fn a_cleared_topic_and_an_unknown_topic_say_nothing() {
        assert_eq!(read("state", b""), Ok(None));
        assert_eq!(read("somethingNew", b"1"), Ok(None));
    }

    #[test]
    fn a_name_is_cut_and_loses_what_could_forge_a_log_line() {
        let Ok(Some(Observation::OwnName(name))) =
            read("name", format!("Door\r\n\u{1b}[31m{}", "x".repeat(99)).as_bytes())
        else {
            panic!("a name is a name");
        };
        assert!(name.chars().count() <= 64 && !name.chars().any(char::is_control));
    }

    #[test]
    fn a_timestamp_counts_with_its_offset() {
        let utc = read("timestamp", b"2018-10-03T06:49:00+00:00");
        assert_eq!(utc, read("timestamp", b"2018-10-03T08:49:00+02:00"));
        assert_eq!(utc, Ok(Some(Observation::DeviceTime(Time(1_538_549_340_000)))));
    }
}
