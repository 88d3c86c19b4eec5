//! A device at a glance: which kind it is of, and what is wrong with it. The list counts and filters by this, and a card
//! is worded from it, so that the two cannot disagree.

use std::time::Duration;

use super::{Device, DeviceType, DoorState, LockState, Mode};
use crate::clock::Time;

/// A device clock further off than this is worth a word; the log marks entries from the same bound on.
const CLOCK_TOLERANCE_MS: i64 = 120_000;
/// In percent. A lock calls its own battery critical later than this.
const LOW_BATTERY: u8 = 20;

/// From when on an open door was left open: what the account chose, in whole minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOpen(i64);

impl LeftOpen {
    pub const USUAL: Self = Self(10);
    pub const NEVER: Self = Self(0);
    /// A day.
    pub const MOST: i64 = 24 * 60;

    pub fn after_minutes(minutes: i64) -> Result<Self, &'static str> {
        if (1..=Self::MOST).contains(&minutes) {
            Ok(Self(minutes))
        } else {
            Err("1 to 1440 minutes, which are 24 hours")
        }
    }

    /// None: however long a door stays open, nobody is told.
    pub fn minutes(self) -> Option<i64> {
        Some(self.0).filter(|minutes| *minutes > 0)
    }

    pub(crate) fn stored(self) -> i64 {
        self.0
    }

    pub(crate) fn from_stored(minutes: i64) -> Self {
        Self(minutes.clamp(0, Self::MOST))
    }

    fn from(self, since: Time) -> Option<Time> {
        let minutes = u64::try_from(self.minutes()?).ok()?;
        Some(since.plus(Duration::from_mins(minutes)))
    }
}

/// Which of the counted kinds a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Locked,
    Unlocked,
    /// Somebody has to look after it.
    Problem,
    Offline,
    /// It has never connected.
    New,
    /// It moves, starts, or does not say.
    Between,
    /// An opener or a box at rest: it has no bolt, and nobody who rings gets in.
    Ready,
}

impl Kind {
    pub const ALL: [Self; 7] =
        [Self::Locked, Self::Unlocked, Self::Problem, Self::Offline, Self::New, Self::Between, Self::Ready];

    pub fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
            Self::Problem => "problem",
            Self::Offline => "offline",
            Self::New => "new",
            Self::Between => "between",
            Self::Ready => "ready",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn of(device: &Device) -> Self {
        if device.nuki_id.is_none() {
            return Self::New;
        }
        if !device.link.online {
            return Self::Offline;
        }
        let Some(state) = device.said.state.filter(|_| !device.is_stale()) else {
            return Self::Between;
        };
        Self::of_said(device.kind, state, device.said.mode)
    }

    /// Of a device of this type that is connected and has said this since.
    pub fn of_said(kind: Option<DeviceType>, state: LockState, mode: Option<Mode>) -> Self {
        if kind.is_none_or(DeviceType::has_bolt) {
            Self::of_state(state)
        } else {
            Self::of_opener(state, mode)
        }
    }

    /// Of an opener, or a box, that is connected and has said this since (Bridge API 1.13.3, opener states and modes).
    pub fn of_opener(state: LockState, mode: Option<Mode>) -> Self {
        match state {
            LockState::Locked if mode == Some(Mode::Continuous) => Self::Unlocked,
            LockState::Locked => Self::Ready,
            other => Self::of_state(other),
        }
    }

    /// Of a device that is connected and has said this since.
    pub fn of_state(state: LockState) -> Self {
        use LockState as S;
        match state {
            S::Locked => Self::Locked,
            S::Unlocked | S::UnlockedLockNGo | S::Unlatched => Self::Unlocked,
            S::Unlocking | S::Locking | S::Unlatching | S::Calibration | S::BootRun => Self::Between,
            S::MotorBlocked | S::Uncalibrated | S::Undefined | S::Other(_) => Self::Problem,
        }
    }
}

