//! `/smartlock/{smartlockId}/action…`: orders. 204 means that the order is valid and on its way; what became of it is
//! in the device's state and in the log.

use axum::extract::State;
use axum::http::HeaderMap;
use lockwarden_app::App;
use lockwarden_app::actor::Actor;
use lockwarden_app::commands::Order;
use lockwarden_app::devices::LockAction;

use crate::ask::{Body, Smartlock};
use crate::bearer::Bearer;
use crate::error::Failure;
use crate::reply::Accepted;
use crate::wire;

/// The same key again is the same order, for clients that repeat what they got no answer to.
const KEY: &str = "idempotency-key";

pub(crate) async fn any(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    headers: HeaderMap,
    Body(body): Body<wire::Action>,
) -> Result<Accepted, Failure> {
    let action =
        body.action().ok_or_else(|| Failure::bad("action: 1 to 5 (option 4 with action 2: full lock)"))?;
    order(&app, &actor, number, action, &headers).await
}

pub(crate) async fn lock(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    headers: HeaderMap,
) -> Result<Accepted, Failure> {
    order(&app, &actor, number, LockAction::Lock, &headers).await.map_err(Failure::or_not_allowed)
}

pub(crate) async fn unlock(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    headers: HeaderMap,
) -> Result<Accepted, Failure> {
    order(&app, &actor, number, LockAction::Unlock, &headers).await.map_err(Failure::or_not_allowed)
}

async fn order(
    app: &App,
    actor: &Actor,
    number: i64,
    action: LockAction,
    headers: &HeaderMap,
) -> Result<Accepted, Failure> {
    let key = match headers.get(KEY) {
        Some(key) => {
            Some(key.to_str().map_err(|_| Failure::bad("Idempotency-Key: visible ASCII characters"))?)
        }
        None => None,
    };
    let device = app.find_operable(actor, number).await?;
    app.order(actor, Order { device, action, idempotency_key: key }).await?;
    Ok(Accepted)
}
