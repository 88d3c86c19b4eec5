//! JSON with its keys in the order in which devices write them.

use std::fmt::{Display, Write as _};

/// An object in the making.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self(String::from("{"))
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        let quoted = quote(value);
        self.raw(key, quoted)
    }

    /// A number, `true`, `false`, or something that is JSON already.
    pub(crate) fn raw(mut self, key: &str, value: impl Display) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{}:{value}", quote(key));
        self
    }

    pub(crate) fn flag(self, key: &str, value: bool) -> Self {
        self.raw(key, u8::from(value))
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

pub(crate) fn array(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
