//! What the gateway hands over, and the one transaction that makes a batch of it last. An acknowledgement leaves only
//! after this has returned.

use std::collections::HashMap;
use std::sync::Arc;

use super::apply::{Effect, apply, turned};
use super::repeats::{self, Mark};
use super::sql::{self, StateRow};
use super::{DeviceType, DoorState, LockAction, LockState, Mode, Trigger};
use crate::App;
use crate::activity::{self, CLOCK_IS_WRONG, NewEntry};
use crate::bus::Event;
use crate::clock::Time;
use crate::commands;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AccountId, ActivityId, DeviceId, LoginId};
use crate::logins;

/// A device clock further off than this is marked in the log.
const CLOCK_TOLERANCE_MS: i64 = 120_000;
/// A device tells its time with every update, so only what comes this soon belongs to the entry before it.
const SAME_UPDATE_MS: i64 = 5_000;

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
    DeviceTime(Time),
    Event(LockEvent),
    /// The lock's answer to the command under way: 0, or a BLE error code.
    CommandResponse(u8),
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

impl App {
    /// Makes a batch last in one transaction, in the order it came.
    pub async fn record(&self, batch: &[Intake]) -> Result<()> {
        let mut tx = self.write().await?;
        let mut work = Batch::load(&mut tx, batch).await?;
        for intake in batch {
            match intake {
                Intake::Reported(report) => self.take(&mut tx, &mut work, report).await?,
                Intake::Released { session, packet } => {
                    logins::close_delivery(&mut tx, session, *packet).await?;
                }
            }
        }
        work.store(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn take(&self, tx: &mut Tx, work: &mut Batch, report: &Report) -> Result<()> {
        let Some(known) = work.known.get_mut(&report.device) else {
            return Ok(());
        };
        if let Delivery::ExactlyOnce { session: Some(session), packet, .. } = &report.delivery {
            logins::open_delivery(tx, session, *packet).await?;
        }
        if let Observation::DeviceType(kind) = report.seen {
            sql::set_type(tx, report.device, kind.stored(), report.received_at).await?;
        }
        let before = known.state.clone();
        // A repetition must not even touch "last".
        let is_new = match report.seen {
            Observation::Event(_) => !recorded(tx, &work.entries, known, report).await?,
            _ => repeats::is_new(&mut known.state, &report.delivery, report.received_at),
        };
        if !is_new {
            return Ok(());
        }
        let effect = apply(&mut known.state, &report.seen, report.received_at);
        known.dirty |= known.state != before;
        let account = known.account;
        let clock_is_wrong = known.state.clock_offset_ms.is_some_and(|off| off.abs() > CLOCK_TOLERANCE_MS);
        let draft = |happening, origin| {
            let mut entry = NewEntry::at(account, report.device, report.received_at, happening, origin);
            entry.marks = if clock_is_wrong { CLOCK_IS_WRONG } else { 0 };
            entry
        };
        match effect {
            Some(Effect::Entry { happening, origin, result }) => {
                let mut entry = draft(happening, origin);
                entry.result = Some(result);
                work.entries.push((ActivityId(self.growing_id()), entry));
            }
            Some(Effect::Turned { state, origin })
                if !commands::explains(tx, report.device, state, report.received_at).await? =>
            {
                let happening = turned(&mut known.state, state, origin, report.received_at);
                work.entries.push((ActivityId(self.growing_id()), draft(happening, origin)));
            }
            Some(Effect::Performed(event)) => {
                let entry = draft(event.action.into(), event.origin());
                self.told_of(tx, work, report, (event, entry)).await?;
            }
            Some(Effect::Moving) => commands::moved(tx, report.device, report.received_at).await?,
            Some(Effect::Answered(code)) => {
                commands::answered(tx, report.device, code, report.received_at).await?;
            }
            Some(Effect::TimeTold(time)) => {
                tell_time(tx, &mut work.entries, &mut known.state, time, report.received_at).await?;
            }
            None | Some(Effect::Turned { .. }) => {}
        }
        Ok(())
    }

    /// The device told of an action: of one of our commands, which has its entry, or of something new.
    async fn told_of(
        &self,
        tx: &mut Tx,
        work: &mut Batch,
        report: &Report,
        (event, mut entry): (LockEvent, NewEntry),
    ) -> Result<()> {
        let mark = report.delivery.mark().map(Into::into);
        let ours = match event.trigger {
            Trigger::Mqtt => commands::performed(tx, report.device, event.action, report.received_at).await?,
            _ => None,
        };
        let id = ours.unwrap_or_else(|| ActivityId(self.growing_id()));
        if let Some(known) = work.known.get_mut(&report.device) {
            known.state.untimed_entry = Some(id.0);
        }
        if ours.is_some() {
            activity::told(tx, id, event.trigger, (mark, report.received_at)).await?;
        } else {
            entry.trigger = Some(event.trigger);
            entry.auth_id = event.auth_id;
            entry.code_id = event.code_id;
            entry.presses = event.presses();
            entry.delivered_by = mark;
            work.entries.push((id, entry));
        }
        Ok(())
    }
}

/// The devices a batch speaks of, as they become while it is worked through.
struct Batch {
    known: HashMap<DeviceId, Known>,
    entries: Vec<(ActivityId, NewEntry)>,
}

struct Known {
    account: AccountId,
    state: StateRow,
    dirty: bool,
}

impl Batch {
    async fn load(tx: &mut Tx, batch: &[Intake]) -> Result<Self> {
        let mut devices: Vec<DeviceId> = batch
            .iter()
            .filter_map(|intake| match intake {
                Intake::Reported(report) => Some(report.device),
                Intake::Released { .. } => None,
            })
            .collect();
        devices.sort_unstable();
        devices.dedup();
        let rows = sql::states(tx, &devices).await?;
        let known = rows
            .into_iter()
            .map(|row| (row.id, Known { account: row.account_id, state: row.state, dirty: false }))
            .collect();
        Ok(Self { known, entries: Vec::new() })
    }

    async fn store(self, tx: &mut Tx) -> Result<()> {
        activity::note_all(tx, &self.entries).await?;
        let mut dirty = Vec::with_capacity(self.known.len());
        for (device, known) in self.known {
            if known.dirty {
                tx.emit(Event::DeviceChanged { account: known.account, device });
                dirty.push((device, known.state));
            }
        }
        // One order for everybody, so that two writers never wait for each other's rows.
        dirty.sort_unstable_by_key(|(device, _)| *device);
        sql::write_states(tx, &dirty).await?;
        Ok(())
    }
}

/// Whether this very delivery was recorded before, now or in an earlier batch. Without a sign of repetition nothing is
/// looked for: the protocol promises something new then, however alike it is.
async fn recorded(
    tx: &mut Tx,
    entries: &[(ActivityId, NewEntry)],
    known: &Known,
    report: &Report,
) -> Result<bool> {
    let since = repeats::since(&known.state, &report.delivery, report.received_at);
    let (Some(since), Some(mark)) = (since, report.delivery.mark()) else {
        return Ok(false);
    };
    let earlier = activity::last_deliveries(tx, known.account, report.device).await?;
    let here = entries.iter().rev().filter(|(_, entry)| entry.device == report.device);
    let here = here.map(|(_, entry)| (entry.delivered_by.as_deref(), entry.received_at));
    let earlier = earlier.iter().map(|(delivery, at)| (delivery.as_deref(), *at));
    let newest_first = here.chain(earlier).filter_map(|(delivery, at)| Some((delivery?, at)));
    Ok(repeats::is_last(newest_first, &mark, since))
}

/// Gives the device's own time to the entry it belongs to, and marks the entry if that clock is wrong.
async fn tell_time(
    tx: &mut Tx,
    entries: &mut [(ActivityId, NewEntry)],
    state: &mut StateRow,
    time: Time,
    now: Time,
) -> Result<()> {
    let Some(id) = state.untimed_entry.take().map(ActivityId) else {
        return Ok(());
    };
    if state.last_event_at.is_none_or(|at| now.0 - at.0 > SAME_UPDATE_MS) {
        return Ok(());
    }
    let marks = if (time.0 - now.0).abs() > CLOCK_TOLERANCE_MS { CLOCK_IS_WRONG } else { 0 };
    if let Some((_, entry)) = entries.iter_mut().find(|(entry, _)| *entry == id) {
        entry.device_at = Some(time);
        entry.marks = marks;
        return Ok(());
    }
    activity::tell_time(tx, id, time, marks).await
}
