//! Servers that are slow, endless, or not there: every call ends, in time and in memory.

use std::time::Duration;

use lockwarden_app::clock::Clock;
use lockwarden_app::devices::{DeviceType, LockAction};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use super::kit::{Server, a_moment, answer, both, clock, from_now, while_time_passes, within};
use crate::nuki_bridge::action::Deed;
use crate::nuki_bridge::ask;
use crate::nuki_bridge::call::{Answer, connect, guard};
use crate::nuki_bridge::errors::Trouble;
use crate::nuki_bridge::request::Request;
use lockwarden_app::bridges::BridgeAddress;

fn unlock() -> Request {
    let deed = Deed::of_lock(LockAction::Unlock, DeviceType::SmartLock34).unwrap();
    Request::LockAction { nuki_id: 11, kind: DeviceType::SmartLock34, deed }
}

/// Says `first`, and then `again` for as long as somebody takes it; how many bytes that were.
async fn endless(clock: &Clock, first: &[u8], again: &[u8]) -> (Result<Answer, Trouble>, usize) {
    let server = Server::open().await;
    let address = server.address();
    let flood = async {
        let mut guest = server.accept().await;
        guest.head().await;
        guest.say(first).await.unwrap();
        let mut said = 0;
        // Much more than buffers of the kernel hold.
        while said < 16 << 20 && guest.say(again).await.is_ok() {
            said += again.len();
        }
        said
    };
    both(ask(clock, &address, &Request::List, "P", None), flood).await
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off_where_no_bridge_would_go_on() {
    let block = vec![b'a'; 4_096];
    let chunk = [b"1000\r\n".as_slice(), &block, b"\r\n"].concat();
    let header = [b"X-A: ".as_slice(), &block, b"\r\n"].concat();
    for (first, again) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"[..], &block),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunk),
        (b"HTTP/1.0 200 OK\r\n\r\n", &block),
        (b"HTTP/1.1 200 OK\r\n", &header),
        (b"HTTP/1.1 200 ", &block),
    ] {
        let (found, said) = endless(&clock(), first, again).await;
        assert_eq!(found, Err(Trouble::TooLarge), "{}", String::from_utf8_lossy(first));
        assert!(said < 16 << 20, "{said} bytes were taken");
    }
}

#[tokio::test]
async fn an_answer_of_just_the_longest_size_is_taken() {
    let server = Server::open().await;
    let address = server.address();
    let (clock, longest) = (clock(), answer("200 OK", &"a".repeat(65_536)));
    let asking = ask(&clock, &address, &Request::List, "P", None);
    let (found, _) = both(asking, server.answer(&[&longest])).await;
    assert_eq!(found.unwrap().body.len(), 65_536);
    let one_more = answer("200 OK", &"a".repeat(65_537));
    let asking = ask(&clock, &address, &Request::List, "P", None);
    let flood = async {
        let mut guest = server.accept().await;
        guest.head().await;
        let _ = guest.say(&one_more).await;
    };
    let (found, ()) = both(asking, flood).await;
    assert_eq!(found, Err(Trouble::TooLarge));
}

/// Asks a server that says `first` and then a byte every second, if any; what came of it and after how many seconds.
async fn drip(request: &Request, first: &[u8], byte: Option<u8>) -> (Result<Answer, Trouble>, f64) {
    let (clock, server) = (clock(), Server::open().await);
    let address = server.address();
    let dripping = async {
        let mut guest = server.accept().await;
        guest.head().await;
        guest.say(first).await.unwrap();
        loop {
            clock.wait(Duration::from_secs(1)).await;
            if let Some(byte) = byte {
                let _ = guest.say(&[byte]).await;
            }
        }
    };
    let asking = ask(&clock, &address, request, "P", None);
    let all = async {
        tokio::select! {
            found = asking => found,
            never = dripping => never,
        }
    };
    while_time_passes(&clock, all).await
}

#[tokio::test]
async fn whoever_answers_too_slowly_is_not_waited_for() {
    let body = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n";
    for (first, byte) in [
        (&b""[..], None),
        (b"", Some(b'H')),
        (b"HTTP/1.1 200 OK\r\nX-A: ", Some(b'a')),
        (body, None),
        (body, Some(b'a')),
    ] {
        let (found, seconds) = drip(&Request::List, first, byte).await;
        // A single letter again and again is no HTTP, which may be noticed sooner.
        let is_noise = first.is_empty() && byte.is_some() && found == Err(Trouble::NotABridge);
        assert!(is_noise || found == Err(Trouble::NoAnswer), "{found:?}");
        assert!(is_noise || (10.0..13.0).contains(&seconds), "{seconds} s");
    }
}

#[tokio::test]
async fn a_lock_has_half_a_minute_and_then_nobody_knows_what_it_did() {
    let (found, seconds) = drip(&unlock(), b"", None).await;
    assert_eq!(found, Err(Trouble::NoAnswer));
    assert!((30.0..33.0).contains(&seconds), "{seconds} s");
    assert!(!Trouble::NoAnswer.is_certainly_not_executed());
}

