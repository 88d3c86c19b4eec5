//! A bare socket, for what no well-behaved client would do.

use std::net::SocketAddr;
use std::time::Duration;

use lockwarden_app::actor::Actor;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::Credentials;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::kit::{Site, within};

pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    pub(crate) session_present: bool,
}

fn text(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text);
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    let mut length = body.len();
    loop {
        let byte = u8::try_from(length % 128).unwrap();
        length /= 128;
        bytes.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

/// A CONNECT of 3.1.1, with a will if one is given.
pub(crate) fn connect(
    credentials: &Credentials,
    client_id: &str,
    clean: bool,
    will: Option<(&str, &str)>,
) -> Vec<u8> {
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4];
    let will_flags = if will.is_some() { 0x24 } else { 0 };
    body.push(0xC0 | will_flags | u8::from(clean) << 1);
    body.extend(60_u16.to_be_bytes());
    text(&mut body, client_id.as_bytes());
    if let Some((topic, payload)) = will {
        text(&mut body, topic.as_bytes());
        text(&mut body, payload.as_bytes());
    }
    text(&mut body, credentials.username.as_bytes());
    text(&mut body, credentials.password.as_bytes());
    packet(0x10, &body)
}

/// A CONNECT of 5, whose session outlives the connection by an hour.
pub(crate) fn connect_5(credentials: &Credentials, client_id: &str, clean: bool) -> Vec<u8> {
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 5, 0xC0 | u8::from(clean) << 1, 0, 60];
    body.extend([5, 0x11]);
    body.extend(3_600_u32.to_be_bytes());
    text(&mut body, client_id.as_bytes());
    text(&mut body, credentials.username.as_bytes());
    text(&mut body, credentials.password.as_bytes());
    packet(0x10, &body)
}

/// A lock that is bound, online and listens.
pub(crate) async fn lock(site: &Site, owner: &Actor, clean: bool) -> (DeviceId, Credentials, Raw) {
    let (device, credentials) = site.device(owner, "Front door").await;
    let mut raw = Raw::sign_in(site.addr, &credentials, "SL3P_A1", clean).await;
    assert_eq!(raw.subscribe("nuki/A1/lockAction").await, 2);
    raw.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(raw.read(4).await, [0x40, 2, 0, 1]);
    site.until(owner, device, |device| device.link.accepts_commands == Some(true)).await;
    (device, credentials, raw)
}

impl Raw {
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, session_present: false }
    }

    /// With a pipe that is soon full of what is not read.
    pub(crate) async fn open_narrow(addr: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.set_send_buffer_size(4_096).unwrap();
        Self { stream: socket.connect(addr).await.unwrap(), session_present: false }
    }

    pub(crate) async fn sign_in(
        addr: SocketAddr,
        credentials: &Credentials,
        client_id: &str,
        clean: bool,
    ) -> Self {
        let mut raw = Self::open(addr).await;
        raw.send(&connect(credentials, client_id, clean, None)).await;
        let answer = raw.read(4).await;
        assert_eq!((answer[0], answer[1], answer[3]), (0x20, 2, 0), "refused: {answer:?}");
        raw.session_present = answer[2] == 1;
        raw
    }

    pub(crate) async fn sign_in_5(
        addr: SocketAddr,
        credentials: &Credentials,
        client_id: &str,
        clean: bool,
    ) -> Self {
        let mut raw = Self::open(addr).await;
        raw.send(&connect_5(credentials, client_id, clean)).await;
        raw.session_present = raw.welcome_5().await == 1;
        raw
    }

    /// Reads the CONNACK of a version 5 sign-in: whether there was a session.
    pub(crate) async fn welcome_5(&mut self) -> u8 {
        let head = self.read(2).await;
        let rest = self.read(usize::from(head[1])).await;
        assert_eq!((head[0], rest[1]), (0x20, 0), "refused: {rest:?}");
        rest[0]
    }

    pub(crate) async fn publish_5(&mut self, topic: &str, payload: &str, qos: u8, id: u16) {
        let mut body = Vec::new();
        text(&mut body, topic.as_bytes());
        body.extend(id.to_be_bytes());
        body.push(0);
        body.extend(payload.as_bytes());
        self.send(&packet(0x30 | qos << 1, &body)).await;
    }

    /// Whether the other side has said nothing and not gone.
    pub(crate) fn is_open(&self) -> bool {
        let read = self.stream.try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        within(self.stream.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    /// Everything until the other side closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset is an end too.
        let _ = within(self.stream.read_to_end(&mut bytes)).await;
        bytes
    }

    pub(crate) async fn ping(&mut self) {
        self.send(&[0xC0, 0]).await;
        assert_eq!(self.read(2).await, [0xD0, 0]);
    }

    pub(crate) async fn publish(&mut self, topic: &str, payload: &str, qos: u8, id: u16, dup: bool) {
        self.send(&publish(topic, payload, qos, id, dup)).await;
    }

    /// Publishes unless the pipe is full.
    pub(crate) async fn try_publish(&mut self, topic: &str, payload: &str, id: u16) -> bool {
        self.try_send(&publish(topic, payload, 1, id, false), Duration::from_millis(300)).await
    }

    /// Sends unless the pipe stays full.
    pub(crate) async fn try_send(&mut self, bytes: &[u8], patience: Duration) -> bool {
        tokio::time::timeout(patience, self.stream.write_all(bytes)).await.is_ok_and(|sent| sent.is_ok())
    }

    pub(crate) async fn subscribe(&mut self, filter: &str) -> u8 {
        let mut body = 1_u16.to_be_bytes().to_vec();
        text(&mut body, filter.as_bytes());
        body.push(2);
        self.send(&packet(0x82, &body)).await;
        self.read(5).await[4]
    }
}

pub(crate) fn publish(topic: &str, payload: &str, qos: u8, id: u16, dup: bool) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic.as_bytes());
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(payload.as_bytes());
    packet(0x30 | qos << 1 | u8::from(dup) << 3, &body)
}
