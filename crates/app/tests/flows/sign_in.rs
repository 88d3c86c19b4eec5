//! Ways in: guesses are counted before they are looked at, and every way in can be closed.

use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use lockwarden_app::accounts::{NewAccount, NewToken, SignIn, SignedIn, TokenScope};
use lockwarden_app::actor::{Actor, Rights};
use lockwarden_app::{Error, Refusal, Result};
use lockwarden_testkit::{PASSWORD, World};

const WRONG: &str = "some other long password";
const DAY: Duration = Duration::from_hours(24);

async fn try_with(world: &World, email: &str, password: &str, from: &str) -> Result<SignedIn> {
    world.app.sign_in(SignIn { email, password, browser: None, address: from, user_agent: "test" }).await
}

#[tokio::test]
async fn five_wrong_passwords_make_even_the_right_one_wait_and_a_restart_does_not_help() {
    let world = World::new().await;
    world.owner("Anna").await;
    for _ in 0..5 {
        let refused = try_with(&world, "anna@example.org", WRONG, "192.0.2.7").await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::WrongPassword))));
    }
    let world = world.restart(2).await;
    let refused = try_with(&world, "anna@example.org", PASSWORD, "198.51.100.3").await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::WaitBeforeSignIn(_)))));
    world.clock.advance(Duration::from_secs(31));
    assert!(try_with(&world, "anna@example.org", PASSWORD, "198.51.100.3").await.is_ok());
}

#[tokio::test]
async fn a_password_that_was_hashed_cheaply_is_hashed_anew_at_the_next_sign_in() {
    let world = World::new().await;
    world.owner("Anna").await;
    let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8_192, 1, 1, None).unwrap());
    let cheap = cheap.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    let mut tx = world.app.db().write().await.unwrap();
    tx.query("update accounts set password_hash = $1").bind(cheap).run().await.unwrap();
    tx.commit().await.unwrap();
    assert!(try_with(&world, "anna@example.org", PASSWORD, "192.0.2.7").await.is_ok());
    let mut tx = world.app.db().read().await.unwrap();
    let stored: String = tx.query("select password_hash from accounts").value().await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert!(try_with(&world, "anna@example.org", PASSWORD, "192.0.2.7").await.is_ok());
}

#[tokio::test]
async fn an_unknown_email_is_answered_like_a_known_one() {
    let world = World::new().await;
    world.owner("Anna").await;
    for email in ["anna@example.org", "nobody@example.org"] {
        for _ in 0..5 {
            let refused = try_with(&world, email, WRONG, "192.0.2.7").await;
            assert!(matches!(refused, Err(Error::Refused(Refusal::WrongPassword))), "{email}");
        }
        let refused = try_with(&world, email, WRONG, "192.0.2.7").await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::WaitBeforeSignIn(_)))), "{email}");
    }
}

#[tokio::test]
async fn guessing_stops_for_good_and_the_owner_still_gets_in_from_a_known_browser() {
    let world = World::new().await;
    world.owner("Anna").await;
    let home = try_with(&world, "anna@example.org", PASSWORD, "192.0.2.1").await.unwrap();
    let mut looked_at = 0;
    for guess in 0..200 {
        let from = format!("203.0.113.{guess}");
        match try_with(&world, "anna@example.org", WRONG, &from).await {
            Err(Error::Refused(Refusal::WrongPassword)) => looked_at += 1,
            Err(Error::Refused(_)) => {}
            _ => panic!("a wrong password let somebody in"),
        }
        world.clock.advance(Duration::from_secs(3_601));
    }
    assert_eq!(looked_at, 50);
    let known = SignIn {
        email: "anna@example.org",
        password: PASSWORD,
        browser: Some(&home.browser),
        address: "192.0.2.1",
        user_agent: "test",
    };
    assert!(world.app.sign_in(known).await.is_ok());
    let refused = try_with(&world, "anna@example.org", PASSWORD, "198.51.100.3").await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::PasswordLocked))));
    world.app.reset_password("anna@example.org", "a brand new set of words").await.unwrap();
    assert!(try_with(&world, "anna@example.org", "a brand new set of words", "198.51.100.3").await.is_ok());
}

