//! The settings of a lock: what there is, for which devices, what may be set and by which way, in words for a family.
//! What it should be (desired) and what the device says it is (reported) are two columns; a change is on its way until the
//! device says it.

mod about;
mod actions;
mod catalogue;
#[cfg(test)]
mod catalogue_tests;
mod check;
mod delivery;
#[cfg(test)]
mod document_tests;
mod intercoms;
mod many;
mod night;
mod sql;
mod value;
#[cfg(test)]
mod web_api_tests;
mod zones;

pub use about::{About, Choice, Kind, Model, Normal, Reach, Section, Unit, Way, Wire};
pub use actions::{Change, Due, Outcome};
pub(crate) use actions::{answered, device_removed, held_of_each, told, want_one};
pub use check::{Words, beyond_hub, check, from_form};
pub use delivery::{Delivery, Held};
pub use intercoms::OPERATING_MODES;
pub(crate) use many::why_not;
pub use night::NightWindow;
pub use value::SettingValue;
pub use zones::{NO_ZONE, ZONES, ZoneChange, ZoneClock, minute_of_day, zone_clock, zone_id, zone_name};

use crate::devices::DeviceType;

/// Keys of the Web API's four models (4.10.0) that say nothing of a lock: the server makes them while a change is under
/// way.
pub const NOT_OF_THE_LOCK: &[&str] = &["operationId"];

macro_rules! settings {
    ($($variant:ident = $group:ident::$about:ident),+ $(,)?) => {
        /// One setting of a lock, an opener, a box or a smart door; every key of the Web API's four models (4.10.0
        /// `Smartlock.Config`, `.AdvancedConfig`, `.OpenerAdvancedConfig`, `.SmartdoorAdvancedConfig`) and what Nuki
        /// Hub adds, in the order of its page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Setting {
            $($variant),+
        }

        impl Setting {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn about(self) -> &'static About {
                match self {
                    $(Self::$variant => &catalogue::$group::$about),+
                }
            }
        }
    };
}

settings! {
    Name = general::NAME,
    AutoUpdate = general::AUTO_UPDATE,
    DeviceType = general::DEVICE_TYPE,
    ProductVariant = general::PRODUCT_VARIANT,
    LiftUpHandle = locking::LIFT_UP_HANDLE,
    SingleLock = locking::SINGLE_LOCK,
    LockNGoTimeout = locking::LOCK_N_GO_TIMEOUT,
    DetachedCylinder = locking::DETACHED_CYLINDER,
    AutoUnlatch = locking::AUTO_UNLATCH,
    UnlatchDuration = locking::UNLATCH_DURATION,
    AutoLock = locking::AUTO_LOCK,
    AutoLockTimeout = locking::AUTO_LOCK_TIMEOUT,
    ImmediateAutoLock = locking::IMMEDIATE_AUTO_LOCK,
    AutoUnlockDisabled = locking::AUTO_UNLOCK_DISABLED,
    NightMode = night::NIGHT_MODE,
    NightModeStart = night::NIGHT_MODE_START,
    NightModeEnd = night::NIGHT_MODE_END,
    NightModeAutoLock = night::NIGHT_MODE_AUTO_LOCK,
    NightModeAutoUnlockDisabled = night::NIGHT_MODE_AUTO_UNLOCK_DISABLED,
    NightModeLockOnStart = night::NIGHT_MODE_LOCK_ON_START,
    NightModeSlowSpeed = night::NIGHT_MODE_SLOW_SPEED,
    ButtonEnabled = buttons::BUTTON_ENABLED,
    SinglePress = buttons::SINGLE_PRESS,
    DoublePress = buttons::DOUBLE_PRESS,
    LedEnabled = buttons::LED_ENABLED,
    LedBrightness = buttons::LED_BRIGHTNESS,
    BuzzerVolume = buttons::BUZZER_VOLUME,
    FobPaired = buttons::FOB_PAIRED,
    FobAction1 = buttons::FOB_ACTION_1,
    FobAction2 = buttons::FOB_ACTION_2,
    FobAction3 = buttons::FOB_ACTION_3,
    MotorSpeed = locking::MOTOR_SPEED,
    TotalDegrees = positions::TOTAL_DEGREES,
    UnlockedOffset = positions::UNLOCKED_OFFSET,
    LockedOffset = positions::LOCKED_OFFSET,
    SingleLockedOffset = positions::SINGLE_LOCKED_OFFSET,
    TransitionOffset = positions::TRANSITION_OFFSET,
    BatteryType = general::BATTERY_TYPE,
    AutomaticBatteryType = general::AUTOMATIC_BATTERY_TYPE,
    SupportedBatteryTypes = general::SUPPORTED_BATTERY_TYPES,
    PairingEnabled = connection::PAIRING_ENABLED,
    AdvertisingMode = connection::ADVERTISING_MODE,
    KeypadPaired = connection::KEYPAD_PAIRED,
    Keypad2Paired = connection::KEYPAD_2_PAIRED,
    HomekitState = connection::HOMEKIT_STATE,
    MatterState = connection::MATTER_STATE,
    WifiEnabled = connection::WIFI_ENABLED,
    ThreadCapable = connection::THREAD_CAPABLE,
    Latitude = positions::LATITUDE,
    Longitude = positions::LONGITUDE,
    Timezone = time::TIMEZONE,
    TimezoneOffset = time::TIMEZONE_OFFSET,
    DaylightSavingMode = time::DAYLIGHT_SAVING_MODE,
    Capabilities = opener::CAPABILITIES,
    OperatingMode = opener::OPERATING_MODE,
    IntercomId = opener::INTERCOM_ID,
    BusModeSwitch = opener::BUS_MODE_SWITCH,
    ShortCircuitDuration = opener::SHORT_CIRCUIT_DURATION,
    StrikeDelay = opener::STRIKE_DELAY,
    RandomStrikeDelay = opener::RANDOM_STRIKE_DELAY,
    StrikeDuration = opener::STRIKE_DURATION,
    RtoTimeout = opener::RTO_TIMEOUT,
    DisableRtoAfterRing = opener::DISABLE_RTO_AFTER_RING,
    SoundLevel = sounds::SOUND_LEVEL,
    SoundRing = sounds::SOUND_RING,
    SoundOpen = sounds::SOUND_OPEN,
    SoundRto = sounds::SOUND_RTO,
    SoundCm = sounds::SOUND_CM,
    SoundConfirmation = sounds::SOUND_CONFIRMATION,
    DoorbellSuppression = sounds::DOORBELL_SUPPRESSION,
    DoorbellSuppressionDuration = sounds::DOORBELL_SUPPRESSION_DURATION,
}

