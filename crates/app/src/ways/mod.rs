//! The ways by which a device is reached: each with its own connection, and the rule of whose word counts. A lock may have
//! its own MQTT client, a hub and a bridge at once; it is one device.

mod actions;
mod sql;

pub use actions::{Connection, HubPart, Joined, Move};
pub(crate) use actions::{
    add, all_offline, came_whole, end, forget, identify, load_of, load_of_each, login_of, move_to_login,
    note_trouble, of_login, set_facts, set_ring_to_open, store, zone_minutes,
};

use crate::clock::Time;
use crate::devices::Connector;
use crate::ids::{LoginId, WayId};

/// One way to one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub id: WayId,
    pub connector: Connector,
    pub login: Option<LoginId>,
    pub added_at: Time,
    pub online: bool,
    pub changed_at: Option<Time>,
    /// `Some(false)`: it is there, and does not listen for commands.
    pub accepts_commands: Option<bool>,
    /// When it last came or went: known also after a restart, which does not know since when it is away.
    pub heard_at: Option<Time>,
    /// The Nuki ID of another device, which it turned out to speak for: nothing it says is believed.
    pub speaks_for: Option<u32>,
}

impl Way {
    /// Whether its word may count now.
    pub(crate) fn is_trusted(&self) -> bool {
        self.online && self.speaks_for.is_none()
    }

    /// Whether anybody has ever connected by it.
    pub fn was_used(&self) -> bool {
        self.changed_at.is_some() || self.heard_at.is_some()
    }
}

/// Whether a device was given ways, and nobody has typed in any of them yet.
pub fn never_came(ways: &[Way]) -> bool {
    let waits = |way: &Way| way.connector != Connector::NukiBridge && !way.was_used();
    !ways.is_empty() && ways.iter().all(waits)
}

/// Whose word counts: the best way that is there.
pub(crate) fn speaker(ways: &[Way]) -> Option<Connector> {
    ways.iter().filter(|way| way.is_trusted()).map(|way| way.connector).min()
}

/// Whether the device can be told anything by any way; unknown while no way has said.
pub(crate) fn accepts_commands(ways: &[Way]) -> Option<bool> {
    let said = || ways.iter().filter(|way| way.is_trusted()).filter_map(|way| way.accepts_commands);
    if said().any(|yes| yes) { Some(true) } else { said().next() }
}

/// Something that keeps a way from giving what it could. It goes away when the way proves the contrary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The hub does not publish the lock's log.
    LogOff,
    /// The lock's PIN is missing on the hub, or wrong.
    NoPin,
    /// A list was longer than the hub's buffer and came cut off.
    Truncated,
    /// The hub's own list of what it lets others do says no.
    Denied,
    /// The hub or bridge is there and does not reach the device: the hub says itself that it does not know its state, the
    /// bridge that the device does not answer.
    OutOfReach,
    /// It speaks for another device than the one it was added for.
    OtherDevice,
    /// The device it speaks for is in another account, or is reached by another way of the same kind.
    DeviceTaken,
}

impl Trouble {
    pub const ALL: &'static [Self] = &[
        Self::LogOff,
        Self::NoPin,
        Self::Truncated,
        Self::Denied,
        Self::OutOfReach,
        Self::OtherDevice,
        Self::DeviceTaken,
    ];

    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogOff => "log-off",
            Self::NoPin => "no-pin",
            Self::Truncated => "truncated",
            Self::Denied => "denied",
            Self::OutOfReach => "out-of-reach",
            Self::OtherDevice => "other-device",
            Self::DeviceTaken => "device-taken",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|trouble| trouble.name() == name)
    }

    /// What it means, and how it is mended.
    pub fn words(self) -> &'static str {
        match self {
            Self::LogOff => {
                "The hub does not publish the device’s log, so names and failed attempts are missing. On the hub’s web page, \
                 under “Access Level Configuration”, switch on “Publish auth data”, and enter the device’s PIN under “Credentials”."
            }
            Self::NoPin => {
                "The hub does not have the device’s PIN, or a wrong one: without it neither log nor codes nor settings are \
                 given out. Enter it on the hub’s web page under “Credentials”."
            }
            Self::Truncated => {
                "A list was longer than the hub’s buffer and came cut off, so it was not used. On the hub’s web page, under \
                 “Advanced Configuration”, raise “Char buffer size”, or lower the number of entries it publishes."
            }
            Self::Denied => {
                "The hub’s own access list forbids it. On the hub’s web page, under “Access Level Configuration”, allow it."
            }
            Self::OutOfReach => {
                "The hub or bridge is connected and does not reach the device by Bluetooth, so how it stands is not known, and \
                 orders do not arrive. Move the two nearer to each other, check the device’s batteries, and see on the hub’s web \
                 page, or in the Nuki app, that they are paired."
            }
            Self::OtherDevice => {
                "It speaks for another device than the one it was added for, so nothing it says is believed. Pair it with the \
                 right one, or remove this way and add it anew."
            }
            Self::DeviceTaken => {
                "The device it speaks for is reached by another way of the same kind already. Remove one of the two."
            }
        }
    }
}

