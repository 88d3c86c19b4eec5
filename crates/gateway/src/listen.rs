//! The two listeners, plain and TLS, and the limits on who may be at the door at once.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockwarden_app::address::place_of;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::door::Door;
use crate::handshake::{CONNECT, shake_hands};
use crate::socket;

/// After a connection could not be accepted.
const BREATH: Duration = Duration::from_secs(1);

/// A TLS listener and what it shows.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    pub addr: SocketAddr,
    /// Certificate chain, PEM.
    pub cert: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
}

/// Connections that have not signed in yet: of each address, and of all.
#[derive(Default)]
pub(crate) struct Addresses(Mutex<(HashMap<IpAddr, usize>, usize)>);

/// One place at the door, given back when dropped.
struct Place {
    door: Arc<Door>,
    address: IpAddr,
}

impl Addresses {
    fn enter(door: &Arc<Door>, address: IpAddr) -> Option<Place> {
        let address = place_of(address);
        let mut waiting = door.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of_address, all) = &mut *waiting;
        let count = of_address.get(&address).copied().unwrap_or(0);
        if count >= door.limits.unknown_per_address || *all >= door.limits.unknown {
            return None;
        }
        of_address.insert(address, count + 1);
        *all += 1;
        Some(Place { door: Arc::clone(door), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.door.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of_address, all) = &mut *waiting;
        *all -= 1;
        if let Some(count) = of_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                of_address.remove(&self.address);
            }
        }
    }
}

/// Reads certificate and key; fails at the start rather than at the first connection.
pub(crate) fn acceptor(tls: &TlsConfig) -> io::Result<TlsAcceptor> {
    let wrong =
        |error: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
    let chain = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&format!("{}: {error}", tls.cert.display())))?;
    if chain.is_empty() {
        return Err(wrong(&format!("{}: there is no certificate in it", tls.cert.display())));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| wrong(&format!("{}: {error}", tls.key.display())))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| wrong(&error))?;
    // A resumed session needs memory here for every lock that ever came.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(TlsAcceptor::from(Arc::new(config)))
}

pub(crate) async fn accept(
    door: Arc<Door>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => greet(&door, stream, peer.ip(), tls.clone()),
            Err(error) => {
                // Out of file handles, mostly. Trying again at once would burn a core and fill the log.
                tracing::warn!(%error, "cannot accept a device connection");
                stop.run_until_cancelled(door.app.clock().wait(BREATH)).await;
            }
        }
    }
}

/// Told less and less often: a flood must not fill the log.
fn turn_away(door: &Door, address: IpAddr, why: &str) {
    let turned_away = door.turned_away.fetch_add(1, Ordering::Relaxed) + 1;
    if turned_away.is_power_of_two() {
        tracing::warn!(%address, turned_away, "device connections are turned away: {why}");
    }
}

fn greet(door: &Arc<Door>, stream: TcpStream, address: IpAddr, tls: Option<TlsAcceptor>) {
    if door.realm.open.load(Ordering::Relaxed) >= door.limits.connections {
        return turn_away(door, address, "too many devices are connected");
    }
    let Some(place) = Addresses::enter(door, address) else {
        return turn_away(door, address, "too many connections that have not signed in");
    };
    socket::prepare(&stream);
    socket::deliver_within(&stream, socket::DELIVERY);
    let door = Arc::clone(door);
    let connections = door.connections.clone();
    connections.spawn(async move {
        match tls {
            None => Box::pin(shake_hands(door, stream, address)).await,
            Some(acceptor) => {
                let deadline = door.app.now().plus(CONNECT);
                let secured = tokio::select! {
                    secured = Box::pin(acceptor.accept(stream)) => secured.ok(),
                    () = door.app.clock().wait_until(deadline) => None,
                };
                if let Some(stream) = secured {
                    Box::pin(shake_hands(door, stream, address)).await;
                }
            }
        }
        drop(place);
    });
}
