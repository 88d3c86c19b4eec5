//! A server that says exactly the bytes it is told, and time that passes when a test says so.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use lockwarden_app::clock::{Clock, Steady, Time};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use lockwarden_app::bridges::BridgeAddress;

pub(super) fn clock() -> Clock {
    Clock::manual(Time(1_795_521_600_000))
}

/// A test that hangs fails instead.
pub(super) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), Box::pin(work))
        .await
        .expect("it did not happen within 30 seconds")
}

/// Both sides of a line at once.
pub(super) async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    within(async { tokio::join!(one, other) }).await
}

pub(super) async fn a_moment() {
    tokio::time::timeout(Duration::from_millis(3), std::future::pending::<()>()).await.unwrap_err();
}

/// Half seconds pass until `work` is done; how many seconds that took on the moved clock.
pub(super) async fn while_time_passes<T>(clock: &Clock, work: impl Future<Output = T>) -> (T, f64) {
    let begun = clock.steady();
    let passing = async {
        loop {
            a_moment().await;
            clock.advance(Duration::from_millis(500));
        }
    };
    let done = tokio::select! {
        biased;
        done = within(work) => done,
        never = passing => never,
    };
    (done, clock.steady().since(begun).as_secs_f64())
}

pub(super) fn from_now(clock: &Clock, seconds: u64) -> Steady {
    clock.steady().plus(Duration::from_secs(seconds))
}

/// What stands where a bridge should.
pub(super) struct Server {
    listener: TcpListener,
    pub(super) addr: SocketAddr,
}

impl Server {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        Self { listener, addr }
    }

    pub(super) fn address(&self) -> BridgeAddress {
        BridgeAddress::parse(&self.addr.to_string()).unwrap()
    }

    pub(super) async fn accept(&self) -> Guest {
        Guest(within(self.listener.accept()).await.unwrap().0)
    }

    /// Reads a request, says `pieces` a moment apart, and closes; the head of the request.
    pub(super) async fn answer(&self, pieces: &[&[u8]]) -> String {
        let mut guest = self.accept().await;
        let head = guest.head().await;
        for piece in pieces {
            guest.say(piece).await.unwrap();
            a_moment().await;
        }
        head
    }

    /// Nobody came.
    pub(super) async fn is_untouched(&self) -> bool {
        a_moment().await;
        tokio::time::timeout(Duration::from_millis(50), self.listener.accept()).await.is_err()
    }
}

/// Whoever connected.
pub(super) struct Guest(pub(super) TcpStream);

impl Guest {
    /// Everything up to the empty line.
    pub(super) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(self.0.read_u8()).await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    pub(super) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        within(self.0.write_all(bytes)).await
    }

    /// What else came, until the other side closed; or that it broke off.
    pub(super) async fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        within(self.0.read_to_end(&mut rest)).await.map(|_| rest)
    }
}

/// An answer with its length.
pub(super) fn answer(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
