//! One device: its state and actions, what it did, how it is connected, and what its owner can change.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::HeaderMap;
use lockwarden_app::activity::{Entry, EntryQuery};
use lockwarden_app::actor::Rights;
use lockwarden_app::bridges::Bridge;
use lockwarden_app::commands::Command;
use lockwarden_app::devices::{Capability, Device};
use lockwarden_app::groups::Group;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::{Credentials, Login, LoginRefusal, StrangerSeen};
use lockwarden_app::settings::Held;
use lockwarden_app::ways::Connection;
use lockwarden_app::{Error, Result};
use maud::{Markup, html};

use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::fields::{Asked, id};
use crate::identify::{Person, Signed};
use crate::parts::card::{Card, Drawn};
use crate::parts::connect::Connect;
use crate::parts::entry::of_device;
use crate::parts::face::Doing;
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here, may};
use crate::parts::icon::{Icon, icon};
use crate::parts::pictures::Pictures;
use crate::parts::reach::Fresh;
use crate::parts::said::{self, Said};
use crate::parts::{accessories, commands, facts, groups, words};
use crate::web::Web;
use crate::when::When;

const ENTRIES: usize = 10;
const COMMANDS: u8 = 10;
const COMMANDS_SHOWN: usize = 5;

/// Everything the page tells of a device. What this person may not see is not in it.
pub(crate) struct Told {
    pub device: Device,
    commands: Vec<Command>,
    entries: Option<Vec<Entry>>,
    logins: Option<(Vec<Login>, Vec<LoginRefusal>)>,
    groups: Vec<Group>,
    pub connection: Connection,
    settings: Vec<Held>,
    bridge: Option<Bridge>,
    pictures: Option<Pictures>,
    /// What else speaks through its login.
    pub strangers: Vec<StrangerSeen>,
}

impl Told {
    pub(crate) async fn load(web: &Web, person: &Person, id: DeviceId) -> Result<Self> {
        let actor = &person.actor;
        let device = web.app.load_device(actor, id).await?;
        // It may have become one with another that was there already.
        let id = device.id;
        let commands = web.app.list_commands(actor, id, COMMANDS).await?;
        let query = EntryQuery { device: Some(id), limit: ENTRIES, ..EntryQuery::default() };
        let entries = allowed(web.app.list_activity(actor, query).await)?.map(|page| page.entries);
        let logins = allowed(web.app.load_logins(actor, id).await)?;
        let groups = web.app.known_groups(actor).await?;
        let mut connection = web.app.load_connection(actor, id).await?;
        // In the order in which their word counts.
        connection.ways.sort_by_key(|way| way.connector);
        let settings = web.app.load_settings(actor, id).await?;
        let bridge = web.app.find_bridge_of(actor, id).await?;
        Ok(Self {
            device,
            commands,
            entries,
            logins,
            groups,
            connection,
            settings,
            bridge,
            pictures: None,
            strangers: Vec::new(),
        })
    }

    /// For the page on which it is added.
    pub(crate) async fn of_new(web: &Web, person: &Person, id: DeviceId) -> Result<Self> {
        let mut told = Self::load(web, person, id).await?;
        let strangers = allowed(web.app.list_strangers(&person.actor, Some(told.device.id)).await)?;
        told.strangers = strangers.unwrap_or_default();
        Ok(told)
    }

    pub(crate) fn doing(&self) -> Doing {
        Doing::of(self.commands.clone())
    }

    pub(crate) fn connect(&self) -> Connect<'_> {
        let logins = self.logins.as_ref().map(|(logins, refusals)| (logins.as_slice(), refusals.as_slice()));
        Connect { device: &self.device, connection: &self.connection, bridge: self.bridge.as_ref(), logins }
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(crate) fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// The parts that change while somebody looks.
    pub(crate) fn head(&self, person: &Person, when: &When, key: &str) -> Markup {
        let doing = self.doing();
        Card {
            device: &self.device,
            doing: &doing,
            when,
            key,
            rights: person.actor.rights,
            list: "",
            group: None,
        }
        .draw(Drawn::Head)
    }

    pub(crate) fn facts(&self, when: &When) -> Markup {
        facts::facts(&self.device, &self.connection.facts, when)
    }

    pub(crate) fn accessories(&self, when: &When) -> Markup {
        accessories::accessories(&self.device, &self.connection, &self.settings, when)
    }

    pub(crate) fn orders(&self, when: &When) -> Markup {
        commands::list(&self.device, self.commands.get(..COMMANDS_SHOWN).unwrap_or(&self.commands), when)
    }

    pub(crate) fn log(&self, when: &When) -> Markup {
        html! { @if let Some(entries) = &self.entries { (of_device(self.device.id, entries, when)) } }
    }

    pub(crate) fn progress(&self, when: &When) -> Markup {
        self.connect().progress(when)
    }
}

