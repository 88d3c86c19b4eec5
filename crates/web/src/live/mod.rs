//! The one stream of an open page. Events carry ids only: what they speak of is read again, with the rights the person
//! has now, and drawn by the same part as on the page. What cannot be told exactly (a backlog, devices that came or
//! went) tells the page to read itself again.

mod attention;
mod bulk;
mod devices;
mod pace;
mod view;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Message, Sse};
use axum::response::{IntoResponse, Response};
use lockwarden_app::Result;
use lockwarden_app::bus::Event;
use lockwarden_app::clock::{Steady, Time};
use lockwarden_app::ids::DeviceId;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::failure::Failure;
use crate::fields::Asked;
use crate::identify::{Person, Signed, zone_of};
use crate::web::Web;
use devices::Counted;
use pace::{ALL, Pace};
use view::{Counting, DrawnParts, View};

/// A sign of life, by which both sides notice that the other is gone; also how often the session is looked at in case
/// its end went unheard.
const BEAT: Duration = Duration::from_secs(10);
/// How soon a browser tries again.
const RETRY: Duration = Duration::from_secs(2);

pub(crate) async fn stream(
    State(web): State<Web>,
    signed: Signed,
    asked: Asked,
) -> Result<Response, Failure> {
    // Listening begins before anything is read, so that nothing falls in between.
    let events = web.app.bus().subscribe();
    let mut view = View::from(&asked);
    let since = asked.read("since").map_or(web.app.now(), Time);
    let first = view.catch_up(&web, &signed, since).await?;
    let mut ready = VecDeque::from([Message::default().retry(RETRY).comment("live")]);
    ready.extend(first.refresh.then(refresh));
    let live = Live {
        next_beat: web.app.clock().steady().plus(BEAT),
        person: Person::clone(&signed),
        ready,
        pace: Pace::starting_with(first.changed, view.measure()),
        counting: None,
        refresh: false,
        web,
        events,
        view,
    };
    let messages = futures_util::stream::unfold(live, |mut live| async move {
        let message = live.next().await?;
        Some((Ok::<_, Infallible>(message), live))
    });
    Ok(Sse::new(messages).into_response())
}

/// Tells the page to read itself again.
fn refresh() -> Message {
    Message::default().event("refresh").data("again")
}

/// Waits for the end of it, or for ever where there is nothing to wait for.
async fn over(counting: &mut Option<Counting>) -> Result<Counted> {
    match counting {
        Some(counting) => counting.await,
        None => std::future::pending().await,
    }
}

struct Live {
    web: Web,
    person: Person,
    events: Receiver<Event>,
    view: View,
    /// Devices that changed and wait to be sent.
    pace: Pace,
    counting: Option<Counting>,
    /// Messages that are made and wait to leave.
    ready: VecDeque<Message>,
    refresh: bool,
    next_beat: Steady,
}

