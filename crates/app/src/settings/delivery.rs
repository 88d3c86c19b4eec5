//! Between what a setting should be and what the device says it is. Pure: a row and what happened go in, the row as it is
//! then comes out.

use std::time::Duration;

use super::{Setting, SettingValue};
use crate::clock::Time;
use crate::ids::AccountId;

/// From sending to the device's own word; a hub asks its lock by Bluetooth, which takes seconds.
const READ_BACK: Duration = Duration::from_mins(2);
/// After so many tries that the device answered with something else, or not at all, somebody has to look.
const TRIES: i64 = 5;

/// Where a change stands. Nothing between the two columns is no state at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Not sent yet, or to be sent again: the way to the device may be away.
    Wanted,
    /// On its way; the device has not said it yet.
    Sent,
    /// The device, or what it is reached through, says no.
    Refused,
}

impl Delivery {
    pub const ALL: &'static [Self] = &[Self::Wanted, Self::Sent, Self::Refused];

    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Sent => "sent",
            Self::Refused => "refused",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.name() == name)
    }
}

/// One setting of one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub setting: Setting,
    pub reported: Option<SettingValue>,
    pub reported_at: Option<Time>,
    pub desired: Option<SettingValue>,
    pub desired_at: Option<Time>,
    pub desired_by: Option<AccountId>,
    pub delivery: Option<Delivery>,
    /// Why it was refused, or sent again.
    pub reason: Option<String>,
    pub sent_at: Option<Time>,
    pub tries: i64,
}

