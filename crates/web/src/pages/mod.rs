//! One file per page: what it reads by actions, what its forms do by actions, and where its parts stand.

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod add_device;
pub(crate) mod announced;
pub(crate) mod api_tokens;
pub(crate) mod attention;
pub(crate) mod begin;
pub(crate) mod bridge;
pub(crate) mod bulk;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod error;
pub(crate) mod groups;
pub(crate) mod left_open;
pub(crate) mod manage;
pub(crate) mod order;
pub(crate) mod safety;
pub(crate) mod set_many;
pub(crate) mod set_up;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod ways;

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;

use crate::parts::said::Said;

/// Where a form leads when it was done: reloading what follows does not send it again.
fn done(path: &str, said: Said) -> Response {
    Redirect::to(&format!("{path}?said={}", said.name())).into_response()
}

/// A form shown again, filled in, with what was wrong.
fn again(page: impl IntoResponse) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}
