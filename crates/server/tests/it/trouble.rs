//! Locks that answer late, twice or never, and locks that vanish: what was ordered is done once or not at all, and no
//! answer is taken for that of another order.

use std::time::Duration;

use lockwarden_app::db::Db;
use lockwarden_simulator::{Faults, Fleet, Options};

use crate::kit::{Site, call, within};
use crate::unlock::{DOOR, lock_says, log};

/// A row of the table of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) state: String,
    pub(crate) code: Option<i64>,
    pub(crate) reason: String,
    pub(crate) deadline: i64,
    pub(crate) sent_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
}

/// A door with one lock, and a look into the table of commands beside the running server.
pub(crate) struct House {
    pub(crate) site: Site,
    pub(crate) fleet: Fleet,
    token: String,
    db: Db,
}

impl House {
    pub(crate) async fn new(options: &Options) -> Self {
        let site = Site::serving().await;
        let spec = site.lock("Front door", 0xA1);
        let fleet = Fleet::start(&site.broker(), vec![spec], options);
        Self::with(site, fleet).await
    }

    pub(crate) async fn with(site: Site, fleet: Fleet) -> Self {
        let token = site.token();
        let db = Db::open(&site.database.url).await.unwrap();
        let house = Self { site, fleet, token, db };
        house.is_online().await;
        house
    }

    pub(crate) async fn is_online(&self) {
        let told = |lock: &serde_json::Value| lock["serverState"] == 0 && lock["state"]["doorState"] == 2;
        lock_says(&self.site, &self.token, told).await;
    }

    pub(crate) async fn is_offline(&self) {
        lock_says(&self.site, &self.token, |lock| lock["serverState"] == 4).await;
    }

    pub(crate) async fn order(&self, action: &str) -> u16 {
        let path = format!("{DOOR}/action/{action}");
        call(self.site.http, "POST", &path, &self.token, "").await.unwrap().0
    }

    pub(crate) async fn rows(&self) -> Vec<Row> {
        let mut tx = self.db.read().await.unwrap();
        tx.query(
            "select state, error_code, coalesce(reason, ''), deadline, sent_at, ended_at from commands order by id",
        )
        .all::<(String, Option<i64>, String, i64, Option<i64>, Option<i64>)>()
        .await
        .unwrap()
        .into_iter()
        .map(|(state, code, reason, deadline, sent_at, ended_at)| Row {
            state,
            code,
            reason,
            deadline,
            sent_at,
            ended_at,
        })
        .collect()
    }

    /// Waits until the command with this place has ended in one of these states.
    pub(crate) async fn ended(&self, place: usize, states: &[&str]) -> Row {
        within(40, async {
            loop {
                if let Some(row) = self.rows().await.get(place)
                    && states.contains(&row.state.as_str())
                {
                    return row.clone();
                }
                let _ = tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await;
            }
        })
        .await
    }

    pub(crate) fn arrived(&self) -> Vec<String> {
        self.fleet.locks()[0].seen().commands.into_iter().map(|command| command.payload).collect()
    }
}

fn pace(time_scale: f64) -> Options {
    Options { time_scale, ..Options::default() }
}

#[tokio::test]
async fn a_jam_a_refusal_and_a_reboot_end_in_words_and_open_nothing_twice() {
    let house = House::new(&pace(0.05)).await;
    let lock = &house.fleet.locks()[0];
    lock.faults(Faults { jam: true, ..Faults::default() });
    assert_eq!(house.order("unlock").await, 204);
    lock_says(&house.site, &house.token, |lock| lock["state"]["state"] == 254).await;
    assert!(house.ended(0, &["failed"]).await.reason.contains("motor is blocked"));
    lock.faults(Faults { refuse: Some(73), ..Faults::default() });
    assert_eq!(house.order("lock").await, 204);
    assert!(house.ended(1, &["failed"]).await.reason.contains("batteries"));
    let log = log(&house.site, &house.token).await;
    assert_eq!((log.len(), &log[0]["state"], &log[1]["state"]), (2, &5.into(), &1.into()));
    assert_eq!(lock.seen().moves, 1, "the refused command moved nothing");

    lock.faults(Faults { reboot: true, ..Faults::default() });
    assert_eq!(house.order("unlock").await, 204);
    within(10, lock.wait_for(|seen| seen.state == 253)).await;
    let seen = within(10, lock.wait_for(|seen| seen.connected && seen.state != 253)).await;
    lock_says(&house.site, &house.token, |lock| lock["state"]["state"] == seen.state).await;
    // The turn may have been done, and the state says so; the lock itself answers nothing any more.
    assert_eq!(house.ended(2, &["unknown", "done"]).await.code, None);
    assert_eq!(house.order("lock").await, 204);
    house.ended(3, &["done"]).await;
    assert_eq!(house.arrived(), ["1", "2", "1", "2"]);
    house.fleet.stop().await;
}

