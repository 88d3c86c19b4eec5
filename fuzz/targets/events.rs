//! Any bytes as the text of a lock action event.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lockwarden_gateway::fuzz_payload("lockActionEvent", bytes));
