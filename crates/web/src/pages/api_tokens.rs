//! Personal API tokens: made with the least they need, shown once, revoked at once.

use axum::extract::{Path, State};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use http::header::{HOST, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use lockwarden_app::Error;
use lockwarden_app::accounts::{NewToken, Token, TokenScope};
use lockwarden_app::ids::TokenId;
use maud::{Markup, html};

use super::done;
use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::fields::{Asked, Fields, id};
use crate::identify::{Person, Signed};
use crate::parts::form::{Field, Wrong, copyable};
use crate::parts::frame::{self, Here};
use crate::parts::icon::{Icon, icon};
use crate::parts::said::{self, Said};
use crate::web::Web;
use crate::when::When;

const PATH: &str = "/settings/api-tokens";

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Failure> {
    let tokens = web.app.list_tokens(&signed.actor).await?;
    let secret = just_made(&web, &headers, &tokens);
    let filled = Filled { secret: secret.as_deref(), ..Filled::default() };
    let said = Said::from_name(asked.text("said"));
    let page = page(&web, &signed, &headers, &tokens, said, &filled);
    Ok(match secret {
        // Shown once: reloading the page does not show it again.
        Some(_) => (AppendHeaders([(SET_COOKIE, web.drop_cookie(Cookie::Once))]), page).into_response(),
        None => page.into_response(),
    })
}

pub(crate) async fn create(
    State(web): State<Web>,
    signed: Signed,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Failure> {
    let scopes: Vec<TokenScope> =
        TokenScope::ALL.iter().copied().filter(|scope| fields.has(scope.name())).collect();
    let name = fields.text("name");
    match web.app.create_token(&signed.actor, NewToken { name, scopes: &scopes }).await {
        Ok((id, secret)) => {
            let cookie = web.set_cookie(Cookie::Once, &format!("token.{id}.{secret}"));
            Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(PATH)).into_response())
        }
        Err(Error::Invalid { field, why }) => {
            let tokens = web.app.list_tokens(&signed.actor).await?;
            let filled = Filled { name, scopes: &scopes, wrong: Wrong::at(field, why), secret: None };
            let page = page(&web, &signed, &headers, &tokens, None, &filled);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn ask_revoke(
    State(web): State<Web>,
    signed: Signed,
    Path(token): Path<String>,
) -> Result<Html<String>, Failure> {
    let token: TokenId = id(&token)?;
    let tokens = web.app.list_tokens(&signed.actor).await?;
    let token = tokens.into_iter().find(|one| one.id == token).ok_or(Error::NotFound)?;
    let body = html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/settings/api-tokens/" (token.id) "/revoke" } {
                h1 { "Revoke " (token.name) "?" }
                p { "Whatever uses this token is refused from now on. It cannot be brought back; a new one can be made." }
                p.hint { (used(&token, &signed.when(&web))) }
                div.acts {
                    button.btn.risk.sure { "Revoke the token" }
                    a.btn href=(PATH) { "Keep it" }
                }
            }
        }
    };
    Ok(frame::page(&web, &signed, Here::Api, "Revoke the token?", &body))
}

pub(crate) async fn revoke(
    State(web): State<Web>,
    signed: Signed,
    Path(token): Path<String>,
) -> Result<Response, Failure> {
    web.app.revoke_token(&signed.actor, id(&token)?).await?;
    Ok(done(PATH, Said::TokenRevoked))
}

fn just_made(web: &Web, headers: &HeaderMap, tokens: &[Token]) -> Option<String> {
    let (token, secret) = web.read_cookie(headers, Cookie::Once)?.strip_prefix("token.")?.split_once('.')?;
    let token: TokenId = token.parse().ok()?;
    tokens.iter().any(|one| one.id == token).then(|| secret.to_owned())
}

/// What the form for a new token holds, and what came of it.
#[derive(Default)]
struct Filled<'a> {
    name: &'a str,
    scopes: &'a [TokenScope],
    wrong: Wrong,
    secret: Option<&'a str>,
}

