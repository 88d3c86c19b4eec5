//! The life of a command, from the order to the lock's answer.

use std::time::Duration;

use super::safety::{check_opening, never_opens, opens};
use super::sql::{self, CommandRow, NewCommand};
use super::{Command, CommandState, DEADLINE, WAITING, answer_time};
use crate::App;
use crate::activity::{self, Completion, NewEntry, Origin};
use crate::actor::{Actor, Operable};
use crate::bus::Event;
use crate::clock::{Steady, Time};
use crate::db::Tx;
use crate::devices::{self, Connector, Device, DeviceType, LockAction, LockState};
use crate::error::{Error, Refusal, Result};
use crate::ids::{AccountId, ActivityId, CommandId, DeviceId};
use crate::ways::{self, Way};
use crate::{accounts, db::DbError};

/// What waits longer than the time of day says is looked at this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub struct Order<'a> {
    pub device: DeviceId,
    pub action: LockAction,
    /// The same key again is the same order: it is answered with what the first one became.
    pub idempotency_key: Option<&'a str>,
}

/// A command that was marked as sent and now has to be put on the wire, once.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    pub id: CommandId,
    pub device: DeviceId,
    pub action: LockAction,
    /// The way it takes.
    pub by: Connector,
    /// Not at the lock after this.
    pub until: Steady,
}

impl App {
    /// Orders a device to do something. Refuses at once, in words, what cannot be sent now.
    pub async fn order(&self, actor: &Actor, order: Order<'_>) -> Result<Command> {
        let key = order.idempotency_key.map(check_key).transpose()?;
        let key = key.map(|key| format!("{}:{key}", actor.who.person().map_or(0, |id| id.0)));
        // What it takes to get at the disk is part of the ten seconds.
        let (asked, until) = (self.now(), self.clock().steady().plus(DEADLINE));
        let (mut tx, actor) = self.write_as(actor).await?;
        let operable = actor.may_operate(&mut tx, order.device).await?;
        if let Some(key) = &key
            && let Some(before) = sql::find_by_key(&mut tx, actor.account, key).await?
        {
            return same_order(before, &order);
        }
        let id = self.order_in(&mut tx, &actor, operable, (order.action, key), (asked, until)).await?;
        tx.emit(Event::CommandsWaiting);
        let command = sql::load(&mut tx, id).await?.into();
        tx.commit().await?;
        Ok(command)
    }

