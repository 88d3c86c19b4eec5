//! The data directory: its lock, its database, and the note the server leaves in it for commands beside it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, ErrorKind, IsTerminal as _, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockwarden_app::App;
use lockwarden_app::bus::Bus;
use lockwarden_app::clock::Clock;
use lockwarden_app::db::Db;
use lockwarden_app::rng::Chance;
use serde::{Deserialize, Serialize};

use crate::commands::admin::tell;
use crate::exit::{CommandError, Exit, Result};
use crate::settings::{FILE_NAME, ServeArgs, Settings};

/// Where a running server can be reached.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Running {
    pub http: SocketAddr,
    pub mqtt: SocketAddr,
    pub mqtts: Option<SocketAddr>,
    /// Commands beside the server use the same database and tell locks the same host, however it was told.
    pub database: Option<String>,
    pub mqtt_host: Option<String>,
}

const LOCK: &str = "server.lock";

/// Bytes of standard input that could be a password.
const LONGEST_INPUT: u64 = 8_192;

/// Held for as long as the server runs; the operating system lets go of it even after `kill -9`.
pub struct Lock {
    _directory: File,
    /// Of a database that is a file: it may lie elsewhere, and another directory's server may be told of it too.
    _database: Option<File>,
    note: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.note);
    }
}

/// Makes the directory (for its owner only) and takes its lock, and that of the database file.
pub fn take(settings: &Settings) -> Result<Lock> {
    let data_dir = &settings.data_dir;
    make_private(data_dir)?;
    let directory = lock(&data_dir.join(LOCK), data_dir)?;
    let file = settings.database.strip_prefix("sqlite:").map(Path::new);
    let database = file.map(|file| lock(&beside(file), file)).transpose()?;
    // What a server that was killed left of itself is not true of this one.
    let note = note_path(data_dir);
    let _ = std::fs::remove_file(&note);
    Ok(Lock { _directory: directory, _database: database, note })
}

fn beside(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn lock(path: &Path, what: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = options.open(path).map_err(|error| unusable(path, &error))?;
    if file.try_lock().is_err() {
        let words = format!("another server already runs on {}", what.display());
        return Err(CommandError::new(Exit::Refused, words));
    }
    Ok(file)
}

fn make_private(data_dir: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(data_dir).map_err(|error| unusable(data_dir, &error))
}

fn unusable(path: &Path, error: &std::io::Error) -> CommandError {
    let exit = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Exit::Refused,
        _ => Exit::Failed,
    };
    CommandError::new(
        exit,
        format!("cannot use {}: {error}. --data-dir names another directory", path.display()),
    )
}

fn note_path(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}

pub fn leave_note(data_dir: &Path, running: &Running) -> Result<()> {
    let text =
        serde_json::to_string(running).map_err(|error| CommandError::failed("cannot write a note", error))?;
    let path = note_path(data_dir);
    // The database's address may hold a password, so the file is its owner's from the first byte on.
    let _ = std::fs::remove_file(&path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| CommandError::failed("cannot write into the data directory", error))
}

/// The server that runs on this directory. The note of one that was killed says nothing.
pub fn running(data_dir: &Path) -> Option<Running> {
    if !is_running(data_dir) {
        return None;
    }
    let text = std::fs::read_to_string(note_path(data_dir)).ok()?;
    serde_json::from_str(&text).ok()
}

/// The settings of the installation in this directory, for a command beside the server: those of the server that runs,
/// unless the environment names others.
pub fn settings_of(data_dir: &Path) -> Result<Settings> {
    let told = ServeArgs::of_environment()?;
    let (database, mqtt_host) =
        running(data_dir).map_or((None, None), |running| (running.database, running.mqtt_host));
    Settings::resolve(ServeArgs {
        data_dir: Some(data_dir.to_owned()),
        database: told.database.or(database),
        mqtt_host: told.mqtt_host.or(mqtt_host),
        ..told
    })
}

/// The app for a command that needs an installation: what it commits, the server hears of.
pub async fn open_beside(settings: &Settings) -> Result<App> {
    if let Some(file) = settings.database.strip_prefix("sqlite:")
        && !Path::new(file).is_file()
    {
        let words = format!(
            "there is no installation here: {file} does not exist. Name its directory with --data-dir, or its database \
             in {FILE_NAME} or LOCKWARDEN_DATABASE"
        );
        return Err(CommandError::new(Exit::NotFound, words));
    }
    make_or_open(settings).await
}

/// The same for a command that may be the first.
pub async fn make_or_open(settings: &Settings) -> Result<App> {
    make_private(&settings.data_dir)?;
    let db = open_database(settings).await?;
    Ok(App::new(db, Clock::System, Chance::system(), Bus::to_the_server()))
}

/// For a server that does not hear of what a command changed: it is busy, or stuck.
const HEARING: Duration = Duration::from_secs(5);

/// Ends a command beside the server. If one runs, it has honoured what the command changed when this returns.
pub async fn close(app: App, settings: &Settings) -> Result<()> {
    if is_running(&settings.data_dir) {
        let heard = tokio::time::timeout(HEARING, app.await_the_server()).await;
        if !matches!(heard, Ok(Ok(()))) {
            return Err(CommandError::new(
                Exit::Failed,
                "done, but the server that runs has not taken notice of it within 5 s",
            ));
        }
    }
    app.db().close().await;
    Ok(())
}

fn is_running(data_dir: &Path) -> bool {
    File::open(data_dir.join(LOCK)).is_ok_and(|file| file.try_lock_shared().is_err())
}

pub async fn open_database(settings: &Settings) -> Result<Db> {
    Db::open(&settings.database)
        .await
        .map_err(|error| CommandError::failed("cannot open the database", error))
}

/// A password from standard input: all of it but the line break at the end. Somebody at a terminal is asked, and their line
/// is all of it.
pub fn read_password() -> Result<String> {
    let mut text = String::new();
    let stdin = std::io::stdin();
    let read = if stdin.is_terminal() {
        tell("password, and Enter:");
        stdin.lock().take(LONGEST_INPUT).read_line(&mut text)
    } else {
        stdin.take(LONGEST_INPUT).read_to_string(&mut text)
    };
    read.map_err(|error| CommandError::failed("cannot read the password", error))?;
    Ok(without_line_break(&text))
}

/// One of several passwords: the next line of standard input.
pub fn read_password_of(whose: &str) -> Result<String> {
    let mut text = String::new();
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        tell(&format!("password of {whose}, and Enter:"));
    }
    let read = stdin.lock().take(LONGEST_INPUT).read_line(&mut text);
    if read.map_err(|error| CommandError::failed("cannot read the password", error))? == 0 {
        let words = format!("password: standard input has no line for {whose}");
        return Err(CommandError::new(Exit::Invalid, words));
    }
    Ok(without_line_break(&text))
}

fn without_line_break(text: &str) -> String {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.strip_suffix('\r').unwrap_or(line).to_owned()
}

/// The host to type into a lock's app: as set, or as bound, or this machine's own address.
pub fn host_for_locks(settings: &Settings, mqtt: SocketAddr) -> String {
    if let Some(host) = &settings.mqtt_host {
        return host.clone();
    }
    if !mqtt.ip().is_unspecified() {
        return mqtt.ip().to_string();
    }
    own_address().map_or_else(|| "127.0.0.1".to_owned(), |ip| ip.to_string())
}

/// The address this machine would use towards its network. Connecting a UDP socket sends nothing.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.168.0.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}
