//! Which setting is to be changed on many devices, and to what: two steps before the proposal, with the chosen devices carried
//! along.

use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use lockwarden_app::Error;
use lockwarden_app::bulks::{Deed, Wish};
use lockwarden_app::settings::{Setting, from_form};
use maud::{Markup, html};

use crate::failure::Failure;
use crate::fields::Fields;
use crate::identify::{Person, Signed};
use crate::parts::bulk;
use crate::parts::frame::{self, Here};
use crate::parts::icon::{Icon, icon};
use crate::parts::setting::Row;
use crate::web::Web;

/// What is still to be said.
pub(crate) enum Asking {
    Which,
    /// To what; and why not to what was said.
    Value(Setting, Option<String>),
}

/// What is wanted, or what has to be asked first.
pub(crate) fn read(fields: &Fields) -> Result<Deed, Asking> {
    let Some(setting) = Setting::from_key(fields.text("setting")).filter(|setting| setting.is_for_many())
    else {
        return Err(Asking::Which);
    };
    let Some(kind) = setting.kind_for_many().filter(|_| fields.text("deed") == "set") else {
        return Err(Asking::Value(setting, None));
    };
    let typed = fields.text(setting.key());
    if typed.is_empty() {
        return Err(Asking::Value(setting, Some("choose what it should be".to_owned())));
    }
    let value =
        from_form(setting, kind, typed).map_err(|why| Asking::Value(setting, Some(why.into_owned())))?;
    let wish = Wish::new(setting, &value).map_err(|error| Asking::Value(setting, Some(error.to_string())))?;
    Ok(Deed::Set(wish))
}

pub(crate) fn page(
    web: &Web,
    signed: &Signed,
    fields: &Fields,
    asking: &Asking,
) -> Result<Response, Failure> {
    signed.actor.may_configure_devices()?;
    if fields.text("all") != "yes" && fields.named("pick-").next().is_none() {
        return Err(Error::invalid("devices", "choose at least one device").into());
    }
    Ok(match asking {
        Asking::Which => form(web, signed, fields, None, &bulk::settings()).into_response(),
        Asking::Value(setting, None) => {
            form(web, signed, fields, Some(*setting), &value(*setting, fields, None)).into_response()
        }
        Asking::Value(setting, Some(why)) => {
            let page = form(web, signed, fields, Some(*setting), &value(*setting, fields, Some(why)));
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    })
}

fn value(setting: Setting, fields: &Fields, wrong: Option<&str>) -> Markup {
    let Some(kind) = setting.kind_for_many() else {
        return Markup::default();
    };
    let row = Row { setting, kind, held: None, typed: None, wrong };
    // Nothing is chosen for anybody: whoever only goes on is asked again.
    let typed = fields.text(setting.key());
    html! {
        input type="hidden" name="setting" value=(setting.key());
        div.field.setting { (row.asked(typed, "choose…")) (row.words()) }
    }
}

fn form(
    web: &Web,
    person: &Person,
    fields: &Fields,
    setting: Option<Setting>,
    field: &Markup,
) -> Html<String> {
    let title = "Change a setting on many devices";
    let (deed, next) =
        if setting.is_some() { ("set", "See what would change…") } else { ("setting", "Go on") };
    let body = html! {
        section.narrow {
            p.back { a href="/devices?select=yes" { (icon(Icon::Back)) "Choose devices" } }
            form.card.pad.stack method="post" action="/bulks" novalidate {
                h1 { (title) }
                @for name in ["all", "but", "list"] {
                    @if fields.has(name) { input type="hidden" name=(name) value=(fields.text(name)); }
                }
                @for device in fields.named("pick-") { input type="hidden" name={ "pick-" (device) } value="yes"; }
                (field)
                p.hint { "Nothing is changed yet: first you see what would become of each device." }
                div.acts {
                    button.btn.main name="deed" value=(deed) { (next) }
                    a.btn href="/devices" { "Do nothing" }
                }
            }
        }
    };
    frame::page(web, person, Here::Devices, title, &body)
}
