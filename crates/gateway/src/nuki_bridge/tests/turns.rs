//! The queue of a bridge: its rules in every order, and the same through tasks that wait.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockwarden_app::clock::{Clock, Steady};
use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::kit::{a_moment, clock, from_now, within};
use crate::nuki_bridge::errors::Trouble;
use crate::nuki_bridge::queue::{Line, Look, Queue, Urgency};

fn at(seconds: i64) -> Steady {
    Steady(seconds * 1_000)
}

fn enter(queue: &mut Queue, urgency: Urgency, until: i64, now: i64) -> u64 {
    queue.enter(urgency, at(until), at(now)).unwrap()
}

#[test]
fn one_request_at_a_time_commands_first_and_otherwise_in_turn() {
    let mut queue = Queue::default();
    let running = enter(&mut queue, Urgency::Poll, 60, 1);
    assert_eq!(queue.look(running, at(1)), Look::Go);
    let [first, second] = [60, 60].map(|until| enter(&mut queue, Urgency::Poll, until, 1));
    let [third, fourth] = [50, 60].map(|until| enter(&mut queue, Urgency::Command, until, 1));
    for (ticket, until) in [(first, 60), (second, 60), (third, 50), (fourth, 60)] {
        assert_eq!(queue.look(ticket, at(2)), Look::Wait(at(until)), "one runs");
    }
    for next in [third, fourth, first, second] {
        queue.finished(None, at(3));
        let going: Vec<u64> = [first, second, third, fourth]
            .into_iter()
            .filter(|ticket| queue.look(*ticket, at(3)) == Look::Go)
            .collect();
        assert_eq!(going, [next]);
    }
}

#[test]
fn what_waited_past_its_deadline_is_not_sent_and_does_not_hold_up_others() {
    let mut queue = Queue::default();
    let running = enter(&mut queue, Urgency::Poll, 60, 1);
    assert_eq!(queue.look(running, at(1)), Look::Go);
    let late = enter(&mut queue, Urgency::Command, 11, 1);
    let next = enter(&mut queue, Urgency::Command, 40, 1);
    queue.finished(None, at(11));
    assert_eq!(queue.look(next, at(11)), Look::Go, "nobody looks after the one before it");
    assert_eq!(queue.look(late, at(11)), Look::Over(Trouble::TooLate));
    assert_eq!(queue.look(late, at(11)), Look::Over(Trouble::TooLate));
    assert_eq!(queue.enter(Urgency::Command, at(11), at(11)), Err(Trouble::TooLate));
}

#[test]
fn after_a_busy_bridge_polls_keep_away_longer_each_time_and_commands_a_second() {
    let mut queue = Queue::default();
    let mut now = 1;
    let mut rests = Vec::new();
    for _ in 0..7 {
        let ticket = enter(&mut queue, Urgency::Poll, now + 100, now);
        assert_eq!(queue.look(ticket, at(now)), Look::Go);
        queue.finished(Some(Trouble::Busy), at(now));
        let poll = enter(&mut queue, Urgency::Poll, now + 100, now);
        let command = enter(&mut queue, Urgency::Command, now + 100, now);
        assert_eq!(queue.look(command, at(now)), Look::Wait(at(now + 1)));
        let Look::Wait(Steady(until)) = queue.look(poll, at(now)) else { panic!("it rests") };
        rests.push(until / 1_000 - now);
        assert_eq!(queue.look(command, at(now + 1)), Look::Go, "somebody stands at the door");
        queue.finished(Some(Trouble::CutOff), at(now + 1));
        queue.leave(poll);
        now = until / 1_000;
    }
    assert_eq!(rests, [1, 2, 4, 8, 16, 30, 30]);
    let ticket = enter(&mut queue, Urgency::Poll, now + 100, now);
    assert_eq!(queue.look(ticket, at(now)), Look::Go);
    queue.finished(None, at(now));
    let ticket = enter(&mut queue, Urgency::Poll, now + 100, now);
    assert_eq!(queue.look(ticket, at(now)), Look::Go, "it answered: all is forgotten");
    queue.finished(Some(Trouble::Busy), at(now));
    let ticket = enter(&mut queue, Urgency::Poll, now + 100, now);
    assert_eq!(queue.look(ticket, at(now)), Look::Wait(at(now + 1)));
}

