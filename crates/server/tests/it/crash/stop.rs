//! A stop that was asked for, in the middle of the load: what is in the log was acknowledged, and nothing else was.

use std::collections::BTreeSet;

use lockwarden_app::db::Db;
use rand::RngExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::events::{connect, publish};
use crate::kit::{EMAIL, Site, within};

const WINDOW: u16 = 40;
const STOPS: u16 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_was_asked_for_acknowledges_all_that_it_has_taken_over() {
    let (mut site, mut rng) = (Site::new().await, super::chance());
    site.create_account(EMAIL);
    let spec = site.lock("Front door", 0xA1);
    let mut acknowledged = BTreeSet::new();
    for round in 0..STOPS {
        site.serve().await;
        let mut stream = TcpStream::connect(site.mqtt).await.unwrap();
        stream.write_all(&connect(spec.nuki_id, (&spec.username, &spec.password), true)).await.unwrap();
        within(10, stream.read_exact(&mut [0; 4])).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        // Window after window until the server is gone, with a code of its own for each event.
        let mut both = JoinSet::new();
        both.spawn(async move {
            for packet in 1..=u16::MAX {
                let event = format!("3,0,195249,{},1", u32::from(round) * 100_000 + u32::from(packet));
                let bytes = publish(0xA1, (packet, 1, false), event.as_bytes());
                if writer.write_all(&bytes).await.is_err() {
                    break;
                }
                if packet % WINDOW == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Vec::new()
        });
        both.spawn(async move {
            let (mut ack, mut seen) = ([0; 4], Vec::new());
            while reader.read_exact(&mut ack).await.is_ok() && ack[0] == 0x40 {
                seen.push(u16::from_be_bytes([ack[2], ack[3]]));
            }
            seen
        });
        super::pause(rng.random_range(20..200)).await;
        site.stop();
        let seen = within(20, both.join_all()).await;
        acknowledged
            .extend(seen.into_iter().flatten().map(|packet| i64::from(round) * 100_000 + i64::from(packet)));
    }
    let db = Db::open(&site.database.url).await.unwrap();
    let sql = "select code_id from activity where code_id is not null";
    let rows: Vec<(i64,)> = db.read().await.unwrap().query(sql).all().await.unwrap();
    let logged: BTreeSet<i64> = rows.iter().map(|row| row.0).collect();
    assert_eq!(logged.len(), rows.len(), "each once");
    let unknown: Vec<_> = logged.difference(&acknowledged).collect();
    assert!(unknown.is_empty(), "in the log and never acknowledged: {unknown:?}");
    let lost: Vec<_> = acknowledged.difference(&logged).collect();
    assert!(lost.is_empty(), "acknowledged and not in the log: {lost:?}");
    assert!(logged.len() > usize::from(STOPS * WINDOW), "{}", logged.len());
}
