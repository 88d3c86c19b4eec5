//! A building to look at: doors with names as people give them, each with its own temper, and a history with the rhythm
//! of days and weeks.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::machine::{action, cost, state};
use crate::spec::{Life, LockSpec, Model};

const NAMES: [&str; 12] = [
    "Front door",
    "Flat 1",
    "Flat 2",
    "Flat 3",
    "Office",
    "Cellar",
    "Garage",
    "Flat 10",
    "Courtyard gate",
    "Müller & Söhne, Büro im 3. Stock links",
    "Roof terrace",
    "Harbour street 4, side entrance by the bicycle stand",
];

/// How many are written by hand.
const WRITTEN: u32 = 12;

/// `n` locks that speak MQTT themselves, every make of them among the first five; the first dozen are written by hand, the rest are flats.
pub fn building(n: u32, seed: u64) -> Vec<LockSpec> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..n)
        .map(|number| {
            let name = usize::try_from(number).ok().and_then(|index| NAMES.get(index));
            let name = name.map_or_else(|| format!("Flat {}", number + 1), |name| (*name).to_owned());
            let nuki_id = 0x3A00_0000 + number * 0x101 + rng.random_range(0..0x100);
            let mut spec = LockSpec::of(model(number), nuki_id, &name);
            spec.auto_discovery = number < WRITTEN;
            spec.battery = rng.random_range(26..50) * 2;
            spec.life = Life::Lively;
            temper(&mut spec, number, &mut rng);
            spec
        })
        .collect()
}

fn model(number: u32) -> Model {
    match number {
        1 => Model::SmartLock4,
        2 | 6 => Model::Go,
        3 => Model::Pro,
        4 => Model::Ultra,
        _ => Model::SmartLock3,
    }
}

fn temper(spec: &mut LockSpec, number: u32, rng: &mut StdRng) {
    match number {
        5 => {
            spec.life = Life::Stiff;
            spec.door_sensor = false;
        }
        6 => spec.battery = 18,
        7 => spec.life = Life::PoorNetwork,
        8 => {
            spec.allow_locking = false;
            spec.keypad = false;
        }
        10 => {
            spec.clock_offset = Duration::from_hours(24 * 365);
            spec.life = Life::Quiet;
        }
        _ => {
            spec.knob = rng.random_bool(0.5);
            if number.is_multiple_of(3) {
                spec.auto_lock = Some(Duration::from_mins(2));
            }
        }
    }
}

/// Something that happened at a door before anybody watched. Numbers are those of MQTT API 1.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastEvent {
    Action {
        action: u8,
        trigger: u8,
        auth_id: u32,
        code_id: u32,
        extra: u8,
    },
    Jammed,
    TurnedByHand {
        lock: bool,
    },
    DoorOpened,
    DoorClosed,
    WentOffline,
    CameOnline,
    /// Percent, from here on.
    Battery(u8),
}

/// Of so many actions, as many used up a step of the battery as they cost: about four months to a battery. A machine's own
/// falls faster, so that somebody who looks on sees it fall.
const PAST_ACTIONS_A_STEP: u32 = 64;
/// Of a battery that was replaced.
const EMPTY: u8 = 12;

/// A month (or whatever is asked for) at one door, oldest first: milliseconds since 1970, and what happened.
pub fn history(spec: &LockSpec, days: u32, seed: u64, until_ms: i64) -> Vec<(i64, PastEvent)> {
    const DAY: i64 = 86_400_000;
    let mut rng = StdRng::seed_from_u64(seed ^ (u64::from(spec.nuki_id) << 8));
    let mut past = Vec::new();
    for day in (0..=i64::from(days)).rev() {
        let midnight = (until_ms - day * DAY).div_euclid(DAY) * DAY;
        let weekend = matches!((midnight.div_euclid(DAY) + 4).rem_euclid(7), 0 | 6);
        let comings = rng.random_range(if weekend { 1..4 } else { 2..7 });
        for _ in 0..comings {
            visit(spec, midnight + time_of_day(&mut rng, weekend), &mut rng, &mut past);
        }
        if rng.random_bool(if spec.life == Life::PoorNetwork { 0.3 } else { 0.05 }) {
            let away = midnight + rng.random_range(0..DAY - 3_600_000);
            past.push((away, PastEvent::WentOffline));
            past.push((away + rng.random_range(120_000..3_600_000), PastEvent::CameOnline));
        }
    }
    let from_ms = until_ms - i64::from(days) * DAY;
    past.retain(|(at, _)| *at < until_ms && *at >= from_ms);
    past.sort_by_key(|(at, _)| *at);
    if days > 0 {
        charge(spec, from_ms, &mut rng, &mut past);
    }
    past
}

