//! The requests that are ever sent to a bridge (Bridge API 1.13.3, endpoints). What is not here is never asked: not the
//! simple `/lock` and `/unlock`, of which the second opens a knob door; not `/unpair`, `/factoryReset` or `/reboot`.

use std::time::Duration;

use lockwarden_app::devices::DeviceType;

use super::action::Deed;
use super::call::Patience;
use super::errors::About;

/// A bridge answers from what it knows within a moment; a busy radio delays it.
const QUICK: Duration = Duration::from_secs(10);
/// The bridge wakes the lock and waits until it has done what it should.
const ACTION: Duration = Duration::from_secs(30);
/// Lock 'n' go may be done only after its own timer, which is at most 60 s (Web API 4.10.0, `lngTimeout`).
const LOCK_N_GO: Duration = Duration::from_secs(90);
/// A person has 30 s to press the bridge's button.
const BUTTON: Duration = Duration::from_secs(40);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Asks for a token; somebody has to press the bridge's button. The only request without a token.
    Auth,
    Info,
    List,
    /// Wakes the lock, which costs battery; `List` has what the bridge last heard.
    LockState {
        nuki_id: u32,
        kind: DeviceType,
    },
    LockAction {
        nuki_id: u32,
        kind: DeviceType,
        deed: Deed,
    },
    CallbackList,
    CallbackAdd {
        url: String,
    },
    CallbackRemove {
        id: u32,
    },
}

impl Request {
    /// Path and query, with the proof behind. A lock action has no `nowait`: the answer comes when the lock is done,
    /// and says whether it is.
    pub(crate) fn target(&self, proof: &str) -> String {
        let (path, parameters) = match self {
            Self::Auth => return "/auth".to_owned(),
            Self::Info => ("/info", String::new()),
            Self::List => ("/list", String::new()),
            Self::LockState { nuki_id, kind } => ("/lockState", device(*nuki_id, *kind)),
            Self::LockAction { nuki_id, kind, deed } => {
                ("/lockAction", format!("{}action={}&", device(*nuki_id, *kind), deed.number()))
            }
            Self::CallbackList => ("/callback/list", String::new()),
            Self::CallbackAdd { url } => ("/callback/add", format!("url={}&", percent_encoded(url))),
            Self::CallbackRemove { id } => ("/callback/remove", format!("id={id}&")),
        };
        format!("{path}?{parameters}{proof}")
    }

    pub(crate) fn about(&self) -> About {
        match self {
            Self::Auth => About::Token,
            Self::LockState { .. } | Self::LockAction { .. } => About::Device,
            _ => About::Bridge,
        }
    }

    pub(crate) fn patience(&self) -> Patience {
        let whole = match self {
            Self::Auth => BUTTON,
            Self::LockAction { deed, .. } if deed.is_lock_n_go() => LOCK_N_GO,
            Self::LockAction { .. } | Self::LockState { .. } => ACTION,
            _ => QUICK,
        };
        Patience { head: whole, whole }
    }
}

fn device(nuki_id: u32, kind: DeviceType) -> String {
    format!("nukiId={nuki_id}&deviceType={}&", kind.code())
}

/// RFC 3986, 2.3: everything but the unreserved characters.
pub(super) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use lockwarden_app::devices::LockAction;

    use super::*;
    use crate::nuki_bridge::action::OpenerAction;

    const ID: u32 = 1_015_571_181;

    fn action(kind: DeviceType, deed: Deed) -> Request {
        Request::LockAction { nuki_id: ID, kind, deed }
    }

    fn every_request() -> Vec<Request> {
        let mut all = vec![
            Request::Auth,
            Request::Info,
            Request::List,
            Request::LockState { nuki_id: ID, kind: DeviceType::SmartLock34 },
            Request::CallbackList,
            Request::CallbackAdd { url: "http://192.168.1.9:8099/nuki-bridge/a1".to_owned() },
            Request::CallbackRemove { id: 2 },
        ];
        for lock_action in LockAction::KNOWN {
            all.extend(
                Deed::of_lock(*lock_action, DeviceType::SmartLock34)
                    .map(|deed| action(DeviceType::SmartLock34, deed)),
            );
        }
        for opener_action in OpenerAction::ALL {
            all.extend(
                Deed::of_opener(*opener_action, DeviceType::Opener)
                    .map(|deed| action(DeviceType::Opener, deed)),
            );
        }
        all
    }

    #[test]
    fn each_request_is_written_as_the_api_has_it() {
        let unlock = Deed::of_lock(LockAction::Unlock, DeviceType::SmartLock34).unwrap();
        for (request, target) in [
            (Request::Info, "/info?P"),
            (Request::List, "/list?P"),
            (Request::Auth, "/auth"),
            (
                Request::LockState { nuki_id: ID, kind: DeviceType::SmartDoor },
                "/lockState?nukiId=1015571181&deviceType=3&P",
            ),
            (
                action(DeviceType::SmartLock34, unlock),
                "/lockAction?nukiId=1015571181&deviceType=4&action=1&P",
            ),
            (Request::CallbackList, "/callback/list?P"),
            (
                Request::CallbackAdd { url: "http://192.168.1.9:8099/nuki-bridge/a1?b=c&d".to_owned() },
                "/callback/add?url=http%3A%2F%2F192.168.1.9%3A8099%2Fnuki-bridge%2Fa1%3Fb%3Dc%26d&P",
            ),
            (Request::CallbackRemove { id: 2 }, "/callback/remove?id=2&P"),
        ] {
            assert_eq!(request.target("P"), target);
        }
    }

    #[test]
    fn a_knob_door_is_never_opened_by_a_simple_unlock_and_nothing_is_reset() {
        let all = every_request();
        assert_eq!(all.len(), 7 + 5 + 5);
        for request in all {
            let target = request.target("P");
            let path = target.split('?').next().unwrap();
            assert!(
                ["/auth", "/info", "/list", "/lockState", "/lockAction"].contains(&path)
                    || path.starts_with("/callback/"),
                "{target}"
            );
            assert!(!target.to_ascii_lowercase().contains("nowait"), "{target}");
        }
    }

    #[test]
    fn what_a_person_or_a_motor_has_to_do_first_is_waited_for_longer() {
        let seconds = |request: &Request| request.patience().whole.as_secs();
        let deed = |lock_action| Deed::of_lock(lock_action, DeviceType::SmartLock34).unwrap();
        assert_eq!(seconds(&Request::List), 10);
        assert_eq!(seconds(&Request::Auth), 40);
        assert_eq!(seconds(&action(DeviceType::SmartLock34, deed(LockAction::Unlatch))), 30);
        assert_eq!(seconds(&action(DeviceType::SmartLock34, deed(LockAction::LockNGo))), 90);
    }

    #[test]
    fn nothing_in_a_parameter_can_become_another_parameter() {
        assert_eq!(percent_encoded("a-b._~9"), "a-b._~9");
        assert_eq!(percent_encoded("&=?#/ ü\r\n"), "%26%3D%3F%23%2F%20%C3%BC%0D%0A");
    }
}
