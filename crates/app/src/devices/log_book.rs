//! The lock's own log, as a hub reads it out. Each of its entries is one entry of ours: of an action that was told of
//! already it adds what only the lock knows (the name, the outcome), and nothing is taken twice.

use std::time::Duration;

use super::record::Batch;
use super::sql::StateRow;
use super::{LockState, Trigger};
use crate::App;
use crate::activity::{self, CLOCK_IS_WRONG, Completion, Found, Happening, NewEntry, Origin};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AccountId, ActivityId, DeviceId};
use crate::ways;

/// Between what a lock writes into its log and what it tells of the same action lies the way of the bolt.
const SAME_ACTION: Duration = Duration::from_secs(30);
/// A hub asks a lock for its state at least so often (Nuki Hub 9, default interval 30 min), so what it found may be this old.
const FOUND_LATE: Duration = Duration::from_mins(35);

/// An entry of the lock's log (BLE API log entries, as Nuki Hub publishes them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Counts up; begins anew when the lock is reset.
    pub index: u32,
    /// By the lock's clock, read as UTC.
    pub at: Time,
    pub name: Option<String>,
    pub auth_id: Option<u32>,
    pub code_id: Option<u32>,
    pub happening: Happening,
    pub origin: Origin,
    pub trigger: Option<Trigger>,
    pub result: Completion,
}

impl App {
    /// Takes over what is new in a piece of the lock's log.
    pub(super) async fn take_log(
        &self,
        tx: &mut Tx,
        work: &mut Batch,
        device: DeviceId,
        (records, received_at): (&[LogRecord], Time),
    ) -> Result<()> {
        // What this batch told of before is looked for among what is written.
        work.flush(tx).await?;
        let name = |record: &LogRecord| work.names.of_record(device, record);
        let mut sorted: Vec<LogRecord> =
            records.iter().map(|record| LogRecord { name: name(record), ..record.clone() }).collect();
        sorted.sort_by_key(|record| (record.at, record.index));
        let Some(known) = work.known_mut(device) else {
            return Ok(());
        };
        let account = known.account;
        let zone = ways::zone_minutes(tx, device).await?.clamp(-1_440, 1_440) * 60_000;
        for record in &sorted {
            if let Some(id) = activity::find_logged(tx, device, record.index, record.at).await? {
                if let Some(name) = &record.name {
                    activity::name(tx, id, name).await?;
                }
                continue;
            }
            let readings = readings(&known.state, record, (zone, received_at));
            let shift = self.take_record(tx, (account, device), record, (readings, received_at)).await?;
            if known.state.log_shift != Some(shift) {
                known.state.log_shift = Some(shift);
                known.dirty = true;
            }
            if known.state.log_at.is_none_or(|last| last <= record.at) {
                known.state.log_at = Some(record.at);
                known.state.log_index = Some(i64::from(record.index));
                known.dirty = true;
            }
        }
        Ok(())
    }

    /// Returns how far the log's times are from UTC, as this entry shows it.
    async fn take_record(
        &self,
        tx: &mut Tx,
        (account, device): (AccountId, DeviceId),
        record: &LogRecord,
        (readings, received_at): (Vec<Reading>, Time),
    ) -> Result<i64> {
        for reading in &readings {
            let around = (reading.at.minus(SAME_ACTION), reading.at.plus(FOUND_LATE));
            let candidates = activity::find_unlogged(tx, (account, device), around).await?;
            if let Some(same) = best(&candidates, record, reading.at) {
                activity::add_log(tx, same, record, reading.at).await?;
                return Ok(reading.shift);
            }
        }
        let Some(first) = readings.first() else { return Ok(0) };
        let mut entry = NewEntry::at(account, device, first.at, record.happening, record.origin);
        entry.received_at = received_at;
        entry.device_at = Some(Time(record.at.0.saturating_sub(first.shift)));
        entry.marks = if first.clock_is_wrong { CLOCK_IS_WRONG } else { 0 };
        entry.trigger = record.trigger;
        entry.result = Some(record.result);
        (entry.auth_id, entry.code_id) = (record.auth_id, record.code_id);
        entry.name.clone_from(&record.name);
        entry.log = Some((record.index, record.at));
        activity::note(tx, ActivityId(self.growing_id()), entry).await?;
        Ok(first.shift)
    }
}

