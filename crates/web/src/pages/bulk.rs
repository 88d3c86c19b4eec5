//! One thing done with many devices: what was chosen becomes a proposal, which is looked at, begun, and watched.

use std::collections::HashSet;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use lockwarden_app::bulks::{Became, Bulk, BulkState, Deed, Item};
use lockwarden_app::ids::{BulkId, DeviceId};
use lockwarden_app::{Error, Refusal, Result};
use maud::{Markup, html};

use super::set_many;
use crate::failure::Failure;
use crate::fields::{Asked, Fields, id};
use crate::identify::{Person, Signed};
use crate::parts::counts::number;
use crate::parts::frame::{self, Here};
use crate::parts::icon::{Icon, icon};
use crate::parts::listing::Listing;
use crate::parts::{bulk, groups};
use crate::web::Web;

/// Results on one page.
pub(crate) const RESULTS: usize = 500;
/// As many are shown without asking before anything is begun: it is begun above them.
const FEW: usize = 20;

/// Writes down what was chosen, and leads to what would become of it.
pub(crate) async fn propose(
    State(web): State<Web>,
    signed: Signed,
    fields: Fields,
) -> std::result::Result<Response, Failure> {
    let deed = match fields.text("deed") {
        "lock" => Deed::Lock,
        "favourite" => Deed::SetFavourite(true),
        "no-favourite" => Deed::SetFavourite(false),
        "group" => Deed::SetGroup(fields.chosen("group")?),
        "setting" | "set" => match set_many::read(&fields) {
            Ok(deed) => deed,
            Err(asking) => return set_many::page(&web, &signed, &fields, &asking),
        },
        _ => return Err(Error::invalid("deed", "there is no such thing to do").into()),
    };
    let devices = chosen(&web, &signed, &fields).await?;
    let bulk = web.app.propose_bulk(&signed.actor, deed, &devices).await?;
    Ok(to(bulk))
}

fn to(bulk: BulkId) -> Response {
    Redirect::to(&format!("/bulks/{bulk}")).into_response()
}

/// All that match, all but those that are ticked, or those that are ticked.
async fn chosen(web: &Web, signed: &Signed, fields: &Fields) -> Result<Vec<DeviceId>> {
    let ticked = fields.named("pick-").filter_map(|device| device.parse().ok());
    match (fields.text("all"), fields.text("but")) {
        ("yes", but) => {
            let listing = Listing::from_query(fields.text("list"));
            let mut all = web.app.list_matching(&signed.actor, &listing.asks()).await?;
            let out: HashSet<DeviceId> = ticked.filter(|_| but == "yes").collect();
            all.retain(|device| !out.contains(device));
            Ok(all)
        }
        (_, "yes") => Err(Error::invalid("all", "to leave some out, tick that all devices are meant, too")),
        _ => Ok(ticked.collect()),
    }
}

/// A bulk with as much of its results as a page shows.
pub(crate) struct Shown {
    pub bulk: Bulk,
    pub items: Vec<Item>,
    /// Of a proposal: the devices that nothing would be done with.
    left_out: Vec<Item>,
    group: Option<String>,
}

impl Shown {
    pub(crate) async fn load(web: &Web, person: &Person, id: BulkId, after: i64) -> Result<Self> {
        let bulk = web.app.load_bulk(&person.actor, id).await?;
        let items = web.app.list_bulk_items(&person.actor, id, false, (after, RESULTS)).await?;
        let left_out = match bulk.state {
            BulkState::Proposed => web.app.list_bulk_items(&person.actor, id, true, (0, RESULTS)).await?,
            _ => Vec::new(),
        };
        let group = match bulk.deed {
            Deed::SetGroup(Some(group)) => {
                groups::path_of(web.app.known_groups(&person.actor).await?.iter(), group)
            }
            _ => None,
        };
        Ok(Self { bulk, items, left_out, group })
    }

    /// What became of each. Once nothing changes any more, what somebody may want to do something about comes first.
    pub(crate) fn results(&self) -> Markup {
        let mut items: Vec<&Item> = self.items.iter().collect();
        if self.bulk.is_settled() {
            items.sort_by_key(|item| match item.became {
                Became::Failed => 0,
                Became::Unknown => 1,
                Became::NotBegun => 2,
                Became::Done | Became::UnderWay | Became::Waiting | Became::LeftOut => 3,
            });
        }
        html! { ol.card.plain #results { @for item in items { (bulk::item(item, &self.bulk)) } } }
    }

    fn title(&self) -> String {
        if self.bulk.state == BulkState::Proposed && self.bulk.tally.waiting == 0 {
            return "Nothing to do".to_owned();
        }
        bulk::words(self.bulk.deed, self.group.as_deref(), self.bulk.tally.meant())
    }
}

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(bulk): Path<String>,
    asked: Asked,
) -> std::result::Result<Html<String>, Failure> {
    signed.actor.may_list_devices()?;
    let after = asked.read("after").unwrap_or(0);
    let shown = Shown::load(&web, &signed, id(&bulk)?, after).await?;
    Ok(page(&web, &signed, &shown, after, None))
}

