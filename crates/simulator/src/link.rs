//! One virtual lock on the network: a real MQTT client around the machine, with the will, subscriptions and retained
//! topics of MQTT API 1.4. It reconnects by itself, drops the line, or vanishes and leaves the line open.

use std::io::{Error, Result};
use std::time::{Duration, Instant as Moment};

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Control, LONG};
use crate::discovery;
use crate::machine::Input;
use crate::mqtt::{Connection, Event, Hello, Message};
use crate::seen::Received;
use crate::way::{Presence, Way};

pub(crate) struct Link {
    way: Way,
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
    Visited,
}

/// What came of an attempt to connect.
enum Opened {
    Line(Connection),
    Away,
    Stopped,
}

impl Link {
    pub(crate) fn new(
        way: Way,
        body: Body,
        control: mpsc::UnboundedReceiver<Control>,
        stop: CancellationToken,
    ) -> Self {
        Self { way, body, control, stop, tries: 0 }
    }

    /// Boxed, so that a task does not hold it twice: as what it was given, and as what it works with.
    pub(crate) async fn run(mut self: Box<Self>) {
        self.body.next_scene();
        if matches!(self.way.presence, Presence::Away) {
            self.body.offline_until = Some(Instant::now() + LONG);
        }
        while !self.stop.is_cancelled() {
            if let Over::Stopped = self.away().await {
                return;
            }
            if let Some(turn) = self.way.turn() {
                self.body.offline_until = Some(turn);
                if let Over::Stopped = self.away().await {
                    return;
                }
            }
            let Ok(_room) = self.way.room() else { continue };
            match self.connect().await {
                Ok(Opened::Line(mut connection)) => {
                    let over = self.connected(&mut connection).await;
                    self.body.backlog.clear();
                    self.body.show(|seen| seen.connected = false);
                    match over {
                        Over::Stopped => return connection.leave().await,
                        // The line outlives the silence in this very frame, and nobody reads it.
                        Over::Silent => match self.away().await {
                            Over::Stopped => return,
                            _ => continue,
                        },
                        Over::Visited => {
                            self.way.presence = Presence::Away;
                            self.body.offline_until = Some(Instant::now() + LONG);
                            connection.leave().await;
                            continue;
                        }
                        Over::Lost => {}
                    }
                }
                Ok(Opened::Stopped) => return,
                Ok(Opened::Away) => continue,
                Err(error) => self.trouble(&error),
            }
            self.tries += 1;
            let pause = self.body.scaled(Duration::from_secs(1 << self.tries.min(5)));
            self.body.offline_until.get_or_insert(Instant::now() + pause);
        }
    }

    /// The way to the broker, unless something else comes up meanwhile.
    async fn connect(&mut self) -> Result<Opened> {
        let spec = &self.body.machine.spec;
        let id = format!("{:X}", spec.nuki_id);
        let (client_id, will) = (format!("SL3P_{id}"), format!("nuki/{id}/connected"));
        let (name, password) = (spec.username.clone(), spec.password.clone());
        let hello = Hello {
            client_id: &client_id,
            login: (!name.is_empty()).then_some((name.as_str(), password.as_str())),
            will: (&will, "false"),
            keep_alive: self.body.options.keep_alive.max(Duration::from_secs(1)),
        };
        let way = self.way.clone();
        let mut opening = Box::pin(Connection::open(&way.broker, way.source, &hello));
        loop {
            let due = self.body.next_due();
            tokio::select! {
                () = self.stop.cancelled() => return Ok(Opened::Stopped),
                opened = &mut opening => return opened.map(Opened::Line),
                () = sleep_until(due) => self.body.fire(),
                control = self.control.recv() => match control {
                    Some(control) => self.body.obey(control),
                    None => return Ok(Opened::Stopped),
                },
            }
            if self.body.offline_until.is_some() {
                return Ok(Opened::Away);
            }
        }
    }

