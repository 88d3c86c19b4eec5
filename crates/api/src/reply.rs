//! Answers: JSON with its character set, or 204 with nothing.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described, StatusCode as DescribedStatus};
use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// 200 with a body.
pub(crate) struct Reply<T>(pub T);

/// 204: valid and on its way; the outcome is in the device's state and the log.
pub(crate) struct Accepted;

/// The Web API's own content type.
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

pub(crate) fn json(value: &impl Serialize) -> Response {
    answer(written(value))
}

/// Nothing if it cannot be written, which the log tells.
pub(crate) fn written(value: &impl Serialize) -> Option<Bytes> {
    let written = serde_json::to_vec(value);
    written
        .map(Bytes::from)
        .inspect_err(|error| tracing::error!(%error, "an answer could not be written"))
        .ok()
}

pub(crate) fn answer(written: Option<Bytes>) -> Response {
    written.map_or_else(
        || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        |bytes| ([(header::CONTENT_TYPE, JSON)], bytes).into_response(),
    )
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        json(&self.0)
    }
}

impl<T: JsonSchema> OperationOutput for Reply<T> {
    type Inner = T;

    fn operation_response(context: &mut GenContext, operation: &mut Operation) -> Option<Described> {
        Json::<T>::operation_response(context, operation)
    }

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<DescribedStatus>, Described)> {
        Json::<T>::inferred_responses(context, operation)
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl OperationOutput for Accepted {
    type Inner = ();

    fn operation_response(_: &mut GenContext, _: &mut Operation) -> Option<Described> {
        Some(Described { description: "Ok".to_owned(), ..Described::default() })
    }

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<DescribedStatus>, Described)> {
        let described = Self::operation_response(context, operation);
        described.map(|described| (Some(DescribedStatus::Code(204)), described)).into_iter().collect()
    }
}
