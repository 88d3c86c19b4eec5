//! The state of a lock as the hub reads and tells it (BLE API, keyturner states; Nuki Hub, publishKeyTurnerState).

use super::line::Line;
use super::mirror::basic_battery;
use super::words;
use super::work::Work;
use crate::json::Object;
use crate::machine::{CRITICAL, Machine, state};
use crate::memory::codes::Stamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turner {
    pub state: u8,
    timer: u64,
    trigger: u8,
    now: Stamp,
    zone: i16,
    action: u8,
    completion: u8,
    door: &'static str,
    battery: u8,
    charging: bool,
    keypad_critical: bool,
    door_critical: bool,
    door_sensor: bool,
    mqtt: bool,
    wifi: bool,
}

impl Default for Turner {
    /// What the hub believes before it has heard anything.
    fn default() -> Self {
        Self {
            state: state::UNDEFINED,
            timer: 0,
            trigger: 255,
            now: Stamp::default(),
            zone: 0,
            action: 0,
            completion: 255,
            door: "unavailable",
            battery: 0,
            charging: false,
            keypad_critical: false,
            door_critical: false,
            door_sensor: false,
            mqtt: false,
            wifi: false,
        }
    }
}

impl Turner {
    pub(super) fn of(machine: &mut Machine) -> Self {
        let spec = &machine.spec;
        let in_lock_n_go = machine.state == state::LOCK_N_GO;
        Self {
            state: machine.state,
            timer: if in_lock_n_go { spec.lock_n_go.as_secs() } else { 0 },
            trigger: machine.last.trigger,
            now: crate::time::local(spec),
            zone: spec.time_zone_minutes,
            action: machine.last.action,
            completion: machine.completion,
            door: words::door(spec.door_sensor, machine.door_open),
            battery: machine.battery,
            charging: machine.charging,
            keypad_critical: spec.keypad && machine.keypad_critical,
            door_critical: spec.door_sensor && machine.door_sensor_critical,
            door_sensor: spec.door_sensor,
            mqtt: spec.official,
            wifi: spec.official && spec.device_type >= 4,
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        matches!(self.state, state::LOCKED | state::UNLOCKED)
    }

    pub(super) fn is_on_its_way(&self) -> bool {
        let rests = [
            state::LOCKED,
            state::UNLOCKED,
            state::CALIBRATION,
            state::BOOT,
            state::JAMMED,
            state::UNDEFINED,
            state::UNCALIBRATED,
        ];
        !rests.contains(&self.state)
    }

    pub(super) fn has_door_sensor(&self) -> bool {
        self.door_sensor
    }
}

impl Work {
    pub(super) fn tell_turner(&mut self, turner: Turner) {
        let line = self.line.clone();
        let (hybrid, state, trigger, action, door) = {
            let official = line.official();
            if official.connected {
                (true, official.state, official.trigger, official.action, words::door_state(official.door))
            } else {
                (false, turner.state, turner.trigger, turner.action, turner.door)
            }
        };
        let word = words::lock_state(state);
        if !hybrid && state != state::UNDEFINED {
            line.tell("lock/state", word);
            line.tell_home_assistant(state);
        }
        line.tell("lock/availability", if state == state::UNDEFINED { "offline" } else { "online" });
        let last = self.last.take();
        let is_new =
            |same: fn(&Turner, &Turner) -> bool| last.as_ref().is_none_or(|last| !same(last, &turner));
        if !hybrid {
            if is_new(|a, b| a.trigger == b.trigger) {
                line.tell("lock/trigger", words::trigger(trigger));
            }
            if is_new(|a, b| a.action == b.action) {
                line.tell("lock/lastLockAction", words::lock_action(action));
            }
            if is_new(|a, b| a.door == b.door) {
                line.tell("lock/doorSensorState", door);
            }
            tell_battery(&line, &turner, last.as_ref());
        }
        let completion = words::completion_or_number(turner.completion);
        if is_new(|a, b| a.completion == b.completion) {
            line.tell("lock/completionStatus", completion.clone());
        }
        let mut json = Object::new()
            .text("lock_state", word)
            .raw("lockngo_state", turner.timer)
            .text("trigger", words::trigger(trigger))
            .text("currentTime", &turner.now.to_string())
            .raw("timeZoneOffset", turner.zone)
            .raw("nightModeActive", 0)
            .text("last_lock_action", words::lock_action(action))
            .text("last_lock_action_trigger", words::trigger(turner.trigger))
            .text("lock_completion_status", &completion)
            .text("door_sensor_state", door);
        if turner.wifi {
            json = network(json, turner.mqtt);
        }
        let (auth_id, auth_name) = self.authorization();
        let json = json.raw("auth_id", auth_id).text("auth_name", &auth_name).end();
        line.tell_json("lock/json", json);
        self.last = Some(turner);
    }

