//! `demo` and `simulate`, as somebody who looks around starts them.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lockwarden_app::clock::Clock;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::kit::{Site, get, within};

fn lockwarden(args: &[&str]) -> Command {
    let mut command = quiet(env!("CARGO_BIN_EXE_lockwarden"));
    command.args(args);
    command
}

/// The same, allowed to have so many files open.
fn lockwarden_with_files(most: u32) -> Command {
    let mut command = quiet("sh");
    command.args(["-c", &format!("ulimit -n {most} && exec \"$0\" \"$@\"")]);
    command.arg(env!("CARGO_BIN_EXE_lockwarden"));
    command
}

fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LOCKWARDEN_LOG", "warn").env_remove("LOCKWARDEN_DATABASE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

struct Demo {
    child: Child,
    stdout: BufReader<ChildStdout>,
    line: String,
    keys: Value,
    http: SocketAddr,
    tmp: TempDir,
}

impl Demo {
    async fn start(devices: &str, seed: &str) -> Self {
        Self::with(lockwarden(&[]), devices, seed, "2").await
    }

    async fn with(mut command: Command, devices: &str, seed: &str, days: &str) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let words = std::fs::File::create(tmp.path().join("words")).unwrap();
        let args = ["demo", "--json", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
        let mut child = command
            .args(args)
            .args(["--devices", devices, "--history-days", days, "--seed", seed])
            .env("TMPDIR", tmp.path())
            .stderr(words)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        within(60, stdout.read_line(&mut line)).await.unwrap();
        let keys: Value = serde_json::from_str(&line).unwrap();
        let http = keys["url"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
        Self { child, stdout, line, keys, http, tmp }
    }

    fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().unwrap()
    }

