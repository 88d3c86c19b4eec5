//! Where bridges call. A stranger learns nothing here and holds little of it: one request for each connection, ten
//! seconds for its head and ten for its body, and other connections than those that addresses of bridges use.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use lockwarden_app::clock::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::callback::{Called, Callers, called};
use super::wire::LONGEST_CALLBACK;

const HEAD: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(10);
/// From the end of the body to that of the answer, which is a line.
const ANSWER: Duration = Duration::from_secs(2);
/// After a connection could not be accepted.
const BREATH: Duration = Duration::from_secs(1);
/// hyper takes no less.
const LONGEST_HEAD: usize = 8_192;
const MOST_HEADERS: usize = 32;
/// Connections at a time from addresses of bridges, and from any other.
const BRIDGES: usize = 256;
const STRANGERS: usize = 16;

struct Porch {
    clock: Clock,
    callers: Callers,
    calls: mpsc::Sender<Called>,
    turned_away: AtomicU64,
}

/// Takes calls until `stop`. A call that nobody has room for is lost, as one on a bad network is: the next poll sees
/// what it was about.
pub(crate) async fn listen(
    listener: TcpListener,
    clock: Clock,
    callers: Callers,
    calls: mpsc::Sender<Called>,
    stop: CancellationToken,
) {
    let porch = Arc::new(Porch { clock, callers, calls, turned_away: AtomicU64::new(0) });
    let (bridges, strangers) = (Arc::new(Semaphore::new(BRIDGES)), Arc::new(Semaphore::new(STRANGERS)));
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip()),
            Err(error) => {
                // Out of file handles, mostly. Trying again at once would burn a core and fill the log.
                tracing::warn!(%error, "cannot accept a call of a bridge");
                stop.run_until_cancelled(porch.clock.wait(BREATH)).await;
                continue;
            }
        };
        let room = if porch.callers.is_known(peer) { &bridges } else { &strangers };
        let Ok(permit) = Arc::clone(room).try_acquire_owned() else {
            porch.turn_away(peer, "too many connections");
            continue;
        };
        let (porch, stop) = (Arc::clone(&porch), stop.clone());
        connections.spawn(async move {
            stop.run_until_cancelled(connection(porch, stream, peer)).await;
            drop(permit);
        });
    }
    connections.close();
    connections.wait().await;
}

async fn connection(porch: Arc<Porch>, stream: TcpStream, peer: IpAddr) {
    let is_asked = AtomicBool::new(false);
    let service = service_fn(|request| {
        is_asked.store(true, Ordering::Relaxed);
        answer(&porch, request, peer)
    });
    let mut builder = Builder::new();
    builder.keep_alive(false).header_read_timeout(None).max_buf_size(LONGEST_HEAD).max_headers(MOST_HEADERS);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    let patience = async {
        porch.clock.wait(HEAD).await;
        if is_asked.load(Ordering::Relaxed) {
            porch.clock.wait(BODY + ANSWER).await;
        }
    };
    tokio::select! {
        ended = serving => {
            if let Err(error) = ended {
                porch.turn_away(peer, &error);
            }
        }
        () = patience => porch.turn_away(peer, "too slow"),
    }
}

async fn answer(
    porch: &Porch,
    request: Request<Incoming>,
    peer: IpAddr,
) -> Result<Response<String>, Infallible> {
    let mut response = Response::new(String::new());
    *response.status_mut() = match call(porch, request, peer).await {
        Ok(call) => {
            if porch.calls.try_send(call).is_err() {
                tracing::debug!(%peer, "a call of a bridge is not looked at: too many wait");
            }
            StatusCode::NO_CONTENT
        }
        Err(why) => {
            porch.turn_away(peer, why);
            StatusCode::NOT_FOUND
        }
    };
    Ok(response)
}

/// Nothing of a body is read before it is clear whose it is.
async fn call(porch: &Porch, request: Request<Incoming>, peer: IpAddr) -> Result<Called, &'static str> {
    let (head, body) = request.into_parts();
    let target = head.uri.to_string();
    let bridge = porch.callers.caller(&head.method, &target, peer).ok_or("it is no call of a bridge")?;
    let body = tokio::select! {
        body = whole(body) => body?,
        () = porch.clock.wait(BODY) => return Err("its body did not come in time"),
    };
    Ok(called(bridge, peer, &body))
}

async fn whole(mut body: Incoming) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| "its body was cut off")?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > LONGEST_CALLBACK {
                return Err("its body is longer than any callback");
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

impl Porch {
    /// Told less and less often: a flood must not fill the log.
    fn turn_away(&self, peer: IpAddr, why: impl std::fmt::Display) {
        let turned_away = self.turned_away.fetch_add(1, Ordering::Relaxed) + 1;
        if turned_away.is_power_of_two() {
            tracing::info!(%peer, turned_away, "calls to the address for bridges are turned away: {why}");
        }
    }
}