impl Live {
    /// The next message; nothing once the session or the server has ended.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            match self.work().await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    // The browser comes back and reads the whole page; whatever is wrong is told there.
                    tracing::warn!(%error, "a live page is cut off");
                    return None;
                }
            }
        }
    }

    /// Waits for something and makes messages of it. False once nothing more may be sent.
    async fn work(&mut self) -> Result<bool> {
        let wake = self.pace.next().map_or(self.next_beat, |due| due.min(self.next_beat));
        let clock = self.web.app.clock().clone();
        let (mut look_again, mut counted) = (false, None);
        tokio::select! {
            biased;
            event = self.events.recv() => match event {
                Ok(event) => look_again |= self.hear(event),
                // Among what was missed may be the end of the session.
                Err(RecvError::Lagged(_)) => (self.refresh, look_again) = (true, true),
                Err(RecvError::Closed) => return Ok(false),
            },
            done = over(&mut self.counting) => counted = Some(done?),
            () = clock.wait(wake.since(clock.steady())) => {}
        }
        look_again |= self.hear_the_rest();
        self.counting.take_if(|_| counted.is_some());
        let now = clock.steady();
        let beat = now >= self.next_beat;
        if look_again || beat {
            // What was worked out, or is, is with the rights that were.
            if counted.take().is_some() || self.counting.take().is_some() {
                self.pace.changed(ALL);
            }
            if !self.still_stands().await? {
                return Ok(false);
            }
        }
        if let Some(counted) = counted {
            let drawn = self.view.counted(counted);
            self.send(drawn);
        }
        if self.refresh {
            self.pace.forget();
            self.counting = None;
        }
        let mut due = self.pace.take_due(now);
        self.count(&mut due);
        if !due.is_empty() {
            let drawn = self.view.draw(&self.web, &self.person, &due).await?;
            self.send(drawn);
        }
        if std::mem::take(&mut self.refresh) {
            self.ready.push_back(refresh());
        }
        if beat {
            self.next_beat = now.plus(BEAT);
            self.pace.forget_old(now);
            self.ready.push_back(Message::default().event("beat").data("on"));
        }
        Ok(true)
    }

    /// What else waits: one drawing answers all of it.
    fn hear_the_rest(&mut self) -> bool {
        let mut look_again = false;
        loop {
            match self.events.try_recv() {
                Ok(event) => look_again |= self.hear(event),
                Err(TryRecvError::Lagged(_)) => (self.refresh, look_again) = (true, true),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return look_again,
            }
        }
    }

    /// Notes what an event changed. True if somebody's access may have ended.
    fn hear(&mut self, event: Event) -> bool {
        if event.account() != Some(self.person.actor.account) {
            return false;
        }
        match event {
            Event::DeviceChanged { device, .. } | Event::LoginChanged { device, .. }
                if self.person.actor.scope.contains(device) =>
            {
                if self.view.draws(device) {
                    self.pace.changed(device);
                }
                if self.view.counts(device) {
                    self.pace.changed(ALL);
                }
            }
            Event::ActivityAdded { device, .. }
                if self.person.actor.scope.contains(device) && self.view.shows_log_of(device) =>
            {
                self.pace.changed(device);
            }
            Event::DevicesChanged { .. } | Event::BridgesChanged { .. } if self.view.shows_bridge() => {
                self.pace.changed(ALL);
            }
            Event::BridgesChanged { .. } if self.view.lists_devices() => self.pace.changed(ALL),
            Event::DevicesChanged { .. } | Event::AccountSet { .. } => {
                self.refresh |= self.view.lists_devices();
            }
            Event::BulkChanged { bulk, .. } if self.view.shows_bulk(bulk) => self.pace.changed(ALL),
            Event::AccessChanged { .. } => return true,
            _ => {}
        }
        false
    }

    /// Whether the session still stands; its rights and the person's time zone may have changed meanwhile.
    async fn still_stands(&mut self) -> Result<bool> {
        match self.web.app.session_stands(self.person.session).await? {
            Some(actor) => {
                let profile = self.web.app.load_profile(&actor).await?;
                // Every time on the page is one of the zone that was.
                self.refresh |= profile.time_zone != self.person.profile.time_zone;
                self.person.zone = zone_of(&profile);
                self.person.profile = profile;
                self.person.actor = actor;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// What is told of all devices of a list is worked out beside the cards, one look after the other.
    fn count(&mut self, due: &mut Vec<DeviceId>) {
        if !due.contains(&ALL) {
            return;
        }
        if self.counting.is_some() {
            self.pace.changed(ALL);
        } else {
            self.counting = self.view.count(&self.web, &self.person);
        }
        due.retain(|device| *device != ALL || self.counting.is_none());
    }

    fn send(&mut self, drawn: DrawnParts) {
        if !drawn.parts.is_empty() {
            // A carriage return would end the line of a message early.
            let parts = drawn.parts.replace('\r', " ");
            self.ready.push_back(Message::default().event("parts").data(parts));
        }
        for sentence in drawn.say {
            self.ready.push_back(Message::default().event("say").data(sentence.replace(['\r', '\n'], " ")));
        }
        self.refresh |= drawn.refresh;
    }
}