/// What can be wrong with a device, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Problem {
    Jammed,
    /// Locked, says the lock, and its door stands open.
    LockedButOpen,
    SensorTampered,
    NotCalibrated,
    /// The lock does not know its own state, or says one that has no name here.
    StateUnknown,
    BatteryCritical,
    DoorLeftOpen,
    KeypadBattery,
    DoorBattery,
    BatteryLow,
    /// "Allow locking" is off in its MQTT settings.
    TakesNoCommands,
    ClockWrong,
    Offline,
}

impl Problem {
    pub const ALL: [Self; 13] = [
        Self::Jammed,
        Self::LockedButOpen,
        Self::SensorTampered,
        Self::NotCalibrated,
        Self::StateUnknown,
        Self::BatteryCritical,
        Self::DoorLeftOpen,
        Self::KeypadBattery,
        Self::DoorBattery,
        Self::BatteryLow,
        Self::TakesNoCommands,
        Self::ClockWrong,
        Self::Offline,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Jammed => "jammed",
            Self::LockedButOpen => "locked-but-open",
            Self::SensorTampered => "tampered",
            Self::NotCalibrated => "not-calibrated",
            Self::StateUnknown => "state-unknown",
            Self::BatteryCritical => "battery-critical",
            Self::DoorLeftOpen => "left-open",
            Self::KeypadBattery => "keypad-battery",
            Self::DoorBattery => "door-battery",
            Self::BatteryLow => "battery-low",
            Self::TakesNoCommands => "no-commands",
            Self::ClockWrong => "clock",
            Self::Offline => "offline",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|problem| problem.name() == name)
    }

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// All that is wrong with one device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Problems(u16);

impl Problems {
    /// At this moment: a door is left open by time passing.
    pub fn of(device: &Device, now: Time) -> Self {
        Self::whenever(device).at(left_open_from(device), now)
    }

    /// Those that do not depend on the time.
    pub(super) fn whenever(device: &Device) -> Self {
        let (said, online) = (&device.said, device.link.online);
        let mut found = Self::default();
        let mut note = |problem: Problem, is: bool| {
            if is {
                found.0 |= problem.bit();
            }
        };
        // What it said before it was away is no reason to send anybody to the door.
        let state = said.state.filter(|_| online && !device.is_stale());
        note(Problem::Jammed, state == Some(LockState::MotorBlocked));
        note(Problem::NotCalibrated, state == Some(LockState::Uncalibrated));
        note(Problem::StateUnknown, matches!(state, Some(LockState::Undefined | LockState::Other(_))));
        let door = said.door.filter(|_| online && !device.is_stale());
        let locked = state.is_some_and(LockState::is_locked) && device.kind.is_none_or(DeviceType::has_bolt);
        note(Problem::LockedButOpen, door == Some(DoorState::Opened) && locked);
        note(Problem::SensorTampered, door == Some(DoorState::Tampered));
        note(Problem::TakesNoCommands, online && device.link.accepts_commands == Some(false));
        // These go on being true or not while it is away, and may be why it is.
        let critical = said.battery_critical == Some(true);
        note(Problem::BatteryCritical, critical);
        let low = said.battery_percent.is_some_and(|percent| percent <= LOW_BATTERY);
        note(Problem::BatteryLow, low && !critical);
        note(Problem::KeypadBattery, said.keypad_battery_critical == Some(true));
        note(Problem::DoorBattery, said.door_battery_critical == Some(true));
        note(Problem::ClockWrong, said.clock_offset_ms.is_some_and(|off| off.abs() > CLOCK_TOLERANCE_MS));
        note(Problem::Offline, device.nuki_id.is_some() && !online);
        found
    }

    /// With what only the time makes one.
    pub(super) fn at(self, left_open_from: Option<Time>, now: Time) -> Self {
        let left = left_open_from.is_some_and(|from| now >= from);
        if left { Self(self.0 | Problem::DoorLeftOpen.bit()) } else { self }
    }

