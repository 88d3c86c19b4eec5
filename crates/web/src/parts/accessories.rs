//! What is fitted to a device: its keypad, its door sensor, its fob. Each is told with what the device said of it; what
//! nobody said is not told, and what is not there is told in one line.

use lockwarden_app::devices::{Device, DeviceType, DoorState};
use lockwarden_app::settings::{Held, Setting};
use lockwarden_app::ways::{Connection, Fact};
use maud::{Markup, html};

use super::icon::{Icon, icon};
use super::said::sentence;
use crate::when::When;

/// One of them, as plain values.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Accessory {
    name: &'static str,
    icon: Icon,
    /// `warn`, `bad` or nothing.
    tone: &'static str,
    /// Each a few words.
    says: Vec<String>,
}

/// What is paired, and the names of what is said not to be.
#[derive(Default)]
struct Fitted {
    there: Vec<Accessory>,
    missing: Vec<&'static str>,
}

impl Fitted {
    fn of(device: &Device, connection: &Connection, settings: &[Held], when: &When) -> Self {
        let mut fitted = Self::default();
        fitted.add_keypads(device, connection);
        fitted.add_door_sensor(device, when);
        match paired(connection, Fact::FobPaired) {
            Some(true) => {
                let says = presses(device, settings);
                fitted.there.push(Accessory { name: "Fob", icon: Icon::Key, tone: "", says });
            }
            Some(false) => fitted.missing.push("fob"),
            None => {}
        }
        fitted
    }

    fn add_keypads(&mut self, device: &Device, connection: &Connection) {
        let battery = device.said.keypad_battery_critical;
        let told = [Fact::KeypadPaired, Fact::Keypad2Paired].map(|fact| paired(connection, fact));
        let names: Vec<&str> = ["Keypad", "Keypad 2"]
            .into_iter()
            .zip(told)
            .filter(|(_, paired)| *paired == Some(true))
            .map(|(name, _)| name)
            .collect();
        let codes = connection.fact(Fact::NamedCodes).filter(|count| *count != "0");
        let names = match names.as_slice() {
            // Its battery or its codes were told, so one is there; which, nobody knows.
            [] if battery.is_some() || codes.is_some() => vec!["Keypad"],
            [] if told.contains(&Some(false)) => {
                self.missing.push("keypad");
                return;
            }
            _ => names,
        };
        for name in names {
            let mut says: Vec<String> = battery_words(battery, device).into_iter().collect();
            says.extend(codes.map(|count| match count {
                "1" => "1 entry code known by name".to_owned(),
                more => format!("{more} entry codes known by name"),
            }));
            let tone = if battery == Some(true) { "bad" } else { "" };
            self.there.push(Accessory { name, icon: Icon::Keypad, tone, says });
        }
    }

    fn add_door_sensor(&mut self, device: &Device, when: &When) {
        let said = &device.said;
        let (icon, tone, words) = match said.door {
            None => return,
            Some(DoorState::Unavailable) => {
                // What has no bolt never has one.
                if device.kind.is_none_or(DeviceType::has_bolt) {
                    self.missing.push("door sensor");
                }
                return;
            }
            Some(DoorState::Deactivated) => (Icon::Off, "", "switched off"),
            Some(DoorState::Closed) => (Icon::Door, "", "door closed"),
            Some(DoorState::Opened) => (Icon::DoorOpen, "", "door open"),
            Some(DoorState::Calibrating) => (Icon::Busy, "", "is calibrating"),
            Some(DoorState::Uncalibrated) => {
                (Icon::Alert, "warn", "not calibrated; calibrate it in the Nuki app")
            }
            Some(DoorState::Tampered) => (Icon::Alert, "bad", "was tampered with"),
            Some(DoorState::Unknown | DoorState::Undefined | DoorState::Other(_)) => {
                (Icon::Help, "warn", "does not know whether the door is open")
            }
        };
        let since =
            said.door_changed_at.filter(|_| matches!(said.door, Some(DoorState::Closed | DoorState::Opened)));
        let since = since.map(|at| format!(" since {}", when.short(at))).unwrap_or_default();
        let mut says = vec![format!("{words}{since}{}", old(device))];
        says.extend(battery_words(said.door_battery_critical, device));
        let tone = if said.door_battery_critical == Some(true) { "bad" } else { tone };
        self.there.push(Accessory { name: "Door sensor", icon, tone, says });
    }
}

/// What may have changed while it was away is not told as if it were so now.
fn old(device: &Device) -> &'static str {
    if device.link.online && !device.is_stale() { "" } else { ", last known" }
}

fn battery_words(critical: Option<bool>, device: &Device) -> Option<String> {
    let words = if critical? { "battery critical" } else { "battery all right" };
    Some(format!("{words}{}", if device.link.online { "" } else { ", last known" }))
}

fn paired(connection: &Connection, fact: Fact) -> Option<bool> {
    match connection.fact(fact)? {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// What its presses do, as the device said.
fn presses(device: &Device, settings: &[Held]) -> Vec<String> {
    let Some(kind) = device.kind else { return Vec::new() };
    [(Setting::FobAction1, "once"), (Setting::FobAction2, "twice"), (Setting::FobAction3, "three times")]
        .into_iter()
        .filter_map(|(setting, times)| {
            let held = settings.iter().find(|held| held.setting == setting)?;
            Some(format!("{times}: {}", held.reported.as_ref()?.in_words(setting, kind)))
        })
        .collect()
}

pub(crate) fn accessories(
    device: &Device,
    connection: &Connection,
    settings: &[Held],
    when: &When,
) -> Markup {
    let fitted = Fitted::of(device, connection, settings, when);
    let missing = match fitted.missing.as_slice() {
        [] => None,
        [one] => Some(format!("No {one} is paired with it.")),
        [all @ .., last] => Some(format!("No {} and no {last} is paired with it.", all.join(", no "))),
    };
    html! {
        section #{ "parts-" (device.id) } {
            @if !fitted.there.is_empty() || missing.is_some() {
                h2 { "Parts" }
                @if !fitted.there.is_empty() {
                    ul.card.plain {
                        @for one in &fitted.there {
                            li.item {
                                span class={ "ic " (one.tone) } { (icon(one.icon)) }
                                div { b { (one.name) } small { (sentence(&one.says.join(" · "))) } }
                            }
                        }
                    }
                }
                @if let Some(words) = missing { p.hint { (words) } }
            }
        }
    }
}
