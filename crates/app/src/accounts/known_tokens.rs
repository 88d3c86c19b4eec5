//! Tokens that were looked up since the last way in was closed. Most calls of the API are a read of one row, and looking
//! the token up first would double their cost. Every commit that closes a way in makes all of them unknown, before it
//! returns; a command beside the server does so as soon as the server hears of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::actor::Actor;
use crate::clock::Time;

/// More than this many programs at once look theirs up again.
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct KnownTokens(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// How often a way in had been closed when these were looked up.
    closed: u64,
    actors: HashMap<[u8; 32], (Actor, Time)>,
}

impl KnownTokens {
    fn as_of(&self, closed: u64) -> MutexGuard<'_, Known> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.closed < closed {
            known.closed = closed;
            known.actors.clear();
        }
        known
    }

    /// Whose this token is, and when its use was last written down.
    pub(super) fn find(&self, token: &[u8; 32], closed: u64) -> Option<(Actor, Time)> {
        self.as_of(closed).actors.get(token).cloned()
    }

    /// `closed` is from before the look into the tables: what was closed during it is not remembered.
    pub(super) fn remember(&self, token: [u8; 32], actor: Actor, used_at: Time, closed: u64) {
        let mut known = self.as_of(closed);
        if known.closed == closed {
            if known.actors.len() >= MOST {
                known.actors.clear();
            }
            known.actors.insert(token, (actor, used_at));
        }
    }
}
