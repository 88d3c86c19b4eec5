//! How many devices are in which state: a line that is also a filter of the page.

use lockwarden_app::devices::Kind;
use lockwarden_app::devices::list::Counts;
use maud::{Markup, html};

use super::listing::Listing;

pub(crate) fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Locked => "locked",
        Kind::Unlocked => "unlocked",
        Kind::Problem => "with a problem",
        Kind::Offline => "offline",
        Kind::New => "not connected yet",
        Kind::Between => "moving or unknown",
        Kind::Ready => "ready to open",
    }
}

/// `1,234`.
pub(crate) fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 device`, `2 devices`.
pub(crate) fn devices(count: usize) -> String {
    if count == 1 { "1 device".to_owned() } else { format!("{} devices", number(count)) }
}

/// Links to each part of the list, the one being looked at near its beginning, where a narrow window shows it. Other
/// kinds are left out when nothing is of them.
pub(crate) fn line(counts: Counts, listing: &Listing) -> Markup {
    let chosen = listing.filter.kind;
    let link = |kind: Option<Kind>, words: String| {
        let current = (kind == chosen).then_some("true");
        let path = listing.with(|filter| filter.kind = kind).path();
        html! { a.chipf href=(path) aria-current=[current] { (words) } }
    };
    let others = Kind::ALL.into_iter().filter(|kind| Some(*kind) != chosen && counts.of(*kind) > 0);
    html! {
        nav #counts .bar.scroll aria-label="Which devices" {
            (link(None, format!("All {}", number(counts.total()))))
            @for kind in chosen.into_iter().chain(others) {
                (link(Some(kind), format!("{} {}", number(counts.of(kind)), words(kind))))
            }
        }
    }
}

/// "12 devices, 3 unlocked, 1 offline": what is not as it should be by name, the rest by number.
pub(crate) fn summary(counts: Counts) -> String {
    let apart = [Kind::Unlocked, Kind::Problem, Kind::Offline, Kind::New];
    let told = apart.into_iter().filter(|kind| counts.of(*kind) > 0);
    let told = told.map(|kind| format!(", {} {}", number(counts.of(kind)), words(kind)));
    devices(counts.total()) + &told.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_number_is_read_in_groups_of_three() {
        for (count, words) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (100_000, "100,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(number(count), words);
        }
        assert_eq!((devices(1), devices(2_000)), ("1 device".to_owned(), "2,000 devices".to_owned()));
    }
}
