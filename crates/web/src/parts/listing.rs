//! What of the devices is shown, in which order and how, as an address carries it. Whatever makes no sense there is as
//! if it was not said, so that an address can only choose.

use lockwarden_app::devices::list::{Filter, ListOrder, ListQuery, Place, Wrong};
use lockwarden_app::devices::{DeviceType, Kind, Problem};
use lockwarden_app::ids::DeviceId;
use maud::{Markup, html};

use super::card::Drawn;
use crate::fields::Asked;
use crate::identify::encode;

/// How the list looks: what a person chooses once and finds again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub order: ListOrder,
    pub by_group: bool,
    pub drawn: Drawn,
    pub dense: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { order: ListOrder::default(), by_group: false, drawn: Drawn::Tile, dense: false }
    }
}

/// The ways to draw the list, with their names in an address and their words.
pub(crate) const VIEWS: [(Drawn, bool, &str, &str); 4] = [
    (Drawn::Tile, false, "tiles", "Tiles"),
    (Drawn::Tile, true, "small-tiles", "Small tiles"),
    (Drawn::Row, false, "list", "List"),
    (Drawn::Row, true, "dense-list", "Dense list"),
];

impl Look {
    /// What an address says, and where it says nothing, what was chosen before.
    fn read(asked: &Asked, before: Self) -> Self {
        let view = VIEWS.iter().find(|(.., name, _)| *name == asked.text("view"));
        let (drawn, dense) = view.map_or((before.drawn, before.dense), |(drawn, dense, ..)| (*drawn, *dense));
        let by_group = match asked.text("by") {
            "group" => true,
            "none" => false,
            _ => before.by_group,
        };
        Self {
            order: ListOrder::from_name(asked.text("sort")).unwrap_or(before.order),
            by_group,
            drawn,
            dense,
        }
    }

    /// From what [`Look::query`] made.
    pub(crate) fn remembered(kept: Option<&str>) -> Self {
        Self::read(&Asked::of(kept.unwrap_or_default()), Self::default())
    }

    pub(crate) fn view(self) -> &'static str {
        VIEWS
            .iter()
            .find(|(drawn, dense, ..)| (*drawn, *dense) == (self.drawn, self.dense))
            .map_or("tiles", |view| view.2)
    }

    pub(crate) fn query(self) -> String {
        let by = if self.by_group { "group" } else { "none" };
        format!("sort={}&by={by}&view={}", self.order.name(), self.view())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub filter: Filter,
    pub look: Look,
    /// How many devices the page has at most; 0 is as many as usual.
    pub shown: usize,
    pub after: Option<DeviceId>,
    /// Devices are chosen instead of operated.
    pub choosing: bool,
}

impl Listing {
    pub(crate) fn read(asked: &Asked, before: Look) -> Self {
        let wrong = match asked.text("wrong") {
            "any" => Some(Wrong::Anything),
            name => Problem::from_name(name).map(Wrong::This),
        };
        let place = place(asked);
        let filter = Filter {
            words: asked.text("q").trim().chars().take(Filter::LONGEST).collect(),
            kind: Kind::from_name(asked.text("show")),
            wrong,
            place,
            device_type: asked.read("type").map(DeviceType::from_code),
        };
        Self {
            filter,
            look: Look::read(asked, before),
            shown: asked.read("shown").unwrap_or(0).min(ListQuery::MOST),
            after: asked.read("after"),
            choosing: asked.text("select") == "yes",
        }
    }

    /// From what [`Listing::query`] made.
    pub(crate) fn from_query(query: &str) -> Self {
        Self::read(&Asked::of(query), Look::default())
    }

    pub(crate) fn asks(&self) -> ListQuery {
        ListQuery {
            filter: self.filter.clone(),
            order: self.look.order,
            by_group: self.look.by_group,
            after: self.after,
            limit: self.shown,
        }
    }

    pub(crate) fn drawn(&self) -> Drawn {
        if self.choosing { Drawn::Pick } else { self.look.drawn }
    }

    pub(crate) fn is_filtered(&self) -> bool {
        self.filter != Filter::default()
    }

