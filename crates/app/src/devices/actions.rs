//! What can be done with devices, besides operating them.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::identity::{insert, unnamed};
use super::{Connector, Device, DeviceType, check_name, identity_sql, list, names, sql};
use crate::App;
use crate::activity::{self, Happening, NewEntry, Origin};
use crate::actor::{Actor, Manageable};
use crate::bridges;
use crate::bus::Event;
use crate::clock::Time;
use crate::commands;
use crate::db::{DbError, Tx};
use crate::error::{Error, Refusal, Result};
use crate::groups::{set_group, target_group};
use crate::history;
use crate::ids::{AccountId, ActivityId, DeviceId, GroupId};
use crate::logins::{self, Credentials};
use crate::settings;
use crate::ways;

/// Devices in one account.
const MOST_DEVICES: usize = 200_000;

#[derive(Clone, Copy)]
pub struct NewDevice<'a> {
    /// Nothing: it is called what it calls itself, as soon as it does.
    pub name: Option<&'a str>,
    pub connector: Connector,
    /// Of a hub: where it publishes, if not at the usual place.
    pub base_path: Option<&'a str>,
}

impl<'a> NewDevice<'a> {
    /// A lock with an MQTT client of its own.
    pub fn by_mqtt(name: &'a str) -> Self {
        Self { name: Some(name), connector: Connector::NukiMqtt, base_path: None }
    }

    pub fn by_hub(name: &'a str, base_path: Option<&'a str>) -> Self {
        Self { name: Some(name), connector: Connector::NukiHub, base_path }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    #[default]
    Name,
    /// Newest first.
    Added,
}

impl App {
    /// Adds a device that has yet to connect, with the login it connects with.
    pub async fn add_device(&self, actor: &Actor, new: NewDevice<'_>) -> Result<(DeviceId, Credentials)> {
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_add_devices()?;
        check_room(&mut tx, actor.account, 1).await?;
        let added = self.add(&mut tx, &actor, new).await?;
        tx.emit(Event::DevicesChanged { account: actor.account });
        tx.commit().await?;
        Ok(added)
    }

