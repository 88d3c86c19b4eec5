//! What was just done, or why it was not: one strip at the top of the page.

use maud::{Markup, html};

use super::icon::{Icon, icon};

/// Good news that a page can be asked to begin with. Only these: an address cannot make a page say anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Renamed,
    Revoked,
    Removed,
    WayRemoved,
    BridgeRemoved,
    SettingsSaved,
    SettingKept,
    Syncing,
    Grouped,
    GroupMade,
    GroupSaved,
    GroupDeleted,
    Saved,
    PasswordChanged,
    SessionEnded,
    OthersEnded,
    TokenRevoked,
    SignedOut,
    SetUp,
}

impl Said {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Renamed, "renamed", "The name is saved."),
        (
            Self::Revoked,
            "revoked",
            "The login is revoked. The lock cannot connect until it gets a new password.",
        ),
        (Self::Removed, "removed", "The device is removed."),
        (Self::WayRemoved, "way-removed", "The way is removed. Its login stopped working at once."),
        (Self::BridgeRemoved, "bridge-removed", "The bridge is removed."),
        (
            Self::SettingsSaved,
            "settings",
            "Saved. What is not on the device yet is marked, until the device says that it has it.",
        ),
        (Self::SettingKept, "kept", "It stays as the device has it."),
        (Self::Syncing, "sync", "Everything is being fetched anew. What changed shows up here by itself."),
        (Self::Grouped, "grouped", "The group is saved."),
        (Self::GroupMade, "group-made", "The group is made."),
        (Self::GroupSaved, "group-saved", "The group is changed."),
        (
            Self::GroupDeleted,
            "group-deleted",
            "The group is deleted. What was in it is in the one above it now.",
        ),
        (Self::Saved, "saved", "Saved."),
        (
            Self::PasswordChanged,
            "password",
            "The password is changed. Every other session and every API token has ended.",
        ),
        (Self::SessionEnded, "session", "The session has ended."),
        (Self::OthersEnded, "others", "All other sessions have ended."),
        (Self::TokenRevoked, "token", "The token is revoked. It stopped working at once."),
        (Self::SignedOut, "out", "You are signed out."),
        (Self::SetUp, "set-up", "The account is made. Sign in to go on."),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(said, ..)| *said == self).map_or("", |(_, name, _)| name)
    }

    fn words(self) -> &'static str {
        Self::ALL.iter().find(|(said, ..)| *said == self).map_or("", |(.., words)| words)
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(said, ..)| *said)
    }
}

/// The strip, empty when there is nothing to say, so that a live answer finds its place.
pub(crate) fn strip(said: Option<Said>) -> Markup {
    html! {
        div #said role="status" {
            @if let Some(said) = said { p.strip.ok { (icon(Icon::Check)) span { (said.words()) } (close()) } }
        }
    }
}

/// Why nothing was done.
pub(crate) fn problem(sentence: &str) -> Markup {
    html! {
        div #said role="status" { p.strip.bad { (icon(Icon::Alert)) span { (sentence) } (close()) } }
    }
}

/// It stays where it is while the page scrolls, so it can be put away.
fn close() -> Markup {
    html! {
        button.btn.plain.close.scripted type="button" data-close { (icon(Icon::Cross)) span.sr { "Put this message away" } }
    }
}

/// As a sentence begins.
pub(crate) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_said_is_found_by_its_name() {
        for (said, name, _) in Said::ALL {
            assert_eq!(Said::from_name(name), Some(*said));
        }
        assert_eq!(Said::from_name("you won"), None);
    }

    #[test]
    fn a_sentence_begins_with_a_capital() {
        assert_eq!(sentence("über alles"), "Über alles");
    }
}
