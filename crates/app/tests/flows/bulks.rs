//! One thing done with many devices. What is tried: another person, twice, late, after a restart, and that nothing opens.

use std::time::Duration;

use lockwarden_app::Error;
use lockwarden_app::actor::{Actor, Rights, Scope};
use lockwarden_app::bulks::{Became, BulkState, Deed, Item, Tally, Wish};
use lockwarden_app::devices::{Connector, DeviceType, DoorState, LockAction, LockState, Observation};
use lockwarden_app::error::Refusal;
use lockwarden_app::groups::NewGroup;
use lockwarden_app::ids::{BulkId, DeviceId};
use lockwarden_app::settings::{Change, Delivery, Setting, SettingValue};
use lockwarden_testkit::World;

use crate::settings::with_hub;

/// Works until there is nothing left to do.
pub(crate) async fn work(world: &World) {
    for _ in 0..100 {
        if world.app.work_on_bulks().await.unwrap() == lockwarden_app::bulks::Step::Nothing {
            return;
        }
    }
    unreachable!("it never ends");
}

pub(crate) async fn items(world: &World, actor: &Actor, bulk: BulkId, left_out: bool) -> Vec<Item> {
    world.app.list_bulk_items(actor, bulk, left_out, (0, 1_000)).await.unwrap()
}

async fn tally(world: &World, actor: &Actor, bulk: BulkId) -> Tally {
    world.app.load_bulk(actor, bulk).await.unwrap().tally
}

/// Every order there ever was.
async fn orders(world: &World, actor: &Actor, devices: &[DeviceId]) -> Vec<(DeviceId, LockAction)> {
    let mut orders = Vec::new();
    for device in devices {
        let of_device = world.app.list_commands(actor, *device, 50).await.unwrap();
        orders.extend(of_device.into_iter().map(|command| (command.device, command.action)));
    }
    orders
}

/// Unlocked, locked, offline, jammed, ajar, deaf and new.
async fn mixed(world: &World, anna: &Actor) -> Vec<DeviceId> {
    let mut devices = Vec::new();
    for (number, name) in (1..).zip(["Unlocked", "Locked", "Offline", "Jammed", "Ajar", "Deaf"]) {
        devices.push(world.lock(anna, name, number).await);
    }
    devices.push(world.device(anna, "New").await.0);
    let says = [
        (0, Observation::State(LockState::Unlocked)),
        (2, Observation::Link { up: false }),
        (3, Observation::State(LockState::MotorBlocked)),
        (4, Observation::State(LockState::Unlocked)),
        (4, Observation::Door(DoorState::Opened)),
        (5, Observation::Listens(false)),
    ];
    for (place, seen) in says {
        world.says(*devices.get(place).unwrap(), seen).await;
    }
    devices
}

#[tokio::test]
async fn lock_all_tells_first_locks_what_can_be_locked_and_gives_no_other_order() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let devices = mixed(&world, &anna).await;
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &devices).await.unwrap();
    let proposed = tally(&world, &anna, bulk).await;
    assert_eq!((proposed.waiting, proposed.all_left_out()), (2, 5), "{proposed:?}");
    for why in
        ["is locked already", "is offline", "“Allow locking” is off", "has never connected", "its door open"]
    {
        assert!(proposed.left_out.iter().any(|(reason, count)| reason.contains(why) && *count == 1), "{why}");
    }
    work(&world).await;
    assert!(orders(&world, &anna, &devices).await.is_empty(), "a proposal does nothing");
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    let right = [(devices[0], LockAction::Lock), (devices[3], LockAction::Lock)];
    assert_eq!(orders(&world, &anna, &devices).await, right);
    let bulk = world.app.load_bulk(&anna, bulk).await.unwrap();
    assert_eq!((bulk.state, bulk.tally.under_way, bulk.is_settled()), (BulkState::Over, 2, false));
    // One is done, the other is answered with an error.
    for (id, _) in world.app.due_commands().await.unwrap() {
        let taken = world.app.take_command(id).await.unwrap().unwrap();
        let code = if taken.device == devices[0] { 0 } else { 66 };
        world.says(taken.device, Observation::CommandResponse(code)).await;
    }
    let results = items(&world, &anna, bulk.id, false).await;
    let became: Vec<_> = results.iter().map(|item| (item.name.as_str(), item.became)).collect();
    assert_eq!(became, [("Unlocked", Became::Done), ("Jammed", Became::Failed)]);
    assert!(results[1].reason.as_ref().unwrap().contains("motor is blocked"));
    assert!(world.app.load_bulk(&anna, bulk.id).await.unwrap().is_settled());
    assert_eq!(items(&world, &anna, bulk.id, true).await.len(), 5);
}

