//! The TLS door: the same door behind a handshake.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lockwarden_app::devices::LockState;
use lockwarden_gateway::{Config, Gateway, Limits, TlsConfig};
use lockwarden_testkit::World;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::kit::{LOCAL, within};
use crate::raw::{Raw, connect, publish};

/// A gateway with a TLS listener, and what its locks must trust.
struct Secured {
    world: World,
    gateway: Gateway,
    trusted: RootCertStore,
}

async fn secured(plain: Option<SocketAddr>) -> Secured {
    let world = World::new().await;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (world.database.dir.path().join("cert.pem"), world.database.dir.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = TlsConfig { addr: LOCAL.parse().unwrap(), cert, key };
    let config = Config { plain, tls: Some(tls), callbacks: None, limits: Limits::default() };
    let gateway = Gateway::bind(world.app.clone(), config).unwrap();
    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone()).unwrap();
    Secured { world, gateway, trusted }
}

async fn shake_hands(addr: SocketAddr, roots: RootCertStore) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(addr).await.unwrap()).await
}

async fn asked<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> [u8; 4] {
    let mut answer = [0; 4];
    stream.write_all(bytes).await.unwrap();
    within(stream.read_exact(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_lock_that_speaks_tls_is_let_in_and_one_that_trusts_somebody_else_is_not() {
    let Secured { world, gateway, trusted } = secured(None).await;
    let anna = world.owner("Anna").await;
    let (device, credentials) = world.device(&anna, "Front door").await;
    let (addr, stop) = (gateway.tls_addr().unwrap(), CancellationToken::new());
    let mut running = JoinSet::new();
    running.spawn(gateway.run(stop.clone()));
    assert!(shake_hands(addr, RootCertStore::empty()).await.is_err());
    let mut lock = shake_hands(addr, trusted).await.unwrap();
    assert_eq!(asked(&mut lock, &connect(&credentials, "SL3P_A1", true, None)).await, [0x20, 2, 0, 0]);
    assert_eq!(asked(&mut lock, &publish("nuki/A1/state", "1", 1, 1, false)).await, [0x40, 2, 0, 1]);
    assert_eq!(world.app.load_device(&anna, device).await.unwrap().nuki_id, Some(0xA1));
    stop.cancel();
    running.join_all().await;
}

#[tokio::test]
async fn who_says_nothing_before_or_behind_the_handshake_is_closed_after_ten_seconds() {
    let Secured { world, gateway, trusted } = secured(None).await;
    let (addr, stop) = (gateway.tls_addr().unwrap(), CancellationToken::new());
    let mut running = JoinSet::new();
    running.spawn(gateway.run(stop.clone()));
    let mut silent = TcpStream::connect(addr).await.unwrap();
    let mut half = TcpStream::connect(addr).await.unwrap();
    half.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    let mut behind = shake_hands(addr, trusted).await.unwrap();
    let closing = async {
        let mut rest = Vec::new();
        let _ = silent.read_to_end(&mut rest).await;
        let _ = half.read_to_end(&mut rest).await;
        let _ = behind.read_to_end(&mut rest).await;
    };
    let begun = world.clock.steady();
    let passing = async {
        let mut seconds = 0;
        loop {
            world.clock.advance(Duration::from_secs(1));
            seconds += 1;
            let _ = tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await;
            assert!(seconds < 100, "somebody is still there");
        }
    };
    tokio::select! { () = closing => {}, () = passing => {} }
    assert!(world.clock.steady().since(begun) >= Duration::from_secs(10), "a slow lock has ten seconds");
    stop.cancel();
    running.join_all().await;
}

#[tokio::test]
async fn both_listeners_are_one_door_a_lock_that_changes_from_plain_to_tls_is_taken_over() {
    let Secured { world, gateway, trusted } = secured(Some(LOCAL.parse().unwrap())).await;
    let anna = world.owner("Anna").await;
    let (device, credentials) = world.device(&anna, "Front door").await;
    let (plain, tls) = (gateway.local_addr(), gateway.tls_addr().unwrap());
    assert_ne!(plain, tls);
    let (gauge, stop) = (gateway.gauge(), CancellationToken::new());
    let mut running = JoinSet::new();
    running.spawn(gateway.run(stop.clone()));
    let mut before = Raw::sign_in(plain, &credentials, "SL3P_A1", true).await;
    before.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(before.read(4).await, [0x40, 2, 0, 1]);
    let mut lock = shake_hands(tls, trusted).await.unwrap();
    assert_eq!(asked(&mut lock, &connect(&credentials, "SL3P_A1", true, None)).await, [0x20, 2, 0, 0]);
    assert!(before.rest().await.is_empty(), "one client id, one connection");
    assert_eq!(asked(&mut lock, &publish("nuki/A1/state", "3", 1, 1, false)).await, [0x40, 2, 0, 1]);
    let found = world.app.load_device(&anna, device).await.unwrap();
    assert_eq!((found.link.online, found.said.state), (true, Some(LockState::Unlocked)));
    within(async {
        while gauge.stats().connections != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Who speaks plainly to the TLS listener is no lock of ours.
    let mut lost = Raw::open(tls).await;
    lost.send(&connect(&credentials, "SL3P_A1", true, None)).await;
    let said = lost.rest().await;
    assert!(said.first() != Some(&0x20), "{said:?}");
    stop.cancel();
    running.join_all().await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_stops_the_start_and_not_the_first_lock() {
    let world = World::new().await;
    let missing = world.database.dir.path().join("missing.pem");
    let tls = TlsConfig { addr: LOCAL.parse().unwrap(), cert: missing.clone(), key: missing };
    let config = Config { plain: None, tls: Some(tls), callbacks: None, limits: Limits::default() };
    let error = Gateway::bind(world.app.clone(), config).err().unwrap();
    assert!(error.to_string().contains("missing.pem"), "{error}");
}
