//! Orders to devices. A command is executed at most once, has a deadline, is never queued for a device that is away,
//! and is never repeated by us: what was sent and not answered stays `unknown`.

mod actions;
mod answers;
mod ends;
mod safety;
mod sql;

pub use actions::{EXPIRED, Order, Taken};
pub(crate) use actions::{check, count_unsent, device_removed, last_answers, settle_all};
pub(crate) use answers::{
    answered, bridge_said, explains, explains_found, hub_said, moved, ordered, performed,
};
pub(crate) use ends::Ends;
pub use safety::opens;

use std::time::Duration;

use crate::activity::Completion;
use crate::clock::Time;
use crate::devices::{Connector, LockAction};
use crate::ids::{AccountId, ActivityId, CommandId, DeviceId};

/// From order to sending. After this it is not sent any more.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// From sending to the lock's answer; a lock turns for up to 12 s (BLE API sample), and gives up at 15 s.
pub const ANSWER: Duration = Duration::from_secs(20);
/// Lock 'n' go answers after its own timer, which is at most 60 s (Web API 4.10.0, `lngTimeout`).
pub const ANSWER_LOCK_N_GO: Duration = Duration::from_secs(90);
/// A hub reaches its lock by Bluetooth, tries up to three times, and needs seconds for each.
pub const ANSWER_OF_HUB: Duration = Duration::from_mins(1);
/// A bridge answers once the lock is done; it takes up to half a minute.
pub const ANSWER_OF_BRIDGE: Duration = Duration::from_secs(40);
/// Orders that may wait for one device at a time.
pub const WAITING: usize = 8;

/// The life of a command. `Created`, `Sent` and `Accepted` are open; the others are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandState {
    /// Written, not sent.
    Created,
    /// On the wire to the lock; it has not said anything yet.
    Sent,
    /// The lock has begun.
    Accepted,
    /// The lock says it is done.
    Done,
    /// The lock said no, or it was never sent; the reason says which.
    Failed,
    /// Its deadline passed before it could be sent.
    Expired,
    /// Sent, and no answer came. It may have happened; it is not sent again.
    Unknown,
}

impl CommandState {
    pub const ALL: &'static [Self] =
        &[Self::Created, Self::Sent, Self::Accepted, Self::Done, Self::Failed, Self::Expired, Self::Unknown];

    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// Unreadable text can only mean that we do not know.
    pub(crate) fn from_name(name: &str) -> Self {
        Self::ALL.iter().copied().find(|state| state.name() == name).unwrap_or(Self::Unknown)
    }

    pub fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Sent | Self::Accepted)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub id: CommandId,
    pub device: DeviceId,
    pub action: LockAction,
    pub state: CommandState,
    /// The device's error number, where it gave one.
    pub error_code: Option<u8>,
    /// Why it ended as it did, in words for a person.
    pub reason: Option<String>,
    pub actor: Option<AccountId>,
    pub actor_name: Option<String>,
    pub created_at: Time,
    /// Not sent after this.
    pub deadline: Time,
    pub sent_at: Option<Time>,
    /// Without an answer by then it is `unknown`.
    pub answer_by: Option<Time>,
    /// By which way it was sent.
    pub sent_by: Option<Connector>,
    /// What is known of it while it is under way.
    pub progress: Option<String>,
    pub accepted_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub activity: ActivityId,
}

pub(crate) fn answer_time(action: LockAction, by: Connector) -> Duration {
    let lasts = match action {
        LockAction::LockNGo | LockAction::LockNGoUnlatch => ANSWER_LOCK_N_GO,
        _ => ANSWER,
    };
    match by {
        Connector::NukiMqtt => lasts,
        Connector::NukiHub => lasts.max(ANSWER_OF_HUB),
        Connector::NukiBridge => lasts.max(ANSWER_OF_BRIDGE),
    }
}

/// The lock's answer in words (BLE API error codes, which MQTT API 1.4 sends as `commandResponse`), and as the
/// completion status of the log. 0 is success.
pub fn explain(code: u8) -> (&'static str, Completion) {
    use Completion as C;
    match code {
        0 => ("done", C::Success),
        32 => ("the lock does not allow it for this connection", C::Rejected),
        37 => ("this access is switched off on the lock", C::Rejected),
        38 => ("the lock does not allow operating it from afar", C::Rejected),
        39 => ("the lock does not allow it at this time", C::Rejected),
        40 => ("too many wrong PINs; the lock asks to wait", C::Rejected),
        64 => ("too soon after the last auto unlock", C::TooRecent),
        65 => ("the lock does not know its position; calibrate it in the Nuki app", C::OtherError),
        66 => (
            "the motor is blocked: something holds the bolt, somebody must look at the door",
            C::MotorBlocked,
        ),
        67 => ("the clutch slipped; check how the lock is mounted", C::ClutchFailure),
        68 => ("the motor took too long; check the batteries and the cylinder", C::OtherError),
        69 => ("the lock was busy with something else; try again", C::Busy),
        70 => ("stopped at the lock, for example by its button", C::Canceled),
        71 => ("the lock is not calibrated; calibrate it in the Nuki app", C::OtherError),
        72 => ("the motor reached its end position", C::Incomplete),
        73 | 76 => ("the batteries are too weak; replace them", C::LowMotorVoltage),
        74 | 75 => ("the motor has no power; check the batteries", C::MotorPowerFailure),
        77 => ("the lock needs a firmware update first", C::OtherError),
        16..=19 | 33..=36 | 41..=46 | 253 | 254 => ("the lock could not read the command", C::OtherError),
        _ => ("the lock reported an error it has no name for", C::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_name_that_leads_back_to_it() {
        for state in CommandState::ALL {
            assert_eq!(CommandState::from_name(state.name()), *state);
        }
    }

    #[test]
    fn each_error_of_a_lock_has_words_of_its_own() {
        for (code, word) in [
            (32, "this connection"),
            (37, "switched off"),
            (38, "from afar"),
            (39, "at this time"),
            (40, "wrong PINs"),
            (64, "too soon"),
            (65, "does not know its position"),
            (66, "motor is blocked"),
            (67, "clutch"),
            (68, "took too long"),
            (69, "busy"),
            (70, "stopped at the lock"),
            (71, "not calibrated"),
            (72, "end position"),
            (73, "batteries are too weak"),
            (74, "no power"),
            (75, "no power"),
            (76, "batteries are too weak"),
            (77, "firmware update"),
            (253, "could not read"),
        ] {
            assert!(explain(code).0.contains(word), "{code}: {}", explain(code).0);
        }
    }

    #[test]
    fn success_is_the_only_answer_that_reads_as_success() {
        for code in 1..=u8::MAX {
            assert_ne!(explain(code).1, Completion::Success, "code {code}");
        }
    }
}
