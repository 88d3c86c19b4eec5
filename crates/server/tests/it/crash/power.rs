//! A power cut. A killed process does not prove that the disk was asked: what it wrote stays in the kernel's memory. So the
//! kernel's own record of the server's calls is played to a disk that loses at any moment whatever it was not asked to
//! sync, and the database is opened as it is found then: everything that was promised up to that moment is there.

mod disk;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use lockwarden_app::db::Db;
use lockwarden_simulator::{Fleet, LockSpec, Options};
use rand::RngExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::disk::Disk;
use self::record::{FILES, Step};
use super::commands::{ACTIONS, Orders, operate};
use super::{chance, events, is_long};
use crate::kit::{Site, trace, within};

const BYTE_FOR_BYTE: [&str; 6] = [
    "-yy",
    "-xx",
    "-s",
    "100000",
    "-e",
    "trace=pwrite64,pwritev,ftruncate,fsync,fdatasync,sendto,write,writev",
];
const PUBLISHER: u32 = 0xA1;
const LOCKS: [u32; 2] = [0xC0, 0xC1];
const WINDOW: u16 = 64;
/// Bytes of log from which the server folds it into the database.
const WORTH_FOLDING: u64 = 9 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_promised_before_a_power_cut_is_kept_through_it() {
    let mut site = Site::new().await;
    if !site.database.is_sqlite() {
        return; // PostgreSQL writes in processes of its own.
    }
    site.create_account(crate::kit::EMAIL);
    let token = site.token();
    let publisher = site.lock("Publisher", PUBLISHER);
    let locks = LOCKS.map(|nuki_id| site.lock(&format!("Lock {nuki_id:X}"), nuki_id));
    let (disk, calls) = (Disk::of(site.dir()), site.dir().join("calls"));
    let directory = site.dir().canonicalize().unwrap();
    site.trace_to(&BYTE_FOR_BYTE, &calls);
    site.serve().await;

    let (stop, mut load) = (CancellationToken::new(), JoinSet::new());
    let fleet =
        Fleet::start(&site.broker(), locks.to_vec(), &Options { time_scale: 0.002, ..Options::default() });
    let orders = Arc::new(Orders::default());
    for nuki_id in LOCKS {
        let login = (site.http, token.clone());
        load.spawn(operate(login, (4, nuki_id), ACTIONS, Arc::clone(&orders), stop.clone()));
    }
    let ours = within(120, publish(&site, &publisher)).await;
    stop.cancel();
    load.join_all().await;
    fleet.stop().await;
    site.kill();

    let calls = within(10, trace(&calls)).await;
    let steps = record::read(&calls, directory.to_str().unwrap());
    play(disk, steps, &format!("{}->{ours}", site.mqtt)).await;
}

/// Publishes one window of events after the other until the write-ahead log was folded into the database and began anew.
/// From where.
async fn publish(site: &Site, spec: &LockSpec) -> SocketAddr {
    let mut stream = TcpStream::connect(site.mqtt).await.unwrap();
    stream.write_all(&events::connect(PUBLISHER, (&spec.username, &spec.password), true)).await.unwrap();
    events::read(&mut stream, &mut [0; 4]).await.unwrap();
    let (begun, mut next) = (restarts(site.dir()), 1);
    while restarts(site.dir()) == begun {
        if std::fs::metadata(site.dir().join(FILES[1])).unwrap().len() > WORTH_FOLDING {
            // Only a log that nobody writes to meanwhile is folded to its end.
            super::pause(300).await;
        }
        for number in next..next + WINDOW {
            let event = format!("3,0,195249,{number},1");
            let qos = 1 + u8::from(number % 5 == 0);
            let packet = events::publish(PUBLISHER, (number, qos, false), event.as_bytes());
            stream.write_all(&packet).await.unwrap();
        }
        let mut open = WINDOW;
        while open > 0 {
            let mut ack = [0; 4];
            events::read(&mut stream, &mut ack).await.unwrap();
            if ack[0] == 0x50 {
                stream.write_all(&[0x62, 2, ack[2], ack[3]]).await.unwrap();
            } else {
                open -= 1;
            }
        }
        next += WINDOW;
    }
    stream.local_addr().unwrap()
}

