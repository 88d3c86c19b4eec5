//! Whether a value may be set. What a device tells is never checked: it is kept as it came.

use std::borrow::Cow;

use super::about::{Choice, Kind};
use super::{Setting, SettingValue, zone_name};
use crate::devices::DeviceType;
use crate::foreign::plain;

/// Why not, for a person; it follows the setting's label and a colon.
pub type Words = Cow<'static, str>;

/// The value as it is to be stored and sent, or why it cannot be. Numbers for switches and switches for 0 and 1 are
/// understood, because programs send them.
pub fn check(setting: Setting, device: DeviceType, value: SettingValue) -> Result<SettingValue, Words> {
    if matches!(device, DeviceType::Other(_)) {
        return Err("nobody knows this kind of device, so nothing is changed on it".into());
    }
    if !setting.is_on(device) {
        return Err("this kind of device does not have it".into());
    }
    if !setting.is_settable(device) {
        return Err("the device only tells it; it cannot be set".into());
    }
    match setting.kind(device) {
        Kind::Bool => switch(&value),
        Kind::Int { min, max, unit, .. } => within(&value, min, max, |number| unit.word(number)),
        Kind::Degrees { min, max } => within(&value, min, max, |_| "°"),
        Kind::OneOf { of, unit } => one_of(&value, of, |number| unit.word(number)),
        Kind::Choice { of, .. } => chosen(&value, of),
        Kind::Several(_) => Err("the device only tells it; it cannot be set".into()),
        Kind::Text { max_bytes } => text(value, max_bytes),
        Kind::MinuteOfDay => match whole(&value) {
            Some(minute) if (0..1_440).contains(&minute) => Ok(SettingValue::Int(minute)),
            _ => Err("give a time of day from 00:00 to 23:59".into()),
        },
        Kind::Coordinate { max } => coordinate(&value, max),
        Kind::TimeZone => match whole(&value) {
            Some(id) if zone_name(id).is_some() => Ok(SettingValue::Int(id)),
            _ => Err("choose one of the 46 time zones that the device knows".into()),
        },
    }
}

/// What is right for the device and yet would be refused by a Nuki Hub, or set to something else (Nuki Hub 9.15,
/// `onConfigUpdateReceived`).
pub fn beyond_hub(setting: Setting, value: &SettingValue) -> Option<&'static str> {
    match (setting, value) {
        (Setting::AutoLockTimeout, SettingValue::Int(..30)) => Some(
            "Nuki Hub can set 30 to 255 seconds only. Choose at least 30 seconds, or set it in the Nuki app",
        ),
        (Setting::AutoLockTimeout, SettingValue::Int(256..)) => Some(
            "Nuki Hub can set 30 to 255 seconds only: it keeps one byte of the number, so 600 would become 88. Choose \
             at most 255 seconds, or set it in the Nuki app",
        ),
        (Setting::TimezoneOffset, SettingValue::Int(minutes)) if !(0..=60).contains(minutes) => Some(
            "Nuki Hub can set 0 to 60 minutes only; set the time zone instead, or set it in the Nuki app",
        ),
        // Written with six digits, so what is nearer to 0 is 0.
        (Setting::Latitude, SettingValue::Float(degrees)) if *degrees < 0.000_001 => {
            Some("Nuki Hub can set places north of the equator only; set it in the Nuki app")
        }
        (Setting::Longitude, SettingValue::Float(degrees)) if *degrees < 0.000_001 => {
            Some("Nuki Hub can set places east of Greenwich only; set it in the Nuki app")
        }
        _ => None,
    }
}

/// The same for what a form sends: `on` or nothing, digits, `22:00`, `Europe/Berlin`.
pub fn from_form(setting: Setting, device: DeviceType, text: &str) -> Result<SettingValue, Words> {
    let word = text.trim();
    let value = match setting.kind(device) {
        Kind::Bool => match word {
            "on" | "true" | "1" => SettingValue::Bool(true),
            "" | "off" | "false" | "0" => SettingValue::Bool(false),
            _ => return Err("it is either on or off".into()),
        },
        Kind::Text { .. } | Kind::Several(_) => SettingValue::Text(text.to_owned()),
        Kind::MinuteOfDay => {
            SettingValue::Int(minutes(word).ok_or("give a time of day from 00:00 to 23:59")?)
        }
        Kind::TimeZone => match super::zone_id(word) {
            Some(id) => SettingValue::Int(id),
            None => SettingValue::Int(digits(word)?),
        },
        Kind::Coordinate { .. } => match word.parse() {
            Ok(degrees) => SettingValue::Float(degrees),
            Err(_) => return Err("give degrees as a number, with a point: 48.208".into()),
        },
        Kind::Int { .. } | Kind::OneOf { .. } | Kind::Choice { .. } | Kind::Degrees { .. } => {
            SettingValue::Int(digits(word)?)
        }
    };
    check(setting, device, value)
}

