//! What needs a person, over all devices or those of a group, by urgency.

use axum::extract::State;
use axum::response::Html;
use lockwarden_app::Result;
use lockwarden_app::devices::list::Place;
use lockwarden_app::groups::Group;
use lockwarden_app::health::Attention;
use maud::{Markup, html};

use crate::failure::Failure;
use crate::fields::Asked;
use crate::identify::{Person, Signed};
use crate::parts::attention::{self, Around};
use crate::parts::frame::{self, Here};
use crate::parts::groups;
use crate::parts::icon::{Icon, icon};
use crate::parts::listing::{place, place_name};
use crate::web::Web;
use crate::when::When;

/// The work list with what is needed to draw it.
pub(crate) struct WorkList {
    attention: Attention,
    groups: Vec<Group>,
    place: Option<Place>,
    may_set: bool,
}

impl WorkList {
    pub(crate) async fn load(web: &Web, person: &Person, place: Option<Place>) -> Result<Self> {
        let attention = web.app.load_attention(&person.actor, place).await?;
        let groups = web.app.known_groups(&person.actor).await?;
        Ok(Self { attention, groups, place, may_set: person.actor.may_set_for_all_devices().is_ok() })
    }

    pub(crate) fn list(&self, when: &When) -> Markup {
        let paths = groups::paths(self.groups.iter());
        attention::list(
            &self.attention,
            &Around { paths: &paths, place: self.place, may_set: self.may_set },
            when,
        )
    }
}

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    asked: Asked,
) -> std::result::Result<Html<String>, Failure> {
    let found = WorkList::load(&web, &signed, place(&asked)).await?;
    let when = signed.when(&web);
    let narrowed = found.place.map(|place| format!("&group={}", place_name(place))).unwrap_or_default();
    let body = html! {
        div.bar {
            h1 { "What needs you" }
            span.grow {}
            @if found.may_set {
                a.btn.slim href="/settings/left-open" { (icon(Icon::DoorOpen)) span { "Doors left open…" } }
            }
        }
        @if found.place.is_some() || !found.groups.is_empty() { (attention::narrow(&found.groups, found.place)) }
        (found.list(&when))
        (frame::live(&format!("on=attention{narrowed}"), when.now))
    };
    Ok(frame::page(&web, &signed, Here::Attention, "What needs you", &body))
}
