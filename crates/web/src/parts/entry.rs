//! Entries of the activity log: a line, a day of lines, and the pill that tells of newer ones.

use lockwarden_app::activity::{Cursor, Entry};
use lockwarden_app::ids::DeviceId;
use maud::{Markup, html};

use super::icon::{Icon, icon};
use super::sentence::{Piece, Sentence, method, nameless, sentence};
use crate::when::{Day, When, roughly};

/// A device's own time this far from ours is told beside it.
const WORTH_TELLING_MS: i64 = 60_000;

pub(crate) fn line(entry: &Entry, when: &When) -> Markup {
    row(entry, &sentence(entry), when, &when.clock(entry.at))
}

fn row(entry: &Entry, told: &Sentence, when: &When, clock: &str) -> Markup {
    html! {
        li.ev id={ "entry-" (entry.id) } {
            time datetime=(when.machine(entry.at)) title=(when.full(entry.at)) { (clock) }
            span class={ "ic " (told.tone) } { (icon(told.icon)) }
            div {
                (words(told, (!entry.device_removed).then_some(entry.device)))
                @if !told.more.is_empty() { small class=[told.failed.then_some(told.tone)] { (told.more.join(" · ")) } }
                (times(entry, when))
            }
            @if let Some(method) = method(entry) { span.chip.tag { (method) } }
        }
    }
}

/// A device that is not there any more has a name, and no page to lead to.
fn words(told: &Sentence, device: Option<DeviceId>) -> Markup {
    html! {
        p {
            @for piece in &told.pieces {
                @match (piece, device) {
                    (Piece::Words(text), _) => (text),
                    (Piece::Device(text), Some(device)) => a href={ "/devices/" (device) } { (text) },
                    (Piece::Device(text), None) | (Piece::Person(text), _) => b { (text) },
                }
            }
        }
    }
}

/// When it happened by the device's own clock, where that is another time, and whether that clock can be trusted.
fn times(entry: &Entry, when: &When) -> Markup {
    let Some(own) = entry.device_at else {
        return html! { @if entry.clock_is_wrong { small.warn { (icon(Icon::ClockWrong)) "the lock’s clock is wrong" } } };
    };
    let off = own.0.saturating_sub(entry.received_at.0);
    if off.abs() < WORTH_TELLING_MS && !entry.clock_is_wrong {
        return html! {};
    }
    html! {
        @if entry.clock_is_wrong {
            small.warn {
                (icon(Icon::ClockWrong))
                "the lock’s clock said " (when.short(own)) ", which is " (roughly(off)) @if off < 0 { " slow" } @else { " fast" }
            }
        } @else {
            small { "by the lock’s own clock " (when.short(own)) ", received " (when.short(entry.received_at)) }
        }
    }
}

/// Entries under the heading of their day.
pub(crate) fn days(entries: &[Entry], when: &When) -> Markup {
    let days: Vec<(Day, Vec<&Entry>)> = entries.iter().fold(Vec::new(), |mut days, entry| {
        let day = when.day(entry.at);
        match days.last_mut() {
            Some((last, of_day)) if *last == day => of_day.push(entry),
            _ => days.push((day, vec![entry])),
        }
        days
    });
    html! {
        @for (day, entries) in &days {
            section.of-day data-day=(day.date) {
                h2.day { (day.title) " " small { (day.rest) } }
                ol.card.plain { @for entry in entries { (line(entry, when)) } }
            }
        }
    }
}

/// The last entries of one device, for its own page.
pub(crate) fn of_device(device: DeviceId, entries: &[Entry], when: &When) -> Markup {
    html! {
        section #{ "log-" (device) } {
            h2 { "Last activity" }
            @if entries.is_empty() {
                p.hint { "Nothing yet. Whatever happens at this door will be listed here." }
            } @else {
                ol.card.plain {
                    @for entry in entries { (row(entry, &nameless(entry), when, &when.exact(entry.at))) }
                }
                p { a.more href={ "/activity?device=" (device) } { "All activity of this device" (icon(Icon::More)) } }
            }
        }
    }
}

/// A link to the top of the log, when something newer is there.
pub(crate) fn newer(count: usize, device: Option<DeviceId>) -> Markup {
    let target = device.map_or("/activity".to_owned(), |device| format!("/activity?device={device}"));
    html! {
        div #newer role="status" {
            @if count > 0 {
                a.chipf.new href=(target) {
                    @match count { 1 => "1 new entry", 100.. => "100 or more new entries", _ => { (count) " new entries" } }
                }
            }
        }
    }
}

/// A place in the log, as an address carries it.
pub(crate) fn cursor(place: Cursor) -> String {
    format!("{}.{}", place.at.0, place.id)
}

pub(crate) fn read_cursor(text: &str) -> Option<Cursor> {
    let (at, id) = text.split_once('.')?;
    Some(Cursor { at: lockwarden_app::clock::Time(at.parse().ok()?), id: id.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockwarden_app::clock::Time;
    use lockwarden_app::ids::ActivityId;

    #[test]
    fn a_place_in_the_log_survives_the_address() {
        let place = Cursor { at: Time(-5), id: ActivityId(77) };
        assert_eq!(read_cursor(&cursor(place)), Some(place));
        assert_eq!(read_cursor("12"), None);
        assert_eq!(read_cursor("1.2.3"), None);
    }
}
