//! Promise 4, tried to break: whatever is reported, lost, late or restarted, by whichever ways, a device never claims a
//! state that the way which speaks for it has not reported since it does, nor an old word of it. `LONG=1` tries a million observations.

use std::time::Duration;

use lockwarden_app::actor::Actor;
use lockwarden_app::clock::Time;
use lockwarden_app::devices::{
    Connector, Delivery, Device, DeviceType, DoorState, LockAction, LockState, Observation, Trigger,
};
use lockwarden_app::ids::DeviceId;
use lockwarden_testkit::World;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const WAYS: [Connector; 3] = [Connector::NukiMqtt, Connector::NukiHub, Connector::NukiBridge];
const STATES: [LockState; 6] = [
    LockState::Locked,
    LockState::Unlocked,
    LockState::Unlatched,
    LockState::MotorBlocked,
    LockState::Unlocking,
    LockState::Undefined,
];

/// What may be claimed, worked out a second time and much simpler.
#[derive(Default)]
struct Model {
    up: [bool; 3],
    speaker: Option<usize>,
    /// Since when it speaks.
    since: Option<Time>,
    claim: Option<LockState>,
    /// The last word that was taken, whoever said it, and when it was said.
    word: Option<(LockState, Time)>,
    door: Option<DoorState>,
}

impl Model {
    fn link(&mut self, way: usize, up: bool, now: Time) {
        self.up[way] = up;
        let speaker = self.up.iter().position(|up| *up);
        if speaker != self.speaker {
            self.claim = None;
            self.since = speaker.map(|_| now);
            if speaker.is_some() {
                let before = now.minus(Duration::from_millis(1));
                self.word = self.word.map(|(state, said)| (state, said.min(before)));
            }
        }
        self.speaker = speaker;
    }

    fn state(&mut self, way: usize, state: LockState, (heard_at, now): (Option<Time>, Time)) {
        let last = self.word.map(|(_, said)| said);
        let is_old =
            heard_at.is_some() && heard_at < last && self.word.is_some_and(|(word, _)| word != state);
        if self.speaker == Some(way) && !is_old {
            let said = heard_at.map_or(now, |heard| Some(heard).max(last).map_or(now, |said| said.min(now)));
            self.claim = Some(state);
            self.word = Some((state, Some(said).max(self.since).unwrap_or(said)));
        }
    }
}

struct Fuzzed {
    world: World,
    anna: Actor,
    device: DeviceId,
    model: Model,
    rng: StdRng,
    observations: u64,
}

