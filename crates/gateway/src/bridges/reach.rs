//! Whether a bridge reaches its devices. It does not tell: it goes on repeating what it last heard, and a 503 means that it
//! is busy as well as that the device does not answer (Bridge API 1.13.3, `/lockState`, `/lockAction`). So after one, the
//! bridge is made to ask the device itself, and what it repeats of a silent one is no news.

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
/// A silent device is asked less and less often: meanwhile the bridge can do nothing else.
const LONGEST_PAUSE: Duration = Duration::from_hours(2);

/// What is known of how a bridge reaches its devices, as long as we speak with it.
#[derive(Default)]
pub(super) struct Reach(Mutex<HashMap<DeviceId, Part>>);

#[derive(Default)]
struct Part {
    listed_at: Option<Time>,
    /// What the bridge says of it, and when it heard that.
    said: Option<StateReport>,
    heard_at: Option<Time>,
    doubt: Option<Doubt>,
    /// When it was last doubted only because the bridge did not see it.
    unseen_at: Option<Time>,
}

struct Doubt {
    standing: Standing,
    /// The bridge has answered since, so that it is not the bridge that is busy all the time.
    has_listed: bool,
    ask_at: Steady,
    pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The bridge does not see it.
    Unseen,
    /// Something did not reach it, which may have been the bridge's doing.
    Missed,
    Silent,
}

/// Why something did not reach a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Miss {
    /// The bridge says that the device did not answer.
    NotReached,
    Met(Trouble),
}

impl Doubt {
    fn new(standing: Standing, now: Steady, pause: Duration) -> Self {
        Self { standing, has_listed: false, ask_at: now.plus(pause), pause }
    }
}

impl Reach {
    fn parts(&self) -> MutexGuard<'_, HashMap<DeviceId, Part>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bridge itself is away: when it is back, whatever was silent is asked first.
    pub(super) fn bridge_is_away(&self, now: Steady) {
        self.parts().retain(|_, part| {
            part.listed_at = None;
            let silent = part.doubt.as_mut().filter(|doubt| doubt.standing == Standing::Silent);
            let is_silent = silent.is_some();
            if let Some(doubt) = silent {
                *doubt = Doubt::new(Standing::Silent, now, Duration::ZERO);
            }
            is_silent
        });
    }

    /// It was silent when the server was stopped.
    pub(super) fn was_silent(&self, device: DeviceId, now: Steady) {
        let silent = || Some(Doubt::new(Standing::Silent, now, Duration::ZERO));
        self.parts().entry(device).or_insert_with(|| Part { doubt: silent(), ..Part::default() });
    }

    /// The bridge lists a device. Nothing if it only repeats what it knew before it lost the device, and otherwise when it
    /// heard what it says. Its clock may be wrong: it has heard nothing before it last said something else, nor later than
    /// it first said this.
    pub(super) fn listed(&self, device: DeviceId, said: Option<&StateReport>, now: Time) -> Option<Time> {
        let mut parts = self.parts();
        let part = parts.entry(device).or_default();
        // That it rang ends by itself, and without a word nothing is said: it has started anew.
        let word = said.map(|said| StateReport { is_ringing: None, ..said.clone() });
        if word.is_some() && part.said != word {
            let is_first = part.said.is_none();
            let heard = known_at(said, now).map_or(now, |at| at.max(part.listed_at.unwrap_or(at)));
            (part.said, part.heard_at) = (word, Some(heard.min(now)));
            // What is its first word for us may be an old one.
            part.doubt = part.doubt.take().filter(|_| is_first);
        }
        part.listed_at = Some(now);
        if let Some(doubt) = &mut part.doubt {
            doubt.has_listed = true;
            if doubt.standing == Standing::Silent {
                return None;
            }
        }
        Some(part.heard_at.unwrap_or(now))
    }

    /// Something that was to reach the device did not. True if the device is known to be silent now.
    fn missed(&self, device: DeviceId, miss: Miss, (now, by_person): (Steady, bool)) -> bool {
        let mut parts = self.parts();
        let part = parts.entry(device).or_default();
        let before = part.doubt.as_ref();
        let was = before.map(|doubt| doubt.standing);
        let is_due = before.is_some_and(|doubt| doubt.has_listed && now >= doubt.ask_at);
        let is_silent = match miss {
            Miss::NotReached => true,
            Miss::Met(Trouble::Busy | Trouble::DeviceSilent | Trouble::NoAnswer | Trouble::CutOff) => {
                was == Some(Standing::Silent) || was == Some(Standing::Missed) && is_due
            }
            // It says nothing of the device: whatever is in doubt stays so, and is not asked all the time.
            Miss::Met(_) => {
                if let Some(doubt) = &mut part.doubt {
                    *doubt = Doubt::new(doubt.standing, now, ITSELF);
                }
                return false;
            }
        };
        if is_silent {
            let longer = before.filter(|_| was == Some(Standing::Silent) && !by_person);
            let pause = longer.map_or(ITSELF, |doubt| (doubt.pause * 2).clamp(ITSELF, LONGEST_PAUSE));
            part.doubt = Some(Doubt::new(Standing::Silent, now, pause));
        } else if was != Some(Standing::Missed) || is_due {
            part.doubt = Some(Doubt::new(Standing::Missed, now, EVERY));
        }
        is_silent
    }

