//! `lockwarden demo`: a throw-away installation with a building of simulated locks. They connect through the real port
//! with real logins; nothing in the server knows that they are simulated.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use lockwarden_app::App;
use lockwarden_app::accounts::{NewAccount, NewToken, TokenScope};
use lockwarden_app::activity::{Completion, Happening, Origin, Past};
use lockwarden_app::actor::Actor;
use lockwarden_app::devices::{LockAction, LockEvent, NewDevice, Trigger};
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::{DeviceId, GroupId};
use lockwarden_simulator::{Broker, Fleet, Options, PastEvent, Site, building, history};
use rlimit::Resource;
use serde_json::json;
use tempfile::TempDir;

use crate::cli::DemoArgs;
use crate::commands::admin::{print_line, tell, time_zone};
use crate::commands::demo_ways;
use crate::exit::{CommandError, Exit, Result};
use crate::home::Running;
use crate::server::{Server, Sources, asked_to_stop, url_for_people};
use crate::settings::{ServeArgs, Settings};

const EMAIL: &str = "demo@example.org";
/// Entries of the past in one transaction.
const SLICE: usize = 2_000;
/// Locks whose past is made together; also from how many on somebody is told how far it is.
const MANY: usize = 500;
/// Beside the connections of locks: pages, the database, and room at the door.
const OTHER_FILES: u64 = 512;
/// Days of history times locks that a demo makes by itself: about a hundred thousand entries.
const LOCK_DAYS: u32 = 15_000;

/// What somebody needs to look around.
struct Keys {
    password: String,
    token: String,
}

pub async fn demo(args: DemoArgs) -> Result<()> {
    make_room(args.devices)?;
    let (dir, _keep) = place(&args)?;
    let settings = Settings::resolve(ServeArgs {
        data_dir: Some(dir),
        http: Some(args.http),
        mqtt: Some(args.mqtt),
        // Its bridge is on this machine.
        bridge_calls: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        ..ServeArgs::default()
    })?;
    let server = Server::start(&settings, Sources { demo: true, ..Sources::system() }).await?;
    let (site, actor, keys) = furnish(&server.app, &args).await?;
    let fleet = connect(&server.running, site, args.seed);
    await_connections(&server.app, &fleet, args.devices).await;
    demo_ways::await_all(&server.app, &actor, &fleet, args.devices).await?;

    let url = url_for_people(&settings, server.running.http);
    if args.json {
        let line = json!({ "url": url, "email": EMAIL, "password": keys.password, "token": keys.token });
        print_line(&line.to_string())?;
    }
    welcome(&url, &keys, args.devices);
    asked_to_stop().await;
    fleet.stop().await;
    server.stop().await;
    Ok(())
}

/// Both ends of every connection are in this process, and each is an open file.
fn make_room(devices: u32) -> Result<()> {
    let needed = 2 * u64::from(devices) + OTHER_FILES;
    let (soft, hard) = rlimit::getrlimit(Resource::NOFILE)
        .map_err(|error| CommandError::failed("cannot ask for the limit of open files", error))?;
    if soft >= needed || rlimit::setrlimit(Resource::NOFILE, needed, hard.max(needed)).is_ok() {
        return Ok(());
    }
    let words = format!(
        "{devices} simulated locks need {needed} open files, and this process may have {hard}: \
         ask for fewer with --devices, or for more files with ulimit -n"
    );
    Err(CommandError::new(Exit::Refused, words))
}

/// The directory, and what deletes it at the end if it is nobody's.
fn place(args: &DemoArgs) -> Result<(PathBuf, Option<TempDir>)> {
    match &args.data_dir {
        Some(dir) if dir.join("lockwarden.db").exists() => {
            let words = format!("{} already has data; a demo begins in a new directory", dir.display());
            Err(CommandError::new(Exit::Refused, words))
        }
        Some(dir) => Ok((dir.clone(), None)),
        None => {
            let dir = tempfile::Builder::new().prefix("lockwarden-demo-").tempdir();
            let dir = dir.map_err(|error| CommandError::failed("no temporary directory", error))?;
            Ok((dir.path().to_owned(), Some(dir)))
        }
    }
}

/// An account, its locks with their logins, and a past.
async fn furnish(app: &App, args: &DemoArgs) -> Result<(Site, Actor, Keys)> {
    let password = words(app);
    let zone = time_zone();
    let new = NewAccount { email: EMAIL, name: "Demo", password: &password, time_zone: &zone };
    let actor = Actor::operator(app.create_account(new).await?);
    let (_, token) = app.create_token(&actor, NewToken { name: "Demo", scopes: TokenScope::ALL }).await?;
    let days = args.history_days.unwrap_or_else(|| (LOCK_DAYS / args.devices).clamp(1, 30));
    let others = if args.devices >= demo_ways::FROM { demo_ways::OTHERS } else { 0 };
    let mut specs = building(args.devices - others, args.seed);
    let (mut made, mut front) = (0, None);
    let mut floors = Floors::of(args.devices);
    for together in specs.chunks_mut(MANY) {
        let mut past = Vec::new();
        for spec in together.iter_mut() {
            let new = NewDevice::by_mqtt(&spec.name);
            let (device, credentials) = app.add_device(&actor, new).await?;
            floors.take_in(app, &actor, device).await?;
            front.get_or_insert((device, spec.nuki_id));
            *spec = spec.clone().with_login(&credentials.username, &credentials.password);
            let events = history(spec, days, args.seed, app.now().0);
            past.extend(events.into_iter().map(|(at, event)| remember(device, at, event)));
        }
        past.sort_by_key(|past| past.at);
        for slice in past.chunks(SLICE) {
            app.import_activity(&actor, slice).await?;
        }
        made += together.len();
        told_how_far("made", made, args.devices);
    }
    let site = match front.filter(|_| others > 0) {
        Some(front) => demo_ways::add(app, &actor, front, specs).await?,
        None => Site { locks: specs, ..Site::default() },
    };
    Ok((site, actor, Keys { password, token }))
}

