//! Orders and what became of them, in words.

use lockwarden_app::clock::Time;
use lockwarden_app::commands::{Command, CommandState};
use lockwarden_app::devices::{Device, DeviceType};
use maud::{Markup, html};

use super::icon::{Icon, icon};
use super::said::sentence;
use super::words::{self, noun};
use crate::when::When;

/// A length of time that goes on counting in the browser; without a script, the time it began.
pub(crate) fn ago(at: Time, when: &When) -> Markup {
    html! {
        time-ago age=(when.now.0.saturating_sub(at.0).max(0)) title=(when.full(at)) { "at " (when.seconds(at)) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub tone: &'static str,
    pub icon: Icon,
    pub words: String,
}

/// What became of an order of a device of this type.
pub(crate) fn outcome(kind: Option<DeviceType>, command: &Command) -> Outcome {
    let noun = noun(kind);
    let reason = |otherwise: &str| command.reason.clone().unwrap_or_else(|| otherwise.to_owned());
    let (tone, icon, words) = match command.state {
        CommandState::Created => ("", Icon::Clock, "about to be sent".to_owned()),
        CommandState::Sent => ("", Icon::Clock, format!("sent, waiting for {noun}")),
        CommandState::Accepted => ("", Icon::Busy, format!("{noun} has begun")),
        CommandState::Done => ("ok", Icon::Check, reason("done")),
        CommandState::Failed => ("bad", Icon::Cross, reason("failed")),
        CommandState::Expired => ("bad", Icon::Cross, reason("it could not be sent in time")),
        CommandState::Unknown => ("warn", Icon::Help, reason(&format!("no answer from {noun}"))),
    };
    Outcome { tone, icon, words }
}

/// The last orders of a device, newest first.
pub(crate) fn list(device: &Device, commands: &[Command], when: &When) -> Markup {
    html! {
        section #{ "commands-" (device.id) } {
            h2 { "Last orders" }
            @if commands.is_empty() {
                p.hint { "Nothing was ordered from here yet. Orders and what " (noun(device.kind)) " answered will be listed here." }
            } @else {
                ol.card.plain { @for command in commands { (line(device, command, when)) } }
            }
        }
    }
}

/// By which way it went, and what that way has said of it so far.
pub(crate) fn way_words(command: &Command) -> Option<String> {
    let by = command.sent_by.map(|by| format!("by {}", by.words()));
    let told = command.progress.clone().filter(|_| command.state.is_open());
    let words: Vec<String> = by.into_iter().chain(told).collect();
    (!words.is_empty()).then(|| words.join(": "))
}

fn line(device: &Device, command: &Command, when: &When) -> Markup {
    let outcome = outcome(device.kind, command);
    let who = command.actor_name.as_deref().unwrap_or("The server");
    html! {
        li.ev id={ "command-" (command.id) } {
            time datetime=(when.machine(command.created_at)) title=(when.full(command.created_at)) {
                (when.exact(command.created_at))
            }
            span class={ "ic " (outcome.tone) } { (icon(outcome.icon)) }
            div {
                b { (words::action(device.kind, command.action)) } " by " (who)
                small class=(outcome.tone) { (sentence(&outcome.words)) }
                @if let Some(words) = way_words(command) { small { (sentence(&words)) } }
            }
        }
    }
}