    /// Who acted last: in hybrid mode the lock's own word counts until the log is read.
    pub(super) fn authorization(&self) -> (u32, String) {
        let official = self.line.official();
        match official.auth_id.filter(|_| official.connected) {
            Some(id) => (id, self.names.get(&id).cloned().unwrap_or_default()),
            None => self.auth.clone(),
        }
    }

    pub(super) async fn read_battery(&mut self) {
        if !self.line.exchange().await {
            return;
        }
        let Some((battery, action)) = self.lock.visit(|machine| (machine.battery, machine.last.action)).await
        else {
            return;
        };
        // Between an empty and a full pack of four cells.
        let volts = 4.4 + f64::from(battery) * 0.016;
        let (drain, current, distance) = (320, 0.41, 730);
        if !self.line.spec.json_only {
            self.line.tell("lock/battery/voltage", format!("{volts:.2}"));
            self.line.tell("lock/battery/drain", drain.to_string());
            self.line.tell("lock/battery/maxTurnCurrent", format!("{current:.2}"));
            self.line.tell("lock/battery/lockDistance", distance.to_string());
        }
        let json = Object::new()
            .raw("batteryDrain", drain)
            .raw("batteryVoltage", format!("{volts:.3}"))
            .flag("critical", battery <= CRITICAL)
            .text("lockAction", words::lock_action(action))
            .raw("startVoltage", format!("{volts:.3}"))
            .raw("lowestVoltage", format!("{:.3}", volts - 0.5))
            .raw("lockDistance", f64::from(distance) / 1_000.0)
            .raw("startTemperature", 23)
            .raw("maxTurnCurrent", current)
            .raw("batteryResistance", 0.65)
            .end();
        self.line.tell_json("lock/battery/advancedJson", json);
    }
}

/// What only locks with a radio of their own report.
fn network(json: Object, mqtt: bool) -> Object {
    json.flag("remoteAccessEnabled", true)
        .flag("bridgePaired", false)
        .flag("sseConnectedViaWifi", true)
        .flag("sseConnectionEstablished", true)
        .raw("bleConnectionStrength", -60)
        .raw("wifiConnectionStrength", -55)
        .raw("wifiStatus", 2)
        .raw("mqttStatus", if mqtt { 2 } else { 0 })
        .raw("mqttConnectionChannel", 0)
}

fn tell_battery(line: &Line, turner: &Turner, last: Option<&Turner>) {
    let level = turner.battery & !1;
    let critical = turner.battery <= CRITICAL;
    if !line.spec.json_only {
        if last.is_none_or(|last| (last.battery, last.charging) != (turner.battery, turner.charging)) {
            line.tell_flag("lock/battery/critical", critical);
            line.tell_flag("lock/battery/charging", turner.charging);
            line.tell("lock/battery/level", level.to_string());
        }
        let accessories = |turner: &Turner| (turner.keypad_critical, turner.door_critical);
        if last.is_none_or(|last| accessories(last) != accessories(turner)) {
            line.tell_flag("lock/battery/keypadCritical", turner.keypad_critical);
            line.tell_flag("lock/battery/doorSensorCritical", turner.door_critical);
        }
    }
    let flags = [critical, turner.charging, turner.keypad_critical, turner.door_critical];
    line.tell_json("lock/battery/basicJson", basic_battery(flags, level));
}
