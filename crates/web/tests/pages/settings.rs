//! The settings of a device: what it says and what it should be apart, only what can be set as a field, and nobody
//! overruled without knowing it.

use std::time::Duration;

use http::StatusCode;
use lockwarden_app::actor::{Actor, Rights};
use lockwarden_app::devices::{Connector, DeviceType, Observation};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::settings::{Delivery, Setting, SettingValue};

use crate::kit::{Answer, Site, behind_hub};
use crate::live::until;
use crate::reaching::without;

async fn told(site: &Site, device: DeviceId, told: &[(Setting, SettingValue)]) {
    site.world.says_by(device, Connector::NukiHub, Observation::Settings(told.to_vec())).await;
}

/// A lock behind a hub that has said some of its settings.
async fn lock(site: &Site, anna: &Actor) -> DeviceId {
    let device = behind_hub(site, anna, DeviceType::SmartLock34, 7).await;
    let says = [
        (Setting::LedBrightness, SettingValue::Int(2)),
        (Setting::ButtonEnabled, SettingValue::Bool(true)),
        (Setting::NightModeStart, SettingValue::Int(22 * 60)),
        (Setting::NightModeEnd, SettingValue::Int(6 * 60)),
        (Setting::Timezone, SettingValue::Int(37)),
    ];
    told(site, device, &says).await;
    device
}

fn part(page: &Answer, setting: Setting) -> &str {
    let rest = page.body.split_once(&format!("id=\"state-{}\"", setting.key())).unwrap().1;
    rest.split("</div></div>").next().unwrap()
}

async fn held(
    site: &Site,
    anna: &Actor,
    device: DeviceId,
    setting: Setting,
) -> (Option<Delivery>, Option<i64>) {
    let all = site.world.app.load_settings(anna, device).await.unwrap();
    let one = all.into_iter().find(|one| one.setting == setting).unwrap();
    let desired = match one.desired {
        Some(SettingValue::Int(number)) => Some(number),
        _ => None,
    };
    (one.delivery, desired)
}

#[tokio::test]
async fn a_change_is_on_its_way_until_the_device_says_it() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = lock(&site, &anna).await;
    let path = format!("/devices/{device}/settings");
    let page = browser.get(&path).await;
    assert!(part(&page, Setting::LedBrightness).contains("The device says: <b>2</b>"));
    assert_eq!(page.hidden("seen-ledBrightness"), "=2");
    let to = browser.post(&path, &[("seen-ledBrightness", "=2"), ("ledBrightness", "5")]).await;
    assert_eq!(to.leads_to(), format!("{path}?said=settings"));
    let page = browser.get(&path).await;
    let state = part(&page, Setting::LedBrightness).to_owned();
    assert!(state.contains("Is <b>2</b>, will be <b>5</b>: waiting for the hub"), "{state}");
    assert!(state.contains("Keep as it is"));
    site.world.app.settings_sent(device, &[Setting::LedBrightness], &[]).await.unwrap();
    assert!(part(&browser.get(&path).await, Setting::LedBrightness).contains("will be <b>5</b>: sent"));
    told(&site, device, &[(Setting::LedBrightness, SettingValue::Int(5))]).await;
    let page = browser.get(&path).await;
    assert!(part(&page, Setting::LedBrightness).contains("The device says: <b>5</b>"));
    assert!(!page.body.contains("will be"));
}