/// A way to understand the time in a log: as UTC, or as the lock's local time. Which of the two locks write is unconfirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    shift: i64,
    at: Time,
    clock_is_wrong: bool,
}

/// The readings that are possible, the likelier first: what was right before, and nothing that lies ahead.
fn readings(state: &StateRow, record: &LogRecord, (zone, received_at): (i64, Time)) -> Vec<Reading> {
    let off = state.clock_offset_ms.unwrap_or(0);
    let clock_is_wrong = off.abs() > super::record::CLOCK_TOLERANCE_MS;
    let mut shifts = vec![0, zone];
    if clock_is_wrong {
        // Nothing shows whether a clock that is far off tells UTC or local time, so it may be off by a zone more or less.
        shifts.extend([-zone, 2 * zone]);
    }
    // Local time stays local time when the clocks change.
    let likely = |shift: i64| match shifts.contains(&shift) {
        true => shift,
        false if shift.signum() == zone.signum() => zone,
        false => 0,
    };
    let known = state.log_shift.map(likely);
    shifts.splice(0..0, known);
    let read = |shift: i64| {
        let by_the_lock = record.at.0.saturating_sub(shift);
        let at = Time(if clock_is_wrong { by_the_lock.saturating_sub(off) } else { by_the_lock });
        Reading { shift, at, clock_is_wrong }
    };
    let all: Vec<Reading> = shifts.into_iter().map(read).collect();
    let ahead = |reading: &Reading| reading.at.0 - received_at.0 > super::record::CLOCK_TOLERANCE_MS;
    let mut possible: Vec<Reading> = all.iter().copied().filter(|reading| !ahead(reading)).collect();
    if possible.is_empty() {
        possible.extend(all.first().copied());
    }
    for reading in &mut possible {
        // It cannot have happened after we heard of it.
        reading.at = reading.at.min(received_at);
    }
    possible
}

/// The entry that tells of the same action, the nearest in time.
fn best<'c>(candidates: &'c [Found], record: &LogRecord, at: Time) -> Option<&'c Found> {
    let same = candidates.iter().filter(|found| is_same(found, record, at));
    same.min_by_key(|found| found.at.0.abs_diff(at.0))
}

fn is_same(found: &Found, record: &LogRecord, at: Time) -> bool {
    let near = found.at.0.abs_diff(at.0) <= u64::try_from(SAME_ACTION.as_millis()).unwrap_or(u64::MAX);
    let found_later = found.was_found && found.at >= at;
    let other_code = matches!((found.code_id, record.code_id), (Some(a), Some(b)) if a != b);
    let same_code = found.code_id.is_some() && found.code_id == record.code_id;
    let other_auth = !same_code && matches!((found.auth_id, record.auth_id), (Some(a), Some(b)) if a != b);
    (near || found_later) && !other_code && !other_auth && is_same_action(found, record)
}

