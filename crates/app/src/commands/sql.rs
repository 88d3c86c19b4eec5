//! The queries of commands.

use sqlx::FromRow;

use super::{Command, CommandState, DEADLINE};
use crate::clock::Time;
use crate::db::{DbError, Tx, chunks};
use crate::devices::{Connector, LockAction};
use crate::ids::{AccountId, ActivityId, CommandId, DeviceId, SessionId, TokenId};
use crate::rng::lowest_id;

#[derive(Clone, FromRow)]
pub(super) struct CommandRow {
    pub id: CommandId,
    pub account_id: AccountId,
    pub device_id: DeviceId,
    pub action: i64,
    pub state: String,
    pub error_code: Option<i64>,
    pub reason: Option<String>,
    pub actor_id: Option<AccountId>,
    pub actor_name: Option<String>,
    pub session_id: Option<SessionId>,
    pub token_id: Option<TokenId>,
    pub created_at: Time,
    pub deadline: Time,
    pub sent_at: Option<Time>,
    pub answer_by: Option<Time>,
    pub sent_by: Option<String>,
    pub progress: Option<String>,
    pub accepted_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub activity_id: ActivityId,
}

macro_rules! select_command {
    ($rest:literal) => {
        concat!(
            "select c.id, c.account_id, c.device_id, c.action, c.state, c.error_code, c.reason, c.actor_id, \
             a.name as actor_name, c.session_id, c.token_id, c.created_at, c.deadline, c.sent_at, c.answer_by, \
             c.sent_by, c.progress, c.accepted_at, c.ended_at, c.activity_id \
             from commands c left join accounts a on a.id = c.actor_id where ",
            $rest
        )
    };
}

pub(super) async fn load(tx: &mut Tx, id: CommandId) -> Result<CommandRow, DbError> {
    tx.query(select_command!("c.id = $1")).bind(id).one().await
}

pub(super) async fn of_device(tx: &mut Tx, device: DeviceId, limit: i64) -> Result<Vec<CommandRow>, DbError> {
    tx.query(select_command!("c.device_id = $1 order by c.id desc limit $2"))
        .bind(device)
        .bind(limit)
        .all()
        .await
}

// Few commands are open among any number that are over, and these are asked for again and again. SQLite reads them from
// their own index only if the query says what the index says, in the same words.
const OPEN_OF_ACCOUNT: &str =
    select_command!("c.state in ('created', 'sent', 'accepted') and c.account_id = $1 order by c.id");
const OPEN_OF_DEVICE: &str =
    select_command!("c.state in ('created', 'sent', 'accepted') and c.device_id = $1 order by c.id");
const ALL_OPEN: &str = select_command!("c.state in ('created', 'sent', 'accepted') order by c.id");
const OVERDUE: &str = select_command!(
    "c.state in ('created', 'sent', 'accepted') and \
     ((c.state = 'created' and c.deadline < $1) or (c.state <> 'created' and c.answer_by < $1)) \
     order by c.id limit 256"
);
const UNDER_WAY: &str = select_command!(
    "c.state in ('created', 'sent', 'accepted') and c.state <> 'created' and c.device_id = $1 \
     order by c.id limit 1"
);
const NEXT_END: &str =
    "select min(coalesce(answer_by, deadline)) from commands where state in ('created', 'sent', 'accepted')";
const DUE: &str = "select c.id, c.device_id from commands c \
    where c.state in ('created', 'sent', 'accepted') and c.state = 'created' and not exists ( \
    select 1 from commands o where o.state in ('created', 'sent', 'accepted') and o.device_id = c.device_id \
    and (o.state <> 'created' or o.id < c.id)) order by c.id limit 256";

/// The open commands of every device of the account: what tiles show.
pub(super) async fn open_of_account(tx: &mut Tx, account: AccountId) -> Result<Vec<CommandRow>, DbError> {
    tx.query(OPEN_OF_ACCOUNT).bind(account).all().await
}

