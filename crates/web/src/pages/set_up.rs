//! The first start: the one-time link that the server printed makes the first account.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use lockwarden_app::accounts::{MIN_PASSWORD, NewAccount};
use lockwarden_app::{Error, Refusal};
use maud::html;

use super::again;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::parts::form::{Field, Wrong, zone};
use crate::parts::frame;
use crate::parts::said::Said;
use crate::web::Web;

/// Where every page leads as long as nobody can sign in.
pub(crate) async fn explain(State(web): State<Web>) -> Result<Response, Failure> {
    if web.is_set_up().await? {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    let body = html! {
        section.card.pad.stack {
            h1 { "Welcome to Lockwarden" }
            p { "There is no account yet. To make the first one, open the one-time link that the server printed when it started." }
            p { "It stands in the server’s output or log and looks like this:" }
            pre { code { "…/set-up/" span.muted { "3f9a…" } } }
            p.hint {
                "The link works once and for 24 hours. If it is lost or too old, restart the server: it prints a new one, "
                "and the old one stops working."
            }
        }
    };
    Ok(frame::bare(&web, "Set up", &body).into_response())
}

pub(crate) async fn show(State(web): State<Web>, Path(token): Path<String>) -> Result<Response, Failure> {
    if !web.app.set_up_link_works(&token).await? {
        return Ok(used_up(&web));
    }
    Ok(form(&web, &token, &Fields::default(), &Wrong::default()).into_response())
}

pub(crate) async fn complete(
    State(web): State<Web>,
    Path(token): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let zone = fields.text("zone");
    let new = NewAccount {
        email: fields.text("email"),
        name: fields.text("name"),
        password: fields.text("password"),
        time_zone: if jiff::tz::TimeZone::get(zone).is_ok() { zone } else { "UTC" },
    };
    match web.app.complete_set_up(&token, new).await {
        Ok(_) => Ok(Redirect::to(&format!("/sign-in?said={}", Said::SetUp.name())).into_response()),
        Err(Error::Refused(Refusal::SetUpLinkUsed)) => Ok(used_up(&web)),
        Err(Error::Invalid { field, why }) => Ok(again(form(&web, &token, &fields, &Wrong::at(field, why)))),
        Err(error) => Err(error.into()),
    }
}

fn used_up(web: &Web) -> Response {
    let body = html! {
        section.card.pad.stack {
            h1 { "This link does not work any more" }
            p { "A set-up link works once, for 24 hours, and only as long as there is no account." }
            p.hint { "If there is no account yet, restart the server: it prints a new link." }
            div.acts { a.btn.main href="/sign-in" { "Go to the sign-in" } }
        }
    };
    (StatusCode::NOT_FOUND, frame::bare(web, "Set up", &body)).into_response()
}

fn form(web: &Web, token: &str, filled: &Fields, wrong: &Wrong) -> Html<String> {
    let hint = format!(
        "At least {MIN_PASSWORD} characters, of any kind. A few words in a row are easy to remember and hard to guess. \
         Paste one from a password manager if you like."
    );
    let body = html! {
        form.card.pad.stack method="post" action={ "/set-up/" (token) } {
            h1 { "Set up Lockwarden" }
            p.hint { "You make the first account. The devices that you add are yours alone: another account sees none of them." }
            (Field {
                name: "name", label: "Your name", value: filled.text("name"), wrong: wrong.of("name"),
                autocomplete: "name", focus: !wrong.is_any(), ..Field::default()
            }.text())
            (Field {
                name: "email", label: "E-mail", value: filled.text("email"), wrong: wrong.of("email"),
                hint: "You sign in with it.", autocomplete: "username", ..Field::default()
            }.email())
            (Field {
                name: "password", label: "Password", wrong: wrong.of("password"), hint: &hint,
                autocomplete: "new-password", shortest: Some(MIN_PASSWORD), ..Field::default()
            }.password())
            (zone(filled.text("zone"), None))
            @if wrong.is_any() && wrong.of("password").is_none() { p.hint { "Type the password again: it was not sent back." } }
            button.btn.main { "Make the account" }
        }
    };
    frame::bare(web, &wrong.title("Set up"), &body)
}
