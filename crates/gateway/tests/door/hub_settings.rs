//! Settings by a Nuki Hub: sent until the device itself says them, given up where it never does, and nobody's wish lost.

use std::time::Duration;

use lockwarden_app::settings::{Change, Delivery, Held, Setting, SettingValue};
use lockwarden_app::ways::Trouble;
use lockwarden_app::{Error, Refusal};

use crate::hub::{BASE, Hub, added, with_hub};
use crate::kit::{Site, within};

#[tokio::test]
async fn a_setting_is_brought_to_the_lock_until_the_lock_says_that_it_has_it() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (door, login) = added(&site, &anna).await;
    let config = |led: u8| {
        format!(r#"{{"nukiID":"3c8862ed","deviceType":4,"ledBrightness":{led},"buttonEnabled":1}}"#)
    };
    let change =
        |value| Change { setting: Setting::LedBrightness, value: SettingValue::Int(value), seen: None };
    let app = site.world.app.clone();
    let brightness = async || -> Held {
        let held = app.load_settings(&anna, door).await.unwrap();
        held.into_iter().find(|held| held.setting == Setting::LedBrightness).unwrap()
    };
    let mut hub = Hub::connect(&site, &login, BASE).await;
    hub.says("configuration/basicJson", &config(2)).await;
    drop(hub);
    site.until(&anna, door, |device| !device.link.online).await;
    app.change_settings(&anna, door, &[change(5)]).await.unwrap();
    assert_eq!(brightness().await.delivery, Some(Delivery::Wanted), "it waits as long as the hub is away");

    let mut hub = Hub::connect(&site, &login, BASE).await;
    for _ in 0..4 {
        site.tick().await;
    }
    let sent = loop {
        let (topic, payload) = hub.hears().await;
        if topic == "nukihub/lock/configuration/action" && payload != "{}" {
            break payload;
        }
    };
    assert_eq!(sent, r#"{"ledBrightness":"5"}"#, "a number would crash the hub");
    hub.says("configuration/commandResult", r#"{"ledBrightness":"success","general":"success"}"#).await;
    assert_eq!(brightness().await.delivery, Some(Delivery::Sent), "an answer is no proof");
    hub.says("configuration/basicJson", &config(5)).await;
    let held = brightness().await;
    assert_eq!((held.delivery, held.reported), (None, Some(SettingValue::Int(5))));

    app.change_settings(&anna, door, &[change(1)]).await.unwrap();
    while hub.hears().await
        != ("nukihub/lock/configuration/action".to_owned(), r#"{"ledBrightness":"1"}"#.to_owned())
    {}
    hub.says("configuration/commandResult", r#"{"general":"noValidPinSet"}"#).await;
    let refused = brightness().await;
    assert_eq!(refused.delivery, Some(Delivery::Refused));
    assert!(refused.reason.unwrap().contains("PIN"));
    let troubles = app.load_connection(&anna, door).await.unwrap().troubles;
    assert_eq!(troubles[0].trouble, Trouble::NoPin);
}

#[tokio::test]
async fn a_setting_that_a_device_never_says_is_given_up_in_words_and_keeps_no_other_back() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    let config = r#"{"nukiID":"3c8862ed","deviceType":4,"ledBrightness":2,"buttonEnabled":1}"#;
    hub.says("configuration/basicJson", config).await;
    let app = &site.world.app;
    let change = |setting, value| Change { setting, value, seen: None };
    app.change_settings(&anna, door, &[change(Setting::LedBrightness, SettingValue::Int(5))]).await.unwrap();
    let held = async |setting| -> Held {
        let held = app.load_settings(&anna, door).await.unwrap();
        held.into_iter().find(|held| held.setting == setting).unwrap()
    };
    let mut seconds = 0;
    while held(Setting::LedBrightness).await.delivery != Some(Delivery::Refused) {
        site.world.clock.advance(Duration::from_secs(9));
        site.tick().await;
        hub.is("locked", "manual", "Lock").await;
        seconds += 10;
        assert!(seconds < 1_800, "it ends");
    }
    assert!((600..900).contains(&seconds), "five times two minutes: {seconds}");
    let given_up = held(Setting::LedBrightness).await;
    assert!(given_up.reason.unwrap().contains("never said it"));
    app.change_settings(&anna, door, &[change(Setting::ButtonEnabled, SettingValue::Bool(false))])
        .await
        .unwrap();
    site.tick().await;
    site.tick().await;
    assert_eq!(held(Setting::ButtonEnabled).await.delivery, Some(Delivery::Sent));
    hub.says("configuration/basicJson", &config.replace("ledBrightness\":2", "ledBrightness\":5")).await;
    site.tick().await;
    let after_all = held(Setting::LedBrightness).await;
    assert_eq!((after_all.delivery, after_all.reported), (None, Some(SettingValue::Int(5))));
}

#[tokio::test]
async fn whoever_changed_a_setting_meanwhile_is_not_overruled_unseen() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    hub.says("configuration/basicJson", r#"{"nukiID":"3c8862ed","deviceType":4,"ledBrightness":2}"#).await;
    let change = |value, seen| Change {
        setting: Setting::LedBrightness,
        value: SettingValue::Int(value),
        seen: Some(Some(SettingValue::Int(seen))),
    };
    let app = &site.world.app;
    app.change_settings(&anna, door, &[change(5, 2)]).await.unwrap();
    let second = app.change_settings(&anna, door, &[change(1, 2)]).await;
    let Err(Error::Refused(Refusal::ChangedMeanwhile(what))) = second else { panic!("{second:?}") };
    assert!(what.ends_with('5'), "{what}");
    app.change_settings(&anna, door, &[change(1, 5)]).await.unwrap();
}

#[tokio::test]
async fn a_hub_without_the_locks_pin_is_asked_and_its_owner_is_told_until_it_has_it() {
    let (site, anna, door, mut hub) = with_hub(BASE).await;
    let asked = ("nukihub/lock/configuration/action".to_owned(), "{}".to_owned());
    let troubles = async || -> Vec<Trouble> {
        let connection = site.world.app.load_connection(&anna, door).await.unwrap();
        connection.troubles.into_iter().map(|seen| seen.trouble).collect()
    };
    for (answer, expected) in [("noValidPinSet", vec![Trouble::NoPin]), ("noChange", vec![])] {
        for _ in 0..8 {
            site.tick().await;
        }
        while hub.hears().await != asked {}
        hub.says("configuration/commandResult", &format!(r#"{{"general":"{answer}"}}"#)).await;
        within(async { while troubles().await != expected {} }).await;
        site.world.app.sync_device(&anna, door).await.unwrap();
    }
}
