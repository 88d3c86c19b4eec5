//! No bytes, however wrong, make a parser panic, and thousands of wrong connections leave the door as it was.

use std::process::Command;

use lockwarden_app::logins::Credentials;
use lockwarden_gateway::{fuzz_discovery, fuzz_hub_settings, fuzz_names, fuzz_packets, fuzz_payload};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

use crate::kit::Site;
use crate::raw::{Raw, connect, publish};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_packets_or_errors(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz_packets(&bytes);
    }

    #[test]
    fn any_text_is_a_name_or_not(text in ".{0,300}") {
        fuzz_names(&text);
        fuzz_names(&format!("nuki/{text}"));
    }

    #[test]
    fn any_payload_is_an_observation_or_an_error(payload in proptest::collection::vec(any::<u8>(), 0..600), topic in 0_usize..17) {
        let topics = [
            "connected", "state", "lockActionEvent", "commandResponse", "timestamp", "doorsensorState", "batteryCritical",
            "batteryChargeState", "batteryCharging", "keypadBatteryCritical", "doorsensorBatteryCritical", "serverConnected",
            "deviceType", "mode", "name", "firmware", "ringactionTimestamp",
        ];
        fuzz_payload(topics[topic], &payload);
    }

    #[test]
    fn any_bytes_are_settings_of_a_hub_or_an_error(payload in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz_hub_settings(&payload);
        fuzz_hub_settings(&[b"{\"name\":\"", payload.as_slice(), b"\"}"].concat());
    }

    #[test]
    fn any_announcement_is_one_or_nothing(payload in proptest::collection::vec(any::<u8>(), 0..600), text in ".{0,60}") {
        fuzz_discovery(&text, &payload);
        fuzz_discovery("homeassistant/lock/A1/x/config", &[b"{\"dev\":{\"ids\":\"", payload.as_slice(), b"\"}}"].concat());
        let told = format!("{{\"~\":{text:?},\"stat_t\":\"~{text}~\",\"dev\":{{\"ids\":[{text:?}],\"name\":{text:?}}}}}");
        fuzz_discovery("homeassistant/lock/A1/x/config", told.as_bytes());
    }

    #[test]
    fn any_event_text_is_an_event_or_an_error(text in "[0-9, .+-]{0,40}") {
        fuzz_payload("lockActionEvent", text.as_bytes());
        fuzz_payload("timestamp", text.as_bytes());
    }
}

/// Runs the named test once more in a process of its own, so that the memory it measures is nobody else's.
fn alone(test: &str) {
    let exe = std::env::current_exe().unwrap();
    let output = Command::new(exe).args([test, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

const ALONE: &str = "LOCKWARDEN_TEST_ALONE";

/// Memory in use by this process, in kilobytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn four_thousand_broken_connections_leave_the_door_standing_and_its_memory_as_it_was() {
    if std::env::var_os(ALONE).is_none() {
        return alone(
            "parsers::four_thousand_broken_connections_leave_the_door_standing_and_its_memory_as_it_was",
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(four_thousand_broken_connections());
}

async fn four_thousand_broken_connections() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut good = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    let mut rng = StdRng::seed_from_u64(7);
    let mut memories = Vec::new();
    for _ in 0..20 {
        let mut ending = JoinSet::new();
        for number in 0..200 {
            let mut raw = broken(&site, &credentials, number % 2 == 0, &mut rng).await;
            ending.spawn(async move { raw.rest().await });
        }
        // The answer to a wrong password waits for the clock.
        while !ending.is_empty() {
            site.tick().await;
            while ending.try_join_next().is_some() {}
        }
        good.ping().await;
        memories.push(memory());
    }
    assert_eq!(site.gauge.stats().connections, 1, "only the good one is left");
    let (half, whole) = (memories[9], memories[19]);
    assert!(whole < half + 4_096, "two thousand more took {} kB: {memories:?}", whole - half);
    good.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(good.read(4).await, [0x40, 2, 0, 1]);
}

/// Says something with up to three wrong bytes, before or after signing in, and will say no more.
async fn broken(site: &Site, credentials: &Credentials, signed_in: bool, rng: &mut StdRng) -> Raw {
    let whole = connect(credentials, "broken", true, Some(("nuki/A1/connected", "false")));
    let mut raw = Raw::open(site.addr).await;
    let mut bytes = whole.clone();
    if signed_in {
        raw.send(&whole).await;
        bytes = publish("nuki/A1/lockActionEvent", "3,0,1,2,1", 2, 1, false);
    }
    for _ in 0..rng.random_range(1..4) {
        let place = rng.random_range(0..bytes.len());
        bytes[place] = rng.random();
    }
    // Another with the same client id may have ended this one already.
    let _ = raw.stream.write_all(&bytes).await;
    let _ = raw.stream.shutdown().await;
    raw
}
