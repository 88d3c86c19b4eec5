//! What a new device says of itself while it is added, and what else announces itself.

use lockwarden_app::devices::Device;
use lockwarden_app::logins::StrangerSeen;
use lockwarden_app::ways::{Connection, Fact};
use maud::{Markup, html};

use super::facts::says_more;
use super::icon::{Icon, icon};
use super::words::{kind_icon, kind_words};
use crate::when::When;

/// As it calls itself: what it says in its own topics, or as it is announced.
pub(crate) fn own_name<'t>(device: &'t Device, connection: &'t Connection) -> Option<&'t str> {
    let own = device.said.own_name.as_deref().or_else(|| connection.fact(Fact::AnnouncedName));
    own.filter(|name| !name.is_empty())
}

/// “Found: Maison, Smart Lock 3.0 or 4.0, Smart Lock 3.0 Pro”, as soon as anything of it is known.
pub(crate) fn found(device: &Device, connection: &Connection) -> Markup {
    let kind = device.kind.map(kind_words);
    let model = connection.fact(Fact::Model).filter(|model| says_more(model, device.kind));
    let known: Vec<&str> = [own_name(device, connection), model.or(kind)].into_iter().flatten().collect();
    html! {
        @if !known.is_empty() {
            p.strip.ok #{ "found-" (device.id) } { (icon(device.kind.map_or(Icon::Lock, kind_icon))) span { b { "Found: " } (known.join(", ")) } }
        }
    }
}

/// The name it has itself, where a person called it otherwise.
pub(crate) fn suggestion(device: &Device, connection: &Connection) -> Markup {
    let other = own_name(device, connection).filter(|name| *name != device.name);
    html! {
        @if let Some(name) = other {
            form.acts method="post" action={ "/devices/" (device.id) } {
                input type="hidden" name="from" value="add";
                input type="hidden" name="name" value=(name);
                span.hint { "Here it is called “" (device.name) "”." }
                button.btn { "Call it “" (name) "”" }
            }
        }
    }
}

/// What its hub brings besides.
pub(crate) fn beside(connection: &Connection) -> Markup {
    html! {
        @if !connection.beside.is_empty() {
            p.hint {
                "Its hub brings also: "
                @for (place, (device, name)) in connection.beside.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href={ "/devices/" (device) "/add" } { (name) }
                }
                "."
            }
        }
    }
}

/// What speaks and is not in the account.
pub(crate) fn strangers(seen: &[StrangerSeen], when: &When) -> Markup {
    html! {
        @if !seen.is_empty() {
            section #announced {
                h2 { "Announcing themselves" }
                ul.card.plain.ways { @for one in seen { (stranger(one, when)) } }
            }
        }
    }
}

fn stranger(one: &StrangerSeen, when: &When) -> Markup {
    let (stranger, (_, through)) = (&one.stranger, &one.through);
    let kind = if stranger.is_opener { "Opener" } else { "Lock" };
    let number = format!("{:08X}", stranger.nuki_id);
    let name = stranger.name.clone().unwrap_or_else(|| format!("{kind} {number}"));
    let model = stranger.model.as_deref().filter(|model| !model.eq_ignore_ascii_case(kind));
    html! {
        li.item {
            span.ic { (icon(if stranger.is_opener { Icon::Bell } else { Icon::Lock })) }
            div {
                b { (name) }
                small {
                    (kind) @if let Some(model) = model { ", " (model) } ", Nuki ID " (number)
                    ", heard " (when.short(one.seen_at))
                }
                p.hint {
                    @if one.is_part { "It was removed here, and is still behind the hub of “" (through) "”." }
                    @else {
                        "It uses the login of “" (through) "”, so nothing it says is taken. Added, it gets a login of its own "
                        "to type in."
                    }
                }
                form method="post" action="/devices/new/announced" {
                    input type="hidden" name="login" value=(one.login);
                    input type="hidden" name="nuki_id" value=(number);
                    input type="hidden" name="part" value=(if stranger.is_opener { "opener" } else { "lock" });
                    button.btn { (icon(Icon::Plus)) "Add" span.sr { " " (name) } }
                }
            }
        }
    }
}
