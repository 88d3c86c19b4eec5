//! `SmartlockLog`, and the query that asks for it.

use axum::http::StatusCode;
use lockwarden_app::activity::{Completion, Entry, Happening, Origin};
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{DeviceType, Trigger, smartlock_id};
use lockwarden_app::ids::ActivityId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::date;
use crate::error::Failure;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SmartlockLog {
    /// 24 hexadecimal digits.
    id: String,
    smartlock_id: i64,
    device_type: u8,
    /// Who: the person, or what is known of the way.
    name: String,
    action: u8,
    trigger: u8,
    /// Completion status; 0 is success.
    state: u8,
    auto_unlock: bool,
    date: String,
    /// 1 keypad code, 2 fingerprint, 0 anything else.
    source: u8,
}

impl SmartlockLog {
    /// None for what the Web API has no number for.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        let kind = entry.device_kind?;
        Some(Self {
            id: write_id(entry.id),
            smartlock_id: smartlock_id(kind, entry.nuki_id?),
            // The log counts a Box as a Smart Lock 1/2 (Web API 4.10.0, `SmartlockLog.deviceType`).
            device_type: if kind == DeviceType::Box { 0 } else { kind.code() },
            name: who(entry),
            action: action(entry.happening)?,
            trigger: trigger(entry),
            state: entry.result.map_or(Completion::Unknown.code(), Completion::code),
            auto_unlock: entry.origin == Origin::AutoUnlock,
            date: date(entry.at),
            source: match entry.origin {
                Origin::KeypadCode => 1,
                Origin::KeypadFingerprint => 2,
                _ => 0,
            },
        })
    }
}

fn action(happening: Happening) -> Option<u8> {
    match happening {
        Happening::FullLock | Happening::TurnedToLocked => Some(Happening::Lock.code()),
        Happening::TurnedToUnlocked => Some(Happening::Unlock.code()),
        Happening::Unlock
        | Happening::Lock
        | Happening::Unlatch
        | Happening::LockNGo
        | Happening::LockNGoUnlatch
        | Happening::Doorbell
        | Happening::DoorOpened
        | Happening::DoorClosed
        | Happening::DoorSensorJammed
        | Happening::DoorLogOn
        | Happening::DoorLogOff
        | Happening::Initialized
        | Happening::Calibrated
        | Happening::LogOn
        | Happening::LogOff => Some(happening.code()),
        Happening::FobNoAction
        | Happening::ButtonNoAction
        | Happening::Jammed
        | Happening::WentOffline
        | Happening::CameOnline
        | Happening::Other(_) => None,
    }
}

fn trigger(entry: &Entry) -> u8 {
    match entry.origin {
        Origin::Console => 4,
        Origin::KeypadCode | Origin::KeypadFingerprint | Origin::KeypadButton => 255,
        Origin::ByHand => 1,
        Origin::AutoLock => 6,
        _ => match entry.trigger {
            Some(known @ (Trigger::Manual | Trigger::Button | Trigger::Automatic | Trigger::AutoLock)) => {
                known.code()
            }
            _ => 0,
        },
    }
}

/// `name` is required, and Nuki fills it with the authorization's name, which MQTT does not tell and a hub does.
fn who(entry: &Entry) -> String {
    if let Some(name) = entry.name.as_ref().filter(|_| entry.origin != Origin::Console) {
        return name.clone();
    }
    let number =
        |what: &str, id: Option<u32>| id.map_or_else(|| what.to_owned(), |id| format!("{what} {id}"));
    match entry.origin {
        Origin::Console => entry.actor_name.clone().unwrap_or_else(|| "Lockwarden".to_owned()),
        Origin::KeypadCode => number("Keypad code", entry.code_id),
        Origin::KeypadFingerprint => number("Fingerprint", entry.code_id),
        Origin::KeypadButton => "Keypad".to_owned(),
        Origin::App | Origin::AutoUnlock => number("Authorization", entry.auth_id),
        Origin::Button => "Button".to_owned(),
        Origin::Fob => number("Fob", entry.auth_id),
        Origin::TimeControl => "Time control".to_owned(),
        Origin::AutoLock => "Auto Lock".to_owned(),
        Origin::HomeKitOrMatter => "HomeKit / Matter".to_owned(),
        Origin::Mqtt => "MQTT".to_owned(),
        Origin::ByHand => "Manual".to_owned(),
        Origin::Unknown | Origin::Other(_) => String::new(),
    }
}

fn write_id(id: ActivityId) -> String {
    format!("{:024x}", id.0)
}

fn read_id(text: &str) -> Option<ActivityId> {
    let hex = text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex {
        return None;
    }
    i64::from_str_radix(text.trim_start_matches('0'), 16).ok().map(ActivityId)
}

/// The query of both lists.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogFilter {
    /// Filter for auths.
    auth_id: Option<String>,
    /// Filter for account users.
    account_user_id: Option<i64>,
    /// RFC 3339.
    from_date: Option<String>,
    /// RFC 3339.
    to_date: Option<String>,
    action: Option<u8>,
    /// Only entries older than this one.
    id: Option<String>,
    /// 20 unless told; more than 50 is 50.
    limit: Option<i64>,
}

const DEFAULT_LIMIT: i64 = 20;
const MOST: i64 = 50;

impl LogFilter {
    pub(crate) fn limit(&self) -> Result<usize, Failure> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT).min(MOST);
        usize::try_from(limit).ok().filter(|limit| *limit > 0).ok_or_else(|| Failure::bad("limit: 1 to 50"))
    }

    pub(crate) fn period(&self) -> Result<(Option<Time>, Option<Time>), Failure> {
        let read = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => text
                .parse::<jiff::Timestamp>()
                .map(|timestamp| Some(timestamp.into()))
                .map_err(|_| Failure::bad(format!("{name}: a date as in 2025-01-16T12:20:23.541Z"))),
        };
        Ok((read("fromDate", &self.from_date)?, read("toDate", &self.to_date)?))
    }

    pub(crate) fn cursor(&self) -> Result<Option<ActivityId>, Failure> {
        self.id
            .as_deref()
            .map(|text| {
                read_id(text)
                    .ok_or_else(|| Failure::new(StatusCode::BAD_REQUEST, "id: 24 hexadecimal digits"))
            })
            .transpose()
    }

    pub(crate) fn names_a_user(&self) -> bool {
        self.auth_id.is_some() || self.account_user_id.is_some()
    }

    /// Our kinds of entry behind a number of the Web API; none at all for a number that has none.
    pub(crate) fn happenings(&self) -> Option<Vec<Happening>> {
        let number = self.action?;
        let all = Happening::KNOWN.iter().copied();
        Some(all.filter(|happening| action(*happening) == Some(number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_entry_is_asked_for_if_and_only_if_it_can_be_written() {
        let all = Happening::KNOWN.iter().copied().chain((0..=u8::MAX).map(Happening::Other));
        for happening in all {
            let asked_for = Happening::IN_WEB_API.contains(&happening);
            assert_eq!(action(happening).is_some(), asked_for, "{happening:?}");
        }
    }

    #[test]
    fn an_id_on_the_wire_leads_back_to_its_entry() {
        for id in [1, 1_887_000_000_000_000_000, i64::MAX] {
            let text = write_id(ActivityId(id));
            assert_eq!((text.len(), read_id(&text)), (24, Some(ActivityId(id))));
        }
        for wrong in
            ["", "0", "zzzzzzzzzzzzzzzzzzzzzzzz", "ffffffffffffffffffffffff", "-00000000000000000000001"]
        {
            assert_eq!(read_id(wrong), None, "{wrong}");
        }
    }
}