#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_one_after_the_other() {
    let world = World::new().await;
    world.owner("Anna").await;
    let mut guesses = tokio::task::JoinSet::new();
    for guess in 0..40 {
        let app = world.app.clone();
        guesses.spawn(async move {
            let address = format!("203.0.113.{guess}");
            let with = SignIn {
                email: "anna@example.org",
                password: WRONG,
                browser: None,
                address: &address,
                user_agent: "test",
            };
            matches!(app.sign_in(with).await, Err(Error::Refused(Refusal::WrongPassword)))
        });
    }
    let looked_at = guesses.join_all().await.into_iter().filter(|looked_at| *looked_at).count();
    assert_eq!(looked_at, 5);
}

#[tokio::test]
async fn a_session_ends_idle_after_a_week_and_in_any_case_after_a_month() {
    let world = World::new().await;
    world.owner("Anna").await;
    let (mut idle, _) = world.sign_in("anna@example.org").await;
    let (mut used, _) = world.sign_in("anna@example.org").await;
    for day in 1..=29 {
        world.clock.advance(DAY);
        let session = world.app.authenticate_session(&used).await.unwrap();
        let session = session.unwrap_or_else(|| panic!("ended on day {day}"));
        used = session.rotated.unwrap_or(used);
        // Asking counts as use, so the idle one is asked on the first day, and then once its week is over.
        if day == 1 || day == 9 {
            let session = world.app.authenticate_session(&idle).await.unwrap();
            assert_eq!(session.is_some(), day == 1, "day {day}");
            idle = session.and_then(|session| session.rotated).unwrap_or(idle);
        }
    }
    world.clock.advance(DAY);
    assert!(world.app.authenticate_session(&used).await.unwrap().is_none());
}

#[tokio::test]
async fn a_session_nobody_used_for_a_week_is_over() {
    let world = World::new().await;
    world.owner("Anna").await;
    let (mut secret, _) = world.sign_in("anna@example.org").await;
    for _ in 0..2 {
        world.clock.advance(7 * DAY);
        let session = world.app.authenticate_session(&secret).await.unwrap();
        secret = session.unwrap_or_else(|| panic!("a week is not over yet")).rotated.unwrap_or(secret);
    }
    world.clock.advance(7 * DAY + Duration::from_millis(1));
    assert!(world.app.authenticate_session(&secret).await.unwrap().is_none());
    assert!(world.app.authenticate_session(&secret).await.unwrap().is_none(), "asking brings nothing back");
}

#[tokio::test]
async fn the_secret_of_a_session_changes_and_the_old_one_dies_after_a_minute() {
    let world = World::new().await;
    world.owner("Anna").await;
    let (old, _) = world.sign_in("anna@example.org").await;
    world.clock.advance(Duration::from_secs(3_601));
    let new = world.app.authenticate_session(&old).await.unwrap().unwrap().rotated.unwrap();
    let still = world.app.authenticate_session(&old).await.unwrap().unwrap();
    assert!(still.rotated.is_none(), "only one of two requests at once changes it");
    world.clock.advance(Duration::from_secs(61));
    assert!(world.app.authenticate_session(&old).await.unwrap().is_none());
    assert!(world.app.authenticate_session(&new).await.unwrap().is_some());
}

