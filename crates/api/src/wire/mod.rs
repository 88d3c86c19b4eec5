//! The Web API's own names and shapes (4.10.0), and nothing else. Keys that are required are always there; what is not
//! known is left out, never null; no key is ours.

mod account;
mod action;
mod log;
mod loose;
mod opener;
pub(crate) mod settings;
mod smartlock;
mod web_config;

pub(crate) use account::MyAccount;
pub(crate) use action::Action;
pub(crate) use log::{LogFilter, SmartlockLog};
pub(crate) use loose::Object;
pub(crate) use opener::{IntercomFilter, OpenerIntercomBrand, OpenerIntercomModel};
pub(crate) use smartlock::{AdminPin, Smartlock, SmartlockFilter, SmartlockUpdate};
pub(crate) use web_config::{BulkWebConfigRequest, WebConfig};

use lockwarden_app::clock::Time;

/// RFC 3339, UTC, milliseconds: `2025-01-16T12:20:23.541Z`.
fn date(time: Time) -> String {
    time.to_jiff().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_three_digits_after_the_second_even_if_they_are_zero() {
        assert_eq!(date(Time(1_737_030_023_541)), "2025-01-16T12:20:23.541Z");
        assert_eq!(date(Time(0)), "1970-01-01T00:00:00.000Z");
    }
}