/// Begins it. However often it is asked for, it begins once.
pub(crate) async fn begin(
    State(web): State<Web>,
    signed: Signed,
    Path(bulk): Path<String>,
) -> std::result::Result<Response, Failure> {
    signed.actor.may_list_devices()?;
    let bulk: BulkId = id(&bulk)?;
    match web.app.begin_bulk(&signed.actor, bulk).await {
        Ok(()) => Ok(to(bulk)),
        Err(Error::Refused(refusal @ Refusal::ProposalTooOld)) => {
            let shown = Shown::load(&web, &signed, bulk, 0).await?;
            let page = page(&web, &signed, &shown, 0, Some(&refusal));
            Ok((http::StatusCode::CONFLICT, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Asked when it is over already, it changes nothing.
pub(crate) async fn stop(
    State(web): State<Web>,
    signed: Signed,
    Path(bulk): Path<String>,
) -> std::result::Result<Response, Failure> {
    signed.actor.may_list_devices()?;
    let bulk: BulkId = id(&bulk)?;
    web.app.stop_bulk(&signed.actor, bulk).await?;
    Ok(to(bulk))
}

/// Leads to a proposal for those that failed or did not answer.
pub(crate) async fn again(
    State(web): State<Web>,
    signed: Signed,
    Path(bulk): Path<String>,
) -> std::result::Result<Response, Failure> {
    signed.actor.may_list_devices()?;
    let bulk = web.app.propose_rest(&signed.actor, id(&bulk)?).await?;
    Ok(to(bulk))
}

fn page(web: &Web, person: &Person, shown: &Shown, after: i64, refused: Option<&Refusal>) -> Html<String> {
    let title = shown.title();
    let when = person.when(web);
    let id = shown.bulk.id;
    let body = html! {
        p.back { a href="/devices" { (icon(Icon::Back)) "Devices" } }
        @if shown.bulk.state == BulkState::Proposed { (proposal(shown, after, &title, refused)) }
        @else {
            h1 { (title) }
            (bulk::progress(&shown.bulk))
            (results(shown, after))
            (frame::live(&format!("on=bulk&bulk={id}&after={after}"), when.now))
        }
    };
    frame::page(web, person, Here::Devices, &title, &body)
}

fn proposal(shown: &Shown, after: i64, title: &str, refused: Option<&Refusal>) -> Markup {
    let id = shown.bulk.id;
    let more = shown.bulk.tally.all_left_out().saturating_sub(shown.left_out.len());
    let is_asked = shown.bulk.tally.waiting > 0;
    html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/bulks/" (id) "/begin" } {
                h1 { (title) @if is_asked { "?" } }
                @if let Some(refused) = refused {
                    p.strip.bad { (icon(Icon::Alert)) span { (crate::parts::said::sentence(&refused.to_string())) "." } }
                }
                (bulk::preview(&shown.bulk))
                div.acts {
                    @if is_asked && refused.is_none() { button.btn.main { (icon(Icon::Check)) (title) } }
                    a.btn href="/devices" { @if is_asked { "Do nothing" } @else { "Back to the devices" } }
                }
            }
        }
        @if is_asked {
            details.card.pad #each open[shown.items.len() <= FEW || after > 0] {
                summary { "Each device" }
                ol.plain #results { @for item in &shown.items { (bulk::item(item, &shown.bulk)) } }
                (further(shown, after))
            }
        }
        @if !shown.left_out.is_empty() {
            details.card.pad #why open[shown.left_out.len() <= FEW] {
                summary { "Left out, and why" }
                ol.plain {
                    @for item in &shown.left_out { (bulk::item(item, &shown.bulk)) }
                    @if more > 0 { li.result { span.ic {} div { "and " (number(more)) " more" } } }
                }
            }
        }
    }
}

fn results(shown: &Shown, after: i64) -> Markup {
    html! {
        @if !shown.items.is_empty() {
            section {
                h2 { "Each device" }
                (shown.results())
            }
            (further(shown, after))
        }
    }
}

fn further(shown: &Shown, after: i64) -> Markup {
    let id = shown.bulk.id;
    let more = shown.items.len() == RESULTS;
    html! {
        nav.pages aria-label="More results" {
            @if after > 0 { a.btn href={ "/bulks/" (id) } { "First results" } }
            @if let Some(last) = shown.items.last().filter(|_| more) {
                a.btn href={ "/bulks/" (id) "?after=" (last.position) } { "More results" }
            }
        }
    }
}
