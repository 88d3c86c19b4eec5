//! Looking for devices: one form whose fields are the address of the list. Without a script it is sent by its button;
//! with it, it is as good as sent whenever somebody types or chooses.

use lockwarden_app::devices::list::{GroupCounts, ListOrder, Place, Wrong};
use lockwarden_app::devices::{DeviceType, Problem};
use lockwarden_app::ids::GroupId;
use maud::{Markup, html};

use super::groups::{gone, indented, path_of};
use super::icon::{Icon, icon};
use super::listing::{Listing, VIEWS};
use super::problem;
use super::words::kind_words;

fn order_words(order: ListOrder) -> &'static str {
    match order {
        ListOrder::Favourites => "Favourites first",
        ListOrder::Name => "Name, A to Z",
        ListOrder::NameBackwards => "Name, Z to A",
        ListOrder::Added => "Newest first",
        ListOrder::Problems => "Problems first",
        ListOrder::Activity => "Last activity",
    }
}

/// The types a list can be asked for. What nobody has a name for cannot be chosen.
const TYPES: [DeviceType; 6] = [
    DeviceType::SmartLock12,
    DeviceType::SmartLock34,
    DeviceType::SmartLock5,
    DeviceType::Opener,
    DeviceType::Box,
    DeviceType::SmartDoor,
];

struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

fn choice(value: impl Into<String>, words: impl Into<String>, chosen: bool) -> Choice {
    Choice { value: value.into(), words: words.into(), chosen }
}

fn select(name: &str, label: &str, choices: Vec<Choice>) -> Markup {
    let id = format!("find-{name}");
    html! {
        div.pick {
            label for=(id) { (label) }
            select id=(id) name=(name) autocomplete="off" {
                @for one in choices { option value=(one.value) selected[one.chosen] { (one.words) } }
            }
        }
    }
}

pub(crate) fn form(listing: &Listing, groups: &[GroupCounts]) -> Markup {
    let filter = &listing.filter;
    let chosen = usize::from(filter.wrong.is_some())
        + usize::from(filter.place.is_some())
        + usize::from(filter.device_type.is_some());
    html! {
        form.find #find method="get" action="/devices" role="search" data-find {
            @if let Some(kind) = filter.kind { input type="hidden" name="show" value=(kind.name()); }
            @if listing.choosing { input type="hidden" name="select" value="yes"; }
            div.input.grow {
                (icon(Icon::Search))
                label.sr for="find-q" { "Search devices" }
                input #find-q name="q" type="search" value=(filter.words) placeholder="Name, group or Nuki ID"
                    autocomplete="off" autocapitalize="none" spellcheck="false" enterkeyhint="search";
            }
            (orders(listing)) @if !listing.choosing { (views(listing)) }
            details.filters #filters {
                summary.btn.slim { (icon(Icon::Filter)) span { "Filter" } @if chosen > 0 { " (" (chosen) ")" } }
                div.fields { (wrongs(filter.wrong)) (places(filter.place, groups)) (types(filter.device_type)) (together(listing)) }
            }
            button.btn.unscripted { "Show" }
        }
        (said(listing, groups))
    }
}

fn orders(listing: &Listing) -> Markup {
    let order = |order: ListOrder| choice(order.name(), order_words(order), order == listing.look.order);
    select("sort", "Order", ListOrder::ALL.map(order).into())
}

fn views(listing: &Listing) -> Markup {
    let view = |(_, _, name, words): (_, _, &str, &str)| choice(name, words, name == listing.look.view());
    select("view", "View", VIEWS.map(view).into())
}

fn together(listing: &Listing) -> Markup {
    let by_group = listing.look.by_group;
    let choices = vec![choice("none", "All together", !by_group), choice("group", "By group", by_group)];
    select("by", "Headings", choices)
}

fn wrongs(wrong: Option<Wrong>) -> Markup {
    let mut choices = vec![choice("", "Whatever", wrong.is_none())];
    choices.push(choice("any", "Any problem", wrong == Some(Wrong::Anything)));
    let one = |one: Problem| choice(one.name(), problem::words(one), wrong == Some(Wrong::This(one)));
    choices.extend(Problem::ALL.map(one));
    select("wrong", "Problem", choices)
}

fn places(place: Option<Place>, groups: &[GroupCounts]) -> Markup {
    let mut choices = vec![choice("", "Anywhere", place.is_none())];
    choices.push(choice("none", "In no group", place == Some(Place::InNoGroup)));
    choices.extend(groups.iter().map(|one| {
        choice(one.group.id.to_string(), indented(&one.group), place == Some(Place::Within(one.group.id)))
    }));
    let gone = gone(place, groups.iter().map(|one| one.group.id));
    choices.extend(gone.map(|group| choice(group.to_string(), "A group that is gone", true)));
    select("group", "Group", choices)
}

fn types(chosen: Option<DeviceType>) -> Markup {
    let mut choices = vec![choice("", "Any type", chosen.is_none())];
    choices.extend(TYPES.map(|one| choice(one.code().to_string(), kind_words(one), chosen == Some(one))));
    select("type", "Type", choices)
}

/// What the list is narrowed to, each with a way to take it back.
fn said(listing: &Listing, groups: &[GroupCounts]) -> Markup {
    let filter = &listing.filter;
    let off = |words: String, without: Listing| {
        html! { a.chipf href=(without.path()) { (words) (icon(Icon::Cross)) span.sr { " (take this away)" } } }
    };
    let group_name = |group: GroupId| path_of(groups.iter().map(|one| &one.group), group);
    html! {
        div #narrowed .bar {
            @if !filter.words.is_empty() {
                (off(format!("“{}”", filter.words), listing.with(|filter| filter.words.clear())))
            }
            @match filter.wrong {
                Some(Wrong::Anything) => (off("Any problem".to_owned(), listing.with(|filter| filter.wrong = None))),
                Some(Wrong::This(one)) => (off(problem::words(one).to_owned(), listing.with(|filter| filter.wrong = None))),
                None => {},
            }
            @match filter.place {
                Some(Place::Within(group)) => (off(
                    format!("In {}", group_name(group).unwrap_or_else(|| "a group that is gone".to_owned())),
                    listing.with(|filter| filter.place = None),
                )),
                Some(Place::InNoGroup) => (off("In no group".to_owned(), listing.with(|filter| filter.place = None))),
                None => {},
            }
            @if let Some(device_type) = filter.device_type {
                (off(kind_words(device_type).to_owned(), listing.with(|filter| filter.device_type = None)))
            }
        }
    }
}
