//! Who is connected: the live connections of each device, and nothing that could hold a message for later.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use lockwarden_app::clock::{Steady, Time};
use lockwarden_app::commands::EXPIRED;
use lockwarden_app::devices::Observation;
use lockwarden_app::ids::{DeviceId, LoginId};
use lockwarden_app::logins::RefusalReason;

use crate::codec::{self, Version};
use crate::commit::Committer;

/// Bytes waiting to be written from which on a connection is not read any more.
pub(crate) const UNSENT: usize = 32 * 1_024;
/// Connections of one login at a time: a lock has one; a second while it reconnects.
const PER_LOGIN: usize = 4;

/// A live connection, as everybody but its own task sees it.
pub(crate) struct Handle {
    pub number: u64,
    pub version: Version,
    pub login: LoginId,
    pub device: DeviceId,
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
    /// Topic and QoS of commands, while the device listens to them.
    pub commands: Option<(Box<str>, u8)>,
    /// Among the bytes is a command, which must not leave after this.
    pub command_until: Option<Steady>,
    next_packet: u16,
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

    /// Puts a command on its way, if this connection listens and can take it now. It leaves by `until` or, with the
    /// connection, not at all.
    pub(crate) fn command(&self, action: u8, until: Steady) -> Result<(), NotSent> {
        let mut out = self.out();
        if out.ending.is_some() {
            return Err(NotSent::Gone);
        }
        let Some((topic, qos)) = out.commands.clone() else {
            return Err(NotSent::NotListening);
        };
        if self.stuck_since.load(Ordering::Relaxed) != 0 || out.bytes.len() >= UNSENT {
            return Err(NotSent::Busy);
        }
        out.next_packet = out.next_packet.checked_add(1).unwrap_or(1);
        let packet = out.next_packet;
        let bytes = codec::publish(self.version, &topic, &action.to_string(), qos.min(COMMAND_QOS), packet);
        out.bytes.extend_from_slice(&bytes);
        out.command_until = Some(until);
        let waker = out.waker.take();
        drop(out);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
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
    pub device: DeviceId,
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
        let others = live.iter().filter(|other| !is_same(other)).count();
        if others >= PER_LOGIN {
            return Err(RefusalReason::TooManyConnections);
        }
        let handle = Arc::new(Handle {
            number: self.next_number.fetch_add(1, Ordering::Relaxed) + 1,
            version: joining.version,
            login: joining.login,
            device: joining.device,
            client_id: joining.client_id.clone(),
            patience_ms: joining.patience_ms,
            heard_at: AtomicI64::new(joining.steady.0),
            stuck_since: AtomicI64::new(0),
            deaf_since: AtomicI64::new(joining.steady.0),
            is_parked: AtomicBool::new(false),
            may_enter: AtomicBool::new(false),
            out: Mutex::default(),
        });
        for other in live.iter().filter(|other| is_same(other)) {
            other.end(Ending::TakenOver);
        }
        live.retain(|other| !is_same(other));
        // Also where another connection still lives: each is a beginning, before which repetitions may lie.
        committer.link(joining.device, true, joining.now);
        live.push(Arc::clone(&handle));
        Ok(handle)
    }

    /// Takes a connection out. If it was the device's last, `last_words` are spoken and the device goes offline, unless
    /// it is this process that goes.
    pub(crate) fn leave(&self, handle: &Handle, committer: &Committer, now: Time, last_words: impl FnOnce()) {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(live) = devices.get_mut(&handle.device) else {
            return;
        };
        let before = live.len();
        live.retain(|other| other.number != handle.number);
        let listened = handle.out().commands.is_some();
        if listened && live.len() < before && !live.is_empty() && !somebody_listens(live) {
            committer.observe(handle.device, Observation::Listens(false), now);
        }
        if live.is_empty() && before > 0 {
            devices.remove(&handle.device);
            if !self.stopping.load(Ordering::Relaxed) {
                last_words();
                committer.link(handle.device, false, now);
            }
        }
    }

    /// Tells whether anybody of the device listens to commands now. Under the lock, so that the last word is the true one.
    pub(crate) fn tell_listening(&self, device: DeviceId, committer: &Committer, now: Time) {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = devices.get(&device) {
            committer.observe(device, Observation::Listens(somebody_listens(live)), now);
        }
    }

    /// The connection that commands go to: the newest that listens to them.
    pub(crate) fn listener(&self, device: DeviceId) -> Result<Arc<Handle>, NotSent> {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let live = devices.get(&device).ok_or(NotSent::Gone)?;
        let listening = live.iter().rev().find(|handle| handle.out().commands.is_some());
        listening.cloned().ok_or(NotSent::NotListening)
    }

    pub(crate) fn of_device(&self, device: DeviceId) -> Vec<Arc<Handle>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).get(&device).cloned().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Handle>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).values().flatten().cloned().collect()
    }
}

fn somebody_listens(live: &[Arc<Handle>]) -> bool {
    live.iter().any(|handle| handle.out().commands.is_some())
}
