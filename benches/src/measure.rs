//! What is measured, one function each.

use std::io::{Seek as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tokio_rustls::client::TlsStream;

use crate::figures::{print, rate, times};
use crate::mqtt::{self, Version};
use crate::pages::{Answer, sign_in};
use crate::world::{World, get};

const SYNCS: usize = 2_000;
/// What a server does in the background of its start is over by then.
const SETTLED: Duration = Duration::from_secs(4);

/// A file that grows, as a new log does, and one that is written over, as the log is once it began anew.
pub(crate) fn disk() -> Result<()> {
    let mut file = tempfile::tempfile()?;
    let pages = [1; 4 * 4_096];
    for how in ["appended", "written over"] {
        file.rewind()?;
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let begun = Instant::now();
            file.write_all(&pages)?;
            file.sync_data()?;
            took.push(begun.elapsed());
        }
        print(&format!("disk, 16 KiB {how} and synced, one after the other: {}", times(took)));
    }
    Ok(())
}

/// The clients of every device of a world.
pub(crate) async fn everybody(world: &World) -> Result<Vec<TcpStream>> {
    everybody_as(Version::V3, world).await
}

async fn everybody_as(version: Version, world: &World) -> Result<Vec<TcpStream>> {
    let mut streams = Vec::with_capacity(world.logins.len());
    for (number, login) in world.logins.iter().enumerate() {
        let id = format!("SL3P_{:X}", World::nuki_id(number));
        let credentials = (login.username.as_str(), login.password.as_str());
        streams.push(mqtt::connect_as(version, world.mqtt, &id, credentials).await?);
    }
    introduce(version, &mut streams).await?;
    Ok(streams)
}

async fn everybody_over_tls(world: &World) -> Result<Vec<TlsStream<TcpStream>>> {
    let mut streams = Vec::with_capacity(world.logins.len());
    for (number, login) in world.logins.iter().enumerate() {
        let id = format!("SL3P_{:X}", World::nuki_id(number));
        let credentials = (login.username.as_str(), login.password.as_str());
        streams.push(mqtt::connect_tls(&world.tls, world.mqtts, &id, credentials).await?);
    }
    introduce(Version::V3, &mut streams).await?;
    Ok(streams)
}

/// The first word binds each login, which is a transaction of its own and not what is measured.
async fn introduce<S: mqtt::Stream>(version: Version, streams: &mut [S]) -> Result<()> {
    for (number, stream) in streams.iter_mut().enumerate() {
        for (topic, payload) in [("deviceType", "4"), ("state", "1")] {
            let topic = format!("nuki/{:X}/{topic}", World::nuki_id(number));
            stream.write_all(&mqtt::publish_as(version, &topic, payload, 1)?).await?;
            stream.read_exact(&mut [0; 4]).await?;
        }
    }
    Ok(())
}

async fn strangers(addr: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let mut streams = Vec::with_capacity(count);
    for number in 0..count {
        streams.push(mqtt::connect(addr, &format!("c{number}"), "", "").await?);
    }
    Ok(streams)
}

/// Each client keeps its window full; acknowledged publishes and their times.
async fn saturate(
    version: Version,
    streams: Vec<TcpStream>,
    window: u16,
    seconds: u64,
) -> Result<(u64, Duration, Vec<Duration>)> {
    let acknowledged = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let mut clients = JoinSet::new();
    for (number, mut stream) in streams.into_iter().enumerate() {
        let acknowledged = Arc::clone(&acknowledged);
        clients.spawn(async move {
            let topic = format!("nuki/{:X}/lockActionEvent", World::nuki_id(number));
            let mut seen = Vec::new();
            let mut code = 1_u32;
            while Instant::now() < end {
                let mut publishes = Vec::new();
                for id in 1..=window {
                    publishes.extend(mqtt::publish_as(version, &topic, &format!("3,0,195249,{code},1"), id)?);
                    code = code % 60_000 + 1;
                }
                let sent = Instant::now();
                stream.write_all(&publishes).await?;
                let mut acks = vec![0; 4 * usize::from(window)];
                stream.read_exact(&mut acks).await?;
                seen.push(sent.elapsed());
                acknowledged.fetch_add(u64::from(window), Ordering::Relaxed);
            }
            anyhow::Ok(seen)
        });
    }
    let mut seen = Vec::new();
    while let Some(client) = clients.join_next().await {
        seen.extend(client??);
    }
    Ok((acknowledged.load(Ordering::Relaxed), begun.elapsed(), seen))
}

/// A thousand publishes a second in all, each on time whatever became of the one before.
async fn steady(streams: Vec<TcpStream>, seconds: u64) -> Result<Vec<Duration>> {
    let count = u32::try_from(streams.len())?;
    let begun = tokio::time::Instant::now();
    let mut clients = JoinSet::new();
    for (number, mut stream) in streams.into_iter().enumerate() {
        clients.spawn(async move {
            let topic = format!("nuki/{:X}/lockActionEvent", World::nuki_id(number));
            let first = begun + Duration::from_secs(1) * u32::try_from(number)? / count;
            let mut seen = Vec::new();
            for round in 0..seconds {
                let due = first + Duration::from_secs(round) * count / 1_000;
                sleep_until(due).await;
                stream.write_all(&mqtt::publish(&topic, &format!("3,0,195249,{},1", round + 1), 1)?).await?;
                stream.read_exact(&mut [0; 4]).await?;
                seen.push(due.elapsed());
            }
            anyhow::Ok(seen)
        });
    }
    let mut seen = Vec::new();
    while let Some(client) = clients.join_next().await {
        seen.extend(client??);
    }
    Ok(seen)
}

