//! The one transaction that makes a batch of what devices said last. An acknowledgement leaves only after this has
//! returned.

use std::collections::{HashMap, HashSet};

use super::age::{clock_of, is_old, is_outdated};
use super::apply::{Effect, apply, found, turned};
use super::beside::{calls_itself, keep_beside};
use super::links;
use super::names::Names;
use super::pictured;
use super::repeats;
use super::report::{Delivery, Intake, LockEvent, Observation, Report};
use super::sql::{self, StateRow};
use super::{Connector, LockState};
use crate::App;
use crate::activity::{self, CLOCK_IS_WRONG, Happening, NewEntry, Origin, WAS_FOUND};
use crate::bus::Event;
use crate::clock::Time;
use crate::commands;
use crate::db::Tx;
use crate::error::Result;
use crate::history::{self, Pictured};
use crate::ids::{AccountId, ActivityId, DeviceId};
use crate::logins;
use crate::ways::{self, Joined, Trouble, Way};

/// A device clock further off than this is marked in the log.
pub(super) const CLOCK_TOLERANCE_MS: i64 = 120_000;
/// A device tells its time with every update, so only what comes this soon belongs to the entry before it.
const SAME_UPDATE_MS: i64 = 5_000;

impl App {
    /// Makes a batch last in one transaction, in the order it came.
    pub async fn record(&self, batch: &[Intake]) -> Result<()> {
        let mut tx = self.write().await?;
        let mut work = Batch::load(&mut tx, batch).await?;
        for intake in batch {
            match intake {
                Intake::Reported(report) => self.take(&mut tx, &mut work, report).await?,
                Intake::Released { session, packet } => {
                    logins::close_delivery(&mut tx, session, *packet).await?;
                }
            }
        }
        work.store(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn take(&self, tx: &mut Tx, work: &mut Batch, report: &Report) -> Result<()> {
        let Some(known) = work.known.get_mut(&report.device) else {
            return Ok(());
        };
        if let Delivery::ExactlyOnce { session: Some(session), packet, .. } = &report.delivery {
            logins::open_delivery(tx, session, *packet).await?;
        }
        // A repetition must not even touch "last".
        let is_new = if matches!(report.seen, Observation::Event(_)) {
            !recorded(tx, &work.entries, known, report).await?
        } else {
            // What delivered it is remembered with the state.
            known.dirty |= report.delivery.mark().is_some();
            repeats::is_new(&mut known.state, &report.delivery, report.received_at)
        };
        if !is_new {
            return Ok(());
        }
        if let Observation::Snapshot { clock, zone_minutes, seen } = &report.seen {
            if is_old(&mut known.state, *clock) || is_outdated(&known.state, seen, report.received_at) {
                // Whoever knows of a state reaches the device, which does not tell how that is now.
                for seen in seen.iter().filter(|seen| matches!(seen, Observation::Trouble(..))) {
                    self.take_one(tx, work, report, seen).await?;
                }
                return Ok(());
            }
            known.dirty = true;
            let time = clock.map(|clock| clock_of(clock, *zone_minutes, report.received_at));
            for seen in seen.iter().chain(time.map(Observation::DeviceTime).as_ref()) {
                self.take_one(tx, work, report, seen).await?;
            }
            return Ok(());
        }
        self.take_one(tx, work, report, &report.seen).await
    }

    /// One observation, on the state and on whatever else it belongs to.
    async fn take_one(
        &self,
        tx: &mut Tx,
        work: &mut Batch,
        report: &Report,
        seen: &Observation,
    ) -> Result<()> {
        let (device, at) = (report.device, report.received_at);
        if !work.believes(device, report.by)
            && !matches!(seen, Observation::NukiId(_) | Observation::Link { .. })
        {
            return Ok(());
        }
        match seen {
            Observation::NukiId(id) => return self.identified(tx, work, report, *id).await,
            Observation::Log(records) => return self.take_log(tx, work, device, (records, at)).await,
            Observation::Hub(answer) => return commands::hub_said(tx, device, *answer, at).await,
            Observation::DeviceType(kind) => sql::set_type(tx, device, kind.stored(), at).await?,
            _ => {
                if keep_beside(tx, work, report, seen).await? {
                    return Ok(());
                }
            }
        }
        let Some(known) = work.known.get_mut(&device) else {
            return Ok(());
        };
        if links::is_better_known(&known.state, report.by, seen) {
            return Ok(());
        }
        let before = known.state.clone();
        let effect = if links::is_of_the_way(seen) {
            known.ways_dirty = true;
            links::way_says(&mut known.state, &mut known.ways, report.by, seen, at)
        } else {
            apply(&mut known.state, seen, at)
        };
        work.picture(device, &before, seen, at);
        if let Observation::OwnName(name) = seen
            && before.own_name.as_ref() != Some(name)
        {
            calls_itself(tx, work, report, name).await?;
        }
        match effect {
            Some(effect) => self.follow_up(tx, work, report, effect).await,
            None => Ok(()),
        }
    }

    /// What an observation means beyond the state.
    async fn follow_up(&self, tx: &mut Tx, work: &mut Batch, report: &Report, effect: Effect) -> Result<()> {
        let (device, at) = (report.device, report.received_at);
        let Some(known) = work.known.get_mut(&device) else {
            return Ok(());
        };
        match effect {
            Effect::Entry { happening, origin, result } => {
                let mut entry = known.draft(device, (happening, origin), at);
                entry.result = Some(result);
                work.entries.push((ActivityId(self.growing_id()), entry));
            }
            Effect::Turned { state, origin } => {
                if !(work.ordered.contains(&device) && commands::explains(tx, device, state, at).await?) {
                    let happening = turned(&mut known.state, state, origin, at);
                    let entry = known.draft(device, (happening, origin), at);
                    work.entries.push((ActivityId(self.growing_id()), entry));
                }
            }
            Effect::Found { state, action, trigger } => {
                if !(work.ordered.contains(&device)
                    && commands::explains_found(tx, device, state, at).await?)
                {
                    let told = found(&mut known.state, state, (action, trigger), at);
                    let mut entry = known.draft(device, told, at);
                    entry.trigger = Some(trigger);
                    entry.marks |= WAS_FOUND;
                    self.found_so(tx, work, (state, entry)).await?;
                }
            }
            Effect::Performed(event) => {
                let mut entry = known.draft(device, (event.action.into(), event.origin()), at);
                entry.name = work.names.of_event(device, &event);
                self.told_of(tx, work, report, (event, entry)).await?;
            }
            Effect::Moving => commands::moved(tx, device, at).await?,
            Effect::Answered(code) => commands::answered(tx, device, report.by, code, at).await?,
            Effect::TimeTold(time) => tell_time(tx, &mut work.entries, &mut known.state, time, at).await?,
        }
        Ok(())
    }

    /// The device was found in another state. Its own log may have told of what led there already.
    async fn found_so(
        &self,
        tx: &mut Tx,
        work: &mut Batch,
        (state, entry): (LockState, NewEntry),
    ) -> Result<()> {
        let keeps_log = work.known.get(&entry.device).is_some_and(|known| known.state.log_index.is_some());
        if keeps_log {
            work.flush(tx).await?;
            let at = entry.received_at;
            if activity::is_told(tx, (entry.account, entry.device), state, at).await? {
                return Ok(());
            }
        }
        work.entries.push((ActivityId(self.growing_id()), entry));
        Ok(())
    }

    /// A way said which device it speaks for.
    async fn identified(&self, tx: &mut Tx, work: &mut Batch, report: &Report, nuki_id: u32) -> Result<()> {
        let (device, at) = (report.device, report.received_at);
        work.flush(tx).await?;
        let Some(known) = work.known.get_mut(&device) else {
            return Ok(());
        };
        let joined = ways::identify(tx, (device, known.account), report.by, nuki_id, at).await?;
        let not = match joined {
            Joined::With(_) => {
                work.known.remove(&device);
                return Ok(());
            }
            Joined::Stays => None,
            Joined::Not(trouble) => Some(trouble),
        };
        if let Some(way) = known.ways.iter_mut().find(|way| way.connector == report.by)
            && way.speaks_for.is_some() != not.is_some()
        {
            way.speaks_for = not.map(|_| nuki_id);
            known.ways_dirty = true;
            known.dirty = true;
        }
        let before = known.state.clone();
        let effect = links::settle(&mut known.state, &known.ways, at);
        work.picture(device, &before, &report.seen, at);
        if let Some(effect) = effect {
            self.follow_up(tx, work, report, effect).await?;
        }
        for trouble in [Trouble::OtherDevice, Trouble::DeviceTaken] {
            let detail = (not == Some(trouble)).then(|| format!("{nuki_id:X}"));
            ways::note_trouble(tx, device, report.by, (trouble, detail.as_deref()), at).await?;
        }
        work.changed(tx, device);
        Ok(())
    }

    /// The device told of an action: of one of our commands, which has its entry, or of something new.
    async fn told_of(
        &self,
        tx: &mut Tx,
        work: &mut Batch,
        report: &Report,
        (event, mut entry): (LockEvent, NewEntry),
    ) -> Result<()> {
        let mark = report.delivery.mark().map(Into::into);
        let told = (event.action, event.trigger);
        let ours = if work.ordered.contains(&report.device) {
            commands::performed(tx, report.device, told, report.received_at).await?
        } else {
            None
        };
        let Some(known) = work.known.get_mut(&report.device) else {
            return Ok(());
        };
        if ours.is_none() {
            known.state.last_name.clone_from(&entry.name);
        }
        if ours.is_none() && known.state.log_index.is_some() {
            // Its own log may have told of it already.
            work.flush(tx).await?;
            let place = (entry.account, entry.device);
            if let Some(id) = activity::find_told(tx, place, &event, report.received_at).await? {
                return Ok(activity::add_event(tx, id, &event, (mark, report.received_at)).await?);
            }
        }
        let id = ours.unwrap_or_else(|| ActivityId(self.growing_id()));
        if let Some(known) = work.known.get_mut(&report.device) {
            known.state.untimed_entry = Some(id.0);
        }
        if ours.is_some() {
            activity::told(tx, id, event.trigger, (mark, report.received_at)).await?;
        } else {
            entry.trigger = Some(event.trigger);
            entry.auth_id = event.auth_id;
            entry.code_id = event.code_id;
            entry.presses = event.presses();
            entry.delivered_by = mark;
            work.entries.push((id, entry));
        }
        Ok(())
    }
}

/// The devices a batch speaks of, as they become while it is worked through.
pub(super) struct Batch {
    pub(super) known: HashMap<DeviceId, Known>,
    /// Those that may be telling of a command of ours.
    ordered: HashSet<DeviceId>,
    entries: Vec<(ActivityId, NewEntry)>,
    history: history::Changes,
    pub(super) names: Names,
}

pub(super) struct Known {
    pub account: AccountId,
    pub state: StateRow,
    /// At hand only where the batch says something that concerns them.
    ways: Vec<Way>,
    pub dirty: bool,
    ways_dirty: bool,
}

impl Known {
    fn draft(&self, device: DeviceId, (happening, origin): (Happening, Origin), at: Time) -> NewEntry {
        let mut entry = NewEntry::at(self.account, device, at, happening, origin);
        let is_wrong = self.state.clock_offset_ms.is_some_and(|off| off.abs() > CLOCK_TOLERANCE_MS);
        // What is told of a connection is told by our own.
        let by_its_clock = !matches!(happening, Happening::WentOffline | Happening::CameOnline);
        entry.marks = if is_wrong && by_its_clock { CLOCK_IS_WRONG } else { 0 };
        entry
    }
}

impl Batch {
    async fn load(tx: &mut Tx, batch: &[Intake]) -> Result<Self> {
        let reports = || {
            batch.iter().filter_map(|intake| match intake {
                Intake::Reported(report) => Some(report),
                Intake::Released { .. } => None,
            })
        };
        let ids = |reports: &mut dyn Iterator<Item = &Report>| {
            let mut ids: Vec<DeviceId> = reports.map(|report| report.device).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let rows = sql::states(tx, &ids(&mut reports())).await?;
        let of_ways = ids(&mut reports().filter(|report| links::concerns_ways(report.by, &report.seen)));
        let mut ways = ways::load_of_each(tx, &of_ways).await?;
        let known = rows.into_iter().map(|row| {
            let ways = ways.remove(&row.id).unwrap_or_default();
            let known =
                Known { account: row.account_id, state: row.state, ways, dirty: false, ways_dirty: false };
            (row.id, known)
        });
        let first = reports().map(|report| report.received_at).min().unwrap_or(Time(0));
        let telling = ids(&mut reports().filter(|report| report.seen.may_tell_of_a_command()));
        let ordered = commands::ordered(tx, &telling, first).await?;
        let known: HashMap<DeviceId, Known> = known.collect();
        let has_names =
            |report: &&Report| known.get(&report.device).is_some_and(|known| known.state.has_names);
        let names = Names::load(tx, reports().filter(has_names)).await?;
        let history = history::Changes::new();
        Ok(Self { known, ordered, entries: Vec::new(), history, names })
    }

    pub(super) fn known_mut(&mut self, device: DeviceId) -> Option<&mut Known> {
        self.known.get_mut(&device)
    }

    /// Writes the entries so far, for whoever looks for them in the log.
    pub(super) async fn flush(&mut self, tx: &mut Tx) -> Result<()> {
        activity::note_all(tx, &std::mem::take(&mut self.entries)).await?;
        Ok(())
    }

    /// A way that turned out to speak for another device is not believed.
    fn believes(&self, device: DeviceId, by: Connector) -> bool {
        let way = self.known.get(&device).and_then(|known| known.ways.iter().find(|way| way.connector == by));
        way.is_none_or(|way| way.speaks_for.is_none())
    }

    /// Notes what an observation changed in a device's history.
    fn picture(&mut self, device: DeviceId, before: &StateRow, seen: &Observation, at: Time) {
        let Some(known) = self.known.get_mut(&device) else {
            return;
        };
        pictured::follow(&mut known.state, before, seen);
        let (was, is) = (before.pictured, known.state.pictured);
        if was != is {
            let between = (Pictured::read(was), Pictured::read(is));
            history::note(&mut self.history, device, between, at);
        }
        known.dirty |= known.state != *before;
    }

    /// Whether the way is still there by which this came.
    pub(super) fn has_way(&self, report: &Report) -> bool {
        let known = self.known.get(&report.device);
        known.is_some_and(|known| known.ways.iter().any(|way| way.connector == report.by))
    }

    /// The way by which this came does not reach the device any more.
    pub(super) fn lost(&mut self, report: &Report) {
        let Some(known) = self.known.get_mut(&report.device) else {
            return;
        };
        let before = known.state.clone();
        links::lost(&mut known.state, report.by, report.received_at);
        self.picture(report.device, &before, &report.seen, report.received_at);
    }

    pub(super) fn changed(&self, tx: &mut Tx, device: DeviceId) {
        if let Some(known) = self.known.get(&device) {
            tx.emit(Event::DeviceChanged { account: known.account, device });
        }
    }

    async fn store(mut self, tx: &mut Tx) -> Result<()> {
        self.flush(tx).await?;
        let mut known: Vec<(DeviceId, Known)> = std::mem::take(&mut self.known).into_iter().collect();
        // One order for everybody, so that two writers never wait for each other's rows.
        known.sort_unstable_by_key(|(device, _)| *device);
        for (_, known) in known.iter().filter(|(_, known)| known.ways_dirty) {
            for way in &known.ways {
                ways::store(tx, way).await?;
            }
        }
        let mut dirty = Vec::with_capacity(known.len());
        for (device, known) in known {
            if known.dirty || known.ways_dirty {
                tx.emit(Event::DeviceChanged { account: known.account, device });
                dirty.push((device, known.state));
            }
        }
        sql::write_states(tx, &dirty).await?;
        history::insert(tx, self.history).await?;
        Ok(())
    }
}

/// Whether this very delivery was recorded before, now or in an earlier batch. Without a sign of repetition nothing is
/// looked for: the protocol promises something new then, however alike it is.
async fn recorded(
    tx: &mut Tx,
    entries: &[(ActivityId, NewEntry)],
    known: &Known,
    report: &Report,
) -> Result<bool> {
    let since = repeats::since(&known.state, &report.delivery, report.received_at);
    let (Some(since), Some(mark)) = (since, report.delivery.mark()) else {
        return Ok(false);
    };
    let earlier = activity::last_deliveries(tx, known.account, report.device).await?;
    let here = entries.iter().rev().filter(|(_, entry)| entry.device == report.device);
    let here = here.map(|(_, entry)| (entry.delivered_by.as_deref(), entry.received_at));
    let earlier = earlier.iter().map(|(delivery, at)| (delivery.as_deref(), *at));
    let newest_first = here.chain(earlier).filter_map(|(delivery, at)| Some((delivery?, at)));
    Ok(repeats::is_last(newest_first, &mark, since))
}

/// Gives the device's own time to the entry it belongs to, and marks the entry if that clock is wrong.
async fn tell_time(
    tx: &mut Tx,
    entries: &mut [(ActivityId, NewEntry)],
    state: &mut StateRow,
    time: Time,
    now: Time,
) -> Result<()> {
    let Some(id) = state.untimed_entry.take().map(ActivityId) else {
        return Ok(());
    };
    if state.last_event_at.is_none_or(|at| now.0 - at.0 > SAME_UPDATE_MS) {
        return Ok(());
    }
    let marks = if (time.0 - now.0).abs() > CLOCK_TOLERANCE_MS { CLOCK_IS_WRONG } else { 0 };
    if let Some((_, entry)) = entries.iter_mut().find(|(entry, _)| *entry == id) {
        entry.device_at = Some(time);
        entry.marks = marks;
        return Ok(());
    }
    activity::tell_time(tx, id, time, marks).await
}
