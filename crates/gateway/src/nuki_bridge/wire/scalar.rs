//! JSON values of which a bridge's answers are made, whatever their type turns out to be: one odd field must not take
//! the others with it.

use std::fmt;
use std::marker::PhantomData;

use lockwarden_app::clock::Time;
use lockwarden_app::foreign::plain;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Names are cut here, as those from MQTT are.
const LONGEST_NAME: usize = 64;
/// No text of the API is longer; a callback's address has 254 bytes at most.
const LONGEST_TEXT: usize = 512;

/// How many fields had a type or a value that the API does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Odd(pub u32);

impl Odd {
    /// Counted, and unsaid.
    pub(super) fn count<T>(&mut self) -> Option<T> {
        self.0 = self.0.saturating_add(1);
        None
    }
}

/// One value; `null` is the same as nothing.
#[derive(Debug, Default)]
pub(super) enum Scalar {
    #[default]
    Unsaid,
    Truth(bool),
    Number(i64),
    Text(String),
    Other,
}

impl Scalar {
    pub(super) fn truth(self, odd: &mut Odd) -> Option<bool> {
        match self {
            Self::Unsaid => None,
            Self::Truth(truth) => Some(truth),
            _ => odd.count(),
        }
    }

    pub(super) fn number<N: TryFrom<i64>>(self, odd: &mut Odd) -> Option<N> {
        match self {
            Self::Unsaid => None,
            Self::Number(number) => N::try_from(number).ok().or_else(|| odd.count()),
            _ => odd.count(),
        }
    }

    pub(super) fn text(self, odd: &mut Odd) -> Option<String> {
        match self {
            Self::Unsaid => None,
            Self::Text(text) => Some(text),
            _ => odd.count(),
        }
    }

    /// A text for people.
    pub(super) fn name(self, odd: &mut Odd) -> Option<String> {
        self.text(odd).map(|text| plain(&text, LONGEST_NAME))
    }

    /// ISO 8601 with an offset, for example `2024-04-06T06:00:51+00:00`.
    pub(super) fn time(self, odd: &mut Odd) -> Option<Time> {
        let text = self.text(odd)?;
        text.parse::<jiff::Timestamp>().map(Into::into).ok().or_else(|| odd.count())
    }

    pub(super) fn percent(self, odd: &mut Odd) -> Option<u8> {
        let percent = self.number(odd)?;
        if percent <= 100 { Some(percent) } else { odd.count() }
    }
}

struct AnyScalar;

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar::Truth(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.chars().take(LONGEST_TEXT).collect()))
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Unsaid)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Scalar, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyScalar)
    }
}

/// An object, or whatever else stands in its place.
#[derive(Debug, Default)]
pub(super) enum Maybe<T> {
    #[default]
    Unsaid,
    Object(T),
    Other,
}

impl<T> Maybe<T> {
    pub(super) fn object(self, odd: &mut Odd) -> Option<T> {
        match self {
            Self::Unsaid => None,
            Self::Object(object) => Some(object),
            Self::Other => odd.count(),
        }
    }
}

struct AnyObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyObject<T> {
    type Value = Maybe<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Maybe<T>, E> {
        Ok(Maybe::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Maybe<T>, E> {
        Ok(Maybe::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Maybe<T>, E> {
        Ok(Maybe::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Maybe<T>, E> {
        Ok(Maybe::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Maybe<T>, E> {
        Ok(Maybe::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Maybe<T>, E> {
        Ok(Maybe::Unsaid)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Maybe<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Maybe::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Maybe<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(Maybe::Object)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyObject(PhantomData))
    }
}

/// At most `MOST` objects; more are an error, and what is no object is left out and counted.
#[derive(Debug)]
pub(super) struct Sequence<T, const MOST: usize> {
    pub items: Vec<T>,
    pub odd: Odd,
}

impl<T, const MOST: usize> Default for Sequence<T, MOST> {
    fn default() -> Self {
        Self { items: Vec::new(), odd: Odd::default() }
    }
}

struct Objects<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Objects<T, MOST> {
    type Value = Sequence<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MOST} objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut sequence = Sequence::default();
        let mut seen = 0;
        while let Some(item) = items.next_element::<Maybe<T>>()? {
            seen += 1;
            if seen > MOST {
                return Err(A::Error::custom("too many"));
            }
            match item {
                Maybe::Object(object) => sequence.items.push(object),
                Maybe::Unsaid | Maybe::Other => sequence.odd = Odd(sequence.odd.0 + 1),
            }
        }
        Ok(sequence)
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Sequence<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Objects(PhantomData))
    }
}
