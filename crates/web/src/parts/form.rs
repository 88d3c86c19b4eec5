//! Fields of forms: a label, what to know before filling it in, and what was wrong with it, all tied together.

use maud::{Markup, html};

use super::icon::{Icon, icon};

/// What was wrong with a form, at its field. The form is shown again, filled in, with this.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrong {
    field: &'static str,
    why: String,
}

impl Wrong {
    pub(crate) fn at(field: &'static str, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }

    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        (self.field == field && self.is_any()).then_some(&self.why)
    }

    pub(crate) fn is_any(&self) -> bool {
        !self.why.is_empty()
    }

    /// The page's title: whoever cannot see the field hears first that the form came back.
    pub(crate) fn title(&self, page: &str) -> String {
        if self.is_any() { format!("Not saved: {page}") } else { page.to_owned() }
    }
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Field<'a> {
    pub name: &'a str,
    pub label: &'a str,
    pub value: &'a str,
    pub hint: &'a str,
    pub wrong: Option<&'a str>,
    pub autocomplete: &'a str,
    /// What a browser may check before it sends the form. Never a longest length: browsers cut what is pasted, silently.
    pub shortest: Option<usize>,
    /// It may stay empty.
    pub optional: bool,
    /// Where the page begins. A field that was wrong always is.
    pub focus: bool,
}

impl Field<'_> {
    pub(crate) fn text(self) -> Markup {
        self.input("text")
    }

    pub(crate) fn email(self) -> Markup {
        self.input("email")
    }

    /// Pasting is allowed, and what was typed can be looked at.
    pub(crate) fn password(self) -> Markup {
        self.input("password")
    }

    fn input(self, kind: &str) -> Markup {
        let hint_id = format!("{}-hint", self.name);
        let wrong_id = format!("{}-wrong", self.name);
        let described = match (self.hint.is_empty(), self.wrong) {
            (true, None) => None,
            (false, None) => Some(hint_id.clone()),
            (true, Some(_)) => Some(wrong_id.clone()),
            (false, Some(_)) => Some(format!("{wrong_id} {hint_id}")),
        };
        let secret = kind == "password";
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                div.input {
                    input id=(self.name) name=(self.name) type=(kind) value=(self.value) required[!self.optional]
                        autocomplete=(self.autocomplete) minlength=[self.shortest]
                        autofocus[self.focus || self.wrong.is_some()]
                        autocapitalize=[secret.then_some("none")] spellcheck=[secret.then_some("false")]
                        aria-invalid=[self.wrong.map(|_| "true")] aria-describedby=[described];
                    @if secret {
                        button.btn.plain.scripted type="button" data-show=(self.name) {
                            span { "Show" } span.sr { " " (self.label) }
                        }
                    }
                }
                @if let Some(why) = self.wrong {
                    p.wrong id=(wrong_id) { (icon(Icon::Alert)) span { (super::said::sentence(why)) } }
                }
                @if !self.hint.is_empty() { p.hint id=(hint_id) { (self.hint) } }
            }
        }
    }
}

/// The zones to choose from. A zone that the list does not have is kept.
pub(crate) fn zone(chosen: &str, wrong: Option<&str>) -> Markup {
    let zones = crate::when::zones();
    html! {
        div.field {
            label for="zone" { "Time zone" }
            select #zone name="zone" aria-invalid=[wrong.map(|_| "true")] autofocus[wrong.is_some()]
                data-own-zone[chosen.is_empty()]
                aria-describedby=(if wrong.is_some() { "zone-wrong zone-hint" } else { "zone-hint" }) {
                @if !chosen.is_empty() && !zones.iter().any(|zone| zone == chosen) {
                    option value=(chosen) selected { (chosen) }
                }
                @for zone in &zones {
                    option value=(zone) selected[zone == chosen || (chosen.is_empty() && zone == "UTC")] { (zone) }
                }
            }
            @if let Some(why) = wrong { p.wrong #zone-wrong { (icon(Icon::Alert)) span { (super::said::sentence(why)) } } }
            p.hint #zone-hint { "Times on these pages are shown in it." }
        }
    }
}

/// A text to be taken elsewhere, with a button that copies it.
pub(crate) fn copyable(id: &str, label: &str, value: &str) -> Markup {
    html! {
        div.copy {
            dt { (label) }
            dd {
                code id=(id) { (value) }
                button.btn.plain.scripted type="button" data-copy=(id) {
                    (icon(Icon::Copy)) span { "Copy" } span.sr { " " (label) }
                }
            }
        }
    }
}
