//! What is to be set, on its way to its device. What is tried: many that cannot be sent before the one that can.

use lockwarden_app::actor::Actor;
use lockwarden_app::bulks::{Became, Deed, Wish};
use lockwarden_app::devices::{Connector, Observation};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::settings::{Change, Delivery, Setting, SettingValue};
use lockwarden_testkit::World;

/// A lock with a hub that is there.
pub(crate) async fn with_hub(world: &World, owner: &Actor, name: &str, nuki_id: u32) -> DeviceId {
    let device = world.lock(owner, name, nuki_id).await;
    world.app.add_way(owner, device, Connector::NukiHub).await.unwrap();
    world.says_by(device, Connector::NukiHub, Observation::Link { up: true }).await;
    device
}

/// Everything there is, wanted of a device or sent to it already.
async fn all_open(world: &World, device: DeviceId, delivery: Delivery) {
    let mut tx = world.app.db().write().await.unwrap();
    for setting in Setting::ALL {
        tx.query(
            "insert into settings (device_id, setting, desired, state, sent_at) values ($1, $2, '1', $3, $4)",
        )
        .bind(device)
        .bind(setting.key())
        .bind(delivery.name())
        .bind(world.clock.now())
        .run()
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn however_much_waits_for_hubs_that_are_away_or_for_answers_who_is_there_gets_their_setting() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut devices = Vec::new();
    for number in 1..=40 {
        devices.push(with_hub(&world, &anna, &format!("Flat {number}"), number).await);
    }
    devices.sort_unstable();
    let ready = devices.pop().unwrap();
    for (number, device) in devices.iter().enumerate() {
        if number % 2 == 0 {
            world.says_by(*device, Connector::NukiHub, Observation::Link { up: false }).await;
            all_open(&world, *device, Delivery::Wanted).await;
        } else {
            all_open(&world, *device, Delivery::Sent).await;
        }
    }
    let change = Change { setting: Setting::AutoLock, value: SettingValue::Bool(true), seen: None };
    world.app.change_settings(&anna, ready, &[change]).await.unwrap();
    let (mut due, mut after, mut asked) = (Vec::new(), None, 0);
    while asked == 0 || after.is_some() {
        let (some, last) = world.app.due_settings(after).await.unwrap();
        assert!(last.is_none() || last > after, "it goes on");
        due.extend(some);
        (after, asked) = (last, asked + 1);
    }
    let due: Vec<_> = due.into_iter().map(|one| (one.device, one.wanted)).collect();
    assert_eq!(due, [(ready, vec![(Setting::AutoLock, SettingValue::Bool(true))])]);
    assert_eq!(asked, 2, "what is away is not even read");
}

#[tokio::test]
async fn what_was_wanted_of_a_device_that_is_removed_waits_for_nothing_any_more() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let app = &world.app;
    let (gone, stays) = (with_hub(&world, &anna, "A", 1).await, with_hub(&world, &anna, "B", 2).await);
    for device in [gone, stays] {
        world.says_by(device, Connector::NukiHub, Observation::Link { up: false }).await;
    }
    let wish = Wish::new(Setting::AutoLock, &SettingValue::Bool(true)).unwrap();
    let bulk = app.propose_bulk(&anna, Deed::Set(wish), &[gone, stays]).await.unwrap();
    app.begin_bulk(&anna, bulk).await.unwrap();
    app.work_on_bulks().await.unwrap();
    assert_eq!(app.load_bulk(&anna, bulk).await.unwrap().tally.under_way, 2);
    app.remove_device(&anna, gone).await.unwrap();
    let items = app.list_bulk_items(&anna, bulk, false, (0, 10)).await.unwrap();
    let became: Vec<_> = items.iter().map(|item| (item.became, item.reason.as_deref())).collect();
    assert_eq!(became, [(Became::Failed, Some("it is not there any more")), (Became::UnderWay, None)]);
    let mut tx = app.db().read().await.unwrap();
    let open = tx.query("select device_id from settings where state is not null or desired is not null");
    assert_eq!(open.all::<(DeviceId,)>().await.unwrap(), [(stays,)]);
    drop(tx);
    app.remove_device(&anna, stays).await.unwrap();
    assert!(app.load_bulk(&anna, bulk).await.unwrap().is_settled());
}
