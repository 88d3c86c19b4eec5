//! The queries of bulks.

use sqlx::FromRow;

use super::{Became, Bulk, BulkState, Deed, Item, Tally};
use crate::clock::Time;
use crate::commands::CommandState;
use crate::db::{DbError, Tx};
use crate::ids::{AccountId, BulkId, CommandId, DeviceId, GroupId, SessionId, TokenId};

#[derive(FromRow)]
pub(super) struct BulkRow {
    pub id: BulkId,
    pub account_id: AccountId,
    pub person_id: AccountId,
    pub session_id: Option<SessionId>,
    pub token_id: Option<TokenId>,
    deed: String,
    group_id: Option<GroupId>,
    pub state: String,
    pub created_at: Time,
    begun_at: Option<Time>,
    ended_at: Option<Time>,
}

impl BulkRow {
    pub(super) fn deed(&self) -> Option<Deed> {
        Deed::from_stored(&self.deed, self.group_id)
    }

    pub(super) fn with(self, tally: Tally) -> Option<Bulk> {
        Some(Bulk {
            id: self.id,
            deed: self.deed()?,
            state: match self.state.as_str() {
                "proposed" => BulkState::Proposed,
                "running" => BulkState::Running,
                _ => BulkState::Over,
            },
            created_at: self.created_at,
            begun_at: self.begun_at,
            ended_at: self.ended_at,
            tally,
        })
    }
}

macro_rules! select_bulk {
    ($rest:literal) => {
        concat!(
            "select id, account_id, person_id, session_id, token_id, deed, group_id, state, created_at, begun_at, \
             ended_at from bulks where ",
            $rest
        )
    };
}

