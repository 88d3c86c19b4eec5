//! Who is connected: the live connections of each device, and nothing that could hold a message for later.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use lockwarden_app::clock::{Steady, Time};
use lockwarden_app::commands::EXPIRED;
use lockwarden_app::devices::{Connector, LockAction, Observation};
use lockwarden_app::ids::{DeviceId, LoginId};
use lockwarden_app::logins::RefusalReason;
use lockwarden_app::ways::HubPart;

use crate::codec::{self, Version};
use crate::commit::Committer;
use crate::{names, nuki_hub};

/// Bytes waiting to be written from which on a connection is not read any more.
pub(crate) const UNSENT: usize = 32 * 1_024;
/// Connections of one login at a time: a lock has one; a second while it reconnects.
const PER_LOGIN: usize = 4;

/// After the deadline of a command: a bolt needs a few seconds.
const ANSWER: Duration = Duration::from_secs(10);

/// A live connection, as everybody but its own task sees it.
pub(crate) struct Handle {
    pub number: u64,
    pub version: Version,
    pub login: LoginId,
    pub connector: Connector,
    pub device: DeviceId,
    /// The opener that a hub brings beside its lock; 0 for none.
    opener: AtomicI64,
    /// When it came, on the steady clock.
    pub since: Steady,
    /// A hub was asked how things stand.
    pub is_asked: AtomicBool,
    pub client_id: Arc<str>,
    /// Milliseconds without a whole packet after which it ends.
    pub patience_ms: i64,
    /// When the last whole packet came (and not a byte of one), on the steady clock like the next two.
    pub heard_at: AtomicI64,
    /// When it last had something unsent that the other side did not take; 0 if nothing waits.
    pub stuck_since: AtomicI64,
    /// When it was first seen without a subscription to its commands; 0 once told.
    pub deaf_since: AtomicI64,
    /// Waits in the committer's line; has come to its front.
    pub is_parked: AtomicBool,
    pub may_enter: AtomicBool,
    /// Until when somebody waits for what it says to a command, on the steady clock; 0 if nobody ever did.
    awaited_until: AtomicI64,
    out: Mutex<Out>,
}

/// What is to be written, and what the task has to know besides.
#[derive(Default)]
pub(crate) struct Out {
    pub bytes: Vec<u8>,
    /// Publishes taken over and not committed yet.
    pub uncommitted: u16,
    pub ending: Option<Ending>,
    pub waker: Option<Waker>,
    /// Where the device listens for commands now.
    pub commands: Box<[Ear]>,
    /// Other topics that a hub listens to: questions, settings.
    pub questions: Box<[Question]>,
    /// The last command, as long as the device has not acknowledged it.
    pub command: Option<Underway>,
    next_packet: u16,
}

/// A command that is on its way. Neither we nor the kernel may deliver it after its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Underway {
    pub until: Steady,
    /// The kernel was told.
    pub is_timed: bool,
    /// None of it is among the bytes any more.
    pub has_left: bool,
}

/// Another topic that a hub listens to, and with which QoS.
pub(crate) type Question = (Box<str>, u8);

/// Where a device listens for commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ear {
    pub part: HubPart,
    pub topic: Box<str>,
    pub qos: u8,
}

/// Why a connection ends, where it does not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    TakenOver,
    LoginEnded,
    Silent,
    NotCommitted,
    Refused,
    Malformed,
    TooLarge,
    TooManyOpen,
    ShuttingDown,
}

impl Ending {
    /// MQTT 5, 3.14.2.1.
    pub(crate) fn reason(self) -> u8 {
        match self {
            Self::TakenOver => 0x8E,
            Self::LoginEnded | Self::Refused => 0x87,
            Self::Silent => 0x8D,
            Self::NotCommitted => 0x80,
            Self::Malformed => 0x81,
            Self::TooLarge => 0x95,
            Self::TooManyOpen => 0x93,
            Self::ShuttingDown => 0x8B,
        }
    }
}

