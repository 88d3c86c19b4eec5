//! Promise 5: what is not yours does not exist.

use std::time::Duration;

use lockwarden_app::Error;
use lockwarden_app::activity::EntryQuery;
use lockwarden_app::actor::{Actor, Rights, Scope};
use lockwarden_app::commands::Order;
use lockwarden_app::devices::{Connector, LockAction, NewDevice, Observation, SortBy};
use lockwarden_app::ids::{DeviceId, GroupId};
use lockwarden_app::profiles::WebConfig;
use lockwarden_testkit::World;

fn is_not_found<T: std::fmt::Debug>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::NotFound))
}

#[tokio::test]
async fn another_account_finds_nothing_and_changes_nothing() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let app = &world.app;
    let command = app
        .order(&anna, Order { device: door, action: LockAction::Lock, idempotency_key: None })
        .await
        .unwrap();
    for device in [door, DeviceId(12_345)] {
        let order = Order { device, action: LockAction::Unlock, idempotency_key: None };
        assert!(is_not_found(&app.order(&boris, order).await));
        assert!(is_not_found(&app.load_device(&boris, device).await));
        assert!(is_not_found(&app.rename_device(&boris, device, "Mine").await));
        assert!(is_not_found(&app.remove_device(&boris, device).await));
        assert!(is_not_found(&app.update_device(&boris, device, (Some("Mine"), Some(true))).await));
        assert!(is_not_found(&app.change_settings(&boris, device, &[]).await));
        assert!(is_not_found(&app.send_back_settings(&boris, device, &[]).await));
        assert!(is_not_found(&app.sync_device(&boris, device).await));
        assert!(is_not_found(&app.load_logins(&boris, device).await));
        assert!(is_not_found(&app.rotate_login(&boris, device, Connector::NukiMqtt).await));
        assert!(is_not_found(&app.revoke_login(&boris, device, Connector::NukiMqtt).await));
        assert!(is_not_found(&app.list_commands(&boris, device, 10).await));
        let query = EntryQuery { device: Some(device), ..EntryQuery::default() };
        assert!(is_not_found(&app.list_activity(&boris, query).await));
    }
    assert!(is_not_found(&app.load_command(&boris, command.id).await));
    for number in [(4 << 32) | 0xA1, (4 << 32) | 0xA9, 0, -1] {
        assert!(is_not_found(&app.load_smartlock(&boris, number).await));
        assert!(is_not_found(&app.load_profile_of(&boris, number).await));
        assert!(is_not_found(&app.find_configurable(&boris, number).await));
        assert!(is_not_found(&app.find_manageable(&boris, number).await));
        assert!(is_not_found(&app.keep_web_configs(&boris, &[(number, WebConfig::default())]).await));
    }
    assert!(app.list_profiles(&boris).await.unwrap().is_empty());
    assert!(app.load_profile_of(&anna, (4 << 32) | 0xA1).await.is_ok());
    assert!(app.load_smartlock(&anna, (4 << 32) | 0xA1).await.is_ok());
    assert!(app.list_devices(&boris, SortBy::Name).await.unwrap().is_empty());
    assert!(app.list_open_commands(&boris).await.unwrap().is_empty());
    assert!(app.list_some_devices(&boris, &[door]).await.unwrap().is_empty());
    assert!(app.list_last_commands_of(&boris, &[door]).await.unwrap().is_empty());
    assert!(app.list_activity(&boris, EntryQuery::default()).await.unwrap().entries.is_empty());
    assert_eq!(app.load_device(&anna, door).await.unwrap().name, "Front door");
}

#[tokio::test]
async fn outside_the_scope_is_as_if_it_never_was() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let front = world.lock(&anna, "Front door", 0xA1).await;
    let back = world.lock(&anna, "Back door", 0xA2).await;
    for device in [front, back] {
        world
            .app
            .order(&anna, Order { device, action: LockAction::Lock, idempotency_key: None })
            .await
            .unwrap();
    }
    let mut narrow = anna.clone();
    narrow.scope = Scope::Only([front].into());
    assert!(is_not_found(&world.app.load_device(&narrow, back).await));
    assert_eq!(world.app.list_devices(&narrow, SortBy::Name).await.unwrap().len(), 1);
    assert_eq!(world.app.list_open_commands(&narrow).await.unwrap().len(), 1);
    assert_eq!(world.app.list_some_devices(&narrow, &[front, back]).await.unwrap().len(), 1);
    assert_eq!(world.app.list_last_commands_of(&narrow, &[front, back]).await.unwrap().len(), 1);
    assert_eq!(world.app.list_last_commands_of(&anna, &[front, back]).await.unwrap().len(), 2);
    let app = &world.app;
    let order = Order { device: back, action: LockAction::Unlock, idempotency_key: None };
    assert!(is_not_found(&app.order(&narrow, order).await));
    assert!(is_not_found(&app.rename_device(&narrow, back, "Mine").await));
    assert!(is_not_found(&app.remove_device(&narrow, back).await));
    assert!(is_not_found(&app.load_logins(&narrow, back).await));
    assert!(is_not_found(&app.rotate_login(&narrow, back, Connector::NukiMqtt).await));
    assert!(is_not_found(&app.revoke_login(&narrow, back, Connector::NukiMqtt).await));
    assert!(is_not_found(&app.list_commands(&narrow, back, 10).await));
    assert!(is_not_found(&app.load_logged(&narrow, back).await));
    assert!(is_not_found(&app.send_back_settings(&narrow, back, &[]).await));
    assert!(is_not_found(&app.sync_device(&narrow, back).await));
    assert_eq!(app.list_profiles(&narrow).await.unwrap().len(), 1);
    for smartlock in [(4 << 32) | 0xA2, (4 << 32) | 0xFF] {
        assert!(is_not_found(&app.load_smartlock(&narrow, smartlock).await));
        assert!(is_not_found(&app.find_operable(&narrow, smartlock).await));
        assert!(is_not_found(&app.find_logged(&narrow, smartlock).await));
        assert!(is_not_found(&app.find_configurable(&narrow, smartlock).await));
        assert!(is_not_found(&app.load_profile_of(&narrow, smartlock).await));
        let given = [((4 << 32) | 0xA1, WebConfig::default()), (smartlock, WebConfig::default())];
        assert!(is_not_found(&app.keep_web_configs(&narrow, &given).await));
    }
    let log = world.app.list_activity(&narrow, EntryQuery::default()).await.unwrap().entries;
    assert!(log.iter().all(|entry| entry.device == front) && log.len() == 1, "{log:#?}");
}

