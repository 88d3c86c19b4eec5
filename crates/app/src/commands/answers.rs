//! What a device says of the command it was given: that it began, that it is done, or why not.

use std::collections::HashSet;

use super::actions::{Ending, finish, tell};
use super::sql::{self, CommandRow};
use super::{CommandState, explain};
use crate::activity::Completion;
use crate::bridges::BridgeOutcome;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::devices::{Connector, HubAnswer, LockAction, LockState, Trigger};
use crate::error::Result;
use crate::ids::{ActivityId, CommandId, DeviceId};

/// An answer that comes this long after the sending still belongs to its command.
const LATE: std::time::Duration = std::time::Duration::from_mins(2);

/// The lock began to move. That is the command under way at work.
pub(crate) async fn moved(tx: &mut Tx, device: DeviceId, now: Time) -> Result<()> {
    if let Some(row) = sql::under_way(tx, device).await? {
        sql::mark_accepted(tx, row.id, now).await?;
        tell(tx, row.account_id, device);
    }
    Ok(())
}

/// Which of these devices may tell of a command of ours from then on. All others need not be asked after, one by one.
pub(crate) async fn ordered(
    tx: &mut Tx,
    devices: &[DeviceId],
    from: Time,
) -> Result<HashSet<DeviceId>, DbError> {
    let given = sql::given_any(tx, devices, from.minus(super::ANSWER_LOCK_N_GO)).await?;
    Ok(given.into_iter().collect())
}

/// The lock told of an action that a command set off. If the command was ours, its entry is in the log already:
/// this is that entry.
pub(crate) async fn performed(
    tx: &mut Tx,
    device: DeviceId,
    (action, trigger): (LockAction, Trigger),
    now: Time,
) -> Result<Option<ActivityId>> {
    if !matches!(trigger, Trigger::Mqtt | Trigger::System) {
        return Ok(None);
    }
    let since = now.minus(super::ANSWER_LOCK_N_GO);
    let Some(row) = sql::to_be_told(tx, device, action, since).await? else {
        return Ok(None);
    };
    // What came by Bluetooth or a bridge is told of as such; what came by the lock's own MQTT always as that.
    if trigger == Trigger::System && row.sent_by() == Connector::NukiMqtt {
        return Ok(None);
    }
    sql::mark_performed(tx, row.id, now).await?;
    sql::mark_accepted(tx, row.id, now).await?;
    tell(tx, row.account_id, device);
    Ok(Some(row.activity_id))
}

/// Whether the bolt came to rest here because of a command that the lock has not told of otherwise.
pub(crate) async fn explains(tx: &mut Tx, device: DeviceId, state: LockState, now: Time) -> Result<bool> {
    let last = sql::last_untold(tx, device, now.minus(super::ANSWER_LOCK_N_GO)).await?;
    Ok(last.is_some_and(|row| LockAction::from_stored(row.action).passes(state)))
}

/// The same where the device is only asked now and then: it is explained once, and what comes after is something else.
pub(crate) async fn explains_found(
    tx: &mut Tx,
    device: DeviceId,
    state: LockState,
    now: Time,
) -> Result<bool> {
    let last = sql::last_untold(tx, device, now.minus(super::ANSWER_LOCK_N_GO)).await?;
    let Some(row) = last.filter(|row| LockAction::from_stored(row.action).passes(state)) else {
        return Ok(false);
    };
    sql::mark_accepted(tx, row.id, now).await?;
    let ends_here = match LockAction::from_stored(row.action) {
        LockAction::Unlock => state == LockState::Unlocked,
        LockAction::Unlatch => matches!(state, LockState::Unlatched | LockState::Unlocked),
        _ => state == LockState::Locked,
    };
    if ends_here {
        sql::mark_performed(tx, row.id, now).await?;
    }
    tell(tx, row.account_id, device);
    Ok(true)
}