fn is_same_action(found: &Found, record: &LogRecord) -> bool {
    if found.happening == record.happening {
        return true;
    }
    // It was seen only where the bolt came to rest.
    let rest = match found.happening {
        Happening::TurnedToLocked => LockState::Locked,
        Happening::TurnedToUnlocked => LockState::Unlocked,
        Happening::Lock if found.was_found => LockState::Locked,
        Happening::Unlock if found.was_found => LockState::Unlocked,
        Happening::Unlatch if found.was_found => LockState::Unlatched,
        _ => return false,
    };
    record.happening.passes(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(happening: Happening, seconds: i64, was_found: bool) -> Found {
        Found { id: ActivityId(1), at: at(seconds), happening, was_found, auth_id: None, code_id: None }
    }

    fn at(seconds: i64) -> Time {
        Time(seconds * 1_000)
    }

    fn record(happening: Happening) -> LogRecord {
        LogRecord {
            index: 1,
            at: at(0),
            name: Some("Anna".to_owned()),
            auth_id: Some(7),
            code_id: None,
            happening,
            origin: Origin::App,
            trigger: Some(Trigger::System),
            result: Completion::Success,
        }
    }

    #[test]
    fn the_nearest_entry_of_the_same_action_is_the_same() {
        let candidates = [found(Happening::Unlock, -20, false), found(Happening::Unlock, 4, false)];
        assert_eq!(best(&candidates, &record(Happening::Unlock), at(0)), Some(&candidates[1]));
        assert_eq!(best(&candidates, &record(Happening::Lock), at(0)), None);
        assert_eq!(best(&[found(Happening::Unlock, 31, false)], &record(Happening::Unlock), at(0)), None);
    }

    #[test]
    fn another_code_or_person_is_another_action() {
        let mut other = found(Happening::Unlock, 0, false);
        other.auth_id = Some(8);
        assert_eq!(best(&[other], &record(Happening::Unlock), at(0)), None);
        let mut by_code = record(Happening::Unlock);
        by_code.code_id = Some(8_193);
        let mut same_code = found(Happening::Unlock, 0, false);
        (same_code.auth_id, same_code.code_id) = (Some(195_249), Some(8_193));
        assert!(is_same(&same_code, &by_code, at(0)), "the keypad's own number differs from the person's");
        same_code.code_id = Some(8_194);
        assert!(!is_same(&same_code, &by_code, at(0)));
    }

    #[test]
    fn what_was_found_half_an_hour_later_is_what_the_log_tells_of() {
        let late = found(Happening::Lock, 1_500, true);
        assert!(is_same(&late, &record(Happening::Lock), at(0)));
        assert!(is_same(&late, &record(Happening::LockNGo), at(0)), "it was seen only where it ended");
        assert!(!is_same(&late, &record(Happening::Unlatch), at(0)));
        assert!(!is_same(&found(Happening::Lock, 1_500, false), &record(Happening::Lock), at(0)));
    }

    #[test]
    fn a_log_in_local_time_or_by_a_wrong_clock_is_put_right() {
        const HOUR: i64 = 3_600_000;
        let told = |seconds| LogRecord { at: at(seconds), ..record(Happening::Lock) };
        let read = |state: &StateRow, seconds, zone, heard| {
            let all = readings(state, &told(seconds), (zone, at(heard)));
            all.iter().map(|reading| (reading.at.0 / 1_000, reading.clock_is_wrong)).collect::<Vec<_>>()
        };
        let fresh = StateRow::default();
        assert_eq!(
            read(&fresh, 7_200, HOUR, 7_210),
            [(7_200, false), (3_600, false)],
            "UTC unless it shows otherwise"
        );
        assert_eq!(read(&fresh, 7_200, HOUR, 3_610), [(3_600, false)], "as UTC it would lie ahead");
        assert_eq!(read(&fresh, 7_200, -HOUR, 7_210), [(7_200, false)], "as local time it would lie ahead");
        let learnt = StateRow { log_shift: Some(-HOUR), ..StateRow::default() };
        assert_eq!(read(&learnt, 3_600, -HOUR, 99_999)[0], (7_200, false), "what was right before");
        let put_right = StateRow { log_shift: Some(HOUR), ..StateRow::default() };
        assert_eq!(
            read(&put_right, 3_600, -HOUR, 99_999)[0],
            (3_600, false),
            "what cannot be right any more"
        );
        let summer = StateRow { log_shift: Some(-5 * HOUR), ..StateRow::default() };
        assert_eq!(read(&summer, 0, -4 * HOUR, 99_999)[0], (14_400, false), "the clocks were changed");
        let wrong = StateRow { clock_offset_ms: Some(HOUR), ..StateRow::default() };
        assert_eq!(read(&wrong, 7_200, 0, 9_999)[0], (3_600, true));
        assert_eq!(read(&fresh, 7_200, 0, 10), [(10, false)], "not after it was heard of");
    }
}
