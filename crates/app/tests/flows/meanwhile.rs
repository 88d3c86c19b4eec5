//! What came to an end between the asking and the writing, over a slow network or a slow disk, is not done any more.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use lockwarden_app::accounts::{NewToken, SignIn, TokenScope};
use lockwarden_app::actor::{Actor, Rights};
use lockwarden_app::commands::{DEADLINE, Order};
use lockwarden_app::devices::{Connector, LockAction, NewDevice};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::{Error, Refusal};
use lockwarden_testkit::{PASSWORD, World};

fn unlock(device: DeviceId) -> Order<'static> {
    Order { device, action: LockAction::Unlock, idempotency_key: None }
}

/// Everything that changes something, as somebody asks for it.
async fn try_everything(world: &World, actor: &Actor, door: DeviceId) -> Vec<Error> {
    let app = &world.app;
    let token = NewToken { name: "Way back in", scopes: TokenScope::ALL };
    let device = NewDevice::by_mqtt("Another");
    let session = lockwarden_app::ids::SessionId(1);
    let tried = [
        app.order(actor, unlock(door)).await.err(),
        app.create_token(actor, token).await.err(),
        app.revoke_token(actor, lockwarden_app::ids::TokenId(1)).await.err(),
        app.add_device(actor, device).await.err(),
        app.rename_device(actor, door, "Mine").await.err(),
        app.rotate_login(actor, door, Connector::NukiMqtt).await.err(),
        app.revoke_login(actor, door, Connector::NukiMqtt).await.err(),
        app.change_profile(actor, "Eve", "UTC").await.err(),
        app.change_password(actor, PASSWORD, "a brand new set of words").await.err(),
        app.end_session(actor, session).await.err(),
        app.end_other_sessions(actor).await.err(),
        app.remove_device(actor, door).await.err(),
    ];
    tried.map(Option::unwrap).into()
}

#[tokio::test]
async fn whoever_was_signed_out_meanwhile_changes_nothing_and_makes_no_way_back_in() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let (_, thief) = world.sign_in("anna@example.org").await;
    world.app.end_other_sessions(&anna).await.unwrap();
    for (number, error) in try_everything(&world, &thief, door).await.into_iter().enumerate() {
        assert!(matches!(error, Error::Ended), "{number}: {error:?}");
    }
    assert!(world.app.list_tokens(&anna).await.unwrap().is_empty());
    assert_eq!(world.app.load_device(&anna, door).await.unwrap().name, "Front door");
    world.sign_in("anna@example.org").await;
}

#[tokio::test]
async fn a_right_that_was_taken_away_meanwhile_is_gone() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let mut tx = world.app.db().write().await.unwrap();
    tx.query("update accounts set rights = $1").bind(Rights::VIEW.bits()).run().await.unwrap();
    tx.commit().await.unwrap();
    for (number, error) in try_everything(&world, &anna, door).await.into_iter().enumerate() {
        assert!(matches!(error, Error::Forbidden(_)), "{number}: {error:?}");
    }
}

/// The operator comes in at one pause of changing it after the other. Where the change holds what the operator needs, it
/// goes on step by step until it lets go.
#[tokio::test]
async fn a_password_that_the_operator_set_meanwhile_is_not_overwritten() {
    let operators = "nobody but the operator knows this";
    for before in 1.. {
        let world = World::new().await;
        let anna = world.owner("Anna").await;
        let mut changing =
            Box::pin(world.app.change_password(&anna, PASSWORD, "what the thief would like best"));
        let mut pauses = 0;
        let changed = poll_fn(|context| {
            let polled = changing.as_mut().poll(context);
            pauses += usize::from(polled.is_pending());
            if polled.is_pending() && pauses == before { Poll::Ready(None) } else { polled.map(Some) }
        })
        .await;
        if let Some(changed) = changed {
            changed.unwrap();
            assert!(before > 3, "{before}");
            return;
        }
        let mut resetting = Box::pin(world.app.reset_password("anna@example.org", operators));
        let mut changed = None;
        while tokio::time::timeout(Duration::from_millis(300), resetting.as_mut()).await.is_err() {
            if changed.is_none() {
                changed = poll_fn(|context| match changing.as_mut().poll(context) {
                    Poll::Ready(done) => Poll::Ready(Some(done)),
                    Poll::Pending => Poll::Ready(None),
                })
                .await;
            }
        }
        if changed.is_none() {
            // Refused, or it had committed before the operator did.
            let _ = changing.await;
        }
        let with = SignIn {
            email: "anna@example.org",
            password: operators,
            browser: None,
            address: "192.0.2.1",
            user_agent: "test",
        };
        assert!(world.app.sign_in(with).await.is_ok(), "after pause {before}");
    }
}

#[tokio::test]
async fn an_order_that_could_not_be_written_down_in_time_is_refused() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let busy = world.app.db().write().await.unwrap();
    let mut ordering = Box::pin(world.app.order(&anna, unlock(door)));
    poll_fn(|context| {
        assert!(ordering.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    world.clock.advance(DEADLINE + Duration::from_secs(1));
    drop(busy);
    assert!(matches!(ordering.await, Err(Error::Refused(Refusal::TooLate))));
    assert!(world.app.list_open_commands(&anna).await.unwrap().is_empty());
}

/// The clock jumps past the deadline at one pause of ordering after the other.
#[tokio::test]
async fn wherever_the_time_is_lost_on_the_way_to_the_table_nothing_leaves_late() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    for lost_at in 1.. {
        let mut pauses = 0;
        let mut ordering = Box::pin(world.app.order(&anna, unlock(door)));
        let ordered = poll_fn(|context| {
            let polled = ordering.as_mut().poll(context);
            if polled.is_pending() {
                pauses += 1;
                if pauses == lost_at {
                    world.clock.advance(DEADLINE + Duration::from_secs(1));
                }
            }
            polled
        })
        .await;
        let taken = match ordered {
            Ok(command) => world.app.take_command(command.id).await.unwrap(),
            Err(Error::Refused(Refusal::TooLate)) => None,
            Err(error) => panic!("{error:?}"),
        };
        if pauses < lost_at {
            assert!(taken.is_some() && pauses > 0, "nothing was late, and the commit alone is a pause");
            return;
        }
        assert!(taken.is_none(), "pause {lost_at} of {pauses}");
    }
}
