//! What a virtual lock is, and how it may misbehave.

use std::net::IpAddr;
use std::time::Duration;

/// One lock, as its owner would describe it.
#[derive(Clone, Debug)]
pub struct LockSpec {
    pub nuki_id: u32,
    /// The name stored in the lock itself.
    pub name: String,
    /// MQTT API 1.4 `deviceType`: 0, 3, 4 or 5.
    pub device_type: u8,
    /// Of type 5: 1 Go, 2 Pro, 3 Ultra.
    pub product_variant: u8,
    pub firmware: String,
    pub hardware: String,
    /// Whether it speaks MQTT itself. Those of types 0 and 3 cannot.
    pub official: bool,
    /// The login it was given; empty for a broker that asks for none.
    pub username: String,
    pub password: String,
    pub door_sensor: bool,
    pub keypad: bool,
    /// A knob outside: "unlock" must pull the latch, or nobody could get in.
    pub knob: bool,
    /// It pulls the latch whenever it unlocks.
    pub auto_unlatch: bool,
    /// "Allow locking" in the lock's MQTT settings. Off: it listens to no command topic.
    pub allow_locking: bool,
    /// "Auto discovery" in the same place. On: it announces itself to Home Assistant whenever it connects.
    pub auto_discovery: bool,
    pub auto_lock: Option<Duration>,
    /// With a door sensor, auto lock does not wait once the door is closed.
    pub lock_at_closing: bool,
    /// The way of the bolt between its ends; give or take a tenth. No maker's figure is known: 4.5 s fits the traces of older
    /// locks, and an Ultra is taken to need 2.0 s (1.3 s in its fastest mode, 4.0 s in its gentle one).
    pub turn: Duration,
    pub lock_n_go: Duration,
    pub unlatch_hold: Duration,
    /// Percent at the start.
    pub battery: u8,
    /// How far its clock is off.
    pub clock_offset: Duration,
    /// Minutes east of Greenwich.
    pub time_zone_minutes: i16,
    /// The authorization under which everything from its keypad happens.
    pub keypad_auth: u32,
    /// What a right code or finger does.
    pub keypad_action: u8,
    /// Codes it has from the start, with the names of those they belong to; what breaks the rules is left out.
    pub codes: Vec<(u32, String)>,
    /// How many codes fit: 100, or 200 on newer firmware (unconfirmed).
    pub codes_limit: usize,
    /// What one, two and three presses of the fob do: 0 nothing, 1 unlock, 2 lock, 3 lock'n'go, 4 intelligent.
    pub fob_actions: [u8; 3],
    /// Whether `commandResponse` also follows what came by Bluetooth, by hand or from the keypad (unconfirmed).
    pub answers_others: bool,
    pub life: Life,
}

/// The makes of lock. Numbers of firmware and hardware are plausible, not traced, but for the 3.0 Pro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// First and second generation: type 0, by bridge or hub only.
    SmartLock2,
    /// By bridge or hub only, too.
    SmartDoor,
    /// Type 1. Nothing is documented of it but that it can be told to open: that, and to be ready again, is all it does.
    Box,
    SmartLock3,
    /// Reports type 4 like the third generation.
    SmartLock4,
    Go,
    Pro,
    Ultra,
}

/// What happens at the door by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Nothing: for tests and for trying commands.
    Quiet,
    /// People come and go; now and then something goes wrong.
    Lively,
    /// Like lively, but the network often fails here.
    PoorNetwork,
    /// Like lively, but the bolt is stiff and sometimes jams.
    Stiff,
}

impl LockSpec {
    pub fn new(nuki_id: u32, name: &str) -> Self {
        Self {
            nuki_id,
            name: name.to_owned(),
            device_type: 4,
            product_variant: 0,
            firmware: "3.10.7".to_owned(),
            hardware: "5.12".to_owned(),
            official: true,
            username: String::new(),
            password: String::new(),
            door_sensor: true,
            keypad: true,
            knob: false,
            auto_unlatch: false,
            allow_locking: true,
            auto_discovery: false,
            auto_lock: None,
            lock_at_closing: false,
            turn: Duration::from_millis(4_500),
            lock_n_go: Duration::from_secs(20),
            unlatch_hold: Duration::from_secs(3),
            battery: 86,
            clock_offset: Duration::ZERO,
            time_zone_minutes: 60,
            keypad_auth: 195_249,
            keypad_action: 3,
            codes: Vec::new(),
            codes_limit: 100,
            fob_actions: [4, 1, 2],
            answers_others: false,
            life: Life::Quiet,
        }
    }

