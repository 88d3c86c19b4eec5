//! The committer: what arrived during one commit is the next batch, without waiting. Acknowledgements leave after the
//! commit of what they acknowledge; a failed commit acknowledges nothing and ends the connections concerned.

use std::collections::{HashMap, VecDeque};
use std::mem::{Discriminant, discriminant};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use lockwarden_app::App;
use lockwarden_app::clock::{Steady, Time};
use lockwarden_app::devices::{Connector, Delivery, Intake, Observation, Report};
use lockwarden_app::ids::{DeviceId, LoginId};
use tokio::sync::{Notify, watch};

use crate::codec::{Ack, WINDOW, ack};
use crate::realm::{Ending, Handle};

/// Reports in one transaction at most.
const BATCH: usize = 512;
/// Reports waiting from which on nobody is read any more. At 64 a connection, only very many at once get here.
const FULL: usize = 8_192;
/// Of a connection whose answer is waited for: so many of its reports may be under way beyond that. Whoever says more than
/// answers stands in line like everybody.
const FEW: u16 = 8;

/// Something to commit, and whom to answer afterwards.
pub(crate) struct Item {
    /// None: received and acknowledged, but nothing to keep.
    pub intake: Option<Intake>,
    pub answer: Option<(Arc<Handle>, Answer)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// What to send, and for which packet; none for QoS 0.
    pub ack: Option<(Ack, u16)>,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    /// What the gateway saw itself and a failed commit did not keep. Nobody repeats it, so it goes with the next batch.
    owed: Vec<Item>,
    /// Connections that wait for room, in the order they came: whoever is served again at once must not keep those who
    /// wait from being served at all.
    parked: VecDeque<(Arc<Handle>, Waker)>,
    closed: bool,
    /// How many were ever pushed, and the last of each login that is not settled.
    pushed: u64,
    last_of: HashMap<LoginId, u64>,
}

impl Queue {
    /// How many of those who wait for room are let in now. Each may bring a window full. One has a turn in any case, so that
    /// nothing keeps all of them out.
    fn turns(&self) -> usize {
        let room = FULL.saturating_sub(self.items.len()) / usize::from(WINDOW);
        room.max(1).min(self.parked.len())
    }
}

#[derive(Default)]
pub(crate) struct Committer {
    queue: Mutex<Queue>,
    filled: Notify,
    /// How many of the pushed are committed, or failed for good.
    settled: watch::Sender<u64>,
    /// The last commit failed. It is told when that begins and ends, not with every try in between.
    is_failing: AtomicBool,
    pub(crate) committed: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
}

