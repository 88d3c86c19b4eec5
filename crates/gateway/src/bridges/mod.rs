//! The bridges that run: each is asked every half minute and whenever it calls, told to call us if it has a place for that,
//! and given commands in their turn. One task a bridge; what it says goes the way of every report.

mod calls;
mod reach;
mod said;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU16;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockwarden_app::bridges::{Access, Behind, BridgeOutcome, Listed, Polled};
use lockwarden_app::bus::Event;
use lockwarden_app::clock::Clock;
use lockwarden_app::commands::Taken;
use lockwarden_app::devices::{Connector, DeviceType, LockAction, Observation};
use lockwarden_app::ids::{BridgeId, DeviceId};
use lockwarden_app::rng::Chance;
use lockwarden_app::ways::Fact;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::door::Door;
use crate::nuki_bridge::action::{Deed, OpenerAction, Outcome};
use crate::nuki_bridge::ask;
use crate::nuki_bridge::call::Answer;
use crate::nuki_bridge::callback::{Callers, PathToken};
use crate::nuki_bridge::errors::Trouble;
use crate::nuki_bridge::queue::{Line, Urgency};
use crate::nuki_bridge::request::Request;
use crate::nuki_bridge::token::{Once, Token, TokenForm};
use crate::nuki_bridge::wire::devices::{BridgeDevice, list};
use crate::nuki_bridge::wire::info::info;
use crate::nuki_bridge::wire::{self, Authorised};
use lockwarden_app::bridges::BridgeAddress;

use reach::{Reach, ask_the_silent, ordered, unlisted, wake};
use said::{hand_over, meant};

/// Where nobody calls us, changes are seen this late.
const EVERY: Duration = Duration::from_secs(30);
/// The bridge itself and its callbacks are looked at this often.
const ITSELF: Duration = Duration::from_mins(10);
/// Looks that failed one after the other before a bridge counts as away.
const PATIENCE: u32 = 3;
/// After one that failed: it may have been busy, or its answer lost.
const AGAIN: Duration = Duration::from_secs(3);
/// Calls that may wait to be looked into.
const CALLS: usize = 256;

/// A bridge that we speak with.
pub(crate) struct Bridge {
    access: Access,
    address: BridgeAddress,
    token: Token,
    form: TokenForm,
    path: PathToken,
    line: Line,
    reach: Reach,
    look: Notify,
    stop: CancellationToken,
}

#[derive(Default)]
pub(crate) struct Bridges {
    known: Mutex<HashMap<BridgeId, Arc<Bridge>>>,
    callers: Callers,
    /// Where bridges may call us; 0 as long as nobody listens there.
    port: AtomicU16,
}

impl Bridges {
    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<BridgeId, Arc<Bridge>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, bridge: BridgeId) -> Option<Arc<Bridge>> {
        self.known().get(&bridge).cloned()
    }

    fn has(&self, path: &PathToken) -> bool {
        self.known().values().any(|bridge| bridge.path == *path)
    }

    fn called(&self, path: &PathToken) {
        if let Some(bridge) = self.known().values().find(|bridge| bridge.path == *path) {
            bridge.look.notify_one();
        }
    }

    /// Looks at a bridge now.
    pub(crate) fn look(&self, bridge: BridgeId) {
        if let Some(bridge) = self.of(bridge) {
            bridge.look.notify_one();
        }
    }
}

impl Bridge {
    fn of(access: Access, stop: CancellationToken) -> Option<Self> {
        Some(Self {
            address: BridgeAddress::parse(&access.address).ok()?,
            token: Token::new(&access.token).ok()?,
            form: TokenForm::from_name(&access.token_form)?,
            path: PathToken::new(&access.callback)?,
            line: Line::default(),
            reach: Reach::default(),
            look: Notify::new(),
            stop,
            access,
        })
    }

    async fn ask(&self, door: &Door, urgency: Urgency, request: &Request) -> Result<Answer, Trouble> {
        let clock = door.app.clock();
        let until = clock.steady().plus(EVERY);
        let asking = async {
            let proof = proof((&self.token, self.form), clock, door.app.chance())?;
            ask(clock, &self.address, request, &proof, None).await
        };
        self.line.run(clock, urgency, until, asking).await
    }
}

