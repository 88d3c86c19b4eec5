//! What a hub subscribes to, what it sets up on its first connection, and what an earlier life left with the broker
//! (Nuki Hub, NukiNetwork and NukiNetworkLock).

use super::HubSpec;
use super::line::Line;

/// Never by wildcard: it subscribes to each topic it listens to.
pub(super) fn subscriptions(spec: &HubSpec) -> Vec<String> {
    let mut topics = vec!["maintenance/reset".to_owned(), "maintenance/webserver/enable".to_owned()];
    let sides = [("lock", spec.lock.is_some()), ("opener", spec.opener.is_some())];
    for (side, _) in sides.into_iter().filter(|(_, is_there)| *is_there) {
        let mut also =
            vec!["action", "configuration/action", "query/config", "query/lockstate", "query/battery"];
        if spec.keypad_control {
            also.extend(["query/keypad", "keypad/actionJson"]);
            if !spec.json_only {
                also.extend(super::keypad_legacy::TOPICS.map(|(topic, _)| topic));
            }
        }
        if spec.time_control_control {
            also.push("timecontrol/action");
        }
        if spec.authorization_control {
            also.push("authorization/action");
        }
        if spec.log {
            also.push("lastRollingLog");
        }
        if side == "lock" {
            also.push("doorsensorOverride");
        }
        topics.extend(also.into_iter().map(|topic| format!("{side}/{topic}")));
    }
    topics
}

/// What it sets up on its first connection, and what it clears.
pub(super) fn first(line: &Line) -> Vec<(String, &'static str)> {
    let spec = &line.spec;
    let reason = line.seen.borrow().restart_reason;
    let mut all: Vec<(String, &'static str)> = [
        ("maintenance/reset", "0"),
        ("maintenance/freeHeap", ""),
        ("maintenance/log", ""),
        ("maintenance/wifiRssi", ""),
        ("maintenance/webserver/enable", "--"),
        ("maintenance/webserver/state", "1"),
        ("maintenance/restartReasonNukiHub", if reason.starts_with("ESP") { "Unknown" } else { reason }),
        ("maintenance/restartReasonNukiEsp", if reason.starts_with("ESP") { reason } else { "ESP_RST_SW" }),
        ("info/nukiHubVersion", "9.15"),
        ("info/nukiHubBuild", "2026-01-01 12:00:00"),
    ]
    .map(|(topic, payload)| (topic.to_owned(), payload))
    .into();
    let sides = [("lock", spec.lock.is_some()), ("opener", spec.opener.is_some())];
    for (side, _) in sides.into_iter().filter(|(_, is_there)| *is_there) {
        let mut topics = vec![
            ("action", "--"),
            ("configuration/action", "--"),
            ("query/keypad", "0"),
            ("query/config", "0"),
            ("query/lockstate", "0"),
            ("query/battery", "0"),
            ("authorization/action", "--"),
            ("timecontrol/action", "--"),
            ("keypad/actionJson", "--"),
            ("retry", "0"),
            ("hybridConnected", ""),
            ("configuration/commandResult", ""),
            ("keypad/command/commandResult", ""),
            ("keypad/commandResultJson", ""),
            ("timecontrol/commandResult", ""),
            ("authorization/commandResult", ""),
            ("query/lockstateCommandResult", ""),
            ("completionStatus", ""),
            ("commandResult", ""),
        ];
        if side == "opener" {
            topics.push(("binaryRing", "standby"));
        }
        if spec.keypad_control && !spec.json_only {
            topics.extend(super::keypad_legacy::TOPICS);
        }
        all.extend(topics.into_iter().map(|(topic, payload)| (format!("{side}/{topic}"), payload)));
    }
    all
}

const OLD_STATE: &str = concat!(
    r#"{"lock_state":"unlatched","trigger":"manual","currentTime":"2020-01-01 00:00:00","#,
    r#""auth_id":0,"auth_name":""}"#,
);
const OLD_LOG: &str = concat!(
    r#"[{"index":1,"authorizationId":0,"authorizationName":"","timeYear":2020,"timeMonth":1,"timeDay":1,"#,
    r#""timeHour":0,"timeMinute":0,"timeSecond":0,"type":"LockAction","action":"Unlatch","trigger":"system","#,
    r#""completionStatus":"success"}]"#,
);

/// What an earlier life left with the broker and a restarted broker or hub brings again.
pub(super) fn leftovers(line: &Line) {
    let said = line.seen.borrow().said.clone();
    let older = [
        ("lock/commandResult", "failed"),
        ("lock/retry", "failed"),
        ("lock/json", OLD_STATE),
        ("lock/log", OLD_LOG),
    ];
    for (topic, invented) in older {
        line.tell(topic, said.get(topic).cloned().unwrap_or_else(|| invented.to_owned()));
    }
}
