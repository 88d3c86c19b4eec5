//! Who can keep whom from signing in, and what a change of password ends.

use lockwarden_app::accounts::SignIn;
use lockwarden_app::{Error, Refusal};
use lockwarden_testkit::{PASSWORD, World};

const NEWER: &str = "nine brown boats on the lake";

fn with<'a>(email: &'a str, password: &'a str, address: &'a str) -> SignIn<'a> {
    SignIn { email, password, browser: None, address, user_agent: "test" }
}

#[tokio::test]
async fn signing_in_right_again_and_again_shuts_nobody_out_of_an_address() {
    let world = World::new().await;
    world.owner("Anna").await;
    for _ in 0..30 {
        world.app.sign_in(with("anna@example.org", PASSWORD, "192.0.2.7")).await.unwrap();
    }
}

#[tokio::test]
async fn a_guesser_cannot_move_on_within_a_network_of_ipv6() {
    let world = World::new().await;
    world.owner("Anna").await;
    let mut refused = 0;
    for number in 0..40 {
        let address = format!("2001:db8:0:1::{number:x}");
        let email = format!("nobody{number}@example.org");
        let answer = world.app.sign_in(with(&email, "not the password", &address)).await;
        refused += u32::from(matches!(answer, Err(Error::Refused(Refusal::WaitBeforeSignIn(_)))));
    }
    assert_eq!(refused, 20);
}

#[tokio::test]
async fn strangers_who_guess_cannot_keep_the_owner_from_changing_the_password() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    for number in 0..10 {
        let _ = world.app.sign_in(with("anna@example.org", "guess", &format!("192.0.2.{number}"))).await;
    }
    world.app.change_password(&anna, PASSWORD, NEWER).await.unwrap();
}

#[tokio::test]
async fn somebody_else_who_forgot_a_password_keeps_nobody_from_changing_theirs() {
    let world = World::new().await;
    let (anna, bob) = (world.owner("Anna").await, world.owner("Bob").await);
    for _ in 0..6 {
        world.app.change_password(&bob, "guess", NEWER).await.unwrap_err();
    }
    let waits = world.app.change_password(&bob, PASSWORD, NEWER).await;
    assert!(matches!(waits, Err(Error::Refused(Refusal::WaitBeforeSignIn(_)))), "{waits:?}");
    world.app.change_password(&anna, PASSWORD, NEWER).await.unwrap();
}

#[tokio::test]
async fn a_password_that_was_changed_while_a_sign_in_looked_at_it_lets_nobody_in() {
    let mut seen = 0;
    for _ in 0..20 {
        let world = World::new().await;
        world.owner("Anna").await;
        let app = world.app.clone();
        let counted = "select coalesce(max(failures), 0) from sign_in_failures";
        let mut signing = tokio::task::JoinSet::new();
        signing.spawn(async move { app.sign_in(with("anna@example.org", PASSWORD, "192.0.2.9")).await });
        // The attempt is counted, so the password is being looked at.
        while world.app.db().read().await.unwrap().query(counted).value::<i64>().await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        let mut tx = world.app.db().write().await.unwrap();
        let sessions = tx.query("select count(*) from sessions").value::<i64>().await.unwrap();
        tx.query("update accounts set password_hash = 'another'").run().await.unwrap();
        tx.commit().await.unwrap();
        let signed_in = signing.join_next().await.unwrap().unwrap().is_ok();
        if sessions == 1 {
            // Anna's first: the sign-in was not in yet.
            seen += 1;
            assert!(!signed_in, "it began with the old password and ended after it was changed");
        }
    }
    assert!(seen > 0, "the sign-in was always quicker");
}

#[tokio::test]
async fn a_sign_in_that_began_before_a_change_of_password_ends_with_it() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    // Both look at the old password at once; whichever is later in the database has to notice the other.
    for round in 0..10 {
        let (old, new) = if round % 2 == 0 { (PASSWORD, NEWER) } else { (NEWER, PASSWORD) };
        let changing = world.app.change_password(&anna, old, new);
        let signing = world.app.sign_in(with("anna@example.org", old, "192.0.2.9"));
        let (changed, signed) = tokio::join!(changing, signing);
        changed.unwrap();
        if let Ok(signed) = signed {
            let still = world.app.authenticate_session(&signed.token).await.unwrap();
            assert!(still.is_none(), "round {round}: a session by the old password stands");
        }
    }
}

#[tokio::test]
async fn an_address_with_control_characters_is_wrong_like_any_other() {
    let world = World::new().await;
    for email in ["anna\0@example.org", "\u{7}", "a\r\nb"] {
        let answer = world.app.sign_in(with(email, PASSWORD, "192.0.2.1")).await;
        assert!(matches!(answer, Err(Error::Refused(Refusal::WrongPassword))), "{email:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_full_use_is_dead_when_its_revocation_returns() {
    use lockwarden_app::accounts::{NewToken, TokenScope};
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    for _ in 0..20 {
        let new = NewToken { name: "script", scopes: TokenScope::ALL };
        let (id, secret) = world.app.create_token(&anna, new).await.unwrap();
        let mut users = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (app, secret) = (world.app.clone(), secret.clone());
            users.spawn(async move {
                while app.authenticate_token(&secret).await.unwrap().is_some() {
                    tokio::task::yield_now().await;
                }
            });
        }
        assert!(world.app.authenticate_token(&secret).await.unwrap().is_some());
        world.app.revoke_token(&anna, id).await.unwrap();
        assert!(world.app.authenticate_token(&secret).await.unwrap().is_none());
        users.join_all().await;
    }
}
