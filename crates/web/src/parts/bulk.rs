//! One thing done with many devices: choosing them, what would become of each, and what did.

use std::fmt::Write as _;

use lockwarden_app::actor::Rights;
use lockwarden_app::bulks::{Became, Bulk, BulkState, Deed, Item, Tally, Wish};
use lockwarden_app::devices::list::ListPage;
use lockwarden_app::settings::{Section, Setting, SettingValue};
use maud::{Markup, html};

use super::counts::{devices, number};
use super::frame::may;
use super::groups;
use super::icon::{Icon, icon};
use super::listing::{self, Listing};
use super::said::sentence;
use crate::identify::Person;

/// The chosen ones, and what can be done with them. `cards` have the boxes to tick.
pub(crate) fn choose(person: &Person, listing: &Listing, page: &ListPage, cards: &Markup) -> Markup {
    let elsewhere = page.total.saturating_sub(page.devices.len());
    let back = Listing { choosing: false, ..listing.clone() };
    html! {
        form.stack #choosing method="post" action="/bulks" {
            (listing::field(&back.query()))
            div.card.whole #whole {
                label.check {
                    input type="checkbox" name="all" value="yes";
                    span {
                        b {
                            "All " (devices(page.total))
                            @if listing.is_filtered() { " that " (if page.total == 1 { "matches" } else { "match" }) }
                            span #but {}
                        }
                        @if elsewhere > 0 { small { "also the " (number(elsewhere)) " that are not on this page" } }
                    }
                }
                label.check.unscripted {
                    input type="checkbox" name="but" value="yes";
                    span { "… but not those that I tick below" }
                }
            }
            (cards)
            div.deeds.card { p.hint #chosen role="status" {} div { (deeds(person, page)) } }
        }
    }
}

fn deeds(person: &Person, page: &ListPage) -> Markup {
    html! {
        @if may(person, Rights::OPERATE) {
            button.btn.main name="deed" value="lock" { (icon(Icon::Lock)) "Lock…" }
        }
        @if may(person, Rights::MANAGE) {
            button.btn name="deed" value="favourite" { (icon(Icon::Star)) "Favourite…" }
            button.btn name="deed" value="no-favourite" { "No favourite…" }
            @if !page.groups.is_empty() {
                (groups::select(("group", "Group"), page.groups.iter().map(|one| &one.group), ("In no group", None)))
                button.btn name="deed" value="group" { (icon(Icon::Group)) "Put there…" }
            }
        }
        @if may(person, Rights::CONFIGURE) {
            button.btn name="deed" value="setting" { (icon(Icon::Settings)) "Change a setting…" }
        }
    }
}

/// What is done, to so many devices: for a heading and a button.
pub(crate) fn words(deed: Deed, group: Option<&str>, count: usize) -> String {
    let many = devices(count);
    match deed {
        Deed::Lock => format!("Lock {many}"),
        Deed::SetGroup(None) => format!("Take {many} out of their groups"),
        Deed::SetGroup(Some(_)) => format!("Put {many} into {}", group.unwrap_or("a group that is gone")),
        Deed::SetFavourite(true) => format!("Make {many} favourites"),
        Deed::SetFavourite(false) => format!("Make {many} no favourites any more"),
        Deed::Set(wish) => {
            format!("Set “{}” of {many} to {}", wish.setting().about().label, value_words(wish))
        }
    }
}

/// In the words of the devices that it is set on, which are the same for all of them.
fn in_words(setting: Setting, value: &SettingValue) -> String {
    setting.about().kind.in_words(value)
}

fn value_words(wish: Wish) -> String {
    in_words(wish.setting(), &wish.value())
}

fn will_be(deed: Deed) -> &'static str {
    match deed {
        Deed::Lock => "will be locked",
        Deed::SetGroup(_) => "will be moved",
        Deed::SetFavourite(_) | Deed::Set(_) => "will be changed",
    }
}

