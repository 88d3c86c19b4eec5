//! What every connection of the door shares.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lockwarden_app::App;
use lockwarden_app::ids::LoginId;
use lockwarden_app::logins::{Authenticated, BindRefusal, MOST_STRANGERS, RefusalReason, Stranger};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::task::TaskTracker;

use crate::bridges::Bridges;
use crate::commit::Committer;
use crate::guesses::Guesses;
use crate::listen::Addresses;
use crate::realm::Realm;
use crate::{Limits, Stats};

pub(crate) struct Door {
    pub app: App,
    pub limits: Limits,
    pub realm: Realm,
    pub committer: Committer,
    pub guesses: Guesses,
    pub refusals: Refusals,
    pub strangers: Strangers,
    pub addresses: Addresses,
    /// Turns of those that sign in: when all come at once, they wait here, and nobody else waits behind them for the
    /// database.
    desk: Semaphore,
    /// Connections there was no room for, since the start.
    pub turned_away: AtomicU64,
    pub bridges: Bridges,
    pub connections: TaskTracker,
}

impl Door {
    pub(crate) fn new(app: App, limits: Limits) -> Self {
        Self {
            app,
            limits,
            realm: Realm::default(),
            committer: Committer::default(),
            guesses: Guesses::default(),
            refusals: Refusals::default(),
            strangers: Strangers::default(),
            addresses: Addresses::default(),
            desk: Semaphore::new(AT_THE_DESK),
            turned_away: AtomicU64::new(0),
            bridges: Bridges::default(),
            connections: TaskTracker::new(),
        }
    }

    /// A turn for something that whoever signs in asks the database; none if that takes longer than a client waits.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        tokio::select! {
            biased;
            turn = self.desk.acquire() => turn.ok(),
            () = self.app.clock().wait(IN_LINE) => None,
        }
    }

    /// See [`App::bind_login`].
    pub(crate) async fn bind(
        &self,
        login: &Authenticated,
        nuki_id: u32,
    ) -> lockwarden_app::Result<Result<(), BindRefusal>> {
        let _turn = self.desk.acquire().await;
        self.app.bind_login(login, nuki_id).await
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            connections: self.realm.open.load(Ordering::Relaxed),
            committed: self.committer.committed.load(Ordering::Relaxed),
            acknowledged: self.committer.acknowledged.load(Ordering::Relaxed),
            refused: self.refusals.total.load(Ordering::Relaxed),
        }
    }
}

/// Fewer than the database answers at once, so that there is always one for others.
const AT_THE_DESK: usize = 3;
/// Whoever waits for a turn this long has given up: locks want an answer within seconds.
const IN_LINE: Duration = Duration::from_secs(30);

/// Different things refused between two looks of the sweep; more are only counted.
const MOST_NOTES: usize = 4_096;
/// Logins with strangers between two looks of the sweep: the writes of a flood are few.
const MOST_LOGINS: usize = 512;

/// What was refused since it was last written down for the owners: counted here, so that a flood of refusals is one
/// write a second.
#[derive(Default)]
pub(crate) struct Refusals {
    notes: Mutex<HashMap<(LoginId, RefusalReason), (String, u32)>>,
    pub(crate) total: AtomicU64,
}

impl Refusals {
    pub(crate) fn note(&self, login: LoginId, reason: RefusalReason, detail: &str) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() >= MOST_NOTES && !notes.contains_key(&(login, reason)) {
            return;
        }
        let (last, times) = notes.entry((login, reason)).or_default();
        *times = times.saturating_add(1);
        last.clear();
        last.extend(detail.chars().take(200));
    }

    /// Writes down what has come together.
    pub(crate) async fn tell(&self, app: &App) {
        let notes = std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner));
        let flat = notes.into_iter().map(|((login, reason), (detail, times))| (login, reason, detail, times));
        if let Err(error) = app.note_login_refusals(&flat.collect::<Vec<_>>()).await {
            tracing::warn!(%error, "what devices were refused could not be written down");
        }
    }
}

/// Which devices spoke through logins that are not theirs, since it was last written down for the owners.
#[derive(Default)]
pub(crate) struct Strangers(Mutex<HashMap<LoginId, Vec<Stranger>>>);

