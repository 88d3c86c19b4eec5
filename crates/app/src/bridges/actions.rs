//! Adding bridges, and writing down what they list, how they are reached, and what became of the commands they were given.

use super::sql::{self, Known};
use super::{Access, Behind, Bridge, BridgeAddress, Listed, MOST};
use crate::App;
use crate::actor::Actor;
use crate::bus::Event;
use crate::clock::Time;
use crate::commands::{self, Taken};
use crate::db::{DbError, Tx};
use crate::devices::{self, Connector, Delivery, DeviceType, Intake, LONGEST_NAME, Observation, Report};
use crate::error::{Error, Refusal, Result};
use crate::foreign::plain;
use crate::ids::{AccountId, BridgeId, DeviceId};
use crate::ways;

pub struct NewBridge<'a> {
    /// As [`BridgeAddress::parse`] reads it.
    pub address: &'a str,
    pub token: &'a str,
    /// How it travels: encrypted, hashed or plain.
    pub token_form: &'a str,
    /// What it listed when it was tried; nothing if it has not been tried yet.
    pub listed: &'a [Listed],
}

impl NewBridge<'_> {
    /// The address, as it is always written. What is wrong with it or with the token is told at its field.
    fn check(&self) -> Result<String> {
        let address = BridgeAddress::parse(self.address).map_err(|why| Error::invalid("address", why))?;
        if !(1..=64).contains(&self.token.len()) || !self.token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid("token", "the token of the bridge, as the Nuki app shows it"));
        }
        Ok(address.to_string())
    }
}

