//! Who may speak to a bridge next. It takes one request at a time and refuses others (Bridge API 1.13.3), so they wait
//! here: commands before polls, none longer than it is of use, and nobody while the bridge says that it is busy.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lockwarden_app::clock::{Clock, Steady};
use tokio::sync::watch;

use super::errors::Trouble;

/// Requests of one urgency that wait at a time: a command for each of a bridge's devices, and a poll for each.
const MOST_WAITING: usize = 32;
/// After a 503. A command is not kept longer: somebody stands at the door.
const FIRST_REST: Duration = Duration::from_secs(1);
/// For polls, doubled with each 503 in a row up to this.
const LONGEST_REST: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    Command,
    Poll,
}

/// Pure: every order of events can be tried.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Waiting>,
    tickets: u64,
    is_running: bool,
    rest: Duration,
    commands_after: Steady,
    polls_after: Steady,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    ticket: u64,
    urgency: Urgency,
    until: Steady,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// The bridge is yours until [`Queue::finished`].
    Go,
    /// Look again when something changed, or then.
    Wait(Steady),
    Over(Trouble),
}

impl Queue {
    /// `until`: after this it is not sent any more.
    pub(crate) fn enter(&mut self, urgency: Urgency, until: Steady, now: Steady) -> Result<u64, Trouble> {
        if until <= now {
            return Err(Trouble::TooLate);
        }
        if self.rests_until(urgency) >= until {
            return Err(Trouble::Busy);
        }
        if self.waiting.iter().filter(|other| other.urgency == urgency).count() >= MOST_WAITING {
            return Err(Trouble::TooManyWaiting);
        }
        self.tickets += 1;
        self.waiting.push_back(Waiting { ticket: self.tickets, urgency, until });
        Ok(self.tickets)
    }

    pub(crate) fn look(&mut self, ticket: u64, now: Steady) -> Look {
        let Some(own) = self.waiting.iter().copied().find(|waiting| waiting.ticket == ticket) else {
            return Look::Over(Trouble::TooLate);
        };
        let rests_until = self.rests_until(own.urgency);
        if own.until <= now {
            self.leave(ticket);
            return Look::Over(if rests_until > now { Trouble::Busy } else { Trouble::TooLate });
        }
        if rests_until > now {
            return Look::Wait(rests_until.min(own.until));
        }
        let is_first = !self
            .waiting
            .iter()
            .any(|other| other.until > now && (other.urgency, other.ticket) < (own.urgency, own.ticket));
        if self.is_running || !is_first {
            return Look::Wait(own.until);
        }
        self.is_running = true;
        self.leave(ticket);
        Look::Go
    }

    /// Whoever waited does not any more.
    pub(crate) fn leave(&mut self, ticket: u64) {
        self.waiting.retain(|waiting| waiting.ticket != ticket);
    }

    /// The request that was let go has ended.
    pub(crate) fn finished(&mut self, trouble: Option<Trouble>, now: Steady) {
        self.is_running = false;
        match trouble {
            None => self.rest = Duration::ZERO,
            Some(Trouble::Busy) => {
                self.rest = (self.rest * 2).clamp(FIRST_REST, LONGEST_REST);
                self.commands_after = now.plus(FIRST_REST);
                self.polls_after = now.plus(self.rest);
            }
            // It says nothing about how busy the bridge is.
            Some(_) => {}
        }
    }

    fn rests_until(&self, urgency: Urgency) -> Steady {
        match urgency {
            Urgency::Command => self.commands_after,
            Urgency::Poll => self.polls_after,
        }
    }
}

/// The queue of one bridge, for everybody who speaks to it.
#[derive(Clone, Default)]
pub(crate) struct Line(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changes: watch::Sender<()>,
}

/// A place in the queue, or the bridge itself; given back when dropped.
struct Place<'a> {
    line: &'a Line,
    clock: &'a Clock,
    ticket: u64,
    has_bridge: bool,
}

impl Line {
    /// Does `work` when the bridge is free for it; not at all if it is not by `until`. `work` has done nothing before
    /// it is its turn, as no future has, and takes the time then.
    pub(crate) async fn run<T>(
        &self,
        clock: &Clock,
        urgency: Urgency,
        until: Steady,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let mut changes = self.0.changes.subscribe();
        let ticket = self.queue().enter(urgency, until, clock.steady())?;
        let mut place = Place { line: self, clock, ticket, has_bridge: false };
        loop {
            changes.mark_unchanged();
            let now = clock.steady();
            let look = self.queue().look(ticket, now);
            match look {
                Look::Go => break,
                Look::Over(trouble) => return Err(trouble),
                Look::Wait(at) => tokio::select! {
                    _ = changes.changed() => {}
                    () = clock.wait(at.since(now)) => {}
                },
            }
        }
        place.has_bridge = true;
        let done = work.await;
        place.finish(done.as_ref().err().copied());
        done
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    fn finish(&mut self, trouble: Option<Trouble>) {
        let mut queue = self.line.queue();
        if std::mem::take(&mut self.has_bridge) {
            queue.finished(trouble, self.clock.steady());
        }
        queue.leave(self.ticket);
        drop(queue);
        self.line.0.changes.send_replace(());
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // If it had the bridge, somebody stopped waiting for the answer: nothing is known of it.
        self.finish(Some(Trouble::CutOff));
    }
}