    /// Everything that is not as usual.
    pub(crate) fn query(&self) -> String {
        let filter = &self.filter;
        let mut pairs = Vec::new();
        let mut pair = |name: &str, value: String| pairs.push(format!("{name}={value}"));
        if !filter.words.is_empty() {
            pair("q", encode(&filter.words));
        }
        if let Some(kind) = filter.kind {
            pair("show", kind.name().to_owned());
        }
        match filter.wrong {
            Some(Wrong::Anything) => pair("wrong", "any".to_owned()),
            Some(Wrong::This(problem)) => pair("wrong", problem.name().to_owned()),
            None => {}
        }
        if let Some(place) = filter.place {
            pair("group", place_name(place));
        }
        if let Some(device_type) = filter.device_type {
            pair("type", device_type.code().to_string());
        }
        if self.look != Look::default() {
            pairs.push(self.look.query());
        }
        let mut pair = |name: &str, value: String| pairs.push(format!("{name}={value}"));
        if self.shown > 0 {
            pair("shown", self.shown.to_string());
        }
        if let Some(after) = self.after {
            pair("after", after.to_string());
        }
        if self.choosing {
            pair("select", "yes".to_owned());
        }
        pairs.join("&")
    }

    pub(crate) fn path(&self) -> String {
        path_of(&self.query())
    }

    /// The same with another filter, from its first page.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Filter)) -> Self {
        let mut other = Self { after: None, shown: 0, ..self.clone() };
        change(&mut other.filter);
        other
    }
}

/// Where devices are asked for, as an address says it.
pub(crate) fn place(asked: &Asked) -> Option<Place> {
    match asked.text("group") {
        "none" => Some(Place::InNoGroup),
        group => group.parse().ok().map(Place::Within),
    }
}

pub(crate) fn place_name(place: Place) -> String {
    match place {
        Place::Within(group) => group.to_string(),
        Place::InNoGroup => "none".to_owned(),
    }
}

/// The list of devices with this query.
pub(crate) fn path_of(query: &str) -> String {
    if query.is_empty() { "/devices".to_owned() } else { format!("/devices?{query}") }
}

/// For a form that leads back to this list.
pub(crate) fn field(query: &str) -> Markup {
    html! { @if !query.is_empty() { input type="hidden" name="list" value=(query); } }
}

/// In an address that carries other things too, the whole query as one value.
pub(crate) fn carried(query: &str) -> String {
    if query.is_empty() { String::new() } else { format!("&list={}", encode(query)) }
}

#[cfg(test)]
mod tests {
    use lockwarden_app::ids::GroupId;

    use super::*;

    #[test]
    fn an_address_reads_back_as_what_it_was_made_from() {
        let mut listing = Listing::default();
        assert_eq!(listing.query(), "");
        listing.filter = Filter {
            words: "Straße & co=1 +2".to_owned(),
            kind: Some(Kind::Locked),
            wrong: Some(Wrong::This(Problem::BatteryLow)),
            place: Some(Place::Within(GroupId(77))),
            device_type: Some(DeviceType::Opener),
        };
        listing.look = Look { order: ListOrder::Added, by_group: true, drawn: Drawn::Row, dense: true };
        (listing.shown, listing.after, listing.choosing) = (300, Some(DeviceId(9)), true);
        assert_eq!(Listing::from_query(&listing.query()), listing, "{}", listing.query());
        (listing.filter.wrong, listing.filter.place) = (Some(Wrong::Anything), Some(Place::InNoGroup));
        assert_eq!(Listing::from_query(&listing.query()), listing);
    }

    #[test]
    fn what_makes_no_sense_is_as_if_it_was_not_said_and_an_address_wins_over_what_was_chosen() {
        let nonsense =
            "q=&show=x&wrong=y&group=z&type=-1&sort=up&by=me&view=big&shown=many&after=me&select=no";
        assert_eq!(Listing::from_query(nonsense), Listing::default());
        let before = Look { order: ListOrder::Problems, by_group: true, drawn: Drawn::Row, dense: true };
        assert_eq!(Look::remembered(Some(&before.query())), before);
        let asked = Listing::read(&Asked::of("sort=name&by=none"), before);
        assert_eq!(asked.look, Look { order: ListOrder::Name, by_group: false, ..before });
    }
}
