//! The hub's life from start to start, and its side of the network: connecting, what it says then, and what it listens to.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Moment};

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Packet, QoS};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::line::Line;
use super::opener::OpenerWork;
use super::work::Work;
use super::{Control, HubSeen, HubSpec, Reach, words};
use crate::body::LONG;
use crate::link::Refusal;
use crate::seen::Received;
use crate::spec::{Broker, Options};

/// No message is heard for so long after connecting (Nuki Hub, NukiNetwork).
const DEAF: Duration = Duration::from_secs(2);
/// No action is heard for so long after connecting (Nuki Hub, NukiNetwork).
const DEAF_FOR_ACTIONS: Duration = Duration::from_secs(6);
const MINUTE: Duration = Duration::from_mins(1);
/// Between two attempts to connect.
const AGAIN: Duration = Duration::from_secs(5);
/// Bytes of a payload that the hub reads.
const READS: usize = 799;
const PIPE: usize = 4_000;
const LARGEST: usize = 300_000;

pub(super) struct Life {
    pub spec: Arc<Mutex<HubSpec>>,
    pub broker: Broker,
    pub options: Options,
    pub reach: Reach,
    pub show: watch::Sender<HubSeen>,
    pub stop: CancellationToken,
}

/// A message for the part that works with the lock or the Opener: the topic below `lock/` or `opener/`, and what it says.
pub(super) type Post = mpsc::UnboundedSender<(String, String)>;

struct Network {
    line: Arc<Line>,
    broker: Broker,
    to_lock: Post,
    to_opener: Post,
    nuki_id: u32,
    is_first: bool,
    away_until: Option<Instant>,
    /// When it next says how long it is up, and for how many minutes that is.
    next_minute: (Instant, u64),
}

enum Over {
    Reboot(&'static str),
    Stopped,
}

impl Life {
    pub(super) async fn run(self, mut control: mpsc::UnboundedReceiver<Control>) {
        let mut reason = "PowerOnReset";
        loop {
            self.show.send_modify(|seen| (seen.boots, seen.restart_reason) = (seen.boots + 1, reason));
            let (crash, mut crashes) = mpsc::unbounded_channel();
            let line = Line::new(self.spec.clone(), self.options.clone(), self.show.clone(), crash);
            let line = Arc::new(line);
            let (to_lock, for_lock) = mpsc::unbounded_channel();
            let (to_opener, for_opener) = mpsc::unbounded_channel();
            let mut network = Network {
                line: line.clone(),
                broker: self.broker.clone(),
                to_lock,
                to_opener,
                nuki_id: line.spec.lock.unwrap_or_default(),
                is_first: true,
                away_until: None,
                next_minute: (Instant::now() + self.options.scaled(MINUTE), 1),
            };
            let over = tokio::select! {
                () = self.stop.cancelled() => Over::Stopped,
                over = network.run(&mut control, &self.stop) => over,
                Some(reason) = crashes.recv() => Over::Reboot(reason),
                () = work(self.reach.lock.clone().map(|lock| Work::new(line.clone(), lock, for_lock))) => Over::Stopped,
                () = opener(self.reach.opener.clone().map(|opener| OpenerWork::new(line.clone(), opener, for_opener)))
                    => Over::Stopped,
            };
            line.attach(None);
            self.show.send_modify(|seen| seen.connected = false);
            let Over::Reboot(why) = over else { return };
            reason = why;
            drop(network);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = line.sleep(line.spec.boot) => {}
            }
        }
    }
}

async fn work(work: Option<Work>) {
    match work {
        Some(work) => work.run().await,
        None => std::future::pending().await,
    }
}

async fn opener(work: Option<OpenerWork>) {
    match work {
        Some(work) => work.run().await,
        None => std::future::pending().await,
    }
}

impl Network {
    async fn run(
        &mut self,
        control: &mut mpsc::UnboundedReceiver<Control>,
        stop: &CancellationToken,
    ) -> Over {
        loop {
            if let Some(over) = self.away(control).await {
                return over;
            }
            let (client, mut events) = AsyncClient::new(self.mqtt_options(), PIPE);
            events.network_options.set_connection_timeout(10);
            self.line.attach(Some(client));
            let over = self.connected(&mut events, control, stop).await;
            self.line.connected.send_replace(None);
            self.line.attach(None);
            self.line.seen.send_modify(|seen| seen.connected = false);
            if let Some(over) = over {
                return over;
            }
            let again = Instant::now() + self.line.options.scaled(AGAIN);
            self.away_until.get_or_insert(again);
        }
    }

