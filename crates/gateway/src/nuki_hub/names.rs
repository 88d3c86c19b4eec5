//! Where a hub publishes and listens: below its own base path, which its last message tells. The base path may look like
//! the beginning of the lock's own topics (`nuki`, the default of older hubs).

use lockwarden_app::ways::HubPart;

/// The hub's own connection (Nuki Hub 9, its will).
const CONNECTION: &str = "maintenance/mqttConnectionState";
/// What a hub says of itself.
const OWN: [&str; 5] = ["maintenance/", "info/", "configuration/", "presence/", "gpio/"];

/// A name below a hub's base path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HubName<'n> {
    /// Of its lock or its opener, and what follows.
    Part(HubPart, &'n str),
    /// Of the hub itself.
    Own(&'n str),
}

pub(crate) fn name<'n>(base: &str, topic: &'n str) -> Option<HubName<'n>> {
    let rest = topic.strip_prefix(base)?.strip_prefix('/')?;
    if let Some(rest) = rest.strip_prefix("lock/").filter(|rest| !rest.is_empty()) {
        return Some(HubName::Part(HubPart::Lock, rest));
    }
    if let Some(rest) = rest.strip_prefix("opener/").filter(|rest| !rest.is_empty()) {
        return Some(HubName::Part(HubPart::Opener, rest));
    }
    OWN.iter().any(|own| rest.starts_with(own)).then_some(HubName::Own(rest))
}

/// The base path, told by the topic of a hub's last message.
pub(crate) fn base_path_of(will: &str) -> Option<&str> {
    will.strip_suffix(CONNECTION)?.strip_suffix('/')
}

/// A filter below the base path: of a part, or of the hub. Wildcards may cover both parts.
pub(crate) fn filter_for<'n>(base: &str, filter: &'n str) -> Option<&'n str> {
    filter.strip_prefix(base)?.strip_prefix('/').filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_that_looks_like_the_locks_own_topics_is_told_from_them() {
        assert_eq!(name("nuki", "nuki/lock/state"), Some(HubName::Part(HubPart::Lock, "state")));
        assert_eq!(name("nuki", "nuki/opener/json"), Some(HubName::Part(HubPart::Opener, "json")));
        assert_eq!(name("nuki", "nuki/maintenance/uptime"), Some(HubName::Own("maintenance/uptime")));
        for official in ["nuki/3C8862ED/state", "nuki/3C8862ED/lockAction", "nuki/10CC/lock"] {
            assert_eq!(name("nuki", official), None, "{official}");
        }
        assert_eq!(name("nuki/3C88", "nuki/3C88/lock/state"), Some(HubName::Part(HubPart::Lock, "state")));
        assert_eq!(name("nuki/3C88", "nuki/3C8862ED/lock/state"), None);
        assert_eq!(name("nukihub", "nukihub2/lock/state"), None);
    }

    #[test]
    fn the_will_of_a_hub_tells_its_base_path() {
        assert_eq!(base_path_of("nukihub/maintenance/mqttConnectionState"), Some("nukihub"));
        assert_eq!(base_path_of("home/doors/1/maintenance/mqttConnectionState"), Some("home/doors/1"));
        assert_eq!(base_path_of("nuki/3C8862ED/connected"), None);
        assert_eq!(base_path_of("maintenance/mqttConnectionState"), None);
    }
}
