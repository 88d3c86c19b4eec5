//! Whether a hub reaches its devices. One that has not heard its lock since it started says so (`undefined`, `offline`), and
//! all the same publishes a battery at 0 % and a door without a sensor. So what it says of how a device is counts from the
//! first state on that it knows.

use lockwarden_app::clock::Time;
use lockwarden_app::devices::Observation;
use lockwarden_app::ways::{HubPart, Trouble};

/// A first state further off than this by the device's own clock is one that was left over, or of a device whose clock is
/// wrong. No time zone is that far, and from there on a clock that goes back was set.
const FAR_MS: u64 = 24 * 3_600_000;

/// What one connection of a hub has said of its lock and its opener.
#[derive(Default)]
pub(crate) struct Reach {
    lock: Part,
    opener: Part,
}

#[derive(Default)]
struct Part {
    is_reached: bool,
    /// The clock of a first state that is far off: it is believed once it is seen to run.
    far_off: Option<Time>,
    /// What came before the first state: the last of each topic.
    held: Vec<(&'static str, Vec<Observation>)>,
}

/// What is to be done with what a hub said.
#[derive(Debug, PartialEq)]
pub(crate) enum Taken {
    Said(Observation),
    /// Until a state comes that the hub knows.
    Kept,
    /// It may be left over from long ago: what the hub says next, or when it is asked, decides.
    Doubted,
}

/// What a hub says where it does not know.
pub(super) fn is_not_reached() -> Observation {
    Observation::Trouble(Trouble::OutOfReach, Some(String::new()))
}

impl Reach {
    pub(crate) fn take(&mut self, (of, rest): (HubPart, &str), seen: Observation, now: Time) -> Taken {
        let part = match of {
            HubPart::Lock => &mut self.lock,
            HubPart::Opener => &mut self.opener,
        };
        if seen == is_not_reached() {
            *part = Part::default();
            return Taken::Said(seen);
        }
        let Some(topic) = HELD.into_iter().find(|topic| *topic == rest).filter(|_| !part.is_reached) else {
            return Taken::Said(seen);
        };
        let (clock, zone_minutes, told) = match seen {
            Observation::Snapshot { clock, zone_minutes, seen } => (clock, zone_minutes, seen),
            other => (None, 0, vec![other]),
        };
        if !told.iter().any(|one| matches!(one, Observation::Because { .. })) {
            part.held.retain(|(held, _)| *held != topic);
            part.held.push((topic, told));
            return Taken::Kept;
        }
        let far_off = clock.filter(|clock| clock.0.abs_diff(now.0) > FAR_MS);
        if let Some(clock) = far_off
            && part.far_off.is_none_or(|before| clock <= before)
        {
            let is_first = part.far_off.replace(clock).is_none();
            return if is_first { Taken::Doubted } else { Taken::Kept };
        }
        part.is_reached = true;
        let over = Observation::Trouble(Trouble::OutOfReach, None);
        let held = std::mem::take(&mut part.held).into_iter().flat_map(|(_, held)| held);
        let seen = std::iter::once(over).chain(held).chain(told).collect();
        Taken::Said(Observation::Snapshot { clock, zone_minutes, seen })
    }
}

/// The topics of how a device is. What else a hub publishes of one, it has read from it, or is the hub's own: answers,
/// signal, what it is set to.
const HELD: [&str; 3] = ["json", "battery/basicJson", "battery/advancedJson"];
