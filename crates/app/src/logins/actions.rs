//! Making, checking, binding and ending device logins.

use std::collections::BTreeSet;

use subtle::ConstantTimeEq as _;

use super::{Credentials, Filters, Login, LoginRefusal, RefusalReason, sql};
use crate::App;
use crate::actor::Actor;
use crate::bus::Event;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::devices::{Connector, Session};
use crate::error::{Error, Result};
use crate::foreign::plain;
use crate::ids::{AccountId, DeviceId, LoginId};
use crate::secrets::hash;
use crate::ways::{self, HubPart, Joined, Trouble};

/// What a right user name and password stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    pub login: LoginId,
    pub connector: Connector,
    /// The device it brings; of a hub with a lock and an opener, the lock.
    pub device: DeviceId,
    /// It is a hub that brings an opener alone.
    pub is_opener: bool,
    /// The opener that a hub brings beside a lock.
    pub opener: Option<DeviceId>,
    pub account: AccountId,
    /// The lock this login belongs to, once it has spoken.
    pub nuki_id: Option<u32>,
    /// Of a hub: where it publishes.
    pub base_path: Option<Box<str>>,
    /// Of a hub: what its owner removed. It is not listened to.
    pub left_out: Option<HubPart>,
}

/// Whether the user name is known, for slowing guesses down and telling the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginCheck {
    Right(Authenticated),
    WrongPassword(LoginId),
    Unknown,
}

/// What outlives a connection: filters with their QoS, and QoS 2 packet ids that were open. Never messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerSession {
    pub filters: Filters,
    pub open: Vec<u16>,
}

/// Saved sessions of one login; a lock has one.
const MOST_SESSIONS: i64 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindRefusal {
    /// The login belongs to another lock.
    OtherDevice,
    /// The lock is another login's.
    DeviceTaken,
    /// The account has the lock already, by another way: they are one device now.
    Joined,
}

impl App {
    /// Checks what a device connects with. Both texts are compared as bytes, in time that does not depend on them.
    pub async fn check_login(&self, username: &str, password: &[u8]) -> Result<LoginCheck> {
        let given = hash(password);
        let mut tx = self.read().await?;
        let Some(known) = sql::find(&mut tx, username).await? else {
            return Ok(LoginCheck::Unknown);
        };
        if !bool::from(known.password_hash.ct_eq(&given)) {
            return Ok(LoginCheck::WrongPassword(known.id));
        }
        let brought = ways::of_login(&mut tx, known.id).await?;
        let opener = brought.iter().find(|(_, is_opener, _)| *is_opener).map(|(device, ..)| *device);
        let lock = brought.iter().find(|(_, is_opener, _)| !*is_opener);
        let Some((device, is_opener, nuki_id)) = lock.or(brought.first()).copied() else {
            return Ok(LoginCheck::Unknown);
        };
        Ok(LoginCheck::Right(Authenticated {
            login: known.id,
            connector: Connector::from_name(&known.connector).unwrap_or(Connector::NukiMqtt),
            device,
            is_opener,
            opener: opener.filter(|opener| *opener != device),
            account: known.account_id,
            nuki_id: nuki_id.and_then(|id| u32::try_from(id).ok()),
            base_path: known.base_path.map(Into::into),
            left_out: known.left_out.as_deref().and_then(HubPart::from_name),
        }))
    }

    /// Whether a login that is connected still may be, and still brings these devices and no others.
    pub async fn login_stands(
        &self,
        login: LoginId,
        devices: impl Iterator<Item = DeviceId>,
    ) -> Result<bool> {
        let mut tx = self.read().await?;
        let brought = ways::of_login(&mut tx, login).await?;
        let known: BTreeSet<DeviceId> = brought.into_iter().map(|(device, ..)| device).collect();
        Ok(known == devices.collect() && sql::stands(&mut tx, login).await?)
    }

    /// Binds a login to the first Nuki ID it speaks under. From then on it may speak under no other. If the account has this
    /// lock already by another way, the two become one, and the login has to connect again.
    pub async fn bind_login(&self, login: &Authenticated, nuki_id: u32) -> Result<Result<(), BindRefusal>> {
        let mut tx = self.write().await?;
        let of = (login.device, login.account);
        let joined = match ways::identify(&mut tx, of, login.connector, nuki_id, self.now()).await {
            Ok(joined) => joined,
            Err(error) => return Err(error),
        };
        let bound = match joined {
            Joined::Stays => Ok(()),
            Joined::With(_) => Err(BindRefusal::Joined),
            Joined::Not(Trouble::DeviceTaken) => return Ok(Err(BindRefusal::DeviceTaken)),
            Joined::Not(_) => return Ok(Err(BindRefusal::OtherDevice)),
        };
        sql::connected(&mut tx, login.login, self.now()).await?;
        tx.emit(Event::DeviceChanged { account: login.account, device: login.device });
        tx.commit().await?;
        Ok(bound)
    }

