//! Proposing a bulk, beginning it, and looking at it. It is its person's own: to anybody else it never was.

use std::collections::HashMap;
use std::time::Duration;

use super::sql::{self, BulkRow, NewItem};
use super::{Became, Bulk, Deed, Item, PROPOSAL, TURN, work};
use crate::App;
use crate::actor::{Actor, Rights};
use crate::bus::Event;
use crate::db::Tx;
use crate::devices::{self, Device};
use crate::error::{Error, Refusal, Result};
use crate::groups;
use crate::ids::{AccountId, BulkId, DeviceId};
use crate::settings::{self, Held, SettingValue};
use crate::ways;

/// How long a proposal that was not begun is kept, and what is over.
const KEPT_PROPOSED: Duration = Duration::from_hours(1);
const KEPT_OVER: Duration = Duration::from_hours(24 * 30);
/// Devices written down in one transaction.
const ITEMS_AT_A_TIME: usize = 2_048;
/// Items of one page at most.
const MOST_ITEMS: usize = 1_000;

impl App {
    /// Writes down what would become of each of these devices. Nothing else happens yet. Devices outside the actor's
    /// scope are as if they were not named.
    pub async fn propose_bulk(&self, actor: &Actor, deed: Deed, devices: &[DeviceId]) -> Result<BulkId> {
        may(actor, deed)?;
        let person = actor.who.person().ok_or(Error::Forbidden("only a person or a token does this"))?;
        let mut items = Vec::with_capacity(devices.len());
        let mut found = self.looked_at(actor, deed, devices).await?;
        for (position, device) in (1..).zip(devices) {
            // A device named twice is one.
            if let Some((why_not, was)) = found.remove(device) {
                items.push(NewItem { position, device: *device, why_not, was });
            }
        }
        if items.is_empty() {
            return Err(Error::invalid("devices", "choose at least one device"));
        }
        let id = self.open_proposal(actor, deed, person).await?;
        for some in items.chunks(ITEMS_AT_A_TIME) {
            let mut tx = self.write().await?;
            sql::insert_items(&mut tx, id, some).await?;
            tx.commit().await?;
        }
        let mut tx = self.write().await?;
        sql::made(&mut tx, id).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Each of these devices that the actor may see, with why it is left out and what the setting is now.
    async fn looked_at(
        &self,
        actor: &Actor,
        deed: Deed,
        devices: &[DeviceId],
    ) -> Result<HashMap<DeviceId, (Option<String>, Option<SettingValue>)>> {
        let mut tx = self.read().await?;
        let mut found = devices::some(&mut tx, actor.account, devices).await?;
        found.retain(|device| actor.scope.contains(device.id));
        let Some(wish) = deed.wish() else {
            return Ok(found.iter().map(|device| (device.id, (deed.why_not(device), None))).collect());
        };
        let ids: Vec<DeviceId> = found.iter().map(|device| device.id).collect();
        let held = settings::held_of_each(&mut tx, wish.setting(), &ids).await?;
        let ways = ways::load_of_each(&mut tx, &ids).await?;
        let of_one = |device: &Device| {
            let (held, ways) = (held.get(&device.id), ways.get(&device.id).map_or(&[][..], Vec::as_slice));
            let why_not = settings::why_not((wish.setting(), &wish.value()), device, held, ways);
            // A number that means something else there is not told in these words.
            let is_told = device.kind.is_some_and(|kind| wish.setting().is_set_so_on(kind));
            (device.id, (why_not, held.and_then(Held::shown).filter(|_| is_told).cloned()))
        };
        Ok(found.iter().map(of_one).collect())
    }

    /// A proposal that nobody sees yet: its devices are written down bit by bit, so that nobody's events wait for all.
    async fn open_proposal(&self, actor: &Actor, deed: Deed, person: AccountId) -> Result<BulkId> {
        let (mut tx, actor) = self.write_as(actor).await?;
        may(&actor, deed)?;
        if let Deed::SetGroup(group) = deed {
            groups::target_group(&mut tx, &actor, group).await?;
        }
        let (now, id) = (self.now(), BulkId(self.random_id()));
        sql::sweep(&mut tx, person, (now.minus(KEPT_PROPOSED), now.minus(KEPT_OVER))).await?;
        sql::insert(&mut tx, (id, actor.account, person), deed, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Begins a bulk that was proposed. Asked again, it is the same bulk.
    pub async fn begin_bulk(&self, actor: &Actor, id: BulkId) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let row = own(&mut tx, &actor, id).await?;
        may(&actor, row.deed().ok_or(Error::NotFound)?)?;
        let now = self.now();
        let (_, session, token) = actor.way_in();
        if row.state != "proposed" {
            return Ok(());
        }
        if now.since(row.created_at) > PROPOSAL {
            return Err(Refusal::ProposalTooOld.into());
        }
        if !sql::begin(&mut tx, id, (session, token), now).await? {
            return Ok(());
        }
        self.works().begun(id, self.clock().steady().plus(TURN));
        tx.emit(Event::BulkChanged { account: actor.account, bulk: id });
        tx.commit().await?;
        self.works().wake();
        Ok(())
    }

    /// Whoever's turn has not come is left as it is. What was ordered already goes on.
    pub async fn stop_bulk(&self, actor: &Actor, id: BulkId) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let row = own(&mut tx, &actor, id).await?;
        may(&actor, row.deed().ok_or(Error::NotFound)?)?;
        if row.state != "running" {
            return Ok(());
        }
        sql::give_up(&mut tx, id, "stopped before its turn came: nothing was done").await?;
        work::end(&mut tx, &row, self.now()).await?;
        tx.emit(Event::BulkChanged { account: actor.account, bulk: id });
        tx.commit().await?;
        self.works().over(id);
        Ok(())
    }

    pub async fn load_bulk(&self, actor: &Actor, id: BulkId) -> Result<Bulk> {
        let mut tx = self.read().await?;
        let row = own(&mut tx, actor, id).await?;
        may(actor, row.deed().ok_or(Error::NotFound)?)?;
        let tally = sql::tally(&mut tx, &row).await?;
        row.with(tally).ok_or(Error::NotFound)
    }

    /// The same once more, for those with which it came to nothing.
    pub async fn propose_rest(&self, actor: &Actor, id: BulkId) -> Result<BulkId> {
        let bulk = self.load_bulk(actor, id).await?;
        let (mut rest, mut after) = (Vec::new(), 0);
        loop {
            let items = self.list_bulk_items(actor, id, false, (after, MOST_ITEMS)).await?;
            let Some(last) = items.last() else { break };
            after = last.position;
            let came_to_nothing =
                |item: &&Item| matches!(item.became, Became::Failed | Became::Unknown | Became::NotBegun);
            rest.extend(items.iter().filter(came_to_nothing).map(|item| item.device));
        }
        self.propose_bulk(actor, bulk.deed, &rest).await
    }

    /// Devices of a bulk in the order they were chosen, those after this position: the ones that were left out from the
    /// beginning, or the others.
    pub async fn list_bulk_items(
        &self,
        actor: &Actor,
        id: BulkId,
        left_out: bool,
        (after, limit): (i64, usize),
    ) -> Result<Vec<Item>> {
        let mut tx = self.read().await?;
        let row = own(&mut tx, actor, id).await?;
        let limit = i64::try_from(limit.clamp(1, MOST_ITEMS)).unwrap_or(1);
        let mut items = sql::items(&mut tx, &row, (after, limit), left_out).await?;
        items.retain(|item| actor.scope.contains(item.device));
        Ok(items)
    }
}

/// The right that a deed needs on every device it is done to.
fn may(actor: &Actor, deed: Deed) -> Result<()> {
    let (right, refusal) = match deed {
        Deed::Lock => (Rights::OPERATE, "this sign-in may not operate devices"),
        Deed::Set(_) => (Rights::CONFIGURE, "this sign-in may not change settings of devices"),
        Deed::SetGroup(_) | Deed::SetFavourite(_) => (Rights::MANAGE, "this sign-in may not manage devices"),
    };
    if actor.rights.contains(right) { Ok(()) } else { Err(Error::Forbidden(refusal)) }
}

async fn own(tx: &mut Tx, actor: &Actor, id: BulkId) -> Result<BulkRow> {
    let person: Option<AccountId> = actor.who.person();
    let row = sql::load(tx, id).await?;
    row.filter(|row| row.account_id == actor.account && Some(row.person_id) == person).ok_or(Error::NotFound)
}