#[tokio::test]
async fn begun_twice_it_is_one_bulk_and_one_order_each() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 7).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &[door, door]).await.unwrap();
    let both = tokio::join!(world.app.begin_bulk(&anna, bulk), world.app.begin_bulk(&anna, bulk));
    assert!(both.0.is_ok() && both.1.is_ok());
    let (one, other) = tokio::join!(world.app.work_on_bulks(), world.app.work_on_bulks());
    assert!(one.is_ok() && other.is_ok());
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    assert_eq!(orders(&world, &anna, &[door]).await.len(), 1);
    assert_eq!(items(&world, &anna, bulk, false).await.len(), 1);
}

#[tokio::test]
async fn to_anybody_else_a_bulk_never_was_and_their_devices_are_not_in_it() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let boris = world.owner("Boris").await;
    let front = world.lock(&anna, "Front door", 7).await;
    let back = world.lock(&anna, "Back door", 8).await;
    for door in [front, back] {
        world.says(door, Observation::State(LockState::Unlocked)).await;
    }
    let app = &world.app;
    let nothing = app.propose_bulk(&boris, Deed::Lock, &[front, back]).await;
    assert!(matches!(nothing, Err(Error::Invalid { .. })), "{nothing:?}");
    let narrow = Actor { scope: Scope::Only([back].into()), ..anna.clone() };
    let bulk = app.propose_bulk(&narrow, Deed::Lock, &[front, back]).await.unwrap();
    assert_eq!(items(&world, &anna, bulk, false).await.len(), 1);
    for id in [bulk, BulkId(12)] {
        assert!(matches!(app.load_bulk(&boris, id).await, Err(Error::NotFound)));
        assert!(matches!(app.begin_bulk(&boris, id).await, Err(Error::NotFound)));
        assert!(matches!(app.list_bulk_items(&boris, id, false, (0, 10)).await, Err(Error::NotFound)));
    }
    let theirs = app.create_group(&anna, NewGroup { name: "Theirs", parent: None }).await.unwrap();
    let own = world.lock(&boris, "Own door", 9).await;
    let into = app.propose_bulk(&boris, Deed::SetGroup(Some(theirs)), &[own]).await;
    assert!(matches!(into, Err(Error::NotFound)));
    let mut nobody = anna.clone();
    nobody.rights = Rights::VIEW;
    for deed in [Deed::Lock, Deed::SetGroup(None), Deed::SetFavourite(true)] {
        assert!(matches!(app.propose_bulk(&nobody, deed, &[front]).await, Err(Error::Forbidden(_))));
    }
    assert!(matches!(app.begin_bulk(&nobody, bulk).await, Err(Error::Forbidden(_))));
    work(&world).await;
    assert!(orders(&world, &anna, &[front, back]).await.is_empty());
}

#[tokio::test]
async fn after_a_restart_nothing_is_taken_up_again_and_it_is_told_so() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut devices = Vec::new();
    for number in 1..=70 {
        let door = world.lock(&anna, &format!("Flat {number}"), number).await;
        world.says(door, Observation::State(LockState::Unlocked)).await;
        devices.push(door);
    }
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &devices).await.unwrap();
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    world.app.work_on_bulks().await.unwrap();
    let world = world.restart(2).await;
    work(&world).await;
    let tally = tally(&world, &anna, bulk).await;
    assert_eq!(tally, Tally { failed: 64, not_begun: 6, ..Tally::default() });
    assert_eq!(orders(&world, &anna, &devices).await.len(), 64, "the rest was never ordered");
    let results = items(&world, &anna, bulk, false).await;
    assert!(results[69].reason.as_ref().unwrap().contains("restarted before its turn"));
    assert!(world.app.load_bulk(&anna, bulk).await.unwrap().is_settled());
}

