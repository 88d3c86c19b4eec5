//! `lockwarden simulate`: one virtual lock against any broker, with a login that `device add` or the page "Add device"
//! made.

use lockwarden_simulator::{Broker, Fleet, Life, LockSpec, Options, Seen};

use crate::cli::SimulateArgs;
use crate::commands::admin::tell;
use crate::exit::{CommandError, Exit, Result};
use crate::home::read_password;
use crate::server::asked_to_stop;

pub async fn simulate(args: SimulateArgs) -> Result<()> {
    let broker = parse_broker(&args.broker)?;
    let nuki_id = u32::from_str_radix(args.nuki_id.trim_start_matches("0x"), 16)
        .map_err(|_| CommandError::new(Exit::Invalid, "nuki-id: up to 8 hexadecimal digits"))?;
    if !(1.0..=1_000.0).contains(&args.speed) {
        return Err(CommandError::new(Exit::Invalid, "speed: 1 to 1000"));
    }
    let mut spec = LockSpec::new(nuki_id, &args.name);
    // So that whoever adds it sees what was found.
    spec.auto_discovery = true;
    if let Some(username) = &args.username {
        let password = if args.password_stdin { read_password()? } else { String::new() };
        spec = spec.with_login(username, &password);
    }
    if args.quiet {
        (spec.door_sensor, spec.keypad) = (false, false);
    } else {
        spec.life = Life::Lively;
    }
    let options = Options { seed: args.seed, time_scale: 1.0 / args.speed, ..Options::default() };
    let fleet = Fleet::start(&broker, vec![spec], &options);
    tell(&format!("connecting to {} as lock {nuki_id:X}; stop with Ctrl-C", args.broker));
    let refused = tokio::select! {
        refused = follow(&fleet) => refused,
        () = asked_to_stop() => None,
    };
    fleet.stop().await;
    match refused {
        Some(why) if args.username.is_none() => {
            let words = format!(
                "the broker does not let it in: {why}; name a login with --username and --password-stdin"
            );
            Err(CommandError::new(Exit::Refused, words))
        }
        Some(why) => {
            // A lock that speaks for another's Nuki ID is turned away like one with a wrong login.
            let words = format!(
                "the broker does not let it in: {why}. If another lock is lock {nuki_id:X} already, be another with --nuki-id"
            );
            Err(CommandError::new(Exit::Refused, words))
        }
        None => Ok(()),
    }
}

/// Tells when the lock is connected, and when it is not and why. Returns why, if it is not let in: trying again would not
/// help.
async fn follow(fleet: &Fleet) -> Option<&'static str> {
    let lock = fleet.locks().first()?;
    let (mut connected, mut trouble) = (false, None);
    loop {
        let news = |seen: &Seen| {
            seen.refused.is_some()
                || seen.connected != connected
                || seen.trouble != trouble && !seen.connected
        };
        let seen = lock.wait_for(news).await;
        if seen.refused.is_some() {
            return seen.refused;
        }
        match &seen.trouble {
            _ if seen.connected => tell("connected"),
            Some(why) => tell(&format!("not connected: {why}; it tries again")),
            None => tell("not connected: the lock is out of reach for a while"),
        }
        (connected, trouble) = (seen.connected, seen.trouble);
    }
}

fn parse_broker(text: &str) -> Result<Broker> {
    let (host, port) = text
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host.trim_matches(['[', ']']), port.parse().ok()?)))
        .ok_or_else(|| CommandError::new(Exit::Invalid, "broker: HOST:PORT, for example 127.0.0.1:1883"))?;
    Ok(Broker { host: host.to_owned(), port })
}