impl Held {
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            setting,
            reported: None,
            reported_at: None,
            desired: None,
            desired_at: None,
            desired_by: None,
            delivery: None,
            reason: None,
            sent_at: None,
            tries: 0,
        }
    }

    /// What whoever looks at it takes it to become: what should be, or else what is.
    pub fn shown(&self) -> Option<&SettingValue> {
        self.desired.as_ref().filter(|_| self.is_open()).or(self.reported.as_ref())
    }

    /// Somebody wants it otherwise than the device says.
    pub fn is_open(&self) -> bool {
        self.delivery.is_some_and(|delivery| delivery != Delivery::Refused)
    }

    /// Somebody wants it so. What the device says already needs no sending.
    pub(crate) fn want(&mut self, value: SettingValue, by: Option<AccountId>, now: Time) {
        let has_it =
            !self.is_open() && self.reported.as_ref().is_some_and(|reported| reported.agrees(&value));
        self.desired = Some(value);
        (self.desired_at, self.desired_by) = (Some(now), by);
        (self.reason, self.sent_at, self.tries) = (None, None, 0);
        self.delivery = (!has_it).then_some(Delivery::Wanted);
        if has_it {
            self.desired = None;
        }
    }

    /// Nobody wants it otherwise any more.
    pub(crate) fn leave(&mut self) {
        (self.desired, self.delivery, self.reason) = (None, None, None);
        (self.sent_at, self.tries) = (None, 0);
    }

    pub(crate) fn sent(&mut self, now: Time) {
        self.delivery = Some(Delivery::Sent);
        self.sent_at = Some(now);
        self.tries += 1;
    }

    /// What it is reached through answered; that is no proof, the device's own word is.
    pub(crate) fn answered(&mut self, refusal: Option<(&str, bool)>) {
        if self.delivery != Some(Delivery::Sent) {
            return;
        }
        let Some((words, may_be_repeated)) = refusal else { return };
        self.reason = Some(words.to_owned());
        let again = may_be_repeated && self.tries < TRIES;
        self.delivery = Some(if again { Delivery::Wanted } else { Delivery::Refused });
    }

    /// The device said what it is; true if anything changed that a person would see.
    pub(crate) fn told(&mut self, value: &SettingValue, now: Time) -> bool {
        let is_new = self.reported.as_ref() != Some(value);
        self.reported = Some(value.clone());
        self.reported_at = Some(now);
        let Some(desired) = &self.desired else { return is_new };
        if desired.agrees(value) {
            self.leave();
            return true;
        }
        if self.delivery == Some(Delivery::Sent) {
            self.reason = Some("the device has it otherwise".to_owned());
            self.delivery = Some(if self.tries < TRIES { Delivery::Wanted } else { Delivery::Refused });
            return true;
        }
        is_new
    }

    /// Nothing was heard of it for too long.
    pub(crate) fn is_overdue(&self, now: Time) -> bool {
        self.delivery == Some(Delivery::Sent) && self.sent_at.is_none_or(|sent| now.since(sent) > READ_BACK)
    }

    /// Nothing was heard of it however often it was sent: somebody has to look.
    pub(crate) fn is_given_up(&self, now: Time) -> bool {
        self.tries >= TRIES && self.is_overdue(now)
    }

    /// When it may be sent: at once, and later and later if the device does not take it.
    pub(crate) fn may_be_sent(&self, now: Time) -> bool {
        let exponent = u32::try_from(self.tries.clamp(0, 10)).unwrap_or(0);
        let pause = Duration::from_secs(15) * 2_u32.pow(exponent);
        let rested = self.tries == 0 || self.sent_at.is_none_or(|sent| now.since(sent) >= pause);
        self.delivery == Some(Delivery::Wanted) && rested
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time(seconds * 1_000)
    }

    fn number(value: i64) -> SettingValue {
        SettingValue::Int(value)
    }

    #[test]
    fn a_change_is_done_only_when_the_device_says_so() {
        let mut held = Held::new(Setting::LedBrightness);
        held.told(&number(2), at(0));
        held.want(number(5), None, at(1));
        assert_eq!((held.delivery, held.shown()), (Some(Delivery::Wanted), Some(&number(5))));
        held.sent(at(2));
        held.answered(None);
        assert_eq!(held.delivery, Some(Delivery::Sent), "an answer is no proof");
        assert!(held.told(&number(5), at(3)));
        assert_eq!((held.delivery, held.desired.clone(), held.reported), (None, None, Some(number(5))));
    }

    #[test]
    fn what_the_device_has_already_is_not_sent() {
        let mut held = Held::new(Setting::LedBrightness);
        held.told(&number(2), at(0));
        held.want(number(2), None, at(1));
        assert_eq!((held.delivery, held.desired.clone()), (None, None));
        held.want(number(5), None, at(2));
        held.want(number(2), None, at(3));
        assert_eq!(held.delivery, Some(Delivery::Wanted), "5 may be on its way");
    }

    #[test]
    fn a_device_that_keeps_saying_otherwise_is_asked_a_few_times_and_then_somebody_is_told() {
        let mut held = Held::new(Setting::LedBrightness);
        held.want(number(5), None, at(0));
        let mut seconds = 0;
        let mut sendings = 0;
        while held.delivery != Some(Delivery::Refused) {
            seconds += 1;
            if held.may_be_sent(at(seconds)) {
                held.sent(at(seconds));
                sendings += 1;
                held.told(&number(2), at(seconds));
            }
            assert!(seconds < 3_600, "it ends");
        }
        assert_eq!(sendings, TRIES);
        assert_eq!(held.shown(), Some(&number(2)), "what is refused is not shown as what will be");
        assert!(seconds > 15 + 30 + 60, "with longer and longer pauses");
    }

    #[test]
    fn a_refusal_that_asking_again_cannot_change_is_final_and_others_are_tried_again() {
        let mut held = Held::new(Setting::LedBrightness);
        held.want(number(5), None, at(0));
        held.sent(at(1));
        held.answered(Some(("busy", true)));
        assert_eq!(held.delivery, Some(Delivery::Wanted));
        held.sent(at(60));
        held.answered(Some(("not allowed", false)));
        assert_eq!((held.delivery, held.reason.as_deref()), (Some(Delivery::Refused), Some("not allowed")));
        held.want(number(4), None, at(61));
        assert_eq!((held.delivery, held.reason), (Some(Delivery::Wanted), None));
    }

    #[test]
    fn silence_is_noticed() {
        let mut held = Held::new(Setting::LedBrightness);
        held.want(number(5), None, at(0));
        held.sent(at(1));
        assert!(!held.is_overdue(at(100)));
        assert!(held.is_overdue(at(122)) && !held.is_given_up(at(122)));
        for _ in 1..TRIES {
            held.sent(at(200));
        }
        assert!(!held.is_given_up(at(300)), "the last try has its time too");
        assert!(held.is_given_up(at(321)));
    }
}
