//! One virtual lock on the network: a real MQTT client around the machine, with the will, subscriptions and retained
//! topics of MQTT API 1.4. It reconnects by itself, drops the line, or vanishes and leaves the line open.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant as Moment};

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Packet, QoS,
};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::life::{Happening, Routine};
use crate::machine::{Input, Machine, Output, RADIO_UP, state};
use crate::spec::{Broker, Faults, Options};
use crate::time::lock_time;

/// A command as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its place among all that ever arrived, from 1.
    pub number: u64,
    pub at: Moment,
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
    /// Why the broker did not let it in when it last tried.
    pub refused: Option<&'static str>,
    /// Why it could not connect, or lost the connection, when it last did.
    pub trouble: Option<String>,
    pub state: u8,
    pub door_open: bool,
    pub battery: u8,
    /// How often the motor moved.
    pub moves: u32,
    /// How many commands ever arrived.
    pub received: u64,
    /// The last of them, at most [`KEPT`].
    pub commands: VecDeque<Received>,
    /// Publishes of QoS 1 and 2 that the broker has acknowledged.
    pub acknowledged: u64,
}

/// Commands a lock remembers. Whoever needs all of many looks often enough.
pub const KEPT: usize = 1_000;

pub(crate) enum Control {
    Input(Input),
    Faults(Faults),
    /// Without a goodbye; for a time, or until told.
    Offline(Option<Duration>),
    /// The same, and the line stays open.
    Silent(Option<Duration>),
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
    is_silent: bool,
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
            is_silent: false,
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
            let over = self.connected(&client, &mut events).await;
            self.backlog.clear();
            self.show(|seen| seen.connected = false);
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
        options.set_keep_alive(self.options.keep_alive.max(Duration::from_secs(1)));
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
        self.is_silent = false;
        Over::Lost
    }

    async fn connected(&mut self, client: &AsyncClient, events: &mut EventLoop) -> Over {
        loop {
            self.flush(client);
            if self.offline_until.is_some() {
                return if self.is_silent { Over::Silent } else { Over::Lost };
            }
            let due = self.next_due();
            tokio::select! {
                () = self.stop.cancelled() => return Over::Stopped,
                event = events.poll() => match event {
                    Ok(Event::Incoming(packet)) => self.incoming(packet, client),
                    Ok(Event::Outgoing(_)) => {}
                    Err(error) => {
                        tracing::debug!(%error, lock = %self.machine.spec.name, "connection lost");
                        self.show(|seen| {
                            (seen.refused, seen.trouble) = (why_refused(&error), Some(error.to_string()));
                        });
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
                if self.machine.spec.auto_discovery {
                    announce(self.machine.spec.nuki_id, client);
                }
                let everything = self.machine.everything();
                self.carry_out(everything);
                self.show(|seen| (seen.connected, seen.refused, seen.trouble) = (true, None, None));
            }
            Packet::Publish(publish) => {
                let payload = String::from_utf8_lossy(&publish.payload).into_owned();
                let input = command(&publish.topic, &payload);
                self.arrived(Received {
                    number: 0,
                    at: Moment::now(),
                    topic: publish.topic.clone(),
                    payload,
                    retain: publish.retain,
                    dup: publish.dup,
                    qos: publish.qos as u8,
                });
                if let Some(input) = input {
                    let outputs = self.machine.step(input);
                    self.carry_out(outputs);
                }
            }
            Packet::PubAck(_) | Packet::PubComp(_) => self.show(|seen| seen.acknowledged += 1),
            _ => {}
        }
    }

    fn arrived(&self, mut received: Received) {
        self.show(|seen| {
            seen.received += 1;
            received.number = seen.received;
            if seen.commands.len() == KEPT {
                seen.commands.pop_front();
            }
            seen.commands.push_back(received);
        });
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Input(input) => {
                let outputs = self.machine.step(input);
                self.carry_out(outputs);
            }
            Control::Faults(faults) => self.machine.faults = faults,
            Control::Offline(time) => self.leave(time),
            Control::Silent(time) => {
                self.is_silent = true;
                self.leave(time);
            }
            Control::Back => self.offline_until = None,
        }
    }

    fn leave(&mut self, time: Option<Duration>) {
        let time = time.map_or(LONG, |time| self.scaled(time));
        self.offline_until = Some(Instant::now() + time);
        self.show(|seen| seen.connected = false);
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
                    let up = Instant::now() + self.scaled(RADIO_UP);
                    // Power that comes back brings no network where there was none.
                    self.offline_until = self.offline_until.max(Some(up));
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
            Timer::Life(Happening::Silent(time)) => self.obey(Control::Silent(Some(time))),
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
