//! The settings of an Opener, as text, with what each takes (names, words and limits as Nuki Hub has them for it).

use std::time::Duration;

use super::{OpenerMachine, OpenerSpec};
use crate::memory::settings::{ADVERTISING, BATTERIES, Part, Setting, Settings, Takes};

const FOB: Takes =
    Takes::Choice(&["No Action", "Toggle RTO", "Activate RTO", "Deactivate RTO", "Open", "Ring"]);
const BUTTON: Takes = Takes::Choice(&[
    "No Action",
    "Toggle RTO",
    "Activate RTO",
    "Deactivate RTO",
    "Toggle CM",
    "Activate CM",
    "Deactivate CM",
    "Open",
]);
const SOUND: Takes = Takes::Choice(&["No Sound", "Sound 1", "Sound 2", "Sound 3"]);
const SUPPRESSION: Takes =
    Takes::Choice(&["Off", "CM", "RTO", "CM & RTO", "Ring", "CM & Ring", "RTO & Ring", "CM & RTO & Ring"]);
const OPERATING_MODE: Takes = Takes::Choice(&[
    "Generic door opener",
    "Analogue intercom",
    "Digital intercom",
    "Siedle",
    "TCS",
    "Bticino",
    "Siedle HTS",
    "STR",
    "Ritto",
    "Fermax",
    "Comelit",
    "Urmet BiBus",
    "Urmet 2Voice",
    "Golmar",
    "SKS",
    "Spare",
]);

/// Every setting that can be written. No trace shows what an Opener out of the box has.
pub const ALL: &[Setting] = &[
    ("name", Part::Basic, Takes::Text(32), ""),
    ("latitude", Part::Basic, Takes::Degrees, "48.2"),
    ("longitude", Part::Basic, Takes::Degrees, "16.3"),
    ("pairingEnabled", Part::Basic, Takes::Flag, "1"),
    ("buttonEnabled", Part::Basic, Takes::Flag, "1"),
    ("ledFlashEnabled", Part::Basic, Takes::Flag, "1"),
    ("timeZoneOffset", Part::Basic, Takes::Number(-720, 840), "60"),
    ("dstMode", Part::Basic, Takes::Flag, "0"),
    ("fobAction1", Part::Basic, FOB, "Toggle RTO"),
    ("fobAction2", Part::Basic, FOB, "Open"),
    ("fobAction3", Part::Basic, FOB, "No Action"),
    ("operatingMode", Part::Basic, OPERATING_MODE, "Generic door opener"),
    ("advertisingMode", Part::Basic, ADVERTISING, "Automatic"),
    ("timeZone", Part::Basic, Takes::Text(32), "Europe/Berlin"),
    ("intercomID", Part::Advanced, Takes::Word(0, 65_535), "0"),
    ("busModeSwitch", Part::Advanced, Takes::Flag, "0"),
    ("shortCircuitDuration", Part::Advanced, Takes::Word(0, 65_535), "0"),
    ("electricStrikeDelay", Part::Advanced, Takes::Word(0, 30_000), "0"),
    ("randomElectricStrikeDelay", Part::Advanced, Takes::Flag, "0"),
    ("electricStrikeDuration", Part::Advanced, Takes::Word(1_000, 30_000), "3000"),
    ("disableRtoAfterRing", Part::Advanced, Takes::Flag, "1"),
    ("rtoTimeout", Part::Advanced, Takes::Number(5, 60), "20"),
    ("doorbellSuppression", Part::Advanced, SUPPRESSION, "RTO & Ring"),
    ("doorbellSuppressionDuration", Part::Advanced, Takes::Word(500, 10_000), "500"),
    ("soundRing", Part::Advanced, SOUND, "Sound 1"),
    ("soundOpen", Part::Advanced, SOUND, "Sound 2"),
    ("soundRto", Part::Advanced, SOUND, "Sound 3"),
    ("soundCm", Part::Advanced, SOUND, "No Sound"),
    ("soundConfirmation", Part::Advanced, Takes::Flag, "1"),
    ("soundLevel", Part::Advanced, Takes::Number(0, 255), "255"),
    ("singleButtonPressAction", Part::Advanced, BUTTON, "Toggle RTO"),
    ("doubleButtonPressAction", Part::Advanced, BUTTON, "Toggle CM"),
    ("batteryType", Part::Advanced, BATTERIES, "Alkali"),
    ("automaticBatteryTypeDetection", Part::Advanced, Takes::Flag, "0"),
];

pub(super) fn of(spec: &OpenerSpec) -> Settings {
    let mut settings = Settings::made_of(ALL);
    settings.put("name", &spec.name);
    settings.put("timeZoneOffset", &spec.time_zone_minutes.to_string());
    settings.put("electricStrikeDuration", &spec.strike.as_millis().to_string());
    settings.put("disableRtoAfterRing", if spec.rto_once { "1" } else { "0" });
    settings.put("rtoTimeout", &(spec.rto_timeout.as_secs() / 60).to_string());
    settings
}

impl OpenerMachine {
    /// Writes a setting and lives by it from now on.
    pub fn set(&mut self, key: &str, value: &str) {
        self.memory.settings.put(key, value);
        match key {
            "name" => value.clone_into(&mut self.spec.name),
            "timeZoneOffset" => self.spec.time_zone_minutes = value.parse().unwrap_or_default(),
            "electricStrikeDuration" => {
                self.spec.strike = Duration::from_millis(value.parse().unwrap_or_default());
            }
            "disableRtoAfterRing" => self.spec.rto_once = value == "1",
            "rtoTimeout" => self.spec.rto_timeout = Duration::from_mins(value.parse().unwrap_or_default()),
            _ => {}
        }
    }
}
