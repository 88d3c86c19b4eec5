//! Wrong passwords: each makes the next refusal from the same address slower. Right ones are never kept waiting, so
//! nobody can lock a device out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lockwarden_app::address::place_of;
use lockwarden_app::clock::Time;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(8);
/// A quiet address is forgotten after this.
const MEMORY: Duration = Duration::from_mins(10);
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Guesses(Mutex<HashMap<IpAddr, (u32, Time)>>);

impl Guesses {
    /// Counts a wrong password; how long to keep the guesser waiting for the answer.
    pub(crate) fn wrong(&self, address: IpAddr, now: Time) -> Duration {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST {
            seen.retain(|_, (_, at)| now.since(*at) < MEMORY);
            if seen.len() >= MOST {
                return LONGEST;
            }
        }
        let (count, at) = seen.entry(place_of(address)).or_insert((0, now));
        if now.since(*at) >= MEMORY {
            *count = 0;
        }
        *count += 1;
        *at = now;
        FIRST.saturating_mul(1 << (*count - 1).min(7)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_password_takes_longer_and_another_address_starts_anew() {
        let guesses = Guesses::default();
        let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let delays: Vec<u128> = (0..9).map(|_| guesses.wrong(here, Time(0)).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_600, 3_200, 6_400, 8_000, 8_000]);
        assert_eq!(guesses.wrong(there, Time(0)), FIRST);
        assert_eq!(guesses.wrong(here, Time(600_001)), FIRST);
    }

    #[test]
    fn another_address_of_the_same_ipv6_network_is_the_same_guesser() {
        let guesses = Guesses::default();
        let [first, second] = ["2001:db8:1:2::1", "2001:db8:1:2::2"].map(|text| text.parse().unwrap());
        assert_eq!(guesses.wrong(first, Time(0)), FIRST);
        assert_eq!(guesses.wrong(second, Time(0)), FIRST * 2);
    }

    #[test]
    fn the_table_does_not_grow_without_end() {
        let guesses = Guesses::default();
        for number in 0..20_000_u32 {
            guesses.wrong(IpAddr::from(number.to_be_bytes()), Time(0));
        }
        assert!(guesses.0.lock().unwrap().len() <= MOST);
    }
}
