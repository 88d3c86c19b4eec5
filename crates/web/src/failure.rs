//! What a handler returns when it cannot answer. The page is made in one place ([`crate::identify`]), which knows who
//! asked, so that every failure has the navigation, the same words and, if it is ours, one line in the log.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use lockwarden_app::{Error, Refusal};
use maud::Markup;

use crate::pages::error;
use crate::parts::said;
use crate::web::Web;

#[derive(Debug)]
pub(crate) enum Failure {
    App(Error),
    Status(StatusCode),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::App(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::App(refusal.into())
    }
}

/// Travels with the answer to where the page is made.
#[derive(Clone)]
pub(crate) struct Failed(Arc<Failure>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::App(Error::NotFound) => StatusCode::NOT_FOUND,
            Self::App(Error::Ended) => StatusCode::UNAUTHORIZED,
            Self::App(Error::Forbidden(_)) => StatusCode::FORBIDDEN,
            Self::App(Error::Invalid { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::App(Error::Refused(_)) => StatusCode::CONFLICT,
            Self::App(Error::Internal(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Status(status) => *status,
        }
    }

    /// A title and a sentence for the person who asked.
    fn words(&self, web: &Web) -> (String, String) {
        let pair = |title: &str, sentence: &str| (title.to_owned(), sentence.to_owned());
        match self {
            Self::App(Error::NotFound) | Self::Status(StatusCode::NOT_FOUND) => pair(
                "There is nothing here",
                "It was removed, it belongs to somebody else, or the address is mistyped.",
            ),
            Self::App(Error::Ended) => pair(
                "You are signed out",
                "This session was ended meanwhile. Nothing was changed. Sign in to go on.",
            ),
            Self::App(Error::Forbidden(why)) => (
                "You may not do this".to_owned(),
                format!("{}. Ask the owner of the account.", said::sentence(why)),
            ),
            Self::App(Error::Invalid { field, why }) => {
                ("Something is not right".to_owned(), format!("{}: {why}.", said::sentence(field)))
            }
            Self::App(Error::Refused(why)) => {
                ("Not done".to_owned(), format!("{}.", said::sentence(&why.to_string())))
            }
            Self::App(Error::Internal(what)) => {
                let id = web.app.chance().code::<10>();
                tracing::error!(request.id = id, error = what, "a page failed");
                let sentence = format!("It is noted in the server’s log as {id}. Try again in a moment.");
                ("This went wrong on our side".to_owned(), sentence)
            }
            Self::Status(StatusCode::METHOD_NOT_ALLOWED) => {
                pair("This cannot be done here", "The page exists, but not for what was asked of it.")
            }
            Self::Status(StatusCode::PAYLOAD_TOO_LARGE) => {
                pair("That is too much", "A form may hold at most 64 KB. Nothing was changed.")
            }
            Self::Status(StatusCode::FORBIDDEN) => pair(
                "This form was not accepted",
                "Forms work only when they are sent from these pages. Nothing was changed. If you did send it from \
                 here, open the page anew and try again.",
            ),
            Self::Status(_) => {
                pair("That could not be read", "The browser sent something that is not a form of ours.")
            }
        }
    }
}

/// The words of a failure: for a form that is answered in parts, one part; otherwise a whole page made by `frame`.
pub(crate) fn render(
    web: &Web,
    response: Response,
    in_parts: bool,
    frame: impl FnOnce(&str, Markup) -> Response,
) -> Response {
    let Some(Failed(failure)) = response.extensions().get::<Failed>().cloned() else {
        return response;
    };
    let (title, sentence) = failure.words(web);
    let mut page = if in_parts {
        axum::response::Html(said::problem(&sentence).into_string()).into_response()
    } else {
        frame(&title, error::body(&title, &sentence))
    };
    *page.status_mut() = failure.status();
    page
}

/// Answers that no page of ours made (a method nobody knows, a path that cannot be decoded) still say what they are.
pub(crate) async fn never_bare(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let bare =
        response.status().is_client_error() && !response.headers().contains_key(http::header::CONTENT_TYPE);
    if bare {
        let status = response.status();
        return (status, status.canonical_reason().unwrap_or("refused")).into_response();
    }
    response
}
