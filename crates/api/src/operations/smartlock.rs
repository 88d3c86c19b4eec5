//! `/smartlock`: reading devices. A device that has never connected has no number and is not listed.

use axum::extract::State;
use lockwarden_app::App;
use lockwarden_app::devices::SortBy;

use crate::ask::{Ask, Smartlock};
use crate::bearer::Bearer;
use crate::error::Failure;
use crate::reply::Reply;
use crate::wire::{self, SmartlockFilter};

pub(crate) async fn list(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Ask(filter): Ask<SmartlockFilter>,
) -> Result<Reply<Vec<wire::Smartlock>>, Failure> {
    let devices = app.list_devices(&actor, SortBy::Name).await?;
    let listed = devices.iter().filter_map(wire::Smartlock::of).filter(|lock| filter.takes(lock)).collect();
    Ok(Reply(listed))
}

pub(crate) async fn read(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
) -> Result<Reply<wire::Smartlock>, Failure> {
    let device = app.load_smartlock(&actor, number).await?;
    wire::Smartlock::of(&device).map(Reply).ok_or_else(Failure::not_found)
}
