//! Whom a bridge calls back, and how: one after another, in the order in which they came.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::BridgeSeen;
use super::desk::{Desk, held};
use super::devices::Device;
use super::http::{Answer, Request};
use crate::json::{Object, array};

/// Callbacks a bridge takes.
const MOST: usize = 3;
/// Characters of an address.
const LONGEST: usize = 254;

/// Addresses with the number each was given when it came.
#[derive(Default)]
pub(super) struct Callbacks(Mutex<(u32, Vec<(u32, String)>)>);

impl Callbacks {
    /// Every place is somebody else's, who is not there (RFC 5737: an address of examples).
    pub(super) fn all_taken() -> Self {
        let others = (0..).take(MOST).map(|id| (id, format!("http://192.0.2.{}/", id + 1)));
        Self(Mutex::new((u32::try_from(MOST).unwrap_or(0), others.collect())))
    }

    pub(super) fn add(&self, request: &Request, seen: &watch::Sender<BridgeSeen>) -> Answer {
        let url = request.get("url").filter(|url| url.len() <= LONGEST && url.starts_with("http://"));
        let Some(url) = url else { return Answer::error(400) };
        let mut all = held(&self.0);
        let refusal = if all.1.iter().any(|(_, known)| known == url) {
            "callback already added"
        } else if all.1.len() == MOST {
            "too many callbacks registered"
        } else {
            let id = all.0;
            all.0 += 1;
            all.1.push((id, url.to_owned()));
            show(&all.1, seen);
            return Answer::success(true);
        };
        Answer::json(Object::new().raw("success", false).text("message", refusal).end())
    }

    /// What each is called by: its place, or the number it keeps.
    fn numbered(all: &[(u32, String)], by_place: bool) -> Vec<(u32, String)> {
        let places =
            (0..).zip(all).map(|(place, (own, url))| (if by_place { place } else { *own }, url.clone()));
        places.collect()
    }

    pub(super) fn list(&self, by_place: bool) -> Answer {
        let all = Self::numbered(&held(&self.0).1, by_place);
        let all = all.iter().map(|(id, url)| Object::new().raw("id", id).text("url", url).end());
        Answer::json(Object::new().raw("callbacks", array(all)).end())
    }

    pub(super) fn remove(
        &self,
        request: &Request,
        by_place: bool,
        seen: &watch::Sender<BridgeSeen>,
    ) -> Answer {
        let mut all = held(&self.0);
        let place =
            Self::numbered(&all.1, by_place).iter().position(|(id, _)| request.number("id") == Some(*id));
        let Some(place) = place else { return Answer::error(400) };
        all.1.remove(place);
        show(&all.1, seen);
        Answer::success(true)
    }

    pub(super) fn forget(&self, seen: &watch::Sender<BridgeSeen>) {
        held(&self.0).1.clear();
        show(&[], seen);
    }

    fn urls(&self) -> Vec<String> {
        held(&self.0).1.iter().map(|(_, url)| url.clone()).collect()
    }
}

fn show(all: &[(u32, String)], seen: &watch::Sender<BridgeSeen>) {
    seen.send_modify(|seen| seen.callbacks = all.iter().map(|(_, url)| url.clone()).collect());
}

/// Looks after one device: reads it whenever an action is over, and has that told.
pub(super) async fn follow(desk: Arc<Desk>, device: Device, tell: mpsc::UnboundedSender<String>) {
    let auth_id = desk.spec().auth_id;
    device.authorize(auth_id).await;
    let Some(first) = desk.read_now(&device).await else { return };
    let mut news = (0, 0, first.door().unwrap_or_default());
    if let Device::Lock(lock) = &device {
        news.0 = lock.seen().finished;
    }
    let mut told = news;
    while device.news(&mut news).await {
        let Some(known) = desk.read(&device).await else { continue };
        let is_door_alone = (news.0, news.1) == (told.0, told.1);
        told = news;
        if is_door_alone && !desk.spec().quirks.door_calls_back {
            continue;
        }
        if desk.device(device.nuki_id()).is_some() {
            let _ = tell.send(known.called_back());
        }
    }
}

/// Calls everybody back about each message, one after another.
pub(super) async fn call(desk: Arc<Desk>, mut messages: mpsc::UnboundedReceiver<String>) {
    while let Some(message) = messages.recv().await {
        if !*desk.power.borrow() {
            continue;
        }
        let (patience, starves) = {
            let spec = desk.spec();
            (spec.callback_timeout, spec.quirks.first_failure_starves)
        };
        for url in desk.callbacks.urls() {
            let is_done =
                matches!(timeout(desk.options.scaled(patience), post(&url, &message)).await, Ok(Some(())));
            desk.seen.send_modify(|seen| {
                seen.called += u64::from(is_done);
                seen.uncalled += u64::from(!is_done);
            });
            if !is_done {
                desk.note("HTTP-PostTimeout");
                if starves {
                    break;
                }
            }
        }
    }
}

/// One POST; done when the answer begins with a good status.
async fn post(url: &str, body: &str) -> Option<()> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) =
        rest.split_once('/').map_or((rest, String::from("/")), |(host, path)| (host, format!("/{path}")));
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut stream = TcpStream::connect(address).await.ok()?;
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.ok()?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.ok()?;
    (status.starts_with(b"HTTP/1.1 2") || status.starts_with(b"HTTP/1.0 2")).then_some(())
}
