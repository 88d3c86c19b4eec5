//! Writing, reading and forgetting history.

use std::collections::BTreeSet;
use std::time::Duration;

use super::forecast::{self, Forecast};
use super::sql;
use super::{Changes, History, KEPT, Kind, MOST_POINTS, PastPoint};
use crate::App;
use crate::actor::Actor;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::devices;
use crate::error::{Error, Result};
use crate::ids::DeviceId;

const DAY_MS: i64 = 24 * 3_600_000;
/// Devices looked at in one go by what keeps house.
const AT_A_TIME: i64 = 256;
/// Percentages that a forecast looks at: more than any battery tells in its life, in steps of 2.
const READINGS: i64 = 400;
/// A forecast that comes due within this is kept for the work list.
const WORTH_KEEPING: Duration = Duration::from_hours(60 * 24);

impl App {
    /// What a device was between two moments: at most 2,000 points, as exactly as that allows. Nothing is told of the
    /// future.
    pub async fn load_history(
        &self,
        actor: &Actor,
        device: DeviceId,
        kind: Kind,
        (from, to): (Time, Time),
    ) -> Result<History> {
        let mut tx = self.read().await?;
        let of = (actor.may_view(&mut tx, device).await?.device(), kind);
        let now = self.now();
        let to = to.min(now);
        let from = from.max(now.minus(KEPT)).min(to);
        let most = i64::try_from(MOST_POINTS).unwrap_or(i64::MAX);
        let mut points: Vec<_> = sql::before(&mut tx, of, from).await?.into_iter().collect();
        let exact = sql::points(&mut tx, of, (from, to), most).await?;
        if exact.len() + points.len() < MOST_POINTS {
            points.extend(exact);
        } else {
            let step = (to.0.saturating_sub(from.0) / (most - 2)).max(1);
            points.extend(sql::thinned(&mut tx, of, (from, to), step).await?);
        }
        Ok(History { from, to, points })
    }

    /// Takes over what devices were before they first said something here. However it ends, nothing is known from now on: a
    /// present is only what a device said itself.
    pub async fn import_history(&self, actor: &Actor, past: &[PastPoint]) -> Result<()> {
        let mut tx = self.write().await?;
        let now = self.now();
        if past.iter().any(|point| point.at >= now) {
            return Err(Error::invalid("at", "the past is over"));
        }
        let devices: BTreeSet<DeviceId> = past.iter().map(|point| point.device).collect();
        for device in devices {
            actor.may_manage(&mut tx, device).await?;
            if !devices::has_said_nothing(&mut tx, device).await? {
                return Err(Error::invalid("device", "it has said something itself already"));
            }
        }
        let mut changes = Changes::new();
        for point in past {
            changes.insert((point.device, point.kind, point.at), point.value);
            changes.insert((point.device, point.kind, now), None);
        }
        insert(&mut tx, changes).await?;
        tx.commit().await?;
        Ok(())
    }

    /// How long the battery lasts, from its own history, or why that cannot be said.
    pub async fn forecast_battery(&self, actor: &Actor, device: DeviceId) -> Result<Forecast> {
        let mut tx = self.read().await?;
        let viewable = actor.may_view(&mut tx, device).await?;
        forecast_of(&mut tx, viewable.device(), self.now()).await
    }

    /// Forgets what is older than 400 days. The newest of it stays, because it may hold to this day.
    pub async fn prune_history(&self) -> Result<u64> {
        let limit = self.now().minus(KEPT);
        // By whole days, so that a device has something to forget once a day and not at every turn.
        let limit = Time(limit.0 - limit.0.rem_euclid(DAY_MS));
        let (mut last, mut gone) = (DeviceId(i64::MIN), 0);
        loop {
            let mut tx = self.read().await?;
            let found = sql::newest_before(&mut tx, last, limit, AT_A_TIME).await?;
            let Some((end, _)) = found.last() else { return Ok(gone) };
            last = *end;
            let mut old = Vec::new();
            for (device, newest) in found {
                for (kind, newest) in Kind::ALL.into_iter().zip(newest) {
                    let Some(newest) = newest else { continue };
                    if sql::has_older(&mut tx, (device, kind), newest).await? {
                        old.push(((device, kind), newest));
                    }
                }
            }
            drop(tx);
            if old.is_empty() {
                continue;
            }
            let mut tx = self.write().await?;
            for (of, newest) in old {
                gone += sql::delete_older(&mut tx, of, newest).await?;
            }
            tx.commit().await?;
        }
    }

    /// Looks at every battery's history anew, and keeps when somebody should go there for the work list.
    pub async fn refresh_forecasts(&self) -> Result<()> {
        let mut last = DeviceId(i64::MIN);
        loop {
            let now = self.now();
            let mut tx = self.read().await?;
            let devices = sql::with_battery(&mut tx, last, AT_A_TIME).await?;
            let Some(end) = devices.last() else { return Ok(()) };
            let first = std::mem::replace(&mut last, *end);
            let kept = sql::forecasts(&mut tx, (first, last)).await?;
            let mut made = Vec::new();
            for device in devices {
                let due = match forecast_of(&mut tx, device, now).await? {
                    Forecast::Falls(falls) if falls.low.likely <= WORTH_KEEPING => {
                        Some((now.plus(falls.low.likely), now.plus(falls.low.earliest)))
                    }
                    _ => None,
                };
                // Most batteries are full enough, and cost nothing but the look.
                if due.is_some() || kept.contains(&device) {
                    made.push((device, due));
                }
            }
            drop(tx);
            if made.is_empty() {
                continue;
            }
            let mut tx = self.write().await?;
            for (device, due) in made {
                match due {
                    Some(due) => sql::write_forecast(&mut tx, device, due, now).await?,
                    None => sql::forget_forecast(&mut tx, device).await?,
                }
            }
            tx.commit().await?;
        }
    }
}

async fn forecast_of(tx: &mut Tx, device: DeviceId, now: Time) -> Result<Forecast> {
    let newest_first = sql::last_of_battery(tx, device, READINGS).await?;
    let readings: Vec<(Time, u8)> = newest_first
        .into_iter()
        .rev()
        .filter_map(|(at, percent)| Some((at, u8::try_from(percent).ok()?)))
        .collect();
    Ok(forecast::of(&readings, now))
}

/// Writes what a batch changed.
pub(crate) async fn insert(tx: &mut Tx, changes: Changes) -> Result<(), DbError> {
    let rows: Vec<_> = changes.into_iter().collect();
    sql::insert(tx, &rows).await
}

/// See `sql.rs`: to be called before the devices are marked as away.
pub(crate) async fn unknown_since_last_word(tx: &mut Tx) -> Result<(), DbError> {
    for kind in Kind::ALL {
        sql::unknown_since_last_word(tx, kind).await?;
    }
    Ok(())
}

/// These did not come back after a start: they are away since then.
pub(crate) async fn absent(tx: &mut Tx, devices: &[DeviceId], since: Time) -> Result<(), DbError> {
    let rows: Vec<_> = devices.iter().map(|device| ((*device, Kind::Link, since), Some(0))).collect();
    sql::insert(tx, &rows).await
}