#[test]
fn who_would_wait_for_nothing_is_told_that_the_bridge_is_busy() {
    let mut queue = Queue::default();
    let ticket = enter(&mut queue, Urgency::Poll, 60, 1);
    assert_eq!(queue.look(ticket, at(1)), Look::Go);
    let waiting = queue.enter(Urgency::Command, Steady(1_500), at(1)).unwrap();
    queue.finished(Some(Trouble::Busy), at(1));
    assert_eq!(queue.enter(Urgency::Command, at(2), at(1)), Err(Trouble::Busy));
    assert_eq!(queue.look(waiting, Steady(1_400)), Look::Wait(Steady(1_500)));
    assert_eq!(queue.look(waiting, Steady(1_500)), Look::Over(Trouble::Busy));
}

#[test]
fn only_so_many_wait_and_polls_take_no_place_of_a_command() {
    let mut queue = Queue::default();
    for _ in 0..32 {
        enter(&mut queue, Urgency::Poll, 60, 1);
    }
    assert_eq!(queue.enter(Urgency::Poll, at(60), at(1)), Err(Trouble::TooManyWaiting));
    let mut last = 0;
    for _ in 0..32 {
        last = enter(&mut queue, Urgency::Command, 60, 1);
    }
    assert_eq!(queue.enter(Urgency::Command, at(60), at(1)), Err(Trouble::TooManyWaiting));
    queue.leave(last);
    enter(&mut queue, Urgency::Command, 60, 1);
}

proptest! {
    /// Steps: enter a command or a poll (with so many seconds), look at one, end the running one, or let time pass.
    #[test]
    fn in_every_order_one_runs_none_is_late_and_no_poll_overtakes_a_command(
        steps in proptest::collection::vec((0_u8..6, 0_u8..20), 1..120)
    ) {
        let mut queue = Queue::default();
        let (mut now, mut is_running) = (1, false);
        let mut open: Vec<(u64, Urgency, i64)> = Vec::new();
        for (step, size) in steps {
            match step {
                0 | 1 => {
                    let urgency = if step == 0 { Urgency::Command } else { Urgency::Poll };
                    let until = now + i64::from(size);
                    if let Ok(ticket) = queue.enter(urgency, at(until), at(now)) {
                        open.push((ticket, urgency, until));
                    }
                }
                2 => now += i64::from(size) / 4,
                3 | 4 if is_running => {
                    queue.finished((step == 3).then_some(Trouble::Busy), at(now));
                    is_running = false;
                }
                _ if open.is_empty() => {}
                _ => {
                    let place = usize::from(size) % open.len();
                    let (ticket, urgency, until) = open[place];
                    match queue.look(ticket, at(now)) {
                        Look::Go => {
                            prop_assert!(!is_running && now < until);
                            let alive = |(other, _, until): &&(u64, Urgency, i64)| *other != ticket && *until > now;
                            for (other, kind, _) in open.iter().filter(alive) {
                                prop_assert!((urgency, ticket) < (*kind, *other), "{:?} overtook", urgency);
                            }
                            is_running = true;
                            open.remove(place);
                        }
                        Look::Wait(next) => prop_assert!(next > at(now) && next <= at(until)),
                        Look::Over(_) => {
                            prop_assert!(now >= until);
                            open.remove(place);
                        }
                    }
                }
            }
        }
    }
}

/// A line, and what got its turn, in order.
struct Site {
    clock: Clock,
    line: Line,
    turns: Arc<Mutex<Vec<&'static str>>>,
    tasks: JoinSet<(&'static str, Result<(), Trouble>)>,
}

impl Site {
    fn new() -> Self {
        Self { clock: clock(), line: Line::default(), turns: Arc::default(), tasks: JoinSet::new() }
    }

