//! One's own sign-in: name and time zone, password, sessions.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use lockwarden_app::accounts::{MIN_PASSWORD, Session};
use lockwarden_app::{Error, Refusal};
use maud::{Markup, html};

use super::done;
use crate::failure::Failure;
use crate::fields::{Asked, Fields, id};
use crate::identify::{Person, Signed};
use crate::parts::form::{Field, Wrong, zone};
use crate::parts::frame::{self, Here, sign_out};
use crate::parts::said::{self, Said};
use crate::web::Web;
use crate::when::When;

const PATH: &str = "/settings/account";

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    asked: Asked,
) -> Result<Html<String>, Failure> {
    page(&web, &signed, Said::from_name(asked.text("said")), &Filled::default()).await
}

pub(crate) async fn change_profile(
    State(web): State<Web>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Failure> {
    let (name, zone) = (fields.text("name"), fields.text("zone"));
    match web.app.change_profile(&signed.actor, name, zone).await {
        Ok(()) => Ok(done(PATH, Said::Saved)),
        Err(Error::Invalid { field, why }) => {
            let filled = Filled { profile: Some((name, zone)), wrong: Wrong::at(field, why) };
            again(&web, &signed, &filled).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn change_password(
    State(web): State<Web>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Failure> {
    match web.app.change_password(&signed.actor, fields.text("present"), fields.text("new")).await {
        Ok(()) => Ok(done(PATH, Said::PasswordChanged)),
        Err(Error::Invalid { why, .. }) => wrong_password(&web, &signed, "new", why).await,
        Err(Error::Refused(why)) => {
            let why = match why {
                Refusal::WrongPassword => "this is not your current password".to_owned(),
                other => other.to_string(),
            };
            wrong_password(&web, &signed, "present", why).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn end_session(
    State(web): State<Web>,
    signed: Signed,
    Path(session): Path<String>,
) -> Result<Response, Failure> {
    web.app.end_session(&signed.actor, id(&session)?).await?;
    Ok(done(PATH, Said::SessionEnded))
}

pub(crate) async fn end_others(State(web): State<Web>, signed: Signed) -> Result<Response, Failure> {
    web.app.end_other_sessions(&signed.actor).await?;
    Ok(done(PATH, Said::OthersEnded))
}

/// What the forms of the page hold, and what was wrong with it. A password is never sent back.
#[derive(Default)]
struct Filled<'a> {
    /// Name and zone, as they were typed.
    profile: Option<(&'a str, &'a str)>,
    wrong: Wrong,
}

async fn again(web: &Web, person: &Person, filled: &Filled<'_>) -> Result<Response, Failure> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(web, person, None, filled).await?).into_response())
}

async fn wrong_password(
    web: &Web,
    person: &Person,
    field: &'static str,
    why: String,
) -> Result<Response, Failure> {
    again(web, person, &Filled { profile: None, wrong: Wrong::at(field, why) }).await
}

async fn page(
    web: &Web,
    person: &Person,
    said: Option<Said>,
    filled: &Filled<'_>,
) -> Result<Html<String>, Failure> {
    let account = web.app.load_account(&person.actor).await?;
    let wrong = &filled.wrong;
    let (name, time_zone) = filled.profile.unwrap_or((&account.name, &account.time_zone));
    let sessions = web.app.list_sessions(&person.actor).await?;
    let when = person.when(web);
    let body = html! {
        (said::strip(said))
        div.bar { h1 { "Account" } span.grow {} div.only-narrow { (sign_out()) } }
        div.two.even {
            div.stack {
                section {
                    h2 { "You" }
                    form.card.pad.stack method="post" action="/settings/account/profile" {
                        p.hint { "You sign in as " b { (account.email) } ", since " (when.date(account.created_at)) "." }
                        (Field {
                            name: "name", label: "Name", value: name, wrong: wrong.of("name"),
                            hint: "It stands in the activity log beside what you order.", autocomplete: "name",
                            ..Field::default()
                        }.text())
                        (zone(time_zone, wrong.of("time zone")))
                        div.acts { button.btn.main { "Save" } }
                    }
                }
                (password(&account.email, wrong))
            }
            (list(&sessions, &when))
        }
    };
    Ok(frame::page(web, person, Here::Account, &wrong.title("Account"), &body))
}

fn password(email: &str, wrong: &Wrong) -> Markup {
    let hint = format!(
        "At least {MIN_PASSWORD} characters, of any kind. A few words in a row are easy to remember and hard to guess."
    );
    html! {
        section {
            h2 { "Password" }
            form.card.pad.stack method="post" action="/settings/account/password" {
                // For password managers: whose password this is.
                input type="email" name="email" value=(email) autocomplete="username" hidden readonly;
                (Field {
                    name: "present", label: "Current password", wrong: wrong.of("present"),
                    autocomplete: "current-password", ..Field::default()
                }.password())
                (Field {
                    name: "new", label: "New password", wrong: wrong.of("new"), hint: &hint,
                    autocomplete: "new-password", shortest: Some(MIN_PASSWORD), ..Field::default()
                }.password())
                @if wrong.of("present").or(wrong.of("new")).is_some() { p.hint { "Type both passwords again: they were not sent back." } }
                p.hint { "Every other session and every API token of yours ends with it." }
                div.acts { button.btn { "Change the password" } }
            }
        }
    }
}

fn list(sessions: &[Session], when: &When) -> Markup {
    html! {
        section {
            h2 { "Where you are signed in" }
            ul.card.plain {
                @for session in sessions {
                    li.item {
                        div {
                            b { (browser(&session.user_agent)) }
                            @if session.current { " " span.chip.ok { "this one" } }
                            small {
                                "from " (session.address) " · signed in " (when.short(session.created_at))
                                " · last used " (when.short(session.seen_at)) " · ends " (when.date(session.ends_at))
                            }
                        }
                        @if !session.current {
                            form method="post" action={ "/settings/account/sessions/" (session.id) "/end" } {
                                button.btn { "End" span.sr { " the session of " (browser(&session.user_agent)) } }
                            }
                        }
                    }
                }
            }
            @if sessions.len() > 1 {
                form.acts method="post" action="/settings/account/sessions/end-others" {
                    button.btn.risk { "End all other sessions" }
                }
            }
            p.hint { "A session ends by itself after a week without use, and in any case after 30 days." }
        }
    }
}

/// A browser's name out of what it calls itself, as far as people need it to tell their own apart.
fn browser(agent: &str) -> String {
    let first = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "A browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_told_apart() {
        let edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0";
        assert_eq!(browser(edge), "Edge on Windows");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1";
        assert_eq!(browser(phone), "Safari on iPhone");
        assert_eq!(browser("<script>"), "A browser");
    }
}
