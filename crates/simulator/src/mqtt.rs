//! As much of MQTT 3.1.1 as a lock speaks, made small: a quiet connection holds no buffers, so that a hundred thousand of
//! them fit into one process. References are to the sections of MQTT 3.1.1.

use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, sleep_until, timeout};

use crate::spec::Broker;

/// A broker that does not let itself be reached within this time is not there.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a packet from the broker; more is not for a lock.
const LARGEST: usize = 256 * 1024;
/// Bytes read at once.
const PIECE: usize = 2_048;

/// What a client says of itself when it connects (3.1).
pub(crate) struct Hello<'a> {
    pub client_id: &'a str,
    pub login: Option<(&'a str, &'a str)>,
    pub will: (&'a str, &'a str),
    pub keep_alive: Duration,
}

/// A message from the broker (3.3).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The broker lets it in, or does not and says why by number (3.2.2.3).
    Answer(u8),
    Message(Message),
    /// A publish of QoS 1 or 2 is done.
    Acknowledged,
    Other,
}

pub(crate) struct Connection {
    stream: TcpStream,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Messages of QoS 2 that have come and are not yet released.
    held: Vec<u16>,
    next_id: u16,
    keep_alive: Duration,
    ping_at: Instant,
    is_pinged: bool,
}

impl Connection {
    pub(crate) async fn open(broker: &Broker, source: Option<IpAddr>, hello: &Hello<'_>) -> Result<Self> {
        let late = |_| Error::new(ErrorKind::TimedOut, "the broker is not reached in time");
        let stream = timeout(PATIENCE, reach(broker, source)).await.map_err(late)??;
        let keep_alive = hello.keep_alive;
        let mut connection = Self {
            stream,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            held: Vec::new(),
            next_id: 0,
            keep_alive,
            ping_at: Instant::now(),
            // Its answer to the greeting is waited for like one to a ping.
            is_pinged: true,
        };
        connection.say(0x10, &connect(hello));
        connection.ping_at = Instant::now() + PATIENCE;
        Ok(connection)
    }

    pub(crate) fn subscribe(&mut self, topic: &str, qos: u8) {
        let mut body = self.id().to_be_bytes().to_vec();
        put(&mut body, topic);
        body.push(qos);
        self.say(0x82, &body);
    }

    pub(crate) fn publish(&mut self, topic: &str, qos: u8, retain: bool, payload: &str) {
        let mut body = Vec::with_capacity(topic.len() + payload.len() + 4);
        put(&mut body, topic);
        if qos > 0 {
            body.extend(self.id().to_be_bytes());
        }
        body.extend(payload.as_bytes());
        self.say(0x30 | qos << 1 | u8::from(retain), &body);
    }

