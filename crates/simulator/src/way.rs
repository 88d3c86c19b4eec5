//! From where and when a lock connects: a crowd must not come through one door at once.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::Instant;

use crate::spec::{Broker, Options};

/// Visitors at a time, however slow the broker is: each takes a socket here, and one there.
const VISITORS: usize = 128;

/// The ways of a whole fleet.
pub(crate) struct Ways {
    broker: Arc<Broker>,
    sources: Vec<IpAddr>,
    gate: Option<Arc<Gate>>,
    most: usize,
    visits: Option<Arc<Gate>>,
    room: Arc<Semaphore>,
    count: AtomicUsize,
}

/// Lets one through after the other.
struct Gate {
    pause: Duration,
    next: Mutex<Instant>,
}

/// What a lock does without being told to.
#[derive(Clone)]
pub(crate) enum Presence {
    /// It connects, and stays.
    Stays,
    /// It comes by once, if there is room, says what it is, and leaves.
    Visits(Arc<Semaphore>),
    Away,
}

/// The way of one lock.
#[derive(Clone)]
pub(crate) struct Way {
    pub broker: Arc<Broker>,
    pub source: Option<IpAddr>,
    pub presence: Presence,
    gate: Option<Arc<Gate>>,
}

impl Ways {
    pub(crate) fn new(broker: &Broker, options: &Options) -> Self {
        Self {
            broker: Arc::new(broker.clone()),
            sources: options.sources.clone(),
            gate: options.connects_a_second.and_then(Gate::of),
            most: options.connect.unwrap_or(usize::MAX),
            visits: options.visits_a_second.and_then(Gate::of),
            room: Arc::new(Semaphore::new(VISITORS)),
            count: AtomicUsize::new(0),
        }
    }

    /// For the next lock; one that speaks no MQTT has none.
    pub(crate) fn next(&self, official: bool) -> Way {
        let place = if official { self.count.fetch_add(1, Ordering::Relaxed) } else { usize::MAX };
        let source = place.checked_rem(self.sources.len()).and_then(|place| self.sources.get(place)).copied();
        let (presence, gate) = match &self.visits {
            _ if !official => (Presence::Away, None),
            _ if place < self.most => (Presence::Stays, self.gate.clone()),
            Some(visits) => (Presence::Visits(self.room.clone()), Some(visits.clone())),
            None => (Presence::Away, self.gate.clone()),
        };
        Way { broker: self.broker.clone(), source, presence, gate }
    }
}

impl Gate {
    /// For so many a second.
    fn of(rate: f64) -> Option<Arc<Self>> {
        let pause = Duration::try_from_secs_f64(1.0 / rate).ok().filter(|_| rate.is_normal())?;
        Some(Arc::new(Self { pause, next: Mutex::new(Instant::now()) }))
    }
}

impl Way {
    /// What a visitor holds while it is there. An error if too many are, and its turn comes again.
    pub(crate) fn room(&self) -> Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
        match &self.presence {
            Presence::Visits(room) => Arc::clone(room).try_acquire_owned().map(Some),
            Presence::Stays | Presence::Away => Ok(None),
        }
    }

    /// When it may try; nothing when at once.
    pub(crate) fn turn(&self) -> Option<Instant> {
        let gate = self.gate.as_ref()?;
        let mut next = gate.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next).max(Instant::now());
        *next = turn + gate.pause;
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(options: &Options) -> Ways {
        Ways::new(&Broker { host: "127.0.0.1".to_owned(), port: 1 }, options)
    }

    #[test]
    fn only_so_many_connect_from_one_address_after_the_other() {
        let sources: Vec<IpAddr> =
            ["127.0.0.2", "127.0.0.3"].iter().map(|text| text.parse().unwrap()).collect();
        let ways = ways(&Options { connect: Some(2), sources: sources.clone(), ..Options::default() });
        let all: Vec<Way> =
            [true, false, true, true].into_iter().map(|official| ways.next(official)).collect();
        let stays: Vec<_> = all.iter().map(|way| matches!(way.presence, Presence::Stays)).collect();
        assert_eq!(stays, [true, false, true, false]);
        assert_eq!(
            [all[0].source, all[2].source, all[3].source],
            [sources[0], sources[1], sources[0]].map(Some)
        );
    }

    #[tokio::test]
    async fn a_crowd_comes_at_its_rate() {
        let ways = ways(&Options { connects_a_second: Some(10.0), ..Options::default() });
        let turns: Vec<Instant> = (0..5).filter_map(|_| ways.next(true).turn()).collect();
        assert!(turns.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(100)), "{turns:?}");
        assert!(self::ways(&Options::default()).next(true).turn().is_none());
    }
}
