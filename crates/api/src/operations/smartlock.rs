//! `/smartlock`: reading devices, their name and favourites, and removing them. A device that has never connected has no
//! number and is not listed.

use axum::extract::State;
use lockwarden_app::App;

use crate::ask::{Ask, Body, Smartlock};
use crate::bearer::Bearer;
use crate::error::Failure;
use crate::reply::{Accepted, Reply};
use crate::wire::{self, SmartlockFilter, SmartlockUpdate};

pub(crate) async fn list(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Ask(filter): Ask<SmartlockFilter>,
) -> Result<Reply<Vec<wire::Smartlock>>, Failure> {
    let (devices, now) = (app.list_profiles(&actor).await?, app.now());
    let listed = devices.iter().filter_map(|(device, profile)| wire::Smartlock::of(device, profile, now));
    Ok(Reply(listed.filter(|lock| filter.takes(lock)).collect()))
}

pub(crate) async fn read(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
) -> Result<Reply<wire::Smartlock>, Failure> {
    let (device, profile) = app.load_profile_of(&actor, number).await?;
    wire::Smartlock::of(&device, &profile, app.now()).map(Reply).ok_or_else(Failure::not_found)
}

pub(crate) async fn update(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    Body(update): Body<SmartlockUpdate>,
) -> Result<Accepted, Failure> {
    let device = app.find_manageable(&actor, number).await?;
    app.update_device(&actor, device, (update.name.as_deref(), update.favorite)).await?;
    Ok(Accepted)
}

pub(crate) async fn remove(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
) -> Result<Accepted, Failure> {
    let device = app.find_manageable(&actor, number).await?;
    app.remove_device(&actor, device).await?;
    Ok(Accepted)
}
