//! What a virtual Nuki Hub is set to, and how it may misbehave.

use std::time::Duration;

use crate::spec::Broker;

/// The lock's PIN as entered on the hub. Without the right one it reads no log, no codes, no authorizations, and writes
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pin {
    #[default]
    Right,
    Wrong,
    None,
}

/// One Nuki Hub, as its owner set it up in its web pages. The defaults are those of a new installation with the PIN entered.
#[derive(Clone, Debug)]
pub struct HubSpec {
    /// Its host name, which is its MQTT client id.
    pub name: String,
    /// The base of its topics; older installations have `nuki`.
    pub base: String,
    pub username: String,
    pub password: String,
    /// Another broker than that of the locks.
    pub broker: Option<Broker>,
    /// Nuki ID of its lock.
    pub lock: Option<u32>,
    /// Nuki ID of its Opener.
    pub opener: Option<u32>,
    /// Its authorization on the lock.
    pub auth_id: u32,
    pub pin: Pin,
    /// "Publish auth data": the log. Off on a new hub.
    pub log: bool,
    pub log_entries: usize,
    pub keypad_info: bool,
    pub keypad_control: bool,
    /// "Also publish keypad codes".
    pub keypad_codes: bool,
    pub keypad_check: bool,
    /// Codes it fetches; what is beyond does not exist for it.
    pub keypad_entries: usize,
    pub time_control_info: bool,
    pub time_control_control: bool,
    pub time_control_entries: usize,
    pub authorization_info: bool,
    pub authorization_control: bool,
    pub authorization_entries: usize,
    pub config_info: bool,
    /// Actions its access list denies, such as `unlatch`.
    pub denied: Vec<String>,
    /// Settings its access list denies, such as `name`.
    pub denied_settings: Vec<String>,
    /// Topics beside the JSON ones are left out.
    pub json_only: bool,
    /// A topic for each code, as Home Assistant likes it.
    pub topic_per_entry: bool,
    /// It follows the lock's own MQTT topics.
    pub hybrid: bool,
    /// In hybrid mode it also sends actions there.
    pub official_actions: bool,
    /// When the lock does not react to one within 2 s, it is ordered over Bluetooth.
    pub official_retry: bool,
    /// QoS with which it does: 0 or 1.
    pub official_qos: u8,
    /// Discovery prefix of Home Assistant, if set.
    pub home_assistant: Option<String>,
    /// Characters its JSON has room for.
    pub buffer: usize,
    /// How often it tries a command again, and after how long.
    pub retries: u32,
    pub retry_delay: Duration,
    /// One exchange over Bluetooth, give or take a third, with the time it takes to connect.
    pub ble: Duration,
    /// One more while that connection is still open. A trace shows a moving lock asked every 0.22 s (issue 477).
    pub ble_open: Duration,
    /// Whether the result of an action waits for the bolt. The BLE API says so; traces show hubs that ask for the state
    /// while the bolt they ordered still moves (issue 255), so that it seems to come when the lock has accepted.
    pub result_when_done: bool,
    /// How long it waits for the answer of the lock.
    pub command_timeout: Duration,
    pub state_interval: Duration,
    pub battery_interval: Duration,
    pub config_interval: Duration,
    pub keypad_interval: Duration,
    /// From power to network.
    pub boot: Duration,
    pub quirks: HubQuirks,
}

