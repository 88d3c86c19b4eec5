//! Topics and filters: what is well-formed, and whose it is. Pure. A device owns everything under `nuki/<its Nuki ID>/`
//! and nothing else (MQTT API 1.4, base topic).

/// Longer names than any device has are not looked at.
const LONGEST: usize = 256;
/// The topics a device listens to and must never publish under (MQTT API 1.4, control topics).
const COMMANDS: [&str; 3] = ["lockAction", "lock", "unlock"];

/// A name under a device's own prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Own<'a> {
    /// By value: `00A1` and `a1` are the same lock.
    pub nuki_id: u32,
    /// As it was written.
    pub id: &'a str,
    /// What follows `nuki/<ID>/`.
    pub rest: &'a str,
}

/// A topic that can be published to: no wildcard, no control character (MQTT 3.1.1, 4.7.1 and 1.5.3).
pub(crate) fn is_topic(topic: &str) -> bool {
    is_name(topic) && !topic.contains(['+', '#'])
}

/// A filter with its wildcards where they may stand (MQTT 3.1.1, 4.7.1).
pub(crate) fn is_filter(filter: &str) -> bool {
    if !is_name(filter) {
        return false;
    }
    let levels: Vec<&str> = filter.split('/').collect();
    levels.iter().enumerate().all(|(place, level)| match *level {
        "#" => place + 1 == levels.len(),
        "+" => true,
        other => !other.contains(['+', '#']),
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_control)
}

/// A client id that cannot be mistaken for a pattern (CVE-2017-7650).
pub(crate) fn is_client_id(id: &str) -> bool {
    id.len() <= 128 && !id.chars().any(|c| c.is_control() || matches!(c, '+' | '#' | '/' | '$'))
}

/// Reads a topic or filter as one under `nuki/<ID>/`. Wildcards before that point make it nobody's.
pub(crate) fn own(name: &str) -> Option<Own<'_>> {
    let (id, rest) = name.strip_prefix("nuki/")?.split_once('/')?;
    let digits = (1..=8).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits || rest.is_empty() {
        return None;
    }
    Some(Own { nuki_id: u32::from_str_radix(id, 16).ok()?, id, rest })
}

pub(crate) fn is_command(rest: &str) -> bool {
    COMMANDS.contains(&rest)
}

/// Whether a filter (its part after the prefix) covers the command topic.
pub(crate) fn covers_commands(rest: &str) -> bool {
    matches!(rest, "lockAction" | "+" | "#" | "lockAction/#" | "+/#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_that_matches_the_command_topic_listens_to_commands() {
        // The parent level of # is matched by it too (MQTT 3.1.1, 4.7.1.2).
        for filter in ["lockAction", "+", "#", "lockAction/#", "+/#"] {
            assert!(is_filter(filter) && covers_commands(filter), "{filter}");
        }
        for filter in ["lock", "unlock", "lockAction/+", "+/+", "lockactions"] {
            assert!(!covers_commands(filter), "{filter}");
        }
    }

    #[test]
    fn a_nuki_id_counts_by_value_whatever_its_case_or_zeros() {
        for name in ["nuki/3C8862ED/state", "nuki/3c8862ed/state"] {
            assert_eq!(own(name).map(|own| own.nuki_id), Some(0x3C88_62ED));
        }
        assert_eq!(
            own("nuki/000000A1/state").map(|own| own.nuki_id),
            own("nuki/a1/state").map(|own| own.nuki_id)
        );
    }

    #[test]
    fn nothing_outside_a_devices_own_prefix_is_its_own() {
        for name in [
            "#",
            "+",
            "nuki/#",
            "nuki/+/state",
            "nuki/A1",
            "nuki/A1/",
            "nuki//state",
            "$SYS/broker",
            "$share/g/nuki/A1/x",
            "nuki/123456789/state",
            "nuki/XYZ/state",
            "/nuki/A1/state",
            "NUKI/A1/state",
            "homeassistant/lock/A1/config",
            "nuki/A1\u{0}/state",
            "nuki/-A1/state",
            "nuki/+1/state",
            "nuki/0xA1/state",
        ] {
            assert_eq!(own(name), None, "{name}");
        }
    }

    #[test]
    fn wildcards_stand_only_where_they_may() {
        for fine in ["nuki/A1/#", "nuki/A1/+", "nuki/+/state", "#", "+"] {
            assert!(is_filter(fine), "{fine}");
        }
        for wrong in ["", "nuki/A1#", "nuki/#/state", "nuki/A+/x", "a\u{0}b", &"x".repeat(257)] {
            assert!(!is_filter(wrong), "{wrong}");
        }
        assert!(!is_topic("nuki/A1/#"));
    }

    #[test]
    fn a_client_id_with_wildcards_is_refused() {
        for wrong in ["a#", "+", "a/b", "$x", "a\nb"] {
            assert!(!is_client_id(wrong), "{wrong}");
        }
        assert!(is_client_id("SL3P_3C8862ED") && is_client_id(""));
    }
}
