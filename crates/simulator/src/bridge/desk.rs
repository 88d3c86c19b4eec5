//! What a bridge answers: every endpoint of Bridge HTTP API 1.13.3, with its errors.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OwnedMutexGuard, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::TaskTracker;

use super::callbacks::Callbacks;
use super::devices::{Device, Known};
use super::http::{Answer, Request};
use super::token::{Used, is_shown};
use super::{BridgeSeen, BridgeSpec};
use crate::json::{Object, array};
use crate::spec::Options;
use crate::time::{iso, now};

/// How long `/auth` waits for the button, and how long a press counts.
const BUTTON: Duration = Duration::from_secs(30);
/// Lines of its own log.
const LOG: usize = 500;

pub(super) struct Desk {
    pub options: Options,
    pub seen: watch::Sender<BridgeSeen>,
    pub power: watch::Sender<bool>,
    /// One request at a time.
    pub turn: Arc<Turn<()>>,
    pub callbacks: Callbacks,
    pub devices: Mutex<Vec<Device>>,
    /// Orders that nobody waits for.
    later: TaskTracker,
    spec: Mutex<BridgeSpec>,
    known: Mutex<BTreeMap<u32, Known>>,
    /// One device at a time.
    bluetooth: Arc<Turn<()>>,
    used: Mutex<Used>,
    log: Mutex<VecDeque<String>>,
    pressed: watch::Sender<Option<Instant>>,
    started: Mutex<Instant>,
}

