//! One request and its answer, right and wrong.

use std::net::IpAddr;
use std::process::Command;

use lockwarden_app::clock::Clock;
use lockwarden_app::devices::{DeviceType, LockAction, LockState, Observation};

use super::kit::{Server, answer, both, clock, from_now, while_time_passes, within};
use crate::nuki_bridge::action::{Deed, Outcome};
use crate::nuki_bridge::ask;
use crate::nuki_bridge::call::Answer;
use crate::nuki_bridge::errors::Trouble;
use crate::nuki_bridge::request::Request;
use crate::nuki_bridge::wire::{self, devices};
use lockwarden_app::bridges::BridgeAddress;

fn unlock() -> Request {
    let deed = Deed::of_lock(LockAction::Unlock, DeviceType::SmartLock34).unwrap();
    Request::LockAction { nuki_id: 11, kind: DeviceType::SmartLock34, deed }
}

/// Asks while the server says `pieces`: what came of it, and what was asked.
async fn asked(clock: &Clock, request: &Request, pieces: &[&[u8]]) -> (Result<Answer, Trouble>, String) {
    let server = Server::open().await;
    let address = server.address();
    both(ask(clock, &address, request, "P", None), server.answer(pieces)).await
}

async fn listed(pieces: &[&[u8]]) -> Result<Answer, Trouble> {
    asked(&clock(), &Request::List, pieces).await.0
}

#[tokio::test]
async fn a_request_is_one_get_with_the_host_and_the_answer_tells_both_ends_of_the_line() {
    let server = Server::open().await;
    let address = server.address();
    let (clock, body) = (clock(), answer("200 OK", "[]"));
    let (found, head) = both(ask(&clock, &address, &unlock(), "P", None), server.answer(&[&body])).await;
    let found = found.unwrap();
    assert_eq!(
        head,
        format!(
            "GET /lockAction?nukiId=11&deviceType=4&action=1&P HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n\
             Connection: close\r\n\r\n",
            server.addr
        )
    );
    let here: IpAddr = "127.0.0.1".parse().unwrap();
    assert_eq!((found.status, found.body.as_slice()), (200, b"[]".as_slice()));
    assert_eq!((found.local, found.peer), (here, here));
    assert!(server.is_untouched().await, "one connection for one request");
}

#[test]
fn no_proxy_is_asked_whatever_the_environment_says() {
    let test = "nuki_bridge::tests::calls::\
                a_request_is_one_get_with_the_host_and_the_answer_tells_both_ends_of_the_line";
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([test, "--exact"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        again.env(name, "http://127.0.0.1:1");
    }
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn an_answer_is_whole_however_it_is_cut_into_pieces() {
    let text = r#"[{"deviceType":4,"nukiId":1015571181,"lastKnownState":{"state":3}}]"#;
    let counted = answer("200 OK", text);
    let (first, second) = text.split_at(20);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:X};odd=1\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    let until_close = format!("HTTP/1.0 200 OK\r\nServer: a\r\n\r\n{text}");
    let bytes: Vec<&[u8]> = counted.chunks(1).collect();
    for pieces in [vec![counted.as_slice()], bytes, vec![chunked.as_bytes()], vec![until_close.as_bytes()]] {
        let found = listed(&pieces).await.unwrap();
        assert_eq!(String::from_utf8(found.body.clone()).unwrap(), text);
        let list = devices::list(&found.body).unwrap();
        let seen = list.devices[0].observations();
        assert_eq!(
            seen,
            [Observation::DeviceType(DeviceType::SmartLock34), Observation::State(LockState::Unlocked)]
        );
    }
}

#[tokio::test]
async fn json_counts_whatever_the_content_type_says() {
    let body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n[]";
    let found = listed(&[body]).await.unwrap();
    assert_eq!(devices::list(&found.body).unwrap().devices.len(), 0);
    let page = answer("200 OK", "<!doctype html><title>Router</title>");
    let found = listed(&[&page]).await.unwrap();
    assert_eq!(devices::list(&found.body), Err(Trouble::NotABridge));
}

#[tokio::test]
async fn every_refusal_of_a_bridge_is_understood_and_its_words_are_not_needed() {
    for (status, trouble) in [
        ("400 Bad Request", Trouble::BadRequest),
        ("401 Unauthorized", Trouble::WrongToken),
        ("403 Forbidden", Trouble::Disabled),
        ("404 Not Found", Trouble::UnknownDevice),
        ("503 Unavailable", Trouble::Busy),
        ("500 Oops", Trouble::Failed),
        ("300 Choose", Trouble::Redirected),
    ] {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: 22\r\n\r\n");
        // The words themselves never come.
        assert_eq!(asked(&clock(), &unlock(), &[head.as_bytes()]).await.0, Err(trouble), "{status}");
    }
    let not_found = answer("404 Not Found", "");
    assert_eq!(listed(&[&not_found]).await, Err(Trouble::NotABridge));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = Server::open().await;
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let head = format!(
            "HTTP/1.1 {status}\r\nLocation: http://{}/list\r\nContent-Length: 0\r\n\r\n",
            elsewhere.addr
        );
        assert_eq!(listed(&[head.as_bytes()]).await, Err(Trouble::Redirected), "{status}");
    }
    assert!(elsewhere.is_untouched().await);
}