pub(crate) async fn events(version: Version, devices: usize, window: u16, seconds: u64) -> Result<()> {
    let mut world = World::new(devices).await?;
    let streams = everybody_as(version, &world).await?;
    let (count, time, seen) = saturate(version, streams, window, seconds).await?;
    let spoken = if version == Version::V5 { "MQTT 5" } else { "MQTT 3.1.1" };
    print(&format!(
        "durable events, {spoken}, {devices} devices, window {window}: {}; {}",
        rate(count, time),
        times(seen)
    ));
    print(&format!("  memory afterwards: {} MiB", world.memory()? / 1_024));
    world.kill();
    let stored = world.count_events().await?;
    ensure!(stored == count, "{count} events were acknowledged, {stored} are in the log");
    Ok(())
}

pub(crate) async fn latency(devices: usize, seconds: u64) -> Result<()> {
    let world = World::new(devices).await?;
    let seen = steady(everybody(&world).await?, seconds).await?;
    print(&format!("acknowledgement at 1,000 durable events/s, {devices} devices: {}", times(seen)));
    Ok(())
}

pub(crate) async fn broker(addr: SocketAddr) -> Result<()> {
    let window = 8;
    let (count, time, seen) = saturate(Version::V3, strangers(addr, 5_000).await?, window, 10).await?;
    print(&format!(
        "other broker, not stored, 5000 clients, window {window}: {}; {}",
        rate(count, time),
        times(seen)
    ));
    let seen = steady(strangers(addr, 1_000).await?, 20).await?;
    print(&format!("other broker, not stored, 1,000/s: {}", times(seen)));
    Ok(())
}

pub(crate) async fn memory(devices: usize, tls: bool) -> Result<()> {
    let alone = World::new(1).await?;
    sleep_until(tokio::time::Instant::now() + SETTLED).await;
    let idle = alone.memory()?;
    drop(alone);
    let world = World::new(devices).await?;
    sleep_until(tokio::time::Instant::now() + SETTLED).await;
    let session = sign_in(world.http).await?;
    Answer::of(world.http, "/devices", &session, "gzip").await?;
    let listed = world.memory()?;
    let kind = if tls { "over TLS" } else { "plain" };
    let full = if tls {
        listening(&world, everybody_over_tls(&world).await?).await?
    } else {
        listening(&world, everybody(&world).await?).await?
    };
    let each = |more: u64, less: u64| more.saturating_sub(less) * 1_024 / devices as u64;
    print(&format!(
        "memory: idle {idle} KiB; with a list of {devices} devices {listed} KiB, {} bytes each; \
         with all of them connected {kind} {full} KiB, {} bytes more each",
        each(listed, idle),
        each(full, listed)
    ));
    Ok(())
}

/// Memory with three subscriptions on each connection.
async fn listening<S: mqtt::Stream>(world: &World, mut streams: Vec<S>) -> Result<u64> {
    for (number, stream) in streams.iter_mut().enumerate() {
        let id = World::nuki_id(number);
        let filters = ["lockAction", "lock", "unlock"].map(|topic| format!("nuki/{id:X}/{topic}"));
        mqtt::subscribe(stream, &filters).await?;
    }
    world.memory()
}

/// Starts after kills, then pages of the log, with a log that is as long as asked for.
pub(crate) async fn history(devices: usize, entries: i64) -> Result<()> {
    let mut world = World::new(devices).await?;
    world.kill();
    world.fill(entries).await?;
    let mut seen = Vec::new();
    for _ in 0..10 {
        world.kill();
        seen.push(world.serve().await?);
    }
    print(&format!("start to serving, {entries} entries: {}", times(seen)));
    if entries == 0 {
        return Ok(());
    }
    for path in [
        "/api/smartlock/log?limit=50".to_owned(),
        format!("/api/smartlock/{}/log?limit=50", World::smartlock(0)),
    ] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        for _ in 0..500 {
            let begun = Instant::now();
            let (status, text) = get(world.http, &format!("{path}{cursor}"), &world.token).await?;
            seen.push(begun.elapsed());
            ensure!(status == 200, "no page: {text}");
            let last = text.rsplit_once("\"id\":\"").and_then(|(_, rest)| rest.split('"').next());
            cursor = last.map_or_else(String::new, |id| format!("&id={id}"));
        }
        print(&format!("  page after page of {path}: {}", times(seen)));
    }
    Ok(())
}

pub(crate) async fn rest() -> Result<()> {
    let world = World::new(1).await?;
    let _streams = everybody(&world).await?;
    let smartlock = World::smartlock(0);
    let url = format!("http://{}/api/smartlock/{smartlock}", world.http);
    let (status, _) = get(world.http, &format!("/api/smartlock/{smartlock}"), &world.token).await?;
    ensure!(status == 200, "the lock is not there");
    print(&format!("{url} {}", world.token));
    let mut ended = signal(SignalKind::terminate())?;
    let _ = timeout(Duration::from_hours(1), ended.recv()).await;
    Ok(())
}
