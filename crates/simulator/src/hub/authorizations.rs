//! Authorizations: what the hub tells of them, and its commands (Nuki Hub, onAuthCommandReceived).

use serde_json::Value;

use super::keypad::{Asked, as_text, number, window};
use super::words;
use super::work::{LISTED, Work};
use crate::json::{Object, array};
use crate::machine::error;
use crate::memory::Authorization;
use crate::memory::codes::cut;

/// Bytes of an authorization's name.
const NAME: usize = 32;

/// As a hub writes them, of either side.
pub(super) fn listed(list: &[Authorization]) -> String {
    array(list.iter().map(|known| {
        let json = Object::new()
            .raw("authId", known.id)
            .raw("idType", known.kind)
            .flag("enabled", known.enabled)
            .text("name", &known.name)
            .flag("remoteAllowed", known.remote_allowed)
            .text("dateCreated", &known.created.to_string())
            .raw("lockCount", known.count)
            .text("dateLastActive", &known.active.to_string());
        window(json, &known.window).end()
    }))
}

impl Work {
    pub(super) async fn fetch_authorizations(&mut self) {
        if !self.line.spec.authorization_info || !self.line.has_pin() || !self.line.exchange().await {
            return;
        }
        if let Some(list) = self.lock.visit(|machine| machine.memory().authorizations.clone()).await {
            self.due.authorizations = Some((self.after(LISTED), list));
        }
    }

    pub(super) fn tell_authorizations(&mut self, mut list: Vec<Authorization>) {
        list.sort_by_key(|known| known.id);
        list.truncate(self.line.spec.authorization_entries);
        self.authorizations = list.iter().map(|known| known.id).collect();
        for known in &list {
            self.names.insert(known.id, known.name.clone());
        }
        self.line.tell_json("lock/authorization/json", listed(&list));
    }

    pub(super) async fn write_authorizations(&mut self, payload: &str) {
        let result = match self.authorizations_result(payload).await {
            Ok(outcome) => {
                self.fetch_authorizations().await;
                words::result(outcome)
            }
            Err(refusal) => refusal,
        };
        self.line.tell("lock/authorization/commandResult", result);
    }

    async fn authorizations_result(&self, payload: &str) -> Result<Option<u8>, &'static str> {
        if !self.config_is_known {
            return Err("configNotReady");
        } else if !self.line.has_pin() {
            return Err("noValidPinSet");
        } else if !self.line.spec.authorization_control {
            // Its own word for it is a mistake.
            return Err("keypadControlDisabled");
        }
        let json: Value = serde_json::from_str(payload).map_err(|_| "invalidJson")?;
        let command = json.get("action").and_then(Value::as_str).ok_or("noActionSet")?.to_owned();
        let id = json.get("authId").map(number).and_then(|id| u32::try_from(id).ok()).unwrap_or_default();
        match command.as_str() {
            // An app needs an exchange of keys.
            "add" => return Err("addActionNotSupported"),
            "delete" | "update" if id == 0 => return Err("noAuthIdSet"),
            "delete" | "update" if !self.authorizations.contains(&id) => return Err("noExistingAuthIdSet"),
            "delete" => {
                return Ok(self
                    .ble(move |memory| {
                        memory.authorizations.retain(|known| known.id != id);
                        Ok(())
                    })
                    .await);
            }
            "update" => {}
            _ => return Err("invalidAction"),
        }
        let asked = Asked::read(&json, || self.line.garbage())?;
        let name = json.get("name").map(as_text).filter(|name| !name.is_empty());
        let enabled = json.get("enabled").map(|enabled| number(enabled) != 0);
        let remote = json.get("remoteAllowed").map(|remote| number(remote) != 0);
        self.line.exchange().await;
        self.line.sleep(LISTED).await;
        Ok(self
            .ble(move |memory| {
                let known = memory.authorizations.iter_mut().find(|known| known.id == id);
                let known = known.ok_or(error::BAD_PARAMETER)?;
                if let Some(name) = name {
                    known.name = cut(&name, NAME);
                }
                known.enabled = enabled.unwrap_or(known.enabled);
                known.remote_allowed = remote.unwrap_or(known.remote_allowed);
                asked.apply(&mut known.window);
                Ok(())
            })
            .await)
    }
}
