//! What a lock with "auto discovery" on tells Home Assistant (MQTT API 1.4). Its prefix, the odd `ids` and the last of the
//! buttons are as a real lock has them; the set of entities is that of the script which the API grew from, and their object
//! ids are unconfirmed.

use crate::json::Object;
use crate::spec::LockSpec;

/// A button, with the payload of `lockAction`.
const BUTTONS: [(&str, &str, &str); 3] = [
    ("unlatch_button", "Unlatch", "3"),
    ("lock_n_go_button", "Lock 'n' Go", "4"),
    ("lock_n_go_unlatch_button", "Lock 'n' Go with unlatch", "5"),
];

/// Topics and payloads, all retained.
pub(crate) fn announcements(spec: &LockSpec) -> Vec<(String, String)> {
    let mut all = vec![lock(spec)];
    let truth = |topic| vec![("stat_t", topic), ("pl_on", "true"), ("pl_off", "false")];
    let mut sensors = vec![
        ("battery_critical", "Battery critical", truth("~/batteryCritical")),
        ("battery_charging", "Battery charging", truth("~/batteryCharging")),
    ];
    if spec.keypad {
        sensors.push((
            "keypad_battery_critical",
            "Keypad battery critical",
            truth("~/keypadBatteryCritical"),
        ));
    }
    if spec.door_sensor {
        let door = vec![("stat_t", "~/doorsensorState"), ("pl_on", "3"), ("pl_off", "2")];
        sensors.push(("door_sensor", "Door", door));
        let battery = truth("~/doorsensorBatteryCritical");
        sensors.push(("door_sensor_battery_critical", "Door sensor battery critical", battery));
    }
    all.extend(sensors.iter().map(|(id, name, more)| entity(spec, "binary_sensor", (id, name), more)));
    let percent = [("stat_t", "~/batteryChargeState"), ("unit_of_meas", "%"), ("dev_cla", "battery")];
    all.push(entity(spec, "sensor", ("battery_level", "Battery"), &percent));
    all.extend(BUTTONS.iter().map(|(id, name, action)| {
        let more = [("cmd_t", "~/lockAction"), ("pl_prs", *action)];
        entity(spec, "button", (id, name), &more)
    }));
    all
}

fn lock(spec: &LockSpec) -> (String, String) {
    let more = [
        ("cmd_t", "~/lockAction"),
        ("pl_lock", "2"),
        ("pl_unlk", "1"),
        ("pl_open", "3"),
        ("stat_t", "~/state"),
        ("stat_locked", "1"),
        ("stat_unlocked", "3"),
        ("stat_opening", "7"),
        ("stat_open", "5"),
        ("val_tpl", "{% if value == '6' %}3{% else %}{{value}}{% endif %}"),
    ];
    entity(spec, "lock", ("lock", ""), &more)
}

fn entity(
    spec: &LockSpec,
    component: &str,
    (id, name): (&str, &str),
    more: &[(&str, &str)],
) -> (String, String) {
    let number = format!("{:X}", spec.nuki_id);
    let device = Object::new()
        .text("ids", &format!("[{number}]"))
        .text("mf", "Nuki")
        .text("name", &spec.name)
        .text("mdl", model(spec))
        .end();
    let start = Object::new()
        .text("~", &format!("nuki/{number}"))
        .text("avty_t", "~/connected")
        .text("pl_avail", "true")
        .text("pl_not_avail", "false")
        .raw("dev", device)
        .text("name", format!("{} {name}", spec.name).trim_end())
        .text("uniq_id", &format!("{number}_{id}"));
    let json = more.iter().fold(start, |json, (key, value)| json.text(key, value)).end();
    (format!("homeassistant/{component}/{number}/{id}/config"), json)
}

/// As the maker calls it. Only the first is from a trace.
fn model(spec: &LockSpec) -> &'static str {
    match (spec.device_type, spec.product_variant) {
        (5, 1) => "Smart Lock Go",
        (5, 2) => "Smart Lock Pro",
        (5, 3) => "Smart Lock Ultra",
        (3, _) => "Smart Door",
        _ if spec.firmware.starts_with("4.") => "Smart Lock 4.0 Pro",
        _ => "Smart Lock 3.0 Pro",
    }
}