/// What would become of the devices, before anything happens.
pub(crate) fn preview(bulk: &Bulk) -> Markup {
    let tally = &bulk.tally;
    html! {
        @if tally.waiting == 0 {
            p.strip.warn { (icon(Icon::Info)) span { "Every device that was chosen is left out." } }
        } @else {
            p { b { (devices(tally.waiting)) " " (will_be(bulk.deed)) "." } }
            @if bulk.deed == Deed::Lock {
                p.hint { "Each lock is told to lock, and an opener to end ring to open. No door is unlocked or opened by this." }
            }
            @if let Deed::Set(wish) = bulk.deed { (about(wish)) }
        }
        (left_out(tally))
    }
}

/// What the setting does, and what can go wrong at a door, as on the page of one device.
fn about(wish: Wish) -> Markup {
    let about = wish.setting().about();
    html! {
        p.hint { (about.help) }
        @if let Some(danger) = about.danger { p.note.warn { (icon(Icon::Alert)) span { (danger) } } }
        p.hint {
            "It is written down for each device, sent as soon as its hub is there, and done when the device says it. No door is "
            "unlocked or opened by this."
        }
    }
}

fn left_out(tally: &Tally) -> Markup {
    html! {
        @if tally.all_left_out() > 0 {
            div #left-out {
                p { (devices(tally.all_left_out())) " left out:" }
                ul.tight { @for (why, count) in &tally.left_out { li { (number(*count)) " " (many(why, *count)) } } }
            }
        }
    }
}

/// "is offline", of several.
fn many(why: &str, count: usize) -> String {
    if count == 1 {
        return why.to_owned();
    }
    let plurals = [
        ("is a favourite", "are favourites"),
        ("is no favourite", "are no favourites"),
        ("is ", "are "),
        ("has ", "have "),
        ("takes ", "take "),
        ("lets ", "let "),
    ];
    for (one, several) in plurals {
        if let Some(rest) = why.strip_prefix(one) {
            return format!("{several}{rest}").replace(" its ", " their ");
        }
    }
    why.to_owned()
}

/// How far it is. Replaced as it goes on.
pub(crate) fn progress(bulk: &Bulk) -> Markup {
    let tally = &bulk.tally;
    let meant = tally.meant();
    let over = tally.done + tally.failed + tally.unknown;
    let parts = [
        (tally.done, "ok", "done"),
        (tally.under_way, "", "waiting for the lock"),
        (tally.waiting, "", "waiting for their turn"),
        (tally.failed, "bad", "failed"),
        (tally.unknown, "warn", "without an answer"),
        (tally.not_begun, "", "not begun"),
    ];
    html! {
        section.card.pad.stack #bulk-progress {
            @if bulk.is_settled() {
                p { b { (headline(tally)) } }
            } @else {
                p { b { (number(over)) " of " (devices(meant)) } span.unscripted { " · reload the page to see how it goes on" } }
            }
            progress max=(meant.max(1)) value=(over) aria-label="Progress" {}
            div.chips {
                @for (count, tone, words) in parts { @if count > 0 { span class={ "chip " (tone) } { (number(count)) " " (words) } } }
            }
            @if bulk.state == BulkState::Running {
                form.acts method="post" action={ "/bulks/" (bulk.id) "/stop" } { button.btn { "Stop here" } }
            }
            @let rest = tally.rest();
            @if bulk.is_settled() && rest > 0 {
                form.acts method="post" action={ "/bulks/" (bulk.id) "/again" } {
                    button.btn { "Try again with " (those(rest)) "…" }
                }
            }
            @if bulk.state == BulkState::Over { (left_out(tally)) }
        }
    }
}

fn those(count: usize) -> String {
    if count == 1 { "the one".to_owned() } else { format!("those {}", number(count)) }
}

/// What it all came to, in a sentence.
pub(crate) fn headline(tally: &Tally) -> String {
    let meant = tally.meant();
    if tally.done == meant {
        return format!("Done: {}.", devices(meant));
    }
    let mut words = format!("{} of {} done", number(tally.done), devices(meant));
    if tally.failed > 0 {
        let _ = write!(words, ", {} failed", number(tally.failed));
    }
    if tally.unknown > 0 {
        let _ = write!(words, ", {} without an answer", number(tally.unknown));
    }
    if tally.not_begun > 0 {
        let _ = write!(words, ", {} not begun", number(tally.not_begun));
    }
    words + "."
}

