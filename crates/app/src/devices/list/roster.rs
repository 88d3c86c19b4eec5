//! What the list of one account is answered from: a short row for each device, in memory, in the order of the names.
//! Pure, so that every question can be tried against the obvious way of answering it.

use std::collections::{HashMap, HashSet};

use super::text::{fold, sort_key};
use super::{Counts, Filter, GroupCounts, ListOrder, ListPage, ListQuery, Place, Wrong};
use crate::actor::Scope;
use crate::clock::Time;
use crate::devices::condition::{Kind, Problem, Problems, left_open_from};
use crate::devices::{Device, DeviceType};
use crate::groups::Tree;
use crate::health::{self, Ailment};
use crate::ids::{DeviceId, GroupId};

/// In no group: after all of them.
const NOWHERE: u32 = u32::MAX;

#[derive(Debug)]
struct Row {
    id: DeviceId,
    key: Box<[u8]>,
    /// The folded name.
    name: Box<str>,
    nuki_id: Option<u32>,
    group: Option<GroupId>,
    /// The place of its group in the tree.
    place: u32,
    device_type: Option<DeviceType>,
    kind: Kind,
    problems: Problems,
    left_open_from: Option<Time>,
    favourite: bool,
    added_at: Time,
    acted_at: Option<Time>,
    /// `health::version`.
    firmware: Option<u64>,
}

impl Row {
    fn of(device: &Device, tree: &Tree) -> Self {
        let said = &device.said;
        Self {
            id: device.id,
            key: sort_key(&device.name),
            name: fold(&device.name).into_boxed_str(),
            nuki_id: device.nuki_id,
            group: device.group,
            place: place_of(device.group, tree),
            device_type: device.kind,
            kind: Kind::of(device),
            problems: Problems::whenever(device),
            left_open_from: left_open_from(device),
            favourite: device.favourite,
            firmware: said.firmware.as_deref().and_then(health::version),
            added_at: device.added_at,
            acted_at: [
                said.last.as_ref().map(|last| last.at),
                said.state_changed_at,
                said.door_changed_at,
                said.rang_at,
            ]
            .into_iter()
            .flatten()
            .max(),
        }
    }
}

fn place_of(group: Option<GroupId>, tree: &Tree) -> u32 {
    let place = group.and_then(|group| tree.place(group));
    place.and_then(|place| u32::try_from(place).ok()).unwrap_or(NOWHERE)
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Roster {
    slots: Vec<Option<Row>>,
    free: Vec<usize>,
    slot_of: HashMap<DeviceId, usize>,
    /// Slots in the order of the names.
    by_name: Vec<usize>,
    tree: Tree,
}

/// A filter, made ready for asking many rows.
struct Wanted<'q> {
    filter: &'q Filter,
    now: Time,
    words: Vec<Word>,
    /// The words as one name.
    name: String,
    within: std::ops::Range<u32>,
}

struct Word {
    text: String,
    /// The groups it is in the name of, by their places.
    groups: Vec<bool>,
    /// How the Nuki ID of what it finds begins, and how many bits follow; or it is all of it without the zeros before it.
    /// A number in a name is shorter.
    nuki_id: Option<(u32, u32)>,
}

impl Word {
    const SHORTEST_ID: usize = 4;
    const DIGITS_OF_ID: usize = 8;

    fn of(text: &str, tree: &Tree) -> Self {
        let may_be_id = (Self::SHORTEST_ID..=Self::DIGITS_OF_ID).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let begins = may_be_id.then(|| u32::from_str_radix(text, 16).ok()).flatten();
        let bits_after = u32::try_from(Self::DIGITS_OF_ID.saturating_sub(text.len())).unwrap_or(0) * 4;
        Self {
            text: text.to_owned(),
            groups: tree.named(text),
            nuki_id: begins.map(|begins| (begins, bits_after)),
        }
    }

