//! One virtual lock on the network: a real MQTT client around the machine, with the will, subscriptions and retained
//! topics of MQTT API 1.4. It reconnects by itself, and drops the line like a lock that lost its network.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, QoS};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::life::{Happening, Routine};
use crate::machine::{Input, Machine, Output, state};
use crate::spec::{Broker, Faults, Options};
use crate::time::lock_time;

/// A command as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub topic: String,
    pub payload: String,
    pub retain: bool,
    pub dup: bool,
    pub qos: u8,
}

/// What can be seen of a lock from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub connected: bool,
    pub state: u8,
    pub door_open: bool,
    pub battery: u8,
    /// How often the motor moved.
    pub moves: u32,
    pub commands: Vec<Received>,
    /// Publishes of QoS 1 and 2 that the broker has acknowledged.
    pub acknowledged: u64,
}

pub(crate) enum Control {
    Input(Input),
    Faults(Faults),
    /// Without a goodbye; for a time, or until told.
    Offline(Option<Duration>),
    Back,
}

/// What a timer was set for.
enum Timer {
    Machine(u64),
    Life(Happening),
    NextScene,
}

pub(crate) struct Link {
    pub broker: Broker,
    pub options: Options,
    pub machine: Machine,
    pub control: mpsc::UnboundedReceiver<Control>,
    pub seen: watch::Sender<Seen>,
    pub stop: CancellationToken,
    routine: Routine,
    timers: BTreeMap<(Instant, u64), Timer>,
    next_timer: u64,
    backlog: VecDeque<(String, QoS, bool, String)>,
    offline_until: Option<Instant>,
    tries: u32,
}

/// How a connection ended.
enum Over {
    Lost,
    Stopped,
}

/// Requests the client holds before we keep them ourselves.
const PIPE: usize = 64;
/// A lock that was told to stay away does so for this long at most.
const LONG: Duration = Duration::from_hours(24 * 365);

impl Link {
    pub(crate) fn new(
        broker: Broker,
        options: Options,
        machine: Machine,
        control: mpsc::UnboundedReceiver<Control>,
        ends: (watch::Sender<Seen>, CancellationToken),
    ) -> Self {
        let routine = Routine::new(machine.spec.life, machine.spec.nuki_id, options.seed);
        Self {
            broker,
            options,
            machine,
            control,
            seen: ends.0,
            stop: ends.1,
            routine,
            timers: BTreeMap::new(),
            next_timer: 0,
            backlog: VecDeque::new(),
            offline_until: None,
            tries: 0,
        }
    }

    pub(crate) async fn run(mut self) {
        self.next_scene();
        while !self.stop.is_cancelled() {
            if let Over::Stopped = self.away().await {
                return;
            }
            let (client, mut events) = AsyncClient::new(self.mqtt_options(), PIPE);
            events.network_options.set_connection_timeout(10);
            if let Over::Stopped = self.connected(&client, &mut events).await {
                let _ = client.try_disconnect();
                // One more turn of the loop lets the goodbye leave.
                let _ = tokio::time::timeout(Duration::from_millis(200), async {
                    while events.poll().await.is_ok() {}
                })
                .await;
                return;
            }
            self.backlog.clear();
            self.show(|seen| seen.connected = false);
            self.tries += 1;
            let pause = self.scaled(Duration::from_secs(1 << self.tries.min(5)));
            self.offline_until.get_or_insert(Instant::now() + pause);
        }
    }

    fn mqtt_options(&self) -> MqttOptions {
        let id = format!("{:X}", self.machine.spec.nuki_id);
        let mut options = MqttOptions::new(format!("SL3P_{id}"), &self.broker.host, self.broker.port);
        if !self.machine.spec.username.is_empty() {
            options.set_credentials(&self.machine.spec.username, &self.machine.spec.password);
        }
        options.set_last_will(LastWill::new(format!("nuki/{id}/connected"), "false", QoS::AtLeastOnce, true));
        options.set_keep_alive(Duration::from_mins(1));
        options
    }

    /// Without a network: time passes, doors open, and nobody is told.
    async fn away(&mut self) -> Over {
        while let Some(until) = self.offline_until {
            let due = self.next_due();
            tokio::select! {
                () = self.stop.cancelled() => return Over::Stopped,
                () = sleep_until(until) => self.offline_until = None,
                () = sleep_until(due) => self.fire(),
                control = self.control.recv() => match control {
                    Some(control) => self.obey(control),
                    None => return Over::Stopped,
                },
            }
            self.backlog.clear();
        }
        Over::Lost
    }

    async fn connected(&mut self, client: &AsyncClient, events: &mut EventLoop) -> Over {
        loop {
            self.flush(client);
            if self.offline_until.is_some() {
                return Over::Lost;
            }
            let due = self.next_due();
            tokio::select! {
                () = self.stop.cancelled() => return Over::Stopped,
                event = events.poll() => match event {
                    Ok(Event::Incoming(packet)) => self.incoming(packet, client),
                    Ok(Event::Outgoing(_)) => {}
                    Err(error) => {
                        tracing::debug!(%error, lock = %self.machine.spec.name, "connection lost");
                        return Over::Lost;
                    }
                },
                () = sleep_until(due) => self.fire(),
                control = self.control.recv() => match control {
                    Some(control) => self.obey(control),
                    None => return Over::Stopped,
                },
            }
        }
    }

