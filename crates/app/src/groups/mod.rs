//! Groups: named sets of devices inside each other, as site, building and flat are. A device is in one group or in none,
//! and whatever holds for a group holds for those below it.

mod actions;
mod sql;

pub use actions::NewGroup;
pub(crate) use actions::{set_group, target_group, tree_of};

use std::collections::HashMap;
use std::ops::Range;

use crate::devices::list::{fold, sort_key};
use crate::ids::GroupId;

/// Site, building, floor, flat.
pub const DEEPEST: usize = 4;
/// Groups of one account.
pub const MOST: usize = 5_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub parent: Option<GroupId>,
    pub name: String,
    /// Below how many others it is: 0 to 3.
    pub depth: usize,
}

/// All groups of an account, each before those below it, siblings by name.
#[derive(Debug, Default)]
pub struct Tree {
    groups: Vec<Group>,
    /// Behind the last group below each.
    ends: Vec<usize>,
    places: HashMap<GroupId, usize>,
}

/// What hangs on each group: sort key, id and name.
type Below = HashMap<Option<GroupId>, Vec<(Box<[u8]>, GroupId, String)>>;

impl Tree {
    /// From groups in any order. What hangs on nothing, or on itself, hangs on the top.
    pub(crate) fn of(groups: Vec<(GroupId, Option<GroupId>, String)>) -> Self {
        let parents: HashMap<GroupId, Option<GroupId>> =
            groups.iter().map(|(id, parent, _)| (*id, *parent)).collect();
        let mut below: Below = HashMap::new();
        for (id, parent, name) in groups {
            let parent = parent.filter(|_| depth(&parents, id).is_some_and(|depth| depth > 0));
            below.entry(parent).or_default().push((sort_key(&name), id, name));
        }
        for siblings in below.values_mut() {
            // The last comes off first.
            siblings.sort_unstable_by(|one, other| other.cmp(one));
        }
        let mut tree = Self::default();
        tree.hang(None, 0, &mut below);
        tree
    }

    fn hang(&mut self, parent: Option<GroupId>, depth: usize, below: &mut Below) {
        let Some(mut siblings) = below.remove(&parent) else {
            return;
        };
        while let Some((_, id, name)) = siblings.pop() {
            let place = self.groups.len();
            self.places.insert(id, place);
            self.groups.push(Group { id, parent, name, depth });
            self.ends.push(place + 1);
            // Deeper than the rule allows hangs only what a hand put into the database.
            if depth < 2 * DEEPEST {
                self.hang(Some(id), depth + 1, below);
            }
            let end = self.groups.len();
            if let Some(last) = self.ends.get_mut(place) {
                *last = end;
            }
        }
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    pub(crate) fn place(&self, group: GroupId) -> Option<usize> {
        self.places.get(&group).copied()
    }

    pub fn find(&self, group: GroupId) -> Option<&Group> {
        self.groups.get(self.place(group)?)
    }

    pub(crate) fn parent_place(&self, place: usize) -> Option<usize> {
        self.place(self.groups.get(place)?.parent?)
    }

    /// What is called so there, however it is written.
    fn beside(&self, parent: Option<GroupId>, name: &str) -> impl Iterator<Item = &Group> {
        let folded = fold(name);
        self.groups.iter().filter(move |other| other.parent == parent && fold(&other.name) == folded)
    }

    /// The places of a group and of all below it; nothing for a group that is not there.
    pub(crate) fn within(&self, group: GroupId) -> Range<usize> {
        let place = self.place(group);
        let end = place.and_then(|place| self.ends.get(place));
        place.zip(end.copied()).map_or(0..0, |(place, end)| place..end)
    }

    /// How many levels there are from a group down, itself included.
    fn height(&self, group: GroupId) -> usize {
        let own = self.find(group).map_or(0, |group| group.depth);
        let below = self.groups.get(self.within(group)).unwrap_or_default();
        below.iter().map(|one| one.depth + 1 - own).max().unwrap_or(0)
    }

    /// Which groups have this (folded) word in their name or in that of one above.
    pub(crate) fn named(&self, word: &str) -> Vec<bool> {
        let mut named = vec![false; self.len()];
        for (place, group) in self.groups.iter().enumerate() {
            if fold(&group.name).contains(word) {
                let below = named.get_mut(self.within(group.id)).unwrap_or_default();
                below.fill(true);
            }
            debug_assert!(self.parent_place(place).is_none_or(|parent| parent < place));
        }
        named
    }
}

/// How many groups are above this one; nothing if they never end.
fn depth(parents: &HashMap<GroupId, Option<GroupId>>, group: GroupId) -> Option<usize> {
    let mut above = 0;
    let mut at = group;
    while let Some(Some(parent)) =
        parents.get(&at).filter(|parent| parent.is_some_and(|id| parents.contains_key(&id)))
    {
        above += 1;
        at = *parent;
        if above > 2 * DEEPEST {
            return None;
        }
    }
    Some(above)
}

/// What is wrong with a group's name, if anything.
pub fn check_name(name: &str) -> Result<&str, &'static str> {
    let name = name.trim();
    if name.is_empty() {
        return Err("give the group a name");
    }
    if name.chars().count() > 64 {
        return Err("at most 64 characters");
    }
    if name.chars().any(char::is_control) {
        return Err("no line breaks or control characters");
    }
    Ok(name)
}

