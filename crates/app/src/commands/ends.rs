//! When the open commands of this process end, on the steady clock: the time of day in their rows may be set back while
//! they wait, and then they would leave late.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Steady;
use crate::ids::CommandId;

#[derive(Default)]
pub(crate) struct Ends(Mutex<HashMap<CommandId, Steady>>);

impl Ends {
    fn all(&self) -> MutexGuard<'_, HashMap<CommandId, Steady>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, id: CommandId, at: Steady) {
        self.all().insert(id, at);
    }

    /// None for a command of an earlier process.
    pub(super) fn of(&self, id: CommandId) -> Option<Steady> {
        self.all().get(&id).copied()
    }

    pub(super) fn over(&self, now: Steady) -> Vec<CommandId> {
        self.all().iter().filter(|(_, at)| **at < now).map(|(id, _)| *id).collect()
    }

    /// Once it is written down that they are over, and not before: until then they must not leave.
    pub(super) fn forget(&self, over: &[CommandId]) {
        let mut all = self.all();
        for id in over {
            all.remove(id);
        }
    }
}
