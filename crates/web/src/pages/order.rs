//! Ordering a device to do something, and asking once more before a door opens.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use lockwarden_app::commands::{self, Order};
use lockwarden_app::devices::{Device, DeviceType, LockAction};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::{Error, Refusal};
use maud::html;

use super::again;
use crate::failure::Failure;
use crate::fields::{Asked, Fields, id};
use crate::identify::{InParts, Signed};
use crate::parts::card::{Card, Drawn};
use crate::parts::deeds::{asks, is_forbidden, order_from_name, order_name};
use crate::parts::face::{Doing, face};
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here};
use crate::parts::groups;
use crate::parts::icon::{Icon, icon};
use crate::parts::listing::{self, Listing};
use crate::parts::said;
use crate::parts::words::is_opener;
use crate::web::Web;

/// How many of a device's commands its card has to know.
const COMMANDS: u8 = 10;

pub(crate) async fn order(
    State(web): State<Web>,
    signed: Signed,
    InParts(in_parts): InParts,
    Path(device): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let device: DeviceId = id(&device)?;
    let name = fields.text("order");
    let action = order_from_name(name).ok_or_else(|| Error::invalid("order", "there is no such order"))?;
    let back = Back::read(fields.text("drawn"), fields.text("list"));
    let operable = web.app.load_operable(&signed.actor, device).await?;
    let proof = needs_proof(&web, &signed, &operable, action).await?;
    let unanswered = proof && !fields.has("password");
    if unanswered || (asks(&operable, action) && fields.text("sure") != "yes") {
        let question = format!("/devices/{device}/order?order={name}{}", back.query());
        return Ok(Redirect::to(&question).into_response());
    }
    if proof && let Some(wrong) = prove(&web, &signed, fields.text("password")).await? {
        return Ok(again(question(&web, &signed, &operable, action, &back, Some(&wrong)).await?));
    }
    // One rendering has one key; each of its buttons is an order of its own.
    let key = fields.has("key").then(|| format!("{}.{device}.{name}", fields.text("key")));
    web.app.order(&signed.actor, Order { device, action, idempotency_key: key.as_deref() }).await?;
    if in_parts {
        return Ok(answer(&web, &signed, device, &back).await?.into_response());
    }
    Ok(Redirect::to(&back.path(device)).into_response())
}

/// The page an order was given from. It is chosen among ours, never an address that somebody sent.
struct Back {
    drawn: Drawn,
    /// The query of the list.
    list: String,
}

impl Back {
    fn read(drawn: &str, list: &str) -> Self {
        Self { drawn: Drawn::from_name(drawn), list: Listing::from_query(list).query() }
    }

    fn path(&self, device: DeviceId) -> String {
        match self.drawn {
            Drawn::Head => format!("/devices/{device}"),
            Drawn::Step => format!("/devices/{device}/add"),
            Drawn::Tile | Drawn::Row | Drawn::Pick => {
                format!("{}#device-{device}", listing::path_of(&self.list))
            }
        }
    }

    /// Nothing where nothing was chosen.
    fn query(&self) -> String {
        if self.list.is_empty() && !matches!(self.drawn, Drawn::Head | Drawn::Step) {
            return String::new();
        }
        format!("&drawn={}{}", self.drawn.name(), listing::carried(&self.list))
    }
}

/// The card as it is now: the order is on it as waiting, the state is still what the lock said.
async fn answer(web: &Web, signed: &Signed, id: DeviceId, back: &Back) -> Result<Html<String>, Failure> {
    let device = web.app.load_device(&signed.actor, id).await?;
    let doing = Doing::of(web.app.list_commands(&signed.actor, id, COMMANDS).await?);
    let key = web.app.chance().code::<16>();
    let when = signed.when(web);
    let grouped = Listing::from_query(&back.list).look.by_group;
    let group = group_of(web, signed, &device).await?.filter(|_| !grouped);
    let (list, group) = (back.list.as_str(), group.as_deref());
    let card = Card {
        device: &device,
        doing: &doing,
        when: &when,
        key: &key,
        rights: signed.actor.rights,
        list,
        group,
    };
    Ok(Html(html! { (card.draw(back.drawn)) (said::strip(None)) }.into_string()))
}

/// The way to the device's group, as its card in the list tells it.
async fn group_of(web: &Web, signed: &Signed, device: &Device) -> Result<Option<String>, Failure> {
    let Some(group) = device.group else {
        return Ok(None);
    };
    let all = web.app.known_groups(&signed.actor).await?;
    Ok(groups::path_of(all.iter(), group))
}

