//! Devices from the command line, whether or not the server runs. What scripts read is one JSON object a line.

use std::net::SocketAddr;

use lockwarden_app::actor::Actor;
use lockwarden_app::bridges::{Bridge, BridgeAddress, NewBridge};
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{Connector, Device, NewDevice, SortBy};
use lockwarden_app::ids::{BridgeId, DeviceId};
use lockwarden_app::logins::Credentials;
use lockwarden_app::ways::{Connection, Move};
use lockwarden_app::{App, Error};
use lockwarden_gateway::{authorise_at_bridge, check_bridge};
use serde_json::{Value, json};

use super::admin::{actor_of, print_line, tell};
use crate::cli::{DataDir, DeviceCommand};
use crate::exit::{CommandError, Exit, Result};
use crate::home::{close, host_for_locks, open_beside, running, settings_of};
use crate::settings::Settings;

pub async fn device(command: DeviceCommand) -> Result<()> {
    match command {
        DeviceCommand::Add { at, email, connector, name, base_path, bridge, token, token_form } => {
            let connector = connector_of(&connector)?;
            check_base_path(connector, base_path.as_deref())?;
            match (connector, bridge) {
                (Connector::NukiBridge, Some(_)) if name.is_some() => {
                    Err(invalid("name: a bridge tells the names of its devices"))
                }
                (Connector::NukiBridge, Some(bridge)) => {
                    add_bridge(&at, &email, &bridge, (token, &token_form)).await
                }
                (Connector::NukiBridge, None) => Err(invalid("bridge: say where it is, with --bridge URL")),
                (_, Some(_)) => Err(invalid("bridge: only for --connector nuki-bridge")),
                (_, None) => {
                    let name = name.unwrap_or_default();
                    add(&at, &email, (connector, &name, base_path.as_deref())).await
                }
            }
        }
        DeviceCommand::List { at, email } => {
            let desk = Desk::open(&at, &email).await?;
            for device in desk.app.list_devices(&desk.actor, SortBy::Name).await? {
                print_line(&brief(&device).to_string())?;
            }
            desk.close().await
        }
        DeviceCommand::Show { at, email, id } => show(&at, &email, id).await,
        DeviceCommand::Remove { at, email, id } => remove(&at, &email, id).await,
        DeviceCommand::Move { at, email, id, to, keep, base_path } => {
            let connector = connector_of(&to)?;
            check_base_path(connector, base_path.as_deref())?;
            let desk = Desk::open(&at, &email).await?;
            let device = desk.app.load_device(&desk.actor, DeviceId(id)).await?;
            let to = Move { to: connector, keep, base_path: base_path.as_deref() };
            let moved = desk.app.move_device(&desk.actor, device.id, to).await?;
            let told = match moved {
                Some(login) => desk.to_type(device.id, (&device.name, connector), &login),
                None => brief(&desk.app.load_device(&desk.actor, device.id).await?),
            };
            print_line(&told.to_string())?;
            desk.close().await
        }
    }
}

async fn show(at: &DataDir, email: &str, id: i64) -> Result<()> {
    let desk = Desk::open(at, email).await?;
    let told = match desk.find(id).await? {
        Found::Device(device) => whole(&device, &desk.app.load_connection(&desk.actor, device.id).await?),
        Found::Bridge(bridge) => desk.of_bridge(&bridge).await?,
    };
    print_line(&told.to_string())?;
    desk.close().await
}

async fn remove(at: &DataDir, email: &str, id: i64) -> Result<()> {
    let desk = Desk::open(at, email).await?;
    match desk.find(id).await? {
        Found::Device(device) => {
            desk.app.remove_device(&desk.actor, device.id).await?;
            tell(&format!("{} is removed; its log stays", device.name));
        }
        Found::Bridge(bridge) => {
            desk.app.remove_bridge(&desk.actor, bridge.id).await?;
            tell(&format!("the bridge {} is removed; its devices stay, with their log", bridge.address));
        }
    }
    desk.close().await
}

/// What an id stands for.
enum Found {
    Device(Box<Device>),
    Bridge(Box<Bridge>),
}

/// Whose devices, and where.
struct Desk {
    app: App,
    actor: Actor,
    settings: Settings,
    mqtt: SocketAddr,
}

impl Desk {
    async fn open(at: &DataDir, email: &str) -> Result<Self> {
        let settings = settings_of(&at.data_dir)?;
        let app = open_beside(&settings).await?;
        let actor = actor_of(&app, email).await?;
        let mqtt = running(&at.data_dir).map_or(settings.mqtt, |running| running.mqtt);
        Ok(Self { app, actor, settings, mqtt })
    }

