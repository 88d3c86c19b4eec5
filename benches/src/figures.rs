//! Numbers as they are printed.

use std::io::Write as _;
use std::time::Duration;

pub(crate) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Median and 99th percentile in milliseconds.
pub(crate) fn times(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| {
        times.get(times.len() * share / 1_000).copied().unwrap_or_default().as_secs_f64() * 1_000.0
    };
    format!("p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, of {}", at(500), at(990), at(999), times.len())
}

pub(crate) fn rate(count: u64, time: Duration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = count as f64 / time.as_secs_f64();
    format!("{rate:.0}/s")
}
