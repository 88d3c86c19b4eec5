//! What commits tell the rest of the process. Events carry ids only: whoever hears one reads the tables.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, broadcast};

use crate::ids::{AccountId, BulkId, DeviceId};

/// Something changed that an open page may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The device, its state, its login or its commands.
    DeviceChanged { account: AccountId, device: DeviceId },
    /// New entries in the activity log.
    ActivityAdded { account: AccountId, device: DeviceId },
    /// Devices or groups came, went, or changed their names and places.
    DevicesChanged { account: AccountId },
    /// A bulk got further, or is over.
    BulkChanged { account: AccountId, bulk: BulkId },
    /// A way in was closed (session, token, right): open streams and connections look again at once.
    AccessChanged { account: AccountId },
    /// A device's login was changed or revoked: its connections close.
    LoginChanged { account: AccountId, device: DeviceId },
    /// What the account chose for all its devices.
    AccountSet { account: AccountId },
    /// A backup was restored: whoever is connected has to come back.
    DataReplaced,
    /// Bridges came, went, or are reached otherwise than before.
    BridgesChanged { account: AccountId },
    /// Commands wait in their table.
    CommandsWaiting,
    /// Settings wait in theirs.
    SettingsWanted,
    /// Somebody wants to know anew how everything is at a device.
    SyncAsked { account: AccountId, device: DeviceId },
}

impl Event {
    /// As it is left in the table for another process.
    pub(crate) fn stored(self) -> (&'static str, AccountId, DeviceId) {
        let nobody = (AccountId(0), DeviceId(0));
        match self {
            Self::DeviceChanged { account, device } => ("device", account, device),
            Self::ActivityAdded { account, device } => ("activity", account, device),
            Self::DevicesChanged { account } => ("devices", account, nobody.1),
            Self::BulkChanged { account, bulk } => ("bulk", account, DeviceId(bulk.0)),
            Self::AccessChanged { account } => ("access", account, nobody.1),
            Self::LoginChanged { account, device } => ("login", account, device),
            Self::AccountSet { account } => ("account", account, nobody.1),
            Self::DataReplaced => ("replaced", nobody.0, nobody.1),
            Self::CommandsWaiting => ("commands", nobody.0, nobody.1),
            Self::BridgesChanged { account } => ("bridges", account, nobody.1),
            Self::SettingsWanted => ("settings", nobody.0, nobody.1),
            Self::SyncAsked { account, device } => ("sync", account, device),
        }
    }

    pub(crate) fn from_stored(kind: &str, account: AccountId, device: DeviceId) -> Option<Self> {
        Some(match kind {
            "device" => Self::DeviceChanged { account, device },
            "activity" => Self::ActivityAdded { account, device },
            "devices" => Self::DevicesChanged { account },
            "bulk" => Self::BulkChanged { account, bulk: BulkId(device.0) },
            "access" => Self::AccessChanged { account },
            "account" => Self::AccountSet { account },
            "login" => Self::LoginChanged { account, device },
            "replaced" => Self::DataReplaced,
            "commands" => Self::CommandsWaiting,
            "bridges" => Self::BridgesChanged { account },
            "settings" => Self::SettingsWanted,
            "sync" => Self::SyncAsked { account, device },
            _ => return None,
        })
    }

    pub fn account(self) -> Option<AccountId> {
        match self {
            Self::DeviceChanged { account, .. }
            | Self::ActivityAdded { account, .. }
            | Self::DevicesChanged { account }
            | Self::BulkChanged { account, .. }
            | Self::AccessChanged { account }
            | Self::LoginChanged { account, .. }
            | Self::AccountSet { account }
            | Self::BridgesChanged { account }
            | Self::SyncAsked { account, .. } => Some(account),
            Self::DataReplaced | Self::CommandsWaiting | Self::SettingsWanted => None,
        }
    }
}

/// Waiting listeners lag rather than grow: past this many unread events they are told to read everything again.
const BACKLOG: usize = 4_096;

/// What commits changed of one account since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub devices: HashSet<DeviceId>,
    /// Groups came, went, or got another name or place.
    pub groups: bool,
    pub everything: bool,
}

impl Changes {
    fn note(&mut self, event: Event) {
        match event {
            Event::DeviceChanged { device, .. } | Event::LoginChanged { device, .. } => {
                self.devices.insert(device);
            }
            Event::DevicesChanged { .. } => self.groups = true,
            Event::AccountSet { .. } => self.everything = true,
            _ => {}
        }
    }
}

