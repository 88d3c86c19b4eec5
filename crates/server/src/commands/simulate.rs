//! `lockwarden simulate`: one virtual lock, reached as a real one would be. By its own MQTT or behind a Nuki Hub it connects
//! to a broker, with a login that `device add` or the page "Add device" made; a Nuki Bridge waits to be asked.

use std::net::SocketAddr;

use lockwarden_simulator::{
    Bridge, BridgeSpec, Broker, Fleet, Hub, HubSeen, HubSpec, Life, Lock, LockSpec, Options, Seen, Site,
};

use crate::cli::SimulateArgs;
use crate::commands::admin::tell;
use crate::exit::{CommandError, Exit, Result};
use crate::home::read_password;
use crate::server::asked_to_stop;

/// Devices of different ways are different devices, unless somebody says that they are one.
const NUKI_ID: u32 = 0x51A0_0001;
const BEHIND_A_HUB: u32 = 0x51A0_0002;
const BEHIND_A_BRIDGE: u32 = 0x51A0_0003;

const HARDWARE_ID: u32 = 0x51A0_00B1;
/// A real bridge's owner reads it in the app; this one's on the terminal.
const TOKEN: &str = "simulated";

pub async fn simulate(args: SimulateArgs) -> Result<()> {
    let broker = parse_broker(&args.broker)?;
    let lock = lock(&args)?;
    let nuki_id = lock.nuki_id;
    let site = site(&args, lock)?;
    let options = Options { seed: args.seed, time_scale: 1.0 / args.speed, ..Options::default() };
    let fleet = Fleet::open(&broker, site, &options);
    let ended = tokio::select! {
        ended = follow(&fleet, &args, nuki_id) => ended,
        () = asked_to_stop() => Ok(()),
    };
    fleet.stop().await;
    ended
}

fn lock(args: &SimulateArgs) -> Result<LockSpec> {
    let nuki_id = match &args.nuki_id {
        Some(text) => u32::from_str_radix(text.trim_start_matches("0x"), 16)
            .map_err(|_| CommandError::new(Exit::Invalid, "nuki-id: up to 8 hexadecimal digits"))?,
        None if args.hub => BEHIND_A_HUB,
        None if args.bridge.is_some() => BEHIND_A_BRIDGE,
        None => NUKI_ID,
    };
    if !(1.0..=1_000.0).contains(&args.speed) {
        return Err(CommandError::new(Exit::Invalid, "speed: 1 to 1000"));
    }
    let mut spec = LockSpec::new(nuki_id, &args.name);
    // So that whoever adds it sees what was found.
    spec.auto_discovery = true;
    spec.official = !args.hub && args.bridge.is_none();
    if args.quiet {
        (spec.door_sensor, spec.keypad) = (false, false);
    } else {
        spec.life = Life::Lively;
    }
    Ok(spec)
}

/// The lock with what speaks for it.
fn site(args: &SimulateArgs, lock: LockSpec) -> Result<Site> {
    let nuki_id = lock.nuki_id;
    if let Some(at) = args.bridge {
        let bridge = BridgeSpec::new(HARDWARE_ID, TOKEN, vec![nuki_id]);
        let bridge = BridgeSpec { address: at.ip(), port: at.port(), ..bridge };
        return Ok(Site { locks: vec![lock], bridges: vec![bridge], ..Site::default() });
    }
    let username = args.username.as_deref().unwrap_or_default();
    let password = if args.password_stdin { read_password()? } else { String::new() };
    if args.hub {
        let home_assistant = Some("homeassistant".to_owned());
        let hub =
            HubSpec { base: args.base_path.clone(), home_assistant, ..HubSpec::new("nukihub", nuki_id) };
        let hub = hub.with_everything().with_login(username, &password);
        return Ok(Site { locks: vec![lock], hubs: vec![hub], ..Site::default() });
    }
    Ok(Site { locks: vec![lock.with_login(username, &password)], ..Site::default() })
}

/// Tells how it goes. Returns only when going on would not help.
async fn follow(fleet: &Fleet, args: &SimulateArgs, nuki_id: u32) -> Result<()> {
    if let (Some(bridge), Some(at)) = (fleet.bridges().first(), args.bridge) {
        return await_questions(bridge, at, nuki_id).await;
    }
    let (who, refused) = if let Some(hub) = fleet.hubs().first() {
        tell(&format!("connecting to {} as a Nuki Hub with lock {nuki_id:X}; stop with Ctrl-C", args.broker));
        ("the hub", follow_line(&Line::Hub(hub)).await)
    } else if let Some(lock) = fleet.locks().first() {
        tell(&format!("connecting to {} as lock {nuki_id:X}; stop with Ctrl-C", args.broker));
        ("the lock", follow_line(&Line::Lock(lock)).await)
    } else {
        return Ok(());
    };
    let words = if args.username.is_none() {
        format!(
            "the broker does not let {who} in: {refused}; name a login with --username and --password-stdin"
        )
    } else if args.hub {
        format!("the broker does not let {who} in: {refused}")
    } else {
        // A lock that speaks for another's Nuki ID is turned away like one with a wrong login.
        format!(
            "the broker does not let {who} in: {refused}. If another lock is lock {nuki_id:X} already, be another with \
             --nuki-id"
        )
    };
    Err(CommandError::new(Exit::Refused, words))
}

/// A bridge says where it is and what opens it, and then only answers.
async fn await_questions(bridge: &Bridge, at: SocketAddr, nuki_id: u32) -> Result<()> {
    let seen = bridge.wait_for(|seen| seen.address.is_some() || seen.trouble.is_some()).await;
    if let Some(why) = seen.trouble {
        let words = format!("cannot listen on {at}: {why}. --bridge names another address");
        return Err(CommandError::new(Exit::Refused, words));
    }
    let at = seen.address.unwrap_or(at);
    tell(&format!(
        "a Nuki Bridge with lock {nuki_id:X} waits to be asked; stop with Ctrl-C\n\n  Address  {at}\n  Token    {TOKEN}\n"
    ));
    bridge.wait_for(|seen| seen.requests > seen.unauthorized).await;
    tell("asked for the first time");
    std::future::pending().await
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
async fn follow_line(line: &Line<'_>) -> &'static str {
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