    async fn ask(&self, path: &str) -> Value {
        let (status, body) = get(self.http, path, self.key("token")).await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// What every lock is called, and its Nuki ID.
    async fn building(&self) -> Vec<(String, u64)> {
        let locks = self.ask("/api/smartlock").await;
        let lock =
            |lock: &Value| (lock["name"].as_str().unwrap().to_owned(), lock["smartlockId"].as_u64().unwrap());
        let mut building: Vec<_> = locks.as_array().unwrap().iter().map(lock).collect();
        building.sort();
        building
    }

    /// The log from its oldest entry on: when, and what.
    async fn log(&self) -> Vec<(Timestamp, u64, String)> {
        let mut log = Vec::new();
        let mut path = "/api/smartlock/log?limit=50".to_owned();
        loop {
            let page = self.ask(&path).await;
            let page = page.as_array().unwrap();
            for entry in page {
                let at = entry["date"].as_str().unwrap().parse().unwrap();
                let what = format!("{} {} {}", entry["action"], entry["trigger"], entry["state"]);
                log.push((at, entry["smartlockId"].as_u64().unwrap(), what));
            }
            match page.last() {
                Some(last) if page.len() == 50 => {
                    path = format!("/api/smartlock/log?limit=50&id={}", last["id"].as_str().unwrap());
                }
                _ => break,
            }
        }
        log.reverse();
        log
    }

    async fn sign_in(&self, password: &str) -> String {
        let body = format!("email=demo%40example.org&password={password}");
        let request = format!(
            "POST /sign-in HTTP/1.1\r\nhost: {0}\r\norigin: http://{0}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {1}\r\n\r\n{body}",
            self.http,
            body.len()
        );
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// A page as somebody who signed in gets it.
    async fn page(&self, path: &str) -> String {
        let signed_in = self.sign_in(self.key("password")).await;
        let cookie = signed_in.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n",
            self.http
        );
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// SIGTERM, and what was left on stdout and in the directory for temporary files.
    async fn stop(mut self) -> (Option<i32>, String, Vec<String>) {
        terminate(&self.child).await;
        let mut rest = String::new();
        within(30, self.stdout.read_to_string(&mut rest)).await.unwrap();
        let status = within(30, self.child.wait()).await.unwrap();
        (status.code(), rest, names(self.tmp.path()))
    }
}

async fn terminate(child: &Child) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").arg(id).status().await.unwrap().success());
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_demo_prints_one_line_lets_in_shows_a_life_and_leaves_nothing_behind() {
    let demo = Demo::start("3", "5").await;
    assert_eq!(get(demo.http, "/readyz", "").await.unwrap().0, 200);
    assert!(demo.sign_in(demo.key("password")).await.starts_with("HTTP/1.1 303"));
    assert!(demo.sign_in("wrong").await.starts_with("HTTP/1.1 422"));
    assert_eq!(demo.ask("/api/account").await["email"], demo.keys["email"]);
    within(30, async {
        loop {
            let locks = demo.ask("/api/smartlock").await;
            let locks = locks.as_array().unwrap();
            assert_eq!(locks.len(), 3);
            if locks.iter().all(|lock| lock["serverState"] == 0) {
                return;
            }
        }
    })
    .await;
    let past = demo.log().await;
    let hours = past[past.len() - 1].0.duration_since(past[0].0).as_hours();
    assert!(past.len() >= 20 && (12..=48).contains(&hours), "{hours} hours: {past:?}");
    // Somebody comes or goes within two minutes and a half.
    within(170, async {
        while demo.log().await.len() <= past.len() {
            let _ = tokio::time::timeout(Duration::from_millis(500), std::future::pending::<()>()).await;
        }
    })
    .await;
    let first_line = demo.line.clone();
    let (code, rest, left) = demo.stop().await;
    assert_eq!((code, rest.as_str()), (Some(0), ""), "one line and nothing else: {first_line}");
    assert_eq!(left, ["words"], "the directory of the demo is gone");
}

#[tokio::test]
async fn a_device_of_a_demo_has_three_pictures_of_its_past_and_a_forecast_of_its_battery() {
    let demo = Demo::with(lockwarden(&[]), "10", "5", "60").await;
    let list = demo.page("/devices").await;
    // Its battery is nearly empty, and was not replaced of late.
    let garage = list.split("/devices/").find(|part| part.contains(">Garage<")).unwrap();
    let garage = garage.split('"').next().unwrap();
    let page = demo.page(&format!("/devices/{garage}?days=30")).await;
    let pictures: Vec<&str> = page.split("<figure").skip(1).collect();
    assert_eq!(pictures.len(), 3, "{page}");
    for (picture, wanted) in pictures.iter().zip([">Unlocked<", ">22 %<", ">Online<"]) {
        let table = picture.split("<tbody>").nth(1).unwrap();
        assert!(table.contains(wanted), "{picture}");
    }
    assert!(pictures[0].split("<tbody>").nth(1).unwrap().matches(">Locked<").count() > 30, "{}", pictures[0]);
    assert!(pictures[1].contains("empty in about"), "{}", pictures[1]);
    assert_eq!(demo.stop().await.0, Some(0));
}

#[tokio::test]
async fn the_same_seed_is_the_same_building_with_the_same_history() {
    let before = Clock::System.now().to_jiff();
    let (one, two, other) =
        (Demo::start("3", "5").await, Demo::start("3", "5").await, Demo::start("3", "6").await);
    let building = one.building().await;
    assert_eq!(building, two.building().await);
    assert_ne!(building, other.building().await);
    // Both ends move on with the time; a life of its own has begun at the newer one.
    let from = before - SignedDuration::from_hours(48) + SignedDuration::from_mins(5);
    let mut logs = Vec::new();
    for demo in [&one, &two, &other] {
        let log = demo.log().await;
        logs.push(log.into_iter().filter(|(at, ..)| (from..before).contains(at)).collect::<Vec<_>>());
    }
    assert!(logs[0].len() >= 15, "{:?}", logs[0]);
    assert_eq!(logs[0], logs[1]);
    assert_ne!(logs[0], logs[2]);
    for demo in [one, two, other] {
        assert_eq!(demo.stop().await.0, Some(0));
    }
}

#[tokio::test]
async fn a_demo_of_more_devices_than_it_may_connect_has_all_of_them() {
    let demo = Demo::with(lockwarden_with_files(1_104), "60", "5", "2").await;
    within(60, async {
        loop {
            let locks = demo.ask("/api/smartlock").await;
            let locks = locks.as_array().unwrap();
            let away = locks.iter().filter(|lock| lock["serverState"] == 4).count();
            let said = locks.iter().filter(|lock| lock["state"]["state"].is_number()).count();
            if (locks.len(), said) == (60, 60) && away >= 20 {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(demo.stop().await.0, Some(0));
}

#[tokio::test]
async fn a_demo_ends_what_it_cannot_do_in_words() {
    let taken = Site::serving().await;
    let mqtt = taken.mqtt.to_string();
    let output = lockwarden(&["demo", "--http", "127.0.0.1:0", "--mqtt", &mqtt]).output().await.unwrap();
    assert_ne!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("MQTT door") && output.stdout.is_empty(), "{said}");
}

#[tokio::test]
async fn a_simulated_lock_with_a_login_of_ours_is_online_until_it_is_stopped() {
    let site = Site::serving().await;
    let (token, spec) = (site.token(), site.lock("Front door", 0xA1));
    let (child, mut words) = simulate(&site, &spec.username, &spec.password).await;
    let mut line = String::new();
    while !line.contains("connected") {
        line.clear();
        assert_ne!(within(20, words.read_line(&mut line)).await.unwrap(), 0, "it ended");
    }
    let online = async |wanted: &str| {
        within(20, async {
            while !get(site.http, "/api/smartlock", &token).await.unwrap().1.contains(wanted) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    online("\"serverState\":0").await;
    terminate(&child).await;
    let output = within(20, child.wait_with_output()).await.unwrap();
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(0), true));
    online("\"serverState\":4").await;
}

/// A simulator against this server, and its words.
async fn simulate(site: &Site, username: &str, password: &str) -> (Child, BufReader<ChildStderr>) {
    let broker = site.mqtt.to_string();
    let mut child =
        lockwarden(&["simulate", "--broker", &broker, "--username", username, "--password-stdin"])
            .args(["--nuki-id", "A1", "--name", "Front door", "--speed", "100", "--quiet"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{password}\n").as_bytes()).await.unwrap();
    drop(stdin);
    let words = BufReader::new(child.stderr.take().unwrap());
    (child, words)
}

#[tokio::test]
async fn a_simulated_lock_that_is_not_let_in_says_why_and_ends() {
    let site = Site::serving().await;
    let spec = site.lock("Front door", 0xA1);
    let (child, mut words) = simulate(&site, &spec.username, "wrong").await;
    let mut said = String::new();
    within(20, words.read_to_string(&mut said)).await.unwrap();
    let output = within(20, child.wait_with_output()).await.unwrap();
    assert!(said.contains("user name or password") && !output.status.success(), "{said}");
}

#[tokio::test]
async fn a_simulated_hub_brings_its_lock_and_one_that_is_not_let_in_says_why_and_ends() {
    let site = Site::serving().await;
    let device = crate::ways::add(&site, "nuki-hub", "Office");
    let (user, password) = crate::ways::login(&device);
    for (password, wanted) in [("wrong", "user name or password"), (password.as_str(), "connected")] {
        let broker = site.mqtt.to_string();
        let args = ["simulate", "--hub", "--broker", &broker, "--username", &user, "--password-stdin"];
        let mut child = lockwarden(&args).args(["--speed", "100"]).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).await.unwrap();
        let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
        let found = within(20, async {
            loop {
                let line =
                    words.next_line().await.unwrap().unwrap_or_else(|| panic!("it did not say {wanted}"));
                if line.contains(wanted) && !line.starts_with("connecting") {
                    return line;
                }
            }
        });
        let line = found.await;
        if wanted == "connected" {
            assert_eq!(line, "connected");
            terminate(&child).await;
        }
        let ended = within(20, child.wait()).await.unwrap();
        assert_eq!(ended.code(), Some(if wanted == "connected" { 0 } else { 5 }), "{line}");
    }
}

#[tokio::test]
async fn a_simulated_device_that_is_asked_to_come_back_later_does() {
    for more in [&[][..], &["--hub"]] {
        let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = broker.local_addr().unwrap().to_string();
        let args = ["simulate", "--broker", &at, "--username", "lock", "--password-stdin", "--speed", "100"];
        let mut child = lockwarden(&args).args(more).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"secret").await.unwrap();
        let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
        words.next_line().await.unwrap();
        // Not now, and then yes.
        for (code, wanted) in
            [(3, "not connected: the broker lets nobody in at the moment"), (0, "connected")]
        {
            let (mut line, _) = within(20, broker.accept()).await.unwrap();
            assert_ne!(line.read(&mut [0; 1024]).await.unwrap(), 0);
            line.write_all(&[0x20, 2, 0, code]).await.unwrap();
            let said = within(20, words.next_line()).await.unwrap();
            assert!(said.as_ref().is_some_and(|said| said.starts_with(wanted)), "{more:?}: {said:?}");
        }
        terminate(&child).await;
        within(20, child.wait()).await.unwrap();
    }
}

#[tokio::test]
async fn a_simulated_bridge_says_where_it_is_and_with_which_token_and_that_a_place_is_taken() {
    let mut child =
        lockwarden(&["simulate", "--bridge", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut told = async |what: &str| {
        within(20, async {
            loop {
                let line = words.next_line().await.unwrap().expect("it goes on");
                if let Some(rest) = line.trim().strip_prefix(what) {
                    return rest.trim().to_owned();
                }
            }
        })
        .await
    };
    let (address, token) = (told("Address").await, told("Token").await);
    let taken = lockwarden(&["simulate", "--bridge", &address]).output().await.unwrap();
    let said = String::from_utf8_lossy(&taken.stderr);
    assert!(taken.status.code() == Some(5) && said.contains("cannot listen on"), "{said}");
    let site = Site::serving().await;
    let args = ["device", "add", "--email", crate::kit::EMAIL, "--connector", "nuki-bridge"];
    let added = site.ok(&[&args[..], &["--bridge", &address, "--token", &token]].concat(), "");
    assert!(added.contains("\"nukiId\":\"51A00003\""), "{added}");
    terminate(&child).await;
    assert!(within(20, child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn a_demo_of_eight_devices_reaches_every_kind_by_every_way() {
    let demo = Demo::start("8", "1").await;
    let devices = demo.ask("/api/smartlock").await;
    let devices = devices.as_array().unwrap();
    let of_type = |kind: u64| devices.iter().filter(move |device| device["type"] == kind);
    assert_eq!([0, 2, 3, 4, 5].map(|kind| of_type(kind).count()), [1, 1, 1, 2, 3], "{devices:?}");
    for (kind, name) in [(0, "Bicycle cellar"), (2, "Street door"), (3, "Shop entrance")] {
        let device = of_type(kind).next().unwrap();
        assert_eq!(
            (&device["name"], &device["serverState"]),
            (&name.into(), &0.into()),
            "behind hub or bridge"
        );
    }
}

#[tokio::test]
async fn a_demo_of_six_devices_has_some_of_every_way_and_one_of_five_only_what_speaks_mqtt() {
    for (devices, kinds) in [("6", vec![0, 2, 3, 4, 4, 5]), ("5", vec![4, 4, 5, 5, 5])] {
        let demo = Demo::start(devices, "1").await;
        let mut told = Vec::new();
        within(30, async {
            while told != kinds {
                let locks = demo.ask("/api/smartlock").await;
                let types = locks.as_array().unwrap().iter().map(|one| one["type"].as_u64().unwrap());
                told = types.collect();
                told.sort_unstable();
            }
        })
        .await;
    }
}
