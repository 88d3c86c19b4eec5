//! Whether a bridge reaches its devices. It does not tell: it goes on repeating what it last heard, and a 503 at once means
//! that it is busy as well as that the device does not answer (Bridge API 1.13.3, `/lockState`, `/lockAction`). So after
//! one, the bridge is made to ask the device itself, and what it repeats of a silent one is no news.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lockwarden_app::bridges::{Behind, Polled};
use lockwarden_app::clock::{Steady, Time};
use lockwarden_app::devices::{Connector, Observation};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::ways;

use super::said::{hand_over, known_at};
use super::{Bridge, EVERY, ITSELF, note, reached};
use crate::door::Door;
use crate::nuki_bridge::errors::Trouble;
use crate::nuki_bridge::queue::Urgency;
use crate::nuki_bridge::request::Request;
use crate::nuki_bridge::wire::devices::{BridgeDevice, Fresh, StateReport, lock_state};

/// Without a word of a device that the bridge does not see either, it is asked itself; and not sooner again.
const LONG: Duration = Duration::from_hours(6);

/// What is known of how a bridge reaches its devices, as long as we speak with it.
#[derive(Default)]
pub(super) struct Reach(Mutex<HashMap<DeviceId, Part>>);

#[derive(Default)]
struct Part {
    /// What the bridge says of it, since when, and when it last said something else.
    said: Option<StateReport>,
    since: Option<Time>,
    until_then: Option<Time>,
    listed_at: Option<Time>,
    /// When it was last asked because the bridge did not see it.
    asked_at: Option<Time>,
    doubt: Option<Doubt>,
}

struct Doubt {
    is_silent: bool,
    /// The bridge has answered since, so that it is not the bridge that is busy all the time.
    has_listed: bool,
    ask_at: Steady,
}

/// What a bridge's word of a device is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A repetition of what it knew before it lost the device.
    Repeated,
    /// The first one, or the first since it had lost the device.
    Anew,
    Usual,
}

impl Reach {
    fn parts(&self) -> MutexGuard<'_, HashMap<DeviceId, Part>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bridge itself is away: nobody knows any more.
    pub(super) fn forget(&self) {
        self.parts().clear();
    }

    /// The bridge lists a device: what that is worth, and when it heard it. Its clock may be wrong: before it said something
    /// else it has not heard this, nor later than it first said this.
    pub(super) fn listed(&self, device: DeviceId, said: Option<&StateReport>, now: Time) -> (Word, Time) {
        let mut parts = self.parts();
        let part = parts.entry(device).or_default();
        let is_first = part.listed_at.is_none();
        let was_silent = part.doubt.as_ref().is_some_and(|doubt| doubt.is_silent);
        // That it rang ends by itself.
        let lasting = said.map(|said| StateReport { is_ringing: None, ..said.clone() });
        if part.said != lasting {
            (part.said, part.since, part.until_then) = (lasting, Some(now), part.listed_at);
            part.doubt = None;
        } else if let Some(doubt) = &mut part.doubt {
            doubt.has_listed = true;
        }
        let word = match (&part.doubt, was_silent) {
            (Some(Doubt { is_silent: true, .. }), _) => Word::Repeated,
            (None, true) => Word::Anew,
            _ if is_first => Word::Anew,
            _ => Word::Usual,
        };
        part.listed_at = Some(now);
        let since = *part.since.get_or_insert(now);
        let heard = known_at(said, now).map_or(since, |at| at.max(part.until_then.unwrap_or(at)));
        (word, heard.min(since))
    }

    /// Something that was to reach the device met this. True if the device is known to be silent now.
    fn met(&self, device: DeviceId, trouble: Trouble, now: Steady) -> bool {
        let mut parts = self.parts();
        let part = parts.entry(device).or_default();
        let again = |doubt: &Doubt| doubt.is_silent || doubt.has_listed && now >= doubt.ask_at;
        let is_silent = match trouble {
            Trouble::DeviceSilent => true,
            Trouble::Busy => part.doubt.as_ref().is_some_and(again),
            _ => return false,
        };
        if is_silent {
            part.doubt = Some(Doubt { is_silent, has_listed: false, ask_at: now.plus(ITSELF) });
        } else if part.doubt.is_none() {
            part.doubt = Some(Doubt { is_silent, has_listed: false, ask_at: now.plus(EVERY) });
        }
        is_silent
    }

