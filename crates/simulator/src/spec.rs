//! What a virtual lock is, and how it may misbehave.

use std::time::Duration;

/// One lock, as its owner would describe it.
#[derive(Clone, Debug)]
pub struct LockSpec {
    pub nuki_id: u32,
    /// The name stored in the lock itself.
    pub name: String,
    /// MQTT API 1.4 `deviceType`: 0, 3, 4 or 5.
    pub device_type: u8,
    pub firmware: String,
    /// The login it was given; empty for a broker that asks for none.
    pub username: String,
    pub password: String,
    pub door_sensor: bool,
    pub keypad: bool,
    /// A knob outside: "unlock" must pull the latch, or nobody could get in.
    pub knob: bool,
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
    pub life: Life,
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
            firmware: "3.10.7".to_owned(),
            username: String::new(),
            password: String::new(),
            door_sensor: true,
            keypad: true,
            knob: false,
            allow_locking: true,
            auto_discovery: false,
            auto_lock: None,
            lock_at_closing: false,
            turn: Duration::from_millis(4_500),
            lock_n_go: Duration::from_secs(20),
            unlatch_hold: Duration::from_secs(3),
            battery: 86,
            clock_offset: Duration::ZERO,
            life: Life::Quiet,
        }
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
            keep_alive: Duration::from_mins(1),
        }
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
