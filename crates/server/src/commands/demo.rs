//! `lockwarden demo`: a throw-away installation with a building of simulated locks. They connect through the real port
//! with real logins; nothing in the server knows that they are simulated.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use lockwarden_app::App;
use lockwarden_app::accounts::{NewAccount, NewToken, TokenScope};
use lockwarden_app::actor::Actor;
use lockwarden_app::devices::NewDevice;
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::GroupId;
use lockwarden_simulator::{Broker, Fleet, Options, Site, building, history};
use rlimit::Resource;
use serde_json::json;
use tempfile::TempDir;

use crate::cli::DemoArgs;
use crate::commands::admin::{print_line, tell, time_zone};
use crate::commands::{demo_past, demo_ways};
use crate::exit::{CommandError, Exit, Result};
use crate::home::Running;
use crate::server::{Server, Sources, asked_to_stop, url_for_people};
use crate::settings::{ServeArgs, Settings};

const EMAIL: &str = "demo@example.org";
/// Entries of the past in one transaction.
const SLICE: usize = 2_000;
/// From how many locks on somebody is told how far it is, and how often.
const MANY: usize = 500;
/// Beside the connections of locks that stay: those that come by, pages, the database, and room at the door.
const OTHER_FILES: u64 = 1_024;
/// A lock from the crowd that cannot stay.
const VISITS_A_SECOND: f64 = 400.0;
/// An address has about 28,000 ports to connect from.
const FROM_ONE_ADDRESS: u32 = 20_000;
/// Days of history times locks that a demo makes by itself: about a hundred thousand entries.
const LOCK_DAYS: u32 = 15_000;
/// So many locks have pictures of their past as well; of a larger demo nobody looks at every lock.
const PICTURED: usize = 1_000;

/// What somebody needs to look around.
struct Keys {
    password: String,
    token: String,
}

pub async fn demo(args: DemoArgs) -> Result<()> {
    let most = make_room(args.devices)?;
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
    server.app.make_rosters().await?;
    let fleet = connect(&server.running, site, args.seed, most);
    await_connections(&server.app, &fleet, args.devices.min(most)).await;
    demo_ways::await_all(&server.app, &actor, &fleet, args.devices.min(most)).await?;

    let asked = asked_to_stop();
    let url = url_for_people(&settings, server.running.http);
    if args.json {
        let line = json!({ "url": url, "email": EMAIL, "password": keys.password, "token": keys.token });
        print_line(&line.to_string())?;
    }
    welcome(&url, &keys, args.devices, most);
    asked.await;
    fleet.stop().await;
    server.stop().await;
    Ok(())
}

/// How many devices can be connected: both ends of every connection are in this process, and each is an open file.
fn make_room(devices: u32) -> Result<u32> {
    let needed = 2 * u64::from(devices) + OTHER_FILES;
    let (soft, hard) = rlimit::getrlimit(Resource::NOFILE)
        .map_err(|error| CommandError::failed("cannot ask for the limit of open files", error))?;
    // The hard limit is somebody's word, also to those who could raise it.
    let files = needed.min(hard).max(soft);
    let is_set = files == soft || rlimit::setrlimit(Resource::NOFILE, files, hard).is_ok();
    let files = if is_set { files } else { soft };
    Ok(u32::try_from(files.saturating_sub(OTHER_FILES) / 2).unwrap_or(devices).clamp(1, devices))
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
    let mut floors = Floors::default();
    for together in specs.chunks_mut(on_a_floor(args.devices)) {
        let (floor, is_new_house) = floors.next(app, &actor).await?;
        let new: Vec<_> = together.iter().map(|spec| NewDevice::by_mqtt(&spec.name)).collect();
        let added = app.add_devices(&actor, &new, Some(floor)).await?;
        let (mut past, mut pictured) = (Vec::new(), Vec::new());
        for (place, (spec, (device, login))) in together.iter_mut().zip(added).enumerate() {
            if is_new_house && place == 0 {
                app.set_favourite(&actor, device, true).await?;
            }
            front.get_or_insert((device, spec.nuki_id));
            *spec = spec.clone().with_login(&login.username, &login.password);
            let events = history(spec, days, args.seed, app.now().0);
            past.extend(events.iter().filter_map(|(at, event)| demo_past::entry(device, *at, *event)));
            if made + place < PICTURED {
                pictured.extend(demo_past::points(device, &events));
            }
        }
        app.import_history(&actor, &pictured).await?;
        past.sort_by_key(|past| past.at);
        for slice in past.chunks(SLICE) {
            app.import_activity(&actor, slice).await?;
        }
        let before = made / MANY;
        made += together.len();
        if made / MANY > before {
            told_how_far("made", made, args.devices);
        }
    }
    let site = match front.filter(|_| others > 0) {
        Some(front) => demo_ways::add(app, &actor, front, specs).await?,
        None => Site { locks: specs, ..Site::default() },
    };
    Ok((site, actor, Keys { password, token }))
}