    fn trouble(&self, error: &Error) {
        tracing::debug!(%error, lock = %self.body.machine.spec.name, "connection lost");
        self.body.show(|seen| (seen.refused, seen.trouble) = (None, Some(error.to_string())));
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

    async fn connected(&mut self, connection: &mut Connection) -> Over {
        let mut is_let_in = false;
        loop {
            if is_let_in {
                self.flush(connection);
                if matches!(self.way.presence, Presence::Visits(_)) {
                    return Over::Visited;
                }
            }
            if self.body.offline_until.is_some() {
                return if self.body.is_silent { Over::Silent } else { Over::Lost };
            }
            let due = self.body.next_due();
            tokio::select! {
                () = self.stop.cancelled() => return Over::Stopped,
                event = connection.next() => match event {
                    Ok(Event::Answer(0)) => {
                        is_let_in = true;
                        self.let_in(connection);
                    }
                    Ok(Event::Answer(code)) => {
                        let no = Refusal::of(code);
                        self.body.show(|seen| {
                            (seen.refused, seen.trouble) = (no.for_good(), Some(no.words.to_owned()));
                        });
                        return Over::Lost;
                    }
                    Ok(Event::Message(message)) => self.heard(message),
                    Ok(Event::Acknowledged) => self.body.show(|seen| seen.acknowledged += 1),
                    Ok(Event::Other) => {}
                    Err(error) => {
                        self.trouble(&error);
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

    fn let_in(&mut self, connection: &mut Connection) {
        self.tries = 0;
        let spec = &self.body.machine.spec;
        if spec.allow_locking {
            for topic in ["lockAction", "lock", "unlock"] {
                connection.subscribe(&format!("nuki/{:X}/{topic}", spec.nuki_id), 2);
            }
        }
        if spec.auto_discovery {
            for (topic, payload) in discovery::announcements(spec) {
                connection.publish(&topic, 0, true, &payload);
            }
        }
        let everything = self.body.machine.everything();
        self.body.carry_out(everything);
        self.body.show(|seen| (seen.connected, seen.refused, seen.trouble) = (true, None, None));
    }

    fn heard(&mut self, message: Message) {
        let payload = String::from_utf8_lossy(&message.payload).into_owned();
        let input = command(&message.topic, &payload);
        let (topic, retain, dup, qos) = (message.topic, message.retain, message.dup, message.qos);
        let received = Received { number: 0, at: Moment::now(), topic, payload, retain, dup, qos };
        let kept = self.body.options.kept;
        self.body.show(|seen| seen.arrived(received, kept));
        if let Some(input) = input {
            self.body.obey(Control::Input(input));
        }
    }

    fn flush(&mut self, connection: &mut Connection) {
        let id = self.body.machine.spec.nuki_id;
        for (topic, retained, payload) in self.body.backlog.drain(..) {
            // Control topics are QoS 2, state topics QoS 0 (MQTT API 1.4).
            let qos = if retained { self.body.options.state_qos.min(2) } else { 2 };
            connection.publish(&format!("nuki/{id:X}/{topic}"), qos, retained, &payload);
        }
        self.body.backlog.shrink_to_fit();
    }
}

/// Why a broker does not let somebody in (MQTT 3.1.1, 3.2.2.3).
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    pub words: &'static str,
    may_pass: bool,
}

impl Refusal {
    pub(crate) fn of(code: u8) -> Self {
        let (words, may_pass) = match code {
            1 => ("the broker speaks another version of MQTT", false),
            2 => ("the client id is refused", false),
            3 => ("the broker lets nobody in at the moment", true),
            4 => ("the user name or password is wrong", false),
            5 => ("this login may not connect", false),
            _ => ("the broker refuses the connection", true),
        };
        Self { words, may_pass }
    }

    /// Why, unless it may be otherwise the next time.
    pub(crate) fn for_good(self) -> Option<&'static str> {
        (!self.may_pass).then_some(self.words)
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
