//! One thing done with many devices: proposed first, with what would become of each of them, then begun, once. It is
//! worked through in small steps with one result for each device, and none of the deeds opens anything.

mod actions;
mod sql;
mod work;

pub(crate) use sql::{device_removed, setting_stands};
pub use work::Step;
pub(crate) use work::Works;

use std::time::Duration;

use crate::clock::Time;
use crate::commands::{self, CommandState};
use crate::devices::{Device, DoorState, Kind, LockAction};
use crate::error::{Error, Refusal};
use crate::ids::{BulkId, DeviceId, GroupId};
use crate::settings::{self, Kind as ValueKind, Setting, SettingValue};

/// A proposal tells how things are; after this they may be otherwise.
pub const PROPOSAL: Duration = Duration::from_mins(10);
/// From the beginning until the last device has had its turn. What is not ordered by then is not ordered any more.
pub const TURN: Duration = Duration::from_mins(2);

/// What became of a device that was removed before it was dealt with.
const GONE: &str = "it is not there any more";

/// What is done with each device. There is no way to say "unlock" or "open" here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Lock,
    /// Into this group, or out of all.
    SetGroup(Option<GroupId>),
    SetFavourite(bool),
    /// One setting, to one value.
    Set(Wish),
}

/// What a setting should be on every one of the devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    setting: Setting,
    /// 0 and 1 of a switch.
    number: i64,
}

impl Wish {
    /// Only what makes sense for many devices; its value is checked like that of one.
    pub fn new(setting: Setting, value: &SettingValue) -> Result<Self, Error> {
        let kind = setting.kind_for_many().filter(|_| setting.is_for_many());
        let kind = kind.ok_or_else(|| Error::invalid("setting", "this is set device by device"))?;
        let value = settings::check(setting, kind, value.clone());
        match value.map_err(|why| Error::invalid("value", why))? {
            SettingValue::Bool(on) => Ok(Self { setting, number: i64::from(on) }),
            SettingValue::Int(number) => Ok(Self { setting, number }),
            _ => Err(Error::invalid("setting", "this is set device by device")),
        }
    }

    pub fn setting(self) -> Setting {
        self.setting
    }

    pub fn value(self) -> SettingValue {
        match self.setting.about().kind {
            ValueKind::Bool => SettingValue::Bool(self.number != 0),
            _ => SettingValue::Int(self.number),
        }
    }

    fn from_stored(setting: &str, value: &str) -> Option<Self> {
        let setting = Setting::from_key(setting)?;
        Self::new(setting, &SettingValue::from_stored(setting, value)?).ok()
    }
}

impl Deed {
    fn stored(self) -> (&'static str, Option<GroupId>) {
        match self {
            Self::Lock => ("lock", None),
            Self::SetGroup(group) => ("group", group),
            Self::SetFavourite(true) => ("favourite", None),
            Self::SetFavourite(false) => ("no favourite", None),
            Self::Set(_) => ("set", None),
        }
    }

    /// What of it has columns of its own.
    fn wish(self) -> Option<Wish> {
        match self {
            Self::Set(wish) => Some(wish),
            _ => None,
        }
    }

    fn from_stored(name: &str, group: Option<GroupId>, wish: Option<Wish>) -> Option<Self> {
        Some(match name {
            "lock" => Self::Lock,
            "group" => Self::SetGroup(group),
            "favourite" => Self::SetFavourite(true),
            "no favourite" => Self::SetFavourite(false),
            "set" => Self::Set(wish?),
            _ => return None,
        })
    }

    /// Why this device is left out of it, as it is now.
    fn why_not(self, device: &Device) -> Option<String> {
        let words = match self {
            Self::SetGroup(group) if device.group == group => "is there already",
            Self::SetFavourite(true) if device.favourite => "is a favourite already",
            Self::SetFavourite(false) if !device.favourite => "is no favourite",
            // That takes more than the device itself: `settings::why_not`.
            Self::SetGroup(_) | Self::SetFavourite(_) | Self::Set(_) => return None,
            Self::Lock => match commands::check(device, LockAction::Lock) {
                Err(Refusal::Offline) => "is offline",
                Err(Refusal::NeverConnected) => "has never connected",
                Err(Refusal::LockingNotAllowed) => "takes no commands: “Allow locking” is off",
                Err(Refusal::HubDoesNotListen) => "takes no commands: its hub does not listen",
                Err(_) => "cannot be locked from here",
                Ok(()) => already(device).or_else(|| better_not(device))?,
            },
        };
        Some(words.to_owned())
    }
}

/// There is nothing to lock.
fn already(device: &Device) -> Option<&'static str> {
    match Kind::of(device) {
        Kind::Locked => Some("is locked already"),
        Kind::Ready => Some("lets nobody in already"),
        _ => None,
    }
}