/// Of the accounts that somebody keeps something of in memory. Unlike listeners, this never lags: a commit returns after
/// it is noted here.
#[derive(Debug, Default)]
struct Notes {
    accounts: Mutex<HashMap<AccountId, Changes>>,
    some: AtomicBool,
}

impl Notes {
    fn note(&self, event: Event) {
        if !self.some.load(Ordering::Acquire) {
            return;
        }
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if event == Event::DataReplaced {
            accounts.values_mut().for_each(|changes| changes.everything = true);
        } else if let Some(changes) = event.account().and_then(|account| accounts.get_mut(&account)) {
            changes.note(event);
        }
    }
}

#[derive(Clone)]
pub struct Bus {
    events: broadcast::Sender<Event>,
    commands: Arc<Notify>,
    ways_in_closed: Arc<AtomicU64>,
    notes: Arc<Notes>,
    elsewhere: bool,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            events: broadcast::Sender::new(BACKLOG),
            commands: Arc::default(),
            ways_in_closed: Arc::default(),
            notes: Arc::default(),
            elsewhere: false,
        }
    }
}

impl Bus {
    /// For a process that nobody listens in: its commits leave their events in a table for the server.
    pub fn to_the_server() -> Self {
        Self { elsewhere: true, ..Self::default() }
    }

    pub(crate) fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// How often a way in was closed: whoever remembers one looks again when this has grown.
    pub(crate) fn ways_in_closed(&self) -> u64 {
        self.ways_in_closed.load(Ordering::Acquire)
    }

    /// From now on what changes of this account is noted.
    pub(crate) fn note_changes(&self, account: AccountId) {
        let mut accounts = self.notes.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.insert(account, Changes::default());
        self.notes.some.store(true, Ordering::Release);
    }

    pub(crate) fn forget_changes(&self, account: AccountId) {
        let mut accounts = self.notes.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.remove(&account);
    }

    /// What was noted since the last time; nothing if nobody asked to note it.
    pub(crate) fn take_changes(&self, account: AccountId) -> Option<Changes> {
        let mut accounts = self.notes.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get_mut(&account).map(std::mem::take)
    }

    /// What was taken and not read is noted again, beside what came meanwhile.
    pub(crate) fn give_back(&self, account: AccountId, taken: Changes) {
        let mut accounts = self.notes.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(noted) = accounts.get_mut(&account) {
            noted.everything |= taken.everything;
            noted.groups |= taken.groups;
            noted.devices.extend(taken.devices);
        }
    }

    /// Of which accounts more devices than this are noted, or everything.
    pub(crate) fn much_changed(&self, more_than: usize) -> Vec<AccountId> {
        let accounts = self.notes.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let much =
            accounts.iter().filter(|(_, changes)| changes.everything || changes.devices.len() > more_than);
        much.map(|(account, _)| *account).collect()
    }

    pub(crate) fn publish(&self, event: Event) {
        self.notes.note(event);
        if matches!(event, Event::AccessChanged { .. } | Event::DataReplaced) {
            self.ways_in_closed.fetch_add(1, Ordering::AcqRel);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_every_device_of_an_account_is_much_however_few_are_named() {
        let (one, other) = (AccountId(7), AccountId(8));
        let bus = Bus::default();
        bus.note_changes(one);
        bus.note_changes(other);
        bus.publish(Event::DeviceChanged { account: other, device: DeviceId(9) });
        bus.publish(Event::AccountSet { account: one });
        assert_eq!(bus.much_changed(1), [one]);
        assert!(bus.take_changes(one).is_some_and(|changes| changes.everything));
        assert!(bus.much_changed(1).is_empty());
    }

    #[test]
    fn an_event_left_in_the_table_reads_back_as_itself() {
        let (account, device) = (AccountId(7), DeviceId(9));
        for event in [
            Event::DeviceChanged { account, device },
            Event::ActivityAdded { account, device },
            Event::DevicesChanged { account },
            Event::BulkChanged { account, bulk: BulkId(11) },
            Event::AccessChanged { account },
            Event::LoginChanged { account, device },
            Event::AccountSet { account },
            Event::DataReplaced,
            Event::CommandsWaiting,
            Event::BridgesChanged { account },
            Event::SettingsWanted,
            Event::SyncAsked { account, device },
        ] {
            let (kind, account, device) = event.stored();
            assert_eq!(Event::from_stored(kind, account, device), Some(event));
        }
    }
}
