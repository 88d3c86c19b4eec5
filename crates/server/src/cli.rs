//! The command line. Human text goes to stderr, data to stdout; exit codes are in `exit.rs` and in `docs/operating.md`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::simulate::{Kind, Pin, Quirk};
use crate::settings::ServeArgs;

#[derive(Debug, Parser)]
#[command(name = "lockwarden", version, about = "Console and API for smart locks, on your own machine")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Try it out: a throw-away installation with simulated locks that speak the real protocol
    Demo(DemoArgs),
    /// One virtual device for a place of your own: by its own MQTT, behind a Nuki Hub, behind a Nuki Bridge, or all at once
    Simulate(SimulateArgs),
    /// Accounts
    #[command(subcommand)]
    Account(AccountCommand),
    /// Personal API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Devices
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Print every setting with its value and where it comes from
    Config(ServeArgs),
    /// Ask the running server whether it can serve; exit code 0 if it can
    Healthcheck(DataDir),
    /// Write a consistent copy of all data into a new file, while the server runs
    Backup(BackupArgs),
    /// Replace all data by those of a backup
    Restore(RestoreArgs),
}

#[derive(Args, Clone, Debug)]
pub struct DataDir {
    /// Where the data are
    #[arg(long, env = "LOCKWARDEN_DATA_DIR", default_value = "lockwarden-data", value_name = "DIR")]
    pub data_dir: PathBuf,
}

