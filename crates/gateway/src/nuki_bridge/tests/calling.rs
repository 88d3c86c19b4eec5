//! The listener that bridges call, and everybody else who finds it.

use std::net::IpAddr;
use std::time::Duration;

use lockwarden_app::clock::Clock;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::kit::{Guest, a_moment, clock, while_time_passes, within};
use crate::nuki_bridge::callback::{Called, Callers, PathToken, url};
use crate::nuki_bridge::listener::listen;

const TOKEN: &str = "abcdefghijkmnpqrstuvwxyz23456789";
/// All of 127.0.0.0/8 is this machine, so that a test can come from two addresses.
const BRIDGE: &str = "127.0.0.50";
const STRANGER: &str = "127.0.0.66";
const BODY: &str = r#"{"deviceType":4,"nukiId":1015571181,"mode":2,"state":1,"stateName":"locked"}"#;

struct Site {
    clock: Clock,
    addr: std::net::SocketAddr,
    calls: mpsc::Receiver<Called>,
    stop: CancellationToken,
    running: JoinSet<()>,
}

fn token() -> PathToken {
    PathToken::new(TOKEN).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

impl Site {
    async fn open(room: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, clock, stop) = (listener.local_addr().unwrap(), clock(), CancellationToken::new());
        let callers = Callers::default();
        callers.allow(&token(), ip(BRIDGE));
        let (sender, calls) = mpsc::channel(room);
        let mut running = JoinSet::new();
        running.spawn(listen(listener, clock.clone(), callers, sender, stop.clone()));
        Self { clock, addr, calls, stop, running }
    }

    async fn connect(&self, from: &str) -> Guest {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((ip(from), 0).into()).unwrap();
        Guest(within(socket.connect(self.addr)).await.unwrap())
    }

    /// Says it all, and reads until the other side closes.
    async fn says(&self, from: &str, said: &str) -> String {
        let mut guest = self.connect(from).await;
        // Whoever says too much is not listened to until the end.
        let _ = guest.say(said.as_bytes()).await;
        String::from_utf8(guest.rest().await.unwrap_or_default()).unwrap()
    }
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn path() -> String {
    format!("/nuki-bridge/{TOKEN}")
}

fn status(said: &str) -> &str {
    said.get(9..12).unwrap_or("none")
}

#[tokio::test]
async fn a_call_of_the_bridge_is_passed_on_and_answered_without_a_word() {
    let mut site = Site::open(8).await;
    let said = site.says(BRIDGE, &post(&path(), BODY)).await;
    assert_eq!(status(&said), "204", "{said}");
    assert!(said.ends_with("\r\n\r\n") && said.to_lowercase().contains("connection: close"), "{said}");
    let call = within(site.calls.recv()).await.unwrap();
    assert_eq!(call, Called { bridge: token(), nuki_id: Some(1_015_571_181), peer: ip(BRIDGE) });
    // What it is to be told is what it calls.
    let told = url(site.addr, &token());
    let told_path = told.strip_prefix(&format!("http://{}", site.addr)).unwrap();
    assert_eq!(status(&site.says(BRIDGE, &post(told_path, BODY)).await), "204");
}

#[tokio::test]
async fn a_call_in_a_language_we_do_not_know_is_a_reason_to_look_at_everything() {
    let mut site = Site::open(8).await;
    for body in ["", "[]", "something new", r#"{"nukiId":"x"}"#] {
        assert_eq!(status(&site.says(BRIDGE, &post(&path(), body)).await), "204", "{body}");
        assert_eq!(within(site.calls.recv()).await.unwrap().nuki_id, None, "{body}");
    }
    let chunked = format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{BODY}\r\n0\r\n\r\n",
        path(),
        BODY.len()
    );
    assert_eq!(status(&site.says(BRIDGE, &chunked).await), "204");
    assert_eq!(within(site.calls.recv()).await.unwrap().nuki_id, Some(1_015_571_181));
}

#[tokio::test]
async fn whoever_is_not_the_bridge_finds_nothing_here() {
    let mut site = Site::open(8).await;
    let wrong = TOKEN.replace('a', "b");
    let mut answers = Vec::new();
    for (from, said) in [
        (STRANGER, post(&path(), BODY)),
        (BRIDGE, post(&format!("/nuki-bridge/{wrong}"), BODY)),
        (BRIDGE, post("/", BODY)),
        (BRIDGE, post(&format!("{}?a=b", path()), BODY)),
        (BRIDGE, post(&path(), BODY).replacen("POST", "GET", 1)),
        (BRIDGE, post(&path(), BODY).replacen("POST", "PUT", 1)),
    ] {
        let answer = site.says(from, &said).await;
        assert_eq!(status(&answer), "404", "{said}");
        let (head, date) = answer.split_once("date: ").unwrap();
        answers.push(format!("{head}{}", date.split_once("\r\n").unwrap().1));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "they differ: {answers:?}");
    assert!(site.calls.try_recv().is_err());
}

