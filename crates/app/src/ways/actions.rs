//! Adding, finding, joining and ending ways, and what is known of them.

use std::collections::HashMap;
use std::time::Duration;

use super::sql;
use super::{Fact, FactSaid, Trouble, TroubleSeen, Way};
use crate::App;
use crate::activity;
use crate::actor::Actor;
use crate::bridges;
use crate::bus::Event;
use crate::clock::Time;
use crate::commands;
use crate::db::{DbError, Tx};
use crate::devices::{self, Connector};
use crate::error::{Refusal, Result};
use crate::foreign::plain;
use crate::ids::{AccountId, DeviceId, LoginId, WayId};
use crate::logins::{self, Credentials};
use crate::settings;

/// What a device is reached by, and what is known of it besides its state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    pub ways: Vec<Way>,
    pub facts: Vec<FactSaid>,
    pub troubles: Vec<TroubleSeen>,
    /// How many milliseconds the answer to the last order by a way took.
    pub answers: Vec<(Connector, i64)>,
    /// What its hub brings besides.
    pub beside: Vec<(DeviceId, String)>,
}

impl Connection {
    pub fn fact(&self, fact: Fact) -> Option<&str> {
        self.facts.iter().find(|said| said.fact == fact).map(|said| said.value.as_str())
    }
}

/// Another way for a device.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    pub to: Connector,
    /// The ways it has stay beside the new one.
    pub keep: bool,
    /// Of a hub: where it publishes, if not where hubs usually do.
    pub base_path: Option<&'a str>,
}

/// What became of a way that said which device it speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It is what it was, or has found out what it is.
    Stays,
    /// The device was another of the account all along, and is one with it now.
    With(DeviceId),
    /// Nothing it says may be believed.
    Not(Trouble),
}

/// The part of a hub that speaks: it may have a lock and an opener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubPart {
    Lock,
    Opener,
}

impl HubPart {
    /// As stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Opener => "opener",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Lock, Self::Opener].into_iter().find(|part| part.name() == name)
    }
}

impl App {
    pub async fn load_connection(&self, actor: &Actor, device: DeviceId) -> Result<Connection> {
        let mut tx = self.read().await?;
        let viewable = actor.may_view(&mut tx, device).await?;
        let ways = load_of(&mut tx, viewable.device()).await?;
        let facts = sql::facts(&mut tx, viewable.device()).await?.into_iter();
        let facts =
            facts.filter_map(|(name, value, at)| Some(FactSaid { fact: Fact::from_name(&name)?, value, at }));
        let troubles = sql::troubles(&mut tx, viewable.device()).await?.into_iter();
        let troubles = troubles.filter_map(|(connector, trouble, detail, since)| {
            let connector = Connector::from_name(&connector)?;
            Some(TroubleSeen { connector, trouble: Trouble::from_name(&trouble)?, detail, since })
        });
        let mut beside = sql::beside(&mut tx, viewable.device()).await?;
        beside.retain(|(device, _)| actor.scope.contains(*device));
        let answers = commands::last_answers(&mut tx, viewable.device()).await?;
        Ok(Connection { ways, facts: facts.collect(), troubles: troubles.collect(), answers, beside })
    }

