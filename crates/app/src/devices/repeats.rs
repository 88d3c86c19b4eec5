//! Which deliveries may still come again. Pure. A client repeats what it has not seen acknowledged, first thing on its
//! next connection (MQTT 3.1.1, 4.4). Its packet ids say little by themselves: a lock that rebooted begins at 1 again.

use std::time::Duration;

use super::report::{Delivery, Repetition};
use super::sql::StateRow;
use crate::clock::Time;

/// A connection that lived this long has repeated what it had to.
const SETTLED: Duration = Duration::from_mins(1);
/// What was acknowledged this long before a connection was last heard of has arrived: the gateway ends a connection that
/// does not take what is sent to it within fifteen seconds.
const UNDER_WAY: Duration = Duration::from_secs(30);
/// What is not flagged as a repetition is taken for one only of something this new.
const RECENT: Duration = Duration::from_mins(1);
/// Reports remembered; a lock has a handful under way.
const MOST: usize = 32;

/// Packet id and digest: what the same delivery brings again.
pub(super) type Mark = [u8; 10];
/// A mark and when it came.
const RECORD: usize = 18;

/// A new connection: what the one before settled cannot come again. `heard`: when that was last heard of.
pub(super) fn connected(row: &mut StateRow, heard: Option<Time>, at: Time) {
    if let (Some(began), Some(heard)) = (row.connected_at, heard)
        && heard.since(began) > SETTLED
    {
        row.repeats_from = Some(heard.minus(UNDER_WAY));
    }
    // A moment ahead is one of a clock that was set back since: nothing would be looked for.
    row.repeats_from = row.repeats_from.filter(|from| *from <= at);
    row.connected_at = Some(at);
}

/// From when on the original of this delivery would be; nothing if it is certainly no repetition.
pub(super) fn since(row: &StateRow, delivery: &Delivery, at: Time) -> Option<Time> {
    let earliest = row.repeats_from.unwrap_or(Time(i64::MIN));
    match delivery.repetition() {
        Repetition::No => None,
        Repetition::Said => Some(earliest),
        Repetition::Possible => Some(earliest.max(at.minus(RECENT))),
    }
}

/// Whether `mark` is the newest of these deliveries with its packet id, and not older than `since`. An id that was used
/// again meanwhile was free, so what it had delivered before was acknowledged.
pub(super) fn is_last<'m>(
    mut newest_first: impl Iterator<Item = (&'m [u8], Time)>,
    mark: &Mark,
    since: Time,
) -> bool {
    newest_first
        .find(|(other, _)| other.get(..2) == mark.get(..2))
        .is_some_and(|(other, at)| other == mark && at >= since)
}

/// Remembers a report that is no entry of the log. False if it was remembered already: it is a repetition. Here only the
/// device's own word for it counts: a state taken for an old one would be wrong until the next, and one told twice is not.
pub(super) fn is_new(row: &mut StateRow, delivery: &Delivery, at: Time) -> bool {
    let Some(mark) = delivery.mark() else {
        return true;
    };
    let known = row.deliveries.as_deref().unwrap_or_default();
    if delivery.repetition() == Repetition::Said
        && let Some(since) = since(row, delivery, at)
        && is_last(known.rchunks_exact(RECORD).filter_map(read), &mark, since)
    {
        return false;
    }
    let first = known.len().saturating_sub((MOST - 1) * RECORD);
    let mut kept = known.get(first..).unwrap_or_default().to_vec();
    kept.extend(mark);
    kept.extend(at.0.to_be_bytes());
    row.deliveries = Some(kept);
    true
}

fn read(record: &[u8]) -> Option<(&[u8], Time)> {
    let (mark, at) = record.split_at_checked(10)?;
    Some((mark, Time(i64::from_be_bytes(at.try_into().ok()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(packet: u16, digest: u64, repetition: Repetition) -> Delivery {
        Delivery::AtLeastOnce { packet, digest, repetition }
    }

    fn at(seconds: i64) -> Time {
        Time(seconds * 1_000)
    }

    #[test]
    fn a_flagged_repetition_of_something_remembered_is_not_new() {
        let mut row = StateRow::default();
        for (packet, digest) in [(1, 10), (2, 20)] {
            assert!(is_new(&mut row, &delivery(packet, digest, Repetition::No), at(0)));
        }
        for (packet, digest) in [(1, 10), (2, 20)] {
            assert!(!is_new(&mut row, &delivery(packet, digest, Repetition::Said), at(1)));
        }
        assert!(is_new(&mut row, &delivery(3, 10, Repetition::Said), at(1)), "another delivery of the same");
    }

    #[test]
    fn a_state_that_may_be_a_repetition_and_does_not_say_so_is_believed() {
        let mut row = StateRow::default();
        for _ in 0..2 {
            assert!(is_new(&mut row, &delivery(1, 10, Repetition::Possible), at(0)));
        }
    }

    #[test]
    fn an_id_that_was_used_again_cannot_bring_what_it_brought_before() {
        let mut row = StateRow::default();
        for digest in [10, 20] {
            assert!(is_new(&mut row, &delivery(1, digest, Repetition::No), at(0)));
        }
        assert!(is_new(&mut row, &delivery(1, 10, Repetition::Said), at(1)));
    }

    #[test]
    fn what_a_long_connection_settled_does_not_come_again() {
        let mut row = StateRow::default();
        connected(&mut row, None, at(0));
        assert!(is_new(&mut row, &delivery(1, 10, Repetition::No), at(10)));
        connected(&mut row, Some(at(3_600)), at(3_700));
        assert!(is_new(&mut row, &delivery(1, 10, Repetition::Said), at(3_701)));
    }

    #[test]
    fn what_was_under_way_when_a_connection_broke_is_remembered_through_any_number_of_short_ones() {
        let mut row = StateRow::default();
        connected(&mut row, None, at(0));
        assert!(is_new(&mut row, &delivery(1, 10, Repetition::No), at(3_590)));
        for second in 3_600..3_650 {
            connected(&mut row, Some(at(3_590)), at(second));
            assert!(!is_new(&mut row, &delivery(1, 10, Repetition::Said), at(second)));
        }
    }

    #[test]
    fn memory_is_bounded_and_keeps_the_newest() {
        let mut row = StateRow::default();
        for packet in 1..=1_000 {
            assert!(is_new(&mut row, &delivery(packet, 10, Repetition::No), at(0)));
        }
        assert_eq!(row.deliveries.as_ref().map(Vec::len), Some(MOST * RECORD));
        assert!(!is_new(&mut row, &delivery(1_000, 10, Repetition::Said), at(0)));
        assert!(is_new(&mut row, &delivery(900, 10, Repetition::Said), at(0)));
    }
}