impl Strangers {
    /// What is known already of one is kept where this says nothing of it.
    pub(crate) fn note(&self, login: LoginId, stranger: Stranger) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() >= MOST_LOGINS && !notes.contains_key(&login) {
            return;
        }
        let of_login = notes.entry(login).or_default();
        let is_same = |one: &Stranger| (one.nuki_id, one.is_opener) == (stranger.nuki_id, stranger.is_opener);
        if let Some(known) = of_login.iter_mut().find(|one| is_same(one)) {
            known.name = stranger.name.or(known.name.take());
            known.model = stranger.model.or(known.model.take());
        } else if of_login.len() < MOST_STRANGERS {
            of_login.push(stranger);
        }
    }

    /// Writes down what has come together; if that fails, the next time.
    pub(crate) async fn tell(&self, app: &App) {
        let notes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if let Err(error) = app.note_strangers(&notes).await {
            tracing::warn!(%error, "who else spoke through logins could not be written down");
            for (login, strangers) in notes {
                for stranger in strangers {
                    self.note(login, stranger);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lockwarden_testkit::World;

    use super::*;

    #[tokio::test]
    async fn whoever_signs_in_waits_for_a_turn_as_long_as_a_client_does() {
        let world = World::new().await;
        let door = Door::new(world.app.clone(), Limits::default());
        let mut held = Vec::new();
        for _ in 0..AT_THE_DESK {
            held.push(door.turn().await.unwrap());
        }
        let passing = async {
            tokio::task::yield_now().await;
            world.clock.advance(IN_LINE / 2);
            tokio::task::yield_now().await;
            held.pop();
        };
        let (turn, ()) = tokio::join!(door.turn(), passing);
        let turn = turn.expect("somebody made room within the time");
        let passing = async {
            tokio::task::yield_now().await;
            world.clock.advance(IN_LINE);
        };
        let (none, ()) = tokio::join!(door.turn(), passing);
        assert!(none.is_none(), "it has given up, and is not in the way of others any more");
        drop(turn);
        assert!(door.turn().await.is_some());
    }

    #[tokio::test]
    async fn which_strangers_spoke_while_nothing_could_be_written_is_told_once_it_can() {
        let world = World::new().await;
        let anna = world.owner("Anna").await;
        let (_, credentials) = world.device(&anna, "Front door").await;
        let login = world.login(&credentials).await.login;
        let strangers = Strangers::default();
        let run = async |sql: &'static str| {
            let mut tx = world.app.db().write().await.unwrap();
            tx.query(sql).run().await.unwrap();
            tx.commit().await.unwrap();
        };
        run("alter table strangers rename to strangers_away").await;
        strangers.note(login, Stranger { model: Some("Smart Lock 3.0".to_owned()), ..Stranger::lock(7) });
        strangers.tell(&world.app).await;
        strangers.note(login, Stranger { name: Some("Cellar".to_owned()), ..Stranger::lock(7) });
        strangers.note(login, Stranger::lock(8));
        run("alter table strangers_away rename to strangers").await;
        strangers.tell(&world.app).await;
        let mut told = world.app.list_strangers(&anna, None).await.unwrap();
        told.sort_by_key(|one| one.stranger.nuki_id);
        let [first, second] = told.as_slice() else { panic!("two spoke: {told:?}") };
        assert_eq!(
            (first.stranger.name.as_deref(), first.stranger.model.as_deref()),
            (Some("Cellar"), Some("Smart Lock 3.0"))
        );
        assert_eq!(second.stranger, Stranger::lock(8));
        strangers.tell(&world.app).await;
        assert!(strangers.0.lock().unwrap().is_empty());
    }

    #[test]
    fn whoever_speaks_under_any_number_at_all_leaves_room_for_the_strangers_of_others() {
        let strangers = Strangers::default();
        for number in 1..=4_096 {
            strangers.note(LoginId(1), Stranger::lock(number));
        }
        strangers.note(LoginId(2), Stranger::lock(7));
        strangers.note(LoginId(2), Stranger { name: Some("Cellar".to_owned()), ..Stranger::lock(7) });
        let notes = strangers.0.lock().unwrap();
        assert_eq!(notes.get(&LoginId(1)).map(Vec::len), Some(MOST_STRANGERS));
        let [one] = notes.get(&LoginId(2)).unwrap().as_slice() else { panic!("twice the same is one") };
        assert_eq!(one.name.as_deref(), Some("Cellar"));
    }
}