    /// A lock of this make.
    pub fn of(model: Model, nuki_id: u32, name: &str) -> Self {
        let mut spec = Self::new(nuki_id, name);
        let (device_type, variant, firmware, hardware) = match model {
            Model::SmartLock2 => (0, 0, "2.16.4", "4.10"),
            Model::SmartDoor => (3, 0, "1.5.3", "1.0"),
            Model::Box => (1, 0, "1.2.0", "1.0"),
            Model::SmartLock3 => (4, 0, "3.10.7", "5.12"),
            Model::SmartLock4 => (4, 0, "4.2.8", "7.0"),
            Model::Go => (5, 1, "5.9.4", "10.0"),
            Model::Pro => (5, 2, "5.9.4", "10.1"),
            Model::Ultra => (5, 3, "5.9.4", "9.0"),
        };
        (spec.device_type, spec.product_variant) = (device_type, variant);
        firmware.clone_into(&mut spec.firmware);
        hardware.clone_into(&mut spec.hardware);
        spec.official = device_type >= 4;
        if device_type == 5 {
            spec.turn = Duration::from_secs(2);
        }
        if matches!(model, Model::SmartLock2 | Model::Box) {
            (spec.door_sensor, spec.keypad) = (false, false);
        }
        if model == Model::Box {
            (spec.auto_unlatch, spec.auto_lock) = (true, Some(Duration::from_secs(5)));
        }
        spec
    }

    pub(crate) fn fob_action(&self, number: u8) -> u8 {
        let place = usize::from(number.saturating_sub(crate::machine::action::FOB_1));
        self.fob_actions.get(place).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn with_login(mut self, username: &str, password: &str) -> Self {
        username.clone_into(&mut self.username);
        password.clone_into(&mut self.password);
        self
    }
}

/// The order of messages around an action is not confirmed by any trace; everything must work with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Event, moving, final, answer.
    #[default]
    Documented,
    /// The answer before anything moves.
    AnswerFirst,
    /// The event after the movement began.
    EventLate,
}

#[derive(Clone, Debug)]
pub struct Options {
    /// The same seed gives the same lock the same luck.
    pub seed: u64,
    /// 1.0 is a real lock's pace; 0.01 is a hundred times faster.
    pub time_scale: f64,
    pub order: Order,
    /// QoS of state topics; real locks use 0 (MQTT API 1.4).
    pub state_qos: u8,
    /// Only the first so many locks connect; the others do when told to come back.
    pub connect: Option<usize>,
    /// The others come by once, so many a second: they connect, say what they are, and leave.
    pub visits_a_second: Option<f64>,
    /// All locks together connect no faster than so many a second, in real time.
    pub connects_a_second: Option<f64>,
    /// Addresses to connect from, in turn: one of them has about 28,000 ports. On a machine of its own the loopback has
    /// as many as one likes (127.0.0.2 and so on).
    pub sources: Vec<IpAddr>,
    /// Commands a lock remembers; fewer of them for a crowd that is sent many.
    pub kept: usize,
    /// Not under a second. The broker takes a lock for gone after one and a half times this.
    pub keep_alive: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            time_scale: 1.0,
            order: Order::Documented,
            state_qos: 0,
            connect: None,
            visits_a_second: None,
            connects_a_second: None,
            sources: Vec::new(),
            kept: crate::seen::KEPT,
            keep_alive: Duration::from_mins(1),
        }
    }
}

impl Options {
    /// How long something takes here that takes this long in life.
    pub(crate) fn scaled(&self, time: Duration) -> Duration {
        time.mul_f64(self.time_scale.clamp(0.0001, 100.0))
    }
}

/// Where the locks connect to.
#[derive(Clone, Debug)]
pub struct Broker {
    pub host: String,
    pub port: u16,
}

/// What goes wrong next. Each is used up by happening once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub jam: bool,
    /// Refuse the next command with this error (BLE API error codes).
    pub refuse: Option<u8>,
    pub answer_late: Option<Duration>,
    pub answer_twice: bool,
    pub never_answer: bool,
    /// Lose power in the middle of the next movement.
    pub reboot: bool,
}
