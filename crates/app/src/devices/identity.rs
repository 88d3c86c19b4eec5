//! Which physical device a row stands for: its Nuki ID, and whether it is an opener. Two rows that turn out to be the same
//! device of the same account become one.

use super::report::Observation;
use super::{Connector, DeviceType, LONGEST_NAME, Safety, check_name, identity_sql as sql, names, pictured};
use crate::App;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::history::{self, Pictured};
use crate::ids::{AccountId, DeviceId};
use crate::ways;

/// Its Nuki ID, once known, and whether it is an opener.
pub(crate) async fn identity(tx: &mut Tx, device: DeviceId) -> Result<(Option<u32>, bool), DbError> {
    let (nuki_id, is_opener) = sql::identity(tx, device).await?;
    Ok((nuki_id.and_then(|id| u32::try_from(id).ok()), is_opener))
}

/// The device that is this one, whoever's it is.
pub(crate) async fn find_by_identity(
    tx: &mut Tx,
    nuki_id: u32,
    is_opener: bool,
) -> Result<Option<(DeviceId, AccountId)>, DbError> {
    sql::find(tx, nuki_id, is_opener).await
}

/// Writes down which device a row turned out to be. The unique key refuses one that is another row.
pub(crate) async fn bind(tx: &mut Tx, device: DeviceId, nuki_id: u32, now: Time) -> Result<(), DbError> {
    sql::set_nuki_id(tx, device, i64::from(nuki_id), now).await
}

pub(crate) async fn set_safety(
    tx: &mut Tx,
    device: DeviceId,
    safety: Safety,
    now: Time,
) -> Result<(), DbError> {
    sql::set_safety(tx, device, safety, now).await
}

/// What kind of device it is.
pub(crate) async fn set_type(
    tx: &mut Tx,
    device: DeviceId,
    kind: DeviceType,
    now: Time,
) -> Result<(), DbError> {
    super::sql::set_type(tx, device, kind.stored(), now).await
}

/// The device was `other` all along.
pub(crate) async fn join(tx: &mut Tx, device: DeviceId, other: DeviceId, now: Time) -> Result<(), DbError> {
    names::join(tx, device, other).await?;
    sql::join(tx, device, other, now).await
}

pub(crate) async fn set_opener(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    sql::set_opener(tx, device).await
}

pub(crate) async fn has_said_nothing(tx: &mut Tx, device: DeviceId) -> Result<bool, DbError> {
    sql::has_said_nothing(tx, device).await
}

pub(crate) async fn name_of(tx: &mut Tx, device: DeviceId) -> Result<String, DbError> {
    sql::name_of(tx, device).await
}

/// What something is called that nobody has named yet, itself included.
pub(crate) fn unnamed(is_opener: bool) -> &'static str {
    if is_opener { "New opener" } else { "New lock" }
}

/// A device calls itself something: that is its name for as long as no person gave it one. True if it is a new one.
pub(crate) async fn calls_itself(
    tx: &mut Tx,
    device: DeviceId,
    name: &str,
    now: Time,
) -> Result<bool, DbError> {
    let name: String = name.chars().take(LONGEST_NAME).collect();
    match check_name(&name) {
        Ok(name) => sql::set_own_name(tx, device, name, now).await,
        Err(_) => Ok(false),
    }
}

/// A device without a way to it yet, with its name and whether a person gave it that.
pub(crate) async fn insert(
    app: &App,
    tx: &mut Tx,
    account: AccountId,
    (name, connector): ((&str, bool), Connector),
    is_opener: bool,
) -> Result<DeviceId, DbError> {
    let id = DeviceId(app.random_id());
    sql::insert(tx, (id, account), (name, connector), is_opener, app.now()).await?;
    Ok(id)
}

/// One of its ways ended: the others speak for it from now on.
pub(crate) async fn way_ended(tx: &mut Tx, device: DeviceId, now: Time) -> Result<(), DbError> {
    let left = ways::load_of(tx, device).await?;
    if let Some(best) = left.iter().map(|way| way.connector).min() {
        super::identity_sql::is_reached_by(tx, device, best).await?;
    }
    let speaker = ways::speaker(&left);
    let before = super::sql::states(tx, &[device]).await?.pop();
    sql::set_link(tx, device, (speaker.map(Connector::code), ways::accepts_commands(&left)), now).await?;
    let after = super::sql::states(tx, &[device]).await?.pop();
    if let Some((before, mut after)) = before.zip(after) {
        pictured::follow(&mut after.state, &before.state, &Observation::Connected(speaker.is_some()));
        let between = (Pictured::read(before.state.pictured), Pictured::read(after.state.pictured));
        let mut changes = history::Changes::new();
        history::note(&mut changes, device, between, now);
        history::insert(tx, changes).await?;
        super::sql::write_states(tx, &[(device, after.state)]).await?;
    }
    Ok(())
}