    /// Writes an order down, if it can be sent now. It was asked for at `asked` and is too late after `until`.
    pub(crate) async fn order_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        operable: Operable,
        (action, key): (LockAction, Option<String>),
        (asked, until): (Time, Steady),
    ) -> Result<CommandId> {
        let device = devices::load(tx, operable.device()).await?;
        check(&device, action)?;
        let open = sql::open_of_device(tx, device.id).await?;
        if let Some(same) = same_opening(&open, actor, &device, (action, key.as_deref())) {
            return Ok(same);
        }
        check_opening(tx, actor, &device, action, asked).await?;
        way_for(&ways::load_of(tx, device.id).await?, (device.kind, action))?;
        if open.len() >= WAITING {
            return Err(Refusal::TooManyWaiting(open.len()).into());
        }
        if self.clock().steady() > until {
            return Err(Refusal::TooLate.into());
        }
        let id = self.insert_command(tx, actor, &operable, (action, asked), key).await?;
        tx.emit(Event::DeviceChanged { account: actor.account, device: device.id });
        self.ends().set(id, until);
        Ok(id)
    }

    async fn insert_command(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        operable: &Operable,
        (action, asked): (LockAction, Time),
        key: Option<String>,
    ) -> Result<CommandId> {
        let now = self.now();
        let id = CommandId(self.growing_id());
        let activity = ActivityId(self.growing_id());
        let mut entry = NewEntry::at(actor.account, operable.device(), now, action.into(), Origin::Console);
        entry.result = None;
        entry.actor = actor.who.person();
        entry.command = Some(id);
        activity::note(tx, activity, entry).await?;
        let (person, session, token) = actor.way_in();
        let new = NewCommand {
            id,
            account: actor.account,
            device: operable.device(),
            action,
            actor: person,
            session,
            token,
            key,
            created_at: now,
            deadline: asked.plus(DEADLINE),
            activity,
        };
        sql::insert(tx, new).await?;
        Ok(id)
    }

    pub async fn load_command(&self, actor: &Actor, id: CommandId) -> Result<Command> {
        let mut tx = self.read().await?;
        let row = sql::load(&mut tx, id).await?;
        actor.may_view(&mut tx, row.device_id).await?;
        Ok(row.into())
    }

    /// The last commands of a device, newest first.
    pub async fn list_commands(&self, actor: &Actor, device: DeviceId, limit: u8) -> Result<Vec<Command>> {
        let mut tx = self.read().await?;
        let viewable = actor.may_view(&mut tx, device).await?;
        let rows = sql::of_device(&mut tx, viewable.device(), i64::from(limit)).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The newest command of each device in the actor's scope: who moved it last, and what became of it.
    pub async fn list_last_commands(&self, actor: &Actor) -> Result<Vec<Command>> {
        actor.may_list_devices()?;
        let mut tx = self.read().await?;
        let rows = sql::last_of_account(&mut tx, actor.account).await?;
        Ok(rows.into_iter().filter(|row| actor.scope.contains(row.device_id)).map(Into::into).collect())
    }

    /// The same of these devices.
    pub async fn list_last_commands_of(&self, actor: &Actor, devices: &[DeviceId]) -> Result<Vec<Command>> {
        actor.may_list_devices()?;
        let mut tx = self.read().await?;
        let rows = sql::last_of_some(&mut tx, actor.account, devices).await?;
        Ok(rows.into_iter().filter(|row| actor.scope.contains(row.device_id)).map(Into::into).collect())
    }

    /// The open commands of all devices in the actor's scope.
    pub async fn list_open_commands(&self, actor: &Actor) -> Result<Vec<Command>> {
        actor.may_list_devices()?;
        let mut tx = self.read().await?;
        let rows = sql::open_of_account(&mut tx, actor.account).await?;
        Ok(rows.into_iter().filter(|row| actor.scope.contains(row.device_id)).map(Into::into).collect())
    }

    /// Commands that could be sent now, at most one per device, oldest first. For the gateway.
    pub async fn due_commands(&self) -> Result<Vec<(CommandId, DeviceId)>> {
        let mut tx = self.read().await?;
        Ok(sql::due(&mut tx).await?)
    }

    /// Takes a command for sending: checks deadline, right and connection once more, and marks it as sent before a
    /// byte of it leaves. Nobody can take it twice; whoever takes it and dies leaves it `sent`, later `unknown`.
    pub async fn take_command(&self, id: CommandId) -> Result<Option<Taken>> {
        let mut tx = self.write().await?;
        let row = sql::load(&mut tx, id).await?;
        if CommandState::from_name(&row.state) != CommandState::Created {
            return Ok(None);
        }
        let (now, steady) = (self.now(), self.clock().steady());
        let until = self.ends().of(id).unwrap_or_else(|| steady.plus(row.deadline.since(now)));
        let way = if now > row.deadline || steady > until {
            Err((CommandState::Expired, EXPIRED.to_owned()))
        } else {
            self.find_way(&mut tx, &row, now).await?
        };
        let by = match way {
            Ok(by) => by,
            Err((state, reason)) => {
                let ending = Ending { state, code: None, reason: Some(&reason), result: None };
                finish(&mut tx, &row, ending, now).await?;
                tx.commit().await?;
                return Ok(None);
            }
        };
        let action = LockAction::from_stored(row.action);
        let patience = answer_time(action, by);
        if !sql::mark_sent(&mut tx, id, by, (now, now.plus(patience))).await? {
            return Ok(None);
        }
        tx.emit(Event::DeviceChanged { account: row.account_id, device: row.device_id });
        tx.commit().await?;
        self.ends().set(id, steady.plus(patience));
        let taken = Taken { id, device: row.device_id, action, by, until };
        if self.clock().steady() > until {
            // The commit itself took too long. Nothing has left yet, and now nothing may.
            self.command_not_sent(&taken, EXPIRED).await?;
            return Ok(None);
        }
        Ok(Some(taken))
    }

    /// The way a command may take now, or why it may take none.
    async fn find_way(
        &self,
        tx: &mut Tx,
        row: &CommandRow,
        now: Time,
    ) -> Result<Result<Connector, (CommandState, String)>> {
        let who = (row.actor_id, row.session_id, row.token_id);
        let may = match accounts::actor_now(tx, row.account_id, who, now).await? {
            Some(actor) => actor.may_operate(tx, row.device_id).await.is_ok(),
            None => false,
        };
        if !may {
            return Ok(Err((
                CommandState::Failed,
                "the right to do this ended before it was sent".to_owned(),
            )));
        }
        let device = devices::load(tx, row.device_id).await?;
        let action = LockAction::from_stored(row.action);
        let ways = ways::load_of(tx, row.device_id).await?;
        let allowed = check(&device, action).and_then(|()| never_opens(&device, action));
        let way = allowed.and_then(|()| way_for(&ways, (device.kind, action)));
        Ok(way.map_err(|refusal| (CommandState::Failed, refusal.to_string())))
    }

    /// A taken command of which certainly no byte left.
    pub async fn command_not_sent(&self, taken: &Taken, reason: &str) -> Result<()> {
        let mut tx = self.write().await?;
        let row = sql::load(&mut tx, taken.id).await?;
        if CommandState::from_name(&row.state) != CommandState::Sent {
            return Ok(());
        }
        let state = if reason == EXPIRED { CommandState::Expired } else { CommandState::Failed };
        let ending = Ending { state, code: None, reason: Some(reason), result: None };
        finish(&mut tx, &row, ending, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends the open commands whose time is over, by either clock, and says when to look again.
    pub async fn settle_commands(&self) -> Result<Option<Time>> {
        let (now, steady) = (self.now(), self.clock().steady());
        let over = self.ends().over(steady);
        let mut tx = self.read().await?;
        if !over.is_empty() || sql::next_end(&mut tx).await?.is_some_and(|end| end < now) {
            drop(tx);
            tx = self.write().await?;
            for row in sql::overdue(&mut tx, now).await? {
                // How long it has waited for an answer, the steady clock knows better. What has not left, does not leave
                // if either clock says that it is late.
                let waits = row.sent_at.is_some() && self.ends().of(row.id).is_some_and(|end| end >= steady);
                if !waits {
                    give_up(&mut tx, &row, now).await?;
                }
            }
            for id in &over {
                if let Some(row) = sql::find_open(&mut tx, *id).await? {
                    give_up(&mut tx, &row, now).await?;
                }
            }
            let next = sql::next_end(&mut tx).await?;
            tx.commit().await?;
            self.ends().forget(&over);
            return Ok(next.map(|end| end.max(now.plus(LOOK_AGAIN))));
        }
        Ok(sql::next_end(&mut tx).await?)
    }

    /// For the start of a process: what was sent before has no answer, and what was not sent will not be.
    pub async fn settle_after_restart(&self) -> Result<()> {
        let mut tx = self.write().await?;
        settle_all(&mut tx, self.now()).await?;
        // Ids grow with time, which may have been set back since the last of them was given.
        self.chance().grow_past(sql::last_id(&mut tx).await?);
        tx.commit().await?;
        Ok(())
    }
}

/// Ends every open command: whoever would hear its answer is gone.
pub(crate) async fn settle_all(tx: &mut Tx, now: Time) -> Result<(), DbError> {
    let words = ("Lockwarden restarted before it was sent", "Lockwarden restarted before the lock answered");
    for row in sql::all_open(tx).await? {
        break_off(tx, &row, words, now).await?;
    }
    Ok(())
}

/// The device leaves the account: nothing more is sent to it, and nothing it answers is heard.
pub(crate) async fn device_removed(tx: &mut Tx, device: DeviceId, now: Time) -> Result<(), DbError> {
    let words = ("the device was removed before it was sent", "the device was removed before it answered");
    for row in sql::open_of_device(tx, device).await? {
        break_off(tx, &row, words, now).await?;
    }
    Ok(())
}

async fn break_off(
    tx: &mut Tx,
    row: &CommandRow,
    (unsent, unanswered): (&str, &str),
    now: Time,
) -> Result<(), DbError> {
    let (state, reason) = match CommandState::from_name(&row.state) {
        CommandState::Created => (CommandState::Expired, unsent),
        _ => (CommandState::Unknown, unanswered),
    };
    finish(tx, row, Ending { state, code: None, reason: Some(reason), result: None }, now).await
}

/// Why a command ends that waited too long.
pub const EXPIRED: &str = "it could not be sent within 10\u{a0}s";

/// How a command ends: its state, the device's number and words, and what the log says of it.
pub(super) struct Ending<'a> {
    pub state: CommandState,
    pub code: Option<u8>,
    pub reason: Option<&'a str>,
    pub result: Option<Completion>,
}

pub(super) async fn finish(
    tx: &mut Tx,
    row: &CommandRow,
    ending: Ending<'_>,
    now: Time,
) -> Result<(), DbError> {
    sql::end(tx, row.id, ending.state, ending.code, ending.reason, now).await?;
    if let Some(result) = ending.result {
        activity::finish(tx, row.activity_id, result).await?;
    }
    tell(tx, row.account_id, row.device_id);
    // The device is free for the next one.
    tx.emit(Event::CommandsWaiting);
    Ok(())
}

pub(super) fn tell(tx: &mut Tx, account: AccountId, device: DeviceId) {
    tx.emit(Event::DeviceChanged { account, device });
    tx.emit(Event::ActivityAdded { account, device });
}

async fn give_up(tx: &mut Tx, row: &CommandRow, now: Time) -> Result<(), DbError> {
    let action = LockAction::from_stored(row.action);
    let ending = if row.sent_at.is_none() {
        Ending { state: CommandState::Expired, code: None, reason: Some(EXPIRED), result: None }
    } else if row.accepted_at.is_some() && reached(tx, row, action, now).await? {
        let reason = Some("the lock sent no answer, but reports the state that was asked for");
        Ending { state: CommandState::Done, code: None, reason, result: Some(Completion::Success) }
    } else {
        let reason = Some("no answer from the lock; it may or may not have done it");
        Ending { state: CommandState::Unknown, code: None, reason, result: None }
    };
    finish(tx, row, ending, now).await
}

/// The lock said, after the command began, that it is where the command was to bring it.
async fn reached(tx: &mut Tx, row: &CommandRow, action: LockAction, now: Time) -> Result<bool, DbError> {
    if devices::account_of(tx, row.device_id).await?.is_none() {
        return Ok(false);
    }
    let said = devices::load(tx, row.device_id).await?.said;
    // What lies ahead was written down before our clock was set back.
    let since = said
        .state_changed_at
        .zip(row.sent_at)
        .is_some_and(|(changed, sent)| changed >= sent && changed <= now);
    let there = match action {
        LockAction::Unlock => said.state == Some(LockState::Unlocked),
        LockAction::Unlatch => matches!(said.state, Some(LockState::Unlatched | LockState::Unlocked)),
        LockAction::Lock | LockAction::FullLock | LockAction::LockNGo | LockAction::LockNGoUnlatch => {
            said.state == Some(LockState::Locked)
        }
        _ => false,
    };
    Ok(since && there)
}

/// The best way that is there, listens, and can do this.
fn way_for(ways: &[Way], (kind, action): (Option<DeviceType>, LockAction)) -> Result<Connector, Refusal> {
    let there = || ways.iter().filter(|way| way.is_trusted() && way.accepts_commands != Some(false));
    let best = there().map(|way| way.connector).filter(|connector| connector.takes(action)).min();
    best.ok_or_else(|| match there().next() {
        Some(_) => Refusal::NoWayToDo(who_would(ways, (kind, action))),
        None => Refusal::Offline,
    })
}

/// Which of its ways would do it if it were there, or else which other ways would.
fn who_would(ways: &[Way], (kind, action): (Option<DeviceType>, LockAction)) -> String {
    let has = |one: Connector| ways.iter().any(|way| way.connector == one);
    let would: Vec<Connector> = Connector::that_take(action, kind).collect();
    if let Some(away) = would.iter().copied().find(|one| has(*one)) {
        return format!("; {} could, and takes no commands now", away.with_article());
    }
    let names: Vec<&str> = would.iter().map(|one| one.with_article()).collect();
    if names.is_empty() { String::new() } else { format!("; {} could", names.join(" or ")) }
}

/// How many milliseconds the last answer took, by each way by which one of the last orders went.
pub(crate) async fn last_answers(tx: &mut Tx, device: DeviceId) -> Result<Vec<(Connector, i64)>, DbError> {
    let mut answers: Vec<(Connector, i64)> = Vec::new();
    for (by, took) in sql::last_answers(tx, device).await? {
        let Some(by) = Connector::from_name(&by) else { continue };
        if took >= 0 && !answers.iter().any(|(known, _)| *known == by) {
            answers.push((by, took));
        }
    }
    Ok(answers)
}

/// Orders that wait to be sent, counted to `enough`.
pub(crate) async fn count_unsent(tx: &mut Tx, enough: i64) -> Result<i64, DbError> {
    sql::count_unsent(tx, enough).await
}

/// Whether the device can be told to do this now. The same rules hold at the order and at the sending.
pub(crate) fn check(device: &Device, action: LockAction) -> Result<(), Refusal> {
    let turns = device.kind.is_none_or(DeviceType::has_bolt);
    let known = (turns && action == LockAction::FullLock) || device.offers().contains(&action);
    if !known {
        return Err(Refusal::NotOffered);
    }
    if device.nuki_id.is_none() {
        let spoke = device.said.at.is_some();
        return Err(if spoke { Refusal::NotIdentified } else { Refusal::NeverConnected });
    }
    if !device.link.online {
        return Err(Refusal::Offline);
    }
    if device.link.accepts_commands == Some(false) {
        return Err(match device.connector {
            Connector::NukiMqtt => Refusal::LockingNotAllowed,
            Connector::NukiHub | Connector::NukiBridge => Refusal::HubDoesNotListen,
        });
    }
    Ok(())
}

fn check_key(key: &str) -> Result<&str> {
    let fits = (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(key) } else { Err(Error::invalid("idempotency key", "1 to 128 visible ASCII characters")) }
}

/// An opening that is asked for again before it has ended is the same opening: whoever asks twice wants the door open once.
/// After another action it is wanted anew. A program's order with a key says by itself which order it is; the key of a
/// person's is only of the page that was pressed, and they may have it open twice.
fn same_opening(
    open: &[CommandRow],
    actor: &Actor,
    device: &Device,
    (action, key): (LockAction, Option<&str>),
) -> Option<CommandId> {
    let (person, _, token) = actor.way_in();
    if (key.is_some() && token.is_some()) || !opens(device, action) {
        return None;
    }
    let is_theirs = |row: &&CommandRow| (row.actor_id, row.token_id) == (person, token);
    let mut last = open.iter().rev().take_while(|row| LockAction::from_stored(row.action) == action);
    last.find(is_theirs).map(|row| row.id)
}

fn same_order(before: CommandRow, order: &Order<'_>) -> Result<Command> {
    let command = Command::from(before);
    if command.device == order.device && command.action == order.action {
        Ok(command)
    } else {
        Err(Error::invalid("idempotency key", "was used for another order"))
    }
}
