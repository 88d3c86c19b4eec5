//! The REST door: wire-compatible with the Nuki Web API 4.10.0, operation by operation. Wire names live in `wire/` only;
//! every operation turns its token into an actor and calls the same action as the browser.

mod ask;
mod bearer;
mod error;
mod operations;
mod reply;
mod route;
mod wire;

use aide::openapi::OpenApi;
use axum::Router;
use lockwarden_app::App;

/// Everything below `/api`.
pub fn router(app: App) -> Router {
    route::router(app)
}

/// The document that describes it, made from the same routes.
pub fn openapi() -> OpenApi {
    route::described().1
}

/// For fuzzing: the body of an action.
#[doc(hidden)]
pub fn fuzz_action_body(bytes: &[u8]) {
    let _ = serde_json::from_slice::<wire::Action>(bytes);
}

/// For fuzzing: the body of a change of settings.
#[doc(hidden)]
pub fn fuzz_settings_body(bytes: &[u8]) {
    let _ = serde_json::from_slice::<wire::settings::Wanted<wire::settings::Config>>(bytes);
    let _ = serde_json::from_slice::<wire::settings::Wanted<wire::settings::Opener>>(bytes);
}
