//! The ways to a device: adding one, ending one, moving to one, and the login of each. What cuts a device off asks first.

use axum::extract::{Path, State};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use lockwarden_app::Error;
use lockwarden_app::devices::{Connector, Device};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::Credentials;
use lockwarden_app::ways::Move;
use maud::{Markup, html};

use super::done;
use super::manage::manageable;
use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::fields::{Asked, Fields, id};
use crate::identify::{Person, Signed};
use crate::pages::device::once;
use crate::parts::frame::{self, Here};
use crate::parts::gives;
use crate::parts::said::{Said, sentence};
use crate::web::Web;

pub(crate) async fn new_password(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device: DeviceId = id(&device)?;
    let by = way(&web, &signed, device, fields.text("way")).await?;
    let credentials = web.app.rotate_login(&signed.actor, device, by).await?;
    let page = if fields.text("from") == "add" { "/add" } else { "" };
    Ok(with_password(&web, (device, page), &credentials))
}

/// Leads to the page that shows the password.
fn with_password(web: &Web, (device, page): (DeviceId, &str), credentials: &Credentials) -> Response {
    let cookie = web.set_cookie(Cookie::Once, &once(device, credentials));
    let to = Redirect::to(&format!("/devices/{device}{page}#connect"));
    (AppendHeaders([(SET_COOKIE, cookie)]), to).into_response()
}

pub(crate) async fn ask_revoke(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    asked: Asked,
) -> Result<Html<String>, Failure> {
    let device = manageable(&web, &signed, &device).await?;
    let by = way(&web, &signed, device.id, asked.text("way")).await?;
    let connection = web.app.load_connection(&signed.actor, device.id).await?;
    // A bridge has none: we sign in to it, and not it to us.
    if !connection.ways.iter().any(|way| way.connector == by && way.login.is_some()) {
        return Err(Error::NotFound.into());
    }
    let who = if by == Connector::NukiHub { "The hub" } else { "The lock" };
    let body = html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/devices/" (device.id) "/revoke" } {
                h1 { "Revoke the login of " (device.name) "?" }
                p { (who) " is cut off at once and cannot connect until it gets a new password. Its log stays." }
                p.hint { "The lock itself goes on working: by hand, by its keypad and by the Nuki app." }
                input type="hidden" name="way" value=(by.name());
                (answers(&device, "Revoke the login", "Keep it"))
            }
        }
    };
    Ok(frame::page(&web, &signed, Here::Devices, "Revoke the login?", &body))
}

fn answers(device: &Device, yes: &str, no: &str) -> Markup {
    html! {
        div.acts {
            button.btn.risk.sure { (yes) }
            a.btn href={ "/devices/" (device.id) } { (no) }
        }
    }
}

pub(crate) async fn revoke(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device: DeviceId = id(&device)?;
    let by = way(&web, &signed, device, fields.text("way")).await?;
    web.app.revoke_login(&signed.actor, device, by).await?;
    Ok(done(&format!("/devices/{device}"), Said::Revoked))
}

/// The question before a way ends, or before one takes the place of the others.
pub(crate) async fn ask(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    asked: Asked,
) -> Result<Html<String>, Failure> {
    let device = manageable(&web, &signed, &device).await?;
    let by = Connector::from_name(asked.text("way")).ok_or(Error::NotFound)?;
    let connection = web.app.load_connection(&signed.actor, device.id).await?;
    let ways = &connection.ways;
    let others: Vec<Connector> = ways.iter().map(|way| way.connector).filter(|other| *other != by).collect();
    let (title, question) = match asked.text("do") {
        "remove" if others.len() < ways.len() => {
            ("Remove this way?", removing(&device, by, &others, &connection.beside))
        }
        "move" if others.len() == ways.len() => ("Move to another way?", moving(&device, by, &others)),
        _ => return Err(Error::NotFound.into()),
    };
    let body = html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/devices/" (device.id) "/way" } {
                (question)
                input type="hidden" name="way" value=(by.name());
                input type="hidden" name="do" value=(asked.text("do"));
                (answers(&device, title.trim_end_matches('?'), "Leave it as it is"))
            }
        }
    };
    Ok(frame::page(&web, &signed, Here::Devices, title, &body))
}

fn names(of: &[Connector]) -> String {
    of.iter().map(|one| one.words()).collect::<Vec<_>>().join(" and ")
}

fn removing(device: &Device, by: Connector, others: &[Connector], beside: &[(DeviceId, String)]) -> Markup {
    let brought: Vec<&str> = beside.iter().map(|(_, name)| name.as_str()).collect();
    html! {
        h1 { "Remove " (by.words()) " from " (device.name) "?" }
        @if others.is_empty() {
            p { "It is the only way to this device: remove the device instead, or add another way first." }
        } @else {
            p {
                @match by {
                    Connector::NukiHub if !brought.is_empty() => {
                        "It ends at once. The hub and its login stay for " (brought.join(" and ")) ", and it leaves this one out. "
                    },
                    Connector::NukiBridge => {
                        "It ends at once: the bridge leaves it out from now on. It comes back when you remove the bridge here and "
                        "add it anew. "
                    },
                    Connector::NukiMqtt | Connector::NukiHub => "It ends at once, and its login with it. ",
                }
                (sentence(&names(others))) @if others.len() == 1 { " goes" } @else { " go" } " on speaking for the device."
            }
            @if let Some(lost) = gives::lost(by, others, device.kind) { p { (lost) } }
        }
        p.hint { "State, log and settings of the device stay as they are." }
    }
}

fn moving(device: &Device, by: Connector, others: &[Connector]) -> Markup {
    html! {
        h1 { "Move " (device.name) " to " (by.with_article()) "?" }
        p {
            "From now on it is reached by " (by.with_article()) " only. " (sentence(&names(others)))
            " ends at once, before the new way has connected: until then the device is offline here."
        }
        p.hint { "State, log and settings of the device stay as they are." }
    }
}

pub(crate) async fn change(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device = manageable(&web, &signed, &device).await?.id;
    let by = Connector::from_name(fields.text("way"))
        .ok_or_else(|| Error::invalid("way", "there is no such way"))?;
    // A bridge brings its devices itself.
    let has_login = by != Connector::NukiBridge;
    match fields.text("do") {
        "add" if has_login => {
            let credentials = web.app.add_way(&signed.actor, device, by).await?;
            Ok(with_password(&web, (device, ""), &credentials))
        }
        "move" if has_login => {
            let to = Move { to: by, keep: false, base_path: None };
            let credentials = web.app.move_device(&signed.actor, device, to).await?;
            Ok(credentials.map_or_else(
                || done(&format!("/devices/{device}"), Said::WayRemoved),
                |credentials| with_password(&web, (device, ""), &credentials),
            ))
        }
        "remove" => {
            web.app.remove_way(&signed.actor, device, by).await?;
            Ok(done(&format!("/devices/{device}"), Said::WayRemoved))
        }
        _ => Err(Error::invalid("do", "there is nothing like that to do with a way").into()),
    }
}

/// The way that is meant; where none is named, the better one that has a login.
async fn way(web: &Web, person: &Person, device: DeviceId, named: &str) -> Result<Connector, Failure> {
    if let Some(by) = Connector::from_name(named) {
        return Ok(by);
    }
    let connection = web.app.load_connection(&person.actor, device).await?;
    let ways = connection.ways.iter().filter(|way| way.login.is_some()).map(|way| way.connector);
    Ok(ways.min().unwrap_or(Connector::NukiMqtt))
}
