//! One setting of a device: what it is, in words; a field if it can be set from here, or who could; and how far a change of
//! it has got. What the device says and what it should be are never mixed up.

use lockwarden_app::devices::DeviceType;
use lockwarden_app::settings::{
    Delivery, Held, Kind, NO_ZONE, Setting, SettingValue, Unit, Way, ZONES, zone_name,
};
use maud::{Markup, html};

use super::commands::ago;
use super::icon::{Icon, icon};
use super::said::sentence;
use crate::when::When;

/// Forms beside those with the fields: the buttons of a change under way belong to them, so that Enter in a field saves.
pub(crate) const KEEP: &str = "keep-it";
pub(crate) const AGAIN: &str = "try-again";

/// A setting as one page draws it.
pub(crate) struct Row<'a> {
    pub setting: Setting,
    pub kind: DeviceType,
    pub held: Option<&'a Held>,
    /// What was typed into a form that came back.
    pub typed: Option<&'a str>,
    pub wrong: Option<&'a str>,
}

/// Why it is no field here, and who could set it.
pub(crate) fn why_not(
    setting: Setting,
    kind: DeviceType,
    (has_hub, may): (bool, bool),
) -> Option<&'static str> {
    if !setting.is_settable(kind) {
        Some("The device only tells it.")
    } else if !setting.reach(Way::NukiHub, kind).sets() {
        Some("No way of Lockwarden’s can set it; the Nuki app can.")
    } else if !has_hub {
        Some("A Nuki Hub would set it; so does the Nuki app.")
    } else if !may {
        Some("Your sign-in may not change settings.")
    } else {
        None
    }
}

/// As a form shows and sends it; [`lockwarden_app::settings::from_form`] reads it again.
pub(crate) fn form_text(setting: Setting, kind: DeviceType, value: &SettingValue) -> String {
    match (setting.kind(kind), value) {
        (_, SettingValue::Bool(on)) => if *on { "on" } else { "" }.to_owned(),
        (Kind::MinuteOfDay, SettingValue::Int(_)) => value.in_words(setting, kind),
        (Kind::TimeZone, SettingValue::Int(id)) => {
            zone_name(*id).map_or_else(|| value.stored(), str::to_owned)
        }
        _ => value.stored(),
    }
}

/// What the page showed, carried by its form: `=` and the value, or nothing.
pub(crate) fn seen_text(shown: Option<&SettingValue>) -> String {
    shown.map_or_else(String::new, |value| format!("={}", value.stored()))
}

pub(crate) fn read_seen(setting: Setting, text: &str) -> Option<SettingValue> {
    text.strip_prefix('=').and_then(|stored| SettingValue::from_stored(setting, stored))
}

