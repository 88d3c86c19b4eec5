//! What every test needs: a fresh database, an app whose clock the test moves, people and devices. The database is a
//! SQLite file, or, with `TEST_DATABASE_URL`, a PostgreSQL database of the test's own. Only tests depend on this crate.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::sync::atomic::{AtomicU32, Ordering};

use lockwarden_app::App;
use lockwarden_app::accounts::{NewAccount, SignIn};
use lockwarden_app::actor::Actor;
use lockwarden_app::bus::Bus;
use lockwarden_app::clock::{Clock, Time};
use lockwarden_app::db::Db;
use lockwarden_app::devices::{
    Connector, Delivery, DeviceType, Intake, LockState, NewDevice, Observation, Report,
};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::{Authenticated, Credentials, LoginCheck};
use lockwarden_app::rng::Chance;
use sqlx::Connection as _;
use tempfile::TempDir;

/// Noon of a November day, UTC.
pub const START: Time = Time(1_795_521_600_000);
/// Long enough, and on no list.
pub const PASSWORD: &str = "seven green doors in a row";

/// A database that nobody else uses.
pub struct FreshDatabase {
    pub url: String,
    pub dir: TempDir,
}

impl FreshDatabase {
    pub async fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = match std::env::var("TEST_DATABASE_URL") {
            Ok(server) if !server.is_empty() => make_pg(&server).await,
            _ => format!("sqlite:{}", dir.path().join("lockwarden.db").display()),
        };
        Self { url, dir }
    }

    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }
}

async fn make_pg(server: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = sqlx::PgConnection::connect(server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("drop database if exists {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let (place, _) = server.rsplit_once('/').unwrap();
    format!("{place}/{name}")
}

/// An app on a fresh database, with a clock that stands still until the test moves it.
pub struct World {
    pub app: App,
    pub clock: Clock,
    pub database: FreshDatabase,
}

impl World {
    pub async fn new() -> Self {
        Self::on(FreshDatabase::make().await, 1).await
    }

    pub async fn on(database: FreshDatabase, seed: u64) -> Self {
        let clock = Clock::manual(START);
        let db = Db::open(&database.url).await.unwrap();
        let app = App::new(db, clock.clone(), Chance::seeded(seed), Bus::default());
        Self { app, clock, database }
    }

    /// The same database after the process died and came back at the same moment.
    pub async fn restart(self, seed: u64) -> Self {
        let now = self.clock.now();
        self.app.db().close().await;
        let world = Self::on(self.database, seed).await;
        world.clock.advance(now.since(START));
        world.app.settle_after_restart().await.unwrap();
        world.app.forget_connections().await.unwrap();
        world
    }

    /// The owner of a new account, signed in.
    pub async fn owner(&self, name: &str) -> Actor {
        let email = format!("{}@example.org", name.to_lowercase());
        let new = NewAccount { email: &email, name, password: PASSWORD, time_zone: "Europe/Vienna" };
        self.app.create_account(new).await.unwrap();
        self.sign_in(&email).await.1
    }

    /// A session's secret, and who it stands for.
    pub async fn sign_in(&self, email: &str) -> (String, Actor) {
        let with =
            SignIn { email, password: PASSWORD, browser: None, address: "192.0.2.1", user_agent: "test" };
        let signed_in = self.app.sign_in(with).await.unwrap();
        let actor = self.app.authenticate_session(&signed_in.token).await.unwrap().unwrap().actor;
        (signed_in.token, actor)
    }

    /// A device that has not connected yet.
    pub async fn device(&self, owner: &Actor, name: &str) -> (DeviceId, Credentials) {
        self.app.add_device(owner, NewDevice::by_mqtt(name)).await.unwrap()
    }

    /// A lock that is connected, bound to `nuki_id`, locked, and takes commands.
    pub async fn lock(&self, owner: &Actor, name: &str, nuki_id: u32) -> DeviceId {
        let (device, credentials) = self.device(owner, name).await;
        let login = self.login(&credentials).await;
        self.app.bind_login(&login, nuki_id).await.unwrap().unwrap();
        for seen in [
            Observation::Link { up: true },
            Observation::Listens(true),
            Observation::DeviceType(DeviceType::SmartLock34),
            Observation::State(LockState::Locked),
        ] {
            self.says(device, seen).await;
        }
        device
    }

    pub async fn login(&self, credentials: &Credentials) -> Authenticated {
        match self.app.check_login(&credentials.username, credentials.password.as_bytes()).await.unwrap() {
            LoginCheck::Right(login) => login,
            other => unreachable!("the login was made a moment ago: {other:?}"),
        }
    }

    /// The device says one thing, now.
    pub async fn says(&self, device: DeviceId, seen: Observation) {
        self.app.record(&[self.report(device, seen, Delivery::AtMostOnce)]).await.unwrap();
    }

    /// From now on nothing a device says can be committed.
    pub async fn break_writes(&self) {
        let mut tx = self.app.db().write().await.unwrap();
        tx.query("alter table device_states rename to device_states_away").run().await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn mend_writes(&self) {
        let mut tx = self.app.db().write().await.unwrap();
        tx.query("alter table device_states_away rename to device_states").run().await.unwrap();
        tx.commit().await.unwrap();
    }

    pub fn report(&self, device: DeviceId, seen: Observation, delivery: Delivery) -> Intake {
        self.report_by(device, Connector::NukiMqtt, seen, delivery)
    }

    pub fn report_by(
        &self,
        device: DeviceId,
        by: Connector,
        seen: Observation,
        delivery: Delivery,
    ) -> Intake {
        Intake::Reported(Report { device, by, received_at: self.clock.now(), delivery, seen })
    }

    /// The device says one thing by this way, now.
    pub async fn says_by(&self, device: DeviceId, by: Connector, seen: Observation) {
        self.app.record(&[self.report_by(device, by, seen, Delivery::AtMostOnce)]).await.unwrap();
    }
}
