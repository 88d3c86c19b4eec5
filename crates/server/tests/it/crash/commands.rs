//! Orders without pause, and what of them came to the locks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lockwarden_app::clock::{Clock, Time};
use lockwarden_app::db::Tx;
use lockwarden_simulator::{Fleet, Received};
use tokio_util::sync::CancellationToken;

use crate::kit::order_with;

/// In turn, so that neighbours can be told apart: unlock, lock, unlatch, lock 'n' go, the same with unlatch.
pub(super) const ACTIONS: &[u8] = &[1, 2, 3, 4, 5];
/// From the server's clock to the lock's task, on a machine that is busy.
const TRANSPORT_MS: i64 = 1_000;

/// What the API said of the orders for one lock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ordered {
    /// 204.
    taken: i64,
    /// No answer: the server died before it could say.
    perhaps: i64,
}

pub(super) type Orders = Mutex<BTreeMap<u32, Ordered>>;

pub(super) async fn operate(
    (http, token): (SocketAddr, String),
    (device_type, nuki_id): (u8, u32),
    actions: &'static [u8],
    orders: Arc<Orders>,
    stop: CancellationToken,
) {
    let smartlock = u64::from(device_type) << 32 | u64::from(nuki_id);
    let path = format!("/api/smartlock/{smartlock}/action");
    let mut turn = 0;
    while !stop.is_cancelled() {
        turn += 1;
        let body = format!("{{\"action\":{}}}", actions[turn % actions.len()]);
        // Each is an order of its own: without a key an opening that was asked for already is the same.
        let key = format!("{nuki_id:X}-{turn}");
        let answer = order_with(http, &path, &token, (&key, &body)).await;
        {
            let mut orders = orders.lock().unwrap();
            let ordered = orders.entry(nuki_id).or_default();
            match answer {
                Ok((204, _)) => ordered.taken += 1,
                // The head of an answer without its end is no answer.
                Ok((0, _)) => ordered.perhaps += 1,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {}
                Err(_) => ordered.perhaps += 1,
            }
        }
        let _ = tokio::time::timeout(Duration::from_millis(10), stop.cancelled()).await;
    }
}

/// Every command that ever came to a lock, in order. A lock remembers only the last ones, so this looks often.
pub(super) struct Arrivals {
    by_lock: BTreeMap<u32, Vec<Received>>,
    /// The same moment on both clocks.
    since: (Instant, Time),
}

impl Arrivals {
    pub(super) fn new() -> Self {
        Self { by_lock: BTreeMap::new(), since: (Instant::now(), Clock::System.now()) }
    }

    pub(super) fn look(&mut self, fleet: &Fleet) {
        for lock in fleet.locks() {
            let known = self.by_lock.entry(lock.nuki_id).or_default();
            let seen = lock.seen();
            let last = known.last().map_or(0, |command| command.number);
            known.extend(seen.commands.into_iter().filter(|command| command.number > last));
            assert_eq!(known.len() as u64, seen.received, "looked too seldom");
        }
    }

    pub(super) fn count(&self) -> usize {
        self.by_lock.values().map(Vec::len).sum()
    }

    fn time(&self, at: Instant) -> i64 {
        self.since.1.0 + i64::try_from(at.duration_since(self.since.0).as_millis()).unwrap()
    }
}

/// A row of the table of commands.
struct Row {
    id: i64,
    action: i64,
    deadline: i64,
    /// None also if the server took it and then says that no byte of it left.
    sent_at: Option<i64>,
}

/// Every command at a lock is one that was ordered for it, sent, and not late; none is there twice, and they are in
/// order. How many were sent and never arrived.
pub(super) async fn check(tx: &mut Tx, arrivals: &Arrivals, orders: &Orders) -> usize {
    let mut lost = 0;
    for (nuki_id, received) in &arrivals.by_lock {
        assert!(
            received.iter().all(|command| !command.retain && !command.dup),
            "lock {nuki_id:X}: {received:?}"
        );
        let ordered = orders.lock().unwrap().get(nuki_id).copied().unwrap_or_default();
        let arrived = received.iter().map(|command| (arrivals.time(command.at), command.payload.clone()));
        lost += unmatched(tx, (*nuki_id, ordered), &arrived.collect::<Vec<_>>(), TRANSPORT_MS).await;
    }
    lost
}

/// Finds for everything that came to a lock, when and what, a sent row of its own behind that of what came before it and
/// not later than its deadline and `patience_ms`. How many rows are left over.
pub(super) async fn unmatched(
    tx: &mut Tx,
    (nuki_id, ordered): (u32, Ordered),
    arrivals: &[(i64, String)],
    patience_ms: i64,
) -> usize {
    let rows = rows_of(tx, nuki_id).await;
    let written = i64::try_from(rows.len()).unwrap();
    assert!(
        (ordered.taken..=ordered.taken + ordered.perhaps).contains(&written),
        "lock {nuki_id:X}: {written} commands in the table, {ordered:?}"
    );
    let mut sent = rows.iter().filter_map(|row| Some((row, row.sent_at?)));
    let all = sent.clone().count();
    for (at, action) in arrivals {
        let is_in_time =
            |row: &Row, sent_at: i64| at + TRANSPORT_MS >= sent_at && *at <= row.deadline + patience_ms;
        let found =
            sent.find(|(row, sent_at)| row.action.to_string() == *action && is_in_time(row, *sent_at));
        assert!(
            found.is_some(),
            "lock {nuki_id:X} got at {at} what was not sent for it, or not again, or not so late: {action}; \
             the last row is {:?}",
            rows.last().map(|row| row.id)
        );
    }
    all - arrivals.len()
}

async fn rows_of(tx: &mut Tx, nuki_id: u32) -> Vec<Row> {
    let rows = tx
        .query(
            "select c.id, c.action, c.deadline, case when c.state = 'expired' \
             or c.state = 'failed' and c.error_code is null then null else c.sent_at end \
             from commands c join devices d on d.id = c.device_id where d.nuki_id = $1 order by c.id",
        )
        .bind(i64::from(nuki_id))
        .all::<(i64, i64, i64, Option<i64>)>()
        .await
        .unwrap();
    rows.into_iter().map(|(id, action, deadline, sent_at)| Row { id, action, deadline, sent_at }).collect()
}
