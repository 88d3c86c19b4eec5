//! What a bridge says (Bridge API 1.13.3), read with limits. Numbers nobody knows are kept; what is not there stays
//! unsaid; what has the wrong type is unsaid too, and counted; only what cannot be from a bridge at all is an error.

pub(crate) mod devices;
pub(crate) mod info;
mod scalar;

use lockwarden_app::devices::Observation;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::scalar::{Odd, Scalar, Sequence};
use super::errors::Trouble;
use super::token::Token;

/// No answer of a bridge is longer; a device takes about 450 bytes of `/list`.
pub(crate) const LONGEST_ANSWER: usize = 64 * 1_024;
/// No callback is longer.
pub(crate) const LONGEST_CALLBACK: usize = 4 * 1_024;
/// Callbacks that are read of a bridge. It keeps three.
const MOST_CALLBACKS: usize = 16;

/// An answer that no bridge gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl From<Unreadable> for Trouble {
    fn from(_: Unreadable) -> Self {
        Self::NotABridge
    }
}

/// JSON of at most `longest` bytes. A name that the lock cut within a letter must not make the rest unreadable.
fn read<T: DeserializeOwned>(body: &[u8], longest: usize) -> Result<T, Unreadable> {
    if body.len() > longest {
        return Err(Unreadable);
    }
    serde_json::from_str(&String::from_utf8_lossy(body)).map_err(|_| Unreadable)
}

/// The answer to a lock action: the lock did it, or did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub success: bool,
    pub battery_critical: Option<bool>,
}

impl Done {
    pub(crate) fn observations(self) -> Vec<Observation> {
        self.battery_critical.map(Observation::BatteryCritical).into_iter().collect()
    }
}

/// What `/auth` came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Authorised {
    Token(Token),
    /// Nobody pressed the button in time.
    NotPressed,
}

/// What became of a callback that was to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    Yes,
    /// It was there already.
    Already,
    /// All three places are taken.
    Full,
    /// In the bridge's words, which are not to be shown as they are.
    Refused(String),
}

/// A callback that a bridge keeps. The id is its place, and may change whenever another one is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registered {
    pub id: u32,
    pub url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAnswer {
    #[serde(default)]
    success: Scalar,
    #[serde(default)]
    battery_critical: Scalar,
    #[serde(default)]
    token: Scalar,
    #[serde(default)]
    message: Scalar,
}

#[derive(Deserialize)]
struct RawCallbacks {
    callbacks: Sequence<RawCallback, MOST_CALLBACKS>,
}

#[derive(Deserialize)]
struct RawCallback {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    url: Scalar,
}

/// `/lockAction`.
pub(crate) fn lock_action(body: &[u8]) -> Result<Done, Unreadable> {
    let raw: RawAnswer = read(body, LONGEST_ANSWER)?;
    let odd = &mut Odd::default();
    let success = raw.success.truth(odd).ok_or(Unreadable)?;
    Ok(Done { success, battery_critical: raw.battery_critical.truth(odd) })
}

/// `/callback/remove`, and whatever else answers only whether it was done.
pub(crate) fn done(body: &[u8]) -> Result<bool, Unreadable> {
    lock_action(body).map(|done| done.success)
}

/// `/auth`.
pub(crate) fn auth(body: &[u8]) -> Result<Authorised, Unreadable> {
    let raw: RawAnswer = read(body, LONGEST_ANSWER)?;
    let odd = &mut Odd::default();
    if !raw.success.truth(odd).ok_or(Unreadable)? {
        return Ok(Authorised::NotPressed);
    }
    let token = raw.token.text(odd).ok_or(Unreadable)?;
    Token::new(&token).map(Authorised::Token).map_err(|_| Unreadable)
}

/// `/callback/add`.
pub(crate) fn callback_added(body: &[u8]) -> Result<Added, Unreadable> {
    let raw: RawAnswer = read(body, LONGEST_ANSWER)?;
    let odd = &mut Odd::default();
    if raw.success.truth(odd).ok_or(Unreadable)? {
        return Ok(Added::Yes);
    }
    let message = raw.message.name(odd).unwrap_or_default();
    let words = message.to_ascii_lowercase();
    Ok(if words.contains("already") {
        Added::Already
    } else if words.contains("too many") {
        Added::Full
    } else {
        Added::Refused(message)
    })
}

