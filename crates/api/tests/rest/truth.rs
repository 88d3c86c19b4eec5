//! Promise 4 over REST, tried to break: whatever is reported, lost and found again by three ways, and however often the
//! process begins anew, a smartlock that is there (`serverState` 0) has the state that the way which speaks for it has told
//! since it does, or 255, and an open or closed door only with it; one that is not there (`serverState` 4) has what was told
//! last. Its battery is what whoever spoke for it told last.

use std::time::Duration;

use axum::http::StatusCode;
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::actor::Actor;
use lockwarden_app::bridges::{Listed, NewBridge};
use lockwarden_app::devices::{
    Connector, DeviceType, DoorState, LockAction, LockState, Observation, Trigger,
};
use lockwarden_app::ids::DeviceId;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::kit::Api;

const WAYS: [Connector; 3] = [Connector::NukiMqtt, Connector::NukiHub, Connector::NukiBridge];
const STATES: [LockState; 4] =
    [LockState::Locked, LockState::Unlocked, LockState::Unlatched, LockState::MotorBlocked];
const DOORS: [DoorState; 3] = [DoorState::Opened, DoorState::Closed, DoorState::Tampered];

/// What may be answered, worked out a second time and much simpler.
struct Model {
    up: [bool; 3],
    speaker: Option<usize>,
    /// What the speaker has told since it speaks.
    claim: Option<LockState>,
    last: LockState,
    door: Option<DoorState>,
    critical: bool,
    percent: Option<u8>,
}

impl Model {
    fn link(&mut self, way: usize, up: bool) {
        self.up[way] = up;
        let speaker = self.up.iter().position(|up| *up);
        if speaker != self.speaker {
            (self.speaker, self.claim) = (speaker, None);
        }
    }

    /// What this way says: something of itself, or of the device, which counts if it is the best that is there.
    fn say(&mut self, way: usize, rng: &mut StdRng) -> Option<Observation> {
        if rng.random_bool(0.3) {
            let up = rng.random_bool(0.6);
            self.link(way, up);
            return Some(Observation::Link { up });
        }
        if !self.up[way] {
            return None;
        }
        let counts = self.speaker == Some(way);
        let seen = match rng.random_range(0..8) {
            0 => {
                let door = DOORS[rng.random_range(0..DOORS.len())];
                self.door = if counts { Some(door) } else { self.door };
                Observation::Door(door)
            }
            1 => {
                let critical = rng.random_bool(0.5);
                self.critical = if counts { critical } else { self.critical };
                Observation::BatteryCritical(critical)
            }
            2 => {
                let percent = rng.random_range(0..=100);
                self.percent = if counts { Some(percent) } else { self.percent };
                Observation::BatteryPercent(percent)
            }
            _ => {
                let state = STATES[rng.random_range(0..STATES.len())];
                (self.claim, self.last) = if counts { (Some(state), state) } else { (self.claim, self.last) };
                said_by(WAYS[way], state)
            }
        };
        Some(seen)
    }

    fn check(&self, one: &Value, step: u32) {
        let is_there = self.speaker.is_some();
        let state = self.claim.unwrap_or(if is_there { LockState::Undefined } else { self.last });
        let door = match self.door {
            None => DoorState::Unavailable,
            Some(DoorState::Opened | DoorState::Closed) if is_there && self.claim.is_none() => {
                DoorState::Unknown
            }
            Some(door) => door,
        };
        assert_eq!(one["serverState"], if is_there { 0 } else { 4 }, "step {step}");
        let told = &one["state"];
        assert_eq!(
            (&told["state"], &told["doorState"]),
            (&json!(state.code()), &json!(door.code())),
            "step {step}"
        );
        let battery = (told["batteryCritical"].as_bool(), told.get("batteryCharge").and_then(Value::as_u64));
        assert_eq!(battery, (Some(self.critical), self.percent.map(u64::from)), "step {step}");
    }
}

/// A lock's own MQTT tells a state alone; the others are asked and tell more with it.
fn said_by(way: Connector, state: LockState) -> Observation {
    if way == Connector::NukiMqtt {
        return Observation::State(state);
    }
    let (action, trigger) = (LockAction::Other(u8::MAX), Trigger::Undefined);
    let because = Observation::Because { state, action, trigger, heard_at: None };
    Observation::Snapshot { clock: None, zone_minutes: 0, seen: vec![because] }
}

/// A lock that each of the ways leads to.
async fn lock(api: &Api, anna: &Actor) -> DeviceId {
    let device = api.world.lock(anna, "Front door", 7).await;
    api.world.app.add_way(anna, device, Connector::NukiHub).await.unwrap();
    let listed = [Listed { nuki_id: 7, kind: DeviceType::SmartLock34, name: None }];
    let bridge = NewBridge { address: "192.0.2.7", token: "token", token_form: "encrypted", listed: &listed };
    assert_eq!(api.world.app.add_bridge(anna, bridge).await.unwrap().1, [device]);
    device
}

#[tokio::test]
async fn a_smartlock_has_the_state_that_was_told_and_no_other_whatever_comes_and_goes() {
    let mut api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let device = lock(&api, &anna).await;
    let mut rng = StdRng::seed_from_u64(11);
    let mut model = Model {
        up: [true, false, false],
        speaker: Some(0),
        claim: Some(LockState::Locked),
        last: LockState::Locked,
        door: None,
        critical: false,
        percent: None,
    };
    let (mut seen, mut spoke, mut restarts) = ([0; 3], [0; 3], 0);
    for step in 0..500 {
        if rng.random_bool(0.02) {
            api = api.restart(u64::from(step) + 2).await;
            (0..WAYS.len()).for_each(|way| model.link(way, false));
            restarts += 1;
        } else {
            let way = rng.random_range(0..WAYS.len());
            let Some(says) = model.say(way, &mut rng) else { continue };
            api.world.says_by(device, WAYS[way], says).await;
        }
        api.world.clock.advance(Duration::from_secs(2));
        let all = api.get("/smartlock", &token).await;
        assert_eq!(all.status, StatusCode::OK);
        model.check(&all.json()[0], step);
        let standing = match (model.speaker, model.claim) {
            (None, _) => 0,
            (Some(_), None) => 1,
            (Some(_), Some(_)) => 2,
        };
        seen[standing] += 1;
        if let Some(speaker) = model.speaker {
            spoke[speaker] += 1;
        }
    }
    assert!(seen.iter().chain(&spoke).all(|times| *times > 10), "all was tried: {seen:?} {spoke:?}");
    assert!(restarts > 3, "{restarts}");
}
