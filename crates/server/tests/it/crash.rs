//! `kill -9` at random moments under load: every acknowledged event is in the log exactly once, and no command reaches a
//! lock twice or after its deadline. Short here; `KILLS=1000` gives the evidence of `docs/reliability.md`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockwarden_app::db::Db;
use lockwarden_simulator::{Fleet, LockSpec, Options};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::kit::{Site, call, within};

const PUBLISHERS: u32 = 6;
const WINDOW: u32 = 16;
const LOCKS: u32 = 3;

/// Numbers of events that the server acknowledged, per lock.
type Ledger = Mutex<BTreeMap<u32, u32>>;

/// Publishes numbered events one window after the other. What is not acknowledged when the connection dies is repeated
/// on the next one with the same id and the DUP flag, before anything new (MQTT 3.1.1, 4.4).
struct Publisher {
    mqtt: SocketAddr,
    username: String,
    password: String,
    nuki_id: u32,
    next: u32,
    /// Packet id to number, and whether a QoS 2 delivery has come as far as PUBREC.
    open: BTreeMap<u16, (u32, bool)>,
}

impl Publisher {
    async fn run(mut self, ledger: Arc<Ledger>, stop: CancellationToken) {
        let mut first_try = true;
        loop {
            if self.open.is_empty() {
                if stop.is_cancelled() {
                    return;
                }
                for number in self.next..self.next + WINDOW {
                    self.open.insert(u16::try_from(number % 60_000 + 1).unwrap(), (number, false));
                }
                self.next += WINDOW;
                first_try = true;
            }
            if self.connection(first_try).await.is_some() {
                let last = self.next - 1;
                ledger.lock().unwrap().insert(self.nuki_id, last);
            } else {
                tokio::task::yield_now().await;
            }
            first_try = false;
        }
    }

    /// One connection's worth: as many windows as it lives. None once it is dead.
    async fn connection(&mut self, first_try: bool) -> Option<()> {
        let mut stream = TcpStream::connect(self.mqtt).await.ok()?;
        stream.write_all(&self.connect()).await.ok()?;
        let mut answer = [0; 4];
        read(&mut stream, &mut answer).await?;
        self.window(&mut stream, !first_try).await
    }