#[tokio::test]
async fn what_is_new_outside_the_scope_is_neither_counted_nor_a_place_in_the_log() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let front = world.lock(&anna, "Front door", 0xA1).await;
    let back = world.lock(&anna, "Back door", 0xA2).await;
    let of_back = (0..249).map(|turn| (back, turn % 2 == 1));
    for (device, up) in std::iter::once((front, false)).chain(of_back).chain([(front, true)]) {
        world.clock.advance(Duration::from_secs(1));
        world.says(device, Observation::Link { up }).await;
    }
    let app = &world.app;
    let narrow = Actor { scope: Scope::Only([front].into()), ..anna.clone() };
    assert_eq!(app.count_new_activity(&narrow, None, 0, None).await.unwrap(), 2);
    assert_eq!(app.count_new_activity(&narrow, None, 1, None).await.unwrap(), 1);
    assert_eq!(app.count_new_activity(&anna, None, 0, None).await.unwrap(), 100);
    assert_eq!(app.count_new_activity(&anna, None, 200, None).await.unwrap(), 51);
    assert_eq!(app.count_new_activity(&anna, Some(back), 0, None).await.unwrap(), 100);

    let newest = app.list_activity(&anna, EntryQuery { limit: 2, ..EntryQuery::default() }).await.unwrap();
    let [of_front, of_back] = [newest.entries[0].id, newest.entries[1].id];
    assert!(app.find_entry(&narrow, of_front).await.is_ok() && app.find_entry(&anna, of_back).await.is_ok());
    assert!(is_not_found(&app.find_entry(&narrow, of_back).await));
}

#[tokio::test]
async fn a_right_that_is_missing_stops_the_action_it_is_for() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 0xA1).await;
    let mut nobody = anna.clone();
    nobody.rights = Rights::NONE;
    let app = &world.app;
    let order = Order { device: door, action: LockAction::Unlock, idempotency_key: None };
    assert!(matches!(app.order(&nobody, order).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.load_device(&nobody, door).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.rename_device(&nobody, door, "x").await, Err(Error::Forbidden(_))));
    assert!(matches!(app.list_activity(&nobody, EntryQuery::default()).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.list_devices(&nobody, SortBy::Name).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.list_tokens(&nobody).await, Err(Error::Forbidden(_))));
    let some = [NewDevice::by_mqtt("x")];
    let into_none = app.add_devices(&nobody, &some, Some(GroupId(12))).await;
    assert!(matches!(into_none, Err(Error::Forbidden(_))), "not even which groups there are: {into_none:?}");
    assert!(matches!(app.add_device(&nobody, some[0]).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.remove_device(&nobody, door).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.load_logins(&nobody, door).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.rotate_login(&nobody, door, Connector::NukiMqtt).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.revoke_login(&nobody, door, Connector::NukiMqtt).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.end_other_sessions(&nobody).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.count_new_activity(&nobody, None, 0, None).await, Err(Error::Forbidden(_))));
    let number = (4 << 32) | 0xA1;
    assert!(matches!(app.sync_device(&nobody, door).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.send_back_settings(&nobody, door, &[]).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.update_device(&nobody, door, (None, Some(true))).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.load_profile_of(&nobody, number).await, Err(Error::Forbidden(_))));
    assert!(matches!(app.list_profiles(&nobody).await, Err(Error::Forbidden(_))));
    let given = [(number, WebConfig::default())];
    assert!(matches!(app.keep_web_configs(&nobody, &given).await, Err(Error::Forbidden(_))));
    // Whoever got in may leave.
    app.sign_out(&nobody).await.unwrap();
}