    /// A device, or a bridge: `add` prints the id of what it added.
    async fn find(&self, id: i64) -> Result<Found> {
        match self.app.load_device(&self.actor, DeviceId(id)).await {
            Ok(device) => Ok(Found::Device(Box::new(device))),
            Err(Error::NotFound) => {
                let mut bridges = self.app.list_bridges(&self.actor).await?.into_iter();
                let bridge = bridges.find(|bridge| bridge.id == BridgeId(id));
                bridge.map(|bridge| Found::Bridge(Box::new(bridge))).ok_or(Error::NotFound.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A bridge with the devices that it leads to.
    async fn of_bridge(&self, bridge: &Bridge) -> Result<Value> {
        let mut devices = Vec::new();
        for behind in self.app.devices_behind(bridge.id).await? {
            devices.push(brief(&self.app.load_device(&self.actor, behind.device).await?));
        }
        Ok(json!({
            "id": bridge.id,
            "connector": Connector::NukiBridge.name(),
            "bridge": bridge.address,
            "online": bridge.online,
            "since": bridge.changed_at.map(date),
            "version": bridge.version,
            "trouble": bridge.trouble,
            "callbacks": bridge.callbacks,
            "devices": devices,
        }))
    }

    async fn close(self) -> Result<()> {
        close(self.app, &self.settings).await
    }

    /// What to type into the device's own app or page.
    fn to_type(&self, id: DeviceId, (name, connector): (&str, Connector), login: &Credentials) -> Value {
        let mut told = json!({
            "id": id,
            "name": name.trim(),
            "connector": connector.name(),
            "host": host_for_locks(&self.settings, self.mqtt),
            "port": self.mqtt.port(),
            "username": login.username,
            "password": login.password,
        });
        if let (Some(path), Some(object)) = (&login.base_path, told.as_object_mut()) {
            object.insert("base_path".to_owned(), json!(path));
        }
        told
    }
}

async fn add(
    at: &DataDir,
    email: &str,
    (connector, name, base_path): (Connector, &str, Option<&str>),
) -> Result<()> {
    let desk = Desk::open(at, email).await?;
    let new = NewDevice { name: Some(name), connector, base_path };
    let (id, login) = desk.app.add_device(&desk.actor, new).await?;
    print_line(&desk.to_type(id, (name, connector), &login).to_string())?;
    desk.close().await
}

/// Tries the bridge first: a wrong address or token is told at once, and nothing is added.
async fn add_bridge(
    at: &DataDir,
    email: &str,
    bridge: &str,
    (token, form): (Option<String>, &str),
) -> Result<()> {
    let address = BridgeAddress::parse(bridge).map_err(|why| invalid(&format!("bridge: {why}")))?.to_string();
    let desk = Desk::open(at, email).await?;
    let (clock, chance) = (desk.app.clock(), desk.app.chance());
    let refused = |why: String| CommandError::new(Exit::Refused, format!("bridge: {why}"));
    let token = if let Some(token) = token {
        token
    } else {
        tell("press the button of the bridge now");
        authorise_at_bridge(clock, &address).await.map_err(refused)?
    };
    let listed = check_bridge(clock, chance, (&address, &token, form)).await.map_err(refused)?;
    let new = NewBridge { address: &address, token: &token, token_form: form, listed: &listed };
    let (id, devices) = desk.app.add_bridge(&desk.actor, new).await?;
    let mut told = Vec::new();
    for device in devices {
        told.push(brief(&desk.app.load_device(&desk.actor, device).await?));
    }
    print_line(
        &json!({ "id": id, "connector": "nuki-bridge", "bridge": address, "devices": told }).to_string(),
    )?;
    desk.close().await
}

fn check_base_path(connector: Connector, given: Option<&str>) -> Result<()> {
    if given.is_some() && connector != Connector::NukiHub {
        return Err(invalid("base-path: only a Nuki Hub has one"));
    }
    Ok(())
}

fn invalid(words: &str) -> CommandError {
    CommandError::new(Exit::Invalid, words.to_owned())
}

fn connector_of(name: &str) -> Result<Connector> {
    Connector::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Connector::ALL.iter().map(|connector| connector.name()).collect();
        CommandError::new(Exit::Invalid, format!("connector: {name} is not one of {}", known.join(", ")))
    })
}

fn brief(device: &Device) -> Value {
    json!({
        "id": device.id,
        "name": device.name,
        "smartlockId": device.smartlock_id(),
        "nukiId": device.nuki_id.map(|id| format!("{id:08X}")),
        "type": device.kind.map(lockwarden_app::devices::DeviceType::code),
        "connector": device.connector.name(),
        "online": device.link.online,
        "state": device.said.state.map(lockwarden_app::devices::LockState::code),
        "stateIsOld": device.is_stale(),
        "stateSaidAt": device.said.state_at.map(date),
    })
}

fn whole(device: &Device, connection: &Connection) -> Value {
    let ways = connection.ways.iter().map(|way| {
        json!({
            "connector": way.connector.name(),
            "online": way.online,
            "since": way.changed_at.map(date),
            "acceptsCommands": way.accepts_commands,
        })
    });
    let troubles = connection.troubles.iter().map(|seen| {
        json!({ "connector": seen.connector.name(), "trouble": seen.trouble.name(), "detail": seen.detail,
            "words": seen.trouble.words(), "since": date(seen.since) })
    });
    let facts = connection.facts.iter().map(|said| (said.fact.name().to_owned(), json!(said.value)));
    let mut told = brief(device);
    if let Some(object) = told.as_object_mut() {
        object.insert("ways".to_owned(), ways.collect());
        object.insert("troubles".to_owned(), troubles.collect());
        object.insert("facts".to_owned(), facts.collect::<serde_json::Map<_, _>>().into());
        object.insert("firmware".to_owned(), json!(device.said.firmware));
        object.insert("batteryPercent".to_owned(), json!(device.said.battery_percent));
    }
    told
}

fn date(at: Time) -> String {
    at.to_jiff().to_string()
}
