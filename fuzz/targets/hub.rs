//! Any bytes as the payload of each topic of a hub, whole and as what follows the first line as a topic.
#![no_main]

const TOPICS: [&str; 13] = [
    "json",
    "action",
    "commandResult",
    "retry",
    "log",
    "rollingLog",
    "keypad/json",
    "authorization/json",
    "battery/basicJson",
    "battery/advancedJson",
    "rssi",
    "maintenance/wifiRssi",
    "info/nukiHubVersion",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for topic in TOPICS {
        lockwarden_gateway::fuzz_hub(topic, bytes);
    }
    let topic = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if let Ok(topic) = std::str::from_utf8(topic) {
        lockwarden_gateway::fuzz_hub(topic, bytes);
    }
});
