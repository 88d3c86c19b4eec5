//! The devices' door: an MQTT 3.1.1 and 5 listener inside the process, and one module per connector. What a device says
//! is acknowledged after it is committed; what it is told goes to its live connection or nowhere.

mod ask;
mod bridges;
mod codec;
mod commit;
mod conn;
mod discovery;
mod door;
mod guesses;
mod handshake;
mod listen;
mod names;
pub(crate) mod nuki_bridge;
mod nuki_hub;
mod nuki_mqtt;
mod outbox;
mod realm;
mod socket;
mod spoken;
mod steward;
mod sweep;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use bridges::{authorise_at_bridge, check_bridge};
pub use listen::TlsConfig;
use lockwarden_app::App;
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::door::Door;
use crate::realm::Ending;

#[derive(Clone, Debug, Default)]
pub struct Config {
    pub plain: Option<SocketAddr>,
    pub tls: Option<TlsConfig>,
    /// Where bridges call, opened once there is a bridge. Without it they are only asked.
    pub callbacks: Option<SocketAddr>,
    pub limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Signed-in connections.
    pub connections: usize,
    /// Connections that have not signed in yet: ten seconds at most until they say who they are, and a turn at the database.
    pub unknown: usize,
    /// Those of one address. After a power cut a building full of locks comes back at once, behind one address.
    pub unknown_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 100_000, unknown: 16_384, unknown_per_address: 4_096 }
    }
}

/// Counters since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Signed in now.
    pub connections: usize,
    /// Reports that are on the disk.
    pub committed: u64,
    /// PUBACK, PUBREC and PUBCOMP sent.
    pub acknowledged: u64,
    pub refused: u64,
}

pub struct Gateway {
    door: Arc<Door>,
    plain: Option<TcpListener>,
    tls: Option<(TcpListener, TlsAcceptor)>,
    callbacks: Option<SocketAddr>,
    addr: SocketAddr,
    tls_addr: Option<SocketAddr>,
}

/// Reads the counters of a gateway that runs.
#[derive(Clone)]
pub struct Gauge(Arc<Door>);

impl Gauge {
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }
}

/// For what is under way to be committed when the server stops, and then for connections to take their
/// acknowledgements and go.
const FAREWELL: Duration = Duration::from_secs(3);

impl Gateway {
    /// Opens the listeners; nothing is accepted before [`Gateway::run`]. Within a runtime only.
    pub fn bind(app: App, config: Config) -> io::Result<Self> {
        let Config { plain, tls, callbacks, limits } = config;
        let plain = plain.map(open).transpose()?;
        let tls = match tls {
            Some(tls) => Some((open(tls.addr)?, listen::acceptor(&tls)?)),
            None => None,
        };
        let tls_addr = tls.as_ref().map(|(listener, _)| listener.local_addr()).transpose()?;
        let plain_addr = plain.as_ref().map(TcpListener::local_addr).transpose()?;
        let addr = plain_addr.or(tls_addr).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "neither a plain nor a TLS address for devices")
        })?;
        let door = Arc::new(Door::new(app, limits));
        Ok(Self { door, plain, tls, callbacks, addr, tls_addr })
    }

    /// Where locks connect: the plain address, or the TLS one if there is no plain one.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls_addr
    }

    pub fn gauge(&self) -> Gauge {
        Gauge(Arc::clone(&self.door))
    }

    /// Serves until `stop`. Then: nobody new, no new commands, what was taken over is committed and acknowledged,
    /// everything closes.
    pub async fn run(self, stop: CancellationToken) {
        let door = self.door;
        let tasks = TaskTracker::new();
        if let Some(listener) = self.plain {
            tasks.spawn(listen::accept(Arc::clone(&door), listener, None, stop.clone()));
        }
        if let Some((listener, acceptor)) = self.tls {
            tasks.spawn(listen::accept(Arc::clone(&door), listener, Some(acceptor), stop.clone()));
        }
        tasks.spawn(outbox::run(Arc::clone(&door), stop.clone()));
        tasks.spawn(sweep::run(Arc::clone(&door), stop.clone()));
        tasks.spawn(sweep::watch_logins(Arc::clone(&door), stop.clone()));
        tasks.spawn(steward::run(Arc::clone(&door), stop.clone()));
        tasks.spawn(bridges::run(Arc::clone(&door), self.callbacks, stop.clone()));
        let committing = Arc::clone(&door);
        let committer = TaskTracker::new();
        committer.spawn(async move { committing.committer.run(&committing.app).await });

        stop.cancelled().await;
        door.realm.stopping.store(true, Ordering::Relaxed);
        tasks.close();
        tasks.wait().await;
        // From here on nothing is taken over: whoever was at it holds their lock until it is handed over.
        for handle in door.realm.all() {
            drop(handle.out());
        }
        if tokio::time::timeout(FAREWELL, door.committer.drained()).await.is_err() {
            tracing::warn!("what devices said last could not be committed in time; they will say it again");
        }
        for handle in door.realm.all() {
            handle.end(Ending::ShuttingDown);
        }
        door.connections.close();
        if tokio::time::timeout(FAREWELL, door.connections.wait()).await.is_err() {
            tracing::debug!("some device connections did not end in time");
        }
        door.committer.close();
        committer.close();
        committer.wait().await;
    }
}