    pub fn has(self, problem: Problem) -> bool {
        self.0 & problem.bit() != 0
    }

    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The most urgent first.
    pub fn iter(self) -> impl Iterator<Item = Problem> {
        Problem::ALL.into_iter().filter(move |problem| self.has(*problem))
    }

    /// Less is more urgent.
    pub(super) fn urgency(self) -> u32 {
        self.0.trailing_zeros()
    }
}

/// From when on the door counts as left open: it stands open, unlocked, as far as the device still says so.
pub(super) fn left_open_from(device: &Device) -> Option<Time> {
    let said = &device.said;
    let counts = device.link.online && !device.is_stale() && said.door == Some(DoorState::Opened);
    let locked = said.state.is_some_and(LockState::is_locked);
    said.door_changed_at.filter(|_| counts && !locked).and_then(|since| device.left_open.from(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_what_it_names() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        for (place, problem) in Problem::ALL.into_iter().enumerate() {
            assert_eq!(Problem::from_name(problem.name()), Some(problem));
            assert_eq!(usize::from(problem as u16), place, "the list is in the order of urgency");
        }
    }

    #[test]
    fn only_the_word_locked_counts_as_locked() {
        let locked: Vec<_> =
            LockState::KNOWN.iter().filter(|state| Kind::of_state(**state) == Kind::Locked).collect();
        assert_eq!(locked, [&LockState::Locked]);
        assert_eq!(Kind::of_state(LockState::Other(99)), Kind::Problem);
    }

    #[test]
    fn an_opener_is_never_locked_and_lets_people_in_while_it_rings_open() {
        for state in LockState::KNOWN {
            assert_ne!(Kind::of_opener(*state, None), Kind::Locked);
        }
        assert_eq!(Kind::of_opener(LockState::Locked, Some(Mode::Door)), Kind::Ready);
        assert_eq!(Kind::of_opener(LockState::Locked, Some(Mode::Continuous)), Kind::Unlocked);
        assert_eq!(Kind::of_opener(LockState::Unlocked, None), Kind::Unlocked);
        assert_eq!(Kind::of_opener(LockState::Unlatching, None), Kind::Between);
    }

    #[test]
    fn a_jam_is_more_urgent_than_a_battery_and_anything_is_more_urgent_than_nothing() {
        let of = |problems: &[Problem]| Problems(problems.iter().fold(0, |bits, one| bits | one.bit()));
        let jam = of(&[Problem::Jammed, Problem::BatteryLow]);
        let battery = of(&[Problem::BatteryCritical, Problem::Offline]);
        assert!(jam.urgency() < battery.urgency());
        assert!(of(&[Problem::Offline]).urgency() < Problems::default().urgency());
        assert_eq!(jam.iter().collect::<Vec<_>>(), [Problem::Jammed, Problem::BatteryLow]);
    }

    #[test]
    fn a_door_is_left_open_from_the_chosen_minute_on_and_not_before() {
        let since = Time(1_000);
        let left = |limit: LeftOpen, minutes| {
            let now = since.plus(Duration::from_mins(minutes));
            Problems::default().at(limit.from(since), now).has(Problem::DoorLeftOpen)
        };
        for (limit, last_calm) in [(LeftOpen::USUAL, 9), (LeftOpen(1), 0), (LeftOpen(LeftOpen::MOST), 1_439)]
        {
            assert!(!left(limit, last_calm) && left(limit, last_calm + 1), "{limit:?}");
        }
        assert!(!left(LeftOpen::NEVER, 1_000_000));
    }

    #[test]
    fn a_limit_is_a_minute_to_a_day_or_never() {
        for wrong in [i64::MIN, -1, 0, 1_441, i64::MAX] {
            assert!(LeftOpen::after_minutes(wrong).is_err(), "{wrong}");
        }
        for limit in
            [LeftOpen::after_minutes(1).unwrap(), LeftOpen::after_minutes(1_440).unwrap(), LeftOpen::NEVER]
        {
            assert_eq!(LeftOpen::from_stored(limit.stored()), limit);
        }
        assert_eq!(LeftOpen::NEVER.minutes(), None);
    }
}