#[tokio::test]
async fn a_body_longer_than_any_callback_is_not_taken() {
    let mut site = Site::open(8).await;
    let long = "a".repeat(4_097);
    assert_eq!(status(&site.says(BRIDGE, &post(&path(), &long)).await), "404");
    let endless = format!("POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", path());
    let mut guest = site.connect(BRIDGE).await;
    guest.say(endless.as_bytes()).await.unwrap();
    let chunk = format!("800\r\n{}\r\n", "a".repeat(2_048));
    let mut said = 0;
    while guest.say(chunk.as_bytes()).await.is_ok() {
        said += chunk.len();
        assert!(said < 16 << 20, "{said} bytes were taken");
    }
    assert!(site.calls.try_recv().is_err());
    // Of a stranger, none of it is waited for.
    let announced = format!("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n", path());
    assert_eq!(status(&site.says(STRANGER, &announced).await), "404");
}

#[tokio::test]
async fn what_is_no_http_ends_and_the_next_call_is_heard() {
    let mut site = Site::open(8).await;
    for said in
        ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", &format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(4_000))]
    {
        let answer = site.says(STRANGER, said).await;
        assert!(matches!(status(&answer), "none" | "400" | "431"), "{answer}");
    }
    assert_eq!(status(&site.says(BRIDGE, &post(&path(), BODY)).await), "204");
    assert!(within(site.calls.recv()).await.is_some());
}

#[tokio::test]
async fn one_connection_brings_one_call() {
    let mut site = Site::open(8).await;
    let twice = post(&path(), BODY).repeat(2);
    let said = site.says(BRIDGE, &twice).await;
    assert!(said.matches("HTTP/1.1 ").count() <= 1, "{said}");
    within(site.calls.recv()).await.unwrap();
    a_moment().await;
    assert!(site.calls.try_recv().is_err());
}

#[tokio::test]
async fn a_call_that_does_not_come_to_an_end_is_let_go() {
    let site = Site::open(8).await;
    let head = post(&path(), BODY);
    let half = &head[..head.len() - 5];
    for (said, seconds, answer) in [("", 10.0, "none"), ("POST /nuki", 10.0, "none"), (half, 10.0, "404")] {
        let mut guest = site.connect(BRIDGE).await;
        guest.say(said.as_bytes()).await.unwrap();
        a_moment().await;
        let (rest, took) = while_time_passes(&site.clock, guest.rest()).await;
        let rest = String::from_utf8(rest.unwrap_or_default()).unwrap();
        assert_eq!(status(&rest), answer, "{said}");
        assert!((seconds..seconds + 3.0).contains(&took), "{took} s for {said:?}");
    }
}

#[tokio::test]
async fn strangers_who_hold_the_line_do_not_keep_a_bridge_out() {
    let mut site = Site::open(8).await;
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(site.connect(STRANGER).await);
    }
    a_moment().await;
    assert_eq!(site.says(STRANGER, &post(&path(), BODY)).await, "", "there is no room for another");
    assert_eq!(status(&site.says(BRIDGE, &post(&path(), BODY)).await), "204");
    assert!(within(site.calls.recv()).await.is_some());
    drop(held);
    a_moment().await;
    assert_eq!(status(&site.says(STRANGER, &post(&path(), BODY)).await), "404");
}

#[tokio::test]
async fn when_nobody_looks_at_calls_they_are_answered_and_lost() {
    let mut site = Site::open(1).await;
    for _ in 0..3 {
        assert_eq!(status(&site.says(BRIDGE, &post(&path(), BODY)).await), "204");
    }
    assert!(within(site.calls.recv()).await.is_some());
    assert!(site.calls.try_recv().is_err());
}

#[tokio::test]
async fn a_stop_ends_everything_at_once() {
    let mut site = Site::open(8).await;
    let mut guest = site.connect(BRIDGE).await;
    guest.say(b"POST /nuki").await.unwrap();
    a_moment().await;
    site.stop.cancel();
    within(site.running.join_next()).await.unwrap().unwrap();
    assert_eq!(guest.rest().await.unwrap_or_default(), b"");
    assert!(Duration::ZERO == site.clock.steady().since(clock().steady()), "no time had to pass");
}
