//! How Nuki Hub 9.15 takes a change and tells its settings, written down from its source (`onConfigUpdateReceived`,
//! `publishConfig`, `publishAdvancedConfig`) apart from what is tested against it: numbers are read by `atoi` into the
//! width of their variable before they are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Side;

pub(super) enum Rule {
    Name,
    /// More than 0; set and never told.
    Place,
    Flag,
    Byte(i64, i64),
    Short(i64, i64),
    /// Unsigned.
    Word(i64, i64),
    /// By number of Bluetooth.
    Words(&'static [&'static str]),
    /// Words whose numbers have gaps: told and kept by word here.
    Named(&'static [&'static str]),
    Clock,
    Zone,
}

use Rule::{Byte, Clock, Flag, Name, Named, Place, Short, Word, Words, Zone};

const FOB: Rule = Words(&["No Action", "Unlock", "Lock", "Lock n Go", "Intelligent"]);
const BUTTON: Rule =
    Words(&["No Action", "Intelligent", "Unlock", "Lock", "Unlatch", "Lock n Go", "Show Status"]);
const ADVERTISING: Rule = Words(&["Automatic", "Normal", "Slow", "Slowest"]);
const BATTERY: Rule = Words(&["Alkali", "Accumulators", "Lithium"]);
const OPENER_FOB: Rule =
    Named(&["No Action", "Toggle RTO", "Activate RTO", "Deactivate RTO", "Open", "Ring"]);
const OPENER_BUTTON: Rule = Words(&[
    "No Action",
    "Toggle RTO",
    "Activate RTO",
    "Deactivate RTO",
    "Toggle CM",
    "Activate CM",
    "Deactivate CM",
    "Open",
]);
const SOUND: Rule = Words(&["No Sound", "Sound 1", "Sound 2", "Sound 3"]);

pub(super) const LOCK: &[(&str, Rule)] = &[
    ("name", Name),
    ("latitude", Place),
    ("longitude", Place),
    ("autoUnlatch", Flag),
    ("pairingEnabled", Flag),
    ("buttonEnabled", Flag),
    ("ledEnabled", Flag),
    ("ledBrightness", Byte(0, 5)),
    ("timeZoneOffset", Short(0, 60)),
    ("dstMode", Flag),
    ("fobAction1", FOB),
    ("fobAction2", FOB),
    ("fobAction3", FOB),
    ("singleLock", Flag),
    ("advertisingMode", ADVERTISING),
    ("timeZone", Zone),
    ("unlockedPositionOffsetDegrees", Short(-90, 180)),
    ("lockedPositionOffsetDegrees", Short(-180, 90)),
    ("singleLockedPositionOffsetDegrees", Short(-180, 180)),
    ("unlockedToLockedTransitionOffsetDegrees", Short(-180, 180)),
    ("lockNgoTimeout", Byte(5, 60)),
    ("singleButtonPressAction", BUTTON),
    ("doubleButtonPressAction", BUTTON),
    ("detachedCylinder", Flag),
    ("batteryType", BATTERY),
    ("automaticBatteryTypeDetection", Flag),
    ("unlatchDuration", Byte(1, 30)),
    ("autoLockTimeOut", Byte(30, 1800)),
    ("autoUnLockDisabled", Flag),
    ("nightModeEnabled", Flag),
    ("nightModeStartTime", Clock),
    ("nightModeEndTime", Clock),
    ("nightModeAutoLockEnabled", Flag),
    ("nightModeAutoUnlockDisabled", Flag),
    ("nightModeImmediateLockOnStart", Flag),
    ("autoLockEnabled", Flag),
    ("immediateAutoLockEnabled", Flag),
    ("autoUpdateEnabled", Flag),
    ("motorSpeed", Words(&["Standard", "Insane", "Gentle"])),
    ("enableSlowSpeedDuringNightMode", Flag),
];