fn proof((token, form): (&Token, TokenForm), clock: &Clock, chance: &Chance) -> Result<String, Trouble> {
    let nonce = chance.bytes::<24>();
    let number = u16::try_from(chance.number(16)).unwrap_or(0);
    let once = Once { now: clock.now(), number, nonce };
    token.proof(form, &once).ok_or(Trouble::BadRequest)
}

/// Asks a bridge what it lists, once: whether address and token are right.
pub async fn check_bridge(
    clock: &Clock,
    chance: &Chance,
    (address, token, form): (&str, &str, &str),
) -> Result<Vec<Listed>, String> {
    let address = BridgeAddress::parse(address)?;
    let token = Token::new(token)?;
    let form = TokenForm::from_name(form).ok_or("the token travels encrypted, hashed or plain")?;
    let proof = proof((&token, form), clock, chance).map_err(|trouble| trouble.words().to_owned())?;
    let answer = ask(clock, &address, &Request::List, &proof, None).await;
    let answer = answer.map_err(|trouble| trouble.words().to_owned())?;
    let list = list(&answer.body).map_err(|trouble| trouble.words().to_owned())?;
    Ok(list.devices.iter().map(listed).collect())
}

/// Asks a bridge for a token. Somebody has to press its button within half a minute.
pub async fn authorise_at_bridge(clock: &Clock, address: &str) -> Result<String, String> {
    let address = BridgeAddress::parse(address)?;
    let answer = ask(clock, &address, &Request::Auth, "", None).await;
    let answer = answer.map_err(|trouble| trouble.words().to_owned())?;
    match wire::auth(&answer.body) {
        Ok(Authorised::Token(token)) => Ok(token.secret().to_owned()),
        Ok(Authorised::NotPressed) => Err("nobody pressed the button of the bridge in time".to_owned()),
        Err(_) => Err(Trouble::NotABridge.words().to_owned()),
    }
}

fn listed(device: &BridgeDevice) -> Listed {
    Listed { nuki_id: device.nuki_id, kind: device.kind, name: device.name.clone() }
}

/// Keeps a task for each bridge until stopped.
pub(crate) async fn run(door: Arc<Door>, at: Option<SocketAddr>, stop: CancellationToken) {
    let mut events = door.app.bus().subscribe();
    let (calls, mut called) = mpsc::channel(CALLS);
    let mut calls = Some(calls);
    loop {
        if let Err(error) = reconcile(&door, &stop).await {
            tracing::error!(%error, "the list of bridges could not be read; it is tried again");
        }
        if !door.bridges.known().is_empty()
            && let (Some(at), Some(calls)) = (at, calls.take())
        {
            calls::open_porch(&door, at, calls, &stop).await;
        }
        let waited = stop.run_until_cancelled(async {
            loop {
                tokio::select! {
                    call = called.recv() => match call {
                        Some(call) => door.bridges.called(&call.bridge),
                        None => called = mpsc::channel(1).1,
                    },
                    event = events.recv() => match event {
                        Ok(Event::SyncAsked { device, .. }) => {
                            door.connections.spawn(wake(Arc::clone(&door), device));
                        }
                        Ok(Event::BridgesChanged { .. } | Event::DataReplaced)
                        | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
                        Ok(_) => {}
                    },
                    () = door.app.clock().wait(EVERY) => return,
                }
            }
        });
        if waited.await.is_none() {
            return;
        }
    }
}

/// A better way to a device is gone: its bridge, if it has one, speaks for it now. What it would repeat may be older than
/// what the other one said last.
pub(crate) fn another_way_is_gone(door: &Arc<Door>, device: DeviceId) {
    if !door.bridges.known().is_empty() {
        door.connections.spawn(wake(Arc::clone(door), device));
    }
}

async fn look_at(door: &Door, device: DeviceId) {
    if let Ok(Some(bridge)) = door.app.bridge_of(device).await {
        door.bridges.look(bridge);
    }
}

/// The bridge of a device, and what the device is to it.
async fn reached(door: &Door, device: DeviceId) -> Option<(Arc<Bridge>, Behind)> {
    let id = door.app.bridge_of(device).await.ok()??;
    let bridge = door.bridges.of(id)?;
    let behind = door.app.devices_behind(id).await.ok()?;
    Some((bridge, behind.into_iter().find(|one| one.device == device)?))
}