    /// Joins the queue; what it has to come to, once it is its turn, is sent.
    async fn join(
        &mut self,
        name: &'static str,
        urgency: Urgency,
        seconds: u64,
    ) -> oneshot::Sender<Result<(), Trouble>> {
        let (end, ended) = oneshot::channel();
        let (line, clock, turns) = (self.line.clone(), self.clock.clone(), Arc::clone(&self.turns));
        let until = from_now(&clock, seconds);
        self.tasks.spawn(async move {
            let work = async {
                turns.lock().unwrap().push(name);
                ended.await.unwrap_or(Err(Trouble::CutOff))
            };
            (name, line.run(&clock, urgency, until, work).await)
        });
        a_moment().await;
        end
    }

    async fn ended(&mut self) -> (&'static str, Result<(), Trouble>) {
        within(self.tasks.join_next()).await.unwrap().unwrap()
    }

    fn turns(&self) -> Vec<&'static str> {
        self.turns.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn tasks_get_their_turn_by_urgency_and_learn_what_came_of_it() {
    let mut site = Site::new();
    let first = site.join("list", Urgency::Poll, 60).await;
    let second = site.join("info", Urgency::Poll, 60).await;
    let third = site.join("unlock", Urgency::Command, 10).await;
    assert_eq!(site.turns(), ["list"]);
    first.send(Ok(())).unwrap();
    assert_eq!(site.ended().await, ("list", Ok(())));
    a_moment().await;
    assert_eq!(site.turns(), ["list", "unlock"]);
    third.send(Err(Trouble::NoAnswer)).unwrap();
    assert_eq!(site.ended().await, ("unlock", Err(Trouble::NoAnswer)));
    second.send(Ok(())).unwrap();
    assert_eq!(site.ended().await, ("info", Ok(())));
    assert_eq!(site.turns(), ["list", "unlock", "info"]);
}

#[tokio::test]
async fn a_command_whose_time_passes_while_it_waits_never_runs() {
    let mut site = Site::new();
    let running = site.join("list", Urgency::Poll, 60).await;
    let _late = site.join("unlock", Urgency::Command, 10).await;
    site.clock.advance(Duration::from_secs(11));
    assert_eq!(site.ended().await, ("unlock", Err(Trouble::TooLate)));
    running.send(Ok(())).unwrap();
    assert_eq!(site.ended().await, ("list", Ok(())));
    assert_eq!(site.turns(), ["list"]);
}

#[tokio::test]
async fn after_a_503_the_next_waits_for_the_clock() {
    let mut site = Site::new();
    let running = site.join("list", Urgency::Poll, 60).await;
    let next = site.join("unlock", Urgency::Command, 10).await;
    running.send(Err(Trouble::Busy)).unwrap();
    assert_eq!(site.ended().await, ("list", Err(Trouble::Busy)));
    a_moment().await;
    assert_eq!(site.turns(), ["list"]);
    site.clock.advance(Duration::from_secs(1));
    next.send(Ok(())).unwrap();
    assert_eq!(site.ended().await, ("unlock", Ok(())));
}

#[tokio::test]
async fn whoever_gives_up_leaves_the_bridge_to_the_others() {
    let mut site = Site::new();
    let (clock, line) = (site.clock.clone(), site.line.clone());
    let until = from_now(&clock, 60);
    let mut running =
        Box::pin(line.run(&clock, Urgency::Poll, until, std::future::pending::<Result<(), Trouble>>()));
    let mut waiting =
        Box::pin(line.run(&clock, Urgency::Command, until, std::future::pending::<Result<(), Trouble>>()));
    for work in [&mut running, &mut waiting] {
        tokio::select! {
            biased;
            ended = work => panic!("{ended:?}"),
            () = a_moment() => {}
        }
    }
    let next = site.join("info", Urgency::Poll, 60).await;
    assert_eq!(site.turns(), [""; 0]);
    drop(waiting);
    drop(running);
    next.send(Ok(())).unwrap();
    assert_eq!(site.ended().await, ("info", Ok(())));
}
