//! Any bytes as what a lock says after it has signed in, through the real door, a real socket and a real database: no
//! sequence of packets brings it down, and what comes back is MQTT.
#![no_main]

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use lockwarden_app::logins::Credentials;
use lockwarden_gateway::{Config, Gateway, Limits};
use lockwarden_testkit::World;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

struct Site {
    runtime: Runtime,
    addr: SocketAddr,
    credentials: Credentials,
    /// The clock stands still, so that nothing ends by time.
    _world: World,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (addr, credentials, world) = runtime.block_on(async {
        let world = World::new().await;
        let anna = world.owner("Anna").await;
        let (_, credentials) = world.device(&anna, "Front door").await;
        let login = world.login(&credentials).await;
        world.app.bind_login(&login, 0xA1).await.unwrap().unwrap();
        let config = Config {
            plain: Some("127.0.0.1:0".parse().unwrap()),
            tls: None,
            callbacks: None,
            limits: Limits::default(),
        };
        let gateway = Gateway::bind(world.app.clone(), config).unwrap();
        let addr = gateway.local_addr();
        tokio::spawn(gateway.run(CancellationToken::new()));
        (addr, credentials, world)
    });
    Site { runtime, addr, credentials, _world: world }
});

/// 3.1.1 or 5, with a session that is kept or not; always the same client, so that sessions are taken up.
fn connect(credentials: &Credentials, choice: u8) -> Vec<u8> {
    let is_v5 = choice & 1 == 1;
    let clean = choice & 2;
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', if is_v5 { 5 } else { 4 }, 0xC0 | clean, 0, 60];
    if is_v5 {
        // Session expiry: an hour, or none.
        body.extend([5, 0x11, 0, 0, if clean == 0 { 14 } else { 0 }, 16]);
    }
    for text in ["SL3P_A1", &credentials.username, &credentials.password] {
        body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        body.extend(text.as_bytes());
    }
    [vec![0x10, u8::try_from(body.len()).unwrap()], body].concat()
}

/// Kinds of packets that a server sends, one after the other, each whole (but for the last, where the line broke).
fn check(mut said: &[u8]) {
    assert_eq!(said.first(), Some(&0x20), "the first word is CONNACK: {said:?}");
    while let Some((kind, rest)) = said.split_first() {
        assert!(
            matches!(kind, 0x20 | 0x40 | 0x50 | 0x62 | 0x70 | 0x90 | 0xB0 | 0xD0 | 0xE0),
            "no server says {kind:#x}: {said:?}"
        );
        let Some((length, rest)) = rest.split_first() else { return };
        assert!(*length < 0x80, "longer than any answer: {said:?}");
        said = rest.get(usize::from(*length)..).unwrap_or_default();
    }
}

async fn converse(site: &Site, choice: u8, bytes: &[u8]) {
    let mut stream = TcpStream::connect(site.addr).await.unwrap();
    stream.write_all(&connect(&site.credentials, choice)).await.unwrap();
    // The other side may have had enough before everything is said.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut said = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut said)).await;
    // A reset takes with it what was not read yet.
    if reading.expect("the door does not let go").is_ok() {
        check(&said);
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some((choice, bytes)) = bytes.split_first() {
        let site = &*SITE;
        site.runtime.block_on(converse(site, *choice, bytes));
    }
});
