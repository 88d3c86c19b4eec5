//! What is around every page: head, navigation, the places where live updates speak.

use axum::response::Html;
use lockwarden_app::actor::Rights;
use maud::{DOCTYPE, Markup, html};

use super::attention::badge;
use super::icon::{Icon, icon, sprite};
use super::said;
use crate::assets::{ICON, LOOK, SCRIPT};
use crate::identify::Person;
use crate::web::Web;

/// Where in the navigation a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Here {
    Devices,
    Attention,
    Activity,
    Api,
    Account,
    Nowhere,
}

const PLACES: [(Here, &str, &str, &str, Icon); 5] = [
    (Here::Devices, "/devices", "Devices", "Devices", Icon::Lock),
    (Here::Attention, "/attention", "What needs you", "Needs you", Icon::Alert),
    (Here::Activity, "/activity", "Activity log", "Activity", Icon::Activity),
    (Here::Api, "/settings/api-tokens", "API", "API", Icon::Api),
    (Here::Account, "/settings/account", "Account", "Account", Icon::Settings),
];

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
            meta name="color-scheme" content="light dark";
            title { (title) " · Lockwarden" }
            link rel="icon" type="image/svg+xml" href=(ICON.path());
            link rel="stylesheet" href=(LOOK.path());
            script type="module" src=(SCRIPT.path()) {}
        }
    }
}

fn brand() -> Markup {
    html! { (icon(Icon::Key)) "Lockwarden" }
}

/// Where the script speaks to people who cannot see the page change, and to everybody when the connection is lost.
fn voices() -> Markup {
    html! {
        div #announce .sr role="status" aria-live="polite" {}
        div #lost role="alert" hidden {
            (icon(Icon::Lost)) span { "Connection lost, trying again. What you see may be old." }
        }
        // What an order that got no answer from the server is followed by.
        template #unsure {
            (said::problem("The server was not reached. Whether the order arrived is not known: look at the state of the door."))
        }
    }
}

fn demo(web: &Web) -> Markup {
    html! {
        @if web.config.demo {
            p.strip.warn.demo { (icon(Icon::Info)) span { "Demo: these locks are simulated. No real door moves." } }
        }
    }
}

/// A page for somebody who is signed in.
pub(crate) fn page(web: &Web, person: &Person, here: Here, title: &str, main: &Markup) -> Html<String> {
    let current = |place: Here| (place == here).then_some("page");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                (sprite())
                a.skip href="#main" { "Skip to the content" }
                div.shell {
                    header.side {
                        a.brand href="/devices" { (brand()) }
                        nav aria-label="Main" {
                            @for (place, path, name, _, shape) in PLACES {
                                @if place == Here::Api { hr; }
                                a href=(path) aria-current=[current(place)] {
                                    (icon(shape)) (name)
                                    @if place == Here::Attention { (badge("side", person.attention)) }
                                }
                            }
                        }
                        div.who {
                            span { "Signed in as" }
                            b title=(person.profile.email) { (person.profile.name) }
                            (sign_out())
                        }
                    }
                    main #main tabindex="-1" { (demo(web)) (main) }
                }
                nav.bottom aria-label="Main, at the bottom" {
                    @for (place, path, _, name, shape) in PLACES {
                        a href=(path) aria-current=[current(place)] {
                            (icon(shape)) (name)
                            @if place == Here::Attention { (badge("bottom", person.attention)) }
                        }
                    }
                }
                (voices())
            }
        }
    };
    Html(page.into_string())
}

pub(crate) fn sign_out() -> Markup {
    html! {
        form method="post" action="/sign-out" { button.btn.plain { (icon(Icon::SignOut)) "Sign out" } }
    }
}

/// A page for somebody who is not: one card in the middle.
pub(crate) fn bare(web: &Web, title: &str, main: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body.bare {
                (sprite())
                main #main { div.brand { (brand()) } (demo(web)) (main) }
                (voices())
            }
        }
    };
    Html(page.into_string())
}

/// The element that keeps a page live. `since` lets the stream tell what changed while the page was on its way.
pub(crate) fn live(query: &str, since: lockwarden_app::clock::Time) -> Markup {
    html! { live-events src={ "/live?" (query) "&since=" (since.0) } id="live" {} }
}

pub(crate) fn may(person: &Person, right: Rights) -> bool {
    person.actor.rights.contains(right)
}
