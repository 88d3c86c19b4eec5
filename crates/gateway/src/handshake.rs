//! From the first byte to a signed-in connection. Nothing is kept of somebody who has not said who they are but one
//! kilobyte and a deadline; a wrong password is answered late.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lockwarden_app::clock::Steady;
use lockwarden_app::devices::Connector;
use lockwarden_app::logins::{
    Authenticated, BindRefusal, BrokerSession, LoginCheck, RefusalReason, Stranger, check_base_path,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::codec::{self, Broken, Connect, MAX_CONNECT, Refusal, Version, Will, packet_length};
use crate::conn::{Connection, RESUMING, Stream};
use crate::door::Door;
use crate::names;
use crate::nuki_hub;
use crate::realm::Joining;
use crate::spoken::may_listen;

/// For the whole CONNECT packet to arrive.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// Without a keep-alive a dead connection would stay for ever; a lock that says nothing for this long is gone.
const NO_KEEP_ALIVE: Duration = Duration::from_mins(20);

/// Reads CONNECT and either starts the connection's own task or says no and closes.
pub(crate) async fn shake_hands<S: Stream>(door: Arc<Door>, mut stream: S, address: IpAddr) {
    let deadline = door.app.now().plus(CONNECT);
    let first = tokio::select! {
        first = read_first(&mut stream) => first,
        () = door.app.clock().wait_until(deadline) => None,
    };
    let Some((connect, rest)) = first else {
        return;
    };
    let connect = match connect {
        Ok(connect) => connect,
        Err(broken) => {
            if broken == Broken::OtherVersion {
                say(&mut stream, &codec::refuse(Version::V3, Refusal::Version)).await;
            }
            return;
        }
    };
    match let_in(&door, &connect, address).await {
        Ok(entry) => start(&door, stream, connect, entry, rest).await,
        Err(refusal) => say(&mut stream, &codec::refuse(connect.version, refusal)).await,
    }
}

/// Best effort: the other side may be gone, and we close in any case.
async fn say<S: Stream>(stream: &mut S, bytes: &[u8]) {
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
}

/// The CONNECT packet and what came behind it, or nothing if the other side left.
async fn read_first<S: Stream>(stream: &mut S) -> Option<(Result<Connect, Broken>, Vec<u8>)> {
    let mut bytes = Vec::with_capacity(256);
    loop {
        match packet_length(&bytes, MAX_CONNECT) {
            Ok(Some(length)) if bytes.len() >= length => {
                let rest = bytes.split_off(length);
                return Some((codec::read_connect(&bytes), rest));
            }
            Ok(_) => {}
            Err(broken) => return Some((Err(broken), Vec::new())),
        }
        // Something that is not MQTT need not be waited for.
        if bytes.first().is_some_and(|byte| *byte != 0x10) {
            return Some((Err(Broken::Malformed), Vec::new()));
        }
        let mut chunk = [0; 512];
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            _ => return None,
        }
    }
}

/// Somebody who may come in.
struct Entry {
    login: Authenticated,
    client_id: Arc<str>,
    assigned: bool,
}

async fn let_in(door: &Door, connect: &Connect, address: IpAddr) -> Result<Entry, Refusal> {
    if door.realm.stopping.load(Ordering::Relaxed) {
        return Err(Refusal::Unavailable);
    }
    let mut login = sign_in(door, connect, address).await?;
    if !names::is_client_id(&connect.client_id) {
        door.refusals.note(login.login, RefusalReason::ClientId, &connect.client_id);
        return Err(Refusal::ClientId);
    }
    if connect.client_id.is_empty() && !connect.clean && connect.version == Version::V3 {
        return Err(Refusal::ClientId);
    }
    check_will(door, &mut login, connect).await?;
    let assigned = connect.client_id.is_empty();
    let client_id: Arc<str> = if assigned {
        format!("auto-{:x}", door.app.chance().number(60)).into()
    } else {
        connect.client_id.as_str().into()
    };
    Ok(Entry { login, client_id, assigned })
}

async fn sign_in(door: &Door, connect: &Connect, address: IpAddr) -> Result<Authenticated, Refusal> {
    let (Some(username), Some(password)) = (&connect.username, &connect.password) else {
        slow_down(door, address).await;
        return Err(Refusal::NotAuthorized);
    };
    let Some(turn) = door.turn().await else { return Err(Refusal::Unavailable) };
    let checked = door.app.check_login(username, password).await.map_err(|error| {
        tracing::error!(%error, "a login could not be checked");
        Refusal::Unavailable
    })?;
    // Whoever guesses wrong waits long, and not in the way of others.
    drop(turn);
    match checked {
        LoginCheck::Right(login) => Ok(login),
        LoginCheck::WrongPassword(login) => {
            door.refusals.note(login, RefusalReason::WrongPassword, &address.to_string());
            slow_down(door, address).await;
            Err(Refusal::Password)
        }
        LoginCheck::Unknown => {
            slow_down(door, address).await;
            Err(Refusal::Password)
        }
    }
}

async fn slow_down(door: &Door, address: IpAddr) {
    let delay = door.guesses.wrong(address, door.app.now());
    tracing::warn!(%address, delay_ms = delay.as_millis(), "a device login failed");
    door.app.clock().wait(delay).await;
}

