//! Changing a device: its name, its login, and whether it is here at all. What cannot be taken back asks first.

use axum::extract::{Path, State};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use lockwarden_app::Error;
use lockwarden_app::devices::{Connector, Device};
use lockwarden_app::ids::DeviceId;
use maud::{Markup, html};

use super::{again, done};
use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::fields::{Fields, id};
use crate::identify::{Person, Signed};
use crate::pages::device::{Renaming, Told, once, page};
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here};
use crate::parts::icon::{Icon, icon};
use crate::parts::said::Said;
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
    let group = if fields.has("group") { Some(id(fields.text("group"))?) } else { None };
    web.app.set_group(&signed.actor, device, group).await?;
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

pub(crate) async fn new_password(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
) -> Result<Response, Failure> {
    let device: DeviceId = id(&device)?;
    let by = way(&web, &signed, device).await?;
    let credentials = web.app.rotate_login(&signed.actor, device, by).await?;
    let cookie = web.set_cookie(Cookie::Once, &once(device, &credentials));
    let to = Redirect::to(&format!("/devices/{device}#connect"));
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), to).into_response())
}

pub(crate) async fn ask_revoke(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
) -> Result<Html<String>, Failure> {
    let device = manageable(&web, &signed, &device).await?;
    let body = html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/devices/" (device.id) "/revoke" } {
                h1 { "Revoke the login of " (device.name) "?" }
                p { "The lock is cut off at once and cannot connect until it gets a new password. Its log stays." }
                p.hint { "The lock itself goes on working: by hand, by its keypad and by the Nuki app." }
                div.acts {
                    button.btn.risk.sure { "Revoke the login" }
                    a.btn href={ "/devices/" (device.id) } { "Keep it" }
                }
            }
        }
    };
    Ok(frame::page(&web, &signed, Here::Devices, "Revoke the login?", &body))
}

pub(crate) async fn revoke(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
) -> Result<Response, Failure> {
    let device: DeviceId = id(&device)?;
    let by = way(&web, &signed, device).await?;
    web.app.revoke_login(&signed.actor, device, by).await?;
    Ok(done(&format!("/devices/{device}"), Said::Revoked))
}

pub(crate) async fn ask_remove(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
) -> Result<Html<String>, Failure> {
    let device = manageable(&web, &signed, &device).await?;
    Ok(removal(&web, &signed, &device, "", &Wrong::default()))
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
        return Ok(again(removal(&web, &signed, &device, typed, &wrong)));
    }
    web.app.remove_device(&signed.actor, device.id).await?;
    Ok(done("/devices", Said::Removed))
}

/// The way that has a login, the better one first.
async fn way(web: &Web, person: &Person, device: DeviceId) -> Result<Connector, Failure> {
    let connection = web.app.load_connection(&person.actor, device).await?;
    let ways = connection.ways.iter().filter(|way| way.login.is_some()).map(|way| way.connector);
    Ok(ways.min().unwrap_or(Connector::NukiMqtt))
}

/// The device, for a page that asks before the action itself is called. The action checks again.
async fn manageable(web: &Web, person: &Person, device: &str) -> Result<Device, Failure> {
    let device = id(device)?;
    web.app.load_logins(&person.actor, device).await?;
    Ok(web.app.load_device(&person.actor, device).await?)
}

fn removal(web: &Web, person: &Person, device: &Device, typed: &str, wrong: &Wrong) -> Html<String> {
    let hint = format!("Type “{}” to show that you mean this one.", device.name);
    let title = if wrong.is_any() { "Not removed: remove a device" } else { "Remove a device" };
    let body = html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/devices/" (device.id) "/remove" } {
                h1 { "Remove " (device.name) "?" }
                (what_it_means())
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
    frame::page(web, person, Here::Devices, title, &body)
}

fn what_it_means() -> Markup {
    html! {
        ul.tight {
            li { b { "Lost here: " } "its place in the list, its login, and operating it from here and by the API." }
            li { b { "Kept here: " } "its entries in the activity log." }
            li {
                b { "Not touched: " }
                "the lock itself. Codes, fobs and people on it go on working, and so does the Nuki app. Its MQTT settings "
                "stay on the lock; switch them off in the app."
            }
        }
    }
}
