//! `SmartlockAction`: read with care, because it opens doors. Unknown keys are ignored (clients send them), numbers may
//! come as text, and a key that is there twice is refused.

use std::collections::HashSet;
use std::fmt;

use lockwarden_app::devices::LockAction;
use schemars::JsonSchema;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

#[derive(Debug, PartialEq, Eq, JsonSchema)]
pub(crate) struct Action {
    /// 1 unlock, 2 lock, 3 unlatch, 4 lock 'n' go, 5 lock 'n' go with unlatch.
    action: i64,
    /// Bits: 2 force (without effect over MQTT), 4 full lock.
    #[schemars(default)]
    option: i64,
}

const FULL_LOCK: i64 = 4;
const MOST_KEYS: usize = 32;

impl Action {
    /// Locks and openers share the numbers 1 to 3; continuous mode is 6 and 7 here, and 4 and 5 everywhere else (Web API
    /// 4.10.0, `SmartlockAction.action`).
    pub(crate) fn action(&self, is_opener: bool) -> Option<LockAction> {
        if !(0..=7).contains(&self.option) {
            return None;
        }
        if is_opener {
            return match self.action {
                1 => Some(LockAction::Unlock),
                2 => Some(LockAction::Lock),
                3 => Some(LockAction::Unlatch),
                6 => Some(LockAction::LockNGo),
                7 => Some(LockAction::LockNGoUnlatch),
                _ => None,
            };
        }
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

/// A number, or a number written as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(i64),
    Text(String),
}

impl Number {
    fn read<E: Error>(self, key: &str) -> Result<i64, E> {
        match self {
            Self::Plain(number) => Ok(number),
            Self::Text(text) => text.parse().map_err(|_| E::custom(format!("{key} must be a number"))),
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
        serde_json::from_str::<Action>(text).ok()?.action(false)
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
    fn continuous_mode_of_an_opener_is_6_and_7_and_nothing_else_is() {
        let of_opener = |text: &str| serde_json::from_str::<Action>(text).unwrap().action(true);
        assert_eq!(of_opener(r#"{"action":1}"#), Some(LockAction::Unlock));
        assert_eq!(of_opener(r#"{"action":6}"#), Some(LockAction::LockNGo));
        assert_eq!(of_opener(r#"{"action":7}"#), Some(LockAction::LockNGoUnlatch));
        for number in [0, 4, 5, 8] {
            assert_eq!(of_opener(&format!(r#"{{"action":{number}}}"#)), None, "{number}");
        }
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
