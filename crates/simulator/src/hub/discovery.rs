//! What the hub tells Home Assistant (Nuki Hub, HomeAssistantDiscovery): of its many entities, the lock or Opener itself,
//! the battery and the door.

use rumqttc::QoS;

use super::line::Line;
use super::work::Work;
use crate::json::{Object, array, quote};

/// What differs between a lock and an Opener.
pub(super) struct Entity<'a> {
    pub side: &'static str,
    pub model: &'static str,
    pub nuki_id: u32,
    pub name: &'a str,
    pub firmware: &'a str,
    pub hardware: &'a str,
    /// Payloads for lock, unlock, open.
    pub payloads: [&'static str; 3],
}

impl Work {
    pub(super) async fn announce(&self) {
        let spec = self.lock.visit(|machine| {
            let spec = &machine.spec;
            (spec.name.clone(), spec.firmware.clone(), spec.hardware.clone())
        });
        let Some((name, firmware, hardware)) = spec.await else { return };
        let entity = Entity {
            side: "lock",
            model: "SmartLock",
            nuki_id: self.lock.nuki_id,
            name: &name,
            firmware: &firmware,
            hardware: &hardware,
            payloads: ["lock", "unlock", "unlatch"],
        };
        self.line.announce(&entity);
        if self.last.as_ref().is_some_and(super::turner::Turner::has_door_sensor) {
            let more = [("stat_t", "~/doorSensorState"), ("pl_on", "doorOpened"), ("pl_off", "doorClosed")];
            self.line.announce_sensor(&entity, "binary_sensor", "door_sensor", &more);
        }
    }
}

impl Line {
    pub(super) fn announce(&self, entity: &Entity<'_>) {
        let [lock, unlock, open] = entity.payloads;
        let json = self
            .common(entity, "smartlock")
            .raw("name", "null")
            .text("cmd_t", "~/action")
            .text("pl_lock", lock)
            .text("pl_unlk", unlock)
            .text("pl_open", open)
            .text("stat_t", "~/hastate")
            .text("stat_locked", "locked")
            .text("stat_locking", "locking")
            .text("stat_unlocked", "unlocked")
            .text("stat_unlocking", "unlocking")
            .text("stat_open", "open")
            .text("stat_opening", "opening")
            .text("stat_jammed", "jammed")
            .text("opt", "false")
            .end();
        self.announce_as("lock", entity.nuki_id, "smartlock", json);
        let battery = [
            ("stat_t", "~/battery/basicJson"),
            ("val_tpl", "{{value_json.critical}}"),
            ("pl_on", "1"),
            ("pl_off", "0"),
        ];
        self.announce_sensor(entity, "binary_sensor", "battery_low", &battery);
    }

    pub(super) fn announce_sensor(
        &self,
        entity: &Entity<'_>,
        component: &str,
        object: &str,
        more: &[(&str, &str)],
    ) {
        let start = self.common(entity, object).text("name", object);
        let json = more.iter().fold(start, |json, (key, value)| json.text(key, value)).end();
        self.announce_as(component, entity.nuki_id, object, json);
    }

    fn common(&self, entity: &Entity<'_>, object: &str) -> Object {
        let id = format!("{:x}", entity.nuki_id);
        let device = Object::new()
            .raw("ids", array([quote(&format!("nuki_{id}"))]))
            .text("mf", "Nuki")
            .text("mdl", entity.model)
            .text("name", entity.name)
            .text("sw", entity.firmware)
            .text("hw", entity.hardware)
            .text("via_device", &format!("nuki_{}", self.spec.name))
            .end();
        let topics = [
            format!("{}/maintenance/mqttConnectionState", self.spec.base),
            format!("{}/{}/availability", self.spec.base, entity.side),
        ];
        // The Opener has no availability of its own.
        let count = if entity.side == "lock" { 2 } else { 1 };
        let available = topics.iter().take(count).map(|topic| Object::new().text("t", topic).end());
        Object::new()
            .raw("dev", device)
            .text("~", &format!("{}/{}", self.spec.base, entity.side))
            .text("unique_id", &format!("{id}_{object}"))
            .raw("avty", array(available))
            .text("avty_mode", "all")
    }

    fn announce_as(&self, component: &str, nuki_id: u32, object: &str, json: String) {
        let Some(prefix) = &self.spec.home_assistant else { return };
        let topic = format!("{prefix}/{component}/{nuki_id:x}/{object}/config");
        let room = self.spec.buffer.saturating_sub(1);
        let mut json = json;
        if self.quirks().truncates && json.len() > room {
            json.truncate(json.floor_char_boundary(room));
        }
        self.send(&topic, QoS::AtLeastOnce, true, json);
    }
}