    fn mqtt_options(&self) -> MqttOptions {
        let spec = &self.line.spec;
        let mut options = MqttOptions::new(&spec.name, &self.broker.host, self.broker.port);
        if !spec.username.is_empty() {
            options.set_credentials(&spec.username, &spec.password);
        }
        let will = format!("{}/maintenance/mqttConnectionState", spec.base);
        options.set_last_will(LastWill::new(will, "offline", QoS::AtLeastOnce, true));
        options.set_clean_session(false);
        options.set_keep_alive(self.line.options.keep_alive.max(Duration::from_secs(1)));
        options.set_max_packet_size(LARGEST, LARGEST);
        options
    }

    async fn away(&mut self, control: &mut mpsc::UnboundedReceiver<Control>) -> Option<Over> {
        while let Some(until) = self.away_until {
            tokio::select! {
                () = sleep_until(until) => self.away_until = None,
                told = control.recv() => if let Some(over) = self.obey(told.as_ref()) {
                    return Some(over);
                },
            }
        }
        None
    }

    fn obey(&mut self, control: Option<&Control>) -> Option<Over> {
        match control {
            None => return Some(Over::Stopped),
            Some(Control::Reboot) => return Some(Over::Reboot("RequestedViaWebServer")),
            Some(Control::Back) => self.away_until = None,
            Some(Control::Offline(time)) => {
                let time = time.map_or(LONG, |time| self.line.options.scaled(time));
                self.away_until = Some(Instant::now() + time);
            }
        }
        None
    }

