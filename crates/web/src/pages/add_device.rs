//! Adding a device: a name, and it has a login to connect with.

use axum::extract::State;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use lockwarden_app::Error;
use lockwarden_app::devices::NewDevice;
use maud::html;

use super::again;
use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::identify::{Person, Signed};
use crate::pages::device::once;
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here};
use crate::web::Web;

pub(crate) async fn show(State(web): State<Web>, signed: Signed) -> Result<Html<String>, Failure> {
    signed.actor.may_add_devices()?;
    Ok(page(&web, &signed, "", &Wrong::default()))
}

pub(crate) async fn add(State(web): State<Web>, signed: Signed, fields: Fields) -> Result<Response, Failure> {
    let name = fields.text("name");
    match web.app.add_device(&signed.actor, NewDevice::by_mqtt(name)).await {
        Ok((id, credentials)) => {
            let cookie = web.set_cookie(Cookie::Once, &once(id, &credentials));
            let to = Redirect::to(&format!("/devices/{id}#connect"));
            Ok((AppendHeaders([(SET_COOKIE, cookie)]), to).into_response())
        }
        Err(Error::Invalid { field, why }) => Ok(again(page(&web, &signed, name, &Wrong::at(field, why)))),
        Err(error) => Err(error.into()),
    }
}

fn page(web: &Web, person: &Person, name: &str, wrong: &Wrong) -> Html<String> {
    let body = html! {
        section.narrow {
            h1 { "Add a device" }
            form.card.pad.stack method="post" action="/devices/new" {
                (Field {
                    name: "name", label: "Name", value: name, wrong: wrong.of("name"), focus: true,
                    hint: "As you call the door, for example “Front door” or “Flat 12”. You can change it later.",
                    autocomplete: "off", ..Field::default()
                }.text())
                div.acts {
                    button.btn.main { "Add device" }
                    a.btn href="/devices" { "Cancel" }
                }
            }
            p.hint {
                "The next page shows the address, user name and password to type into the Nuki app, step by step. The lock "
                "has to speak MQTT itself: Smart Lock 3.0 Pro, 4th generation, Ultra, Go or newer."
            }
        }
    };
    frame::page(web, person, Here::Devices, &wrong.title("Add a device"), &body)
}
