//! Who asks. One place reads the session's cookie, renews it when its secret changed, sends strangers to the sign-in,
//! and turns failures into pages for whoever asked.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use jiff::tz::TimeZone;
use lockwarden_app::Result;
use lockwarden_app::accounts::Account;
use lockwarden_app::actor::{Actor, Rights};
use lockwarden_app::ids::SessionId;

use crate::cookies::Cookie;
use crate::failure::{Failure, render};
use crate::parts::frame::{self, Here};
use crate::web::Web;
use crate::when::When;

/// A signed-in person. Only [`identify`] makes one.
#[derive(Clone)]
pub(crate) struct Signed(Arc<Person>);

#[derive(Clone)]
pub(crate) struct Person {
    pub actor: Actor,
    pub session: SessionId,
    pub profile: Account,
    pub zone: TimeZone,
    /// How many devices need somebody, for the navigation.
    pub attention: usize,
}

impl Deref for Signed {
    type Target = Person;
    fn deref(&self) -> &Person {
        &self.0
    }
}

impl Person {
    /// How times are told to this person.
    pub(crate) fn when(&self, web: &Web) -> When {
        When::new(self.zone.clone(), web.app.now())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| sign_in_first(parts))
    }
}

/// The header our own script sends with a form that it wants answered in parts, and that such an answer carries.
pub(crate) const IN_PARTS: &str = "lockwarden-parts";

/// Whether the answer is to be parts of the page instead of a whole one.
#[derive(Clone, Copy)]
pub(crate) struct InParts(pub bool);

impl<S: Send + Sync> FromRequestParts<S> for InParts {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.headers.contains_key(IN_PARTS)))
    }
}

/// People go to the sign-in and come back to the page they asked for; streams and scripts get a plain no.
fn sign_in_first(parts: &Parts) -> Response {
    if parts.headers.contains_key(IN_PARTS) || parts.uri.path() == "/live" {
        return (StatusCode::UNAUTHORIZED, "sign in first").into_response();
    }
    let asked = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if parts.method == Method::GET && asked != "/" && asked != "/devices" {
        return Redirect::to(&format!("/sign-in?next={}", encode(asked))).into_response();
    }
    Redirect::to("/sign-in").into_response()
}

/// Everything that could end the value of a query.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        use std::fmt::Write as _;
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

/// Guards the routes that only a signed-in person has, before anything of them runs.
pub(crate) async fn signed_in_only(_: Signed, request: Request, next: Next) -> Response {
    next.run(request).await
}

pub(crate) async fn identify(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.starts_with("/assets/") {
        return next.run(request).await;
    }
    let in_parts = request.headers().contains_key(IN_PARTS);
    let open_to_all = path == "/set-up" || path.starts_with("/set-up/");
    match web.is_set_up().await {
        Ok(true) => {}
        Ok(false) if open_to_all => {}
        Ok(false) => return Redirect::to("/set-up").into_response(),
        Err(error) => return plain(&web, error.into(), in_parts),
    }
    let (signed, rotated) = match who(&web, request.headers(), !in_parts && path != "/live").await {
        Ok(found) => found,
        Err(error) => return plain(&web, error.into(), in_parts),
    };
    if let Some(signed) = &signed {
        request.extensions_mut().insert(signed.clone());
    }
    let response = next.run(request).await;
    let mut response = render(&web, response, in_parts, |title, body| match &signed {
        Some(signed) => frame::page(&web, signed, Here::Nowhere, title, &body).into_response(),
        None => frame::bare(&web, title, &body).into_response(),
    });
    if let Some(secret) = rotated
        && !web.sets_cookie(response.headers(), Cookie::Session)
    {
        response.headers_mut().append(SET_COOKIE, web.set_cookie(Cookie::Session, &secret));
    }
    response
}

fn plain(web: &Web, failure: Failure, in_parts: bool) -> Response {
    render(web, failure.into_response(), in_parts, |title, body| {
        frame::bare(web, title, &body).into_response()
    })
}

/// A zone this machine does not know is better shown as UTC than not at all.
pub(crate) fn zone_of(profile: &Account) -> TimeZone {
    TimeZone::get(&profile.time_zone).unwrap_or(TimeZone::UTC)
}

async fn who(web: &Web, headers: &HeaderMap, is_page: bool) -> Result<(Option<Signed>, Option<String>)> {
    let Some(secret) = web.read_cookie(headers, Cookie::Session) else {
        return Ok((None, None));
    };
    let Some(session) = web.app.authenticate_session(secret).await? else {
        return Ok((None, None));
    };
    let profile = web.app.load_profile(&session.actor).await?;
    let zone = zone_of(&profile);
    let attention = if is_page && session.actor.rights.contains(Rights::VIEW) {
        web.app.count_attention(&session.actor).await?
    } else {
        0
    };
    let person = Person { actor: session.actor, session: session.session, profile, zone, attention };
    Ok((Some(Signed(Arc::new(person))), session.rotated))
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn what_was_asked_for_stays_one_value() {
        assert_eq!(encode("/activity?device=7&before=8.9"), "/activity%3Fdevice%3D7%26before%3D8.9");
    }
}
