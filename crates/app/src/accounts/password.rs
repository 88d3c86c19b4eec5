//! Passwords by NIST SP 800-63B-4: long, any characters, normalised, no composition rules, a blocklist that gives its
//! reason, a memory-hard hash whose cost is stored with it.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use unicode_normalization::UnicodeNormalization as _;

/// Without a second factor (NIST SP 800-63B-4, 3.1.1.2). Characters, not bytes.
pub const MIN_PASSWORD: usize = 15;
/// Longer than any password manager makes, short enough to hash.
const MAX_PASSWORD: usize = 1_024;
/// What must be left of a password once everything that is easily guessed is taken out.
const MIN_OWN: usize = 8;

/// Argon2id, 19 MiB, 2 passes: the OWASP minimum of 2026. A hash with other costs is renewed at the next sign-in.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// Composed and decomposed letters are the same password (NFC).
fn normalise(password: &str) -> String {
    password.nfc().collect()
}

/// What is wrong with a new password, if anything. `about` is what a guesser would try: e-mail, name.
pub(super) fn check(password: &str, about: &[&str]) -> Result<(), String> {
    let password = normalise(password);
    let length = password.chars().count();
    if length < MIN_PASSWORD {
        return Err(format!("at least {MIN_PASSWORD} characters; a few words in a row are easy to remember"));
    }
    if length > MAX_PASSWORD {
        return Err(format!("at most {MAX_PASSWORD} characters"));
    }
    let mut own = password.to_lowercase();
    let parts = about.iter().flat_map(|text| text.split(['@', '.', ' ', '-', '_'])).map(str::to_lowercase);
    for part in parts.chain(COMMON.iter().map(|word| (*word).to_owned())) {
        if part.chars().count() >= 3 {
            own = own.replace(&part, "");
        }
    }
    if own.chars().count() < MIN_OWN {
        return Err("it is made of words that are tried first, such as names or common passwords".to_owned());
    }
    let mut kinds: Vec<char> = own.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.len() < 5 || repeats(&own) {
        return Err("it repeats the same few characters".to_owned());
    }
    Ok(())
}

/// The same short piece over and over.
fn repeats(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    (1..=letters.len() / 2).any(|period| letters.iter().zip(letters.iter().skip(period)).all(|(a, b)| a == b))
}

/// What the most used passwords are made of.
const COMMON: &[&str] = &[
    "password",
    "passwort",
    "passw0rd",
    "p@ssw0rd",
    "123456789",
    "12345678",
    "1234567890",
    "0987654321",
    "987654321",
    "1234",
    "12345",
    "qwertyuiop",
    "qwertzuiop",
    "qwerty",
    "qwertz",
    "asdfghjkl",
    "asdf",
    "zxcvbnm",
    "yxcvbnm",
    "1q2w3e4r5t",
    "1q2w3e4r",
    "1qaz2wsx",
    "qazwsx",
    "abcdefghijklmnopqrstuvwxyz",
    "abcdefghij",
    "abcdef",
    "abc123",
    "letmein",
    "welcome",
    "iloveyou",
    "administrator",
    "admin",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "princess",
    "sunshine",
    "superman",
    "batman",
    "trustno1",
    "master",
    "shadow",
    "michael",
    "jordan",
    "changeme",
    "secret",
    "geheim",
    "hallo",
    "hello",
    "lockwarden",
    "smartlock",
    "opensesame",
    "login",
];

/// Slow on purpose (about 25 ms and 19 MiB): call it where it may block.
pub(super) fn hash(password: &str) -> Option<String> {
    hasher().hash_password(normalise(password).as_bytes()).ok().map(|hash| hash.to_string())
}

pub(super) enum Verified {
    Right,
    /// Right, but hashed with other costs than today's.
    RightButOld,
    Wrong,
}

/// As slow as [`hash`], also for a hash that cannot be read.
pub(super) fn verify(password: &str, stored: &str) -> Verified {
    let Ok(parsed) = PasswordHash::new(stored) else {
        let _ = hash(password);
        return Verified::Wrong;
    };
    if hasher().verify_password(normalise(password).as_bytes(), &parsed).is_err() {
        return Verified::Wrong;
    }
    let today = Params::try_from(&parsed).is_ok_and(|params| {
        (params.m_cost(), params.t_cost(), params.p_cost())
            == (Params::DEFAULT.m_cost(), Params::DEFAULT.t_cost(), Params::DEFAULT.p_cost())
    });
    if today { Verified::Right } else { Verified::RightButOld }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: &[&str] = &["anna.huber@example.org", "Anna Huber"];

    #[test]
    fn long_passwords_of_any_characters_are_accepted() {
        for fine in [
            "correct horse battery",
            "ÄÖÜ ß 漢字 emoji 🚪🔑 door",
            "aB3$ aB3% aB3& zz",
            "      x y z w v u t s r",
        ] {
            assert_eq!(check(fine, ABOUT), Ok(()), "{fine}");
        }
        assert_eq!(check(&format!("{}!", "ox fen mud sky ".repeat(8)), &[]), Ok(()));
    }

    #[test]
    fn what_is_tried_first_is_refused_with_a_reason() {
        for weak in [
            "short",
            "fourteen chars",
            "passwordpassword",
            "Password123456789",
            "annahuberexample",
            "aaaaaaaaaaaaaaaa",
            "abababababababab",
            "qwertyuiopasdfghjkl",
            "LockwardenLockwarden1",
        ] {
            assert!(check(weak, ABOUT).is_err(), "{weak}");
        }
    }

    #[test]
    fn bytes_count_exactly_but_composition_does_not() {
        let long = "x".repeat(72);
        let stored = hash(&format!("{long}é one")).unwrap();
        assert!(matches!(verify(&format!("{long}e\u{301} one"), &stored), Verified::Right));
        assert!(matches!(verify(&format!("{long}é two"), &stored), Verified::Wrong));
        assert!(matches!(verify(&format!("{long}é one "), &stored), Verified::Wrong));
    }

    #[test]
    fn a_hash_with_other_costs_is_right_but_old() {
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8_192, 1, 1, None).unwrap());
        let stored = cheap.hash_password(b"an older password").unwrap().to_string();
        assert!(matches!(verify("an older password", &stored), Verified::RightButOld));
        assert!(matches!(verify("an older password", "not a hash"), Verified::Wrong));
    }
}
