//! Every account's roster, made when it is first asked for, and kept true: a commit notes what it changed before it
//! returns, and whoever asks next reads that again first.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::roster::Roster;
use super::{Filter, GroupCounts, ListPage, ListQuery};
use crate::App;
use crate::actor::{Actor, Scope};
use crate::bus::{Bus, Changes};
use crate::clock::Steady;
use crate::devices::{Problem, sql};
use crate::error::Result;
use crate::groups::{self, Group};
use crate::ids::{AccountId, DeviceId};

/// Devices in all rosters together: about 300 bytes each. The account that was not asked for longest is forgotten first.
const MOST_ROWS: usize = 1_000_000;
/// Changes that whoever asks next does not notice reading first: a few milliseconds.
const FEW: usize = 256;
/// Devices read at a time.
const AT_A_TIME: i64 = 2_048;

type Slot = Arc<tokio::sync::Mutex<Option<Roster>>>;

/// See the head of this file.
#[derive(Default)]
pub(crate) struct Rosters(Mutex<HashMap<AccountId, Kept>>);

#[derive(Default)]
struct Kept {
    roster: Slot,
    rows: usize,
    used: Steady,
}

/// Noted changes that are being read. Whoever asked may go away in the middle of it: then they are noted again.
struct Taken<'b> {
    bus: &'b Bus,
    account: AccountId,
    changes: Option<Changes>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(changes) = self.changes.take() {
            self.bus.give_back(self.account, changes);
        }
    }
}

/// See [`App::list_ailing`].
pub(crate) struct AilingDevices {
    pub problems: Vec<(Problem, usize, Vec<DeviceId>)>,
    pub old_count: usize,
    /// Each with the newest firmware seen.
    pub old: Vec<(DeviceId, String)>,
}

impl Rosters {
    fn slot(&self, account: AccountId, now: Steady) -> Slot {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = kept.entry(account).or_default();
        one.used = now;
        Arc::clone(&one.roster)
    }

    /// Notes how long a roster is, and forgets others for it. Their places stay: nobody may read one account's changes for
    /// two rosters.
    fn grown(&self, account: AccountId, rows: usize, bus: &Bus) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = kept.get_mut(&account) {
            one.rows = rows;
        }
        let mut all: usize = kept.values().map(|one| one.rows).sum();
        let mut others: Vec<_> =
            kept.iter_mut().filter(|(other, one)| **other != account && one.rows > 0).collect();
        others.sort_by_key(|(_, one)| one.used);
        for (other, one) in others {
            if all <= MOST_ROWS {
                break;
            }
            // One that is being asked is not the one to forget.
            if let Ok(mut roster) = one.roster.try_lock() {
                *roster = None;
                bus.forget_changes(*other);
                all -= std::mem::take(&mut one.rows);
            }
        }
    }
}

impl App {
    /// A page of the devices in the actor's scope, and how many there are of each kind and in each group.
    pub async fn list_page(&self, actor: &Actor, query: &ListQuery) -> Result<ListPage> {
        actor.may_list_devices()?;
        let roster = self.roster(actor.account).await?;
        Ok(roster.as_ref().map(|roster| roster.page(query, &actor.scope, self.now())).unwrap_or_default())
    }

    /// Every device of the list, page or not.
    pub async fn list_matching(&self, actor: &Actor, query: &ListQuery) -> Result<Vec<DeviceId>> {
        actor.may_list_devices()?;
        let roster = self.roster(actor.account).await?;
        Ok(roster.as_ref().map(|roster| roster.matching(query, &actor.scope, self.now())).unwrap_or_default())
    }

    /// The groups the actor may know of, in the order of the tree, with all that is in them.
    pub async fn list_groups(&self, actor: &Actor) -> Result<Vec<GroupCounts>> {
        Ok(self.list_page(actor, &ListQuery { limit: 1, ..ListQuery::default() }).await?.groups)
    }

    /// The same without their counts.
    pub async fn known_groups(&self, actor: &Actor) -> Result<Vec<Group>> {
        if actor.scope != Scope::All {
            return Ok(self.list_groups(actor).await?.into_iter().map(|one| one.group).collect());
        }
        actor.may_list_devices()?;
        let roster = self.roster(actor.account).await?;
        Ok(roster.as_ref().map(|roster| roster.tree().groups().to_vec()).unwrap_or_default())
    }

