//! Commands beside a server, or beside what one left behind: they find the same installation wherever they stand.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::kit::{EMAIL, PASSWORD, within};

/// A server that does not outlive its test.
struct Server(Child);

impl Server {
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server in `cwd` with these arguments; returns it once it is ready, and where it answers.
async fn serve_in(cwd: &Path, args: &[&str]) -> (Server, Value) {
    let mut server = lockwarden(cwd, &["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
    let server = Server(server.args(args).stderr(Stdio::null()).spawn().unwrap());
    let note = cwd.join("data/server.json");
    let running = within(20, async {
        loop {
            if let Some(running) =
                std::fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok())
            {
                return running;
            }
            let _ = tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await;
        }
    })
    .await;
    (server, running)
}

fn lockwarden(cwd: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockwarden"));
    command.current_dir(cwd).args(args).env_remove("LOCKWARDEN_DATABASE").env("LOCKWARDEN_LOG", "warn");
    command
}

fn create_account(command: &mut Command) -> Output {
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), PASSWORD.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

const ACCOUNT: [&str; 7] = ["account", "create", "--email", EMAIL, "--name", "Anna", "--password-stdin"];

const DEVICE: [&str; 8] = ["device", "add", "--email", EMAIL, "--connector", "nuki-mqtt", "--name", "Door"];

/// What is printed of a device added in `data`.
fn add_device(command: &mut Command) -> Value {
    let added = command.args(["--data-dir", "data"]).output().unwrap();
    serde_json::from_slice(&added.stdout).unwrap()
}

#[tokio::test]
async fn a_relative_data_directory_is_the_same_for_a_command_that_stands_elsewhere() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = home.path().join("data");
    let (mut server, _) = serve_in(home.path(), &["--data-dir", "data"]).await;
    let made = create_account(lockwarden(elsewhere.path(), &ACCOUNT).arg("--data-dir").arg(&whole));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let token = ["token", "create", "--email", EMAIL, "--name", "x", "--data-dir", "data"];
    assert!(lockwarden(home.path(), &token).output().unwrap().status.success());
    server.kill();
    assert!(lockwarden(home.path(), &token).output().unwrap().status.success(), "and where none runs");
    assert!(std::fs::read_dir(elsewhere.path()).unwrap().next().is_none(), "nothing was made");
}

#[tokio::test]
async fn what_a_killed_server_left_of_itself_says_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (mut server, running) = serve_in(home.path(), &["--data-dir", "data"]).await;
    server.kill();
    std::fs::write(home.path().join("data/lockwarden.toml"), "database = \"sqlite:other.db\"\n").unwrap();
    let made = create_account(lockwarden(home.path(), &ACCOUNT).args(["--data-dir", "data"]));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(home.path().join("data/other.db").is_file(), "a path in the file counts from the file");

    let device = add_device(lockwarden(home.path(), &DEVICE).env("LOCKWARDEN_MQTT", "0.0.0.0:2883"));
    assert_eq!(device["port"], 2883, "the environment counts, and not {}", running["mqtt"]);
}

#[tokio::test]
async fn a_flag_counts_before_the_environment_and_that_before_the_file() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("data")).unwrap();
    let written = "http = \"127.0.0.1:1001\"\nmqtt = \"127.0.0.1:1002\"\nmqtt_host = \"file.example.org\"\n";
    std::fs::write(home.path().join("data/lockwarden.toml"), written).unwrap();
    let mut config = lockwarden(home.path(), &["config", "--data-dir", "data", "--http", "127.0.0.1:3001"]);
    config.env("LOCKWARDEN_HTTP", "127.0.0.1:2001").env("LOCKWARDEN_MQTT", "127.0.0.1:2002");
    let printed = String::from_utf8(config.output().unwrap().stdout).unwrap();
    for (setting, value) in
        [("http", "127.0.0.1:3001"), ("mqtt", "127.0.0.1:2002"), ("mqtt_host", "file.example.org")]
    {
        let line = printed.lines().find(|line| line.split_whitespace().next() == Some(setting)).unwrap();
        assert!(line.contains(value), "{line}");
    }
}

#[tokio::test]
async fn a_device_is_told_the_host_that_the_running_server_was_told() {
    let home = tempfile::tempdir().unwrap();
    let (_server, running) =
        serve_in(home.path(), &["--data-dir", "data", "--mqtt-host", "locks.example.org"]).await;
    assert!(create_account(lockwarden(home.path(), &ACCOUNT).args(["--data-dir", "data"])).status.success());
    let device = add_device(&mut lockwarden(home.path(), &DEVICE));
    assert_eq!(device["host"], "locks.example.org");
    assert!(running["mqtt"].as_str().unwrap().ends_with(&format!(":{}", device["port"])));
}
