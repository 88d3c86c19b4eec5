//! What a lock or a hub announces to Home Assistant (MQTT discovery; Nuki MQTT API 1.4 "auto discovery", Nuki Hub 9): which
//! device it is, in its own words. Of the many entities only the device behind them is read, in either spelling of the keys.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use lockwarden_app::foreign::plain;
use lockwarden_app::ways::Fact;
use serde_json::{Map, Value};

/// Names and models are cut here.
const LONGEST_TEXT: usize = 64;
/// Topics of one announcement that are looked at, and how long each may be: none of ours is longer.
const MOST_TOPICS: usize = 64;
const LONGEST_TOPIC: usize = 256;

/// What one announcement says of its device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Announced {
    /// Where it says that it speaks and listens, in full.
    pub topics: Vec<String>,
    /// As it calls itself by number; its topics may tell another.
    pub nuki_id: Option<u32>,
    pub name: Option<String>,
    pub model: Option<String>,
    pub maker: Option<String>,
    pub serial: Option<String>,
}

/// Whether something is announced here: `<prefix>/<component>/[<node>/]<object>/config`. A lock's prefix is fixed, a hub's
/// is chosen. Whatever stands between is no reason to turn anybody away: they would come back with it for ever.
pub(crate) fn is_discovery(topic: &str, any_prefix: bool) -> bool {
    let mut levels = topic.split('/');
    let prefix = levels.next();
    (any_prefix || prefix == Some("homeassistant"))
        && levels.next_back() == Some("config")
        && levels.count() >= 2
}

/// Nothing if the announcement was taken back, says nothing of a device, or cannot be read: it does no harm then.
pub(crate) fn read(topic: &str, payload: &[u8]) -> Option<Announced> {
    let told: Map<String, Value> = serde_json::from_slice(payload).ok()?;
    let device = one_of(&told, &["dev", "device"]).and_then(Value::as_object);
    let text = |keys: &[&str]| short(one_of(device?, keys)?.as_str()?);
    let mut topics = Vec::new();
    let base = told.get("~").and_then(Value::as_str).unwrap_or_default();
    topics_of(&told, base, &mut topics);
    let parts = one_of(&told, &["cmps", "components"]).and_then(Value::as_object);
    for part in parts.into_iter().flat_map(Map::values).filter_map(Value::as_object) {
        topics_of(part, base, &mut topics);
    }
    let announced = Announced {
        topics,
        nuki_id: number_of(&told, device).or_else(|| number_in(topic.split('/').nth(2)?)),
        name: text(&["name"]),
        model: text(&["mdl", "model", "mdl_id", "model_id"]),
        maker: text(&["mf", "manufacturer"]),
        serial: text(&["sn", "serial_number"]),
    };
    (announced.nuki_id.is_some() || !announced.topics.is_empty()).then_some(announced)
}

impl Announced {
    /// What is kept of it with the device that it is.
    pub(crate) fn facts(&self) -> Vec<(Fact, String)> {
        let told = [
            (Fact::AnnouncedName, &self.name),
            (Fact::Model, &self.model),
            (Fact::Maker, &self.maker),
            (Fact::Serial, &self.serial),
        ];
        told.into_iter().filter_map(|(fact, value)| Some((fact, value.clone()?))).collect()
    }

    /// The same announcement has the same: each of a dozen entities brings its device along.
    pub(crate) fn mark(&self, device: i64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (device, self.nuki_id, &self.name, &self.model, &self.maker, &self.serial).hash(&mut hasher);
        hasher.finish()
    }
}

fn one_of<'v>(told: &'v Map<String, Value>, keys: &[&str]) -> Option<&'v Value> {
    keys.iter().find_map(|key| told.get(*key))
}

/// Every topic among these, with `~` in full.
fn topics_of(told: &Map<String, Value>, base: &str, topics: &mut Vec<String>) {
    let mut add = |topic: &str| {
        if topics.len() >= MOST_TOPICS || base.len() + topic.len() > LONGEST_TOPIC {
            return;
        }
        let whole = match (topic.strip_prefix('~'), topic.strip_suffix('~')) {
            (Some(rest), _) => format!("{base}{rest}"),
            (None, Some(rest)) => format!("{rest}{base}"),
            (None, None) => topic.to_owned(),
        };
        if !topics.contains(&whole) {
            topics.push(whole);
        }
    };
    for (key, value) in told {
        let is_topic =
            key.ends_with("_t") || key.ends_with("_topic") || matches!(key.as_str(), "t" | "topic");
        match value {
            Value::String(topic) if is_topic => add(topic),
            Value::Array(several) if matches!(key.as_str(), "avty" | "availability") => {
                let each = several.iter().filter_map(Value::as_object);
                each.filter_map(|one| one_of(one, &["t", "topic"])?.as_str()).for_each(&mut add);
            }
            _ => {}
        }
    }
}

/// Its number, from what it is identified by: a list of texts or, as locks write it, a text that looks like one.
fn number_of(told: &Map<String, Value>, device: Option<&Map<String, Value>>) -> Option<u32> {
    let ids = device.and_then(|device| one_of(device, &["ids", "identifiers"]));
    let of_device = ids.and_then(|ids| match ids {
        Value::String(one) => number_in(one),
        Value::Array(several) => several.iter().filter_map(Value::as_str).find_map(number_in),
        _ => None,
    });
    of_device.or_else(|| number_in(one_of(told, &["uniq_id", "unique_id"])?.as_str()?))
}

/// `[398172F4]`, `nuki_3c8862ed`, `398172F4_lock_n_go_unlatch_button`.
fn number_in(text: &str) -> Option<u32> {
    let text = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let text = text.strip_prefix("nuki_").or_else(|| text.strip_prefix("NUKI_")).unwrap_or(text);
    let digits = text.split(['_', '-']).next()?;
    let is_id = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { u32::from_str_radix(digits, 16).ok() } else { None }
}

