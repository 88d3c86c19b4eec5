//! One place turns the product's error into status and body: the shape of the Web API's own (Restlet status), with
//! `detailMessage` beside it, which its Python client reads. Nothing here is 429 or 5xx because a lock is away: clients
//! repeat those by themselves, and an unlock must not be repeated.

use aide::OperationOutput;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lockwarden_app::{Error, Refusal};
use schemars::JsonSchema;
use serde::Serialize;

use crate::reply::json;

/// What a failed call answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody {
    code: u16,
    reason_phrase: &'static str,
    description: String,
    detail_message: String,
    home_ref: &'static str,
    uri: &'static str,
}

/// A failed call.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    words: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, words: words.into() }
    }

    pub(crate) fn bad(words: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, words)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found")
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "an API token is needed: Authorization: Bearer <token>")
    }

    pub(crate) fn unknown_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "this API token is unknown, or it was revoked")
    }

    /// The operations without a body say 405 where the others say 400 to what the device does not offer (Web API
    /// 4.10.0). What is wrong with the call itself is 400 there too.
    pub(crate) fn without_a_body(error: Error) -> Self {
        let not_offered = matches!(error, Error::Refused(Refusal::NotOffered | Refusal::NoWayToDo(_)));
        let failure = Self::from(error);
        let status = if not_offered { StatusCode::METHOD_NOT_ALLOWED } else { failure.status };
        Self { status, ..failure }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::NotFound => return Self::not_found(),
            Error::Ended => return Self::unknown_token(),
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::Invalid { .. }
            | Error::Refused(Refusal::NotOffered | Refusal::NoWayToDo(_) | Refusal::NoWayToSet(_)) => {
                StatusCode::BAD_REQUEST
            }
            Error::Refused(Refusal::TooManyWaiting(_)) => StatusCode::LOCKED,
            Error::Refused(_) => StatusCode::CONFLICT,
            Error::Internal(what) => {
                tracing::error!(error = what, "an API call failed");
                return Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "something broke here; the log has the details",
                );
            }
        };
        Self::new(status, error.to_string())
    }
}

/// How it can fail is said by each operation.
impl OperationOutput for Failure {
    type Inner = ErrorBody;
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            code: self.status.as_u16(),
            reason_phrase: self.status.canonical_reason().unwrap_or("Error"),
            description: self.words.clone(),
            detail_message: self.words,
            home_ref: "/",
            uri: "https://www.rfc-editor.org/rfc/rfc9110#section-15",
        };
        let mut response = (self.status, json(&body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