impl HubSpec {
    /// A hub for one lock.
    pub fn new(name: &str, lock: u32) -> Self {
        Self {
            name: name.to_owned(),
            base: "nukihub".to_owned(),
            username: String::new(),
            password: String::new(),
            broker: None,
            lock: Some(lock),
            opener: None,
            auth_id: 60_001,
            pin: Pin::Right,
            log: false,
            log_entries: 5,
            keypad_info: false,
            keypad_control: false,
            keypad_codes: false,
            keypad_check: false,
            keypad_entries: 10,
            time_control_info: false,
            time_control_control: false,
            time_control_entries: 10,
            authorization_info: false,
            authorization_control: false,
            authorization_entries: 10,
            config_info: true,
            denied: Vec::new(),
            denied_settings: Vec::new(),
            json_only: false,
            topic_per_entry: false,
            hybrid: false,
            official_actions: false,
            official_retry: false,
            official_qos: 1,
            home_assistant: None,
            buffer: 4_096,
            retries: 3,
            retry_delay: Duration::from_millis(100),
            ble: Duration::from_millis(1_200),
            ble_open: Duration::from_millis(220),
            result_when_done: false,
            command_timeout: Duration::from_secs(10),
            state_interval: Duration::from_mins(30),
            battery_interval: Duration::from_mins(30),
            config_interval: Duration::from_hours(1),
            keypad_interval: Duration::from_mins(30),
            boot: Duration::from_secs(5),
            quirks: HubQuirks::default(),
        }
    }

    /// Everything that can be read is read, everything that can be written may be.
    #[must_use]
    pub fn with_everything(mut self) -> Self {
        (self.log, self.keypad_info, self.keypad_control) = (true, true, true);
        (self.time_control_info, self.time_control_control) = (true, true);
        (self.authorization_info, self.authorization_control) = (true, true);
        self
    }

    #[must_use]
    pub fn with_login(mut self, username: &str, password: &str) -> Self {
        username.clone_into(&mut self.username);
        password.clone_into(&mut self.password);
        self
    }
}

/// What names the log carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    #[default]
    Right,
    Empty,
    /// Somebody else's.
    Wrong,
}

/// How a hub misbehaves. The default is what its source says a real one does; [`HubQuirks::none`] is a hub without faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubQuirks {
    /// JSON longer than the buffer is cut off, and so is not JSON any more.
    pub truncates: bool,
    /// A setting that arrives as a number or a boolean goes through a pointer to nowhere: the hub crashes.
    pub crashes_on_untyped: bool,
    /// Numbers of settings pass through eight bits: 600 is stored as 88, 256 and 1800 are refused.
    pub narrow_numbers: bool,
    /// Nothing is heard in the first 2 s after connecting, and no action in the first 6 s.
    pub deaf_at_first: bool,
    /// Payloads are cut to 799 bytes.
    pub cuts_payloads: bool,
    /// In hybrid mode the official "0, success" becomes `undefined`.
    pub undefined_success: bool,
    /// A window sent without `timeLimited` in an update is filled with whatever was in memory.
    pub garbage_windows: bool,
    /// What the broker retained from an earlier life comes again with each connection: results, `retry`, JSON, log.
    pub leftovers: bool,
    /// An empty rolling log is `--`.
    pub dashes: bool,
    /// The log's times are local instead of UTC (unconfirmed).
    pub local_log: bool,
    pub names: Names,
    /// A wrong code is noticed at once instead of at the next look at the log (unconfirmed).
    pub notices_wrong_codes: bool,
    /// Every action is answered with `error`.
    pub answers_error: bool,
    /// The lock is out of reach of its Bluetooth.
    pub out_of_reach: bool,
    /// What could not be sent while away is sent afterwards instead of lost.
    pub keeps_unsent: bool,
}

impl Default for HubQuirks {
    fn default() -> Self {
        Self {
            truncates: true,
            crashes_on_untyped: true,
            narrow_numbers: true,
            deaf_at_first: true,
            cuts_payloads: true,
            undefined_success: true,
            garbage_windows: true,
            ..Self::none()
        }
    }
}

impl HubQuirks {
    pub fn none() -> Self {
        Self {
            truncates: false,
            crashes_on_untyped: false,
            narrow_numbers: false,
            deaf_at_first: false,
            cuts_payloads: false,
            undefined_success: false,
            garbage_windows: false,
            leftovers: false,
            dashes: false,
            local_log: false,
            names: Names::Right,
            notices_wrong_codes: false,
            answers_error: false,
            out_of_reach: false,
            keeps_unsent: false,
        }
    }
}
