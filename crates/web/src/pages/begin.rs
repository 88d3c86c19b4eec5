//! The steps after a device was added: what to type where, waiting, found, a test, a group. Which of them it is at follows
//! from what the device has said, so the address alone is enough to go on later.

use axum::extract::{Path, State};
use axum::response::{Html, Response};
use http::HeaderMap;
use lockwarden_app::Error;
use lockwarden_app::commands::CommandState;
use lockwarden_app::devices::{Connector, DeviceType};
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::GroupId;
use lockwarden_app::ways::Fact;
use maud::{Markup, html};

use super::add_device::place;
use super::device::{Told, just_made};
use super::manage::manageable;
use super::{again, done};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::identify::{Person, Signed};
use crate::parts::announced;
use crate::parts::card::{Card, Drawn};
use crate::parts::facts;
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here};
use crate::parts::groups;
use crate::parts::icon::{Icon, icon};
use crate::parts::reach::steps;
use crate::parts::said::Said;
use crate::parts::simulated;
use crate::parts::words;
use crate::web::Web;
use crate::when::When;

/// How far a new device has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Connect,
    Test,
    Group,
}

impl Step {
    pub(crate) fn of(told: &Told) -> Self {
        let tested = told.commands().iter().any(|command| command.state == CommandState::Done);
        match (told.device.nuki_id, tested) {
            (None, _) => Self::Connect,
            (Some(_), false) => Self::Test,
            (Some(_), true) => Self::Group,
        }
    }

    /// Its place among the steps of adding a device, from 1.
    pub(crate) fn number(self) -> usize {
        match self {
            Self::Connect => 3,
            Self::Test => 4,
            Self::Group => 5,
        }
    }
}

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    headers: HeaderMap,
) -> Result<Html<String>, Failure> {
    let device = manageable(&web, &signed, &device).await?;
    let told = Told::of_new(&web, &signed, device.id).await?;
    let belongs = Belongs { group: told.device.group, ..Belongs::default() };
    Ok(page(&web, &signed, (&told, &headers), &belongs))
}

/// Where it belongs, as it was filled in, and what was wrong with the name of a new group.
#[derive(Default)]
struct Belongs<'a> {
    group: Option<GroupId>,
    new: &'a str,
    wrong: Wrong,
}

