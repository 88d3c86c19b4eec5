//! Settings. Each is a flag, an environment variable `LOCKWARDEN_…` and a line of `lockwarden.toml`, in that order; the
//! table in [`Settings::rows`] is what `lockwarden config` prints.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use lockwarden_app::logins::FIELD_BYTES;
use serde::Deserialize;

use crate::exit::{CommandError, Exit, Result};

/// What can be given by flag or environment. Everything is optional here: the file and the defaults come after.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    /// Where the data are [default: lockwarden-data]
    #[arg(long, env = "LOCKWARDEN_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where browsers and API clients connect [default: 127.0.0.1:8080]
    #[arg(long, env = "LOCKWARDEN_HTTP", value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Where locks connect, unencrypted: Nuki locks speak no TLS [default: 0.0.0.0:1883]
    #[arg(long, env = "LOCKWARDEN_MQTT", value_name = "ADDR")]
    pub mqtt: Option<SocketAddr>,
    /// Where locks connect over TLS; needs a certificate [default: off]
    #[arg(long, env = "LOCKWARDEN_MQTTS", value_name = "ADDR")]
    pub mqtts: Option<SocketAddr>,
    /// Certificate chain for TLS, PEM
    #[arg(long, env = "LOCKWARDEN_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key for TLS, PEM
    #[arg(long, env = "LOCKWARDEN_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// `sqlite:PATH` or `postgres://…` [default: sqlite in the data directory]
    #[arg(long, env = "LOCKWARDEN_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// The address people use, for example `https://locks.example.org` behind a reverse proxy
    #[arg(long, env = "LOCKWARDEN_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Addresses of reverse proxies whose X-Forwarded-For is believed, separated by commas [default: none]
    #[arg(long, env = "LOCKWARDEN_TRUSTED_PROXIES", value_name = "IP,…", value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<IpAddr>>,
    /// The host name to type into the lock's app [default: this machine's address]
    #[arg(long, env = "LOCKWARDEN_MQTT_HOST", value_name = "HOST")]
    pub mqtt_host: Option<String>,
    /// Where Nuki Bridges call when something happens; opened once there is a bridge [default: 0.0.0.0:8081]
    #[arg(long, env = "LOCKWARDEN_BRIDGE_CALLS", value_name = "ADDR")]
    pub bridge_calls: Option<SocketAddr>,
    /// What is logged to stderr: error, warn, info, debug, or filters per module [default: info]
    #[arg(long, env = "LOCKWARDEN_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

impl ServeArgs {
    /// What the environment alone says, for a command that has no such flags.
    pub fn of_environment() -> Result<Self> {
        #[derive(Parser)]
        struct Environment {
            #[command(flatten)]
            args: ServeArgs,
        }
        let read = Environment::try_parse_from([""]).map_err(|error| {
            CommandError::new(
                Exit::Invalid,
                error.to_string().trim_start_matches("error: ").trim_end().to_owned(),
            )
        })?;
        Ok(read.args)
    }
}

/// `lockwarden.toml` in the data directory.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    http: Option<SocketAddr>,
    mqtt: Option<SocketAddr>,
    mqtts: Option<SocketAddr>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    database: Option<String>,
    public_url: Option<String>,
    trusted_proxies: Option<Vec<IpAddr>>,
    mqtt_host: Option<String>,
    bridge_calls: Option<SocketAddr>,
    log: Option<String>,
}

/// Everything decided.
#[derive(Clone, Debug)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub http: SocketAddr,
    pub mqtt: SocketAddr,
    pub mqtts: Option<SocketAddr>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub database: String,
    pub public_url: Option<String>,
    pub trusted_proxies: Vec<IpAddr>,
    pub mqtt_host: Option<String>,
    pub bridge_calls: SocketAddr,
    pub log: String,
    rows: Vec<Row>,
}

/// A setting as `config` prints it.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: &'static str,
    pub value: String,
    pub from: &'static str,
}

pub const FILE_NAME: &str = "lockwarden.toml";
const DEFAULT_HTTP: &str = "127.0.0.1:8080";
const DEFAULT_MQTT: &str = "0.0.0.0:1883";
const DEFAULT_BRIDGE_CALLS: &str = "0.0.0.0:8081";

