//! No bytes, however wrong, make a parser panic, and thousands of wrong connections leave the door as it was.

use lockwarden_gateway::{fuzz_names, fuzz_packets, fuzz_payload};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

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
    fn any_event_text_is_an_event_or_an_error(text in "[0-9, .+-]{0,40}") {
        fuzz_payload("lockActionEvent", text.as_bytes());
        fuzz_payload("timestamp", text.as_bytes());
    }
}

#[tokio::test]
async fn four_thousand_broken_connections_leave_the_door_standing() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut good = Raw::sign_in(site.addr, &credentials, "SL3P_A1", true).await;
    let mut rng = StdRng::seed_from_u64(7);
    let whole = connect(&credentials, "broken", true, Some(("nuki/A1/connected", "false")));
    let event = publish("nuki/A1/lockActionEvent", "3,0,1,2,1", 2, 1, false);
    for number in 0..4_000 {
        let mut raw = Raw::open(site.addr).await;
        let mut bytes = whole.clone();
        if number % 2 == 0 {
            raw.send(&whole).await;
            bytes = event.clone();
        }
        for _ in 0..rng.random_range(1..4) {
            let place = rng.random_range(0..bytes.len());
            bytes[place] = rng.random();
        }
        raw.send(&bytes).await;
    }
    good.ping().await;
    good.publish("nuki/A1/state", "1", 1, 1, false).await;
    assert_eq!(good.read(4).await, [0x40, 2, 0, 1]);
}
