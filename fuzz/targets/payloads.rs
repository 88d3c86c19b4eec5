//! Any bytes as the payload of each topic of the connector.
#![no_main]

const TOPICS: [&str; 17] = [
    "connected",
    "state",
    "lockActionEvent",
    "commandResponse",
    "timestamp",
    "doorsensorState",
    "batteryCritical",
    "batteryChargeState",
    "batteryCharging",
    "keypadBatteryCritical",
    "doorsensorBatteryCritical",
    "serverConnected",
    "deviceType",
    "mode",
    "name",
    "firmware",
    "ringactionTimestamp",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for topic in TOPICS {
        lockwarden_gateway::fuzz_payload(topic, bytes);
    }
});
