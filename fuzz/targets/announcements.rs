//! Any bytes as what a device announces to Home Assistant, whole and as what follows the first line as a topic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockwarden_gateway::fuzz_discovery("homeassistant/lock/A1/lock/config", bytes);
    let topic = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if let Ok(topic) = std::str::from_utf8(topic) {
        let rest = bytes.get(topic.len() + 1..).unwrap_or_default();
        lockwarden_gateway::fuzz_discovery(topic, rest);
    }
});
