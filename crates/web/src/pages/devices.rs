//! The devices, as tiles or as a list: searched, filtered, in any order, under the headings of their groups.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};

use axum::extract::State;
use axum::response::{Html, Redirect};
use http::HeaderMap;
use lockwarden_app::Result;
use lockwarden_app::accounts::Preference;
use lockwarden_app::actor::{Actor, Rights};
use lockwarden_app::commands::Command;
use lockwarden_app::devices::Device;
use lockwarden_app::devices::list::{Filter, ListPage, ListQuery};
use lockwarden_app::ids::{DeviceId, GroupId};
use maud::{Markup, html};

use crate::failure::Failure;
use crate::fields::Asked;
use crate::identify::{Person, Signed};
use crate::parts::card::{Card, Drawn};
use crate::parts::face::Doing;
use crate::parts::frame::{self, Here, may};
use crate::parts::icon::{Icon, icon};
use crate::parts::listing::{Listing, Look};
use crate::parts::said::{self, Said};
use crate::parts::{attention, bulk, counts, find, groups};
use crate::web::Web;
use crate::when::When;

pub(crate) async fn home() -> Redirect {
    Redirect::to("/devices")
}

/// Some devices with what their cards tell, in a fixed number of queries.
pub(crate) struct Shelf {
    /// Those that are still there, in the order they were asked for.
    pub devices: Vec<Device>,
    doings: HashMap<DeviceId, Doing>,
    idle: Doing,
}

impl Shelf {
    pub(crate) async fn of(web: &Web, actor: &Actor, devices: &[DeviceId]) -> Result<Self> {
        let last = web.app.list_last_commands_of(actor, devices).await?;
        let mut found = web.app.list_some_devices(actor, devices).await?;
        let order: HashMap<DeviceId, usize> =
            devices.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        found.sort_by_key(|device| order.get(&device.id));
        Self::with(web, actor, found, last).await
    }

    async fn with(web: &Web, actor: &Actor, devices: Vec<Device>, last: Vec<Command>) -> Result<Self> {
        let mut doings: HashMap<DeviceId, Doing> = HashMap::new();
        for command in web.app.list_open_commands(actor).await? {
            doings.entry(command.device).or_default().open.push(command);
        }
        for command in last {
            let doing = doings.entry(command.device).or_default();
            doing.last = Some(command);
        }
        Ok(Self { devices, doings, idle: Doing::default() })
    }

    pub(crate) fn doing(&self, device: DeviceId) -> &Doing {
        self.doings.get(&device).unwrap_or(&self.idle)
    }
}

/// What every card of a list has in common.
pub(crate) struct Row<'a> {
    pub when: &'a When,
    pub key: &'a str,
    pub rights: Rights,
    pub list: &'a str,
    /// The ways to the groups, where a card tells them.
    pub paths: &'a HashMap<GroupId, String>,
}

impl<'a> Row<'a> {
    pub(crate) fn card(&self, device: &'a Device, doing: &'a Doing) -> Card<'a> {
        let group = device.group.and_then(|group| self.paths.get(&group)).map(String::as_str);
        Card { device, doing, when: self.when, key: self.key, rights: self.rights, list: self.list, group }
    }
}

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    headers: HeaderMap,
    asked: Asked,
) -> std::result::Result<Html<String>, Failure> {
    let listing = listing(&web, &signed, &headers, &asked).await?;
    let page = web.app.list_page(&signed.actor, &listing.asks()).await?;
    let shelf = Shelf::of(&web, &signed.actor, &page.devices).await?;
    let missing = missing(&web, &signed.actor).await?;
    let when = signed.when(&web);
    let body = html! {
        (said::strip(Said::from_name(asked.text("said"))))
        div.bar { h1 { @if listing.choosing { "Choose devices" } @else { "Devices" } } span.grow {} (ways(&signed, &listing, &page)) }
        (missing)
        @if page.all == 0 { (nothing_yet(may(&signed, Rights::CREATE))) }
        @else {
            (find::form(&listing, &page.groups))
            (counts::line(page.counts, &listing))
            @if page.devices.is_empty() { (nothing_matches(&listing)) }
            @else if listing.choosing { (bulk::choose(&signed, &listing, &page, &shown(&web, &signed, &listing, &page, &shelf))) }
            @else { (shown(&web, &signed, &listing, &page, &shelf)) }
            (further(&listing, &page))
        }
        (frame::live(&live_query(&listing, &page, &missing), when.now))
    };
    Ok(frame::page(&web, &signed, Here::Devices, "Devices", &body))
}

/// What the address says, and where it says nothing about the look, what the person chose before. What they choose here
/// is kept; an address that came from elsewhere shows itself and changes nothing.
async fn listing(web: &Web, signed: &Signed, headers: &HeaderMap, asked: &Asked) -> Result<Listing> {
    let kept = web.app.preference(&signed.actor, Preference::DeviceList).await?;
    let before = Look::remembered(kept.as_deref());
    let listing = Listing::read(asked, before);
    let ours = headers.get("sec-fetch-site").is_none_or(|from| from == "same-origin");
    if ours && listing.look != before {
        web.app.set_preference(&signed.actor, Preference::DeviceList, &listing.look.query()).await?;
    }
    Ok(listing)
}

/// The bridges whose devices may be missing here.
pub(crate) async fn missing(web: &Web, actor: &Actor) -> Result<Markup> {
    Ok(attention::missing(&web.app.list_unusable_bridges(actor).await?))
}

