//! `lockwarden simulate`: one virtual device, reached as a real one would be, by one way or by several at once. By its own MQTT
//! or behind a Nuki Hub it connects to a broker, with a login that `device add` or the page "Add device" made; a Nuki Bridge
//! waits to be asked.

mod kind;
mod quirks;

use std::future::pending;
use std::net::SocketAddr;

use clap::ValueEnum;
use lockwarden_app::devices::Connector;
use lockwarden_simulator::{
    Bridge, BridgeSpec, Broker, Fleet, Hub, HubSeen, HubSpec, Life, Lock, LockSpec, OpenerSpec, Options,
    Seen, Site, hub,
};

pub use self::kind::Kind;
pub use self::quirks::Quirk;
use crate::cli::SimulateArgs;
use crate::commands::admin::tell;
use crate::exit::{CommandError, Exit, Result};
use crate::home::{read_password, read_password_of};
use crate::server::asked_to_stop;

/// With the Nuki ID of what is behind it: two that are simulated are two bridges.
const HARDWARE_ID: u32 = 0x5B00_0000;
/// A real bridge's owner reads it in the app; this one's on the terminal.
const TOKEN: &str = "simulated";
const BROKER: &str = "127.0.0.1:1883";

/// The lock's PIN, as somebody entered it in a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pin {
    Right,
    Wrong,
    /// Not entered
    None,
}

pub async fn simulate(args: SimulateArgs) -> Result<()> {
    let ways = ways(&args)?;
    let at = args.broker.as_deref().unwrap_or(BROKER);
    let broker = parse_broker(at)?;
    let nuki_id = nuki_id(&args, &ways)?;
    let site = site(&args, &ways, nuki_id)?;
    let (order, time_scale) = (quirks::order(&args.quirks), 1.0 / args.speed);
    let options = Options { seed: args.seed, time_scale, order, ..Options::default() };
    let fleet = Fleet::open(&broker, site, &options);
    if let Some(lock) = fleet.locks().first() {
        lock.always(quirks::faults(&args.quirks));
    }
    let ended = tokio::select! {
        ended = follow(&fleet, &args, nuki_id) => ended,
        () = asked_to_stop() => Ok(()),
    };
    fleet.stop().await;
    ended
}

fn invalid<T>(words: &str) -> Result<T> {
    Err(CommandError::new(Exit::Invalid, words))
}

/// By which it is to be reached, if everything that was asked for goes together.
fn ways(args: &SimulateArgs) -> Result<Vec<Connector>> {
    let by_others = args.hub || args.bridge.is_some();
    let asked = [
        (args.mqtt || !by_others, Connector::NukiMqtt),
        (args.hub, Connector::NukiHub),
        (args.bridge.is_some(), Connector::NukiBridge),
    ];
    let ways: Vec<_> = asked.into_iter().filter_map(|(is_asked, way)| is_asked.then_some(way)).collect();
    args.kind.check_ways(&ways)?;
    let has_login = args.broker.is_some() || args.username.is_some() || args.password_stdin;
    if ways == [Connector::NukiBridge] && has_login {
        return invalid("bridge: it waits to be asked; a broker and a login are for --mqtt and --hub");
    }
    if !args.mqtt && args.username.is_some() && args.hub_username.is_some() {
        return invalid("username: only the hub connects, with one login; add --mqtt for the lock's own");
    }
    if !(1.0..=1_000.0).contains(&args.speed) {
        return invalid("speed: 1 to 1000");
    }
    for quirk in &args.quirks {
        quirk.check(&ways, args.kind != Kind::Opener)?;
    }
    Ok(ways)
}

fn nuki_id(args: &SimulateArgs, ways: &[Connector]) -> Result<u32> {
    let Some(text) = &args.nuki_id else {
        return Ok(args.kind.nuki_id(ways));
    };
    u32::from_str_radix(text.trim_start_matches("0x"), 16)
        .or_else(|_| invalid("nuki-id: up to 8 hexadecimal digits"))
}

