//! What commits tell the rest of the process. Events carry ids only: whoever hears one reads the tables.

use std::sync::Arc;

use tokio::sync::{Notify, broadcast};

use crate::ids::{AccountId, DeviceId};

/// Something changed that an open page may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The device, its state, its login or its commands.
    DeviceChanged { account: AccountId, device: DeviceId },
    /// New entries in the activity log.
    ActivityAdded { account: AccountId, device: DeviceId },
    /// Devices came or went.
    DevicesChanged { account: AccountId },
    /// A way in was closed (session, token, right): open streams and connections look again at once.
    AccessChanged { account: AccountId },
    /// A device's login was changed or revoked: its connections close.
    LoginChanged { account: AccountId, device: DeviceId },
    /// Commands wait in their table.
    CommandsWaiting,
}

impl Event {
    pub fn account(self) -> Option<AccountId> {
        match self {
            Self::DeviceChanged { account, .. }
            | Self::ActivityAdded { account, .. }
            | Self::DevicesChanged { account }
            | Self::AccessChanged { account }
            | Self::LoginChanged { account, .. } => Some(account),
            Self::CommandsWaiting => None,
        }
    }
}

/// Waiting listeners lag rather than grow: past this many unread events they are told to read everything again.
const BACKLOG: usize = 4_096;

#[derive(Clone)]
pub struct Bus {
    events: broadcast::Sender<Event>,
    commands: Arc<Notify>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { events: broadcast::Sender::new(BACKLOG), commands: Arc::default() }
    }
}

impl Bus {
    pub(crate) fn publish(&self, event: Event) {
        if event == Event::CommandsWaiting {
            self.commands.notify_one();
        } else {
            // Nobody listening is fine: the tables hold what happened.
            let _ = self.events.send(event);
        }
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Returns when commands may be waiting. The waker carries nothing; the table is the queue.
    pub async fn commands_waiting(&self) {
        self.commands.notified().await;
    }
}