fn live_query(listing: &Listing, page: &ListPage, missing: &Markup) -> String {
    let query = listing.query();
    let and = if query.is_empty() { "" } else { "&" };
    let (drawn, devices, missing) = (listing.drawn().name(), mark(page), mark_of(&missing.0));
    format!("on=devices&drawn={drawn}{and}{query}&mark={devices}&missing={missing}")
}

/// Tells a page's devices from other ones: the stream compares it, because between the page and its stream a device may
/// have come, gone, or crossed the filter.
pub(crate) fn mark(page: &ListPage) -> u64 {
    let mut shown = page.devices.clone();
    shown.sort_unstable();
    mark_of((shown, page.next.is_some()))
}

/// The same for anything else that a page shows.
pub(crate) fn mark_of(shown: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    shown.hash(&mut hasher);
    hasher.finish()
}

fn ways(person: &Person, listing: &Listing, page: &ListPage) -> Markup {
    let other = Listing { choosing: !listing.choosing, ..listing.clone() }.path();
    html! {
        @if listing.choosing { a.btn href=(other) { "Done" } }
        @else if page.all > 0 {
            @if may(person, Rights::OPERATE) || may(person, Rights::MANAGE) { a.btn.slim href=(other) { (icon(Icon::List)) span { "Select" } } }
            @if person.actor.may_manage_groups().is_ok() { a.btn.slim href="/groups" { (icon(Icon::Group)) span { "Groups" } } }
            @if may(person, Rights::CREATE) { a.btn.main.slim href="/devices/new" { (icon(Icon::Plus)) span { "Add device" } } }
        }
    }
}

/// The devices themselves.
fn shown(web: &Web, person: &Person, listing: &Listing, page: &ListPage, shelf: &Shelf) -> Markup {
    let (when, key) = (person.when(web), web.app.chance().code::<16>());
    let (list, paths) = (listing.query(), paths(listing, page));
    let row = Row { when: &when, key: &key, rights: person.actor.rights, list: &list, paths: &paths };
    let cards: Vec<Card<'_>> =
        shelf.devices.iter().map(|device| row.card(device, shelf.doing(device.id))).collect();
    if !listing.look.by_group {
        return together(&cards, listing);
    }
    let known =
        |card: &Card<'_>| card.device.group.filter(|id| page.groups.iter().any(|one| one.group.id == *id));
    let of_groups = cards.chunk_by(|one, other| known(one) == known(other));
    let parts: Vec<_> =
        of_groups.map(|cards| (cards.first().and_then(known), together(cards, listing))).collect();
    groups::nested(&parts, &page.groups, page.in_no_group, listing)
}

/// The ways to the groups, unless headings tell them.
pub(crate) fn paths(listing: &Listing, page: &ListPage) -> HashMap<GroupId, String> {
    if listing.look.by_group {
        HashMap::new()
    } else {
        groups::paths(page.groups.iter().map(|one| &one.group))
    }
}

fn together(cards: &[Card<'_>], listing: &Listing) -> Markup {
    let dense = if listing.look.dense { " dense" } else { "" };
    html! {
        @match listing.drawn() {
            Drawn::Row => div class={ "card" (dense) } {
                table.devices {
                    thead { tr {
                        th scope="col" { "Name" } th scope="col" { "State" } th.wide scope="col" { "Battery" }
                        th.wide scope="col" { "Connection" } th scope="col" { span.sr { "Actions" } }
                    } }
                    tbody { @for card in cards { (card.draw(Drawn::Row)) } }
                }
            },
            Drawn::Pick => div.card.picks { @for card in cards { (card.draw(Drawn::Pick)) } },
            Drawn::Tile | Drawn::Head | Drawn::Step => div class={ "tiles" (dense) } { @for card in cards { (card.draw(Drawn::Tile)) } },
        }
    }
}

/// How much of it this is, and the way to the rest.
fn further(listing: &Listing, page: &ListPage) -> Markup {
    let here = page.devices.len();
    if here == 0 || (page.next.is_none() && listing.after.is_none()) {
        return Markup::default();
    }
    let more = Listing { shown: ListQuery::MOST.min(here.next_multiple_of(100) + 200), ..listing.clone() };
    let next = Listing { after: page.next, ..listing.clone() };
    let first = Listing { after: None, ..listing.clone() };
    // Where the page ended before is where somebody goes on reading.
    let last = page.next.map(|device| format!("#device-{device}")).unwrap_or_default();
    html! {
        nav.pages #further aria-label="More devices" {
            span.muted { (counts::number(here)) " of " (counts::devices(page.total)) }
            @if listing.after.is_some() { a.btn href=(first.path()) { "First page" } }
            @if page.next.is_some() {
                @if here < ListQuery::MOST { a.btn #more href={ (more.path()) (last) } { "Show more" } }
                a.btn #next href=(next.path()) { "Next page" }
            }
        }
    }
}

fn nothing_matches(listing: &Listing) -> Markup {
    let all = Listing { filter: Filter::default(), after: None, ..listing.clone() };
    html! {
        section.empty #nothing {
            p { @if listing.is_filtered() { "No device matches." } @else { "There are no more devices." } }
            p { a.btn href=(all.path()) { @if listing.is_filtered() { "Clear filters" } @else { "First page" } } }
        }
    }
}

fn nothing_yet(may_add: bool) -> Markup {
    html! {
        section.empty {
            span.dot { (icon(Icon::Lock)) }
            h2 { "No devices yet" }
            @if may_add {
                p { "Add your first lock: give it a name, type the login into the Nuki app, and it appears here." }
                p { a.btn.main href="/devices/new" { (icon(Icon::Plus)) "Add device" } }
            } @else {
                p { "The owner of the account has not added any." }
            }
        }
    }
}
