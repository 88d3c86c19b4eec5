//! The simulator's own clock: a lock does not ask the server what time it is.

use std::time::Duration;

/// What the lock's own clock shows, as MQTT API 1.4 `timestamp` writes it.
#[expect(clippy::disallowed_methods, reason = "a virtual lock has a clock of its own")]
pub(crate) fn lock_time(offset: Duration) -> String {
    let now = jiff::Timestamp::now().saturating_sub(offset).unwrap_or(jiff::Timestamp::MIN);
    now.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
