//! What spoke through a login and is none of the devices the login brings: a second lock that was given the login of
//! another, a part of a hub that its owner removed. It is shown with what it announced of itself, and added with a login of
//! its own or, where it is a part of the hub, by the hub's.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Credentials, create, sql};
use crate::App;
use crate::actor::{Actor, Scope};
use crate::bus::Event;
use crate::clock::Time;
use crate::db::Tx;
use crate::devices::{self, Connector, LONGEST_NAME};
use crate::error::{Error, Result};
use crate::ids::{AccountId, DeviceId, LoginId};
use crate::ways::{self, HubPart};

/// How long one that was not heard of again is shown, in milliseconds.
const SHOWN_MS: i64 = 7 * 24 * 3_600_000;
/// Of one login; whoever speaks under any number at all does not fill the table.
pub const MOST_STRANGERS: usize = 8;
/// On one page.
const MOST_LISTED: i64 = 100;

/// What is known of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    pub nuki_id: u32,
    pub is_opener: bool,
    pub name: Option<String>,
    pub model: Option<String>,
}

impl Stranger {
    /// A lock that has said nothing but its number.
    pub fn lock(nuki_id: u32) -> Self {
        Self { nuki_id, is_opener: false, name: None, model: None }
    }
}

/// One as its finder's owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrangerSeen {
    pub stranger: Stranger,
    pub login: LoginId,
    /// The device whose login it spoke through.
    pub through: (DeviceId, String),
    /// It is a part of the hub behind that login, and needs no other.
    pub is_part: bool,
    pub seen_at: Time,
}

impl App {
    /// Writes down who else spoke through logins. Nothing is believed of it: it is only shown.
    pub async fn note_strangers(&self, noted: &HashMap<LoginId, Vec<Stranger>>) -> Result<()> {
        if noted.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        for (login, strangers) in noted {
            let Some((account, device)) = sql::device_of(&mut tx, *login).await? else {
                continue; // It went with a restore.
            };
            for stranger in strangers {
                sql::note_stranger(&mut tx, *login, stranger, self.now()).await?;
            }
            sql::forget_strangers(&mut tx, *login, MOST_STRANGERS).await?;
            tx.emit(Event::DeviceChanged { account, device });
        }
        tx.commit().await?;
        Ok(())
    }

    /// Those that the account does not have, the last heard first: of all its logins, or of those of one device.
    pub async fn list_strangers(&self, actor: &Actor, of: Option<DeviceId>) -> Result<Vec<StrangerSeen>> {
        actor.may_add_devices()?;
        let mut tx = self.read().await?;
        let since = Time(self.now().0.saturating_sub(SHOWN_MS));
        let devices: Vec<DeviceId> = match (of, &actor.scope) {
            (None, Scope::All) => {
                let rows = sql::strangers(&mut tx, actor.account, (since, MOST_LISTED)).await?;
                return Ok(rows.into_iter().filter_map(read).collect());
            }
            (None, Scope::Only(devices)) => devices.iter().copied().collect(),
            (Some(device), scope) => {
                Some(device).filter(|device| scope.contains(*device)).into_iter().collect()
            }
        };
        let mut rows = sql::strangers_of(&mut tx, &devices).await?;
        rows.retain(|row| row.account_id == actor.account && row.seen_at >= since);
        rows.sort_unstable_by_key(|row| (Reverse(row.seen_at), row.nuki_id));
        rows.truncate(usize::try_from(MOST_LISTED).unwrap_or(0));
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Adds one of them. A part of a hub speaks through the hub's login; anything else gets a login of its own, to be typed
    /// in where it has the wrong one now.
    pub async fn add_stranger(
        &self,
        actor: &Actor,
        which: (LoginId, u32, bool),
    ) -> Result<(DeviceId, Option<Credentials>)> {
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_add_devices()?;
        let one = sql::stranger(&mut tx, actor.account, which).await?.and_then(read);
        let one = one.filter(|one| actor.scope.contains(one.through.0)).ok_or(Error::NotFound)?;
        devices::check_room(&mut tx, actor.account, 1).await?;
        let (device, credentials) = self.insert_stranger(&mut tx, actor.account, &one).await?;
        sql::became(&mut tx, &one, device).await?;
        tx.emit(Event::DeviceChanged { account: actor.account, device });
        tx.emit(Event::DeviceChanged { account: actor.account, device: one.through.0 });
        tx.emit(Event::DevicesChanged { account: actor.account });
        if one.is_part {
            // The hub comes back, and then with this one too.
            tx.emit(Event::LoginChanged { account: actor.account, device: one.through.0 });
        }
        tx.commit().await?;
        Ok((device, credentials))
    }

    async fn insert_stranger(
        &self,
        tx: &mut Tx,
        account: AccountId,
        one: &StrangerSeen,
    ) -> Result<(DeviceId, Option<Credentials>)> {
        let called = one.stranger.name.as_deref().map(|name| name.chars().take(LONGEST_NAME).collect());
        let called: String = called.unwrap_or_else(|| devices::unnamed(one.stranger.is_opener).to_owned());
        let by = if one.is_part { Connector::NukiHub } else { Connector::NukiMqtt };
        let named = (called.as_str(), false);
        let device = devices::insert(self, tx, account, (named, by), one.stranger.is_opener).await?;
        if one.is_part {
            sql::leave_out(tx, one.login, None).await?;
            ways::add(self, tx, (device, account), (by, Some(one.login))).await?;
            return Ok((device, None));
        }
        let (login, credentials) = create(self, tx, (account, device), (by, None)).await?;
        ways::add(self, tx, (device, account), (by, Some(login))).await?;
        Ok((device, Some(credentials)))
    }
}

fn read(row: sql::StrangerRow) -> Option<StrangerSeen> {
    let part = if row.is_opener { HubPart::Opener } else { HubPart::Lock };
    let is_part = row.left_out.as_deref() == Some(part.name());
    Some(StrangerSeen {
        stranger: Stranger {
            nuki_id: u32::try_from(row.nuki_id).ok()?,
            is_opener: row.is_opener,
            name: row.name,
            model: row.model,
        },
        login: row.login_id,
        through: (row.device_id, row.device_name),
        is_part,
        seen_at: row.seen_at,
    })
}
