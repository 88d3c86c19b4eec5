//! Devices that publish without pause, and remember what was acknowledged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockwarden_app::db::Tx;
use lockwarden_simulator::LockSpec;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const WINDOW: u32 = 16;

/// The last number up to which the server acknowledged everything, per lock.
pub(super) type Ledger = Mutex<BTreeMap<u32, u32>>;

pub(super) fn acknowledged(ledger: &Ledger) -> u64 {
    ledger.lock().unwrap().values().map(|last| u64::from(*last)).sum()
}

/// Publishes numbered events one window after the other. What is not acknowledged when the connection dies is repeated
/// on the next one with the same id and the DUP flag, before anything new (MQTT 3.1.1, 4.4).
pub(super) struct Publisher {
    mqtt: SocketAddr,
    username: String,
    password: String,
    nuki_id: u32,
    next: u32,
    /// Packet id to number, and whether a QoS 2 delivery has come as far as PUBREC.
    open: BTreeMap<u16, (u32, bool)>,
}

impl Publisher {
    pub(super) fn new(spec: &LockSpec, mqtt: SocketAddr) -> Self {
        let (username, password) = (spec.username.clone(), spec.password.clone());
        Self { mqtt, username, password, nuki_id: spec.nuki_id, next: 1, open: BTreeMap::new() }
    }

    pub(super) async fn run(mut self, ledger: Arc<Ledger>, stop: CancellationToken) {
        while !(stop.is_cancelled() && self.open.is_empty()) {
            if self.connection(&ledger, &stop).await.is_none() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// One connection's worth: first what an earlier one left open, then as many windows as it lives. None once it is
    /// dead.
    async fn connection(&mut self, ledger: &Ledger, stop: &CancellationToken) -> Option<()> {
        let mut stream = TcpStream::connect(self.mqtt).await.ok()?;
        stream.write_all(&self.connect()).await.ok()?;
        read(&mut stream, &mut [0; 4]).await?;
        if !self.open.is_empty() {
            self.window(&mut stream, true, ledger).await?;
        }
        while !stop.is_cancelled() {
            for number in self.next..self.next + WINDOW {
                self.open.insert(u16::try_from(number % 60_000 + 1).unwrap(), (number, false));
            }
            self.next += WINDOW;
            self.window(&mut stream, false, ledger).await?;
        }
        Some(())
    }

    async fn window(&mut self, stream: &mut TcpStream, dup: bool, ledger: &Ledger) -> Option<()> {
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
        ledger.lock().unwrap().insert(self.nuki_id, self.next - 1);
        Some(())
    }

    fn connect(&self) -> Vec<u8> {
        connect(self.nuki_id, (&self.username, &self.password), false)
    }

    fn publish(&self, packet: u16, number: u32, dup: bool) -> Vec<u8> {
        let qos = if number.is_multiple_of(5) { 2 } else { 1 };
        publish(self.nuki_id, (packet, qos, dup), format!("3,0,195249,{number},1").as_bytes())
    }
}

pub(super) fn connect(nuki_id: u32, login: (&str, &str), clean: bool) -> Vec<u8> {
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0xC0 | u8::from(clean) << 1, 0, 60];
    for text in [&format!("SL3P_{nuki_id:X}"), login.0, login.1] {
        body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        body.extend(text.as_bytes());
    }
    [vec![0x10, u8::try_from(body.len()).unwrap()], body].concat()
}

/// A lock action event.
pub(super) fn publish(nuki_id: u32, (packet, qos, dup): (u16, u8, bool), payload: &[u8]) -> Vec<u8> {
    let topic = format!("nuki/{nuki_id:X}/lockActionEvent");
    let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    body.extend(packet.to_be_bytes());
    body.extend(payload);
    [vec![0x30 | qos << 1 | u8::from(dup) << 3, u8::try_from(body.len()).unwrap()], body].concat()
}

pub(super) async fn read(stream: &mut TcpStream, bytes: &mut [u8]) -> Option<()> {
    let reading = tokio::time::timeout(Duration::from_secs(30), stream.read_exact(bytes));
    reading.await.ok()?.ok().map(drop)
}

/// Every acknowledged event is in the log once, and nothing else is.
pub(super) async fn check(tx: &mut Tx, ledger: &Ledger) {
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
    for (nuki_id, last) in ledger.lock().unwrap().iter() {
        for number in 1..=*last {
            let found = events.remove(&(i64::from(*nuki_id), i64::from(number)));
            assert_eq!(found, Some(1), "event {number} of lock {nuki_id:X}");
        }
    }
    assert!(events.is_empty(), "entries of events that nobody published: {events:?}");
}
