//! What a call brings along: path, query and body, each with its error in our own words, and nothing given twice.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use lockwarden_app::App;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::Failure;
use crate::wire::Object;

/// The number of a device in the path: decimal, `type · 2^32 + Nuki ID`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SmartlockPath {
    #[expect(dead_code, reason = "only described, never read: the text is parsed so that its error is ours")]
    smartlock_id: i64,
}

pub(crate) struct Smartlock(pub i64);

impl OperationInput for Smartlock {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Path::<SmartlockPath>::operation_input(context, operation);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Smartlock {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        decimal(parts, state)
            .await?
            .map(Self)
            .ok_or_else(|| Failure::bad("smartlockId must be a decimal number"))
    }
}

async fn decimal<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Option<i64>, Failure> {
    let Path(text) =
        Path::<String>::from_request_parts(parts, state).await.map_err(|_| Failure::not_found())?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    Ok(if digits { text.parse().ok() } else { None })
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BrandPath {
    #[expect(dead_code, reason = "only described, never read: the text is parsed so that its error is ours")]
    brand_id: i64,
}

/// The number of a brand of intercoms, which nobody knows here; only its form counts.
pub(crate) struct BrandNumber;

impl OperationInput for BrandNumber {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Path::<BrandPath>::operation_input(context, operation);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for BrandNumber {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let number = decimal(parts, state).await?;
        number.map(|_| Self).ok_or_else(|| Failure::bad("brandId must be a decimal number"))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct IntercomPath {
    #[expect(dead_code, reason = "only described, never read: the text is parsed so that its error is ours")]
    intercom_id: i64,
}

/// The same of a model of intercoms.
pub(crate) struct IntercomNumber;

impl OperationInput for IntercomNumber {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Path::<IntercomPath>::operation_input(context, operation);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IntercomNumber {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let number = decimal(parts, state).await?;
        number.map(|_| Self).ok_or_else(|| Failure::bad("intercomId must be a decimal number"))
    }
}

/// The same key again is the same order, for clients that repeat what they got no answer to.
pub(crate) struct IdempotencyKey(pub Option<String>);

const KEY: &str = "idempotency-key";

impl OperationInput for IdempotencyKey {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        let described = serde_json::json!({
            "in": "header",
            "name": "Idempotency-Key",
            "description": "1 to 128 visible ASCII characters; the same key again is the same order. Without one, an \
                opening that is asked for again before it has ended is the same order",
            "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
        });
        operation.parameters.extend(serde_json::from_value(described));
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let mut given = parts.headers.get_all(KEY).iter();
        let (Some(key), None) = (given.next(), given.next()) else {
            return if parts.headers.contains_key(KEY) {
                Err(Failure::bad("Idempotency-Key is given twice"))
            } else {
                Ok(Self(None))
            };
        };
        let key = key.to_str().map_err(|_| Failure::bad("Idempotency-Key: visible ASCII characters"))?;
        Ok(Self(Some(key.to_owned())))
    }
}

/// The query, refused if a parameter is given twice (which of them counts is what attacks are made of).
pub(crate) struct Ask<T>(pub T);

impl<T: JsonSchema> OperationInput for Ask<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Query::<T>::operation_input(context, operation);
    }
}

impl<T: DeserializeOwned> FromRequestParts<App> for Ask<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        let mut names: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split('=').next().unwrap_or(pair))
            .collect();
        let given = names.len();
        names.sort_unstable();
        names.dedup();
        if names.len() < given {
            return Err(Failure::bad("a query parameter is given twice"));
        }
        let Query(value) = Query::try_from_uri(&parts.uri).map_err(|error| {
            let text = error.body_text();
            // What comes before it are the words of the framework.
            let why = text.split_once(": ").map_or(text.as_str(), |(_, why)| why);
            Failure::bad(format!("query: {}", of_query(why)))
        })?;
        Ok(Self(value))
    }
}

/// A JSON object, whatever content type the client claims: several claim none.
pub(crate) struct Body<T>(pub T);

impl<T: JsonSchema> OperationInput for Body<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Json::<T>::operation_input(context, operation);
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| {
            let status = rejection.status();
            let words = if status == StatusCode::PAYLOAD_TOO_LARGE {
                "the body is too large"
            } else {
                "no readable body"
            };
            Failure::new(status, words)
        })?;
        serde_json::from_slice(&bytes).map(|Object(body)| Self(body)).map_err(|error| {
            let place = format!("at line {} column {}", error.line(), error.column());
            Failure::bad(format!("body: {} {place}", of_body(&error)))
        })
    }
}

/// What is wrong with a parameter, without the words of the language this is written in.
fn of_query(why: &str) -> String {
    why.replace("invalid digit found in string", "a whole number is expected")
        .replace("cannot parse integer from empty string", "a whole number is expected")
        .replace("number too large to fit in target type", "the number is too large")
        .replace("number too small to fit in target type", "the number is too small")
        .replace("provided string was not `true` or `false`", "true or false is expected")
}

/// The same of a body, without its place.
fn of_body(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    match (error.classify(), text.rsplit_once(", expected ")) {
        (Category::Eof, _) => "it ends too early".to_owned(),
        (Category::Data, Some((_, expected))) if expected.starts_with("struct ") => {
            "an object is expected".to_owned()
        }
        (Category::Data, Some((_, expected))) => {
            format!("{} is expected", expected.replace("a sequence", "a list"))
        }
        (Category::Data, None) => text.to_owned(),
        (Category::Syntax | Category::Io, _) => "it is not JSON".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_body_or_a_parameter_is_told_in_our_words() {
        let body = |text: &str| of_body(&serde_json::from_str::<Vec<u8>>(text).unwrap_err());
        assert_eq!(body("["), "it ends too early");
        assert_eq!(body(""), "it ends too early");
        assert_eq!(body("[1,]"), "it is not JSON");
        assert_eq!(body("{}"), "a list is expected");
        let number = |text: &str| of_query(&text.parse::<u8>().unwrap_err().to_string());
        assert_eq!(number("x"), "a whole number is expected");
        assert_eq!(number(""), "a whole number is expected");
        assert_eq!(number("300"), "the number is too large");
        assert_eq!(of_query(&"x".parse::<bool>().unwrap_err().to_string()), "true or false is expected");
    }
}