impl Committer {
    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, item: Item) {
        let mut queue = self.queue();
        let was_empty = queue.items.is_empty();
        queue.pushed += 1;
        let number = queue.pushed;
        if let Some((handle, _)) = &item.answer {
            queue.last_of.insert(handle.login, number);
        }
        queue.items.push_back(item);
        drop(queue);
        if was_empty {
            self.filled.notify_one();
        }
    }

    pub(crate) fn link(&self, way: (DeviceId, Connector), up: bool, now: Time) {
        self.observe(way, Observation::Link { up }, now);
    }

    /// Something the gateway saw itself, of a way to a device.
    pub(crate) fn observe(&self, (device, by): (DeviceId, Connector), seen: Observation, now: Time) {
        let report = Report { device, by, received_at: now, delivery: Delivery::AtMostOnce, seen };
        self.push(Item { intake: Some(Intake::Reported(report)), answer: None });
    }

    /// Whether a connection may read on; if not, its waker is called when it is its turn. Whoever somebody waits for need
    /// not stand in line: after a restart that would be behind everything that all others have to say.
    pub(crate) fn has_room(&self, handle: &Arc<Handle>, waker: &Waker, now: Steady) -> bool {
        let is_awaited = handle.is_awaited(now) && handle.out().uncommitted < FEW;
        let mut queue = self.queue();
        if is_awaited && queue.items.len() < 2 * FULL
            || queue.items.len() < FULL && queue.parked.is_empty()
            || handle.may_enter.swap(false, Ordering::Relaxed)
        {
            return true;
        }
        if !handle.is_parked.swap(true, Ordering::Relaxed) {
            queue.parked.push_back((Arc::clone(handle), waker.clone()));
        }
        false
    }

    /// Waits until everything this login has handed over so far is on the disk, or has failed.
    pub(crate) async fn settled(&self, login: LoginId) {
        let Some(last) = self.queue().last_of.get(&login).copied() else {
            return;
        };
        // The sender lives as long as we do.
        let _ = self.settled.subscribe().wait_for(|settled| *settled >= last).await;
    }

    /// Waits until nothing is under way: everything that was handed over is on the disk, or has failed.
    pub(crate) async fn drained(&self) {
        // Asked for apart: what is settled is told by somebody who may hold the queue next.
        let mut settled = self.settled.subscribe();
        loop {
            let pushed = self.queue().pushed;
            if *settled.borrow_and_update() >= pushed || settled.changed().await.is_err() {
                return;
            }
        }
    }

    /// Tries again what is owed, if anything is.
    pub(crate) fn nudge(&self) {
        if !self.queue().owed.is_empty() {
            self.filled.notify_one();
        }
    }

    /// After this, [`Committer::run`] returns once everything that waits is committed.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.filled.notify_one();
    }

    pub(crate) async fn run(&self, app: &App) {
        loop {
            let ((batch, owed), turns) = {
                let mut queue = self.queue();
                let size = queue.items.len().min(BATCH);
                let mut batch = std::mem::take(&mut queue.owed);
                let owed = batch.len();
                batch.extend(queue.items.drain(..size));
                if queue.items.is_empty() {
                    // After a storm, which needs much room once.
                    queue.items.shrink_to(BATCH);
                }
                let turns = queue.turns();
                let parked: Vec<_> = queue.parked.drain(..turns).collect();
                if batch.is_empty() && turns == 0 && queue.closed {
                    return;
                }
                ((batch, owed), parked)
            };
            let anybody_waited = !turns.is_empty();
            for (handle, waker) in turns {
                handle.is_parked.store(false, Ordering::Relaxed);
                handle.may_enter.store(true, Ordering::Relaxed);
                waker.wake();
            }
            if !batch.is_empty() {
                self.commit(app, batch, owed).await;
            } else if anybody_waited {
                // Those who were let in may have nothing to bring, and then nobody would call for the next.
                tokio::task::yield_now().await;
                continue;
            }
            if self.has_nothing_to_do() {
                self.filled.notified().await;
            }
        }
    }

    fn has_nothing_to_do(&self) -> bool {
        let queue = self.queue();
        queue.items.is_empty() && queue.parked.is_empty() && !(queue.closed && queue.owed.is_empty())
    }

    /// The first `owed` of the batch were counted when they first failed.
    async fn commit(&self, app: &App, mut batch: Vec<Item>, owed: usize) {
        let size = (batch.len() - owed) as u64;
        let answered = batch.iter().filter_map(|item| item.answer.as_ref());
        let logins: Vec<LoginId> = answered.map(|(handle, _)| handle.login).collect();
        let kept = |item: &mut Item| match item.answer {
            Some(_) => item.intake.take(),
            None => item.intake.clone(),
        };
        let intakes: Vec<Intake> = batch.iter_mut().filter_map(kept).collect();
        let committed = if intakes.is_empty() { Ok(()) } else { app.record(&intakes).await };
        match committed {
            Ok(()) => {
                if !intakes.is_empty() && self.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("reports are committed and acknowledged again");
                }
                self.committed.fetch_add(intakes.len() as u64, Ordering::Relaxed);
                self.acknowledge(&batch);
            }
            Err(error) => {
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "nothing is committed, so nothing is acknowledged; it is tried again");
                }
                for (handle, _) in batch.iter().filter_map(|item| item.answer.as_ref()) {
                    handle.end(Ending::NotCommitted);
                }
                let mut queue = self.queue();
                // A server that stops cannot wait for its database for ever.
                if !queue.closed {
                    queue.owed = owing(batch);
                }
            }
        }
        self.settled.send_modify(|settled| *settled += size);
        let settled = *self.settled.borrow();
        let mut queue = self.queue();
        for login in logins {
            if queue.last_of.get(&login).is_some_and(|last| *last <= settled) {
                queue.last_of.remove(&login);
            }
        }
    }

    fn acknowledge(&self, batch: &[Item]) {
        let mut wakers = Vec::new();
        let mut acknowledged = 0;
        for (handle, answer) in batch.iter().filter_map(|item| item.answer.as_ref()) {
            let mut out = handle.out();
            out.uncommitted = out.uncommitted.saturating_sub(1);
            if let Some((kind, packet)) = answer.ack {
                out.bytes.extend_from_slice(&ack(kind, packet));
                acknowledged += 1;
            }
            wakers.extend(out.waker.take());
        }
        self.acknowledged.fetch_add(acknowledged, Ordering::Relaxed);
        // Each connection gave its waker once, so each is woken once.
        for waker in wakers {
            waker.wake();
        }
    }
}

