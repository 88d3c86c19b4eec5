//! What is known of intercoms. Which brands and models there are, and how each is wired, the Web API answers from a
//! database of Nuki's own (`/opener/brand`, `/opener/intercom`); no public source has that data, so there is none here,
//! and the number of a model (`intercomId`) stays a number.

use super::about::Choice;

/// By `operatingMode` (Web API 4.10.0 `Smartlock.Config`).
pub const OPERATING_MODES: &[Choice] = &[
    Choice(0x00, "generic door opener"),
    Choice(0x01, "analogue intercom"),
    Choice(0x02, "digital intercom"),
    Choice(0x03, "digital intercom Siedle"),
    Choice(0x04, "digital intercom TCS"),
    Choice(0x05, "digital intercom Bticino"),
    Choice(0x06, "analogue intercom Siedle HTS"),
    Choice(0x07, "digital intercom STR"),
    Choice(0x08, "digital intercom Ritto"),
    Choice(0x09, "digital intercom Fermax"),
    Choice(0x0A, "digital intercom Comelit"),
    Choice(0x0B, "digital intercom Urmet BiBus"),
    Choice(0x0C, "digital intercom Urmet 2Voice"),
    Choice(0x0D, "digital intercom Golmar"),
    Choice(0x0E, "digital intercom SKS"),
    Choice(0x0F, "digital intercom (spare)"),
];