    /// The bridge scans and does not see the device. Whether one that sleeps is always seen is unconfirmed, so it is asked
    /// only after it has said nothing for long: that wakes it.
    pub(super) fn unseen(&self, device: DeviceId, (now, steady): (Time, Steady)) {
        let mut parts = self.parts();
        let Some(part) = parts.get_mut(&device).filter(|part| part.doubt.is_none()) else { return };
        if part.heard_at.max(part.unseen_at).is_some_and(|last| now.since(last) >= LONG) {
            part.unseen_at = Some(now);
            part.doubt = Some(Doubt::new(Standing::Unseen, steady, Duration::ZERO));
        }
    }

    /// The device answered: what the bridge says of it next is new, also if it is the same.
    fn answered(&self, device: DeviceId) {
        let mut parts = self.parts();
        let part = parts.entry(device).or_default();
        if part.doubt.take().is_some() {
            part.said = None;
        }
    }

    /// The bridge does not list it.
    fn unlisted(&self, device: DeviceId) {
        self.parts().remove(&device);
    }

    /// Whom to ask now: one, because it takes the bridge from the others.
    fn to_be_asked(&self, behind: &[Behind], now: Steady) -> Option<Behind> {
        let parts = self.parts();
        let doubts = behind.iter().filter_map(|one| {
            let doubt = parts.get(&one.device)?.doubt.as_ref()?;
            (doubt.has_listed && now >= doubt.ask_at).then_some((doubt.ask_at, *one))
        });
        doubts.min_by_key(|(ask_at, _)| *ask_at).map(|(_, one)| one)
    }
}

/// An order reached the device, or did not.
pub(super) fn ordered(door: &Door, bridge: &Bridge, device: DeviceId, met: Option<Trouble>) {
    tell(door, bridge, device, (met.map(Miss::Met), true));
}

fn tell(door: &Door, bridge: &Bridge, device: DeviceId, (miss, by_person): (Option<Miss>, bool)) {
    let now = door.app.clock().steady();
    let lost = match miss {
        None => {
            bridge.reach.answered(device);
            None
        }
        Some(miss) if bridge.reach.missed(device, miss, (now, by_person)) => Some(String::new()),
        Some(_) => return,
    };
    out_of_reach(door, device, lost);
}

fn out_of_reach(door: &Door, device: DeviceId, lost: Option<String>) {
    let seen = Observation::Trouble(ways::Trouble::OutOfReach, lost);
    door.committer.observe((device, Connector::NukiBridge), seen, door.app.now());
}

/// The bridge does not know a device any more that it had listed. Once it does again, what it says is new.
pub(super) fn unlisted(door: &Door, bridge: &Bridge, device: DeviceId) {
    bridge.reach.unlisted(device);
    out_of_reach(door, device, Some(String::new()));
}

/// Somebody wants to know how the device is: the bridge asks it, which wakes it.
pub(super) async fn wake(door: Arc<Door>, device: DeviceId) {
    let Some((bridge, one)) = reached(&door, device).await else { return };
    match ask_itself(&door, &bridge, (&one, true)).await {
        Ok(()) => bridge.look.notify_one(),
        Err(trouble) => {
            // Until the next look: one right now would take it away before anybody has read it.
            let told = Polled::Troubled { words: trouble.words(), is_away: false };
            note(door.app.bridge_polled(bridge.access.bridge, &told).await);
        }
    }
}

/// Asks one that did not answer whether it does now.
pub(super) async fn ask_the_silent(door: &Door, bridge: &Bridge, behind: &[Behind]) {
    if let Some(one) = bridge.reach.to_be_asked(behind, door.app.clock().steady()) {
        // What it met is kept with the device.
        let _ = ask_itself(door, bridge, (&one, false)).await;
    }
}

