//! Any bytes as the packets of a connection, in both versions of MQTT.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lockwarden_gateway::fuzz_packets(bytes));
