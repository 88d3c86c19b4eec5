//! What needs a person, over all devices: how urgent it is, what it means, and what to do about it. Pure rules; whatever
//! depends on the time takes `now`.

mod actions;
mod sql;

use std::cmp::Reverse;
use std::time::Duration;

pub(crate) use actions::Known;

use crate::bridges::Bridge;
use crate::clock::Time;
use crate::devices::{Connector, Device, DeviceType, Problem};
use crate::ways::{self, Trouble, Way};

/// A signal weaker than this, in dBm at the hub or bridge, is about to break off.
pub const WEAK_SIGNAL: i64 = -80;
/// A battery that is expected to be low within this is worth buying for.
pub const SOON_LOW: Duration = Duration::from_hours(14 * 24);
/// Devices listed with each ailment; the others are counted.
pub const MOST_LISTED: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    Now,
    Soon,
    WhenYouCan,
}

impl Urgency {
    pub const ALL: [Self; 3] = [Self::Now, Self::Soon, Self::WhenYouCan];

    pub fn words(self) -> &'static str {
        match self {
            Self::Now => "Now",
            Self::Soon => "Soon",
            Self::WhenYouCan => "When you can",
        }
    }
}

/// What a device can suffer from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ailment {
    /// What the device itself tells, or does not.
    Problem(Problem),
    /// What keeps one of its ways from working.
    Trouble(Trouble),
    SettingRefused,
    /// It is expected to be low within 14 days.
    BatterySoonLow,
    WeakSignal,
    /// Another device of the account and the same type has a newer one.
    OldFirmware,
}

impl Ailment {
    /// All there are, the most urgent first.
    pub fn all() -> Vec<Self> {
        let problems = Problem::ALL.into_iter().map(Self::Problem);
        let troubles = Trouble::ALL.iter().copied().map(Self::Trouble);
        let others = [Self::SettingRefused, Self::BatterySoonLow, Self::WeakSignal, Self::OldFirmware];
        let mut all: Vec<Self> = problems.chain(others).chain(troubles).collect();
        all.sort_by_key(|one| one.urgency());
        all
    }

    pub fn urgency(self) -> Urgency {
        match self {
            Self::Problem(problem) => match problem {
                Problem::Jammed
                | Problem::LockedButOpen
                | Problem::SensorTampered
                | Problem::DoorLeftOpen
                | Problem::BatteryCritical => Urgency::Now,
                Problem::NotCalibrated
                | Problem::StateUnknown
                | Problem::KeypadBattery
                | Problem::DoorBattery
                | Problem::BatteryLow
                | Problem::TakesNoCommands
                | Problem::Offline => Urgency::Soon,
                Problem::ClockWrong => Urgency::WhenYouCan,
            },
            Self::Trouble(trouble) => match trouble {
                Trouble::OtherDevice | Trouble::DeviceTaken | Trouble::OutOfReach | Trouble::NoPin => {
                    Urgency::Soon
                }
                Trouble::LogOff | Trouble::Truncated | Trouble::Denied => Urgency::WhenYouCan,
            },
            Self::SettingRefused | Self::BatterySoonLow => Urgency::Soon,
            Self::WeakSignal | Self::OldFirmware => Urgency::WhenYouCan,
        }
    }