#[tokio::test]
async fn signing_out_and_a_new_password_close_every_way_in() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (elsewhere, _) = world.sign_in("anna@example.org").await;
    let new = NewToken { name: "script", scopes: TokenScope::ALL };
    let (_, token) = world.app.create_token(&anna, new).await.unwrap();
    assert!(world.app.authenticate_token(&token).await.unwrap().is_some());
    let refused = world.app.change_password(&anna, WRONG, "a brand new set of words").await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::WrongPassword))));
    world.app.change_password(&anna, PASSWORD, "a brand new set of words").await.unwrap();
    assert!(world.app.authenticate_token(&token).await.unwrap().is_none());
    assert!(world.app.authenticate_session(&elsewhere).await.unwrap().is_none());
    assert_eq!(world.app.list_sessions(&anna).await.unwrap().len(), 1);
    world.app.sign_out(&anna).await.unwrap();
    assert!(world.app.list_sessions(&anna).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_has_the_rights_of_its_scopes_and_no_more() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let new = NewToken { name: "reader", scopes: &[TokenScope::SmartlockReadOnly] };
    let (id, secret) = world.app.create_token(&anna, new).await.unwrap();
    let reader = world.app.authenticate_token(&secret).await.unwrap().unwrap();
    assert_eq!(reader.rights, Rights::VIEW);
    assert!(matches!(world.app.list_tokens(&reader).await, Err(Error::Forbidden(_))));
    world.app.revoke_token(&anna, id).await.unwrap();
    assert!(world.app.authenticate_token(&secret).await.unwrap().is_none());
}

#[tokio::test]
async fn a_token_is_never_above_what_its_person_may_do_now() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let scopes = &[TokenScope::SmartlockReadOnly, TokenScope::SmartlockAction];
    let (_, secret) = world.app.create_token(&anna, NewToken { name: "script", scopes }).await.unwrap();
    for (person, token) in [
        (Rights::ALL, Rights::VIEW | Rights::OPERATE),
        (Rights::VIEW | Rights::LOG, Rights::VIEW),
        (Rights::NONE, Rights::NONE),
        (Rights::OPERATE | Rights::ACCOUNT, Rights::OPERATE),
    ] {
        limit(&world, &anna, person).await;
        let actor = world.app.authenticate_token(&secret).await.unwrap().unwrap();
        assert_eq!(actor.rights, token, "{person:?}");
    }
}

/// Nothing in the product takes rights away yet, so the table is changed. Nobody is told of that, so a token that is
/// known is looked up again only when its use is written down, after a minute.
async fn limit(world: &World, owner: &Actor, rights: Rights) {
    let mut tx = world.app.db().write().await.unwrap();
    tx.query("update accounts set rights = $2 where id = $1")
        .bind(owner.account)
        .bind(rights.bits())
        .run()
        .await
        .unwrap();
    tx.commit().await.unwrap();
    world.clock.advance(Duration::from_secs(61));
}

#[tokio::test]
async fn the_first_start_makes_one_account_and_its_link_works_once() {
    let world = World::new().await;
    let old = world.app.create_set_up_link().await.unwrap().unwrap();
    let secret = world.app.create_set_up_link().await.unwrap().unwrap();
    assert!(!world.app.set_up_link_works(&old).await.unwrap(), "a newer link replaces it");
    let mut tries = tokio::task::JoinSet::new();
    for person in 0..10 {
        let (app, secret) = (world.app.clone(), secret.clone());
        tries.spawn(async move {
            let email = format!("person{person}@example.org");
            let new = NewAccount { email: &email, name: "First", password: PASSWORD, time_zone: "UTC" };
            app.complete_set_up(&secret, new).await.is_ok()
        });
    }
    let made = tries.join_all().await.into_iter().filter(|made| *made).count();
    assert_eq!(made, 1);
    assert!(world.app.create_set_up_link().await.unwrap().is_none());
}

#[tokio::test]
async fn a_set_up_link_is_too_old_after_a_day() {
    let world = World::new().await;
    let secret = world.app.create_set_up_link().await.unwrap().unwrap();
    world.clock.advance(DAY + Duration::from_secs(1));
    assert!(!world.app.set_up_link_works(&secret).await.unwrap());
}

#[tokio::test]
async fn two_accounts_cannot_share_an_email() {
    let world = World::new().await;
    world.owner("Anna").await;
    let new = NewAccount { email: "ANNA@example.org", name: "Other", password: PASSWORD, time_zone: "UTC" };
    assert!(matches!(world.app.create_account(new).await, Err(Error::Refused(Refusal::EmailTaken))));
}
