//! The activity log: newest first, by day, one page at a time from its index.

use axum::extract::State;
use axum::response::Html;
use lockwarden_app::activity::{EntryQuery, Logged, Page};
use lockwarden_app::ids::DeviceId;
use maud::{Markup, html};

use crate::failure::Failure;
use crate::fields::Asked;
use crate::identify::Signed;
use crate::parts::entry::{cursor, days, newer, read_cursor};
use crate::parts::frame::{self, Here};
use crate::parts::icon::{Icon, icon};
use crate::web::Web;

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    asked: Asked,
) -> Result<Html<String>, Failure> {
    let device = match asked.text("device") {
        "" => None,
        text => Some(web.app.load_logged(&signed.actor, crate::fields::id(text)?).await?),
    };
    let id = device.as_ref().map(|device| device.id);
    let before = read_cursor(asked.text("before"));
    let query = EntryQuery { device: id, before, ..EntryQuery::default() };
    let found = web.app.list_activity(&signed.actor, query).await?;
    let when = signed.when(&web);
    let body = html! {
        div.bar {
            h1 { "Activity log" }
            @if let Some(device) = &device { (only(device)) }
        }
        (newer(0, id))
        div #log { (days(&found.entries, &when)) }
        @if found.entries.is_empty() { (nothing(before.is_some(), device.is_some())) }
        @else {
            (older(&found, id, before.is_some()))
            p.hint {
                "Times are those of " (when.zone_name()) ", as chosen in " a href="/settings/account" { "your account" }
                ". A device’s own page tells them to the second."
            }
        }
        @if before.is_none() {
            (frame::live(&format!("on=activity{}{}", and_shown(&found), and_device(id)), when.now))
        }
    };
    let title = match &device {
        Some(Logged { name, removed: true, .. }) => format!("Activity log of {name} (removed)"),
        Some(Logged { name, .. }) => format!("Activity log of {name}"),
        None => "Activity log".to_owned(),
    };
    Ok(frame::page(&web, &signed, Here::Activity, &title, &body))
}

fn and_shown(page: &Page) -> String {
    let oldest = page.next.map(|oldest| format!("&oldest={}", cursor(oldest)));
    format!("&shown={}{}", page.entries.len(), oldest.unwrap_or_default())
}

fn and_device(id: Option<DeviceId>) -> String {
    id.map(|id| format!("&device={id}")).unwrap_or_default()
}

fn only(device: &Logged) -> Markup {
    html! {
        a.chipf href="/activity" aria-current="true" {
            "Only " (device.name) @if device.removed { " (removed)" } (icon(Icon::Cross)) span.sr { ": show every device again" }
        }
    }
}

fn older(found: &Page, id: Option<DeviceId>, deep: bool) -> Markup {
    html! {
        nav.pages aria-label="Pages of the log" {
            @if deep { a.btn href={ "/activity?" (and_device(id).trim_start_matches('&')) } { "Newest" } }
            @match found.next {
                Some(next) => a.btn #older href={ "/activity?before=" (cursor(next)) (and_device(id)) } { "Older" },
                None => p.hint { "This is where the log begins." },
            }
        }
    }
}

fn nothing(deep: bool, of_one: bool) -> Markup {
    html! {
        section.empty {
            span.dot { (icon(Icon::Activity)) }
            @if deep {
                h2 { "Nothing older" }
                p { a.btn href="/activity" { "Newest entries" } }
            } @else if of_one {
                h2 { "Nothing yet at this device" }
                p { "As soon as something happens at this door, it is listed here." }
                p { a.btn href="/activity" { "Show every device" } }
            } @else {
                h2 { "Nothing yet" }
                p { "As soon as something happens at one of your doors, it is listed here: who came in, how, and when." }
                p { a.btn href="/devices" { "Go to the devices" } }
            }
        }
    }
}