    /// What comes next. Nothing is lost when this is given up halfway.
    pub(crate) async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some((kind, body)) = self.packet()? {
                return self.understand(kind, &body);
            }
            if self.outgoing.is_empty() {
                self.outgoing = Vec::new();
            }
            let writes = if self.outgoing.is_empty() {
                Interest::READABLE
            } else {
                Interest::READABLE | Interest::WRITABLE
            };
            tokio::select! {
                ready = self.stream.ready(writes) => {
                    let ready = ready?;
                    if ready.is_writable() {
                        self.write()?;
                    }
                    if ready.is_readable() {
                        self.read()?;
                    }
                }
                () = sleep_until(self.ping_at) => self.ping()?,
            }
        }
    }

    /// In good order (3.14). The broker closes the line; closed at this end with something unread, it would be reset, and
    /// the last words could be lost.
    pub(crate) async fn leave(mut self) {
        self.say(0xE0, &[]);
        let bytes = std::mem::take(&mut self.outgoing);
        let _ = timeout(Duration::from_secs(1), async {
            self.stream.write_all(&bytes).await?;
            self.stream.shutdown().await?;
            while self.stream.read(&mut [0; 64]).await? > 0 {}
            Result::Ok(())
        })
        .await;
    }

    fn read(&mut self) -> Result<()> {
        let mut piece = [0; PIECE];
        match self.stream.try_read(&mut piece) {
            Ok(0) => Err(Error::new(ErrorKind::ConnectionAborted, "the broker closed the connection")),
            Ok(count) => {
                self.incoming.extend(piece.get(..count).unwrap_or_default());
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self) -> Result<()> {
        match self.stream.try_write(&self.outgoing) {
            Ok(count) => {
                self.outgoing.drain(..count);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn ping(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.is_pinged, true) {
            return Err(Error::new(ErrorKind::TimedOut, "the broker does not answer"));
        }
        self.say(0xC0, &[]);
        Ok(())
    }

    /// The next whole packet, if it is there.
    fn packet(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        let Some((length, start)) = length(self.incoming.get(1..).unwrap_or_default())? else {
            return Ok(None);
        };
        let (start, end) = (1 + start, 1 + start + length);
        let Some(body) = self.incoming.get(start..end) else { return Ok(None) };
        let packet = (self.incoming.first().copied().unwrap_or_default(), body.to_vec());
        self.incoming.drain(..end);
        if self.incoming.is_empty() {
            self.incoming = Vec::new();
        }
        Ok(Some(packet))
    }

    fn understand(&mut self, kind: u8, body: &[u8]) -> Result<Event> {
        let id = || id_in(body).ok_or_else(malformed);
        Ok(match kind >> 4 {
            2 => {
                self.is_pinged = false;
                self.ping_at = Instant::now() + self.keep_alive;
                Event::Answer(*body.get(1).ok_or_else(malformed)?)
            }
            3 => return self.message(kind, body),
            4 | 7 => Event::Acknowledged,
            5 => {
                let id = id()?;
                self.say(0x62, &id.to_be_bytes());
                Event::Other
            }
            6 => {
                let id = id()?;
                self.held.retain(|held| *held != id);
                self.say(0x70, &id.to_be_bytes());
                Event::Other
            }
            13 => {
                self.is_pinged = false;
                Event::Other
            }
            _ => Event::Other,
        })
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Result<Event> {
        let qos = kind >> 1 & 3;
        let length = usize::from(id_in(body).ok_or_else(malformed)?);
        let topic = body.get(2..2 + length).ok_or_else(malformed)?;
        let rest = body.get(2 + length..).unwrap_or_default();
        let mut payload = rest;
        if qos > 0 {
            let id = id_in(rest).ok_or_else(malformed)?;
            payload = rest.get(2..).unwrap_or_default();
            self.say(if qos == 1 { 0x40 } else { 0x50 }, &id.to_be_bytes());
            if qos == 2 {
                if self.held.contains(&id) {
                    return Ok(Event::Other);
                }
                self.held.push(id);
            }
        }
        Ok(Event::Message(Message {
            topic: String::from_utf8_lossy(topic).into_owned(),
            payload: payload.to_vec(),
            qos,
            retain: kind & 1 != 0,
            dup: kind & 8 != 0,
        }))
    }

    fn say(&mut self, kind: u8, body: &[u8]) {
        self.outgoing.push(kind);
        let mut rest = body.len();
        loop {
            let digit = u8::try_from(rest % 128).unwrap_or_default();
            rest /= 128;
            self.outgoing.push(if rest > 0 { digit | 128 } else { digit });
            if rest == 0 {
                break;
            }
        }
        self.outgoing.extend(body);
        self.ping_at = Instant::now() + self.keep_alive;
    }

    fn id(&mut self) -> u16 {
        self.next_id = self.next_id.wrapping_add(1).max(1);
        self.next_id
    }
}

async fn reach(broker: &Broker, source: Option<IpAddr>) -> Result<TcpStream> {
    let mut last = Error::new(ErrorKind::NotFound, "the broker's name leads nowhere");
    for address in lookup_host((broker.host.as_str(), broker.port)).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = source.filter(|source| source.is_ipv4() == address.is_ipv4()) {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        match socket.connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn connect(hello: &Hello<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    put(&mut body, "MQTT");
    // A clean session, and a retained will of QoS 1.
    let mut flags = 0b0010_1110;
    if let Some((_, password)) = hello.login {
        flags |= 0b1000_0000 | if password.is_empty() { 0 } else { 0b0100_0000 };
    }
    let seconds = u16::try_from(hello.keep_alive.as_secs()).unwrap_or(u16::MAX);
    body.extend([4, flags]);
    body.extend(seconds.to_be_bytes());
    put(&mut body, hello.client_id);
    put(&mut body, hello.will.0);
    put(&mut body, hello.will.1);
    if let Some((name, password)) = hello.login {
        put(&mut body, name);
        if !password.is_empty() {
            put(&mut body, password);
        }
    }
    body
}

/// A text with its length before it (1.5.3).
fn put(body: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    let text = text.get(..usize::from(u16::MAX)).unwrap_or(text);
    body.extend(u16::try_from(text.len()).unwrap_or_default().to_be_bytes());
    body.extend(text);
}

fn id_in(body: &[u8]) -> Option<u16> {
    let (first, second) = (body.first()?, body.get(1)?);
    Some(u16::from_be_bytes([*first, *second]))
}

/// The remaining length, and how many bytes it takes (2.2.3). `None` while it has not all come.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut length = 0;
    for (place, byte) in bytes.iter().take(4).enumerate() {
        length += usize::from(byte & 127) << (7 * place);
        if byte & 128 == 0 {
            return if length > LARGEST { Err(malformed()) } else { Ok(Some((length, place + 1))) };
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err(malformed()) }
}

fn malformed() -> Error {
    Error::new(ErrorKind::InvalidData, "the broker speaks no MQTT")
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    const HELLO: Hello<'_> = Hello {
        client_id: "SL3P_A1",
        login: Some(("lock", "secret")),
        will: ("nuki/A1/connected", "false"),
        keep_alive: Duration::from_mins(1),
    };

    /// A connection, and the broker's end of it after the greeting.
    async fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let broker = Broker { host: "127.0.0.1".to_owned(), port };
        let mut client = Connection::open(&broker, None, &HELLO).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        client.write().unwrap();
        let mut head = [0; 2];
        server.read_exact(&mut head).await.unwrap();
        let mut rest = vec![0; usize::from(head[1])];
        server.read_exact(&mut rest).await.unwrap();
        assert_eq!((head[0], rest[8], rest[9]), (0x10, 0, 60), "{rest:?}");
        (client, server)
    }

    /// What the client answers to these bytes.
    async fn answers(bytes: &[u8], events: usize) -> (Vec<Event>, Vec<u8>) {
        let (mut client, mut server) = pair().await;
        server.write_all(bytes).await.unwrap();
        let mut all = Vec::new();
        while all.len() < events {
            all.push(client.next().await.unwrap());
        }
        (all, client.outgoing)
    }

    fn message(qos: u8, dup: bool) -> Event {
        let (topic, payload) = ("a/b".to_owned(), b"x".to_vec());
        Event::Message(Message { topic, payload, qos, retain: false, dup })
    }

    #[tokio::test]
    async fn messages_of_every_qos_are_answered_as_they_must_be() {
        let zero = answers(b"\x30\x06\x00\x03a/bx", 1).await;
        assert_eq!(zero, (vec![message(0, false)], vec![]));
        let one = answers(b"\x32\x08\x00\x03a/b\x00\x07x", 1).await;
        assert_eq!(one, (vec![message(1, false)], vec![0x40, 2, 0, 7]));
        let twice = b"\x34\x08\x00\x03a/b\x00\x07x\x3C\x08\x00\x03a/b\x00\x07x\x62\x02\x00\x07";
        let (events, answer) = answers(twice, 3).await;
        assert_eq!(events, [message(2, false), Event::Other, Event::Other], "the second is the same one");
        assert_eq!(answer, [0x50, 2, 0, 7, 0x50, 2, 0, 7, 0x70, 2, 0, 7]);
    }

    #[tokio::test]
    async fn bytes_may_come_one_by_one_and_nonsense_ends_it() {
        let (mut client, mut server) = pair().await;
        for byte in b"\x20\x02\x00\x05" {
            server.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(client.next().await.unwrap(), Event::Answer(5));
        for nonsense in
            [&b"\x30\xff\xff\xff\xff"[..], b"\x30\xff\xff\xff\x7f", b"\x32\x02\x00\x09", b"\x20\x00"]
        {
            let (mut client, mut server) = pair().await;
            server.write_all(nonsense).await.unwrap();
            assert_eq!(client.next().await.unwrap_err().kind(), ErrorKind::InvalidData, "{nonsense:?}");
        }
        drop(server);
        assert!(client.next().await.is_err());
    }

    #[tokio::test]
    async fn a_quiet_connection_holds_no_buffers() {
        let (mut client, mut server) = pair().await;
        client.publish("nuki/A1/state", 2, true, "1");
        server.write_all(b"\x50\x02\x00\x01\x70\x02\x00\x01").await.unwrap();
        assert_eq!(client.next().await.unwrap(), Event::Other);
        assert_eq!(client.next().await.unwrap(), Event::Acknowledged);
        let quiet = timeout(Duration::from_millis(50), client.next()).await;
        assert!(quiet.is_err());
        assert_eq!((client.incoming.capacity(), client.outgoing.capacity()), (0, 0));
    }
}
