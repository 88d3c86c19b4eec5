//! The command line, as scripts use it: data on stdout, words on stderr, exit codes that mean something, and a running
//! server that honours every change at once.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use lockwarden_app::App;
use lockwarden_app::actor::{Actor, Who};
use lockwarden_app::bus::Bus;
use lockwarden_app::clock::Clock;
use lockwarden_app::db::Db;
use lockwarden_app::rng::Chance;
use lockwarden_simulator::{Fleet, Options};
use serde_json::Value;

use crate::kit::{EMAIL, PASSWORD, Site, call, get, run_untold, within};
use crate::ways::add;

#[tokio::test]
async fn accounts_tokens_and_devices_can_be_made_before_the_server_ever_ran() {
    let mut site = Site::new().await;
    site.create_account(EMAIL);
    let token = site.ok(&["token", "create", "--email", EMAIL, "--name", "script"], "");
    assert_eq!((token.trim().len(), token.lines().count()), (80, 1), "the token and nothing else");
    let args = ["device", "add", "--email", EMAIL, "--connector", "nuki-mqtt", "--name", "Front door"];
    let device: Value = serde_json::from_str(&site.ok(&args, "")).unwrap();
    for key in ["id", "host", "port", "username", "password"] {
        assert!(!device[key].is_null(), "{key} is missing in {device}");
    }
    site.serve().await;
    assert_eq!(get(site.http, "/api/account", token.trim()).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_backup_is_made_and_restored_where_no_server_runs() {
    let mut site = Site::new().await;
    site.create_account(EMAIL);
    let token = site.token();
    let file = site.dir().join("backup.db");
    let file = file.to_str().unwrap();
    site.ok(&["backup", file], "");
    site.create_account("later@example.org");
    site.ok(&["restore", file], "");
    site.create_account("later@example.org");
    site.serve().await;
    assert_eq!(get(site.http, "/api/account", &token).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_running_server_honours_what_a_command_changed_at_once() {
    let mut site = Site::new().await;
    site.serve().await;
    site.create_account(EMAIL);
    let token = site.token();
    assert_eq!(get(site.http, "/api/smartlock", &token).await.unwrap(), (200, "[]".to_owned()));
    let spec = site.lock("Front door", 0xA1);
    let fleet = Fleet::start(&site.broker(), vec![spec], &Options { time_scale: 0.01, ..Options::default() });
    within(20, fleet.all_connected()).await;
    within(20, async {
        while !get(site.http, "/api/smartlock", &token).await.unwrap().1.contains("Front door") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    site.ok(
        &["account", "password", "--email", EMAIL, "--password-stdin"],
        "an entirely different set of words",
    );
    assert_eq!(
        get(site.http, "/api/smartlock", &token).await.unwrap().0,
        401,
        "a new password ends every token"
    );
    fleet.stop().await;
}

#[tokio::test]
async fn what_cannot_be_right_has_an_exit_code_and_words_on_stderr() {
    let site = Site::new().await;
    let create = ["account", "create", "--email", EMAIL, "--name", "Anna", "--password-stdin"];
    let add = ["device", "add", "--email", "nobody@example.org", "--connector", "nuki-mqtt", "--name", "x"];
    let unknown = ["device", "add", "--email", EMAIL, "--connector", "carrier-pigeon", "--name", "x"];
    let password = ["account", "password", "--email", "nobody@example.org", "--password-stdin"];
    let tls = ["serve", "--mqtts", "127.0.0.1:0", "--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"];
    for (args, input, code, words) in [
        (&create[..], "short", 3, "15 characters"),
        (&create[..], PASSWORD, 0, "ready"),
        (&create[..], PASSWORD, 5, "exists"),
        (
            &["token", "create", "--email", "nobody@example.org", "--name", "x"][..],
            "",
            4,
            "nobody@example.org",
        ),
        (&add[..], "", 4, "nobody@example.org"),
        (&unknown[..], "", 3, "nuki-mqtt"),
        (&["account", "create", "--email", EMAIL][..], "", 2, "--name"),
        (&["restore", "missing.db"][..], "", 4, "missing.db"),
        (&["healthcheck"][..], "", 1, "no server answers"),
        (&password[..], PASSWORD, 4, "nobody@example.org"),
        (&["backup", "/nowhere/at/all.db"][..], "", 4, "/nowhere/at"),
        (&["serve", "--log", "wran"][..], "", 3, "log: "),
        (&["serve", "--database", "mysql://host/name"][..], "", 3, "postgres://"),
        (&["serve", "--database", "postgres://anna@127.0.0.1:1/name"][..], "", 1, "refused"),
        (&tls[..], "", 4, "tls_cert: /nowhere.pem"),
        (&["serve", "--mqtt-host", "lockwarden.in-the-cellar.example.org"][..], "", 3, "at most 32 bytes"),
    ] {
        let output = site.run(args, input);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(words), "{args:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn a_simulated_lock_says_why_it_is_not_connected() {
    let mut lock = Command::new(env!("CARGO_BIN_EXE_lockwarden"))
        .args(["simulate", "--broker", "127.0.0.1:1"])
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let words = BufReader::new(lock.stderr.take().unwrap());
    let said = words.lines().map_while(Result::ok).find(|line| line.contains("not connected"));
    lock.kill().unwrap();
    lock.wait().unwrap();
    assert!(said.is_some_and(|said| said.contains("refused")));
}

#[tokio::test]
async fn a_device_moves_to_another_way_and_back_and_never_to_one_that_does_not_lead_to_it() {
    let site = Site::serving().await;
    let made = add(&site, "nuki-mqtt", "Front door");
    let id = made["id"].to_string();
    let command = |what: &'static str, more: &[&str]| {
        let args = ["device", what, "--email", EMAIL, &id];
        site.run(&[&args[..], more].concat(), "")
    };
    let told = |what, more: &[&str]| -> Value {
        let done = command(what, more);
        serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{what} {more:?}: {done:?}"))
    };
    let ways = || {
        let shown = told("show", &[]);
        let ways = shown["ways"].as_array().unwrap().iter().map(|way| way["connector"].clone());
        (shown["connector"].clone(), ways.collect::<Vec<_>>())
    };
    let refused = command("move", &["--to", "nuki-bridge"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("add the bridge"), "{words}");
    assert_eq!(ways(), ("nuki-mqtt".into(), vec!["nuki-mqtt".into()]), "and what it had it still has");
    let wrong = command("move", &["--to", "nuki-mqtt", "--base-path", "gate"]);
    assert_eq!(wrong.status.code(), Some(3), "{wrong:?}");
    let by_hub = told("move", &["--to", "nuki-hub", "--base-path", "gate"]);
    assert_eq!((&by_hub["base_path"], &by_hub["id"]), (&"gate".into(), &made["id"]));
    assert_ne!(by_hub["username"], made["username"]);
    assert_eq!(ways(), ("nuki-hub".into(), vec!["nuki-hub".into()]));
    told("move", &["--to", "nuki-mqtt", "--keep"]);
    assert_eq!(ways().1.len(), 2);
    let back = told("move", &["--to", "nuki-mqtt"]);
    assert_eq!((&back["connector"], &back["password"]), (&"nuki-mqtt".into(), &Value::Null), "{back}");
    assert_eq!(ways(), ("nuki-mqtt".into(), vec!["nuki-mqtt".into()]));
    assert!(command("remove", &[]).status.success());
    assert!(!command("show", &[]).status.success());
}

#[tokio::test]
async fn what_an_option_is_not_for_is_refused_and_not_ignored() {
    let site = Site::serving().await;
    let mqtt = ["device", "add", "--email", EMAIL, "--connector", "nuki-mqtt", "--name", "Door"];
    let bridge = ["device", "add", "--email", EMAIL, "--connector", "nuki-bridge", "--bridge", "127.0.0.1:9"];
    for (args, more, word) in [
        (&mqtt[..], &["--base-path", "gate"][..], "only a Nuki Hub"),
        (&mqtt, &["--bridge", "127.0.0.1:9"], "only for --connector nuki-bridge"),
        (&bridge, &["--token", "123456", "--name", "Door"], "a bridge tells the names"),
        (&bridge, &["--token", "123456", "--base-path", "gate"], "only a Nuki Hub"),
    ] {
        let refused = site.run(&[args, more].concat(), "");
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!((refused.status.code(), words.contains(word)), (Some(3), true), "{more:?}: {words}");
    }
    assert!(site.ok(&["device", "list", "--email", EMAIL], "").is_empty());
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused_and_the_first_is_healthy() {
    let mut site = Site::serving().await;
    let second = site.run(&["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"], "");
    assert_eq!(second.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&second.stderr).contains("already runs"));
    site.ok(&["healthcheck"], "");
    site.stop();
    assert_eq!(site.run(&["healthcheck"], "").status.code(), Some(1));
}

#[tokio::test]
async fn a_second_server_on_the_same_database_is_refused_wherever_its_directory_is() {
    let site = Site::serving().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let second = site.run_in(elsewhere.path(), &["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another server already runs on"));
    assert_eq!(get(site.http, "/readyz", "").await.unwrap().0, 200);
}

#[tokio::test]
async fn a_command_uses_the_database_of_the_server_that_runs_and_makes_none_where_there_is_none() {
    let site = Site::serving().await;
    // The server was told by flag or environment; the command is not told again.
    let add = ["device", "add", "--email", EMAIL, "--connector", "nuki-mqtt", "--name", "Front door"];
    let added = run_untold(site.dir(), &add);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let nowhere = tempfile::tempdir().unwrap();
    for args in [&add[..], &["backup", "backup.db"], &["token", "create", "--email", EMAIL, "--name", "x"]] {
        let refused = run_untold(nowhere.path(), args);
        assert_eq!(refused.status.code(), Some(4), "{args:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("no installation here"), "{args:?}");
    }
    assert!(std::fs::read_dir(nowhere.path()).unwrap().next().is_none(), "nothing was made");
}

#[tokio::test]
async fn config_prints_every_setting_with_its_source_and_no_password() {
    let site = Site::new().await;
    let printed = site.ok(&["config", "--http", "127.0.0.1:9"], "");
    for setting in [
        "data_dir",
        "http",
        "mqtt",
        "mqtts",
        "tls_cert",
        "tls_key",
        "database",
        "public_url",
        "trusted_proxies",
        "mqtt_host",
        "log",
    ] {
        assert!(
            printed.lines().any(|line| line.starts_with(setting) && line.contains('#')),
            "{setting}: {printed}"
        );
    }
    assert!(printed.contains("127.0.0.1:9") && printed.contains("# default"));
}

#[tokio::test]
async fn no_part_of_a_password_in_the_database_url_is_printed() {
    let site = Site::new().await;
    for url in [
        "postgres://u:secret@h/db?password=other",
        "postgres://u:secret@other@h/db",
        "postgres://u@h/db?sslmode=require&password=secret&host=/tmp",
        "postgresql://u:secret%40other@h:5432/db?PASSWORD=other#secret",
    ] {
        std::fs::write(site.dir().join("lockwarden.toml"), format!("database = \"{url}\"\n")).unwrap();
        for (source, value) in [("environment", Some(url)), ("file", None)] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_lockwarden"));
            command.args(["config", "--data-dir"]).arg(site.dir()).env_remove("LOCKWARDEN_DATABASE");
            command.envs(value.map(|url| ("LOCKWARDEN_DATABASE", url)));
            let output = command.output().unwrap();
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
            assert!(said.contains("postgres") && said.contains("@h"), "{url} by {source}: {said}");
            assert!(!said.contains("secret") && !said.contains("other"), "{url} by {source}: {said}");
        }
    }
}

#[tokio::test]
async fn a_lock_that_was_connected_comes_back_after_a_restore_and_what_was_revoked_stays_so() {
    let site = Site::serving().await;
    let (keep, revoke) = (site.token(), site.token());
    let spec = site.lock("Front door", 0xA1);
    let fleet = Fleet::start(&site.broker(), vec![spec], &Options { time_scale: 0.01, ..Options::default() });
    let until = async |token: &str, words: &str| {
        within(30, async {
            while !get(site.http, "/api/smartlock", token).await.unwrap().1.contains(words) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    until(&keep, "\"serverState\":0").await;
    let file = site.dir().join("backup.db");
    let file = file.to_str().unwrap();
    site.ok(&["backup", file], "");
    revoke_token(&site, &revoke).await;
    assert_eq!(get(site.http, "/api/account", &revoke).await.unwrap().0, 401);
    site.ok(&["restore", file], "");
    assert_eq!(get(site.http, "/api/account", &revoke).await.unwrap().0, 401);
    within(30, fleet.all_connected()).await;
    until(&keep, "\"serverState\":0").await;
    let unlock = "/api/smartlock/17179869345/action/unlock";
    assert_eq!(call(site.http, "POST", unlock, &keep, "").await.unwrap().0, 204);
    within(30, fleet.locks()[0].wait_for(|seen| seen.state == 3)).await;
    until(&keep, "\"state\":3").await;
    fleet.stop().await;
}

/// As its owner would, on the page of tokens.
async fn revoke_token(site: &Site, secret: &str) {
    let db = Db::open(&site.database.url).await.unwrap();
    let app = App::new(db, Clock::System, Chance::seeded(1), Bus::default());
    let actor = app.authenticate_token(secret).await.unwrap().unwrap();
    let Who::Token { token, .. } = actor.who else { panic!("a token is a token") };
    app.revoke_token(&Actor::operator(actor.account), token).await.unwrap();
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_nothing_is_lost() {
    let site = Site::serving().await;
    let token = site.token();
    site.lock("Front door", 0xA1);
    let good = site.dir().join("backup.db");
    site.ok(&["backup", good.to_str().unwrap()], "");
    let whole = std::fs::read(&good).unwrap();
    let file = site.dir().join("other.db");
    for (what, bytes) in
        [("empty", &[][..]), ("nonsense", &[b'x'; 9_000][..]), ("half", &whole[..whole.len() / 2])]
    {
        std::fs::write(&file, bytes).unwrap();
        let output = site.run(&["restore", file.to_str().unwrap()], "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{what}: {said}");
        assert!(said.contains("file"), "{what}: {said}");
        let (status, body) = get(site.http, "/api/smartlock", &token).await.unwrap();
        assert_eq!(status, 200, "{what}");
        // A lock that never connected is in no list of the API; its login is.
        assert_eq!(body, "[]", "{what}");
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "{what}: the file is somebody's");
    }
}

#[tokio::test]
async fn a_backup_of_a_running_server_is_restored_under_a_running_server() {
    let site = Site::serving().await;
    let file = site.dir().join("backup.db");
    let file = file.to_str().unwrap();
    let token = site.token();
    site.lock("Front door", 0xA1);
    site.ok(&["backup", file], "");
    assert_eq!(site.run(&["backup", file], "").status.code(), Some(5), "a backup overwrites nothing");
    let later = site.token();
    site.ok(&["restore", file], "");
    assert_eq!(get(site.http, "/api/account", &token).await.unwrap().0, 200);
    assert_eq!(get(site.http, "/api/account", &later).await.unwrap().0, 401, "made after the backup");
}
