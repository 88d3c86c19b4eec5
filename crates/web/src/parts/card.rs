//! A device as a tile, as a row of the list and as the head of its page: the same face, the same words, the same
//! buttons. Never optimistic: what was ordered is told beside the state, and the state is the lock's own word.

use lockwarden_app::actor::Rights;
use lockwarden_app::commands::{Command, CommandState};
use lockwarden_app::devices::{Connector, Device, DeviceType, DoorState, LockAction, LockState};
use maud::{Markup, html};

use super::commands::{Outcome, ago, outcome, way_words};
use super::deeds::{asks, is_forbidden, order_name};
use super::face::{Chip, Doing, Face, Kind, Tone, chips, face};
use super::icon::{Icon, icon};
use super::listing;
use super::words::{self, is_opener, noun};
use crate::when::When;

/// A device with all that its card tells.
pub(crate) struct Card<'a> {
    pub device: &'a Device,
    pub doing: &'a Doing,
    pub when: &'a When,
    /// Of this rendering: the same button pressed twice is one order.
    pub key: &'a str,
    /// Of whoever looks at it.
    pub rights: Rights,
    /// The query of the list it stands in, to come back to.
    pub list: &'a str,
    /// The way to its group, where the page does not tell it otherwise.
    pub group: Option<&'a str>,
}

/// How a card is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawn {
    Tile,
    Row,
    Head,
    /// As the head, among the steps of adding it: an order given there leads back to them.
    Step,
    /// To be chosen, among others, for one thing to do with all of them.
    Pick,
}

impl Drawn {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tile => "tiles",
            Self::Row => "list",
            Self::Head => "head",
            Self::Step => "step",
            Self::Pick => "pick",
        }
    }

    pub(crate) fn from_name(name: &str) -> Self {
        [Self::Row, Self::Head, Self::Step, Self::Pick]
            .into_iter()
            .find(|drawn| drawn.name() == name)
            .unwrap_or(Self::Tile)
    }
}

