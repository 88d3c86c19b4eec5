//! The browser's door: pages, forms and live updates, rendered here on the server. It knows HTTP and HTML and decides
//! nothing: every page calls actions of [`App`] with the actor first, and words what they answer.
//!
//! `pages/` has one file per page, `parts/` one function per part, shared by the page, the answer to a form and the
//! live update. `routes.rs` is the one table of what can be asked for.

mod assets;
mod cookies;
mod failure;
mod fields;
mod guard;
mod identify;
mod live;
mod pages;
mod parts;
mod routes;
mod web;
mod when;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use lockwarden_app::App;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

pub use routes::{RouteInfo, Who, routes};
use web::Web;
pub use web::WebConfig;

/// The largest form there is takes a few kilobytes.
const BODY_LIMIT: usize = 64 * 1024;

/// Every page, form and asset. Nothing else is behind these guards: other doors are merged or nested beside it.
pub fn router(app: App, config: WebConfig) -> Router {
    let web = Web::new(app, config);
    routes::build()
        .fallback(pages::error::no_such_page)
        .method_not_allowed_fallback(pages::error::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(web.clone(), identify::identify))
        .layer(from_fn_with_state(web.clone(), guard::same_origin_only))
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
        .layer(from_fn(failure::never_bare))
        .layer(from_fn_with_state(web.clone(), guard::headers))
        .with_state(web)
}
