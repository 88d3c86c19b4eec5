//! `keypad/json` and `authorization/json`: for whom the numbers stand that an action comes with (Nuki Hub 9,
//! `publishKeypad`, `publishAuth`). Only number and name are read. A hub may be set to publish the codes themselves: those
//! are passed over unread, so that they are nowhere in Lockwarden.

use lockwarden_app::devices::{Number, Observation};
use serde::Deserialize;
use serde_json::Value;

use super::state::number;
use super::{NOTHING, Unreadable, json, short};

/// A hub publishes 200 at most.
const MOST: usize = 200;

#[derive(Deserialize)]
struct Told {
    #[serde(alias = "codeId", alias = "authId")]
    id: Option<Value>,
    name: Option<Value>,
}

pub(super) fn codes(payload: &[u8]) -> Result<Option<Observation>, Unreadable> {
    read(payload, Number::Code)
}

pub(super) fn authorizations(payload: &[u8]) -> Result<Option<Observation>, Unreadable> {
    read(payload, Number::Authorization)
}

fn read(payload: &[u8], of: fn(u32) -> Number) -> Result<Option<Observation>, Unreadable> {
    if payload == NOTHING {
        return Ok(None);
    }
    // Of an empty list a hub says that it is null.
    let told: Vec<Told> = json::<Option<Vec<Told>>>(payload)?.unwrap_or_default();
    if told.len() > MOST {
        return Err(Unreadable::Malformed);
    }
    let named = |told: &Told| {
        let id = u32::try_from(number(told.id.as_ref()?)?).ok().filter(|id| *id != 0)?;
        let name = short(told.name.as_ref()?.as_str()?);
        (!name.is_empty() && name != "--").then(|| (of(id), name))
    };
    let names: Vec<(Number, String)> = told.iter().filter_map(named).collect();
    Ok((!names.is_empty()).then_some(Observation::Names(names)))
}
