//! `/smartlock/{smartlockId}/action…`: orders. 204 means that the order is valid and on its way; what became of it is
//! in the device's state and in the log.

use axum::extract::State;
use lockwarden_app::actor::Actor;
use lockwarden_app::commands::Order;
use lockwarden_app::devices::{DeviceType, LockAction};
use lockwarden_app::{App, Refusal};

use crate::ask::{Body, IdempotencyKey, Smartlock};
use crate::bearer::Bearer;
use crate::error::Failure;
use crate::reply::Accepted;
use crate::wire;

pub(crate) async fn any(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    key: IdempotencyKey,
    Body(body): Body<wire::Action>,
) -> Result<Accepted, Failure> {
    let kind = DeviceType::from_stored(number >> 32);
    let action = body.action(kind).ok_or_else(|| {
        Failure::bad(match kind {
            DeviceType::Opener => "action: 1, 2, 3, 6 or 7",
            DeviceType::Box => "action: 1",
            _ => "action: 1 to 5 (option 4 with action 2: full lock)",
        })
    })?;
    Ok(order(&app, &actor, number, action, &key).await?)
}

pub(crate) async fn lock(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    key: IdempotencyKey,
) -> Result<Accepted, Failure> {
    turn(&app, &actor, number, LockAction::Lock, &key).await.map_err(Failure::without_a_body)
}

pub(crate) async fn unlock(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    key: IdempotencyKey,
) -> Result<Accepted, Failure> {
    turn(&app, &actor, number, LockAction::Unlock, &key).await.map_err(Failure::without_a_body)
}

/// An order to turn a bolt, which an opener does not have.
async fn turn(
    app: &App,
    actor: &Actor,
    number: i64,
    action: LockAction,
    key: &IdempotencyKey,
) -> lockwarden_app::Result<Accepted> {
    if DeviceType::from_stored(number >> 32) == DeviceType::Opener {
        app.find_operable(actor, number).await?;
        return Err(Refusal::NotOffered.into());
    }
    order(app, actor, number, action, key).await
}

/// Everything the device has to tell is asked for anew; the answers come with its state and settings.
pub(crate) async fn sync(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
) -> Result<Accepted, Failure> {
    let device = app.find_operable(&actor, number).await?;
    app.sync_device(&actor, device).await?;
    Ok(Accepted)
}

async fn order(
    app: &App,
    actor: &Actor,
    number: i64,
    action: LockAction,
    key: &IdempotencyKey,
) -> lockwarden_app::Result<Accepted> {
    let device = app.find_operable(actor, number).await?;
    app.order(actor, Order { device, action, idempotency_key: key.0.as_deref() }).await?;
    Ok(Accepted)
}
