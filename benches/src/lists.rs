//! The list of devices of a large account: answered by the app itself, and as a page of the server with its live stream.

use std::time::{Duration, Instant};

use anyhow::Result;
use lockwarden_app::App;
use lockwarden_app::actor::Actor;
use lockwarden_app::bus::Bus;
use lockwarden_app::clock::Clock;
use lockwarden_app::db::Db;
use lockwarden_app::devices::list::{Filter, ListOrder, ListQuery, Place, Wrong};
use lockwarden_app::devices::{Connector, Delivery, Intake, Kind, LockState, Observation, Report};
use lockwarden_app::ids::{AccountId, DeviceId};
use lockwarden_app::rng::Chance;

use crate::figures::{print, times};

/// Devices beside those that have logins, in 2,000 groups below 20 sites. Every tenth was connected once.
const OTHERS: &[&str] = &[
    "insert into device_groups (id, account_id, parent_id, name, created_at, updated_at) \
     with recursive n (i) as (select 1 union all select i + 1 from n where i < 2020) \
     select i, $1, case when i > 20 then 1 + i % 20 end, case when i > 20 then 'House ' else 'Site ' end || i, 0, 0 from n",
    "insert into devices (id, account_id, connector, name, nuki_id, device_type, group_id, added_at, updated_at) \
     with recursive n (i) as (select 1 union all select i + 1 from n where i < $2) \
     select 9000000000000 + i, $1, 'nuki-mqtt', 'Flat ' || (i % 97) || ', Hafenstraße ' || i, 268435456 + i, 4, \
     21 + i % 2000, i, i from n",
    "insert into device_states (device_id, online, online_changed_at, said_at, state, state_said_at, state_changed_at, \
     battery_percent) select id, false, 5, 5, 1, 6, 6, 20 + id % 80 from devices \
     where not exists (select 1 from device_states s where s.device_id = devices.id)",
];

/// Gives the account these devices more, which are away.
pub(crate) async fn add_others(db: &Db, account: AccountId, devices: usize) -> Result<()> {
    let mut tx = db.write().await?;
    let mut texts = OTHERS.iter();
    if let Some(groups) = texts.next() {
        tx.query(groups).bind(account).run().await?;
    }
    if let Some(rows) = texts.next() {
        tx.query(rows).bind(account).bind(i64::try_from(devices)?).run().await?;
    }
    for states in texts {
        tx.query(states).run().await?;
    }
    tx.commit().await?;
    Ok(())
}

/// First pages, searches and numbers of an account with this many devices, a tenth of them connected.
pub(crate) async fn lists(url: Option<String>, devices: usize) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let url = url.unwrap_or_else(|| format!("sqlite:{}", dir.path().join("lockwarden.db").display()));
    let db = Db::open(&url).await?;
    let app = App::new(db, Clock::System, Chance::system(), Bus::default());
    let new = lockwarden_app::accounts::NewAccount {
        email: crate::world::EMAIL,
        name: "Bench",
        password: crate::world::PASSWORD,
        time_zone: "UTC",
    };
    let actor = Actor::operator(app.create_account(new).await?);
    add_others(app.db(), actor.account, devices).await?;
    connect_a_tenth(&app, devices).await?;
    let begun = Instant::now();
    app.make_rosters().await?;
    print(&format!("list of {devices} devices: made in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3));
    let filter = |words: &str| Filter { words: words.to_owned(), ..Filter::default() };
    let query = |filter, order, by_group| ListQuery { filter, order, by_group, ..ListQuery::default() };
    let usual = Filter::default();
    for (what, asked) in [
        ("first page", query(usual.clone(), ListOrder::Favourites, false)),
        ("first page by group", query(usual.clone(), ListOrder::Favourites, true)),
        ("problems first", query(usual.clone(), ListOrder::Problems, false)),
        ("last activity", query(usual.clone(), ListOrder::Activity, false)),
        ("search for one letter", query(filter("a"), ListOrder::Favourites, false)),
        ("search for one device", query(filter("hafenstrasse 77123"), ListOrder::Favourites, false)),
        ("search for nothing", query(filter("xyzzy qwert"), ListOrder::Favourites, false)),
        (
            "online, unlocked",
            query(Filter { kind: Some(Kind::Unlocked), ..usual.clone() }, ListOrder::Name, false),
        ),
        (
            "any problem",
            query(Filter { wrong: Some(Wrong::Anything), ..usual.clone() }, ListOrder::Name, false),
        ),
        (
            "in no group",
            query(Filter { place: Some(Place::InNoGroup), ..usual.clone() }, ListOrder::Name, false),
        ),
    ] {
        let mut taken = Vec::new();
        let mut found = 0;
        for _ in 0..50 {
            let begun = Instant::now();
            let page = app.list_page(&actor, &asked).await?;
            app.list_some_devices(&actor, &page.devices).await?;
            app.list_last_commands_of(&actor, &page.devices).await?;
            taken.push(begun.elapsed());
            found = page.total;
        }
        print(&format!("  {what} ({found} match): {}", times(taken)));
    }
    print(&format!("  a change and the page after it: {}", times(changes(&app, &actor).await?)));
    Ok(())
}

fn report(device: DeviceId, app: &App, seen: Observation) -> Intake {
    Intake::Reported(Report {
        device,
        by: Connector::NukiMqtt,
        received_at: app.now(),
        delivery: Delivery::AtMostOnce,
        seen,
    })
}

async fn connect_a_tenth(app: &App, devices: usize) -> Result<()> {
    let ids: Vec<DeviceId> =
        (1..=i64::try_from(devices)?).step_by(10).map(|id| DeviceId(9_000_000_000_000 + id)).collect();
    for some in ids.chunks(64) {
        let mut batch = Vec::new();
        for (place, id) in some.iter().enumerate() {
            let state = if place % 5 == 0 { LockState::Unlocked } else { LockState::Locked };
            for seen in
                [Observation::Link { up: true }, Observation::Listens(true), Observation::State(state)]
            {
                batch.push(report(*id, app, seen));
            }
        }
        app.record(&batch).await?;
    }
    Ok(())
}

/// One lock changes, and the first page with its numbers is read.
async fn changes(app: &App, actor: &Actor) -> Result<Vec<Duration>> {
    let mut taken = Vec::new();
    for round in 0..100 {
        let state = if round % 2 == 0 { LockState::Unlocked } else { LockState::Locked };
        app.record(&[report(DeviceId(9_000_000_000_001), app, Observation::State(state))]).await?;
        let begun = Instant::now();
        app.list_page(actor, &ListQuery::default()).await?;
        taken.push(begun.elapsed());
    }
    Ok(taken)
}
