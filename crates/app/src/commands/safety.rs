//! What an owner wants to happen before a door opens from afar, and what nobody may do too often.

use std::time::Duration;

use super::sql;
use crate::App;
use crate::accounts;
use crate::actor::{Actor, Who};
use crate::bus::Event;
use crate::clock::Time;
use crate::db::Tx;
use crate::devices::{self, Device, DeviceType, LockAction, Safety};
use crate::error::{Refusal, Result};
use crate::ids::DeviceId;

/// A password that was given this recently counts as given for an opening.
const FRESH: Duration = Duration::from_mins(5);
/// Openings of one door within [`WITHIN`]; whoever wants more has to wait.
const OPENINGS: i64 = 5;
const WITHIN: Duration = Duration::from_mins(1);

/// Whether somebody outside can come in by this, now or when they next ring.
pub fn opens(device: &Device, action: LockAction) -> bool {
    lets_in((device.kind, device.unlocking_opens), action)
}

fn lets_in((kind, unlocking_opens): (Option<DeviceType>, bool), action: LockAction) -> bool {
    match kind {
        // Ring to open and continuous mode let in whoever rings; switching either off does not.
        Some(DeviceType::Opener) => !matches!(action, LockAction::Lock | LockAction::LockNGoUnlatch),
        Some(DeviceType::Box) => action != LockAction::Lock,
        _ => match action {
            LockAction::Unlatch | LockAction::LockNGoUnlatch => true,
            LockAction::Unlock | LockAction::LockNGo => unlocking_opens,
            _ => false,
        },
    }
}

impl App {
    /// What has to happen before this door opens from afar. Asking for less takes a password given a moment ago, or a
    /// browser left open would be enough to get around every rule.
    pub async fn set_safety(&self, actor: &Actor, device: DeviceId, safety: Safety) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let manageable = actor.may_manage(&mut tx, device).await?;
        let now = devices::load(&mut tx, manageable.device()).await?.safety;
        if asks_less(now, safety) && !is_fresh(&mut tx, &actor, self.now()).await? {
            return Err(Refusal::ProveAgain.into());
        }
        devices::set_safety(&mut tx, manageable.device(), safety, self.now()).await?;
        tx.emit(Event::DeviceChanged { account: actor.account, device });
        tx.commit().await?;
        Ok(())
    }

    /// Whether the person behind this session gave their password a moment ago.
    pub async fn is_freshly_proved(&self, actor: &Actor) -> Result<bool> {
        let mut tx = self.read().await?;
        is_fresh(&mut tx, actor, self.now()).await
    }
}

/// The rules of an opening, beside the right to it. They hold when it is ordered; what is forbidden altogether holds again
/// when it is sent.
pub(super) async fn check_opening(
    tx: &mut Tx,
    actor: &Actor,
    device: &Device,
    action: LockAction,
    now: Time,
) -> Result<()> {
    if !opens(device, action) {
        return Ok(());
    }
    never_opens(device, action)?;
    if device.safety.fresh_sign_in && !is_fresh(tx, actor, now).await? {
        return Err(match actor.who {
            Who::Token { .. } => Refusal::NotByProgram,
            _ => Refusal::ProveAgain,
        }
        .into());
    }
    let openings = sql::count_openings(tx, (device.id, device.unlocking_opens), now.minus(WITHIN)).await?;
    if openings >= OPENINGS {
        return Err(Refusal::TooManyOpenings(WITHIN.as_secs()).into());
    }
    Ok(())
}

fn asks_less(now: Safety, then: Safety) -> bool {
    (now.never_open && !then.never_open)
        || (now.ask_again && !then.ask_again)
        || (now.fresh_sign_in && !then.fresh_sign_in)
}

pub(super) fn never_opens(device: &Device, action: LockAction) -> Result<(), Refusal> {
    if device.safety.never_open && opens(device, action) { Err(Refusal::NeverOpens) } else { Ok(()) }
}

async fn is_fresh(tx: &mut Tx, actor: &Actor, now: Time) -> Result<bool> {
    Ok(match actor.who {
        Who::Operator => true,
        Who::Token { .. } => false,
        Who::Person { session, .. } => {
            accounts::proved_at(tx, session).await?.is_some_and(|at| at <= now && now.since(at) < FRESH)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_somebody_in_is_an_opening_on_every_kind_of_device() {
        use LockAction::{FullLock, Lock, LockNGo, LockNGoUnlatch, Unlatch, Unlock};
        let all = [Unlock, Lock, Unlatch, LockNGo, LockNGoUnlatch, FullLock];
        let opening = |kind, unlocking_opens| {
            let opening = all.into_iter().filter(|action| lets_in((kind, unlocking_opens), *action));
            opening.collect::<Vec<_>>()
        };
        let lock = Some(DeviceType::SmartLock34);
        assert_eq!(opening(lock, false), [Unlatch, LockNGoUnlatch]);
        assert_eq!(opening(lock, true), [Unlock, Unlatch, LockNGo, LockNGoUnlatch]);
        assert_eq!(opening(Some(DeviceType::Opener), false), [Unlock, Unlatch, LockNGo, FullLock]);
        assert_eq!(opening(None, false), [Unlatch, LockNGoUnlatch]);
    }
}
