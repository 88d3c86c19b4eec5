//! Adding a device, step by step: by which way, its name, and then what to type where ([`super::begin`]). A bridge brings
//! its devices with their names ([`super::bridge`]).

use axum::extract::State;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use lockwarden_app::bridges::{Bridge, NewBridge};
use lockwarden_app::devices::list::{Filter, ListOrder, ListQuery};
use lockwarden_app::devices::{Connector, Device, Kind, NewDevice};
use lockwarden_app::logins::BASE_PATH;
use lockwarden_app::{Error, Refusal};
use maud::{Markup, html};

use super::again;
use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::fields::{Asked, Fields};
use crate::identify::{Person, Signed};
use crate::pages::device::once;
use crate::parts::announced;
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here};
use crate::parts::icon::{Icon, icon};
use crate::parts::picture;
use crate::parts::reach::steps;
use crate::parts::said::sentence;
use crate::parts::simulated;
use crate::web::Web;

/// Begun devices that are shown; all of them are in the list.
const BEGUN: usize = 5;

/// How the token travels to a bridge, with what is to be known before it is chosen.
const TOKEN_FORMS: [(&str, &str); 3] =
    [("encrypted", "Encrypted"), ("hashed", "Hashed, for older bridges"), ("plain", "Readable by everybody")];

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    asked: Asked,
) -> Result<Html<String>, Failure> {
    signed.actor.may_add_devices()?;
    let begun = begun(&load_begun(&web, &signed).await?);
    if let Some(way) = Connector::from_name(asked.text("way")) {
        return Ok(page(&web, &signed, (way, &begun), asked.fields(), &Wrong::default()));
    }
    let strangers = web.app.list_strangers(&signed.actor, None).await?;
    let bridges = bridges(&web.app.list_bridges(&signed.actor).await?);
    let beside = html! { (begun) (announced::strangers(&strangers, &signed.when(&web))) (bridges) };
    Ok(choose(&web, &signed, &beside))
}

/// Added and not connected yet, the newest first: who comes back here goes on with those instead of adding them twice.
async fn load_begun(web: &Web, person: &Person) -> Result<Vec<Device>, Failure> {
    let filter = Filter { kind: Some(Kind::New), ..Filter::default() };
    let newest = ListQuery { filter, order: ListOrder::Added, limit: BEGUN, ..ListQuery::default() };
    let page = web.app.list_page(&person.actor, &newest).await?;
    let mut begun = web.app.list_some_devices(&person.actor, &page.devices).await?;
    begun.sort_by_key(|device| std::cmp::Reverse((device.added_at, device.id)));
    Ok(begun)
}

pub(crate) async fn add(State(web): State<Web>, signed: Signed, fields: Fields) -> Result<Response, Failure> {
    let way = Connector::from_name(fields.text("way")).unwrap_or(Connector::NukiMqtt);
    if way == Connector::NukiBridge {
        return add_bridge(&web, &signed, &fields).await;
    }
    let (name, path) = (fields.text("name"), fields.text("base_path"));
    let new = match way {
        Connector::NukiHub => NewDevice::by_hub(name, fields.has("base_path").then_some(path)),
        _ => NewDevice::by_mqtt(name),
    };
    // Without one it is called as it calls itself.
    let new = NewDevice { name: new.name.filter(|name| !name.trim().is_empty()), ..new };
    match web.app.add_device(&signed.actor, new).await {
        Ok((id, credentials)) => {
            let cookie = web.set_cookie(Cookie::Once, &once(id, &credentials));
            let to = Redirect::to(&format!("/devices/{id}/add#connect"));
            Ok((AppendHeaders([(SET_COOKIE, cookie)]), to).into_response())
        }
        Err(Error::Invalid { field, why }) => {
            Ok(again(page(&web, &signed, (way, &html! {}), &fields, &Wrong::at(field, why))))
        }
        Err(error) => Err(error.into()),
    }
}

