//! What can be simulated, and which ways lead to it: those that the product knows of each type.

use clap::ValueEnum;
use lockwarden_app::devices::{Connector, DeviceType};
use lockwarden_simulator::{LockSpec, Model};

use crate::exit::{CommandError, Exit, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Smart Lock of the first or second generation; behind a hub or a bridge
    #[value(name = "smart-lock-1-2")]
    SmartLock12,
    /// Smart Lock 3.0 Pro; by every way
    #[value(name = "smart-lock-3")]
    SmartLock3,
    /// Smart Lock of the fourth generation; by every way
    #[value(name = "smart-lock-4")]
    SmartLock4,
    /// Smart Lock Go; by its own MQTT or behind a hub
    #[value(name = "smart-lock-go")]
    Go,
    /// Smart Lock Pro of the fifth generation; by its own MQTT or behind a hub
    #[value(name = "smart-lock-pro")]
    Pro,
    /// Smart Lock Ultra; by its own MQTT or behind a hub
    #[value(name = "smart-lock-ultra")]
    Ultra,
    /// Smart Door; behind a hub or a bridge
    SmartDoor,
    /// Opener, the box at the intercom; behind a hub or a bridge
    Opener,
    /// Box, the discontinued one that opens the door of a house; behind a bridge, as far as anybody knows
    Box,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::SmartLock12 => "a Smart Lock 1 or 2",
            Self::SmartLock3 => "a Smart Lock 3",
            Self::SmartLock4 => "a Smart Lock 4",
            Self::Go => "a Smart Lock Go",
            Self::Pro => "a Smart Lock Pro",
            Self::Ultra => "a Smart Lock Ultra",
            Self::SmartDoor => "a Smart Door",
            Self::Opener => "an Opener",
            Self::Box => "a Box",
        }
    }

    fn device_type(self) -> DeviceType {
        match self {
            Self::SmartLock12 => DeviceType::SmartLock12,
            Self::SmartLock3 | Self::SmartLock4 => DeviceType::SmartLock34,
            Self::Go | Self::Pro | Self::Ultra => DeviceType::SmartLock5,
            Self::SmartDoor => DeviceType::SmartDoor,
            Self::Opener => DeviceType::Opener,
            Self::Box => DeviceType::Box,
        }
    }

    /// A lock of this kind; an Opener is none.
    pub(super) fn lock(self, nuki_id: u32, name: &str) -> Option<LockSpec> {
        let model = match self {
            Self::SmartLock12 => Model::SmartLock2,
            Self::SmartLock3 => Model::SmartLock3,
            Self::SmartLock4 => Model::SmartLock4,
            Self::Go => Model::Go,
            Self::Pro => Model::Pro,
            Self::Ultra => Model::Ultra,
            Self::SmartDoor => Model::SmartDoor,
            Self::Box => Model::Box,
            Self::Opener => return None,
        };
        Some(LockSpec::of(model, nuki_id, name))
    }

    /// Devices of different kinds and ways are different devices, unless somebody says that they are one.
    pub(super) fn nuki_id(self, ways: &[Connector]) -> u32 {
        let way = match ways.first() {
            Some(Connector::NukiMqtt) | None => 1,
            Some(Connector::NukiHub) => 2,
            Some(Connector::NukiBridge) => 3,
        };
        let kind = match self {
            Self::SmartLock3 => 0,
            Self::SmartLock12 => 1,
            Self::Opener => 2,
            Self::SmartDoor => 3,
            Self::SmartLock4 => 4,
            Self::Go => 5,
            Self::Pro => 6,
            Self::Ultra => 7,
            Self::Box => 8,
        };
        0x51A0_0000 + kind * 0x10 + way
    }

    /// Refuses ways that do not lead to it.
    pub(super) fn check_ways(self, ways: &[Connector]) -> Result<()> {
        let is_reached = |way: &Connector| way.reaches(self.device_type());
        let Some(wrong) = ways.iter().find(|way| !is_reached(way)) else {
            return Ok(());
        };
        let right: Vec<_> = Connector::ALL.iter().copied().filter(is_reached).map(flag).collect();
        let words = format!(
            "kind: {} is not reached by {}; say {}",
            self.words(),
            in_words(*wrong),
            right.join(" or ")
        );
        Err(CommandError::new(Exit::Invalid, words))
    }
}

/// What asks for it.
pub(super) fn flag(way: Connector) -> &'static str {
    match way {
        Connector::NukiMqtt => "--mqtt",
        Connector::NukiHub => "--hub",
        Connector::NukiBridge => "--bridge",
    }
}

fn in_words(way: Connector) -> &'static str {
    match way {
        Connector::NukiMqtt => "an MQTT of its own",
        Connector::NukiHub => "a Nuki Hub",
        Connector::NukiBridge => "a Nuki Bridge",
    }
}
