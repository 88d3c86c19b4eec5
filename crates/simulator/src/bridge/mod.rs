//! A virtual Nuki Bridge: plain HTTP for many devices (Bridge HTTP API 1.13.3), with its three forms of token, one request
//! at a time, final states only, and callbacks. `BridgeQuirks` says how it misbehaves.

mod callbacks;
mod desk;
mod devices;
mod http;
mod server;
mod spec;
pub mod token;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fleet::Lock;
use crate::opener::Opener;
use crate::spec::Options;
use desk::Desk;
use devices::Device;
pub use spec::{BridgeQuirks, BridgeSpec};

/// Requests a bridge remembers.
const KEPT: usize = 1_000;

/// What can be seen of a bridge from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BridgeSeen {
    /// Where it listens; nothing while it has no power.
    pub address: Option<SocketAddr>,
    /// Why it cannot listen there; it tries again.
    pub trouble: Option<String>,
    /// How many requests ever arrived, and the targets of the last of them.
    pub requests: u64,
    pub targets: VecDeque<String>,
    /// How many of them were refused for their token, and how many because it was busy.
    pub unauthorized: u64,
    pub busy: u64,
    /// How many are being worked on, and the most that ever were at once.
    pub concurrent: u32,
    pub most_concurrent: u32,
    /// Orders it gave to devices.
    pub orders: u64,
    /// Addresses to call back.
    pub callbacks: Vec<String>,
    /// Callbacks that were answered, and that were not.
    pub called: u64,
    pub uncalled: u64,
    /// How often it started.
    pub boots: u32,
}

/// A handle on one virtual bridge.
#[derive(Clone)]
pub struct Bridge {
    pub hardware_id: u32,
    desk: Arc<Desk>,
    seen: watch::Receiver<BridgeSeen>,
}

impl Bridge {
    pub(crate) fn start(
        spec: BridgeSpec,
        options: &Options,
        locks: &[Lock],
        openers: &[Opener],
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (show, seen) = watch::channel(BridgeSeen::default());
        let is_ours = |id: u32| spec.devices.contains(&id);
        let locks = locks.iter().filter(|lock| is_ours(lock.nuki_id)).cloned().map(Device::Lock);
        let openers = openers.iter().filter(|opener| is_ours(opener.nuki_id)).cloned().map(Device::Opener);
        let devices = locks.chain(openers).collect();
        let hardware_id = spec.hardware_id;
        let desk = Arc::new(Desk::new(spec, options.clone(), devices, show));
        (Self { hardware_id, desk: desk.clone(), seen }, server::run(desk, stop))
    }

    pub fn seen(&self) -> BridgeSeen {
        self.seen.borrow().clone()
    }

    /// Returns once the bridge is as `fact` says.
    pub async fn wait_for(&self, fact: impl Fn(&BridgeSeen) -> bool) -> BridgeSeen {
        let mut seen = self.seen.clone();
        let found = seen.wait_for(|seen| fact(seen)).await.map(|seen| seen.clone());
        found.unwrap_or_else(|_| self.seen())
    }

    /// Where it listens, once it does.
    pub async fn address(&self) -> Option<SocketAddr> {
        self.wait_for(|seen| seen.address.is_some()).await.address
    }

    /// Changes how it misbehaves, from now on.
    pub fn quirks(&self, change: impl FnOnce(&mut BridgeQuirks)) {
        self.set(|spec| change(&mut spec.quirks));
    }

    /// Changes how it is set up, from now on; the address counts from the next start on.
    pub fn set(&self, change: impl FnOnce(&mut BridgeSpec)) {
        change(&mut self.desk.spec());
    }

    /// Somebody presses its button: `/auth` that waits, or is asked within 30 s, gives the token away.
    pub fn press_button(&self) {
        self.desk.press_button();
    }

    /// Off: connections break, nobody listens.
    pub fn power(&self, on: bool) {
        self.desk.power.send_replace(on);
    }
}