fn digits(word: &str) -> Result<i64, Words> {
    word.parse().map_err(|_| "give a whole number".into())
}

/// `22:00` or `6:05`.
fn minutes(word: &str) -> Option<i64> {
    let (hours, minutes) = word.split_once(':')?;
    let part = |text: &str, least: usize, below: i64| {
        let fits = (least..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| fits && *number < below)
    };
    Some(part(hours, 1, 24)? * 60 + part(minutes, 2, 60)?)
}

/// A whole number, however a program writes it.
fn whole(value: &SettingValue) -> Option<i64> {
    match value {
        SettingValue::Int(number) => Some(*number),
        SettingValue::Bool(on) => Some(i64::from(*on)),
        // Above 2^31 a float may stand for several numbers; no setting goes so far.
        SettingValue::Float(number) if number.fract() == 0.0 && number.abs() < 2_147_483_648.0 => {
            format!("{number:.0}").parse().ok()
        }
        SettingValue::Float(_) | SettingValue::Text(_) => None,
    }
}

fn switch(value: &SettingValue) -> Result<SettingValue, Words> {
    match whole(value) {
        Some(0) => Ok(SettingValue::Bool(false)),
        Some(1) => Ok(SettingValue::Bool(true)),
        _ => Err("it is either on or off".into()),
    }
}

fn within(
    value: &SettingValue,
    min: i64,
    max: i64,
    unit: impl Fn(i64) -> &'static str,
) -> Result<SettingValue, Words> {
    match whole(value) {
        Some(number) if (min..=max).contains(&number) => Ok(SettingValue::Int(number)),
        _ => Err(format!("give a whole number from {min} to {max}{}", unit(max)).into()),
    }
}

fn one_of(
    value: &SettingValue,
    of: &[i64],
    unit: impl Fn(i64) -> &'static str,
) -> Result<SettingValue, Words> {
    match whole(value) {
        Some(number) if of.contains(&number) => Ok(SettingValue::Int(number)),
        _ => Err(listed(of.iter().map(ToString::to_string), unit(0)).into()),
    }
}

fn chosen(value: &SettingValue, of: &[Choice]) -> Result<SettingValue, Words> {
    match whole(value) {
        Some(number) if of.iter().any(|choice| choice.0 == number) => Ok(SettingValue::Int(number)),
        _ => Err(listed(of.iter().map(|choice| format!("{} ({})", choice.0, choice.1)), "").into()),
    }
}

fn listed(all: impl Iterator<Item = String>, unit: &str) -> String {
    format!("choose one of {}{unit}", all.collect::<Vec<_>>().join(", "))
}

/// Six digits behind the point are 11 cm, nearer than a lock keeps it.
fn coordinate(value: &SettingValue, max: f64) -> Result<SettingValue, Words> {
    let degrees = match value {
        SettingValue::Float(degrees) => Some(*degrees),
        SettingValue::Int(degrees) => i32::try_from(*degrees).ok().map(f64::from),
        SettingValue::Bool(_) | SettingValue::Text(_) => None,
    };
    match degrees {
        // Not a number lies in no range.
        Some(degrees) if (-max..=max).contains(&degrees) => {
            let rounded = (degrees * 1e6).round() / 1e6;
            // There is one equator, not one below zero as well.
            Ok(SettingValue::Float(if rounded == 0.0 { 0.0 } else { rounded }))
        }
        _ => Err(format!("give degrees from -{max} to {max}").into()),
    }
}

