//! The Hub's keys and words (Nuki Hub 9.15: `publishConfig`, `publishAdvancedConfig`, `onConfigUpdateReceived`, and the
//! words of `NukiHelper.cpp` and `NukiOpenerHelper.cpp`).

use lockwarden_app::devices::DeviceType;
use lockwarden_app::settings::Setting;

/// Which half of the Hub: the topics below `lock/` or those below `opener/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Lock,
    Opener,
}

type Key = (&'static str, Setting);
type Word = (i64, &'static str);

/// `basicJson`, then `advancedJson`; `latitude` and `longitude` are set and never told.
const LOCK: &[Key] = &[
    ("name", Setting::Name),
    ("latitude", Setting::Latitude),
    ("longitude", Setting::Longitude),
    ("autoUnlatch", Setting::AutoUnlatch),
    ("pairingEnabled", Setting::PairingEnabled),
    ("buttonEnabled", Setting::ButtonEnabled),
    ("ledEnabled", Setting::LedEnabled),
    ("ledBrightness", Setting::LedBrightness),
    ("timeZoneOffset", Setting::TimezoneOffset),
    ("dstMode", Setting::DaylightSavingMode),
    ("hasFob", Setting::FobPaired),
    ("fobAction1", Setting::FobAction1),
    ("fobAction2", Setting::FobAction2),
    ("fobAction3", Setting::FobAction3),
    ("singleLock", Setting::SingleLock),
    ("advertisingMode", Setting::AdvertisingMode),
    ("hasKeypad", Setting::KeypadPaired),
    ("hasKeypadV2", Setting::Keypad2Paired),
    ("homeKitStatus", Setting::HomekitState),
    ("timeZone", Setting::Timezone),
    ("deviceType", Setting::DeviceType),
    ("wifiCapable", Setting::WifiEnabled),
    ("threadCapable", Setting::ThreadCapable),
    ("matterStatus", Setting::MatterState),
    ("productVariant", Setting::ProductVariant),
    ("totalDegrees", Setting::TotalDegrees),
    ("unlockedPositionOffsetDegrees", Setting::UnlockedOffset),
    ("lockedPositionOffsetDegrees", Setting::LockedOffset),
    ("singleLockedPositionOffsetDegrees", Setting::SingleLockedOffset),
    ("unlockedToLockedTransitionOffsetDegrees", Setting::TransitionOffset),
    ("lockNgoTimeout", Setting::LockNGoTimeout),
    ("singleButtonPressAction", Setting::SinglePress),
    ("doubleButtonPressAction", Setting::DoublePress),
    ("detachedCylinder", Setting::DetachedCylinder),
    ("batteryType", Setting::BatteryType),
    ("automaticBatteryTypeDetection", Setting::AutomaticBatteryType),
    ("unlatchDuration", Setting::UnlatchDuration),
    ("autoLockTimeOut", Setting::AutoLockTimeout),
    ("autoUnLockDisabled", Setting::AutoUnlockDisabled),
    ("nightModeEnabled", Setting::NightMode),
    ("nightModeStartTime", Setting::NightModeStart),
    ("nightModeEndTime", Setting::NightModeEnd),
    ("nightModeAutoLockEnabled", Setting::NightModeAutoLock),
    ("nightModeAutoUnlockDisabled", Setting::NightModeAutoUnlockDisabled),
    ("nightModeImmediateLockOnStart", Setting::NightModeLockOnStart),
    ("autoLockEnabled", Setting::AutoLock),
    ("immediateAutoLockEnabled", Setting::ImmediateAutoLock),
    ("autoUpdateEnabled", Setting::AutoUpdate),
    ("motorSpeed", Setting::MotorSpeed),
    ("enableSlowSpeedDuringNightMode", Setting::NightModeSlowSpeed),
];

const OPENER: &[Key] = &[
    ("name", Setting::Name),
    ("latitude", Setting::Latitude),
    ("longitude", Setting::Longitude),
    ("capabilities", Setting::Capabilities),
    ("pairingEnabled", Setting::PairingEnabled),
    ("buttonEnabled", Setting::ButtonEnabled),
    ("ledFlashEnabled", Setting::LedEnabled),
    ("timeZoneOffset", Setting::TimezoneOffset),
    ("dstMode", Setting::DaylightSavingMode),
    ("hasFob", Setting::FobPaired),
    ("fobAction1", Setting::FobAction1),
    ("fobAction2", Setting::FobAction2),
    ("fobAction3", Setting::FobAction3),
    ("operatingMode", Setting::OperatingMode),
    ("advertisingMode", Setting::AdvertisingMode),
    ("hasKeypad", Setting::KeypadPaired),
    ("hasKeypadV2", Setting::Keypad2Paired),
    ("timeZone", Setting::Timezone),
    ("intercomID", Setting::IntercomId),
    ("busModeSwitch", Setting::BusModeSwitch),
    ("shortCircuitDuration", Setting::ShortCircuitDuration),
    ("electricStrikeDelay", Setting::StrikeDelay),
    ("randomElectricStrikeDelay", Setting::RandomStrikeDelay),
    ("electricStrikeDuration", Setting::StrikeDuration),
    ("disableRtoAfterRing", Setting::DisableRtoAfterRing),
    ("rtoTimeout", Setting::RtoTimeout),
    ("doorbellSuppression", Setting::DoorbellSuppression),
    ("doorbellSuppressionDuration", Setting::DoorbellSuppressionDuration),
    ("soundRing", Setting::SoundRing),
    ("soundOpen", Setting::SoundOpen),
    ("soundRto", Setting::SoundRto),
    ("soundCm", Setting::SoundCm),
    ("soundConfirmation", Setting::SoundConfirmation),
    ("soundLevel", Setting::SoundLevel),
    ("singleButtonPressAction", Setting::SinglePress),
    ("doubleButtonPressAction", Setting::DoublePress),
    ("batteryType", Setting::BatteryType),
    ("automaticBatteryTypeDetection", Setting::AutomaticBatteryType),
];

const FOB: &[Word] = &[(0, "No Action"), (1, "Unlock"), (2, "Lock"), (3, "Lock n Go"), (4, "Intelligent")];
const OPENER_FOB: &[Word] = &[
    (0, "No Action"),
    (1, "Toggle RTO"),
    (2, "Activate RTO"),
    (3, "Deactivate RTO"),
    (7, "Open"),
    (8, "Ring"),
];
const BUTTON: &[Word] = &[
    (0, "No Action"),
    (1, "Intelligent"),
    (2, "Unlock"),
    (3, "Lock"),
    (4, "Unlatch"),
    (5, "Lock n Go"),
    (6, "Show Status"),
];
const OPENER_BUTTON: &[Word] = &[
    (0, "No Action"),
    (1, "Toggle RTO"),
    (2, "Activate RTO"),
    (3, "Deactivate RTO"),
    (4, "Toggle CM"),
    (5, "Activate CM"),
    (6, "Deactivate CM"),
    (7, "Open"),
];
const BATTERIES: &[Word] = &[(0, "Alkali"), (1, "Accumulators"), (2, "Lithium")];
const ADVERTISING: &[Word] = &[(0, "Automatic"), (1, "Normal"), (2, "Slow"), (3, "Slowest")];
const MOTOR: &[Word] = &[(0, "Standard"), (1, "Insane"), (2, "Gentle")];
const HOMEKIT: &[Word] = &[(0, "Not Available"), (1, "Disabled"), (2, "Enabled"), (3, "Enabled & Paired")];
const CAPABILITIES: &[Word] = &[(0, "Door opener"), (1, "Both"), (2, "RTO")];
const SOUNDS: &[Word] = &[(0, "No Sound"), (1, "Sound 1"), (2, "Sound 2"), (3, "Sound 3")];
/// By the numbers of the Web API, which counts the bits the other way round than Bluetooth.
const SUPPRESSION: &[Word] = &[
    (0, "Off"),
    (4, "CM"),
    (2, "RTO"),
    (6, "CM & RTO"),
    (1, "Ring"),
    (5, "CM & Ring"),
    (3, "RTO & Ring"),
    (7, "CM & RTO & Ring"),
];
const MODES: &[Word] = &[
    (0, "Generic door opener"),
    (1, "Analogue intercom"),
    (2, "Digital intercom"),
    (3, "Siedle"),
    (4, "TCS"),
    (5, "Bticino"),
    (6, "Siedle HTS"),
    (7, "STR"),
    (8, "Ritto"),
    (9, "Fermax"),
    (10, "Comelit"),
    (11, "Urmet BiBus"),
    (12, "Urmet 2Voice"),
    (13, "Golmar"),
    (14, "SKS"),
    (15, "Spare"),
];

impl Side {
    pub(super) fn keys(self) -> &'static [Key] {
        match self {
            Self::Lock => LOCK,
            Self::Opener => OPENER,
        }
    }

    pub(super) fn key(self, setting: Setting) -> Option<&'static str> {
        self.keys().iter().find(|(_, known)| *known == setting).map(|(key, _)| *key)
    }

    pub(super) fn setting(self, key: &str) -> Option<Setting> {
        self.keys().iter().find(|(known, _)| *known == key).map(|(_, setting)| *setting)
    }

    /// Kinds of values are the same for all that turn a bolt.
    pub(super) fn example(self) -> DeviceType {
        match self {
            Self::Lock => DeviceType::SmartLock34,
            Self::Opener => DeviceType::Opener,
        }
    }

    /// Whether devices of this type are on this half.
    pub(super) fn serves(self, device: DeviceType) -> bool {
        match device {
            DeviceType::Opener => self == Self::Opener,
            DeviceType::Box => false,
            _ => self == Self::Lock,
        }
    }

    /// The words for a choice; none where the Hub writes its number.
    pub(super) fn words(self, setting: Setting) -> &'static [Word] {
        match (setting, self) {
            (Setting::FobAction1 | Setting::FobAction2 | Setting::FobAction3, Self::Lock) => FOB,
            (Setting::FobAction1 | Setting::FobAction2 | Setting::FobAction3, Self::Opener) => OPENER_FOB,
            (Setting::SinglePress | Setting::DoublePress, Self::Lock) => BUTTON,
            (Setting::SinglePress | Setting::DoublePress, Self::Opener) => OPENER_BUTTON,
            (Setting::BatteryType, _) => BATTERIES,
            (Setting::AdvertisingMode, _) => ADVERTISING,
            (Setting::MotorSpeed, _) => MOTOR,
            (Setting::HomekitState, _) => HOMEKIT,
            (Setting::Capabilities, _) => CAPABILITIES,
            (Setting::SoundRing | Setting::SoundOpen | Setting::SoundRto | Setting::SoundCm, _) => SOUNDS,
            (Setting::DoorbellSuppression, _) => SUPPRESSION,
            (Setting::OperatingMode, _) => MODES,
            _ => &[],
        }
    }

    /// The Web API's number for what Bluetooth counts otherwise.
    pub(super) fn web_number(self, setting: Setting, number: i64) -> i64 {
        match (self, setting, number) {
            // Bit 0 is continuous mode and bit 2 neither mode there, and the other way round here.
            (Self::Opener, Setting::DoorbellSuppression, 0..=7) => {
                (number & 1) << 2 | number & 2 | (number & 4) >> 2
            }
            _ => number,
        }
    }
}
