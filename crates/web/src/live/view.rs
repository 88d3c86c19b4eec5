//! What an open page shows, and how it is drawn again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::time::Duration;

use lockwarden_app::activity::{Cursor, EntryQuery};
use lockwarden_app::clock::Time;
use lockwarden_app::commands::CommandState;
use lockwarden_app::devices::Device;
use lockwarden_app::ids::{BridgeId, BulkId, DeviceId};
use lockwarden_app::{Error, Result};
use maud::{Markup, html};

use super::attention::WorkList;
use super::bulk::Bulk;
use super::devices::{Counted, Devices};
use super::pace::{ALL, Measure};
use crate::fields::Asked;
use crate::identify::Person;
use crate::pages::begin::{self, Step};
use crate::pages::bridge::Reached;
use crate::pages::device::Told;
use crate::pages::settings::Known;
use crate::parts::card::Card;
use crate::parts::commands::outcome;
use crate::parts::entry;
use crate::parts::face::{Doing, Face, Kind};
use crate::parts::words;
use crate::web::Web;
use crate::when::When;

/// How long after it was given an order's line may change.
const STILL_CHANGING: Duration = Duration::from_mins(5);

pub(super) enum View {
    Devices(Box<Devices>),
    Bulk(Bulk),
    WorkList(WorkList),
    Device(One),
    Settings(DeviceId),
    Bridge(BridgeId),
    Activity(Log),
}

pub(super) struct One {
    id: DeviceId,
    /// The page was made before the device's first connection: it has no place for what the device does.
    new: bool,
    /// The step of adding it that the page shows, of the page that has steps.
    step: Option<usize>,
    heard: Heard,
}

pub(super) struct Log {
    device: Option<DeviceId>,
    /// How many entries the page has, and the last of them if the log goes on below it.
    shown: usize,
    oldest: Option<Cursor>,
    /// When the orders were given that are on the page and may still change.
    orders: BTreeMap<DeviceId, BTreeSet<Time>>,
}

/// What was last said aloud of each device, so that only a change is.
pub(super) type Heard = HashMap<DeviceId, String>;

/// What is to be done first.
#[derive(Default)]
pub(super) struct CaughtUp {
    pub changed: BTreeSet<DeviceId>,
    /// The page shows other devices than it would now.
    pub refresh: bool,
}

/// Parts to put in place, and sentences for people who do not see them change.
#[derive(Default)]
pub(super) struct DrawnParts {
    pub parts: String,
    pub say: Vec<String>,
    pub refresh: bool,
}

/// The look at all devices of a list, under way.
pub(super) type Counting = Pin<Box<dyn Future<Output = Result<Counted>> + Send>>;

impl From<&Asked> for View {
    fn from(asked: &Asked) -> Self {
        let device = asked.read("device").map(DeviceId);
        match (asked.text("on"), device) {
            ("device", Some(id)) => {
                Self::Device(One { id, new: asked.text("new") == "yes", step: None, heard: Heard::new() })
            }
            ("add", Some(id)) => {
                Self::Device(One { id, new: false, step: asked.read("step"), heard: Heard::new() })
            }
            ("settings", Some(id)) => Self::Settings(id),
            ("bridge", _) => Self::Bridge(BridgeId(asked.read("bridge").unwrap_or(0))),
            ("activity", device) => {
                let shown = asked.read("shown").unwrap_or(0);
                let oldest = entry::read_cursor(asked.text("oldest"));
                Self::Activity(Log { device, shown, oldest, orders: BTreeMap::new() })
            }
            ("attention", _) => Self::WorkList(WorkList::of(asked)),
            ("bulk", _) => Self::Bulk(Bulk::of(asked)),
            _ => Self::Devices(Box::new(Devices::of(asked))),
        }
    }
}

impl View {
    /// Whether the page has a part of this device's own.
    pub(super) fn draws(&self, device: DeviceId) -> bool {
        match self {
            Self::Devices(view) => view.shows(device),
            Self::Device(one) => one.id == device,
            Self::Settings(id) => *id == device,
            Self::Bulk(_) | Self::WorkList(_) | Self::Activity(_) | Self::Bridge(_) => false,
        }
    }

    /// Whether what the page tells of all its devices together may change with this one.
    pub(super) fn counts(&self, device: DeviceId) -> bool {
        match self {
            Self::Devices(_) | Self::WorkList(_) => true,
            Self::Bulk(bulk) => bulk.shows(device),
            Self::Device(_) | Self::Settings(_) | Self::Bridge(_) | Self::Activity(_) => false,
        }
    }

