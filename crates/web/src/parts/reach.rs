//! What to type where so that a device is reached, way by way, and the forms that change a way.

use lockwarden_app::devices::Connector;
use lockwarden_app::ids::DeviceId;
use lockwarden_app::ways::Way;
use maud::{Markup, html};

use super::connect::Connect;
use super::form::copyable;
use super::gives;
use super::icon::{Icon, icon};
use super::picture;
use super::said::sentence;
use crate::web::Web;

/// A password that was made a moment ago, and for which login.
pub(crate) struct Fresh {
    pub username: String,
    pub password: String,
}

impl Connect<'_> {
    /// Every way with its address and login, and what can be changed about it.
    pub(crate) fn manage(&self, web: &Web, fresh: Option<&Fresh>) -> Markup {
        let ways = &self.connection.ways;
        let first = ways.iter().map(|way| way.connector).find(|one| *one != Connector::NukiBridge);
        html! {
            @for way in ways {
                @let prefix = if Some(way.connector) == first { "mqtt".to_owned() } else { way.connector.name().to_owned() };
                (self.one(web, way, &prefix, fresh))
            }
            (self.another())
        }
    }

    fn one(&self, web: &Web, way: &Way, prefix: &str, fresh: Option<&Fresh>) -> Markup {
        let login = self.login(way.connector);
        let password = fresh.filter(|fresh| login.is_some_and(|login| login.username == fresh.username));
        let open = password.is_some() || (way.connector != Connector::NukiBridge && login.is_none());
        let open = open || self.device.nuki_id.is_none();
        let id = self.device.id;
        html! {
            details.card.pad id={ "reach-" (way.connector.name()) } open[open] {
                summary { (title(way.connector, open)) }
                @if way.connector == Connector::NukiBridge {
                    (self.bridge())
                } @else {
                    (self.to_type(web, (way.connector, prefix), password.map(|fresh| fresh.password.as_str())))
                    @if login.is_some() { (steps(way.connector)) }
                    (password_form(id, way.connector, login.is_some()))
                }
                @if self.connection.ways.len() > 1 {
                    hr;
                    div.acts {
                        a.btn.risk href={ "/devices/" (id) "/way?do=remove&way=" (way.connector.name()) } {
                            (icon(Icon::Trash)) "Remove this way…"
                        }
                    }
                }
            }
        }
    }

    fn bridge(&self) -> Markup {
        html! {
            @if let Some(bridge) = self.bridge {
                dl.copies { (copyable("bridge-address", "Address", &bridge.address)) }
                p { a.more href={ "/bridges/" (bridge.id) } { "The bridge and what it reaches" (icon(Icon::More)) } }
            }
        }
    }

    /// The password is there only right after it was made.
    pub(crate) fn to_type(
        &self,
        web: &Web,
        (connector, prefix): (Connector, &str),
        password: Option<&str>,
    ) -> Markup {
        let login = self.login(connector);
        let id = |name: &str| format!("{prefix}-{name}");
        html! {
            dl.copies {
                (copyable(&id("host"), "Host", &web.config.mqtt_host))
                (copyable(&id("port"), "Port", &web.config.mqtt_port.to_string()))
                @if let Some(login) = login { (copyable(&id("user"), "User name", &login.username)) }
                @if let Some(password) = password { (copyable(&id("password"), "Password", password)) }
                @if let Some(path) = login.and_then(|login| login.base_path.as_ref()) {
                    (copyable(&id("path"), "Base path", path))
                }
            }
            @if password.is_some() {
                p.hint {
                    "The password is shown now and for a few minutes in this browser only; it is not stored. If it gets "
                    "lost, make a new one."
                }
            } @else if login.is_some() {
                p.hint { "The password was shown when it was made and cannot be shown again." }
            }
        }
    }

    /// The ways it does not have yet.
    fn another(&self) -> Markup {
        let has = |one: Connector| self.connection.ways.iter().any(|way| way.connector == one);
        let can = |one: &Connector| !has(*one) && self.device.kind.is_none_or(|kind| one.reaches(kind));
        let others: Vec<Connector> = Connector::ALL.iter().copied().filter(can).collect();
        html! {
            @if !others.is_empty() && self.device.nuki_id.is_some() {
                details.card.pad #another-way {
                    summary { "Add another way" }
                    @for other in others { (self.other(other)) }
                }
            }
        }
    }

    fn other(&self, other: Connector) -> Markup {
        let id = self.device.id;
        html! {
            div.stack {
                h3 { (sentence(other.with_article())) }
                p.hint { (gives::sentence_of(other, self.device.kind)) }
                @if other == Connector::NukiBridge {
                    div.acts { a.btn href="/devices/new?way=nuki-bridge" { (icon(Icon::Plus)) "Add its bridge" } }
                    p.hint { "The bridge tells which devices it reaches; this one gets the way when it is among them." }
                } @else {
                    form.acts method="post" action={ "/devices/" (id) "/way" } {
                        input type="hidden" name="way" value=(other.name());
                        button.btn name="do" value="add" { (icon(Icon::Plus)) "Add it beside" }
                        a.btn.plain href={ "/devices/" (id) "/way?do=move&way=" (other.name()) } { "Move to it…" }
                    }
                }
            }
        }
    }
}