/// Ten or more.
fn on_a_floor(devices: u32) -> usize {
    usize::try_from(devices.div_ceil(MOST_FLOORS)).unwrap_or(usize::MAX).max(10)
}

/// Where the next devices are: five floors in a house.
#[derive(Default)]
struct Floors {
    made: usize,
    house: Option<GroupId>,
}

const FLOORS: [&str; 5] = ["Ground floor", "1st floor", "2nd floor", "3rd floor", "4th floor"];
/// Floors of a demo at most, however large.
const MOST_FLOORS: u32 = 1_000;

impl Floors {
    /// Makes one, and says whether it is the first of a new house.
    async fn next(&mut self, app: &App, actor: &Actor) -> Result<(GroupId, bool)> {
        let storey = self.made % FLOORS.len();
        if storey == 0 {
            let name = format!("Harbour street {}", self.made / FLOORS.len() * 2 + 2);
            self.house = Some(app.create_group(actor, NewGroup { name: &name, parent: None }).await?);
        }
        self.made += 1;
        let name = FLOORS.get(storey).copied().unwrap_or("Roof");
        let floor = app.create_group(actor, NewGroup { name, parent: self.house }).await?;
        Ok((floor, storey == 0))
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

fn connect(running: &Running, site: Site, seed: u64, most: u32) -> Fleet {
    let mut host = running.mqtt.ip();
    if host.is_unspecified() {
        host = Ipv4Addr::LOCALHOST.into();
    }
    let count = u32::try_from(site.locks.len()).unwrap_or(u32::MAX);
    let sources = if cfg!(target_os = "linux") && host == Ipv4Addr::LOCALHOST && count > FROM_ONE_ADDRESS {
        let first = u32::from(Ipv4Addr::LOCALHOST);
        (0..count.div_ceil(FROM_ONE_ADDRESS)).map(|more| Ipv4Addr::from(first + more).into()).collect()
    } else {
        Vec::new()
    };
    // What a hub and a bridge are for is connected by them.
    let by_others = u32::try_from(site.hubs.len() + site.bridges.len()).unwrap_or(0);
    let options = Options {
        seed,
        connect: usize::try_from(most.saturating_sub(by_others)).ok(),
        visits_a_second: Some(VISITS_A_SECOND),
        sources,
        ..Options::default()
    };
    let broker = Broker { host: host.to_string(), port: running.mqtt.port() };
    Fleet::open(&broker, site, &options)
}

fn welcome(url: &str, keys: &Keys, devices: u32, most: u32) {
    let password = &keys.password;
    let token = &keys.token;
    let who = match devices.saturating_sub(most) {
        0 => format!("{devices} simulated devices are connected and lead a life of their own."),
        others => format!(
            "{most} simulated devices are connected and lead a life of their own. The other {others} come by one after the \
             other, say what they are and leave: each connection takes two open files, and this process may not have \
             more (ulimit -n)."
        ),
    };
    tell(&format!(
        "\n{who}\n\n  \
         Open      {url}\n  E-mail    {EMAIL}\n  Password  {password}\n\n  \
         curl -H 'Authorization: Bearer {token}' {url}/api/smartlock\n\nStop with Ctrl-C.\n"
    ));
}