    /// Begins to look at all devices, if the page tells of them.
    pub(super) fn count(&self, web: &Web, person: &Person) -> Option<Counting> {
        match self {
            Self::Devices(view) => Some(view.count(web, person)),
            _ => None,
        }
    }

    pub(super) fn counted(&mut self, counted: Counted) -> DrawnParts {
        match self {
            Self::Devices(view) => view.counted(counted),
            _ => DrawnParts::default(),
        }
    }

    pub(super) fn shows_bridge(&self) -> bool {
        matches!(self, Self::Bridge(_))
    }

    pub(super) fn shows_bulk(&self, bulk: BulkId) -> bool {
        matches!(self, Self::Bulk(view) if view.id == bulk)
    }

    /// And what bridges keep from it.
    pub(super) fn lists_devices(&self) -> bool {
        matches!(self, Self::Devices(_) | Self::WorkList(_))
    }

    pub(super) fn shows_log_of(&self, from: DeviceId) -> bool {
        match self {
            Self::Devices(_) | Self::Bulk(_) | Self::WorkList(_) | Self::Settings(_) | Self::Bridge(_) => {
                false
            }
            Self::Device(one) => one.id == from,
            Self::Activity(log) => log.device.is_none_or(|only| only == from),
        }
    }

    pub(super) fn measure(&self) -> Measure {
        match self {
            Self::Devices(_) | Self::Device(_) | Self::Settings(_) => Measure::EachDevice,
            Self::Activity(_) | Self::Bulk(_) | Self::WorkList(_) | Self::Bridge(_) => Measure::All,
        }
    }

    /// What changed while the page was on its way to the browser.
    pub(super) async fn catch_up(&mut self, web: &Web, person: &Person, since: Time) -> Result<CaughtUp> {
        match self {
            Self::Devices(view) => view.catch_up(web, person, since).await,
            Self::Bulk(bulk) => bulk.catch_up(web, person).await,
            Self::WorkList(_) => Ok(WorkList::catch_up()),
            Self::Device(one) => one.catch_up(web, person).await,
            Self::Settings(id) => {
                Known::load(web, person, *id).await?;
                Ok(CaughtUp { changed: BTreeSet::from([*id]), refresh: false })
            }
            Self::Bridge(id) => {
                Reached::load(web, person, *id).await?;
                Ok(CaughtUp { changed: BTreeSet::from([ALL]), refresh: false })
            }
            Self::Activity(log) => log.catch_up(web, person, since).await,
        }
    }

    pub(super) async fn draw(&mut self, web: &Web, person: &Person, due: &[DeviceId]) -> Result<DrawnParts> {
        let when = person.when(web);
        match self {
            Self::Devices(view) => view.draw(web, person, due, &when).await,
            Self::Bulk(bulk) => bulk.draw(web, person).await,
            Self::WorkList(work) => work.draw(web, person).await,
            Self::Device(one) => one.draw(web, person, &when).await,
            Self::Settings(id) => gone_or(Known::load(web, person, *id).await, |known| known.live(&when)),
            Self::Bridge(id) => gone_or(Reached::load(web, person, *id).await, |known| known.parts(&when)),
            Self::Activity(log) => log.draw(web, person, due, &when).await,
        }
    }
}

/// What is drawn; if it is not there any more, the page finds out by itself.
fn gone_or<T>(loaded: Result<T>, draw: impl FnOnce(&T) -> Markup) -> Result<DrawnParts> {
    match loaded {
        Ok(found) => Ok(DrawnParts { parts: draw(&found).into_string(), ..DrawnParts::default() }),
        Err(Error::NotFound) => Ok(DrawnParts { refresh: true, ..DrawnParts::default() }),
        Err(error) => Err(error),
    }
}

impl One {
    async fn catch_up(&mut self, web: &Web, person: &Person) -> Result<CaughtUp> {
        let told = Told::load(web, person, self.id).await?;
        let when = person.when(web);
        let doing = told.doing();
        let face = card(&told.device, &doing, &when, person, "").face();
        self.heard.insert(self.id, aloud(&told.device, &face, &doing));
        Ok(CaughtUp { changed: BTreeSet::from([self.id]), refresh: false })
    }

