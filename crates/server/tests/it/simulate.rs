//! `simulate`, as somebody without a lock uses it: one device of any kind by any of its ways, with the quirks that are asked
//! for, against a server that does not know.

use std::process::Stdio;

use lockwarden_app::devices::Connector;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::kit::{EMAIL, Site, call, get, within};
use crate::unlock::{DOOR, lock_says, log};
use crate::ways::{add, is_online, listed, login, until};

/// A simulator of its own, until it is dropped.
struct Simulated {
    _child: Child,
    words: Lines<BufReader<ChildStderr>>,
}

impl Simulated {
    /// With these options, and these lines of standard input.
    async fn start(site: &Site, options: &[&str], passwords: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lockwarden"))
            .args(["simulate", "--speed", "100"])
            .args(options)
            .args(if passwords.is_empty() {
                vec![]
            } else {
                vec!["--broker".to_owned(), site.mqtt.to_string()]
            })
            .args(if passwords.is_empty() { &[][..] } else { &["--password-stdin"] })
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(passwords.as_bytes()).await.unwrap();
        let words = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { _child: child, words }
    }

    /// What stands behind this on a line.
    async fn tells(&mut self, what: &str) -> String {
        let mut said = Vec::new();
        within(30, async {
            while let Some(line) = self.words.next_line().await.unwrap() {
                if let Some(rest) = line.trim().strip_prefix(what) {
                    return rest.trim().to_owned();
                }
                said.push(line);
            }
            panic!("{what} is not among {said:?}");
        })
        .await
    }

    /// Adds the bridge that it is; what the command said.
    async fn add_bridge(&mut self, site: &Site) -> std::process::Output {
        let (address, token) = (self.tells("Address").await, self.tells("Token").await);
        let args = ["device", "add", "--email", EMAIL, "--connector", "nuki-bridge"];
        site.run(&[&args[..], &["--bridge", &address, "--token", &token]].concat(), "")
    }
}

#[tokio::test]
async fn one_simulated_lock_by_all_its_ways_at_once_is_one_device_with_three_ways() {
    let site = Site::serving().await;
    let (by_mqtt, by_hub) = (add(&site, "nuki-mqtt", "Front door"), add(&site, "nuki-hub", "The hub’s"));
    let ((user, password), (hub_user, hub_password)) = (login(&by_mqtt), login(&by_hub));
    let options = [
        ["--mqtt", "--hub", "--quiet", "--username", &user, "--hub-username", &hub_user].as_slice(),
        &["--bridge", "127.0.0.1:0"],
    ]
    .concat();
    let mut lock = Simulated::start(&site, &options, &format!("{password}\n{hub_password}\n")).await;
    let added = lock.add_bridge(&site).await;
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let all = |shown: &Value| Connector::ALL.iter().all(|way| is_online(shown, way.name()));
    let shown = until(&site, &by_mqtt["id"], "every way is there", all).await;
    assert_eq!((listed(&site).len(), &shown["nukiId"]), (1, &"51A00001".into()), "{shown}");
}

