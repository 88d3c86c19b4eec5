//! Working through what was begun: a few dozen devices in one transaction, then the next, and no faster than the orders
//! leave. What cannot have its turn in time is told so; after a restart nothing is taken up again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::sql::{self, BulkRow};
use super::{Deed, GONE, Wish, already, better_not};
use crate::App;
use crate::actor::Actor;
use crate::bus::Event;
use crate::clock::{Steady, Time};
use crate::commands::{self, DEADLINE};
use crate::db::Tx;
use crate::devices::{self, LockAction};
use crate::error::{Error, Result};
use crate::ids::{BulkId, CommandId, DeviceId};
use crate::settings::{self, Change, SettingValue};
use crate::{accounts, groups};

/// Devices in one transaction.
const AT_A_TIME: i64 = 64;
/// Orders that may wait to be sent before more are given: each has ten seconds.
const MOST_UNSENT: i64 = 256;
/// How soon it is looked whether they have left.
const PAUSE: Duration = Duration::from_millis(20);
/// After something went wrong with the database.
const AGAIN: Duration = Duration::from_secs(1);

/// Until when each bulk that this process began may go on. Kept in memory only: what another process began, or this one
/// before it restarted, ends.
#[derive(Default)]
pub(crate) struct Works {
    until: Mutex<HashMap<BulkId, Steady>>,
    waker: Notify,
}

impl Works {
    pub(super) fn begun(&self, id: BulkId, until: Steady) {
        self.until.lock().unwrap_or_else(PoisonError::into_inner).insert(id, until);
    }