impl Row<'_> {
    fn key(&self) -> &'static str {
        self.setting.key()
    }

    fn shown(&self) -> Option<&SettingValue> {
        self.held.and_then(Held::shown)
    }

    /// What its field holds when nothing is filled in, whatever a form that came back holds.
    fn saved(&self) -> String {
        self.shown().map_or_else(String::new, |value| form_text(self.setting, self.kind, value))
    }

    /// Nothing is known of it.
    pub(crate) fn is_unknown(&self) -> bool {
        self.held.is_none_or(|held| held.reported.is_none() && held.delivery.is_none())
    }

    /// A field of the form.
    pub(crate) fn field(&self, when: &When) -> Markup {
        let about = self.setting.about();
        let key = self.key();
        let text = self.typed.map_or_else(|| self.saved(), str::to_owned);
        html! {
            div.field.setting {
                input type="hidden" name={ "seen-" (key) } value=(seen_text(self.shown()));
                @if self.is_switch() {
                    label.check {
                        input id=(key) name=(key) type="checkbox" value="on" checked[text == "on"] data-saved=(self.saved())
                            autofocus[self.wrong.is_some()] aria-invalid=[self.wrong.map(|_| "true")]
                            aria-describedby=(self.described());
                        b { (about.label) }
                    }
                } @else {
                    (self.asked(&text, "not known"))
                }
                (self.words())
                (self.state(when, true))
            }
        }
    }

    /// A switch that is known to be on or off; one of which nothing is known has three answers.
    fn is_switch(&self) -> bool {
        self.setting.kind(self.kind) == Kind::Bool && self.shown().is_some()
    }

    /// Its label and its field. A list says `blank` of no value at all.
    pub(crate) fn asked(&self, text: &str, blank: &str) -> Markup {
        html! {
            label for=(self.key()) { (self.setting.about().label) }
            (self.input(text, blank))
        }
    }

    /// What stands below it.
    fn described(&self) -> String {
        let key = self.key();
        let ids = [
            self.wrong.map(|_| format!("{key}-wrong")),
            Some(format!("{key}-hint")),
            self.setting.about().danger.map(|_| format!("{key}-danger")),
        ];
        ids.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// Why it was refused, what it does, and what can go wrong at the door.
    pub(crate) fn words(&self) -> Markup {
        let about = self.setting.about();
        let key = self.key();
        let range = range(self.setting.kind(self.kind));
        html! {
            @if let Some(why) = self.wrong {
                p.wrong id={ (key) "-wrong" } { (icon(Icon::Alert)) span { (sentence(why)) } }
            }
            p.hint id={ (key) "-hint" } {
                (about.help)
                @if let Some(range) = range { " " (range) }
                @if let Some(normal) = self.setting.normal() {
                    " New devices have " (normal.in_words(self.setting, self.kind)) "."
                }
                @if let Some(note) = about.note { " (" (note) ")" }
            }
            @if let Some(danger) = about.danger {
                p.note.warn id={ (key) "-danger" } { (icon(Icon::Alert)) span { (danger) } }
            }
        }
    }

    fn input(&self, text: &str, blank: &str) -> Markup {
        let (key, described) = (self.key(), self.described());
        let invalid = self.wrong.map(|_| "true");
        let focus = self.wrong.is_some();
        let plain = |kind: &str, limits: Option<(i64, i64, i64)>| {
            html! {
                div.input {
                    input id=(key) name=(key) type=(kind) value=(text) data-saved=(self.saved()) autocomplete="off" autofocus[focus]
                        min=[limits.map(|limits| limits.0)] max=[limits.map(|limits| limits.1)]
                        step=[limits.map(|(min, _, step)| if min % step == 0 { step } else { 1 })]
                        aria-invalid=[invalid] aria-describedby=(described);
                }
            }
        };
        let select = |options: Vec<(String, String)>| {
            let is_among = options.iter().any(|(value, _)| value == text);
            html! {
                select id=(key) name=(key) data-saved=(self.saved()) autofocus[focus] aria-invalid=[invalid]
                    aria-describedby=(described) {
                    @if !is_among { option value=(text) selected { (self.other(text, blank)) } }
                    @for (value, words) in &options { option value=(value) selected[value == text] { (words) } }
                }
            }
        };
        match self.setting.kind(self.kind) {
            Kind::Bool => {
                select(vec![("on".to_owned(), "on".to_owned()), ("off".to_owned(), "off".to_owned())])
            }
            Kind::Int { min, max, step, .. } => plain("number", Some((min, max, step))),
            Kind::Degrees { min, max } => plain("number", Some((min, max, 1))),
            Kind::OneOf { of, unit } => {
                select(of.iter().map(|one| (one.to_string(), format!("{one}{}", unit.word(*one)))).collect())
            }
            Kind::Choice { of, .. } => {
                select(of.iter().map(|one| (one.0.to_string(), one.1.to_owned())).collect())
            }
            Kind::TimeZone => {
                select(ZONES.iter().map(|zone| ((*zone).to_owned(), (*zone).to_owned())).collect())
            }
            Kind::MinuteOfDay => plain("time", None),
            Kind::Text { .. } | Kind::Several(_) | Kind::Coordinate { .. } => plain("text", None),
        }
    }

    /// What a list says of a value that cannot be chosen.
    fn other(&self, text: &str, blank: &str) -> String {
        match self.shown() {
            Some(value) if !text.is_empty() => value.in_words(self.setting, self.kind),
            _ => blank.to_owned(),
        }
    }

    /// What is only told, with who could set it.
    pub(crate) fn told(&self, why: &str, when: &When) -> Markup {
        let about = self.setting.about();
        html! {
            div.field.setting {
                b { (about.label) }
                (self.state(when, false))
                p.hint { (about.help) " " (why) }
            }
        }
    }

    /// What the device says, what it should be, and how far that is. Live.
    pub(crate) fn state(&self, when: &When, may_change: bool) -> Markup {
        let words = |value: &SettingValue| value.in_words(self.setting, self.kind);
        let is = self.held.and_then(|held| held.reported.as_ref()).map(words);
        let is = is.as_deref();
        html! {
            div.delivery id={ "state-" (self.key()) } {
                @match self.held.and_then(|held| Some((held, held.delivery?, held.desired.as_ref()?))) {
                    None => p.told {
                        @if let Some(is) = is {
                            "The device says: " b { (is) }
                            @if let Some(at) = self.held.and_then(|held| held.reported_at) {
                                small.muted { ", " (when.short(at)) }
                            }
                        } @else { span.muted { "The device has not said it yet." } }
                    },
                    Some((held, delivery, desired)) => {
                        (under_way(held, (delivery, &words(desired)), is.unwrap_or("not known"), when))
                        @if may_change { (self.choices(delivery)) }
                    },
                }
            }
        }
    }

    fn choices(&self, delivery: Delivery) -> Markup {
        let label = self.setting.about().label;
        html! {
            div.acts {
                button.btn.plain form=(KEEP) name="setting" value=(self.key()) {
                    "Keep as it is" span.sr { ": " (label) }
                }
                @if delivery == Delivery::Refused {
                    button.btn.plain form=(AGAIN) name="setting" value=(self.key()) {
                        "Try again" span.sr { ": " (label) }
                    }
                }
            }
        }
    }
}

