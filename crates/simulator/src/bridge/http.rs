//! As much of HTTP/1.1 as a small device speaks: one short request line, headers it hardly looks at, and no body.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes of a request's head.
const LONGEST: usize = 4_096;

/// A request: its path and what stands behind the question mark.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub method: String,
    pub path: String,
    pub target: String,
    pub closes: bool,
    parameters: Vec<(String, String)>,
}

impl Request {
    /// From a target such as `/list?token=1`.
    pub(super) fn of(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self {
            method: "GET".to_owned(),
            path: path.trim_end_matches('/').to_owned(),
            target: target.to_owned(),
            closes: false,
            // The first equals sign divides: an address that was not encoded may hold more.
            parameters: pairs.map(|(key, value)| (key.to_owned(), decoded(value))).collect(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, key: &str) -> Option<u32> {
        self.get(key)?.parse().ok()
    }

    /// The next request on a connection. `None` when there is none, or none that can be read.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == LONGEST {
                return None;
            }
            head.push(from.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).ok()?;
        let mut lines = head.lines();
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?, first.next()?);
        let closes = lines.any(|line| line.eq_ignore_ascii_case("connection: close"));
        Some(Self { method: method.to_owned(), closes, ..Self::of(target) })
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = text_of(tail.get(..2)).and_then(|code| u8::from_str_radix(code, 16).ok());
        if let (b'%', Some(byte)) = (first, code) {
            bytes.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text_of(bytes: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(bytes?).ok()
}

/// What goes back: a status, and a body that is JSON or plain words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub(super) fn json(body: String) -> Self {
        Self { status: 200, body }
    }

    pub(super) fn success(success: bool) -> Self {
        Self::json(format!(r#"{{"success":{success}}}"#))
    }

    pub(super) fn error(status: u16) -> Self {
        let words = match status {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            _ => "Unavailable",
        };
        Self { status, body: format!("HTTP {status} {words}") }
    }

    /// Head and body.
    pub(super) fn bytes(&self, closes: bool) -> Vec<u8> {
        let kind = if self.status == 200 { "application/json" } else { "text/plain" };
        let (status, length) = (self.status, self.body.len());
        let connection = if closes { "close" } else { "keep-alive" };
        let reason = if status == 200 { "OK" } else { "Error" };
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
             Connection: {connection}\r\n\r\n"
        );
        [head.as_bytes(), self.body.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_read_and_what_is_none_is_not() {
        let read = async |text: &str| Request::read(&mut text.as_bytes()).await;
        let request =
            read("GET /callback/add?url=http%3A%2F%2Fa%3Fb%3Dc&token=1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let request = request.unwrap();
        assert_eq!((request.path.as_str(), request.get("url")), ("/callback/add", Some("http://a?b=c")));
        let raw = Request::of("/callback/add?url=http://a:1/b?c=d&x=%zz%");
        assert_eq!((raw.get("url"), raw.get("x")), (Some("http://a:1/b?c=d"), Some("%zz%")));
        assert!(read("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n").await.unwrap().closes);
        assert_eq!(read("GET").await, None);
        assert_eq!(read("\r\n\r\n").await, None);
        assert_eq!(read(&format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(5_000))).await, None);
    }
}
