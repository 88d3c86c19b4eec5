//! From where and when a lock connects: a crowd must not come through one door at once.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::spec::{Broker, Options};

/// The ways of a whole fleet.
pub(crate) struct Ways {
    broker: Arc<Broker>,
    sources: Vec<IpAddr>,
    gate: Option<Arc<Gate>>,
    most: usize,
    count: AtomicUsize,
}

/// Lets one through after the other.
struct Gate {
    pause: Duration,
    next: Mutex<Instant>,
}

/// The way of one lock.
#[derive(Clone)]
pub(crate) struct Way {
    pub broker: Arc<Broker>,
    pub source: Option<IpAddr>,
    /// Whether it connects without being told to.
    pub connects: bool,
    gate: Option<Arc<Gate>>,
}

impl Ways {
    pub(crate) fn new(broker: &Broker, options: &Options) -> Self {
        let rate = options.connects_a_second.filter(|rate| rate.is_normal() && *rate > 0.0);
        let gate = rate.map(|rate| {
            let pause = Duration::try_from_secs_f64(1.0 / rate).unwrap_or_default();
            Arc::new(Gate { pause, next: Mutex::new(Instant::now()) })
        });
        Self {
            broker: Arc::new(broker.clone()),
            sources: options.sources.clone(),
            gate,
            most: options.connect.unwrap_or(usize::MAX),
            count: AtomicUsize::new(0),
        }
    }

    /// For the next lock; one that speaks no MQTT has none.
    pub(crate) fn next(&self, official: bool) -> Way {
        let place = if official { self.count.fetch_add(1, Ordering::Relaxed) } else { usize::MAX };
        let source = place.checked_rem(self.sources.len()).and_then(|place| self.sources.get(place)).copied();
        Way {
            broker: self.broker.clone(),
            source,
            connects: official && place < self.most,
            gate: self.gate.clone(),
        }
    }
}

impl Way {
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
        assert_eq!(all.iter().map(|way| way.connects).collect::<Vec<_>>(), [true, false, true, false]);
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