fn under_way(held: &Held, (delivery, will): (Delivery, &str), is: &str, when: &When) -> Markup {
    let reason = held.reason.as_deref().unwrap_or("no reason given");
    html! {
        @match delivery {
            Delivery::Wanted => p.note {
                (icon(Icon::Clock))
                span {
                    "Is " b { (is) } ", will be " b { (will) } ": "
                    @if held.tries == 0 { "waiting for the hub" } @else { "to be sent again, because " (reason) }
                }
            },
            Delivery::Sent => p.note {
                (icon(Icon::Busy))
                span {
                    "Is " b { (is) } ", will be " b { (will) } ": sent "
                    @if let Some(at) = held.sent_at { (ago(at, when)) } ", waiting for the device to say it"
                }
            },
            Delivery::Refused => p.note.bad {
                (icon(Icon::Cross))
                span { "Is " b { (is) } ", was to be " b { (will) } ": refused: " (reason) }
            },
        }
    }
}

/// Which values are right, where a label does not tell it.
fn range(kind: Kind) -> Option<String> {
    let of = |min: i64, max: i64, unit: Unit| {
        let scale = if unit == Unit::None { String::new() } else { unit.word(max).to_owned() };
        format!("From {min} to {max}{scale}.")
    };
    match kind {
        Kind::Int { min, max, unit, .. } => Some(of(min, max, unit)),
        Kind::Degrees { min, max } => Some(of(min, max, Unit::Degrees)),
        Kind::Text { max_bytes } => Some(format!("At most {max_bytes} bytes.")),
        Kind::Coordinate { max } => Some(format!("Degrees from -{max} to {max}, with a point.")),
        _ => None,
    }
}

/// Whether a stored zone is one that has a clock.
pub(crate) fn zone_of(held: Option<&Held>) -> Option<i64> {
    match held.and_then(Held::shown) {
        Some(SettingValue::Int(id)) if *id != NO_ZONE => Some(*id),
        _ => None,
    }
}
