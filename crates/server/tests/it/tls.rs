//! `serve` with both listeners for locks, and a client nobody here wrote on the one that speaks TLS.

use std::path::Path;
use std::process::Output;

use lockwarden_simulator::{Fleet, Options};
use serde_json::Value;
use tokio::process::Command;

use crate::kit::{EMAIL, Site, get, within};

/// A certificate for `localhost` and its key, as files.
fn certificate(dir: &Path, name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let path = |ending: &str| dir.join(format!("{name}.{ending}")).to_str().unwrap().to_owned();
    let (cert, key) = (path("crt"), path("key"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (cert, key)
}

#[tokio::test]
async fn locks_on_the_plain_and_on_the_tls_listener_are_served_side_by_side() {
    let mut site = Site::new().await;
    site.create_account(EMAIL);
    let (cert, key) = certificate(site.dir(), "ours");
    let (stranger, _) = certificate(site.dir(), "strangers");
    let file = format!("mqtts = \"127.0.0.1:0\"\ntls_cert = \"{cert}\"\ntls_key = \"{key}\"\n");
    std::fs::write(site.dir().join("lockwarden.toml"), file).unwrap();
    site.serve().await;
    let token = site.token();
    let (plain, secured) = (site.lock("Plain", 0xA1), site.lock("Secured", 0xA2));
    let fleet =
        Fleet::start(&site.broker(), vec![plain], &Options { time_scale: 0.01, ..Options::default() });
    within(20, fleet.all_connected()).await;
    let note = std::fs::read_to_string(site.dir().join("server.json")).unwrap();
    let note: Value = serde_json::from_str(&note).unwrap();
    let (_, port) = note["mqtts"].as_str().unwrap().rsplit_once(':').unwrap();
    let publish = async |trusted: &str, topic: &str, payload: &str| -> Output {
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "localhost", "-p", port, "--cafile", trusted, "-i", "SL3P_A2", "-q", "1"]);
        command.args(["-u", &secured.username, "-P", &secured.password, "-t", topic, "-m", payload]);
        within(20, command.output()).await.unwrap()
    };
    assert!(!publish(&stranger, "nuki/A2/state", "3").await.status.success(), "it trusts somebody else");
    for (topic, payload) in [("nuki/A2/deviceType", "4"), ("nuki/A2/state", "3")] {
        let output = publish(&cert, topic, payload).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (status, body) = get(site.http, "/api/smartlock", &token).await.unwrap();
    let locks: Vec<Value> = serde_json::from_str(&body).unwrap();
    let secured = locks.iter().find(|lock| lock["name"] == "Secured").unwrap();
    assert_eq!((status, &secured["state"]["state"]), (200, &3.into()));
    let plain = locks.iter().find(|lock| lock["name"] == "Plain").unwrap();
    assert_eq!((&plain["state"]["state"], &plain["serverState"]), (&1.into(), &0.into()));
    fleet.stop().await;
}

#[tokio::test]
async fn a_tls_listener_without_its_certificate_stops_the_start_in_words() {
    let site = Site::new().await;
    let (cert, key) = certificate(site.dir(), "ours");
    let addresses = ["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--mqtts", "127.0.0.1:0"];
    for (more, words) in [
        (&[][..], "tls_cert"),
        (&["--tls-cert", &cert][..], "tls_key"),
        (&["--tls-cert", "missing.crt", "--tls-key", &key][..], "missing.crt"),
        (&["--tls-cert", &key, "--tls-key", &key][..], "ours.key: there is no certificate"),
    ] {
        let output = site.run(&[&addresses[..], more].concat(), "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{more:?}: {said}");
    }
}
