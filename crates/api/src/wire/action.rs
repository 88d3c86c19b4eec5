//! `SmartlockAction`: read with care, because it opens doors. Unknown keys are ignored (clients send them), numbers may
//! come as text, and a key that is there twice is refused.

use std::collections::HashSet;
use std::fmt;

use lockwarden_app::devices::{DeviceType, LockAction};
use schemars::JsonSchema;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::loose::Number;

#[derive(Debug, PartialEq, Eq, JsonSchema)]
pub(crate) struct Action {
    /// Locks: 1 unlock, 2 lock, 3 unlatch, 4 lock 'n' go, 5 lock 'n' go with unlatch. Openers: 1 and 2 ring to open on
    /// and off, 3 open, 6 and 7 continuous mode on and off. Boxes: 1 open.
    action: i64,
    /// Bits: 2 force (without effect over MQTT), 4 full lock.
    #[schemars(default)]
    option: i64,
}

const FULL_LOCK: i64 = 4;
const MOST_KEYS: usize = 32;

impl Action {
    pub(crate) fn action(&self, kind: DeviceType) -> Option<LockAction> {
        if !(0..=7).contains(&self.option) {
            return None;
        }
        match kind {
            DeviceType::Opener => self.of_opener(),
            DeviceType::Box => (self.action == 1).then_some(LockAction::Unlock),
            _ => self.of_lock(),
        }
    }

    /// By the device's own numbers, which are a lock's: continuous mode is 4 and 5 there (Bridge API 1.13.3, lock
    /// actions).
    fn of_opener(&self) -> Option<LockAction> {
        let number = match self.action {
            1..=3 => self.action,
            6 => 4,
            7 => 5,
            _ => return None,
        };
        Some(LockAction::from_stored(number))
    }

    fn of_lock(&self) -> Option<LockAction> {
        match self.action {
            1 => Some(LockAction::Unlock),
            2 if self.option & FULL_LOCK != 0 => Some(LockAction::FullLock),
            2 => Some(LockAction::Lock),
            3 => Some(LockAction::Unlatch),
            4 => Some(LockAction::LockNGo),
            5 => Some(LockAction::LockNGoUnlatch),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Action;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with \"action\"")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Action, M::Error> {
                let (mut action, mut option) = (None, 0);
                let mut seen = HashSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "action" => action = Some(map.next_value::<Number>()?.read(&key)?),
                        "option" => {
                            option = map
                                .next_value::<Option<Number>>()?
                                .map_or(Ok(0), |number| number.read(&key))?;
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                    if !seen.insert(key) || seen.len() > MOST_KEYS {
                        return Err(M::Error::custom("a key is given twice, or there are too many"));
                    }
                }
                let action = action.ok_or_else(|| M::Error::missing_field("action"))?;
                Ok(Action { action, option })
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<LockAction> {
        read_for(DeviceType::SmartLock34, text)
    }

    fn read_for(kind: DeviceType, text: &str) -> Option<LockAction> {
        serde_json::from_str::<Action>(text).ok()?.action(kind)
    }

    #[test]
    fn openers_and_boxes_have_numbers_of_their_own() {
        let numbers = |kind| {
            let codes = (0..=9).map(|number| read_for(kind, &format!(r#"{{"action":{number}}}"#)));
            codes.map(|action| action.map_or(0, LockAction::code)).collect::<Vec<_>>()
        };
        assert_eq!(numbers(DeviceType::Opener), [0, 1, 2, 3, 0, 0, 4, 5, 0, 0]);
        assert_eq!(numbers(DeviceType::Box), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(numbers(DeviceType::SmartDoor), [0, 1, 2, 3, 4, 5, 0, 0, 0, 0]);
        assert_eq!(read_for(DeviceType::Opener, r#"{"action":2,"option":4}"#), Some(LockAction::Lock));
    }

    #[test]
    fn what_clients_send_is_understood() {
        assert_eq!(read(r#"{"action":1}"#), Some(LockAction::Unlock));
        assert_eq!(read(r#"{"action":2,"option":0}"#), Some(LockAction::Lock));
        assert_eq!(read(r#"{"action":"3","option":null,"config":0}"#), Some(LockAction::Unlatch));
        assert_eq!(read(r#"{"action":2,"option":4}"#), Some(LockAction::FullLock));
        assert_eq!(read(r#"{"option":2,"action":5}"#), Some(LockAction::LockNGoUnlatch));
    }

    #[test]
    fn what_could_mean_two_things_or_nothing_orders_nothing() {
        for text in [
            "",
            "{}",
            "[]",
            "1",
            "null",
            r#"{"action":0}"#,
            r#"{"action":6}"#,
            r#"{"action":7}"#,
            r#"{"action":-1}"#,
            r#"{"action":2,"action":1}"#,
            r#"{"action":1.5}"#,
            r#"{"action":true}"#,
            r#"{"action":"unlock"}"#,
            r#"{"action":1,"option":8}"#,
            r#"{"action":1,"option":"x"}"#,
            r#"{"action":99999999999999999999}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
