//! One GET to a bridge, over a connection of its own: to the configured host and port and nowhere else, through no
//! proxy and after no redirect, with limits on time and size. What we give up on, the kernel forgets as well.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{ACCEPT, CONNECTION, HOST};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use lockwarden_app::clock::{Clock, Steady};
use socket2::SockRef;
use tokio::net::TcpStream;

use super::errors::Trouble;
use super::wire::LONGEST_ANSWER;
use crate::socket::{self, DELIVERY, SHORTEST_DELIVERY};
use lockwarden_app::bridges::{BridgeAddress, Host};

/// To find the bridge's address and connect to it.
const CONNECT: Duration = Duration::from_secs(5);
/// Of the head of an answer; a bridge sends a handful of lines.
const LONGEST_HEAD: usize = 16 * 1_024;

/// From the sending of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Until the head of the answer is here.
    pub head: Duration,
    /// Until all of it is here.
    pub whole: Duration,
}

/// What to ask and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub bridge: &'a BridgeAddress,
    /// Path and query.
    pub target: &'a str,
    pub patience: Patience,
    /// A command that could not be sent by then is not sent.
    pub not_after: Option<Steady>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    /// Empty unless the status is one of success: nobody needs the words of a refusal.
    pub body: Vec<u8>,
    /// From the sending to the head of the answer.
    pub took: Duration,
    /// Our side of the connection: where the bridge can reach us.
    pub local: IpAddr,
    /// The bridge's side: whom a callback of this bridge comes from.
    pub peer: IpAddr,
}

pub(crate) async fn get(clock: &Clock, call: Call<'_>) -> Result<Answer, Trouble> {
    let request = Request::get(call.target)
        .header(HOST, call.bridge.host_header())
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close")
        .body(String::new())
        .map_err(|_| Trouble::BadRequest)?;
    let stream = connect(clock, call.bridge, look_up(call.bridge)).await?;
    let delivery = match call.not_after.map(|until| until.since(clock.steady())) {
        None => DELIVERY,
        Some(left) if left < SHORTEST_DELIVERY => return Err(Trouble::TooLate),
        Some(left) => left.min(DELIVERY),
    };
    guard(&stream, delivery);
    Box::pin(exchange(clock, stream, request, call.patience)).await
}

async fn look_up(bridge: &BridgeAddress) -> Result<Vec<IpAddr>, Trouble> {
    match bridge.host() {
        Host::Ip(address) => Ok(vec![*address]),
        Host::Name(name) => {
            let found = tokio::net::lookup_host((name.as_str(), bridge.port())).await;
            Ok(found.map_err(|_| Trouble::NotResolved)?.map(|address| address.ip()).collect())
        }
    }
}

/// The addresses that were found are the ones that are looked at and connected to: there is no second look-up in which
/// the name could lead elsewhere.
pub(super) async fn connect(
    clock: &Clock,
    bridge: &BridgeAddress,
    found: impl Future<Output = Result<Vec<IpAddr>, Trouble>>,
) -> Result<TcpStream, Trouble> {
    let connecting = async {
        let found = found.await?;
        if found.is_empty() {
            return Err(Trouble::NotResolved);
        }
        let addresses = bridge.allowed(found.into_iter());
        let share = CONNECT / u32::try_from(addresses.len().max(1)).unwrap_or(1);
        let mut trouble = Trouble::ForbiddenAddress;
        for address in addresses {
            match reach(clock, address, share).await {
                Ok(stream) => return Ok(stream),
                Err(why) => trouble = why,
            }
        }
        Err(trouble)
    };
    tokio::select! {
        connected = connecting => connected,
        () = clock.wait(CONNECT) => Err(Trouble::NoConnection),
    }
}

async fn reach(clock: &Clock, address: SocketAddr, time: Duration) -> Result<TcpStream, Trouble> {
    tokio::select! {
        connected = TcpStream::connect(address) => connected.map_err(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Trouble::Refused,
            _ => Trouble::NoConnection,
        }),
        () = clock.wait(time) => Err(Trouble::NoConnection),
    }
}

/// Unless all goes well, what the bridge has not taken yet it shall never get: not by a kernel that still delivers what
/// it holds when a network is back, long after we said that nobody answered.
pub(super) fn guard(stream: &TcpStream, delivery: Duration) {
    socket::prepare(stream);
    socket::deliver_within(stream, delivery);
    socket::forget_unsent(stream);
}

async fn exchange(
    clock: &Clock,
    stream: TcpStream,
    request: Request<String>,
    patience: Patience,
) -> Result<Answer, Trouble> {
    let address = |side: std::io::Result<SocketAddr>| {
        side.map(|address| address.ip().to_canonical()).map_err(|_| Trouble::CutOff)
    };
    let (local, peer) = (address(stream.local_addr())?, address(stream.peer_addr())?);
    let (mut sender, mut connection) = Builder::new()
        .title_case_headers(true)
        .max_buf_size(LONGEST_HEAD)
        .handshake::<_, String>(TokioIo::new(stream))
        .await
        .map_err(|error| trouble(&error))?;
    let answered = {
        let answering = async {
            let begun = clock.steady();
            let head = head(clock, &mut sender, request, patience.head).await?;
            let took = clock.steady().since(begun);
            let status = head.status().as_u16();
            let body = if head.status().is_success() { whole(head.into_body()).await? } else { Vec::new() };
            Ok(Answer { status, body, took, local, peer })
        };
        // Its end is no answer; what it means, the one who waits for the answer is told.
        let driving = async {
            let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            biased;
            answered = answering => answered,
            never = driving => match never {},
            () = clock.wait(patience.whole) => Err(Trouble::NoAnswer),
        }
    };
    if answered.is_ok() {
        // There is nothing left to forget, and a bridge may take a reset for an error of its own.
        let stream = connection.into_parts().io.into_inner();
        if let Err(error) = SockRef::from(&stream).set_linger(None) {
            tracing::debug!(%error, "a connection to a bridge could not be closed in peace");
        }
    }
    answered
}

async fn head(
    clock: &Clock,
    sender: &mut SendRequest<String>,
    request: Request<String>,
    time: Duration,
) -> Result<Response<Incoming>, Trouble> {
    tokio::select! {
        biased;
        head = sender.send_request(request) => head.map_err(|error| trouble(&error)),
        () = clock.wait(time) => Err(Trouble::NoAnswer),
    }
}

async fn whole(mut body: Incoming) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| trouble(&error))?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > LONGEST_ANSWER {
                return Err(Trouble::TooLarge);
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

fn trouble(error: &hyper::Error) -> Trouble {
    if error.is_parse_too_large() {
        Trouble::TooLarge
    } else if error.is_parse() {
        Trouble::NotABridge
    } else {
        Trouble::CutOff
    }
}