/// Adds what the battery said, backwards from its charge now.
fn charge(spec: &LockSpec, from_ms: i64, rng: &mut StdRng, past: &mut Vec<(i64, PastEvent)>) {
    let mut percent = spec.battery & !1;
    let mut told = Vec::new();
    for (at, event) in past.iter().rev() {
        let PastEvent::Action { action, .. } = event else { continue };
        let moves = match *action {
            action::UNLATCH => vec![state::UNLOCKING, state::UNLATCHING],
            _ => vec![state::LOCKING],
        };
        if rng.random_range(0..PAST_ACTIONS_A_STEP) < cost(moves) {
            told.push((*at, PastEvent::Battery(percent)));
            percent = if percent < 100 { percent + 2 } else { EMPTY };
        }
    }
    told.push((from_ms, PastEvent::Battery(percent)));
    told.reverse();
    past.extend(told);
    past.sort_by_key(|(at, _)| *at);
}

/// Mornings and evenings on working days, later and more evenly at weekends.
fn time_of_day(rng: &mut StdRng, weekend: bool) -> i64 {
    let hour = if weekend {
        rng.random_range(9.0..23.0)
    } else if rng.random_bool(0.45) {
        rng.random_range(6.5..9.5)
    } else {
        rng.random_range(15.5..21.5)
    };
    let hour: f64 = hour;
    #[expect(clippy::cast_possible_truncation, reason = "a day has 86.4 million milliseconds")]
    let at = (hour * 3_600_000.0) as i64;
    at
}

fn visit(spec: &LockSpec, at: i64, rng: &mut StdRng, past: &mut Vec<(i64, PastEvent)>) {
    const KEYPAD: u32 = 195_249;
    let (trigger, auth_id, code_id, extra) = match rng.random_range(0..7) {
        0..3 if spec.keypad => (0, KEYPAD, 8_192 + rng.random_range(0..4), 1),
        3 if spec.keypad => (0, KEYPAD, 8_192 + rng.random_range(0..4), 2),
        4 => (0, 54_322, 0, 1),
        5 => (2, 0, 0, 1),
        _ => (0, 54_321, 0, 0),
    };
    if rng.random_bool(0.06) {
        past.push((at, PastEvent::TurnedByHand { lock: false }));
        past.push((at + rng.random_range(30_000..600_000), PastEvent::TurnedByHand { lock: true }));
        return;
    }
    past.push((at, PastEvent::Action { action: 3, trigger, auth_id, code_id, extra }));
    let mut then = at + rng.random_range(8_000..14_000);
    if spec.door_sensor {
        past.push((then, PastEvent::DoorOpened));
        then += rng.random_range(3_000..20_000);
        past.push((then, PastEvent::DoorClosed));
    }
    then += rng.random_range(15_000..240_000);
    if spec.life == Life::Stiff && rng.random_bool(0.08) {
        past.push((then, PastEvent::Jammed));
        then += rng.random_range(60_000..300_000);
    }
    past.push((then, PastEvent::Action { action: 2, trigger: 6, auth_id: 0, code_id: 0, extra: 0 }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_builds_the_same_house_with_the_same_past() {
        let ids = |seed| building(20, seed).iter().map(|spec| spec.nuki_id).collect::<Vec<_>>();
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        let house = building(2, 1);
        let until = 1_795_521_600_000;
        assert_eq!(history(&house[1], 30, 1, until), history(&house[1], 30, 1, until));
    }

    #[test]
    fn ten_thousand_locks_have_ten_thousand_ids() {
        let mut ids: Vec<u32> = building(10_000, 7).iter().map(|spec| spec.nuki_id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn a_history_is_in_order_and_ends_before_now() {
        let until = 1_795_521_600_000;
        for spec in building(12, 3) {
            let past = history(&spec, 30, 3, until);
            assert!(past.is_sorted_by_key(|(at, _)| *at) && past.iter().all(|(at, _)| *at < until));
            assert!(past.len() > 100, "{}: {}", spec.name, past.len());
        }
    }

    #[test]
    fn a_battery_of_the_past_falls_in_steps_of_two_to_what_it_is_now() {
        let until = 1_795_521_600_000;
        let mut fell = 0;
        for spec in building(12, 3) {
            let past = history(&spec, 30, 3, until);
            let told = past.iter().filter_map(|(_, event)| match event {
                PastEvent::Battery(percent) => Some(*percent),
                _ => None,
            });
            let told: Vec<u8> = told.collect();
            assert_eq!(told.last(), Some(&spec.battery), "{}", spec.name);
            assert!(told.windows(2).all(|two| two[0] == two[1] + 2 || two == [EMPTY, 100]), "{told:?}");
            fell += told.len() - 1;
        }
        // A machine's own pace would be four times that.
        assert!((12 * 8..12 * 20).contains(&fell), "{fell} steps in a month of twelve doors");
    }
}