    /// The bridge scans and does not see the device. Whether one that sleeps is always seen is unconfirmed, so it is asked
    /// only after it has said nothing for long: that wakes it.
    pub(super) fn unseen(&self, device: DeviceId, (now, steady): (Time, Steady)) {
        let mut parts = self.parts();
        let Some(part) = parts.get_mut(&device).filter(|part| part.doubt.is_none()) else { return };
        if part.since.max(part.asked_at).is_some_and(|last| now.since(last) >= LONG) {
            part.asked_at = Some(now);
            part.doubt = Some(Doubt { is_silent: false, has_listed: false, ask_at: steady });
        }
    }

    fn answered(&self, device: DeviceId) {
        self.parts().entry(device).or_default().doubt = None;
    }

    fn is_to_be_asked(&self, device: DeviceId, now: Steady) -> bool {
        let parts = self.parts();
        let doubt = parts.get(&device).and_then(|part| part.doubt.as_ref());
        doubt.is_some_and(|doubt| doubt.has_listed && now >= doubt.ask_at)
    }
}

/// An order reached the device, or met this.
pub(super) fn ordered(door: &Door, bridge: &Bridge, device: DeviceId, met: Option<Trouble>) {
    let now = door.app.clock().steady();
    let out_of_reach = match met {
        None => {
            bridge.reach.answered(device);
            None
        }
        Some(trouble) if bridge.reach.met(device, trouble, now) => Some(String::new()),
        Some(_) => return,
    };
    let seen = Observation::Trouble(ways::Trouble::OutOfReach, out_of_reach);
    door.committer.observe((device, Connector::NukiBridge), seen, door.app.now());
}

/// The bridge does not know a device any more that it had listed. Once it does again, what it says is new.
pub(super) fn unlisted(door: &Door, bridge: &Bridge, device: DeviceId) {
    bridge.reach.parts().remove(&device);
    let seen = Observation::Trouble(ways::Trouble::OutOfReach, Some(String::new()));
    door.committer.observe((device, Connector::NukiBridge), seen, door.app.now());
}

/// Somebody wants to know how the device is: the bridge asks it, which wakes it.
pub(super) async fn wake(door: Arc<Door>, device: DeviceId) {
    let Some((bridge, one)) = reached(&door, device).await else { return };
    match ask_itself(&door, &bridge, &one).await {
        Ok(()) => bridge.look.notify_one(),
        Err(trouble) => {
            // Until the next look: one right now would take it away before anybody has read it.
            let told = Polled::Troubled { words: trouble.words(), is_away: false };
            note(door.app.bridge_polled(bridge.access.bridge, &told).await);
        }
    }
}

/// Asks each that did not answer whether it does now.
pub(super) async fn ask_the_silent(door: &Door, bridge: &Bridge, behind: &[Behind]) {
    for one in behind {
        if bridge.reach.is_to_be_asked(one.device, door.app.clock().steady()) {
            // What it met is kept with the device.
            let _ = ask_itself(door, bridge, one).await;
        }
    }
}

