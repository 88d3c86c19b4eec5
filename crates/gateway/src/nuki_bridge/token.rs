//! How a request proves that it comes from us (Bridge API 1.13.3, token): in clear, as a hash, or encrypted. Time and
//! chance are the caller's.

use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use lockwarden_app::clock::Time;
use sha2::{Digest as _, Sha256};

use super::request::percent_encoded;

/// A bridge makes 6 characters of its own and takes 20 bytes (Bridge API 1.13.3); other bridges that speak its language
/// take what they like.
const LONGEST: usize = 64;

/// The bridge's secret. It is never shown: not by `Debug`, and in no log.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// How the token travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum TokenForm {
    /// `token=…`: whoever listens on the line has it for good.
    Plain,
    /// `ts=…&rnr=…&hash=…`, deprecated by Nuki: a short token can be guessed from one hash.
    Hashed,
    /// `ctoken=…&nonce=…`, valid for 60 s by the bridge's clock; from bridge firmware 1.22.1 and 2.14.0 on.
    #[default]
    Encrypted,
}

impl TokenForm {
    pub(crate) const ALL: &'static [Self] = &[Self::Plain, Self::Hashed, Self::Encrypted];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Hashed => "hashed",
            Self::Encrypted => "encrypted",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|form| form.name() == name)
    }
}

/// What makes a proof good for one request only. All three are new for each: a bridge refuses what it has seen before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Once {
    pub now: Time,
    pub number: u16,
    pub nonce: [u8; 24],
}

impl Token {
    /// What a person typed, or a bridge gave.
    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("enter the token of the bridge");
        }
        if text.len() > LONGEST {
            return Err("a bridge's token has at most 64 characters");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a bridge's token has no spaces and only plain letters, digits and signs");
        }
        Ok(Self(text.to_owned()))
    }

    /// To be stored, and for nothing else.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// The part of a request's query that proves it. None only if the cipher refuses, which it has no reason to.
    pub(crate) fn proof(&self, form: TokenForm, once: &Once) -> Option<String> {
        let moment = format!("{},{}", seconds(once.now), once.number);
        Some(match form {
            TokenForm::Plain => format!("token={}", percent_encoded(&self.0)),
            TokenForm::Hashed => {
                let hash = Sha256::digest(format!("{moment},{}", self.0));
                format!("ts={}&rnr={}&hash={}", seconds(once.now), once.number, hex(&hash))
            }
            TokenForm::Encrypted => {
                let key: [u8; 32] = Sha256::digest(&self.0).into();
                let cipher = XSalsa20Poly1305::new(&Key::from(key));
                let sealed = cipher.encrypt(&Nonce::from(once.nonce), moment.as_bytes()).ok()?;
                format!("ctoken={}&nonce={}", hex(&sealed), hex(&once.nonce))
            }
        })
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`, without parts of a second.
fn seconds(time: Time) -> String {
    time.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "119c38fb6d7d707b8a45f14e688b74b8c4c1acf33643c71a";

    fn unhex<const N: usize>(text: &str) -> [u8; N] {
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let bytes: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        bytes.try_into().unwrap()
    }

    /// The moment of the examples in the Bridge API, and some milliseconds that must not show.
    fn once() -> Once {
        Once { now: Time(1_551_748_013_987), number: 4_711, nonce: unhex(NONCE) }
    }

    fn proof(form: TokenForm) -> String {
        Token::new("123456").unwrap().proof(form, &once()).unwrap()
    }

    #[test]
    fn the_plain_token_is_the_token() {
        assert_eq!(proof(TokenForm::Plain), "token=123456");
        let odd = Token::new("a&b=c#d%e+f").unwrap();
        assert_eq!(odd.proof(TokenForm::Plain, &once()).unwrap(), "token=a%26b%3Dc%23d%25e%2Bf");
    }

    #[test]
    fn the_hash_is_that_of_the_example() {
        assert_eq!(
            hex(&Sha256::digest("123456")),
            "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92"
        );
        assert_eq!(
            proof(TokenForm::Hashed),
            "ts=2019-03-05T01:06:53Z&rnr=4711\
             &hash=f52eb5ce382e356c4239f8fb4d0a87402bb95b7b3124f0762b806ad7d0d01cb6"
        );
    }

    #[test]
    fn the_encrypted_token_is_that_of_the_example_byte_for_byte() {
        assert_eq!(
            proof(TokenForm::Encrypted),
            "ctoken=a7f6b4df6758b92445bd5470b755b43ba41cf50af8b3f6e19368348ddfb1686291555dfd90b31f9333\
             &nonce=119c38fb6d7d707b8a45f14e688b74b8c4c1acf33643c71a"
        );
    }

    #[test]
    fn the_encrypted_token_opens_to_time_and_number_and_to_nothing_else() {
        let sealed: [u8; 41] =
            unhex("a7f6b4df6758b92445bd5470b755b43ba41cf50af8b3f6e19368348ddfb1686291555dfd90b31f9333");
        let key: [u8; 32] = Sha256::digest("123456").into();
        let cipher = XSalsa20Poly1305::new(&Key::from(key));
        let opened = cipher.decrypt(&Nonce::from(unhex::<24>(NONCE)), &sealed[..]).unwrap();
        assert_eq!(opened, b"2019-03-05T01:06:53Z,4711");
    }

    #[test]
    fn every_part_that_is_to_be_new_changes_the_proof() {
        let token = Token::new("123456").unwrap();
        for form in [TokenForm::Hashed, TokenForm::Encrypted] {
            let before = token.proof(form, &once()).unwrap();
            let later = Once { now: Time(once().now.0 + 1_000), ..once() };
            let other = Once { number: 4_712, ..once() };
            assert_ne!(token.proof(form, &later).unwrap(), before);
            assert_ne!(token.proof(form, &other).unwrap(), before);
            assert!(!before.contains("123456"), "the token itself must not travel");
        }
        let fresh = Once { nonce: [7; 24], ..once() };
        assert_ne!(token.proof(TokenForm::Encrypted, &fresh).unwrap(), proof(TokenForm::Encrypted));
    }

    #[test]
    fn encrypted_is_what_nobody_had_to_choose_and_every_form_has_a_name() {
        assert_eq!(TokenForm::default(), TokenForm::Encrypted);
        for form in TokenForm::ALL {
            assert_eq!(TokenForm::from_name(form.name()), Some(*form));
        }
    }

    #[test]
    fn a_token_is_never_shown_and_a_wrong_one_is_refused_in_words() {
        let token = Token::new(" 123456 ").unwrap();
        assert_eq!(token.secret(), "123456");
        assert!(!format!("{token:?}").contains("123456"));
        for (text, word) in [("  ", "enter the token"), ("a b", "no spaces"), ("tökén", "plain letters")] {
            assert!(Token::new(text).unwrap_err().contains(word), "{text}");
        }
        assert!(Token::new(&"x".repeat(65)).unwrap_err().contains("64"));
    }
}
