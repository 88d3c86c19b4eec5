//! Any text as a topic, a filter and a client id.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| lockwarden_gateway::fuzz_names(text));