impl Setting {
    /// The key of the Web API, or of Nuki Hub where the Web API has none. It is also the name in the database.
    pub const fn key(self) -> &'static str {
        self.about().key
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|setting| setting.key() == key)
    }

    /// That a change of it was refused: `“LED brightness”: the lock refused it`.
    pub fn refused_for(self, why: &str) -> String {
        format!("“{}”: {why}", self.about().label)
    }

    /// What its value is on this kind of device; openers have words of their own for buttons and fobs.
    pub fn kind(self, device: DeviceType) -> Kind {
        let about = self.about();
        match about.on_openers {
            Some(kind) if device == DeviceType::Opener => kind,
            _ => about.kind,
        }
    }

    /// Whether this kind of device has it. Of a device whose type nobody knows, nothing is known.
    pub fn is_on(self, device: DeviceType) -> bool {
        self.about().devices.contains(&device)
    }

    /// Everything this kind of device has, in the order of its page.
    pub fn of(device: DeviceType) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |setting| setting.is_on(device))
    }

    /// What a way can do with it on this kind of device.
    pub fn reach(self, way: Way, device: DeviceType) -> Reach {
        let about = self.about();
        match (way, device) {
            _ if !self.is_on(device) => Reach::None,
            (Way::NukiWeb, _) => about.web,
            (Way::NukiHub, DeviceType::Opener) => about.hub_on_openers,
            // The Hub speaks Bluetooth with locks and openers.
            (Way::NukiHub, DeviceType::Box) => Reach::None,
            (Way::NukiHub, _) => about.hub_on_locks,
        }
    }

    /// Whether any way can set it; otherwise the device only tells it.
    pub fn is_settable(self, device: DeviceType) -> bool {
        Way::ALL.iter().any(|way| self.reach(*way, device).sets())
    }

    /// What a new device has, where a source says so.
    pub fn normal(self) -> Option<SettingValue> {
        self.about().normal.and_then(|normal| SettingValue::from_stored(self, normal.value))
    }
}