/// A listener whose queue is full, so that the kernel does not answer whoever comes next.
async fn unreachable() -> (Socket, Vec<TcpStream>, BridgeAddress) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    let mut filling = Vec::new();
    while let Ok(connected) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(addr)).await
    {
        filling.push(connected.unwrap());
    }
    (socket, filling, BridgeAddress::parse(&addr.to_string()).unwrap())
}

#[tokio::test]
async fn whoever_cannot_be_reached_is_given_up_after_five_seconds() {
    let (_socket, _filling, address) = unreachable().await;
    let (clock, request) = (clock(), unlock());
    let (found, seconds) = while_time_passes(&clock, ask(&clock, &address, &request, "P", None)).await;
    assert_eq!(found, Err(Trouble::NoConnection));
    assert!((5.0..7.0).contains(&seconds), "{seconds} s");
    assert!(Trouble::NoConnection.is_certainly_not_executed());
}

#[tokio::test]
async fn a_name_that_suddenly_leads_to_this_machine_is_not_followed_there() {
    let server = Server::open().await;
    let named = BridgeAddress::parse(&format!("bridge.lan:{}", server.addr.port())).unwrap();
    let clock = clock();
    for trap in ["127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"] {
        let found = within(connect(&clock, &named, async { Ok(vec![trap.parse().unwrap()]) })).await;
        assert_eq!(found.unwrap_err(), Trouble::ForbiddenAddress, "{trap}");
    }
    let none = within(connect(&clock, &named, async { Ok(Vec::new()) })).await;
    assert_eq!(none.unwrap_err(), Trouble::NotResolved);
    assert!(server.is_untouched().await);
}

#[tokio::test]
async fn an_address_of_a_name_that_does_not_answer_leaves_time_for_the_next() {
    let (_socket, _filling, address) = unreachable().await;
    let other = TcpListener::bind(("127.0.0.2", address.port())).await.unwrap();
    let named = BridgeAddress::parse(&format!("localhost:{}", address.port())).unwrap();
    let found = async { Ok(vec!["127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap()]) };
    let clock = clock();
    let (stream, seconds) = while_time_passes(&clock, connect(&clock, &named, found)).await;
    assert_eq!(stream.unwrap().peer_addr().unwrap(), other.local_addr().unwrap());
    assert!((2.5..4.0).contains(&seconds), "{seconds} s");
}

#[tokio::test]
async fn a_name_that_nobody_looks_up_in_time_is_not_waited_for() {
    let named = BridgeAddress::parse("bridge.lan").unwrap();
    let clock = clock();
    let (found, seconds) = while_time_passes(&clock, connect(&clock, &named, std::future::pending())).await;
    assert_eq!(found.unwrap_err(), Trouble::NoConnection);
    assert!((5.0..7.0).contains(&seconds), "{seconds} s");
}

#[tokio::test]
async fn what_we_gave_up_on_is_cut_off_and_what_went_well_is_closed_in_peace() {
    let (clock, server) = (clock(), Server::open().await);
    let address = server.address();
    let request = unlock();
    let silent = async {
        let mut guest = server.accept().await;
        guest.head().await;
        guest
    };
    let all = both(ask(&clock, &address, &request, "P", None), silent);
    let ((found, mut guest), _) = while_time_passes(&clock, all).await;
    assert_eq!(found, Err(Trouble::NoAnswer));
    assert_eq!(guest.rest().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);

    for (status, is_fine) in [("200 OK", true), ("401 Unauthorized", false)] {
        let polite = async {
            let mut guest = server.accept().await;
            guest.head().await;
            guest.say(&answer(status, "")).await.unwrap();
            guest.rest().await
        };
        let (found, rest) = both(ask(&clock, &address, &request, "P", None), polite).await;
        assert_eq!(found.is_ok(), is_fine);
        assert_eq!(rest.unwrap(), b"", "{status}");
    }
}

#[tokio::test]
async fn whoever_stops_waiting_cuts_the_line_too() {
    let (clock, server) = (clock(), Server::open().await);
    let address = server.address();
    let request = unlock();
    let mut guest = tokio::select! {
        found = ask(&clock, &address, &request, "P", None) => panic!("{found:?}"),
        guest = async {
            let mut guest = server.accept().await;
            guest.head().await;
            guest
        } => guest,
    };
    a_moment().await;
    assert_eq!(guest.rest().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_may_deliver_a_command_for_no_longer_than_it_is_good() {
    let server = Server::open().await;
    let stream = TcpStream::connect(server.addr).await.unwrap();
    guard(&stream, Duration::from_secs(3));
    assert_eq!(SockRef::from(&stream).tcp_user_timeout().unwrap(), Some(Duration::from_secs(3)));
    assert_eq!(SockRef::from(&stream).linger().unwrap(), Some(Duration::ZERO));
}

#[tokio::test]
async fn a_command_in_good_time_is_sent() {
    let (clock, server) = (clock(), Server::open().await);
    let address = server.address();
    let request = unlock();
    let body = answer("200 OK", r#"{"success":true}"#);
    let asking = ask(&clock, &address, &request, "P", Some(from_now(&clock, 10)));
    let (found, _) = both(asking, server.answer(&[&body])).await;
    assert!(found.is_ok());
}
