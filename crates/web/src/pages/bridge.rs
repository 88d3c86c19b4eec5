//! A bridge: whether it answers, what is wrong with it, and which devices it reaches. After adding it, this is where its
//! devices appear.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use lockwarden_app::bridges::{Bridge, NewBridge};
use lockwarden_app::devices::Device;
use lockwarden_app::ids::BridgeId;
use lockwarden_app::{Error, Result};
use maud::{Markup, html};

use super::add_device::{bridge_fields, typed_bridge, wrong_bridge};
use super::{again, done};
use crate::failure::Failure;
use crate::fields::{Fields, id};
use crate::identify::{Person, Signed};
use crate::parts::counts;
use crate::parts::form::Wrong;
use crate::parts::frame::{self, Here};
use crate::parts::icon::{Icon, icon};
use crate::parts::said::{Said, sentence};
use crate::parts::words;
use crate::web::Web;
use crate::when::When;

/// A bridge with the devices behind it that this person may see.
pub(crate) struct Reached {
    pub bridge: Bridge,
    pub devices: Vec<Device>,
    /// The one that it is, where it was added twice.
    twin: Option<(BridgeId, String)>,
}

impl Reached {
    pub(crate) async fn load(web: &Web, person: &Person, id: BridgeId) -> Result<Self> {
        let all = web.app.list_bridges(&person.actor).await?;
        let bridge = all.iter().find(|bridge| bridge.id == id).ok_or(Error::NotFound)?.clone();
        let twin = all.into_iter().find(|other| Some(&other.address) == bridge.same_as.as_ref());
        let twin = twin.map(|twin| (twin.id, twin.address));
        let behind: Vec<_> = web.app.devices_behind(id).await?.iter().map(|one| one.device).collect();
        let mut devices = web.app.list_some_devices(&person.actor, &behind).await?;
        devices.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { bridge, devices, twin })
    }

    /// How it stands and what it brought. Live.
    pub(crate) fn parts(&self, when: &When) -> Markup {
        html! {
            section #bridge-state { (self.now(when)) (self.facts(when)) }
            section #bridge-devices {
                h2 { "What it reaches" }
                @if self.devices.is_empty() && self.bridge.left_out == 0 {
                    p.hint {
                        @if self.twin.is_some() {
                            "Its devices are reached by the other one."
                        } @else if self.bridge.heard_at.is_some() {
                            "The bridge lists no devices. Pair them with it in the Nuki app; they appear here by themselves."
                        } @else { "Its devices appear here as soon as it lists them." }
                    }
                } @else if !self.devices.is_empty() {
                    p.hint { (sentence(&counts::devices(self.devices.len()))) " found. Test each: the lock turns, and you see its answer." }
                    ul.card.plain { @for device in &self.devices { (line(device)) } }
                }
                @if self.bridge.left_out > 0 { (left_out(self.bridge.left_out)) }
            }
        }
    }

    fn now(&self, when: &When) -> Markup {
        let bridge = &self.bridge;
        html! {
            @match (&bridge.trouble, bridge.online, bridge.heard_at) {
                _ if let Some((twin, address)) = &self.twin => (twice(*twin, address)),
                (Some(trouble), online, heard) => p.strip.bad {
                    (icon(Icon::Alert))
                    span {
                        b { @if online { "Trouble." } @else if heard.is_some() { "It cannot be used now." } @else { "It cannot be used yet." } }
                        " " (sentence(trouble)) ". It is asked again by itself."
                        @if !online {
                            " If its address or token was mistyped, or is another now, "
                            a href={ "/bridges/" (bridge.id) "/change" } { "type in the right one" } "."
                        }
                    }
                },
                (None, true, _) => p.strip.ok {
                    (icon(Icon::Check))
                    span {
                        b { "It answers" }
                        @if let Some(latency) = bridge.latency_ms { " in " (latency) " ms" }
                        @if let Some(at) = bridge.changed_at { ", since " (when.short(at)) }
                        "."
                    }
                },
                (None, false, _) => p.strip.wait {
                    span.spin { (icon(Icon::Busy)) }
                    span {
                        b { "The bridge is being asked." }
                        span.scripted { " Its answer shows up here by itself." }
                        span.unscripted { " Reload the page to see its answer." }
                    }
                },
            }
        }
    }

    fn facts(&self, when: &When) -> Markup {
        let bridge = &self.bridge;
        let rows = [
            ("Address", Some(bridge.address.clone())),
            ("Firmware", bridge.version.clone()),
            ("Hardware ID", bridge.hardware_id.map(|id| id.to_string())),
            ("Last heard", bridge.heard_at.map(|at| when.short(at))),
            ("Calls back", bridge.callbacks.clone()),
            ("Added", Some(when.date(bridge.added_at))),
        ];
        html! {
            dl.card.facts {
                @for (name, value) in rows {
                    @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
                }
            }
        }
    }
}

fn twice(twin: BridgeId, address: &str) -> Markup {
    html! {
        p.strip.bad {
            (icon(Icon::Alert))
            span {
                b { "Added twice." }
                " It is the bridge at " a href={ "/bridges/" (twin) } { (address) } ", and is asked only there. If it has moved, remove that one: then it is asked "
                "here. If not, remove this one."
            }
        }
    }
}