    /// Adds many at once, and puts them into a group: all of them or none.
    pub async fn add_devices(
        &self,
        actor: &Actor,
        new: &[NewDevice<'_>],
        group: Option<GroupId>,
    ) -> Result<Vec<(DeviceId, Credentials)>> {
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_add_devices()?;
        check_room(&mut tx, actor.account, new.len()).await?;
        let group = target_group(&mut tx, &actor, group).await?;
        let mut added = Vec::with_capacity(new.len());
        for new in new {
            let (device, credentials) = self.add(&mut tx, &actor, *new).await?;
            if group.is_some() {
                let manageable = actor.may_manage(&mut tx, device).await?;
                set_group(&mut tx, &actor, manageable, group, self.now()).await?;
            }
            added.push((device, credentials));
        }
        tx.emit(Event::DevicesChanged { account: actor.account });
        tx.commit().await?;
        Ok(added)
    }

    async fn add(&self, tx: &mut Tx, actor: &Actor, new: NewDevice<'_>) -> Result<(DeviceId, Credentials)> {
        let given = new.name.map(check_name).transpose().map_err(|why| Error::invalid("name", why))?;
        let base_path = logins::base_path_for(new.connector, new.base_path)?;
        let name = (given.unwrap_or(unnamed(false)), given.is_some());
        let id = insert(self, tx, actor.account, (name, new.connector), false).await?;
        let by = (new.connector, base_path);
        let (login, credentials) = logins::create(self, tx, (actor.account, id), by).await?;
        ways::add(self, tx, (id, actor.account), (new.connector, Some(login))).await?;
        tx.emit(Event::DeviceChanged { account: actor.account, device: id });
        Ok((id, credentials))
    }

    /// The devices in the actor's scope.
    pub async fn list_devices(&self, actor: &Actor, sort: SortBy) -> Result<Vec<Device>> {
        actor.may_list_devices()?;
        let mut tx = self.read().await?;
        let mut devices = sql::list(&mut tx, actor.account).await?;
        devices.retain(|device| actor.scope.contains(device.id));
        match sort {
            SortBy::Name => devices.sort_by_cached_key(|device| (list::sort_key(&device.name), device.id)),
            SortBy::Added => devices.sort_by_key(|device| Reverse((device.added_at, device.id))),
        }
        Ok(devices)
    }

    /// Those of these devices that the actor may see, in no order.
    pub async fn list_some_devices(&self, actor: &Actor, devices: &[DeviceId]) -> Result<Vec<Device>> {
        actor.may_list_devices()?;
        let mut tx = self.read().await?;
        let mut found = sql::some(&mut tx, actor.account, devices).await?;
        found.retain(|device| actor.scope.contains(device.id));
        Ok(found)
    }

    pub async fn load_device(&self, actor: &Actor, id: DeviceId) -> Result<Device> {
        let mut tx = self.read().await?;
        // It may have turned out to be another one, and whoever knows it by its first number finds it there.
        let id = identity_sql::joined_to(&mut tx, actor.account, id).await?.unwrap_or(id);
        let device = sql::load(&mut tx, id).await?;
        actor.may_view_this(&device)?;
        Ok(device)
    }

    /// What a device last said, for the gateway itself.
    pub async fn find_said(&self, id: DeviceId) -> Result<Option<Device>> {
        let mut tx = self.read().await?;
        match sql::load(&mut tx, id).await.map_err(Error::from) {
            Ok(device) => Ok(Some(device)),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The device, for whoever is asked once more whether they mean it. The order itself checks again.
    pub async fn load_operable(&self, actor: &Actor, id: DeviceId) -> Result<Device> {
        let mut tx = self.read().await?;
        let operable = actor.may_operate(&mut tx, id).await?;
        Ok(sql::load(&mut tx, operable.device()).await?)
    }

    /// Finds a device by the Web API's number: `type · 2^32 + Nuki ID`.
    pub async fn load_smartlock(&self, actor: &Actor, smartlock: i64) -> Result<Device> {
        let mut tx = self.read().await?;
        load_smartlock(&mut tx, actor, smartlock).await
    }

    /// The device behind a number of the Web API, for somebody who wants to operate it and may not even see it.
    pub async fn find_operable(&self, actor: &Actor, smartlock: i64) -> Result<DeviceId> {
        let mut tx = self.read().await?;
        let found = find_smartlock(&mut tx, actor, smartlock).await?;
        Ok(actor.may_operate(&mut tx, found).await?.device())
    }

    /// The same for somebody who wants to change its settings.
    pub async fn find_configurable(&self, actor: &Actor, smartlock: i64) -> Result<DeviceId> {
        let mut tx = self.read().await?;
        let found = find_smartlock(&mut tx, actor, smartlock).await?;
        Ok(actor.may_configure(&mut tx, found).await?.device())
    }

    /// The same for somebody who wants to rename or remove it.
    pub async fn find_manageable(&self, actor: &Actor, smartlock: i64) -> Result<DeviceId> {
        let mut tx = self.read().await?;
        let found = find_smartlock(&mut tx, actor, smartlock).await?;
        Ok(actor.may_manage(&mut tx, found).await?.device())
    }

    /// The same for somebody who wants to read its log.
    pub async fn find_logged(&self, actor: &Actor, smartlock: i64) -> Result<DeviceId> {
        let mut tx = self.read().await?;
        let found = find_smartlock(&mut tx, actor, smartlock).await?;
        actor.may_read_log_of(&mut tx, found).await?;
        Ok(found)
    }

    pub async fn rename_device(&self, actor: &Actor, id: DeviceId, name: &str) -> Result<()> {
        self.update_device(actor, id, (Some(name), None)).await
    }

    /// What is given of both, at once.
    pub async fn update_device(
        &self,
        actor: &Actor,
        id: DeviceId,
        (name, favourite): (Option<&str>, Option<bool>),
    ) -> Result<()> {
        let name = name.map(check_name).transpose().map_err(|why| Error::invalid("name", why))?;
        let (mut tx, actor) = self.write_as(actor).await?;
        let manageable = actor.may_manage(&mut tx, id).await?;
        if let Some(name) = name {
            sql::rename(&mut tx, manageable.device(), name, self.now()).await?;
            tx.emit(Event::DeviceChanged { account: actor.account, device: id });
            tx.emit(Event::DevicesChanged { account: actor.account });
        }
        if let Some(yes) = favourite {
            set_favourite(&mut tx, manageable, yes, self.now()).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Favourites are the account's: they come first for everybody (Web API 4.10.0, `Smartlock.favorite`).
    pub async fn set_favourite(&self, actor: &Actor, id: DeviceId, yes: bool) -> Result<()> {
        self.update_device(actor, id, (None, Some(yes))).await
    }

    /// Takes a device out of the account. Its login ends at once; its log stays.
    pub async fn remove_device(&self, actor: &Actor, id: DeviceId) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let manageable = actor.may_manage(&mut tx, id).await?;
        ways::forget(&mut tx, manageable.device(), self.now()).await?;
        commands::device_removed(&mut tx, manageable.device(), self.now()).await?;
        settings::device_removed(&mut tx, manageable.device()).await?;
        names::forget(&mut tx, manageable.device()).await?;
        sql::remove(&mut tx, manageable.device(), self.now()).await?;
        tx.emit(Event::LoginChanged { account: actor.account, device: id });
        tx.emit(Event::DevicesChanged { account: actor.account });
        tx.commit().await?;
        Ok(())
    }

    /// For the start of a process: nobody is connected to it yet.
    pub async fn forget_connections(&self) -> Result<()> {
        let mut tx = self.write().await?;
        all_offline(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// For some time after the start: who was connected to the process before and has not come back is away, since then.
    pub async fn note_absent(&self, since: Time) -> Result<()> {
        let mut tx = self.write().await?;
        let (mut entries, mut away) = (Vec::new(), Vec::new());
        for (device, account) in sql::absent(&mut tx, since).await? {
            let entry = NewEntry::at(account, device, since, Happening::WentOffline, Origin::Unknown);
            entries.push((ActivityId(self.growing_id()), entry));
            away.push(device);
            tx.emit(Event::DeviceChanged { account, device });
        }
        activity::note_all(&mut tx, &entries).await?;
        history::absent(&mut tx, &away, since).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Whether the account may have so many more.
pub(crate) async fn check_room(tx: &mut Tx, account: AccountId, more: usize) -> Result<()> {
    let have = usize::try_from(sql::count(tx, account).await?).unwrap_or(usize::MAX);
    if have.saturating_add(more) > MOST_DEVICES {
        return Err(Refusal::TooMany("devices", MOST_DEVICES).into());
    }
    Ok(())
}

pub(crate) async fn set_favourite(tx: &mut Tx, device: Manageable, yes: bool, now: Time) -> Result<()> {
    sql::set_favourite(tx, device.device(), yes, now).await?;
    let account = sql::account_of(tx, device.device()).await?.ok_or(Error::NotFound)?;
    tx.emit(Event::DeviceChanged { account, device: device.device() });
    Ok(())
}

pub(crate) async fn all_offline(tx: &mut Tx) -> Result<(), DbError> {
    bridges::all_offline(tx).await?;
    ways::all_offline(tx).await?;
    history::unknown_since_last_word(tx).await?;
    sql::all_offline(tx).await
}

/// `type · 2^32 + Nuki ID`, taken apart.
pub(crate) async fn find_smartlock(tx: &mut Tx, actor: &Actor, smartlock: i64) -> Result<DeviceId> {
    let found = sql::find_by_nuki_id(tx, actor.account, smartlock >> 32, smartlock & 0xFFFF_FFFF).await?;
    found.ok_or(Error::NotFound)
}

/// The same with what it last said, for somebody who may see it.
pub(crate) async fn load_smartlock(tx: &mut Tx, actor: &Actor, smartlock: i64) -> Result<Device> {
    let (device_type, nuki_id) = (smartlock >> 32, smartlock & 0xFFFF_FFFF);
    let device = sql::load_by_nuki_id(tx, actor.account, device_type, nuki_id).await?;
    actor.may_view_this(&device)?;
    Ok(device)
}

/// The account a device belongs to, unless it was removed.
pub(crate) async fn account_of(tx: &mut Tx, device: DeviceId) -> Result<Option<AccountId>, DbError> {
    sql::account_of(tx, device).await
}

/// A device, for the rules of an order.
pub(crate) async fn load(tx: &mut Tx, device: DeviceId) -> Result<Device, DbError> {
    sql::load(tx, device).await
}

/// Those of these devices that the account has.
pub(crate) async fn some(
    tx: &mut Tx,
    account: AccountId,
    devices: &[DeviceId],
) -> Result<Vec<Device>, DbError> {
    sql::some(tx, account, devices).await
}

/// What kind of device each of these is, as far as it is known.
pub(crate) async fn kinds(
    tx: &mut Tx,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, DeviceType>, DbError> {
    sql::kinds(tx, devices).await
}
