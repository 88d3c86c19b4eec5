//! What happens at a door by itself: people come home and leave, and now and then something goes wrong. Pure: from a
//! seed to a list of what comes next and when.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::machine::{Input, action};
use crate::spec::Life;

/// Something that comes over the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    Input(Input),
    Jam,
    Offline(Duration),
    Silent(Duration),
}

pub(crate) struct Routine {
    rng: StdRng,
    life: Life,
    /// Whoever looks on for a minute has seen what goes wrong at this door.
    is_first: bool,
}

/// Every keypad has one authorization of its own; only the code tells the person.
const KEYPAD: u32 = 195_249;

impl Routine {
    pub(crate) fn new(life: Life, nuki_id: u32, seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed.wrapping_mul(31) ^ u64::from(nuki_id)), life, is_first: true }
    }

    /// The next scene: how long until it begins, and what happens after how long in it.
    pub(crate) fn next(&mut self) -> Option<(Duration, Vec<(Duration, Happening)>)> {
        if self.life == Life::Quiet {
            return None;
        }
        let is_first = std::mem::take(&mut self.is_first) && self.life != Life::Lively;
        let pause = seconds(self.rng.random_range(if is_first { 5.0..20.0 } else { 15.0..140.0 }));
        let trouble = if is_first { 0 } else { self.rng.random_range(0..10) };
        let scene = match (self.life, trouble) {
            (Life::PoorNetwork, 0..2) => {
                vec![(0.0, Happening::Offline(seconds(self.rng.random_range(20.0..90.0))))]
            }
            // Long enough, mostly, for the broker to miss it (keep-alive x 1.5).
            (Life::PoorNetwork, 2..4) => {
                vec![(0.0, Happening::Silent(seconds(self.rng.random_range(60.0..240.0))))]
            }
            (Life::Stiff, 0..3) => vec![
                (0.0, act(action::UNLOCK, 2, 0, 0, 1)),
                (5.0, Happening::Jam),
                (5.1, act(action::LOCK, 2, 0, 0, 1)),
            ],
            (_, 9) => self.by_hand(),
            (_, 7 | 8) => self.leaves(),
            _ => self.comes_home(),
        };
        Some((pause, scene.into_iter().map(|(after, what)| (seconds(after), what)).collect()))
    }

    fn comes_home(&mut self) -> Vec<(f64, Happening)> {
        let how = match self.rng.random_range(0..6) {
            0 | 1 => act(action::UNLATCH, 0, KEYPAD, 8_192 + self.rng.random_range(0..4), 1),
            2 => act(action::UNLATCH, 0, KEYPAD, 8_192 + self.rng.random_range(0..4), 2),
            3 => act(action::UNLATCH, 0, 54_322, 0, 1),
            4 => act(action::UNLATCH, 3, 54_330, 0, 3),
            _ => act(action::UNLATCH, 0, 54_321, 0, 0),
        };
        let open = self.rng.random_range(10.0..14.0);
        let closed = open + self.rng.random_range(3.0..9.0);
        let locked = closed + self.rng.random_range(8.0..40.0);
        vec![
            (0.0, how),
            (open, Happening::Input(Input::DoorOpens)),
            (closed, Happening::Input(Input::DoorCloses)),
            (locked, act(action::LOCK, 6, 0, 0, 0)),
        ]
    }

    fn leaves(&mut self) -> Vec<(f64, Happening)> {
        let open = self.rng.random_range(6.0..8.0);
        let closed = open + self.rng.random_range(2.0..6.0);
        vec![
            (0.0, act(action::UNLOCK, 2, 0, 0, 1)),
            (open, Happening::Input(Input::DoorOpens)),
            (closed, Happening::Input(Input::DoorCloses)),
            (closed + 4.0, act(action::LOCK, 0, KEYPAD, 0, 0)),
        ]
    }

    fn by_hand(&mut self) -> Vec<(f64, Happening)> {
        let back = self.rng.random_range(20.0..60.0);
        vec![
            (0.0, Happening::Input(Input::ByHand { lock: false })),
            (2.0, Happening::Input(Input::DoorOpens)),
            (8.0, Happening::Input(Input::DoorCloses)),
            (back, Happening::Input(Input::ByHand { lock: true })),
        ]
    }
}

fn act(action: u8, trigger: u8, auth_id: u32, code_id: u32, extra: u8) -> Happening {
    Happening::Input(Input::Act { action, trigger, auth_id, code_id, extra })
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_looks_on_for_half_a_minute_sees_a_jam_and_a_lock_that_is_away() {
        for seed in 0..50 {
            let first = |life| Routine::new(life, 0xA1, seed).next().unwrap();
            let (pause, scene) = first(Life::Stiff);
            assert!(scene.iter().any(|(after, what)| {
                *what == Happening::Jam && pause + *after < Duration::from_secs(30)
            }));
            let (pause, scene) = first(Life::PoorNetwork);
            assert!(matches!(scene[..], [(_, Happening::Offline(_))]) && pause < Duration::from_secs(30));
        }
    }

    #[test]
    fn a_poor_network_drops_the_line_and_also_leaves_it_open() {
        let mut routine = Routine::new(Life::PoorNetwork, 0xA1, 1);
        let scenes: Vec<Happening> = (0..200)
            .filter_map(|_| routine.next())
            .flat_map(|(_, scene)| scene)
            .map(|(_, what)| what)
            .collect();
        let dropped = scenes.iter().filter(|what| matches!(what, Happening::Offline(_))).count();
        let silent = scenes.iter().filter(|what| matches!(what, Happening::Silent(_))).count();
        assert!(dropped > 10 && silent > 10, "{dropped} dropped, {silent} silent");
        let long =
            |what: &&Happening| matches!(what, Happening::Silent(time) if *time > Duration::from_secs(90));
        assert!(scenes.iter().any(|what| long(&what)), "the broker never misses it");
    }
}
