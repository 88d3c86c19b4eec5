//! Time comes from here and from nowhere else, so that a test can move it.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// A moment in UTC milliseconds, as every time in the database is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, serde::Serialize, serde::Deserialize,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long ago `earlier` was; nothing if it lies ahead.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(timestamp: jiff::Timestamp) -> Self {
        Self(timestamp.as_millisecond())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Milliseconds on a clock that nobody sets: for lengths of time inside this process, which must not change when
/// somebody corrects the time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Steady(pub i64);

impl Steady {
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// How long ago `earlier` was; nothing if it lies ahead.
    pub fn since(self, earlier: Steady) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

#[derive(Clone)]
pub enum Clock {
    System,
    /// Stands still until a test moves it.
    Manual(Arc<watch::Sender<Hands>>),
}

/// What a manual clock shows.
#[derive(Clone, Copy, Debug)]
pub struct Hands {
    wall: Time,
    steady: Steady,
}

/// The process's own beginning; any fixed moment will do.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    pub fn manual(start: Time) -> Self {
        Self::Manual(Arc::new(watch::Sender::new(Hands { wall: start, steady: Steady(1) })))
    }

    /// The time of day, which may be corrected at any moment.
    #[expect(clippy::disallowed_methods, reason = "this is the source that everything else is sent to")]
    pub fn now(&self) -> Time {
        match self {
            Self::System => jiff::Timestamp::now().into(),
            Self::Manual(hands) => hands.borrow().wall,
        }
    }

    pub fn steady(&self) -> Steady {
        match self {
            Self::System => Steady(1).plus(BEGINNING.elapsed()),
            Self::Manual(hands) => hands.borrow().steady,
        }
    }

    /// Returns after as long as it is from now to `at`.
    pub async fn wait_until(&self, at: Time) {
        self.wait_as(|now| at.since(now)).await;
    }

    pub async fn wait(&self, duration: Duration) {
        self.wait_as(|_| duration).await;
    }

    #[expect(clippy::disallowed_methods, reason = "this is the source that everything else is sent to")]
    async fn wait_as(&self, long: impl FnOnce(Time) -> Duration) {
        match self {
            Self::System => tokio::time::sleep(long(self.now())).await,
            Self::Manual(hands) => {
                let mut seen = hands.subscribe();
                let now = *seen.borrow();
                let until = now.steady.plus(long(now.wall));
                // The sender lives as long as the clock, so this cannot end without the time having come.
                let _ = seen.wait_for(|hands| hands.steady >= until).await;
            }
        }
    }

    /// Moves a manual clock on; a system clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(hands) = self {
            hands.send_modify(|hands| {
                hands.wall = hands.wall.plus(by);
                hands.steady = hands.steady.plus(by);
            });
        }
    }

    /// Sets a manual clock's time of day, as a time server does: no time passes.
    pub fn set(&self, wall: Time) {
        if let Self::Manual(hands) = self {
            hands.send_modify(|hands| hands.wall = wall);
        }
    }
}
