//! What a hub says of a device's configuration: which device it is, what belongs to it, its settings, and what became of
//! those it was sent.

use lockwarden_app::devices::Observation;
use lockwarden_app::ways::{Fact, HubPart, Trouble};

use super::Unreadable;
use super::config::result::{General, Outcome, read_result};
use super::config::{self, Config, Side};

pub(super) fn read(part: HubPart, payload: &[u8]) -> Result<Observation, Unreadable> {
    let Config { settings, facts, .. } = config::read(side(part), payload)?;
    let number = |number: Option<i64>| number.map(|number| number.to_string());
    let flag = |yes: Option<bool>| yes.map(|yes| u8::from(yes).to_string());
    let known = [
        (Fact::Hardware, facts.hardware),
        (Fact::KeypadPaired, flag(facts.has_keypad)),
        (Fact::Keypad2Paired, flag(facts.has_keypad_2)),
        (Fact::FobPaired, flag(facts.has_fob)),
        (Fact::HomeKit, number(facts.homekit)),
        (Fact::Matter, number(facts.matter)),
        (Fact::Variant, number(facts.variant)),
    ];
    let known: Vec<_> = known.into_iter().filter_map(|(fact, value)| Some((fact, value?))).collect();
    // Which device it is comes first: what follows is believed of that one.
    let mut seen: Vec<Observation> = facts.nuki_id.map(Observation::NukiId).into_iter().collect();
    seen.extend(facts.kind.map(Observation::DeviceType));
    seen.extend(facts.name.map(Observation::OwnName));
    seen.extend(facts.firmware.map(Observation::Firmware));
    seen.push(Observation::Facts(known));
    seen.push(Observation::Settings(settings));
    Ok(Observation::Snapshot { clock: None, zone_minutes: 0, seen })
}

pub(super) fn read_answer(part: HubPart, payload: &[u8]) -> Result<Observation, Unreadable> {
    let answer = read_result(side(part), payload)?;
    let each = answer.settings.iter().map(|(setting, outcome)| {
        let refusal = (!outcome.is_done()).then(|| (outcome.words().to_owned(), outcome.may_be_repeated()));
        (*setting, refusal)
    });
    let each = each.collect();
    let refusal = answer.general.filter(|general| general.is_refusal());
    let of_all = refusal.map(|general| {
        (general.words().to_owned(), matches!(general, General::ConfigNotReady | General::Unknown))
    });
    let denied = answer.settings.iter().any(|(_, outcome)| *outcome == Outcome::AccessDenied);
    let mut seen = vec![Observation::SettingsAnswer(each, of_all)];
    if answer.general.is_some() {
        let no_pin = (answer.general == Some(General::NoValidPinSet)).then(String::new);
        seen.push(Observation::Trouble(Trouble::NoPin, no_pin));
    }
    // Whoever changed nothing was not denied anything either.
    if !answer.settings.is_empty() {
        seen.push(Observation::Trouble(Trouble::Denied, denied.then(String::new)));
    }
    Ok(Observation::Snapshot { clock: None, zone_minutes: 0, seen })
}

fn side(part: HubPart) -> Side {
    match part {
        HubPart::Lock => Side::Lock,
        HubPart::Opener => Side::Opener,
    }
}

impl From<config::Unreadable> for Unreadable {
    fn from(why: config::Unreadable) -> Self {
        match why {
            config::Unreadable::Truncated => Self::Truncated,
            config::Unreadable::Malformed => Self::Malformed,
        }
    }
}
