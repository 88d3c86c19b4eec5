//! What an open page shows, and how it is drawn again.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use lockwarden_app::activity::{Cursor, Entry, EntryQuery};
use lockwarden_app::actor::Rights;
use lockwarden_app::clock::Time;
use lockwarden_app::commands::CommandState;
use lockwarden_app::devices::Device;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::{Error, Result};
use maud::html;

use super::pace::Measure;
use crate::fields::Asked;
use crate::identify::Person;
use crate::pages::device::Told;
use crate::pages::devices::Shelf;
use crate::parts::card::{Card, Drawn};
use crate::parts::commands::outcome;
use crate::parts::counts::{self, Listing, Show};
use crate::parts::entry;
use crate::parts::face::{Doing, Face, Kind, action_words};
use crate::parts::frame::may;
use crate::web::Web;
use crate::when::When;

/// From here on one query for all devices is less work than one for each.
const MANY: usize = 8;
/// How many of a device's commands its card has to know.
const COMMANDS: u8 = 10;
/// Entries of a device that may still change: its last orders.
const ENTRIES: usize = 10;
/// How long after it was given an order's line may change.
const STILL_CHANGING: Duration = Duration::from_mins(5);

pub(super) enum View {
    Devices(Box<Devices>),
    Device { id: DeviceId, heard: Heard },
    Activity { device: Option<DeviceId>, after: Option<Cursor> },
}

pub(super) struct Devices {
    drawn: Drawn,
    listing: Listing,
    kinds: HashMap<DeviceId, Kind>,
    heard: Heard,
}

/// What was last said aloud of each device, so that only a change is.
type Heard = HashMap<DeviceId, String>;

/// Parts to put in place, and sentences for people who do not see them change.
#[derive(Default)]
pub(super) struct DrawnParts {
    pub parts: String,
    pub say: Vec<String>,
    pub refresh: bool,
}

impl From<&Asked> for View {
    fn from(asked: &Asked) -> Self {
        let device = asked.read("device").map(DeviceId);
        match (asked.text("on"), device) {
            ("device", Some(id)) => Self::Device { id, heard: Heard::new() },
            ("activity", device) => Self::Activity { device, after: entry::read_cursor(asked.text("after")) },
            _ => Self::Devices(Box::new(Devices {
                drawn: Drawn::from_name(asked.text("drawn")),
                listing: Listing {
                    show: Show::from_name(asked.text("show")),
                    sort: Listing::sort_from_name(asked.text("sort")),
                },
                kinds: HashMap::new(),
                heard: Heard::new(),
            })),
        }
    }
}

impl View {
    pub(super) fn shows(&self, device: DeviceId) -> bool {
        match self {
            Self::Devices(_) => true,
            Self::Device { id, .. } => *id == device,
            Self::Activity { .. } => false,
        }
    }

    pub(super) fn lists_devices(&self) -> bool {
        matches!(self, Self::Devices(_))
    }

    pub(super) fn shows_log_of(&self, from: DeviceId) -> bool {
        match self {
            Self::Devices(_) => false,
            Self::Device { id, .. } => *id == from,
            Self::Activity { device, .. } => device.is_none_or(|only| only == from),
        }
    }

    pub(super) fn measure(&self) -> Measure {
        match self {
            Self::Devices(_) | Self::Device { .. } => Measure::EachDevice,
            Self::Activity { .. } => Measure::All,
        }
    }

    /// What changed while the page was on its way to the browser.
    pub(super) async fn catch_up(
        &mut self,
        web: &Web,
        person: &Person,
        since: Time,
    ) -> Result<BTreeSet<DeviceId>> {
        match self {
            Self::Devices(view) => view.catch_up(web, person, since).await,
            Self::Device { id, heard } => {
                let told = Told::load(web, person, *id).await?;
                let when = person.when(web);
                let doing = told.doing();
                heard.insert(*id, aloud(&card(&told.device, &doing, &when, person, "").face(), &doing));
                Ok(BTreeSet::from([*id]))
            }
            Self::Activity { device, after } => {
                let query = EntryQuery { device: *device, ..EntryQuery::default() };
                let page = web.app.list_activity(&person.actor, query).await?;
                let newer = |one: &Entry| after.is_some_and(|place| (one.at, one.id) > (place.at, place.id));
                let ordered = |one: &Entry| one.command.is_some() && since.since(one.at) < STILL_CHANGING;
                let changed = page.entries.iter().filter(|one| newer(one) || ordered(one));
                Ok(changed.map(|one| one.device).collect())
            }
        }
    }

    pub(super) async fn draw(&mut self, web: &Web, person: &Person, due: &[DeviceId]) -> Result<DrawnParts> {
        let when = person.when(web);
        match self {
            Self::Devices(view) => view.draw(web, person, due, &when).await,
            Self::Device { id, heard } => draw_device(web, person, *id, heard, &when).await,
            Self::Activity { device, after } => {
                draw_activity(web, person, (*device, *after), due, &when).await
            }
        }
    }
}

impl Devices {
    async fn catch_up(&mut self, web: &Web, person: &Person, since: Time) -> Result<BTreeSet<DeviceId>> {
        let shelf = Shelf::load(web, &person.actor, self.listing.sort).await?;
        let when = person.when(web);
        let mut changed = BTreeSet::new();
        for device in &shelf.devices {
            let doing = shelf.doing(device.id);
            let face = card(device, doing, &when, person, "").face();
            self.kinds.insert(device.id, face.kind);
            self.heard.insert(device.id, aloud(&face, doing));
            if moved_since(device, doing, since) {
                changed.insert(device.id);
            }
        }
        Ok(changed)
    }