/// The newest command of every device of the account, whatever became of it.
pub(super) async fn last_of_account(tx: &mut Tx, account: AccountId) -> Result<Vec<CommandRow>, DbError> {
    tx.query(select_command!(
        "c.id in (select (select max(k.id) from commands k where k.device_id = d.id) from devices d \
         where d.account_id = $1 and d.removed_at is null)"
    ))
    .bind(account)
    .all()
    .await
}

/// The same of these devices.
pub(super) async fn last_of_some(
    tx: &mut Tx,
    account: AccountId,
    devices: &[DeviceId],
) -> Result<Vec<CommandRow>, DbError> {
    let mut found: Vec<CommandRow> = Vec::new();
    for chunk in chunks(devices) {
        let query = tx.among(
            select_command!(
                "c.id in (select (select max(k.id) from commands k where k.device_id = d.id) from devices d \
                 where d.removed_at is null and d.id in ("
            ),
            chunk,
            "))",
        );
        found.extend(query.all::<CommandRow>().await?);
    }
    found.retain(|row| row.account_id == account);
    Ok(found)
}

pub(super) async fn find_by_key(
    tx: &mut Tx,
    account: AccountId,
    key: &str,
) -> Result<Option<CommandRow>, DbError> {
    tx.query(select_command!("c.account_id = $1 and c.idempotency_key = $2"))
        .bind(account)
        .bind(key.to_owned())
        .find()
        .await
}

pub(super) async fn count_unsent(tx: &mut Tx, enough: i64) -> Result<i64, DbError> {
    let some = "select count(*) from (select 1 from commands where state = 'created' limit $1) found";
    tx.query(some).bind(enough).value().await
}

pub(super) struct NewCommand {
    pub id: CommandId,
    pub account: AccountId,
    pub device: DeviceId,
    pub action: LockAction,
    pub actor: Option<AccountId>,
    pub session: Option<SessionId>,
    pub token: Option<TokenId>,
    pub key: Option<String>,
    pub created_at: Time,
    pub deadline: Time,
    pub activity: ActivityId,
}