/// To lock it would do harm, or would only look as if it were safe then.
fn better_not(device: &Device) -> Option<&'static str> {
    if !device.is_stale() && device.said.door == Some(DoorState::Opened) {
        return Some("has its door open: the bolt would stand out");
    }
    // To lock ends ring to open, which is another thing. What would end this one is what opens a lock.
    device.lets_everybody_in().then_some("is in continuous mode: switch that off on its own page")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkState {
    Proposed,
    Running,
    /// Every device has had its turn. Orders among them may still wait for their locks.
    Over,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Bulk {
    pub id: BulkId,
    pub deed: Deed,
    pub state: BulkState,
    pub created_at: Time,
    pub begun_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub tally: Tally,
}

impl Bulk {
    /// Nothing more can change.
    pub fn is_settled(&self) -> bool {
        self.state == BulkState::Over && self.tally.under_way == 0
    }
}

/// How many devices came how far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Left out from the beginning, by reason, the most frequent first.
    pub left_out: Vec<(String, usize)>,
    pub waiting: usize,
    pub under_way: usize,
    pub done: usize,
    pub failed: usize,
    /// Sent, and no answer came.
    pub unknown: usize,
    /// It was over before their turn came.
    pub not_begun: usize,
}

impl Tally {
    /// Devices that were to be dealt with.
    pub fn meant(&self) -> usize {
        self.waiting + self.under_way + self.done + self.rest()
    }

    /// Those with which it came to nothing, as far as is known.
    pub fn rest(&self) -> usize {
        self.failed + self.unknown + self.not_begun
    }

    pub fn all_left_out(&self) -> usize {
        self.left_out.iter().map(|(_, count)| count).sum()
    }
}

/// What became of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    LeftOut,
    /// Its turn has not come.
    Waiting,
    UnderWay,
    Done,
    Failed,
    Unknown,
    /// It was over before its turn came: nothing was done with it.
    NotBegun,
}

impl Became {
    /// An order to a device has a command; a setting that was asked for is under way until the device says it.
    fn of(item: &str, command: Option<CommandState>, is_setting: bool) -> Self {
        match (item, command) {
            ("ordered", None) if is_setting => Self::UnderWay,
            ("left", _) => Self::LeftOut,
            ("waiting", _) => Self::Waiting,
            ("done", _) | ("ordered", Some(CommandState::Done)) => Self::Done,
            ("ordered", Some(state)) if state.is_open() => Self::UnderWay,
            ("ordered", Some(CommandState::Unknown) | None) => Self::Unknown,
            _ => Self::Failed,
        }
    }
}

/// One device of a bulk.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub position: i64,
    pub device: DeviceId,
    pub name: String,
    pub became: Became,
    pub reason: Option<String>,
    /// What a setting was when its change was proposed, if the device had said it.
    pub was: Option<SettingValue>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deed_reads_back_as_itself() {
        for deed in [
            Deed::Lock,
            Deed::SetGroup(None),
            Deed::SetGroup(Some(GroupId(7))),
            Deed::SetFavourite(true),
            Deed::SetFavourite(false),
            Deed::Set(Wish::new(Setting::AutoLock, &SettingValue::Bool(true)).unwrap()),
            Deed::Set(Wish::new(Setting::LedBrightness, &SettingValue::Int(3)).unwrap()),
        ] {
            let (name, group) = deed.stored();
            let wish =
                deed.wish().and_then(|wish| Wish::from_stored(wish.setting().key(), &wish.value().stored()));
            assert_eq!(Deed::from_stored(name, group, wish), Some(deed));
        }
        for name in ["unlock", "open", "unlatch", "", "set"] {
            assert_eq!(Deed::from_stored(name, None, None), None);
        }
    }

    #[test]
    fn what_is_of_one_door_and_what_is_no_value_is_no_wish_for_many() {
        for (setting, value) in [
            (Setting::AutoUnlatch, SettingValue::Bool(true)),
            (Setting::Name, SettingValue::Text("Door".to_owned())),
            (Setting::UnlockedOffset, SettingValue::Int(90)),
            (Setting::LedBrightness, SettingValue::Int(6)),
            (Setting::AutoLock, SettingValue::Int(2)),
        ] {
            assert!(Wish::new(setting, &value).is_err(), "{setting:?}");
        }
    }

    #[test]
    fn only_a_commands_own_answer_makes_its_item_done() {
        for state in CommandState::ALL {
            let became = Became::of("ordered", Some(*state), false);
            assert_eq!(became == Became::Done, *state == CommandState::Done, "{state:?}");
        }
        assert_eq!(Became::of("ordered", Some(CommandState::Unknown), false), Became::Unknown);
        assert_eq!(Became::of("ordered", Some(CommandState::Expired), false), Became::Failed);
    }
}
