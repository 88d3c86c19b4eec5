//! The settings of a device, as text, and those of a lock, with what each takes (BLE API, config and advanced config; names as Nuki Hub has them).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::machine::{Machine, Output};
use crate::spec::LockSpec;

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// At most so many bytes.
    Text(usize),
    Flag,
    Number(i32, i32),
    /// The same, in what the hub gives sixteen bits.
    Word(i32, i32),
    Choice(&'static [&'static str]),
    /// `HH:MM`.
    Time,
    /// A latitude or longitude; Nuki Hub takes nothing but positive ones.
    Degrees,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Basic,
    Advanced,
    /// Only in the advanced config of the newest locks.
    Newest,
    /// In the advanced config of all but the newest.
    Older,
}

pub type Setting = (&'static str, Part, Takes, &'static str);

const FOB: Takes = Takes::Choice(&["No Action", "Unlock", "Lock", "Lock n Go", "Intelligent"]);
const BUTTON: Takes =
    Takes::Choice(&["No Action", "Intelligent", "Unlock", "Lock", "Unlatch", "Lock n Go", "Show Status"]);
pub(crate) const ADVERTISING: Takes = Takes::Choice(&["Automatic", "Normal", "Slow", "Slowest"]);
pub(crate) const BATTERIES: Takes = Takes::Choice(&["Alkali", "Accumulators", "Lithium"]);
const TURN: Takes = Takes::Number(-180, 180);

/// Every setting that can be written, with what a lock out of the box has (a real 3.0 Pro where a trace shows it).
pub const ALL: &[Setting] = &[
    ("name", Part::Basic, Takes::Text(32), ""),
    ("latitude", Part::Basic, Takes::Degrees, "48.2"),
    ("longitude", Part::Basic, Takes::Degrees, "16.3"),
    ("autoUnlatch", Part::Basic, Takes::Flag, "0"),
    ("pairingEnabled", Part::Basic, Takes::Flag, "1"),
    ("buttonEnabled", Part::Basic, Takes::Flag, "1"),
    ("ledEnabled", Part::Basic, Takes::Flag, "1"),
    ("ledBrightness", Part::Basic, Takes::Number(0, 5), "3"),
    ("timeZoneOffset", Part::Basic, Takes::Number(-720, 840), "60"),
    ("dstMode", Part::Basic, Takes::Flag, "0"),
    ("fobAction1", Part::Basic, FOB, "Intelligent"),
    ("fobAction2", Part::Basic, FOB, "Unlock"),
    ("fobAction3", Part::Basic, FOB, "Lock"),
    ("singleLock", Part::Basic, Takes::Flag, "0"),
    ("advertisingMode", Part::Basic, ADVERTISING, "Automatic"),
    ("timeZone", Part::Basic, Takes::Text(32), "Europe/Berlin"),
    ("unlockedPositionOffsetDegrees", Part::Advanced, Takes::Number(-90, 180), "90"),
    ("lockedPositionOffsetDegrees", Part::Advanced, Takes::Number(-180, 90), "-90"),
    ("singleLockedPositionOffsetDegrees", Part::Advanced, TURN, "-90"),
    ("unlockedToLockedTransitionOffsetDegrees", Part::Advanced, TURN, "0"),
    ("lockNgoTimeout", Part::Advanced, Takes::Number(5, 60), "20"),
    ("singleButtonPressAction", Part::Advanced, BUTTON, "Intelligent"),
    ("doubleButtonPressAction", Part::Advanced, BUTTON, "Lock n Go"),
    ("detachedCylinder", Part::Advanced, Takes::Flag, "0"),
    ("batteryType", Part::Older, BATTERIES, "Accumulators"),
    ("automaticBatteryTypeDetection", Part::Older, Takes::Flag, "1"),
    ("unlatchDuration", Part::Advanced, Takes::Number(1, 30), "3"),
    ("autoLockTimeOut", Part::Advanced, Takes::Number(30, 1_800), "600"),
    ("autoUnLockDisabled", Part::Advanced, Takes::Flag, "0"),
    ("nightModeEnabled", Part::Advanced, Takes::Flag, "0"),
    ("nightModeStartTime", Part::Advanced, Takes::Time, "22:00"),
    ("nightModeEndTime", Part::Advanced, Takes::Time, "06:00"),
    ("nightModeAutoLockEnabled", Part::Advanced, Takes::Flag, "1"),
    ("nightModeAutoUnlockDisabled", Part::Advanced, Takes::Flag, "1"),
    ("nightModeImmediateLockOnStart", Part::Advanced, Takes::Flag, "0"),
    ("autoLockEnabled", Part::Advanced, Takes::Flag, "0"),
    ("immediateAutoLockEnabled", Part::Advanced, Takes::Flag, "0"),
    ("autoUpdateEnabled", Part::Advanced, Takes::Flag, "1"),
    ("motorSpeed", Part::Newest, Takes::Choice(&["Standard", "Insane", "Gentle"]), "Standard"),
    ("enableSlowSpeedDuringNightMode", Part::Newest, Takes::Flag, "0"),
];

