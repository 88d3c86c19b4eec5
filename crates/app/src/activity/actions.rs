//! Writing entries (inside the transaction of what they tell of) and reading pages of them.

use std::collections::BTreeSet;

use super::sql::{self, Slice};
use super::{Completion, Entry, Happening, NewEntry, Origin};
use crate::App;
use crate::actor::{Actor, Scope};
use crate::bus::Event;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::devices::Trigger;
use crate::error::{Error, Result};
use crate::ids::{AccountId, ActivityId, DeviceId};

/// A repetition comes within the client's window of open deliveries, which the gateway keeps at 64.
const LOOK_BACK: i64 = 256;
/// "100+ new" says enough.
const NEWER: usize = 100;

/// A place in the log: everything older follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at: Time,
    pub id: ActivityId,
}

impl Cursor {
    const NEWEST: Self = Self { at: Time(i64::MAX), id: ActivityId(i64::MAX) };

    pub fn of(entry: &Entry) -> Self {
        Self { at: entry.at, id: entry.id }
    }
}

/// Which entries are asked for. The default is the newest of every device.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntryQuery {
    pub device: Option<DeviceId>,
    pub happening: Option<Happening>,
    pub from: Option<Time>,
    pub to: Option<Time>,
    pub before: Option<Cursor>,
    /// Only what the Web API shows.
    pub in_web_api: bool,
    /// 1 to 200; 0 means 50.
    pub limit: usize,
}

impl EntryQuery {
    /// Entries of a page at most.
    pub const MOST: usize = 200;
}

/// One page, newest first.
#[derive(Clone, Debug)]
pub struct Page {
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// A device as the log knows it, in the account or not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    pub id: DeviceId,
    pub name: String,
    pub removed: bool,
}

/// Something that happened before Lockwarden knew the device.
#[derive(Clone, Debug)]
pub struct Past {
    pub device: DeviceId,
    pub at: Time,
    pub happening: Happening,
    pub origin: Origin,
    pub trigger: Option<Trigger>,
    pub result: Completion,
    pub auth_id: Option<u32>,
    pub code_id: Option<u32>,
    pub presses: Option<u8>,
}

