//! Any text as a topic, a filter and a client id, held against the matching rules of MQTT as they are written down: what
//! is granted to one lock never matches a topic of another.
#![no_main]

#[path = "../../crates/gateway/src/names.rs"]
mod names;

/// MQTT 3.1.1, 4.7: `+` is one level, `#` the level before it and everything below.
fn matches(filter: &str, topic: &str) -> bool {
    let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}

/// Every way in which a lock may spell its id.
fn spellings(id: u32) -> [String; 4] {
    [format!("{id:X}"), format!("{id:x}"), format!("{id:08X}"), format!("{id:08x}")]
}

fn check(text: &str) {
    if names::is_topic(text) {
        assert!(!text.contains(['+', '#', '\0']), "a topic with a wildcard: {text:?}");
    }
    if names::is_client_id(text) {
        assert!(!text.contains(['+', '#', '/', '$', '\0']), "a client id like a pattern: {text:?}");
    }
    let Some(own) = names::own(text) else { return };
    let prefix = text.strip_suffix(own.rest).unwrap();
    assert_eq!(prefix, format!("nuki/{}/", own.id), "{text:?}");
    assert!(!prefix.contains(['+', '#']), "a wildcard where the owner stands: {text:?}");
    assert_eq!(u32::from_str_radix(own.id, 16), Ok(own.nuki_id), "{text:?}");
    if !names::is_filter(text) {
        return;
    }
    for bit in 0..32 {
        for other in spellings(own.nuki_id ^ 1 << bit) {
            for rest in ["lockAction", "lock", "unlock", "state", "a/b", own.rest] {
                let topic = format!("nuki/{other}/{rest}");
                assert!(!matches(text, &topic), "{text:?} of {:X} matches {topic:?}", own.nuki_id);
            }
        }
    }
    for elsewhere in ["nuki", "$SYS/broker", "homeassistant/lock/A1/config"] {
        assert!(!matches(text, elsewhere), "{text:?} matches {elsewhere:?}");
    }
    if names::covers_commands(own.rest) {
        assert!(matches(text, &format!("nuki/{}/lockAction", own.id)), "commands sent unasked: {text:?}");
    }
    if names::is_topic(text) && names::is_command(own.rest) {
        assert!(["lockAction", "lock", "unlock"].contains(&own.rest));
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| check(text));
