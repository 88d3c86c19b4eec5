//! The release binary on a throw-away directory, with as many devices as asked for.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lockwarden_app::App;
use lockwarden_app::accounts::{NewAccount, NewToken, TokenScope};
use lockwarden_app::actor::Actor;
use lockwarden_app::bus::Bus;
use lockwarden_app::clock::Clock;
use lockwarden_app::db::Db;
use lockwarden_app::devices::{Connector, NewDevice};
use lockwarden_app::logins::Credentials;
use lockwarden_app::rng::Chance;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct World {
    dir: TempDir,
    server: Option<Child>,
    pub(crate) http: SocketAddr,
    pub(crate) mqtt: SocketAddr,
    pub(crate) token: String,
    pub(crate) logins: Vec<Credentials>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}

impl World {
    pub(crate) async fn new(devices: usize) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let db = Db::open(&format!("sqlite:{}", dir.path().join("lockwarden.db").display())).await?;
        let app = App::new(db, Clock::System, Chance::system(), Bus::default());
        let new = NewAccount {
            email: "bench@example.org",
            name: "Bench",
            password: "seven green doors in a row",
            time_zone: "UTC",
        };
        let actor = Actor::operator(app.create_account(new).await?);
        let (_, token) =
            app.create_token(&actor, NewToken { name: "bench", scopes: TokenScope::ALL }).await?;
        let mut logins = Vec::with_capacity(devices);
        for number in 0..devices {
            let name = format!("Door {number}");
            let new = NewDevice { name: &name, connector: Connector::NukiMqtt };
            logins.push(app.add_device(&actor, new).await?.1);
        }
        app.db().close().await;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut world = Self { dir, server: None, http: nowhere, mqtt: nowhere, token, logins };
        world.serve().await?;
        Ok(world)
    }

    /// Starts the server; how long it took until it served.
    pub(crate) async fn serve(&mut self) -> Result<Duration> {
        let note = self.dir.path().join("server.json");
        let _ = std::fs::remove_file(&note);
        let begun = Instant::now();
        let server = Command::new(binary()?)
            .args(["serve", "--http", &self.http.to_string(), "--mqtt", &self.mqtt.to_string(), "--data-dir"])
            .arg(self.dir.path())
            .env("LOCKWARDEN_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        self.server = Some(server);
        while begun.elapsed() < Duration::from_mins(1) {
            if let Ok(text) = std::fs::read_to_string(&note)
                && let Some((http, mqtt)) = addresses(&text)
            {
                (self.http, self.mqtt) = (http, mqtt);
                if get(http, "/readyz", "").await.is_ok_and(|(status, _)| status == 200) {
                    return Ok(begun.elapsed());
                }
            }
            tokio::task::yield_now().await;
        }
        bail!("the server did not start")
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Keypad events in the log.
    pub(crate) async fn count_events(&self) -> Result<u64> {
        let db = Db::open(&format!("sqlite:{}", self.dir.path().join("lockwarden.db").display())).await?;
        let mut tx = db.read().await?;
        let count: i64 = tx.query("select count(*) from activity where code_id is not null").value().await?;
        Ok(u64::try_from(count)?)
    }

    /// Resident memory of the server in KiB.
    pub(crate) fn memory(&self) -> Result<u64> {
        memory_of(self.server.as_ref().context("not running")?.id())
    }

    pub(crate) fn nuki_id(number: usize) -> u32 {
        0x1000 + u32::try_from(number).unwrap_or(0)
    }
}

pub(crate) fn memory_of(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).context("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}

fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.parent().unwrap_or(Path::new(".")).join("lockwarden");
    if !path.exists() {
        bail!("{} is missing: cargo build --release", path.display());
    }
    Ok(path)
}

fn addresses(note: &str) -> Option<(SocketAddr, SocketAddr)> {
    let of = |name: &str| {
        let (_, rest) = note.split_once(&format!("\"{name}\":\""))?;
        rest.split('"').next()?.parse().ok()
    };
    Some((of("http")?, of("mqtt")?))
}

pub(crate) async fn get(http: SocketAddr, path: &str, token: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(http).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {http}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((status, answer))
}
