//! What the kernel is asked of a connection. A command that is written to a socket is still here as long as the other
//! side is out of reach, and the kernel would deliver it whenever that ends, also after we closed. So unacknowledged
//! data has a deadline there too (RFC 5482), and a connection that may hold a command is cut off instead of closed.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// The other side has to take what was sent within this, or it is gone.
pub(crate) const DELIVERY: Duration = Duration::from_secs(10);
/// Less than this is no time for a radio link to take anything.
pub(crate) const SHORTEST_DELIVERY: Duration = Duration::from_secs(2);

/// A device that vanished is noticed within two minutes, whatever keep-alive it asked for.
const IDLE: Duration = Duration::from_mins(1);
const PROBES_APART: Duration = Duration::from_secs(15);
const PROBES: u32 = 4;

pub(crate) fn prepare(stream: &TcpStream) {
    let probing = TcpKeepalive::new().with_time(IDLE).with_interval(PROBES_APART).with_retries(PROBES);
    // Acknowledgements are four bytes, and must not wait for each other.
    let asked = stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&probing));
    if let Err(error) = asked {
        tracing::debug!(%error, "a device connection could not be set up as wished");
    }
}

/// From now on, what is not taken within this ends the connection. Only Linux can promise that.
pub(crate) fn deliver_within(stream: &TcpStream, time: Duration) {
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(time)) {
        tracing::warn!(%error, "the kernel takes no deadline for a command");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, time);
}

/// What was not taken yet will not be: the connection is reset as soon as it is dropped.
pub(crate) fn forget_unsent(stream: &TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(%error, "a device connection could not be cut off");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_kernel_is_told_until_when_it_may_deliver() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&near);
        deliver_within(&near, Duration::from_secs(7));
        assert_eq!(SockRef::from(&near).tcp_user_timeout().unwrap(), Some(Duration::from_secs(7)));
        assert!(near.nodelay().unwrap() && SockRef::from(&near).keepalive().unwrap());
        forget_unsent(&near);
        assert_eq!(near.linger().unwrap(), Some(Duration::ZERO));
    }
}
