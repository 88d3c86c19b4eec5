//! `cargo run --release -p lockwarden-benches -- all`: durable events, command round trip, memory, start-up, pages and
//! REST reads of the release binary, with peers in the same run. The peers are started on loopback by `benches/run`.

mod figures;
mod lists;
mod measure;
mod mqtt;
mod orders;
mod pages;
mod world;

use std::net::SocketAddr;

use clap::{Parser, Subcommand};

use crate::mqtt::Version;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What this machine's disk takes for what a small commit asks of it: four pages and a sync
    Disk,
    /// Durable events a second, every device with one connection and a window of unacknowledged ones
    Events {
        #[arg(long, default_value_t = 5_000)]
        devices: usize,
        #[arg(long, default_value_t = 8)]
        window: u16,
        #[arg(long)]
        mqtt_5: bool,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Acknowledgement times at 1,000 events a second
    Latency {
        #[arg(long, default_value_t = 1_000)]
        devices: usize,
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Order by REST, lock, answer, committed; with many others connected
    Commands {
        #[arg(long, default_value_t = 10_000)]
        devices: usize,
        #[arg(long, default_value_t = 1_000)]
        orders: usize,
    },
    /// The same while all of them come back at once after a restart
    Storm {
        #[arg(long, default_value_t = 10_000)]
        devices: usize,
    },
    /// Idle memory, and memory for each connected device with three subscriptions
    Memory {
        #[arg(long, default_value_t = 10_000)]
        devices: usize,
        #[arg(long)]
        tls: bool,
    },
    /// The page of all devices: first byte, weight, and how long what a lock says takes to it
    Pages {
        #[arg(long, default_value_t = 1_000)]
        devices: usize,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// The list of devices of a large account: first pages, searches, filters, numbers
    Lists {
        #[arg(long, default_value_t = 100_000)]
        devices: usize,
        /// An empty PostgreSQL database; a SQLite file of its own otherwise
        #[arg(long)]
        database: Option<String>,
    },
    /// The pages of such an account, a tenth of it connected
    ManyPages {
        #[arg(long, default_value_t = 100_000)]
        devices: usize,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// From start to serving, and pages of the log
    History {
        #[arg(long, default_value_t = 100)]
        devices: usize,
        #[arg(long, default_value_t = 10_000_000)]
        entries: i64,
    },
    /// The address and token of a server with one online lock, for an HTTP load tool; until SIGTERM
    Rest,
    /// The events and latency loads against another broker, which stores nothing
    Broker {
        addr: SocketAddr,
    },
    All,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rlimit::increase_nofile_limit(1 << 20)?;
    match Cli::parse().what {
        What::Disk => measure::disk(),
        What::Events { devices, window, mqtt_5, seconds } => {
            measure::events(if mqtt_5 { Version::V5 } else { Version::V3 }, devices, window, seconds).await
        }
        What::Latency { devices, seconds } => measure::latency(devices, seconds).await,
        What::Commands { devices, orders } => orders::commands(devices, orders).await,
        What::Storm { devices } => orders::storm(devices).await,
        What::Memory { devices, tls } => measure::memory(devices, tls).await,
        What::Pages { devices, seconds } => pages::pages(devices, seconds).await,
        What::Lists { devices, database } => lists::lists(database, devices).await,
        What::ManyPages { devices, seconds } => pages::many(devices, seconds).await,
        What::History { devices, entries } => measure::history(devices, entries).await,
        What::Rest => measure::rest().await,
        What::Broker { addr } => measure::broker(addr).await,
        What::All => {
            measure::disk()?;
            measure::events(Version::V3, 5_000, 8, 10).await?;
            measure::events(Version::V5, 5_000, 8, 10).await?;
            measure::events(Version::V3, 5_000, 1, 10).await?;
            measure::latency(1_000, 20).await?;
            measure::disk()?;
            orders::commands(10_000, 1_000).await?;
            orders::storm(10_000).await?;
            measure::memory(10_000, false).await?;
            measure::memory(10_000, true).await?;
            pages::pages(1_000, 10).await?;
            pages::pages(12, 10).await?;
            lists::lists(None, 100_000).await?;
            pages::many(100_000, 10).await?;
            measure::history(1, 0).await?;
            measure::history(100, 10_000_000).await
        }
    }
}