/// How often the log began anew, as its head says (SQLite file format, 4.1).
fn restarts(directory: &Path) -> u32 {
    let log = std::fs::read(directory.join(FILES[1])).unwrap();
    u32::from_be_bytes(log[12..16].try_into().unwrap())
}

/// What others were told so far.
#[derive(Default)]
struct Promised {
    /// Numbers of acknowledged events.
    events: BTreeSet<u16>,
    /// Commands that left for each lock.
    commands: BTreeMap<u32, i64>,
    /// Orders that were answered with 204.
    orders: i64,
}

impl Promised {
    fn hear(&mut self, connection: &str, bytes: &[u8], publisher: &str) {
        if connection == publisher {
            // Nothing longer than an acknowledgement is sent there, so none hides in anything else.
            let acks = bytes.chunks_exact(4).filter(|ack| matches!(ack[0], 0x40 | 0x50 | 0x70));
            self.events.extend(acks.map(|ack| u16::from_be_bytes([ack[2], ack[3]])));
        }
        for nuki_id in LOCKS {
            let topic = format!("nuki/{nuki_id:X}/lockAction");
            let sent = bytes.windows(topic.len()).filter(|part| *part == topic.as_bytes()).count();
            *self.commands.entry(nuki_id).or_default() += i64::try_from(sent).unwrap();
        }
        self.orders += i64::from(bytes.starts_with(b"HTTP/1.1 204"));
    }
}

/// Goes through the steps and loses the power at some of them, mostly just when something had been promised.
async fn play(mut disk: Disk, steps: Vec<Step>, publisher: &str) {
    let (mut chance, mut promised) = (chance(), Promised::default());
    let cuts: u32 = if is_long() { 2_000 } else { 40 };
    let sent = steps.iter().filter(|step| matches!(step, Step::Sent { .. })).count();
    let one_in = |of: usize| f64::from(cuts) / f64::from(u32::try_from(of).unwrap());
    let (mut tried, all) = (0, steps.len());
    for (number, step) in steps.into_iter().enumerate() {
        let mut likely = 0.2 * one_in(all);
        if let Step::Sent { connection, bytes } = &step {
            promised.hear(connection, bytes, publisher);
            likely += 0.8 * one_in(sent);
        }
        disk.take(number, step);
        if !promised.events.is_empty() && (number + 1 == all || chance.random_bool(likely.min(1.0))) {
            let found = tempfile::tempdir().unwrap();
            disk.lose_power(&mut chance, found.path());
            check(found.path(), &promised).await;
            tried += 1;
        }
    }
    let (events, orders) = (promised.events.len(), promised.orders);
    assert!(
        tried > cuts / 2 && events > 1_000 && orders > 10,
        "{tried} cuts, {events} events, {orders} orders"
    );
    eprintln!("{tried} power cuts during {events} acknowledged events and {orders} orders");
}

async fn check(found: &Path, promised: &Promised) {
    let db = Db::open(&format!("sqlite:{}", found.join(FILES[0]).display())).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let whole: String = tx.query("pragma integrity_check").value().await.unwrap();
    assert_eq!(whole, "ok");
    let entries = tx
        .query(
            "select e.code_id, count(*) from activity e join devices d on d.id = e.device_id \
             where d.nuki_id = $1 and e.code_id is not null group by e.code_id",
        )
        .bind(i64::from(PUBLISHER))
        .all::<(i64, i64)>()
        .await
        .unwrap();
    let entries: BTreeMap<i64, i64> = entries.into_iter().collect();
    assert!(entries.values().all(|times| *times == 1), "an event is there twice: {entries:?}");
    let lost: Vec<u16> =
        promised.events.iter().copied().filter(|number| !entries.contains_key(&i64::from(*number))).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    for (nuki_id, sent) in &promised.commands {
        let known: i64 = tx
            .query(
                "select count(*) from commands c join devices d on d.id = c.device_id \
                 where d.nuki_id = $1 and c.sent_at is not null",
            )
            .bind(i64::from(*nuki_id))
            .value()
            .await
            .unwrap();
        assert!(known >= *sent, "lock {nuki_id:X}: {sent} commands had left, {known} are known to have");
    }
    let orders: i64 = tx.query("select count(*) from commands").value().await.unwrap();
    assert!(orders >= promised.orders, "{} orders were taken, {orders} are known", promised.orders);
}
