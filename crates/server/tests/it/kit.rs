//! The real binary on a directory of its own, and a small HTTP client.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use lockwarden_simulator::{Broker, LockSpec};
use lockwarden_testkit::FreshDatabase;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const PASSWORD: &str = "seven green doors in a row";
pub(crate) const EMAIL: &str = "anna@example.org";

/// An installation: a directory and a database, and perhaps a server that runs on them.
pub(crate) struct Site {
    pub(crate) database: FreshDatabase,
    server: Option<Child>,
    /// What the server is started under.
    wrapper: Vec<OsString>,
    pub(crate) http: SocketAddr,
    pub(crate) mqtt: SocketAddr,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Site {
    pub(crate) async fn new() -> Self {
        let nowhere = "127.0.0.1:0".parse().unwrap();
        Self {
            database: FreshDatabase::make().await,
            server: None,
            wrapper: Vec::new(),
            http: nowhere,
            mqtt: nowhere,
        }
    }

    /// A server with one account.
    pub(crate) async fn serving() -> Self {
        let mut site = Self::new().await;
        site.create_account(EMAIL);
        site.serve().await;
        site
    }

    pub(crate) fn dir(&self) -> &Path {
        self.database.dir.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = untold(self.dir(), args);
        command.env("LOCKWARDEN_DATABASE", &self.database.url);
        command
    }

    /// Runs a command on the same database from another directory.
    pub(crate) fn run_in(&self, dir: &Path, args: &[&str]) -> Output {
        untold(dir, args).env("LOCKWARDEN_DATABASE", &self.database.url).output().unwrap()
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed; what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str], input: &str) -> String {
        let output = self.run(args, input);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn create_account(&self, email: &str) {
        let args = ["account", "create", "--email", email, "--name", "Anna", "--password-stdin"];
        self.ok(&args, PASSWORD);
    }

    pub(crate) fn token(&self) -> String {
        self.ok(&["token", "create", "--email", EMAIL, "--name", "test"], "").trim().to_owned()
    }

    /// A device and the virtual lock that has its login.
    pub(crate) fn lock(&self, name: &str, nuki_id: u32) -> LockSpec {
        let args = ["device", "add", "--email", EMAIL, "--connector", "nuki-mqtt", "--name", name];
        let device: Value = serde_json::from_str(&self.ok(&args, "")).unwrap();
        let (username, password) =
            (device["username"].as_str().unwrap(), device["password"].as_str().unwrap());
        LockSpec::new(nuki_id, name).with_login(username, password)
    }

    pub(crate) fn broker(&self) -> Broker {
        Broker { host: self.mqtt.ip().to_string(), port: self.mqtt.port() }
    }

    /// From the next start on, what the server asks of disk and network is written to `file`, as strace writes it with
    /// these options. The tracer stands beside the server, so that the child is still the server itself.
    pub(crate) fn trace_to(&mut self, options: &[&str], file: &Path) {
        let arguments = ["strace", "-D", "-f"].iter().chain(options).chain(&["-o"]);
        self.wrapper = arguments.map(OsString::from).chain([file.into()]).collect();
    }

    /// From the next start on, some of these calls of the server fail. Each of its threads is counted by itself.
    pub(crate) fn fail(&mut self, calls: &str, fault: &str) {
        let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:error={fault}"));
        let arguments = ["strace", "-D", "-f", "-qq", "-e", &trace, "-e", &inject, "-o", "/dev/null"];
        self.wrapper = arguments.iter().map(OsString::from).collect();
    }

    /// From the next start on, the server's time of day is off by what stands in `offset`, at any moment. Only that: how
    /// much time passes is the truth.
    pub(crate) fn set_clock_by(&mut self, library: &Path, offset: &Path) {
        let path = |path: &Path| path.display().to_string();
        let settings = [
            format!("LD_PRELOAD={}", path(library)),
            format!("FAKETIME_TIMESTAMP_FILE={}", path(offset)),
            "FAKETIME_NO_CACHE=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
        ];
        self.wrapper = std::iter::once("env".to_owned()).chain(settings).map(OsString::from).collect();
    }

    /// From the next start on, the server may have so many open files.
    pub(crate) fn limit_files(&mut self, files: u32) {
        self.wrapper = vec!["prlimit".into(), format!("--nofile={files}:{files}").into()];
    }

    /// Starts the server and returns once it serves. The second time on the ports of the first.
    pub(crate) async fn serve(&mut self) {
        let note = self.dir().join("server.json");
        let _ = std::fs::remove_file(&note);
        self.server = Some(self.spawn());
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            assert!(Instant::now() < deadline, "the server did not start: {}", self.said());
            // While nobody listened there, the system may have given its port to a connection of another test.
            let ended = self.server.as_mut().is_some_and(|server| server.try_wait().unwrap().is_some());
            if ended && self.said().contains("Address already in use") {
                self.server = Some(self.spawn());
            }
            if let Some(found) =
                std::fs::read_to_string(&note).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok())
            {
                self.http = found["http"].as_str().unwrap().parse().unwrap();
                self.mqtt = found["mqtt"].as_str().unwrap().parse().unwrap();
                if let Ok(answer) = get(self.http, "/readyz", "").await
                    && answer.0 == 200
                {
                    return;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn spawn(&self) -> Child {
        let (http, mqtt) = (self.http.to_string(), self.mqtt.to_string());
        let words = std::fs::File::create(self.dir().join("server.err")).unwrap();
        let calls = "127.0.0.1:0";
        let mut command = self.command(&["serve", "--http", &http, "--mqtt", &mqtt, "--bridge-calls", calls]);
        if let Some((program, arguments)) = self.wrapper.split_first() {
            command = wrapped(&command, program, arguments);
        }
        command.stderr(words).spawn().unwrap()
    }

    /// What the server said on stderr since it last started.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.dir().join("server.err")).unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Waits until the server has ended by itself.
    pub(crate) async fn ended(&mut self) -> std::process::ExitStatus {
        let mut server = self.server.take().unwrap();
        loop {
            if let Some(status) = server.try_wait().unwrap() {
                return status;
            }
            let _ = tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await;
        }
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn stop(&mut self) {
        let mut server = self.server.take().unwrap();
        let ended = Command::new("kill").arg(server.id().to_string()).status().unwrap();
        assert!(ended.success() && server.wait().unwrap().success(), "a graceful stop ends well");
    }
}

/// Runs a command that is not told of any database.
pub(crate) fn run_untold(dir: &Path, args: &[&str]) -> Output {
    untold(dir, args).output().unwrap()
}

fn untold(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockwarden"));
    command
        .args(args)
        .arg("--data-dir")
        .arg(dir)
        .env("LOCKWARDEN_LOG", "warn,lockwarden_gateway::commit=info")
        .env_remove("LOCKWARDEN_DATABASE");
    command
}

/// The same command, started by another program.
fn wrapped(command: &Command, program: &OsString, arguments: &[OsString]) -> Command {
    let mut wrapped = Command::new(program);
    wrapped.args(arguments).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        wrapped.env(name, value.unwrap_or_default());
    }
    wrapped
}

/// Status and body of a GET; an error if nobody answers.
pub(crate) async fn get(http: SocketAddr, path: &str, token: &str) -> std::io::Result<(u16, String)> {
    call(http, "GET", path, token, "").await
}

pub(crate) async fn call(
    http: SocketAddr,
    method: &str,
    path: &str,
    token: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    send(http, (method, path, token), "", body).await
}

/// An order that is told from any other by its key.
pub(crate) async fn order_with(
    http: SocketAddr,
    path: &str,
    token: &str,
    (key, body): (&str, &str),
) -> std::io::Result<(u16, String)> {
    send(http, ("POST", path, token), &format!("idempotency-key: {key}\r\n"), body).await
}

async fn send(
    http: SocketAddr,
    (method, path, token): (&str, &str, &str),
    more: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(http).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {http}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         {more}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = if head.contains("transfer-encoding: chunked") { dechunk(body) } else { body.to_owned() };
    Ok((status, body))
}

fn dechunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        body.push_str(after.get(..size).unwrap_or_default());
        rest = after.get(size + 2..).unwrap_or_default();
    }
    body
}

/// What `trace_to` wrote, once its writer has seen the end of the server.
pub(crate) async fn trace(file: &Path) -> String {
    loop {
        let calls = std::fs::read_to_string(file).unwrap_or_default();
        if calls.contains("+++ killed by SIGKILL +++") {
            return calls;
        }
        let _ = tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await;
    }
}

/// A test that hangs fails instead.
pub(crate) async fn within<T>(seconds: u64, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(seconds), work)
        .await
        .unwrap_or_else(|_| panic!("not within {seconds} s"))
}