impl Settings {
    pub fn resolve(args: ServeArgs) -> Result<Self> {
        let data_dir = args.data_dir.clone().unwrap_or_else(|| PathBuf::from("lockwarden-data"));
        if data_dir.exists() && !data_dir.is_dir() {
            let words = format!("data_dir: {} is not a directory", data_dir.display());
            return Err(CommandError::new(Exit::Invalid, words));
        }
        let file = read_file(&data_dir)?;
        let mut chosen = Chosen(vec![Row {
            name: "data_dir",
            value: data_dir.display().to_string(),
            from: if args.data_dir.is_some() { GIVEN } else { DEFAULT },
        }]);
        let address =
            |text: &str| text.parse().map_err(|error| CommandError::failed("default address", error));
        let path = |path: &PathBuf| path.display().to_string();
        let sqlite = format!("sqlite:{}", data_dir.join("lockwarden.db").display());
        // A file is the same for whoever reads this, wherever they stand.
        let here = std::env::current_dir().unwrap_or_default();
        let (given, written) = (
            args.database.map(|url| from_its_root(url, &here)),
            file.database.map(|url| from_its_root(url, &here.join(&data_dir))),
        );
        let settings = Self {
            http: chosen.take("http", args.http, file.http, ToString::to_string, address(DEFAULT_HTTP)?),
            mqtt: chosen.take("mqtt", args.mqtt, file.mqtt, ToString::to_string, address(DEFAULT_MQTT)?),
            mqtts: chosen.maybe("mqtts", args.mqtts, file.mqtts, ToString::to_string),
            tls_cert: chosen.maybe("tls_cert", args.tls_cert, file.tls_cert, path),
            tls_key: chosen.maybe("tls_key", args.tls_key, file.tls_key, path),
            database: chosen.take(
                "database",
                given,
                written,
                |url| without_password(url),
                from_its_root(sqlite, &here),
            ),
            public_url: chosen.maybe("public_url", args.public_url, file.public_url, Clone::clone),
            trusted_proxies: chosen.take(
                "trusted_proxies",
                args.trusted_proxies,
                file.trusted_proxies,
                |proxies| proxies.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
                Vec::new(),
            ),
            mqtt_host: chosen.maybe("mqtt_host", args.mqtt_host, file.mqtt_host, Clone::clone),
            bridge_calls: chosen.take(
                "bridge_calls",
                args.bridge_calls,
                file.bridge_calls,
                ToString::to_string,
                address(DEFAULT_BRIDGE_CALLS)?,
            ),
            log: chosen.take("log", args.log, file.log, Clone::clone, "info".to_owned()),
            rows: Vec::new(),
            data_dir,
        };
        settings.check()?;
        Ok(Self { rows: chosen.0, ..settings })
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn check(&self) -> Result<()> {
        if self.mqtts.is_some() && (self.tls_cert.is_none() || self.tls_key.is_none()) {
            return Err(CommandError::new(Exit::Invalid, "mqtts needs tls_cert and tls_key"));
        }
        for (name, file) in [("tls_cert", &self.tls_cert), ("tls_key", &self.tls_key)] {
            if let Some(missing) = file.as_ref().filter(|file| !file.is_file()) {
                return Err(CommandError::new(
                    Exit::NotFound,
                    format!("{name}: {} is not a file", missing.display()),
                ));
            }
        }
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|start| self.database.starts_with(start)) {
            return Err(CommandError::new(Exit::Invalid, "database must begin with sqlite: or postgres://"));
        }
        if let Some(url) = &self.public_url
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            return Err(CommandError::new(Exit::Invalid, "public_url must begin with https:// or http://"));
        }
        if self.mqtt_host.as_ref().is_some_and(|host| host.len() > FIELD_BYTES) {
            let words = format!(
                "mqtt_host: locks hold at most {FIELD_BYTES} bytes of it; name a shorter one, or an address"
            );
            return Err(CommandError::new(Exit::Invalid, words));
        }
        Ok(())
    }
}

const GIVEN: &str = "flag or environment";
const FILE: &str = FILE_NAME;
const DEFAULT: &str = "default";

/// Chooses values in their order of precedence and remembers where each came from.
struct Chosen(Vec<Row>);

impl Chosen {
    fn take<T>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        file: Option<T>,
        show: impl Fn(&T) -> String,
        default: T,
    ) -> T {
        let (value, from) = match (given, file) {
            (Some(value), _) => (value, GIVEN),
            (None, Some(value)) => (value, FILE),
            (None, None) => (default, DEFAULT),
        };
        self.0.push(Row { name, value: show(&value), from });
        value
    }

    fn maybe<T>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        file: Option<T>,
        show: impl Fn(&T) -> String,
    ) -> Option<T> {
        self.take(
            name,
            given.map(Some),
            file.map(Some),
            |value| value.as_ref().map_or("-".to_owned(), &show),
            None,
        )
    }
}

fn read_file(data_dir: &Path) -> Result<File> {
    let path = data_dir.join(FILE_NAME);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(CommandError::failed(&format!("cannot read {}", path.display()), error)),
    };
    toml::from_str(&text)
        .map_err(|error| CommandError::new(Exit::Invalid, format!("{}: {error}", path.display())))
}

/// The URL of a SQLite file with its whole path; any other as it is.
fn from_its_root(url: String, directory: &Path) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) => format!("sqlite:{}", directory.join(path).display()),
        None => url,
    }
}

/// A database URL as it may be printed: without anything that could be a password.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (address, options) = rest.split_once('?').map_or((rest, ""), |(address, _)| (address, "?…"));
    // A password may hold an @ of its own.
    match address.rsplit_once('@') {
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:…@{place}{options}")
        }
        None => format!("{scheme}://{address}{options}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_database_url_is_not_printed() {
        assert_eq!(without_password("postgres://anna:geheim@db/locks"), "postgres://anna:…@db/locks");
        assert_eq!(without_password("sqlite:/a/b.db"), "sqlite:/a/b.db");
        assert_eq!(without_password("postgres://anna:ge@heim@db/locks"), "postgres://anna:…@db/locks");
        assert_eq!(
            without_password("postgres://anna@db/locks?password=geheim"),
            "postgres://anna:…@db/locks?…"
        );
        assert_eq!(without_password("postgres://db/locks?password=geheim"), "postgres://db/locks?…");
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE_NAME), "http = \"127.0.0.1:1\"\nmqtt = \"127.0.0.1:2\"\n")
            .unwrap();
        let args = ServeArgs {
            data_dir: Some(dir.path().to_owned()),
            http: Some("127.0.0.1:3".parse().unwrap()),
            ..ServeArgs::default()
        };
        let settings = Settings::resolve(args).unwrap();
        assert_eq!((settings.http.port(), settings.mqtt.port(), settings.log.as_str()), (3, 2, "info"));
    }

    #[test]
    fn a_word_in_the_file_that_means_nothing_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE_NAME), "htpp = \"127.0.0.1:1\"\n").unwrap();
        let args = ServeArgs { data_dir: Some(dir.path().to_owned()), ..ServeArgs::default() };
        assert_eq!(Settings::resolve(args).unwrap_err().exit, Exit::Invalid);
    }
}
