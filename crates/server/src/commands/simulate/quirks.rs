//! How what is simulated misbehaves: one name for each quirk that somebody may want to see in the product.

use std::time::Duration;

use clap::ValueEnum;
use lockwarden_app::devices::Connector;
use lockwarden_simulator::hub::Names;
use lockwarden_simulator::{BridgeQuirks, BridgeSpec, Faults, HubQuirks, HubSpec, LockSpec, Order};

use super::kind::flag;
use crate::exit::{CommandError, Exit, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Quirk {
    /// Every movement jams
    LockJams,
    /// Every order is refused: its batteries are too weak for the motor
    LockRefuses,
    /// It loses power in the middle of every movement
    LockReboots,
    /// Its clock is a year slow
    LockClockSlow,
    /// By its own MQTT: "Allow locking" is off, so it hears no order
    LockLockingOff,
    /// By its own MQTT: it answers 40 s after it has done what it was told
    LockAnswersLate,
    /// By its own MQTT: it answers every order twice
    LockAnswersTwice,
    /// By its own MQTT: it never answers an order
    LockNeverAnswers,
    /// By its own MQTT: it answers before anything moves
    LockAnswersFirst,
    /// By its own MQTT: it tells of an action only once it moves
    LockEventLate,
    /// By its own MQTT: it answers what others ordered, too
    LockAnswersOthers,
    /// Its keypad has so many codes that their list is longer than the hub's 4,096 characters: it comes cut off
    HubCutsJson,
    /// * A setting that comes as a number or a boolean crashes it
    HubCrashesOnNumbers,
    /// * Numbers of settings pass through one byte: 600 becomes 88
    HubNarrowNumbers,
    /// * In the first 2 s of a connection it hears nothing, and in the first 6 s no order
    HubDeafAtFirst,
    /// * What it is sent is cut at 799 bytes
    HubCutsPayloads,
    /// * A change of a code's hours without "time limited" brings hours that nobody set
    HubGarbageWindows,
    /// It follows the lock's own MQTT (with --mqtt) and sends orders there, and reads the lock's success as "undefined"
    HubUndefinedSuccess,
    /// What it retained before comes again with each connection
    HubLeftovers,
    /// An empty log is "--"
    HubDashes,
    /// The log's times are local ones
    HubLocalLog,
    /// The log has no names
    HubNameless,
    /// The log has somebody else's names
    HubWrongNames,
    /// A wrong code is told at once instead of at the next look at the log
    HubNoticesWrongCodes,
    /// Every order is answered with "error"
    HubAnswersError,
    /// The device is out of reach of its Bluetooth
    HubOutOfReach,
    /// What it could not send while it was away it sends afterwards
    HubKeepsUnsent,
    /// It publishes no log: "Publish auth data" is off
    HubLogOff,
    /// Its access list lets nobody open the door
    HubDeniesOpening,
    /// * The numbers of its callbacks are places, which shift when one goes
    BridgeIdsShift,
    /// Where the first callback fails, the others are not called
    BridgeStarvesCallbacks,
    /// Others have taken all three places for callbacks
    BridgeCallbacksTaken,
    /// The door sensor makes no callback
    BridgeSilentDoor,
    /// It takes a wrong device type for the right one
    BridgeAnyType,
    /// It answers everything with 503, busy
    BridgeBusy,
    /// It takes every request and never answers
    BridgeNeverAnswers,
    /// It answers after 15 s
    BridgeSlow,
    /// Every connection breaks in the middle of the answer
    BridgeCutsBodies,
    /// Every answer is a megabyte long
    BridgeOversized,
    /// The devices are out of reach of its Bluetooth
    BridgeOutOfReach,
    /// Tokens may be old, and may be used again
    BridgeCareless,
    /// It gives no token to whoever presses its button
    BridgeAuthOff,
}

use Quirk as Q;

/// The beginning of its name says whose it is.
impl Quirk {
    fn is_bridges(self) -> bool {
        self.name().starts_with("bridge-")
    }

    fn is_hubs(self) -> bool {
        self.name().starts_with("hub-")
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The ways without which it cannot be seen.
    fn ways(self) -> &'static [Connector] {
        match self {
            Q::LockJams | Q::LockRefuses | Q::LockReboots | Q::LockClockSlow => &[],
            Q::HubUndefinedSuccess => &[Connector::NukiMqtt, Connector::NukiHub],
            _ if self.is_bridges() => &[Connector::NukiBridge],
            _ if self.is_hubs() => &[Connector::NukiHub],
            _ => &[Connector::NukiMqtt],
        }
    }

    /// Refuses it where nobody would ever see it.
    pub(super) fn check(self, ways: &[Connector], has_lock: bool) -> Result<()> {
        let missing: Vec<_> =
            self.ways().iter().filter(|way| !ways.contains(way)).copied().map(flag).collect();
        if !missing.is_empty() {
            let words = format!("quirk: {} is seen only with {}", self.name(), missing.join(" and "));
            return Err(CommandError::new(Exit::Invalid, words));
        }
        let is_of_locks =
            matches!(self, Q::HubCutsJson | Q::HubDeniesOpening) || !(self.is_hubs() || self.is_bridges());
        if is_of_locks && !has_lock {
            let words = format!("quirk: {} is one of locks, and an Opener is none", self.name());
            return Err(CommandError::new(Exit::Invalid, words));
        }
        Ok(())
    }

    pub(super) fn change_lock(self, lock: &mut LockSpec) {
        match self {
            Q::LockClockSlow => lock.clock_offset = Duration::from_hours(24 * 365),
            Q::LockLockingOff => lock.allow_locking = false,
            Q::LockAnswersOthers => lock.answers_others = true,
            Q::HubCutsJson => {
                lock.keypad = true;
                let codes = (341_111..=341_199).filter(|code| code % 10 != 0).take(30);
                lock.codes = codes.map(|code| (code, format!("Guest {code}"))).collect();
            }
            _ => {}
        }
    }

    pub(super) fn change_hub(self, hub: &mut HubSpec) {
        let quirks = &mut hub.quirks;
        match self {
            Q::HubCutsJson => (quirks.truncates, hub.keypad_entries) = (true, 200),
            Q::HubCrashesOnNumbers => quirks.crashes_on_untyped = true,
            Q::HubNarrowNumbers => quirks.narrow_numbers = true,
            Q::HubDeafAtFirst => quirks.deaf_at_first = true,
            Q::HubCutsPayloads => quirks.cuts_payloads = true,
            Q::HubGarbageWindows => quirks.garbage_windows = true,
            Q::HubUndefinedSuccess => {
                quirks.undefined_success = true;
                (hub.hybrid, hub.official_actions) = (true, true);
            }
            Q::HubLeftovers => quirks.leftovers = true,
            Q::HubDashes => quirks.dashes = true,
            Q::HubLocalLog => quirks.local_log = true,
            Q::HubNameless => quirks.names = Names::Empty,
            Q::HubWrongNames => quirks.names = Names::Wrong,
            Q::HubNoticesWrongCodes => quirks.notices_wrong_codes = true,
            Q::HubAnswersError => quirks.answers_error = true,
            Q::HubOutOfReach => quirks.out_of_reach = true,
            Q::HubKeepsUnsent => quirks.keeps_unsent = true,
            Q::HubLogOff => hub.log = false,
            Q::HubDeniesOpening => hub.denied.push("unlatch".to_owned()),
            _ => {}
        }
    }

    pub(super) fn change_bridge(self, bridge: &mut BridgeSpec) {
        let quirks = &mut bridge.quirks;
        match self {
            Q::BridgeIdsShift => quirks.ids_shift = true,
            Q::BridgeStarvesCallbacks => quirks.first_failure_starves = true,
            Q::BridgeCallbacksTaken => quirks.callbacks_taken = true,
            Q::BridgeSilentDoor => quirks.door_calls_back = false,
            Q::BridgeAnyType => quirks.any_type = true,
            Q::BridgeBusy => quirks.always_busy = true,
            Q::BridgeNeverAnswers => quirks.never_answers = true,
            Q::BridgeSlow => quirks.slow = Duration::from_secs(15),
            Q::BridgeCutsBodies => quirks.cuts_bodies = true,
            Q::BridgeOversized => quirks.oversized = Some(1_000_000),
            Q::BridgeOutOfReach => quirks.out_of_reach = true,
            Q::BridgeCareless => quirks.careless = true,
            Q::BridgeAuthOff => bridge.auth_enabled = false,
            _ => {}
        }
    }

    fn change_faults(self, faults: &mut Faults) {
        match self {
            Q::LockJams => faults.jam = true,
            Q::LockRefuses => faults.refuse = Some(MOTOR_LOW_VOLTAGE),
            Q::LockReboots => faults.reboot = true,
            Q::LockAnswersLate => faults.answer_late = Some(Duration::from_secs(40)),
            Q::LockAnswersTwice => faults.answer_twice = true,
            Q::LockNeverAnswers => faults.never_answer = true,
            _ => {}
        }
    }
}

/// BLE API error codes.
const MOTOR_LOW_VOLTAGE: u8 = 73;

/// What goes wrong at the lock with every action.
pub(super) fn faults(quirks: &[Quirk]) -> Faults {
    let mut faults = Faults::default();
    for quirk in quirks {
        quirk.change_faults(&mut faults);
    }
    faults
}

/// In which order the lock tells of an action.
pub(super) fn order(quirks: &[Quirk]) -> Order {
    if quirks.contains(&Q::LockAnswersFirst) {
        Order::AnswerFirst
    } else if quirks.contains(&Q::LockEventLate) {
        Order::EventLate
    } else {
        Order::Documented
    }
}

/// Where nothing goes wrong unless it is asked for.
pub(super) fn flawless_hub() -> HubQuirks {
    HubQuirks::none()
}

pub(super) fn flawless_bridge() -> BridgeQuirks {
    BridgeQuirks { ids_shift: false, ..BridgeQuirks::default() }
}