pub(super) async fn insert(tx: &mut Tx, new: NewCommand) -> Result<(), DbError> {
    tx.query(
        "insert into commands (id, account_id, device_id, action, state, actor_id, session_id, token_id, \
         idempotency_key, created_at, deadline, activity_id) \
         values ($1, $2, $3, $4, 'created', $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(new.id)
    .bind(new.account)
    .bind(new.device)
    .bind(new.action.stored())
    .bind(new.actor)
    .bind(new.session)
    .bind(new.token)
    .bind(new.key)
    .bind(new.created_at)
    .bind(new.deadline)
    .bind(new.activity)
    .run()
    .await?;
    Ok(())
}

/// How many milliseconds the last answers took, newest first: until the device was seen to act, or said that it had.
pub(super) async fn last_answers(tx: &mut Tx, device: DeviceId) -> Result<Vec<(String, i64)>, DbError> {
    tx.query(
        "select sent_by, coalesce(accepted_at, ended_at) - sent_at from commands \
         where device_id = $1 and sent_by is not null and sent_at is not null \
         and (accepted_at is not null or state = 'done') order by id desc limit 20",
    )
    .bind(device)
    .all()
    .await
}

/// Orders since then that pulled a latch or a strike (action 3, and a lock's 5; also 1 and 4 where unlocking opens).
pub(super) async fn count_openings(
    tx: &mut Tx,
    (device, unlocking_opens): (DeviceId, bool),
    since: Time,
) -> Result<i64, DbError> {
    tx.query(
        "select count(*) from commands where device_id = $1 and id >= $2 and created_at >= $3 \
         and (action in (3, 5) or $4 and action in (1, 4))",
    )
    .bind(device)
    .bind(given_since(since))
    .bind(since)
    .bind(unlocking_opens)
    .value()
    .await
}

/// The oldest waiting command of each device that has none under way.
pub(super) async fn due(tx: &mut Tx) -> Result<Vec<(CommandId, DeviceId)>, DbError> {
    tx.query(DUE).all().await
}

/// The step that makes a command leave at most once: only one caller gets it.
pub(super) async fn mark_sent(
    tx: &mut Tx,
    id: CommandId,
    by: Connector,
    (now, answer_by): (Time, Time),
) -> Result<bool, DbError> {
    let marked = tx
        .query(
            "update commands set state = 'sent', sent_at = $2, answer_by = $3, sent_by = $4 \
             where id = $1 and state = 'created'",
        )
        .bind(id)
        .bind(now)
        .bind(answer_by)
        .bind(by.name())
        .run()
        .await?;
    Ok(marked == 1)
}

pub(super) async fn mark_accepted(tx: &mut Tx, id: CommandId, now: Time) -> Result<(), DbError> {
    tx.query("update commands set state = 'accepted', accepted_at = $2 where id = $1 and state = 'sent'")
        .bind(id)
        .bind(now)
        .run()
        .await?;
    Ok(())
}

pub(super) async fn set_progress(tx: &mut Tx, id: CommandId, words: &str) -> Result<(), DbError> {
    tx.query("update commands set progress = $2 where id = $1").bind(id).bind(words.to_owned()).run().await?;
    Ok(())
}

pub(super) async fn mark_performed(tx: &mut Tx, id: CommandId, now: Time) -> Result<(), DbError> {
    tx.query("update commands set performed_at = $2 where id = $1").bind(id).bind(now).run().await?;
    Ok(())
}

pub(super) async fn end(
    tx: &mut Tx,
    id: CommandId,
    state: CommandState,
    code: Option<u8>,
    reason: Option<&str>,
    now: Time,
) -> Result<(), DbError> {
    tx.query("update commands set state = $2, error_code = $3, reason = $4, ended_at = $5 where id = $1")
        .bind(id)
        .bind(state.name())
        .bind(code.map(i64::from))
        .bind(reason.map(ToOwned::to_owned))
        .bind(now)
        .run()
        .await?;
    Ok(())
}

/// The command on its way to the device or being carried out; there is at most one.
pub(super) async fn under_way(tx: &mut Tx, device: DeviceId) -> Result<Option<CommandRow>, DbError> {
    tx.query(UNDER_WAY).bind(device).find().await
}

/// The lowest id of a command that can have been sent since then: a device may have thousands of older ones, and they are
/// not looked through.
fn given_since(sent: Time) -> CommandId {
    CommandId(lowest_id(sent.minus(DEADLINE)))
}

/// Which of these devices have a command that can have been sent since then.
pub(super) async fn given_any(
    tx: &mut Tx,
    devices: &[DeviceId],
    since: Time,
) -> Result<Vec<DeviceId>, DbError> {
    if devices.is_empty() {
        return Ok(Vec::new());
    }
    let filled = crate::db::filled(devices);
    let query = tx.rows("select column1 from (", 2, filled.len(), GIVEN_ANY);
    let query = filled.iter().fold(query, |query, device| query.bind(*device).bind(given_since(since)));
    Ok(query.all::<(DeviceId,)>().await?.into_iter().map(|(device,)| device).collect())
}

const GIVEN_ANY: &str = ") asked where exists (select 1 from commands c \
     where c.device_id = asked.column1 and c.id >= asked.column2)";

/// The oldest command since `since` that ended without the lock's answer: given up, or done by what the lock reports.
pub(super) async fn given_up(
    tx: &mut Tx,
    device: DeviceId,
    since: Time,
) -> Result<Option<CommandRow>, DbError> {
    tx.query(select_command!(
        "c.device_id = $1 and c.id >= $3 and c.state in ('unknown', 'done') and c.error_code is null \
         and c.sent_at >= $2 order by c.id limit 1"
    ))
    .bind(device)
    .bind(since)
    .bind(given_since(since))
    .find()
    .await
}

/// The command of this action that was sent since `since` and of which the lock has not told yet: the one under way, or
/// else the last that the lock carried out. One that it refused, or that was never sent, it has nothing to tell of.
pub(super) async fn to_be_told(
    tx: &mut Tx,
    device: DeviceId,
    action: LockAction,
    since: Time,
) -> Result<Option<CommandRow>, DbError> {
    tx.query(select_command!(
        "c.device_id = $1 and c.id >= $4 and c.action = $2 and c.sent_at >= $3 and c.performed_at is null \
         and (c.state in ('sent', 'accepted', 'done', 'unknown') or c.error_code in (66, 67, 68, 70, 72, 73, 74, 75, 76)) \
         order by case when c.state in ('sent', 'accepted') then 0 else 1 end, c.id desc limit 1"
    ))
    .bind(device)
    .bind(action.stored())
    .bind(since)
    .bind(given_since(since))
    .find()
    .await
}

/// The last command that was sent since `since`, if the lock has not told of it and not refused it.
pub(super) async fn last_untold(
    tx: &mut Tx,
    device: DeviceId,
    since: Time,
) -> Result<Option<CommandRow>, DbError> {
    tx.query(select_command!(
        "c.device_id = $1 and c.id >= $3 and c.sent_at >= $2 and c.performed_at is null \
         and c.state in ('sent', 'accepted', 'done', 'unknown') order by c.id desc limit 1"
    ))
    .bind(device)
    .bind(since)
    .bind(given_since(since))
    .find()
    .await
}

/// Open commands whose time is over.
pub(super) async fn overdue(tx: &mut Tx, now: Time) -> Result<Vec<CommandRow>, DbError> {
    tx.query(OVERDUE).bind(now).all().await
}

pub(super) async fn find_open(tx: &mut Tx, id: CommandId) -> Result<Option<CommandRow>, DbError> {
    tx.query(select_command!("c.id = $1 and c.state in ('created', 'sent', 'accepted')"))
        .bind(id)
        .find()
        .await
}

pub(super) async fn open_of_device(tx: &mut Tx, device: DeviceId) -> Result<Vec<CommandRow>, DbError> {
    tx.query(OPEN_OF_DEVICE).bind(device).all().await
}

/// The highest id of a command or an entry so far.
pub(super) async fn last_id(tx: &mut Tx) -> Result<i64, DbError> {
    let commands = tx.query("select max(id) from commands").value::<Option<i64>>().await?;
    let entries = tx.query("select max(id) from activity").value::<Option<i64>>().await?;
    Ok(commands.max(entries).unwrap_or(0))
}

pub(super) async fn all_open(tx: &mut Tx) -> Result<Vec<CommandRow>, DbError> {
    tx.query(ALL_OPEN).all().await
}

/// When the next open command's time is over.
pub(super) async fn next_end(tx: &mut Tx) -> Result<Option<Time>, DbError> {
    tx.query(NEXT_END).value::<Option<Time>>().await
}

impl CommandRow {
    /// What was sent before there were several ways went by the only one.
    pub(super) fn sent_by(&self) -> Connector {
        self.sent_by.as_deref().and_then(Connector::from_name).unwrap_or(Connector::NukiMqtt)
    }
}

impl From<CommandRow> for Command {
    fn from(row: CommandRow) -> Self {
        Self {
            id: row.id,
            device: row.device_id,
            action: LockAction::from_stored(row.action),
            state: CommandState::from_name(&row.state),
            error_code: row.error_code.and_then(|code| u8::try_from(code).ok()),
            reason: row.reason,
            actor: row.actor_id,
            actor_name: row.actor_name,
            created_at: row.created_at,
            deadline: row.deadline,
            sent_at: row.sent_at,
            answer_by: row.answer_by,
            sent_by: row.sent_by.as_deref().and_then(Connector::from_name),
            progress: row.progress,
            accepted_at: row.accepted_at,
            ended_at: row.ended_at,
            activity: row.activity_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::plans;

    #[tokio::test]
    async fn open_commands_are_found_without_a_look_at_those_that_are_over() {
        let queries = [OPEN_OF_ACCOUNT, OPEN_OF_DEVICE, ALL_OPEN, OVERDUE, UNDER_WAY, NEXT_END, DUE];
        for (plan, sql) in plans(&queries).await.into_iter().zip(queries) {
            let reads =
                plan.split("; ").filter(|step| step.starts_with("SEARCH ") || step.starts_with("SCAN "));
            let others = reads
                .filter(|step| !step.contains("commands_open (state=?") && !step.starts_with("SEARCH a "));
            assert_eq!(others.collect::<Vec<_>>(), Vec::<&str>::new(), "{sql}");
        }
    }
}
