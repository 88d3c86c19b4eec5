//! The list of an account's devices, for a family and for a hundred thousand doors: search, filters, orders, groups and
//! counts are answered from the account's roster (`roster.rs`), which follows every commit (`rosters.rs`).

mod roster;
mod rosters;
mod text;

pub(crate) use rosters::Rosters;
pub(crate) use text::{fold, sort_key};

use super::{DeviceType, Kind, Problem};
use crate::groups::Group;
use crate::ids::{DeviceId, GroupId};

/// In which order devices are listed. Of a search, the first two list first what is called just so, then what has each word
/// at the beginning of one of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListOrder {
    /// Favourites first, then by name.
    #[default]
    Favourites,
    Name,
    NameBackwards,
    /// The newest first.
    Added,
    /// The most urgent first.
    Problems,
    /// What did something last first.
    Activity,
}

impl ListOrder {
    pub const ALL: [Self; 6] =
        [Self::Favourites, Self::Name, Self::NameBackwards, Self::Added, Self::Problems, Self::Activity];

    pub fn name(self) -> &'static str {
        match self {
            Self::Favourites => "favourites",
            Self::Name => "name",
            Self::NameBackwards => "name-down",
            Self::Added => "added",
            Self::Problems => "problems",
            Self::Activity => "activity",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.name() == name)
    }

    /// What a device says does not move it in the list.
    pub fn is_steady(self) -> bool {
        !matches!(self, Self::Problems | Self::Activity)
    }
}

/// What has to be wrong with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrong {
    Anything,
    This(Problem),
}

/// Where a device has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In this group or in one below it.
    Within(GroupId),
    InNoGroup,
}

/// Which devices are asked for. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Every word has to be in the name or in the name of a group the device is in, or to begin the Nuki ID with four of its
    /// eight hexadecimal digits or more, or to be all of it without the zeros before it.
    pub words: String,
    pub kind: Option<Kind>,
    pub wrong: Option<Wrong>,
    pub place: Option<Place>,
    pub device_type: Option<DeviceType>,
}

impl Filter {
    /// Characters of a search that are looked at.
    pub const LONGEST: usize = 100;
}

/// One page of the list.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    pub filter: Filter,
    pub order: ListOrder,
    /// Groups in their order, each with its devices; those in no group at the end.
    pub by_group: bool,
    /// The last device of the page before.
    pub after: Option<DeviceId>,
    /// 1 to 1,000; 0 means 100.
    pub limit: usize,
}

impl ListQuery {
    pub const USUAL: usize = 100;
    /// Devices on one page at most.
    pub const MOST: usize = 1_000;
}

/// Devices by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u32; Kind::ALL.len()]);

impl Counts {
    pub fn of(self, kind: Kind) -> usize {
        self.0.get(kind as usize).copied().unwrap_or(0) as usize
    }

    pub fn total(self) -> usize {
        self.0.iter().map(|count| *count as usize).sum()
    }

    fn note(&mut self, kind: Kind) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count += 1;
        }
    }

    fn add(&mut self, other: Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

/// A group with what is in it and below it, as far as the filter asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCounts {
    pub group: Group,
    pub counts: Counts,
}

/// What of an account's devices is shown, and how many there are of what is not.
#[derive(Clone, Debug, Default)]
pub struct ListPage {
    pub devices: Vec<DeviceId>,
    /// Where the next page begins: after this device.
    pub next: Option<DeviceId>,
    /// All devices that exist for the actor.
    pub all: usize,
    /// Those that match.
    pub total: usize,
    /// Of those that match, whatever their kind.
    pub counts: Counts,
    /// Every group the actor may know of, in the order of the tree.
    pub groups: Vec<GroupCounts>,
    /// What matches and is in no group.
    pub in_no_group: Counts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_has_a_name_that_leads_back_to_it() {
        for order in ListOrder::ALL {
            assert_eq!(ListOrder::from_name(order.name()), Some(order));
        }
        assert_eq!(ListOrder::from_name("random"), None);
    }
}
