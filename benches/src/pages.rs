//! Pages and their live stream, as a browser asks for them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::figures::{print, times};
use crate::measure::everybody;
use crate::mqtt;
use crate::world::{EMAIL, PASSWORD, World};

/// First byte and weight of the page of all devices, then how long what a device says takes to that page's stream.
pub(crate) async fn pages(devices: usize, seconds: u64) -> Result<()> {
    let world = World::new(devices).await?;
    let streams = everybody(&world).await?;
    let session = sign_in(world.http).await?;
    let mut first = Vec::new();
    let mut whole = Vec::new();
    let mut weight = 0;
    for _ in 0..50 {
        let answer = Answer::of(world.http, "/devices?shown=1000", &session, "gzip").await?;
        first.push(answer.first);
        whole.push(answer.whole);
        weight = answer.body.len();
    }
    print(&format!("page of {devices} tiles: first byte {}", times(first)));
    print(&format!("  whole {}; {} KB compressed", times(whole), weight / 1_000));
    let page = Answer::of(world.http, "/devices?shown=1000", &session, "identity").await?;
    let page = String::from_utf8(page.body)?;
    let mut first_visit = weight;
    for path in page.split(['"', '\'']).filter(|path| path.starts_with("/assets/")) {
        first_visit += Answer::of(world.http, path, &session, "gzip").await?.body.len();
    }
    print(&format!("  first visit with style and script: {} KB compressed", first_visit / 1_000));
    let seen = watched(&world, streams, &page, &session, seconds).await?;
    print(&format!("event to open page, {devices} tiles, 1,000 events/s: {}", times(seen)));
    Ok(())
}

/// The same for an account of very many devices, of which a tenth is connected; the page shows a hundred of those.
pub(crate) async fn many(devices: usize, seconds: u64) -> Result<()> {
    let connected = devices / 10;
    let world = World::among(connected, devices - connected).await?;
    let streams = everybody(&world).await?;
    let session = sign_in(world.http).await?;
    for path in [
        "/devices",
        "/devices?by=group",
        "/devices?sort=problems",
        "/devices?q=a",
        "/devices?q=hafenstrasse+77123",
        "/devices?q=xyzzy",
        "/devices?show=locked",
    ] {
        let (mut first, mut whole, mut weight) = (Vec::new(), Vec::new(), 0);
        for _ in 0..50 {
            let answer = Answer::of(world.http, path, &session, "gzip").await?;
            first.push(answer.first);
            whole.push(answer.whole);
            weight = answer.body.len();
        }
        let (first, whole) = (times(first), times(whole));
        print(&format!("{path} of {devices}: first byte {first}; whole {whole}; {} KB", weight / 1_000));
    }
    let page = Answer::of(world.http, "/devices?q=door&sort=name&by=none", &session, "identity").await?;
    let seen = watched(&world, streams, &String::from_utf8(page.body)?, &session, seconds).await?;
    print(&format!(
        "event to open page, {connected} of {devices} connected, 1,000 events/s: {}",
        times(seen)
    ));
    print(&format!("  memory of the server: {} MB", world.memory()? / 1_000));
    Ok(())
}

/// When each device last said something that its card does not show yet.
type Said = Arc<Mutex<HashMap<String, Instant>>>;

/// A thousand changes of state a second in all. A device that speaks again before its card came counts from the first.
async fn watched(
    world: &World,
    streams: Vec<TcpStream>,
    page: &str,
    session: &str,
    seconds: u64,
) -> Result<Vec<Duration>> {
    let path = page.split_once("<live-events src=\"").and_then(|(_, rest)| rest.split('"').next());
    let path = path.context("the page has no stream")?.replace("&amp;", "&");
    let mut stream = TcpStream::connect(world.http).await?;
    stream.write_all(request(world.http, &path, session, "identity", "").as_bytes()).await?;
    let mut lines = BufReader::new(stream).lines();
    let said = Said::default();
    let begun = tokio::time::Instant::now() + Duration::from_secs(1);
    let end = begun + Duration::from_secs(seconds);
    let mut locks = JoinSet::new();
    let count = u32::try_from(streams.len())?;
    for (number, mut stream) in streams.into_iter().enumerate() {
        let said = Arc::clone(&said);
        let card = world.ids.get(number).context("no such device")?.to_string();
        // What is not on the page is heard of, and not waited for.
        let is_shown = page.contains(&format!("id=\"device-{card}\""));
        let topic = format!("nuki/{:X}/state", World::nuki_id(number));
        let mut due = begun + Duration::from_millis(1) * u32::try_from(number)?;
        locks.spawn(async move {
            for state in ["3", "1"].into_iter().cycle() {
                sleep_until(due).await;
                if due >= end {
                    break;
                }
                let now = due.into_std();
                if is_shown {
                    said.lock().unwrap_or_else(PoisonError::into_inner).entry(card.clone()).or_insert(now);
                }
                stream.write_all(&mqtt::publish(&topic, state, 1)?).await?;
                stream.read_exact(&mut [0; 4]).await?;
                due += Duration::from_secs(1) * count / 1_000;
            }
            anyhow::Ok(())
        });
    }
    let mut seen = Vec::new();
    let last = end + Duration::from_secs(2);
    while let Ok(Ok(Some(line))) = tokio::time::timeout_at(last, lines.next_line()).await {
        ensure!(
            !line.starts_with("data: again") && !line.starts_with("data:again"),
            "the page was told to read itself"
        );
        let now = Instant::now();
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, rest) in line.match_indices("id=\"device-").map(|(at, found)| line.split_at(at + found.len()))
        {
            let card = rest.split('"').next().unwrap_or_default();
            seen.extend(said.remove(card).map(|since| now.duration_since(since)));
        }
    }
    while let Some(lock) = locks.join_next().await {
        lock??;
    }
    let missing = said.lock().unwrap_or_else(PoisonError::into_inner).len();
    ensure!(missing == 0 && !seen.is_empty(), "{missing} changes never came to the page");
    Ok(seen)
}

/// The cookie of a new session.
pub(crate) async fn sign_in(http: SocketAddr) -> Result<String> {
    let body = format!("email={}&password={}", EMAIL.replace('@', "%40"), PASSWORD.replace(' ', "+"));
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nhost: {http}\r\norigin: http://{http}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(http).await?;
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let cookie = answer.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let session =
        cookie.filter_map(|line| line.split(';').next()).find(|pair| pair.starts_with("lockwarden="));
    Ok(session.with_context(|| format!("not signed in: {answer}"))?.to_owned())
}

fn request(http: SocketAddr, path: &str, session: &str, encoding: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: {http}\r\ncookie: {session}\r\naccept-encoding: {encoding}\r\n{more}\r\n"
    )
}

pub(crate) struct Answer {
    first: Duration,
    whole: Duration,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(http: SocketAddr, path: &str, session: &str, encoding: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(http).await?;
        stream.set_nodelay(true)?;
        let begun = Instant::now();
        stream.write_all(request(http, path, session, encoding, "connection: close\r\n").as_bytes()).await?;
        let mut answer = vec![0];
        stream.read_exact(&mut answer).await?;
        let first = begun.elapsed();
        stream.read_to_end(&mut answer).await?;
        let whole = begun.elapsed();
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").context("no head")?;
        let body = answer.split_off(head + 4);
        if !answer.starts_with(b"HTTP/1.1 200") {
            bail!("{path}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(Self { first, whole, body })
    }
}