    async fn connected(
        &mut self,
        events: &mut EventLoop,
        control: &mut mpsc::UnboundedReceiver<Control>,
        stop: &CancellationToken,
    ) -> Option<Over> {
        while self.away_until.is_none() {
            tokio::select! {
                () = stop.cancelled() => return Some(Over::Stopped),
                event = events.poll() => match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => self.arrive(),
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let payload = String::from_utf8_lossy(&publish.payload).into_owned();
                        self.receive(Received {
                            number: 0,
                            at: Moment::now(),
                            topic: publish.topic.clone(),
                            payload,
                            retain: publish.retain,
                            dup: publish.dup,
                            qos: publish.qos as u8,
                        });
                    }
                    Ok(_) => {}
                    Err(error) => {
                        let no = match error {
                            ConnectionError::ConnectionRefused(code) => Some(Refusal::of(code as u8)),
                            _ => None,
                        };
                        let refused = no.and_then(Refusal::for_good);
                        let words = no.map_or_else(|| error.to_string(), |no| no.words.to_owned());
                        self.line.seen.send_modify(|seen| (seen.refused, seen.trouble) = (refused, Some(words)));
                        return None;
                    }
                },
                told = control.recv() => if let Some(over) = self.obey(told.as_ref()) {
                    return Some(over);
                },
                () = sleep_until(self.next_minute.0) => self.minute(),
            }
        }
        None
    }

    /// Of itself it speaks once a minute.
    fn minute(&mut self) {
        let (_, minutes) = self.next_minute;
        self.line.tell("maintenance/uptime", minutes.to_string());
        self.line.tell("maintenance/wifiRssi", (-40 - i32::from(self.line.garbage() % 40)).to_string());
        self.next_minute = (Instant::now() + self.line.options.scaled(MINUTE), minutes + 1);
    }

    /// What a hub says and asks for when it connects. Its topics it sets up only once in its life.
    fn arrive(&mut self) {
        let line = &self.line;
        line.connected.send_replace(Some(Instant::now()));
        line.seen.send_modify(|seen| {
            (seen.connected, seen.refused, seen.trouble) = (true, None, None);
            seen.connects += 1;
        });
        if line.quirks().leftovers {
            super::topics::leftovers(line);
        }
        if std::mem::take(&mut self.is_first) {
            line.tell("maintenance/networkDevice", "Built-in Wi-Fi");
            for (topic, payload) in super::topics::first(line) {
                line.tell(&topic, payload);
            }
        }
        for topic in super::topics::subscriptions(&line.spec) {
            line.subscribe(&format!("{}/{topic}", line.spec.base));
        }
        if line.spec.hybrid {
            for topic in super::mirror::TOPICS {
                line.subscribe(&format!("nuki/{:X}/{topic}", self.nuki_id));
            }
        }
        line.tell("maintenance/mqttConnectionState", "online");
        line.tell("info/nukiHubIp", "192.168.1.77");
        line.send_unsent();
    }

    fn receive(&self, mut received: Received) {
        let line = &self.line;
        let quirks = line.quirks();
        let (topic, since) = (received.topic.clone(), *line.connected.borrow());
        if quirks.cuts_payloads {
            received.payload = crate::memory::codes::cut(&received.payload, READS);
        }
        let payload = received.payload.clone();
        line.seen.send_modify(|seen| seen.arrived(received));
        let below = topic.strip_prefix(&line.spec.base).and_then(|topic| topic.strip_prefix('/'));
        let is_action = matches!(below, Some("lock/action" | "opener/action"));
        let deaf = line.options.scaled(if is_action { DEAF_FOR_ACTIONS } else { DEAF });
        if quirks.deaf_at_first && since.is_none_or(|since| since.elapsed() < deaf) {
            line.seen.send_modify(|seen| seen.ignored += 1);
            return;
        }
        let official = format!("nuki/{:X}/", self.nuki_id);
        if line.spec.hybrid
            && let Some(topic) = topic.strip_prefix(&official)
            && super::mirror::TOPICS.contains(&topic)
        {
            line.mirror(topic, &payload);
            let _ = self.to_lock.send(("official".to_owned(), topic.to_owned()));
        }
        match below.and_then(|topic| topic.split_once('/')) {
            Some(("lock", topic)) => self.for_lock(topic, payload),
            Some(("opener", topic)) => self.for_opener(topic, payload),
            Some(("maintenance", topic)) => self.maintain(topic, &payload),
            _ => {}
        }
    }

    fn for_lock(&self, topic: &str, payload: String) {
        if topic != "action" {
            let _ = self.to_lock.send((topic.to_owned(), payload));
        } else if let Some(word) = action_word(&payload) {
            let answer = self.answer(word, words::lock_action_number(word).is_some());
            self.line.tell_once("lock/action", answer);
            if answer == "ack" {
                let _ = self.to_lock.send((topic.to_owned(), payload));
            }
        }
    }

    fn for_opener(&self, topic: &str, payload: String) {
        if topic != "action" {
            let _ = self.to_opener.send((topic.to_owned(), payload));
        } else if let Some(word) = action_word(&payload) {
            let answer = self.answer(word, super::opener::action_number(word).is_some());
            self.line.tell_once("opener/action", answer);
            if answer == "ack" {
                let _ = self.to_opener.send((topic.to_owned(), payload));
            }
        }
    }

    /// `ack` only means that it is on its way.
    fn answer(&self, word: &str, is_known: bool) -> &'static str {
        if self.line.quirks().answers_error {
            "error"
        } else if !is_known {
            "unknown_action"
        } else if self.line.spec.denied.iter().any(|denied| denied.eq_ignore_ascii_case(word)) {
            "denied"
        } else {
            "ack"
        }
    }

    fn maintain(&self, topic: &str, payload: &str) {
        match (topic, payload) {
            ("reset", "1") => {
                self.line.tell("maintenance/reset", "0");
                self.line.crash("RequestedViaMqtt");
            }
            ("webserver/enable", "0" | "1") => {
                self.line.tell("maintenance/webserver/enable", "--");
                self.line.tell("maintenance/webserver/state", payload);
            }
            _ => {}
        }
    }
}

/// The hub hears its own answers on the topic of actions, and passes over them.
fn action_word(payload: &str) -> Option<&str> {
    (!matches!(payload, "" | "--" | "ack" | "unknown_action" | "denied" | "error")).then_some(payload)
}
