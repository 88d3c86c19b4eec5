//! One virtual lock on the network: a real MQTT client around the machine, with the will, subscriptions and retained
//! topics of MQTT API 1.4. It reconnects by itself, drops the line, or vanishes and leaves the line open.

use std::time::{Duration, Instant as Moment};

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Packet, QoS,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Control, LONG};
use crate::machine::Input;
use crate::seen::Received;
use crate::spec::Broker;

pub(crate) struct Link {
    broker: Broker,
    body: Body,
    control: mpsc::UnboundedReceiver<Control>,
    stop: CancellationToken,
    tries: u32,
}

/// How a connection ended.
enum Over {
    Lost,
    Silent,
    Stopped,
}

/// Requests the client holds before we keep them ourselves.
const PIPE: usize = 64;

impl Link {
    pub(crate) fn new(
        broker: Broker,
        body: Body,
        control: mpsc::UnboundedReceiver<Control>,
        stop: CancellationToken,
    ) -> Self {
        Self { broker, body, control, stop, tries: 0 }
    }

    pub(crate) async fn run(mut self) {
        self.body.next_scene();
        if !self.body.machine.spec.official {
            self.body.offline_until = Some(Instant::now() + LONG);
        }
        while !self.stop.is_cancelled() {
            if let Over::Stopped = self.away().await {
                return;
            }
            let (client, mut events) = AsyncClient::new(self.mqtt_options(), PIPE);
            events.network_options.set_connection_timeout(10);
            let over = self.connected(&client, &mut events).await;
            self.body.backlog.clear();
            self.body.show(|seen| seen.connected = false);
            match over {
                Over::Stopped => return say_goodbye(&client, &mut events).await,
                // The line outlives the silence in this very frame, and nobody polls it.
                Over::Silent => match self.away().await {
                    Over::Stopped => return,
                    _ => continue,
                },
                Over::Lost => {}
            }
            self.tries += 1;
            let pause = self.body.scaled(Duration::from_secs(1 << self.tries.min(5)));
            self.body.offline_until.get_or_insert(Instant::now() + pause);
        }
    }

    fn mqtt_options(&self) -> MqttOptions {
        let spec = &self.body.machine.spec;
        let id = format!("{:X}", spec.nuki_id);
        let mut options = MqttOptions::new(format!("SL3P_{id}"), &self.broker.host, self.broker.port);
        if !spec.username.is_empty() {
            options.set_credentials(&spec.username, &spec.password);
        }
        options.set_last_will(LastWill::new(format!("nuki/{id}/connected"), "false", QoS::AtLeastOnce, true));
        options.set_keep_alive(self.body.options.keep_alive.max(Duration::from_secs(1)));
        options
    }

    /// Without a network: time passes, doors open, and nobody is told.
    async fn away(&mut self) -> Over {
        while let Some(until) = self.body.offline_until {
            let due = self.body.next_due();
            tokio::select! {
                () = self.stop.cancelled() => return Over::Stopped,
                () = sleep_until(until) => self.body.offline_until = None,
                () = sleep_until(due) => self.body.fire(),
                control = self.control.recv() => match control {
                    Some(control) => self.body.obey(control),
                    None => return Over::Stopped,
                },
            }
            self.body.backlog.clear();
        }
        self.body.is_silent = false;
        Over::Lost
    }

    async fn connected(&mut self, client: &AsyncClient, events: &mut EventLoop) -> Over {
        loop {
            self.flush(client);
            if self.body.offline_until.is_some() {
                return if self.body.is_silent { Over::Silent } else { Over::Lost };
            }
            let due = self.body.next_due();
            tokio::select! {
                () = self.stop.cancelled() => return Over::Stopped,
                event = events.poll() => match event {
                    Ok(Event::Incoming(packet)) => self.incoming(packet, client),
                    Ok(Event::Outgoing(_)) => {}
                    Err(error) => {
                        tracing::debug!(%error, lock = %self.body.machine.spec.name, "connection lost");
                        self.body.show(|seen| {
                            (seen.refused, seen.trouble) = (why_refused(&error), Some(error.to_string()));
                        });
                        return Over::Lost;
                    }
                },
                () = sleep_until(due) => self.body.fire(),
                control = self.control.recv() => match control {
                    Some(control) => self.body.obey(control),
                    None => return Over::Stopped,
                },
            }
        }
    }

