//! Changing a device: its name, its place, and whether it is here at all. What cannot be taken back asks first.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use lockwarden_app::Error;
use lockwarden_app::devices::{Connector, Device};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::ways::Way;
use maud::{Markup, html};

use super::{again, done};
use crate::failure::Failure;
use crate::fields::{Fields, id};
use crate::identify::{Person, Signed};
use crate::pages::device::{Renaming, Told, page};
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here};
use crate::parts::icon::{Icon, icon};
use crate::parts::said::Said;
use crate::parts::words::noun;
use crate::web::Web;

pub(crate) async fn rename(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device: DeviceId = id(&device)?;
    let name = fields.text("name");
    match web.app.rename_device(&signed.actor, device, name).await {
        Ok(()) if fields.text("from") == "add" => {
            Ok(Redirect::to(&format!("/devices/{device}/add")).into_response())
        }
        Ok(()) => Ok(done(&format!("/devices/{device}"), Said::Renamed)),
        Err(Error::Invalid { field, why }) => {
            let told = Told::load(&web, &signed, device).await?;
            let renaming = Renaming { name: Some(name), wrong: Wrong::at(field, why) };
            Ok(again(page(&web, &signed, &told, None, None, &renaming)))
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn set_group(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device: DeviceId = id(&device)?;
    web.app.set_group(&signed.actor, device, fields.chosen("group")?).await?;
    Ok(done(&format!("/devices/{device}"), Said::Grouped))
}

pub(crate) async fn set_favourite(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device: DeviceId = id(&device)?;
    web.app.set_favourite(&signed.actor, device, fields.text("favourite") == "yes").await?;
    Ok(done(&format!("/devices/{device}"), Said::Saved))
}

pub(crate) async fn ask_remove(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
) -> Result<Html<String>, Failure> {
    let device = manageable(&web, &signed, &device).await?;
    removal(&web, &signed, &device, "", &Wrong::default()).await
}

pub(crate) async fn remove(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device = manageable(&web, &signed, &device).await?;
    let typed = fields.text("typed");
    if typed.trim() != device.name {
        let wrong = Wrong::at("typed", "this is not its name; nothing was removed");
        return Ok(again(removal(&web, &signed, &device, typed, &wrong).await?));
    }
    web.app.remove_device(&signed.actor, device.id).await?;
    Ok(done("/devices", Said::Removed))
}

/// The device, for a page that asks before the action itself is called. The action checks again.
pub(super) async fn manageable(web: &Web, person: &Person, device: &str) -> Result<Device, Failure> {
    // It may have turned out to be another one: what is asked for is that one then.
    let device = web.app.load_device(&person.actor, id(device)?).await?;
    web.app.load_logins(&person.actor, device.id).await?;
    Ok(device)
}

async fn removal(
    web: &Web,
    person: &Person,
    device: &Device,
    typed: &str,
    wrong: &Wrong,
) -> Result<Html<String>, Failure> {
    let ways = web.app.load_connection(&person.actor, device.id).await?.ways;
    let hint = format!("Type “{}” to show that you mean this one.", device.name);
    let title = if wrong.is_any() { "Not removed: remove a device" } else { "Remove a device" };
    let body = html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/devices/" (device.id) "/remove" } {
                h1 { "Remove " (device.name) "?" }
                (what_it_means(&ways, noun(device.kind)))
                (Field {
                    name: "typed", label: "Type its name", value: typed, hint: &hint, wrong: wrong.of("typed"),
                    autocomplete: "off", focus: true, ..Field::default()
                }.text())
                div.acts {
                    button.btn.risk.sure { (icon(Icon::Trash)) "Remove it" }
                    a.btn href={ "/devices/" (device.id) } { "Keep it" }
                }
            }
        }
    };
    Ok(frame::page(web, person, Here::Devices, title, &body))
}

fn what_it_means(ways: &[Way], noun: &str) -> Markup {
    html! {
        ul.tight {
            li {
                b { "Lost here: " }
                "its place in the list, its group, what its settings should be, and operating it from here and by the API."
            }
            @for way in ways { li { b { "Ends: " } (how_it_ends(way.connector)) } }
            li { b { "Kept here: " } "its entries in the activity log." }
            li {
                b { "Not touched: " }
                (noun) " itself. Codes, fobs and people on it go on working, and so does the Nuki app. Its settings stay as "
                "they are on it."
            }
        }
    }
}

/// What becomes of a way when its device goes.
fn how_it_ends(connector: Connector) -> &'static str {
    match connector {
        Connector::NukiMqtt => {
            "the lock’s own MQTT. Its login stops working at once; switch MQTT off in the Nuki app, or the lock goes on trying."
        }
        Connector::NukiHub => {
            "the way by its Nuki Hub. The hub’s login stops working at once, unless the hub brings another device here too."
        }
        Connector::NukiBridge => {
            "the way by its bridge. The bridge stays, with the other devices it reaches, and leaves this one out. It comes \
             back when you remove the bridge here and add it anew."
        }
    }
}