/// What the person may not see is left out of the page rather than being the end of it.
fn allowed<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Error::Forbidden(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A password on its way to the page that shows it: for whom, and what.
pub(crate) fn once(device: DeviceId, credentials: &Credentials) -> String {
    format!("{device}.{}.{}", credentials.username, credentials.password)
}

/// The password, if it was made a moment ago for a login this device has now.
pub(crate) fn just_made(web: &Web, headers: &HeaderMap, told: &Told) -> Option<Fresh> {
    let mut parts = web.read_cookie(headers, Cookie::Once)?.splitn(3, '.');
    let (device, username, password) = (parts.next()?, parts.next()?, parts.next()?);
    let (logins, _) = told.logins.as_ref()?;
    let is_known = logins.iter().any(|login| login.username == username);
    let fresh = Fresh { username: username.to_owned(), password: password.to_owned() };
    (device == told.device.id.to_string() && is_known).then_some(fresh)
}

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Failure> {
    let mut told = Told::load(&web, &signed, id(&device)?).await?;
    told.pictures = Some(Pictures::load(&web, &signed, &told.device, &asked).await?);
    let password = just_made(&web, &headers, &told);
    let said = Said::from_name(asked.text("said"));
    Ok(page(&web, &signed, &told, password.as_ref(), said, &Renaming::default()).into_response())
}

/// The form for the name, filled in again if it was wrong.
#[derive(Default)]
pub(crate) struct Renaming<'a> {
    pub name: Option<&'a str>,
    pub wrong: Wrong,
}

pub(crate) fn page(
    web: &Web,
    person: &Person,
    told: &Told,
    password: Option<&Fresh>,
    said: Option<Said>,
    renaming: &Renaming<'_>,
) -> Html<String> {
    let when = person.when(web);
    let key = web.app.chance().code::<16>();
    let device = &told.device;
    let connect = connection(web, person, &told.connect(), password);
    let fresh = device.nuki_id.is_none();
    let body = html! {
        (said::strip(said))
        p.back { a href="/devices" { (icon(Icon::Back)) "Devices" } }
        div.bar {
            h1 { (device.name) }
            @if let Some(kind) = device.kind { span.chip { (icon(words::kind_icon(kind))) (words::kind_words(kind)) } }
            span.grow {}
            @if !fresh {
                a.btn href={ "/devices/" (device.id) "/settings" } { (icon(Icon::Settings)) "Settings" }
            } @else if may(person, Rights::MANAGE) {
                a.btn href={ "/devices/" (device.id) "/add" } { "Step by step" }
            }
        }
        div.two {
            div.stack {
                @if fresh { (connect) } @else { (told.head(person, &when, &key)) }
                (told.log(&when))
                @if !fresh { (told.orders(&when)) }
                @if let Some(pictures) = &told.pictures && !fresh { (pictures.draw(&when)) }
            }
            div.stack {
                @if !fresh { (told.accessories(&when)) }
                (told.facts(&when))
                @if !fresh { (connect) }
                @if may(person, Rights::MANAGE) { (changes(device, renaming, &told.groups)) }
            }
        }
        (frame::live(&format!("on=device&device={}{}", device.id, if fresh { "&new=yes" } else { "" }), when.now))
    };
    frame::page(web, person, Here::Devices, &renaming.wrong.title(&device.name), &body)
}

fn connection(web: &Web, person: &Person, connect: &Connect<'_>, password: Option<&Fresh>) -> Markup {
    let by_a_way = connect.connection.ways.iter().any(|way| way.connector.can(Capability::Sync));
    let can_sync = by_a_way && may(person, Rights::OPERATE);
    html! {
        section #connect {
            h2 { "Connection" }
            (connect.progress(&person.when(web)))
            @if can_sync { (super::settings::sync_form(connect.device.id, "")) }
            @if connect.logins.is_some() { (connect.manage(web, password)) }
        }
    }
}

fn changes(device: &Device, renaming: &Renaming<'_>, groups: &[Group]) -> Markup {
    html! {
        section {
            h2 { "Change" }
            div.card.pad.stack {
                form.stack method="post" action={ "/devices/" (device.id) } {
                    (Field {
                        name: "name", label: "Name", value: renaming.name.unwrap_or(&device.name),
                        wrong: renaming.wrong.of("name"), autocomplete: "off", ..Field::default()
                    }.text())
                    div.acts { button.btn { (icon(Icon::Pencil)) "Save the name" } }
                }
                (place(device, groups))
                hr;
                p.hint { (super::safety::words(device.safety)) }
                div.acts { a.btn href={ "/devices/" (device.id) "/safety" } { (icon(Icon::Key)) "Before it opens…" } }
                hr;
                div.acts { a.btn.risk href={ "/devices/" (device.id) "/remove" } { (icon(Icon::Trash)) "Remove this device…" } }
            }
        }
    }
}

/// Where it is in the list.
fn place(device: &Device, groups: &[Group]) -> Markup {
    let (favourite, words) =
        if device.favourite { ("no", "No favourite any more") } else { ("yes", "Make it a favourite") };
    html! {
        form.stack method="post" action={ "/devices/" (device.id) "/group" } {
            (groups::select(("group", "Group"), groups.iter(), ("In no group", device.group)))
            div.acts { button.btn { (icon(Icon::Group)) "Save the group" } a.btn.plain href="/groups" { "Groups" } }
        }
        form.acts method="post" action={ "/devices/" (device.id) "/favourite" } {
            input type="hidden" name="favourite" value=(favourite);
            button.btn { (icon(Icon::Star)) (words) }
        }
    }
}