fn text(value: SettingValue, max_bytes: usize) -> Result<SettingValue, Words> {
    let SettingValue::Text(text) = value else {
        return Err("give a text".into());
    };
    let text = text.trim();
    if text.is_empty() {
        return Err("give at least one letter".into());
    }
    if plain(text, text.len()) != text {
        return Err("no line breaks, control characters or marks of direction".into());
    }
    if text.len() > max_bytes {
        return Err(format!("at most {max_bytes} letters, fewer with accents or emoji").into());
    }
    Ok(SettingValue::Text(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Setting as S;

    const LOCK: DeviceType = DeviceType::SmartLock34;

    fn int(number: i64) -> SettingValue {
        SettingValue::Int(number)
    }

    #[track_caller]
    fn refused(setting: Setting, device: DeviceType, value: SettingValue) -> String {
        check(setting, device, value).expect_err("it should have been refused").into_owned()
    }

    #[test]
    fn the_ends_of_every_range_are_right_and_what_lies_beyond_is_refused() {
        for setting in Setting::ALL {
            for device in
                setting.about().devices.iter().copied().filter(|device| setting.is_settable(*device))
            {
                let (min, max) = match setting.kind(device) {
                    Kind::Int { min, max, .. } | Kind::Degrees { min, max } => (min, max),
                    Kind::MinuteOfDay => (0, 1_439),
                    Kind::TimeZone => (0, 45),
                    _ => continue,
                };
                for right in [min, max] {
                    assert_eq!(check(*setting, device, int(right)), Ok(int(right)), "{setting:?} {right}");
                }
                for wrong in [min - 1, max + 1, i64::MIN, i64::MAX] {
                    assert!(check(*setting, device, int(wrong)).is_err(), "{setting:?} {wrong}");
                }
            }
        }
    }

    #[test]
    fn every_choice_can_be_made_and_nothing_else() {
        for setting in Setting::ALL {
            for device in
                setting.about().devices.iter().copied().filter(|device| setting.is_settable(*device))
            {
                let right: Vec<i64> = match setting.kind(device) {
                    Kind::Choice { of, .. } => of.iter().map(|choice| choice.0).collect(),
                    Kind::OneOf { of, .. } => of.to_vec(),
                    _ => continue,
                };
                for number in -1..300 {
                    let fine = check(*setting, device, int(number)).is_ok();
                    assert_eq!(fine, right.contains(&number), "{setting:?} on {device:?}: {number}");
                }
            }
        }
    }

    #[test]
    fn a_refusal_says_what_would_be_right() {
        assert_eq!(refused(S::AutoLockTimeout, LOCK, int(1)), "give a whole number from 2 to 1800 seconds");
        assert_eq!(refused(S::LockedOffset, LOCK, int(91)), "give a whole number from -180 to 90°");
        assert_eq!(
            refused(S::UnlatchDuration, LOCK, int(4)),
            "choose one of 1, 3, 5, 7, 10, 15, 20, 30 seconds"
        );
        assert_eq!(
            refused(S::MotorSpeed, DeviceType::SmartLock5, int(3)),
            "choose one of 0 (standard), 1 (fast), 2 (slow)"
        );
        assert_eq!(refused(S::AutoUnlatch, LOCK, int(2)), "it is either on or off");
        assert_eq!(refused(S::NightModeStart, LOCK, int(1_440)), "give a time of day from 00:00 to 23:59");
        assert_eq!(refused(S::Latitude, LOCK, SettingValue::Float(90.1)), "give degrees from -90 to 90");
        assert!(refused(S::Timezone, LOCK, int(65_535)).contains("46 time zones"));
    }

    #[test]
    fn nothing_is_set_on_a_device_that_lacks_it_or_only_tells_it_or_that_nobody_knows() {
        assert!(refused(S::RtoTimeout, LOCK, int(20)).contains("does not have it"));
        assert!(
            refused(S::AutoLock, DeviceType::Opener, SettingValue::Bool(true)).contains("does not have it")
        );
        assert!(refused(S::TotalDegrees, LOCK, int(900)).contains("only tells it"));
        assert!(
            refused(S::SupportedBatteryTypes, DeviceType::SmartDoor, SettingValue::Text("0".to_owned()))
                .contains("only tells")
        );
        assert!(
            refused(S::Name, DeviceType::Other(9), SettingValue::Text("Door".to_owned()))
                .contains("nobody knows")
        );
        for setting in Setting::ALL {
            assert!(check(*setting, DeviceType::Other(77), int(0)).is_err(), "{setting:?}");
        }
    }

    #[test]
    fn a_button_of_an_opener_has_other_choices_than_that_of_a_lock() {
        assert_eq!(check(S::SinglePress, DeviceType::Opener, int(7)), Ok(int(7)));
        assert!(check(S::SinglePress, LOCK, int(7)).is_err());
        assert_eq!(check(S::FobAction1, DeviceType::Opener, int(8)), Ok(int(8)));
        assert!(check(S::FobAction1, DeviceType::Opener, int(4)).is_err());
        assert_eq!(check(S::FobAction1, LOCK, int(4)), Ok(int(4)));
    }

    #[test]
    fn programs_may_write_switches_as_numbers_and_numbers_as_floats_but_nothing_is_guessed() {
        assert_eq!(check(S::AutoUnlatch, LOCK, int(1)), Ok(SettingValue::Bool(true)));
        assert_eq!(check(S::SoundConfirmation, DeviceType::Opener, SettingValue::Bool(true)), Ok(int(1)));
        assert_eq!(check(S::AutoLockTimeout, LOCK, SettingValue::Float(300.0)), Ok(int(300)));
        assert_eq!(check(S::Latitude, LOCK, int(48)), Ok(SettingValue::Float(48.0)));
        for value in [
            SettingValue::Float(300.5),
            SettingValue::Float(f64::NAN),
            SettingValue::Float(f64::INFINITY),
            SettingValue::Float(1e300),
            SettingValue::Text("300".to_owned()),
        ] {
            assert!(check(S::AutoLockTimeout, LOCK, value.clone()).is_err(), "{value:?}");
        }
        assert!(check(S::Latitude, LOCK, SettingValue::Float(f64::NAN)).is_err());
        assert!(check(S::Latitude, LOCK, SettingValue::Bool(true)).is_err());
    }

    #[test]
    fn a_place_is_kept_to_eleven_centimetres() {
        let kept = |degrees: f64| check(S::Longitude, LOCK, SettingValue::Float(degrees));
        assert_eq!(kept(16.373_819_2), Ok(SettingValue::Float(16.373_819)));
        assert_eq!(kept(-179.999_999_9), Ok(SettingValue::Float(-180.0)));
        let Ok(SettingValue::Float(zero)) = kept(-0.000_000_1) else { panic!("a place in Greenwich") };
        assert!(zero.is_sign_positive(), "{zero}");
        assert_eq!(SettingValue::Float(zero).stored(), "0");
    }

    #[test]
    fn a_name_is_as_long_as_the_lock_keeps_it_in_bytes() {
        let named = |text: &str| check(S::Name, LOCK, SettingValue::Text(text.to_owned()));
        assert_eq!(named("  Front door "), Ok(SettingValue::Text("Front door".to_owned())));
        assert!(named(&"x".repeat(32)).is_ok() && named(&"x".repeat(33)).is_err());
        assert!(named(&"ü".repeat(16)).is_ok() && named(&"ü".repeat(17)).is_err());
        assert!(named(" ").is_err() && named("a\nb").is_err() && named("a\0").is_err());
        assert!(named("a\u{202E}b").is_err(), "what a device says back comes without it");
        assert!(check(S::Name, LOCK, int(1)).is_err());
    }

    #[test]
    fn a_form_is_understood_as_browsers_send_it() {
        for (setting, device, text, value) in [
            (S::AutoUnlatch, LOCK, "on", SettingValue::Bool(true)),
            (S::AutoUnlatch, LOCK, "", SettingValue::Bool(false)),
            (S::NightModeStart, LOCK, "22:05", int(1_325)),
            (S::NightModeStart, LOCK, "6:00", int(360)),
            (S::NightModeEnd, LOCK, "00:00", int(0)),
            (S::Timezone, LOCK, "Europe/Berlin", int(37)),
            (S::Timezone, LOCK, "37", int(37)),
            (S::Latitude, LOCK, "48.208176", SettingValue::Float(48.208_176)),
            (S::LockedOffset, LOCK, "-90", int(-90)),
            (S::SinglePress, DeviceType::Opener, "7", int(7)),
            (S::Name, LOCK, "Haustür", SettingValue::Text("Haustür".to_owned())),
        ] {
            assert_eq!(from_form(setting, device, text), Ok(value), "{setting:?} {text}");
        }
        for (setting, text) in [
            (S::AutoUnlatch, "maybe"),
            (S::NightModeStart, "24:00"),
            (S::NightModeStart, "22:60"),
            (S::NightModeStart, "22:5"),
            (S::NightModeStart, "+2:00"),
            (S::NightModeStart, "22"),
            (S::Timezone, "Europe/Vienna"),
            (S::Latitude, "48,2"),
            (S::Latitude, "inf"),
            (S::AutoLockTimeout, ""),
            (S::AutoLockTimeout, "5 min"),
        ] {
            assert!(from_form(setting, LOCK, text).is_err(), "{setting:?} {text}");
        }
    }

    #[test]
    fn what_a_new_device_has_is_right_for_it() {
        let mut found = 0;
        for setting in Setting::ALL.iter().filter(|setting| setting.about().normal.is_some()) {
            let value = setting.normal().expect("it is written as it is stored");
            assert_eq!(check(*setting, LOCK, value.clone()), Ok(value), "{setting:?}");
            found += 1;
        }
        assert_eq!(found, 3);
    }
}
