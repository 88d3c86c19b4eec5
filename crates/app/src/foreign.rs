//! Texts that come from devices, and from what they are reached through, before anybody sees them.

/// Cut, and without what could begin a line of its own or turn around the letters beside it: control characters, breaks of
/// line and paragraph, and the invisible marks of direction (Unicode, UAX 9). Joiners stay: letters and pictures need them.
#[must_use]
pub fn plain(text: &str, longest: usize) -> String {
    let letters = text.chars().filter(|letter| !letter.is_control() && !is_invisible(*letter));
    letters.take(longest).collect::<String>().trim().to_owned()
}

fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_text_has_one_line_and_one_direction_at_a_time() {
        assert_eq!(plain(" Front\r\n\u{1b}[31m door\u{202E}\u{2066} ", 64), "Front[31m door");
        assert_eq!(plain("\u{2028}\u{2029}שלום\u{200F}\u{61C}", 64), "שלום");
        assert_eq!(plain("👩\u{200D}🔧", 64), "👩\u{200D}🔧");
        assert_eq!(plain("\u{202E}door", 2), "do", "what is left out takes no room");
    }
}
