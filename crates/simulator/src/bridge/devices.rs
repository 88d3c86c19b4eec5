//! The devices of a bridge: what it last knew of each, and how it reaches them.

use std::time::Duration;

use crate::fleet::Lock;
use crate::json::Object;
use crate::machine::{CRITICAL, Machine, error};
use crate::opener::{Opener, OpenerMachine};
use crate::time::{iso, now};

/// How long the bell of an Opener counts as ringing.
const RINGING: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(super) enum Device {
    Lock(Lock),
    Opener(Opener),
}

/// What a bridge knows of a device, as `lastKnownState` and callbacks tell it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub device_type: u8,
    pub nuki_id: u32,
    pub name: String,
    pub firmware: String,
    mode: u8,
    state: u8,
    critical: bool,
    /// Charging, and percent.
    charge: Option<(bool, u8)>,
    keypad_critical: Option<bool>,
    door: Option<bool>,
    /// When it last rang, and whether it rings.
    ring: Option<(String, bool)>,
    at: String,
}

impl Device {
    pub(super) fn nuki_id(&self) -> u32 {
        match self {
            Self::Lock(lock) => lock.nuki_id,
            Self::Opener(opener) => opener.nuki_id,
        }
    }

    pub(super) async fn read(&self, time_scale: f64) -> Option<Known> {
        match self {
            Self::Lock(lock) => lock.visit(of_lock).await,
            Self::Opener(opener) => opener.visit(move |machine| of_opener(machine, time_scale)).await,
        }
    }

    /// The Bluetooth number of an action of the bridge, if there is such an action.
    pub(super) fn action(number: u32) -> Option<u8> {
        // Full lock is not in the Bridge API.
        u8::try_from(number).ok().filter(|number| (1..=5).contains(number))
    }

    pub(super) async fn simple(&self, unlock: bool) -> u8 {
        match self {
            Self::Lock(lock) => lock.visit(move |machine| machine.simple(unlock)).await.unwrap_or_default(),
            Self::Opener(opener) => {
                if !unlock {
                    opener.visit(OpenerMachine::all_off).await;
                }
                OpenerMachine::simple(unlock)
            }
        }
    }

    /// Waits until it is done.
    pub(super) async fn order(&self, action: u8, auth_id: u32) -> Option<u8> {
        match self {
            Self::Lock(lock) => lock.order(action, auth_id, true).await,
            Self::Opener(opener) => opener.order(action, auth_id, true).await,
        }
    }

    pub(super) async fn authorize(&self, auth_id: u32) {
        const NAME: &str = "Nuki Bridge";
        match self {
            Self::Lock(lock) => {
                // A lock that nobody asks for its log keeps none.
                lock.visit(move |machine| {
                    machine.memory.as_mut().map(|memory| memory.authorize(auth_id, 1, NAME))
                })
                .await;
            }
            Self::Opener(opener) => {
                opener.visit(move |machine| machine.memory.authorize(auth_id, 1, NAME)).await;
            }
        }
    }

    /// Returns when there may be something to tell: an action is over, it rang, or the door moved. False when it is gone.
    pub(super) async fn news(&self, known: &mut (u64, u64, bool)) -> bool {
        let before = *known;
        match self {
            Self::Lock(lock) => {
                let mut seen = lock.watch();
                let news = seen.wait_for(|seen| (seen.finished, 0, seen.door_open) != before).await;
                news.map(|seen| *known = (seen.finished, 0, seen.door_open)).is_ok()
            }
            Self::Opener(opener) => {
                let mut seen = opener.watch();
                let news = seen.wait_for(|seen| (seen.finished, seen.rings, false) != before).await;
                news.map(|seen| *known = (seen.finished, seen.rings, false)).is_ok()
            }
        }
    }

    pub(super) fn is_busy(outcome: Option<u8>) -> bool {
        outcome == Some(error::BUSY)
    }
}

fn of_lock(machine: &mut Machine) -> Known {
    let spec = &machine.spec;
    Known {
        device_type: spec.device_type,
        nuki_id: spec.nuki_id,
        name: spec.name.clone(),
        firmware: spec.firmware.clone(),
        mode: 2,
        state: machine.state,
        critical: machine.battery <= CRITICAL,
        // The first two generations know no percent.
        charge: (spec.device_type != 0).then_some((machine.charging, machine.battery & !1)),
        keypad_critical: spec.keypad.then_some(machine.keypad_critical),
        door: spec.door_sensor.then_some(machine.door_open),
        ring: None,
        at: iso(now(spec.clock_offset)),
    }
}

fn of_opener(machine: &mut OpenerMachine, time_scale: f64) -> Known {
    let now = now(Duration::ZERO);
    let ringing = jiff::SignedDuration::try_from(RINGING.mul_f64(time_scale)).unwrap_or_default();
    let ring = machine.ring_at.map(|at| (iso(at), now.duration_since(at) < ringing));
    Known {
        device_type: 2,
        nuki_id: machine.spec.nuki_id,
        name: machine.spec.name.clone(),
        firmware: machine.spec.firmware.clone(),
        mode: machine.mode,
        state: machine.state,
        critical: machine.spec.battery_critical,
        charge: None,
        keypad_critical: None,
        door: None,
        ring: Some(ring.unwrap_or_else(|| (iso(jiff::Timestamp::UNIX_EPOCH), false))),
        at: iso(now),
    }
}

impl Known {
    /// The fields that all messages share.
    pub(super) fn put(&self, json: Object) -> Object {
        let mut json = json
            .raw("mode", self.mode)
            .raw("state", self.state)
            .text("stateName", self.state_name())
            .raw("batteryCritical", self.critical);
        if let Some((charging, percent)) = self.charge {
            json = json.raw("batteryCharging", charging).raw("batteryChargeState", percent);
        }
        if let Some(critical) = self.keypad_critical {
            json = json.raw("keypadBatteryCritical", critical);
        }
        if let Some(open) = self.door {
            let (number, name) = if open { (3, "door opened") } else { (2, "door closed") };
            json = json.raw("doorsensorState", number).text("doorsensorStateName", name);
        }
        if let Some((at, is_ringing)) = &self.ring {
            json = json.text("ringactionTimestamp", at).raw("ringactionState", is_ringing);
        }
        json
    }

    pub(super) fn listed(&self) -> String {
        let last = self.put(Object::new()).text("timestamp", &self.at).end();
        Object::new()
            .raw("deviceType", self.device_type)
            .raw("nukiId", self.nuki_id)
            .text("name", &self.name)
            .text("firmwareVersion", &self.firmware)
            .raw("lastKnownState", last)
            .end()
    }

    pub(super) fn called_back(&self) -> String {
        let json = Object::new().raw("deviceType", self.device_type).raw("nukiId", self.nuki_id);
        self.put(json).end()
    }

    pub(super) fn is_critical(&self) -> bool {
        self.critical
    }

    pub(super) fn door(&self) -> Option<bool> {
        self.door
    }

    fn state_name(&self) -> &'static str {
        match (self.device_type, self.state) {
            (2, 0) => "untrained",
            (2, 1) => "online",
            (2, 3) => "rto active",
            (2, 5) => "open",
            (2, 7) => "opening",
            (2, 253) => "boot run",
            (_, 0) => "uncalibrated",
            (_, 1) => "locked",
            (_, 2) => "unlocking",
            (_, 3) => "unlocked",
            (_, 4) => "locking",
            (_, 5) => "unlatched",
            (_, 6) => "unlocked (lock 'n' go)",
            (_, 7) => "unlatching",
            (_, 254) => "motor blocked",
            _ => "undefined",
        }
    }
}
