//! `Smartlock.WebConfig` and `BulkWebConfigRequest`.

use lockwarden_app::profiles;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::loose::{self, Object};

/// What is left out or null stays as it is.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Smartlock.WebConfig")]
pub(crate) struct WebConfig {
    /// Whether a warning of the batteries is wanted by e-mail. It is kept for programs that ask for it.
    #[serde(default, deserialize_with = "loose::boolean", skip_serializing_if = "Option::is_none")]
    battery_warning_per_mail_enabled: Option<bool>,
    /// The accounts that have seen the advice on lifting the handle; an empty list clears it.
    #[serde(default, deserialize_with = "loose::numbers", skip_serializing_if = "Option::is_none")]
    dismissed_lift_up_handle_warning: Option<Vec<i64>>,
}

impl From<WebConfig> for profiles::WebConfig {
    fn from(config: WebConfig) -> Self {
        Self {
            battery_mails: config.battery_warning_per_mail_enabled,
            dismissed: config.dismissed_lift_up_handle_warning,
        }
    }
}

impl From<&profiles::WebConfig> for WebConfig {
    fn from(config: &profiles::WebConfig) -> Self {
        Self {
            battery_warning_per_mail_enabled: config.battery_mails,
            dismissed_lift_up_handle_warning: config.dismissed.clone(),
        }
    }
}

// Nothing in it is required (Web API 4.10.0, `BulkWebConfigRequest`), and clients leave out what they do not have.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", expecting = "an object with webConfigRequests")]
pub(crate) struct BulkWebConfigRequest {
    #[serde(default)]
    #[schemars(with = "Option<Vec<WebConfigRequest>>")]
    pub(crate) web_config_requests: Option<Vec<Object<WebConfigRequest>>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", expecting = "an object with smartlockId and webConfig")]
pub(crate) struct WebConfigRequest {
    #[serde(default, deserialize_with = "loose::number")]
    pub(crate) smartlock_id: Option<i64>,
    #[serde(default)]
    #[schemars(with = "Option<WebConfig>")]
    pub(crate) web_config: Option<Object<WebConfig>>,
}
