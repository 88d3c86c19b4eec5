//! The TLS door: the same door behind a handshake.

use std::sync::Arc;

use lockwarden_gateway::{Config, Gateway, Limits, TlsConfig};
use lockwarden_testkit::World;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use crate::kit::{LOCAL, within};
use crate::raw::{connect, publish};

#[tokio::test]
async fn a_lock_that_speaks_tls_is_let_in_and_one_that_trusts_somebody_else_is_not() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (device, credentials) = world.device(&anna, "Front door").await;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (world.database.dir.path().join("cert.pem"), world.database.dir.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = TlsConfig { addr: LOCAL.parse().unwrap(), cert, key };
    let config = Config { plain: None, tls: Some(tls), limits: Limits::default() };
    let gateway = Gateway::bind(world.app.clone(), config).await.unwrap();
    let (addr, stop) = (gateway.tls_addr().unwrap(), CancellationToken::new());
    let mut running = JoinSet::new();
    running.spawn(gateway.run(stop.clone()));

    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone()).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let secure = |roots: RootCertStore| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    };
    let stranger = TcpStream::connect(addr).await.unwrap();
    assert!(secure(RootCertStore::empty()).connect(name.clone(), stranger).await.is_err());
    let stream = TcpStream::connect(addr).await.unwrap();
    let mut lock = secure(trusted).connect(name, stream).await.unwrap();
    lock.write_all(&connect(&credentials, "SL3P_A1", true, None)).await.unwrap();
    let mut answer = [0; 4];
    within(lock.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, [0x20, 2, 0, 0]);
    lock.write_all(&publish("nuki/A1/state", "1", 1, 1, false)).await.unwrap();
    within(lock.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, [0x40, 2, 0, 1]);
    assert_eq!(world.app.load_device(&anna, device).await.unwrap().nuki_id, Some(0xA1));
    stop.cancel();
    running.join_all().await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_stops_the_start_and_not_the_first_lock() {
    let world = World::new().await;
    let missing = world.database.dir.path().join("missing.pem");
    let tls = TlsConfig { addr: LOCAL.parse().unwrap(), cert: missing.clone(), key: missing };
    let config = Config { plain: None, tls: Some(tls), limits: Limits::default() };
    let error = Gateway::bind(world.app.clone(), config).await.err().unwrap();
    assert!(error.to_string().contains("missing.pem"), "{error}");
}
