//! Wiring: one database, one app, and every door around it. Tests start it in their own process with a clock they
//! move; `lockwarden serve` starts it with the machine's.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use lockwarden_app::App;
use lockwarden_app::bus::Bus;
use lockwarden_app::clock::{Clock, Time};
use lockwarden_app::db::{Claim, Db};
use lockwarden_app::rng::Chance;
use lockwarden_gateway::{Gateway, Limits};
use lockwarden_web::WebConfig;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exit::{CommandError, Exit, Result};
use crate::home::{self, Running};
use crate::http;
use crate::settings::Settings;

/// How often old sessions, counts of failed sign-ins and old history are dropped, and batteries looked at.
const HOUSEKEEPING: Duration = Duration::from_hours(1);
/// How often lists in memory that could not follow are made anew.
const ROSTERS: Duration = Duration::from_secs(1);
/// After a start, locks come back within this: keep-alives are shorter, and so are their pauses between tries.
const RETURN: Duration = Duration::from_mins(2);

/// HTTP connections at a time; each open page holds one.
const MOST_HTTP: usize = 4_096;
/// Database files, listeners and what the runtime needs.
const OTHER_FILES: usize = 64;

/// Where time and chance come from.
pub struct Sources {
    pub clock: Clock,
    pub chance: Chance,
    /// The locks are simulated, and every page says so.
    pub demo: bool,
}

impl Sources {
    pub fn system() -> Self {
        Self { clock: Clock::System, chance: Chance::system(), demo: false }
    }
}

/// A server that serves. Dropping it does not stop it; [`Server::stop`] does.
pub struct Server {
    pub app: App,
    pub running: Running,
    stop: CancellationToken,
    tasks: TaskTracker,
    claim: Claim,
    lock: home::Lock,
}

impl Server {
    /// Returns once every door is open.
    pub async fn start(settings: &Settings, sources: Sources) -> Result<Self> {
        let lock = home::take(settings)?;
        let room = Room::of_this_process();
        let db = home::open_database(settings).await?;
        let claim = claim(&db, &sources.clock).await?;
        let app = App::new(db, sources.clock, sources.chance, Bus::default());
        let started = app.now();
        app.settle_after_restart().await?;
        app.forget_connections().await?;

        let gateway =
            Gateway::bind(app.clone(), gateway_config(settings, room.devices)).map_err(|error| {
                CommandError::new(
                    Exit::Refused,
                    format!("cannot open the MQTT door: {error}. --mqtt names another address"),
                )
            })?;
        let listener = TcpListener::bind(settings.http).await.map_err(|error| {
            CommandError::new(
                Exit::Refused,
                format!("cannot listen for HTTP on {}: {error}. --http names another address", settings.http),
            )
        })?;
        let http = listener.local_addr().map_err(|error| CommandError::failed("no HTTP address", error))?;
        let running = Running {
            http,
            mqtt: gateway.local_addr(),
            mqtts: gateway.tls_addr(),
            database: Some(settings.database.clone()),
            mqtt_host: settings.mqtt_host.clone(),
        };
        home::leave_note(&settings.data_dir, &running)?;

        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let router = router(&app, settings, &running, sources.demo);
        let house = http::House { most: room.http, proxies: settings.trusted_proxies.clone() };
        tasks.spawn(http::serve(listener, router, house, stop.clone()));
        tasks.spawn(gateway.run(stop.clone()));
        spawn_background(&tasks, &app, &stop, started);
        Ok(Self { app, running, stop, tasks, claim, lock })
    }

    /// Returns once another server may have taken the database over.
    pub async fn displaced(&mut self) {
        self.claim.lost(self.app.clock()).await;
    }

    /// Graceful: no new commands, what was read is committed and acknowledged, then everything closes.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.app.db().close().await;
        drop(self.claim);
        drop(self.lock);
    }
}

/// One server for one database. The claim of a server that was killed a moment ago may take a moment to go.
async fn claim(db: &Db, clock: &Clock) -> Result<Claim> {
    for _ in 0..50 {
        let claimed =
            db.claim().await.map_err(|error| CommandError::failed("cannot claim the database", error))?;
        if let Some(claim) = claimed {
            return Ok(claim);
        }
        clock.wait(Duration::from_millis(200)).await;
    }
    Err(CommandError::new(Exit::Refused, "another server already runs on this database"))
}