    /// How many devices in the actor's scope need somebody, by what they say or because they are among these.
    pub(crate) async fn count_ailing(&self, actor: &Actor, also: &HashSet<DeviceId>) -> Result<usize> {
        let (roster, now) = (self.roster(actor.account).await?, self.now());
        Ok(roster.as_ref().map_or(0, |roster| roster.count_ailing(also, &actor.scope, now)))
    }

    /// Which devices in the actor's scope have which problem, and which an old firmware.
    pub(crate) async fn list_ailing(
        &self,
        actor: &Actor,
        filter: &Filter,
        most: usize,
    ) -> Result<AilingDevices> {
        let (roster, now) = (self.roster(actor.account).await?, self.now());
        let found = roster.as_ref().map(|roster| roster.ailing(filter, &actor.scope, now, most));
        let found = found.unwrap_or_default();
        drop(roster);
        let newest: Vec<DeviceId> = {
            let all: HashSet<DeviceId> = found.old.iter().map(|(_, newest)| *newest).collect();
            all.into_iter().collect()
        };
        let mut tx = self.read().await?;
        let newest = sql::some(&mut tx, actor.account, &newest).await?;
        let version_of = |id: DeviceId| newest.iter().find(|one| one.id == id)?.said.firmware.clone();
        let old = found.old.iter().filter_map(|(id, newest)| Some((*id, version_of(*newest)?))).collect();
        Ok(AilingDevices { problems: found.problems, old_count: found.old_count, old })
    }

    /// For the start of a server: makes the rosters before anybody waits for one.
    pub async fn make_rosters(&self) -> Result<()> {
        let mut tx = self.read().await?;
        let accounts = sql::accounts(&mut tx).await?;
        drop(tx);
        for account in accounts {
            self.roster(account).await?;
        }
        Ok(())
    }

    /// For every second or so: reads what much changed in, so that nobody waits for it who asks later.
    pub async fn refresh_rosters(&self) -> Result<()> {
        for account in self.bus().much_changed(FEW) {
            self.roster(account).await?;
        }
        Ok(())
    }

    /// The roster as of now. Nobody else has it meanwhile: what is read again must not overtake what was read after it.
    async fn roster(&self, account: AccountId) -> Result<OwnedMutexGuard<Option<Roster>>> {
        let slot = self.rosters().slot(account, self.clock().steady());
        let mut kept = slot.lock_owned().await;
        let mut taken = Taken { bus: self.bus(), account, changes: self.bus().take_changes(account) };
        match (&mut *kept, &taken.changes) {
            (Some(roster), Some(changes)) if !changes.everything => {
                self.follow(account, roster, changes).await?;
            }
            _ => {
                // Whatever becomes of this, nothing less than all has to be read.
                *kept = None;
                let roster = self.read_roster(account).await?;
                self.rosters().grown(account, roster.len(), self.bus());
                *kept = Some(roster);
            }
        }
        taken.changes = None;
        Ok(kept)
    }

    async fn follow(&self, account: AccountId, roster: &mut Roster, changes: &Changes) -> Result<()> {
        if changes.groups {
            let mut tx = self.read().await?;
            roster.regroup(groups::tree_of(&mut tx, account).await?);
        }
        if changes.devices.is_empty() {
            return Ok(());
        }
        let mut gone = changes.devices.clone();
        let ids: Vec<DeviceId> = gone.iter().copied().collect();
        let mut tx = self.read().await?;
        for device in sql::some(&mut tx, account, &ids).await? {
            gone.remove(&device.id);
            roster.put(&device);
        }
        for device in gone {
            roster.remove(device);
        }
        Ok(())
    }

    async fn read_roster(&self, account: AccountId) -> Result<Roster> {
        // From here on it is noted what changes, also while this reads.
        self.bus().note_changes(account);
        let mut tx = self.read().await?;
        let mut roster = Roster::default();
        roster.regroup(groups::tree_of(&mut tx, account).await?);
        let mut last = DeviceId(i64::MIN);
        loop {
            let devices = sql::after(&mut tx, account, last, AT_A_TIME).await?;
            let Some(end) = devices.last() else { break };
            last = end.id;
            roster.add(&devices);
        }
        roster.order();
        Ok(roster)
    }
}