    /// Gives a device another way in the place of those it has, or beside them. What is known of it stays. There is nothing
    /// to type in where it has this way already and only loses the others.
    pub async fn move_device(
        &self,
        actor: &Actor,
        device: DeviceId,
        Move { to, keep, base_path }: Move<'_>,
    ) -> Result<Option<Credentials>> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let manageable = actor.may_manage(&mut tx, device).await?;
        check_reach(&mut tx, device, to).await?;
        let has_it = load_of(&mut tx, device).await?.iter().any(|way| way.connector == to);
        let credentials = if has_it && !keep {
            None
        } else {
            let of = (manageable.device(), actor.account);
            Some(self.insert_way(&mut tx, of, (to, base_path)).await?)
        };
        if !keep {
            for way in load_of(&mut tx, device).await?.iter().filter(|way| way.connector != to) {
                self.end_way(&mut tx, device, way).await?;
            }
            devices::way_ended(&mut tx, device, self.now()).await?;
            tx.emit(Event::LoginChanged { account: actor.account, device });
        }
        tx.emit(Event::DeviceChanged { account: actor.account, device });
        tx.commit().await?;
        Ok(credentials)
    }

    /// Another way to a device that is there already, with the login for it. State, log and settings stay what they are.
    pub async fn add_way(
        &self,
        actor: &Actor,
        device: DeviceId,
        connector: Connector,
    ) -> Result<Credentials> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let manageable = actor.may_manage(&mut tx, device).await?;
        check_reach(&mut tx, device, connector).await?;
        let of = (manageable.device(), actor.account);
        let credentials = self.insert_way(&mut tx, of, (connector, None)).await?;
        tx.emit(Event::DeviceChanged { account: actor.account, device });
        tx.commit().await?;
        Ok(credentials)
    }

    async fn insert_way(
        &self,
        tx: &mut Tx,
        (device, account): (DeviceId, AccountId),
        (connector, base_path): (Connector, Option<&str>),
    ) -> Result<Credentials> {
        if load_of(tx, device).await?.iter().any(|way| way.connector == connector) {
            return Err(Refusal::WayExists.into());
        }
        if connector == Connector::NukiBridge {
            return Err(Refusal::BridgeBrings.into());
        }
        let base_path = logins::base_path_for(connector, base_path)?;
        let (login, credentials) =
            logins::create(self, tx, (account, device), (connector, base_path)).await?;
        add(self, tx, (device, account), (connector, Some(login))).await?;
        Ok(credentials)
    }

    async fn end_way(&self, tx: &mut Tx, device: DeviceId, way: &Way) -> Result<()> {
        sql::delete(tx, device, way).await?;
        Ok(end_login(tx, device, way, self.now()).await?)
    }

    /// Ends one of several ways. The last one ends with the device itself.
    pub async fn remove_way(&self, actor: &Actor, device: DeviceId, connector: Connector) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let manageable = actor.may_manage(&mut tx, device).await?;
        let ways = load_of(&mut tx, manageable.device()).await?;
        let Some(way) = ways.iter().find(|way| way.connector == connector) else {
            return Err(crate::Error::NotFound);
        };
        if ways.len() == 1 {
            return Err(Refusal::LastWay.into());
        }
        self.end_way(&mut tx, device, way).await?;
        devices::way_ended(&mut tx, device, self.now()).await?;
        tx.emit(Event::LoginChanged { account: actor.account, device });
        tx.emit(Event::DeviceChanged { account: actor.account, device });
        tx.commit().await?;
        Ok(())
    }

    /// The device that a part of a hub is. Of a hub that has not spoken yet, the first part is the device it was added as;
    /// the other one becomes a device of its own, unless its owner removed it.
    pub async fn hub_part(&self, login: LoginId, part: HubPart) -> Result<Option<DeviceId>> {
        let wants_opener = part == HubPart::Opener;
        let mut tx = self.write().await?;
        let brought = sql::of_login(&mut tx, login).await?;
        if let Some((device, ..)) = brought.iter().find(|(_, is_opener, _)| *is_opener == wants_opener) {
            let found = *device;
            // A device that is no opener may only not have spoken yet.
            return Ok(Some(found));
        }
        if logins::left_out(&mut tx, login).await? == Some(part) {
            return Ok(None);
        }
        let (account, first) = logins::device_of(&mut tx, login).await?.ok_or(crate::Error::NotFound)?;
        if wants_opener
            && let [(device, false, None)] = brought.as_slice()
            && devices::has_said_nothing(&mut tx, *device).await?
        {
            devices::set_opener(&mut tx, *device).await?;
            tx.commit().await?;
            return Ok(Some(*device));
        }
        let name = devices::name_of(&mut tx, first).await?;
        let added = if wants_opener { format!("{name} (opener)") } else { format!("{name} (lock)") };
        let name: String = added.chars().take(devices::LONGEST_NAME).collect();
        let device =
            devices::insert(self, &mut tx, account, ((&name, false), Connector::NukiHub), wants_opener)
                .await?;
        add(self, &mut tx, (device, account), (Connector::NukiHub, Some(login))).await?;
        tx.emit(Event::DeviceChanged { account, device });
        tx.emit(Event::DevicesChanged { account });
        tx.commit().await?;
        Ok(Some(device))
    }
}

