//! What can be watched from outside: tests wait for facts, not for times.

use std::collections::VecDeque;
use std::time::Instant as Moment;

/// A command as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its place among all that ever arrived, from 1.
    pub number: u64,
    pub at: Moment,
    pub topic: String,
    pub payload: String,
    pub retain: bool,
    pub dup: bool,
    pub qos: u8,
}

/// What can be seen of a lock from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub connected: bool,
    /// Why the broker did not let it in when it last tried.
    pub refused: Option<&'static str>,
    /// Why it could not connect, or lost the connection, when it last did.
    pub trouble: Option<String>,
    pub state: u8,
    pub door_open: bool,
    pub battery: u8,
    /// How often the motor moved.
    pub moves: u32,
    /// How many actions came to an end, by whatever way they began.
    pub finished: u64,
    /// The index of the newest entry of its own log; 0 when it keeps none.
    pub written: u32,
    /// Grows whenever it has something to tell, as its Bluetooth beacon would show.
    pub beacon: u64,
    /// How many commands ever arrived.
    pub received: u64,
    /// The last of them, at most [`KEPT`], or what `Options` says.
    pub commands: VecDeque<Received>,
    /// Publishes of QoS 1 and 2 that the broker has acknowledged.
    pub acknowledged: u64,
}

/// Commands a lock remembers unless it is told otherwise. Whoever needs all of many looks often enough.
pub const KEPT: usize = 1_000;

impl Seen {
    pub(crate) fn arrived(&mut self, mut received: Received, kept: usize) {
        self.received += 1;
        received.number = self.received;
        self.commands.push_back(received);
        while self.commands.len() > kept {
            self.commands.pop_front();
        }
    }
}