    async fn draw(
        &mut self,
        web: &Web,
        person: &Person,
        due: &[DeviceId],
        when: &When,
    ) -> Result<DrawnParts> {
        let mut drawn = DrawnParts::default();
        let key = web.app.chance().code::<16>();
        let before = self.kinds.clone();
        if due.len() > MANY {
            let shelf = Shelf::load(web, &person.actor, self.listing.sort).await?;
            let wanted: BTreeSet<DeviceId> = due.iter().copied().collect();
            for device in shelf.devices.iter().filter(|device| wanted.contains(&device.id)) {
                self.one(&card(device, shelf.doing(device.id), when, person, &key), &mut drawn);
            }
        } else {
            for id in due {
                match web.app.load_device(&person.actor, *id).await {
                    Ok(device) => {
                        let doing = Doing::of(web.app.list_commands(&person.actor, *id, COMMANDS).await?);
                        self.one(&card(&device, &doing, when, person, &key), &mut drawn);
                    }
                    // It went meanwhile.
                    Err(Error::NotFound) => drawn.refresh = true,
                    Err(error) => return Err(error),
                }
            }
        }
        if before != self.kinds {
            drawn.parts.push_str(&counts::line(&self.kinds, self.listing).into_string());
        }
        Ok(drawn)
    }

    fn one(&mut self, card: &Card<'_>, drawn: &mut DrawnParts) {
        let face = card.face();
        self.kinds.insert(card.device.id, face.kind);
        drawn.parts.push_str(&card.draw(self.drawn).into_string());
        drawn.say.extend(news(card, &face, &mut self.heard));
    }
}

async fn draw_device(
    web: &Web,
    person: &Person,
    id: DeviceId,
    heard: &mut Heard,
    when: &When,
) -> Result<DrawnParts> {
    let told = match Told::load(web, person, id).await {
        Ok(told) => told,
        Err(Error::NotFound) => return Ok(DrawnParts { refresh: true, ..DrawnParts::default() }),
        Err(error) => return Err(error),
    };
    let doing = told.doing();
    let key = web.app.chance().code::<16>();
    let card = card(&told.device, &doing, when, person, &key);
    let say = news(&card, &card.face(), heard).into_iter().collect();
    let parts = html! {
        (told.head(person, when, &key))
        (told.facts(when))
        (told.orders(when))
        (told.log(when))
        (told.progress(when))
    };
    Ok(DrawnParts { parts: parts.into_string(), say, refresh: false })
}

async fn draw_activity(
    web: &Web,
    person: &Person,
    (device, after): (Option<DeviceId>, Option<Cursor>),
    grew: &[DeviceId],
    when: &When,
) -> Result<DrawnParts> {
    let mut parts = String::new();
    if let Some(after) = after {
        let count = web.app.count_newer_activity(&person.actor, device, after).await?;
        parts.push_str(&entry::newer(count, device).into_string());
    }
    // Orders end on the line they began on; lines that are not on the page are left out by the browser.
    for device in grew.iter().take(MANY) {
        let query = EntryQuery { device: Some(*device), limit: ENTRIES, ..EntryQuery::default() };
        let page = match web.app.list_activity(&person.actor, query).await {
            Err(Error::NotFound) => continue,
            other => other?,
        };
        for one in page.entries.iter().filter(|one| one.command.is_some()) {
            parts.push_str(&entry::line(one, when).into_string());
        }
    }
    Ok(DrawnParts { parts, ..DrawnParts::default() })
}

fn card<'a>(device: &'a Device, doing: &'a Doing, when: &'a When, person: &Person, key: &'a str) -> Card<'a> {
    Card { device, doing, when, key, may_operate: may(person, Rights::OPERATE) }
}

/// Whether a device's card may have changed since the page was made.
fn moved_since(device: &Device, doing: &Doing, since: Time) -> bool {
    let told = [device.said.at, device.link.changed_at, Some(device.updated_at)];
    let ordered = doing.last.iter().chain(&doing.open);
    let orders = ordered.flat_map(|one| [Some(one.created_at), one.sent_at, one.accepted_at, one.ended_at]);
    told.into_iter().chain(orders).flatten().any(|at| at >= since)
}

/// What is worth saying aloud of a device: how it rests, and how an order ended.
fn aloud(face: &Face, doing: &Doing) -> String {
    let ended = doing.last.as_ref().filter(|last| {
        matches!(last.state, CommandState::Failed | CommandState::Expired | CommandState::Unknown)
    });
    match ended {
        Some(last) => format!("{}: {}", action_words(last.action), outcome(last).words),
        None => face.word.trim_end_matches('…').to_owned(),
    }
}

/// A sentence, if there is something new to say; movements are not said, only where they end.
fn news(card: &Card<'_>, face: &Face, heard: &mut Heard) -> Option<String> {
    if !card.doing.open.is_empty() || face.kind == Kind::Between {
        return None;
    }
    let now = aloud(face, card.doing);
    let before = heard.insert(card.device.id, now.clone());
    (before.as_ref() != Some(&now)).then(|| format!("{}: {now}", card.device.name))
}