    /// Writes down where a hub publishes, as its own last message tells, and that it has connected.
    pub async fn note_base_path(&self, login: LoginId, path: &str) -> Result<()> {
        let mut tx = self.write().await?;
        sql::set_base_path(&mut tx, login, path, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Counts what logins were refused, for their owners to see. Each detail is cut to 200 characters.
    pub async fn note_login_refusals(&self, refused: &[(LoginId, RefusalReason, String, u32)]) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        for (login, reason, detail, times) in refused {
            let Some((account, device)) = sql::device_of(&mut tx, *login).await? else {
                continue; // It went with a restore.
            };
            let detail = plain(detail, 200);
            sql::refused(&mut tx, *login, reason.name(), (&detail, *times), self.now()).await?;
            tx.emit(Event::DeviceChanged { account, device });
        }
        tx.commit().await?;
        Ok(())
    }

    /// The logins by which a device is reached, and what they were refused.
    pub async fn load_logins(
        &self,
        actor: &Actor,
        device: DeviceId,
    ) -> Result<(Vec<Login>, Vec<LoginRefusal>)> {
        let mut tx = self.read().await?;
        let manageable = actor.may_manage(&mut tx, device).await?;
        let logins = sql::of_device(&mut tx, manageable.device()).await?.into_iter().map(|row| Login {
            id: row.id,
            connector: Connector::from_name(&row.connector).unwrap_or(Connector::NukiMqtt),
            username: row.username,
            base_path: row.base_path,
            created_at: row.created_at,
            first_connected_at: row.first_connected_at,
        });
        let logins = logins.collect();
        let refusals = sql::refusals(&mut tx, manageable.device()).await?;
        Ok((logins, refusals.into_iter().filter_map(read_refusal).collect()))
    }

    /// Ends a login of the device and makes a new one. Whoever is connected with the old one is cut off at once.
    pub async fn rotate_login(
        &self,
        actor: &Actor,
        device: DeviceId,
        connector: Connector,
    ) -> Result<Credentials> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let manageable = actor.may_manage(&mut tx, device).await?;
        let before = ways::login_of(&mut tx, manageable.device(), connector).await?.ok_or(Error::NotFound)?;
        sql::revoke(&mut tx, before, self.now()).await?;
        let base_path = sql::base_path_of(&mut tx, before).await?;
        let (login, credentials) =
            create(self, &mut tx, (actor.account, device), (connector, base_path.as_deref())).await?;
        ways::move_to_login(&mut tx, before, login).await?;
        if let Some(part) = left_out(&mut tx, before).await? {
            leave_out(&mut tx, login, part).await?;
        }
        tx.emit(Event::LoginChanged { account: actor.account, device });
        tx.emit(Event::DeviceChanged { account: actor.account, device });
        tx.commit().await?;
        Ok(credentials)
    }

