//! Adding, with one click, what announces itself and is not in the account yet.

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use lockwarden_app::Error;
use lockwarden_app::ids::LoginId;

use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::fields::{Fields, id};
use crate::identify::Signed;
use crate::pages::device::once;
use crate::web::Web;

pub(crate) async fn add(State(web): State<Web>, signed: Signed, fields: Fields) -> Result<Response, Failure> {
    signed.actor.may_add_devices()?;
    let login: LoginId = id(fields.text("login"))?;
    let number = u32::from_str_radix(fields.text("nuki_id"), 16).map_err(|_| Error::NotFound)?;
    let which = (login, number, fields.text("part") == "opener");
    let (device, credentials) = web.app.add_stranger(&signed.actor, which).await?;
    let to = Redirect::to(&format!("/devices/{device}/add"));
    Ok(match credentials {
        Some(credentials) => {
            let cookie = web.set_cookie(Cookie::Once, &once(device, &credentials));
            (AppendHeaders([(SET_COOKIE, cookie)]), to).into_response()
        }
        None => to.into_response(),
    })
}