/// A task for each bridge of the table, and none for those that are gone or were changed.
async fn reconcile(door: &Arc<Door>, stop: &CancellationToken) -> lockwarden_app::Result<()> {
    let wanted = door.app.all_bridges().await?;
    let mut known = door.bridges.known();
    known.retain(|_, bridge| {
        let stays = wanted.contains(&bridge.access);
        if !stays {
            bridge.stop.cancel();
            door.bridges.callers.forget(&bridge.path);
            if wanted.iter().all(|access| access.callback != bridge.access.callback) {
                let given_back = calls::give_back(Arc::clone(door), Arc::clone(bridge), stop.clone());
                door.connections.spawn(given_back);
            }
        }
        stays
    });
    for access in wanted {
        let id = access.bridge;
        if known.contains_key(&id) {
            continue;
        }
        let Some(bridge) = Bridge::of(access, stop.child_token()) else { continue };
        let bridge = Arc::new(bridge);
        known.insert(id, Arc::clone(&bridge));
        door.connections.spawn(look_after(Arc::clone(door), bridge));
    }
    Ok(())
}

async fn look_after(door: Arc<Door>, bridge: Arc<Bridge>) {
    let mut failed = 0;
    let mut itself_at = None;
    let stop = bridge.stop.clone();
    let looking = async {
        loop {
            let looked = look(&door, &bridge, &mut failed).await;
            let now = door.app.clock().steady();
            let pause = if failed == 1 { AGAIN } else { EVERY };
            let is_due = itself_at.is_none_or(|at| now.since(at) >= ITSELF);
            if let (Ok(answer), true) = (looked, is_due) {
                look_at_itself(&door, &bridge, &answer).await;
                itself_at = Some(now);
            }
            tokio::select! {
                () = bridge.look.notified() => {}
                () = door.app.clock().wait(pause) => {}
            }
        }
    };
    stop.run_until_cancelled(looking).await;
}

/// Asks for the list, and hands over what is new in it.
async fn look(door: &Door, bridge: &Bridge, failed: &mut u32) -> Result<Answer, Trouble> {
    let id = bridge.access.bridge;
    let answer = bridge.ask(door, Urgency::Poll, &Request::List).await;
    let listed = answer.and_then(|answer| {
        let list = list(&answer.body)?;
        Ok((answer, list))
    });
    let (answer, list) = match listed {
        Ok(listed) => listed,
        Err(trouble) => {
            *failed += 1;
            let is_away = trouble != Trouble::Busy && (*failed >= PATIENCE || trouble == Trouble::WrongToken);
            if is_away {
                bridge.reach.bridge_is_away(door.app.clock().steady());
            }
            note(door.app.bridge_polled(id, &Polled::Troubled { words: trouble.words(), is_away }).await);
            return Err(trouble);
        }
    };
    *failed = 0;
    let latency_ms = i64::try_from(answer.took.as_millis()).unwrap_or(i64::MAX);
    let known: Vec<Listed> = list.devices.iter().map(self::listed).collect();
    note(door.app.bridge_lists(id, &known).await);
    // What a device says counts from when its way is there.
    note(door.app.bridge_polled(id, &Polled::Answered { latency_ms }).await);
    match door.app.devices_behind(id).await {
        Ok(behind) => {
            take_over(door, bridge, &list.devices, &behind);
            ask_the_silent(door, bridge, &behind).await;
        }
        Err(error) => note(Err::<(), _>(error)),
    }
    Ok(answer)
}

/// What it lists, but for what it only repeats of those that it has lost.
fn take_over(door: &Door, bridge: &Bridge, devices: &[BridgeDevice], behind: &[Behind]) {
    for device in devices {
        let Some(one) = meant(device, behind) else { continue };
        if one.is_lost {
            bridge.reach.was_silent(one.device, door.app.clock().steady());
        }
        if let Some(heard_at) = bridge.reach.listed(one.device, device.said.as_ref(), door.app.now()) {
            hand_over(door, device, one, heard_at);
        }
    }
    for one in behind.iter().filter(|one| devices.iter().all(|device| meant(device, &[**one]).is_none())) {
        unlisted(door, bridge, one.device);
    }
}

