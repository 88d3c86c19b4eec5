//! Client libraries that others wrote, unchanged, against the real server: those for the Nuki Web API with a lock on the
//! network, and Eclipse Paho as a lock.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockwarden_app::db::Db;
use lockwarden_simulator::{Fleet, HubSpec, LockSpec, Options, Site as Place};

use crate::crash::pause;
use crate::kit::{Site, within};
use crate::ways::{add, login};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients")
}

async fn with_a_lock(work: impl FnOnce(&Site, &str) + Send) {
    let site = Site::serving().await;
    let token = site.token();
    let spec = site.lock("Front door", 0xA1);
    let fleet = Fleet::start(&site.broker(), vec![spec], &Options { time_scale: 0.01, ..Options::default() });
    within(20, fleet.all_connected()).await;
    tokio::task::block_in_place(|| work(&site, &token));
    let seen = fleet.locks()[0].seen();
    assert!(seen.moves >= 2, "the client's lock and unlock reached the lock: {seen:?}");
    fleet.stop().await;
}

#[track_caller]
fn run(program: &Path, script: &str, site: &Site, token: &str, more: &[(&str, String)]) {
    let output = Command::new(program)
        .arg(here().join(script))
        .env("BASE_URL", format!("http://{}/api", site.http))
        .env("TOKEN", token)
        .envs(more.iter().cloned())
        .output();
    let output =
        output.unwrap_or_else(|error| panic!("{}: {error}; scripts/install makes it", program.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_of_pypi_lists_reads_and_operates() {
    with_a_lock(|site, token| run(&here().join("venv/bin/python"), "pypi.py", site, token, &[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_of_pypi_sets_a_lock_behind_a_hub_and_reads_what_the_lock_says_of_it() {
    let site = Site::serving().await;
    let token = site.token();
    let (user, password) = login(&add(&site, "nuki-hub", "Front door"));
    let lock = LockSpec { official: false, ..LockSpec::new(0xA1, "Front door") };
    let hub = HubSpec::new("nukihub-esp32", 0xA1).with_everything().with_login(&user, &password);
    let place = Place { locks: vec![lock], hubs: vec![hub], ..Place::default() };
    let fleet = Fleet::open(&site.broker(), place, &Options { time_scale: 0.01, ..Options::default() });
    tokio::task::block_in_place(|| {
        run(&here().join("venv/bin/python"), "pypi_settings.py", &site, &token, &[]);
    });
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_client_of_npm_lists_reads_and_operates() {
    with_a_lock(|site, token| run(Path::new("node"), "npm.js", site, token, &[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lock_may_not_do_is_refused_in_a_way_that_paho_understands() {
    let site = Site::serving().await;
    let [front, back] = [("Front door", 0xA1), ("Back door", 0xB2)].map(|(name, nuki_id)| {
        let lock = site.lock(name, nuki_id);
        serde_json::json!({ "username": lock.username, "password": lock.password }).to_string()
    });
    let mqtt = [("MQTT_PORT", site.mqtt.port().to_string()), ("FRONT", front), ("BACK", back)];
    tokio::task::block_in_place(|| {
        run(&here().join("venv/bin/python"), "paho_refused.py", &site, "", &mqtt);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_made_of_paho_keeps_its_session_and_is_sent_nothing_old() {
    let site = Site::serving().await;
    let token = site.token();
    let lock = site.lock("Front door", 0xA1);
    let mqtt = [
        ("MQTT_PORT", site.mqtt.port().to_string()),
        ("MQTT_USER", lock.username),
        ("MQTT_PASSWORD", lock.password),
    ];
    tokio::task::block_in_place(|| {
        run(&here().join("venv/bin/python"), "paho_lock.py", &site, &token, &mqtt);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_paho_says_while_the_server_is_killed_is_in_the_log_once_whatever_its_qos() {
    const EVENTS: i64 = 200;
    let mut site = Site::serving().await;
    let lock = site.lock("Front door", 0xA1);
    let mut paho = Command::new(here().join("venv/bin/python"))
        .arg(here().join("paho_crash.py"))
        .env("MQTT_PORT", site.mqtt.port().to_string())
        .env("MQTT_USER", lock.username)
        .env("MQTT_PASSWORD", lock.password)
        .env("EVENTS", EVENTS.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while paho.try_wait().unwrap().is_none() {
        // It waits a second before it comes back.
        pause(1_800).await;
        site.kill();
        site.serve().await;
    }
    let output = paho.wait_with_output().unwrap();
    let connections = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let connections: Vec<u32> = connections.split_whitespace().map(|count| count.parse().unwrap()).collect();
    assert!(connections.iter().all(|count| *count > 1), "each version was cut off: {connections:?}");
    site.kill();
    let db = Db::open(&site.database.url).await.unwrap();
    let sql = "select code_id from activity where code_id is not null order by code_id";
    let rows: Vec<(i64,)> = db.read().await.unwrap().query(sql).all().await.unwrap();
    assert_eq!(rows, (1..=2 * EVENTS).map(|code| (code,)).collect::<Vec<_>>());
}