impl App {
    /// Takes over a log from elsewhere, oldest first. The whole slice becomes visible at once.
    pub async fn import_activity(&self, actor: &Actor, past: &[Past]) -> Result<()> {
        let mut tx = self.write().await?;
        let devices: BTreeSet<DeviceId> = past.iter().map(|past| past.device).collect();
        for device in devices {
            actor.may_manage(&mut tx, device).await?;
        }
        let entries: Vec<_> = past
            .iter()
            .map(|past| {
                let mut entry =
                    NewEntry::at(actor.account, past.device, past.at, past.happening, past.origin);
                entry.trigger = past.trigger;
                entry.result = Some(past.result);
                entry.auth_id = past.auth_id;
                entry.code_id = past.code_id;
                entry.presses = past.presses;
                (ActivityId(self.chance().growing_id(past.at)), entry)
            })
            .collect();
        note_all(&mut tx, &entries).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A device whose log is to be read. A removed one has a log too.
    pub async fn load_logged(&self, actor: &Actor, device: DeviceId) -> Result<Logged> {
        let mut tx = self.read().await?;
        logged(&mut tx, actor, device).await
    }

    pub async fn list_activity(&self, actor: &Actor, query: EntryQuery) -> Result<Page> {
        actor.may_read_log()?;
        let mut tx = self.read().await?;
        if let Some(device) = query.device {
            logged(&mut tx, actor, device).await?;
        }
        let limit = if query.limit == 0 { 50 } else { query.limit.min(EntryQuery::MOST) };
        let before = query.before.unwrap_or(Cursor::NEWEST);
        let mut slice = Slice {
            account: actor.account,
            device: query.device,
            action: query.happening,
            from: query.from.unwrap_or(Time(i64::MIN)),
            to: query.to.unwrap_or(Time(i64::MAX)),
            before: (before.at, before.id),
            in_web_api: query.in_web_api,
            limit: i64::try_from(limit).unwrap_or(50) + 1,
        };
        let mut entries = Vec::new();
        loop {
            let rows = sql::page(&mut tx, &slice).await?;
            let full = rows.len() > limit;
            let found: Vec<Entry> = rows.into_iter().map(Into::into).collect();
            if let Some(last) = found.last() {
                slice.before = (last.at, last.id);
            }
            entries.extend(found.into_iter().filter(|entry| actor.scope.contains(entry.device)));
            // Only a narrower scope can leave a page short although there is more.
            if !full || entries.len() > limit || actor.scope == Scope::All {
                break;
            }
        }
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = if more { entries.last().map(Cursor::of) } else { None };
        Ok(Page { entries, next })
    }

    /// The place of an entry, for a page that begins after it.
    pub async fn find_entry(&self, actor: &Actor, id: ActivityId) -> Result<Cursor> {
        actor.may_read_log()?;
        let mut tx = self.read().await?;
        let place = sql::place(&mut tx, actor.account, id).await?;
        let place = place.filter(|place| actor.scope.contains(place.device_id)).ok_or(Error::NotFound)?;
        Ok(Cursor { at: place.at, id })
    }

    /// How many entries are new to a reader who has the newest `shown`, down to `oldest` or to where the log begins;
    /// counted to 100. By number and not by what is newer than the newest of them: what was received first may be
    /// committed last.
    pub async fn count_new_activity(
        &self,
        actor: &Actor,
        device: Option<DeviceId>,
        shown: usize,
        oldest: Option<Cursor>,
    ) -> Result<usize> {
        actor.may_read_log()?;
        let mut tx = self.read().await?;
        if let Some(device) = device {
            logged(&mut tx, actor, device).await?;
        }
        let shown = shown.min(EntryQuery::MOST);
        let enough = shown + NEWER;
        let mut from = oldest.unwrap_or(Cursor { at: Time(i64::MIN), id: ActivityId(0) });
        let mut found = 0;
        loop {
            let rows = sql::from_place(&mut tx, actor.account, device, from, enough).await?;
            found += rows.iter().filter(|row| actor.scope.contains(row.device_id)).count();
            match rows.last() {
                Some(last) if rows.len() == enough && found < enough => {
                    from = Cursor { at: last.at, id: ActivityId(last.id.0 + 1) };
                }
                _ => break,
            }
        }
        Ok(found.min(enough).saturating_sub(shown))
    }
}

async fn logged(tx: &mut Tx, actor: &Actor, id: DeviceId) -> Result<Logged> {
    let found = sql::device(tx, actor.account, id).await?;
    let (name, removed) = found.filter(|_| actor.scope.contains(id)).ok_or(Error::NotFound)?;
    actor.may_read_log()?;
    Ok(Logged { id, name, removed })
}

pub(crate) async fn note(tx: &mut Tx, id: ActivityId, entry: NewEntry) -> Result<(), DbError> {
    note_all(tx, &[(id, entry)]).await
}

pub(crate) async fn note_all(tx: &mut Tx, entries: &[(ActivityId, NewEntry)]) -> Result<(), DbError> {
    for (_, entry) in entries {
        tx.emit(Event::ActivityAdded { account: entry.account, device: entry.device });
    }
    sql::insert(tx, entries).await
}

/// What delivered the device's last entries, newest first.
pub(crate) async fn last_deliveries(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
) -> Result<Vec<(Option<Vec<u8>>, Time)>, DbError> {
    let mut last = sql::last_deliveries(tx, account, device, LOOK_BACK).await?;
    // What was asked for here stands in the log where it was asked for, and was told of later.
    last.sort_by_key(|(_, received_at)| std::cmp::Reverse(*received_at));
    Ok(last)
}

/// The device told its own time for an entry.
pub(crate) async fn tell_time(tx: &mut Tx, id: ActivityId, device_at: Time, marks: i64) -> Result<()> {
    sql::tell_time(tx, id, device_at, marks).await?;
    Ok(())
}

/// The device itself told of what was asked for.
pub(crate) async fn told(
    tx: &mut Tx,
    id: ActivityId,
    trigger: Trigger,
    (delivered_by, at): (Option<Vec<u8>>, Time),
) -> Result<(), DbError> {
    sql::told(tx, id, trigger.stored(), (delivered_by, at)).await
}

/// The device told the outcome of what was asked for.
pub(crate) async fn finish(tx: &mut Tx, id: ActivityId, result: Completion) -> Result<(), DbError> {
    sql::finish(tx, id, result.stored()).await
}
