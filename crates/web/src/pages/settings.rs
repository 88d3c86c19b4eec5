//! A device's settings: by section, each with what the device says, what it should be, and how far that is. What only
//! another way could set is shown and not offered.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use lockwarden_app::actor::Rights;
use lockwarden_app::devices::{Capability, Connector, Device, DeviceType};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::settings::{Change, Held, NightWindow, Section, Setting, SettingValue, from_form};
use lockwarden_app::ways::Connection;
use lockwarden_app::{Error, Refusal, Result};
use maud::{Markup, html};

use super::{again, done};
use crate::failure::Failure;
use crate::fields::{Asked, Fields, id};
use crate::identify::{Person, Signed};
use crate::parts::form::Wrong;
use crate::parts::frame::{self, Here, may};
use crate::parts::icon::{Icon, icon};
use crate::parts::night;
use crate::parts::said::{self, Said};
use crate::parts::setting::{AGAIN, KEEP, Row, form_text, read_seen, why_not, zone_of};
use crate::web::Web;
use crate::when::When;

/// A device with its settings, as the page and its live update tell them.
pub(crate) struct Known {
    pub device: Device,
    held: BTreeMap<Setting, Held>,
    connection: Connection,
    may: bool,
}

/// What became of a form that came back.
#[derive(Default)]
struct Answer<'a> {
    fields: Option<&'a Fields>,
    wrong: Wrong,
    /// What somebody else changed meanwhile, a sentence each.
    meanwhile: Vec<String>,
    said: Option<Said>,
}

impl Known {
    pub(crate) async fn load(web: &Web, person: &Person, id: DeviceId) -> Result<Self> {
        let actor = &person.actor;
        let device = web.app.load_device(actor, id).await?;
        let held = web.app.load_settings(actor, device.id).await?;
        let connection = web.app.load_connection(actor, device.id).await?;
        let held = held.into_iter().map(|one| (one.setting, one)).collect();
        Ok(Self { device, held, connection, may: may(person, Rights::CONFIGURE) })
    }

    fn kind(&self) -> DeviceType {
        self.device.kind.unwrap_or(DeviceType::Other(u8::MAX))
    }

    fn reached_by(&self, connector: Connector) -> bool {
        self.connection.ways.iter().any(|way| way.connector == connector)
    }

    fn can_sync(&self) -> bool {
        self.connection.ways.iter().any(|way| way.connector.can(Capability::Sync))
    }

    fn shown(&self, setting: Setting) -> Option<&SettingValue> {
        self.held.get(&setting).and_then(Held::shown)
    }

