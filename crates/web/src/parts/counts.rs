//! How many devices are in which state: a line that is also the filter of the page.

use std::collections::HashMap;

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
    pub(crate) fn sort_from_name(name: &str) -> SortBy {
        if name == "added" { SortBy::Added } else { SortBy::Name }
    }

    pub(crate) fn path(self) -> String {
        let sort = if self.sort == SortBy::Added { "added" } else { "name" };
        format!("/devices?show={}&sort={sort}", self.show.name())
    }
}

/// Links to each part of the list. Kinds that nothing has are left out, unless one is being looked at.
pub(crate) fn line(kinds: &HashMap<DeviceId, Kind>, listing: Listing) -> Markup {
    let count = |kind: Kind| kinds.values().filter(|one| **one == kind).count();
    let link = |show: Show, words: String| {
        let current = (show == listing.show).then_some("true");
        html! { a.chipf href=(Listing { show, ..listing }.path()) aria-current=[current] { (words) } }
    };
    html! {
        nav #counts .bar.scroll aria-label="Which devices" {
            (link(Show::All, format!("All {}", kinds.len())))
            @for kind in Kind::ALL {
                @let many = count(kind);
                @if many > 0 || listing.show == Show::Only(kind) {
                    (link(Show::Only(kind), format!("{many} {}", words(kind))))
                }
            }
        }
    }
}