pub(super) async fn insert(
    tx: &mut Tx,
    (id, account, person): (BulkId, AccountId, AccountId),
    deed: Deed,
    now: Time,
) -> Result<(), DbError> {
    let (name, group) = deed.stored();
    tx.query(
        "insert into bulks (id, account_id, person_id, deed, group_id, state, created_at) \
         values ($1, $2, $3, $4, $5, 'making', $6)",
    )
    .bind(id)
    .bind(account)
    .bind(person)
    .bind(name)
    .bind(group)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// Devices in their order, each with why it is left out, if it is.
pub(super) async fn insert_items(
    tx: &mut Tx,
    bulk: BulkId,
    items: &[(i64, DeviceId, Option<String>)],
) -> Result<(), DbError> {
    for chunk in crate::db::chunks(items) {
        let head = "insert into bulk_items (bulk_id, position, device_id, state, reason)";
        let mut query = tx.rows(head, 5, chunk.len(), "");
        for (position, device, reason) in chunk {
            let state = if reason.is_some() { "left" } else { "waiting" };
            query = query.bind(bulk).bind(*position).bind(*device).bind(state).bind(reason.clone());
        }
        query.run().await?;
    }
    Ok(())
}

/// Old proposals that nobody began, and what was over long ago.
pub(super) async fn sweep(
    tx: &mut Tx,
    person: AccountId,
    (proposed_before, over_before): (Time, Time),
) -> Result<(), DbError> {
    tx.query(
        "delete from bulks where person_id = $1 and ((state in ('making', 'proposed') and created_at < $2) \
         or (state = 'over' and created_at < $3))",
    )
    .bind(person)
    .bind(proposed_before)
    .bind(over_before)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn load(tx: &mut Tx, id: BulkId) -> Result<Option<BulkRow>, DbError> {
    tx.query(select_bulk!("id = $1 and state <> 'making'")).bind(id).find().await
}

/// All its devices are written down.
pub(super) async fn made(tx: &mut Tx, id: BulkId) -> Result<(), DbError> {
    tx.query("update bulks set state = 'proposed' where id = $1 and state = 'making'").bind(id).run().await?;
    Ok(())
}

/// The one that was begun first and is not over.
pub(super) async fn running(tx: &mut Tx) -> Result<Option<BulkId>, DbError> {
    tx.query("select id from bulks where state = 'running' order by id limit 1").find_value().await
}

pub(super) async fn begin(
    tx: &mut Tx,
    id: BulkId,
    (session, token): (Option<SessionId>, Option<TokenId>),
    now: Time,
) -> Result<bool, DbError> {
    let begun = tx
        .query(
            "update bulks set state = 'running', begun_at = $2, session_id = $3, token_id = $4 \
             where id = $1 and state = 'proposed'",
        )
        .bind(id)
        .bind(now)
        .bind(session)
        .bind(token)
        .run()
        .await?;
    Ok(begun > 0)
}

pub(super) async fn end(tx: &mut Tx, id: BulkId, now: Time) -> Result<(), DbError> {
    tx.query("update bulks set state = 'over', ended_at = $2 where id = $1").bind(id).bind(now).run().await?;
    Ok(())
}

const WAITING: &str = "select position, device_id from bulk_items where bulk_id = $1 and state = 'waiting' \
    order by position limit $2";

pub(super) async fn waiting(tx: &mut Tx, id: BulkId, limit: i64) -> Result<Vec<(i64, DeviceId)>, DbError> {
    tx.query(WAITING).bind(id).bind(limit).all().await
}

pub(super) async fn set_item(
    tx: &mut Tx,
    (id, position): (BulkId, i64),
    state: &'static str,
    (reason, command): (Option<String>, Option<CommandId>),
) -> Result<(), DbError> {
    tx.query(
        "update bulk_items set state = $3, reason = $4, command_id = $5 \
         where bulk_id = $1 and position = $2 and state = 'waiting'",
    )
    .bind(id)
    .bind(position)
    .bind(state)
    .bind(reason)
    .bind(command)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn give_up(tx: &mut Tx, id: BulkId, reason: &str) -> Result<(), DbError> {
    tx.query("update bulk_items set state = 'failed', reason = $2 where bulk_id = $1 and state = 'waiting'")
        .bind(id)
        .bind(reason.to_owned())
        .run()
        .await?;
    Ok(())
}

pub(super) async fn tally(tx: &mut Tx, id: BulkId) -> Result<Tally, DbError> {
    let mut tally = Tally::default();
    let rows = tx
        .query(
            "select i.state, c.state, count(*) from bulk_items i left join commands c on c.id = i.command_id \
             where i.bulk_id = $1 group by i.state, c.state",
        )
        .bind(id)
        .all::<(String, Option<String>, i64)>()
        .await?;
    for (item, command, count) in rows {
        let count = usize::try_from(count).unwrap_or(0);
        match Became::of(&item, command.as_deref().map(CommandState::from_name)) {
            Became::LeftOut => {}
            Became::Waiting => tally.waiting += count,
            Became::UnderWay => tally.under_way += count,
            Became::Done => tally.done += count,
            Became::Failed => tally.failed += count,
            Became::Unknown => tally.unknown += count,
        }
    }
    let reasons = tx
        .query(
            "select reason, count(*) from bulk_items where bulk_id = $1 and state = 'left' \
             group by reason order by count(*) desc, reason",
        )
        .bind(id)
        .all::<(Option<String>, i64)>()
        .await?;
    let counted = reasons
        .into_iter()
        .map(|(why, count)| (why.unwrap_or_default(), usize::try_from(count).unwrap_or(0)));
    tally.left_out = counted.collect();
    Ok(tally)
}

#[derive(FromRow)]
struct ItemRow {
    position: i64,
    device_id: DeviceId,
    name: Option<String>,
    state: String,
    reason: Option<String>,
    command_state: Option<String>,
    command_reason: Option<String>,
}

impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        let command = row.command_state.as_deref().map(CommandState::from_name);
        Self {
            position: row.position,
            device: row.device_id,
            name: row.name.unwrap_or_default(),
            became: Became::of(&row.state, command),
            reason: row.command_reason.or(row.reason),
        }
    }
}

macro_rules! select_items {
    ($rest:literal) => {
        concat!(
            "select i.position, i.device_id, d.name, i.state, i.reason, c.state as command_state, \
             c.reason as command_reason from bulk_items i left join devices d on d.id = i.device_id \
             left join commands c on c.id = i.command_id where i.bulk_id = $1 and ",
            $rest
        )
    };
}

pub(super) async fn items(
    tx: &mut Tx,
    id: BulkId,
    after: i64,
    limit: i64,
    left_out: bool,
) -> Result<Vec<Item>, DbError> {
    let query = if left_out {
        select_items!("i.state = 'left' and i.position > $2 order by i.position limit $3")
    } else {
        select_items!("i.state <> 'left' and i.position > $2 order by i.position limit $3")
    };
    let rows = tx.query(query).bind(id).bind(after).bind(limit).all::<ItemRow>().await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