    /// A heading over the devices that have it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Problem(problem) => match problem {
                Problem::Jammed => "Jammed",
                Problem::LockedButOpen => "Locked, but the door is open",
                Problem::SensorTampered => "Door sensor tampered with",
                Problem::NotCalibrated => "Not calibrated",
                Problem::StateUnknown => "The lock does not know its state",
                Problem::BatteryCritical => "Battery critical",
                Problem::DoorLeftOpen => "Door left open",
                Problem::KeypadBattery => "Keypad battery critical",
                Problem::DoorBattery => "Door sensor battery critical",
                Problem::BatteryLow => "Battery at 20 % or less",
                Problem::TakesNoCommands => "Does not take commands",
                Problem::ClockWrong => "Clock wrong",
                Problem::Offline => "Offline",
            },
            Self::Trouble(trouble) => match trouble {
                Trouble::LogOff => "The hub does not publish the log",
                Trouble::NoPin => "The hub lacks the device’s PIN",
                Trouble::Truncated => "A list of the hub came cut off",
                Trouble::Denied => "The hub’s access list forbids something",
                Trouble::OutOfReach => "Out of reach of its hub or bridge",
                Trouble::OtherDevice => "A way speaks for another device",
                Trouble::DeviceTaken => "Reached twice by the same kind of way",
            },
            Self::SettingRefused => "A setting was refused",
            Self::BatterySoonLow => "Battery expected to be low within 14 days",
            Self::WeakSignal => "Weak signal",
            Self::OldFirmware => "Firmware older than on your other devices",
        }
    }

    /// What to do about it.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Problem(problem) => match problem {
                Problem::Jammed => "Go to the door, free the bolt, then lock or unlock it once by hand.",
                Problem::LockedButOpen => {
                    "The bolt is out while the door stands open: unlock it, close the door, and lock it again."
                }
                Problem::SensorTampered => {
                    "Look at the sensor and its magnet, then set the sensor up again in the Nuki app."
                }
                Problem::NotCalibrated => "Calibrate the lock in the Nuki app.",
                Problem::StateUnknown => {
                    "Lock or unlock it once. If it stays so, calibrate it in the Nuki app."
                }
                Problem::BatteryCritical => {
                    "Change the batteries now, all of them together, or charge the pack."
                }
                Problem::DoorLeftOpen => "Close the door, or ask somebody who is near.",
                Problem::KeypadBattery => "Change the batteries of the keypad.",
                Problem::DoorBattery => "Change the battery of the door sensor.",
                Problem::BatteryLow => "Change the batteries at the next visit.",
                Problem::TakesNoCommands => {
                    "Switch on “Allow locking” in the lock’s MQTT settings, in the Nuki app."
                }
                Problem::ClockWrong => {
                    "Synchronise the time in the Nuki app. Until then the times in its log are marked as wrong."
                }
                Problem::Offline => "See the reason beside each. What it said last may no longer be so.",
            },
            Self::Trouble(trouble) => trouble.words(),
            Self::SettingRefused => "Change the setting on the device’s page, or give it up there.",
            Self::BatterySoonLow => "Have batteries ready for the next visit.",
            Self::WeakSignal => "Move the hub or bridge nearer to the door: below −80 dBm messages get lost.",
            Self::OldFirmware => "Update it in the Nuki app, beside the lock.",
        }
    }

    /// Whether it counts where only a number is shown.
    pub fn calls_somebody(self) -> bool {
        self.urgency() != Urgency::WhenYouCan
    }
}

/// What is to be said of one device beside its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    Nothing,
    Since(Time),
    Percent(u8),
    /// Milliseconds that its clock is ahead.
    ClockOff(i64),
    Offline(Option<Time>, WhyOffline),
    /// By which way, and what is known more exactly.
    Way(Connector, String),
    /// Which, and why it was refused.
    Setting(String, Option<String>),
    /// When it is likely to be low, and when at the earliest.
    LowAt(Time, Time),
    /// In dBm.
    Signal(i64),
    /// What it has, and what another one has.
    Firmware(String, String),
}

/// Why nothing is heard of a device, as far as is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyOffline {
    /// Its own MQTT client is silent.
    OwnMqttSilent,
    HubAway,
    BridgeAway,
    /// By each of its ways, of which there are several.
    EveryWay,
    /// The way that is there speaks for another device.
    NotBelieved,
    /// It was given ways that nobody has used yet.
    NeverCame,
    /// Nothing leads to it any more.
    NoWay,
    /// This server began anew a moment ago, and it has not come back yet.
    JustStarted,
}

impl WhyOffline {
    pub fn words(self) -> &'static str {
        match self {
            Self::OwnMqttSilent => {
                "the lock’s own connection is silent: look at its Wi-Fi, its battery, and whether its MQTT login still holds"
            }
            Self::HubAway => "the hub is not connected: look at its power and its network",
            Self::BridgeAway => "the bridge cannot be used: look at its power, its network and its token",
            Self::EveryWay => "all its ways are away: look at the network and the power at the door",
            Self::NotBelieved => "the way that is there speaks for another device",
            Self::NeverCame => "it has not connected by its new way yet: type in what its page shows",
            Self::NoWay => "no way leads to it any more: give it a new login",
            Self::JustStarted => "the server has just started, and it has not come back yet",
        }
    }

    /// From the ways of a device that is away.
    pub fn of(device: &Device, ways: &[Way]) -> Self {
        if ways.iter().any(|way| way.online && way.speaks_for.is_some()) {
            return Self::NotBelieved;
        }
        if ways::never_came(ways) {
            return Self::NeverCame;
        }
        if device.link.changed_at.is_none() {
            return Self::JustStarted;
        }
        match ways {
            [] => Self::NoWay,
            [only] => match only.connector {
                Connector::NukiHub => Self::HubAway,
                Connector::NukiBridge => Self::BridgeAway,
                Connector::NukiMqtt => Self::OwnMqttSilent,
            },
            _ => Self::EveryWay,
        }
    }
}

/// One device with one ailment.
#[derive(Clone, Debug, PartialEq)]
pub struct Patient {
    pub device: Device,
    pub detail: Detail,
}

/// All devices with one ailment.
#[derive(Clone, Debug, PartialEq)]
pub struct Ward {
    pub ailment: Ailment,
    /// How many there are, listed or not.
    pub count: usize,
    /// The first 50.
    pub patients: Vec<Patient>,
}

