//! A login is one device's.

use std::collections::HashMap;
use std::time::Duration;

use lockwarden_app::accounts::{NewToken, TokenScope};
use lockwarden_app::actor::{Actor, Scope};
use lockwarden_app::devices::{Connector, SortBy};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::logins::{BindRefusal, FIELD_BYTES, LoginCheck, RefusalReason, Stranger};
use lockwarden_testkit::{PASSWORD, World};

#[tokio::test]
async fn a_login_fits_into_a_lock_and_only_its_own_password_opens_it() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (_, credentials) = world.device(&anna, "Front door").await;
    assert!(credentials.username.len() <= FIELD_BYTES && credentials.password.len() <= FIELD_BYTES);
    let check = world.app.check_login(&credentials.username, b"wrong").await.unwrap();
    assert!(matches!(check, LoginCheck::WrongPassword(_)));
    let check = world.app.check_login("nobody", credentials.password.as_bytes()).await.unwrap();
    assert_eq!(check, LoginCheck::Unknown);
}

#[tokio::test]
async fn the_database_does_not_know_a_devices_password() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (_, credentials) = world.device(&anna, "Front door").await;
    let (_, second) = world.device(&anna, "Back door").await;
    let mut tx = world.app.db().read().await.unwrap();
    let hashes = tx
        .query("select password_hash from logins where username in ($1, $2)")
        .bind(credentials.username.clone())
        .bind(second.username.clone())
        .all::<(Vec<u8>,)>()
        .await
        .unwrap();
    assert_eq!((hashes.len(), hashes[0].0.len()), (2, 32));
    assert_ne!(hashes[0], hashes[1]);
    for (hash,) in &hashes {
        assert!(!String::from_utf8_lossy(hash).contains(&credentials.password));
    }
    drop(tx);
    let new = NewToken { name: "script", scopes: TokenScope::ALL };
    let (_, token) = world.app.create_token(&anna, new).await.unwrap();
    let (session, _) = world.sign_in("anna@example.org").await;
    // Nor does a copy of it, and what a copy holds opens nothing.
    let copy = world.database.dir.path().join("backup.db");
    world.app.back_up(&copy).await.unwrap();
    let bytes = std::fs::read(&copy).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds(&credentials.username) && holds("script"));
    for secret in [&credentials.password, &token, &session, PASSWORD] {
        assert!(!holds(secret));
    }
    for (hash,) in hashes {
        let check = world.app.check_login(&credentials.username, &hash).await.unwrap();
        assert!(matches!(check, LoginCheck::WrongPassword(_)));
    }
}

#[tokio::test]
async fn the_first_lock_binds_the_login_and_no_other_gets_in() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let (_, first) = world.device(&anna, "Front door").await;
    let (_, second) = world.device(&boris, "The same lock").await;
    let first = world.login(&first).await;
    let second = world.login(&second).await;
    assert_eq!(world.app.bind_login(&first, 0xA1).await.unwrap(), Ok(()));
    assert_eq!(world.app.bind_login(&first, 0xA1).await.unwrap(), Ok(()));
    assert_eq!(world.app.bind_login(&first, 0xA2).await.unwrap(), Err(BindRefusal::OtherDevice));
    assert_eq!(world.app.bind_login(&second, 0xA1).await.unwrap(), Err(BindRefusal::DeviceTaken));
}

#[tokio::test]
async fn a_removed_lock_can_be_added_again_and_its_old_login_is_dead() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (device, old) = world.device(&anna, "Front door").await;
    let login = world.login(&old).await;
    world.app.bind_login(&login, 0xA1).await.unwrap().unwrap();
    world.app.remove_device(&anna, device).await.unwrap();
    assert_eq!(
        world.app.check_login(&old.username, old.password.as_bytes()).await.unwrap(),
        LoginCheck::Unknown
    );
    assert!(world.app.list_devices(&anna, SortBy::Name).await.unwrap().is_empty());
    let (_, new) = world.device(&anna, "Front door again").await;
    let login = world.login(&new).await;
    assert_eq!(world.app.bind_login(&login, 0xA1).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_new_password_ends_the_old_one_at_once() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (device, old) = world.device(&anna, "Front door").await;
    let new = world.app.rotate_login(&anna, device, Connector::NukiMqtt).await.unwrap();
    assert_eq!(
        world.app.check_login(&old.username, old.password.as_bytes()).await.unwrap(),
        LoginCheck::Unknown
    );
    world.login(&new).await;
    world.app.revoke_login(&anna, device, Connector::NukiMqtt).await.unwrap();
    assert_eq!(
        world.app.check_login(&new.username, new.password.as_bytes()).await.unwrap(),
        LoginCheck::Unknown
    );
}