/// What the bridge is, how well it hears its devices, and its callbacks.
async fn look_at_itself(door: &Door, bridge: &Bridge, answer: &Answer) {
    let id = bridge.access.bridge;
    let told = bridge.ask(door, Urgency::Poll, &Request::Info).await;
    let told = told.ok().and_then(|answer| info(&answer.body).ok());
    if let Some(told) = &told
        && let Ok(behind) = door.app.devices_behind(id).await
    {
        let now = door.app.now();
        for seen in &told.seen {
            let (Some(rssi), Some(one)) = (seen.rssi, behind.iter().find(|one| one.nuki_id == seen.nuki_id))
            else {
                continue;
            };
            let facts = vec![(Fact::Signal, rssi.to_string())];
            door.committer.observe((one.device, Connector::NukiBridge), Observation::Facts(facts), now);
        }
        let is_unseen =
            |one: &&Behind| told.scans && told.seen.iter().all(|seen| seen.nuki_id != one.nuki_id);
        for one in behind.iter().filter(is_unseen) {
            bridge.reach.unseen(one.device, (now, door.app.clock().steady()));
        }
    }
    let callbacks = calls::keep_called(door, bridge, answer).await;
    let told = told.map_or((None, None), |told| (told.hardware_id, told.firmware.or(told.app_version)));
    note(door.app.bridge_told(id, told, callbacks).await);
}

/// Gives a command to the bridge, in its turn and once; what became of it is written down.
pub(crate) async fn act(door: Arc<Door>, taken: Taken) {
    let outcome = told(&door, &taken).await;
    if let Err(error) = door.app.bridge_answered(&taken, outcome).await {
        tracing::error!(%error, command.id = %taken.id, "what a bridge answered could not be written down");
    }
    look_at(&door, taken.device).await;
}

async fn told(door: &Door, taken: &Taken) -> BridgeOutcome {
    let Some((bridge, device)) = reached(door, taken.device).await else {
        return BridgeOutcome::NotExecuted("the bridge is not there any more");
    };
    let deed = match deed_of(taken.action, device.kind) {
        Ok(deed) => deed,
        Err(words) => return BridgeOutcome::NotExecuted(words),
    };
    let request = Request::LockAction { nuki_id: device.nuki_id, kind: device.kind, deed };
    let clock = door.app.clock();
    let asking = async {
        let proof = proof((&bridge.token, bridge.form), clock, door.app.chance())?;
        ask(clock, &bridge.address, &request, &proof, Some(taken.until)).await
    };
    let answer = bridge.line.run(clock, Urgency::Command, taken.until, asking).await;
    tracing::info!(command.id = %taken.id, device.id = %taken.device, "command given to a bridge");
    let done = answer.and_then(|answer| wire::lock_action(&answer.body).map_err(|_| Trouble::NotABridge));
    for seen in done.iter().flat_map(|done| done.observations()) {
        door.committer.observe((taken.device, Connector::NukiBridge), seen, door.app.now());
    }
    if !matches!(done, Ok(wire::Done { success: false, .. })) {
        ordered(door, &bridge, taken.device, done.as_ref().err().copied());
    }
    let outcome = Outcome::of(done);
    let words = outcome.words();
    match outcome {
        Outcome::Done => BridgeOutcome::Done,
        Outcome::NotDone => BridgeOutcome::NotDone(words),
        Outcome::NotExecuted(_) => BridgeOutcome::NotExecuted(words),
        Outcome::Unknown(_) => BridgeOutcome::Unknown(words),
    }
}

fn deed_of(action: LockAction, kind: DeviceType) -> Result<Deed, &'static str> {
    if kind != DeviceType::Opener {
        return Deed::of_lock(action, kind);
    }
    let opener = match action {
        LockAction::Unlock => OpenerAction::ActivateRingToOpen,
        LockAction::Lock => OpenerAction::DeactivateRingToOpen,
        LockAction::Unlatch => OpenerAction::ElectricStrike,
        LockAction::LockNGo => OpenerAction::ActivateContinuousMode,
        LockAction::LockNGoUnlatch => OpenerAction::DeactivateContinuousMode,
        _ => return Err("an Opener cannot be told that"),
    };
    Deed::of_opener(opener, kind)
}

fn note(written: lockwarden_app::Result<()>) {
    if let Err(error) = written {
        tracing::error!(%error, "what a bridge said could not be written down");
    }
}
