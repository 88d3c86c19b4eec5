//! More connections than the process may have files.

use std::time::Duration;

use lockwarden_simulator::{Fleet, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

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

/// Of two hundred files a quarter is for pages, and a quarter of that for one address.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_all_the_pages_connections_they_can_get_shuts_nobody_out_and_not_for_long() {
    let mut site = Site::new().await;
    site.create_account(EMAIL);
    site.limit_files(200);
    site.serve().await;
    let token = site.token();
    let mut held = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(site.http).await.unwrap();
        let _ = match number % 3 {
            0 => Ok(()),
            1 => stream.write_all(b"GET /api/smartlock HTTP/1.1\r\nhost: x\r\n").await,
            _ => {
                stream
                    .write_all(b"POST /sign-in HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nemail=")
                    .await
            }
        };
        held.push(stream);
    }
    // Somebody else is served at once.
    let other = TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = other.connect(site.http).await.unwrap();
    other.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    within(5, other.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Those who say nothing, half a head or half a body are let go after ten seconds each.
    within(40, async {
        while !get(site.http, "/api/smartlock", &token).await.is_ok_and(|(status, _)| status == 200) {
            crate::crash::pause(200).await;
        }
    })
    .await;
    let mut ends = 0;
    for mut stream in held {
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = within(20, stream.read_to_end(&mut rest)).await;
        ends += usize::from(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"));
    }
    assert_eq!(ends, 100);
}
