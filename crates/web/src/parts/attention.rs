//! The work list: what needs a person, by urgency, each kind with what to do about it and the devices that have it.

use lockwarden_app::devices::Problem;
use lockwarden_app::health::{Ailment, Attention, Detail, Patient, Urgency, Ward};
use lockwarden_app::settings::Setting;
use maud::{Markup, html};

use super::counts::number;
use super::icon::{Icon, icon};
use crate::when::{When, roughly};

pub(crate) fn list(attention: &Attention, when: &When) -> Markup {
    html! {
        div #attention .stack {
            @if attention.wards.is_empty() {
                section.empty {
                    span.dot { (icon(Icon::Check)) }
                    h2 { "Nothing needs you." }
                    p { "When a door, a battery or a connection does, it is listed here, the most urgent first." }
                }
            }
            @for urgency in Urgency::ALL {
                @if attention.count(urgency) > 0 {
                    section {
                        h2 { (urgency.words()) " " span.tag { (number(attention.count(urgency))) } }
                        div.stack { @for ward in attention.of(urgency) { (of_one_kind(ward, when)) } }
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

fn of_one_kind(ward: &Ward, when: &When) -> Markup {
    let more = ward.count.saturating_sub(ward.patients.len());
    html! {
        div.card.ward {
            div.pad {
                h3 { (icon(shape(ward.ailment))) (ward.ailment.title()) " " span.tag { (number(ward.count)) } }
                p.hint { (ward.ailment.fix()) }
            }
            ul {
                @for patient in &ward.patients {
                    li.item { div { a href={ "/devices/" (patient.device.id) } { (patient.device.name) } (detail(patient, when)) } }
                }
                @if more > 0 { li.item { div { (others(ward.ailment, more)) } } }
            }
        }
    }
}

fn others(ailment: Ailment, more: usize) -> Markup {
    let words = format!("and {} more", number(more));
    let Ailment::Problem(problem) = ailment else {
        return html! { (words) };
    };
    html! { a href={ "/devices?wrong=" (problem.name()) } { (words) } }
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
        Detail::Setting(key) => {
            Setting::from_key(key).map_or(key.clone(), |setting| setting.about().label.to_owned())
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

/// How many devices need somebody, beside a name in the navigation.
/// There is no room for a fourth digit; the page itself tells how many.
pub(crate) fn badge(place: &str, count: usize) -> Markup {
    let shown = if count > 999 { "999+".to_owned() } else { count.to_string() };
    html! {
        span.badge id={ "badge-" (place) } hidden[count == 0] { (shown) span.sr { @if count == 1 { " device needs you" } @else { " devices need you" } } }
    }
}