    fn is_in(&self, row: &Row) -> bool {
        let is_id = |(begins, bits_after): (u32, u32)| {
            row.nuki_id.is_some_and(|id| id == begins || id >> bits_after == begins)
        };
        self.groups.get(row.place as usize).copied().unwrap_or(false)
            || row.name.contains(self.text.as_str())
            || self.nuki_id.is_some_and(is_id)
    }

    /// Whether a word of the name begins with it.
    fn begins_one_of(&self, name: &str) -> bool {
        let is_first = |at: usize| {
            let before = name.get(..at).and_then(|before| before.chars().next_back());
            before.is_none_or(|before| !before.is_alphanumeric())
        };
        // Most names that have a word begin with it, and that is soon seen.
        name.starts_with(&self.text) || name.match_indices(self.text.as_str()).any(|(at, _)| is_first(at))
    }
}

impl Wanted<'_> {
    /// Whether it is asked for, apart from its kind.
    fn takes(&self, row: &Row) -> bool {
        let filter = self.filter;
        let place_fits = match filter.place {
            None => true,
            Some(Place::InNoGroup) => row.place == NOWHERE,
            Some(Place::Within(_)) => self.within.contains(&row.place),
        };
        let wrong_fits = match filter.wrong {
            None => true,
            Some(Wrong::Anything) => !row.problems.at(row.left_open_from, self.now).is_none(),
            Some(Wrong::This(problem)) => row.problems.at(row.left_open_from, self.now).has(problem),
        };
        place_fits
            && wrong_fits
            && (filter.device_type.is_none() || row.device_type == filter.device_type)
            && self.words.iter().all(|word| word.is_in(row))
    }

    /// 0 is what is called as the search says, 1 what has its words at the beginning of its own, 2 everything else.
    fn closeness(&self, row: &Row) -> u8 {
        if self.words.is_empty() || *row.name == *self.name {
            0
        } else {
            u8::from(!self.words.iter().all(|word| word.begins_one_of(&row.name))) + 1
        }
    }

    fn takes_kind(&self, kind: Kind) -> bool {
        self.filter.kind.is_none_or(|wanted| wanted == kind)
    }
}

/// Devices with what is wrong with them; as many as are listed, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Ailing {
    pub problems: Vec<(Problem, usize, Vec<DeviceId>)>,
    pub old_count: usize,
    /// Each with one that has the newest firmware of its type and generation.
    pub old: Vec<(DeviceId, DeviceId)>,
}

/// Where a row stands in the order: its group, how close its name is to the search, what the order asks for, and its place
/// among the names.
type Rank = (u32, u8, i64, usize);

impl Roster {
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Takes over many devices, to be put in order once all are there.
    pub(super) fn add(&mut self, devices: &[Device]) {
        for device in devices {
            self.slot_of.insert(device.id, self.slots.len());
            self.slots.push(Some(Row::of(device, &self.tree)));
        }
    }

    pub(super) fn order(&mut self) {
        self.slots.shrink_to_fit();
        self.slots.sort_unstable_by(|one, other| one.as_ref().map(name_of).cmp(&other.as_ref().map(name_of)));
        let ids = self.slots.iter().enumerate().filter_map(|(slot, row)| Some((row.as_ref()?.id, slot)));
        self.slot_of = ids.collect();
        self.by_name = (0..self.slots.len()).collect();
    }

