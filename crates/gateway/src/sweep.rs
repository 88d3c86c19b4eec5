//! One task looks after every deadline, once a second: silence, stuck writes, locks that never listen, refusals to be
//! written down, and logins that ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lockwarden_app::bus::Event;
use lockwarden_app::clock::Steady;
use lockwarden_app::devices::Connector;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::codec::WINDOW;
use crate::door::Door;
use crate::nuki_hub;
use crate::realm::{Ending, Handle};

const PERIOD: Duration = Duration::from_secs(1);
/// The other side took nothing for this long.
const STUCK_MS: i64 = 15_000;
/// A lock subscribes right after it connects; one that has not by then will not (MQTT API 1.4, control topics).
const DEAF_MS: i64 = 5_000;

pub(crate) async fn run(door: Arc<Door>, stop: CancellationToken) {
    let rounds = async {
        loop {
            door.app.clock().wait(PERIOD).await;
            sweep(&door);
            tell(&door).await;
        }
    };
    stop.run_until_cancelled(rounds).await;
    tell(&door).await;
}

/// What is only counted and noted in between.
async fn tell(door: &Door) {
    door.refusals.tell(&door.app).await;
    door.strangers.tell(&door.app).await;
}

fn sweep(door: &Door) {
    let (now, steady) = (door.app.now(), door.app.clock().steady().0);
    for handle in door.realm.all() {
        // Whoever is not read now cannot be blamed for silence.
        let is_read = !handle.is_parked.load(Ordering::Relaxed) && handle.out().uncommitted < WINDOW;
        if !is_read {
            handle.heard_at.store(steady, Ordering::Relaxed);
        }
        if steady - handle.heard_at.load(Ordering::Relaxed) > handle.patience_ms {
            handle.end(Ending::Silent);
        }
        let stuck = handle.stuck_since.load(Ordering::Relaxed);
        if stuck != 0 && steady - stuck > STUCK_MS {
            handle.end(Ending::Silent);
        }
        let deaf = handle.deaf_since.load(Ordering::Relaxed);
        if deaf != 0 && steady - deaf > DEAF_MS {
            handle.deaf_since.store(0, Ordering::Relaxed);
            // Another of its connections may listen.
            door.realm.tell_listening(&handle, &door.committer, now);
        }
        ask_hub(&handle, door.app.clock().steady());
    }
    door.committer.nudge();
}

/// A hub that reconnects does not say again how things stand, and hears nothing in its first moments: it is asked then.
fn ask_hub(handle: &Handle, now: Steady) {
    let is_hub = handle.connector == Connector::NukiHub;
    if is_hub && now.since(handle.since) > nuki_hub::SETTLED && !handle.is_asked.swap(true, Ordering::Relaxed)
    {
        nuki_hub::ask(handle);
    }
}

/// Closes what a changed or revoked login left open.
pub(crate) async fn watch_logins(door: Arc<Door>, stop: CancellationToken) {
    let mut events = door.app.bus().subscribe();
    let watching = async {
        loop {
            match events.recv().await {
                Ok(Event::LoginChanged { device, .. }) => check(&door, door.realm.of_device(device)).await,
                Ok(Event::DataReplaced) => {
                    for handle in door.realm.all() {
                        handle.end(Ending::LoginEnded);
                    }
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => check(&door, door.realm.all()).await,
                Err(RecvError::Closed) => return,
            }
        }
    };
    stop.run_until_cancelled(watching).await;
}

async fn check(door: &Door, handles: Vec<Arc<Handle>>) {
    for handle in handles {
        // When in doubt, out: the lock comes back at once if it still may.
        if !door.app.login_stands(handle.login, handle.devices()).await.unwrap_or(false) {
            handle.end(Ending::LoginEnded);
        }
    }
}
