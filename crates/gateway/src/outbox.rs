//! From the table of commands to the wire. A wake-up carries nothing; what is due is read from the table, taken (which
//! marks it sent), and written to one live connection, at once or not at all.

use std::sync::Arc;
use std::time::Duration;

use lockwarden_app::commands::Taken;
use lockwarden_app::devices::Connector;
use lockwarden_app::ids::CommandId;
use tokio_util::sync::CancellationToken;

use crate::bridges;
use crate::door::Door;
use crate::realm::NotSent;
use crate::socket::SHORTEST_DELIVERY;

/// The table is looked at this often even if nobody says that there is something: a wake-up can be lost.
const LOOK: Duration = Duration::from_secs(1);

/// Sends what is due until stopped. Errors of the database are logged and tried again; nothing is lost, because
/// nothing leaves the table.
pub(crate) async fn run(door: Arc<Door>, stop: CancellationToken) {
    loop {
        let next = round(&door).await.unwrap_or_else(|error| {
            tracing::error!(%error, "commands could not be read; they are tried again until their deadline");
            None
        });
        // A moment past its end, so that it is over when it is looked at.
        let end = next.map_or(LOOK, |at| at.plus(Duration::from_millis(1)).since(door.app.now()));
        let waited = stop
            .run_until_cancelled(async {
                tokio::select! {
                    () = door.app.bus().commands_waiting() => {}
                    () = door.app.clock().wait(end.min(LOOK)) => {}
                }
            })
            .await;
        if waited.is_none() {
            return;
        }
    }
}

async fn round(door: &Arc<Door>) -> lockwarden_app::Result<Option<lockwarden_app::clock::Time>> {
    let now = door.app.clock().steady();
    for (id, device) in door.app.due_commands().await? {
        // It waits in its table until it can be heard, or its time is over.
        if door.realm.is_settling(device, now) {
            continue;
        }
        send(door, id).await?;
    }
    door.app.settle_commands().await
}

async fn send(door: &Arc<Door>, id: CommandId) -> lockwarden_app::Result<()> {
    let Some(taken) = door.app.take_command(id).await? else {
        return Ok(());
    };
    if taken.by == Connector::NukiBridge {
        // A bridge answers when the lock is done; others are not kept waiting for it.
        door.connections.spawn(bridges::act(Arc::clone(door), taken));
        return Ok(());
    }
    if let Err(not_sent) = put_on_the_wire(door, &taken) {
        door.app.command_not_sent(&taken, not_sent.words()).await?;
    }
    Ok(())
}

fn put_on_the_wire(door: &Door, taken: &Taken) -> Result<(), NotSent> {
    let now = door.app.clock().steady();
    if taken.until.since(now) < SHORTEST_DELIVERY {
        return Err(NotSent::TooLate);
    }
    let handle = door.realm.listener(taken.device, taken.by)?;
    handle.command(taken.device, taken.action, taken.until)?;
    tracing::info!(command.id = %taken.id, device.id = %taken.device, action = taken.action.code(), "command sent");
    Ok(())
}