#[tokio::test]
async fn what_a_login_was_refused_is_counted_for_its_owner() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (device, credentials) = world.device(&anna, "Front door").await;
    let login = world.login(&credentials).await.login;
    for _ in 0..3 {
        let detail = "nuki/B2/state\nwith a line break";
        world
            .app
            .note_login_refusals(&[(login, RefusalReason::ForeignTopic, detail.to_owned(), 1)])
            .await
            .unwrap();
    }
    let (_, refusals) = world.app.load_logins(&anna, device).await.unwrap();
    assert_eq!((refusals.len(), refusals[0].times), (1, 3));
    assert!(!refusals[0].detail.contains('\n'));
}

/// What a device is known to have let through.
async fn strangers_of(world: &World, actor: &Actor, device: DeviceId) -> Vec<u32> {
    let found = world.app.list_strangers(actor, Some(device)).await.unwrap();
    found.into_iter().map(|one| one.stranger.nuki_id).collect()
}

#[tokio::test]
async fn however_many_strangers_speak_elsewhere_those_of_a_device_are_shown_and_can_be_added() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (front, credentials) = world.device(&anna, "Front door").await;
    let login = world.login(&credentials).await.login;
    world.app.note_strangers(&HashMap::from([(login, vec![Stranger::lock(1)])])).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    for flat in 1..=13_u32 {
        let (_, credentials) = world.device(&anna, &format!("Flat {flat}")).await;
        let login = world.login(&credentials).await.login;
        let noted = (1..=8).map(|one| Stranger::lock(flat * 100 + one)).collect();
        world.app.note_strangers(&HashMap::from([(login, noted)])).await.unwrap();
    }
    assert_eq!(world.app.list_strangers(&anna, None).await.unwrap().len(), 100);
    assert_eq!(strangers_of(&world, &anna, front).await, [1]);
    let some = Actor { scope: Scope::Only([front].into()), ..anna.clone() };
    let theirs = world.app.list_strangers(&some, None).await.unwrap();
    assert_eq!(theirs.iter().map(|one| one.through.0).collect::<Vec<_>>(), [front]);
    let boris = world.owner("Boris").await;
    assert!(strangers_of(&world, &boris, front).await.is_empty());
    world.app.add_stranger(&anna, (login, 1, false)).await.unwrap();
    assert!(strangers_of(&world, &anna, front).await.is_empty());
}

#[tokio::test]
async fn a_stranger_is_shown_again_when_what_it_was_added_as_is_another_lock_or_was_removed_and_it_still_speaks()
 {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (front, credentials) = world.device(&anna, "Front door").await;
    let login = world.login(&credentials).await.login;
    let heard = async || {
        world.clock.advance(Duration::from_secs(1));
        world.app.note_strangers(&HashMap::from([(login, vec![Stranger::lock(0xB2)])])).await.unwrap();
        strangers_of(&world, &anna, front).await
    };
    assert_eq!(heard().await, [0xB2]);
    let (removed, _) = world.app.add_stranger(&anna, (login, 0xB2, false)).await.unwrap();
    assert!(heard().await.is_empty());
    world.app.remove_device(&anna, removed).await.unwrap();
    assert!(strangers_of(&world, &anna, front).await.is_empty(), "it was not heard since");
    assert_eq!(heard().await, [0xB2]);
    let (_, other) = world.app.add_stranger(&anna, (login, 0xB2, false)).await.unwrap();
    let other = world.login(&other.unwrap()).await;
    world.app.bind_login(&other, 0xC3).await.unwrap().unwrap();
    assert_eq!(heard().await, [0xB2], "its login was typed into another lock");
}