/// What became of one device.
pub(crate) fn item(item: &Item, bulk: &Bulk) -> Markup {
    let (is_setting, change) = match bulk.deed {
        Deed::Set(wish) => (true, change(wish, item)),
        _ => (false, None),
    };
    let (tone, shape, words) = match item.became {
        Became::LeftOut => ("", Icon::Off, "left out"),
        Became::Waiting if bulk.state == BulkState::Proposed => ("", Icon::Clock, will_be(bulk.deed)),
        Became::Waiting => ("", Icon::Clock, "waiting for its turn"),
        Became::UnderWay if is_setting => ("", Icon::Busy, "on its way: done when the device says it"),
        Became::UnderWay => ("", Icon::Busy, "waiting for the lock"),
        Became::Done => ("ok", Icon::Check, "done"),
        Became::Failed => ("bad", Icon::Cross, "failed"),
        Became::Unknown => ("warn", Icon::Help, "no answer from the lock"),
        Became::NotBegun => ("", Icon::Off, "not begun"),
    };
    let words = item.reason.as_deref().unwrap_or(words);
    let words = match change {
        // Before anything happens, what would change says it all.
        Some(change) if item.became == Became::Waiting => sentence(&change),
        Some(change) => format!("{} · {change}", sentence(words)),
        None => sentence(words),
    };
    html! {
        li.result id={ "result-" (item.device) } {
            span class={ "ic " (tone) } { (icon(shape)) }
            div {
                a href={ "/devices/" (item.device) } { (item.name) }
                small class=(tone) { (words) }
            }
        }
    }
}

/// “is off, will be on”, as it was when it was proposed.
fn change(wish: Wish, item: &Item) -> Option<String> {
    let (was, will) = (item.was.as_ref().map(|was| in_words(wish.setting(), was)), value_words(wish));
    let known = was.as_deref().unwrap_or("not known");
    Some(match item.became {
        Became::LeftOut => format!("is {}", was?),
        Became::Waiting => format!("is {known}, will be {will}"),
        Became::Done => format!("was {known}, is {will}"),
        Became::UnderWay | Became::Failed | Became::Unknown | Became::NotBegun => {
            format!("was {known}, to be {will}")
        }
    })
}

/// Which settings there are for many devices at once, under the headings of a device's own page.
pub(crate) fn settings() -> Markup {
    let of = |section: Section| {
        let all = Setting::ALL.iter().copied().filter(|setting| setting.is_for_many());
        all.filter(move |setting| setting.about().section == section)
    };
    html! {
        div.field {
            label for="setting" { "Setting" }
            select #setting name="setting" autocomplete="off" {
                @for section in Section::ALL.iter().copied().filter(|section| of(*section).next().is_some()) {
                    optgroup label=(section.title()) {
                        @for setting in of(section) {
                            option value=(setting.key()) { (setting.about().label) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_for_several_is_said_of_several() {
        assert_eq!(many("is offline", 2), "are offline");
        assert_eq!(many("has never connected", 3), "have never connected");
        assert_eq!(many("is offline", 1), "is offline");
        assert_eq!(many("is a favourite already", 3), "are favourites already");
        assert_eq!(many("is no favourite", 3), "are no favourites");
        assert_eq!(many("lets nobody in already", 3), "let nobody in already");
        assert_eq!(
            many("has its door open: the bolt would stand out", 2),
            "have their door open: the bolt would stand out"
        );
    }

    #[test]
    fn the_last_sentence_hides_no_failure() {
        let mut tally = Tally { done: 3, ..Tally::default() };
        assert_eq!(headline(&tally), "Done: 3 devices.");
        (tally.failed, tally.unknown) = (1, 2);
        assert_eq!(headline(&tally), "3 of 6 devices done, 1 failed, 2 without an answer.");
        (tally.unknown, tally.not_begun) = (0, 6);
        assert_eq!(headline(&tally), "3 of 10 devices done, 1 failed, 6 not begun.");
    }
}
