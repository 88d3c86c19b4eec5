//! What is to be set on devices, from the table to the way that can set it; and asking devices how they are. A message is
//! marked as sent before it leaves; only what the device itself says of it ends it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use lockwarden_app::bus::Event;
use lockwarden_app::devices::{Connector, DeviceType};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::settings::Due;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::door::Door;
use crate::nuki_hub::config::Side;
use crate::nuki_hub::config::encode::encode;
use crate::nuki_hub::{self, SETTLED};
use crate::realm::Handle;

/// The table is looked at this often even if nobody says that there is something.
const LOOK: Duration = Duration::from_secs(1);
/// Why a setting is given up.
const SILENT: &str = "it was sent several times, and the device never said it";

pub(crate) async fn run(door: Arc<Door>, stop: CancellationToken) {
    let mut events = door.app.bus().subscribe();
    let rounds = async {
        loop {
            round(&door).await;
            if !wait(&door, &mut events).await {
                return;
            }
        }
    };
    stop.run_until_cancelled(rounds).await;
}

/// Until something is wanted or it is time to look anyway, which is also when a hub that came has had time to settle. Most
/// events mean nothing here, and what several want is one round. False if nobody will want anything any more.
async fn wait(door: &Door, events: &mut Receiver<Event>) -> bool {
    let mut look = pin!(door.app.clock().wait(LOOK));
    let mut is_wanted = false;
    while !is_wanted || !events.is_empty() {
        tokio::select! {
            event = events.recv() => match event {
                Ok(Event::SyncAsked { device, .. }) => ask(door, device),
                Ok(Event::SettingsWanted) | Err(RecvError::Lagged(_)) => is_wanted = true,
                Err(RecvError::Closed) => return false,
                Ok(_) => {}
            },
            () = &mut look => return true,
        }
    }
    true
}

async fn round(door: &Door) {
    let mut after = None;
    loop {
        let (due, last) = match door.app.due_settings(after).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "settings could not be read; they are tried again");
                return;
            }
        };
        for due in due {
            if let Err(error) = send(door, &due).await {
                tracing::error!(%error, device.id = %due.device, "settings could not be sent; they are tried again");
            }
        }
        if last.is_none() {
            return;
        }
        after = last;
    }
}

async fn send(door: &Door, due: &Due) -> lockwarden_app::Result<()> {
    let (side, part) = match due.kind {
        DeviceType::Opener => (Side::Opener, "opener"),
        _ => (Side::Lock, "lock"),
    };
    let Some((handle, topic)) = hub_of(door, due.device, &format!("{part}/configuration/action")) else {
        return Ok(());
    };
    let encoded = encode(side, due.kind, &due.wanted);
    let cannot_be = encoded.refused.into_iter().map(|(setting, words)| (setting, words.into_owned()));
    let silent = due.silent.iter().map(|setting| (*setting, SILENT.to_owned()));
    let refused: Vec<_> = cannot_be.chain(silent).collect();
    let first = encoded.payloads.into_iter().next();
    let sent = first.as_ref().map_or(&[][..], |payload| &payload.settings);
    if sent.is_empty() && refused.is_empty() {
        return Ok(());
    }
    door.app.settings_sent(due.device, sent, &refused).await?;
    if let Some(payload) = first {
        handle.tell(&topic, &payload.text);
        tracing::info!(device.id = %due.device, settings = payload.settings.len(), "settings sent");
    }
    Ok(())
}

/// The hub of a device that listens to this topic below its base path, and can hear by now.
fn hub_of(door: &Door, device: DeviceId, below: &str) -> Option<(Arc<Handle>, Box<str>)> {
    let now = door.app.clock().steady();
    let hubs = door.realm.of_device(device).into_iter();
    let mut hubs =
        hubs.filter(|handle| handle.connector == Connector::NukiHub && now.since(handle.since) > SETTLED);
    hubs.find_map(|handle| {
        let topic = handle
            .out()
            .questions
            .iter()
            .map(|(topic, _)| topic)
            .find(|topic| topic.strip_suffix(below).is_some_and(|base| base.ends_with('/')))
            .cloned();
        topic.map(|topic| (handle, topic))
    })
}

fn ask(door: &Door, device: DeviceId) {
    for handle in door.realm.of_device(device) {
        if handle.connector == Connector::NukiHub {
            nuki_hub::ask(&handle);
        }
    }
}
