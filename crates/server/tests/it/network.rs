//! A network between lock and server that loses everything for a while and then works again: whatever the kernel still
//! holds for the lock by then must not come late.

use std::net::SocketAddr;
use std::time::Duration;

use lockwarden_app::clock::{Clock, Time};
use lockwarden_simulator::{Broker, Fleet, Options};
use socket2::{SockFilter, SockRef};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::kit::{Site, within};
use crate::trouble::House;

/// BPF for "let nothing through". The kernel drops packets before it has looked at them, so nothing is acknowledged.
const DROP_ALL: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];

/// Stands between one lock and the server.
struct Network {
    addr: SocketAddr,
    works: watch::Sender<bool>,
    /// Whether it does what it was told.
    follows: watch::Receiver<bool>,
    _running: JoinSet<()>,
}

impl Network {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (works, told) = watch::channel(true);
        let (show, follows) = watch::channel(true);
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((lock, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(server).await {
                    lines.spawn(line(lock, server, told.clone(), show.clone()));
                }
            }
        });
        Self { addr, works, follows, _running: running }
    }

    async fn set(&mut self, works: bool) {
        self.works.send_replace(works);
        within(10, self.follows.wait_for(|now| *now == works)).await.unwrap();
    }
}

async fn line(
    mut lock: TcpStream,
    mut server: TcpStream,
    mut works: watch::Receiver<bool>,
    show: watch::Sender<bool>,
) {
    loop {
        if !*works.borrow_and_update() {
            SockRef::from(&server).attach_filter(&DROP_ALL).unwrap();
            show.send_replace(false);
            works.wait_for(|works| *works).await.unwrap();
            SockRef::from(&server).detach_filter().unwrap();
            show.send_replace(true);
        }
        tokio::select! {
            _ = works.changed() => {}
            _ = copy_bidirectional(&mut lock, &mut server) => return,
        }
    }
}

#[tokio::test]
async fn an_order_given_while_the_network_was_down_does_not_come_out_of_the_kernel_when_it_is_back() {
    let site = Site::serving().await;
    let mut network = Network::to(site.mqtt).await;
    let broker = Broker { host: network.addr.ip().to_string(), port: network.addr.port() };
    let spec = site.lock("Front door", 0xA1);
    let fleet = Fleet::start(&broker, vec![spec], &Options { time_scale: 0.01, ..Options::default() });
    let house = House::with(site, fleet).await;
    let lock = &house.fleet.locks()[0];
    network.set(false).await;
    assert_eq!(house.order("unlock").await, 204, "nobody knows yet that it is gone");
    let deadline = Time(house.rows().await[0].deadline);
    within(20, Clock::System.wait_until(deadline.plus(Duration::from_secs(1)))).await;
    assert!(lock.seen().commands.is_empty());
    network.set(true).await;
    // A word from the lock shows either end whether the line still stands.
    lock.turn_by_hand(true);
    house.ended(0, &["unknown", "failed", "expired", "done"]).await;
    within(20, async {
        while house.order("lock").await != 204 {
            let _ = tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await;
        }
    })
    .await;
    house.ended(1, &["done"]).await;
    assert_eq!(house.arrived(), ["2"], "an order came to the lock after its deadline");
    house.fleet.stop().await;
}
