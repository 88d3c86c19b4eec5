//! Where bridges call us, and our place among the callbacks of each: taken while it is ours, given back when it is not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Bridge, EVERY};
use crate::door::Door;
use crate::nuki_bridge::call::Answer;
use crate::nuki_bridge::callback::{self, Keep, keep, taken_by};
use crate::nuki_bridge::listener::listen;
use crate::nuki_bridge::queue::Urgency;
use crate::nuki_bridge::request::Request;
use crate::nuki_bridge::wire::{self, Added, Registered};

/// A bridge has three places, and each may have to be given back before one is taken.
const TRIES: usize = 8;

/// Where bridges call. Without it they are asked, and everything is only seen later.
pub(super) async fn open_porch(
    door: &Arc<Door>,
    at: SocketAddr,
    calls: mpsc::Sender<callback::Called>,
    stop: &CancellationToken,
) {
    let listener = match TcpListener::bind(at).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, %at, "bridges cannot call here; they are asked every half minute instead");
            return;
        }
    };
    let port = listener.local_addr().map_or(0, |addr| addr.port());
    door.bridges.port.store(port, Ordering::Relaxed);
    let (clock, callers) = (door.app.clock().clone(), door.bridges.callers.clone());
    door.connections.spawn(listen(listener, clock, callers, calls, stop.clone()));
}

/// Keeps our place among the bridge's callbacks; what is to be said of it.
pub(super) async fn keep_called(door: &Door, bridge: &Bridge, answer: &Answer) -> &'static str {
    let port = door.bridges.port.load(Ordering::Relaxed);
    if port == 0 {
        return "nobody listens for its calls here, so it is asked every half minute";
    }
    door.bridges.callers.allow(&bridge.path, answer.peer);
    let ours = callback::url(SocketAddr::new(answer.local, port), &bridge.path);
    // One that is given back moves the others up: the list is read anew each time.
    for _ in 0..TRIES {
        let Some(registered) = registered(door, bridge).await else { break };
        let plan = keep(&registered, &ours, (&bridge.path, |other| door.bridges.has(other)));
        let request = match &plan {
            Keep::Nothing | Keep::Full => return plan.words(),
            Keep::Add => Request::CallbackAdd { url: ours.clone() },
            Keep::Remove(stale) => Request::CallbackRemove { id: stale.id },
        };
        let done = bridge.ask(door, Urgency::Poll, &request).await;
        let added = done.ok().and_then(|answer| wire::callback_added(&answer.body).ok());
        if plan == Keep::Add && added == Some(Added::Full) {
            return Keep::Full.words();
        }
    }
    "it could not be told to call, so it is asked every half minute"
}

async fn registered(door: &Door, bridge: &Bridge) -> Option<Vec<Registered>> {
    let listed = bridge.ask(door, Urgency::Poll, &Request::CallbackList).await;
    listed.ok().and_then(|answer| wire::callbacks(&answer.body).ok())
}

/// The bridge is none of ours any more, and has only three places. It may be gone for good: then nothing is lost.
pub(super) async fn give_back(door: Arc<Door>, bridge: Arc<Bridge>, stop: CancellationToken) {
    let giving = Box::pin(async {
        for _ in 0..TRIES {
            let all = registered(&door, &bridge).await?;
            let Registered { id, .. } = taken_by(&all, &bridge.path)?;
            bridge.ask(&door, Urgency::Poll, &Request::CallbackRemove { id: *id }).await.ok()?;
        }
        Some(())
    });
    tokio::select! {
        _ = giving => {}
        () = door.app.clock().wait(EVERY) => {}
        () = stop.cancelled() => {}
    }
}