fn left_out(count: usize) -> Markup {
    html! {
        p.hint {
            (sentence(&counts::devices(count))) " that you removed here "
            (if count == 1 { "is" } else { "are" })
            " left out. To have that back, remove this bridge and add it anew."
        }
    }
}

fn line(device: &Device) -> Markup {
    html! {
        li.item {
            div {
                a href={ "/devices/" (device.id) } { b { (device.name) } }
                @if let Some(kind) = device.kind { small { (words::kind_words(kind)) } }
            }
            a.btn href={ "/devices/" (device.id) "/add" } { "Test it" span.sr { " " (device.name) } }
        }
    }
}

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(bridge): Path<String>,
) -> Result<Html<String>, Failure> {
    let id: BridgeId = may_see(&signed, &bridge)?;
    let reached = Reached::load(&web, &signed, id).await?;
    let when = signed.when(&web);
    let body = html! {
        p.back { a href="/devices" { (icon(Icon::Back)) "Devices" } }
        h1 { "Nuki Bridge" }
        (reached.parts(&when))
        div.acts {
            a.btn.main href="/devices" { "To the devices" }
            a.btn.risk href={ "/bridges/" (id) "/remove" } { (icon(Icon::Trash)) "Remove this bridge…" }
        }
        (frame::live(&format!("on=bridge&bridge={id}"), when.now))
    };
    Ok(frame::page(&web, &signed, Here::Devices, "Nuki Bridge", &body))
}

/// The right comes before the question whether there is such a bridge.
fn may_see(signed: &Signed, bridge: &str) -> Result<BridgeId, Failure> {
    signed.actor.may_add_devices()?;
    id(bridge)
}

pub(crate) async fn ask_change(
    State(web): State<Web>,
    signed: Signed,
    Path(bridge): Path<String>,
) -> Result<Html<String>, Failure> {
    let reached = Reached::load(&web, &signed, may_see(&signed, &bridge)?).await?;
    let bridge = &reached.bridge;
    let typed =
        NewBridge { address: &bridge.address, token: "", token_form: &bridge.token_form, listed: &[] };
    Ok(changing(&web, &signed, &reached, &typed, &Wrong::default()))
}

pub(crate) async fn change(
    State(web): State<Web>,
    signed: Signed,
    Path(bridge): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let id = may_see(&signed, &bridge)?;
    match web.app.change_bridge(&signed.actor, id, typed_bridge(&fields)).await {
        Ok(()) => Ok(Redirect::to(&format!("/bridges/{id}")).into_response()),
        Err(error) => {
            let wrong = wrong_bridge(error)?;
            let reached = Reached::load(&web, &signed, id).await?;
            Ok(again(changing(&web, &signed, &reached, &typed_bridge(&fields), &wrong)))
        }
    }
}

fn changing(
    web: &Web,
    person: &Person,
    reached: &Reached,
    typed: &NewBridge<'_>,
    wrong: &Wrong,
) -> Html<String> {
    let Reached { bridge, devices, .. } = reached;
    let body = html! {
        section.narrow {
            p.back { a href={ "/bridges/" (bridge.id) } { (icon(Icon::Back)) "Nuki Bridge" } }
            h1 { "Change the bridge at " (bridge.address) }
            form.card.pad.stack method="post" action={ "/bridges/" (bridge.id) "/change" } {
                (bridge_fields(typed, wrong))
                p.hint {
                    "The token is never shown here, so type it again."
                    @if !devices.is_empty() {
                        " At another address, " (counts::devices(devices.len())) " that it reaches "
                        (if devices.len() == 1 { "comes" } else { "come" }) " back as soon as the bridge lists "
                        (if devices.len() == 1 { "it" } else { "them" }) " there."
                    }
                }
                div.acts {
                    button.btn.main { "Ask the bridge" }
                    a.btn href={ "/bridges/" (bridge.id) } { "Cancel" }
                }
            }
        }
    };
    frame::page(web, person, Here::Devices, &wrong.title("Change a bridge"), &body)
}

pub(crate) async fn ask_remove(
    State(web): State<Web>,
    signed: Signed,
    Path(bridge): Path<String>,
) -> Result<Html<String>, Failure> {
    let reached = Reached::load(&web, &signed, may_see(&signed, &bridge)?).await?;
    let id = reached.bridge.id;
    let body = html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/bridges/" (id) "/remove" } {
                h1 { "Remove the bridge at " (reached.bridge.address) "?" }
                p { "It is not asked any more, and its token is forgotten here." }
                @if !reached.devices.is_empty() {
                    p { "What it leads to is not reached by it any more, but stays, with its log and any other way it has:" }
                    ul.tight { @for device in &reached.devices { li { (device.name) } } }
                }
                div.acts {
                    button.btn.risk.sure { "Remove the bridge" }
                    a.btn href={ "/bridges/" (id) } { "Keep it" }
                }
            }
        }
    };
    Ok(frame::page(&web, &signed, Here::Devices, "Remove the bridge?", &body))
}

pub(crate) async fn remove(
    State(web): State<Web>,
    signed: Signed,
    Path(bridge): Path<String>,
) -> Result<Response, Failure> {
    web.app.remove_bridge(&signed.actor, may_see(&signed, &bridge)?).await?;
    Ok(done("/devices", Said::BridgeRemoved))
}
