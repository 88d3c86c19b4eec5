//! What can be done with groups. Their shape is everybody's, so whoever sees only some devices may not change it; they
//! may put their own devices into the groups they know.

use super::{Group, MOST, Tree, check_name, check_place, sql};
use crate::App;
use crate::actor::{Actor, Manageable, Scope};
use crate::bus::Event;
use crate::clock::Time;
use crate::db::{DbError, Tx};
use crate::error::{Error, Refusal, Result};
use crate::ids::{AccountId, DeviceId, GroupId};

pub struct NewGroup<'a> {
    pub name: &'a str,
    /// The group it is in; none for the top.
    pub parent: Option<GroupId>,
}

impl App {
    pub async fn create_group(&self, actor: &Actor, new: NewGroup<'_>) -> Result<GroupId> {
        self.group_named(actor, new, false).await
    }

    /// The group that has this name there already, or a new one.
    pub async fn find_or_create_group(&self, actor: &Actor, new: NewGroup<'_>) -> Result<GroupId> {
        self.group_named(actor, new, true).await
    }

    async fn group_named(&self, actor: &Actor, new: NewGroup<'_>, or_there: bool) -> Result<GroupId> {
        let name = check_name(new.name).map_err(|why| Error::invalid("name", why))?;
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_manage_groups()?;
        let tree = tree_of(&mut tx, actor.account).await?;
        if let Some(parent) = new.parent {
            find(&tree, parent)?;
        }
        if let Some(there) = tree.beside(new.parent, name).next().filter(|_| or_there) {
            return Ok(there.id);
        }
        if tree.len() >= MOST {
            return Err(Refusal::TooMany("groups", MOST).into());
        }
        check_place(&tree, None, new.parent, name).map_err(|why| Error::invalid("name", why))?;
        let id = GroupId(self.random_id());
        sql::insert(&mut tx, (id, actor.account, new.parent), name, self.now()).await?;
        tx.emit(Event::DevicesChanged { account: actor.account });
        tx.commit().await?;
        Ok(id)
    }

    pub async fn rename_group(&self, actor: &Actor, id: GroupId, name: &str) -> Result<()> {
        let name = check_name(name).map_err(|why| Error::invalid("name", why))?;
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_manage_groups()?;
        let tree = tree_of(&mut tx, actor.account).await?;
        let parent = find(&tree, id)?.parent;
        check_place(&tree, Some(id), parent, name).map_err(|why| Error::invalid("name", why))?;
        self.change_group(tx, &actor, (id, parent), name).await
    }

    /// Hangs a group with everything in it somewhere else.
    pub async fn move_group(&self, actor: &Actor, id: GroupId, parent: Option<GroupId>) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_manage_groups()?;
        let tree = tree_of(&mut tx, actor.account).await?;
        let name = find(&tree, id)?.name.clone();
        if let Some(parent) = parent {
            find(&tree, parent)?;
        }
        check_place(&tree, Some(id), parent, &name).map_err(|why| Error::invalid("parent", why))?;
        self.change_group(tx, &actor, (id, parent), &name).await
    }

    async fn change_group(
        &self,
        mut tx: Tx,
        actor: &Actor,
        group: (GroupId, Option<GroupId>),
        name: &str,
    ) -> Result<()> {
        sql::change(&mut tx, group, name, self.now()).await?;
        tx.emit(Event::DevicesChanged { account: actor.account });
        tx.commit().await?;
        Ok(())
    }

    /// Deletes a group. What was in it, devices and groups, is in the one above it then.
    pub async fn delete_group(&self, actor: &Actor, id: GroupId) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        actor.may_manage_groups()?;
        let tree = tree_of(&mut tx, actor.account).await?;
        let parent = find(&tree, id)?.parent;
        for device in sql::delete(&mut tx, id, parent, self.now()).await? {
            tx.emit(Event::DeviceChanged { account: actor.account, device });
        }
        tx.emit(Event::DevicesChanged { account: actor.account });
        tx.commit().await?;
        Ok(())
    }

    /// Puts a device into a group, or out of all.
    pub async fn set_group(&self, actor: &Actor, device: DeviceId, group: Option<GroupId>) -> Result<()> {
        let (mut tx, actor) = self.write_as(actor).await?;
        let manageable = actor.may_manage(&mut tx, device).await?;
        let group = target_group(&mut tx, &actor, group).await?;
        set_group(&mut tx, &actor, manageable, group, self.now()).await?;
        tx.emit(Event::DevicesChanged { account: actor.account });
        tx.commit().await?;
        Ok(())
    }
}

/// A group of the account; those of others answer like ones that never were.
fn find(tree: &Tree, id: GroupId) -> Result<&Group> {
    tree.find(id).ok_or(Error::NotFound)
}

/// A group that the actor knows of, for putting devices into it.
pub(crate) async fn target_group(
    tx: &mut Tx,
    actor: &Actor,
    group: Option<GroupId>,
) -> Result<Option<GroupId>> {
    let Some(group) = group else {
        return Ok(None);
    };
    let tree = tree_of(tx, actor.account).await?;
    find(&tree, group)?;
    if actor.scope != Scope::All {
        let below = tree.groups().get(tree.within(group)).unwrap_or_default();
        let ids: Vec<GroupId> = below.iter().map(|group| group.id).collect();
        let held = sql::devices_in(tx, &ids).await?;
        if !held.into_iter().any(|device| actor.scope.contains(device)) {
            return Err(Error::NotFound);
        }
    }
    Ok(Some(group))
}

pub(crate) async fn set_group(
    tx: &mut Tx,
    actor: &Actor,
    device: Manageable,
    group: Option<GroupId>,
    now: Time,
) -> Result<()> {
    sql::set_group(tx, device.device(), group, now).await?;
    tx.emit(Event::DeviceChanged { account: actor.account, device: device.device() });
    Ok(())
}

/// All groups of an account.
pub(crate) async fn tree_of(tx: &mut Tx, account: AccountId) -> Result<Tree, DbError> {
    Ok(Tree::of(sql::all(tx, account).await?))
}
