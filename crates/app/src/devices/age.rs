//! When what is told was said: some of it is left over from before, by the device's own clock or by that of whoever heard it.

use super::apply::here_since;
use super::record::CLOCK_TOLERANCE_MS;
use super::report::Observation;
use super::sql::StateRow;
use crate::clock::Time;

/// Whether a snapshot is older than one that is known already: it was left over somewhere, as is the same one again after
/// the way came back. An hour back to the minute is the end of summer time, and a day or more a clock that was set.
pub(super) fn is_old(state: &mut StateRow, clock: Option<Time>) -> bool {
    const HOUR_MS: i64 = 3_600_000;
    let (Some(clock), Some(last)) = (clock, state.snapshot_at) else {
        state.snapshot_at = clock.or(state.snapshot_at);
        return false;
    };
    let back = last.0.saturating_sub(clock.0);
    let summer_time = (back - HOUR_MS).abs() < CLOCK_TOLERANCE_MS;
    let is_repeated = back == 0 && state.state_said_at < here_since(state);
    if is_repeated || back > 0 && back < 24 * HOUR_MS && !summer_time {
        return true;
    }
    state.snapshot_at = Some(clock);
    false
}

/// Whether what a way repeats is older than what was said since, by another one, and is something else. A clock that was
/// set back makes nothing old.
pub(super) fn is_outdated(row: &StateRow, seen: &[Observation], at: Time) -> bool {
    let heard = seen.iter().find_map(|one| match one {
        Observation::Because { state, heard_at: Some(heard_at), .. } => Some((state.stored(), *heard_at)),
        _ => None,
    });
    let Some((state, heard_at)) = heard else { return false };
    let door = seen.iter().find_map(|one| match one {
        Observation::Door(door) => Some(door.stored()),
        _ => None,
    });
    let said_since = |said: Option<Time>| said.is_some_and(|said| heard_at < said && said <= at);
    let is_other = |told: Option<i64>, known: Option<i64>| told.zip(known).is_some_and(|(a, b)| a != b);
    is_other(Some(state), row.state) && said_since(row.state_said_at)
        || is_other(door, row.door_state) && said_since(row.door_changed_at)
}

/// The lock's clock in UTC. Whether a lock tells UTC or its local time is unconfirmed, so what fits better is taken.
pub(super) fn clock_of(clock: Time, zone_minutes: i64, now: Time) -> Time {
    let shift = zone_minutes.clamp(-1_440, 1_440) * 60_000;
    let as_local = Time(clock.0.saturating_sub(shift));
    let is_local = as_local.0.abs_diff(now.0) < clock.0.abs_diff(now.0);
    if is_local { as_local } else { clock }
}
