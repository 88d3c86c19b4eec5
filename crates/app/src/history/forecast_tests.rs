//! The forecast against batteries of which the end is known, because they are simulated. The figures in `docs/health.md`
//! are what `the_error_on_simulated_batteries_stays_within_what_is_told` prints.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "simulated charges and days are small"
)]

use super::*;

const BATTERIES: u64 = 100;

#[derive(Clone, Copy, Debug)]
enum Curve {
    /// The same every day.
    Linear,
    /// As an alkaline cell under this load: slow, then faster from 45 % on.
    Kneed,
    /// Linear, and two to five cold weeks in which up to 9 % are not there.
    Cold,
    /// Weeks in which the door is used three times as much.
    Bursts,
}

/// Numbers that look like chance and are the same at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.roll()
    }
}

/// Charge at the end of every quarter of a day, to empty; and what the lock tells of it, in its steps.
struct Battery {
    charge: Vec<f64>,
    told: Vec<(Time, u8)>,
}

fn at(day: f64) -> Time {
    Time((day * DAY_MS) as i64)
}

impl Battery {
    fn simulate(curve: Curve, seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let life = dice.between(90.0, 420.0);
        let cold = (dice.between(0.2, 0.8) * life, dice.between(14.0, 35.0), dice.between(4.0, 9.0));
        let (mut charge, mut day) = (100.0_f64, 0.0);
        let mut battery = Self { charge: Vec::new(), told: Vec::new() };
        let mut busy_until = 0.0;
        while charge > 0.0 {
            let mut rate = 100.0 / life * dice.between(0.5, 1.5);
            match curve {
                // Both parts of 45 % and 55 % take the life together.
                Curve::Kneed => rate *= if charge > 45.0 { 0.75 } else { 1.7 },
                Curve::Bursts => {
                    if dice.roll() < 0.005 {
                        busy_until = day + 7.0;
                    }
                    rate *= if day < busy_until { 3.0 } else { 1.0 };
                }
                Curve::Linear | Curve::Cold => {}
            }
            charge -= rate / 4.0;
            day += 0.25;
            battery.charge.push(charge);
            let gone = match curve {
                Curve::Cold if day > cold.0 && day < cold.0 + cold.1 => cold.2,
                _ => 0.0,
            };
            let told = ((charge - gone) / STEP).ceil().max(0.0) * STEP;
            let told = told as u8;
            if battery.told.last().is_none_or(|(_, last)| *last != told) {
                battery.told.push((at(day), told));
            }
        }
        battery
    }

    fn first_below(&self, percent: f64) -> f64 {
        let place = self.charge.iter().position(|charge| *charge <= percent).unwrap();
        (place + 1) as f64 / 4.0
    }

    fn at_day(&self, day: f64) -> Forecast {
        let seen: Vec<_> = self.told.iter().copied().filter(|(told, _)| *told <= at(day)).collect();
        of(&seen, at(day))
    }
}

#[derive(Default)]
struct Errors {
    days: Vec<f64>,
    within: usize,
    silent: usize,
}

impl Errors {
    /// Days between what was told and what came, with so many tens of days left.
    fn of(curve: Curve, tens: std::ops::RangeInclusive<u32>) -> Self {
        let mut errors = Self::default();
        for seed in 1..=BATTERIES {
            let battery = Battery::simulate(curve, seed);
            let low = battery.first_below(f64::from(LOW));
            for left in tens.clone().map(|ten| f64::from(ten) * 10.0) {
                match battery.at_day(low - left) {
                    Forecast::Falls(falls) => {
                        let told = |left: Duration| left.as_secs_f64() / 86_400.0;
                        errors.days.push((told(falls.low.likely) - left).abs());
                        let (from, to) = (told(falls.low.earliest), told(falls.low.latest));
                        errors.within += usize::from((from..=to).contains(&left));
                    }
                    Forecast::Not(_) => errors.silent += 1,
                }
            }
        }
        errors
    }

    fn share_over(&self, bound: f64) -> usize {
        self.days.iter().filter(|error| **error > bound).count() * 100 / self.days.len()
    }

    fn share_within(&self) -> usize {
        self.within * 100 / self.days.len()
    }

