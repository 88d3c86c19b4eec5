//! What each way can give and cannot, in words, and which other way would. From the one matrix in `app`.

use lockwarden_app::devices::{Capability, Connector, DeviceType};
use lockwarden_app::ways::Way;

use super::said::sentence;

fn list(of: &[Capability]) -> String {
    let words: Vec<&str> = of.iter().map(|one| one.words()).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

/// "Gives operating it, …; gives no names and failed attempts or settings."
pub(crate) fn sentence_of(connector: Connector, kind: Option<DeviceType>) -> String {
    let all = Capability::ALL.iter().copied().filter(|one| one.concerns(kind));
    let (gives, lacks): (Vec<Capability>, Vec<Capability>) = all.partition(|one| connector.can(*one));
    let gives = gives.iter().map(|one| one.words()).collect::<Vec<_>>().join(", ");
    if lacks.is_empty() {
        return format!("Gives {gives}.");
    }
    format!("Gives {gives}. Does not give {}.", list(&lacks))
}

/// What none of these ways gives, by the way that would: "The lock’s own MQTT gives no names …: a Nuki Hub would."
pub(crate) fn missing(ways: &[Way], kind: Option<DeviceType>) -> Vec<String> {
    let has = |one: Capability| ways.iter().any(|way| way.connector.can(one));
    let names: Vec<&str> = ways.iter().map(|way| way.connector.words()).collect();
    let verb = if names.len() == 1 { "does not give" } else { "do not give" };
    let names = names.join(" and ");
    let mut sentences = Vec::new();
    if names.is_empty() {
        return sentences;
    }
    for other in Connector::ALL {
        let lacking: Vec<Capability> = Capability::ALL
            .iter()
            .copied()
            .filter(|one| one.concerns(kind) && !has(*one) && Connector::that_can(*one, kind) == Some(*other))
            .collect();
        if !lacking.is_empty() {
            let would = other.with_article();
            sentences.push(format!("{} {verb} {}: {would} would.", sentence(&names), list(&lacking)));
        }
    }
    sentences
}

/// What ends with a way because none of the others gives it.
pub(crate) fn lost(by: Connector, others: &[Connector], kind: Option<DeviceType>) -> Option<String> {
    let only = |one: Capability| by.can(one) && !others.iter().any(|other| other.can(one));
    let lost: Vec<Capability> =
        Capability::ALL.iter().copied().filter(|one| one.concerns(kind) && only(*one)).collect();
    (!lost.is_empty()).then(|| format!("Nothing else gives {}: that ends with it.", list(&lost)))
}

#[cfg(test)]
mod tests {
    use lockwarden_app::clock::Time;
    use lockwarden_app::ids::WayId;

    use super::*;

    fn way(connector: Connector) -> Way {
        Way {
            id: WayId(1),
            connector,
            login: None,
            added_at: Time(0),
            online: true,
            changed_at: None,
            accepts_commands: None,
            heard_at: None,
            speaks_for: None,
        }
    }

    #[test]
    fn what_a_way_lacks_is_told_with_the_way_that_would_give_it() {
        let said = missing(&[way(Connector::NukiMqtt)], Some(DeviceType::SmartLock34));
        let [hub] = said.as_slice() else { panic!("{said:?}") };
        assert!(hub.starts_with("The lock’s own MQTT does not give names and failed attempts, whose a code"));
        assert!(hub.ends_with("a Nuki Hub would."), "{hub}");
        assert!(missing(&[way(Connector::NukiMqtt), way(Connector::NukiHub)], None).is_empty());
    }

    #[test]
    fn what_ends_with_a_way_is_what_no_other_gives() {
        let kind = Some(DeviceType::SmartLock34);
        let hub = lost(Connector::NukiHub, &[Connector::NukiMqtt], kind).unwrap();
        assert!(hub.contains("settings") && hub.ends_with(": that ends with it."), "{hub}");
        assert!(!hub.contains("operating"), "the other one does that as well: {hub}");
        assert_eq!(lost(Connector::NukiBridge, &[Connector::NukiHub], kind), None);
    }

    #[test]
    fn what_no_way_to_this_kind_of_device_could_give_is_not_promised() {
        let said = missing(&[way(Connector::NukiHub)], Some(DeviceType::Opener));
        assert!(said.is_empty(), "{said:?}");
        assert!(sentence_of(Connector::NukiBridge, None).contains("Does not give locking with both turns"));
        let hub = sentence_of(Connector::NukiHub, Some(DeviceType::Opener));
        assert!(hub.contains("settings") && !hub.contains("both turns") && !hub.contains("voltage"), "{hub}");
    }
}