/// A trouble as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleSeen {
    pub connector: Connector,
    pub trouble: Trouble,
    pub detail: String,
    pub since: Time,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A slow fact of a device, as the device or what it is reached through said it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fact { $($(#[$doc])* $variant,)* }

        impl Fact {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As stored.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

facts! {
    /// Of the batteries together, in millivolts (BLE API battery report).
    BatteryVoltage = "battery-mv",
    /// Of the last action, in milliwatt seconds.
    BatteryDrain = "battery-drain-mws",
    /// In degrees Celsius.
    Temperature = "temperature-c",
    /// In milliohm.
    BatteryResistance = "battery-mohm",
    /// Most current of the last turn, in milliampere.
    TurnCurrent = "turn-current-ma",
    /// Bluetooth at the hub or bridge, in dBm.
    Signal = "signal-dbm",
    /// Wi-Fi at the hub, in dBm.
    HubSignal = "hub-wifi-dbm",
    HubVersion = "hub-version",
    HubAddress = "hub-address",
    /// Why the hub last restarted, in its own words.
    HubRestart = "hub-restart",
    Hardware = "hardware",
    /// Night mode holds now.
    NightMode = "night-mode",
    /// When ring to open ends, in milliseconds since 1970; 0 where it does not run.
    RingToOpenEnd = "ring-to-open-end",
    /// Minutes that the lock's local time is ahead of UTC.
    TimeZoneOffset = "time-zone-offset",
    KeypadPaired = "keypad-paired",
    Keypad2Paired = "keypad-2-paired",
    FobPaired = "fob-paired",
    HomeKit = "homekit",
    Matter = "matter",
    /// Of the 5th generation: 1 Go, 2 Pro, 3 Ultra.
    Variant = "variant",
    /// The hub sees the lock's own MQTT client.
    Hybrid = "hybrid",
    /// What it announces itself as, where something is announced to Home Assistant.
    AnnouncedName = "announced-name",
    /// As announced, like the two that follow.
    Model = "model",
    Maker = "maker",
    Serial = "serial",
    /// When the bridge last heard the device, in milliseconds since 1970.
    BridgeHeard = "bridge-heard-at",
    /// How many numbers of codes there are names for.
    NamedCodes = "named-codes",
    /// And of other authorizations: apps, fobs.
    NamedAuthorizations = "named-authorizations",
}

impl Fact {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fact| fact.name() == name)
    }
}

/// A fact and when it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactSaid {
    pub fact: Fact,
    pub value: String,
    pub at: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(connector: Connector, online: bool, accepts: Option<bool>) -> Way {
        Way {
            id: WayId(connector.code()),
            connector,
            login: None,
            added_at: Time(0),
            online,
            changed_at: None,
            accepts_commands: accepts,
            heard_at: None,
            speaks_for: None,
        }
    }

    #[test]
    fn the_best_way_that_is_there_speaks() {
        let mut ways = [
            way(Connector::NukiBridge, true, None),
            way(Connector::NukiHub, true, None),
            way(Connector::NukiMqtt, false, None),
        ];
        assert_eq!(speaker(&ways), Some(Connector::NukiHub));
        ways[1].speaks_for = Some(7);
        assert_eq!(speaker(&ways), Some(Connector::NukiBridge));
        assert_eq!(speaker(&[]), None);
    }

    #[test]
    fn a_device_takes_commands_if_any_way_does() {
        let deaf = way(Connector::NukiMqtt, true, Some(false));
        let hub = way(Connector::NukiHub, true, Some(true));
        assert_eq!(accepts_commands(&[deaf.clone(), hub.clone()]), Some(true));
        assert_eq!(accepts_commands(std::slice::from_ref(&deaf)), Some(false));
        assert_eq!(accepts_commands(&[way(Connector::NukiMqtt, true, None)]), None);
        assert_eq!(accepts_commands(&[deaf, Way { online: false, ..hub }]), Some(false));
    }

    #[test]
    fn every_trouble_and_fact_has_a_name_of_its_own() {
        for trouble in Trouble::ALL {
            assert_eq!(Trouble::from_name(trouble.name()), Some(*trouble));
        }
        for fact in Fact::ALL {
            assert_eq!(Fact::from_name(fact.name()), Some(*fact));
        }
    }
}
