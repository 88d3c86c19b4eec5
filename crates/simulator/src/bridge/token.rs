//! The three ways to show the token (Bridge HTTP API 1.13, authentication): plain, hashed, encrypted.

use std::collections::VecDeque;
use std::fmt::Write as _;

use crypto_secretbox::aead::AeadInPlace as _;
use crypto_secretbox::{Key, KeyInit as _, Nonce, Tag, XSalsa20Poly1305};
use sha2::{Digest as _, Sha256};

use super::http::Request;

/// How old a time may be, in seconds; a clock that is this much ahead is forgiven too.
const CURRENT: i64 = 60;
/// Nonces it remembers.
const REMEMBERED: usize = 1_000;
/// Bytes of "time,number", and more than enough.
const LONGEST: usize = 64;

/// What was used and must not be used again.
#[derive(Default)]
pub(super) struct Used(VecDeque<String>);

impl Used {
    fn is_new(&mut self, what: &str) -> bool {
        if self.0.iter().any(|used| used == what) {
            return false;
        }
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(what.to_owned());
        true
    }
}

/// Whether a request shows the token. Careless bridges look at neither time nor repetition.
pub(super) fn is_shown(
    request: &Request,
    token: &str,
    now: jiff::Timestamp,
    used: &mut Used,
    careless: bool,
) -> bool {
    if let Some(plain) = request.get("token") {
        return plain == token;
    }
    if let (Some(sealed), Some(nonce)) = (request.get("ctoken"), request.get("nonce")) {
        let Some(words) = unseal(sealed, nonce, token) else { return false };
        let Some((time, _)) = words.split_once(',') else { return false };
        return careless || (is_current(time, now) && used.is_new(nonce));
    }
    if let (Some(time), Some(number), Some(hash)) =
        (request.get("ts"), request.get("rnr"), request.get("hash"))
    {
        let is_right =
            hash.eq_ignore_ascii_case(&hashed(time, number, token)) && number.parse::<u16>().is_ok();
        return is_right && (careless || (is_current(time, now) && used.is_new(hash)));
    }
    false
}

fn is_current(time: &str, now: jiff::Timestamp) -> bool {
    time.ends_with('Z')
        && time
            .parse::<jiff::Timestamp>()
            .is_ok_and(|time| (now.as_second() - time.as_second()).abs() <= CURRENT)
}

/// `hash` for this time, number and token.
pub fn hashed(time: &str, number: &str, token: &str) -> String {
    hex(&Sha256::digest(format!("{time},{number},{token}")))
}

/// `ctoken` for "time,number", for whoever speaks to a bridge in a test.
pub fn seal(words: &str, nonce: [u8; 24], token: &str) -> Option<String> {
    let mut bytes = words.as_bytes().to_vec();
    let tag: [u8; 16] =
        cipher(token).encrypt_in_place_detached(&Nonce::from(nonce), b"", &mut bytes).ok()?.into();
    Some(hex(&[&tag[..], &bytes].concat()))
}

/// The words in a `ctoken`, if token and nonce are right. The layout is that of NaCl's secretbox: the tag first.
pub fn unseal(sealed: &str, nonce: &str, token: &str) -> Option<String> {
    let nonce: [u8; 24] = unhex(nonce)?.try_into().ok()?;
    let sealed = unhex(sealed).filter(|sealed| sealed.len() <= 16 + LONGEST)?;
    let (tag, words) = sealed.split_at_checked(16)?;
    let tag: [u8; 16] = tag.try_into().ok()?;
    let mut words = words.to_vec();
    cipher(token).decrypt_in_place_detached(&Nonce::from(nonce), b"", &mut words, &Tag::from(tag)).ok()?;
    String::from_utf8(words).ok()
}

fn cipher(token: &str) -> XSalsa20Poly1305 {
    let key: [u8; 32] = Sha256::digest(token).into();
    XSalsa20Poly1305::new(&Key::from(key))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > 2 * (16 + LONGEST) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks(2).map(|pair| Some(value(*pair.first()?)? * 16 + value(*pair.last()?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "119c38fb6d7d707b8a45f14e688b74b8c4c1acf33643c71a";
    const SEALED: &str = "a7f6b4df6758b92445bd5470b755b43ba41cf50af8b3f6e19368348ddfb1686291555dfd90b31f9333";
    const HASH: &str = "f52eb5ce382e356c4239f8fb4d0a87402bb95b7b3124f0762b806ad7d0d01cb6";

    fn now() -> jiff::Timestamp {
        "2019-03-05T01:07:20Z".parse().unwrap()
    }

    fn shown(query: &str, now: jiff::Timestamp, used: &mut Used) -> bool {
        is_shown(&Request::of(&format!("/list?{query}")), "123456", now, used, false)
    }

    #[test]
    fn the_documented_examples_are_understood_and_made_again() {
        assert_eq!(hashed("2019-03-05T01:06:53Z", "4711", "123456"), HASH);
        assert_eq!(unseal(SEALED, NONCE, "123456").as_deref(), Some("2019-03-05T01:06:53Z,4711"));
        let nonce: [u8; 24] = unhex(NONCE).unwrap().try_into().unwrap();
        assert_eq!(seal("2019-03-05T01:06:53Z,4711", nonce, "123456").as_deref(), Some(SEALED));
        assert_eq!(unseal(SEALED, NONCE, "123457"), None);
        assert_eq!(unseal(&SEALED.replace("a7", "a8"), NONCE, "123456"), None);
    }

    #[test]
    fn a_token_is_good_for_a_minute_and_once() {
        let hashed = format!("ts=2019-03-05T01:06:53Z&rnr=4711&hash={HASH}");
        let sealed = format!("ctoken={SEALED}&nonce={NONCE}");
        for query in [hashed, sealed] {
            let mut used = Used::default();
            assert!(!shown(&query, "2019-03-05T01:08:00Z".parse().unwrap(), &mut used), "too old");
            assert!(!shown(&query, "2019-03-05T01:05:00Z".parse().unwrap(), &mut used), "not yet");
            assert!(shown(&query, now(), &mut used));
            assert!(!shown(&query, now(), &mut used), "used");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_whatever_it_looks_like() {
        for query in [
            "",
            "token=",
            "token=123457",
            "ctoken=&nonce=",
            "ctoken=zz&nonce=zz",
            "ts=&rnr=&hash=",
            &format!("ctoken={SEALED}"),
            &format!("ctoken={SEALED}&nounce={NONCE}"),
            &format!("ctoken={}&nonce={NONCE}", "ab".repeat(5_000)),
        ] {
            assert!(!shown(query, now(), &mut Used::default()), "{query}");
        }
        assert!(shown("token=123456", now(), &mut Used::default()));
    }
}
