//! Every typed id of the product, in one list. All are 64-bit numbers; those that a client sees fit a JSON number.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, serde::Serialize, serde::Deserialize)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;
            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                text.parse().map(Self)
            }
        }
    )*};
}

// Please keep this list in alphabetical order.
ids! {
    /// A sign-in. The id of an account's owner is also the id of the account. Fits 32 bits (Nuki Web API, `accountId`).
    AccountId;
    /// One entry of the activity log; grows with the time it was written.
    ActivityId;
    /// One thing to do with many devices.
    BulkId;
    /// A Nuki Bridge.
    BridgeId;
    /// One order to a device.
    CommandId;
    /// A device, whether or not it has connected yet. Random, below 2^53.
    DeviceId;
    /// A named set of devices. Random, below 2^53.
    GroupId;
    /// A device's login at the MQTT door.
    LoginId;
    /// A signed-in browser.
    SessionId;
    /// A personal API token.
    TokenId;
    /// A way to reach a device.
    WayId;
}