#[tokio::test]
async fn what_is_too_late_is_not_begun_and_whose_turn_comes_too_late_is_told_so() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 7).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    let old = world.app.propose_bulk(&anna, Deed::Lock, &[door]).await.unwrap();
    let slow = world.app.propose_bulk(&anna, Deed::Lock, &[door]).await.unwrap();
    world.app.begin_bulk(&anna, slow).await.unwrap();
    world.clock.advance(Duration::from_mins(11));
    let begun = world.app.begin_bulk(&anna, old).await;
    assert!(matches!(begun, Err(Error::Refused(Refusal::ProposalTooOld))), "{begun:?}");
    work(&world).await;
    assert!(orders(&world, &anna, &[door]).await.is_empty());
    let results = items(&world, &anna, slow, false).await;
    assert!(results[0].reason.as_ref().unwrap().contains("did not come in time"));
}

#[tokio::test]
async fn a_right_that_ends_meanwhile_ends_the_bulk() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let door = world.lock(&anna, "Front door", 7).await;
    world.says(door, Observation::State(LockState::Unlocked)).await;
    let bulk = world.app.propose_bulk(&anna, Deed::Lock, &[door]).await.unwrap();
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    let (_, other) = world.sign_in("anna@example.org").await;
    world.app.end_other_sessions(&other).await.unwrap();
    work(&world).await;
    assert!(orders(&world, &other, &[door]).await.is_empty());
    let results = items(&world, &other, bulk, false).await;
    assert_eq!(results[0].became, Became::NotBegun);
    assert!(results[0].reason.as_ref().unwrap().contains("right to do this ended"));
}

#[tokio::test]
async fn groups_and_favourites_are_set_for_many_with_one_result_each() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let mut devices = Vec::new();
    for number in 1..=3 {
        devices.push(world.lock(&anna, &format!("Flat {number}"), number).await);
    }
    let app = &world.app;
    let house = app.create_group(&anna, NewGroup { name: "House", parent: None }).await.unwrap();
    app.set_group(&anna, devices[0], Some(house)).await.unwrap();
    for (deed, done) in
        [(Deed::SetGroup(Some(house)), 2), (Deed::SetFavourite(true), 3), (Deed::SetFavourite(false), 3)]
    {
        let bulk = app.propose_bulk(&anna, deed, &devices).await.unwrap();
        app.begin_bulk(&anna, bulk).await.unwrap();
        work(&world).await;
        assert_eq!(tally(&world, &anna, bulk).await.done, done, "{deed:?}");
    }
    assert_eq!(app.list_groups(&anna).await.unwrap()[0].counts.total(), 3);
    let gone = app
        .propose_bulk(&anna, Deed::SetGroup(Some(house)), &[world.lock(&anna, "Flat 9", 9).await])
        .await
        .unwrap();
    app.delete_group(&anna, house).await.unwrap();
    app.begin_bulk(&anna, gone).await.unwrap();
    work(&world).await;
    assert_eq!(tally(&world, &anna, gone).await.failed, 1);
}

fn auto_lock(on: bool) -> Deed {
    Deed::Set(Wish::new(Setting::AutoLock, &SettingValue::Bool(on)).unwrap())
}

/// Its hub tells what a setting is.
async fn tells(world: &World, device: DeviceId, setting: Setting, value: SettingValue) {
    world.says_by(device, Connector::NukiHub, Observation::Settings(vec![(setting, value)])).await;
}

/// What was sent to the hubs, as the gateway takes it.
async fn sent(world: &World) -> Vec<(DeviceId, Vec<(Setting, SettingValue)>)> {
    let (due, _) = world.app.due_settings(None).await.unwrap();
    for one in &due {
        let settings: Vec<Setting> = one.wanted.iter().map(|(setting, _)| *setting).collect();
        world.app.settings_sent(one.device, &settings, &[]).await.unwrap();
    }
    due.into_iter().map(|one| (one.device, one.wanted)).collect()
}

async fn results(world: &World, actor: &Actor, bulk: BulkId) -> Vec<(DeviceId, Became, Option<String>)> {
    let items = items(world, actor, bulk, false).await;
    items.into_iter().map(|item| (item.device, item.became, item.reason)).collect()
}

