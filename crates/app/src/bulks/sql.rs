//! The queries of bulks.

use sqlx::FromRow;

use super::{Became, Bulk, BulkState, Deed, GONE, Item, Tally, Wish};
use crate::clock::Time;
use crate::commands::CommandState;
use crate::db::{DbError, Tx};
use crate::ids::{AccountId, BulkId, CommandId, DeviceId, GroupId, SessionId, TokenId};
use crate::settings::{Delivery, Held, Setting, SettingValue};

#[derive(FromRow)]
pub(super) struct BulkRow {
    pub id: BulkId,
    pub account_id: AccountId,
    pub person_id: AccountId,
    pub session_id: Option<SessionId>,
    pub token_id: Option<TokenId>,
    deed: String,
    group_id: Option<GroupId>,
    setting: Option<String>,
    value: Option<String>,
    pub state: String,
    pub created_at: Time,
    begun_at: Option<Time>,
    ended_at: Option<Time>,
}

impl BulkRow {
    pub(super) fn deed(&self) -> Option<Deed> {
        let wish = self.setting.as_deref().zip(self.value.as_deref());
        let wish = wish.and_then(|(setting, value)| Wish::from_stored(setting, value));
        Deed::from_stored(&self.deed, self.group_id, wish)
    }

    /// Whose turn had not come when it was over is not failed.
    fn became(&self, item: &str, command: Option<&str>) -> Became {
        match Became::of(item, command.map(CommandState::from_name), self.setting.is_some()) {
            Became::Waiting if self.state == "over" => Became::NotBegun,
            became => became,
        }
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
            "select id, account_id, person_id, session_id, token_id, deed, group_id, setting, value, state, created_at, \
             begun_at, ended_at from bulks where ",
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
    let wish = deed.wish();
    tx.query(
        "insert into bulks (id, account_id, person_id, deed, group_id, state, created_at, setting, value) \
         values ($1, $2, $3, $4, $5, 'making', $6, $7, $8)",
    )
    .bind(id)
    .bind(account)
    .bind(person)
    .bind(name)
    .bind(group)
    .bind(now)
    .bind(wish.map(|wish| wish.setting().key()))
    .bind(wish.map(|wish| wish.value().stored()))
    .run()
    .await?;
    Ok(())
}

/// A device of a proposal.
pub(super) struct NewItem {
    pub position: i64,
    pub device: DeviceId,
    /// Why it is left out, if it is.
    pub why_not: Option<String>,
    /// What the setting is now.
    pub was: Option<SettingValue>,
}

/// Devices in their order.
pub(super) async fn insert_items(tx: &mut Tx, bulk: BulkId, items: &[NewItem]) -> Result<(), DbError> {
    for chunk in crate::db::chunks(items) {
        let head = "insert into bulk_items (bulk_id, position, device_id, state, reason, was)";
        let mut query = tx.rows(head, 6, chunk.len(), "");
        for item in chunk {
            let state = if item.why_not.is_some() { "left" } else { "waiting" };
            query = query.bind(bulk).bind(item.position).bind(item.device).bind(state);
            query = query.bind(item.why_not.clone()).bind(item.was.as_ref().map(SettingValue::stored));
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

const WAITING: &str = "select position, device_id, was from bulk_items where bulk_id = $1 and state = 'waiting' \
    order by position limit $2";

/// Where they stand, and what their setting was.
pub(super) async fn waiting(
    tx: &mut Tx,
    id: BulkId,
    limit: i64,
) -> Result<Vec<(i64, DeviceId, Option<String>)>, DbError> {
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

/// Why nobody else's turn will come.
pub(super) async fn give_up(tx: &mut Tx, id: BulkId, reason: &str) -> Result<(), DbError> {
    tx.query("update bulk_items set reason = $2 where bulk_id = $1 and state = 'waiting'")
        .bind(id)
        .bind(reason.to_owned())
        .run()
        .await?;
    Ok(())
}

/// A setting of a device stands so now: what became of it for whoever asked for it among many devices. While it is on its
/// way nothing has; then it is what was asked for, or it is not, and stays so in the results.
pub(crate) async fn setting_stands(tx: &mut Tx, device: DeviceId, held: &Held) -> Result<(), DbError> {
    let (wanted, reason) = match (held.delivery, held.is_open()) {
        (Some(Delivery::Refused), _) => (None, held.reason.as_deref().unwrap_or("no reason given")),
        (_, true) => (held.desired.as_ref(), "somebody wants it otherwise by now"),
        (_, false) => (held.reported.as_ref(), "it was given up, or changed by somebody else"),
    };
    let done = if held.is_open() { "ordered" } else { "done" };
    let wanted = wanted.map(SettingValue::stored);
    tx.query(
        "update bulk_items set state = case when b.value = $3 then $4 else 'failed' end, \
         reason = case when b.value = $3 then bulk_items.reason else $5 end \
         from bulks b where b.id = bulk_items.bulk_id and b.setting = $2 and bulk_items.device_id = $1 \
         and bulk_items.state = 'ordered' and bulk_items.command_id is null",
    )
    .bind(device)
    .bind(held.setting.key())
    .bind(wanted)
    .bind(done)
    .bind(reason.to_owned())
    .run()
    .await?;
    Ok(())
}

/// A device is gone before it said what was asked for among many.
pub(crate) async fn device_removed(tx: &mut Tx, device: DeviceId) -> Result<(), DbError> {
    tx.query(
        "update bulk_items set state = 'failed', reason = $2 \
         where device_id = $1 and state = 'ordered' and command_id is null \
         and bulk_id in (select id from bulks where setting is not null)",
    )
    .bind(device)
    .bind(GONE)
    .run()
    .await?;
    Ok(())
}

pub(super) async fn tally(tx: &mut Tx, row: &BulkRow) -> Result<Tally, DbError> {
    let mut tally = Tally::default();
    let rows = tx
        .query(
            "select i.state, c.state, count(*) from bulk_items i left join commands c on c.id = i.command_id \
             where i.bulk_id = $1 group by i.state, c.state",
        )
        .bind(row.id)
        .all::<(String, Option<String>, i64)>()
        .await?;
    for (item, command, count) in rows {
        let count = usize::try_from(count).unwrap_or(0);
        match row.became(&item, command.as_deref()) {
            Became::LeftOut => {}
            Became::Waiting => tally.waiting += count,
            Became::UnderWay => tally.under_way += count,
            Became::Done => tally.done += count,
            Became::Failed => tally.failed += count,
            Became::Unknown => tally.unknown += count,
            Became::NotBegun => tally.not_begun += count,
        }
    }
    let reasons = tx
        .query(
            "select reason, count(*) from bulk_items where bulk_id = $1 and state = 'left' \
             group by reason order by count(*) desc, reason",
        )
        .bind(row.id)
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
    was: Option<String>,
}

impl ItemRow {
    fn item(self, bulk: &BulkRow, setting: Option<Setting>) -> Item {
        Item {
            position: self.position,
            device: self.device_id,
            name: self.name.unwrap_or_default(),
            became: bulk.became(&self.state, self.command_state.as_deref()),
            reason: self.command_reason.or(self.reason),
            was: setting.zip(self.was).and_then(|(setting, was)| SettingValue::from_stored(setting, &was)),
        }
    }
}

macro_rules! select_items {
    ($rest:literal) => {
        concat!(
            "select i.position, i.device_id, d.name, i.state, i.reason, i.was, c.state as command_state, \
             c.reason as command_reason from bulk_items i left join devices d on d.id = i.device_id \
             left join commands c on c.id = i.command_id where i.bulk_id = $1 and ",
            $rest
        )
    };
}

pub(super) async fn items(
    tx: &mut Tx,
    bulk: &BulkRow,
    (after, limit): (i64, i64),
    left_out: bool,
) -> Result<Vec<Item>, DbError> {
    let query = if left_out {
        select_items!("i.state = 'left' and i.position > $2 order by i.position limit $3")
    } else {
        select_items!("i.state <> 'left' and i.position > $2 order by i.position limit $3")
    };
    let setting = bulk.deed().and_then(Deed::wish).map(Wish::setting);
    let rows = tx.query(query).bind(bulk.id).bind(after).bind(limit).all::<ItemRow>().await?;
    Ok(rows.into_iter().map(|row| row.item(bulk, setting)).collect())
}
