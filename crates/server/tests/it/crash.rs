//! `kill -9` at random moments under load: every acknowledged event is in the log exactly once, and no command reaches a
//! lock twice or after its deadline. Short here; `LONG=1` gives the evidence of `docs/reliability.md`.

mod alike;
mod commands;
mod disk;
mod events;
mod power;
mod start;
mod stop;
mod ways;

use std::sync::Arc;
use std::time::Duration;

use lockwarden_app::db::Db;
use lockwarden_simulator::{Fleet, LockSpec, Options};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::crash::commands::{ACTIONS, Arrivals, Orders, operate};
use crate::crash::events::{Ledger, Publisher, acknowledged};
use crate::kit::{Site, within};

const PUBLISHERS: u32 = 6;
const LOCKS: u32 = 3;

/// How much is enough.
#[derive(Clone, Copy)]
struct Goal {
    kills: u64,
    events: u64,
}

impl Goal {
    fn chosen() -> Self {
        if is_long() {
            Self { kills: number("KILLS").unwrap_or(1_000), events: number("EVENTS").unwrap_or(1_000_000) }
        } else {
            Self { kills: 6, events: 1 }
        }
    }
}

pub(crate) async fn pause(milliseconds: u64) {
    let _ = tokio::time::timeout(Duration::from_millis(milliseconds), std::future::pending::<()>()).await;
}

fn is_long() -> bool {
    std::env::var("LONG").is_ok_and(|long| long == "1")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|number| number.parse().ok())
}

fn chance() -> StdRng {
    StdRng::seed_from_u64(number("SEED").unwrap_or(7))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_and_no_command_repeats_however_often_it_is_killed() {
    let (goal, mut rng, mut site) = (Goal::chosen(), chance(), Site::serving().await);
    let (ledger, orders, stop) =
        (Arc::new(Ledger::default()), Arc::new(Orders::default()), CancellationToken::new());
    let mut load = JoinSet::new();
    for number in 0..PUBLISHERS {
        let publisher =
            Publisher::new(&site.lock(&format!("Publisher {number}"), 0xB000 + number), site.mqtt);
        load.spawn(publisher.run(Arc::clone(&ledger), stop.clone()));
    }
    let specs: Vec<LockSpec> =
        (0..LOCKS).map(|number| site.lock(&format!("Lock {number}"), 0xC000 + number)).collect();
    let nuki_ids: Vec<u32> = specs.iter().map(|spec| spec.nuki_id).collect();
    let mut arrivals = Arrivals::new();
    let fleet = Fleet::start(&site.broker(), specs, &Options { time_scale: 0.002, ..Options::default() });
    let token = site.token();
    for nuki_id in nuki_ids {
        let login = (site.http, token.clone());
        load.spawn(operate(login, (4, nuki_id), ACTIONS, Arc::clone(&orders), stop.clone()));
    }

    // On a machine that is busy, the first lives could be too short for any command.
    within(60, fleet.locks()[0].wait_for(|seen| seen.received > 0)).await;
    let mut kills = 0;
    while kills < goal.kills || acknowledged(&ledger) < goal.events {
        pause(rng.random_range(50..700)).await;
        site.kill();
        kills += 1;
        arrivals.look(&fleet);
        site.serve().await;
    }
    pause(500).await;
    stop.cancel();
    within(120, async { while load.join_next().await.is_some() {} }).await;
    site.kill();
    arrivals.look(&fleet);
    fleet.stop().await;

    let db = Db::open(&site.database.url).await.unwrap();
    let mut tx = db.read().await.unwrap();
    events::check(&mut tx, &ledger).await;
    let lost = commands::check(&mut tx, &arrivals, &orders).await;
    assert!(arrivals.count() > 0, "no command arrived");
    // A kill can catch one command of each lock between the table and the wire.
    assert!(lost as u64 <= (kills + 1) * u64::from(LOCKS), "{lost} commands were sent and never arrived");
    eprintln!(
        "{kills} kills, {} acknowledged events, {} commands at the locks, {lost} lost on the way",
        acknowledged(&ledger),
        arrivals.count()
    );
}