fn page(
    web: &Web,
    person: &Person,
    headers: &HeaderMap,
    tokens: &[Token],
    said: Option<Said>,
    filled: &Filled<'_>,
) -> Html<String> {
    let when = person.when(web);
    let body = html! {
        (said::strip(said))
        div.bar { h1 { "API tokens" } }
        @if let Some(secret) = filled.secret { (made(secret)) }
        div.two.even {
            div.stack {
                section {
                    h2 { "Tokens" }
                    @if tokens.is_empty() {
                        p.hint { "None yet. A token lets a program act for you, within the limits you choose." }
                    } @else {
                        ul.card.plain { @for token in tokens { (line(token, &when)) } }
                    }
                }
                (how_to(&address(web, headers)))
            }
            (new(filled))
        }
    };
    frame::page(web, person, Here::Api, &filled.wrong.title("API tokens"), &body)
}

fn made(secret: &str) -> Markup {
    html! {
        section.strip.ok {
            (icon(Icon::Check))
            div {
                b { "The token is made. Copy it now: it is shown this once and not stored." }
                dl.copies { (copyable("token", "Token", secret)) }
            }
        }
    }
}

fn used(token: &Token, when: &When) -> String {
    let used = token.used_at.map_or("never used".to_owned(), |at| format!("last used {}", when.short(at)));
    format!("made {} · {used}", when.date(token.created_at))
}

fn line(token: &Token, when: &When) -> Markup {
    html! {
        li.item {
            div {
                b { (token.name) }
                small { (used(token, when)) }
                div.chips {
                    @for scope in &token.scopes {
                        span.chip.warn[*scope == TokenScope::SmartlockAction] { (scope.words()) }
                    }
                }
            }
            a.btn.risk href={ "/settings/api-tokens/" (token.id) "/revoke" } { "Revoke…" span.sr { " " (token.name) } }
        }
    }
}

fn new(filled: &Filled<'_>) -> Markup {
    let wrong = filled.wrong.of("scopes");
    html! {
        section {
            h2 { "New token" }
            form.card.pad.stack method="post" action="/settings/api-tokens" {
                (Field {
                    name: "name", label: "What is it for?", value: filled.name, wrong: filled.wrong.of("name"),
                    hint: "For example “Home Assistant”. It helps you to tell tokens apart.", autocomplete: "off",
                    ..Field::default()
                }.text())
                fieldset tabindex=[wrong.map(|_| "-1")] autofocus[wrong.is_some()] aria-describedby=[wrong.map(|_| "scopes-wrong")] {
                    legend { "It may" }
                    @for scope in TokenScope::ALL {
                        label.check {
                            input type="checkbox" name=(scope.name()) value="yes" checked[filled.scopes.contains(scope)];
                            span { (scope.words()) small { code { (scope.name()) } } }
                        }
                    }
                    @if let Some(why) = wrong {
                        p.wrong #scopes-wrong { (icon(Icon::Alert)) span { (said::sentence(why)) } }
                    }
                }
                button.btn.main { "Make the token" }
            }
        }
    }
}

/// Where this very page was reached, for an example that works when it is pasted.
fn address(web: &Web, headers: &HeaderMap) -> String {
    if let Some(url) = &web.config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}")
}

fn how_to(address: &str) -> Markup {
    let example = format!("curl -H \"Authorization: Bearer $TOKEN\" \\\n  {address}/api/smartlock");
    html! {
        section {
            h2 { "How to use one" }
            div.card.pad.stack {
                p {
                    "The API is the one of Nuki Web, at " code { (address) "/api" } ". Programs written for it need another "
                    "address and a token from here."
                }
                p { "Put the token into " code { "$TOKEN" } ", then list your devices:" }
                pre tabindex="0" role="group" aria-label="Example" { code { (example) } }
                p { a.more href="/api/openapi.json" { "Every operation, as an OpenAPI document" } }
                p.hint { "A token never may do more than you may yourself. Give it only what it needs, and revoke it when it is lost." }
            }
        }
    }
}
