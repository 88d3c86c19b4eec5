//! An open page of devices: the cards that are on it, the numbers, of all of them, and the bridges that cannot be used yet.

use std::collections::{BTreeSet, HashMap, HashSet};

use lockwarden_app::Result;
use lockwarden_app::clock::Time;
use lockwarden_app::devices::list::{Counts, ListPage};
use lockwarden_app::ids::{DeviceId, GroupId};

use super::pace::ALL;
use super::view::{CaughtUp, Counting, DrawnParts, Heard, aloud, moved_since, news};
use crate::fields::Asked;
use crate::identify::Person;
use crate::pages::devices::{Row, Shelf, mark, mark_of, missing, paths};
use crate::parts::card::Drawn;
use crate::parts::listing::{Listing, Look};
use crate::parts::{counts, groups};
use crate::web::Web;
use crate::when::When;

pub(super) struct Devices {
    drawn: Drawn,
    listing: Listing,
    /// The query of the list, for its forms.
    list: String,
    /// Of the devices that the page shows.
    mark: Option<u64>,
    /// Of the bridges that the page tells of.
    missing: Option<u64>,
    shown: HashSet<DeviceId>,
    total: usize,
    counts: Counts,
    groups: HashMap<Option<GroupId>, Counts>,
    paths: HashMap<GroupId, String>,
    heard: Heard,
}

/// What is told of all devices together.
pub(super) struct Counted {
    page: ListPage,
    missing: String,
}

impl Devices {
    pub(super) fn of(asked: &Asked) -> Self {
        let listing = Listing::read(asked, Look::default());
        Self {
            drawn: Drawn::from_name(asked.text("drawn")),
            list: listing.query(),
            listing,
            mark: asked.read("mark"),
            missing: asked.read("missing"),
            shown: HashSet::new(),
            total: 0,
            counts: Counts::default(),
            groups: HashMap::new(),
            paths: HashMap::new(),
            heard: Heard::new(),
        }
    }

    pub(super) async fn catch_up(&mut self, web: &Web, person: &Person, since: Time) -> Result<CaughtUp> {
        let page = web.app.list_page(&person.actor, &self.listing.asks()).await?;
        let shelf = Shelf::of(web, &person.actor, &page.devices).await?;
        let when = person.when(web);
        let mut changed = BTreeSet::new();
        let row = self.row(person, &when, "");
        let mut heard = Heard::new();
        for device in &shelf.devices {
            let doing = shelf.doing(device.id);
            heard.insert(device.id, aloud(device, &row.card(device, doing).face(), doing));
            if moved_since(device, doing, since) {
                changed.insert(device.id);
            }
        }
        self.heard = heard;
        self.shown = page.devices.iter().copied().collect();
        let refresh = self.mark.is_some_and(|before| before != mark(&page));
        self.mark = Some(mark(&page));
        self.take_numbers(&page);
        let missing = mark_of(&missing(web, &person.actor).await?.0);
        if *self.missing.get_or_insert(missing) != missing {
            changed.insert(ALL);
        }
        Ok(CaughtUp { changed, refresh })
    }

    fn row<'a>(&'a self, person: &Person, when: &'a When, key: &'a str) -> Row<'a> {
        Row { when, key, rights: person.actor.rights, list: &self.list, paths: &self.paths }
    }

    /// Draws what is on the page among the devices that changed.
    pub(super) async fn draw(
        &mut self,
        web: &Web,
        person: &Person,
        due: &[DeviceId],
        when: &When,
    ) -> Result<DrawnParts> {
        let mut drawn = DrawnParts::default();
        let here: Vec<DeviceId> = due.iter().copied().filter(|device| self.shown.contains(device)).collect();
        let mut heard = std::mem::take(&mut self.heard);
        if !here.is_empty() {
            let key = web.app.chance().code::<16>();
            let shelf = Shelf::of(web, &person.actor, &here).await?;
            // Some went meanwhile.
            drawn.refresh |= shelf.devices.len() < here.len();
            let row = self.row(person, when, &key);
            for device in &shelf.devices {
                let card = row.card(device, shelf.doing(device.id));
                drawn.parts.push_str(&card.draw(self.drawn).into_string());
                drawn.say.extend(news(&card, &card.face(), &mut heard));
            }
        }
        self.heard = heard;
        Ok(drawn)
    }

    /// Looks at all devices, which takes a while where they are many. No card waits for it.
    pub(super) fn count(&self, web: &Web, person: &Person) -> Counting {
        let (web, actor, asks) = (web.clone(), person.actor.clone(), self.listing.asks());
        Box::pin(async move {
            let page = web.app.list_page(&actor, &asks).await?;
            Ok(Counted { page, missing: missing(&web, &actor).await?.0 })
        })
    }

    /// Draws what is told beside the cards, if it changed.
    pub(super) fn counted(&mut self, Counted { page, missing }: Counted) -> DrawnParts {
        let mut drawn = DrawnParts { refresh: self.is_other(&page), ..DrawnParts::default() };
        self.numbers(&page, &mut drawn.parts);
        let mark = Some(mark_of(&missing));
        if std::mem::replace(&mut self.missing, mark) != mark {
            drawn.parts.push_str(&missing);
        }
        drawn
    }

    pub(super) fn shows(&self, device: DeviceId) -> bool {
        self.shown.contains(&device)
    }

    /// Whether other devices belong on the page now. Where every event changes the order, it is left as it was as long
    /// as the same number match: nothing should move under a finger.
    fn is_other(&mut self, page: &ListPage) -> bool {
        let before = self.mark.replace(mark(page));
        let restless = !self.listing.look.order.is_steady();
        let full = page.next.is_some() || self.listing.after.is_some();
        if restless && full { self.total != page.total } else { before != self.mark }
    }

    fn numbers(&mut self, page: &ListPage, parts: &mut String) {
        if self.counts != page.counts {
            parts.push_str(&counts::line(page.counts, &self.listing).into_string());
        }
        if self.listing.look.by_group {
            let now = page.groups.iter().map(|one| (Some(one.group.id), one.counts));
            for (group, counts) in now.chain([(None, page.in_no_group)]) {
                if self.groups.get(&group).is_some_and(|before| *before != counts) {
                    parts.push_str(&groups::totals(group, counts).into_string());
                }
            }
        }
        self.take_numbers(page);
    }

    fn take_numbers(&mut self, page: &ListPage) {
        (self.counts, self.total) = (page.counts, page.total);
        if self.listing.look.by_group {
            let now = page.groups.iter().map(|one| (Some(one.group.id), one.counts));
            self.groups = now.chain([(None, page.in_no_group)]).collect();
        }
        self.paths = paths(&self.listing, page);
    }
}
