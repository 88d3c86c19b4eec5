//! Hybrid mode: the hub reads the lock's own MQTT topics and repeats them in its own words at once (Nuki Hub, NukiOfficial).

use rumqttc::QoS;

use super::line::Line;
use super::words;
use crate::json::Object;

/// What it listens to under `nuki/<ID>/`.
pub(super) const TOPICS: [&str; 10] = [
    "state",
    "batteryCritical",
    "batteryChargeState",
    "batteryCharging",
    "keypadBatteryCritical",
    "doorsensorState",
    "doorsensorBatteryCritical",
    "connected",
    "commandResponse",
    "lockActionEvent",
];

/// What the lock itself last said.
#[derive(Debug, Default)]
pub(super) struct Official {
    pub connected: bool,
    pub state: u8,
    pub door: u8,
    pub action: u8,
    pub trigger: u8,
    /// Whether it reacted since the last action that was sent there.
    pub reacted: bool,
    /// The id of a code or else of an authorization, until the log tells another.
    pub auth_id: Option<u32>,
    critical: bool,
    charging: bool,
    charge: u8,
    keypad_critical: bool,
    door_critical: bool,
}

impl Line {
    pub(super) fn mirror(&self, topic: &str, value: &str) {
        let (number, flag) = (value.parse::<u8>().unwrap_or_default(), value == "true");
        let mut official = self.official();
        match topic {
            "connected" => {
                official.connected = flag;
                self.tell_flag("lock/hybridConnected", flag);
            }
            "state" => {
                official.state = number;
                self.tell_flag("lock/hybridConnected", official.connected);
                self.tell("lock/state", words::lock_state(number));
                self.tell_home_assistant(number);
            }
            "doorsensorState" => {
                official.door = number;
                self.tell_flag("lock/statusUpdated", true);
                self.tell("lock/doorSensorState", words::door_state(number));
            }
            "commandResponse" => {
                official.reacted |= number == 0;
                let word = match number {
                    0 if !self.quirks().undefined_success => "success",
                    _ if !self.quirks().undefined_success => "failed",
                    other => words::own_result(other),
                };
                self.tell("lock/commandResult", word);
            }
            "lockActionEvent" => self.event(&mut official, value),
            _ => self.battery(&mut official, topic, value),
        }
    }

    fn event(&self, official: &mut Official, value: &str) {
        let fields: Vec<u32> = value.split(',').map(|field| field.parse().unwrap_or_default()).collect();
        let &[action, trigger, auth_id, code_id, extra] = fields.as_slice() else { return };
        let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
        (official.action, official.trigger) = (small(action), small(trigger));
        official.reacted = true;
        self.tell("lock/lastLockAction", words::lock_action(official.action));
        self.tell("lock/trigger", words::trigger(official.trigger));
        if auth_id > 0 || code_id > 0 {
            official.auth_id = Some(if code_id > 0 { code_id } else { auth_id });
        }
        let context = match (code_id, trigger, extra) {
            (1.., _, 0) => "keypadBackKey".to_owned(),
            (1.., _, 1) => "keypadCode".to_owned(),
            (1.., _, 2) => "keypadFingerprint".to_owned(),
            (_, 0, 1) => "autoUnlock".to_owned(),
            (_, 2, 1..) => format!("button{extra}press"),
            (_, 3, 1..) => format!("fob{extra}press"),
            _ => String::new(),
        };
        self.tell("lock/lockActionContext", context);
    }

    fn battery(&self, official: &mut Official, topic: &str, value: &str) {
        let flag = value == "true";
        let own = match topic {
            "batteryCritical" => {
                official.critical = flag;
                "critical"
            }
            "batteryCharging" => {
                official.charging = flag;
                "charging"
            }
            "batteryChargeState" => {
                official.charge = value.parse().unwrap_or_default();
                "level"
            }
            "keypadBatteryCritical" => {
                official.keypad_critical = flag;
                "keypadCritical"
            }
            _ => {
                official.door_critical = flag;
                "doorSensorCritical"
            }
        };
        if !self.spec.json_only {
            let text = if own == "level" { official.charge.to_string() } else { u8::from(flag).to_string() };
            self.tell(&format!("lock/battery/{own}"), text);
        }
        let json = basic_battery(
            [official.critical, official.charging, official.keypad_critical, official.door_critical],
            official.charge,
        );
        self.tell_json("lock/battery/basicJson", json);
    }

    pub(super) fn tell_home_assistant(&self, state: u8) {
        if self.spec.home_assistant.is_none() {
            return;
        }
        if let Some((word, binary)) = words::ha_state(state) {
            self.tell("lock/hastate", word);
            if let Some(binary) = binary {
                self.tell("lock/binaryState", binary);
            }
        }
    }

    /// An action by the lock's own topic instead of Bluetooth.
    pub(super) fn act_officially(&self, nuki_id: u32, action: u8) {
        let qos = if self.spec.official_qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        self.send(&format!("nuki/{nuki_id:X}/lockAction"), qos, false, action.to_string());
    }
}

/// Flags are text here, the level is a number.
pub(super) fn basic_battery([critical, charging, keypad, door]: [bool; 4], level: u8) -> String {
    let flag = |value: bool| if value { "1" } else { "0" };
    Object::new()
        .text("critical", flag(critical))
        .text("charging", flag(charging))
        .raw("level", level)
        .text("keypadCritical", flag(keypad))
        .text("doorSensorCritical", flag(door))
        .end()
}
