//! `/smartlock/{smartlockId}/config` and what belongs to it: settings as they should be. 204 means that they are written
//! down and on their way; until the device says that it has them, it is answered as it is, with an `operationId`.

use axum::extract::State;
use lockwarden_app::App;
use lockwarden_app::devices::DeviceType;

use crate::ask::{Body, Smartlock};
use crate::bearer::Bearer;
use crate::error::Failure;
use crate::reply::Accepted;
use crate::wire::settings::{Of, Wanted};
use crate::wire::{AdminPin, BulkWebConfigRequest, Object, WebConfig};

/// One function for each of the four models.
pub(crate) async fn change<M: Of>(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    Body(wanted): Body<Wanted<M>>,
) -> Result<Accepted, Failure> {
    let device = app.find_configurable(&actor, number).await?;
    if !M::is_on(DeviceType::from_stored(number >> 32)) {
        return Err(Failure::bad(format!("this kind of device has no {}", M::NAME)));
    }
    if wanted.is_whole {
        app.send_back_settings(&actor, device, &wanted.changes).await?;
    } else {
        app.change_settings(&actor, device, &wanted.changes).await?;
    }
    Ok(Accepted)
}

/// There is no local way by which a device's PIN could be set or even be asked whether it is right, so nobody is told that
/// it was.
pub(crate) async fn admin_pin(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    Body(pin): Body<AdminPin>,
) -> Result<Accepted, Failure> {
    app.find_configurable(&actor, number).await?;
    pin.check()?;
    Err(Failure::bad(
        "adminPin: no way to this device can set it; enter it in the Nuki app, and on the web page of its Nuki Hub",
    ))
}

pub(crate) async fn web_config(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Smartlock(number): Smartlock,
    Body(config): Body<WebConfig>,
) -> Result<Accepted, Failure> {
    app.keep_web_configs(&actor, &[(number, config.into())]).await?;
    Ok(Accepted)
}

pub(crate) async fn bulk_web_config(
    State(app): State<App>,
    Bearer(actor): Bearer,
    Body(bulk): Body<BulkWebConfigRequest>,
) -> Result<Accepted, Failure> {
    actor.may_configure_devices()?;
    let given = bulk.web_config_requests.unwrap_or_default().into_iter().map(|Object(one)| {
        let number =
            one.smartlock_id.ok_or_else(|| Failure::bad("webConfigRequests: each needs a smartlockId"))?;
        Ok((number, one.web_config.map(|Object(config)| config).unwrap_or_default().into()))
    });
    app.keep_web_configs(&actor, &given.collect::<Result<Vec<_>, Failure>>()?).await?;
    Ok(Accepted)
}
