//! How much memory many quiet locks need: `crowd HOST PORT COUNT [PER_SECOND] [SOURCES]` connects them, from as many
//! addresses of the loopback, and says so.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for whoever runs it by hand")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use lockwarden_simulator::{Broker, Fleet, Life, Options, building};

/// Kilobytes in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap();
    let mut number = |usual: u32| arguments.next().map_or(usual, |text| text.parse().unwrap());
    let (port, count) = (number(1_883), number(1_000));
    let (rate, sources) = (number(0), number(0));
    let mut specs = building(count, 1);
    for spec in &mut specs {
        spec.life = Life::Quiet;
    }
    let sources = (0..sources).map(|place| IpAddr::V4(Ipv4Addr::from(0x7F00_0002 + place))).collect();
    let connects_a_second = (rate > 0).then(|| f64::from(rate));
    let options = Options { sources, connects_a_second, ..Options::default() };
    let before = resident();
    let began = Instant::now();
    let broker = Broker { host, port: u16::try_from(port).unwrap() };
    let fleet = Fleet::start(&broker, specs, &options);
    let made = resident();
    println!("{count} locks made: {} kB each", (made - before) / u64::from(count));
    let connected = tokio::time::timeout(Duration::from_mins(10), fleet.all_connected()).await;
    println!("{:?}: {} connected after {:?}", connected.is_ok(), fleet.connected(), began.elapsed());
    println!("{} kB each, {} MB in all", (resident() - before) / u64::from(count), resident() / 1_024);
    fleet.stop().await;
}