/// What of a batch that failed is still to be kept: of each kind that the gateway saw itself of a device, the last and the
/// one before, which tells a line that broke and came back from one that never broke. So it is bounded, however often
/// devices come and go while the database is away.
fn owing(batch: Vec<Item>) -> Vec<Item> {
    let mut seen: HashMap<(DeviceId, Connector, Discriminant<Observation>), u8> = HashMap::new();
    let mut newest_first: Vec<Item> = Vec::new();
    for item in batch.into_iter().rev() {
        let (None, Some(Intake::Reported(report))) = (&item.answer, &item.intake) else { continue };
        let times = seen.entry((report.device, report.by, discriminant(&report.seen))).or_default();
        *times += 1;
        if *times <= 2 {
            newest_first.push(item);
        }
    }
    newest_first.reverse();
    newest_first
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;
    use std::time::Duration;

    use lockwarden_app::activity::{EntryQuery, Happening};
    use lockwarden_app::devices::LockAction;
    use lockwarden_app::ways::HubPart;
    use lockwarden_testkit::World;

    use super::*;
    use crate::codec::Version;
    use crate::realm::{Ear, Joining, Realm};

    #[derive(Default)]
    struct Called(AtomicUsize);

    impl Wake for Called {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn joining(world: &World, number: i64) -> Joining {
        Joining {
            version: Version::V3,
            login: LoginId(number),
            connector: Connector::NukiMqtt,
            device: DeviceId(number),
            opener: None,
            client_id: "SL3P".into(),
            patience_ms: 90_000,
            now: world.clock.now(),
            steady: world.clock.steady(),
        }
    }

    #[tokio::test]
    async fn what_arrives_during_a_commit_is_the_next_one() {
        const MORE: u64 = 99;
        let world = World::new().await;
        let anna = world.owner("Anna").await;
        let device = world.lock(&anna, "Front door", 7).await;
        let committer = Committer::default();
        let mut settled = committer.settled.subscribe();
        let somebody_else = world.app.db().write().await.unwrap();
        committer.link((device, Connector::NukiMqtt), false, world.clock.now());
        let arriving = async {
            while !committer.queue().items.is_empty() {
                tokio::task::yield_now().await;
            }
            for number in 0..MORE {
                committer.link((device, Connector::NukiMqtt), number % 2 == 0, world.clock.now());
            }
            drop(somebody_else);
            let mut seen = Vec::new();
            while seen.last() != Some(&(1 + MORE)) {
                settled.changed().await.unwrap();
                seen.push(*settled.borrow_and_update());
            }
            seen
        };
        let seen = tokio::select! { () = committer.run(&world.app) => Vec::new(), seen = arriving => seen };
        assert_eq!(seen, [1, 1 + MORE], "one commit for the first, and one for all that came meanwhile");
    }

    #[test]
    fn whoever_waits_for_what_is_under_way_never_holds_it_up() {
        const ROUNDS: u64 = 20_000;
        let (done, is_done) = std::sync::mpsc::channel();
        // What stands still would stand in the way of a clock in here as well.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(async {
                let (world, committer) = (World::new().await, Arc::new(Committer::default()));
                let mut working = tokio::task::JoinSet::new();
                let (works, app) = (Arc::clone(&committer), world.app.clone());
                working.spawn(async move { works.run(&app).await });
                for _ in 0..ROUNDS {
                    committer.push(Item { intake: None, answer: None });
                    committer.drained().await;
                }
                done.send(*committer.settled.borrow()).unwrap();
            });
        });
        assert_eq!(is_done.recv_timeout(Duration::from_mins(1)), Ok(ROUNDS));
    }

    #[tokio::test]
    async fn what_is_owed_stays_little_however_often_a_lock_comes_and_goes_while_nothing_can_be_kept() {
        let world = World::new().await;
        let anna = world.owner("Anna").await;
        let device = world.lock(&anna, "Front door", 7).await;
        world.break_writes().await;
        let committer = Committer::default();
        for _ in 0..100 {
            committer.link((device, Connector::NukiMqtt), false, world.clock.now());
            committer.link((device, Connector::NukiMqtt), true, world.clock.now());
            let mut batch = std::mem::take(&mut committer.queue().owed);
            let owed = batch.len();
            batch.extend(committer.queue().items.drain(..));
            committer.commit(&world.app, batch, owed).await;
        }
        let batch = std::mem::take(&mut committer.queue().owed);
        let links: Vec<bool> = batch.iter().filter_map(link_of).collect();
        assert_eq!(links, [false, true], "it was away, and is there");
        world.mend_writes().await;
        committer.commit(&world.app, batch, links.len()).await;
        assert!(committer.queue().owed.is_empty());
        let page = world.app.list_activity(&anna, EntryQuery::default()).await.unwrap();
        let told: Vec<Happening> = page.entries.iter().map(|entry| entry.happening).collect();
        assert_eq!(told, [Happening::CameOnline, Happening::WentOffline]);
    }

    fn link_of(item: &Item) -> Option<bool> {
        match &item.intake {
            Some(Intake::Reported(Report { seen: Observation::Link { up }, .. })) => Some(*up),
            _ => None,
        }
    }

    /// A committer without room, and two connections.
    fn full(world: &World) -> (Committer, [Arc<Handle>; 2]) {
        let (committer, realm) = (Committer::default(), Realm::default());
        let handles = [1, 2].map(|number| realm.join(&joining(world, number), &committer).unwrap());
        for _ in 0..FULL {
            committer.push(Item { intake: None, answer: None });
        }
        (committer, handles)
    }

    #[tokio::test]
    async fn nobody_passes_those_who_wait_for_room() {
        let world = World::new().await;
        let (committer, [first, second]) = full(&world);
        let waker = Waker::noop();
        let now = world.clock.steady();
        assert!(!committer.has_room(&first, waker, now));
        committer.queue().items.clear();
        assert!(!committer.has_room(&second, waker, now), "there is room, and somebody was here before");
    }

    #[tokio::test]
    async fn one_of_those_who_wait_for_room_has_a_turn_however_much_others_say_meanwhile() {
        let world = World::new().await;
        let (committer, handles) = full(&world);
        for handle in &handles {
            assert!(!committer.has_room(handle, Waker::noop(), world.clock.steady()));
        }
        for _ in 0..FULL {
            committer.push(Item { intake: None, answer: None });
        }
        assert_eq!(committer.queue().turns(), 1);
        committer.queue().items.truncate(FULL - usize::from(WINDOW) * 2);
        assert_eq!(committer.queue().turns(), 2, "there is room for what both may bring");
    }

    #[tokio::test]
    async fn whose_answer_is_waited_for_need_not_stand_in_line_unless_it_says_much_more() {
        let world = World::new().await;
        let (committer, [first, second]) = full(&world);
        let waker = Waker::noop();
        let now = world.clock.steady();
        assert!(!committer.has_room(&first, waker, now));
        assert!(!committer.has_room(&second, waker, now), "nobody waits for it yet");
        second.out().commands =
            [Ear { part: HubPart::Lock, topic: "nuki/7/lockAction".into(), qos: 1 }].into();
        second.command(DeviceId(2), LockAction::Lock, now.plus(Duration::from_secs(10))).unwrap();
        assert!(committer.has_room(&second, waker, now), "its answer is waited for");
        second.out().uncommitted = FEW;
        assert!(!committer.has_room(&second, waker, now), "a flood is no answer");
        second.out().uncommitted = 0;
        assert!(!committer.has_room(&second, waker, now.plus(Duration::from_secs(20))), "and no longer");
    }

    #[tokio::test]
    async fn everybody_who_waits_for_room_gets_a_turn_even_if_nobody_brings_anything() {
        const WAITING: usize = 1_000;
        let world = World::new().await;
        let (committer, realm) = (Committer::default(), Realm::default());
        for _ in 0..FULL {
            committer.push(Item { intake: None, answer: None });
        }
        let called = Arc::new(Called::default());
        for number in 0..WAITING {
            let number = i64::try_from(number).unwrap();
            let handle = realm.join(&joining(&world, number), &committer).unwrap();
            assert!(!committer.has_room(&handle, &Waker::from(Arc::clone(&called)), world.clock.steady()));
        }
        let waited = async {
            while called.0.load(Ordering::Relaxed) < WAITING {
                tokio::task::yield_now().await;
            }
        };
        let done = tokio::select! {
            () = committer.run(&world.app) => false,
            done = tokio::time::timeout(Duration::from_secs(10), waited) => done.is_ok(),
        };
        assert!(done, "{} of {WAITING} had a turn", called.0.load(Ordering::Relaxed));
    }
}
