//! How long a battery lasts, from its own history alone: the slope since it was last replaced, as robust as a median of
//! slopes is, or why nothing can be said. Method and measured error: `docs/health.md`.

use std::time::Duration;

use crate::clock::Time;

/// Percent at which a battery should be replaced.
pub const LOW: u8 = 20;
/// A rise by so many percent is another battery, or a charge: cold takes less away and gives it back.
const REPLACED: f64 = 15.0;
/// Less than this is not spoken of.
const SHORTEST: Duration = Duration::from_hours(14 * 24);
const FEWEST_STEPS: usize = 5;
/// What is told is of the battery as it is used now: the last steps, and not its whole life.
const WINDOW_STEPS: usize = 5;
/// Below this, an alkaline cell falls up to so many times as fast as above: nothing in its own history foretells it.
const KNEE: f64 = 45.0;
const AFTER_KNEE: f64 = 2.5;
/// Nothing is said of a battery beyond this.
const FARTHEST_DAYS: f64 = 1_000.0;
/// Steps in which a lock tells its charge.
const STEP: f64 = 2.0;
const DAY_MS: f64 = 86_400_000.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forecast {
    Falls(Falls),
    /// Nothing can be said, because …
    Not(WhyNot),
}

/// How long until it is at 20 %, and until it is empty. Nothing is left of what has passed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Falls {
    pub since: Time,
    pub percent: u8,
    pub low: Left,
    pub empty: Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub earliest: Duration,
    pub likely: Duration,
    pub latest: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// It has never told its charge.
    NeverTold,
    /// It is watched for less than 14 days since it was new.
    TooShort,
    /// It has not fallen by five steps yet.
    TooFewSteps,
    /// It does not fall: it is charged, or powered otherwise.
    DoesNotFall,
}

impl WhyNot {
    pub fn words(self) -> &'static str {
        match self {
            Self::NeverTold => "The device has never told its charge.",
            Self::TooShort => {
                "Its charge is known for less than 14 days since the battery was new or charged."
            }
            Self::TooFewSteps => {
                "Its charge has fallen by fewer than five steps since the battery was new or charged."
            }
            Self::DoesNotFall => "Its charge does not fall.",
        }
    }
}

/// From the changes of a charge, oldest first.
pub fn of(readings: &[(Time, u8)], now: Time) -> Forecast {
    let Some((_, percent)) = readings.last().copied() else {
        return Forecast::Not(WhyNot::NeverTold);
    };
    let life = since_replaced(readings);
    let Some((since, first)) = life.first().copied() else {
        return Forecast::Not(WhyNot::NeverTold);
    };
    if now.since(since) < SHORTEST {
        return Forecast::Not(WhyNot::TooShort);
    }
    let points: Vec<(f64, f64)> =
        life.iter().map(|(at, percent)| (days(*at, since), f64::from(*percent))).collect();
    let falls = lower_edge(&points);
    if falls.len() < FEWEST_STEPS + 1 {
        let fell = f64::from(first) - f64::from(percent);
        let long = days(now, since) > 180.0 && fell < STEP;
        return Forecast::Not(if long { WhyNot::DoesNotFall } else { WhyNot::TooFewSteps });
    }
    let today = days(now, since);
    let Some(slopes) = Slopes::of(&falls, today) else {
        return Forecast::Not(WhyNot::DoesNotFall);
    };
    let charge = slopes.charge_at(today, f64::from(percent));
    Forecast::Falls(Falls {
        since,
        percent,
        low: slopes.left(charge, f64::from(LOW)),
        empty: slopes.left(charge, 0.0),
    })
}

/// From where the charge last rose for good. A rise that takes days, as from a charger, is followed to its top.
fn since_replaced(readings: &[(Time, u8)]) -> &[(Time, u8)] {
    let (mut start, mut lowest, mut rising) = (0, f64::INFINITY, false);
    for (place, (_, percent)) in readings.iter().enumerate() {
        let percent = f64::from(*percent);
        let top = readings.get(start).map_or(0.0, |(_, top)| f64::from(*top));
        if percent >= lowest + REPLACED || (rising && percent >= top) {
            (start, lowest, rising) = (place, percent, true);
        } else {
            rising &= percent >= top;
            lowest = lowest.min(percent);
        }
    }
    readings.get(start..).unwrap_or_default()
}

