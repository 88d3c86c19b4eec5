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