pub(crate) async fn add(
    app: &App,
    tx: &mut Tx,
    of: (DeviceId, AccountId),
    by: (Connector, Option<LoginId>),
) -> Result<(), DbError> {
    sql::insert(tx, WayId(app.random_id()), of, by, app.now()).await
}

/// Nobody is given a way that this type of device does not have: it would never connect by it.
async fn check_reach(tx: &mut Tx, device: DeviceId, by: Connector) -> Result<()> {
    let kinds = devices::kinds(tx, &[device]).await?;
    let reaches = kinds.get(&device).is_none_or(|kind| by.reaches(*kind));
    if reaches { Ok(()) } else { Err(Refusal::NotReachedBy(by.words()).into()) }
}

pub(crate) async fn load_of(tx: &mut Tx, device: DeviceId) -> Result<Vec<Way>, DbError> {
    Ok(sql::of_device(tx, device).await?.into_iter().filter_map(|row| row.try_into().ok()).collect())
}

/// The ways of each of these devices.
pub(crate) async fn load_of_each(
    tx: &mut Tx,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, Vec<Way>>, DbError> {
    let mut found: HashMap<DeviceId, Vec<Way>> = HashMap::new();
    for row in sql::of_devices(tx, devices).await? {
        let device = row.device_id;
        if let Ok(way) = row.try_into() {
            found.entry(device).or_default().push(way);
        }
    }
    Ok(found)
}

pub(crate) async fn store(tx: &mut Tx, way: &Way) -> Result<(), DbError> {
    sql::write(tx, way).await
}

pub(crate) async fn of_login(
    tx: &mut Tx,
    login: LoginId,
) -> Result<Vec<(DeviceId, bool, Option<i64>)>, DbError> {
    sql::of_login(tx, login).await
}

/// The login by which a device is reached so.
pub(crate) async fn login_of(
    tx: &mut Tx,
    device: DeviceId,
    connector: Connector,
) -> Result<Option<LoginId>, DbError> {
    sql::login_of(tx, device, connector).await
}

pub(crate) async fn move_to_login(tx: &mut Tx, from: LoginId, to: LoginId) -> Result<(), DbError> {
    sql::move_to_login(tx, from, to).await
}

/// A way ends with what it went through.
pub(crate) async fn end(
    tx: &mut Tx,
    device: DeviceId,
    connector: Connector,
    now: Time,
) -> Result<(), DbError> {
    for way in load_of(tx, device).await?.iter().filter(|way| way.connector == connector) {
        sql::delete(tx, device, way).await?;
    }
    devices::way_ended(tx, device, now).await
}

/// A login that brings nothing else ends with its way. If it is a hub's and brings its other part, the hub must not bring
/// this one again by itself; nor must a bridge.
async fn end_login(tx: &mut Tx, device: DeviceId, way: &Way, now: Time) -> Result<(), DbError> {
    if way.connector == Connector::NukiBridge {
        return bridges::leave_out(tx, device).await;
    }
    let Some(login) = way.login else {
        return Ok(());
    };
    if sql::of_login(tx, login).await?.is_empty() {
        logins::revoke(tx, login, now).await
    } else {
        let (_, is_opener) = devices::identity(tx, device).await?;
        logins::leave_out(tx, login, if is_opener { HubPart::Opener } else { HubPart::Lock }).await
    }
}

/// The device leaves the account: nothing leads to it any more.
pub(crate) async fn forget(tx: &mut Tx, device: DeviceId, now: Time) -> Result<(), DbError> {
    let ways = load_of(tx, device).await?;
    sql::delete_of_device(tx, device).await?;
    for way in &ways {
        end_login(tx, device, way, now).await?;
    }
    Ok(())
}

pub(crate) async fn all_offline(tx: &mut Tx) -> Result<(), DbError> {
    // What a bridge does not reach, it does not reach later either until it is heard; a hub says it anew.
    sql::end_each_trouble(tx, Connector::NukiHub, Trouble::OutOfReach.name()).await?;
    sql::all_offline(tx).await
}

/// A way said which device it speaks for. A device that is nobody's yet is bound to it; one that the account has already
/// becomes one with it, and keeps what both were told.
pub(crate) async fn identify(
    tx: &mut Tx,
    (device, account): (DeviceId, AccountId),
    by: Connector,
    nuki_id: u32,
    now: Time,
) -> Result<Joined> {
    let (bound, is_opener) = devices::identity(tx, device).await?;
    match bound {
        Some(bound) if bound == nuki_id => return Ok(Joined::Stays),
        Some(_) => return Ok(Joined::Not(Trouble::OtherDevice)),
        None => {}
    }
    let Some((other, owner)) = devices::find_by_identity(tx, nuki_id, is_opener).await? else {
        devices::bind(tx, device, nuki_id, now).await?;
        return Ok(Joined::Stays);
    };
    let has_this_way = load_of(tx, other).await?.iter().any(|way| way.connector == by);
    if owner != account || has_this_way {
        return Ok(Joined::Not(Trouble::DeviceTaken));
    }
    commands::device_removed(tx, device, now).await?;
    settings::device_removed(tx, device).await?;
    sql::move_to_device(tx, device, by, other).await?;
    logins::move_to_device(tx, device, other).await?;
    activity::move_to_device(tx, device, other).await?;
    devices::join(tx, device, other, now).await?;
    for device in [device, other] {
        tx.emit(Event::LoginChanged { account, device });
        tx.emit(Event::DeviceChanged { account, device });
    }
    tx.emit(Event::DevicesChanged { account });
    Ok(Joined::With(other))
}

/// How far the device's local time is ahead of UTC, as it last said.
pub(crate) async fn zone_minutes(tx: &mut Tx, device: DeviceId) -> Result<i64, DbError> {
    let told = sql::fact(tx, device, Fact::TimeZoneOffset.name()).await?;
    Ok(told.and_then(|minutes| minutes.parse().ok()).unwrap_or(0))
}

/// Keeps facts that changed, or were last said more than five minutes ago; true if any is new.
pub(crate) async fn set_facts(
    tx: &mut Tx,
    device: DeviceId,
    facts: &[(Fact, String)],
    now: Time,
) -> Result<bool, DbError> {
    let mut changed = false;
    for (fact, value) in facts {
        changed |= sql::set_fact(tx, device, (fact.name(), value), now).await?;
    }
    Ok(changed)
}

/// Ring to open ends in so many seconds, or does not run; true if that is new.
pub(crate) async fn set_ring_to_open(
    tx: &mut Tx,
    device: DeviceId,
    seconds: u16,
    now: Time,
) -> Result<bool, DbError> {
    let end = if seconds == 0 { Time(0) } else { now.plus(Duration::from_secs(seconds.into())) };
    set_facts(tx, device, &[(Fact::RingToOpenEnd, end.0.to_string())], now).await
}

/// Notes that a trouble began (with what it is about) or is over; true if that is new.
pub(crate) async fn note_trouble(
    tx: &mut Tx,
    device: DeviceId,
    by: Connector,
    (trouble, detail): (Trouble, Option<&str>),
    now: Time,
) -> Result<bool, DbError> {
    match detail {
        Some(detail) => {
            let detail = plain(detail, 200);
            sql::set_trouble(tx, device, (by, trouble.name(), &detail), now).await
        }
        None => sql::end_trouble(tx, device, by, trouble.name()).await,
    }
}

/// A topic that may have been cut short is whole; what was cut may have been another. True if it was this.
pub(crate) async fn came_whole(
    tx: &mut Tx,
    device: DeviceId,
    by: Connector,
    topic: &str,
) -> Result<bool, DbError> {
    sql::end_trouble_of(tx, device, by, (Trouble::Truncated.name(), topic)).await
}
