//! Time control: what the hub tells of it, and its commands (Nuki Hub, onTimeControlCommandReceived).

use serde_json::Value;

use super::keypad::{as_text, hours, number};
use super::words;
use super::work::{LISTED, Work};
use crate::json::{Object, array};
use crate::machine::error;
use crate::memory::TimeControl;

impl Work {
    pub(super) async fn fetch_times(&mut self) {
        if !self.line.spec.time_control_info || !self.line.has_pin() || !self.line.exchange().await {
            return;
        }
        if let Some(times) = self.lock.visit(|machine| machine.memory().times.clone()).await {
            self.due.times = Some((self.after(LISTED), times));
        }
    }

    pub(super) fn tell_times(&mut self, mut times: Vec<TimeControl>) {
        times.sort_by_key(|time| time.id);
        times.truncate(self.line.spec.time_control_entries);
        self.times = times.iter().map(|time| time.id).collect();
        let all = times.iter().map(|time| {
            Object::new()
                .raw("entryId", time.id)
                .flag("enabled", time.enabled)
                .raw("weekdays", words::weekdays(time.weekdays))
                .text("time", &format!("{:02}:{:02}", time.hour, time.minute))
                .text("lockAction", words::lock_action(time.action))
                .end()
        });
        self.line.tell_json("lock/timecontrol/json", array(all));
    }

    pub(super) async fn write_times(&mut self, payload: &str) {
        let result = match self.times_result(payload).await {
            Ok(outcome) => {
                self.fetch_times().await;
                words::result(outcome)
            }
            Err(refusal) => refusal,
        };
        self.line.tell("lock/timecontrol/commandResult", result);
    }

    async fn times_result(&self, payload: &str) -> Result<Option<u8>, &'static str> {
        if !self.config_is_known {
            return Err("configNotReady");
        } else if !self.line.has_pin() {
            return Err("noValidPinSet");
        } else if !self.line.spec.time_control_control {
            return Err("timeControlControlDisabled");
        }
        let json: Value = serde_json::from_str(payload).map_err(|_| "invalidJson")?;
        let command = json.get("action").and_then(Value::as_str).ok_or("noActionSet")?.to_owned();
        let id = json.get("entryId").map(number).and_then(|id| u8::try_from(id).ok()).unwrap_or_default();
        if matches!(command.as_str(), "delete" | "update") && !self.times.contains(&id) {
            return Err("noExistingEntryIdSet");
        }
        let action = json.get("lockAction").map(as_text);
        let action =
            action.map(|word| words::lock_action_number(&word).ok_or("invalidLockAction")).transpose()?;
        let time = json.get("time").map(|time| hours(&as_text(time)).ok_or("invalidTime")).transpose()?;
        let weekdays = json.get("weekdays").map(|days| words::weekday_bits(&as_text(days)));
        let enabled = json.get("enabled").map(|enabled| number(enabled) != 0);
        match command.as_str() {
            "delete" => Ok(self
                .ble(move |memory| {
                    memory.times.retain(|time| time.id != id);
                    Ok(())
                })
                .await),
            "add" => {
                let action = action.ok_or("invalidLockAction")?;
                let (hour, minute) = time.ok_or("invalidTime")?;
                let weekdays = weekdays.unwrap_or_default();
                let new = TimeControl { id: 0, enabled: true, weekdays, hour, minute, action };
                Ok(self.ble(move |memory| memory.add_time(new)).await)
            }
            "update" => {
                self.line.exchange().await;
                self.line.sleep(LISTED).await;
                Ok(self
                    .ble(move |memory| {
                        let known = memory.times.iter_mut().find(|time| time.id == id);
                        let known = known.ok_or(error::BAD_PARAMETER)?;
                        known.action = action.unwrap_or(known.action);
                        (known.hour, known.minute) = time.unwrap_or((known.hour, known.minute));
                        known.weekdays = weekdays.unwrap_or(known.weekdays);
                        known.enabled = enabled.unwrap_or(known.enabled);
                        Ok(())
                    })
                    .await)
            }
            _ => Err("invalidAction"),
        }
    }
}