    async fn draw(&mut self, web: &Web, person: &Person, when: &When) -> Result<DrawnParts> {
        let loaded = match self.step {
            Some(_) => Told::of_new(web, person, self.id).await,
            None => Told::load(web, person, self.id).await,
        };
        let told = match loaded {
            Ok(told) => told,
            Err(Error::NotFound) => return Ok(DrawnParts { refresh: true, ..DrawnParts::default() }),
            Err(error) => return Err(error),
        };
        let doing = told.doing();
        let key = web.app.chance().code::<16>();
        let card = card(&told.device, &doing, when, person, &key);
        let say = news(&card, &card.face(), &mut self.heard).into_iter().collect();
        if let Some(step) = self.step {
            let refresh = Step::of(&told).number() != step;
            let parts = begin::parts(web, person, &told, when).into_string();
            return Ok(DrawnParts { parts, say, refresh });
        }
        let parts = html! {
            (told.head(person, when, &key))
            (told.accessories(when))
            (told.facts(when))
            (told.orders(when))
            (told.log(when))
            (told.progress(when))
        };
        let refresh = self.new && told.device.nuki_id.is_some();
        Ok(DrawnParts { parts: parts.into_string(), say, refresh })
    }
}

impl Log {
    async fn catch_up(&mut self, web: &Web, person: &Person, since: Time) -> Result<CaughtUp> {
        let query = EntryQuery { device: self.device, ..EntryQuery::default() };
        let page = web.app.list_activity(&person.actor, query).await?;
        for one in page.entries.iter().filter(|one| one.command.is_some()) {
            self.orders.entry(one.device).or_default().insert(one.at);
        }
        self.forget_old(since);
        let mut changed: BTreeSet<DeviceId> = self.orders.keys().copied().collect();
        if self.count_new(web, person).await? > 0 {
            changed.extend(page.entries.first().map(|one| one.device));
        }
        Ok(CaughtUp { changed, refresh: false })
    }

    async fn count_new(&self, web: &Web, person: &Person) -> Result<usize> {
        web.app.count_new_activity(&person.actor, self.device, self.shown, self.oldest).await
    }

    fn forget_old(&mut self, now: Time) {
        for given in self.orders.values_mut() {
            given.retain(|at| now.since(*at) < STILL_CHANGING);
        }
        self.orders.retain(|_, given| !given.is_empty());
    }

    async fn draw(
        &mut self,
        web: &Web,
        person: &Person,
        grew: &[DeviceId],
        when: &When,
    ) -> Result<DrawnParts> {
        let count = self.count_new(web, person).await?;
        let mut parts = entry::newer(count, self.device).into_string();
        self.forget_old(when.now);
        // Orders end on the line they began on.
        for device in grew {
            let Some(from) = self.orders.get(device).and_then(BTreeSet::first) else { continue };
            let query = EntryQuery {
                device: Some(*device),
                from: Some(*from),
                limit: EntryQuery::MOST,
                ..EntryQuery::default()
            };
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
}

fn card<'a>(device: &'a Device, doing: &'a Doing, when: &'a When, person: &Person, key: &'a str) -> Card<'a> {
    Card { device, doing, when, key, rights: person.actor.rights, list: "", group: None }
}

/// How long what was received may wait for its commit. The times that a device has are those of receipt, so what came
/// before a page was made may have been committed after it.
const UNCOMMITTED: Duration = Duration::from_mins(1);

/// Whether a device's card may have changed since the page was made.
pub(super) fn moved_since(device: &Device, doing: &Doing, since: Time) -> bool {
    let since = since.minus(UNCOMMITTED);
    let told = [device.said.at, device.link.changed_at, Some(device.updated_at)];
    let ordered = doing.last.iter().chain(&doing.open);
    let orders = ordered.flat_map(|one| [Some(one.created_at), one.sent_at, one.accepted_at, one.ended_at]);
    told.into_iter().chain(orders).flatten().any(|at| at >= since)
}

/// What is worth saying aloud of a device: how it rests, and how an order ended.
pub(super) fn aloud(device: &Device, face: &Face, doing: &Doing) -> String {
    let ended = doing.last.as_ref().filter(|last| {
        matches!(last.state, CommandState::Failed | CommandState::Expired | CommandState::Unknown)
    });
    match ended {
        Some(last) => {
            format!("{}: {}", words::action(device.kind, last.action), outcome(device.kind, last).words)
        }
        None => face.word.trim_end_matches('…').to_owned(),
    }
}

/// A sentence, if there is something new to say; movements are not said, only where they end.
pub(super) fn news(card: &Card<'_>, face: &Face, heard: &mut Heard) -> Option<String> {
    if !card.doing.open.is_empty() || face.kind == Kind::Between {
        return None;
    }
    let now = aloud(card.device, face, card.doing);
    let before = heard.insert(card.device.id, now.clone());
    (before.as_ref() != Some(&now)).then(|| format!("{}: {now}", card.device.name))
}