    /// Ends a login of the device. It can connect again only with a new one.
    pub async fn revoke_login(&self, actor: &Actor, device: DeviceId, connector: Connector) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let manageable = actor.may_manage(&mut tx, device).await?;
        let login = ways::login_of(&mut tx, manageable.device(), connector).await?.ok_or(Error::NotFound)?;
        sql::revoke(&mut tx, login, self.now()).await?;
        tx.emit(Event::LoginChanged { account: actor.account, device });
        tx.emit(Event::DeviceChanged { account: actor.account, device });
        tx.commit().await?;
        Ok(())
    }

    /// The session a client left behind, if it asked to keep it.
    pub async fn load_broker_session(
        &self,
        login: LoginId,
        client_id: &str,
    ) -> Result<Option<BrokerSession>> {
        let mut tx = self.read().await?;
        let Some(filters) = sql::find_session(&mut tx, login, client_id).await? else {
            return Ok(None);
        };
        let open = sql::open_deliveries(&mut tx, login, client_id).await?;
        let open = open.into_iter().filter_map(|(id,)| u16::try_from(id).ok()).collect();
        Ok(Some(BrokerSession { filters: Filters::from_stored(&filters), open }))
    }

    /// Keeps what a client listens to, for when it comes back. A login has four of them at most.
    pub async fn save_broker_session(
        &self,
        login: LoginId,
        client_id: &str,
        filters: &Filters,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        sql::save_session(&mut tx, login, client_id, filters.stored().to_owned(), self.now()).await?;
        sql::forget_old_sessions(&mut tx, login, MOST_SESSIONS).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A new session that outlives its connection, in the place of what this client may have left.
    pub async fn begin_broker_session(&self, login: LoginId, client_id: &str) -> Result<()> {
        let mut tx = self.write().await?;
        sql::forget_session(&mut tx, login, client_id).await?;
        sql::save_session(&mut tx, login, client_id, String::new(), self.now()).await?;
        sql::forget_old_sessions(&mut tx, login, MOST_SESSIONS).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The client began anew: its open packet ids mean nothing any more. Most left none, and ten thousand of them that
    /// come back at once must not wait for as many commits.
    pub async fn forget_broker_session(&self, login: LoginId, client_id: &str) -> Result<()> {
        if !sql::has_left_something(&mut self.read().await?, login, client_id).await? {
            return Ok(());
        }
        let mut tx = self.write().await?;
        sql::forget_session(&mut tx, login, client_id).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn read_refusal(row: sql::RefusalRow) -> Option<LoginRefusal> {
    Some(LoginRefusal {
        reason: RefusalReason::ALL.iter().copied().find(|reason| reason.name() == row.reason)?,
        detail: row.detail,
        times: u64::try_from(row.times).unwrap_or(0),
        last_at: row.last_at,
    })
}

/// A user name and password that a person can type into a phone: 12 and 24 of 32 letters and digits, so 60 and 120
/// random bits, and both shorter than the 32 bytes a lock holds.
pub(crate) async fn create(
    app: &App,
    tx: &mut Tx,
    (account, device): (AccountId, DeviceId),
    (connector, base_path): (Connector, Option<&str>),
) -> Result<(LoginId, Credentials)> {
    let credentials = Credentials {
        username: app.chance().code::<12>(),
        password: app.chance().code::<24>(),
        base_path: base_path.map(ToOwned::to_owned),
    };
    let id = LoginId(app.random_id());
    let password_hash = hash(credentials.password.as_bytes()).to_vec();
    let of = (connector.name(), base_path);
    sql::insert(tx, (id, device, account), of, &credentials.username, password_hash, app.now()).await?;
    Ok((id, credentials))
}

pub(crate) async fn revoke(tx: &mut Tx, login: LoginId, now: Time) -> Result<(), DbError> {
    sql::revoke(tx, login, now).await?;
    Ok(())
}

/// What of a hub its owner removed, if anything.
pub(crate) async fn left_out(tx: &mut Tx, login: LoginId) -> Result<Option<HubPart>, DbError> {
    Ok(sql::left_out(tx, login).await?.as_deref().and_then(HubPart::from_name))
}

/// A part of a hub was removed while the hub stays for the other.
pub(crate) async fn leave_out(tx: &mut Tx, login: LoginId, part: HubPart) -> Result<(), DbError> {
    sql::leave_out(tx, login, Some(part.name())).await
}

/// The account of a login, and the device it was made for.
pub(crate) async fn device_of(tx: &mut Tx, login: LoginId) -> Result<Option<(AccountId, DeviceId)>, DbError> {
    sql::device_of(tx, login).await
}

/// The device a login was made for turned out to be another one.
pub(crate) async fn move_to_device(tx: &mut Tx, from: DeviceId, to: DeviceId) -> Result<(), DbError> {
    sql::move_to_device(tx, from, to).await
}

/// Every login that was ended, and when.
pub(crate) async fn revoked(tx: &mut Tx) -> Result<Vec<(LoginId, Time)>, DbError> {
    sql::revoked(tx).await
}

/// Ends these once more, where a backup brought them back; how many it did.
pub(crate) async fn keep_revoked(tx: &mut Tx, revoked: &[(LoginId, Time)]) -> Result<u64, DbError> {
    let mut ended = 0;
    for (login, at) in revoked {
        ended += sql::revoke(tx, *login, *at).await?;
    }
    Ok(ended)
}

pub(crate) async fn open_delivery(tx: &mut Tx, session: &Session, packet: u16) -> Result<(), DbError> {
    sql::open_delivery(tx, session.login, &session.client_id, packet).await
}

pub(crate) async fn close_delivery(tx: &mut Tx, session: &Session, packet: u16) -> Result<(), DbError> {
    sql::close_delivery(tx, session.login, &session.client_id, packet).await
}
