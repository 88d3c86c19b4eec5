//! The HTTP listener: bounded in connections, for one address too, and in the time that a request may take to arrive; and
//! stopped gracefully.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use lockwarden_app::address::place_of;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// After a connection could not be accepted.
const BREATH: Duration = Duration::from_secs(1);
/// From the beginning of a connection, or the end of the answer before, to the end of a request's head.
const HEAD: Duration = Duration::from_secs(10);
/// From the end of the head to the end of the body. Nobody is asked who they are before all of it is there: what has come
/// to an end meanwhile has come to an end.
const BODY: Duration = Duration::from_secs(10);
/// A byte more than any door takes, which refuses it in its own words.
const MOST_BODY: usize = (64 << 10) + 1;
/// For requests under way when the server stops. Streams of open pages are cut off then.
const FAREWELL: Duration = Duration::from_secs(5);

pub(crate) struct House {
    /// Connections at a time; each open page holds one.
    pub most: usize,
    /// Whose word on where a request came from is believed.
    pub proxies: Vec<IpAddr>,
}

/// Serves until `stop`, then lets requests under way finish.
pub(crate) async fn serve(listener: TcpListener, router: Router, house: House, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let room = Arc::new(Semaphore::new(house.most));
    let proxies: Arc<[IpAddr]> = house.proxies.into();
    let guests = Guests::default();
    while let Some(Ok(permit)) = stop.run_until_cancelled(Arc::clone(&room).acquire_owned()).await {
        let Some(accepted) = stop.run_until_cancelled(listener.accept()).await else {
            break;
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, mostly. Trying again at once would burn a core and fill the log.
                tracing::warn!(%error, "cannot accept an HTTP connection");
                let _ = tokio::time::timeout(BREATH, stop.cancelled()).await;
                continue;
            }
        };
        let share = if proxies.contains(&peer.ip().to_canonical()) { house.most } else { house.most / 4 };
        let Some(guest) = guests.enter(peer.ip(), share) else {
            tracing::debug!(%peer, "one address holds too many HTTP connections");
            continue;
        };
        let (router, stop, proxies) = (router.clone(), stop.clone(), Arc::clone(&proxies));
        connections.spawn(async move {
            connection(stream, (peer, proxies), router, stop).await;
            drop((permit, guest));
        });
    }
    connections.close();
    if tokio::time::timeout(FAREWELL, connections.wait()).await.is_err() {
        tracing::debug!("some HTTP connections did not end in time");
    }
}

/// How many connections each place holds: whoever takes all they can get must not shut everybody else out.
#[derive(Clone, Default)]
struct Guests(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of a place, as long as it lives.
struct Guest(Guests, IpAddr);

impl Guests {
    fn enter(&self, address: IpAddr, most: usize) -> Option<Guest> {
        let place = place_of(address);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(place).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(held);
        Some(Guest(self.clone(), place))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Self(guests, place) = self;
        let mut held = guests.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(place) {
            *count -= 1;
            if *count == 0 {
                held.remove(place);
            }
        }
    }
}

/// Where a request came from: the peer, or what a proxy that is believed says of it. Each proxy adds whom it heard, so the
/// last address that is none of them is the one that somebody believed has seen.
fn came_from(peer: SocketAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> SocketAddr {
    let mut from = peer;
    let named = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = named.flat_map(|line| line.split(',')).collect();
    for text in named.into_iter().rev() {
        if !proxies.contains(&from.ip().to_canonical()) {
            break;
        }
        let Ok(before) = text.trim().parse::<IpAddr>() else {
            break;
        };
        from = SocketAddr::new(before, 0);
    }
    from
}

const FORWARDED_FOR: &str = "x-forwarded-for";

async fn connection(
    stream: TcpStream,
    (peer, proxies): (SocketAddr, Arc<[IpAddr]>),
    router: Router,
    stop: CancellationToken,
) {
    // Small answers must not wait for the acknowledgement of the last one.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let from = came_from(peer, request.headers(), &proxies);
        let router = router.clone();
        async move {
            let Some(mut request) = whole(request).await else {
                return Ok(too_slow());
            };
            request.extensions_mut().insert(ConnectInfo(from));
            router.oneshot(request).await
        }
    });
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        ended = serving.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, %peer, "an HTTP connection ended badly");
            }
        }
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}

/// A request with all of its body; none if that does not come in time.
async fn whole(request: Request<Incoming>) -> Option<Request<Body>> {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return Some(Request::from_parts(parts, Body::empty()));
    }
    let reading = async {
        let mut bytes = Vec::new();
        let mut frames = Body::new(body).into_data_stream();
        while let Some(frame) = frames.next().await {
            bytes.extend_from_slice(&frame.ok()?);
            if bytes.len() >= MOST_BODY {
                break;
            }
        }
        Some(bytes)
    };
    let bytes = tokio::time::timeout(BODY, reading).await.ok()??;
    Some(Request::from_parts(parts, Body::from(bytes)))
}

fn too_slow() -> Response {
    let mut response = (StatusCode::REQUEST_TIMEOUT, "the rest of the request did not come").into_response();
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let headers = forwarded
            .iter()
            .map(|value| (axum::http::HeaderName::from_static(FORWARDED_FOR), value.parse().unwrap()));
        let proxies = ["127.0.0.1".parse().unwrap(), "192.0.2.9".parse().unwrap()];
        came_from(peer.parse().unwrap(), &headers.collect(), &proxies).ip().to_string()
    }

    #[test]
    fn only_a_proxy_that_is_believed_is_believed_and_only_about_whom_it_saw() {
        assert_eq!(seen("127.0.0.1:9", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(
            seen("127.0.0.1:9", &["198.51.100.1, 203.0.113.7"]),
            "203.0.113.7",
            "the first is the client's own word"
        );
        assert_eq!(seen("127.0.0.1:9", &["203.0.113.7, 192.0.2.9"]), "203.0.113.7");
        assert_eq!(seen("127.0.0.1:9", &["203.0.113.7", "192.0.2.9"]), "203.0.113.7");
        assert_eq!(seen("198.51.100.1:9", &["203.0.113.7"]), "198.51.100.1");
        assert_eq!(seen("127.0.0.1:9", &[]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1:9", &["unknown"]), "127.0.0.1");
    }
}
