//! A restore replaces everything by a whole backup or nothing at all, and opens no way in that was closed since.

use lockwarden_app::accounts::{NewToken, SignIn, TokenScope};
use lockwarden_app::bus::Event;
use lockwarden_app::devices::Connector;
use lockwarden_app::logins::LoginCheck;
use lockwarden_app::{Error, Refusal};
use lockwarden_testkit::{PASSWORD, World};

const NEWER: &str = "nine brown boats on the lake";

#[tokio::test]
async fn what_was_revoked_or_changed_after_the_backup_stays_so() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let token = async |name| {
        let new = NewToken { name, scopes: TokenScope::ALL };
        world.app.create_token(&anna, new).await.unwrap()
    };
    let ((revoked, dead), (_, alive)) = (token("revoked").await, token("kept").await);
    let (door, old) = world.device(&anna, "Front door").await;
    let (_, kept) = world.device(&anna, "Back door").await;
    let dir = world.database.dir.path();
    let file = dir.join("backup.db");
    world.app.back_up(&file).await.unwrap();

    world.app.revoke_token(&anna, revoked).await.unwrap();
    world.app.rotate_login(&anna, door, Connector::NukiMqtt).await.unwrap();
    let restored = world.app.restore(&file).await.unwrap();
    assert_eq!((restored.still_revoked, restored.passwords_kept), (2, 0));
    assert!(world.app.authenticate_token(&dead).await.unwrap().is_none());
    assert!(world.app.authenticate_token(&alive).await.unwrap().is_some());
    let check = async |login: &lockwarden_app::logins::Credentials| {
        world.app.check_login(&login.username, login.password.as_bytes()).await.unwrap()
    };
    assert_eq!(check(&old).await, LoginCheck::Unknown);
    assert!(matches!(check(&kept).await, LoginCheck::Right(_)));

    world.clock.advance(std::time::Duration::from_secs(1));
    let (_, anna) = world.sign_in("anna@example.org").await;
    let browsers = async || -> i64 {
        world
            .app
            .db()
            .read()
            .await
            .unwrap()
            .query("select count(*) from known_browsers")
            .value()
            .await
            .unwrap()
    };
    world.app.back_up(&dir.join("with browsers.db")).await.unwrap();
    assert!(browsers().await > 0);
    world.app.change_password(&anna, PASSWORD, NEWER).await.unwrap();
    assert_eq!(world.app.restore(&dir.join("with browsers.db")).await.unwrap().passwords_kept, 1);
    assert_eq!(browsers().await, 0, "the new password forgot them");
    assert_eq!(world.app.restore(&file).await.unwrap().passwords_kept, 1);
    let with = |password| SignIn {
        email: "anna@example.org",
        password,
        browser: None,
        address: "192.0.2.1",
        user_agent: "test",
    };
    let refused = world.app.sign_in(with(PASSWORD)).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::WrongPassword))));
    assert!(world.app.sign_in(with(NEWER)).await.is_ok());
}

#[tokio::test]
async fn whoever_holds_on_to_what_was_there_is_told_that_it_was_replaced() {
    let world = World::new().await;
    world.owner("Anna").await;
    let file = world.database.dir.path().join("backup.db");
    world.app.back_up(&file).await.unwrap();
    let mut events = world.app.bus().subscribe();
    world.app.restore(&file).await.unwrap();
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(event);
    }
    assert!(told.contains(&Event::DataReplaced), "{told:?}");
}

#[tokio::test]
async fn a_file_that_is_not_a_whole_backup_is_refused_in_words_and_changes_nothing() {
    let world = World::new().await;
    world.owner("Anna").await;
    let dir = world.database.dir.path();
    let whole = dir.join("whole.db");
    world.app.back_up(&whole).await.unwrap();
    let bytes = std::fs::read(&whole).unwrap();
    let empty = World::new().await;
    let (nobody, half, damaged) = (dir.join("nobody.db"), dir.join("half.db"), dir.join("damaged.db"));
    empty.app.back_up(&nobody).await.unwrap();
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    let mut flipped = bytes.clone();
    let (from, to) = (4_096, 3 * 4_096);
    flipped[from..to].fill(0xA5);
    std::fs::write(&damaged, flipped).unwrap();
    let nothing = dir.join("nothing.db");
    std::fs::write(&nothing, b"").unwrap();
    for (file, words) in
        [(&nothing, "not a backup"), (&nobody, "no account"), (&half, "damaged"), (&damaged, "damaged")]
    {
        let refused = world.app.restore(file).await;
        let Err(Error::Invalid { field: "file", why }) = refused else {
            panic!("{}: {refused:?}", file.display())
        };
        assert!(why.contains(words), "{}: {why}", file.display());
        assert!(world.app.find_account("anna@example.org").await.is_ok());
    }
    assert!(world.app.restore(&whole).await.is_ok());
}

#[tokio::test]
async fn a_backup_is_its_owners_only_and_leaves_nothing_half_done_beside_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().await;
    world.owner("Anna").await;
    let folder = world.database.dir.path().join("backups");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("backup.db");
    let mode = |file: &std::path::Path| Some(std::fs::metadata(file).ok()?.permissions().mode() & 0o777);
    let mut seen = 0;
    let mut writing = Box::pin(world.app.back_up(&file));
    std::future::poll_fn(|context| {
        let polled = writing.as_mut().poll(context);
        let unfinished = mode(&folder.join(".backup.db.writing"));
        assert!(unfinished.is_none_or(|mode| mode == 0o600), "{unfinished:?}");
        seen += usize::from(unfinished.is_some());
        polled
    })
    .await
    .unwrap();
    assert!(seen > 0, "it was looked at while it was written");
    assert_eq!(mode(&file), Some(0o600));
    world.app.restore(&file).await.unwrap();
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["backup.db"]);
}