#[tokio::test]
async fn what_was_refused_says_why_and_is_kept_or_tried_again() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = lock(&site, &anna).await;
    let path = format!("/devices/{device}/settings");
    browser.post(&path, &[("seen-ledBrightness", "=2"), ("ledBrightness", "5")]).await.leads_to();
    let refused = [(Setting::LedBrightness, "the hub may not".to_owned())];
    site.world.app.settings_sent(device, &[], &refused).await.unwrap();
    let state = part(&browser.get(&path).await, Setting::LedBrightness).to_owned();
    assert!(state.contains("was to be <b>5</b>: refused: the hub may not"), "{state}");
    assert!(state.contains("Keep as it is") && state.contains("Try again"));
    browser.post(&format!("{path}/again"), &[("setting", "ledBrightness")]).await.leads_to();
    assert_eq!(held(&site, &anna, device, Setting::LedBrightness).await, (Some(Delivery::Wanted), Some(5)));
    browser.post(&format!("{path}/keep"), &[("setting", "ledBrightness")]).await.leads_to();
    assert_eq!(held(&site, &anna, device, Setting::LedBrightness).await, (None, None));
    let odd = browser.post(&format!("{path}/keep"), &[("setting", "nothing")]).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn of_two_administrators_the_second_is_shown_what_the_first_changed() {
    let site = Site::new().await;
    let (anna, mut one) = site.owner("Anna").await;
    let mut other = site.signed_in("Anna").await;
    let device = lock(&site, &anna).await;
    let path = format!("/devices/{device}/settings");
    one.post(&path, &[("seen-ledBrightness", "=2"), ("ledBrightness", "5")]).await.leads_to();
    let late = other.post(&path, &[("seen-ledBrightness", "=2"), ("ledBrightness", "3")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.body.contains("is 5 now; you saw 2."), "{}", late.between("id=\"meanwhile\"", "</ul>"));
    assert_eq!(held(&site, &anna, device, Setting::LedBrightness).await, (Some(Delivery::Wanted), Some(5)));
    // What was filled in is still there, and saving once more means it.
    assert!(late.between("id=\"ledBrightness\"", ">").contains("value=\"3\""));
    let seen = late.hidden("seen-ledBrightness");
    assert_eq!(seen, "=5");
    other.post(&path, &[("seen-ledBrightness", &seen), ("ledBrightness", "3")]).await.leads_to();
    assert_eq!(held(&site, &anna, device, Setting::LedBrightness).await, (Some(Delivery::Wanted), Some(3)));
}

#[tokio::test]
async fn a_value_that_cannot_be_comes_back_at_its_field_and_nothing_is_sent() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = lock(&site, &anna).await;
    let path = format!("/devices/{device}/settings");
    let answer = browser.post(&path, &[("seen-ledBrightness", "=2"), ("ledBrightness", "99")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let field = answer.between("id=\"ledBrightness\"", ">");
    assert!(field.contains("aria-invalid=\"true\"") && field.contains("autofocus"), "{field}");
    assert!(field.contains("value=\"99\"") && answer.body.contains("id=\"ledBrightness-wrong\""));
    assert!(answer.body.contains("<title>Not saved"));
    let fields = [
        ("seen-nightModeStartTime", "=1320"),
        ("nightModeStartTime", "06:00"),
        ("seen-nightModeEndTime", "=360"),
        ("nightModeEndTime", "06:00"),
    ];
    let night = browser.post(&path, &fields).await;
    assert_eq!(night.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(night.body.contains("must end at another time than it begins"));
    assert!(site.world.app.due_settings(None).await.unwrap().0.is_empty());
}

/// What each field holds, and what the script is told that it held when it was saved.
fn fields(page: &Answer) -> Vec<(String, String)> {
    let value = |tag: &str, name: &str| {
        tag.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
    };
    let field = |tag: &str| {
        let (open, inside) = tag.split_once('>').unwrap();
        let saved = value(open, "data-saved")?;
        let holds = match open.split(' ').next().unwrap() {
            "select" => {
                let chosen = inside.split("</select>").next().unwrap().split("<option");
                value(chosen.into_iter().find(|one| one.contains(" selected")).unwrap(), "value").unwrap()
            }
            _ if open.contains("type=\"checkbox\"") => {
                if open.contains(" checked") {
                    "on".to_owned()
                } else {
                    String::new()
                }
            }
            _ => value(open, "value").unwrap(),
        };
        Some((holds, saved))
    };
    let tags = page.body.match_indices("<input ").chain(page.body.match_indices("<select "));
    tags.filter_map(|(at, _)| field(&page.body[at + 1..])).collect()
}

#[tokio::test]
async fn a_form_knows_what_is_saved_also_where_it_came_back_with_what_was_refused() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = lock(&site, &anna).await;
    told(&site, device, &[(Setting::LedEnabled, SettingValue::Bool(false))]).await;
    let path = format!("/devices/{device}/settings");
    let fresh = fields(&browser.get(&path).await);
    assert!(fresh.iter().all(|(holds, saved)| holds == saved), "nobody is asked about nothing: {fresh:?}");
    for known in ["2", "on", "22:00", "Europe/Berlin", ""] {
        assert!(fresh.iter().any(|(holds, _)| holds == known), "{known}: {fresh:?}");
    }
    let filled = [
        ("seen-ledBrightness", "=2"),
        ("ledBrightness", "99"),
        ("seen-buttonEnabled", "=true"),
        ("seen-ledEnabled", "=false"),
        ("ledEnabled", "on"),
        ("seen-timezoneId", "=37"),
        ("timezoneId", "Europe/Paris"),
    ];
    let back = browser.post(&path, &filled).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut differ = fields(&back);
    differ.retain(|(holds, saved)| holds != saved);
    differ.sort();
    let expected = [("", "on"), ("99", "2"), ("Europe/Paris", "Europe/Berlin"), ("on", "")];
    assert_eq!(differ, expected.map(|(holds, saved)| (holds.to_owned(), saved.to_owned())));
}

#[tokio::test]
async fn what_was_not_touched_is_not_sent_and_a_switch_is_switched_off_by_its_absence() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = lock(&site, &anna).await;
    let path = format!("/devices/{device}/settings");
    let fields = [
        ("seen-ledBrightness", "=2"),
        ("ledBrightness", "2"),
        ("seen-nightModeStartTime", "=1320"),
        ("nightModeStartTime", "22:00"),
        ("seen-timezoneId", "=37"),
        ("timezoneId", "Europe/Berlin"),
        ("seen-buttonEnabled", "=true"),
        ("seen-ledEnabled", ""),
    ];
    browser.post(&path, &fields).await.leads_to();
    let (due, _) = site.world.app.due_settings(None).await.unwrap();
    assert_eq!(due[0].wanted, [(Setting::ButtonEnabled, SettingValue::Bool(false))]);
}

#[tokio::test]
async fn without_a_hub_nothing_is_a_field_and_the_page_says_what_would_help() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = site.world.lock(&anna, "Front door", 7).await;
    let path = format!("/devices/{device}/settings");
    let page = browser.get(&path).await;
    assert!(page.body.contains("a Nuki Hub would") && page.body.contains("A Nuki Hub would set it"));
    assert!(!page.body.contains("name=\"ledBrightness\""));
    let sent = browser.post(&path, &[("seen-ledBrightness", ""), ("ledBrightness", "5")]).await;
    assert_eq!(sent.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn without_the_right_to_configure_everything_is_read_and_nothing_changed() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = lock(&site, &anna).await;
    without(&site, Rights::CONFIGURE).await;
    let path = format!("/devices/{device}/settings");
    let page = browser.get(&path).await;
    assert!(page.body.contains("Your sign-in may not change settings."));
    assert!(part(&page, Setting::LedBrightness).contains("The device says: <b>2</b>"));
    assert!(!page.body.contains("name=\"ledBrightness\""));
    let sent = browser.post(&path, &[("seen-ledBrightness", "=2"), ("ledBrightness", "99")]).await;
    assert_eq!(sent.status, StatusCode::FORBIDDEN);
    assert_eq!(held(&site, &anna, device, Setting::LedBrightness).await, (None, None));
}

#[tokio::test]
async fn the_night_is_drawn_with_words_and_the_zone_tells_when_its_clocks_change() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = lock(&site, &anna).await;
    let page = browser.get(&format!("/devices/{device}/settings")).await;
    assert!(page.body.contains("From 22:00 to 06:00 on the next day: 8 h."));
    assert_eq!(page.body.matches("class=\"night\"").count(), 2, "on both sides of midnight");
    assert!(page.body.contains("Europe/Berlin: UTC+1:00 (CET) now. On 28 March 2027"));
    assert!(page.body.contains("With a wrong zone codes and schedules"), "the danger is told");
}

