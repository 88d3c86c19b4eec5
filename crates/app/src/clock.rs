//! Time comes from here and from nowhere else, so that a test can move it.

use std::sync::Arc;
use std::time::Duration;

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

#[derive(Clone)]
pub enum Clock {
    System,
    /// Stands still until a test moves it.
    Manual(Arc<watch::Sender<Time>>),
}

impl Clock {
    pub fn manual(start: Time) -> Self {
        Self::Manual(Arc::new(watch::Sender::new(start)))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the source that everything else is sent to")]
    pub fn now(&self) -> Time {
        match self {
            Self::System => jiff::Timestamp::now().into(),
            Self::Manual(time) => *time.borrow(),
        }
    }

    /// Returns at or after `at`.
    #[expect(clippy::disallowed_methods, reason = "this is the source that everything else is sent to")]
    pub async fn wait_until(&self, at: Time) {
        match self {
            Self::System => tokio::time::sleep(at.since(self.now())).await,
            Self::Manual(time) => {
                let mut seen = time.subscribe();
                // The sender lives as long as the clock, so this cannot end without the time having come.
                let _ = seen.wait_for(|now| *now >= at).await;
            }
        }
    }

    pub async fn wait(&self, duration: Duration) {
        self.wait_until(self.now().plus(duration)).await;
    }

    /// Moves a manual clock on; a system clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(time) = self {
            time.send_modify(|now| *now = now.plus(by));
        }
    }
}