fn spawn_background(tasks: &TaskTracker, app: &App, stop: &CancellationToken, started: Time) {
    let (beside, until) = (app.clone(), stop.clone());
    tasks.spawn(async move {
        let look = async {
            beside.clock().wait(RETURN).await;
            if let Err(error) = beside.note_absent(started).await {
                tracing::warn!(%error, "cannot write down which devices have not come back");
            }
        };
        until.run_until_cancelled(look).await;
    });
    let (beside, until) = (app.clone(), stop.clone());
    tasks.spawn(async move {
        until.run_until_cancelled(beside.pass_on_foreign_events()).await;
    });
    let (beside, until) = (app.clone(), stop.clone());
    tasks.spawn(async move {
        until.run_until_cancelled(beside.db().keep_checkpointed()).await;
    });
    let (beside, until) = (app.clone(), stop.clone());
    tasks.spawn(async move {
        until.run_until_cancelled(beside.run_bulks()).await;
    });
    let (beside, until) = (app.clone(), stop.clone());
    tasks.spawn(async move {
        let keep_rosters = async {
            if let Err(error) = beside.make_rosters().await {
                tracing::warn!(%error, "the lists of devices are made when they are first asked for");
            }
            loop {
                beside.clock().wait(ROSTERS).await;
                if let Err(error) = beside.refresh_rosters().await {
                    tracing::warn!(%error, "a list of devices is made anew when it is next asked for");
                }
            }
        };
        until.run_until_cancelled(keep_rosters).await;
    });
    let (beside, until) = (app.clone(), stop.clone());
    tasks.spawn(async move {
        let keep_house = async {
            loop {
                if let Err(error) = keep_house_once(&beside).await {
                    tracing::warn!(%error, "housekeeping failed; it is tried again");
                }
                beside.clock().wait(HOUSEKEEPING).await;
            }
        };
        until.run_until_cancelled(keep_house).await;
    });
}

async fn keep_house_once(app: &App) -> lockwarden_app::Result<()> {
    app.forget_old_sign_ins().await?;
    app.prune_history().await?;
    app.refresh_forecasts().await
}

fn router(app: &App, settings: &Settings, running: &Running, demo: bool) -> Router {
    let ready = app.clone();
    let health = Router::new().route("/healthz", get(|| async { "alive" })).route(
        "/readyz",
        get(move || {
            let app = ready.clone();
            async move {
                if app.is_ready().await {
                    (StatusCode::OK, "ready")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "the database does not keep what it is told")
                }
            }
        }),
    );
    let web = WebConfig {
        public_url: settings.public_url.clone(),
        mqtt_host: home::host_for_locks(settings, running.mqtt),
        mqtt_port: running.mqtt.port(),
        demo,
    };
    lockwarden_web::router(app.clone(), web).nest("/api", lockwarden_api::router(app.clone())).merge(health)
}

fn gateway_config(settings: &Settings, limits: Limits) -> lockwarden_gateway::Config {
    let tls = settings.mqtts.zip(settings.tls_cert.clone()).zip(settings.tls_key.clone());
    lockwarden_gateway::Config {
        plain: Some(settings.mqtt),
        tls: tls.map(|((addr, cert), key)| lockwarden_gateway::TlsConfig { addr, cert, key }),
        callbacks: Some(settings.bridge_calls),
        limits,
    }
}

/// Connections of each kind. Each is an open file, and what one door may take is not there for the other: a flood of
/// devices must not lock people out of the pages.
struct Room {
    http: usize,
    devices: Limits,
}

impl Room {
    /// Common defaults allow 1,024 open files; as many as allowed are asked for.
    fn of_this_process() -> Self {
        let files = rlimit::increase_nofile_limit(1 << 20).unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot raise the limit of open files");
            1_024
        });
        let room = Self::in_files(usize::try_from(files).unwrap_or(usize::MAX));
        tracing::debug!(files, http = room.http, devices = room.devices.connections, "room for connections");
        room
    }

    fn in_files(files: usize) -> Self {
        let most = Limits::default();
        let http = MOST_HTTP.min(files / 4);
        let left = files.saturating_sub(http + OTHER_FILES);
        let unknown = most.unknown.min(left / 4);
        let devices = Limits {
            connections: most.connections.min(left - unknown),
            unknown,
            unknown_per_address: most.unknown_per_address.min(unknown),
        };
        Self { http, devices }
    }
}

/// Listens from now on, and returns at the first SIGINT or SIGTERM. Whoever says that they serve listens before.
pub fn asked_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        match signals {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            (Ok(mut one), Err(_)) | (Err(_), Ok(mut one)) => {
                let _ = one.recv().await;
            }
            (Err(_), Err(_)) => std::future::pending().await,
        }
    }
}

/// An address to show: where a person's browser gets to the server.
pub fn url_for_people(settings: &Settings, http: SocketAddr) -> String {
    if let Some(url) = &settings.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    if http.ip().is_unspecified() {
        return format!("http://{}:{}", home::host_for_locks(settings, http), http.port());
    }
    format!("http://{http}")
}
