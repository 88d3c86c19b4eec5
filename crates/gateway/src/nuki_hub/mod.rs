//! The connector `nuki-hub`: what Nuki Hub 9.15 says and takes over MQTT.

pub(crate) mod config;
