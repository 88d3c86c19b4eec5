//! The bridge on the network: it listens while it has power, reads requests, and answers them one at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::callbacks::{call, follow};
use super::desk::Desk;
use super::http::{Answer, Request};

/// A connection that asks nothing for so long is closed. Not scaled: it is the other side's patience.
const IDLE: Duration = Duration::from_mins(1);
/// Before it tries again to have its port back.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn run(desk: Arc<Desk>, stop: CancellationToken) {
    let mut tasks = JoinSet::new();
    let (tell, messages) = mpsc::unbounded_channel();
    let devices: Vec<_> = super::desk::held(&desk.devices).clone();
    for device in devices {
        tasks.spawn(follow(desk.clone(), device, tell.clone()));
    }
    drop(tell);
    tasks.spawn(call(desk.clone(), messages));
    let mut power = desk.power.subscribe();
    let mut address = {
        let spec = desk.spec();
        SocketAddr::new(spec.address, spec.port)
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed(&mut power, true) => {}
        }
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) => {
                desk.seen.send_modify(|seen| seen.trouble = Some(error.to_string()));
                desk.sleep(AGAIN).await;
                continue;
            }
        };
        // The port that the system chose stays its own.
        address = listener.local_addr().unwrap_or(address);
        desk.boots();
        desk.seen.send_modify(|seen| (seen.address, seen.trouble) = (Some(address), None));
        let asked_to_restart = tokio::select! {
            () = stop.cancelled() => return,
            restarts = serve(&desk, &listener) => restarts,
        };
        drop(listener);
        desk.seen.send_modify(|seen| (seen.address, seen.concurrent) = (None, 0));
        if asked_to_restart {
            let boot = desk.spec().boot;
            desk.sleep(boot).await;
            desk.power.send_replace(true);
        }
    }
}

/// Until the power goes; true if that was a restart which somebody asked for.
async fn serve(desk: &Arc<Desk>, listener: &TcpListener) -> bool {
    let mut power = desk.power.subscribe();
    let mut connections = JoinSet::new();
    let (restart, mut restarts) = mpsc::unbounded_channel();
    loop {
        tokio::select! {
            () = changed(&mut power, false) => break,
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(connection(desk.clone(), stream, restart.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
    // The answer to whoever asked for it still leaves.
    timeout(Duration::from_millis(20), restarts.recv()).await.is_ok()
}

/// Returns once the power is so.
async fn changed(power: &mut watch::Receiver<bool>, to: bool) {
    let _ = power.wait_for(|on| *on == to).await;
}

async fn connection(desk: Arc<Desk>, mut stream: TcpStream, restart: mpsc::UnboundedSender<()>) {
    let _ = stream.set_nodelay(true);
    while let Ok(Some(request)) = timeout(IDLE, Request::read(&mut stream)).await {
        desk.seen.send_modify(|seen| {
            seen.requests += 1;
            if seen.targets.len() == super::KEPT {
                seen.targets.pop_front();
            }
            seen.targets.push_back(request.target.clone());
            seen.concurrent += 1;
            seen.most_concurrent = seen.most_concurrent.max(seen.concurrent);
        });
        let counted = Counted(&desk);
        desk.note("HTTP-Log");
        if desk.spec().quirks.never_answers {
            // Until the other side has had enough.
            let _ = stream.read_u8().await;
            return;
        }
        let answer = in_turn(&desk, &request).await;
        let restarts = answer.status == 200 && matches!(request.path.as_str(), "/reboot" | "/factoryReset");
        let is_over = send(&desk, &mut stream, answer, request.closes).await.is_none();
        drop(counted);
        if restarts {
            let _ = restart.send(());
        }
        if is_over || request.closes {
            return;
        }
    }
}

/// One request less when it is over, however it ends.
struct Counted<'a>(&'a Desk);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.seen.send_modify(|seen| seen.concurrent = seen.concurrent.saturating_sub(1));
    }
}

async fn in_turn(desk: &Arc<Desk>, request: &Request) -> Answer {
    let quirks = desk.spec().quirks.clone();
    let Ok(_turn) = desk.turn.try_lock() else {
        return desk.busy();
    };
    desk.sleep(quirks.slow).await;
    if quirks.always_busy {
        return desk.busy();
    }
    desk.answer(request).await
}

/// Nothing when the connection is of no more use.
async fn send(desk: &Desk, stream: &mut TcpStream, mut answer: Answer, closes: bool) -> Option<()> {
    let quirks = desk.spec().quirks.clone();
    if let Some(size) = quirks.oversized {
        answer.body.push_str(&" ".repeat(size.saturating_sub(answer.body.len())));
    }
    let mut bytes = answer.bytes(closes);
    if quirks.cuts_bodies {
        bytes.truncate(bytes.len() - answer.body.len().div_ceil(2));
        let _ = stream.write_all(&bytes).await;
        return None;
    }
    stream.write_all(&bytes).await.ok()
}
