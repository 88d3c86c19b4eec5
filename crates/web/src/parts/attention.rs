//! The work list: what needs a person, by urgency, each kind with what to do about it and the devices that have it.

use std::collections::HashMap;

use lockwarden_app::bridges::Bridge;
use lockwarden_app::devices::Problem;
use lockwarden_app::devices::list::Place;
use lockwarden_app::groups::Group;
use lockwarden_app::health::{Ailment, Attention, Detail, Patient, Urgency, Ward};
use lockwarden_app::ids::GroupId;
use lockwarden_app::settings::Setting;
use maud::{Markup, html};

use super::counts::number;
use super::groups::{gone, indented};
use super::icon::{Icon, icon};
use super::listing::place_name;
use crate::when::{When, roughly};

/// What the list is drawn with, besides what is on it.
pub(crate) struct Around<'a> {
    pub paths: &'a HashMap<GroupId, String>,
    /// What it is narrowed to.
    pub place: Option<Place>,
    /// From when on a door counts as left open.
    pub may_set: bool,
}

/// Of one group and what is inside it, or of what is in none.
pub(crate) fn narrow(groups: &[Group], place: Option<Place>) -> Markup {
    html! {
        form.find method="get" action="/attention" data-find {
            div.field.pick {
                label for="group" { "Where" }
                select #group name="group" autocomplete="off" {
                    option value="" selected[place.is_none()] { "Everywhere" }
                    option value="none" selected[place == Some(Place::InNoGroup)] { "In no group" }
                    @for group in groups {
                        option value=(group.id) selected[place == Some(Place::Within(group.id))] { (indented(group)) }
                    }
                    @if let Some(gone) = gone(place, groups.iter().map(|group| group.id)) { option value=(gone) selected { "A group that is gone" } }
                }
            }
            button.btn.unscripted { "Show" }
        }
    }
}

fn nothing(around: &Around<'_>) -> Markup {
    let is_gone = gone(around.place, around.paths.keys().copied()).is_some();
    html! {
        section.empty {
            span.dot { (icon(if is_gone { Icon::Info } else { Icon::Check })) }
            @if around.place.is_some() {
                h2 { @if is_gone { "This group is gone." } @else { "Nothing here needs you." } }
                p { a.btn href="/attention" { "Look everywhere" } }
            } @else {
                h2 { "Nothing needs you." }
                p { "When a door, a battery or a connection does, it is listed here, the most urgent first." }
            }
        }
    }
}

pub(crate) fn list(attention: &Attention, around: &Around<'_>, when: &When) -> Markup {
    html! {
        div #attention .stack {
            @if attention.is_empty() { (nothing(around)) }
            @for urgency in Urgency::ALL {
                @if attention.count(urgency) > 0 {
                    section {
                        h2 { (urgency.words()) " " span.tag { (number(attention.count(urgency))) } }
                        div.stack {
                            @if !attention.bridges(urgency).is_empty() { (unused(attention.bridges(urgency))) }
                            @for ward in attention.of(urgency) { (of_one_kind(ward, around, when)) }
                        }
                    }
                }
            }
        }
    }
}

fn unused(bridges: &[Bridge]) -> Markup {
    html! {
        div.card.ward {
            div.pad {
                h3 { (icon(Icon::Plug)) "A bridge cannot be used yet" " " span.tag { (number(bridges.len())) } }
                p.hint { "Each says why. If its address or token was mistyped, its page takes the right one." }
            }
            ul {
                @for bridge in bridges {
                    li.item {
                        div {
                            a href={ "/bridges/" (bridge.id) } { (bridge.address) }
                            @if let Some(trouble) = &bridge.trouble { small { (trouble) } }
                        }
                    }
                }
            }
        }
    }
}

/// Above the devices: those that it would bring may be missing among them. Live, so it has a place where there is none.
pub(crate) fn missing(bridges: &[Bridge]) -> Markup {
    html! {
        div #missing {
            @for bridge in bridges {
                p.strip.warn {
                    (icon(Icon::Plug))
                    span {
                        "The bridge at " a href={ "/bridges/" (bridge.id) } { (bridge.address) }
                        " cannot be used yet"
                        @if let Some(trouble) = &bridge.trouble { ": " (trouble) }
                        "."
                    }
                }
            }
        }
    }
}