async fn add_bridge(web: &Web, signed: &Signed, fields: &Fields) -> Result<Response, Failure> {
    match web.app.add_bridge(&signed.actor, typed_bridge(fields)).await {
        Ok((bridge, _)) => Ok(Redirect::to(&format!("/bridges/{bridge}")).into_response()),
        Err(error) => {
            let wrong = wrong_bridge(error)?;
            Ok(again(page(web, signed, (Connector::NukiBridge, &html! {}), fields, &wrong)))
        }
    }
}

/// A bridge as it was filled in.
pub(super) fn typed_bridge(fields: &Fields) -> NewBridge<'_> {
    let form = fields.text("token_form");
    let form = TOKEN_FORMS.iter().find(|(name, _)| *name == form).or(TOKEN_FORMS.first());
    NewBridge {
        address: fields.text("address"),
        token: fields.text("token").trim(),
        token_form: form.map_or("encrypted", |(name, _)| name),
        listed: &[],
    }
}

/// What is told at a field of its form.
pub(super) fn wrong_bridge(error: Error) -> Result<Wrong, Failure> {
    match error {
        Error::Invalid { field, why } => Ok(Wrong::at(field, why)),
        Error::Refused(why @ Refusal::BridgeExists) => Ok(Wrong::at("address", why.to_string())),
        error => Err(error.into()),
    }
}

/// Step one: how the device is reached.
fn choose(web: &Web, person: &Person, beside: &Markup) -> Html<String> {
    let choice = |way: Connector, words: &str| {
        html! {
            a.card.pad.choice href={ "/devices/new?way=" (way.name()) } {
                (picture::way(way))
                b { (sentence(way.words())) }
                span.muted { (words) }
            }
        }
    };
    let body = html! {
        h1 { "Add a device" }
        (place(1, None))
        p { "How is it reached? A device may have several ways; begin with one." }
        div.choices {
            (choice(
                Connector::NukiMqtt,
                "The lock speaks to Lockwarden by itself, over its own Wi-Fi or Thread: Smart Lock 3.0 Pro, 4th \
                 generation, Ultra, Go and newer.",
            ))
            (choice(
                Connector::NukiHub,
                "A small ESP32 board with Nuki Hub speaks Bluetooth with the lock or opener. Gives everything: names, \
                 codes, settings.",
            ))
            (choice(
                Connector::NukiBridge,
                "A Nuki Bridge in the same network is asked for its locks and openers. For older locks without Wi-Fi.",
            ))
        }
        (beside)
        p.hint {
            "No lock at hand? Choose any way: its next step shows the command that simulates one, which speaks the real "
            "protocol."
        }
    };
    frame::page(web, person, Here::Devices, "Add a device", &body)
}

fn begun(devices: &[Device]) -> Markup {
    html! {
        @if !devices.is_empty() {
            section #begun {
                h2 { "Added, not connected yet" }
                ul.card.plain {
                    @for device in devices {
                        li.item {
                            div { b { (device.name) } small { "by " (device.connector.words()) } }
                            a.btn href={ "/devices/" (device.id) "/add" } { "Go on" span.sr { " with " (device.name) } }
                        }
                    }
                }
            }
        }
    }
}