impl Fuzzed {
    async fn new(seed: u64) -> Self {
        let world = World::new().await;
        let anna = world.owner("Anna").await;
        let device = world.lock(&anna, "Front door", 0xA1).await;
        world.app.add_way(&anna, device, Connector::NukiHub).await.unwrap();
        let listed =
            lockwarden_app::bridges::Listed { nuki_id: 0xA1, kind: DeviceType::SmartLock34, name: None };
        let bridge = lockwarden_app::bridges::NewBridge {
            address: "192.0.2.7:8080",
            token: "token",
            token_form: "encrypted",
            listed: &[listed],
        };
        world.app.add_bridge(&anna, bridge).await.unwrap();
        let (mut model, now) = (Model::default(), world.clock.now());
        model.link(0, true, now);
        model.state(0, LockState::Locked, (None, now));
        Self { world, anna, device, model, rng: StdRng::seed_from_u64(seed), observations: 0 }
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.random_range(0..of.len())]
    }

    /// A handful of reports in one transaction, as the gateway hands them over.
    async fn batch(&mut self) {
        let mut batch = Vec::new();
        for _ in 0..self.rng.random_range(1..6) {
            let way = self.rng.random_range(0..WAYS.len());
            let seen = match self.rng.random_range(0..10) {
                0 | 1 => {
                    let up = self.rng.random_bool(0.6);
                    self.model.link(way, up, self.world.clock.now());
                    Observation::Link { up }
                }
                2 => {
                    let door = self.pick(&[DoorState::Opened, DoorState::Closed]);
                    if self.model.speaker.is_none_or(|speaker| speaker >= way) {
                        self.model.door = Some(door);
                    }
                    Observation::Door(door)
                }
                3 => Observation::BatteryPercent(self.rng.random_range(0..=100)),
                _ => {
                    let state = self.pick(&STATES);
                    // Somebody who is not there says nothing; what is left of them is not believed.
                    if !self.model.up[way] {
                        continue;
                    }
                    self.said_by(way, state)
                }
            };
            batch.push(self.world.report_by(self.device, WAYS[way], seen, Delivery::AtMostOnce));
            self.world.clock.advance(Duration::from_millis(self.rng.random_range(0..3_000)));
        }
        self.observations += batch.len() as u64;
        self.world.app.record(&batch).await.unwrap();
    }

    /// A lock's own MQTT tells a state alone; the others are asked and tell more with it.
    fn said_by(&mut self, way: usize, state: LockState) -> Observation {
        let now = self.world.clock.now();
        if way == 0 {
            self.model.state(way, state, (None, now));
            return Observation::State(state);
        }
        let action = self.pick(&[LockAction::Lock, LockAction::Unlock, LockAction::Other(255)]);
        let off = Duration::from_secs(self.rng.random_range(0..600));
        let heard_at = self.pick(&[None, Some(now.minus(off)), Some(now.plus(off))]);
        self.model.state(way, state, (heard_at, now));
        let because = Observation::Because { state, action, trigger: Trigger::Undefined, heard_at };
        Observation::Snapshot { clock: None, zone_minutes: 0, seen: vec![because] }
    }

    async fn restart(self) -> Self {
        let Self { world, anna, device, mut model, rng, observations } = self;
        let world = world.restart(observations).await;
        for way in 0..WAYS.len() {
            model.link(way, false, world.clock.now());
        }
        Self { world, anna, device, model, rng, observations }
    }

    async fn check(&self) -> Device {
        let device = self.world.app.load_device(&self.anna, self.device).await.unwrap();
        assert_eq!(device.link.online, self.model.speaker.is_some(), "after {}", self.observations);
        let claimed = device.said.state.filter(|_| device.link.online && !device.is_stale());
        assert_eq!(claimed, self.model.claim, "after {}: {device:?}", self.observations);
        assert_eq!(device.said.door, self.model.door, "after {}: {device:?}", self.observations);
        device
    }
}

#[tokio::test]
async fn a_device_never_claims_a_state_that_whoever_speaks_for_it_has_not_reported() {
    let long = std::env::var("LONG").is_ok_and(|long| long == "1");
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4);
    let most = if long { 1_000_000 } else { 3_000 };
    let mut fuzzed = Fuzzed::new(seed).await;
    let (mut restarts, mut until_restart) = (0, 200);
    while fuzzed.observations < most {
        fuzzed.batch().await;
        fuzzed.check().await;
        until_restart -= 1;
        if until_restart == 0 {
            fuzzed = fuzzed.restart().await;
            restarts += 1;
            until_restart = fuzzed.rng.random_range(1..500);
            fuzzed.check().await;
        }
    }
    eprintln!("{} observations, {restarts} restarts, seed {seed}", fuzzed.observations);
    assert!(restarts > 0);
}

#[tokio::test]
async fn what_a_lesser_way_says_of_the_door_is_not_taken_while_a_better_one_is_there() {
    let mut fuzzed = Fuzzed::new(7).await;
    fuzzed.world.says(fuzzed.device, Observation::Door(DoorState::Closed)).await;
    let up = Observation::Link { up: true };
    fuzzed.world.says_by(fuzzed.device, Connector::NukiHub, up).await;
    fuzzed.world.says_by(fuzzed.device, Connector::NukiHub, Observation::Door(DoorState::Opened)).await;
    fuzzed.model.link(1, true, fuzzed.world.clock.now());
    fuzzed.model.door = Some(DoorState::Closed);
    fuzzed.check().await;
}