#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Keep the data here instead of throwing them away at the end; a new directory, which `serve` can open afterwards
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where browsers and API clients connect
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub http: SocketAddr,
    /// Where locks connect
    #[arg(long, default_value = "127.0.0.1:1883", value_name = "ADDR")]
    pub mqtt: SocketAddr,
    /// Number of simulated devices, 1 to 100000; from 6 on, an opener behind a hub, and an old lock and a Smart Door behind
    /// a bridge are among them, and from 8 on every kind but the Box. As many stay connected as this process may have files open (`ulimit -n`), two for each; the others come by once
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub devices: u32,
    /// Days of history in the log, 0 to 366 [default: 30, fewer for more than 500 locks]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=366))]
    pub history_days: Option<u32>,
    /// The same seed gives the same building and history
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Once ready, print one JSON line with url, email, password and token
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// What is simulated
    #[arg(long, default_value = "smart-lock-3", value_name = "KIND")]
    pub kind: Kind,
    /// The lock connects by its own MQTT. Needed only beside --hub or --bridge: without them it does so anyway
    #[arg(long)]
    pub mqtt: bool,
    /// A Nuki Hub connects, with the lock behind it
    #[arg(long)]
    pub hub: bool,
    /// A Nuki Bridge listens here, for example 127.0.0.1:8082, with the lock behind it, and says what its token is
    #[arg(long, value_name = "ADDR")]
    pub bridge: Option<SocketAddr>,
    /// Where the lock and the hub connect [default: 127.0.0.1:1883]
    #[arg(long, value_name = "HOST:PORT")]
    pub broker: Option<String>,
    /// User name of the login that was made for the lock, or for the hub if only that connects
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// User name of the hub's own login, if the lock connects as well
    #[arg(long, value_name = "NAME", requires = "hub")]
    pub hub_username: Option<String>,
    /// Read the password from standard input; from a terminal it is asked for. With two logins a line for each: the
    /// lock's, then the hub's
    #[arg(long)]
    pub password_stdin: bool,
    /// Of the hub: where it publishes
    #[arg(long, default_value = "nukihub", value_name = "PATH", requires = "hub")]
    pub base_path: String,
    /// Of the hub: the lock's PIN, as somebody entered it there
    #[arg(long, default_value = "right", value_name = "WHICH", requires = "hub")]
    pub pin: Pin,
    /// How it misbehaves; may be given several times. A hub and a bridge have what is marked * in any case, as real ones do
    #[arg(long = "quirk", value_name = "NAME")]
    pub quirks: Vec<Quirk>,
    /// Without the quirks marked *, except those that --quirk names
    #[arg(long)]
    pub flawless: bool,
    /// The Nuki ID in hexadecimal [default: another for each kind and way, from 51A00001 on]
    #[arg(long, value_name = "HEX")]
    pub nuki_id: Option<String>,
    /// The name stored in the device
    #[arg(long, default_value = "Simulated lock", value_name = "NAME")]
    pub name: String,
    /// The lock has no door sensor and no keypad, and nothing happens by itself
    #[arg(long)]
    pub quiet: bool,
    /// How much faster than a real lock it moves, 1 to 1000
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pub speed: f64,
    /// The same seed gives it the same luck
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
}

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account; the password is read from standard input
    Create {
        #[command(flatten)]
        at: DataDir,
        #[arg(long, value_name = "E-MAIL")]
        email: String,
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Required, so that no password is ever part of a command line
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Set a new password for somebody who lost theirs; ends their sessions and tokens
    Password {
        #[command(flatten)]
        at: DataDir,
        #[arg(long, value_name = "E-MAIL")]
        email: String,
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make an API token with all scopes and print it, and nothing else
    Create {
        #[command(flatten)]
        at: DataDir,
        #[arg(long, value_name = "E-MAIL")]
        email: String,
        #[arg(long, value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Add a device and print, as one JSON object, what to type into its app
    Add {
        #[command(flatten)]
        at: DataDir,
        #[arg(long, value_name = "E-MAIL")]
        email: String,
        /// nuki-mqtt for a lock with an MQTT client of its own, nuki-hub for a Nuki Hub, nuki-bridge for a Nuki Bridge
        #[arg(long, value_name = "NAME")]
        connector: String,
        /// Of the device; a bridge tells the names of its own
        #[arg(long, value_name = "NAME", required_unless_present = "bridge")]
        name: Option<String>,
        /// Of a Nuki Hub: where it publishes, if that was changed there [default: nukihub]
        #[arg(long, value_name = "PATH")]
        base_path: Option<String>,
        /// Of a Nuki Bridge: where it is, for example http://192.168.1.50:8080
        #[arg(long, value_name = "URL")]
        bridge: Option<String>,
        /// Of a Nuki Bridge: its token. Without one, press the bridge's button within half a minute
        #[arg(long, value_name = "TOKEN", requires = "bridge")]
        token: Option<String>,
        /// Of a Nuki Bridge: how the token travels
        #[arg(long, value_name = "FORM", default_value = "encrypted", value_parser = ["encrypted", "hashed", "plain"])]
        token_form: String,
    },
    /// Print every device of the account, one JSON object a line
    List {
        #[command(flatten)]
        at: DataDir,
        #[arg(long, value_name = "E-MAIL")]
        email: String,
    },
    /// Print one device with its ways, facts and troubles, or a bridge with its devices, as a JSON object
    Show {
        #[command(flatten)]
        at: DataDir,
        #[arg(long, value_name = "E-MAIL")]
        email: String,
        /// Its id, as `list` prints it, or that of a bridge, as `add` printed it
        id: i64,
    },
    /// Take a device, or a bridge, out of the account; the log stays
    Remove {
        #[command(flatten)]
        at: DataDir,
        #[arg(long, value_name = "E-MAIL")]
        email: String,
        id: i64,
    },
    /// Give a device another way to be reached, without losing its history; prints what to type there
    Move {
        #[command(flatten)]
        at: DataDir,
        #[arg(long, value_name = "E-MAIL")]
        email: String,
        id: i64,
        /// The way it gets
        #[arg(long, value_name = "CONNECTOR")]
        to: String,
        /// Keep the ways it has until now, so that it has both
        #[arg(long)]
        keep: bool,
        /// To a Nuki Hub: where it publishes, if that was changed there [default: nukihub]
        #[arg(long, value_name = "PATH")]
        base_path: Option<String>,
    },
}

#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    #[command(flatten)]
    pub at: DataDir,
    /// The file to write; it must not exist
    pub file: PathBuf,
}

#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub at: DataDir,
    /// A file that `backup` wrote
    pub file: PathBuf,
}