impl Desk {
    pub(super) fn new(
        spec: BridgeSpec,
        options: Options,
        devices: Vec<Device>,
        seen: watch::Sender<BridgeSeen>,
    ) -> Self {
        Self {
            options,
            seen,
            power: watch::Sender::new(true),
            turn: Arc::default(),
            callbacks: if spec.quirks.callbacks_taken {
                Callbacks::all_taken()
            } else {
                Callbacks::default()
            },
            devices: Mutex::new(devices),
            later: TaskTracker::new(),
            spec: Mutex::new(spec),
            known: Mutex::default(),
            bluetooth: Arc::default(),
            used: Mutex::default(),
            log: Mutex::default(),
            pressed: watch::Sender::new(None),
            started: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn spec(&self) -> MutexGuard<'_, BridgeSpec> {
        held(&self.spec)
    }

    pub(super) fn press_button(&self) {
        self.pressed.send_replace(Some(Instant::now()));
    }

    pub(super) fn boots(&self) {
        *held(&self.started) = Instant::now();
        self.seen.send_modify(|seen| seen.boots += 1);
        self.note("WLAN-SocketConnected");
    }

    /// Bridge diagnostics; nothing of who opened what.
    pub(super) fn note(&self, kind: &str) {
        let line = Object::new().text("timestamp", &iso(now(Duration::ZERO))).text("type", kind).end();
        let mut log = held(&self.log);
        if log.len() == LOG {
            log.pop_front();
        }
        log.push_back(line);
    }

    pub(super) async fn sleep(&self, time: Duration) {
        sleep_until(Instant::now() + self.options.scaled(time)).await;
    }

    pub(super) fn device(&self, id: u32) -> Option<Device> {
        held(&self.devices).iter().find(|device| device.nuki_id() == id).cloned()
    }

    /// Reads a device over Bluetooth and remembers what it said. Nothing when it is out of reach, or does not belong here.
    pub(super) async fn read(&self, device: &Device) -> Option<Known> {
        let (lag, away) = {
            let spec = self.spec();
            (spec.ble, spec.quirks.out_of_reach)
        };
        self.sleep(lag).await;
        if away {
            return None;
        }
        self.read_now(device).await
    }

    pub(super) async fn read_now(&self, device: &Device) -> Option<Known> {
        // The newest locks do not speak with bridges.
        let known = device.read(self.options.time_scale).await.filter(|known| known.device_type != 5)?;
        held(&self.known).insert(known.nuki_id, known.clone());
        Some(known)
    }

    pub(super) async fn answer(self: &Arc<Self>, request: &Request) -> Answer {
        if request.method != "GET" {
            return Answer::error(404);
        }
        if request.path == "/auth" {
            return self.auth().await;
        }
        let is_shown = {
            let (token, offset, careless) = {
                let spec = self.spec();
                (spec.token.clone(), spec.clock_offset, spec.quirks.careless)
            };
            is_shown(request, &token, now(offset), &mut held(&self.used), careless)
        };
        if !is_shown {
            self.seen.send_modify(|seen| seen.unauthorized += 1);
            return Answer::error(401);
        }
        match request.path.as_str() {
            "/configAuth" => match request.get("enable") {
                Some(enable @ ("0" | "1")) => {
                    self.spec().auth_enabled = enable == "1";
                    Answer::success(true)
                }
                _ => Answer::error(400),
            },
            "/list" => self.list(),
            "/info" => self.info(),
            "/log" => self.tell_log(request),
            "/clearlog" => {
                held(&self.log).clear();
                Answer::json(String::new())
            }
            "/fwupdate" => Answer::json(String::new()),
            "/reboot" | "/factoryReset" => {
                if request.path == "/factoryReset" {
                    self.callbacks.forget(&self.seen);
                    held(&self.devices).clear();
                    held(&self.known).clear();
                }
                self.power.send_replace(false);
                Answer::json(String::new())
            }
            "/callback/add" => self.callbacks.add(request, &self.seen),
            "/callback/list" => self.callbacks.list(self.spec().quirks.ids_shift),
            "/callback/remove" => self.callbacks.remove(request, self.spec().quirks.ids_shift, &self.seen),
            "/lockState" | "/lockAction" | "/lock" | "/unlock" | "/unpair" => {
                self.about_device(request).await
            }
            _ => Answer::error(404),
        }
    }

    async fn auth(&self) -> Answer {
        let (is_enabled, token) = {
            let spec = self.spec();
            (spec.auth_enabled, spec.token.clone())
        };
        if !is_enabled {
            return Answer::error(403);
        }
        let window = self.options.scaled(BUTTON);
        let mut pressed = self.pressed.subscribe();
        let recent = |at: &Option<Instant>| at.is_some_and(|at| at.elapsed() < window);
        let is_pressed = matches!(timeout(window, pressed.wait_for(recent)).await, Ok(Ok(_)));
        if is_pressed {
            Answer::json(Object::new().text("token", &token).raw("success", true).end())
        } else {
            Answer::success(false)
        }
    }

    fn list(&self) -> Answer {
        Answer::json(array(held(&self.known).values().map(Known::listed)))
    }

    fn info(&self) -> Answer {
        let spec = self.spec();
        let known = held(&self.known);
        let in_reach = known.values().filter(|_| !spec.quirks.out_of_reach);
        let scanned = in_reach.map(|known| {
            Object::new()
                .raw("deviceType", known.device_type)
                .raw("nukiId", known.nuki_id)
                .text("name", &format!("Nuki_{:08X}", known.nuki_id))
                .raw("rssi", -53)
                .raw("paired", true)
                .end()
        });
        let ids = Object::new();
        let ids = if spec.software { ids } else { ids.raw("hardwareId", spec.hardware_id) };
        let ids = ids.raw("serverId", spec.server_id).end();
        let versions = if spec.software {
            Object::new().text("appVersion", &spec.firmware)
        } else {
            Object::new()
                .text("firmwareVersion", &spec.firmware)
                .text("wifiFirmwareVersion", &spec.wifi_firmware)
        };
        let json = Object::new()
            .raw("bridgeType", if spec.software { 2 } else { 1 })
            .raw("ids", ids)
            .raw("versions", versions.end())
            .raw("uptime", held(&self.started).elapsed().as_secs())
            .text("currentTime", &iso(now(spec.clock_offset)))
            .raw("wlanConnected", true)
            .raw("serverConnected", false)
            .raw("scanResults", array(scanned));
        Answer::json(json.end())
    }

    fn tell_log(&self, request: &Request) -> Answer {
        let part = |key, usual| usize::try_from(request.number(key).unwrap_or(usual)).unwrap_or_default();
        let log = held(&self.log);
        let newest_first = log.iter().rev().skip(part("offset", 0)).take(part("count", 100));
        Answer::json(array(newest_first.cloned()))
    }

    /// The device that is asked for; of another type there is none with this id.
    fn asked(&self, request: &Request) -> Result<(Device, u8), Answer> {
        let id = request.number("nukiId").ok_or_else(|| Answer::error(400))?;
        let device_type = request.number("deviceType").unwrap_or(0);
        let known = held(&self.known).get(&id).map(|known| known.device_type);
        let known = known.ok_or_else(|| Answer::error(404))?;
        if u32::from(known) != device_type && !self.spec().quirks.any_type {
            return Err(Answer::error(404));
        }
        Ok((self.device(id).ok_or_else(|| Answer::error(404))?, known))
    }

    async fn about_device(self: &Arc<Self>, request: &Request) -> Answer {
        let device = match self.asked(request) {
            Ok((device, _)) => device,
            Err(answer) => return answer,
        };
        if request.path == "/unpair" {
            held(&self.devices).retain(|known| known.nuki_id() != device.nuki_id());
            held(&self.known).remove(&device.nuki_id());
            return Answer::success(true);
        }
        let Ok(radio) = self.bluetooth.clone().try_lock_owned() else {
            return self.busy();
        };
        let action = match request.path.as_str() {
            "/lockState" => {
                return match self.read(&device).await {
                    Some(known) => Answer::json(known.put(Object::new()).raw("success", true).end()),
                    None => Answer::error(503),
                };
            }
            "/lockAction" => request.number("action").and_then(Device::action),
            path => Some(device.simple(path == "/unlock").await),
        };
        let Some(action) = action else { return Answer::error(400) };
        let waits_not = ["nowait", "noWait"].into_iter().any(|key| request.get(key) == Some("1"));
        let work = self.clone().order(device, action, radio);
        if waits_not {
            let critical = request.number("nukiId").is_some_and(|id| self.is_critical(id));
            self.later.spawn(async move { drop(work.await) });
            return Answer::json(Object::new().raw("success", true).raw("batteryCritical", critical).end());
        }
        work.await
    }

    fn is_critical(&self, id: u32) -> bool {
        held(&self.known).get(&id).is_some_and(Known::is_critical)
    }

    pub(super) fn busy(&self) -> Answer {
        self.seen.send_modify(|seen| seen.busy += 1);
        Answer::error(503)
    }

    /// Holds the radio until the device is done.
    async fn order(self: Arc<Self>, device: Device, action: u8, radio: OwnedMutexGuard<()>) -> Answer {
        let (lag, away, auth_id, patience) = {
            let spec = self.spec();
            (spec.ble, spec.quirks.out_of_reach, spec.auth_id, spec.device_timeout)
        };
        self.sleep(lag).await;
        if away {
            return Answer::error(503);
        }
        self.seen.send_modify(|seen| seen.orders += 1);
        let outcome = timeout(patience, device.order(action, auth_id)).await;
        let outcome = outcome.ok().flatten();
        if Device::is_busy(outcome) {
            return self.busy();
        }
        self.read_now(&device).await;
        drop(radio);
        let critical = self.is_critical(device.nuki_id());
        Answer::json(Object::new().raw("success", outcome == Some(0)).raw("batteryCritical", critical).end())
    }
}

pub(super) fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