/// A will is a publish that is only due later: it must be the login's own, now.
async fn check_will(door: &Door, login: &mut Authenticated, connect: &Connect) -> Result<(), Refusal> {
    let Some(will) = &connect.will else {
        return Ok(());
    };
    let refuse = |reason| {
        tracing::warn!(device.id = %login.device, "a last message was refused");
        door.refusals.note(login.login, reason, &will.topic);
        Refusal::NotAuthorized
    };
    if login.connector == Connector::NukiHub {
        return check_hub_will(door, login, will).await;
    }
    let own = match names::own(&will.topic) {
        Some(own) if names::is_topic(&will.topic) && !names::is_command(own.rest) => own,
        _ => return Err(refuse(RefusalReason::ForeignWill)),
    };
    match login.nuki_id {
        Some(bound) if bound == own.nuki_id => Ok(()),
        Some(_) => {
            door.strangers.note(login.login, Stranger::lock(own.nuki_id));
            Err(refuse(RefusalReason::ForeignWill))
        }
        None => match door.bind(login, own.nuki_id).await {
            Ok(Ok(())) => {
                login.nuki_id = Some(own.nuki_id);
                Ok(())
            }
            Ok(Err(BindRefusal::DeviceTaken)) => Err(refuse(RefusalReason::DeviceTaken)),
            Ok(Err(BindRefusal::OtherDevice)) => Err(refuse(RefusalReason::OtherDevice)),
            // It comes back as the device that it is.
            Ok(Err(BindRefusal::Joined)) => Err(Refusal::Unavailable),
            Err(error) => {
                tracing::error!(%error, "a login could not be bound");
                Err(Refusal::Unavailable)
            }
        },
    }
}

/// The last message of a hub tells where it publishes, whatever was agreed on.
async fn check_hub_will(door: &Door, login: &mut Authenticated, will: &Will) -> Result<(), Refusal> {
    let base = nuki_hub::base_path_of(&will.topic).filter(|base| check_base_path(base) == Ok(base));
    let Some(base) = base.filter(|_| names::is_topic(&will.topic)) else {
        tracing::warn!(device.id = %login.device, "a last message was refused");
        door.refusals.note(login.login, RefusalReason::BasePath, &will.topic);
        return Err(Refusal::NotAuthorized);
    };
    if login.base_path.as_deref() != Some(base) || login.nuki_id.is_none() {
        door.app.note_base_path(login.login, base).await.map_err(|error| {
            tracing::error!(%error, "a base path could not be written down");
            Refusal::Unavailable
        })?;
        login.base_path = Some(base.into());
    }
    Ok(())
}

/// Joins the realm, takes up the session, and only then says welcome and starts the connection's own task.
async fn start<S: Stream>(door: &Arc<Door>, mut stream: S, connect: Connect, entry: Entry, rest: Vec<u8>) {
    let keep_alive = Duration::from_secs(u64::from(connect.keep_alive));
    let patience = if keep_alive.is_zero() { NO_KEEP_ALIVE } else { keep_alive * 3 / 2 };
    let joining = Joining {
        version: connect.version,
        login: entry.login.login,
        connector: entry.login.connector,
        device: entry.login.device,
        opener: entry.login.opener,
        client_id: Arc::clone(&entry.client_id),
        patience_ms: i64::try_from(patience.as_millis()).unwrap_or(i64::MAX),
        now: door.app.now(),
        steady: door.app.clock().steady(),
    };
    let handle = match door.realm.join(&joining, &door.committer) {
        Ok(handle) => handle,
        Err(reason) => {
            door.refusals.note(entry.login.login, reason, &entry.client_id);
            return say(&mut stream, &codec::refuse(connect.version, Refusal::Unavailable)).await;
        }
    };
    let session = match take_up(door, &connect, &entry).await {
        Ok(session) => session,
        Err(refusal) => {
            door.realm.leave(&handle, &door.committer, door.app.now(), || {});
            return say(&mut stream, &codec::refuse(connect.version, refusal)).await;
        }
    };
    let is_resumed = session.is_some();
    let repeats_until = if is_resumed { door.app.clock().steady().plus(RESUMING) } else { Steady::default() };
    let session = session.unwrap_or_default();
    door.realm.open.fetch_add(1, Ordering::Relaxed);
    let assigned = entry.assigned.then_some(&*entry.client_id);
    handle.send(&codec::welcome(connect.version, (connect.keep, is_resumed), assigned));
    let mut filters = session.filters;
    filters.retain(|filter| may_listen(&entry.login, filter));
    let mut connection = Connection {
        stream,
        door: Arc::clone(door),
        handle,
        login: entry.login,
        keep: connect.keep,
        repeats_until,
        will: connect.will.map(Box::new),
        filters,
        open: session.open.into_iter().collect(),
        partial: rest,
        flush_owed: false,
        told: None,
        grumbled: false,
    };
    connection.listen();
    door.connections.spawn(async move { connection.run().await });
}

/// The session that this client left, or a new one. The login is looked at once more: what ended it while the other
/// checks ran found no connection to close.
async fn take_up(door: &Door, connect: &Connect, entry: &Entry) -> Result<Option<BrokerSession>, Refusal> {
    let login = entry.login.login;
    // What an earlier connection of this client handed over belongs to the session before, and must not come into a new one.
    door.committer.settled(login).await;
    let taking = async {
        let Some(turn) = door.turn().await else { return Ok(Err(Refusal::Unavailable)) };
        let brought = [Some(entry.login.device), entry.login.opener].into_iter().flatten();
        if !door.app.login_stands(login, brought).await? {
            return Ok(Err(Refusal::NotAuthorized));
        }
        let found =
            if connect.clean { None } else { door.app.load_broker_session(login, &entry.client_id).await? };
        // A write waits for others in any case; those who only read need not wait for it.
        drop(turn);
        if connect.keep && found.is_none() {
            door.app.begin_broker_session(login, &entry.client_id).await?;
        } else if !connect.keep {
            door.app.forget_broker_session(login, &entry.client_id).await?;
        }
        Ok(Ok(found))
    };
    taking.await.unwrap_or_else(|error: lockwarden_app::Error| {
        tracing::error!(%error, "a session could not be read");
        Err(Refusal::Unavailable)
    })
}
