//! What a device said of itself, in full, with what it never said left out.

use lockwarden_app::clock::Time;
use lockwarden_app::devices::{Device, DeviceType, Mode};
use lockwarden_app::ways::{Fact, FactSaid};
use maud::{Markup, html};

use super::face::out_of_reach;
use super::words::kind_words;
use crate::when::{When, roughly};

fn mode_words(mode: Mode) -> Option<&'static str> {
    match mode {
        Mode::Door => None,
        Mode::Uninitialized => Some("not set up"),
        Mode::Pairing => Some("pairing"),
        Mode::Continuous => Some("continuous mode"),
        Mode::Maintenance => Some("maintenance"),
        Mode::OffDoorCharging => Some("off the door, charging"),
        Mode::Other(_) => Some("unknown"),
    }
}

fn battery(device: &Device) -> Option<String> {
    let percent = device.said.battery_percent.map(|percent| format!("{percent} %"));
    let notes = [
        (device.said.battery_critical == Some(true)).then(|| "critical".to_owned()),
        (device.said.battery_charging == Some(true)).then(|| "charging".to_owned()),
    ];
    let words: Vec<String> = percent.into_iter().chain(notes.into_iter().flatten()).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn clock(device: &Device) -> Option<String> {
    let off = device.said.clock_offset_ms?;
    if off.abs() < 5_000 {
        return Some("right".to_owned());
    }
    Some(format!("{} {}", roughly(off), if off > 0 { "fast" } else { "slow" }))
}

fn rows(device: &Device, when: &When) -> Vec<(&'static str, String)> {
    let said = &device.said;
    let since = device.link.changed_at.map(|at| format!(" since {}", when.short(at))).unwrap_or_default();
    let link = match (device.nuki_id, device.link.online) {
        (None, false) => "never connected".to_owned(),
        (_, true) if device.link.is_out_of_reach => format!("online{since}, {}", out_of_reach(device)),
        (_, true) => format!("online{since}"),
        (_, false) => format!("offline{since}"),
    };
    // What may have changed while it was away is not told as if it were so now.
    let old = if device.link.online && !device.is_stale() { "" } else { ", last known" };
    let now = |words: String| format!("{words}{old}");
    let optional = [
        ("Last message", said.at.map(|at| when.short(at))),
        ("Battery", battery(device).map(now)),
        ("Mode", said.mode.and_then(mode_words).map(|words| now(words.to_owned()))),
        ("Last ring", said.rang_at.map(|at| when.short(at))),
        ("Its clock", clock(device).map(now)),
        (
            "Nuki’s servers",
            said.server_connected.map(|yes| now(if yes { "connected" } else { "not connected" }.to_owned())),
        ),
        ("Name in the Nuki app", said.own_name.clone()),
        ("Type", device.kind.map(|kind| kind_words(kind).to_owned())),
        ("Nuki ID", device.nuki_id.map(|id| format!("{id:08X}"))),
        ("Firmware", said.firmware.clone()),
    ];
    let told = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let added = ("Added", when.date(device.added_at));
    std::iter::once(("Connection", link)).chain(told).chain(std::iter::once(added)).collect()
}

/// A slow fact as a person reads it; nothing for what is told elsewhere or says nothing to a person.
fn fact(said: &FactSaid, when: &When) -> Option<(&'static str, String)> {
    let value = said.value.as_str();
    let number = || value.parse::<f64>().ok();
    let switch = || match value {
        "1" | "true" => Some("yes".to_owned()),
        "0" | "false" => Some("no".to_owned()),
        _ => None,
    };
    Some(match said.fact {
        Fact::BatteryVoltage => ("Battery voltage", format!("{:.2} V", number()? / 1_000.0)),
        Fact::BatteryDrain => ("Energy of the last action", format!("{value} mWs")),
        Fact::Temperature => ("Temperature", format!("{value} °C")),
        Fact::BatteryResistance => ("Battery resistance", format!("{value} mΩ")),
        Fact::TurnCurrent => ("Highest current of a turn", format!("{value} mA")),
        Fact::Signal => ("Bluetooth signal", signal(value, (-70, -85))?),
        Fact::HubSignal => ("Wi-Fi signal of the hub", signal(value, (-67, -78))?),
        Fact::HubVersion => ("Nuki Hub version", value.to_owned()),
        Fact::HubAddress => ("Address of the hub", value.to_owned()),
        Fact::HubRestart => ("Last restart of the hub", value.to_owned()),
        Fact::Hardware => ("Hardware", value.to_owned()),
        Fact::NightMode => ("Night mode now", switch()?),
        Fact::RingToOpenEnd => {
            let end = Time(value.parse().ok()?);
            ("Ring to open ends", (end > when.now).then(|| when.short(end))?)
        }
        Fact::Hybrid => ("Own MQTT beside the hub", switch()?),
        Fact::Variant => (
            "Model",
            match value {
                "1" => "Go".to_owned(),
                "2" => "Pro".to_owned(),
                "3" => "Ultra".to_owned(),
                other => format!("unknown ({other})"),
            },
        ),
        Fact::BridgeHeard => ("Heard by the bridge", when.short(Time(value.parse().ok()?))),
        Fact::Model => ("Model", value.to_owned()),
        Fact::Maker => ("Maker", value.to_owned()),
        Fact::Serial => ("Serial number", value.to_owned()),
        Fact::AnnouncedName => ("Announces itself as", value.to_owned()),
        Fact::NamedAuthorizations => ("Authorizations known by name", value.to_owned()),
        // The first four are told with the parts of the device.
        Fact::KeypadPaired
        | Fact::Keypad2Paired
        | Fact::FobPaired
        | Fact::NamedCodes
        | Fact::TimeZoneOffset
        | Fact::HomeKit
        | Fact::Matter => return None,
    })
}

/// `-64 dBm, good`.
fn signal(value: &str, (good, weak): (i64, i64)) -> Option<String> {
    let dbm: i64 = value.parse().ok()?;
    let word = if dbm >= good {
        "good"
    } else if dbm >= weak {
        "fair"
    } else {
        "weak"
    };
    Some(format!("{dbm} dBm, {word}"))
}

/// Something better says the same.
fn is_better_known(device: &Device, said: &FactSaid, more: &[FactSaid]) -> bool {
    match said.fact {
        Fact::AnnouncedName => device.said.own_name.is_some(),
        Fact::Model => {
            !says_more(&said.value, device.kind) || more.iter().any(|one| one.fact == Fact::Variant)
        }
        _ => false,
    }
}

/// Whether a model tells more than the type that is known: a hub announces any lock as “SmartLock”.
pub(crate) fn says_more(model: &str, kind: Option<DeviceType>) -> bool {
    let bare = |text: &str| text.to_lowercase().replace(' ', "");
    kind.is_none_or(|kind| !bare(kind_words(kind)).starts_with(&bare(model)))
}

pub(crate) fn facts(device: &Device, more: &[FactSaid], when: &When) -> Markup {
    let told = more.iter().filter(|said| !is_better_known(device, said, more));
    // What ends by itself is of now, and all else is below it.
    let (passing, lasting): (Vec<_>, Vec<_>) = told.partition(|said| said.fact == Fact::RingToOpenEnd);
    let row = |said: &FactSaid| {
        fact(said, when).map(|(name, value)| {
            html! { div { dt { (name) } dd title={ "said " (when.full(said.at)) } { (value) } } }
        })
    };
    html! {
        section #{ "facts-" (device.id) } {
            h2 { "What it says of itself" }
            dl.card.facts {
                @for row in passing.into_iter().filter_map(row) { (row) }
                @for (name, value) in rows(device, when) { div { dt { (name) } dd { (value) } } }
                @for row in lasting.into_iter().filter_map(row) { (row) }
            }
        }
    }
}
