//! Groups as a person reads them: with the way to them, and as headings inside each other.

use std::collections::HashMap;

use lockwarden_app::devices::list::{Counts, GroupCounts, Place};
use lockwarden_app::groups::Group;
use lockwarden_app::ids::GroupId;
use maud::{Markup, html};

use super::counts::summary;
use super::listing::Listing;

/// In a list of all: the further in, the further right.
pub(crate) fn indented(group: &Group) -> String {
    format!("{}{}", "\u{2003}".repeat(group.depth), group.name)
}

/// `Harbour street › House 4`.
pub(crate) fn path_of<'g>(groups: impl Iterator<Item = &'g Group>, id: GroupId) -> Option<String> {
    let known: HashMap<GroupId, &Group> = groups.map(|group| (group.id, group)).collect();
    let mut group = known.get(&id)?;
    let mut path = group.name.clone();
    while let Some(above) = group.parent.and_then(|parent| known.get(&parent)) {
        path = format!("{} › {path}", above.name);
        group = above;
    }
    Some(path)
}

/// The paths of all of them.
pub(crate) fn paths<'g>(groups: impl Iterator<Item = &'g Group>) -> HashMap<GroupId, String> {
    let mut paths: HashMap<GroupId, String> = HashMap::new();
    for group in groups {
        // Parents come first.
        let above = group.parent.and_then(|parent| paths.get(&parent));
        let path = above.map_or_else(|| group.name.clone(), |above| format!("{above} › {}", group.name));
        paths.insert(group.id, path);
    }
    paths
}

/// What a list is narrowed to, if that group is gone: it is empty for that, and not for want of devices elsewhere.
pub(crate) fn gone(place: Option<Place>, mut known: impl Iterator<Item = GroupId>) -> Option<GroupId> {
    let Some(Place::Within(chosen)) = place else {
        return None;
    };
    known.all(|group| group != chosen).then_some(chosen)
}

/// A choice of groups, for a form.
pub(crate) fn select<'g>(
    (name, label): (&str, &str),
    groups: impl Iterator<Item = &'g Group>,
    (nowhere, chosen): (&str, Option<GroupId>),
) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            select id=(name) name=(name) autocomplete="off" {
                option value="" selected[chosen.is_none()] { (nowhere) }
                @for group in groups {
                    option value=(group.id) selected[chosen == Some(group.id)] { (indented(group)) }
                }
            }
        }
    }
}

/// What stands behind a group's name.
pub(crate) fn totals(group: Option<GroupId>, counts: Counts) -> Markup {
    html! { small.muted id=(totals_id(group)) { (summary(counts)) } }
}

fn totals_id(group: Option<GroupId>) -> String {
    group.map_or_else(|| "in-no-group".to_owned(), |group| format!("in-group-{group}"))
}

/// The parts of a page under the headings of their groups, one inside the other. `parts` are in the order of the tree,
/// each the group and what is to be shown of it.
pub(crate) fn nested(
    parts: &[(Option<GroupId>, Markup)],
    groups: &[GroupCounts],
    in_no_group: Counts,
    listing: &Listing,
) -> Markup {
    let own: HashMap<Option<GroupId>, &Markup> = parts.iter().map(|(group, part)| (*group, part)).collect();
    let mut rest = groups;
    html! {
        div.headings {
            @while let Some(first) = rest.first() { (below(first, &mut rest, &own, listing)) }
            @if let Some(part) = own.get(&None) {
                details.of-group open id="group-none" {
                    summary { h2 { "In no group" } " " (totals(None, in_no_group)) }
                    (part)
                }
            }
        }
    }
}

/// One group with everything below it, taken from the front of `rest`; nothing, if this page has nothing of it.
fn below(
    one: &GroupCounts,
    rest: &mut &[GroupCounts],
    own: &HashMap<Option<GroupId>, &Markup>,
    listing: &Listing,
) -> Markup {
    *rest = rest.get(1..).unwrap_or_default();
    let mut inside = Vec::new();
    while let Some(next) = rest.first().filter(|next| next.group.depth > one.group.depth) {
        inside.push(below(next, rest, own, listing));
    }
    inside.retain(|part| !part.0.is_empty());
    let part = own.get(&Some(one.group.id));
    if inside.is_empty() && part.is_none() {
        return Markup::default();
    }
    let only = listing.with(|filter| filter.place = Some(Place::Within(one.group.id))).path();
    html! {
        details.of-group open id={ "group-" (one.group.id) } {
            summary {
                h2 { (one.group.name) } " " (totals(Some(one.group.id), one.counts))
            }
            a.more href=(only) { "Only these" span.sr { ": " (one.group.name) } }
            @if let Some(part) = part { (part) }
            @for part in inside { (part) }
        }
    }
}
