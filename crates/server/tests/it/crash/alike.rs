//! Locks that say the same thing again and again, as a door that locks itself does: only what delivers it tells one
//! from the other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lockwarden_app::db::Db;
use lockwarden_simulator::LockSpec;
use rand::RngExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::crash::{Goal, chance, events, pause};
use crate::kit::{Site, within};

const LOCKS: u32 = 4;
const WINDOW: usize = 8;
const EVENT: &[u8] = b"2,6,0,0,0";

/// What each lock was acknowledged.
type Acknowledged = Mutex<BTreeMap<u32, u64>>;

struct Lock {
    mqtt: SocketAddr,
    spec: LockSpec,
    /// Not acknowledged yet, in the order they were sent.
    open: Vec<u16>,
    next: u16,
}

impl Lock {
    async fn run(mut self, ledger: Arc<Acknowledged>, count: Arc<AtomicU64>, stop: CancellationToken) {
        let nuki_id = self.spec.nuki_id;
        while !(stop.is_cancelled() && self.open.is_empty()) {
            let acknowledged = || {
                *ledger.lock().unwrap().entry(nuki_id).or_default() += 1;
                count.fetch_add(1, Ordering::Relaxed);
            };
            if self.connection(acknowledged, &stop).await.is_none() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Repeats what is open with its id and the flag (MQTT 3.1.1, 4.4), then goes on with ids that are free.
    async fn connection(&mut self, acknowledged: impl Fn(), stop: &CancellationToken) -> Option<()> {
        let mut stream = TcpStream::connect(self.mqtt).await.ok()?;
        let spec = &self.spec;
        let bytes = events::connect(spec.nuki_id, (&spec.username, &spec.password), true);
        stream.write_all(&bytes).await.ok()?;
        events::read(&mut stream, &mut [0; 4]).await?;
        for packet in self.open.clone() {
            stream.write_all(&self.publish(packet, true)).await.ok()?;
        }
        loop {
            while self.open.len() < WINDOW && !stop.is_cancelled() {
                self.next = self.next.checked_add(1).unwrap_or(1);
                if !self.open.contains(&self.next) {
                    // Open before it is on its way: a broken line does not tell how much of it arrived.
                    self.open.push(self.next);
                    stream.write_all(&self.publish(self.next, false)).await.ok()?;
                }
            }
            if self.open.is_empty() {
                return Some(());
            }
            let mut ack = [0; 4];
            events::read(&mut stream, &mut ack).await?;
            let packet = u16::from_be_bytes([ack[2], ack[3]]);
            let place = self.open.iter().position(|open| *open == packet);
            assert!(ack[0] == 0x40 && place.is_some(), "acknowledged what was not open: {ack:?}");
            self.open.remove(place.unwrap());
            acknowledged();
        }
    }

    fn publish(&self, packet: u16, dup: bool) -> Vec<u8> {
        events::publish(self.spec.nuki_id, (packet, 1, dup), EVENT)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_are_all_alike_are_as_many_in_the_log_as_were_acknowledged() {
    let (goal, mut rng, mut site) = (Goal::chosen(), chance(), Site::serving().await);
    let (ledger, count, stop) =
        (Arc::new(Acknowledged::default()), Arc::new(AtomicU64::new(0)), CancellationToken::new());
    let mut load = JoinSet::new();
    for number in 0..LOCKS {
        let spec = site.lock(&format!("Door {number}"), 0xD000 + number);
        let lock = Lock { mqtt: site.mqtt, spec, open: Vec::new(), next: 0 };
        load.spawn(lock.run(Arc::clone(&ledger), Arc::clone(&count), stop.clone()));
    }
    for _ in 0..goal.kills {
        pause(rng.random_range(50..700)).await;
        site.kill();
        site.serve().await;
    }
    pause(500).await;
    stop.cancel();
    within(120, async { while load.join_next().await.is_some() {} }).await;
    site.kill();

    let db = Db::open(&site.database.url).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let counts = tx
        .query(
            "select d.nuki_id, count(*) from activity e join devices d on d.id = e.device_id \
             where e.device_trigger = 6 group by d.nuki_id",
        )
        .all::<(i64, i64)>()
        .await
        .unwrap();
    let entries: BTreeMap<u32, u64> = counts
        .into_iter()
        .map(|(nuki_id, count)| (u32::try_from(nuki_id).unwrap(), u64::try_from(count).unwrap()))
        .collect();
    let acknowledged = ledger.lock().unwrap().clone();
    assert_eq!(entries, acknowledged, "entries, and what was acknowledged");
    assert!(count.load(Ordering::Relaxed) > 100, "there was no load: {acknowledged:?}");
}
