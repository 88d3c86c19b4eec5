//! `OpenerIntercomBrand` and `OpenerIntercomModel`, described and never sent: Nuki answers them from a database of its own,
//! and no public source has its data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::loose;
use crate::error::Failure;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenerIntercomBrand {
    brand_id: i32,
    brand: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenerIntercomModel {
    intercom_id: i32,
    brand_id: i32,
    #[serde(rename = "type")]
    kind: i32,
    model: String,
    /// 1 verified, 2 may be compatible, 3 not compatible.
    verified: i32,
    con_gnd_bus: String,
    con_bus_audio: String,
    con_audioout: String,
    con_doorbell_plus: String,
    con_doorbell_minus: String,
    con_opendoor: String,
    con_gnd_analogue: String,
    bus_mode_switch: i32,
    bus_mode_switch_short_circuit_duration: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_date: Option<String>,
}

/// The query of the models.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntercomFilter {
    /// Only models of this brand. Needed, unless recentlyChanged is true.
    brand_id: Option<i64>,
    /// Whether models count that nobody has verified.
    #[serde(default, deserialize_with = "loose::boolean")]
    #[expect(dead_code, reason = "read to be refused if it is neither, and there is nothing to choose from")]
    ignore_verified: Option<bool>,
    /// Whether only models count that changed lately.
    #[serde(default, deserialize_with = "loose::boolean")]
    recently_changed: Option<bool>,
}

impl IntercomFilter {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.brand_id.is_some() || self.recently_changed == Some(true) {
            return Ok(());
        }
        Err(Failure::bad("brandId is needed, unless recentlyChanged is true"))
    }
}
