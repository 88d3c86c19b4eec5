//! Names as people look for them: in the order of a telephone book, and found whatever the case and the accents.

use std::sync::LazyLock;

use icu_collator::options::CollatorOptions;
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The order of the Unicode Collation Algorithm without a language's own rules, numbers by their value: "Flat 2" comes
/// before "Flat 10", and "Éden" beside "Eden". One order for everybody, so that two people speak of the same list.
static COLLATOR: LazyLock<Option<CollatorBorrowed<'static>>> = LazyLock::new(|| {
    let mut preferences = CollatorPreferences::default();
    preferences.numeric_ordering = Some(CollationNumericOrdering::True);
    Collator::try_new(preferences, CollatorOptions::default()).ok()
});

/// Bytes that compare as the names do.
pub(crate) fn sort_key(name: &str) -> Box<[u8]> {
    let mut key = Vec::with_capacity(name.len() * 2);
    if let Some(collator) = &*COLLATOR {
        let Ok(()) = collator.write_sort_key_to(name.trim(), &mut key);
    } else {
        key.extend(fold(name).into_bytes());
    }
    key.into_boxed_slice()
}

/// Without case, accents and typographical variants, for finding one text in another.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase) {
        // Letters that are not taken apart by Unicode, but are typed without their stroke or as two.
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            '’' | '‘' => folded.push('\''),
            other => folded.push(other),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::{fold, sort_key};

    #[test]
    fn names_are_in_the_order_of_a_telephone_book() {
        let right = [
            "1st floor",
            "2nd floor",
            "10th floor",
            "cellar",
            "Éden",
            "Eden Hall",
            "flat 2",
            "Flat 2 b",
            "flat 10",
            "Ötztal",
            "Zoo",
            "Östra",
            "Ελλάδα",
            "Яма",
        ];
        let mut names = right;
        names.reverse();
        names.sort_by_cached_key(|name| sort_key(name));
        let place = |name: &str| names.iter().position(|one| *one == name).unwrap();
        for pair in ["1st floor", "2nd floor", "10th floor", "cellar", "Éden", "Eden Hall"].windows(2) {
            assert!(place(pair[0]) < place(pair[1]), "{pair:?} in {names:?}");
        }
        for pair in ["flat 2", "Flat 2 b", "flat 10", "Östra", "Ötztal", "Zoo", "Ελλάδα", "Яма"].windows(2)
        {
            assert!(place(pair[0]) < place(pair[1]), "{pair:?} in {names:?}");
        }
    }

    #[test]
    fn what_differs_in_case_or_accents_only_is_found_by_either() {
        for (typed, name) in [
            ("strasse", "Hauptstraße"),
            ("STRASSE", "hauptstrasse"),
            ("ecole", "École"),
            ("lodz", "Łódź"),
            ("smorrebrod", "Smørrebrød"),
            ("o'neil", "O’Neil"),
            ("ﬁ", "office"),
        ] {
            assert!(fold(name).contains(&fold(typed)), "{typed} in {name}");
        }
        assert!(!fold("Flat 12").contains(&fold("flat 2")));
    }
}
