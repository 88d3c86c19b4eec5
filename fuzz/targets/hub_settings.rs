//! Any bytes as the settings that a Hub tells, and as its answer to a change.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lockwarden_gateway::fuzz_hub_settings(bytes));