pub(super) const OPENER: &[(&str, Rule)] = &[
    ("name", Name),
    ("latitude", Place),
    ("longitude", Place),
    ("pairingEnabled", Flag),
    ("buttonEnabled", Flag),
    ("ledFlashEnabled", Flag),
    ("timeZoneOffset", Short(0, 60)),
    ("dstMode", Flag),
    ("fobAction1", OPENER_FOB),
    ("fobAction2", OPENER_FOB),
    ("fobAction3", OPENER_FOB),
    (
        "operatingMode",
        Words(&[
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
        ]),
    ),
    ("advertisingMode", ADVERTISING),
    ("timeZone", Zone),
    ("intercomID", Word(0, 65_535)),
    ("busModeSwitch", Flag),
    ("shortCircuitDuration", Word(0, 65_535)),
    ("electricStrikeDelay", Word(0, 30_000)),
    ("randomElectricStrikeDelay", Flag),
    ("electricStrikeDuration", Word(1_000, 30_000)),
    ("disableRtoAfterRing", Flag),
    ("rtoTimeout", Byte(5, 60)),
    (
        "doorbellSuppression",
        Words(&["Off", "CM", "RTO", "CM & RTO", "Ring", "CM & Ring", "RTO & Ring", "CM & RTO & Ring"]),
    ),
    ("doorbellSuppressionDuration", Word(500, 10_000)),
    ("soundRing", SOUND),
    ("soundOpen", SOUND),
    ("soundRto", SOUND),
    ("soundCm", SOUND),
    ("soundConfirmation", Flag),
    ("soundLevel", Byte(0, 255)),
    ("singleButtonPressAction", OPENER_BUTTON),
    ("doubleButtonPressAction", OPENER_BUTTON),
    ("batteryType", BATTERY),
    ("automaticBatteryTypeDetection", Flag),
];

/// One half of a Hub with its device.
pub(super) struct Hub {
    rules: &'static [(&'static str, Rule)],
    kept: BTreeMap<&'static str, Value>,
    pub denied: BTreeSet<&'static str>,
    pub has_pin: bool,
}

/// As C does: what stands before the first letter.
fn atoi(text: &str) -> i64 {
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *at == 0 && *c == '-'))
        .map_or(text.len(), |(at, _)| at);
    text[..end].parse().unwrap_or(0)
}

impl Rule {
    /// What is kept, or nothing if it is refused.
    fn take(&self, text: &str) -> Option<Value> {
        let between = |number: i64, min: i64, max: i64| (min..=max).contains(&number).then(|| json!(number));
        match self {
            Flag => between(atoi(text).rem_euclid(256), 0, 1),
            Byte(min, max) => between(atoi(text).rem_euclid(256), *min, *max),
            Short(min, max) => between((atoi(text) + 32_768).rem_euclid(65_536) - 32_768, *min, *max),
            Word(min, max) => between(atoi(text).rem_euclid(65_536), *min, *max),
            Words(all) | Named(all) => all.contains(&text).then(|| json!(text)),
            Place => text.parse::<f32>().ok().filter(|degrees| *degrees > 0.0).map(|degrees| json!(degrees)),
            Name => Some(json!(text)),
            Zone => (text == "None" || text.contains('/')).then(|| json!(text)),
            Clock => {
                let (hour, minute) = (atoi(text.get(0..2)?), atoi(text.get(3..5)?));
                (hour < 24 && minute < 60).then(|| json!(format!("{hour:02}:{minute:02}")))
            }
        }
    }
}

impl Hub {
    pub(super) fn new(side: Side) -> Self {
        let rules = match side {
            Side::Lock => LOCK,
            Side::Opener => OPENER,
        };
        Self { rules, kept: BTreeMap::new(), denied: BTreeSet::new(), has_pin: true }
    }

    pub(super) fn kept(&self, key: &str) -> Option<&Value> {
        self.kept.get(key)
    }

    /// A message at `configuration/action`, and the answer to it.
    pub(super) fn take(&mut self, payload: &str) -> String {
        assert!(payload.len() < 800, "{} bytes do not fit into its buffer", payload.len());
        let mut answer = Map::new();
        if !self.has_pin {
            return json!({ "general": "noValidPinSet" }).to_string();
        }
        let Ok(Value::Object(message)) = serde_json::from_str(payload) else {
            return json!({ "general": "invalidJson" }).to_string();
        };
        let mut updated = false;
        for (key, rule) in self.rules {
            let Some(value) = message.get(*key) else { continue };
            let text = value.as_str().unwrap_or_else(|| panic!("{key}: {value} is no string and crashes it"));
            let word = if text.is_empty() {
                "noValueSet"
            } else if self.denied.contains(key) {
                "accessDenied"
            } else if matches!(rule, Name) && text.len() > 32 {
                "valueTooLong"
            } else {
                match rule.take(text) {
                    None => "invalidValue",
                    Some(new) if self.kept.get(key) == Some(&new) => "unchanged",
                    Some(new) => {
                        self.kept.insert(key, new);
                        updated = true;
                        "success"
                    }
                }
            };
            answer.insert((*key).to_owned(), json!(word));
        }
        answer.insert("general".to_owned(), json!(if updated { "success" } else { "noChange" }));
        Value::Object(answer).to_string()
    }

    /// Everything it tells, as one of its two objects would.
    pub(super) fn tell(&self) -> String {
        let told = self.rules.iter().filter(|(_, rule)| !matches!(rule, Place));
        let object: Map<String, Value> =
            told.filter_map(|(key, _)| Some(((*key).to_owned(), self.kept.get(key)?.clone()))).collect();
        Value::Object(object).to_string()
    }
}