#[tokio::test]
async fn a_setting_is_changed_on_every_device_that_can_have_it_and_is_done_only_when_the_device_says_it() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let off = with_hub(&world, &anna, "Off", 1).await;
    let on = with_hub(&world, &anna, "On", 2).await;
    let away = with_hub(&world, &anna, "Hub away", 3).await;
    let refusing = with_hub(&world, &anna, "Refusing", 4).await;
    let no_hub = world.lock(&anna, "No hub", 5).await;
    let opener = with_hub(&world, &anna, "Opener", 6).await;
    let new = world.device(&anna, "New").await.0;
    for (device, is_on) in [(off, false), (on, true), (away, false), (refusing, false)] {
        tells(&world, device, Setting::AutoLock, SettingValue::Bool(is_on)).await;
    }
    world.says(opener, Observation::DeviceType(DeviceType::Opener)).await;
    world.says_by(away, Connector::NukiHub, Observation::Link { up: false }).await;
    let all = [off, on, away, refusing, no_hub, opener, new];
    let bulk = world.app.propose_bulk(&anna, auto_lock(true), &all).await.unwrap();
    let proposed = tally(&world, &anna, bulk).await;
    assert_eq!((proposed.waiting, proposed.all_left_out()), (3, 4), "{proposed:?}");
    for why in ["has it already", "has no Nuki Hub", "has no such setting", "has not said yet what kind"] {
        assert!(proposed.left_out.iter().any(|(reason, count)| reason.contains(why) && *count == 1), "{why}");
    }
    let was: Vec<_> = items(&world, &anna, bulk, false).await.into_iter().map(|item| item.was).collect();
    assert_eq!(was, vec![Some(SettingValue::Bool(false)); 3]);
    work(&world).await;
    assert!(sent(&world).await.is_empty(), "a proposal does nothing");

    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    let wish = vec![(Setting::AutoLock, SettingValue::Bool(true))];
    assert_eq!(sent(&world).await.len(), 2, "whose hub is away gets it when it is back");
    assert_eq!(tally(&world, &anna, bulk).await.under_way, 3, "what was sent is not done");
    tells(&world, off, Setting::AutoLock, SettingValue::Bool(true)).await;
    let no = Observation::SettingsAnswer(vec![(Setting::AutoLock, Some(("denied".to_owned(), false)))], None);
    world.says_by(refusing, Connector::NukiHub, no).await;
    let far = results(&world, &anna, bulk).await;
    let expected = [
        (off, Became::Done, None),
        (away, Became::UnderWay, None),
        (refusing, Became::Failed, Some("denied".to_owned())),
    ];
    assert_eq!(far, expected);
    assert!(!world.app.load_bulk(&anna, bulk).await.unwrap().is_settled());

    // Not lost through a restart and a week.
    let world = world.restart(2).await;
    let (_, anna) = world.sign_in("anna@example.org").await;
    world.clock.advance(Duration::from_hours(24 * 6));
    world.says_by(away, Connector::NukiHub, Observation::Link { up: true }).await;
    assert_eq!(sent(&world).await, [(away, wish)]);
    tells(&world, away, Setting::AutoLock, SettingValue::Bool(true)).await;
    let settled = world.app.load_bulk(&anna, bulk).await.unwrap();
    assert!(settled.is_settled());
    assert_eq!((settled.tally.done, settled.tally.failed), (2, 1));
    // What becomes of it later is another story.
    tells(&world, off, Setting::AutoLock, SettingValue::Bool(false)).await;
    assert_eq!(tally(&world, &anna, bulk).await.done, 2);
    assert!(orders(&world, &anna, &all).await.is_empty(), "nothing was told to move");
}

