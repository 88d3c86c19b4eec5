//! What of a demo's place is not reached by the lock's own MQTT: an opener behind a hub, which is another way to the front
//! door as well, and an old lock and a Smart Door behind a bridge.

use lockwarden_app::App;
use lockwarden_app::actor::Actor;
use lockwarden_app::bridges::NewBridge;
use lockwarden_app::devices::{Connector, Device, DeviceType, SortBy};
use lockwarden_app::ids::DeviceId;
use lockwarden_gateway::check_bridge;
use lockwarden_simulator::{BridgeSpec, Fleet, HubSpec, Life, LockSpec, Model, OpenerSpec, Site};

use crate::commands::admin::tell;
use crate::exit::{CommandError, Result};

/// From as many devices on, the last ones are reached in other ways.
pub(super) const FROM: u32 = 6;
/// How many these are.
pub(super) const OTHERS: u32 = 3;

const OPENER: u32 = 0x3F00_00B1;
const OLD_LOCK: u32 = 0x1C00_00C1;
const SMART_DOOR: u32 = 0x5D00_00D1;
const BRIDGE: u32 = 0x7F00_0001;
const TOKEN: &str = "demo-bridge";
const FORM: &str = "encrypted";
/// Of the front door's keypad, and whose they are: the hub lists them, so there people are told by name.
const CODES: [(u32, &str); 4] =
    [(314_159, "Neighbour"), (271_828, "Cleaner"), (577_215, "Guest"), (693_147, "Grandma")];

/// Adds a hub at the front door, and what is behind it and behind a bridge.
pub(super) async fn add(
    app: &App,
    actor: &Actor,
    (front, front_id): (DeviceId, u32),
    locks: Vec<LockSpec>,
) -> Result<Site> {
    let login = app.add_way(actor, front, Connector::NukiHub).await?;
    let hub = HubSpec { opener: Some(OPENER), ..HubSpec::new("nukihub", front_id).with_everything() };
    let lively = |spec: LockSpec| LockSpec { life: Life::Lively, ..spec };
    let old = lively(LockSpec::of(Model::SmartLock2, OLD_LOCK, "Bicycle cellar"));
    let door = lively(LockSpec::of(Model::SmartDoor, SMART_DOOR, "Shop entrance"));
    let mut locks = locks;
    for lock in locks.iter_mut().filter(|lock| lock.nuki_id == front_id && lock.keypad) {
        lock.codes = CODES.map(|(code, name)| (code, name.to_owned())).to_vec();
    }
    locks.extend([old, door]);
    Ok(Site {
        locks,
        openers: vec![OpenerSpec::new(OPENER, "Street door")],
        hubs: vec![hub.with_login(&login.username, &login.password)],
        bridges: vec![BridgeSpec::new(BRIDGE, TOKEN, vec![OLD_LOCK, SMART_DOOR])],
    })
}

/// Adds the bridge once it can be asked, and waits until it, the hub and so many devices in all are there.
pub(super) async fn await_all(app: &App, actor: &Actor, fleet: &Fleet, devices: u32) -> Result<()> {
    let Some(bridge) = fleet.bridges().first() else {
        return Ok(());
    };
    let address = bridge.address().await.map(|address| address.to_string()).unwrap_or_default();
    let listed = check_bridge(app.clock(), app.chance(), (&address, TOKEN, FORM)).await;
    let listed = listed.map_err(|why| CommandError::failed("the simulated bridge does not answer", why))?;
    let new = NewBridge { address: &address, token: TOKEN, token_form: FORM, listed: &listed };
    app.add_bridge(actor, new).await?;
    for _ in 0..60 {
        let mut there = app.list_devices(actor, SortBy::Name).await?;
        there.retain(|device| {
            // A lock with a network of its own may be away again by now.
            let here = device.link.online || device.connector == Connector::NukiMqtt;
            here && device.nuki_id.is_some() && device.kind.is_some()
        });
        let others = there.iter().filter(|device| device.connector != Connector::NukiMqtt).count();
        let is_complete = u32::try_from(there.len()).is_ok_and(|there| there >= devices);
        if is_complete && u32::try_from(others).is_ok_and(|others| others >= OTHERS) {
            return settle(app, actor, &there).await;
        }
        app.clock().wait(std::time::Duration::from_millis(500)).await;
    }
    tell("not every device is there yet; those that are missing will appear by themselves");
    Ok(())
}

/// What came by itself gets a place, and the opener a name: a hub tells none.
async fn settle(app: &App, actor: &Actor, devices: &[Device]) -> Result<()> {
    let group = devices.iter().find_map(|device| device.group);
    for device in devices.iter().filter(|device| device.group.is_none()) {
        app.set_group(actor, device.id, group).await?;
        if device.kind == Some(DeviceType::Opener) {
            app.rename_device(actor, device.id, "Street door").await?;
        }
    }
    Ok(())
}
