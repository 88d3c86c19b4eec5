//! The fields of a form that was sent. A field given twice is refused: two readers might choose differently.

use std::convert::Infallible;
use std::str::FromStr;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::response::IntoResponse;
use http::StatusCode;
use http::request::Parts;
use lockwarden_app::Error;

use crate::failure::Failure;

#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The field's text; empty if it was not sent, as an empty field is.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// What stands behind `before` in the names of fields that begin with it.
    pub(crate) fn named<'f>(&'f self, before: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter_map(move |(name, _)| name.strip_prefix(before))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// What was chosen, if anything was.
    pub(crate) fn chosen<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        if self.has(name) { id(self.text(name)).map(Some) } else { Ok(None) }
    }

    fn given_twice(&self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair.first() == pair.last())
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(pairs)) => {
                let fields = Self(pairs);
                if fields.given_twice() { Err(Failure::Status(StatusCode::BAD_REQUEST)) } else { Ok(fields) }
            }
            Err(refused) => match refused.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => Err(Failure::Status(StatusCode::PAYLOAD_TOO_LARGE)),
                _ => Err(Failure::Status(StatusCode::BAD_REQUEST)),
            },
        }
    }
}

/// What an address asks for behind its `?`. Whatever makes no sense there is as if it was not said.
#[derive(Debug, Default)]
pub(crate) struct Asked(Fields);

impl Asked {
    /// A query that a form of ours carried.
    pub(crate) fn of(query: &str) -> Self {
        let uri = http::Uri::builder().path_and_query(format!("/?{query}")).build();
        let pairs = uri.ok().and_then(|uri| Query::<Vec<(String, String)>>::try_from_uri(&uri).ok());
        Self(Fields(pairs.map(|Query(pairs)| pairs).unwrap_or_default()))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.text(name)
    }

    /// As a form that is to be filled in with it.
    pub(crate) fn fields(&self) -> &Fields {
        &self.0
    }

    pub(crate) fn read<T: FromStr>(&self, name: &str) -> Option<T> {
        self.0.text(name).parse().ok()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        Ok(Self(Fields(pairs.map(|Query(pairs)| pairs).unwrap_or_default())))
    }
}

/// An id in a path. What cannot be one never existed.
pub(crate) fn id<T: FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Error::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_comes_twice_is_noticed() {
        let pair = |name: &str| (name.to_owned(), "x".to_owned());
        assert!(!Fields(vec![pair("a"), pair("b")]).given_twice());
        assert!(Fields(vec![pair("a"), pair("b"), pair("a")]).given_twice());
    }
}
