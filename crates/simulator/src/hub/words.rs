//! Nuki Hub's words for the numbers of the BLE API.

use crate::machine::{action, state};

pub(super) fn lock_state(number: u8) -> &'static str {
    match number {
        state::UNCALIBRATED => "uncalibrated",
        state::LOCKED => "locked",
        state::UNLOCKING => "unlocking",
        state::UNLOCKED => "unlocked",
        state::LOCKING => "locking",
        state::UNLATCHED => "unlatched",
        state::LOCK_N_GO => "unlockedLnga",
        state::UNLATCHING => "unlatching",
        state::CALIBRATION => "calibration",
        state::BOOT => "bootRun",
        state::JAMMED => "motorBlocked",
        _ => "undefined",
    }
}

/// `hastate` and, where it says anything, `binaryState`.
pub(super) fn ha_state(number: u8) -> Option<(&'static str, Option<&'static str>)> {
    Some(match number {
        state::LOCKED => ("locked", Some("locked")),
        state::LOCKING => ("locking", Some("locked")),
        state::UNLOCKING => ("unlocking", Some("unlocked")),
        state::UNLOCKED | state::LOCK_N_GO => ("unlocked", Some("unlocked")),
        state::UNLATCHED => ("open", Some("unlocked")),
        state::UNLATCHING => ("opening", Some("unlocked")),
        state::UNCALIBRATED | state::CALIBRATION | state::BOOT | state::JAMMED => ("jammed", None),
        _ => return None,
    })
}

pub(super) fn trigger(number: u8) -> &'static str {
    match number {
        0 => "system",
        1 => "manual",
        2 => "button",
        3 => "automatic",
        6 => "autoLock",
        171 => "homekit",
        172 => "mqtt",
        _ => "undefined",
    }
}

pub(super) fn lock_action(number: u8) -> &'static str {
    match number {
        action::UNLOCK => "Unlock",
        action::LOCK => "Lock",
        action::UNLATCH => "Unlatch",
        action::LOCK_N_GO => "LockNgo",
        action::LOCK_N_GO_UNLATCH => "LockNgoUnlatch",
        action::FULL_LOCK => "FullLock",
        action::FOB_NOTHING => "FobNoAction",
        action::BUTTON_NOTHING => "ButtonNoAction",
        129 => "FobAction1",
        130 => "FobAction2",
        131 => "FobAction3",
        _ => "Unknown",
    }
}

/// The number of an action by its word, with a small or a capital first letter.
pub(super) fn lock_action_number(word: &str) -> Option<u8> {
    const ALL: [u8; 9] = [1, 2, 3, 4, 5, 6, 129, 130, 131];
    ALL.into_iter().find(|number| same(word, lock_action(*number)))
}

/// Whether a word is this one, but for the first letter, which may be small.
pub(super) fn same(word: &str, capital: &str) -> bool {
    let rest = |text: &str| text.get(1..).map(str::to_owned);
    rest(word) == rest(capital)
        && word.get(..1).zip(capital.get(..1)).is_some_and(|(a, b)| a == b || a == b.to_ascii_lowercase())
}

pub(super) fn completion(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "success",
        1 => "motorBlocked",
        2 => "canceled",
        3 => "tooRecent",
        4 => "busy",
        5 => "lowMotorVoltage",
        6 => "clutchFailure",
        7 => "motorPowerFailure",
        8 => "incompleteFailure",
        254 => "otherError",
        255 => "undefined",
        _ => return None,
    })
}

/// What it has no word for it tells as a number (Nuki Hub, issue 330).
pub(super) fn completion_or_number(number: u8) -> String {
    completion(number).map_or_else(|| number.to_string(), str::to_owned)
}

pub(super) fn door(is_there: bool, is_open: bool) -> &'static str {
    match (is_there, is_open) {
        (false, _) => "unavailable",
        (true, false) => "doorClosed",
        (true, true) => "doorOpened",
    }
}

/// The numbers of MQTT API 1.4 `doorsensorState`.
pub(super) fn door_state(number: u8) -> &'static str {
    match number {
        0 => "unavailable",
        1 => "deactivated",
        2 => "doorClosed",
        3 => "doorOpened",
        4 => "doorStateUnknown",
        5 => "calibrating",
        16 => "uncalibrated",
        240 => "tampered",
        255 => "unknown",
        _ => "undefined",
    }
}

/// What the hub makes of the outcome of a Bluetooth command: 0 or an error of the BLE API, or nothing.
pub(super) fn result(outcome: Option<u8>) -> &'static str {
    match outcome {
        Some(0) => "success",
        Some(_) => "failed",
        None => "timeOut",
    }
}

/// Its own numbers of results, through which hybrid mode also reads those of the lock.
pub(super) fn own_result(number: u8) -> &'static str {
    match number {
        1 => "success",
        2 => "failed",
        3 => "timeOut",
        4 => "working",
        5 => "notPaired",
        99 => "error",
        _ => "undefined",
    }
}

const DAYS: [(u8, &str); 7] =
    [(64, "mon"), (32, "tue"), (16, "wed"), (8, "thu"), (4, "fri"), (2, "sat"), (1, "sun")];

/// `["mon","tue"]`.
pub(super) fn weekdays(bits: u8) -> String {
    crate::json::array(DAYS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, day)| crate::json::quote(day)))
}

/// Whatever holds the names of days, the hub looks for them in its text.
pub(super) fn weekday_bits(text: &str) -> u8 {
    DAYS.iter().filter(|(_, day)| text.contains(day)).map(|(bit, _)| bit).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_known_with_a_small_and_a_capital_letter_and_in_no_other_way() {
        for (word, number) in [
            ("unlock", Some(1)),
            ("Unlock", Some(1)),
            ("lockNgoUnlatch", Some(5)),
            ("fobAction3", Some(131)),
            ("UNLOCK", None),
            ("unlock ", None),
            ("", None),
            ("1", None),
            ("änlock", None),
        ] {
            assert_eq!(lock_action_number(word), number, "{word}");
        }
    }

    #[test]
    fn weekdays_go_there_and_back() {
        assert_eq!(weekdays(64 | 1), r#"["mon","sun"]"#);
        assert_eq!(weekday_bits(r#"["wed","thu","fri"]"#), 28);
        assert_eq!(weekdays(0), "[]");
    }

    #[test]
    fn the_official_success_is_undefined_in_the_hubs_own_numbers() {
        assert_eq!(own_result(0), "undefined");
        assert_eq!(own_result(69), "undefined");
        assert_eq!(own_result(1), "success");
    }
}
