//! Promise 4 over REST, tried to break: whatever is reported, lost and found again by two ways, a smartlock that is there
//! (`serverState` 0) has the state that the way which speaks for it has told since it does, or 255; one that is not there
//! (`serverState` 4) has one that was told.

use std::time::Duration;

use axum::http::StatusCode;
use lockwarden_app::accounts::TokenScope;
use lockwarden_app::devices::{Connector, LockState, Observation};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use crate::kit::Api;

const WAYS: [Connector; 2] = [Connector::NukiMqtt, Connector::NukiHub];
const STATES: [LockState; 4] =
    [LockState::Locked, LockState::Unlocked, LockState::Unlatched, LockState::MotorBlocked];

#[tokio::test]
async fn a_smartlock_has_the_state_that_was_told_and_no_other_whatever_comes_and_goes() {
    let api = Api::new().await;
    let anna = api.world.owner("Anna").await;
    let token = api.token(&anna, TokenScope::ALL).await;
    let device = api.world.lock(&anna, "Front door", 7).await;
    api.world.app.add_way(&anna, device, Connector::NukiHub).await.unwrap();
    let mut rng = StdRng::seed_from_u64(11);
    let (mut up, mut speaker) = ([true, false], Some(0));
    let (mut claim, mut told) = (Some(LockState::Locked), vec![LockState::Locked]);
    let mut seen = [0; 3];
    for step in 0..300 {
        let way = rng.random_range(0..WAYS.len());
        let says = if rng.random_bool(0.4) {
            up[way] = rng.random_bool(0.6);
            let now = up.iter().position(|up| *up);
            if now != speaker {
                (speaker, claim) = (now, None);
            }
            Observation::Link { up: up[way] }
        } else if up[way] {
            let state = STATES[rng.random_range(0..STATES.len())];
            if speaker == Some(way) {
                claim = Some(state);
                told.push(state);
            }
            Observation::State(state)
        } else {
            continue;
        };
        api.world.says_by(device, WAYS[way], says).await;
        api.world.clock.advance(Duration::from_secs(2));
        let all = api.get("/smartlock", &token).await;
        assert_eq!(all.status, StatusCode::OK);
        let one = &all.json()[0];
        let state = &one["state"]["state"];
        if speaker.is_some() {
            let expected = claim.map_or(LockState::Undefined, |state| state).code();
            assert_eq!((&one["serverState"], state), (&json!(0), &json!(expected)), "step {step}");
        } else {
            assert_eq!(one["serverState"], 4, "step {step}");
            assert!(told.iter().any(|told| *state == json!(told.code())), "step {step}: {state}");
        }
        seen[usize::from(speaker.is_none()) + 2 * usize::from(speaker.is_some() && claim.is_none())] += 1;
    }
    assert!(seen.iter().all(|times| *times > 10), "all three were tried: {seen:?}");
}