impl Card<'_> {
    pub(crate) fn face(&self) -> Face {
        face(self.device, self.doing, self.when)
    }

    pub(crate) fn draw(&self, drawn: Drawn) -> Markup {
        match drawn {
            Drawn::Tile => self.tile(drawn),
            Drawn::Row => self.row(drawn),
            Drawn::Head | Drawn::Step => self.head(drawn),
            Drawn::Pick => self.pick(),
        }
    }

    fn class(&self, face: &Face) -> String {
        let waiting = if self.doing.open.is_empty() { "" } else { " waiting" };
        format!("{}{waiting}", face.kind.name())
    }

    fn tile(&self, drawn: Drawn) -> Markup {
        let face = self.face();
        html! {
            article class={ "tile " (self.class(&face)) } id=(self.id()) aria-labelledby={ (self.id()) "-name" } {
                div.title {
                    h2 id={ (self.id()) "-name" } { a href=(self.path()) { (self.device.name) } }
                    (self.star())
                    (self.place())
                }
                (self.state(&face))
                (self.notes())
                (self.buttons(&face, drawn))
            }
        }
    }

    fn row(&self, drawn: Drawn) -> Markup {
        let face = self.face();
        let battery = self.device.said.battery_percent.map(|percent| format!("{percent} %"));
        let last_known = battery.is_some() && !self.device.link.online;
        html! {
            tr class=(self.class(&face)) id=(self.id()) {
                th scope="row" { a href=(self.path()) { (self.device.name) } (self.star()) (self.place()) }
                td.full { (self.state(&face)) (self.notes()) }
                td.wide.num {
                    (battery.as_deref().unwrap_or("–")) @if last_known { " " small.muted { "last known" } }
                }
                td.wide { (connection(&face)) }
                td.end { (self.buttons(&face, drawn)) }
            }
        }
    }

    fn head(&self, drawn: Drawn) -> Markup {
        let face = self.face();
        html! {
            section class={ "tile head " (self.class(&face)) } id=(self.id()) aria-label="State and actions" {
                (self.state(&face))
                (self.notes())
                (self.all_buttons(&face, drawn))
            }
        }
    }

    fn star(&self) -> Markup {
        html! { @if self.device.favourite { span.star { (icon(Icon::Star)) span.sr { "Favourite" } } } }
    }

    fn place(&self) -> Markup {
        html! { @if let Some(group) = self.group { small.place.muted { (group) } } }
    }

    fn pick(&self) -> Markup {
        let face = self.face();
        html! {
            label class={ "check " (self.class(&face)) } id=(self.id()) {
                input type="checkbox" name={ "pick-" (self.device.id) } value="yes";
                span.dot { (icon(face.icon)) }
                span {
                    b { (self.device.name) } (self.star())
                    small { (face.word) @for words in &face.detail { " · " (words) } }
                    (self.place())
                }
            }
        }
    }

    fn id(&self) -> String {
        format!("device-{}", self.device.id)
    }

    fn path(&self) -> String {
        format!("/devices/{}", self.device.id)
    }

    fn state(&self, face: &Face) -> Markup {
        html! {
            // After an order the focus rests here: what became of it is said, and no button is under the next key.
            div.state id={ (self.id()) "-state" } tabindex="-1" {
                span.dot { (icon(face.icon)) }
                div {
                    b { (face.word) }
                    @match self.doing.at_work() {
                        Some(command) => small { (progress(self.device, command, self.when)) (self.more_waiting()) },
                        None => small { (face.detail.join(" · ")) },
                    }
                }
            }
        }
    }

    fn more_waiting(&self) -> Markup {
        let more = self.doing.open.len().saturating_sub(1);
        html! { @if more > 0 { " · " (more) " more waiting" } }
    }

    /// What matters, and how the last order ended as long as that is news.
    fn notes(&self) -> Markup {
        let chips = chips(self.device, self.when);
        let ended = self.doing.last.as_ref().filter(|_| self.doing.open.is_empty());
        let news = ended
            .filter(|command| !self.is_past(command))
            .and_then(|command| news(self.device, command, self.when));
        html! {
            @if let Some((outcome, words)) = news {
                p class={ "note " (outcome.tone) } id={ (self.id()) "-note" } { (icon(outcome.icon)) span { (words) } }
            }
            // A tile keeps a line free for them: one that comes must not push a button from under a finger.
            div.chips id={ (self.id()) "-chips" } { @for one in &chips { (chip(one)) } }
        }
    }

    /// It was done, and something else has happened since, or may have: beside another state it would read as if that was
    /// wrong, and beside none as if it were still so.
    fn is_past(&self, command: &Command) -> bool {
        let is_known = self.device.link.online && !self.device.is_stale();
        let passed = self.device.said.state.is_none_or(|state| command.action.passes(state));
        command.state == CommandState::Done && !(is_known && passed)
    }

    /// How locking is offered: nobody should be drawn to lock an open door.
    fn lock_style(&self, face: &Face) -> &'static str {
        let door_is_open = !self.device.is_stale() && self.device.said.door == Some(DoorState::Opened);
        if face.kind == Kind::Locked || door_is_open { "soft" } else { "main" }
    }

    /// The safe action first; opening apart from it.
    fn buttons(&self, face: &Face, drawn: Drawn) -> Markup {
        match self.why_not(face) {
            Some(why) => self.instead(&why),
            None if self.is_box() => self.form(drawn, &self.let_in()),
            None if is_opener(self.device) => self.form(drawn, &html! { (self.ring(face)) (self.open()) }),
            None => self.form(drawn, &html! {
                @match face.kind {
                    Kind::Locked => (self.order(LockAction::Unlock, "soft")),
                    Kind::Unlocked => (self.order(LockAction::Lock, self.lock_style(face))),
                    _ => { (self.order(LockAction::Lock, self.lock_style(face))) (self.order(LockAction::Unlock, "soft")) }
                }
                @if matches!(face.kind, Kind::Locked | Kind::Unlocked) { (self.open()) }
            }),
        }
    }

    fn all_buttons(&self, face: &Face, drawn: Drawn) -> Markup {
        match self.why_not(face) {
            Some(why) => self.instead(&why),
            None if self.is_box() => self.form(drawn, &self.let_in()),
            None if is_opener(self.device) => self.form(
                drawn,
                &html! {
                    (self.ring(face))
                    (self.open())
                    details.others id={ (self.id()) "-others" } {
                        summary { "More ways" }
                        p.hint { "In continuous mode whoever rings is let in, by day and by night, until it is switched off." }
                        div.acts {
                            (self.order(LockAction::LockNGoUnlatch, "soft"))
                            (self.risky(LockAction::LockNGo, "Continuous mode on…"))
                        }
                    }
                },
            ),
            None => self.form(
                drawn,
                &html! {
                    (self.order(LockAction::Lock, self.lock_style(face)))
                    (self.order(LockAction::Unlock, "soft"))
                    (self.open())
                    details.others id={ (self.id()) "-others" } {
                        summary { "More ways" }
                        p.hint { "Lock ’n’ go unlocks, waits a moment, and locks again by itself." }
                        div.acts { (self.order(LockAction::LockNGo, "soft")) (self.open_and_go()) }
                    }
                },
            ),
        }
    }

    /// What an opener is told most: to let in whoever rings, or nobody any more.
    fn ring(&self, face: &Face) -> Markup {
        let rings_open = self.device.said.state == Some(LockState::Unlocked);
        html! {
            @if face.kind == Kind::Unlocked && self.device.lets_everybody_in() {
                (self.order(LockAction::LockNGoUnlatch, "main"))
            } @else if rings_open {
                (self.order(LockAction::Lock, "main"))
            } @else {
                (self.order(LockAction::Unlock, "soft"))
            }
        }
    }

    fn form(&self, drawn: Drawn, buttons: &Markup) -> Markup {
        html! {
            form.acts id={ (self.id()) "-acts" } method="post" action={ (self.path()) "/order" } data-live {
                input type="hidden" name="key" value=(self.key);
                input type="hidden" name="drawn" value=(drawn.name());
                (listing::field(self.list))
                (buttons)
            }
        }
    }

    fn instead(&self, why: &Markup) -> Markup {
        html! { div.acts id={ (self.id()) "-acts" } { (why) } }
    }

    fn order(&self, action: LockAction, style: &str) -> Markup {
        let shape = match action {
            _ if is_opener(self.device) => Icon::Bell,
            LockAction::Lock => Icon::Lock,
            LockAction::LockNGo => Icon::Timer,
            _ => Icon::Unlock,
        };
        if is_forbidden(self.device, action) {
            return html! {};
        }
        let asks = asks(self.device, action);
        let twice = asks.then(|| format!("{}: sure?", words::action(self.device.kind, action)));
        html! {
            button class={ "btn " (style) } id={ (self.id()) "-" (order_name(action)) }
                name="order" value=(order_name(action)) data-twice=[twice] {
                (icon(shape)) (words::action(self.device.kind, action)) @if asks { "…" } span.sr { " " (self.device.name) }
            }
        }
    }

    fn open(&self) -> Markup {
        self.risky(LockAction::Unlatch, "Open…")
    }

    fn is_box(&self) -> bool {
        self.device.kind == Some(DeviceType::Box)
    }

    /// All that a box does: its number for that is a lock's for unlocking (Web API 4.10.0, `SmartlockAction`).
    fn let_in(&self) -> Markup {
        self.risky(LockAction::Unlock, "Open…")
    }

    fn open_and_go(&self) -> Markup {
        self.risky(LockAction::LockNGoUnlatch, "Lock ’n’ go with opening…")
    }

    /// Takes two steps: the script turns the button into a question, and without it the server asks.
    fn risky(&self, action: LockAction, words: &str) -> Markup {
        if is_forbidden(self.device, action) {
            return html! {};
        }
        let question = match action {
            LockAction::LockNGo if is_opener(self.device) => "Really let in everybody?",
            _ => "Really open?",
        };
        html! {
            button.btn.open id={ (self.id()) "-" (order_name(action)) } name="order" value=(order_name(action))
                data-twice=(question) {
                (words) span.sr { " " (self.device.name) }
            }
        }
    }

    /// Why there are no buttons now, and what to do instead.
    fn why_not(&self, face: &Face) -> Option<Markup> {
        let still = |words: &str| {
            html! {
                button.btn.soft.still id={ (self.id()) "-still" } type="button" aria-disabled="true" { (words) }
            }
        };
        if self.device.nuki_id.is_none() {
            let step = if self.rights.contains(Rights::MANAGE) { "/add" } else { "#connect" };
            return Some(html! { a.btn.main href={ (self.path()) (step) } { "Connect it" } });
        }
        if !self.rights.contains(Rights::OPERATE) {
            return Some(html! {});
        }
        if !self.device.link.online {
            return Some(still("Offline"));
        }
        if self.device.link.accepts_commands == Some(false) {
            let words = match self.device.connector {
                Connector::NukiMqtt => "How to allow locking",
                Connector::NukiHub | Connector::NukiBridge => "Why it takes no commands",
            };
            return Some(html! { a.btn.soft href={ (self.path()) "#allow" } { (words) } });
        }
        match self.doing.at_work() {
            Some(command) if is_opener(self.device) || !leaves_room(command) => {
                Some(still(&format!("Waiting for {}", noun(self.device.kind))))
            }
            None if face.kind == Kind::Between
                && self.device.said.state.is_some_and(LockState::is_moving) =>
            {
                Some(still("Moving…"))
            }
            _ => None,
        }
    }
}