#[tokio::test]
async fn what_speaks_no_http_is_no_bridge() {
    for said in [
        &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"220 mail ready\r\n",
        b"\0\0\0\0\0\0\0\0\0",
    ] {
        assert_eq!(listed(&[said]).await, Err(Trouble::NotABridge), "{said:?}");
    }
}

#[tokio::test]
async fn a_command_whose_answer_is_cut_off_is_unknown_and_not_failed() {
    for said in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"success\":true",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"success\"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let pieces: &[&[u8]] = if said.is_empty() { &[] } else { &[said] };
        let found = asked(&clock(), &unlock(), pieces).await.0;
        assert_eq!(found, Err(Trouble::CutOff), "{}", String::from_utf8_lossy(said));
        let outcome = Outcome::of(found.and_then(|found| Ok(wire::lock_action(&found.body)?)));
        assert_eq!(outcome, Outcome::Unknown(Trouble::CutOff));
    }
    // Without a length, the end of the line is the end of the answer; what it says is still no success.
    let cut = asked(&clock(), &unlock(), &[b"HTTP/1.0 200 OK\r\n\r\n{\"success\":true"]).await.0.unwrap();
    let outcome = Outcome::of(wire::lock_action(&cut.body).map_err(Trouble::from));
    assert_eq!(outcome, Outcome::Unknown(Trouble::NotABridge));
}

#[tokio::test]
async fn a_command_that_was_answered_has_the_outcome_that_the_bridge_says() {
    let outcome = async |status: &str, body: &str| {
        let said = answer(status, body);
        let found = asked(&clock(), &unlock(), &[&said]).await.0;
        Outcome::of(found.and_then(|found| Ok(wire::lock_action(&found.body)?)))
    };
    assert_eq!(outcome("200 OK", r#"{"success":true,"batteryCritical":false}"#).await, Outcome::Done);
    assert_eq!(outcome("200 OK", r#"{"success":false}"#).await, Outcome::NotDone);
    assert_eq!(outcome("503 Unavailable", "").await, Outcome::NotExecuted(Trouble::Busy));
    assert_eq!(outcome("401 Unauthorized", "").await, Outcome::NotExecuted(Trouble::WrongToken));
}

#[tokio::test]
async fn a_refusal_that_comes_late_may_follow_what_the_lock_has_begun() {
    let (clock, server) = (clock(), Server::open().await);
    let address = server.address();
    let request = unlock();
    let bridge = async {
        let mut guest = server.accept().await;
        guest.head().await;
        clock.wait(std::time::Duration::from_secs(9)).await;
        guest.say(&answer("503 Unavailable", "")).await.unwrap();
        guest
    };
    let all = both(ask(&clock, &address, &request, "P", None), bridge);
    let ((found, _guest), _) = while_time_passes(&clock, all).await;
    assert_eq!(found, Err(Trouble::DeviceSilent));
}

#[tokio::test]
async fn an_address_where_nothing_listens_is_said_to_be_one() {
    let gone = Server::open().await.address();
    let found = within(ask(&clock(), &gone, &unlock(), "P", None)).await;
    assert_eq!(found, Err(Trouble::Refused));
    let nowhere = BridgeAddress::parse("no-such-name.invalid").unwrap();
    let found = within(ask(&clock(), &nowhere, &unlock(), "P", None)).await;
    assert_eq!(found, Err(Trouble::NotResolved));
}

#[tokio::test]
async fn a_name_is_looked_up_and_the_request_names_it() {
    let server = Server::open().await;
    let address = BridgeAddress::parse(&format!("localhost:{}", server.addr.port())).unwrap();
    let (clock, body) = (clock(), answer("200 OK", "[]"));
    let asking = ask(&clock, &address, &Request::List, "P", None);
    let (found, head) = both(asking, server.answer(&[&body])).await;
    assert_eq!(found.unwrap().body, b"[]");
    assert!(head.contains(&format!("\r\nHost: localhost:{}\r\n", server.addr.port())), "{head}");
}

#[tokio::test]
async fn a_command_too_late_to_arrive_is_not_sent_at_all() {
    let (clock, server) = (clock(), Server::open().await);
    let address = server.address();
    let request = unlock();
    let soon = from_now(&clock, 1);
    let asking = ask(&clock, &address, &request, "P", Some(soon));
    let (found, rest) = both(asking, async { server.accept().await.rest().await }).await;
    assert_eq!(found, Err(Trouble::TooLate));
    assert_eq!(rest.unwrap(), b"", "not a byte of it");
    assert!(Trouble::TooLate.is_certainly_not_executed());
}