/// What a look at a bridge brought.
#[derive(Clone, Debug)]
pub enum Polled {
    /// It answered, after this long.
    Answered { latency_ms: i64 },
    /// It cannot be used, and why. It may still be there: a bridge that is busy is.
    Troubled { words: &'static str, is_away: bool },
}

/// What became of a command that a bridge was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BridgeOutcome {
    Done,
    /// The lock was told, and says that it did not.
    NotDone(&'static str),
    /// Certainly nothing happened.
    NotExecuted(&'static str),
    /// It may have happened.
    Unknown(&'static str),
}

impl App {
    /// Adds a bridge and the devices it lists. Those that the account has already get a way more. One that is not reached
    /// gets the token that is given now: the one before may have been mistyped.
    pub async fn add_bridge(&self, actor: &Actor, new: NewBridge<'_>) -> Result<(BridgeId, Vec<DeviceId>)> {
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_add_devices()?;
        let address = new.check()?;
        let known = of_account(&mut tx, actor.account).await?;
        let bridge = match known.iter().find(|bridge| bridge.address == address) {
            Some(there) if there.online => return Err(Refusal::BridgeExists.into()),
            Some(there) => {
                sql::set_token(&mut tx, there.id, (new.token, new.token_form)).await?;
                there.id
            }
            None if known.len() >= MOST => return Err(Refusal::TooMany("bridges", MOST).into()),
            None => {
                let access = Access {
                    bridge: BridgeId(self.random_id()),
                    account: actor.account,
                    address,
                    token: new.token.to_owned(),
                    token_form: new.token_form.to_owned(),
                    callback: self.chance().code::<32>().to_lowercase(),
                };
                sql::insert(&mut tx, &access, self.now()).await?;
                access.bridge
            }
        };
        let devices = self.list_in(&mut tx, (bridge, actor.account), new.listed).await?;
        tx.emit(Event::BridgesChanged { account: actor.account });
        tx.emit(Event::DevicesChanged { account: actor.account });
        tx.commit().await?;
        Ok((bridge, devices))
    }

    /// Gives a bridge that does not answer another address and token: what was typed before may have been wrong. The token
    /// is always given anew, so nobody sends one that they do not know to a place of their own. What is at another address
    /// may be another bridge, so the devices behind this one come back only when it lists them.
    pub async fn change_bridge(&self, actor: &Actor, id: BridgeId, new: NewBridge<'_>) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_add_devices()?;
        let known = of_account(&mut tx, actor.account).await?;
        let bridge = known.iter().find(|bridge| bridge.id == id).ok_or(Error::NotFound)?;
        let address = new.check()?;
        if bridge.online {
            return Err(Error::invalid("address", "it answers where it is, so nothing was changed"));
        }
        if known.iter().any(|other| other.id != id && other.address == address) {
            return Err(Refusal::BridgeExists.into());
        }
        if address != bridge.address {
            self.end_ways(&mut tx, (id, actor.account)).await?;
            sql::set_address(&mut tx, id, address).await?;
        }
        sql::set_token(&mut tx, id, (new.token, new.token_form)).await?;
        self.list_in(&mut tx, (id, actor.account), new.listed).await?;
        tx.emit(Event::BridgesChanged { account: actor.account });
        tx.emit(Event::DevicesChanged { account: actor.account });
        tx.commit().await?;
        Ok(())
    }

    pub async fn list_bridges(&self, actor: &Actor) -> Result<Vec<Bridge>> {
        actor.may_add_devices()?;
        let mut tx = self.read().await?;
        Ok(of_account(&mut tx, actor.account).await?)
    }

    /// Those that somebody should look at who may: they could not be used once.
    pub async fn list_unusable_bridges(&self, actor: &Actor) -> Result<Vec<Bridge>> {
        if actor.may_add_devices().is_err() {
            return Ok(Vec::new());
        }
        let mut tx = self.read().await?;
        Ok(unusable(&mut tx, actor.account).await?)
    }

    /// The bridge a device is reached by, if it is.
    pub async fn find_bridge_of(&self, actor: &Actor, device: DeviceId) -> Result<Option<Bridge>> {
        let mut tx = self.read().await?;
        let viewable = actor.may_view(&mut tx, device).await?;
        Ok(sql::of_device(&mut tx, viewable.device()).await?.map(Into::into))
    }

    /// Takes a bridge away. Devices that it alone led to stay, without a way; their log stays too.
    pub async fn remove_bridge(&self, actor: &Actor, bridge: BridgeId) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_add_devices()?;
        let row = sql::load(&mut tx, bridge).await?;
        if row.account_id != actor.account {
            return Err(Error::NotFound);
        }
        self.end_ways(&mut tx, (bridge, actor.account)).await?;
        sql::delete(&mut tx, bridge).await?;
        tx.emit(Event::BridgesChanged { account: actor.account });
        tx.commit().await?;
        Ok(())
    }

    /// Nothing is reached by this bridge any more.
    async fn end_ways(&self, tx: &mut Tx, (bridge, account): (BridgeId, AccountId)) -> Result<()> {
        for (device, ..) in sql::behind(tx, bridge).await? {
            ways::end(tx, device, Connector::NukiBridge, self.now()).await?;
            tx.emit(Event::DeviceChanged { account, device });
        }
        Ok(())
    }

    /// Every bridge there is, once: two who ask it would be in each other's way. For the gateway.
    pub async fn all_bridges(&self) -> Result<Vec<Access>> {
        let mut tx = self.read().await?;
        let all = sql::all(&mut tx).await?.into_iter();
        Ok(all.filter(|row| row.same_as.is_none()).map(Into::into).collect())
    }

    /// The bridge by which a device is reached. For the gateway.
    pub async fn bridge_of(&self, device: DeviceId) -> Result<Option<BridgeId>> {
        let mut tx = self.read().await?;
        Ok(sql::of_device(&mut tx, device).await?.map(|row| Access::from(row).bridge))
    }

    /// The devices behind a bridge. For the gateway.
    pub async fn devices_behind(&self, bridge: BridgeId) -> Result<Vec<Behind>> {
        let mut tx = self.read().await?;
        let behind = sql::behind(&mut tx, bridge).await?.into_iter();
        let behind = behind.filter_map(|(device, nuki_id, kind, is_lost)| {
            let nuki_id = u32::try_from(nuki_id?).ok()?;
            Some(Behind { device, nuki_id, kind: DeviceType::from_stored(kind?), is_lost })
        });
        Ok(behind.collect())
    }

    /// A bridge lists these devices now: new ones are added.
    pub async fn bridge_lists(&self, bridge: BridgeId, listed: &[Listed]) -> Result<()> {
        let mut tx = self.write().await?;
        let row = sql::load(&mut tx, bridge).await?;
        if row.same_as.is_some() {
            return Ok(());
        }
        let account = row.account_id;
        let before = sql::behind(&mut tx, bridge).await?.len();
        let after = self.list_in(&mut tx, (bridge, account), listed).await?.len();
        if after > before {
            tx.emit(Event::DevicesChanged { account });
        }
        tx.commit().await?;
        Ok(())
    }

    /// How a look at a bridge went. Its devices come and go with it.
    pub async fn bridge_polled(&self, bridge: BridgeId, polled: &Polled) -> Result<()> {
        let now = self.now();
        let mut tx = self.write().await?;
        let row = sql::load(&mut tx, bridge).await?;
        let (account, was_online, trouble) = (row.account_id, row.online, row.trouble);
        let known = match polled {
            Polled::Answered { latency_ms } => {
                Known { online: true, heard_at: Some(now), latency_ms: Some(*latency_ms), ..Known::default() }
            }
            Polled::Troubled { words, is_away } => Known {
                online: was_online && !is_away,
                trouble: Some((*words).to_owned()),
                ..Known::default()
            },
        };
        let (online, changed) = (known.online, known.online != was_online || known.trouble != trouble);
        let changed_at = (online != was_online).then_some(now);
        sql::set_known(&mut tx, bridge, Known { changed_at, ..known }).await?;
        let behind = sql::behind(&mut tx, bridge).await?;
        if changed {
            tx.emit(Event::BridgesChanged { account });
            for (device, ..) in &behind {
                tx.emit(Event::DeviceChanged { account, device: *device });
            }
        }
        tx.commit().await?;
        let ways = ways_of(&behind, online, now);
        if !ways.is_empty() {
            self.record(&ways).await?;
        }
        Ok(())
    }

    /// What a bridge says of itself, and what is known of its callbacks. If it was added before, under another address,
    /// its devices are that one's.
    pub async fn bridge_told(
        &self,
        bridge: BridgeId,
        (hardware_id, version): (Option<u32>, Option<String>),
        callbacks: &str,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        sql::set_info(&mut tx, bridge, (hardware_id.map(i64::from), version), callbacks).await?;
        let account = sql::load(&mut tx, bridge).await?.account_id;
        for (repeated, first) in sql::repeated(&mut tx, account).await? {
            for (device, ..) in sql::behind(&mut tx, repeated).await? {
                tx.emit(Event::DeviceChanged { account, device });
            }
            sql::move_ways(&mut tx, repeated, first).await?;
            tx.emit(Event::BridgesChanged { account });
        }
        tx.commit().await?;
        Ok(())
    }

    /// What became of a command that a bridge was given.
    pub async fn bridge_answered(&self, taken: &Taken, outcome: BridgeOutcome) -> Result<()> {
        if let BridgeOutcome::NotExecuted(words) = outcome {
            return self.command_not_sent(taken, words).await;
        }
        let mut tx = self.write().await?;
        commands::bridge_said(&mut tx, taken.id, outcome, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What the bridge lists is of the account, but for what its owner took away.
    async fn list_in(
        &self,
        tx: &mut Tx,
        (bridge, account): (BridgeId, AccountId),
        listed: &[Listed],
    ) -> Result<Vec<DeviceId>> {
        let mut devices = Vec::with_capacity(listed.len());
        let left_out = sql::left_out(tx, bridge).await?;
        for one in listed {
            let is_opener = one.kind == DeviceType::Opener;
            if left_out.contains(&(i64::from(one.nuki_id), is_opener)) {
                continue;
            }
            let device = match devices::find_by_identity(tx, one.nuki_id, is_opener).await? {
                // Somebody else's is not spoken of.
                Some((_, owner)) if owner != account => continue,
                Some((device, _)) => device,
                None => self.insert_listed(tx, account, one).await?,
            };
            let has_way =
                ways::load_of(tx, device).await?.iter().any(|way| way.connector == Connector::NukiBridge);
            if !has_way {
                ways::add(self, tx, (device, account), (Connector::NukiBridge, None)).await?;
                sql::set_way(tx, device, bridge).await?;
                tx.emit(Event::DeviceChanged { account, device });
            }
            devices.push(device);
        }
        Ok(devices)
    }

    async fn insert_listed(&self, tx: &mut Tx, account: AccountId, one: &Listed) -> Result<DeviceId> {
        let told = plain(one.name.as_deref().unwrap_or_default(), LONGEST_NAME);
        let name = if told.is_empty() { format!("Nuki {:08X}", one.nuki_id) } else { told.clone() };
        let of = ((name.as_str(), !told.is_empty()), Connector::NukiBridge);
        let device = devices::insert(self, tx, account, of, one.kind == DeviceType::Opener).await?;
        devices::bind(tx, device, one.nuki_id, self.now()).await?;
        devices::set_type(tx, device, one.kind, self.now()).await?;
        Ok(device)
    }
}

/// The way through the bridge is there, or not.
fn ways_of(behind: &[sql::BehindRow], online: bool, now: Time) -> Vec<Intake> {
    let report = |device, seen| {
        let by = Connector::NukiBridge;
        Intake::Reported(Report { device, by, received_at: now, delivery: Delivery::AtMostOnce, seen })
    };
    let seen = |device| {
        let link = report(device, Observation::Link { up: online });
        let listens = online.then(|| report(device, Observation::Listens(true)));
        [Some(link), listens].into_iter().flatten()
    };
    behind.iter().flat_map(|(device, ..)| seen(*device)).collect()
}

/// A device, or its way through a bridge, is about to be removed by its owner.
pub(crate) async fn leave_out(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    sql::leave_out(tx, device).await
}

async fn of_account(tx: &mut Tx, account: AccountId) -> Result<Vec<Bridge>, DbError> {
    Ok(sql::of_account(tx, account).await?.into_iter().map(Bridge::from).collect())
}

pub(crate) async fn unusable(tx: &mut Tx, account: AccountId) -> Result<Vec<Bridge>, DbError> {
    let mut bridges = of_account(tx, account).await?;
    bridges.retain(Bridge::is_unusable);
    Ok(bridges)
}

pub(crate) async fn all_offline(tx: &mut Tx) -> Result<(), DbError> {
    sql::all_offline(tx).await
}