/// Where the next device is: ten or more on a floor, five floors in a house.
struct Floors {
    on_a_floor: usize,
    devices: usize,
    house: Option<GroupId>,
    floor: Option<GroupId>,
}

const FLOORS: [&str; 5] = ["Ground floor", "1st floor", "2nd floor", "3rd floor", "4th floor"];
/// Floors of a demo at most, however large.
const MOST_FLOORS: u32 = 1_000;

impl Floors {
    fn of(devices: u32) -> Self {
        let on_a_floor = usize::try_from(devices.div_ceil(MOST_FLOORS)).unwrap_or(usize::MAX).max(10);
        Self { on_a_floor, devices: 0, house: None, floor: None }
    }

    async fn take_in(&mut self, app: &App, actor: &Actor, device: DeviceId) -> Result<()> {
        let (floor, place) = (self.devices / self.on_a_floor, self.devices % self.on_a_floor);
        let storey = floor % FLOORS.len();
        if place == 0 && storey == 0 {
            let name = format!("Harbour street {}", floor / FLOORS.len() * 2 + 2);
            self.house = Some(app.create_group(actor, NewGroup { name: &name, parent: None }).await?);
            app.set_favourite(actor, device, true).await?;
        }
        if place == 0 {
            let name = FLOORS.get(storey).copied().unwrap_or("Roof");
            self.floor = Some(app.create_group(actor, NewGroup { name, parent: self.house }).await?);
        }
        app.set_group(actor, device, self.floor).await?;
        self.devices += 1;
        Ok(())
    }
}

/// A line for those who wait for many.
fn told_how_far(what: &str, done: usize, of: u32) {
    if usize::try_from(of).is_ok_and(|of| of > MANY) {
        tell(&format!("{done} of {of} locks {what}"));
    }
}

async fn await_connections(app: &App, fleet: &Fleet, of: u32) {
    let all = fleet.all_connected();
    tokio::pin!(all);
    loop {
        tokio::select! {
            () = &mut all => return,
            () = app.clock().wait(Duration::from_secs(2)) => told_how_far("connected", fleet.connected(), of),
        }
    }
}

/// A password that can be typed, from chance.
fn words(app: &App) -> String {
    (0..4).map(|_| app.chance().code::<5>()).collect::<Vec<_>>().join("-")
}

fn remember(device: DeviceId, at: i64, event: PastEvent) -> Past {
    let mut past = Past {
        device,
        at: lockwarden_app::clock::Time(at),
        happening: Happening::Jammed,
        origin: Origin::Unknown,
        trigger: None,
        result: Completion::Success,
        auth_id: None,
        code_id: None,
        presses: None,
    };
    match event {
        PastEvent::Action { action, trigger, auth_id, code_id, extra } => {
            let event = LockEvent {
                action: LockAction::from_code(action),
                trigger: Trigger::from_code(trigger),
                auth_id: Some(auth_id).filter(|id| *id != 0),
                code_id: Some(code_id).filter(|id| *id != 0),
                extra,
            };
            past.happening = event.action.into();
            past.origin = event.origin();
            past.trigger = Some(event.trigger);
            (past.auth_id, past.code_id, past.presses) = (event.auth_id, event.code_id, event.presses());
        }
        PastEvent::Jammed => past.result = Completion::MotorBlocked,
        PastEvent::TurnedByHand { lock } => {
            past.happening = if lock { Happening::TurnedToLocked } else { Happening::TurnedToUnlocked };
            past.origin = Origin::ByHand;
        }
        PastEvent::DoorOpened => past.happening = Happening::DoorOpened,
        PastEvent::DoorClosed => past.happening = Happening::DoorClosed,
        PastEvent::WentOffline => past.happening = Happening::WentOffline,
        PastEvent::CameOnline => past.happening = Happening::CameOnline,
    }
    past
}

fn connect(running: &Running, site: Site, seed: u64) -> Fleet {
    let mut host = running.mqtt.ip();
    if host.is_unspecified() {
        host = Ipv4Addr::LOCALHOST.into();
    }
    let broker = Broker { host: host.to_string(), port: running.mqtt.port() };
    Fleet::open(&broker, site, &Options { seed, ..Options::default() })
}

fn welcome(url: &str, keys: &Keys, devices: u32) {
    let password = &keys.password;
    let token = &keys.token;
    tell(&format!(
        "\n{devices} simulated devices are connected and lead a life of their own.\n\n  \
         Open      {url}\n  E-mail    {EMAIL}\n  Password  {password}\n\n  \
         curl -H 'Authorization: Bearer {token}' {url}/api/smartlock\n\nStop with Ctrl-C.\n"
    ));
}
