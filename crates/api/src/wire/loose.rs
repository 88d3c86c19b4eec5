//! Values as clients write them: numbers as text, truth as text or as 0 and 1, null for what is not given.

use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

/// What has to be a JSON object. Its type alone would take a list as well, for its values in their order.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(AsMap(deserializer)).map(Self)
    }
}

struct AsMap<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for AsMap<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A number, or a number written as text.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number is expected")]
pub(super) enum Number {
    Plain(i64),
    Text(String),
}

impl Number {
    pub(super) fn read<E: Error>(self, key: &str) -> Result<i64, E> {
        match self {
            Self::Plain(number) => Ok(number),
            Self::Text(text) => text.parse().map_err(|_| E::custom(format!("{key} must be a number"))),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "true or false is expected")]
enum Truth {
    Plain(bool),
    Number(i64),
    Text(String),
}

/// `true`, `"True"` (Python's own writing), `1` and `"1"`.
pub(super) fn is_true(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") || is("1") {
        Some(true)
    } else if is("false") || is("0") {
        Some(false)
    } else {
        None
    }
}

pub(super) fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let read = match Option::<Truth>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Truth::Plain(yes)) => Some(yes),
        Some(Truth::Number(number)) => is_true(&number.to_string()),
        Some(Truth::Text(text)) => is_true(&text),
    };
    read.map(Some).ok_or_else(|| D::Error::custom("true or false is expected"))
}

pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::<Number>::deserialize(deserializer)?.map(|number| number.read("it")).transpose()
}

pub(super) fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<i64>>, D::Error> {
    let given = Option::<Vec<Number>>::deserialize(deserializer)?;
    given.map(|numbers| numbers.into_iter().map(|number| number.read("each of them")).collect()).transpose()
}
