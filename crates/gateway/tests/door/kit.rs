//! A running door, a client that speaks like a lock, and waiting for facts instead of times.

use std::net::SocketAddr;
use std::time::Duration;

use lockwarden_app::actor::Actor;
use lockwarden_app::devices::Device;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::Credentials;
use lockwarden_gateway::{Config, Gateway, Gauge, Limits};
use lockwarden_testkit::World;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) const LOCAL: &str = "127.0.0.1:0";

pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) addr: SocketAddr,
    pub(crate) gauge: Gauge,
    stop: CancellationToken,
    running: JoinSet<()>,
}

impl Site {
    pub(crate) async fn open() -> Self {
        Self::on(World::new().await)
    }

    pub(crate) fn on(world: World) -> Self {
        Self::with(world, Limits::default())
    }

    pub(crate) fn with(world: World, limits: Limits) -> Self {
        let local = Some(LOCAL.parse().unwrap());
        let config = Config { plain: local, tls: None, callbacks: local, limits };
        let gateway = Gateway::bind(world.app.clone(), config).unwrap();
        let (addr, gauge, stop) = (gateway.local_addr(), gateway.gauge(), CancellationToken::new());
        let mut running = JoinSet::new();
        running.spawn(gateway.run(stop.clone()));
        Self { world, addr, gauge, stop, running }
    }

    /// Everything goes away as with a graceful stop, and comes back on the same database.
    pub(crate) async fn reopen(self) -> Self {
        let world = self.close().await;
        Self::on(world.restart(2).await)
    }

    pub(crate) async fn close(self) -> World {
        self.stop.cancel();
        self.running.join_all().await;
        self.world
    }

    pub(crate) async fn device(&self, owner: &Actor, name: &str) -> (DeviceId, Credentials) {
        self.world.device(owner, name).await
    }

    /// Waits until the device is as `fact` says.
    pub(crate) async fn until(
        &self,
        owner: &Actor,
        device: DeviceId,
        fact: impl Fn(&Device) -> bool,
    ) -> Device {
        let mut events = self.world.app.bus().subscribe();
        within(async {
            loop {
                let found = self.world.app.load_device(owner, device).await.unwrap();
                if fact(&found) {
                    return found;
                }
                let _ = events.recv().await;
            }
        })
        .await
    }

    /// A second of the door's clock, and a moment of ours for its tasks to use it.
    pub(crate) async fn tick(&self) {
        self.world.clock.advance(Duration::from_secs(1));
        tokio::time::timeout(Duration::from_millis(15), std::future::pending::<()>()).await.unwrap_err();
    }
}

/// A test that hangs fails instead.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), work).await.expect("it did not happen within a minute")
}

/// A client that speaks MQTT 3.1.1 like a lock.
pub(crate) struct Client {
    pub(crate) client: AsyncClient,
    pub(crate) events: EventLoop,
}

pub(crate) fn options(addr: SocketAddr, credentials: &Credentials, client_id: &str) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, addr.ip().to_string(), addr.port());
    options.set_credentials(&credentials.username, &credentials.password);
    options.set_keep_alive(Duration::from_mins(10));
    options
}

impl Client {
    pub(crate) fn new(options: MqttOptions) -> Self {
        let (client, events) = AsyncClient::new(options, 200);
        Self { client, events }
    }

    /// Connects and returns once the door has said yes.
    pub(crate) async fn connect(addr: SocketAddr, credentials: &Credentials, client_id: &str) -> Self {
        let mut client = Self::new(options(addr, credentials, client_id));
        client.until(|packet| matches!(packet, Packet::ConnAck(_))).await;
        client
    }

    /// Goes on until a packet comes that is asked for.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Packet) -> bool) -> Packet {
        within(async {
            loop {
                match self.events.poll().await {
                    Ok(Event::Incoming(packet)) if wanted(&packet) => return packet,
                    Ok(_) => {}
                    Err(error) => panic!("the connection ended: {error}"),
                }
            }
        })
        .await
    }

    pub(crate) async fn say(&mut self, topic: &str, payload: &str, qos: QoS) {
        self.client.publish(topic, qos, false, payload).await.unwrap();
        match qos {
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce => drop(self.until(|packet| matches!(packet, Packet::PubAck(_))).await),
            QoS::ExactlyOnce => drop(self.until(|packet| matches!(packet, Packet::PubComp(_))).await),
        }
    }

    pub(crate) async fn listen(&mut self, filter: &str) -> bool {
        self.client.subscribe(filter, QoS::ExactlyOnce).await.unwrap();
        let answer = self.until(|packet| matches!(packet, Packet::SubAck(_))).await;
        let Packet::SubAck(answer) = answer else { unreachable!() };
        answer.return_codes.iter().all(|code| !matches!(code, rumqttc::SubscribeReasonCode::Failure))
    }
}