    fn until(&self, id: BulkId) -> Option<Steady> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    pub(super) fn over(&self, id: BulkId) {
        self.until.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    pub(super) fn wake(&self) {
        self.waker.notify_one();
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    Done,
    /// Orders wait to leave.
    Later,
}

/// What becomes of one device.
enum Turn {
    Done(Option<&'static str>),
    Ordered(CommandId),
    /// Written down as what should be; its device has yet to say it.
    Wanted,
    Failed(String),
}

impl App {
    /// Works through what is begun, until stopped by being dropped.
    pub async fn run_bulks(&self) {
        loop {
            match self.work_on_bulks().await {
                Ok(Step::Done) => {}
                Ok(Step::Later) => self.clock().wait(PAUSE).await,
                Ok(Step::Nothing) => self.works().waker.notified().await,
                Err(error) => {
                    tracing::warn!(%error, "cannot go on with a bulk; it is tried again");
                    self.clock().wait(AGAIN).await;
                }
            }
        }
    }

    /// One step of the bulk that was begun first.
    pub async fn work_on_bulks(&self) -> Result<Step> {
        let mut tx = self.read().await?;
        let Some(id) = sql::running(&mut tx).await? else {
            return Ok(Step::Nothing);
        };
        if commands::count_unsent(&mut tx, MOST_UNSENT).await? >= MOST_UNSENT {
            return Ok(Step::Later);
        }
        drop(tx);
        let mut tx = self.write().await?;
        let Some(row) = sql::load(&mut tx, id).await?.filter(|row| row.state == "running") else {
            return Ok(Step::Done);
        };
        let items = sql::waiting(&mut tx, id, AT_A_TIME).await?;
        let over = match self.go_on(&mut tx, &row).await? {
            _ if items.is_empty() => true,
            Ok((actor, deed)) => {
                for (position, device, was) in &items {
                    let turn = self.take_turn(&mut tx, &actor, (deed, was.as_deref()), *device).await;
                    let became = told(turn)?;
                    note(&mut tx, (id, *position), became).await?;
                    tx.emit(Event::DeviceChanged { account: row.account_id, device: *device });
                }
                i64::try_from(items.len()).unwrap_or(0) < AT_A_TIME
            }
            Err(why) => {
                sql::give_up(&mut tx, id, why).await?;
                true
            }
        };
        if over {
            end(&mut tx, &row, self.now()).await?;
        }
        tx.emit(Event::BulkChanged { account: row.account_id, bulk: id });
        tx.emit(Event::CommandsWaiting);
        tx.commit().await?;
        if over {
            self.works().over(id);
        }
        Ok(Step::Done)
    }

    /// Who does it and what, or why it goes no further.
    async fn go_on(
        &self,
        tx: &mut Tx,
        row: &BulkRow,
    ) -> Result<std::result::Result<(Actor, Deed), &'static str>> {
        let Some(until) = self.works().until(row.id) else {
            return Ok(Err("Lockwarden restarted before its turn came: nothing was done"));
        };
        if self.clock().steady() > until {
            return Ok(Err("its turn did not come in time: nothing was done"));
        }
        let who = (Some(row.person_id), row.session_id, row.token_id);
        let actor = accounts::actor_now(tx, row.account_id, who, self.now()).await?;
        Ok(actor.zip(row.deed()).ok_or("the right to do this ended before its turn came"))
    }

    async fn take_turn(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (deed, was): (Deed, Option<&str>),
        device: DeviceId,
    ) -> Result<Turn> {
        match deed {
            Deed::Lock => self.lock_it(tx, actor, device).await,
            Deed::Set(wish) => self.set_it(tx, actor, (wish, was), device).await,
            Deed::SetGroup(group) => match actor.may_manage(tx, device).await {
                Ok(manageable) => match groups::target_group(tx, actor, group).await {
                    Ok(group) => groups::set_group(tx, actor, manageable, group, self.now())
                        .await
                        .map(|()| Turn::Done(None)),
                    Err(Error::NotFound) => Ok(Turn::Failed("the group is not there any more".to_owned())),
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            },
            Deed::SetFavourite(yes) => match actor.may_manage(tx, device).await {
                Ok(manageable) => {
                    devices::set_favourite(tx, manageable, yes, self.now()).await.map(|()| Turn::Done(None))
                }
                Err(error) => Err(error),
            },
        }
    }

    /// On the path of any change of a setting: it is wanted, sent by what reaches the device, and done when the device says
    /// it. Whoever changed it since it was proposed is not overruled.
    async fn set_it(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (wish, was): (Wish, Option<&str>),
        device: DeviceId,
    ) -> Result<Turn> {
        let configurable = actor.may_configure(tx, device).await?;
        let setting = wish.setting();
        // What was not known then was seen as that.
        let seen = was.and_then(|was| SettingValue::from_stored(setting, was));
        let change = Change { setting, value: wish.value(), seen: Some(seen) };
        let wanted = settings::want_one(tx, actor, configurable, change, self.now()).await?;
        Ok(if wanted { Turn::Wanted } else { Turn::Done(Some("it had it already")) })
    }

    async fn lock_it(&self, tx: &mut Tx, actor: &Actor, device: DeviceId) -> Result<Turn> {
        let operable = actor.may_operate(tx, device).await?;
        let now = devices::load(tx, device).await?;
        match (already(&now), better_not(&now)) {
            (Some(why), _) => return Ok(Turn::Done(Some(why))),
            (None, Some(why)) => return Ok(Turn::Failed(why.to_owned())),
            (None, None) => {}
        }
        let asked = (self.now(), self.clock().steady().plus(DEADLINE));
        let id = self.order_in(tx, actor, operable, (LockAction::Lock, None), asked).await?;
        Ok(Turn::Ordered(id))
    }
}

/// Nothing more is begun with anybody.
pub(super) async fn end(tx: &mut Tx, row: &BulkRow, now: Time) -> Result<()> {
    sql::end(tx, row.id, now).await?;
    if matches!(row.deed(), Some(Deed::SetGroup(_))) {
        tx.emit(Event::DevicesChanged { account: row.account_id });
    }
    Ok(())
}

/// What one device cannot is its own result, and not the end of all.
fn told(turn: Result<Turn>) -> Result<Turn> {
    match turn {
        Err(Error::NotFound) => Ok(Turn::Failed(GONE.to_owned())),
        Err(Error::Invalid { why, .. }) => Ok(Turn::Failed(why)),
        Err(error @ (Error::Forbidden(_) | Error::Refused(_))) => Ok(Turn::Failed(error.to_string())),
        other => other,
    }
}

async fn note(tx: &mut Tx, item: (BulkId, i64), became: Turn) -> Result<()> {
    match became {
        Turn::Done(how) => sql::set_item(tx, item, "done", (how.map(ToOwned::to_owned), None)).await?,
        Turn::Ordered(command) => sql::set_item(tx, item, "ordered", (None, Some(command))).await?,
        Turn::Wanted => sql::set_item(tx, item, "ordered", (None, None)).await?,
        Turn::Failed(why) => sql::set_item(tx, item, "failed", (Some(why), None)).await?,
    }
    Ok(())
}