async fn ask_itself(door: &Door, bridge: &Bridge, one: &Behind) -> Result<(), Trouble> {
    let request = Request::LockState { nuki_id: one.nuki_id, kind: one.kind };
    let answer = bridge.ask(door, Urgency::Poll, &request).await;
    let fresh = answer.and_then(|answer| match lock_state(&answer.body, one.kind) {
        Ok(Fresh::Said(said)) => Ok(said),
        Ok(Fresh::NotReached) => Err(Trouble::DeviceSilent),
        Err(_) => Err(Trouble::NotABridge),
    });
    ordered(door, bridge, one.device, fresh.as_ref().err().copied());
    let told =
        BridgeDevice { nuki_id: one.nuki_id, kind: one.kind, name: None, firmware: None, said: Some(fresh?) };
    hand_over(door, &told, one, (Word::Usual, door.app.now()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOOR: DeviceId = DeviceId(1);
    const NOW: Time = Time(1_795_521_600_000);

    fn said(battery_percent: u8) -> StateReport {
        StateReport { battery_percent: Some(battery_percent), ..StateReport::default() }
    }

    fn at(seconds: u64) -> Steady {
        Steady(0).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_bridge_whose_clock_is_slow_or_fast_heard_nothing_before_it_said_the_contrary_nor_in_the_future() {
        let reach = Reach::default();
        let later = |seconds| NOW.plus(Duration::from_secs(seconds));
        let heard = |percent, known_at, now| {
            let report = StateReport { known_at: Some(known_at), ..said(percent) };
            reach.listed(DOOR, Some(&report), now).1
        };
        let hour_ago = NOW.minus(Duration::from_hours(1));
        assert_eq!(heard(80, hour_ago, NOW), hour_ago);
        assert_eq!(heard(80, hour_ago, later(30)), hour_ago);
        assert_eq!(heard(79, hour_ago, later(60)), later(30), "it said 80 until then");
        assert_eq!(heard(78, later(9_000), later(90)), later(90));
        assert_eq!(heard(78, later(9_000), later(120)), later(90), "it repeats it");
    }

    #[test]
    fn a_bridge_whose_clock_tells_nothing_heard_what_it_repeats_when_it_first_said_so() {
        let reach = Reach::default();
        let later = |seconds| NOW.plus(Duration::from_secs(seconds));
        for (seconds, percent, heard) in [(0, 80, 0), (30, 80, 0), (60, 79, 60), (90, 79, 60)] {
            let (_, heard_at) = reach.listed(DOOR, Some(&said(percent)), later(seconds));
            assert_eq!(heard_at, later(heard));
        }
    }

    #[test]
    fn a_device_that_its_bridge_does_not_see_is_asked_after_six_hours_and_not_sooner_again() {
        let reach = Reach::default();
        let unseen = |hours| {
            reach.listed(DOOR, Some(&said(80)), NOW);
            reach.unseen(DOOR, (NOW.plus(Duration::from_hours(hours)), at(0)));
            reach.listed(DOOR, Some(&said(80)), NOW);
            reach.is_to_be_asked(DOOR, at(0))
        };
        assert_eq!([1, 5, 6].map(unseen), [false, false, true]);
        reach.answered(DOOR);
        assert_eq!([7, 11, 12].map(unseen), [false, false, true]);
        assert!(reach.met(DOOR, Trouble::Busy, at(0)));
    }

    #[test]
    fn a_bridge_that_was_busy_once_has_not_lost_the_device() {
        let reach = Reach::default();
        assert_eq!(reach.listed(DOOR, Some(&said(80)), NOW).0, Word::Anew);
        assert!(!reach.met(DOOR, Trouble::Busy, at(0)));
        assert!(!reach.met(DOOR, Trouble::Busy, at(60)), "it may be busy all the time");
        assert_eq!(reach.listed(DOOR, Some(&said(80)), NOW).0, Word::Usual);
        assert!(reach.is_to_be_asked(DOOR, at(60)) && !reach.is_to_be_asked(DOOR, at(20)));
        reach.answered(DOOR);
        assert!(!reach.is_to_be_asked(DOOR, at(60)));
        assert!(!reach.met(DOOR, Trouble::WrongToken, at(70)), "that says nothing of the device");
        assert!(!reach.is_to_be_asked(DOOR, at(999)));
    }

    #[test]
    fn what_a_bridge_repeats_of_a_silent_device_is_no_news_until_it_hears_it() {
        let reach = Reach::default();
        reach.listed(DOOR, Some(&said(80)), NOW);
        reach.met(DOOR, Trouble::Busy, at(0));
        reach.listed(DOOR, Some(&said(80)), NOW);
        assert!(reach.met(DOOR, Trouble::Busy, at(31)), "busy again, and not busy in between");
        let rings_no_more = StateReport { is_ringing: Some(false), ..said(80) };
        assert_eq!(reach.listed(DOOR, Some(&rings_no_more), NOW).0, Word::Repeated);
        assert!(!reach.is_to_be_asked(DOOR, at(60)), "not all the time: it would hold up the others");
        assert!(reach.is_to_be_asked(DOOR, at(31 + 600)));
        assert_eq!(reach.listed(DOOR, Some(&said(79)), NOW).0, Word::Anew);
        assert_eq!(reach.listed(DOOR, Some(&said(79)), NOW).0, Word::Usual);
        assert!(reach.met(DOOR, Trouble::DeviceSilent, at(700)), "that the bridge tried");
    }
}
