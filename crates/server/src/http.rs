//! The HTTP listener: bounded in connections and in the time a request head may take, and stopped gracefully.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// After a connection could not be accepted.
const BREATH: Duration = Duration::from_secs(1);
/// From the first byte of a request to the end of its head.
const HEAD: Duration = Duration::from_secs(10);
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
        let (router, stop, proxies) = (router.clone(), stop.clone(), Arc::clone(&proxies));
        connections.spawn(async move {
            connection(stream, (peer, proxies), router, stop).await;
            drop(permit);
        });
    }
    connections.close();
    if tokio::time::timeout(FAREWELL, connections.wait()).await.is_err() {
        tracing::debug!("some HTTP connections did not end in time");
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
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let from = came_from(peer, request.headers(), &proxies);
        request.extensions_mut().insert(ConnectInfo(from));
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
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
