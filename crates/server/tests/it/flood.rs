//! More connections than the process may have files.

use std::time::Duration;

use lockwarden_simulator::{Fleet, Options};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::kit::{EMAIL, Site, get, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_devices_leaves_pages_locks_and_the_log_of_the_server_alone() {
    let mut site = Site::new().await;
    site.create_account(EMAIL);
    site.limit_files(200);
    site.serve().await;
    let token = site.token();
    let spec = site.lock("Front door", 0xA1);
    let fleet = Fleet::start(&site.broker(), vec![spec], &Options::default());
    within(20, fleet.all_connected()).await;

    let mut held = Vec::new();
    let mut turned_away = 0;
    for _ in 0..400 {
        let mut stream = TcpStream::connect(site.mqtt).await.unwrap();
        // Who is turned away is closed at once; who may stay hears nothing yet.
        let mut byte = [0];
        match tokio::time::timeout(Duration::from_millis(5), stream.read(&mut byte)).await {
            Ok(_) => turned_away += 1,
            Err(_) => held.push(stream),
        }
    }
    assert!(turned_away > 200 && !held.is_empty(), "{turned_away} turned away, {} held", held.len());
    let (status, body) = within(5, get(site.http, "/api/smartlock", &token)).await.unwrap();
    assert_eq!(status, 200);
    assert!(body.contains("\"serverState\":0"), "the lock is still online: {body}");
    drop(held);
    fleet.stop().await;
    let said = site.said();
    assert!(said.lines().count() < 20, "{said}");
}