/// What needs a person, the most urgent first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attention {
    pub wards: Vec<Ward>,
    /// Bridges that cannot be used yet, for whoever may give them another address.
    pub bridges: Vec<Bridge>,
}

impl Attention {
    pub fn of(&self, urgency: Urgency) -> impl Iterator<Item = &Ward> {
        self.wards.iter().filter(move |ward| ward.ailment.urgency() == urgency)
    }

    /// The bridges may keep devices away that nobody sees here yet.
    pub fn bridges(&self, urgency: Urgency) -> &[Bridge] {
        if urgency == Urgency::Soon { &self.bridges } else { &[] }
    }

    pub fn count(&self, urgency: Urgency) -> usize {
        self.of(urgency).map(|ward| ward.count).sum::<usize>() + self.bridges(urgency).len()
    }

    pub fn is_empty(&self) -> bool {
        Urgency::ALL.iter().all(|urgency| self.count(*urgency) == 0)
    }
}

/// What there is to say of a device's own problem.
pub fn detail_of(problem: Problem, device: &Device) -> Detail {
    let (said, since) = (&device.said, |at: Option<Time>| at.map_or(Detail::Nothing, Detail::Since));
    match problem {
        Problem::LockedButOpen | Problem::DoorLeftOpen => since(said.door_changed_at),
        Problem::Jammed | Problem::NotCalibrated | Problem::StateUnknown => since(said.state_changed_at),
        Problem::BatteryCritical | Problem::BatteryLow => {
            said.battery_percent.map_or(Detail::Nothing, Detail::Percent)
        }
        Problem::ClockWrong => said.clock_offset_ms.map_or(Detail::Nothing, Detail::ClockOff),
        Problem::SensorTampered
        | Problem::KeypadBattery
        | Problem::DoorBattery
        | Problem::TakesNoCommands
        | Problem::Offline => Detail::Nothing,
    }
}

/// A firmware's version, so that versions compare; nothing if it is not up to four numbers with dots between them.
pub fn version(text: &str) -> Option<u64> {
    let mut parts = text.trim().split('.');
    let mut version = 0_u64;
    for _ in 0..4 {
        let part = parts.next().map_or(Some(0), |part| part.parse::<u16>().ok())?;
        version = (version << 16) | u64::from(part);
    }
    parts.next().is_none().then_some(version)
}

/// Whether one device may get the other's firmware, as far as can be told. Generations share a type (a lock of the fourth
/// tells type 4 like a 3.0, with firmware 4.x where that has 3.x) and differ in the first number.
pub(crate) fn comparable(one: (DeviceType, u64), other: (DeviceType, u64)) -> bool {
    one.0 == other.0 && one.1 >> 48 == other.1 >> 48
}

/// Which of several versions of a type and a generation is the newest.
pub(crate) fn newest<Id: Copy + Ord>(
    seen: impl Iterator<Item = (DeviceType, u64, Id)>,
) -> Vec<(DeviceType, u64, Id)> {
    let mut found: Vec<(DeviceType, u64, Id)> = Vec::new();
    for (kind, version, id) in seen {
        match found.iter_mut().find(|best| comparable((best.0, best.1), (kind, version))) {
            Some(best) if (best.1, Reverse(best.2)) < (version, Reverse(id)) => {
                *best = (kind, version, id);
            }
            Some(_) => {}
            None => found.push((kind, version, id)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ailment_says_what_to_do_and_the_most_urgent_comes_first() {
        let all = Ailment::all();
        assert_eq!(all.first(), Some(&Ailment::Problem(Problem::Jammed)));
        assert!(all.is_sorted_by_key(|one| one.urgency()));
        assert_eq!(all.len(), Problem::ALL.len() + Trouble::ALL.len() + 4);
        for one in all {
            assert!(!one.title().is_empty() && one.fix().ends_with('.'), "{one:?}");
        }
    }

    #[test]
    fn versions_compare_by_their_numbers_and_not_by_their_letters() {
        assert!(version("4.10.2") > version("4.9.14"));
        assert_eq!(version("4.3"), version("4.3.0.0"));
        for wrong in ["", "4.x", "1.2.3.4.5", "70000.1", "4..2"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_newest_is_of_the_same_type_and_generation() {
        let (lock, opener) = (DeviceType::SmartLock34, DeviceType::Opener);
        let [third, fourth] = ["3.10.7", "4.2.8"].map(|text| version(text).unwrap());
        let seen =
            [(lock, third - 1, 1), (opener, 9, 2), (lock, fourth, 5), (lock, third, 3), (lock, third, 4)];
        assert_eq!(newest(seen.into_iter()), [(lock, third, 3), (opener, 9, 2), (lock, fourth, 5)]);
    }
}
