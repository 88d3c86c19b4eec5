//! Orders by REST and their answers: among many quiet devices, and while all of them come back at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::figures::{print, times};
use crate::measure::everybody;
use crate::mqtt::{self, Version};
use crate::world::World;

/// What a lock says when it connects (MQTT API 1.4).
const FIRST_WORDS: &[(&str, &str)] = &[
    ("deviceType", "4"),
    ("name", "Front door"),
    ("firmware", "4.3.15"),
    ("mode", "2"),
    ("state", "1"),
    ("serverConnected", "false"),
    ("connected", "true"),
    ("batteryCritical", "false"),
    ("batteryChargeState", "84"),
    ("batteryCharging", "false"),
    ("keypadBatteryCritical", "false"),
    ("doorsensorState", "2"),
    ("doorsensorBatteryCritical", "false"),
];
const COMMANDS: [&str; 3] = ["lockAction", "lock", "unlock"];

/// A lock that answers, and somebody who gives it orders.
struct Ordered {
    lock: TcpStream,
    http: TcpStream,
    request: String,
    id: String,
}

impl Ordered {
    async fn new(world: &World, mut lock: TcpStream) -> Result<Self> {
        let id = format!("{:X}", World::nuki_id(0));
        mqtt::subscribe(&mut lock, &[format!("nuki/{id}/lockAction")]).await?;
        let http = TcpStream::connect(world.http).await?;
        http.set_nodelay(true)?;
        let request = format!(
            "POST /api/smartlock/{}/action/unlock HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-length: 0\r\n\r\n",
            World::smartlock(0),
            world.http,
            world.token
        );
        Ok(Self { lock, http, request, id })
    }

    /// From the request of an order until the lock's answer is acknowledged, which is after it is committed.
    async fn one(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.http.write_all(self.request.as_bytes()).await?;
        let mut answer = [0; 1_024];
        let count = self.http.read(&mut answer).await?;
        let answer = answer.get(..count).unwrap_or_default();
        ensure!(answer.starts_with(b"HTTP/1.1 204"), "not accepted: {}", String::from_utf8_lossy(answer));
        let mut command = vec![0; 2 + 2 + format!("nuki/{}/lockAction", self.id).len() + 2 + 1];
        self.lock.read_exact(&mut command).await?;
        let packet: Vec<u8> = command.iter().rev().skip(1).take(2).rev().copied().collect();
        self.lock.write_all(&[&[0x40, 2], packet.as_slice()].concat()).await?;
        let response = mqtt::publish(&format!("nuki/{}/commandResponse", self.id), "0", 1)?;
        self.lock.write_all(&response).await?;
        self.lock.read_exact(&mut [0; 4]).await?;
        Ok(begun.elapsed())
    }
}

pub(crate) async fn commands(devices: usize, orders: usize) -> Result<()> {
    let world = World::new(devices).await?;
    let mut streams = everybody(&world).await?;
    let mut ordered = Ordered::new(&world, streams.swap_remove(0)).await?;
    let mut seen = Vec::with_capacity(orders);
    for _ in 0..orders {
        seen.push(ordered.one().await?);
    }
    print(&format!("command round trip, {devices} devices connected: {}", times(seen)));
    Ok(())
}

/// The server is killed and started again, and every device comes back in the same moment, with all it has to say. The
/// first one is sent orders meanwhile.
pub(crate) async fn storm(devices: usize) -> Result<()> {
    let mut world = World::new(devices).await?;
    drop(everybody(&world).await?);
    world.kill();
    world.serve().await?;
    let first = come_back(&world, 0).await?;
    let mut ordered = Ordered::new(&world, first).await?;
    let failed = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let world = Arc::new(world);
    let mut locks = JoinSet::new();
    for number in 1..devices {
        let (world, failed) = (world.clone(), failed.clone());
        locks.spawn(async move {
            loop {
                if let Ok(stream) = come_back(&world, number).await {
                    return (begun.elapsed(), stream);
                }
                failed.fetch_add(1, Ordering::Relaxed);
                sleep_until(tokio::time::Instant::now() + Duration::from_secs(1)).await;
            }
        });
    }
    let (mut seen, mut back) = (Vec::new(), Vec::new());
    while !locks.is_empty() {
        seen.push(ordered.one().await?);
        while let Some(lock) = locks.try_join_next() {
            back.push(lock?);
        }
    }
    let longest = seen.iter().max().copied().unwrap_or_default();
    let (taken, _streams): (Vec<_>, Vec<_>) = back.into_iter().unzip();
    let last = taken.iter().max().copied().unwrap_or_default();
    print(&format!(
        "{devices} devices come back at once: all are there after {:.1} s ({} tries failed); each {}",
        last.as_secs_f64(),
        failed.load(Ordering::Relaxed),
        times(taken)
    ));
    print(&format!(
        "  command round trip meanwhile: {}, longest {:.0} ms",
        times(seen),
        longest.as_secs_f64() * 1e3
    ));
    Ok(())
}

/// One device: signed in, listening, and all it says is stored.
async fn come_back(world: &World, number: usize) -> Result<TcpStream> {
    let id = format!("{:X}", World::nuki_id(number));
    let login = world.logins.get(number).context("no such device")?;
    let credentials = (login.username.as_str(), login.password.as_str());
    let mut stream = mqtt::connect_as(Version::V3, world.mqtt, &format!("SL3P_{id}"), credentials).await?;
    mqtt::subscribe(&mut stream, &COMMANDS.map(|topic| format!("nuki/{id}/{topic}"))).await?;
    let mut words = Vec::new();
    for (number, (topic, payload)) in (1..).zip(FIRST_WORDS) {
        words.extend(mqtt::publish(&format!("nuki/{id}/{topic}"), payload, number)?);
    }
    stream.write_all(&words).await?;
    stream.read_exact(&mut [0; 4 * FIRST_WORDS.len()]).await?;
    Ok(stream)
}
