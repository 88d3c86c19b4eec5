//! A killed process does not prove that the disk was asked. The kernel's own record of the calls does: before every
//! acknowledgement leaves, the write-ahead log has been synced since the one before.

use std::collections::BTreeMap;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::kit::{Site, trace, within};

const EVENTS: u8 = 20;

#[tokio::test]
async fn no_acknowledgement_leaves_before_the_disk_was_asked_to_keep_what_it_is_for() {
    let mut site = Site::new().await;
    if !site.database.is_sqlite() {
        return; // PostgreSQL syncs in a process of its own.
    }
    site.create_account(crate::kit::EMAIL);
    let record = site.dir().join("calls");
    site.trace_to(&["-y", "-s", "16", "-e", "trace=fsync,fdatasync,sendto,write,writev"], &record);
    site.serve().await;
    let lock = site.lock("Front door", 0xA1);
    let mut stream = TcpStream::connect(site.mqtt).await.unwrap();
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0xC0, 0, 60, 0, 1, b'c'];
    for text in [&lock.username, &lock.password] {
        body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        body.extend(text.as_bytes());
    }
    answer(&mut stream, &[&[0x10, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()).await;
    for number in 1..=EVENTS {
        let qos = 1 + number % 2;
        let text = format!("\0\x17nuki/A1/lockActionEvent\0{}3,0,195249,{number},1", char::from(number));
        let head = [0x30 | qos << 1, u8::try_from(text.len()).unwrap()];
        answer(&mut stream, &[&head, text.as_bytes()].concat()).await;
        if qos == 2 {
            answer(&mut stream, &[0x62, 2, 0, number]).await;
        }
    }
    site.kill();
    let calls = within(10, trace(&record)).await;
    let (acknowledged, unsynced) = read(&calls);
    // A QoS 2 delivery is acknowledged twice.
    assert_eq!(acknowledged, u32::from(EVENTS) * 3 / 2, "{calls}");
    assert_eq!(unsynced, 0, "acknowledged without a sync since the acknowledgement before:\n{calls}");
}

async fn answer(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    within(10, stream.read_exact(&mut [0; 4])).await.unwrap();
}

/// Acknowledgements, and how many of them had no completed sync of the log between themselves and the one before.
fn read(calls: &str) -> (u32, u32) {
    let (mut acknowledged, mut unsynced, mut is_synced) = (0, 0, false);
    let mut under_way: BTreeMap<&str, bool> = BTreeMap::new();
    for line in calls.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let is_sync = call.contains("fdatasync(") || call.contains("fsync(");
        if is_sync && call.contains("<unfinished") {
            under_way.insert(thread, call.contains("lockwarden.db-wal"));
        } else if is_sync {
            is_synced |= call.contains("lockwarden.db-wal") && call.contains("= 0");
        } else if call.contains("sync resumed>") {
            is_synced |= under_way.remove(thread) == Some(true) && call.contains("= 0");
        } else if ["\"@\\2", "\"P\\2", "\"p\\2"].iter().any(|ack| call.contains(ack)) {
            acknowledged += 1;
            unsynced += u32::from(!is_synced);
            is_synced = false;
        }
    }
    (acknowledged, unsynced)
}