fn shape(ailment: Ailment) -> Icon {
    match ailment {
        Ailment::Problem(problem) => match problem {
            Problem::BatteryCritical | Problem::BatteryLow => Icon::Battery,
            Problem::KeypadBattery => Icon::Keypad,
            Problem::DoorBattery => Icon::Door,
            Problem::LockedButOpen | Problem::DoorLeftOpen => Icon::DoorOpen,
            Problem::Offline => Icon::Lost,
            Problem::ClockWrong => Icon::ClockWrong,
            Problem::TakesNoCommands => Icon::Off,
            Problem::StateUnknown => Icon::Help,
            Problem::Jammed | Problem::SensorTampered | Problem::NotCalibrated => Icon::Alert,
        },
        Ailment::Trouble(_) => Icon::Plug,
        Ailment::SettingRefused => Icon::Settings,
        Ailment::BatterySoonLow => Icon::Battery,
        Ailment::WeakSignal => Icon::Online,
        Ailment::OldFirmware => Icon::Info,
    }
}

fn of_one_kind(ward: &Ward, around: &Around<'_>, when: &When) -> Markup {
    let more = ward.count.saturating_sub(ward.patients.len());
    html! {
        div.card.ward {
            div.pad {
                h3 { (icon(shape(ward.ailment))) (ward.ailment.title()) " " span.tag { (number(ward.count)) } }
                p.hint {
                    (ward.ailment.fix())
                    @if ward.ailment == Ailment::Problem(Problem::DoorLeftOpen) && around.may_set {
                        " " a href="/settings/left-open" { "After how long a door counts as left open" }
                    }
                }
            }
            ul {
                @for patient in &ward.patients {
                    @let path = patient.device.group.and_then(|group| around.paths.get(&group));
                    li.item {
                        div {
                            a href={ "/devices/" (patient.device.id) } { (patient.device.name) }
                            @if let Some(path) = path { " " span.muted.place { (path) } }
                            (detail(patient, when))
                        }
                    }
                }
                @if more > 0 { li.item { div { (others(ward.ailment, more, around.place)) } } }
            }
        }
    }
}

fn others(ailment: Ailment, more: usize, place: Option<Place>) -> Markup {
    let words = format!("and {} more", number(more));
    let Ailment::Problem(problem) = ailment else {
        return html! { (words) };
    };
    let there = place.map(|place| format!("&group={}", place_name(place))).unwrap_or_default();
    html! { a href={ "/devices?wrong=" (problem.name()) (there) } { (words) } }
}

fn detail(patient: &Patient, when: &When) -> Markup {
    let words = match &patient.detail {
        Detail::Nothing => return html! {},
        Detail::Since(at) => format!("since {}", when.short(*at)),
        Detail::Percent(percent) => format!("{percent} %"),
        Detail::ClockOff(off) => {
            format!("{} {}", roughly(*off), if *off > 0 { "fast" } else { "slow" })
        }
        Detail::Offline(since, why) => match since {
            Some(at) => format!("since {}: {}", when.short(*at), why.words()),
            None => why.words().to_owned(),
        },
        Detail::Way(connector, detail) if detail.is_empty() => format!("by {}", connector.words()),
        Detail::Way(connector, detail) => format!("by {}: {detail}", connector.words()),
        Detail::Setting(key, why) => {
            let why = why.as_deref().unwrap_or("no reason given");
            Setting::from_key(key).map_or_else(|| why.to_owned(), |setting| setting.refused_for(why))
        }
        Detail::LowAt(likely, earliest) => format!(
            "expected at 20 % around {}, at the earliest {}",
            when.date(*likely),
            when.date(*earliest)
        ),
        Detail::Signal(dbm) => format!("{} dBm", dbm.to_string().replace('-', "−")),
        Detail::Firmware(has, newest) => format!("has {has}, another has {newest}"),
    };
    html! { small { (words) } }
}

/// How many devices and bridges need somebody, beside a name in the navigation.
/// There is no room for a fourth digit; the page itself tells how many.
pub(crate) fn badge(place: &str, count: usize) -> Markup {
    let shown = if count > 999 { "999+".to_owned() } else { count.to_string() };
    html! {
        span.badge id={ "badge-" (place) } hidden[count == 0] { (shown) span.sr { @if count == 1 { " needs you" } @else { " need you" } } }
    }
}