async fn ask_itself(door: &Door, bridge: &Bridge, (one, by_person): (&Behind, bool)) -> Result<(), Trouble> {
    let request = Request::LockState { nuki_id: one.nuki_id, kind: one.kind };
    let answer = bridge.ask(door, Urgency::Poll, &request).await;
    let fresh = answer.map_err(Miss::Met).and_then(|answer| match lock_state(&answer.body, one.kind) {
        Ok(Fresh::Said(said)) => Ok(said),
        Ok(Fresh::NotReached) => Err(Miss::NotReached),
        Err(_) => Err(Miss::Met(Trouble::NotABridge)),
    });
    tell(door, bridge, one.device, (fresh.as_ref().err().copied(), by_person));
    let said = fresh.map_err(|miss| match miss {
        Miss::NotReached => Trouble::DeviceSilent,
        Miss::Met(trouble) => trouble,
    })?;
    let told =
        BridgeDevice { nuki_id: one.nuki_id, kind: one.kind, name: None, firmware: None, said: Some(said) };
    hand_over(door, &told, one, door.app.now());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOOR: DeviceId = DeviceId(1);
    const NOW: Time = Time(1_795_521_600_000);
    const BUSY: Miss = Miss::Met(Trouble::Busy);

    fn said(battery_percent: u8) -> StateReport {
        StateReport { battery_percent: Some(battery_percent), ..StateReport::default() }
    }

    fn later(seconds: u64) -> Time {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn at(seconds: u64) -> Steady {
        Steady(0).plus(Duration::from_secs(seconds))
    }

    fn is_to_be_asked(reach: &Reach, now: Steady) -> bool {
        let kind = lockwarden_app::devices::DeviceType::SmartLock34;
        reach.to_be_asked(&[Behind { device: DOOR, nuki_id: 7, kind, is_lost: false }], now).is_some()
    }

    /// Whether what the bridge says is only repeated.
    fn is_repeated(reach: &Reach, report: &StateReport) -> bool {
        reach.listed(DOOR, Some(report), NOW).is_none()
    }

    #[test]
    fn a_bridge_whose_clock_is_slow_or_fast_heard_nothing_before_it_said_the_contrary_nor_in_the_future() {
        let reach = Reach::default();
        let heard = |percent, known_at, now| {
            let report = StateReport { known_at: Some(known_at), ..said(percent) };
            reach.listed(DOOR, Some(&report), now).unwrap()
        };
        let hour_ago = NOW.minus(Duration::from_hours(1));
        assert_eq!(heard(80, hour_ago, NOW), hour_ago);
        assert_eq!(heard(80, hour_ago, later(30)), hour_ago);
        assert_eq!(heard(79, hour_ago, later(60)), later(30), "it said 80 until then");
        assert_eq!(heard(78, later(9_000), later(90)), later(90));
        assert_eq!(heard(78, later(9_000), later(120)), later(90), "it repeats it");
        reach.missed(DOOR, BUSY, (at(0), true));
        reach.answered(DOOR);
        assert_eq!(heard(77, hour_ago, later(150)), later(120), "nor before it answered");
    }

    #[test]
    fn a_bridge_whose_clock_tells_nothing_heard_what_it_repeats_when_it_first_said_so() {
        let reach = Reach::default();
        for (seconds, percent, heard) in [(0, 80, 0), (30, 80, 0), (60, 79, 60), (90, 79, 60)] {
            assert_eq!(reach.listed(DOOR, Some(&said(percent)), later(seconds)), Some(later(heard)));
        }
    }

    #[test]
    fn a_device_that_its_bridge_does_not_see_is_asked_after_six_hours_and_not_sooner_again() {
        let reach = Reach::default();
        let unseen = |hours| {
            reach.listed(DOOR, Some(&said(80)), NOW);
            reach.unseen(DOOR, (NOW.plus(Duration::from_hours(hours)), at(0)));
            reach.listed(DOOR, Some(&said(80)), NOW);
            is_to_be_asked(&reach, at(0))
        };
        assert_eq!([1, 5, 6].map(unseen), [false, false, true]);
        reach.answered(DOOR);
        assert_eq!([7, 11, 12].map(unseen), [false, false, true]);
        assert!(!reach.missed(DOOR, BUSY, (at(0), false)), "that it is not seen is no first sign");
        reach.listed(DOOR, Some(&said(80)), NOW);
        assert!(reach.missed(DOOR, BUSY, (at(30), false)));
    }

    #[test]
    fn what_a_bridge_heard_days_ago_and_does_not_see_is_asked_right_after_the_start() {
        let reach = Reach::default();
        let old = StateReport { known_at: Some(NOW.minus(Duration::from_hours(50))), ..said(80) };
        for _ in 0..2 {
            reach.listed(DOOR, Some(&old), NOW);
            reach.unseen(DOOR, (NOW, at(0)));
        }
        assert!(is_to_be_asked(&reach, at(0)));
    }

    #[test]
    fn a_bridge_that_was_busy_once_has_not_lost_the_device() {
        for trouble in [Trouble::Busy, Trouble::DeviceSilent, Trouble::NoAnswer, Trouble::CutOff] {
            let (reach, miss) = (Reach::default(), Miss::Met(trouble));
            assert!(!is_repeated(&reach, &said(80)));
            assert!(!reach.missed(DOOR, miss, (at(0), true)), "{trouble:?}");
            assert!(!reach.missed(DOOR, miss, (at(60), true)), "it may be busy all the time");
            assert!(!is_repeated(&reach, &said(80)));
            assert!(is_to_be_asked(&reach, at(60)) && !is_to_be_asked(&reach, at(20)));
            reach.answered(DOOR);
            assert!(!is_to_be_asked(&reach, at(60)));
        }
    }

    #[test]
    fn what_a_bridge_repeats_of_a_silent_device_is_no_news_until_it_hears_it() {
        let reach = Reach::default();
        is_repeated(&reach, &said(80));
        reach.missed(DOOR, BUSY, (at(0), true));
        is_repeated(&reach, &said(80));
        assert!(reach.missed(DOOR, BUSY, (at(31), false)), "busy again, and not busy in between");
        let rings_no_more = StateReport { is_ringing: Some(false), ..said(80) };
        assert!(is_repeated(&reach, &rings_no_more));
        assert_eq!(reach.listed(DOOR, None, NOW), None, "it started anew, and has not heard it");
        assert!(!is_repeated(&reach, &said(79)));
        assert!(reach.missed(DOOR, Miss::NotReached, (at(700), true)), "that the bridge tried");
    }

    #[test]
    fn a_silent_device_is_asked_less_and_less_often_until_somebody_wants_something_of_it() {
        let reach = Reach::default();
        let mut now = 0;
        let mut pause_after = |by_person| {
            reach.missed(DOOR, Miss::NotReached, (at(now), by_person));
            is_repeated(&reach, &said(80));
            let pause = (0..=120).find(|minutes| is_to_be_asked(&reach, at(now + minutes * 60))).unwrap();
            now += pause * 60;
            pause
        };
        assert_eq!([false; 6].map(&mut pause_after), [10, 20, 40, 80, 120, 120]);
        assert_eq!(pause_after(true), 10);
    }

    #[test]
    fn of_several_silent_devices_one_is_asked_at_a_time_who_has_waited_longest() {
        let reach = Reach::default();
        let kind = lockwarden_app::devices::DeviceType::SmartLock34;
        let behind = [1, 2].map(|id| Behind { device: DeviceId(id), nuki_id: 7, kind, is_lost: false });
        for (one, seconds) in behind.iter().zip([5, 0]) {
            reach.missed(one.device, Miss::NotReached, (at(seconds), false));
            reach.listed(one.device, Some(&said(80)), NOW);
        }
        let asked = |seconds| reach.to_be_asked(&behind, at(seconds)).map(|one| one.device);
        assert_eq!(asked(599), None);
        assert_eq!(asked(700), Some(DeviceId(2)));
        reach.missed(DeviceId(2), Miss::NotReached, (at(700), false));
        assert_eq!(asked(700), Some(DeviceId(1)));
    }

    #[test]
    fn whatever_says_nothing_of_a_device_in_doubt_does_not_have_it_asked_all_the_time() {
        for trouble in Trouble::ALL.iter().copied() {
            let reach = Reach::default();
            is_repeated(&reach, &said(80));
            reach.missed(DOOR, BUSY, (at(0), true));
            is_repeated(&reach, &said(80));
            reach.missed(DOOR, Miss::Met(trouble), (at(31), false));
            is_repeated(&reach, &said(80));
            assert!(!is_to_be_asked(&reach, at(62)), "{trouble:?}");
            assert!(is_to_be_asked(&reach, at(31 + 600)), "{trouble:?}");
        }
    }

    #[test]
    fn who_was_silent_before_the_bridge_or_the_server_was_away_is_asked_before_what_is_repeated_counts() {
        let back = Reach::default();
        is_repeated(&back, &said(80));
        back.missed(DOOR, Miss::NotReached, (at(0), true));
        back.bridge_is_away(at(100));
        let started = Reach::default();
        started.was_silent(DOOR, at(100));
        for reach in [back, started] {
            assert!(is_repeated(&reach, &said(80)) && is_to_be_asked(&reach, at(100)));
            reach.answered(DOOR);
            assert!(!is_repeated(&reach, &said(80)));
        }
    }
}
