//! Secrets that we make ourselves: long and random, so a plain SHA-256 of them is all that is stored.

use sha2::{Digest as _, Sha256};

use crate::rng::Chance;

/// 320 random bits in 80 hexadecimal digits, the form of the Web API's own tokens.
pub(crate) fn token(chance: &Chance) -> String {
    hex(&chance.bytes::<40>())
}

pub(crate) fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
