//! One signed-in connection: a single task that writes, flushes, then reads, and holds almost nothing while idle. It
//! stops reading while too much of what it took over is not committed or too much is unsent: pressure, not queues.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use lockwarden_app::clock::Steady;
use lockwarden_app::devices::{Connector, Delivery, Intake, Repetition, Report, Session};
use lockwarden_app::logins::{Authenticated, Filters, RefusalReason};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::bridges;
use crate::codec::{self, Ack, Broken, MAX_PACKET, Packet, Version, WINDOW, Will, packet_length};
use crate::commit::{Answer, Item};
use crate::door::Door;
use crate::names;
use crate::nuki_hub::Reach;
use crate::realm::{Ending, Handle, UNSENT, Underway};
use crate::socket;
use crate::spoken;

const SCRATCH: usize = 16 * 1_024;
/// How long after taking up a session a publish may be an unflagged repetition.
pub(crate) const RESUMING: Duration = Duration::from_secs(10);
/// QoS 2 deliveries that a client of 3.1.1, which cannot be told a limit, may have half done.
const MOST_OPEN: usize = 1_024;

thread_local! {
    /// Every connection of a thread reads into the same piece of memory, so that an idle one has none of its own.
    static READ_INTO: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The socket below whatever protects it.
    fn socket(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

pub(crate) struct Connection<S> {
    pub stream: S,
    pub door: Arc<Door>,
    pub handle: Arc<Handle>,
    pub login: Authenticated,
    pub keep: bool,
    /// Until when what it says may be a repetition that is not flagged: where it took up a session that an earlier
    /// connection left.
    pub repeats_until: Steady,
    pub will: Option<Box<Will>>,
    pub filters: Filters,
    /// QoS 2 packet ids between PUBLISH and PUBREL.
    pub open: BTreeSet<u16>,
    /// Bytes of a packet that is not whole yet.
    pub partial: Vec<u8>,
    pub flush_owed: bool,
    /// Of those alone that say more than how a lock is.
    pub told: Option<Box<Told>>,
    /// A refusal was told to the log once; more of them are only counted.
    pub grumbled: bool,
}

/// What a connection has told so far.
#[derive(Default)]
pub(crate) struct Told {
    /// What it last announced itself as: it says so with every entity.
    pub announced: u64,
    /// Of a hub: which of its devices it has reached.
    pub reach: Reach,
}

/// Why the poll loop came back.
pub(crate) enum Step {
    /// A packet that needs the database before the next may be looked at.
    Ask(Box<Packet>),
    /// We end it: after what waits was written, and with a word of why.
    End(Ending),
    Over(Over),
}

/// How the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// By the client's DISCONNECT: the will is dropped.
    Clean,
    Abrupt,
}

impl<S: Stream> Connection<S> {
    /// By reference: a task that owned it here would keep room for it twice.
    pub(crate) async fn run(&mut self) {
        let over = loop {
            let packet = match poll_fn(|context| self.poll(context)).await {
                Step::Over(over) => break over,
                Step::End(ending) => {
                    self.handle.end(ending);
                    continue;
                }
                Step::Ask(packet) => *packet,
            };
            if let Err(ending) = self.asking(packet).await {
                self.handle.end(ending);
            }
        };
        let out = self.handle.out();
        if out.command.is_some() || out.ending == Some(Ending::Silent) {
            socket::forget_unsent(self.stream.socket());
        }
        drop(out);
        let now = self.door.app.now();
        let will = self.will.take().filter(|_| over == Over::Abrupt);
        let (door, handle) = (&self.door, &self.handle);
        door.realm.leave(handle, &door.committer, now, || {
            if let Some(seen) = will.and_then(|will| spoken::last_words(handle.connector, &will)) {
                door.committer.observe((handle.device, handle.connector), seen, now);
            }
        });
        if handle.connector == Connector::NukiMqtt {
            door.realm.mirror(handle.device, "connected", "false");
        }
        bridges::another_way_is_gone(door, handle.device);
        door.realm.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// In a box of its own: few connections ask at a time.
    fn asking(&mut self, packet: Packet) -> Pin<Box<dyn Future<Output = Result<(), Ending>> + Send + '_>> {
        Box::pin(self.ask(packet))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        loop {
            match self.write(context) {
                Poll::Ready(Err(()) | Ok(true)) => return Poll::Ready(Step::Over(Over::Abrupt)),
                Poll::Ready(Ok(false)) | Poll::Pending => {}
            }
            // What was read before a pause comes before what is read now.
            if let Some(step) = self.work_through() {
                return Poll::Ready(step);
            }
            if !self.may_read(context) {
                return Poll::Pending;
            }
            match self.read(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(false) => return Poll::Ready(Step::Over(Over::Abrupt)),
                Poll::Ready(true) => {}
            }
        }
    }

    /// Writes what waits. Ready(true): an ending was ordered and everything before it has left.
    fn write(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, ()>> {
        let handle = Arc::clone(&self.handle);
        let mut out = handle.out();
        // Registered first, so that whatever is added from now on wakes this task.
        match &mut out.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        if let Some(command) = &mut out.command
            && !self.is_in_time(command)
        {
            return Poll::Ready(Err(()));
        }
        while !out.bytes.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &out.bytes) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(())),
                Poll::Ready(Ok(written)) => {
                    out.bytes.drain(..written);
                    self.flush_owed = true;
                    handle.stuck_since.store(0, Ordering::Relaxed);
                }
                Poll::Pending => {
                    self.is_stuck();
                    return if out.ending.is_some() { Poll::Ready(Ok(true)) } else { Poll::Pending };
                }
            }
        }
        out.bytes = Vec::new();
        if self.flush_owed {
            match Pin::new(&mut self.stream).poll_flush(context) {
                Poll::Ready(Ok(())) => {
                    self.flush_owed = false;
                    handle.stuck_since.store(0, Ordering::Relaxed);
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(())),
                Poll::Pending if out.ending.is_none() => {
                    self.is_stuck();
                    return Poll::Pending;
                }
                Poll::Pending => {}
            }
        }
        if let Some(command) = &mut out.command {
            command.has_left = true;
        }
        let Some(ending) = out.ending else {
            return Poll::Ready(Ok(false));
        };
        drop(out);
        let farewell = codec::farewell(handle.version, ending.reason());
        if !farewell.is_empty() {
            // Said if there is room for it; we go in any case.
            let _ = Pin::new(&mut self.stream).poll_write(context, &farewell);
            let _ = Pin::new(&mut self.stream).poll_flush(context);
        }
        Poll::Ready(Ok(true))
    }

    /// Whether a command may still leave. If so, the kernel is told until when; if not, it goes down with the connection.
    fn is_in_time(&self, command: &mut Underway) -> bool {
        if command.has_left {
            return true;
        }
        let now = self.door.app.clock().steady();
        if now >= command.until {
            tracing::warn!(device.id = %self.login.device, "a command could not leave in time; the connection is cut off");
            return false;
        }
        if !std::mem::replace(&mut command.is_timed, true) {
            socket::deliver_within(self.stream.socket(), command.until.since(now));
        }
        true
    }

    /// The device has the last command: what else is sent need not hurry.
    fn command_arrived(&mut self) {
        let mut out = self.handle.out();
        if out.command.as_ref().is_some_and(|command| command.has_left) {
            out.command = None;
            socket::deliver_within(self.stream.socket(), socket::DELIVERY);
        }
    }

    fn is_stuck(&self) {
        let now = self.door.app.clock().steady().0;
        let stuck = &self.handle.stuck_since;
        let _ = stuck.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn may_read(&self, context: &mut Context<'_>) -> bool {
        if self.door.realm.stopping.load(Ordering::Relaxed) {
            return false;
        }
        let out = self.handle.out();
        let free = out.uncommitted < WINDOW && out.bytes.len() < UNSENT;
        drop(out);
        free && self.door.committer.has_room(&self.handle, context.waker(), self.door.app.clock().steady())
    }

    /// Reads once. Ready(false): the other side is gone.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        READ_INTO.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Err(_)) => Poll::Ready(false),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(false),
                Poll::Ready(Ok(())) => {
                    self.partial.extend_from_slice(buffer.filled());
                    Poll::Ready(true)
                }
            }
        })
    }

    /// Handles the whole packets at hand, as long as there is room for what they bring.
    fn work_through(&mut self) -> Option<Step> {
        let mut used = 0;
        let mut step = None;
        while step.is_none() {
            if self.handle.out().uncommitted >= WINDOW {
                break;
            }
            let rest = self.partial.get(used..).unwrap_or_default();
            let length = match packet_length(rest, MAX_PACKET) {
                Ok(Some(length)) if rest.len() >= length => length,
                Ok(_) => break,
                Err(broken) => {
                    step = Some(self.broken(broken));
                    break;
                }
            };
            let frame = rest.get(..length).unwrap_or_default();
            let packet = codec::read(self.handle.version, frame);
            used += length;
            self.handle.heard_at.store(self.door.app.clock().steady().0, Ordering::Relaxed);
            step = match packet {
                Ok(packet) => self.packet(packet),
                Err(broken) => Some(self.broken(broken)),
            };
        }
        if used >= self.partial.len() {
            self.partial = Vec::new();
        } else {
            self.partial.drain(..used);
        }
        step
    }

    fn broken(&mut self, broken: Broken) -> Step {
        self.refused(RefusalReason::Malformed, "a packet that is not valid MQTT");
        self.partial = Vec::new();
        Step::End(if broken == Broken::TooLarge { Ending::TooLarge } else { Ending::Malformed })
    }

    fn packet(&mut self, packet: Packet) -> Option<Step> {
        match packet {
            Packet::Publish { topic, payload, qos, packet, dup } => {
                if qos > 0 && packet == 0 || !names::is_topic(&topic) {
                    return Some(self.broken(Broken::Malformed));
                }
                if self.has_to_ask(&topic) {
                    let publish = Packet::Publish { topic, payload, qos, packet, dup };
                    return Some(Step::Ask(Box::new(publish)));
                }
                self.publish(&topic, &payload, (qos, packet, dup))
            }
            Packet::PublishReceived(packet) => {
                // An answer to nothing we send; without its own answer the client would ask again and again.
                self.handle.send(&codec::ack(Ack::Release, packet));
                None
            }
            Packet::PublishRelease(packet) => {
                self.release(packet);
                None
            }
            Packet::PublishAck => {
                self.command_arrived();
                None
            }
            Packet::PublishComplete => None,
            Packet::Ping => {
                self.handle.send(&codec::PONG);
                None
            }
            Packet::Disconnect { with_will } => {
                Some(Step::Over(if with_will { Over::Abrupt } else { Over::Clean }))
            }
            ask @ (Packet::Subscribe { .. } | Packet::Unsubscribe { .. }) => Some(Step::Ask(Box::new(ask))),
        }
    }

    /// Takes over a publish of a bound login, or refuses it.
    pub(crate) fn publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        (qos, packet, dup): (u8, u16, bool),
    ) -> Option<Step> {
        if qos == 2 && self.open.contains(&packet) {
            // The same delivery again, flagged or not (MQTT 3.1.1, 4.3.3): its event is committed or on its way there.
            self.take(None, Some((Ack::Received, packet)));
            return None;
        }
        let Ok(seen) = self.read_publish(topic, payload) else {
            return self.refuse_publish(qos, packet);
        };
        let delivery = self.delivery(topic, payload, (qos, packet, dup));
        let now = self.door.app.now();
        let by = self.login.connector;
        let report =
            |(device, seen)| Intake::Reported(Report { device, by, received_at: now, delivery, seen });
        let intake = seen.map(report);
        let ack = match qos {
            0 => None,
            1 => Some((Ack::Publish, packet)),
            _ => {
                // Only what was recorded is recorded as open; the rest needs no memory beyond this connection.
                self.open.insert(packet);
                Some((Ack::Received, packet))
            }
        };
        self.take(intake, ack);
        let most = if self.handle.version == Version::V5 { usize::from(WINDOW) } else { MOST_OPEN };
        if self.open.len() > most {
            self.refused(RefusalReason::Malformed, "more open deliveries than allowed");
            return Some(Step::End(Ending::TooManyOpen));
        }
        None
    }

    fn delivery(&self, topic: &str, payload: &[u8], (qos, packet, dup): (u8, u16, bool)) -> Delivery {
        // A hub's entries have numbers of their own, and its states their time.
        if qos == 0 || qos == 1 && self.login.connector == Connector::NukiHub {
            return Delivery::AtMostOnce;
        }
        let mut hasher = Sha256::new();
        hasher.update(topic.as_bytes());
        hasher.update([0]);
        hasher.update(payload);
        let hash: [u8; 32] = hasher.finalize().into();
        let digest = hash.first_chunk().map_or(0, |front| u64::from_be_bytes(*front));
        if qos == 1 {
            return Delivery::AtLeastOnce { packet, digest, repetition: self.repetition(dup) };
        }
        // An id that is not open is new, unless the client itself says otherwise.
        let repetition = if dup { Repetition::Said } else { Repetition::No };
        Delivery::ExactlyOnce { session: self.kept(), packet, digest, repetition }
    }

    /// A client that takes up its session repeats first what was not acknowledged (MQTT 3.1.1, 4.4). It must flag it
    /// (3.3.1.1), and some widely used clients do not.
    fn repetition(&self, dup: bool) -> Repetition {
        let now = self.door.app.clock().steady();
        match (dup, now < self.repeats_until) {
            (true, _) => Repetition::Said,
            (false, true) => Repetition::Possible,
            (false, false) => Repetition::No,
        }
    }

    fn take(&mut self, intake: Option<Intake>, ack: Option<(Ack, u16)>) {
        let mut out = self.handle.out();
        // Held until it is handed over: after an ending was ordered, or the server began to stop, nothing follows.
        if out.ending.is_some() || self.door.realm.stopping.load(Ordering::Relaxed) {
            return;
        }
        out.uncommitted += 1;
        let answer = Some((Arc::clone(&self.handle), Answer { ack }));
        self.door.committer.push(Item { intake, answer });
    }

    fn release(&mut self, packet: u16) {
        self.open.remove(&packet);
        let released = self.kept().map(|session| Intake::Released { session, packet });
        self.take(released, Some((Ack::Complete, packet)));
    }

    /// The session, if it outlives this connection.
    fn kept(&self) -> Option<Session> {
        let (login, client_id) = (self.login.login, Arc::clone(&self.handle.client_id));
        self.keep.then_some(Session { login, client_id })
    }

    /// 5 has a word for it; 3.1.1 has not, and an acknowledgement would be a lie (MQTT 3.1.1, 3.3.5).
    pub(crate) fn refuse_publish(&mut self, qos: u8, packet: u16) -> Option<Step> {
        if self.handle.version == Version::V5 {
            if qos > 0 {
                self.handle.send(&codec::refused_publish(packet, qos));
            }
            return None;
        }
        Some(Step::End(Ending::Refused))
    }

    pub(crate) fn refused(&mut self, reason: RefusalReason, detail: &str) {
        if !std::mem::replace(&mut self.grumbled, true) {
            let reason = reason.name();
            tracing::warn!(device.id = %self.login.device, reason, "a device was refused something");
        }
        self.door.refusals.note(self.login.login, reason, detail);
    }
}

#[cfg(test)]
mod tests;