    fn row(&self, setting: Setting) -> Row<'_> {
        Row { setting, kind: self.kind(), held: self.held.get(&setting), typed: None, wrong: None }
    }

    fn why_not(&self, setting: Setting) -> Option<&'static str> {
        why_not(setting, self.kind(), (self.reached_by(Connector::NukiHub), self.may))
    }

    /// The parts that change while somebody looks; never a field, which somebody may be filling in.
    pub(crate) fn live(&self, when: &When) -> Markup {
        html! {
            (self.way(when))
            @for setting in Setting::of(self.kind()) {
                (self.row(setting).state(when, self.why_not(setting).is_none()))
            }
            (self.night())
            (night::zone(zone_of(self.held.get(&Setting::Timezone)), when))
        }
    }

    fn night(&self) -> Markup {
        let held = |setting| self.held.get(&setting);
        let is_off = self.shown(Setting::NightMode) == Some(&SettingValue::Bool(false));
        night::picture((held(Setting::NightModeStart), held(Setting::NightModeEnd)), is_off)
    }

    /// Whether changes can get through now.
    fn way(&self, when: &When) -> Markup {
        let hub = self.connection.ways.iter().find(|way| way.connector == Connector::NukiHub);
        html! {
            div #way {
                @match hub {
                    None => p.strip {
                        (icon(Icon::Info))
                        span {
                            @if Connector::NukiHub.reaches(self.kind()) {
                                "No way to this device gives its settings: a Nuki Hub would. Without one they are seen and "
                                "set in the Nuki app."
                            } @else { "No way to this device gives its settings: they are seen and set in the Nuki app." }
                        }
                    },
                    Some(hub) if hub.online => p.strip.ok {
                        (icon(Icon::Check)) span { "The hub is connected: changes are sent at once." }
                    },
                    Some(hub) => p.strip.warn {
                        (icon(Icon::Lost))
                        span {
                            "The hub is away"
                            @if let Some(at) = hub.changed_at { " since " (when.short(at)) }
                            ": changes wait until it is back."
                        }
                    },
                }
            }
        }
    }

    /// The way to each section of a long page.
    fn contents(&self) -> Markup {
        let has = |section: &&Section| Setting::of(self.kind()).any(|one| one.about().section == **section);
        html! {
            nav.bar.scroll aria-label="Sections" {
                @for section in Section::ALL.iter().filter(has) {
                    a.chipf href={ "#" (anchor(*section)) } { (section.title()) }
                }
            }
        }
    }

    fn section(&self, section: Section, answer: &Answer<'_>, when: &When) -> Markup {
        let all = || Setting::of(self.kind()).filter(move |setting| setting.about().section == section);
        let fields: Vec<Setting> = all().filter(|setting| self.why_not(*setting).is_none()).collect();
        let told = |setting: &Setting| !fields.contains(setting) && !self.row(*setting).is_unknown();
        let unknown = |setting: &Setting| !fields.contains(setting) && self.row(*setting).is_unknown();
        let (told, unknown): (Vec<_>, Vec<_>) =
            (all().filter(told).collect(), all().filter(unknown).collect());
        html! {
            @if all().next().is_some() {
                section id=(anchor(section)) {
                    h2 { (section.title()) }
                    div.card.pad.stack {
                        @if section == Section::NightMode {
                            (self.night())
                        }
                        @if section == Section::Time { (night::zone(zone_of(self.held.get(&Setting::Timezone)), when)) }
                        @if !fields.is_empty() { (self.form(section, &fields, answer, when)) }
                        @for setting in &told {
                            (self.row(*setting).told(self.why_not(*setting).unwrap_or_default(), when))
                        }
                        @if !unknown.is_empty() {
                            details {
                                summary { "Not known here (" (unknown.len()) ")" }
                                div.stack {
                                    @for setting in &unknown {
                                        (self.row(*setting).told(self.why_not(*setting).unwrap_or_default(), when))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn form(&self, section: Section, fields: &[Setting], answer: &Answer<'_>, when: &When) -> Markup {
        html! {
            form.stack method="post" action={ "/devices/" (self.device.id) "/settings" } novalidate data-keep {
                @for setting in fields {
                    @let sent = answer.fields.filter(|sent| sent.named("seen-").any(|key| key == setting.key()));
                    (Row {
                        typed: sent.map(|sent| sent.text(setting.key())),
                        wrong: answer.wrong.of(setting.key()),
                        ..self.row(*setting)
                    }.field(when))
                }
                div.acts { button.btn.main { "Save" span.sr { " " (section.title()) } } }
            }
        }
    }

    /// What a form asks for: what was filled in otherwise than it was shown.
    fn changes(&self, fields: &Fields) -> Result<Vec<Change>, Wrong> {
        let mut changes = Vec::new();
        let kind = self.kind();
        for key in fields.named("seen-") {
            let Some(setting) = Setting::from_key(key).filter(|setting| setting.is_on(kind)) else {
                continue;
            };
            let seen = read_seen(setting, fields.text(&format!("seen-{key}")));
            let before = seen.as_ref().map_or_else(String::new, |value| form_text(setting, kind, value));
            let text = fields.text(key);
            if text.trim() == before {
                continue;
            }
            let value = from_form(setting, kind, text)
                .map_err(|why| Wrong::at(setting.key(), format!("{}: {why}", setting.about().label)))?;
            changes.push(Change { setting, value, seen: Some(seen) });
        }
        self.check_night(&changes)?;
        Ok(changes)
    }

    /// The two ends of the night belong together.
    fn check_night(&self, changes: &[Change]) -> Result<(), Wrong> {
        let find = |setting: Setting| changes.iter().find(|change| change.setting == setting);
        let ends = [Setting::NightModeStart, Setting::NightModeEnd];
        let Some(changed) = ends.into_iter().rev().find(|end| find(*end).is_some()) else {
            return Ok(());
        };
        let minute =
            |setting: Setting| match find(setting).map(|change| &change.value).or(self.shown(setting)) {
                Some(SettingValue::Int(minute)) => u16::try_from(*minute).ok(),
                _ => None,
            };
        match minute(Setting::NightModeStart).zip(minute(Setting::NightModeEnd)) {
            Some((start, end)) => {
                NightWindow::new(start, end).map(|_| ()).map_err(|why| Wrong::at(changed.key(), why))
            }
            None => Ok(()),
        }
    }

    /// What is otherwise now than the form was made with.
    fn meanwhile(&self, fields: &Fields) -> Vec<String> {
        let kind = self.kind();
        let words = |setting: Setting, value: Option<&SettingValue>| {
            value.map_or_else(|| "not known".to_owned(), |value| value.in_words(setting, kind))
        };
        let mut sentences = Vec::new();
        for setting in fields.named("seen-").filter_map(Setting::from_key) {
            let seen = read_seen(setting, fields.text(&format!("seen-{}", setting.key())));
            let now = self.shown(setting);
            if seen.as_ref() != now {
                let (now, before) = (words(setting, now), words(setting, seen.as_ref()));
                sentences.push(format!("{} is {now} now; you saw {before}.", setting.about().label));
            }
        }
        sentences
    }
}

fn anchor(section: Section) -> String {
    let words = section.title().to_lowercase();
    words
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    asked: Asked,
) -> Result<Html<String>, Failure> {
    let known = Known::load(&web, &signed, id(&device)?).await?;
    let answer = Answer { said: Said::from_name(asked.text("said")), ..Answer::default() };
    Ok(page(&web, &signed, &known, &answer))
}

pub(crate) async fn save(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let known = Known::load(&web, &signed, id(&device)?).await?;
    let device = known.device.id;
    // Who may not change anything is refused by the action, whatever the form holds.
    let changes = if known.may { known.changes(&fields) } else { Ok(Vec::new()) };
    let changes = match changes {
        Ok(changes) => changes,
        Err(wrong) => return Ok(refused(&web, &signed, &known, (&fields, wrong))),
    };
    match web.app.change_settings(&signed.actor, device, &changes).await {
        Ok(()) => Ok(done(&format!("/devices/{device}/settings"), Said::SettingsSaved)),
        Err(Error::Invalid { field, why }) => {
            Ok(refused(&web, &signed, &known, (&fields, Wrong::at(field, why))))
        }
        Err(Error::Refused(Refusal::ChangedMeanwhile(_))) => {
            let known = Known::load(&web, &signed, device).await?;
            let meanwhile = known.meanwhile(&fields);
            let answer = Answer { fields: Some(&fields), meanwhile, ..Answer::default() };
            Ok((StatusCode::CONFLICT, page(&web, &signed, &known, &answer)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn refused(web: &Web, person: &Person, known: &Known, (fields, wrong): (&Fields, Wrong)) -> Response {
    let answer = Answer { fields: Some(fields), wrong, ..Answer::default() };
    again(page(web, person, known, &answer))
}

/// What somebody wanted is dropped: it stays as the device has it.
pub(crate) async fn keep(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device = allowed(&web, &signed, &device).await?.device.id;
    web.app.drop_change(&signed.actor, device, named(&fields)?).await?;
    Ok(done(&format!("/devices/{device}/settings"), Said::SettingKept))
}

/// What was refused is sent once more.
pub(crate) async fn retry(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let known = allowed(&web, &signed, &device).await?;
    let device = known.device.id;
    let setting = named(&fields)?;
    let wanted = known.held.get(&setting).and_then(|held| held.desired.clone());
    let change = wanted.map(|value| Change { setting, value, seen: None });
    web.app.change_settings(&signed.actor, device, change.as_slice()).await?;
    Ok(done(&format!("/devices/{device}/settings"), Said::SettingsSaved))
}

/// The settings, for somebody who may change them.
async fn allowed(web: &Web, person: &Person, device: &str) -> Result<Known, Failure> {
    let known = Known::load(web, person, id(device)?).await?;
    if !known.may {
        return Err(Error::Forbidden("this sign-in may not change settings of devices").into());
    }
    Ok(known)
}

fn named(fields: &Fields) -> Result<Setting, Failure> {
    let setting = Setting::from_key(fields.text("setting"));
    setting.ok_or_else(|| Error::invalid("setting", "there is no such setting").into())
}

/// Everything is fetched anew, by every way that can be asked.
pub(crate) async fn sync(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device: DeviceId = id(&device)?;
    web.app.sync_device(&signed.actor, device).await?;
    let page = if fields.text("from") == "settings" { "/settings" } else { "" };
    Ok(Redirect::to(&format!("/devices/{device}{page}?said={}", Said::Syncing.name())).into_response())
}

/// Asks for everything anew, from this page or the device's own.
pub(crate) fn sync_form(device: DeviceId, from: &str) -> Markup {
    html! {
        form method="post" action={ "/devices/" (device) "/sync" } {
            input type="hidden" name="from" value=(from);
            button.btn { (icon(Icon::Busy)) "Sync now" }
        }
    }
}

fn page(web: &Web, person: &Person, known: &Known, answer: &Answer<'_>) -> Html<String> {
    let when = person.when(web);
    let device = &known.device;
    let has_any = Setting::of(known.kind()).next().is_some();
    let body = html! {
        (said::strip(answer.said))
        p.back { a href={ "/devices/" (device.id) } { (icon(Icon::Back)) (device.name) } }
        div.bar {
            h1 { "Settings of " (device.name) }
            span.grow {}
            @if known.can_sync() && may(person, Rights::OPERATE) { (sync_form(device.id, "settings")) }
        }
        @if !answer.meanwhile.is_empty() { (meanwhile(&answer.meanwhile)) }
        @if has_any { (known.way(&when)) } @else { (nothing(device)) }
        (known.contents())
        div.settings { @for section in Section::ALL { (known.section(*section, answer, &when)) } }
        form id=(KEEP) method="post" action={ "/devices/" (device.id) "/settings/keep" } {}
        form id=(AGAIN) method="post" action={ "/devices/" (device.id) "/settings/again" } {}
        (frame::live(&format!("on=settings&device={}", device.id), when.now))
    };
    let title = if answer.meanwhile.is_empty() {
        answer.wrong.title(&format!("Settings of {}", device.name))
    } else {
        format!("Not saved: settings of {}", device.name)
    };
    frame::page(web, person, Here::Devices, &title, &body)
}

fn meanwhile(sentences: &[String]) -> Markup {
    html! {
        div.strip.warn #meanwhile role="alert" {
            (icon(Icon::Alert))
            div {
                b { "Somebody changed this meanwhile, so nothing was saved." }
                ul.tight { @for one in sentences { li { (one) } } }
                "Below is what you filled in. Save again if you still want it so."
            }
        }
    }
}

fn nothing(device: &Device) -> Markup {
    html! {
        div.strip #way {
            (icon(Icon::Info))
            span {
                @if device.nuki_id.is_none() { "It has not connected yet, so it is not known which settings it has." }
                @else { "It is not known what kind of device this is, so its settings are neither shown nor changed." }
            }
        }
    }
}
