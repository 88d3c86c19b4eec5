//! What has to happen before a door opens from afar: its owner's rules.

use axum::extract::{Path, State};
use axum::response::{Html, Response};
use lockwarden_app::devices::{Device, DeviceType, Safety};
use maud::{Markup, html};

use super::order::prove;
use super::{again, done};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::identify::Signed;
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here};
use crate::parts::said::{Said, sentence};
use crate::parts::words::noun;
use crate::web::Web;

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
) -> Result<Html<String>, Failure> {
    let device = super::manage::manageable(&web, &signed, &device).await?;
    page(&web, &signed, &device, device.safety, &Wrong::default()).await
}

pub(crate) async fn save(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device = super::manage::manageable(&web, &signed, &device).await?;
    let is_on = |name: &str| fields.text(name) == "on";
    let safety =
        Safety { never_open: is_on("never"), ask_again: is_on("ask"), fresh_sign_in: is_on("fresh") };
    if fields.has("password")
        && let Some(wrong) = prove(&web, &signed, fields.text("password")).await?
    {
        return Ok(again(page(&web, &signed, &device, safety, &wrong).await?));
    }
    web.app.set_safety(&signed.actor, device.id, safety).await?;
    Ok(done(&format!("/devices/{}", device.id), Said::Saved))
}

async fn page(
    web: &Web,
    signed: &Signed,
    device: &Device,
    filled: Safety,
    wrong: &Wrong,
) -> Result<Html<String>, Failure> {
    let has_rules = device.safety != Safety::default();
    let proof = has_rules && !web.app.is_freshly_proved(&signed.actor).await?;
    let path = format!("/devices/{}", device.id);
    let (held_up, ask, never) = meaning(device);
    let body = html! {
        section.narrow {
            form.card.pad.stack method="post" action={ (path) "/safety" } {
                h1 { "Before " (device.name) " opens" }
                p.hint {
                    "These rules hold for everybody who opens it from here. " (sentence(noun(device.kind)))
                    " itself, its keypad and the Nuki app do not know them. " (held_up)
                }
                @if let Some((label, hint)) = ask { (rule("ask", filled.ask_again, label, hint)) }
                (rule(
                    "fresh", filled.fresh_sign_in, "Ask for the password before it opens",
                    "Whoever opens it gives their password, which then holds for five minutes. API tokens cannot open it.",
                ))
                (rule(
                    "never", filled.never_open, "Never open it from here",
                    never,
                ))
                @if proof {
                    (Field {
                        name: "password", label: "Your password", wrong: wrong.of("password"),
                        hint: "It has rules already: changing them takes your password.",
                        autocomplete: "current-password", ..Field::default()
                    }.password())
                }
                div.acts { button.btn.main { "Save the rules" } a.btn href=(path) { "Cancel" } }
            }
        }
    };
    let title = format!("Before {} opens", device.name);
    Ok(frame::page(web, signed, Here::Devices, &wrong.title(&title), &body))
}

/// On this type: what no rule holds up, what it is to be asked before it is unlocked, and what it is never to be opened.
fn meaning(device: &Device) -> (&'static str, Option<(&'static str, &'static str)>, &'static str) {
    match device.kind {
        Some(DeviceType::Opener) => (
            "Switching ring to open off is never held up.",
            Some((
                "Ask before ring to open is switched on",
                "Ring to open takes two steps on these pages, as opening does. Programs are not asked.",
            )),
            "The buttons that let somebody in are gone, ring to open and continuous mode too, and the API refuses.",
        ),
        // It does nothing but open, which takes two steps anyway.
        Some(DeviceType::Box) => ("", None, "The button that opens it is gone, and the API refuses."),
        _ => (
            "Locking is never held up.",
            Some((
                "Ask before it is unlocked",
                "Unlocking takes two steps on these pages, as opening does. Programs are not asked.",
            )),
            if device.unlocking_opens {
                "The buttons that open it are gone, and the API refuses. It is set to open the door whenever it unlocks, so it \
                 is not unlocked from here either."
            } else {
                "The buttons that open it are gone, and the API refuses. Unlocking and locking stay, unless a Nuki Hub tells \
                 that it opens the door whenever it unlocks."
            },
        ),
    }
}

fn rule(name: &str, is_on: bool, label: &str, hint: &str) -> Markup {
    let hint_id = format!("{name}-hint");
    html! {
        label.check {
            input type="checkbox" name=(name) value="on" checked[is_on] aria-describedby=(hint_id);
            span { b { (label) } small id=(hint_id) { (hint) } }
        }
    }
}

/// The rules in a line, for the device's page.
pub(crate) fn words(safety: Safety) -> String {
    let rules = [
        (safety.ask_again, "asks before it is unlocked"),
        (safety.fresh_sign_in, "asks for the password before it opens"),
        (safety.never_open, "is never opened from here"),
    ];
    let on: Vec<&str> = rules.iter().filter(|(is_on, _)| *is_on).map(|(_, words)| *words).collect();
    if on.is_empty() {
        "Opening takes two steps. No further rules are set.".to_owned()
    } else {
        format!("It {}.", on.join(", "))
    }
}