    fn incoming(&mut self, packet: Packet, client: &AsyncClient) {
        match packet {
            Packet::ConnAck(_) => {
                self.tries = 0;
                let spec = &self.body.machine.spec;
                if spec.allow_locking {
                    for topic in ["lockAction", "lock", "unlock"] {
                        let _ = client
                            .try_subscribe(format!("nuki/{:X}/{topic}", spec.nuki_id), QoS::ExactlyOnce);
                    }
                }
                if spec.auto_discovery {
                    announce(spec.nuki_id, client);
                }
                let everything = self.body.machine.everything();
                self.body.carry_out(everything);
                self.body.show(|seen| (seen.connected, seen.refused, seen.trouble) = (true, None, None));
            }
            Packet::Publish(publish) => {
                let payload = String::from_utf8_lossy(&publish.payload).into_owned();
                let input = command(&publish.topic, &payload);
                self.body.show(|seen| {
                    seen.arrived(Received {
                        number: 0,
                        at: Moment::now(),
                        topic: publish.topic.clone(),
                        payload,
                        retain: publish.retain,
                        dup: publish.dup,
                        qos: publish.qos as u8,
                    });
                });
                if let Some(input) = input {
                    self.body.obey(Control::Input(input));
                }
            }
            Packet::PubAck(_) | Packet::PubComp(_) => self.body.show(|seen| seen.acknowledged += 1),
            _ => {}
        }
    }

    fn flush(&mut self, client: &AsyncClient) {
        while let Some((topic, retained, payload)) = self.body.backlog.front() {
            // Control topics are QoS 2, state topics QoS 0 (MQTT API 1.4).
            let qos = match (retained, self.body.options.state_qos) {
                (true, 0) => QoS::AtMostOnce,
                (true, 1) => QoS::AtLeastOnce,
                _ => QoS::ExactlyOnce,
            };
            let topic = format!("nuki/{:X}/{topic}", self.body.machine.spec.nuki_id);
            if client.try_publish(topic, qos, *retained, payload.as_bytes()).is_err() {
                return;
            }
            self.body.backlog.pop_front();
        }
    }
}

fn why_refused(error: &ConnectionError) -> Option<&'static str> {
    let ConnectionError::ConnectionRefused(code) = error else {
        return None;
    };
    Some(match code {
        ConnectReturnCode::BadUserNamePassword => "the user name or password is wrong",
        ConnectReturnCode::NotAuthorized => "this login may not connect",
        ConnectReturnCode::BadClientId => "the client id is refused",
        _ => "the broker refuses the connection",
    })
}

async fn say_goodbye(client: &AsyncClient, events: &mut EventLoop) {
    let _ = client.try_disconnect();
    // One more turn of the loop lets the goodbye leave.
    let _ = tokio::time::timeout(Duration::from_millis(200), async { while events.poll().await.is_ok() {} })
        .await;
}

fn command(topic: &str, payload: &str) -> Option<Input> {
    match topic.rsplit('/').next()? {
        "lockAction" => Some(Input::Command(payload.parse().unwrap_or(u8::MAX))),
        "lock" if payload == "true" => Some(Input::Simple { unlock: false }),
        "unlock" if payload == "true" => Some(Input::Simple { unlock: true }),
        _ => None,
    }
}

/// To Home Assistant (MQTT API 1.4, auto discovery). The prefix and the odd `ids` are as real locks have them; the object
/// ids are unconfirmed.
fn announce(nuki_id: u32, client: &AsyncClient) {
    for (component, object) in [
        ("lock", "smartlock"),
        ("binary_sensor", "battery_critical"),
        ("sensor", "battery"),
        ("button", "unlatch"),
    ] {
        let payload = format!(
            r#"{{"~":"nuki/{nuki_id:X}","avty_t":"~/connected","dev":{{"ids":"[{nuki_id:X}]"}},"uniq_id":"{nuki_id:X}_{object}"}}"#
        );
        let topic = format!("homeassistant/{component}/{nuki_id:X}/{object}/config");
        let _ = client.try_publish(topic, QoS::AtMostOnce, true, payload);
    }
}
