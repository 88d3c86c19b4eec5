//! What is shown instead of a page. Nothing here tells whether something exists that is not the asker's.

use http::StatusCode;
use lockwarden_app::Error;
use maud::{Markup, html};

use crate::failure::Failure;

pub(crate) async fn no_such_page() -> Failure {
    Error::NotFound.into()
}

pub(crate) async fn no_such_method() -> Failure {
    Failure::Status(StatusCode::METHOD_NOT_ALLOWED)
}

pub(crate) fn body(title: &str, sentence: &str) -> Markup {
    html! {
        section.narrow.empty {
            h1 { (title) }
            p { (sentence) }
            p { a.btn href="/devices" { "Back to the devices" } }
        }
    }
}
