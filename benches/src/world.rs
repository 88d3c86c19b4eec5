//! The release binary on a throw-away directory, with as many devices as asked for.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lockwarden_app::App;
use lockwarden_app::accounts::{NewAccount, NewToken, TokenScope};
use lockwarden_app::actor::Actor;
use lockwarden_app::bus::Bus;
use lockwarden_app::clock::Clock;
use lockwarden_app::db::Db;
use lockwarden_app::devices::NewDevice;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::Credentials;
use lockwarden_app::rng::Chance;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::lists::add_others;

pub(crate) const EMAIL: &str = "bench@example.org";
pub(crate) const PASSWORD: &str = "seven green doors in a row";

pub(crate) struct World {
    dir: TempDir,
    server: Option<Child>,
    pub(crate) http: SocketAddr,
    pub(crate) mqtt: SocketAddr,
    pub(crate) mqtts: SocketAddr,
    /// Trusts this world's certificate.
    pub(crate) tls: TlsConnector,
    pub(crate) token: String,
    pub(crate) ids: Vec<DeviceId>,
    pub(crate) logins: Vec<Credentials>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}

impl World {
    pub(crate) async fn new(devices: usize) -> Result<Self> {
        Self::among(devices, 0).await
    }

    /// With this many others in the same account, which never connect.
    pub(crate) async fn among(devices: usize, others: usize) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let db = Db::open(&format!("sqlite:{}", dir.path().join("lockwarden.db").display())).await?;
        let app = App::new(db, Clock::System, Chance::system(), Bus::default());
        let new = NewAccount { email: EMAIL, name: "Bench", password: PASSWORD, time_zone: "UTC" };
        let actor = Actor::operator(app.create_account(new).await?);
        let (_, token) =
            app.create_token(&actor, NewToken { name: "bench", scopes: TokenScope::ALL }).await?;
        let names: Vec<String> = (0..devices).map(|number| format!("Door {number}")).collect();
        let new: Vec<_> = names.iter().map(|name| NewDevice::by_mqtt(name)).collect();
        let (ids, logins) = app.add_devices(&actor, &new, None).await?.into_iter().unzip();
        if others > 0 {
            add_others(app.db(), actor.account, others).await?;
        }
        app.db().close().await;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let tls = certify(dir.path())?;
        let mut world =
            Self { dir, server: None, http: nowhere, mqtt: nowhere, mqtts: nowhere, tls, token, ids, logins };
        world.serve().await?;
        Ok(world)
    }

    /// Starts the server; how long it took until it served.
    pub(crate) async fn serve(&mut self) -> Result<Duration> {
        let note = self.dir.path().join("server.json");
        let _ = std::fs::remove_file(&note);
        let begun = Instant::now();
        let server = Command::new(binary()?)
            .args(["serve", "--http", &self.http.to_string(), "--mqtt", &self.mqtt.to_string()])
            .args(["--mqtts", &self.mqtts.to_string(), "--data-dir"])
            .arg(self.dir.path())
            .arg("--tls-cert")
            .arg(self.dir.path().join(CERT))
            .arg("--tls-key")
            .arg(self.dir.path().join(KEY))
            .env("LOCKWARDEN_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        self.server = Some(server);
        while begun.elapsed() < Duration::from_mins(1) {
            if let Ok(text) = std::fs::read_to_string(&note)
                && let Some((http, mqtt, mqtts)) = addresses(&text)
            {
                (self.http, self.mqtt, self.mqtts) = (http, mqtt, mqtts);
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

    /// The id of the API: type and Nuki ID.
    pub(crate) fn smartlock(number: usize) -> u64 {
        (4 << 32) | u64::from(Self::nuki_id(number))
    }

    /// Lets every device have been known for long, and writes this many entries of the log, twenty seconds apart, in turn.
    pub(crate) async fn fill(&self, entries: i64) -> Result<()> {
        let db = Db::open(&format!("sqlite:{}", self.dir.path().join("lockwarden.db").display())).await?;
        let mut done = 0;
        let mut tx = db.write().await?;
        tx.query("update devices set device_type = 4, nuki_id = $1 + (select count(*) from devices d where d.id < devices.id)")
            .bind(i64::from(Self::nuki_id(0)))
            .run()
            .await?;
        tx.commit().await?;
        while done < entries {
            let upto = entries.min(done + 200_000);
            let mut tx = db.write().await?;
            tx.query(FILL).bind(done + 1).bind(upto).run().await?;
            tx.commit().await?;
            done = upto;
        }
        db.close().await;
        Ok(())
    }
}

pub(crate) fn memory_of(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).context("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}

const CERT: &str = "cert.pem";
const KEY: &str = "key.pem";

const FILL: &str = "insert into activity (id, account_id, device_id, at, received_at, device_at, action, origin, \
    device_trigger, result, auth_id, code_id) \
    with recursive n (i) as (select $1 union all select i + 1 from n where i < $2), \
    d as materialized (select id, account_id, row_number() over (order by id) - 1 as k, count(*) over () as c from devices) \
    select i, d.account_id, d.id, 1500000000000 + i * 20000, 1500000000000 + i * 20000, 1500000000000 + i * 20000, \
    1 + i % 5, i % 3, i % 4, 0, case when i % 2 = 0 then i % 1000 end, case when i % 2 = 1 then i % 1000 end \
    from n join d on d.k = n.i % d.c";

/// A certificate for the server, and a client that trusts it.
fn certify(dir: &Path) -> Result<TlsConnector> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    std::fs::write(dir.join(CERT), made.cert.pem())?;
    std::fs::write(dir.join(KEY), made.signing_key.serialize_pem())?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.parent().unwrap_or(Path::new(".")).join("lockwarden");
    if !path.exists() {
        bail!("{} is missing: cargo build --release", path.display());
    }
    Ok(path)
}

fn addresses(note: &str) -> Option<(SocketAddr, SocketAddr, SocketAddr)> {
    let of = |name: &str| {
        let (_, rest) = note.split_once(&format!("\"{name}\":\""))?;
        rest.split('"').next()?.parse().ok()
    };
    Some((of("http")?, of("mqtt")?, of("mqtts")?))
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
