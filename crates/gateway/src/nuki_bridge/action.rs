//! What a bridge can make a device do (Bridge API 1.13.3, lock actions), and what its answer means for the command.

use lockwarden_app::devices::{DeviceType, LockAction};

use super::errors::Trouble;
use super::wire::Done;

/// What an Opener can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OpenerAction {
    ActivateRingToOpen,
    DeactivateRingToOpen,
    ElectricStrike,
    ActivateContinuousMode,
    DeactivateContinuousMode,
}

impl OpenerAction {
    #[cfg(test)]
    pub(crate) const ALL: &'static [Self] = &[
        Self::ActivateRingToOpen,
        Self::DeactivateRingToOpen,
        Self::ElectricStrike,
        Self::ActivateContinuousMode,
        Self::DeactivateContinuousMode,
    ];

    /// Continuous mode is 4 and 5 here, and 6 and 7 in the Web API (4.10.0).
    fn number(self) -> u8 {
        match self {
            Self::ActivateRingToOpen => 1,
            Self::DeactivateRingToOpen => 2,
            Self::ElectricStrike => 3,
            Self::ActivateContinuousMode => 4,
            Self::DeactivateContinuousMode => 5,
        }
    }
}

/// An action that the device it was made for can be told by a bridge. Locks and openers share the numbers and not their
/// meaning, so that a deed is made with the kind of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Deed(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Lock(LockAction),
    Opener(OpenerAction),
}

impl Deed {
    /// Why not, in words, if a bridge cannot make this device do it.
    pub(crate) fn of_lock(action: LockAction, kind: DeviceType) -> Result<Self, &'static str> {
        match kind {
            DeviceType::SmartLock12
            | DeviceType::SmartDoor
            | DeviceType::SmartLock34
            | DeviceType::SmartLock5 => {}
            DeviceType::Opener => return Err("an Opener has no bolt to turn"),
            // All that a box is documented to do (Web API 4.10.0, `SmartlockAction`), by the same number.
            DeviceType::Box if action == LockAction::Unlock => {}
            DeviceType::Box => return Err("a box can only be told to open"),
            DeviceType::Other(_) => {
                return Err("it is not known what this kind of device does when it is told that");
            }
        }
        match action {
            LockAction::Unlock
            | LockAction::Lock
            | LockAction::Unlatch
            | LockAction::LockNGo
            | LockAction::LockNGoUnlatch => Ok(Self(Kind::Lock(action))),
            LockAction::FullLock => Err("a bridge cannot pass on a full lock"),
            LockAction::FobNoAction | LockAction::ButtonNoAction | LockAction::Other(_) => {
                Err("this is nothing that a lock can be told")
            }
        }
    }

    pub(crate) fn of_opener(action: OpenerAction, kind: DeviceType) -> Result<Self, &'static str> {
        match kind {
            DeviceType::Opener => Ok(Self(Kind::Opener(action))),
            _ => Err("only an Opener can be told that"),
        }
    }

    pub(crate) fn number(self) -> u8 {
        match self.0 {
            Kind::Lock(action) => action.code(),
            Kind::Opener(action) => action.number(),
        }
    }

    pub(crate) fn is_lock_n_go(self) -> bool {
        matches!(self.0, Kind::Lock(LockAction::LockNGo | LockAction::LockNGoUnlatch))
    }
}

/// What became of a command. None of them is a reason to send it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The lock did it.
    Done,
    /// The lock was told and says that it did not; a bridge gives no reason.
    NotDone,
    /// Certainly nothing happened.
    NotExecuted(Trouble),
    /// It may have happened.
    Unknown(Trouble),
}

impl Outcome {
    /// Of the answer to a lock action, or of what came instead.
    pub(crate) fn of(answer: Result<Done, Trouble>) -> Self {
        match answer {
            Ok(Done { success: true, .. }) => Self::Done,
            Ok(Done { success: false, .. }) => Self::NotDone,
            Err(trouble) if trouble.is_certainly_not_executed() => Self::NotExecuted(trouble),
            Err(trouble) => Self::Unknown(trouble),
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotDone => "the lock did not carry it out; look at the door and its batteries",
            // A 503 at once has two reasons that nothing tells apart.
            Self::NotExecuted(Trouble::Busy) => {
                "the bridge did not take it: it is busy with another request, or does not reach the device; try again in a moment"
            }
            Self::NotExecuted(trouble) | Self::Unknown(trouble) => trouble.words(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKS: [DeviceType; 4] =
        [DeviceType::SmartLock12, DeviceType::SmartDoor, DeviceType::SmartLock34, DeviceType::SmartLock5];

    #[test]
    fn a_lock_is_told_one_to_five_and_nothing_else() {
        for kind in LOCKS {
            let told: Vec<u8> = (0..=u8::MAX)
                .filter_map(|code| Deed::of_lock(LockAction::from_code(code), kind).ok())
                .map(Deed::number)
                .collect();
            assert_eq!(told, [1, 2, 3, 4, 5], "{kind:?}");
        }
        let full = Deed::of_lock(LockAction::FullLock, DeviceType::SmartLock34).unwrap_err();
        assert!(full.contains("full lock"), "{full}");
    }

    #[test]
    fn what_means_unlock_to_a_lock_is_never_sent_to_an_opener_or_to_something_unknown() {
        for kind in [DeviceType::Opener, DeviceType::Other(9)] {
            for action in LockAction::KNOWN {
                assert!(Deed::of_lock(*action, kind).is_err(), "{action:?} {kind:?}");
            }
        }
        for kind in LOCKS.into_iter().chain([DeviceType::Box, DeviceType::Other(9)]) {
            for action in OpenerAction::ALL {
                assert!(Deed::of_opener(*action, kind).is_err(), "{action:?} {kind:?}");
            }
        }
    }

    #[test]
    fn a_box_is_told_to_open_and_nothing_else() {
        let told: Vec<u8> = (0..=u8::MAX)
            .filter_map(|code| Deed::of_lock(LockAction::from_code(code), DeviceType::Box).ok())
            .map(Deed::number)
            .collect();
        assert_eq!(told, [1]);
    }

    #[test]
    fn continuous_mode_has_the_numbers_of_the_bridge_and_not_of_the_web() {
        let number = |action| Deed::of_opener(action, DeviceType::Opener).unwrap().number();
        let numbers: Vec<u8> = OpenerAction::ALL.iter().copied().map(number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        assert_eq!(number(OpenerAction::ActivateContinuousMode), 4);
        assert_eq!(number(OpenerAction::DeactivateContinuousMode), 5);
    }

    #[test]
    fn only_success_is_done_and_only_a_certain_refusal_is_not_executed() {
        let done = |success| Ok(Done { success, battery_critical: None });
        assert_eq!(Outcome::of(done(true)), Outcome::Done);
        assert_eq!(Outcome::of(done(false)), Outcome::NotDone);
        for trouble in Trouble::ALL.iter().copied() {
            let expected = if trouble.is_certainly_not_executed() {
                Outcome::NotExecuted(trouble)
            } else {
                Outcome::Unknown(trouble)
            };
            assert_eq!(Outcome::of(Err(trouble)), expected);
            if trouble != Trouble::Busy {
                assert_eq!(expected.words(), trouble.words());
            }
        }
        assert!(Outcome::NotExecuted(Trouble::Busy).words().contains("does not reach the device"));
        assert_eq!(Outcome::of(Err(Trouble::NoAnswer)), Outcome::Unknown(Trouble::NoAnswer));
    }
}
