//! Reading profiles, and keeping what programs keep beside devices.

use std::collections::BTreeSet;

use super::sql;
use super::{Profile, WebConfig};
use crate::App;
use crate::actor::Actor;
use crate::bus::Event;
use crate::devices::{self, Device, SortBy};
use crate::error::{Error, Result};

/// Devices in one change, and accounts in one list.
pub const MOST_AT_ONCE: usize = 1_000;

impl App {
    /// The devices in the actor's scope by name, each with its profile.
    pub async fn list_profiles(&self, actor: &Actor) -> Result<Vec<(Device, Profile)>> {
        let devices = self.list_devices(actor, SortBy::Name).await?;
        let mut tx = self.read().await?;
        let mut profiles = sql::of_account(&mut tx, actor.account).await?;
        let with_theirs = |device: Device| {
            let profile = profiles.remove(&device.id).unwrap_or_default();
            (device, profile)
        };
        Ok(devices.into_iter().map(with_theirs).collect())
    }

    /// One device by the Web API's number, with its profile.
    pub async fn load_profile_of(&self, actor: &Actor, smartlock: i64) -> Result<(Device, Profile)> {
        let mut tx = self.read().await?;
        let device = devices::load_smartlock(&mut tx, actor, smartlock).await?;
        let profile = sql::of_device(&mut tx, device.id).await?;
        Ok((device, profile))
    }

    /// Keeps something beside each of these devices, by their numbers of the Web API: all of it or nothing.
    pub async fn keep_web_configs(&self, actor: &Actor, given: &[(i64, WebConfig)]) -> Result<()> {
        if given.len() > MOST_AT_ONCE {
            return Err(Error::invalid("webConfigRequests", format!("at most {MOST_AT_ONCE} at once")));
        }
        let given = given
            .iter()
            .map(|(smartlock, config)| Ok((*smartlock, check(config)?)))
            .collect::<Result<Vec<_>>>()?;
        let (mut tx, actor) = self.write_as(actor).await?;
        for (smartlock, config) in &given {
            let device = devices::find_smartlock(&mut tx, &actor, *smartlock).await?;
            let device = actor.may_configure(&mut tx, device).await?.device();
            if *config != WebConfig::default() {
                sql::keep(&mut tx, device, config).await?;
                tx.emit(Event::DeviceChanged { account: actor.account, device });
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Each account once, in order.
fn check(config: &WebConfig) -> Result<WebConfig> {
    let Some(dismissed) = &config.dismissed else { return Ok(config.clone()) };
    let field = "dismissedLiftUpHandleWarning";
    let accounts: BTreeSet<i64> = dismissed.iter().copied().collect();
    if accounts.len() > MOST_AT_ONCE {
        return Err(Error::invalid(field, format!("at most {MOST_AT_ONCE} accounts")));
    }
    if accounts.iter().any(|id| !(0..=i64::from(i32::MAX)).contains(id)) {
        return Err(Error::invalid(field, "numbers of accounts, each from 0 to 2147483647"));
    }
    Ok(WebConfig { dismissed: Some(accounts.into_iter().collect()), ..*config })
}