impl Handle {
    pub(crate) fn out(&self) -> std::sync::MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn end(&self, ending: Ending) {
        let mut out = self.out();
        out.ending.get_or_insert(ending);
        let waker = out.waker.take();
        drop(out);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn send(&self, bytes: &[u8]) {
        let mut out = self.out();
        out.bytes.extend_from_slice(bytes);
        let waker = out.waker.take();
        drop(out);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn is_awaited(&self, now: Steady) -> bool {
        now.0 < self.awaited_until.load(Ordering::Relaxed)
    }

    /// The devices it brings.
    pub(crate) fn devices(&self) -> impl Iterator<Item = DeviceId> + use<> {
        let opener = self.opener.load(Ordering::Relaxed);
        [Some(self.device), (opener != 0).then_some(DeviceId(opener))].into_iter().flatten()
    }

    /// Which of a hub's parts a device is. A hub that brings one device alone listens for that.
    fn part_of(&self, device: DeviceId, ears: &[Ear]) -> HubPart {
        let is_second = self.opener.load(Ordering::Relaxed) == device.0;
        let alone = self.opener.load(Ordering::Relaxed) == 0;
        match ears {
            _ if is_second => HubPart::Opener,
            [only] if alone => only.part,
            _ => HubPart::Lock,
        }
    }

    /// Puts a command on its way, if this connection listens and can take it now. It leaves by `until` or, with the
    /// connection, not at all.
    pub(crate) fn command(&self, device: DeviceId, action: LockAction, until: Steady) -> Result<(), NotSent> {
        let mut out = self.out();
        if out.ending.is_some() {
            return Err(NotSent::Gone);
        }
        let part = self.part_of(device, &out.commands);
        let Some(ear) = out.commands.iter().find(|ear| ear.part == part).cloned() else {
            return Err(NotSent::NotListening);
        };
        let payload = match self.connector {
            Connector::NukiHub => nuki_hub::word(part, action).ok_or(NotSent::NotListening)?.to_owned(),
            _ => action.code().to_string(),
        };
        if self.stuck_since.load(Ordering::Relaxed) != 0 || out.bytes.len() >= UNSENT {
            return Err(NotSent::Busy);
        }
        let bytes = out.publish(self.version, &ear.topic, &payload, ear.qos);
        out.bytes.extend_from_slice(&bytes);
        out.command = Some(Underway { until, is_timed: false, has_left: false });
        self.awaited_until.store(until.plus(ANSWER).0, Ordering::Relaxed);
        let waker = out.waker.take();
        drop(out);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Tells a hub something that is no command, if it listens for it. Lost with the connection.
    pub(crate) fn tell(&self, topic: &str, payload: &str) -> bool {
        let mut out = self.out();
        let listening = out.questions.iter().find(|(heard, _)| **heard == *topic).map(|(_, qos)| *qos);
        let (Some(qos), None) = (listening, out.ending) else {
            return false;
        };
        if out.bytes.len() >= UNSENT {
            return false;
        }
        let bytes = out.publish(self.version, topic, payload, qos);
        out.bytes.extend_from_slice(&bytes);
        let waker = out.waker.take();
        drop(out);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

impl Out {
    fn publish(&mut self, version: Version, topic: &str, payload: &str, qos: u8) -> Vec<u8> {
        self.next_packet = self.next_packet.checked_add(1).unwrap_or(1);
        codec::publish(version, topic, payload, qos.min(COMMAND_QOS), self.next_packet)
    }
}

/// Commands leave with QoS 1 at most, whatever was subscribed with (MQTT 3.1.1, 3.8.4: a delivery has the lesser of the
/// two). A QoS 2 delivery that breaks off stays half open in a client that keeps its session, and the next command with
/// its packet id would release the old one. Nothing is sent again, so once at most it is in any case.
const COMMAND_QOS: u8 = 1;

/// Why certainly no byte of a command left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    Gone,
    NotListening,
    Busy,
    TooLate,
}

impl NotSent {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Gone => "the lock went offline before it was sent",
            Self::NotListening => {
                "the lock does not listen for commands: “Allow locking” is off in its MQTT settings"
            }
            Self::Busy => "the connection to the lock is stuck; nothing was sent",
            Self::TooLate => EXPIRED,
        }
    }
}

#[derive(Default)]
pub(crate) struct Realm {
    devices: Mutex<HashMap<DeviceId, Vec<Arc<Handle>>>>,
    next_number: AtomicU64,
    pub(crate) open: AtomicUsize,
    pub(crate) stopping: AtomicBool,
}

/// What a handle is made from.
pub(crate) struct Joining {
    pub version: Version,
    pub login: LoginId,
    pub connector: Connector,
    pub device: DeviceId,
    pub opener: Option<DeviceId>,
    pub client_id: Arc<str>,
    pub patience_ms: i64,
    pub now: Time,
    pub steady: Steady,
}

impl Realm {
    /// Lets a connection in. One with the same login and client id is taken over; the first of a device brings it
    /// online. Both happen under one lock, so that what is committed keeps this order.
    pub(crate) fn join(
        &self,
        joining: &Joining,
        committer: &Committer,
    ) -> Result<Arc<Handle>, RefusalReason> {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let live = devices.entry(joining.device).or_default();
        let is_same = |other: &Handle| other.login == joining.login && other.client_id == joining.client_id;
        let others = live.iter().filter(|other| other.login == joining.login && !is_same(other)).count();
        if others >= PER_LOGIN {
            return Err(RefusalReason::TooManyConnections);
        }
        let handle = Arc::new(Handle {
            number: self.next_number.fetch_add(1, Ordering::Relaxed) + 1,
            version: joining.version,
            login: joining.login,
            connector: joining.connector,
            device: joining.device,
            opener: AtomicI64::new(joining.opener.map_or(0, |opener| opener.0)),
            since: joining.steady,
            is_asked: AtomicBool::new(false),
            client_id: joining.client_id.clone(),
            patience_ms: joining.patience_ms,
            heard_at: AtomicI64::new(joining.steady.0),
            stuck_since: AtomicI64::new(0),
            deaf_since: AtomicI64::new(joining.steady.0),
            is_parked: AtomicBool::new(false),
            may_enter: AtomicBool::new(false),
            awaited_until: AtomicI64::new(0),
            out: Mutex::default(),
        });
        for device in handle.devices() {
            let live = devices.entry(device).or_default();
            for other in live.iter().filter(|other| is_same(other)) {
                other.end(Ending::TakenOver);
            }
            live.retain(|other| !is_same(other));
            // Also where another connection still lives: each is a beginning, before which repetitions may lie.
            committer.link((device, handle.connector), true, joining.now);
            live.push(Arc::clone(&handle));
        }
        Ok(handle)
    }

    /// A hub turned out to bring an opener beside its lock.
    pub(crate) fn brings_too(
        &self,
        handle: &Arc<Handle>,
        opener: DeviceId,
        committer: &Committer,
        now: Time,
    ) {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        if handle.devices().any(|device| device == opener) {
            return;
        }
        handle.opener.store(opener.0, Ordering::Relaxed);
        committer.link((opener, handle.connector), true, now);
        devices.entry(opener).or_default().push(Arc::clone(handle));
    }

    /// Takes a connection out. If it was the last by this way to a device, `last_words` are spoken and the way is gone,
    /// unless it is this process that goes.
    pub(crate) fn leave(&self, handle: &Handle, committer: &Committer, now: Time, last_words: impl FnOnce()) {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last_words = Some(last_words);
        let listened = !handle.out().commands.is_empty();
        for device in handle.devices() {
            let Some(live) = devices.get_mut(&device) else { continue };
            let before = live.len();
            live.retain(|other| other.number != handle.number);
            if live.len() == before {
                continue;
            }
            let is_last = live.iter().all(|other| other.connector != handle.connector);
            if is_last && !self.stopping.load(Ordering::Relaxed) {
                if let Some(last_words) = last_words.take() {
                    last_words();
                }
                committer.link((device, handle.connector), false, now);
            } else if listened && !is_last && !somebody_listens(live, handle.connector) {
                committer.observe((device, handle.connector), Observation::Listens(false), now);
            }
            if live.is_empty() {
                devices.remove(&device);
            }
        }
    }

    /// Tells whether anybody listens to commands by this connection's way now. Under the lock, so that the last word is the
    /// true one.
    pub(crate) fn tell_listening(&self, handle: &Handle, committer: &Committer, now: Time) {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        for device in handle.devices() {
            if let Some(live) = devices.get(&device) {
                let listens = Observation::Listens(somebody_listens(live, handle.connector));
                committer.observe((device, handle.connector), listens, now);
            }
        }
    }

    /// The connection that commands go to: the newest of this way that listens to them.
    pub(crate) fn listener(&self, device: DeviceId, by: Connector) -> Result<Arc<Handle>, NotSent> {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let live = devices.get(&device).ok_or(NotSent::Gone)?;
        let mut of_way = live.iter().rev().filter(|handle| handle.connector == by).peekable();
        of_way.peek().ok_or(NotSent::Gone)?;
        let listening = of_way.find(|handle| !handle.out().commands.is_empty());
        listening.cloned().ok_or(NotSent::NotListening)
    }

    /// Whether a device is reached by a hub alone that has only just come: it would ignore a command without a word.
    pub(crate) fn is_settling(&self, device: DeviceId, now: Steady) -> bool {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        devices.get(&device).is_some_and(|live| {
            live.iter().all(|handle| {
                handle.connector == Connector::NukiHub && now.since(handle.since) < nuki_hub::DEAF
            })
        })
    }

    /// Passes on to a hub what the lock itself published, if the hub listens for it (Nuki Hub 9, hybrid mode). Only within
    /// one device, and only to a connection that is there.
    pub(crate) fn mirror(&self, device: DeviceId, rest: &str, payload: &str) {
        for handle in self.of_device(device).iter().filter(|handle| handle.connector == Connector::NukiHub) {
            let heard = |topic: &str| names::own(topic).is_some_and(|own| own.rest == rest);
            let topic = handle.out().questions.iter().find(|(topic, _)| heard(topic)).map(|(t, _)| t.clone());
            if let Some(topic) = topic {
                handle.tell(&topic, payload);
            }
        }
    }

    pub(crate) fn of_device(&self, device: DeviceId) -> Vec<Arc<Handle>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).get(&device).cloned().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Handle>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).values().flatten().cloned().collect()
    }
}

fn somebody_listens(live: &[Arc<Handle>], by: Connector) -> bool {
    live.iter().any(|handle| handle.connector == by && !handle.out().commands.is_empty())
}