    /// A device as it is now.
    pub(super) fn put(&mut self, device: &Device) {
        let new = Row::of(device, &self.tree);
        if let Some(slot) = self.slot_of.get(&device.id).copied()
            && let Some(old) = self.slots.get_mut(slot)
            && old.as_ref().is_some_and(|old| old.key == new.key)
        {
            *old = Some(new);
            return;
        }
        self.remove(device.id);
        let at = self
            .by_name
            .partition_point(|slot| self.row(*slot).is_some_and(|row| name_of(row) < name_of(&new)));
        let slot = self.free.pop().unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(new);
        }
        self.slot_of.insert(device.id, slot);
        self.by_name.insert(at, slot);
    }

    pub(super) fn remove(&mut self, id: DeviceId) {
        let Some(slot) = self.slot_of.remove(&id) else {
            return;
        };
        let at = self.row(slot).map(|gone| {
            self.by_name
                .partition_point(|slot| self.row(*slot).is_some_and(|row| name_of(row) < name_of(gone)))
        });
        if let Some(at) = at.filter(|at| self.by_name.get(*at) == Some(&slot)) {
            self.by_name.remove(at);
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = None;
        }
        self.free.push(slot);
    }

    pub(super) fn regroup(&mut self, tree: Tree) {
        self.tree = tree;
        for row in self.slots.iter_mut().flatten() {
            row.place = place_of(row.group, &self.tree);
        }
    }

    fn row(&self, slot: usize) -> Option<&Row> {
        self.slots.get(slot).and_then(Option::as_ref)
    }

    pub(super) fn page(&self, query: &ListQuery, scope: &Scope, now: Time) -> ListPage {
        let limit = if query.limit == 0 { ListQuery::USUAL } else { query.limit.min(ListQuery::MOST) };
        let mut page = ListPage::default();
        let wanted = self.wanted(&query.filter, now);
        let mut found = self.count(&mut page, query, scope, &wanted);
        if let Some(after) = query.after.and_then(|after| self.rank_of(after, query, &wanted)) {
            found.retain(|(rank, _)| *rank > after);
        }
        let more = found.len() > limit;
        if more {
            found.select_nth_unstable(limit);
            found.truncate(limit);
        }
        found.sort_unstable();
        page.devices = found.into_iter().map(|(_, id)| id).collect();
        page.next = page.devices.last().copied().filter(|_| more);
        page
    }

    /// Every device that matches, in the order of the list.
    pub(super) fn matching(&self, query: &ListQuery, scope: &Scope, now: Time) -> Vec<DeviceId> {
        let wanted = self.wanted(&query.filter, now);
        let mut found = self.count(&mut ListPage::default(), query, scope, &wanted);
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// What matches, in no order, and how many there are of everything.
    fn count(
        &self,
        page: &mut ListPage,
        query: &ListQuery,
        scope: &Scope,
        wanted: &Wanted<'_>,
    ) -> Vec<(Rank, DeviceId)> {
        let mut groups = vec![(Counts::default(), false); self.tree.len()];
        let mut found = Vec::new();
        for (place, slot) in self.by_name.iter().enumerate() {
            let Some(row) = self.row(*slot).filter(|row| scope.contains(row.id)) else { continue };
            page.all += 1;
            if let Some((_, holds)) = groups.get_mut(row.place as usize) {
                *holds = true;
            }
            if !wanted.takes(row) {
                continue;
            }
            page.counts.note(row.kind);
            if !wanted.takes_kind(row.kind) {
                continue;
            }
            match groups.get_mut(row.place as usize) {
                Some((counts, _)) => counts.note(row.kind),
                None => page.in_no_group.note(row.kind),
            }
            found.push((rank(row, place, query, wanted), row.id));
        }
        page.total = found.len();
        page.groups = self.known_groups(groups, scope);
        found
    }

    /// Groups with everything below them counted too. Whoever sees only some devices knows of no other groups than theirs.
    fn known_groups(&self, mut groups: Vec<(Counts, bool)>, scope: &Scope) -> Vec<GroupCounts> {
        // Children stand behind their parents.
        for place in (0..groups.len()).rev() {
            let Some((counts, holds)) = groups.get(place).copied() else { continue };
            let parent = self.tree.parent_place(place);
            if let Some((above, holds_any)) = parent.and_then(|parent| groups.get_mut(parent)) {
                above.add(counts);
                *holds_any |= holds;
            }
        }
        let known = self.tree.groups().iter().zip(groups);
        known
            .filter(|(_, (_, holds))| *holds || *scope == Scope::All)
            .map(|(group, (counts, _))| GroupCounts { group: group.clone(), counts })
            .collect()
    }

    /// How many devices need somebody, by themselves or because they are among these.
    pub(super) fn count_ailing(&self, also: &HashSet<DeviceId>, scope: &Scope, now: Time) -> usize {
        let ails = |row: &&Row| {
            let problems = row.problems.at(row.left_open_from, now);
            let by_itself = || problems.iter().any(|one| Ailment::Problem(one).calls_somebody());
            scope.contains(row.id) && (also.contains(&row.id) || (!problems.is_none() && by_itself()))
        };
        self.slots.iter().flatten().filter(ails).count()
    }

    /// Which devices have which problem, by name, and which have an older firmware than others of their type and generation.
    pub(super) fn ailing(&self, filter: &Filter, scope: &Scope, now: Time, most: usize) -> Ailing {
        let wanted = self.wanted(filter, now);
        let in_scope =
            || self.by_name.iter().filter_map(|slot| self.row(*slot)).filter(|row| scope.contains(row.id));
        let rows = || in_scope().filter(|row| wanted.takes(row));
        let mut problems = Problem::ALL.map(|problem| (problem, 0, Vec::new()));
        for row in rows() {
            for problem in row.problems.at(row.left_open_from, now).iter() {
                if let Some((_, count, listed)) = problems.get_mut(problem as usize) {
                    *count += 1;
                    if listed.len() < most {
                        listed.push(row.id);
                    }
                }
            }
        }
        // Newer than in another house is newer too.
        let newest =
            health::newest(in_scope().filter_map(|row| Some((row.device_type?, row.firmware?, row.id))));
        let mut found = Ailing {
            problems: problems.into_iter().filter(|(_, count, _)| *count > 0).collect(),
            ..Ailing::default()
        };
        for row in rows() {
            let Some(has) = row.device_type.zip(row.firmware) else { continue };
            let newer =
                newest.iter().find(|best| health::comparable(has, (best.0, best.1)) && has.1 < best.1);
            let Some((.., newer)) = newer else { continue };
            found.old_count += 1;
            if found.old.len() < most {
                found.old.push((row.id, *newer));
            }
        }
        found
    }

    fn wanted<'q>(&self, filter: &'q Filter, now: Time) -> Wanted<'q> {
        let typed: String = filter.words.chars().take(Filter::LONGEST).collect();
        let typed = fold(&typed);
        let words: Vec<Word> = typed.split_whitespace().map(|word| Word::of(word, &self.tree)).collect();
        let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
        let within = match filter.place {
            Some(Place::Within(group)) => self.tree.within(group),
            _ => 0..0,
        };
        let place = |place| u32::try_from(place).unwrap_or(NOWHERE);
        Wanted { filter, now, words, name, within: place(within.start)..place(within.end) }
    }

    fn rank_of(&self, id: DeviceId, query: &ListQuery, wanted: &Wanted<'_>) -> Option<Rank> {
        let row = self.row(*self.slot_of.get(&id)?)?;
        let place = self
            .by_name
            .partition_point(|slot| self.row(*slot).is_some_and(|other| name_of(other) < name_of(row)));
        Some(rank(row, place, query, wanted))
    }
}

fn name_of(row: &Row) -> (&[u8], DeviceId) {
    (&row.key, row.id)
}

fn rank(row: &Row, place: usize, query: &ListQuery, wanted: &Wanted<'_>) -> Rank {
    let group = if query.by_group { row.place } else { 0 };
    let closeness = match query.order {
        ListOrder::Favourites | ListOrder::Name => wanted.closeness(row),
        _ => 0,
    };
    let backwards = |time: Time| time.0.saturating_neg();
    let (first, place) = match query.order {
        ListOrder::Favourites => (i64::from(!row.favourite), place),
        ListOrder::Name => (0, place),
        ListOrder::NameBackwards => (0, usize::MAX - place),
        ListOrder::Added => (backwards(row.added_at), place),
        ListOrder::Problems => (i64::from(row.problems.at(row.left_open_from, wanted.now).urgency()), place),
        ListOrder::Activity => (row.acted_at.map_or(i64::MAX, backwards), place),
    };
    (group, closeness, first, place)
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