/// Whether a group may hang there: not on itself or below itself, not too deep, not beside one of the same name.
fn check_place(
    tree: &Tree,
    group: Option<GroupId>,
    parent: Option<GroupId>,
    name: &str,
) -> Result<(), &'static str> {
    if let (Some(group), Some(parent)) = (group, parent)
        && tree.place(parent).is_some_and(|place| tree.within(group).contains(&place))
    {
        return Err("a group cannot be inside itself");
    }
    let above = parent.and_then(|parent| tree.find(parent)).map_or(0, |parent| parent.depth + 1);
    if above + group.map_or(1, |group| tree.height(group)) > DEEPEST {
        return Err("groups go four levels deep");
    }
    if tree.beside(parent, name).any(|other| Some(other.id) != group) {
        return Err("there is a group of this name here already");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(groups: &[(i64, i64, &str)]) -> Tree {
        let group = |(id, parent, name): &(i64, i64, &str)| {
            (GroupId(*id), Some(GroupId(*parent)).filter(|id| id.0 != 0), (*name).to_owned())
        };
        Tree::of(groups.iter().map(group).collect())
    }

    fn street() -> Tree {
        tree(&[
            (4, 2, "Flat 10"),
            (1, 0, "Harbour street"),
            (2, 1, "House 4"),
            (3, 2, "Flat 2"),
            (5, 0, "Annexe"),
        ])
    }

    #[test]
    fn each_group_stands_before_those_below_it_and_siblings_by_name() {
        let street = street();
        let names: Vec<_> = street.groups().iter().map(|group| (group.depth, group.name.as_str())).collect();
        let right = [(0, "Annexe"), (0, "Harbour street"), (1, "House 4"), (2, "Flat 2"), (2, "Flat 10")];
        assert_eq!(names, right);
        assert_eq!(street.within(GroupId(2)), 2..5);
        assert_eq!(street.within(GroupId(99)), 0..0);
    }

    #[test]
    fn a_word_in_a_groups_name_counts_for_all_below_it() {
        assert_eq!(street().named("house"), [false, false, true, true, true]);
        assert_eq!(street().named("flat 1"), [false, false, false, false, true]);
    }

    #[test]
    fn a_group_goes_neither_into_itself_nor_too_deep_nor_beside_its_name() {
        let street = street();
        let check =
            |group, parent, name| check_place(&street, Some(GroupId(group)), Some(GroupId(parent)), name);
        assert!(check(1, 1, "x").is_err() && check(1, 4, "x").is_err(), "inside itself");
        assert!(check(1, 5, "x").is_ok(), "three levels fit below one");
        assert!(check_place(&street, None, Some(GroupId(4)), "Room").is_ok(), "the fourth level");
        assert!(check(2, 4, "x").is_err());
        assert!(check(1, 3, "x").is_err());
        assert!(check(5, 2, "FLAT 2").is_err() && check(5, 2, "Flat 3").is_ok());
        assert!(check(3, 2, "Flat 2").is_ok(), "it may keep its own name");
        let deep = tree(&[(1, 0, "a"), (2, 1, "b"), (3, 2, "c"), (4, 3, "d"), (5, 0, "e")]);
        assert!(check_place(&deep, None, Some(GroupId(4)), "f").is_err());
        assert!(check_place(&deep, Some(GroupId(1)), Some(GroupId(5)), "a").is_err());
    }

    #[test]
    fn groups_that_hang_on_each_other_or_on_nothing_are_still_there() {
        let odd = tree(&[(1, 2, "a"), (2, 1, "b"), (3, 99, "c")]);
        assert_eq!(odd.groups().len(), 3, "{odd:?}");
        assert!(odd.groups().iter().all(|group| group.depth == 0));
    }
}
