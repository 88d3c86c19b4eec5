//! What the gateway hands over, and the one transaction that makes a batch of it last. An acknowledgement leaves only
//! after this has returned.

use std::collections::HashMap;
use std::sync::Arc;

use super::apply::{Effect, apply};
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
        login: LoginId,
        client_id: Arc<str>,
        packet: u16,
    },
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
    /// QoS 1. With `repeated` (the DUP flag) it may have been recorded before; `digest` is of topic and payload.
    AtLeastOnce { packet: u16, digest: u64, repeated: bool },
    /// QoS 2: recorded together with its open packet id, which the gateway asks for when a session resumes.
    ExactlyOnce { login: LoginId, client_id: Arc<str>, packet: u16, digest: u64, repeated: bool },
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
                Intake::Released { login, client_id, packet } => {
                    logins::close_delivery(&mut tx, *login, client_id, *packet).await?;
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
        if let Delivery::ExactlyOnce { login, client_id, packet, .. } = &report.delivery {
            logins::open_delivery(tx, *login, client_id, *packet).await?;
        }
        if let Observation::DeviceType(kind) = report.seen {
            sql::set_type(tx, report.device, kind.stored(), report.received_at).await?;
        }
        let before = known.state.clone();
        let mut key = None;
        if matches!(report.seen, Observation::Event(_)) {
            // An event changes state only once: a repetition must not even touch "last".
            match event_key(tx, &mut work.entries, report).await? {
                Key::Recorded => return Ok(()),
                Key::Fresh(fresh) => key = fresh,
            }
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
            None => {}
            Some(Effect::Entry { happening, origin, result }) => {
                let mut entry = draft(happening, origin);
                entry.result = Some(result);
                work.entries.push((ActivityId(self.growing_id()), entry));
            }
            Some(Effect::Performed(event)) => {
                let merged = event.trigger == Trigger::Mqtt
                    && commands::performed(tx, report.device, event.action, report.received_at).await?;
                if !merged {
                    let mut entry = draft(event.action.into(), event.origin());
                    entry.trigger = Some(event.trigger);
                    entry.auth_id = event.auth_id;
                    entry.code_id = event.code_id;
                    entry.presses = event.presses();
                    entry.event_key = key;
                    let id = ActivityId(self.growing_id());
                    known.state.untimed_entry = Some(id.0);
                    work.entries.push((id, entry));
                }
            }
            Some(Effect::Moving) => commands::moved(tx, report.device, report.received_at).await?,
            Some(Effect::Answered(code)) => {
                commands::answered(tx, report.device, code, report.received_at).await?;
            }
            Some(Effect::TimeTold(time)) => {
                tell_time(tx, &mut work.entries, &mut known.state, time, report.received_at).await?;
            }
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

enum Key {
    /// This very event has its entry already.
    Recorded,
    Fresh(Option<Vec<u8>>),
}

/// The unique key of a device event: when it first came, then what delivered it. A delivery that says it may be a
/// repetition is looked for among the device's last events.
async fn event_key(tx: &mut Tx, entries: &mut [(ActivityId, NewEntry)], report: &Report) -> Result<Key> {
    let (packet, digest, repeated) = match report.delivery {
        Delivery::AtMostOnce => return Ok(Key::Fresh(None)),
        Delivery::AtLeastOnce { packet, digest, repeated }
        | Delivery::ExactlyOnce { packet, digest, repeated, .. } => (packet, digest, repeated),
    };
    let mut delivered_by = [0_u8; 10];
    let (front, back) = delivered_by.split_at_mut(2);
    front.copy_from_slice(&packet.to_be_bytes());
    back.copy_from_slice(&digest.to_be_bytes());
    if repeated {
        let here = entries
            .iter()
            .filter(|(_, entry)| entry.device == report.device)
            .filter_map(|(_, entry)| entry.event_key.as_deref())
            .any(|key| key.ends_with(&delivered_by));
        if here || activity::recorded(tx, report.device, &delivered_by).await? {
            return Ok(Key::Recorded);
        }
    }
    let mut key = report.received_at.0.to_be_bytes().to_vec();
    key.extend_from_slice(&delivered_by);
    Ok(Key::Fresh(Some(key)))
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
