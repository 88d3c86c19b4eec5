//! What can go wrong between us and a bridge, in words for a person; and whether a command that met it can have been
//! carried out.

use std::time::Duration;

/// A 503 sooner than this after the sending is the bridge refusing. No lock is known to have finished an action sooner
/// than in three seconds, so a later one may be the bridge giving up on a lock that has already begun.
const AT_ONCE: Duration = Duration::from_secs(2);

/// What a request is about, as far as a refusal means something else then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Token,
    Device,
    Bridge,
}

/// Why a request to a bridge brought no answer that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trouble {
    /// 401.
    WrongToken,
    /// 503 at once, or we keep away after one: it takes one request at a time.
    Busy,
    /// 503 after it tried.
    DeviceSilent,
    /// 400.
    BadRequest,
    /// 404 for a request about a device.
    UnknownDevice,
    /// 403.
    Disabled,
    /// 403 for the request that asks for a token.
    GivesNoToken,
    NotResolved,
    /// Every address of the name is one that nothing is ever sent to.
    ForbiddenAddress,
    Refused,
    NoConnection,
    /// The connection stood, and the answer did not come in time.
    NoAnswer,
    /// The connection ended before the answer did.
    CutOff,
    NotABridge,
    TooLarge,
    TooManyDevices,
    Redirected,
    /// Any other status.
    Failed,
    /// Its deadline passed before it could be sent.
    TooLate,
    /// Too many requests wait for this bridge.
    TooManyWaiting,
}

impl Trouble {
    #[cfg(test)]
    pub(crate) const ALL: &'static [Self] = &[
        Self::WrongToken,
        Self::Busy,
        Self::DeviceSilent,
        Self::BadRequest,
        Self::UnknownDevice,
        Self::Disabled,
        Self::GivesNoToken,
        Self::NotResolved,
        Self::ForbiddenAddress,
        Self::Refused,
        Self::NoConnection,
        Self::NoAnswer,
        Self::CutOff,
        Self::NotABridge,
        Self::TooLarge,
        Self::TooManyDevices,
        Self::Redirected,
        Self::Failed,
        Self::TooLate,
        Self::TooManyWaiting,
    ];

    /// What a status other than success means. Of a request that named a device 404 is about it, and of the one for a
    /// token 403 is about giving out tokens alone (Bridge API 1.13.3, errors of the endpoints).
    pub(crate) fn of_status(status: u16, took: Duration, about: About) -> Self {
        match status {
            300..=399 => Self::Redirected,
            400 => Self::BadRequest,
            401 => Self::WrongToken,
            403 if about == About::Token => Self::GivesNoToken,
            403 => Self::Disabled,
            404 if about == About::Device => Self::UnknownDevice,
            404 => Self::NotABridge,
            503 if took < AT_ONCE => Self::Busy,
            503 => Self::DeviceSilent,
            _ => Self::Failed,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::WrongToken => {
                "the bridge refuses the token: enter the one of the Nuki app, and check that the clocks of both are \
                 right"
            }
            Self::Busy => "the bridge is busy with another request; try again in a moment",
            Self::DeviceSilent => {
                "the bridge did not get the device to answer: see that it is in reach of the bridge, with good batteries"
            }
            Self::BadRequest => "the bridge did not understand the request; its firmware may need an update",
            Self::UnknownDevice => "the bridge knows no such device: pair it with the bridge in the Nuki app",
            Self::Disabled => "the bridge's HTTP API is switched off: switch it on in the Nuki app",
            Self::GivesNoToken => {
                "the bridge gives out no token by its button: enter the token that the Nuki app shows for it"
            }
            Self::NotResolved => "there is no address for the bridge's name; its address in numbers may work",
            Self::ForbiddenAddress => {
                "the bridge's name leads to an address that is not one of a bridge; enter its address in numbers"
            }
            Self::Refused => {
                "nothing answers at the bridge's address: check address and port, and that its HTTP API is switched on"
            }
            Self::NoConnection => {
                "the bridge cannot be reached: check its address, and that it has power and network"
            }
            Self::NoAnswer => "the bridge did not answer in time",
            Self::CutOff => "the bridge ended the connection before it had answered",
            Self::NotABridge => "what answers at this address is not a Nuki bridge: check address and port",
            Self::TooLarge => "what answers at this address says more than any Nuki bridge would",
            Self::TooManyDevices => {
                "it lists more than 100 devices, more than are taken of one bridge: none of them was taken over"
            }
            Self::Redirected => {
                "what answers at this address sends on to another one, which no Nuki bridge does"
            }
            Self::Failed => "the bridge reported an error that it has no name for",
            Self::TooLate => "it could not be sent in time, so it was not sent",
            Self::TooManyWaiting => "too many requests wait for this bridge already",
        }
    }

    /// A lock action that met this has certainly not been carried out: nothing of it reached the bridge, or the bridge
    /// refused it. Everything else stays unknown, because the lock may be turning.
    pub(crate) fn is_certainly_not_executed(self) -> bool {
        match self {
            Self::WrongToken
            | Self::Busy
            | Self::BadRequest
            | Self::UnknownDevice
            | Self::Disabled
            | Self::GivesNoToken
            | Self::NotResolved
            | Self::ForbiddenAddress
            | Self::Refused
            | Self::NoConnection
            | Self::TooLate
            | Self::TooManyWaiting => true,
            Self::DeviceSilent
            | Self::NoAnswer
            | Self::CutOff
            | Self::NotABridge
            | Self::TooLarge
            | Self::TooManyDevices
            | Self::Redirected
            | Self::Failed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const SOON: Duration = Duration::from_millis(40);

    #[test]
    fn every_status_of_the_api_has_its_own_meaning() {
        for (status, about, trouble) in [
            (400, About::Device, Trouble::BadRequest),
            (401, About::Device, Trouble::WrongToken),
            (403, About::Bridge, Trouble::Disabled),
            (403, About::Token, Trouble::GivesNoToken),
            (404, About::Device, Trouble::UnknownDevice),
            (404, About::Bridge, Trouble::NotABridge),
            (503, About::Device, Trouble::Busy),
            (302, About::Bridge, Trouble::Redirected),
            (500, About::Device, Trouble::Failed),
        ] {
            assert_eq!(Trouble::of_status(status, SOON, about), trouble, "{status}");
        }
    }

    #[test]
    fn a_bridge_that_gives_up_after_a_while_may_have_reached_the_lock() {
        let late = Trouble::of_status(503, Duration::from_secs(9), About::Device);
        assert_eq!(late, Trouble::DeviceSilent);
        assert!(!late.is_certainly_not_executed());
        assert!(Trouble::of_status(503, SOON, About::Device).is_certainly_not_executed());
    }

    #[test]
    fn only_what_never_arrived_or_was_refused_is_certainly_not_executed() {
        use Trouble as T;
        let unknown: Vec<T> =
            T::ALL.iter().copied().filter(|trouble| !trouble.is_certainly_not_executed()).collect();
        assert_eq!(
            unknown,
            [
                T::DeviceSilent,
                T::NoAnswer,
                T::CutOff,
                T::NotABridge,
                T::TooLarge,
                T::TooManyDevices,
                T::Redirected,
                T::Failed
            ]
        );
    }

    #[test]
    fn each_trouble_has_words_of_its_own() {
        let words: HashSet<&str> = Trouble::ALL.iter().map(|trouble| trouble.words()).collect();
        assert_eq!((words.len(), Trouble::ALL.len()), (20, 20));
    }
}
