//! One connection with nobody else at the door, step by step.

use lockwarden_app::devices::LockAction;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::ways::HubPart;
use lockwarden_testkit::World;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::*;
use crate::Limits;
use crate::realm::{Ear, Joining};

/// Of what is made, without making it.
fn size<T>(_: impl FnOnce(TaskTracker, Connection<TcpStream>) -> T) -> usize {
    size_of::<T>()
}

#[test]
fn the_task_of_a_connection_has_384_bytes_and_no_more() {
    // The runtime rounds a task up to a multiple of 128, and adds about 100 of its own.
    let task = size(|tracker, mut connection| tracker.track_future(async move { connection.run().await }));
    assert!(task <= 280, "{task}");
}

/// A connection of a lock that listens for commands, and the lock's end of it.
async fn connected(world: &World) -> (DeviceId, Connection<TcpStream>, TcpStream) {
    let anna = world.owner("Anna").await;
    let (device, credentials) = world.device(&anna, "Front door").await;
    let login = world.login(&credentials).await;
    let door = Arc::new(Door::new(world.app.clone(), Limits::default()));
    let joining = Joining {
        version: Version::V3,
        login: login.login,
        connector: login.connector,
        device,
        opener: None,
        client_id: "SL3P".into(),
        patience_ms: 90_000,
        now: world.clock.now(),
        steady: world.clock.steady(),
    };
    let handle = door.realm.join(&joining, &door.committer).unwrap();
    handle.out().commands = [Ear { part: HubPart::Lock, topic: "nuki/A1/lockAction".into(), qos: 1 }].into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (lock, accepted) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let connection = Connection {
        stream: accepted.unwrap().0,
        door,
        handle,
        login,
        keep: false,
        repeats_until: Steady::default(),
        will: None,
        filters: Filters::default(),
        open: BTreeSet::new(),
        partial: Vec::new(),
        flush_owed: false,
        told: None,
        grumbled: false,
    };
    (device, connection, lock.unwrap())
}

/// What arrives of a command that may leave within five seconds and is written after so many.
async fn written_after(seconds: u64) -> (bool, Vec<u8>) {
    let world = World::new().await;
    let (device, mut connection, mut lock) = connected(&world).await;
    let until = world.clock.steady().plus(Duration::from_secs(5));
    connection.handle.command(device, LockAction::Unlock, until).unwrap();
    world.clock.advance(Duration::from_secs(seconds));
    let written = poll_fn(|context| connection.write(context)).await;
    drop(connection);
    let mut arrived = Vec::new();
    lock.read_to_end(&mut arrived).await.unwrap();
    (written.is_ok(), arrived)
}

#[tokio::test]
async fn a_command_that_is_written_after_its_time_goes_down_with_the_connection() {
    let (goes_on, arrived) = written_after(4).await;
    assert!(goes_on && arrived.ends_with(b"1"), "{arrived:?}");
    let (goes_on, arrived) = written_after(5).await;
    assert!(!goes_on && arrived.is_empty(), "{arrived:?}");
}
