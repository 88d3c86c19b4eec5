//! Every device, as tiles or as a list.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use http::HeaderMap;
use http::header::SET_COOKIE;
use lockwarden_app::Result;
use lockwarden_app::actor::{Actor, Rights};
use lockwarden_app::commands::Command;
use lockwarden_app::devices::{Device, SortBy};
use lockwarden_app::ids::DeviceId;
use maud::{Markup, html};

use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::fields::Asked;
use crate::identify::Signed;
use crate::parts::card::{Card, Drawn};
use crate::parts::counts::{self, Listing};
use crate::parts::face::{Doing, Kind};
use crate::parts::frame::{self, Here, may};
use crate::parts::icon::{Icon, icon};
use crate::parts::said::{self, Said};
use crate::web::Web;

pub(crate) async fn home() -> Redirect {
    Redirect::to("/devices")
}

/// Every device with what its card tells, in a fixed number of queries.
pub(crate) struct Shelf {
    pub devices: Vec<Device>,
    doings: HashMap<DeviceId, Doing>,
    idle: Doing,
}

impl Shelf {
    pub(crate) async fn load(web: &Web, actor: &Actor, sort: SortBy) -> Result<Self> {
        let devices = web.app.list_devices(actor, sort).await?;
        let last = web.app.list_last_commands(actor).await?;
        Self::with(web, actor, devices, last).await
    }

    /// Only those of these devices that are still there.
    pub(crate) async fn of(web: &Web, actor: &Actor, devices: &[DeviceId]) -> Result<Self> {
        let last = web.app.list_last_commands_of(actor, devices).await?;
        Self::with(web, actor, web.app.list_some_devices(actor, devices).await?, last).await
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

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    headers: HeaderMap,
    asked: Asked,
) -> std::result::Result<Response, Failure> {
    let chosen = Some(asked.text("view")).filter(|view| !view.is_empty());
    let drawn = match chosen.or(web.read_cookie(&headers, Cookie::View)) {
        Some("list") => Drawn::Row,
        _ => Drawn::Tile,
    };
    let listing = Listing::from_names(asked.text("show"), asked.text("sort"));
    let when = signed.when(&web);
    let shelf = Shelf::load(&web, &signed.actor, listing.sort).await?;
    let key = web.app.chance().code::<16>();
    let may_operate = may(&signed, Rights::OPERATE);
    let cards: Vec<Card<'_>> = shelf
        .devices
        .iter()
        .map(|device| {
            let doing = shelf.doing(device.id);
            Card { device, doing, when: &when, key: &key, may_operate, listing }
        })
        .collect();
    let kinds: HashMap<DeviceId, Kind> =
        cards.iter().map(|card| (card.device.id, card.face().kind)).collect();
    let body = html! {
        (said::strip(Said::from_name(asked.text("said"))))
        div.bar {
            h1 { "Devices" }
            span.grow {}
            @if !cards.is_empty() { (controls(listing, drawn)) }
            @if may(&signed, Rights::CREATE) && !cards.is_empty() { a.btn.main href="/devices/new" { (icon(Icon::Plus)) "Add device" } }
        }
        @if cards.is_empty() { (nothing_yet(may(&signed, Rights::CREATE))) }
        @else {
            (counts::line(&kinds, listing))
            (shown(&cards, listing, drawn))
        }
        (frame::live(&live_query(&kinds, listing, drawn), when.now))
    };
    let page = frame::page(&web, &signed, Here::Devices, "Devices", &body);
    Ok(match chosen {
        Some(_) => {
            (AppendHeaders([(SET_COOKIE, web.set_cookie(Cookie::View, drawn.name()))]), page).into_response()
        }
        None => page.into_response(),
    })
}

fn live_query(kinds: &HashMap<DeviceId, Kind>, listing: Listing, drawn: Drawn) -> String {
    format!("on=devices&drawn={}&{}&mark={}", drawn.name(), listing.query(), listing.mark(kinds))
}

fn controls(listing: Listing, drawn: Drawn) -> Markup {
    let path = listing.path();
    let view = |this: Drawn, shape, words: &str| {
        let current = (this == drawn).then_some("true");
        html! { a href={ (path) "&view=" (this.name()) } aria-current=[current] { (icon(shape)) span { (words) } } }
    };
    let order = |sort: SortBy, words: &str| {
        let current = (sort == listing.sort).then_some("true");
        html! { a href=(Listing { sort, ..listing }.path()) aria-current=[current] { (words) } }
    };
    html! {
        div.controls {
            nav.seg aria-label="Order" { (order(SortBy::Name, "By name")) (order(SortBy::Added, "Newest first")) }
            nav.seg.view aria-label="View" { (view(Drawn::Tile, Icon::Tiles, "Tiles")) (view(Drawn::Row, Icon::List, "List")) }
        }
    }
}

fn shown(cards: &[Card<'_>], listing: Listing, drawn: Drawn) -> Markup {
    let shown: Vec<&Card<'_>> = cards.iter().filter(|card| listing.show.includes(card.face().kind)).collect();
    html! {
        @if shown.is_empty() {
            section.empty { p { "No device matches this filter now." } p { a.btn href="/devices" { "Show all" } } }
        } @else if drawn == Drawn::Row {
            div.card {
                table {
                    thead { tr {
                        th scope="col" { "Name" } th scope="col" { "State" } th.wide scope="col" { "Battery" }
                        th.wide scope="col" { "Connection" } th scope="col" { span.sr { "Actions" } }
                    } }
                    tbody { @for card in &shown { (card.draw(drawn)) } }
                }
            }
        } @else {
            div.tiles { @for card in &shown { (card.draw(drawn)) } }
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
