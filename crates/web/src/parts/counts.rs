//! How many devices are in which state: a line that is also the filter of the page.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use lockwarden_app::devices::SortBy;
use lockwarden_app::ids::DeviceId;
use maud::{Markup, html};

use super::face::Kind;

/// What of the list is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Show {
    #[default]
    All,
    Only(Kind),
}

impl Show {
    pub(crate) fn from_name(name: &str) -> Self {
        Kind::ALL.into_iter().find(|kind| kind.name() == name).map_or(Self::All, Self::Only)
    }

    pub(crate) fn includes(self, kind: Kind) -> bool {
        self == Self::All || self == Self::Only(kind)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Only(kind) => kind.name(),
        }
    }
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Locked => "locked",
        Kind::Unlocked => "unlocked",
        Kind::Problem => "with a problem",
        Kind::Offline => "offline",
        Kind::New => "not connected yet",
        Kind::Between => "moving or unknown",
    }
}

/// What the list shows, and in which order, as its address carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub show: Show,
    pub sort: SortBy,
}

impl Listing {
    /// Whatever makes no sense is as if it was not said, so that an address or a field can only choose.
    pub(crate) fn from_names(show: &str, sort: &str) -> Self {
        let sort = if sort == "added" { SortBy::Added } else { SortBy::Name };
        Self { show: Show::from_name(show), sort }
    }

    fn sort_name(self) -> &'static str {
        if self.sort == SortBy::Added { "added" } else { "name" }
    }

    pub(crate) fn query(self) -> String {
        format!("show={}&sort={}", self.show.name(), self.sort_name())
    }

    pub(crate) fn path(self) -> String {
        format!("/devices?{}", self.query())
    }

    /// For a form that leads back to this list.
    pub(crate) fn fields(self) -> Markup {
        html! {
            @if self != Self::default() {
                input type="hidden" name="show" value=(self.show.name());
                input type="hidden" name="sort" value=(self.sort_name());
            }
        }
    }

    /// Tells a page's devices from other ones: the stream compares it, because between the page and its stream a device
    /// may have come, gone, or crossed the filter.
    pub(crate) fn mark(self, kinds: &HashMap<DeviceId, Kind>) -> u64 {
        let mut shown: Vec<DeviceId> =
            kinds.iter().filter(|(_, kind)| self.show.includes(**kind)).map(|(device, _)| *device).collect();
        shown.sort_unstable();
        let mut hasher = DefaultHasher::new();
        shown.hash(&mut hasher);
        hasher.finish()
    }
}

/// Links to each part of the list, the one being looked at near its beginning, where a narrow window shows it. Other
/// kinds are left out when nothing is of them.
pub(crate) fn line(kinds: &HashMap<DeviceId, Kind>, listing: Listing) -> Markup {
    let count = |kind: Kind| kinds.values().filter(|one| **one == kind).count();
    let link = |show: Show, words: String| {
        let current = (show == listing.show).then_some("true");
        html! { a.chipf href=(Listing { show, ..listing }.path()) aria-current=[current] { (words) } }
    };
    let chosen = Kind::ALL.into_iter().find(|kind| listing.show == Show::Only(*kind));
    let others = Kind::ALL.into_iter().filter(|kind| Some(*kind) != chosen && count(*kind) > 0);
    html! {
        nav #counts .bar.scroll aria-label="Which devices" {
            (link(Show::All, format!("All {}", kinds.len())))
            @for kind in chosen.into_iter().chain(others) { (link(Show::Only(kind), format!("{} {}", count(kind), words(kind)))) }
        }
    }
}