/// The device with what speaks for it.
fn site(args: &SimulateArgs, ways: &[Connector], nuki_id: u32) -> Result<Site> {
    let (own, hubs) = logins(args)?;
    let lock = args.kind.lock(nuki_id, &args.name).map(|lock| {
        let is_official = ways.contains(&Connector::NukiMqtt);
        as_asked(args, LockSpec { official: is_official, ..lock.with_login(&own.0, &own.1) })
    });
    let hub = args.hub.then(|| hub(args, nuki_id, lock.is_some()).with_login(&hubs.0, &hubs.1));
    let bridge = args.bridge.map(|at| bridge(args, at, nuki_id));
    let opener = if lock.is_none() { Some(OpenerSpec::new(nuki_id, &args.name)) } else { None };
    Ok(Site {
        locks: lock.into_iter().collect(),
        openers: opener.into_iter().collect(),
        hubs: hub.into_iter().collect(),
        bridges: bridge.into_iter().collect(),
    })
}

/// User name and password of the lock and of the hub; empty where there is none.
type Login = (String, String);

fn logins(args: &SimulateArgs) -> Result<(Login, Login)> {
    let (own, hubs) = (args.username.as_ref(), args.hub_username.as_ref());
    let is_hub_alone = args.hub && !args.mqtt && hubs.is_none();
    let (own, hubs) = if is_hub_alone { (None, own) } else { (own, hubs) };
    let login = |name: Option<&String>, whose| -> Result<Login> {
        let password = match name {
            Some(_) if args.password_stdin && own.is_some() && hubs.is_some() => read_password_of(whose)?,
            Some(_) if args.password_stdin => read_password()?,
            _ => String::new(),
        };
        Ok((name.cloned().unwrap_or_default(), password))
    };
    Ok((login(own, "the lock")?, login(hubs, "the hub")?))
}

fn as_asked(args: &SimulateArgs, mut lock: LockSpec) -> LockSpec {
    // So that whoever adds it sees what was found.
    lock.auto_discovery = true;
    if args.quiet {
        (lock.door_sensor, lock.keypad) = (false, false);
    } else {
        lock.life = Life::Lively;
    }
    for quirk in &args.quirks {
        quirk.change_lock(&mut lock);
    }
    lock
}

fn hub(args: &SimulateArgs, nuki_id: u32, has_lock: bool) -> HubSpec {
    let mut hub = HubSpec::new("nukihub", nuki_id).with_everything();
    if !has_lock {
        (hub.lock, hub.opener) = (None, Some(nuki_id));
    }
    hub.base.clone_from(&args.base_path);
    hub.home_assistant = Some("homeassistant".to_owned());
    hub.pin = match args.pin {
        Pin::Right => hub::Pin::Right,
        Pin::Wrong => hub::Pin::Wrong,
        Pin::None => hub::Pin::None,
    };
    if args.flawless {
        hub.quirks = quirks::flawless_hub();
    }
    for quirk in &args.quirks {
        quirk.change_hub(&mut hub);
    }
    hub
}

fn bridge(args: &SimulateArgs, at: SocketAddr, nuki_id: u32) -> BridgeSpec {
    let bridge = BridgeSpec::new(HARDWARE_ID ^ nuki_id, TOKEN, vec![nuki_id]);
    let mut bridge = BridgeSpec { address: at.ip(), port: at.port(), ..bridge };
    if args.flawless {
        bridge.quirks = quirks::flawless_bridge();
    }
    for quirk in &args.quirks {
        quirk.change_bridge(&mut bridge);
    }
    bridge
}

/// Tells how it goes. Returns only when going on would not help.
async fn follow(fleet: &Fleet, args: &SimulateArgs, nuki_id: u32) -> Result<()> {
    let lock = fleet.locks().first().filter(|_| args.mqtt || !args.hub && args.bridge.is_none());
    let (lock, hub) = (lock.map(Line::Lock), fleet.hubs().first().map(Line::Hub));
    let is_one = lock.is_none() || hub.is_none();
    tokio::select! {
        ended = keep(lock.as_ref(), args, nuki_id, is_one) => ended,
        ended = keep(hub.as_ref(), args, nuki_id, is_one) => ended,
        ended = await_questions(fleet.bridges().first(), args, nuki_id) => ended,
    }
}