/// Lock 'n' go takes a minute; nobody should have to wait for it to lock the door.
fn leaves_room(command: &Command) -> bool {
    command.state == CommandState::Accepted
        && matches!(command.action, LockAction::LockNGo | LockAction::LockNGoUnlatch)
}

fn connection(face: &Face) -> &'static str {
    match face.kind {
        Kind::New => "never connected",
        Kind::Offline => "offline",
        _ => "online",
    }
}

fn chip(chip: &Chip) -> Markup {
    let tone = match chip.tone {
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    };
    html! { span class={ "chip " (tone) } { (icon(chip.icon)) (chip.text) } }
}

/// What became of an order so far. The lock's state is told elsewhere, in the lock's own words.
fn progress(device: &Device, command: &Command, when: &When) -> Markup {
    let (words, noun) = (words::action(device.kind, command.action), noun(device.kind));
    let what = match command.state {
        CommandState::Created => format!("{words} is about to be sent, ordered"),
        CommandState::Sent => format!("{words} sent"),
        _ => format!("{}, {noun} began", words::at_it(device.kind, command.action)),
    };
    let since = command.accepted_at.or(command.sent_at).unwrap_or(command.created_at);
    let waits = command.state == CommandState::Sent;
    let rest = if waits { format!(", waiting for {noun}") } else { String::new() };
    // The usual way goes without saying, unless it has something to say of itself.
    let way = way_words(command).filter(|_| {
        command.progress.is_some() || command.sent_by.is_some_and(|by| by != Connector::NukiMqtt)
    });
    html! {
        (what) " " (ago(since, when)) (rest)
        @if let Some(way) = way { " · " (way) }
        span.unscripted { " · reload the page to see what became of it" }
    }
}

/// How long an outcome is news: success is soon plain from the state itself.
fn news(device: &Device, command: &Command, when: &When) -> Option<(Outcome, String)> {
    let at = command.ended_at?;
    let minutes = if command.state == CommandState::Done { 2 } else { 30 };
    if when.now.since(at) > std::time::Duration::from_mins(minutes) {
        return None;
    }
    let outcome = outcome(device.kind, command);
    let words =
        format!("{} at {}: {}", words::action(device.kind, command.action), when.clock(at), outcome.words);
    Some((outcome, words))
}