/// Those that are here already: one that brought no device yet is found nowhere else.
fn bridges(all: &[Bridge]) -> Markup {
    html! {
        @if !all.is_empty() {
            section {
                h2 { "Bridges that are here" }
                ul.card.plain {
                    @for bridge in all {
                        li.item {
                            div {
                                a href={ "/bridges/" (bridge.id) } { (bridge.address) }
                                small {
                                    @match (&bridge.trouble, bridge.online) {
                                        _ if bridge.same_as.is_some() => "Added twice",
                                        (Some(trouble), _) => (sentence(trouble)),
                                        (None, true) => "It answers",
                                        (None, false) => "It is being asked",
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where in the steps somebody is.
pub(crate) fn place(current: usize, way: Option<Connector>) -> Markup {
    // A bridge brings the names; where it is has to be told instead.
    let second = if way == Some(Connector::NukiBridge) { "Bridge" } else { "Name" };
    let steps = ["Way", second, "Connect", "Test", "Group"];
    html! {
        ol.chips.wizard aria-label="Steps" {
            @for (number, name) in (1..).zip(steps) {
                li class=(if number == current { "chip ok" } else { "chip" }) aria-current=[(number == current).then_some("step")] {
                    @if number < current { (icon(Icon::Check)) }
                    (number) ". " (name) @if number < current { span.sr { " (done)" } }
                }
            }
        }
    }
}

/// Step two: a name, or where the bridge is.
fn page(
    web: &Web,
    person: &Person,
    (way, begun): (Connector, &Markup),
    fields: &Fields,
    wrong: &Wrong,
) -> Html<String> {
    let body = html! {
        section.narrow {
            p.back { a href="/devices/new" { (icon(Icon::Back)) "Another way" } }
            h1 { "Add a device by " (way.words()) }
            (place(2, Some(way)))
            @if way == Connector::NukiBridge { (steps(way)) }
            form.card.pad.stack method="post" action="/devices/new" {
                input type="hidden" name="way" value=(way.name());
                @if way == Connector::NukiBridge { (bridge_fields(&typed_bridge(fields), wrong)) } @else { (fields_of(way, fields, wrong)) }
                div.acts {
                    button.btn.main { @if way == Connector::NukiBridge { "Ask the bridge" } @else { "Add device" } }
                    a.btn href="/devices" { "Cancel" }
                }
            }
            p.hint {
                @match way {
                    Connector::NukiMqtt => {
                        "The next page shows the address, user name and password to type into the Nuki app, step by step. The lock "
                        "has to speak MQTT itself: Smart Lock 3.0 Pro, 4th generation, Ultra, Go or newer."
                    }
                    Connector::NukiHub => {
                        "The next page shows what to type on the hub’s own web page, step by step. A hub with a lock and an opener "
                        "brings both."
                    }
                    Connector::NukiBridge => {
                        "The bridge is asked at once, and its devices appear with the names they have in the Nuki app."
                    }
                }
            }
            @if way == Connector::NukiBridge { (simulated::bridge()) } @else { (begun) }
        }
    };
    frame::page(web, person, Here::Devices, &wrong.title("Add a device"), &body)
}

fn fields_of(way: Connector, fields: &Fields, wrong: &Wrong) -> Markup {
    let path = if fields.has("base_path") { fields.text("base_path") } else { BASE_PATH };
    html! {
        (Field {
            name: "name", label: "Name", value: fields.text("name"), wrong: wrong.of("name"), optional: true,
            focus: !wrong.is_any(),
            hint: "As you call the door, for example “Front door” or “Flat 12”. Left empty, it takes the name that it has in \
                   the Nuki app. You can change it later.",
            autocomplete: "off", ..Field::default()
        }.text())
        @if way == Connector::NukiHub {
            (Field {
                name: "base_path", label: "Base path", value: path, wrong: wrong.of("base_path"), autocomplete: "off",
                hint: "Leave it as it is, unless the hub’s “MQTT base path” is another.", ..Field::default()
            }.text())
        }
    }
}

pub(super) fn bridge_fields(typed: &NewBridge<'_>, wrong: &Wrong) -> Markup {
    html! {
        (Field {
            name: "address", label: "Address", value: typed.address, wrong: wrong.of("address"),
            focus: !wrong.is_any(),
            hint: "As the Nuki app shows it, for example 192.168.1.50:8080.", autocomplete: "off", ..Field::default()
        }.text())
        (Field {
            name: "token", label: "Token", value: typed.token, wrong: wrong.of("token"), autocomplete: "off",
            hint: "The app shows it beside the address.", ..Field::default()
        }.text())
        div.field {
            label for="token_form" { "How the token travels" }
            select #token_form name="token_form" aria-describedby="token_form-hint" {
                @for (name, words) in TOKEN_FORMS { option value=(name) selected[name == typed.token_form] { (words) } }
            }
            p.hint #token_form-hint {
                "Bridges with firmware 1.22.1 or 2.14.0 and newer take it encrypted. Readable by everybody in the network only "
                "where nothing else works."
            }
        }
    }
}