#[tokio::test]
async fn an_answer_that_takes_its_time_keeps_the_next_order_waiting_and_is_not_taken_for_its() {
    let house = House::new(&pace(0.01)).await;
    let lock = &house.fleet.locks()[0];
    // A second and a half of ours.
    let late = Some(Duration::from_secs(150));
    lock.faults(Faults { jam: true, answer_late: late, ..Faults::default() });
    assert_eq!((house.order("unlock").await, house.order("lock").await), (204, 204));
    let (first, second) = (house.ended(0, &["failed"]).await, house.ended(1, &["done"]).await);
    assert_eq!((first.code, second.code), (Some(66), Some(0)));
    assert!(second.sent_at >= first.ended_at, "{first:?} {second:?}");
    assert_eq!(house.arrived(), ["1", "2"]);
    house.fleet.stop().await;
}

#[tokio::test]
async fn an_answer_that_comes_after_its_command_was_given_up_still_belongs_to_it() {
    let house = House::new(&pace(0.01)).await;
    let lock = &house.fleet.locks()[0];
    // Two seconds after it is given up.
    let late = Some(Duration::from_secs(2_200));
    lock.faults(Faults { jam: true, answer_late: late, ..Faults::default() });
    assert_eq!(house.order("unlock").await, 204);
    house.ended(0, &["unknown"]).await;
    let first = house.ended(0, &["failed"]).await;
    assert_eq!(first.code, Some(66));
    assert!(first.reason.contains("late"), "{first:?}");
    assert_eq!(house.order("lock").await, 204);
    assert_eq!(house.ended(1, &["done"]).await.code, Some(0));
    assert_eq!(house.rows().await[0], first);
    assert_eq!(house.arrived(), ["1", "2"]);
    house.fleet.stop().await;
}

#[tokio::test]
async fn the_second_of_two_answers_is_not_taken_for_that_of_the_next_order() {
    let house = House::new(&pace(0.1)).await;
    let lock = &house.fleet.locks()[0];
    assert_eq!((house.order("unlock").await, house.order("lock").await), (204, 204));
    within(10, lock.wait_for(|seen| seen.received == 1)).await;
    // The first is on its way, so that the jam is for the second.
    lock.faults(Faults { answer_twice: true, jam: true, ..Faults::default() });
    let (first, second) = (house.ended(0, &["done"]).await, house.ended(1, &["done", "failed"]).await);
    assert_eq!((first.code, second.code), (Some(0), Some(66)), "{second:?}");
    assert_eq!(lock.seen().moves, 2);
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_command_that_is_never_answered_ends_unknown_and_is_not_sent_again() {
    let house = House::new(&pace(0.01)).await;
    let lock = &house.fleet.locks()[0];
    lock.faults(Faults { jam: true, never_answer: true, ..Faults::default() });
    assert_eq!(house.order("unlock").await, 204);
    let first = house.ended(0, &["unknown"]).await;
    assert!(
        first.ended_at.zip(first.sent_at).is_some_and(|(ended, sent)| ended - sent >= 20_000),
        "{first:?}"
    );
    // A new connection is a temptation to repeat.
    lock.go_offline(None);
    house.is_offline().await;
    lock.come_back();
    house.is_online().await;
    assert_eq!(house.order("lock").await, 204);
    house.ended(1, &["done"]).await;
    assert_eq!(house.arrived(), ["1", "2"]);
    assert_eq!(house.rows().await[0], first);
    house.fleet.stop().await;
}

#[tokio::test]
async fn an_order_for_a_lock_that_has_vanished_never_reaches_it_when_it_returns() {
    let house = House::new(&Options { keep_alive: Duration::from_secs(2), ..pace(0.01) }).await;
    let lock = &house.fleet.locks()[0];
    lock.go_silent(None);
    within(10, lock.wait_for(|seen| !seen.connected)).await;
    assert_eq!(house.order("unlock").await, 204, "nobody knows yet that it is gone");
    house.is_offline().await;
    assert_eq!(house.order("unlock").await, 409);
    house.ended(0, &["unknown", "failed", "expired"]).await;
    lock.come_back();
    house.is_online().await;
    assert_eq!(house.order("lock").await, 204);
    within(10, lock.wait_for(|seen| seen.received > 0 && seen.state == 1)).await;
    assert_eq!(house.arrived(), ["2"]);
    house.fleet.stop().await;
}
