//! Any bytes as the body of an order and of a change of settings by REST.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockwarden_api::fuzz_action_body(bytes);
    lockwarden_api::fuzz_settings_body(bytes);
});