    fn line(&mut self) -> String {
        let median = quantile(&mut self.days, 0.5).unwrap();
        let ninth = quantile(&mut self.days, 0.9).unwrap();
        format!(
            "{} forecasts, {} times nothing said; error {median:.1} days in the median, {ninth:.1} at the 90th percentile; \
             {} % within the range told",
            self.days.len(),
            self.silent,
            self.share_within()
        )
    }
}

#[test]
fn the_error_on_simulated_batteries_stays_within_what_is_told() {
    // The most that may be off by more than ten days, in percent, with up to 20 days left; the least within the range.
    for (curve, most_over, least_within) in
        [(Curve::Linear, 1, 95), (Curve::Kneed, 20, 80), (Curve::Cold, 15, 78), (Curve::Bursts, 25, 70)]
    {
        let (mut near, mut far) = (Errors::of(curve, 1..=2), Errors::of(curve, 3..=6));
        println!("{curve:?}, 10 and 20 days left: {}", near.line());
        println!("{curve:?}, 30 to 60 days left: {}", far.line());
        assert!(near.days.len() > 150, "{curve:?} is spoken of");
        let over = near.share_over(10.0);
        assert!(over <= most_over, "{curve:?}: {over} % are off by more than ten days");
        for within in [near.share_within(), far.share_within()] {
            assert!(within >= least_within, "{curve:?}: {within} % are within the range");
        }
    }
}

#[test]
fn nothing_is_said_before_fourteen_days_and_five_steps() {
    assert_eq!(of(&[], at(3.0)), Forecast::Not(WhyNot::NeverTold));
    let quick: Vec<_> = (0..12).map(|step| (at(f64::from(step)), 100 - 2 * step as u8)).collect();
    assert_eq!(of(&quick, at(13.0)), Forecast::Not(WhyNot::TooShort));
    assert!(matches!(of(&quick, at(14.0)), Forecast::Falls(_)));
    assert_eq!(of(&quick[..5], at(40.0)), Forecast::Not(WhyNot::TooFewSteps));
    assert_eq!(of(&[(at(0.0), 100)], at(400.0)), Forecast::Not(WhyNot::DoesNotFall));
}

#[test]
fn a_new_battery_begins_a_new_history_and_a_thaw_does_not() {
    let falling = |from: i32, day: i32, steps: i32| {
        (0..steps).map(move |step| (at(f64::from(day + 4 * step)), (from - 2 * step) as u8))
    };
    let replaced: Vec<_> = falling(60, 0, 20).chain(falling(100, 80, 8)).collect();
    assert_eq!(since_replaced(&replaced).first(), Some(&(at(80.0), 100)));
    let thawed: Vec<_> = falling(80, 0, 6).chain(falling(62, 24, 3)).chain(falling(68, 36, 6)).collect();
    assert_eq!(since_replaced(&thawed).first(), Some(&(at(0.0), 80)));
    let charged: Vec<_> = falling(60, 0, 20)
        .chain((0..9).map(|step| (at(80.0 + f64::from(step)), 40 + 5 * step as u8)))
        .collect();
    assert_eq!(since_replaced(&charged).first(), Some(&(at(88.0), 80)));
}

#[test]
fn a_steady_fall_is_told_to_the_day() {
    let steady: Vec<_> = (0..20).map(|step| (at(3.0 * f64::from(step)), 100 - 2 * step as u8)).collect();
    let Forecast::Falls(falls) = of(&steady, at(57.0)) else { panic!("it falls") };
    let days = |left: Duration| left.as_secs_f64() / 86_400.0;
    assert_eq!((falls.percent, days(falls.low.likely), days(falls.empty.likely)), (62, 63.0, 93.0));
    assert!(falls.low.earliest < falls.low.likely && falls.low.likely < falls.low.latest);
}

#[test]
fn any_readings_are_taken_without_a_panic() {
    let mut dice = Dice(7);
    for _ in 0..2_000 {
        let readings: Vec<_> = (0..(dice.roll() * 60.0) as usize)
            .map(|_| (at(dice.between(-10.0, 400.0)), dice.between(0.0, 255.0) as u8))
            .collect();
        let _ = of(&readings, at(dice.between(-500.0, 500.0)));
    }
}
