//! Any bytes as the body of an order by REST.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lockwarden_api::fuzz_action_body(bytes));