#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<&'static str, String>);

impl Settings {
    pub(crate) fn made_of(all: &[Setting]) -> Self {
        Self(all.iter().map(|(key, _, _, value)| (*key, (*value).to_owned())).collect())
    }

    pub(crate) fn of(spec: &LockSpec) -> Self {
        let mut settings = Self::made_of(ALL);
        settings.put("name", &spec.name);
        settings.put("timeZoneOffset", &spec.time_zone_minutes.to_string());
        settings.put("lockNgoTimeout", &spec.lock_n_go.as_secs().to_string());
        settings.put("unlatchDuration", &spec.unlatch_hold.as_secs().to_string());
        if let Some(after) = spec.auto_lock {
            settings.put("autoLockEnabled", "1");
            settings.put("autoLockTimeOut", &after.as_secs().to_string());
        }
        settings.put("autoUnlatch", if spec.auto_unlatch { "1" } else { "0" });
        settings.put("immediateAutoLockEnabled", if spec.lock_at_closing { "1" } else { "0" });
        settings
    }

    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    pub fn put(&mut self, key: &str, value: &str) {
        if let Some(held) = self.0.get_mut(key) {
            value.clone_into(held);
        }
    }
}

impl Machine {
    /// Writes a setting and lives by it from now on. What is told of it is given back.
    pub fn set(&mut self, key: &str, value: &str) -> Vec<Output> {
        self.memory().settings.put(key, value);
        let seconds = |value: &str| Duration::from_secs(value.parse().unwrap_or_default());
        match key {
            "name" => {
                value.clone_into(&mut self.spec.name);
                return vec![crate::machine::told_name(value)];
            }
            "lockNgoTimeout" => self.spec.lock_n_go = seconds(value),
            "unlatchDuration" => self.spec.unlatch_hold = seconds(value),
            "timeZoneOffset" => self.spec.time_zone_minutes = value.parse().unwrap_or_default(),
            "autoUnlatch" => self.spec.auto_unlatch = value == "1",
            "immediateAutoLockEnabled" => self.spec.lock_at_closing = value == "1",
            "autoLockEnabled" | "autoLockTimeOut" => {
                let settings = &self.memory().settings;
                let after = seconds(settings.get("autoLockTimeOut"));
                let on = settings.get("autoLockEnabled") == "1";
                self.spec.auto_lock = on.then_some(after);
            }
            "fobAction1" | "fobAction2" | "fobAction3" => self.read_fob_actions(),
            _ => {}
        }
        Vec::new()
    }

    fn read_fob_actions(&mut self) {
        let Takes::Choice(names) = FOB else { return };
        let settings = &self.memory().settings;
        let number = |key| {
            let place = names.iter().position(|name| *name == settings.get(key));
            u8::try_from(place.unwrap_or_default()).unwrap_or_default()
        };
        self.spec.fob_actions = ["fobAction1", "fobAction2", "fobAction3"].map(number);
    }
}
