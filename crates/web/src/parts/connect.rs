//! How a lock gets connected: what to type where, what was refused, and whether it has arrived.

use lockwarden_app::devices::Device;
use lockwarden_app::logins::{Login, LoginRefusal, RefusalReason};
use maud::{Markup, html};

use super::form::copyable;
use super::icon::{Icon, icon};
use super::said::sentence;
use crate::web::Web;
use crate::when::When;

/// What the connection part tells.
pub(crate) struct Connect<'a> {
    pub device: &'a Device,
    pub login: Option<&'a Login>,
    pub refusals: &'a [LoginRefusal],
}

impl Connect<'_> {
    /// Whether the lock has arrived with the login it has now. Live: it turns green by itself.
    pub(crate) fn progress(&self, when: &When) -> Markup {
        html! {
            div #{ "progress-" (self.device.id) } {
                @match (self.login, self.device.nuki_id, self.device.link.online) {
                    (None, ..) => p.strip.warn {
                        (icon(Icon::Off)) span { "This device has no login: it was revoked. Make a new password to connect it again." }
                    },
                    (Some(_), None, _) => p.strip.wait {
                        span.spin { (icon(Icon::Busy)) }
                        span {
                            b { "Waiting for the first connection." }
                            span.scripted { " This turns green by itself as soon as the lock speaks." }
                            span.unscripted { " Reload the page to see whether the lock has spoken." }
                        }
                    },
                    (Some(_), Some(_), true) => p.strip.ok {
                        (icon(Icon::Check))
                        span { b { "Connected" } @if let Some(at) = self.device.link.changed_at { " since " (when.short(at)) } "." }
                    },
                    (Some(_), Some(_), false) => p.strip {
                        (icon(Icon::Lost))
                        span {
                            "Not connected now. If its power and network are fine, check the address and password in the "
                            "Nuki app, or make a new password below."
                        }
                    },
                }
                (self.allow())
                (self.refused(when))
            }
        }
    }

    /// "Allow locking" is a switch of the lock that decides whether it listens to commands at all.
    fn allow(&self) -> Markup {
        html! {
            @if self.device.link.online && self.device.link.accepts_commands == Some(false) {
                div.strip.warn #allow {
                    (icon(Icon::Off))
                    div {
                        b { "“Allow locking” is off." }
                        " The lock tells its state but listens to no commands, so none are sent. To operate it from here, "
                        "open the lock’s MQTT settings in the Nuki app, switch on “Allow locking”, and save. This page "
                        "notices by itself."
                    }
                }
            }
        }
    }

    /// What was refused. Once the lock has connected after all of it, it is history and no alarm; announcements for
    /// somebody else never are one.
    fn refused(&self, when: &When) -> Markup {
        let link = &self.device.link;
        let is_over = link.online
            && self
                .refusals
                .iter()
                .all(|one| one.reason == RefusalReason::Discovery || Some(one.last_at) < link.changed_at);
        let list = html! {
            ul.tight {
                @for one in self.refusals {
                    li {
                        (sentence(one.reason.words())) ": " (one.times) " time" @if one.times != 1 { "s" }
                        ", last " (when.short(one.last_at))
                        @if !one.detail.is_empty() { " " code { (one.detail) } }
                    }
                }
            }
        };
        html! {
            @if self.refusals.is_empty() {}
            @else if is_over {
                details.card.pad #{ "refused-" (self.device.id) } { summary { "What was refused" } (list) }
            } @else {
                div.strip.bad { (icon(Icon::Alert)) div { b { "Refused at the MQTT door" } (list) } }
            }
        }
    }

    /// What to type into the app. The password is there only right after it was made.
    pub(crate) fn details(&self, web: &Web, password: Option<&str>) -> Markup {
        html! {
            dl.copies {
                (copyable("mqtt-host", "Host", &web.config.mqtt_host))
                (copyable("mqtt-port", "Port", &web.config.mqtt_port.to_string()))
                @if let Some(login) = self.login { (copyable("mqtt-user", "User name", &login.username)) }
                @if let Some(password) = password { (copyable("mqtt-password", "Password", password)) }
            }
            @if password.is_some() {
                p.hint {
                    "The password is shown now and for a few minutes in this browser only; it is not stored. If it gets "
                    "lost, make a new one."
                }
            } @else if self.login.is_some() {
                p.hint { "The password was shown when it was made and cannot be shown again." }
            }
        }
    }

    pub(crate) fn steps() -> Markup {
        html! {
            ol.steps {
                li { "Open the Nuki app on a phone near the lock, and choose the lock." }
                li { "Go to its settings and look for " b { "MQTT" } " (in recent versions under Features & Configuration)." }
                li { "Switch MQTT on and type in host, port, user name and password exactly as they stand here." }
                li {
                    "Switch on " b { "Allow locking" } ", or the lock will only tell its state. " b { "Auto discovery" }
                    " is for Home Assistant: leave it off."
                }
                li { "Save. The lock connects within a minute, and this page shows it." }
            }
        }
    }
}
