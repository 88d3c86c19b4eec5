//! The open work list: drawn again whenever anything of the account changes, as often as numbers are.

use std::collections::BTreeSet;

use lockwarden_app::Result;
use lockwarden_app::devices::list::Place;

use super::pace::ALL;
use super::view::{CaughtUp, DrawnParts};
use crate::fields::Asked;
use crate::identify::Person;
use crate::pages::attention;
use crate::parts::attention::badge;
use crate::parts::listing::place;
use crate::web::Web;

#[derive(Default)]
pub(super) struct WorkList {
    /// What the page is narrowed to.
    place: Option<Place>,
    /// What the page has now, as far as this stream sent it.
    drawn: String,
}

impl WorkList {
    pub(super) fn of(asked: &Asked) -> Self {
        Self { place: place(asked), drawn: String::new() }
    }

    /// What the page shows is not known here, so it is drawn once.
    pub(super) fn catch_up() -> CaughtUp {
        CaughtUp { changed: BTreeSet::from([ALL]), refresh: false }
    }

    pub(super) async fn draw(&mut self, web: &Web, person: &Person) -> Result<DrawnParts> {
        let found = attention::WorkList::load(web, person, self.place).await?;
        let count = web.app.count_attention(&person.actor).await?;
        let list = found.list(&person.when(web)).into_string();
        let badges = [badge("side", count), badge("bottom", count)].map(maud::Markup::into_string).concat();
        let parts = list + &badges;
        if parts == self.drawn {
            return Ok(DrawnParts::default());
        }
        self.drawn.clone_from(&parts);
        Ok(DrawnParts { parts, ..DrawnParts::default() })
    }
}