/// Whoever does not fit in here while it waits to be accepted tries again after a second, two, four and so on. The kernel
/// takes as many as it is set up for, often 4,096.
const AT_THE_GATE: u32 = 16_384;

fn open(addr: SocketAddr) -> io::Result<TcpListener> {
    let told = |error: io::Error| io::Error::new(error.kind(), format!("{addr}: {error}"));
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(told)?;
    // A start right after a stop finds connections of before in their last minute.
    socket.set_reuseaddr(true).map_err(told)?;
    socket.bind(addr).map_err(told)?;
    socket.listen(AT_THE_GATE).map_err(told)
}

/// For fuzzing: reads any bytes as the packets of a connection would be, in both versions.
#[doc(hidden)]
pub fn fuzz_packets(bytes: &[u8]) {
    let _ = codec::read_connect(bytes);
    for version in [codec::Version::V3, codec::Version::V5] {
        if let Ok(Some(length)) = codec::packet_length(bytes, codec::MAX_PACKET)
            && let Some(frame) = bytes.get(..length)
        {
            let _ = codec::read(version, frame);
        }
    }
}

/// For fuzzing: topics, filters and client ids.
#[doc(hidden)]
pub fn fuzz_names(text: &str) {
    let _ = (names::is_topic(text), names::is_filter(text), names::is_client_id(text), names::own(text));
}

/// For fuzzing: what announces itself to Home Assistant.
#[doc(hidden)]
pub fn fuzz_discovery(topic: &str, payload: &[u8]) {
    let _ = discovery::is_discovery(topic, true);
    if let Some(told) = discovery::read(topic, payload) {
        let _ = (told.facts(), told.mark(1));
    }
}

/// For fuzzing: topics and payloads of a hub.
#[doc(hidden)]
pub fn fuzz_hub(topic: &str, payload: &[u8]) {
    let _ = nuki_hub::read_own(topic, payload);
    for part in [lockwarden_app::ways::HubPart::Lock, lockwarden_app::ways::HubPart::Opener] {
        let _ = (nuki_hub::name("nukihub", topic), nuki_hub::read(part, topic, payload));
    }
}

/// For fuzzing: payloads of every topic of the connector.
#[doc(hidden)]
pub fn fuzz_payload(topic: &str, payload: &[u8]) {
    let _ = nuki_mqtt::read(topic, payload);
}

/// For fuzzing: any bytes as the settings that a Hub tells and as its answer to a change, on either side. What was read is
/// written and read again, and must still be the same.
#[doc(hidden)]
pub fn fuzz_hub_settings(payload: &[u8]) {
    nuki_hub::config::fuzz(payload);
}

/// For fuzzing: everything that a bridge, somebody who calls like one, or a person who enters one says.
#[doc(hidden)]
pub fn fuzz_bridge(bytes: &[u8]) {
    nuki_bridge::read_everything(bytes);
}
