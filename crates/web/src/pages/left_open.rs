//! From when on an open door counts as left open, for every door of the account.

use axum::extract::State;
use axum::response::{Html, Response};
use lockwarden_app::devices::LeftOpen;
use maud::html;

use super::{again, done};
use crate::failure::Failure;
use crate::fields::{Asked, Fields};
use crate::identify::{Person, Signed};
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here};
use crate::parts::icon::{Icon, icon};
use crate::parts::said::{self, Said};
use crate::web::Web;

const PATH: &str = "/settings/left-open";

pub(crate) async fn show(
    State(web): State<Web>,
    signed: Signed,
    asked: Asked,
) -> Result<Html<String>, Failure> {
    let limit = web.app.load_left_open(&signed.actor).await?;
    let typed = limit.minutes().or(LeftOpen::USUAL.minutes()).unwrap_or_default().to_string();
    let said = Said::from_name(asked.text("said"));
    Ok(page(&web, &signed, said, (limit != LeftOpen::NEVER, &typed), &Wrong::default()))
}

pub(crate) async fn save(
    State(web): State<Web>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Failure> {
    // Whoever may not is told so, and not that what they typed is wrong.
    web.app.load_left_open(&signed.actor).await?;
    let (watched, typed) = (fields.text("watched") == "yes", fields.text("minutes"));
    let read = typed.trim().parse().map_err(|_| "a whole number of minutes");
    let limit = if watched { read.and_then(LeftOpen::after_minutes) } else { Ok(LeftOpen::NEVER) };
    match limit {
        Ok(limit) => {
            web.app.set_left_open(&signed.actor, limit).await?;
            Ok(done(PATH, Said::Saved))
        }
        Err(why) => Ok(again(page(&web, &signed, None, (watched, typed), &Wrong::at("minutes", why)))),
    }
}

fn page(
    web: &Web,
    person: &Person,
    said: Option<Said>,
    (watched, minutes): (bool, &str),
    wrong: &Wrong,
) -> Html<String> {
    let body = html! {
        section.narrow {
            p.back { a href="/attention" { (icon(Icon::Back)) "What needs you" } }
            (said::strip(said))
            h1 { "Doors left open" }
            form.card.pad.stack method="post" action=(PATH) {
                p {
                    "A door with a sensor that stays open is listed under “What needs you”. This is for all doors of the account, "
                    "at once."
                }
                label.check {
                    input type="checkbox" name="watched" value="yes" checked[watched];
                    span { "Tell when a door stays open" small { "Without this, it is never listed. The tile shows an open door in any case." } }
                }
                (Field {
                    name: "minutes", label: "For how many minutes", value: minutes, wrong: wrong.of("minutes"),
                    optional: true, hint: "1 to 1440, which are 24 hours. It is 10 unless it was changed.",
                    autocomplete: "off", ..Field::default()
                }.text())
                div.acts { button.btn.main { "Save" } }
            }
        }
    };
    frame::page(web, person, Here::Attention, &wrong.title("Doors left open"), &body)
}