fn title(connector: Connector, open: bool) -> String {
    match (connector, open) {
        (Connector::NukiMqtt, true) => "What to type into the Nuki app".to_owned(),
        (Connector::NukiHub, true) => "What to type on the hub’s web page".to_owned(),
        (Connector::NukiBridge, _) => "The bridge".to_owned(),
        (other, false) => format!("{}: address and login", sentence(other.words())),
    }
}

fn password_form(id: DeviceId, connector: Connector, has_login: bool) -> Markup {
    let (who, place) = match connector {
        Connector::NukiMqtt => ("the lock", "into the Nuki app"),
        Connector::NukiHub | Connector::NukiBridge => ("the hub", "on its web page"),
    };
    html! {
        form.stack method="post" action={ "/devices/" (id) "/password" } {
            input type="hidden" name="way" value=(connector.name());
            p.hint {
                @if has_login { "A new password cuts " (who) " off at once, until you type it " (place) "." }
                @else { "With a new password " (who) " can connect again." }
            }
            div.acts {
                button.btn { (icon(Icon::Key)) "Make a new password" }
                @if has_login {
                    a.btn.risk href={ "/devices/" (id) "/revoke?way=" (connector.name()) } { "Revoke the login…" }
                }
            }
        }
    }
}

/// Step by step, with a picture of the screen that is meant.
pub(crate) fn steps(connector: Connector) -> Markup {
    html! {
        div.guide {
            (picture::screen(connector))
            @match connector {
                Connector::NukiMqtt => ol.steps {
                    li { "Open the Nuki app on a phone near the lock, and choose the lock." }
                    li { "Go to its settings and look for " b { "MQTT" } " (in recent versions under Features & Configuration)." }
                    li { "Switch MQTT on and type in host, port, user name and password exactly as they stand here." }
                    li {
                        "Switch on " b { "Allow locking" } ", or the lock will only tell its state. " b { "Auto discovery" }
                        " is for Home Assistant and may stay off; on, the lock tells its model as well."
                    }
                    li { "Save. The lock connects within a minute, and this page shows it." }
                },
                Connector::NukiHub => ol.steps {
                    li { "Open the hub’s web page: its address stands in your router’s list of devices." }
                    li { "Go to " b { "MQTT Configuration" } "." }
                    li {
                        "Type in broker (the host), port, user name and password exactly as they stand here, and as "
                        b { "MQTT base path" } " what stands here under base path. Home Assistant discovery may stay empty."
                    }
                    li {
                        "Under " b { "Access Level Configuration" } ", allow lock actions and " b { "Publish auth data" }
                        ", and under " b { "Credentials" } " enter the device’s PIN: without it there is no log, no codes, no settings."
                    }
                    li {
                        "For entries that say whose code or fob it was, switch on " b { "Publish keypad entries information" }
                        " and " b { "Publish authorization entries information" } " under "
                        b { "Access Level Configuration" }
                        ", too. The codes themselves need not be published, and are never read."
                    }
                    li { "Save and restart the hub. It connects within a minute, and this page shows it." }
                },
                Connector::NukiBridge => ol.steps {
                    li { "Open the Nuki app and choose the bridge under " b { "Manage my devices" } "." }
                    li { "Choose " b { "Developer mode" } " and switch the HTTP API on." }
                    li { "The app shows the address and the token: type both in here." }
                },
            }
        }
    }
}