    async fn window(&mut self, stream: &mut TcpStream, dup: bool) -> Option<()> {
        for (packet, (number, received)) in &self.open {
            let bytes = if *received {
                [vec![0x62, 2], packet.to_be_bytes().to_vec()].concat()
            } else {
                self.publish(*packet, *number, dup)
            };
            stream.write_all(&bytes).await.ok()?;
        }
        while !self.open.is_empty() {
            let mut ack = [0; 4];
            read(stream, &mut ack).await?;
            let packet = u16::from_be_bytes([ack[2], ack[3]]);
            match ack[0] {
                0x40 | 0x70 => drop(self.open.remove(&packet)),
                0x50 => {
                    if let Some(open) = self.open.get_mut(&packet) {
                        open.1 = true;
                    }
                    stream.write_all(&[0x62, 2, ack[2], ack[3]]).await.ok()?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn connect(&self) -> Vec<u8> {
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0xC0, 0, 60];
        for text in [&format!("SL3P_{:X}", self.nuki_id), &self.username, &self.password] {
            body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            body.extend(text.as_bytes());
        }
        [vec![0x10, u8::try_from(body.len()).unwrap()], body].concat()
    }

    fn publish(&self, packet: u16, number: u32, dup: bool) -> Vec<u8> {
        let qos = if number.is_multiple_of(5) { 2 } else { 1 };
        let topic = format!("nuki/{:X}/lockActionEvent", self.nuki_id);
        let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
        body.extend(topic.as_bytes());
        body.extend(packet.to_be_bytes());
        body.extend(format!("3,0,195249,{number},1").as_bytes());
        [vec![0x30 | qos << 1 | u8::from(dup) << 3, u8::try_from(body.len()).unwrap()], body].concat()
    }
}

async fn read(stream: &mut TcpStream, bytes: &mut [u8]) -> Option<()> {
    let reading = tokio::time::timeout(Duration::from_secs(30), stream.read_exact(bytes));
    reading.await.ok()?.ok().map(drop)
}

/// Orders that may have been taken: answered 204, or not answered because the server died.
async fn operate(
    site: (SocketAddr, String),
    nuki_ids: Vec<u32>,
    ordered: Arc<AtomicU64>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        for nuki_id in &nuki_ids {
            let path = format!("/api/smartlock/{}/action/unlock", (4_u64 << 32) | u64::from(*nuki_id));
            match call(site.0, "POST", &path, &site.1, "").await {
                Ok((status, _)) if status != 204 && status != 0 => {}
                _ => drop(ordered.fetch_add(1, Ordering::Relaxed)),
            }
        }
        let _ = tokio::time::timeout(Duration::from_millis(10), stop.cancelled()).await;
    }
}

fn login(spec: &LockSpec, mqtt: SocketAddr) -> Publisher {
    let (username, password) = (spec.username.clone(), spec.password.clone());
    Publisher { mqtt, username, password, nuki_id: spec.nuki_id, next: 1, open: BTreeMap::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_and_no_command_repeats_however_often_it_is_killed() {
    let kills: u32 = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(6);
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut site = Site::serving().await;
    let token = site.token();
    let mqtt = site.mqtt;
    let (ledger, ordered, stop) =
        (Arc::new(Ledger::default()), Arc::new(AtomicU64::new(0)), CancellationToken::new());
    let mut load = JoinSet::new();
    for number in 0..PUBLISHERS {
        let publisher = login(&site.lock(&format!("Publisher {number}"), 0xB000 + number), mqtt);
        load.spawn(publisher.run(Arc::clone(&ledger), stop.clone()));
    }
    let specs: Vec<LockSpec> =
        (0..LOCKS).map(|number| site.lock(&format!("Lock {number}"), 0xC000 + number)).collect();
    let nuki_ids: Vec<u32> = specs.iter().map(|spec| spec.nuki_id).collect();
    let fleet = Fleet::start(&site.broker(), specs, &Options { time_scale: 0.002, ..Options::default() });
    load.spawn(operate((site.http, token), nuki_ids, Arc::clone(&ordered), stop.clone()));

    for _ in 0..kills {
        let pause = Duration::from_millis(rng.random_range(50..700));
        let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
        site.kill();
        site.serve().await;
    }
    let _ = tokio::time::timeout(Duration::from_millis(500), std::future::pending::<()>()).await;
    stop.cancel();
    within(120, async { while load.join_next().await.is_some() {} }).await;
    let commands: usize = fleet.locks().iter().map(|lock| lock.seen().commands.len()).sum();
    let retained = fleet
        .locks()
        .iter()
        .flat_map(|lock| lock.seen().commands)
        .filter(|command| command.retain || command.dup)
        .count();
    fleet.stop().await;
    site.kill();
    check(&site, &ledger, (commands, ordered.load(Ordering::Relaxed))).await;
    assert_eq!(retained, 0);
}

async fn check(site: &Site, ledger: &Ledger, (received, ordered): (usize, u64)) {
    let db = Db::open(&site.database.url).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let counts = tx
        .query(
            "select d.nuki_id, e.code_id, count(*) from activity e join devices d on d.id = e.device_id \
             where e.code_id is not null group by d.nuki_id, e.code_id",
        )
        .all::<(i64, i64, i64)>()
        .await
        .unwrap();
    let mut events: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for (nuki_id, number, count) in counts {
        events.insert((nuki_id, number), count);
    }
    let mut acknowledged = 0;
    for (nuki_id, last) in ledger.lock().unwrap().iter() {
        for number in 1..=*last {
            let found = events.remove(&(i64::from(*nuki_id), i64::from(number)));
            assert_eq!(found, Some(1), "event {number} of lock {nuki_id:X}");
            acknowledged += 1;
        }
    }
    assert!(events.is_empty(), "entries of events that nobody published: {events:?}");
    let late =
        tx.query("select count(*) from commands where sent_at > deadline").value::<i64>().await.unwrap();
    let sent =
        tx.query("select count(*) from commands where sent_at is not null").value::<i64>().await.unwrap();
    assert_eq!(late, 0, "commands sent after their deadline");
    assert!(received <= usize::try_from(sent).unwrap(), "{received} commands arrived, {sent} were sent");
    assert!(sent <= i64::try_from(ordered).unwrap(), "{sent} were sent, {ordered} were ordered");
    assert!(
        acknowledged > 0 && received > 0,
        "there was no load: {acknowledged} events, {received} commands"
    );
    eprintln!(
        "{acknowledged} acknowledged events, {received} commands at the locks, {sent} sent, {ordered} ordered"
    );
}