#[tokio::test]
async fn a_simulated_device_is_of_the_kind_that_was_asked_for() {
    let site = Site::serving().await;
    let token = site.token();
    let by_mqtt = add(&site, "nuki-mqtt", "Terrace");
    let (user, password) = login(&by_mqtt);
    let ultra = ["--kind", "smart-lock-ultra", "--username", &user];
    let _ultra = Simulated::start(&site, &ultra, &password).await;
    let (user, password) = login(&add(&site, "nuki-hub", "Street door"));
    let opener = ["--kind", "opener", "--hub", "--username", &user];
    let _opener = Simulated::start(&site, &opener, &password).await;
    let mut bridges = Vec::new();
    for kind in ["smart-lock-1-2", "smart-door", "box"] {
        let mut bridge = Simulated::start(&site, &["--kind", kind, "--bridge", "127.0.0.1:0"], "").await;
        let added = bridge.add_bridge(&site).await;
        assert!(added.status.success(), "{kind}: {}", String::from_utf8_lossy(&added.stderr));
        bridges.push(bridge);
    }
    let mut types = Vec::new();
    within(60, async {
        while types != [0, 1, 2, 3, 5] {
            let (_, body) = get(site.http, "/api/smartlock", &token).await.unwrap();
            let devices: Vec<Value> = serde_json::from_str(&body).unwrap();
            types = devices.iter().map(|device| device["type"].as_u64().unwrap()).collect();
            types.sort_unstable();
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_quirk_that_was_asked_for_is_seen_in_the_product() {
    let site = Site::serving().await;
    let token = site.token();
    let (by_mqtt, by_hub) = (add(&site, "nuki-mqtt", "Front door"), add(&site, "nuki-hub", "Office"));
    let (user, password) = login(&by_mqtt);
    let jams = ["--quirk", "lock-jams", "--quiet", "--nuki-id", "A1", "--username", &user];
    let _jams = Simulated::start(&site, &jams, &password).await;
    lock_says(&site, &token, |lock| lock["serverState"] == 0 && lock["state"]["state"] == 1).await;
    for (nth, order) in ["unlock", "lock"].into_iter().enumerate() {
        let path = format!("{DOOR}/action/{order}");
        let (status, body) = call(site.http, "POST", &path, &token, "").await.unwrap();
        assert_eq!(status, 204, "{order}: {body}");
        // Not only the first time.
        let jammed = |entries: Vec<Value>| entries.iter().filter(|entry| entry["state"] == 1).count() > nth;
        within(30, async { while !jammed(log(&site, &token).await) {} }).await;
    }
    let (user, password) = login(&by_hub);
    let told = |shown: &Value, words: &str| shown["troubles"].to_string().contains(words);
    let hub = ["--hub", "--pin", "none", "--username", &user];
    let hub = Simulated::start(&site, &hub, &password).await;
    until(&site, &by_hub["id"], "no PIN", |shown| told(shown, "no-pin")).await;
    drop(hub);
    let quirks = ["hub-cuts-json", "hub-log-off", "lock-refuses"].map(|quirk| ["--quirk", quirk]);
    let hub = [&["--hub", "--quiet", "--username", &user], quirks.as_flattened()].concat();
    let _hub = Simulated::start(&site, &hub, &password).await;
    let is_bad = |shown: &Value| told(shown, "truncated") && told(shown, "log-off") && !told(shown, "no-pin");
    until(&site, &by_hub["id"], "a list that was cut, and no log", is_bad).await;
    // Nor does what the hub tries again.
    let unlock = format!("/api/smartlock/{}/action/unlock", 4_u64 << 32 | 0x51A0_0002);
    let (status, body) = call(site.http, "POST", &unlock, &token, "").await.unwrap();
    assert_eq!(status, 204, "{body}");
    let refused = |entries: Vec<Value>| entries.iter().filter(|entry| entry["state"] != 0).count() > 2;
    within(30, async { while !refused(log(&site, &token).await) {} }).await;
    let mut busy = Simulated::start(&site, &["--bridge", "127.0.0.1:0", "--quirk", "bridge-busy"], "").await;
    let refused = busy.add_bridge(&site).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("busy with another request"), "{words}");
    let taken = ["--bridge", "127.0.0.1:0", "--quirk", "bridge-callbacks-taken"];
    let mut taken = Simulated::start(&site, &taken, "").await;
    let added: Value = serde_json::from_slice(&taken.add_bridge(&site).await.stdout).unwrap();
    let is_told = |shown: &Value| shown["callbacks"].to_string().contains("all three");
    until(&site, &added["id"], "no place to be called back at", is_told).await;
}

#[tokio::test]
async fn what_cannot_be_simulated_together_is_refused_in_words() {
    let bridge = ["--bridge", "127.0.0.1:0"];
    let both = ["--mqtt", "--hub", "--username", "a", "--hub-username", "b", "--password-stdin"];
    for (options, code, words) in [
        (
            &["--kind", "opener"][..],
            3,
            "kind: an Opener is not reached by an MQTT of its own; say --hub or --bridge",
        ),
        (
            &["--kind", "smart-door", "--mqtt", "--hub"],
            3,
            "kind: a Smart Door is not reached by an MQTT of its own",
        ),
        (&["--kind", "smart-lock-1-2"], 3, "say --hub or --bridge"),
        (
            &["--kind", "smart-lock-ultra", "--bridge", "127.0.0.1:0"],
            3,
            "not reached by a Nuki Bridge; say --mqtt or --hub",
        ),
        (&["--kind", "garage"], 2, "smart-lock-3"),
        (&["--kind", "box"], 3, "say --bridge"),
        (&[&bridge[..], &["--base-path", "x"]].concat(), 2, "--hub"),
        (&[&bridge[..], &["--pin", "wrong"]].concat(), 2, "--hub"),
        (&[&bridge[..], &["--username", "x"]].concat(), 3, "it waits to be asked"),
        (&[&bridge[..], &["--broker", "127.0.0.1:1"]].concat(), 3, "it waits to be asked"),
        (&["--hub", "--username", "a", "--hub-username", "b"], 3, "add --mqtt"),
        (&["--hub-username", "b"], 2, "--hub"),
        (&both, 3, "no line for the hub"),
        (&["--quirk", "bridge-busy"], 3, "quirk: bridge-busy is seen only with --bridge"),
        (&["--quirk", "hub-log-off"], 3, "hub-log-off is seen only with --hub"),
        (&["--hub", "--quirk", "lock-never-answers"], 3, "lock-never-answers is seen only with --mqtt"),
        (&["--hub", "--quirk", "hub-undefined-success"], 3, "seen only with --mqtt"),
        (&["--kind", "opener", "--hub", "--quirk", "lock-jams"], 3, "lock-jams is one of locks"),
        (&["--quirk", "hub-hums"], 2, "hub-log-off"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockwarden"));
        let mut child = command
            .arg("simulate")
            .args(options)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"the lock's\n").await.unwrap();
        let refused = within(20, child.wait_with_output()).await.unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(code) && said.contains(words), "{options:?}: {said}");
    }
}
