//! The three cookies. With an https address they carry the `__Host-` prefix, which no other host or plain connection
//! can set.

use std::time::Duration;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::web::Web;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The session's secret.
    Session,
    /// The browser's secret: it is let in when guesses from elsewhere lock the password.
    Browser,
    /// A secret that was just made, to be shown on the page that follows.
    Once,
}

impl Cookie {
    fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, true) => "__Host-lockwarden",
            (Self::Session, false) => "lockwarden",
            (Self::Browser, true) => "__Host-lockwarden-browser",
            (Self::Browser, false) => "lockwarden-browser",
            (Self::Once, true) => "__Host-lockwarden-once",
            (Self::Once, false) => "lockwarden-once",
        }
    }

    fn lifetime(self) -> Duration {
        match self {
            // The server ends a session earlier than that.
            Self::Session => Duration::from_hours(720),
            Self::Browser => Duration::from_hours(24 * 365),
            Self::Once => Duration::from_mins(15),
        }
    }
}

impl Web {
    pub(crate) fn read_cookie<'a>(&self, headers: &'a HeaderMap, cookie: Cookie) -> Option<&'a str> {
        let name = cookie.name(self.https);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
    }

    /// A `Set-Cookie` line. `value` is always of our own making: hexadecimal, codes, fixed words.
    pub(crate) fn set_cookie(&self, cookie: Cookie, value: &str) -> HeaderValue {
        self.line(cookie, value, cookie.lifetime())
    }

    pub(crate) fn drop_cookie(&self, cookie: Cookie) -> HeaderValue {
        self.line(cookie, "", Duration::ZERO)
    }

    /// Whether an answer already changes this cookie, as signing out does.
    pub(crate) fn sets_cookie(&self, answer: &HeaderMap, cookie: Cookie) -> bool {
        let name = cookie.name(self.https);
        let lines = answer.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines.filter_map(|line| line.split_once('=')).any(|(key, _)| key == name)
    }

    fn line(&self, cookie: Cookie, value: &str, lifetime: Duration) -> HeaderValue {
        let name = cookie.name(self.https);
        let secure = if self.https { "; Secure" } else { "" };
        let age = lifetime.as_secs();
        let line = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&line).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}