/// The question, and what a yes brings about.
fn meaning(device: &Device, action: LockAction) -> (String, &'static str) {
    let name = &device.name;
    let open = format!("Really open {name}?");
    match action {
        LockAction::LockNGo if is_opener(device) => (
            format!("Really let in whoever rings at {name}?"),
            "In continuous mode the opener lets in whoever rings, by day and by night, until it is switched off.",
        ),
        LockAction::Unlock if is_opener(device) => (
            format!("Really let in whoever rings next at {name}?"),
            "Ring to open lets in the next one who rings, whoever that is, and then switches itself off.",
        ),
        _ if is_opener(device) => {
            (open, "The opener opens the door of the house: it can be pushed open at once.")
        }
        LockAction::Unlock if device.kind == Some(DeviceType::Box) => {
            (open, "The box opens the door of the house: it can be pushed open at once.")
        }
        LockAction::Unlock | LockAction::LockNGo if device.unlocking_opens => {
            (open, "This lock pulls its latch whenever it unlocks: the door can be pushed open at once.")
        }
        LockAction::Unlock => (
            format!("Really unlock {name}?"),
            "The bolt is drawn back: whoever has a handle on the outside comes in without a key.",
        ),
        LockAction::LockNGo => (
            format!("Really unlock {name} for a moment?"),
            "The bolt is drawn back, and after a moment the door locks again by itself.",
        ),
        LockAction::LockNGoUnlatch => (
            open,
            "The lock pulls the latch back: the door can be pushed open at once. It locks again by itself after a moment.",
        ),
        _ => (open, "The lock pulls the latch back: the door can be pushed open at once."),
    }
}

/// The word on the button that does it.
fn yes(device: &Device, action: LockAction) -> &'static str {
    match action {
        LockAction::Unlock | LockAction::LockNGo if is_opener(device) => "Yes, let them in",
        LockAction::Unlock | LockAction::LockNGo if !commands::opens(device, action) => "Yes, unlock it",
        _ => "Yes, open it",
    }
}

/// The second step without a script, and where a password is asked for.
pub(crate) async fn confirm(
    State(web): State<Web>,
    signed: Signed,
    Path(device): Path<String>,
    asked: Asked,
) -> Result<Html<String>, Failure> {
    let device = web.app.load_operable(&signed.actor, id(&device)?).await?;
    let action = order_from_name(asked.text("order"))
        .filter(|action| asks(&device, *action))
        .ok_or(Error::NotFound)?;
    if is_forbidden(&device, action) {
        return Err(Error::from(Refusal::NeverOpens).into());
    }
    // Without a list to go back to, the device's own page follows, where its answer is seen.
    let back = match asked.text("drawn") {
        "" => Back { drawn: Drawn::Head, list: String::new() },
        drawn => Back::read(drawn, asked.text("list")),
    };
    let proof = needs_proof(&web, &signed, &device, action).await?;
    question(&web, &signed, &device, action, &back, proof.then(Wrong::default).as_ref()).await
}

/// Whether this order takes a password that was given a moment ago, and none was.
async fn needs_proof(web: &Web, signed: &Signed, device: &Device, action: LockAction) -> Result<bool, Error> {
    let wanted = device.safety.fresh_sign_in && commands::opens(device, action);
    Ok(wanted && !web.app.is_freshly_proved(&signed.actor).await?)
}

/// What was wrong with the password, or nothing.
pub(super) async fn prove(web: &Web, signed: &Signed, password: &str) -> Result<Option<Wrong>, Error> {
    match web.app.prove_again(&signed.actor, password).await {
        Ok(()) => Ok(None),
        Err(Error::Refused(Refusal::WrongPassword)) => {
            Ok(Some(Wrong::at("password", "this is not your password; nothing was done")))
        }
        Err(Error::Refused(why)) => Ok(Some(Wrong::at("password", why.to_string()))),
        Err(error) => Err(error),
    }
}

/// With a field for the password where there is something to say of it.
async fn question(
    web: &Web,
    signed: &Signed,
    device: &Device,
    action: LockAction,
    back: &Back,
    password: Option<&Wrong>,
) -> Result<Html<String>, Failure> {
    let when = signed.when(web);
    let doing = Doing::of(web.app.list_commands(&signed.actor, device.id, COMMANDS).await?);
    let now = face(device, &doing, &when);
    let (question, meaning) = meaning(device, action);
    let body = html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/devices/" (device.id) "/order" } {
                h1 { (question) }
                p { (meaning) }
                p.hint { "It says: " (now.word) " · " (now.detail.join(" · ")) }
                input type="hidden" name="order" value=(order_name(action));
                input type="hidden" name="sure" value="yes";
                input type="hidden" name="drawn" value=(back.drawn.name());
                (listing::field(&back.list))
                input type="hidden" name="key" value=(web.app.chance().code::<16>());
                @if let Some(wrong) = password {
                    (Field {
                        name: "password", label: "Your password", wrong: wrong.of("password"),
                        hint: "This door wants it from whoever opens it. It holds for five minutes.",
                        autocomplete: "current-password", focus: true, ..Field::default()
                    }.password())
                }
                div.acts {
                    button.btn.open.sure { (icon(Icon::DoorOpen)) (yes(device, action)) }
                    a.btn href=(back.path(device.id)) { "No, go back" }
                }
            }
        }
    };
    let title = password.map_or_else(|| question.clone(), |wrong| wrong.title(&question));
    Ok(frame::page(web, signed, Here::Devices, &title, &body))
}