/// A hub tells what becomes of the command it was given. It tries a few times by itself, and says when it gives up.
pub(crate) async fn hub_said(tx: &mut Tx, device: DeviceId, answer: HubAnswer, now: Time) -> Result<()> {
    let Some(row) = sql::under_way(tx, device).await?.filter(|row| row.sent_by() == Connector::NukiHub)
    else {
        return Ok(());
    };
    let failed =
        |reason| Ending { state: CommandState::Failed, code: None, reason: Some(reason), result: None };
    let ending = match answer {
        HubAnswer::Acknowledged => return progress(tx, &row, "the hub has it and speaks to the lock").await,
        HubAnswer::TimedOut => return progress(tx, &row, NO_ANSWER).await,
        HubAnswer::Failed => return progress(tx, &row, "the lock did not do it for the hub").await,
        HubAnswer::Retry(number) => {
            let before = row.progress.as_deref().unwrap_or(NO_ANSWER).split(';').next().unwrap_or_default();
            return progress(tx, &row, &format!("{before}; the hub tries again, time {number}")).await;
        }
        HubAnswer::Success => Ending {
            state: CommandState::Done,
            code: Some(0),
            reason: None,
            result: Some(Completion::Success),
        },
        HubAnswer::Denied => failed(
            "the hub’s own access list forbids it: allow lock actions on its web page, under “Access Level Configuration”",
        ),
        HubAnswer::Refused => failed("the hub could not take the command"),
        HubAnswer::NotPaired => failed("the hub is not paired with the lock any more"),
        // Of a try without an answer nobody knows whether the lock heard it.
        HubAnswer::GaveUp if row.progress.as_deref().is_some_and(|told| told.contains(NO_ANSWER)) => Ending {
            state: CommandState::Unknown,
            code: None,
            reason: Some("the hub had no answer from the lock and gave up; it may or may not have done it"),
            result: None,
        },
        HubAnswer::GaveUp => Ending {
            result: Some(Completion::OtherError),
            ..failed("the hub tried several times, and the lock did not do it")
        },
    };
    finish(tx, &row, ending, now).await?;
    Ok(())
}

/// A bridge answers when the lock is done, or when it has no answer from it.
pub(crate) async fn bridge_said(tx: &mut Tx, id: CommandId, outcome: BridgeOutcome, now: Time) -> Result<()> {
    let Some(row) = sql::find_open(tx, id).await? else {
        return Ok(());
    };
    let (state, reason, result) = match outcome {
        BridgeOutcome::Done => (CommandState::Done, None, Some(Completion::Success)),
        BridgeOutcome::NotDone(words) => (CommandState::Failed, Some(words), Some(Completion::OtherError)),
        BridgeOutcome::NotExecuted(words) => (CommandState::Failed, Some(words), None),
        BridgeOutcome::Unknown(words) => (CommandState::Unknown, Some(words), None),
    };
    let code = (state == CommandState::Done).then_some(0);
    finish(tx, &row, Ending { state, code, reason, result }, now).await?;
    Ok(())
}

const NO_ANSWER: &str = "the hub had no answer from the lock";

async fn progress(tx: &mut Tx, row: &CommandRow, words: &str) -> Result<()> {
    sql::set_progress(tx, row.id, words).await?;
    tell(tx, row.account_id, row.device_id);
    Ok(())
}

/// The lock answered. An answer carries no number of its command, so it belongs to the oldest one that has none,
/// unless the lock has since begun the newer one.
pub(crate) async fn answered(
    tx: &mut Tx,
    device: DeviceId,
    by: Connector,
    code: u8,
    now: Time,
) -> Result<()> {
    let open = sql::under_way(tx, device).await?;
    let begun = open.as_ref().is_some_and(|row| row.accepted_at.is_some());
    let late = if begun { None } else { sql::given_up(tx, device, now.minus(LATE)).await? };
    // A hub or a bridge may have been told something by others meanwhile.
    let asked = late.as_ref().or(open.as_ref()).filter(|row| row.sent_by() == by);
    let Some(row) = asked else {
        return Ok(());
    };
    let (words, result) = explain(code);
    let state = if code == 0 { CommandState::Done } else { CommandState::Failed };
    let reason = match (late.is_some(), code) {
        (true, 0) => Some("the answer came late: done".to_owned()),
        (true, _) => Some(format!("the answer came late: {words}")),
        (false, 0) => None,
        (false, _) => Some(words.to_owned()),
    };
    let ending = Ending { state, code: Some(code), reason: reason.as_deref(), result: Some(result) };
    finish(tx, row, ending, now).await?;
    Ok(())
}