async fn keep(line: Option<&Line<'_>>, args: &SimulateArgs, nuki_id: u32, is_one: bool) -> Result<()> {
    let Some(line) = line else {
        return pending().await;
    };
    let at = args.broker.as_deref().unwrap_or(BROKER);
    let is_hub = matches!(line, Line::Hub(_));
    let (who, what) = if is_hub {
        ("the hub", format!("a Nuki Hub with {} {nuki_id:X}", noun(args)))
    } else {
        ("the lock", format!("lock {nuki_id:X}"))
    };
    tell(&format!("connecting to {at} as {what}; stop with Ctrl-C"));
    let refused = follow_line(line, if is_one { "" } else { who }).await;
    let words = format!("the broker does not let {who} in: {refused}");
    let words = match (is_hub, &args.username, &args.hub_username) {
        (true, _, None) if args.mqtt => {
            format!("{words}; name a login with --hub-username and --password-stdin")
        }
        (true, None, None) | (false, None, _) => {
            format!("{words}; name a login with --username and --password-stdin")
        }
        (true, ..) => words,
        // A lock that speaks for another's Nuki ID is turned away like one with a wrong login.
        (false, ..) => {
            format!("{words}. If another lock is lock {nuki_id:X} already, be another with --nuki-id")
        }
    };
    Err(CommandError::new(Exit::Refused, words))
}

fn noun(args: &SimulateArgs) -> &'static str {
    if args.kind == Kind::Opener { "opener" } else { "lock" }
}

/// A bridge says where it is and what opens it, and then only answers.
async fn await_questions(bridge: Option<&Bridge>, args: &SimulateArgs, nuki_id: u32) -> Result<()> {
    let (Some(bridge), Some(at)) = (bridge, args.bridge) else {
        return pending().await;
    };
    let seen = bridge.wait_for(|seen| seen.address.is_some() || seen.trouble.is_some()).await;
    if let Some(why) = seen.trouble {
        let words = format!("cannot listen on {at}: {why}. --bridge names another address");
        return Err(CommandError::new(Exit::Refused, words));
    }
    let at = seen.address.unwrap_or(at);
    tell(&format!(
        "a Nuki Bridge with {} {nuki_id:X} waits to be asked; stop with Ctrl-C\n\n  Address  {at}\n  Token    {TOKEN}\n",
        noun(args)
    ));
    bridge.wait_for(|seen| seen.requests > seen.unauthorized).await;
    tell("the bridge was asked for the first time");
    pending().await
}

/// What keeps a connection to a broker.
enum Line<'a> {
    Lock(&'a Lock),
    Hub(&'a Hub),
}

/// How a connection stands: whether it is there, what was in its way, and why it is not let in.
type Standing = (bool, Option<String>, Option<&'static str>);

impl Line<'_> {
    /// Returns once it stands otherwise.
    async fn changes(&self, from: &Standing) -> Standing {
        let is_news = |now: &Standing| {
            let (connected, trouble, refused) = now;
            refused.is_some() || *connected != from.0 || *trouble != from.1 && !connected
        };
        match self {
            Self::Lock(lock) => of_lock(&lock.wait_for(|seen| is_news(&of_lock(seen))).await),
            Self::Hub(hub) => of_hub(&hub.wait_for(|seen| is_news(&of_hub(seen))).await),
        }
    }
}

fn of_lock(seen: &Seen) -> Standing {
    (seen.connected, seen.trouble.clone(), seen.refused)
}

fn of_hub(seen: &HubSeen) -> Standing {
    (seen.connected, seen.trouble.clone(), seen.refused)
}

/// Tells when it is connected, and when it is not and why. Returns why, if it is not let in: trying again would not help.
/// Where several connect, each line begins with who it is about.
async fn follow_line(line: &Line<'_>, who: &str) -> &'static str {
    let tell = |words: &str| {
        if who.is_empty() { tell(words) } else { tell(&format!("{who}: {words}")) }
    };
    let mut standing = (false, None, None);
    loop {
        standing = line.changes(&standing).await;
        match &standing {
            (_, _, Some(refused)) => return refused,
            (true, ..) => tell("connected"),
            (false, Some(why), _) => tell(&format!("not connected: {why}; it tries again")),
            (false, None, _) => tell("not connected: out of reach for a while"),
        }
    }
}

fn parse_broker(text: &str) -> Result<Broker> {
    let (host, port) = text
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host.trim_matches(['[', ']']), port.parse().ok()?)))
        .ok_or_else(|| CommandError::new(Exit::Invalid, "broker: HOST:PORT, for example 127.0.0.1:1883"))?;
    Ok(Broker { host: host.to_owned(), port })
}
