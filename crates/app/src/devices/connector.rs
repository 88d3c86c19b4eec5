//! The ways devices are reached by, and what each of them can give. A closed list: the page offers what the way can do, and
//! says which other would give what it cannot.

use super::{DeviceType, LockAction};

/// How a device is reached. In the order in which their word counts: where two ways lead to one device, the first that is
/// there speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Connector {
    /// The lock's own MQTT client (MQTT API 1.4) at our MQTT door.
    NukiMqtt,
    /// A Nuki Hub (ESP32, version 9) at our MQTT door; it speaks Bluetooth with the device.
    NukiHub,
    /// A Nuki Bridge, asked by HTTP (Bridge API 1.13.3).
    NukiBridge,
}

/// What a way to a device can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// Lock, unlock, open, lock 'n' go; of an opener everything it has.
    Operate,
    /// Both turns even where one is set.
    FullLock,
    /// Every state, also while the motor turns.
    EveryState,
    /// Who did what, as it happens.
    Events,
    /// The lock's own log: names, and failed attempts.
    Log,
    /// For whom the numbers of codes and of authorizations stand.
    Names,
    Settings,
    BatteryPercent,
    /// Voltage, drain, temperature, resistance.
    BatteryReport,
    /// Fetching everything anew at once.
    Sync,
}

impl Capability {
    pub const ALL: &'static [Self] = &[
        Self::Operate,
        Self::FullLock,
        Self::EveryState,
        Self::Events,
        Self::Log,
        Self::Names,
        Self::Settings,
        Self::BatteryPercent,
        Self::BatteryReport,
        Self::Sync,
    ];

    /// Whether a device of this type has anything of the kind: an opener and a box turn no bolt, and their batteries have no
    /// percent.
    pub fn concerns(self, kind: Option<DeviceType>) -> bool {
        let of_locks = matches!(self, Self::FullLock | Self::BatteryPercent | Self::BatteryReport);
        !of_locks || kind.is_none_or(DeviceType::has_bolt)
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Operate => "operating it",
            Self::FullLock => "locking with both turns",
            Self::EveryState => "every state, also while it moves",
            Self::Events => "who did what, as it happens",
            Self::Log => "names and failed attempts",
            Self::Names => "whose a code or a fob is",
            Self::Settings => "settings",
            Self::BatteryPercent => "the battery in percent",
            Self::BatteryReport => "voltage and temperature",
            Self::Sync => "fetching everything anew",
        }
    }
}

impl Connector {
    pub const ALL: &'static [Self] = &[Self::NukiMqtt, Self::NukiHub, Self::NukiBridge];

    pub fn name(self) -> &'static str {
        match self {
            Self::NukiMqtt => "nuki-mqtt",
            Self::NukiHub => "nuki-hub",
            Self::NukiBridge => "nuki-bridge",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NukiMqtt => "the lock’s own MQTT",
            Self::NukiHub => "Nuki Hub",
            Self::NukiBridge => "Nuki Bridge",
        }
    }

    /// In the middle of a sentence.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::NukiMqtt => "the lock’s own MQTT",
            Self::NukiHub => "a Nuki Hub",
            Self::NukiBridge => "a Nuki Bridge",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|connector| connector.name() == name)
    }

    /// As stored beside a state.
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::NukiMqtt => 1,
            Self::NukiHub => 2,
            Self::NukiBridge => 3,
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|connector| connector.code() == code)
    }

    /// Whether this way can give it at all.
    pub fn can(self, capability: Capability) -> bool {
        use Capability as C;
        match capability {
            C::Operate | C::BatteryPercent => true,
            C::FullLock | C::EveryState => self != Self::NukiBridge,
            C::Events => self == Self::NukiMqtt,
            C::Sync => self != Self::NukiMqtt,
            C::Log | C::Names | C::Settings | C::BatteryReport => self == Self::NukiHub,
        }
    }

    /// Whether a device of this type can be reached so (Bridge API 1.13.3 knows no 5th generation; no opener speaks MQTT).
    pub fn reaches(self, kind: DeviceType) -> bool {
        match self {
            Self::NukiMqtt => {
                matches!(kind, DeviceType::SmartLock34 | DeviceType::SmartLock5 | DeviceType::Other(_))
            }
            Self::NukiHub => kind != DeviceType::Box,
            Self::NukiBridge => kind != DeviceType::SmartLock5,
        }
    }

    /// The best way by which this can be had, for a device of this type.
    pub fn that_can(capability: Capability, kind: Option<DeviceType>) -> Option<Self> {
        let reaches = |way: &Self| kind.is_none_or(|kind| way.reaches(kind));
        Self::ALL.iter().copied().filter(|way| way.can(capability)).find(reaches)
    }

    /// The ways by which a device of this type could be told to do this.
    pub(crate) fn that_take(action: LockAction, kind: Option<DeviceType>) -> impl Iterator<Item = Self> {
        let reaches = move |way: &Self| kind.is_none_or(|kind| way.reaches(kind));
        Self::ALL.iter().copied().filter(move |way| way.takes(action)).filter(reaches)
    }

    /// Whether it can be told to do this.
    pub(crate) fn takes(self, action: LockAction) -> bool {
        match action {
            LockAction::FullLock => self.can(Capability::FullLock),
            LockAction::FobNoAction | LockAction::ButtonNoAction | LockAction::Other(_) => false,
            _ => self.can(Capability::Operate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connector_has_a_name_and_a_number_that_lead_back_to_it() {
        for connector in Connector::ALL {
            assert_eq!(Connector::from_name(connector.name()), Some(*connector));
            assert_eq!(Connector::from_code(connector.code()), Some(*connector));
        }
    }

    #[test]
    fn a_fifth_generation_has_no_bridge_and_an_opener_no_mqtt_of_its_own() {
        assert!(!Connector::NukiBridge.reaches(DeviceType::SmartLock5));
        assert!(!Connector::NukiMqtt.reaches(DeviceType::Opener));
        assert_eq!(Connector::that_can(Capability::Events, Some(DeviceType::Opener)), None);
        assert_eq!(Connector::that_can(Capability::Log, Some(DeviceType::Opener)), Some(Connector::NukiHub));
    }
}
