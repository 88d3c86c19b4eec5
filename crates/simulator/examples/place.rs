//! One door with everything at it: `place HOST PORT` runs a lock that speaks MQTT, a Nuki Hub beside it, and a bridge for it
//! and an Opener, until Ctrl-C.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "for whoever runs it by hand")]

use lockwarden_simulator::{BridgeSpec, Broker, Fleet, HubSpec, Life, LockSpec, OpenerSpec, Options, Site};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = arguments.next().map_or(1_883, |port| port.parse().unwrap());
    let (lock, opener) = (0x3A00_00A1, 0x3A00_00B1);
    let codes = vec![(589_472, "Carla".to_owned()), (333_444, "Dora".to_owned())];
    let front = LockSpec { life: Life::Lively, codes, ..LockSpec::new(lock, "Front door") };
    let hub = HubSpec {
        opener: Some(opener),
        home_assistant: Some("homeassistant".to_owned()),
        ..HubSpec::new("nukihub", lock).with_everything()
    };
    let site = Site {
        locks: vec![front],
        openers: vec![OpenerSpec::new(opener, "Gate")],
        hubs: vec![hub],
        bridges: vec![BridgeSpec {
            port: 8_080,
            ..BridgeSpec::new(0x7F00_0001, "123456", vec![lock, opener])
        }],
    };
    let fleet = Fleet::open(&Broker { host, port }, site, &Options::default());
    let bridge = fleet.bridges().first().unwrap().address().await;
    println!("bridge at {bridge:?} with token 123456; hub below nukihub/; lock below nuki/{lock:X}/");
    tokio::signal::ctrl_c().await.unwrap();
    fleet.stop().await;
}