#[tokio::test]
async fn whoever_changed_a_setting_since_it_was_proposed_or_while_it_is_on_its_way_is_not_overruled_unseen() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (first, second) = (with_hub(&world, &anna, "A", 1).await, with_hub(&world, &anna, "B", 2).await);
    for device in [first, second] {
        tells(&world, device, Setting::LedBrightness, SettingValue::Int(1)).await;
    }
    let bright = Deed::Set(Wish::new(Setting::LedBrightness, &SettingValue::Int(5)).unwrap());
    let bulk = world.app.propose_bulk(&anna, bright, &[first, second]).await.unwrap();
    tells(&world, first, Setting::LedBrightness, SettingValue::Int(3)).await;
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    let change = Change { setting: Setting::LedBrightness, value: SettingValue::Int(2), seen: None };
    world.app.change_settings(&anna, second, &[change]).await.unwrap();
    let results = results(&world, &anna, bulk).await;
    assert!(
        results.iter().all(|(_, became, reason)| *became == Became::Failed && reason.is_some()),
        "{results:?}"
    );
    let held = world.app.load_settings(&anna, first).await.unwrap();
    assert!(held.iter().all(|one| one.delivery.is_none()), "{held:?}");
    let held = world.app.load_settings(&anna, second).await.unwrap();
    let wanted = held.iter().find(|one| one.setting == Setting::LedBrightness).unwrap();
    assert_eq!(
        (wanted.delivery, wanted.desired.clone()),
        (Some(Delivery::Wanted), Some(SettingValue::Int(2)))
    );
}

#[tokio::test]
async fn what_an_opener_has_instead_is_not_told_in_the_words_of_locks() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (lock, opener) = (with_hub(&world, &anna, "A", 1).await, with_hub(&world, &anna, "B", 2).await);
    world.says(opener, Observation::DeviceType(DeviceType::Opener)).await;
    for device in [lock, opener] {
        tells(&world, device, Setting::SinglePress, SettingValue::Int(1)).await;
    }
    let same = Deed::Set(Wish::new(Setting::SinglePress, &SettingValue::Int(1)).unwrap());
    let bulk = world.app.propose_bulk(&anna, same, &[lock, opener]).await.unwrap();
    let left_out = items(&world, &anna, bulk, true).await;
    let told: Vec<_> = left_out.into_iter().map(|item| (item.reason.unwrap(), item.was)).collect();
    let expected = [
        ("has it already".to_owned(), Some(SettingValue::Int(1))),
        ("has other choices for it, as an opener".to_owned(), None),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_was_not_known_when_it_was_proposed_is_not_overruled_once_somebody_chose_it() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let (chosen, unknown) = (with_hub(&world, &anna, "A", 1).await, with_hub(&world, &anna, "B", 2).await);
    let bulk = world.app.propose_bulk(&anna, auto_lock(true), &[chosen, unknown]).await.unwrap();
    let off = Change { setting: Setting::AutoLock, value: SettingValue::Bool(false), seen: Some(None) };
    world.app.change_settings(&anna, chosen, &[off]).await.unwrap();
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    let results = results(&world, &anna, bulk).await;
    let became: Vec<_> = results.iter().map(|(device, became, _)| (*device, *became)).collect();
    assert_eq!(became, [(chosen, Became::Failed), (unknown, Became::UnderWay)]);
    assert!(results[0].2.as_ref().unwrap().contains("changed it meanwhile"), "{results:?}");
    let held = world.app.load_settings(&anna, chosen).await.unwrap();
    assert_eq!(held[0].desired, Some(SettingValue::Bool(false)));
}

#[tokio::test]
async fn a_setting_that_was_given_up_is_no_success_and_who_may_not_configure_begins_nothing() {
    let world = World::new().await;
    let anna = world.owner("Anna").await;
    let device = with_hub(&world, &anna, "A", 1).await;
    tells(&world, device, Setting::AutoLock, SettingValue::Bool(false)).await;
    let bulk = world.app.propose_bulk(&anna, auto_lock(true), &[device]).await.unwrap();
    world.app.begin_bulk(&anna, bulk).await.unwrap();
    work(&world).await;
    world.app.drop_change(&anna, device, Setting::AutoLock).await.unwrap();
    let results = results(&world, &anna, bulk).await;
    assert!(matches!(results.as_slice(), [(_, Became::Failed, Some(_))]), "{results:?}");
    let bulk = world.app.propose_bulk(&anna, auto_lock(true), &[device]).await.unwrap();
    let mut tx = world.app.db().write().await.unwrap();
    let but_configure = Rights::ALL.bits() & !Rights::CONFIGURE.bits();
    tx.query("update accounts set rights = $1").bind(but_configure).run().await.unwrap();
    tx.commit().await.unwrap();
    let (_, anna) = world.sign_in("anna@example.org").await;
    assert!(matches!(world.app.begin_bulk(&anna, bulk).await, Err(Error::Forbidden(_))));
    let refused = world.app.propose_bulk(&anna, auto_lock(true), &[device]).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
}