fn short(text: &str) -> Option<String> {
    Some(plain(text, LONGEST_TEXT)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a real lock wrote it.
    const REAL: &str = r#"{"~":"nuki/398172F4","avty_t":"~/connected","pl_avail":"true","pl_not_avail":"false",
        "dev":{"ids":"[398172F4]","mf":"Nuki","name":"Maison","mdl":"Smart Lock 3.0 Pro"},
        "name":"Maison Lock 'n' Go with unlatch","uniq_id":"398172F4_lock_n_go_unlatch_button",
        "cmd_t":"~/lockAction","pl_prs":"5"}"#;
    const TOPIC: &str = "homeassistant/button/398172F4/lock_n_go_unlatch/config";

    #[test]
    fn a_real_locks_announcement_tells_its_name_its_model_and_where_it_speaks() {
        let told = read(TOPIC, REAL.as_bytes()).unwrap();
        assert_eq!(told.nuki_id, Some(0x3981_72F4));
        let texts = [&told.name, &told.model, &told.maker].map(|text| text.as_deref().unwrap());
        assert_eq!(texts, ["Maison", "Smart Lock 3.0 Pro", "Nuki"]);
        assert_eq!(told.topics, ["nuki/398172F4/connected", "nuki/398172F4/lockAction"]);
    }

    #[test]
    fn long_and_short_keys_lists_and_a_whole_device_say_the_same() {
        let long = r#"{"availability":[{"topic":"nukihub/maintenance/mqttConnectionState"},{"topic":"~/availability"}],
            "~":"nukihub/lock","command_topic":"~/action","device":{"identifiers":["x y","nuki_3c8862ed"],
            "manufacturer":"Nuki","model":"SmartLock","name":"Front door","serial_number":"7"},
            "unique_id":"3c8862ed_smartlock"}"#;
        let told = read("homeassistant/lock/3c8862ed/smartlock/config", long.as_bytes()).unwrap();
        assert_eq!((told.nuki_id, told.name.as_deref()), (Some(0x3C88_62ED), Some("Front door")));
        assert_eq!((told.model.as_deref(), told.serial.as_deref()), (Some("SmartLock"), Some("7")));
        assert!(told.topics.contains(&"nukihub/lock/availability".to_owned()));
        let whole = r#"{"dev":{"ids":["3C8862ED"],"mdl":"Ultra"},"cmps":{"a":{"p":"lock","stat_t":"nuki/3C8862ED/state"}}}"#;
        let told = read("homeassistant/device/3C8862ED/config", whole.as_bytes()).unwrap();
        assert_eq!((told.nuki_id, told.model.as_deref()), (Some(0x3C88_62ED), Some("Ultra")));
        assert_eq!(told.topics, ["nuki/3C8862ED/state"]);
        // `~` may stand at the end too.
        let back = read("homeassistant/lock/1/x/config", br#"{"~":"lock","stat_t":"nuki/~"}"#).unwrap();
        assert_eq!(back.topics, ["nuki/lock"]);
    }

    #[test]
    fn what_is_no_announcement_is_nothing_and_no_error() {
        let foreign = br#"{"dev":{"ids":["living room lamp"]},"uniq_id":"lamp"}"#;
        assert_eq!(read("homeassistant/switch/lamp/x/config", foreign), None);
        for payload in [&b""[..], b"{", b"[]", b"null", b"{\"~\":7,\"dev\":[]}", &[0xFF, 0xFE]] {
            assert_eq!(read("homeassistant/lock/lamp/x/config", payload), None, "{payload:?}");
        }
    }

    #[test]
    fn many_topics_and_long_ones_are_not_looked_at() {
        let keys: Vec<String> = (0..2_500).map(|number| format!(r#""a{number}_t":"~{number}""#)).collect();
        let of = |base: &str| format!(r#"{{"~":"{base}",{}}}"#, keys.join(","));
        assert_eq!(read(TOPIC, of("nuki/A1/").as_bytes()).unwrap().topics.len(), MOST_TOPICS);
        assert!(read(TOPIC, of(&"x".repeat(30_000)).as_bytes()).unwrap().topics.is_empty());
    }

    #[test]
    fn names_are_cut_and_lose_what_could_forge_a_line_of_a_log() {
        let name = format!("Door\\r\\n\\u001b[31m{}", "x".repeat(99));
        let payload = format!(r#"{{"dev":{{"ids":"[A1]","name":"{name}","mdl":"  "}}}}"#);
        let told = read("homeassistant/lock/A1/x/config", payload.as_bytes()).unwrap();
        let name = told.name.unwrap();
        assert!(name.chars().count() <= 64 && !name.chars().any(char::is_control), "{name}");
        assert_eq!(told.model, None, "nothing is no model");
    }

    #[test]
    fn only_topics_of_announcements_are_taken_for_some() {
        for fine in ["homeassistant/lock/A1/smartlock/config", "homeassistant/device/A1/config"] {
            assert!(is_discovery(fine, false), "{fine}");
        }
        for tolerated in ["homeassistant/valve/A1/x/config", "homeassistant/lock/A1/b/c/config"] {
            assert!(is_discovery(tolerated, false), "{tolerated}");
        }
        assert!(is_discovery("ha/lock/A1/smartlock/config", true));
        for wrong in [
            "ha/lock/A1/smartlock/config",
            "homeassistant/status",
            "homeassistant/lock/A1/set",
            "homeassistant/lock/config",
            "homeassistant/config",
            "nuki/A1/config",
        ] {
            assert!(!is_discovery(wrong, false), "{wrong}");
        }
    }
}