#[tokio::test]
async fn a_page_of_settings_follows_what_the_device_reports() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = lock(&site, &anna).await;
    site.world.clock.advance(Duration::from_mins(2));
    let path = format!("/devices/{device}/settings");
    let stream = browser.get(&path).await.stream();
    let mut stream = browser.listen(&stream).await;
    until(&mut stream, "The device says: <b>2</b>").await;
    browser.post(&path, &[("seen-ledBrightness", "=2"), ("ledBrightness", "5")]).await.leads_to();
    site.world.clock.advance(Duration::from_secs(1));
    until(&mut stream, "will be <b>5</b>").await;
    told(&site, device, &[(Setting::LedBrightness, SettingValue::Int(5))]).await;
    site.world.clock.advance(Duration::from_secs(1));
    let said = until(&mut stream, "The device says: <b>5</b>").await;
    assert!(!said.contains("<input"), "no field is drawn under somebody's hands");
}

#[tokio::test]
async fn sync_asks_for_everything_anew_where_a_way_can_be_asked() {
    let site = Site::new().await;
    let (anna, mut browser) = site.owner("Anna").await;
    let device = lock(&site, &anna).await;
    let own = site.world.lock(&anna, "Garage", 8).await;
    let mut events = site.world.app.bus().subscribe();
    assert!(browser.get(&format!("/devices/{device}/settings")).await.body.contains("Sync now"));
    assert!(!browser.get(&format!("/devices/{own}/settings")).await.body.contains("Sync now"));
    let to = browser.post(&format!("/devices/{device}/sync"), &[("from", "settings")]).await;
    assert_eq!(to.leads_to(), format!("/devices/{device}/settings?said=sync"));
    let asked = std::iter::from_fn(|| events.try_recv().ok()).any(
        |event| matches!(event, lockwarden_app::bus::Event::SyncAsked { device: of, .. } if of == device),
    );
    assert!(asked);
}
