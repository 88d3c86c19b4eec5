//! Wiring: one database, one app, and every door around it. Tests start it in their own process with a clock they
//! move; `lockwarden serve` starts it with the machine's.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use lockwarden_app::App;
use lockwarden_app::bus::Bus;
use lockwarden_app::clock::Clock;
use lockwarden_app::rng::Chance;
use lockwarden_gateway::Gateway;
use lockwarden_web::WebConfig;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exit::{CommandError, Exit, Result};
use crate::home::{self, Running};
use crate::http;
use crate::settings::Settings;

/// How often old sessions and counts of failed sign-ins are dropped.
const HOUSEKEEPING: Duration = Duration::from_hours(1);

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
    lock: home::Lock,
}

impl Server {
    /// Returns once every door is open.
    pub async fn start(settings: &Settings, sources: Sources) -> Result<Self> {
        let lock = home::take(&settings.data_dir)?;
        raise_file_limit();
        let db = home::open_database(settings).await?;
        let app = App::new(db, sources.clock, sources.chance, Bus::default());
        app.settle_after_restart().await?;
        app.forget_connections().await?;

        let gateway = Gateway::bind(app.clone(), gateway_config(settings)).await.map_err(|error| {
            CommandError::new(Exit::Refused, format!("cannot open the MQTT door: {error}"))
        })?;
        let listener = TcpListener::bind(settings.http).await.map_err(|error| {
            CommandError::new(Exit::Refused, format!("cannot listen for HTTP on {}: {error}", settings.http))
        })?;
        let http = listener.local_addr().map_err(|error| CommandError::failed("no HTTP address", error))?;
        let running = Running { http, mqtt: gateway.local_addr(), mqtts: gateway.tls_addr() };
        home::leave_note(&settings.data_dir, &running)?;

        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let router = router(&app, settings, &running, sources.demo);
        tasks.spawn(http::serve(listener, router, stop.clone()));
        tasks.spawn(gateway.run(stop.clone()));
        spawn_background(&tasks, &app, &stop);
        Ok(Self { app, running, stop, tasks, lock })
    }

    /// Graceful: no new commands, what is being committed is committed and acknowledged, then everything closes.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.app.db().close().await;
        drop(self.lock);
    }
}

fn spawn_background(tasks: &TaskTracker, app: &App, stop: &CancellationToken) {
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
        let keep_house = async {
            loop {
                if let Err(error) = beside.forget_old_sign_ins().await {
                    tracing::warn!(%error, "housekeeping failed; it is tried again");
                }
                beside.clock().wait(HOUSEKEEPING).await;
            }
        };
        until.run_until_cancelled(keep_house).await;
    });
}

fn router(app: &App, settings: &Settings, running: &Running, demo: bool) -> Router {
    let ready = app.clone();
    let health = Router::new().route("/healthz", get(|| async { "alive" })).route(
        "/readyz",
        get(move || {
            let app = ready.clone();
            async move {
                match app.answers().await {
                    Ok(()) => (StatusCode::OK, "ready"),
                    Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"),
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

fn gateway_config(settings: &Settings) -> lockwarden_gateway::Config {
    let tls = settings.mqtts.zip(settings.tls_cert.clone()).zip(settings.tls_key.clone());
    lockwarden_gateway::Config {
        plain: Some(settings.mqtt),
        tls: tls.map(|((addr, cert), key)| lockwarden_gateway::TlsConfig { addr, cert, key }),
        ..lockwarden_gateway::Config::default()
    }
}

/// A connection is a file handle, and common defaults allow only 1,024.
fn raise_file_limit() {
    match rlimit::increase_nofile_limit(1 << 20) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!(%error, "cannot raise the limit of open files"),
    }
}

/// Returns at the first SIGINT or SIGTERM.
pub async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
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