/// The last step. A new group that is there already is that one: two who add devices may name the same house.
pub(crate) async fn save(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Failure> {
    let device = manageable(&web, &signed, &device).await?.id;
    let (mut group, new) = (fields.chosen("group")?, fields.text("new_group"));
    if !new.trim().is_empty() {
        let named = NewGroup { name: new, parent: group };
        group = match web.app.find_or_create_group(&signed.actor, named).await {
            Ok(named) => Some(named),
            Err(Error::Invalid { why, .. }) => {
                let told = Told::of_new(&web, &signed, device).await?;
                let belongs = Belongs { group, new, wrong: Wrong::at("new_group", why) };
                return Ok(again(page(&web, &signed, (&told, &headers), &belongs)));
            }
            Err(error) => return Err(error.into()),
        };
    }
    web.app.set_group(&signed.actor, device, group).await?;
    Ok(done(&format!("/devices/{device}"), Said::Grouped))
}

fn page(
    web: &Web,
    person: &Person,
    (told, headers): (&Told, &HeaderMap),
    belongs: &Belongs<'_>,
) -> Html<String> {
    let device = &told.device;
    let (step, when) = (Step::of(told), person.when(web));
    let body = html! {
        p.back { a href={ "/devices/" (device.id) } { (icon(Icon::Back)) "To the device itself" } }
        h1 { "Add " (device.name) }
        (place(step.number(), Some(device.connector)))
        div.two {
            div.stack {
                @if step == Step::Connect { (to_type(web, told, headers)) }
                (parts(web, person, told, &when))
            }
            div.stack {
                @if step == Step::Connect { section #hint { h2 { "Step by step" } (guide(told)) } }
                @else { (group(told, belongs, person.actor.may_manage_groups().is_ok())) }
                div.acts {
                    a.btn.plain href={ "/devices/" (device.id) } { "Go on later" }
                    a.btn.plain href={ "/devices/" (device.id) "/remove" } { "Remove it again…" }
                }
            }
        }
        (frame::live(&format!("on=add&device={}&step={}", device.id, step.number()), when.now))
    };
    frame::page(web, person, Here::Devices, &belongs.wrong.title(&format!("Add {}", device.name)), &body)
}

fn ways(told: &Told) -> impl Iterator<Item = Connector> {
    told.connection.ways.iter().map(|way| way.connector).filter(|way| *way != Connector::NukiBridge)
}

fn guide(told: &Told) -> Markup {
    html! { @for way in ways(told) { div.card.pad { (steps(way)) } } }
}

fn to_type(web: &Web, told: &Told, headers: &HeaderMap) -> Markup {
    let fresh = just_made(web, headers, told);
    let connect = told.connect();
    html! {
        section #connect {
            h2 { "What to type" }
            @for way in ways(told) {
                @let password = fresh.as_ref().filter(|fresh| {
                    connect.login(way).is_some_and(|login| login.username == fresh.username)
                });
                @let prefix = if Some(way) == ways(told).next() { "mqtt" } else { way.name() };
                div.card.pad {
                    (connect.to_type(web, (way, prefix), password.map(|fresh| fresh.password.as_str())))
                    @if password.is_none() {
                        form method="post" action={ "/devices/" (told.device.id) "/password" } {
                            input type="hidden" name="way" value=(way.name());
                            input type="hidden" name="from" value="add";
                            button.btn { (icon(Icon::Key)) "Make a new password" }
                        }
                    }
                }
                @if let Some(login) = connect.login(way) { (simulated::with_login(&web.config, login)) }
            }
        }
    }
}

/// What changes while somebody looks: waiting, what was found, and the test.
pub(crate) fn parts(web: &Web, person: &Person, told: &Told, when: &When) -> Markup {
    let device = &told.device;
    let doing = told.doing();
    let key = web.app.chance().code::<16>();
    let card =
        Card { device, doing: &doing, when, key: &key, rights: person.actor.rights, list: "", group: None };
    html! {
        section #{ "begin-" (device.id) } {
            h2 { @if device.nuki_id.is_some() { "Found" } @else { "Waiting" } }
            (announced::found(device, &told.connection))
            (told.progress(when))
            @if device.nuki_id.is_some() {
                (found(told))
                (announced::suggestion(device, &told.connection))
                (announced::beside(&told.connection))
            }
        }
        div #{ "strangers-" (device.id) } { (announced::strangers(&told.strangers, when)) }
        @if device.nuki_id.is_some() {
            section #{ "test-" (device.id) } {
                h2 { "Test it" }
                p.hint { (test_words(device.kind)) }
            }
            (card.draw(Drawn::Step))
        }
    }
}

/// What shows that it obeys, and lets nobody in by surprise where that can be had.
fn test_words(kind: Option<DeviceType>) -> &'static str {
    match kind {
        Some(DeviceType::Opener) => {
            "Press “Ring to open on”, and off again: the opener does it, and its answer is seen here."
        }
        Some(DeviceType::Box) => {
            "Press Open when somebody stands at the door: it opens, and its answer is seen here."
        }
        _ => "Close the door and press Lock: the lock turns, and its answer is seen here.",
    }
}

fn found(told: &Told) -> Markup {
    let device = &told.device;
    let model = told.connection.fact(Fact::Model).filter(|model| facts::says_more(model, device.kind));
    let rows = [
        ("Name in the Nuki app", announced::own_name(device, &told.connection).map(ToOwned::to_owned)),
        ("Type", device.kind.map(|kind| words::kind_words(kind).to_owned())),
        ("Model", model.map(ToOwned::to_owned)),
        ("Nuki ID", device.nuki_id.map(|id| format!("{id:08X}"))),
        ("Firmware", device.said.firmware.clone()),
    ];
    html! {
        dl.card.facts {
            @for (name, value) in rows {
                @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
            }
        }
    }
}

/// The last step: where in the list it stands. Saving it leads to the device.
fn group(told: &Told, belongs: &Belongs<'_>, may_make: bool) -> Markup {
    let device = &told.device;
    html! {
        section #group-step {
            h2 { "Where it belongs" }
            form.card.pad.stack method="post" action={ "/devices/" (device.id) "/add" } {
                (groups::select(("group", "Group"), told.groups().iter(), ("In no group", belongs.group)))
                @if may_make {
                    (Field {
                        name: "new_group", label: "Or a new group", value: belongs.new, wrong: belongs.wrong.of("new_group"),
                        optional: true, autocomplete: "off",
                        hint: "For example a house or a floor. It is made inside the group chosen above, or at the top.",
                        ..Field::default()
                    }.text())
                }
                div.acts { button.btn.main { (icon(Icon::Check)) "Done" } }
            }
        }
    }
}
