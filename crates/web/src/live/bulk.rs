//! An open page of one bulk: how far it is, and what became of each device that is on the page.

use std::collections::{BTreeSet, HashMap};

use lockwarden_app::Result;
use lockwarden_app::ids::{BulkId, DeviceId};

use super::pace::ALL;
use super::view::{CaughtUp, DrawnParts};
use crate::fields::Asked;
use crate::identify::Person;
use crate::pages::bulk::Shown;
use crate::parts::bulk;
use crate::web::Web;

pub(super) struct Bulk {
    pub id: BulkId,
    after: i64,
    /// What the page says of each device.
    said: HashMap<DeviceId, String>,
    settled: bool,
}

impl Bulk {
    pub(super) fn of(asked: &Asked) -> Self {
        let id = BulkId(asked.read("bulk").unwrap_or(0));
        Self { id, after: asked.read("after").unwrap_or(0), said: HashMap::new(), settled: false }
    }

    pub(super) fn shows(&self, device: DeviceId) -> bool {
        !self.settled && self.said.contains_key(&device)
    }

    /// All of it is drawn once: it is not known what the page says.
    pub(super) async fn catch_up(&mut self, web: &Web, person: &Person) -> Result<CaughtUp> {
        let shown = Shown::load(web, person, self.id, self.after).await?;
        self.said = shown.items.iter().map(|item| (item.device, String::new())).collect();
        Ok(CaughtUp { changed: BTreeSet::from([ALL]), refresh: false })
    }

    pub(super) async fn draw(&mut self, web: &Web, person: &Person) -> Result<DrawnParts> {
        let shown = Shown::load(web, person, self.id, self.after).await?;
        let mut drawn =
            DrawnParts { parts: bulk::progress(&shown.bulk).into_string(), ..DrawnParts::default() };
        if shown.bulk.is_settled() {
            // Once, as a whole: the order in which they stay is not the one in which they were watched.
            if !std::mem::replace(&mut self.settled, true) {
                drawn.parts.push_str(&shown.results().into_string());
                drawn.say.push(bulk::headline(&shown.bulk.tally));
            }
            return Ok(drawn);
        }
        for item in &shown.items {
            let line = bulk::item(item, &shown.bulk).into_string();
            if self.said.get(&item.device) != Some(&line) {
                drawn.parts.push_str(&line);
                self.said.insert(item.device, line);
            }
        }
        Ok(drawn)
    }
}
