//! A network that is really gone: packets vanish, and nobody says so. In a namespace of its own, with a route to the lock
//! that is taken away and given back, so that only the kernel can deliver late.

use std::process::Command;
use std::time::Duration;

use lockwarden_simulator::LockSpec;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::kit::{EMAIL, Site, call, get, within};

const INSIDE: &str = "LOCKWARDEN_TEST_INSIDE";
const SERVER: &str = "10.77.0.1";
const LOCK: &str = "10.77.0.2";

/// Runs the named test once more, inside a network namespace; whatever it says is said here.
fn inside(test: &str) {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let flags: &[&str] = if root { &["--net"] } else { &["--net", "--map-root-user"] };
    let output = Command::new("unshare")
        .args(flags)
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .env_remove("TEST_DATABASE_URL")
        .output()
        .expect("unshare; scripts/install installs it");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn ip(arguments: &str) {
    let done =
        Command::new("ip").args(arguments.split(' ')).output().expect("ip; scripts/install installs it");
    assert!(done.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn an_order_given_while_the_network_is_gone_does_not_arrive_when_it_comes_back() {
    if std::env::var_os(INSIDE).is_none() {
        return inside(
            "dead_line::an_order_given_while_the_network_is_gone_does_not_arrive_when_it_comes_back",
        );
    }
    ip("link set lo up");
    for address in [SERVER, LOCK] {
        ip(&format!("addr add {address}/32 dev lo"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(order_into_the_void());
}

async fn order_into_the_void() {
    let mut site = Site::new().await;
    site.create_account(EMAIL);
    site.mqtt = format!("{SERVER}:0").parse().unwrap();
    site.serve().await;
    let token = site.token();
    let mut lock = connected(&site, &site.lock("Front door", 0xA1)).await;
    let door = "/api/smartlock/17179869345";
    until(&site, &token, door, "\"serverState\":0").await;

    ip(&format!("route del local {LOCK} dev lo table local"));
    ip(&format!("route add blackhole {LOCK}"));
    let (status, body) = call(site.http, "POST", &format!("{door}/action/unlock"), &token, "").await.unwrap();
    assert_eq!((status, body.as_str()), (204, ""), "nobody can know yet that the lock is out of reach");
    // Not after its keep-alive, which is an hour: the command itself finds out.
    until(&site, &token, door, "\"serverState\":4").await;
    ip(&format!("route del blackhole {LOCK}"));
    ip(&format!("route add local {LOCK} dev lo table local"));

    let mut heard = Vec::new();
    // Asking is what makes the other side say that there is no connection any more.
    let asked = lock.write_all(&[0xC0, 0]).await;
    let _ = within(30, lock.read_to_end(&mut heard)).await;
    assert!(heard.is_empty(), "{asked:?}, and then: {heard:?}");
}

/// A lock that has told its type and listens, with a keep-alive of an hour.
async fn connected(site: &Site, spec: &LockSpec) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{LOCK}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(site.mqtt).await.unwrap();
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0xC2, 0x0E, 0x10];
    for text in ["SL3P_A1", &spec.username, &spec.password] {
        body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        body.extend(text.as_bytes());
    }
    let connect = [&[0x10, u8::try_from(body.len()).unwrap()], body.as_slice()].concat();
    let publish = |topic: &str, payload: &str| {
        let text = format!("\0{}{topic}\0\u{1}{payload}", char::from(u8::try_from(topic.len()).unwrap()));
        [&[0x32, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    };
    for (bytes, answer) in [
        (connect, 4),
        (publish("nuki/A1/deviceType", "4"), 4),
        (publish("nuki/A1/state", "1"), 4),
        ([&[0x82, 23, 0, 2, 0, 18], "nuki/A1/lockAction".as_bytes(), &[2]].concat(), 5),
    ] {
        stream.write_all(&bytes).await.unwrap();
        within(10, stream.read_exact(&mut vec![0; answer])).await.unwrap();
    }
    stream
}

async fn until(site: &Site, token: &str, path: &str, words: &str) {
    within(40, async {
        while !get(site.http, path, token).await.unwrap().1.contains(words) {
            let _ = tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
        }
    })
    .await;
}