    fn incoming(&mut self, packet: Packet, client: &AsyncClient) {
        match packet {
            Packet::ConnAck(_) => {
                self.tries = 0;
                if self.machine.spec.allow_locking {
                    let id = self.machine.spec.nuki_id;
                    for topic in ["lockAction", "lock", "unlock"] {
                        let _ = client.try_subscribe(format!("nuki/{id:X}/{topic}"), QoS::ExactlyOnce);
                    }
                }
                let everything = self.machine.everything();
                self.carry_out(everything);
                self.show(|seen| seen.connected = true);
            }
            Packet::Publish(publish) => {
                let payload = String::from_utf8_lossy(&publish.payload).into_owned();
                let input = command(&publish.topic, &payload);
                let received = Received {
                    topic: publish.topic.clone(),
                    payload,
                    retain: publish.retain,
                    dup: publish.dup,
                    qos: publish.qos as u8,
                };
                self.show(|seen| seen.commands.push(received));
                if let Some(input) = input {
                    let outputs = self.machine.step(input);
                    self.carry_out(outputs);
                }
            }
            Packet::PubAck(_) | Packet::PubComp(_) => self.show(|seen| seen.acknowledged += 1),
            _ => {}
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Input(input) => {
                let outputs = self.machine.step(input);
                self.carry_out(outputs);
            }
            Control::Faults(faults) => self.machine.faults = faults,
            Control::Offline(time) => {
                let time = time.map_or(LONG, |time| self.scaled(time));
                self.offline_until = Some(Instant::now() + time);
                self.show(|seen| seen.connected = false);
            }
            Control::Back => self.offline_until = None,
        }
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        let mut told = false;
        for output in outputs {
            match output {
                Output::Publish { topic, payload, retained } => {
                    told = true;
                    self.say(topic, payload, retained);
                }
                Output::Wait { after, number } => self.set(after, Timer::Machine(number)),
                Output::LosePower => {
                    self.offline_until = Some(Instant::now() + self.scaled(Duration::from_secs(3)));
                }
            }
        }
        if told {
            let time = lock_time(self.machine.spec.clock_offset);
            self.say("timestamp", time, true);
        }
        let machine = &self.machine;
        let (now, door_open, battery, moves) =
            (machine.state, machine.door_open, machine.battery, machine.moves);
        self.show(|seen| {
            (seen.state, seen.door_open, seen.battery, seen.moves) = (now, door_open, battery, moves);
        });
    }

    fn say(&mut self, topic: &str, payload: String, retained: bool) {
        // Control topics are QoS 2, state topics QoS 0 (MQTT API 1.4).
        let qos = match (retained, self.options.state_qos) {
            (true, 0) => QoS::AtMostOnce,
            (true, 1) => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        };
        self.backlog.push_back((
            format!("nuki/{:X}/{topic}", self.machine.spec.nuki_id),
            qos,
            retained,
            payload,
        ));
    }

    fn flush(&mut self, client: &AsyncClient) {
        while let Some((topic, qos, retained, payload)) = self.backlog.front() {
            if client.try_publish(topic.as_str(), *qos, *retained, payload.as_bytes()).is_err() {
                return;
            }
            self.backlog.pop_front();
        }
    }

    fn scaled(&self, time: Duration) -> Duration {
        time.mul_f64(self.options.time_scale.clamp(0.0001, 100.0))
    }

    fn set(&mut self, after: Duration, timer: Timer) {
        self.next_timer += 1;
        self.timers.insert((Instant::now() + self.scaled(after), self.next_timer), timer);
    }

    fn next_due(&self) -> Instant {
        self.timers.first_key_value().map_or_else(|| Instant::now() + LONG, |((at, _), _)| *at)
    }

    fn fire(&mut self) {
        let Some((_, timer)) = self.timers.pop_first() else {
            return;
        };
        match timer {
            Timer::Machine(number) => self.obey(Control::Input(Input::Due(number))),
            Timer::Life(Happening::Input(input)) => {
                // Nobody needs to come home to an open door.
                let pointless =
                    matches!(input, Input::Act { action: 2, .. }) && self.machine.state == state::LOCKED;
                if !pointless {
                    self.obey(Control::Input(input));
                }
            }
            Timer::Life(Happening::Jam) => self.machine.faults.jam = true,
            Timer::Life(Happening::Offline(time)) => self.obey(Control::Offline(Some(time))),
            Timer::NextScene => self.next_scene(),
        }
    }

    fn next_scene(&mut self) {
        let Some((pause, scene)) = self.routine.next() else {
            return;
        };
        let mut end = pause;
        for (after, happening) in scene {
            end = end.max(pause + after);
            self.set(pause + after, Timer::Life(happening));
        }
        self.set(end, Timer::NextScene);
    }

    fn show(&self, change: impl FnOnce(&mut Seen)) {
        self.seen.send_modify(change);
    }
}

fn command(topic: &str, payload: &str) -> Option<Input> {
    match topic.rsplit('/').next()? {
        "lockAction" => Some(Input::Command(payload.parse().unwrap_or(u8::MAX))),
        "lock" if payload == "true" => Some(Input::Simple { unlock: false }),
        "unlock" if payload == "true" => Some(Input::Simple { unlock: true }),
        _ => None,
    }
}