/// The first moment at each charge below all before: what cold took away and gave back counts once.
fn lower_edge(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut edge: Vec<(f64, f64)> = Vec::with_capacity(points.len());
    for (place, (day, charge)) in points.iter().enumerate() {
        // What rose above this again later was not here to stay.
        let stays =
            points.get(place + 1..).is_none_or(|later| later.iter().all(|(_, after)| after <= charge));
        if stays && edge.last().is_none_or(|(_, last)| charge < last) {
            edge.push((*day, *charge));
        }
    }
    edge
}

/// Percent a day, as positive numbers.
struct Slopes {
    likely: f64,
    steep: f64,
    gentle: f64,
    /// The line's charge on day 0.
    start: f64,
}

impl Slopes {
    fn of(edge: &[(f64, f64)], today: f64) -> Option<Self> {
        let recent = edge.get(edge.len().saturating_sub(WINDOW_STEPS)..).unwrap_or(edge);
        let mut each = slopes_between(recent);
        let mut likely = quantile(&mut each, 0.5)?;
        let (last_day, last) = *edge.last()?;
        // It stayed where it is for longer than that slope allows.
        let waits = today - last_day;
        if waits * likely > STEP {
            let mut with_now = recent.to_vec();
            with_now.push((today, last - STEP));
            each = slopes_between(&with_now);
            likely = quantile(&mut each, 0.5)?;
        }
        let whole = slopes_between(edge);
        let all = quantile(&mut whole.clone(), 0.5)?;
        let ends = slopes_between(recent.get(recent.len().saturating_sub(4)..).unwrap_or(recent));
        let latest = quantile(&mut ends.clone(), 0.5).unwrap_or(likely);
        let mut starts: Vec<f64> = recent.iter().map(|(day, charge)| charge + likely * day).collect();
        let start = quantile(&mut starts, 0.5)?;
        let high = quantile(&mut each, 0.85).unwrap_or(likely);
        let low = quantile(&mut each, 0.15).unwrap_or(likely);
        (likely > 0.0).then_some(Self {
            likely,
            steep: high.max(latest).max(all) * 1.3,
            gentle: low.min(latest).min(all).max(likely / 4.0) / 1.3,
            start,
        })
    }

    /// Between this step and the next one down.
    fn charge_at(&self, day: f64, told: f64) -> f64 {
        (self.start - self.likely * day).clamp((told - STEP).max(0.0), told)
    }

    /// From one charge down to another.
    fn left(&self, from: f64, to: f64) -> Left {
        let lasting = |days: f64| Duration::from_secs_f64(days.clamp(0.0, FARTHEST_DAYS) * 86_400.0);
        let before_knee = (from - to.max(KNEE)).max(0.0);
        let after_knee = (from.min(KNEE.max(to)) - to).max(0.0);
        // Who is past the knee has it in its slope already.
        let faster = if before_knee > 0.0 { AFTER_KNEE } else { 1.0 };
        Left {
            earliest: lasting((before_knee + after_knee / faster) / self.steep),
            likely: lasting((from - to) / self.likely),
            latest: lasting((from - to) / self.gentle),
        }
    }
}

/// Of every pair (Theil and Sen). At most a battery's 51 steps, so at most 1,275 of them.
fn slopes_between(points: &[(f64, f64)]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (place, (day, charge)) in points.iter().enumerate() {
        for (later_day, later) in points.iter().skip(place + 1) {
            if later_day > day {
                slopes.push((charge - later) / (later_day - day));
            }
        }
    }
    slopes
}

fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a short list"
    )]
    let place = (share * last as f64).round() as usize;
    values.get(place).copied()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of some years are exact in 53 bits")]
fn days(at: Time, since: Time) -> f64 {
    at.0.saturating_sub(since.0) as f64 / DAY_MS
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