/// `/callback/list`. A callback without a place or an address cannot be kept or removed, and is left out.
pub(crate) fn callbacks(body: &[u8]) -> Result<Vec<Registered>, Unreadable> {
    let raw: RawCallbacks = read(body, LONGEST_ANSWER)?;
    let odd = &mut Odd::default();
    let each = raw.callbacks.items.into_iter();
    Ok(each
        .filter_map(|callback| {
            Some(Registered { id: callback.id.number(odd)?, url: callback.url.text(odd)? })
        })
        .collect())
}

/// Every reader on the same bytes.
pub(crate) fn read_as_everything(body: &[u8]) {
    let _ = (devices::list(body), info::info(body), lock_action(body), done(body), auth(body));
    let _ = (callbacks(body), callback_added(body), devices::callback(body));
    for kind in lockwarden_app::devices::DeviceType::KNOWN {
        let _ = devices::lock_state(body, *kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_lock_action_is_whether_the_lock_did_it() {
        let done = lock_action(br#"{"success":true,"batteryCritical":false}"#).unwrap();
        assert_eq!(done, Done { success: true, battery_critical: Some(false) });
        assert_eq!(done.observations(), [Observation::BatteryCritical(false)]);
        let failed = lock_action(br#"{"success": false}"#).unwrap();
        assert_eq!(failed, Done { success: false, battery_critical: None });
        assert_eq!(failed.observations(), []);
    }

    #[test]
    fn an_answer_that_does_not_say_success_is_not_success() {
        for body in [
            "",
            "{}",
            "[]",
            "true",
            r#"{"success":1}"#,
            r#"{"success":"true"}"#,
            r#"{"success":null}"#,
            r#"{"success":true"#,
            r#"{"success":true,"success":false}"#,
            r#"{"success":true}{"success":true}"#,
            "<html>success</html>",
            "HTTP 503 Unavailable",
        ] {
            assert_eq!(lock_action(body.as_bytes()), Err(Unreadable), "{body}");
            assert_eq!(done(body.as_bytes()), Err(Unreadable), "{body}");
        }
    }

    #[test]
    fn the_button_brings_a_token_and_nothing_else_does() {
        let token = Token::new("token123").unwrap();
        assert_eq!(auth(br#"{"token":"token123","success":true}"#), Ok(Authorised::Token(token)));
        assert_eq!(auth(br#"{"success":false}"#), Ok(Authorised::NotPressed));
        assert_eq!(auth(br#"{"success":true}"#), Err(Unreadable));
        assert_eq!(auth(br#"{"success":true,"token":"a b"}"#), Err(Unreadable));
        assert_eq!(auth(br#"{"success":true,"token":123456}"#), Err(Unreadable));
    }

    #[test]
    fn the_words_in_which_a_bridge_takes_no_callback_are_understood() {
        for (body, added) in [
            (r#"{"success":true}"#, Added::Yes),
            (r#"{"success":false,"message":"too many callbacks registered"}"#, Added::Full),
            (r#"{"success":false,"message":"callback already added"}"#, Added::Already),
            (r#"{"success":false,"message":"no\u0007\n<b>"}"#, Added::Refused("no<b>".to_owned())),
            (r#"{"success":false}"#, Added::Refused(String::new())),
        ] {
            assert_eq!(callback_added(body.as_bytes()), Ok(added), "{body}");
        }
    }

    #[test]
    fn callbacks_come_with_their_places_and_broken_ones_are_left_out() {
        let body = br#"{"callbacks":[{"id":0,"url":"http://192.168.1.9/a"},{"id":-1,"url":"http://b"},7,
            {"id":2},{"id":1,"url":"http://192.168.1.8/c"}]}"#;
        let expected = [(0, "http://192.168.1.9/a"), (1, "http://192.168.1.8/c")]
            .map(|(id, url)| Registered { id, url: url.to_owned() });
        assert_eq!(callbacks(body).unwrap(), expected);
        assert_eq!(callbacks(br#"{"callbacks":[]}"#), Ok(Vec::new()));
        for wrong in ["{}", "[]", r#"{"callbacks":null}"#] {
            assert_eq!(callbacks(wrong.as_bytes()), Err(Unreadable), "{wrong}");
        }
        let seventeen = format!(r#"{{"callbacks":[{}]}}"#, vec!["0"; 17].join(","));
        assert_eq!(callbacks(seventeen.as_bytes()), Err(Unreadable));
    }
}
