//! Two guards around everything: a form counts only when it was sent from these pages, and every answer tells the
//! browser what it must not do with it.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::failure::{Failure, render};
use crate::identify::IN_PARTS;
use crate::parts::frame;
use crate::web::Web;

pub(crate) const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'";

const FIXED: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, CSP),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: with it browsers send `Origin: null` with our own forms too.
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=()",
    ),
];

pub(crate) async fn headers(State(web): State<Web>, request: Request, next: Next) -> Response {
    let in_parts = request.headers().contains_key(IN_PARTS);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if in_parts {
        // By this our script knows the answer as ours: a proxy answers in its own name while we are away.
        headers.insert(IN_PARTS, HeaderValue::from_static("1"));
    }
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if web.https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

pub(crate) async fn same_origin_only(State(web): State<Web>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if safe || from_here(request.headers(), web.origin.as_deref()) {
        return next.run(request).await;
    }
    tracing::warn!(path = request.uri().path(), "a form from another origin was refused");
    let refused = Failure::Status(StatusCode::FORBIDDEN).into_response();
    let in_parts = request.headers().contains_key(IN_PARTS);
    render(&web, refused, in_parts, |title, body| frame::bare(&web, title, &body).into_response())
}

/// Whether a form was sent from these pages. Browsers say where a POST comes from by `Origin`, newer ones on https
/// also by `Sec-Fetch-Site`. Whoever says neither is no browser that could be talked into it, nor one of ours.
fn from_here(headers: &HeaderMap, own: Option<&str>) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    match (text(ORIGIN), own, text(HOST)) {
        (Some(origin), Some(own), _) => origin.eq_ignore_ascii_case(own),
        (Some(origin), None, Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }
        _ => false,
    }
}

/// An answer that may be kept for ever: its address changes with its content.
pub(crate) const FOR_EVER: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&'static str, &'static str)], own: Option<&str>) -> bool {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        from_here(&pairs.collect(), own)
    }

    #[test]
    fn only_a_form_that_says_it_came_from_here_came_from_here() {
        let own = Some("https://locks.example.org");
        assert!(sent(&[("sec-fetch-site", "same-origin")], own));
        assert!(sent(&[("origin", "https://locks.example.org")], own));
        assert!(sent(&[("origin", "http://192.0.2.1:8080"), ("host", "192.0.2.1:8080")], None));
        for foreign in [
            &[][..],
            &[("host", "locks.example.org")],
            &[("origin", "null")],
            &[("origin", "http://locks.example.org")],
            &[("origin", "https://locks.example.org.evil.example")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://locks.example.org")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!sent(foreign, own), "{foreign:?}");
        }
        assert!(!sent(&[("origin", "http://192.0.2.1:9090"), ("host", "192.0.2.1:8080")], None));
    }

    #[test]
    fn the_policy_allows_nothing_inline_and_nothing_from_elsewhere() {
        assert!(!CSP.contains("unsafe"));
        assert!(!CSP.contains("http"));
        assert!(CSP.starts_with("default-src 'none'"));
    }
}
