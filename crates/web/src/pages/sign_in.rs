//! Signing in and out. A wrong password and an unknown e-mail read the same.

use std::net::SocketAddr;

use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use http::header::{SET_COOKIE, USER_AGENT};
use http::{HeaderMap, StatusCode};
use lockwarden_app::accounts::SignIn;
use lockwarden_app::{Error, Refusal};
use maud::html;

use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::fields::{Asked, Fields};
use crate::identify::Signed;
use crate::parts::form::Field;
use crate::parts::frame;
use crate::parts::icon::{Icon, icon};
use crate::parts::said::{self, Said};
use crate::web::Web;

pub(crate) async fn show(
    State(web): State<Web>,
    asked: Asked,
    signed: Option<Extension<Signed>>,
) -> Response {
    let next = own_path(asked.text("next"));
    if signed.is_some() {
        return Redirect::to(next).into_response();
    }
    page(&web, "", next, Said::from_name(asked.text("said")), None).into_response()
}

pub(crate) async fn sign_in(
    State(web): State<Web>,
    before: Option<Extension<Signed>>,
    place: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Failure> {
    let address = place.map_or_else(|| "unknown".to_owned(), |place| place.0.0.ip().to_string());
    let with = SignIn {
        email: fields.text("email"),
        password: fields.text("password"),
        browser: web.read_cookie(&headers, Cookie::Browser),
        address: &address,
        user_agent: headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default(),
    };
    let next = own_path(fields.text("next"));
    match web.app.sign_in(with).await {
        Ok(session) => {
            // Whoever had this browser before is signed out of it.
            if let Some(Extension(before)) = before {
                web.app.sign_out(&before.actor).await?;
            }
            let cookies = AppendHeaders([
                (SET_COOKIE, web.set_cookie(Cookie::Session, &session.token)),
                (SET_COOKIE, web.set_cookie(Cookie::Browser, &session.browser)),
            ]);
            Ok((cookies, Redirect::to(next)).into_response())
        }
        Err(Error::Refused(why)) => {
            let status = match why {
                Refusal::WaitBeforeSignIn(_) | Refusal::PasswordLocked => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let words = format!("{}.", said::sentence(&why.to_string()));
            Ok((status, page(&web, fields.text("email"), next, None, Some(&words))).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn sign_out(State(web): State<Web>, signed: Signed) -> Result<Response, Failure> {
    web.app.sign_out(&signed.actor).await?;
    let cookies = AppendHeaders([
        (SET_COOKIE, web.drop_cookie(Cookie::Session)),
        (SET_COOKIE, web.drop_cookie(Cookie::Once)),
    ]);
    Ok((cookies, Redirect::to(&format!("/sign-in?said={}", Said::SignedOut.name()))).into_response())
}

/// Back to a page of ours, and to nowhere else.
fn own_path(next: &str) -> &str {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if ours && next.is_ascii() { next } else { "/devices" }
}

fn page(web: &Web, email: &str, next: &str, said: Option<Said>, wrong: Option<&str>) -> Html<String> {
    let body = html! {
        form.card.pad.stack method="post" action="/sign-in" {
            h1 { "Sign in" }
            (said::strip(said))
            @if let Some(wrong) = wrong {
                p.strip.bad role="alert" #wrong { (icon(Icon::Alert)) span { (wrong) } }
            }
            input type="hidden" name="next" value=(next);
            (Field {
                name: "email", label: "E-mail", value: email, autocomplete: "username",
                focus: email.is_empty(), ..Field::default()
            }.email())
            (Field {
                name: "password", label: "Password", autocomplete: "current-password",
                focus: !email.is_empty(), ..Field::default()
            }.password())
            button.btn.main { "Sign in" }
            details.hint {
                summary { "Password forgotten?" }
                p { "Whoever runs the server can set a new one at its command line: " code { "lockwarden account password" } "." }
            }
        }
    };
    frame::bare(web, "Sign in", &body)
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn after_the_sign_in_nobody_is_sent_elsewhere() {
        assert_eq!(own_path("/activity?device=7"), "/activity?device=7");
        for foreign in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "/\t/evil"]
        {
            assert_eq!(own_path(foreign), "/devices", "{foreign}");
        }
    }
}
