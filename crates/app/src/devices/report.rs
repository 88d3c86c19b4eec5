//! What the gateway hands over: one thing a device said, by which way, and how it was delivered.

use std::sync::Arc;

use super::repeats::Mark;
use super::{Connector, DeviceType, DoorState, LockAction, LockState, LogRecord, Mode, Number, Trigger};
use crate::clock::Time;
use crate::ids::{DeviceId, LoginId};
use crate::settings::{Outcome, Setting, SettingValue};
use crate::ways::{Fact, Trouble};

/// One thing to make last.
#[derive(Clone, Debug)]
pub enum Intake {
    Reported(Report),
    /// A QoS 2 delivery is complete (MQTT 3.1.1, 4.3.3: PUBREL); its id may be used again.
    Released {
        session: Session,
        packet: u16,
    },
}

/// A session that outlives its connection.
#[derive(Clone, Debug)]
pub struct Session {
    pub login: LoginId,
    pub client_id: Arc<str>,
}

/// One thing a device said.
#[derive(Clone, Debug)]
pub struct Report {
    pub device: DeviceId,
    /// The way it came.
    pub by: Connector,
    pub received_at: Time,
    pub delivery: Delivery,
    pub seen: Observation,
}

/// How it was delivered, which decides how a repetition is recognised.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// QoS 0, or something the gateway saw itself: never repeated by the protocol.
    AtMostOnce,
    /// QoS 1; `digest` is of topic and payload.
    AtLeastOnce { packet: u16, digest: u64, repetition: Repetition },
    /// QoS 2: in a session that outlives its connection recorded together with its open packet id, which the gateway asks
    /// for when the session resumes.
    ExactlyOnce { session: Option<Session>, packet: u16, digest: u64, repetition: Repetition },
}

/// Whether a delivery may have been recorded before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    No,
    /// It says so itself (the DUP flag).
    Said,
    /// It does not say so, but comes where repetitions come. Believed only of something very recent.
    Possible,
}

impl Delivery {
    pub(super) fn repetition(&self) -> Repetition {
        match self {
            Self::AtMostOnce => Repetition::No,
            Self::AtLeastOnce { repetition, .. } | Self::ExactlyOnce { repetition, .. } => *repetition,
        }
    }

    pub(super) fn mark(&self) -> Option<Mark> {
        let (Self::AtLeastOnce { packet, digest, .. } | Self::ExactlyOnce { packet, digest, .. }) = self
        else {
            return None;
        };
        let mut mark = [0; 10];
        let (front, back) = mark.split_at_mut(2);
        front.copy_from_slice(&packet.to_be_bytes());
        back.copy_from_slice(&digest.to_be_bytes());
        Some(mark)
    }
}

/// What was said.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The connection itself, as the gateway sees it.
    Link {
        up: bool,
    },
    /// The lock listens to its command topic, or (after a grace) does not.
    Listens(bool),
    /// The device's own `connected`, or its will.
    Connected(bool),
    DeviceType(DeviceType),
    Mode(Mode),
    State(LockState),
    Door(DoorState),
    BatteryCritical(bool),
    BatteryPercent(u8),
    BatteryCharging(bool),
    KeypadBatteryCritical(bool),
    DoorBatteryCritical(bool),
    ServerConnected(bool),
    Firmware(String),
    OwnName(String),
    RingTime(Time),
    /// Ring to open runs for so many more seconds; 0 where it does not run.
    RingToOpen(u16),
    DeviceTime(Time),
    Event(LockEvent),
    /// The lock's answer to the command under way: 0, or a BLE error code.
    CommandResponse(u8),
    /// The device's whole state as it was when it was last asked: told together, at `clock` by its own time, with what
    /// that is ahead of UTC if it is local time (unconfirmed).
    Snapshot {
        clock: Option<Time>,
        zone_minutes: i64,
        seen: Vec<Observation>,
    },
    /// A state and what led to it, of a device that is only asked now and then; `heard_at` by the clock of whoever asked
    /// it, if that is told.
    Because {
        state: LockState,
        action: LockAction,
        trigger: Trigger,
        heard_at: Option<Time>,
    },
    /// Which device it speaks for.
    NukiId(u32),
    /// A piece of the device's own log.
    Log(Vec<LogRecord>),
    /// For whom numbers stand that the device tells; a list that may be incomplete.
    Names(Vec<(Number, String)>),
    Facts(Vec<(Fact, String)>),
    Settings(Vec<(Setting, SettingValue)>),
    /// What became of settings that were sent: each, or all that are under way.
    SettingsAnswer(Vec<(Setting, Outcome)>, Outcome),
    /// Something is in the way (with what it is about), or is not any more.
    Trouble(Trouble, Option<String>),
    /// What was cut short before came whole: the topic that was.
    Whole(String),
    /// What a hub says of the command it was given.
    Hub(HubAnswer),
}

/// What a hub says of a command (Nuki Hub 9, `lock/action`, `commandResult`, `retry`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubAnswer {
    /// It has it, and speaks to the lock now.
    Acknowledged,
    /// Its own access list says no.
    Denied,
    /// It does not know the action, or cannot do it now.
    Refused,
    /// The lock has done it.
    Success,
    /// A try failed; the hub may try again.
    Failed,
    /// A try had no answer; the hub may try again.
    TimedOut,
    /// The hub is not paired with the lock any more.
    NotPaired,
    /// It tries once more, for the so-manieth time.
    Retry(u8),
    GaveUp,
}

/// MQTT API 1.4 `lockActionEvent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockEvent {
    pub action: LockAction,
    pub trigger: Trigger,
    /// None for 0, which means no authorization.
    pub auth_id: Option<u32>,
    /// None for 0, which means no keypad code.
    pub code_id: Option<u32>,
    /// The fifth field: auto unlock, number of presses or kind of keypad input, depending on the others.
    pub extra: u8,
}

impl Observation {
    /// Whether this may tell of a command of ours. What a keypad's code did is none.
    pub(super) fn may_tell_of_a_command(&self) -> bool {
        match self {
            Self::Event(event) => event.code_id.is_none(),
            Self::State(_) | Self::Because { .. } | Self::Snapshot { .. } => true,
            _ => false,
        }
    }
}
