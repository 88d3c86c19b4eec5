//! How a device is reached: every way with how it stands, what is wrong with it, and whose word counts now.

use lockwarden_app::bridges::Bridge;
use lockwarden_app::devices::{Connector, Device};
use lockwarden_app::logins::{Login, LoginRefusal};
use lockwarden_app::ways::{self, Connection, Way};
use maud::{Markup, html};

use super::gives;
use super::icon::{Icon, icon};
use super::said::sentence;
use crate::when::When;

/// What the connection part tells.
pub(crate) struct Connect<'a> {
    pub device: &'a Device,
    pub connection: &'a Connection,
    pub bridge: Option<&'a Bridge>,
    /// Only for who may manage the device.
    pub logins: Option<(&'a [Login], &'a [LoginRefusal])>,
}

impl Connect<'_> {
    pub(crate) fn login(&self, connector: Connector) -> Option<&Login> {
        let (logins, _) = self.logins?;
        logins.iter().find(|login| login.connector == connector)
    }

    /// Nothing can connect any more: every login was revoked.
    pub(crate) fn is_cut_off(&self) -> bool {
        let has_bridge = self.connection.ways.iter().any(|way| way.connector == Connector::NukiBridge);
        self.logins.is_some_and(|(logins, _)| logins.is_empty()) && !has_bridge
    }

    /// Live: it turns green by itself.
    pub(crate) fn progress(&self, when: &When) -> Markup {
        html! {
            div #{ "progress-" (self.device.id) } {
                (self.now(when))
                (self.allow())
                @for seen in &self.connection.troubles {
                    div.strip.warn {
                        (icon(Icon::Alert))
                        div {
                            b { (sentence(seen.connector.words())) ": " }
                            (seen.trouble.words())
                            @if !seen.detail.is_empty() { " " code { (seen.detail) } }
                            small.muted { " since " (when.short(seen.since)) }
                        }
                    }
                }
                (self.ways(when))
                (self.refused(when))
            }
        }
    }

    fn now(&self, when: &When) -> Markup {
        let link = &self.device.link;
        html! {
            @match (self.is_cut_off(), self.device.nuki_id, link.online) {
                (true, ..) => p.strip.warn {
                    (icon(Icon::Off)) span { "This device has no login: it was revoked. Make a new password to connect it again." }
                },
                (_, None, true) if self.device.connector == Connector::NukiHub => p.strip.wait {
                    span.spin { (icon(Icon::Busy)) }
                    span { b { "The hub is connected." } " It has told nothing of its device yet." }
                },
                (_, None, _) => p.strip.wait {
                    span.spin { (icon(Icon::Busy)) }
                    span {
                        b { "Waiting for the first connection." }
                        span.scripted { " This turns green by itself as soon as the lock speaks." }
                        span.unscripted { " Reload the page to see whether the lock has spoken." }
                    }
                },
                (_, Some(_), true) => p.strip.ok {
                    (icon(Icon::Check))
                    span {
                        b { "Connected" }
                        @if let Some(at) = link.changed_at { " since " (when.short(at)) }
                        " by " (self.device.connector.words()) "."
                    }
                },
                (_, Some(_), false) if ways::never_came(&self.connection.ways) => p.strip.wait {
                    span.spin { (icon(Icon::Busy)) }
                    span {
                        b { "Waiting for the first connection" @if let Some(way) = self.connection.ways.first() { " by " (way.connector.words()) } "." }
                        " What to type in stands below."
                    }
                },
                (_, Some(_), false) => p.strip { (icon(Icon::Lost)) span { "Not connected now. " (self.advice()) } },
            }
        }
    }

    fn advice(&self) -> &'static str {
        match self.device.connector {
            Connector::NukiMqtt => {
                "If its power and network are fine, check the address and password in the Nuki app, or make a new password \
                 below."
            }
            Connector::NukiHub => {
                "If the hub’s power and network are fine, check the address and password on its web page, or make a new \
                 password below."
            }
            Connector::NukiBridge => "Check that the bridge has power and network, and is near the lock.",
        }
    }

    fn ways(&self, when: &When) -> Markup {
        let ways = &self.connection.ways;
        html! {
            @if self.device.nuki_id.is_some() || ways.len() > 1 {
                ul.card.plain.ways {
                    @for way in ways { (self.way(way, when)) }
                }
                @let missing = gives::missing(ways, self.device.kind);
                @if self.device.nuki_id.is_some() && !missing.is_empty() {
                    @for words in missing { p.hint { (words) } }
                }
            }
        }
    }

    fn way(&self, way: &Way, when: &When) -> Markup {
        let (tone, shape, words) = standing(way, when);
        let speaks = way.online && way.speaks_for.is_none() && way.connector == self.device.connector;
        html! {
            li.item id={ "way-" (self.device.id) "-" (way.connector.name()) } {
                span class={ "ic " (tone) } { (icon(shape)) }
                div {
                    b { (sentence(way.connector.words())) }
                    @if speaks { " " span.chip.ok { "speaks for it now" } }
                    small { (words) @for more in self.more(way, when) { " · " (more) } }
                    details id={ "gives-" (self.device.id) "-" (way.connector.name()) } {
                        summary { "What it gives" }
                        p.hint { (gives::sentence_of(way.connector, self.device.kind)) }
                    }
                }
            }
        }
    }

    /// What else is known of how it is reached by this way.
    fn more(&self, way: &Way, when: &When) -> Vec<String> {
        let bridge = self.bridge.filter(|_| way.connector == Connector::NukiBridge);
        let optional = [
            (way.online && way.accepts_commands == Some(false)).then(|| "listens to no commands".to_owned()),
            bridge.and_then(|bridge| bridge.latency_ms).map(|latency| format!("answers in {latency} ms")),
            self.answered(way.connector),
            // Otherwise "since" says it.
            way.heard_at
                .filter(|_| way.changed_at.is_none())
                .map(|at| format!("last heard {}", when.short(at))),
            bridge.and_then(|bridge| bridge.version.as_ref()).map(|version| format!("firmware {version}")),
            bridge.and_then(|bridge| bridge.trouble.as_ref()).map(|trouble| format!("trouble: {trouble}")),
            self.login(way.connector)
                .and_then(|login| login.base_path.as_ref())
                .map(|path| format!("under {path}")),
            (way.connector != Connector::NukiBridge
                && self.logins.is_some()
                && self.login(way.connector).is_none())
            .then(|| "its login was revoked".to_owned()),
        ];
        optional.into_iter().flatten().collect()
    }

    /// How long the last order took: what is between it and us, and the device itself.
    fn answered(&self, by: Connector) -> Option<String> {
        let (_, took) = self.connection.answers.iter().find(|(way, _)| *way == by)?;
        Some(match took {
            0..100 => format!("last order answered after {took} ms"),
            _ => format!("last order answered after {}.{} s", took / 1_000, took % 1_000 / 100),
        })
    }

    /// Whether the device listens to commands at all.
    fn allow(&self) -> Markup {
        let deaf = self.device.link.online && self.device.link.accepts_commands == Some(false);
        html! {
            @if deaf {
                div.strip.warn #allow {
                    (icon(Icon::Off))
                    @if self.device.connector == Connector::NukiMqtt {
                        div {
                            b { "“Allow locking” is off." }
                            " The lock tells its state but listens to no commands, so none are sent. To operate it from here, "
                            "open the lock’s MQTT settings in the Nuki app, switch on “Allow locking”, and save. This page "
                            "notices by itself."
                        }
                    } @else {
                        div {
                            b { "The hub does not listen." }
                            " It tells the state but has asked for no commands, so none are sent. Restart it on its web page; "
                            "this page notices by itself when it listens again."
                        }
                    }
                }
            }
        }
    }

    /// What was refused. Once the lock has connected after all of it, it is history and no alarm.
    fn refused(&self, when: &When) -> Markup {
        let refusals = self.logins.map_or(&[][..], |(_, refusals)| refusals);
        let link = &self.device.link;
        let is_over = link.online && refusals.iter().all(|one| Some(one.last_at) < link.changed_at);
        let list = html! {
            ul.tight {
                @for one in refusals {
                    li {
                        (sentence(one.reason.words())) ": " (one.times) " time" @if one.times != 1 { "s" }
                        ", last " (when.short(one.last_at))
                        @if !one.detail.is_empty() { " " code { (one.detail) } }
                    }
                }
            }
        };
        html! {
            @if refusals.is_empty() {}
            @else if is_over {
                details.card.pad #{ "refused-" (self.device.id) } { summary { "What was refused" } (list) }
            } @else {
                div.strip.bad { (icon(Icon::Alert)) div { b { "Refused at the MQTT door" } (list) } }
            }
        }
    }
}

/// How a way stands, never told by colour alone.
pub(crate) fn standing(way: &Way, when: &When) -> (&'static str, Icon, String) {
    let since = way.changed_at.map(|at| format!(" since {}", when.short(at))).unwrap_or_default();
    match (way.speaks_for, way.online) {
        (Some(other), _) => {
            let words = format!("speaks for another device ({other:08X}), so nothing it says is believed");
            ("bad", Icon::Alert, words)
        }
        (None, true) => ("ok", Icon::Online, format!("connected{since}")),
        (None, false) if !way.was_used() => ("", Icon::Plug, "never connected".to_owned()),
        (None, false) => ("warn", Icon::Lost, format!("away{since}")),
    }
}
