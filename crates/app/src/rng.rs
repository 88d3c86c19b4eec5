//! Chance comes from here and from nowhere else, so that a run can be repeated from its seed.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng as _, SeedableRng as _, TryRng as _};

use crate::clock::Time;

/// No id that was given at this time or later is lower.
pub(crate) fn lowest_id(at: Time) -> i64 {
    at.0.saturating_mul(1 << SEQUENCE_BITS)
}

/// Random bits below the milliseconds in an id that grows with time.
const SEQUENCE_BITS: u32 = 20;

#[derive(Clone)]
pub struct Chance(Arc<Inner>);

struct Inner {
    seeded: Option<Mutex<StdRng>>,
    last_id: AtomicI64,
}

impl Chance {
    /// The operating system's generator, for everything but tests.
    pub fn system() -> Self {
        Self(Arc::new(Inner { seeded: None, last_id: AtomicI64::new(0) }))
    }

    pub fn seeded(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self(Arc::new(Inner { seeded: Some(Mutex::new(rng)), last_id: AtomicI64::new(0) }))
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.0.seeded {
            Some(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
            // Without entropy no secret can be made: stopping is the only safe answer.
            None => SysRng.try_fill_bytes(&mut bytes).unwrap_or_else(|_| std::process::abort()),
        }
        bytes
    }

    /// A number below `2^bits`, never 0.
    pub fn number(&self, bits: u32) -> i64 {
        let number = u64::from_le_bytes(self.bytes()) >> (64 - bits.clamp(1, 63));
        i64::try_from(number).unwrap_or(i64::MAX).max(1)
    }

    /// An id that grows with time and is never given twice by this process; two processes differ by chance.
    pub fn growing_id(&self, now: Time) -> i64 {
        let fresh = (now.0 << SEQUENCE_BITS) | (self.number(12) << 8);
        let last = self.0.last_id.fetch_max(fresh, Ordering::Relaxed);
        if last < fresh { fresh } else { self.0.last_id.fetch_add(1, Ordering::Relaxed) + 1 }
    }

    /// From now on ids are higher than this one, which was given before.
    pub fn grow_past(&self, id: i64) {
        self.0.last_id.fetch_max(id, Ordering::Relaxed);
    }

    /// `N` random bytes as text a person can type: lower-case letters and digits without look-alikes.
    pub fn code<const N: usize>(&self) -> String {
        const LETTERS: &str = "abcdefghijkmnpqrstuvwxyz23456789";
        let letter = |byte: u8| LETTERS.chars().nth(usize::from(byte % 32)).unwrap_or('a');
        self.bytes::<N>().into_iter().map(letter).collect()
    }
}
