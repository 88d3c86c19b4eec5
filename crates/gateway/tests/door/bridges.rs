//! How soon a bridge is looked at again, and when it counts as away: by the door's clock.

use std::net::SocketAddr;
use std::time::Duration;

use lockwarden_app::actor::Actor;
use lockwarden_app::bridges::{Bridge, NewBridge};
use lockwarden_app::clock::Clock;
use lockwarden_app::commands::{CommandState, Order};
use lockwarden_app::devices::{Device, DeviceType, LockAction, SortBy};
use lockwarden_app::ids::DeviceId;
use lockwarden_app::ways::Trouble;
use lockwarden_gateway::{authorise_at_bridge, check_bridge};
use lockwarden_simulator::{BridgeSpec, Broker, Fleet, LockSpec, Options, Site as Place};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::kit::{Site, within};

pub(crate) const ID: u32 = 0xA1;

pub(crate) struct House {
    pub site: Site,
    pub owner: Actor,
    pub fleet: Fleet,
}

impl House {
    pub(crate) async fn build() -> Self {
        Self::on(Site::open().await).await
    }

    async fn on(site: Site) -> Self {
        Self::with(site, LockSpec::new(ID, "Front door")).await
    }

    async fn with(site: Site, lock: LockSpec) -> Self {
        let owner = site.world.owner("anna").await;
        let lock = LockSpec { official: false, ..lock };
        let bridge = BridgeSpec::new(0x7F00_0001, "123456", vec![ID]);
        let place = Place { locks: vec![lock], bridges: vec![bridge], ..Place::default() };
        // No broker is needed: neither of them speaks MQTT.
        let nowhere = Broker { host: "127.0.0.1".to_owned(), port: 1 };
        let fleet = Fleet::open(&nowhere, place, &Options { time_scale: 0.01, ..Options::default() });
        let house = Self { site, owner, fleet };
        house.add().await;
        house.until(|bridge| bridge.online && bridge.callbacks.is_some()).await;
        house
    }

    async fn add(&self) {
        let address = within(self.fleet.bridges()[0].address()).await.unwrap().to_string();
        // The clock stands still here, and the bridge's does not: what was made at a time would be too old for it.
        let new = NewBridge { address: &address, token: "123456", token_form: "plain", listed: &[] };
        self.site.world.app.add_bridge(&self.owner, new).await.unwrap();
    }

    pub(crate) async fn devices(&self) -> Vec<DeviceId> {
        let devices = self.site.world.app.list_devices(&self.owner, SortBy::Name).await.unwrap();
        devices.into_iter().map(|device| device.id).collect()
    }

    async fn bridge(&self) -> Bridge {
        self.site.world.app.list_bridges(&self.owner).await.unwrap().remove(0)
    }

    pub(crate) async fn until(&self, fact: impl Fn(&Bridge) -> bool) {
        within(async {
            while !fact(&self.bridge().await) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// The one device, once it has said how it is.
    pub(crate) async fn heard_device(&self) -> Device {
        let [device] = self.devices().await.try_into().unwrap();
        self.site.until(&self.owner, device, |device| device.said.state.is_some()).await
    }

    pub(crate) async fn troubles(&self, device: DeviceId) -> Vec<Trouble> {
        let connection = self.site.world.app.load_connection(&self.owner, device).await.unwrap();
        connection.troubles.iter().map(|seen| seen.trouble).collect()
    }

    /// Looks of the bridge until this is so. It takes its own time to answer, and the clock waits for it.
    pub(crate) async fn looked_until(&self, device: DeviceId, fact: impl Fn(&Device, &[Trouble]) -> bool) {
        for _ in 0..60 {
            self.seconds_until_asked().await;
            within(self.fleet.bridges()[0].wait_for(|seen| seen.concurrent == 0)).await;
            let now = self.site.world.app.load_device(&self.owner, device).await.unwrap();
            if fact(&now, &self.troubles(device).await) {
                return;
            }
        }
        panic!("not within half an hour");
    }

    /// Seconds of the door's clock until the bridge has been asked for its list again.
    pub(crate) async fn seconds_until_asked(&self) -> u64 {
        let asked = self.fleet.bridges()[0].seen().requests;
        for second in 1..120 {
            self.site.tick().await;
            if self.fleet.bridges()[0].seen().requests > asked {
                return second;
            }
        }
        panic!("it was not asked within two minutes");
    }
}

#[tokio::test]
async fn a_name_that_a_bridge_lists_turns_around_no_letters_beside_it() {
    let lock = LockSpec::new(ID, "\u{202E}Front\u{2066} door\u{200F}");
    let house = House::with(Site::open().await, lock).await;
    let [device] = house.devices().await.try_into().unwrap();
    let named = house.site.world.app.load_device(&house.owner, device).await.unwrap();
    assert_eq!(named.name, "Front door");
}

#[tokio::test]
async fn a_removed_device_stays_removed_however_often_its_bridge_lists_it() {
    let house = House::build().await;
    let app = &house.site.world.app;
    let [device] = house.devices().await.try_into().unwrap();
    app.remove_device(&house.owner, device).await.unwrap();
    for _ in 0..2 {
        house.seconds_until_asked().await;
    }
    let heard = house.bridge().await.heard_at;
    house.seconds_until_asked().await;
    house.until(|bridge| bridge.heard_at > heard).await;
    assert_eq!(house.devices().await, []);
    assert_eq!(house.bridge().await.left_out, 1);
    house.fleet.stop().await;
}

#[tokio::test]
async fn after_a_failed_look_a_bridge_is_asked_again_at_once_and_is_away_from_the_third_on() {
    let house = House::build().await;
    let bridge = &house.fleet.bridges()[0];
    bridge.quirks(|quirks| quirks.cuts_bodies = true);
    let regular = house.seconds_until_asked().await;
    assert!((25..=35).contains(&regular), "half a minute between looks: {regular}");
    house.until(|bridge| bridge.trouble.is_some()).await;
    assert!(house.bridge().await.online, "one answer can be lost");
    let soon = house.seconds_until_asked().await;
    assert!(soon < 8, "it is asked again at once: {soon}");
    assert!(house.bridge().await.online, "two as well");
    let third = house.seconds_until_asked().await;
    assert!((25..=35).contains(&third), "a bridge in trouble is not asked without end: {third}");
    house.until(|bridge| !bridge.online).await;
    bridge.quirks(|quirks| quirks.cuts_bodies = false);
    house.seconds_until_asked().await;
    house.until(|bridge| bridge.online && bridge.trouble.is_none()).await;
    bridge.quirks(|quirks| quirks.always_busy = true);
    for _ in 0..6 {
        house.seconds_until_asked().await;
    }
    house.until(|bridge| bridge.trouble.is_some()).await;
    assert!(house.bridge().await.online, "whoever says that it is busy is there");
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_state_lasts_since_the_bridge_heard_it_and_not_since_our_first_look() {
    let site = Site::open().await;
    // The bridge has a clock of its own, and heard the lock when it was switched on: an hour ago by ours.
    let lag = Clock::System.now().plus(Duration::from_hours(1)).since(site.world.clock.now());
    site.world.clock.advance(lag);
    let house = House::on(site).await;
    let device = house.heard_device().await;
    let (now, since) = (house.site.world.clock.now(), device.said.state_changed_at.unwrap());
    assert!(now.since(since) > Duration::from_mins(30), "{since:?} is not long before {now:?}");
    assert!(device.said.state_at.unwrap() >= now.minus(Duration::from_secs(1)), "it was said just now");
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_bridge_that_cannot_ask_the_device_itself_says_why_and_stays_there() {
    let house = House::build().await;
    let device = house.heard_device().await.id;
    let bridge = &house.fleet.bridges()[0];
    bridge.quirks(|quirks| quirks.out_of_reach = true);
    house.site.world.app.sync_device(&house.owner, device).await.unwrap();
    // It answers 503, at once.
    house.until(|bridge| bridge.trouble.as_deref().is_some_and(|words| words.contains("is busy"))).await;
    assert!(house.bridge().await.online, "it is only the device that does not answer");
    house.seconds_until_asked().await;
    house.until(|bridge| bridge.trouble.is_none()).await;
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_bridge_that_is_removed_gets_its_callback_back_and_only_ours() {
    let house = House::build().await;
    let (app, bridge) = (&house.site.world.app, &house.fleet.bridges()[0]);
    let [ours] = bridge.seen().callbacks.try_into().unwrap();
    let (id, token) = (house.bridge().await.id, app.all_bridges().await.unwrap().remove(0).callback);
    assert!(ours.ends_with(&token));
    let address = bridge.address().await.unwrap();
    for url in ["http://192.0.2.9/hook", "http://192.0.2.9:8081/nuki-bridge/abcdefghijkmnpqrstuvwxyz23456789"]
    {
        let target =
            format!("/callback/add?url={}&token=123456", url.replace(':', "%3A").replace('/', "%2F"));
        ask(address, &target).await;
    }
    assert_eq!(bridge.seen().callbacks.len(), 3);
    app.remove_bridge(&house.owner, id).await.unwrap();
    let left = within(bridge.wait_for(|seen| seen.callbacks.len() < 3)).await.callbacks;
    assert!(left.len() == 2 && !left.contains(&ours), "{left:?}");
    house.fleet.stop().await;
}

#[tokio::test]
async fn places_that_were_ours_and_are_dead_are_given_back_before_the_bridge_is_called_full() {
    let house = House::build().await;
    let (app, bridge) = (&house.site.world.app, &house.fleet.bridges()[0]);
    let [ours] = bridge.seen().callbacks.try_into().unwrap();
    let (here, _) = ours.rsplit_once('/').unwrap();
    let address = bridge.address().await.unwrap();
    for secret in ["abcdefghijkmnpqrstuvwxyz23456789", "98765432zyxwvutsrqpnmkjihgfedcba"] {
        let url = format!("{here}/{secret}").replace(':', "%3A").replace('/', "%2F");
        ask(address, &format!("/callback/add?url={url}&token=123456")).await;
    }
    assert_eq!(bridge.seen().callbacks.len(), 3);
    app.remove_bridge(&house.owner, house.bridge().await.id).await.unwrap();
    within(bridge.wait_for(|seen| seen.callbacks.len() < 3)).await;
    house.add().await;
    // It may be busy with giving the last place back, and is asked again when the clock has gone on.
    within(async {
        while house.bridge().await.callbacks.is_none() {
            house.site.tick().await;
        }
    })
    .await;
    assert_eq!(house.bridge().await.callbacks.unwrap(), "the bridge calls when something happens");
    let [anew] = bridge.seen().callbacks.try_into().unwrap();
    assert!(anew.starts_with(here) && anew != ours, "{anew}");
    house.fleet.stop().await;
}

#[tokio::test]
async fn one_bridge_under_two_addresses_is_asked_at_one_of_them() {
    let house = House::build().await;
    let (app, bridge) = (&house.site.world.app, &house.fleet.bridges()[0]);
    let [device] = house.devices().await.try_into().unwrap();
    house.until(|bridge| bridge.hardware_id.is_some()).await;
    let before = bridge.seen().callbacks;
    let port = bridge.address().await.unwrap().port();
    let address = format!("localhost:{port}");
    let new = NewBridge { address: &address, token: "123456", token_form: "plain", listed: &[] };
    house.site.world.clock.advance(Duration::from_secs(1));
    let (second, _) = app.add_bridge(&house.owner, new).await.unwrap();
    within(async {
        loop {
            let shown = app.list_bridges(&house.owner).await.unwrap();
            let [first, again] = shown.try_into().unwrap();
            assert_eq!((again.id, first.same_as), (second, None));
            if again.same_as == Some(first.address) {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Its place among the callbacks is given back as that of any bridge that is asked no more.
    within(bridge.wait_for(|seen| seen.callbacks == before)).await;
    house.seconds_until_asked().await;
    house.seconds_until_asked().await;
    // Twice half a minute, give or take what a busy machine takes to notice; two that ask would need half of it.
    let twice = house.seconds_until_asked().await + house.seconds_until_asked().await;
    assert!((50..=70).contains(&twice), "only one asks: {twice}");
    assert_eq!(app.bridge_of(device).await.unwrap(), Some(house.bridge().await.id));
    assert_eq!(house.devices().await, [device]);
    house.fleet.stop().await;
}

/// As another program in the network would.
pub(crate) async fn ask(bridge: SocketAddr, target: &str) {
    let mut stream = TcpStream::connect(bridge).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.contains("\"success\":true"), "{answer}");
}

#[tokio::test]
async fn a_box_behind_a_bridge_opens_once_when_it_is_told_and_can_be_told_nothing_else() {
    let house =
        House::with(Site::open().await, LockSpec { device_type: 1, ..LockSpec::new(ID, "Entrance") }).await;
    let app = &house.site.world.app;
    let [device] = house.devices().await.try_into().unwrap();
    assert_eq!(app.load_device(&house.owner, device).await.unwrap().kind, Some(DeviceType::Box));
    for action in [LockAction::Lock, LockAction::Unlatch, LockAction::LockNGo, LockAction::FullLock] {
        let refused = app.order(&house.owner, Order { device, action, idempotency_key: None }).await;
        assert!(refused.is_err(), "{action:?}");
    }
    let order = Order { device, action: LockAction::Unlock, idempotency_key: None };
    let command = app.order(&house.owner, order).await.unwrap();
    within(async {
        while app.load_command(&house.owner, command.id).await.unwrap().state != CommandState::Done {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let done = house.fleet.locks()[0].seen();
    assert_eq!((done.finished, done.moves), (1, 1), "it moved once");
    house.fleet.stop().await;
}

#[tokio::test]
async fn a_bridge_that_gives_out_no_token_is_not_called_switched_off_for_the_one_of_the_app_works() {
    let house = House::build().await;
    let clock = house.site.world.app.clock();
    let address = within(house.fleet.bridges()[0].address()).await.unwrap().to_string();
    house.fleet.bridges()[0].set(|bridge| bridge.auth_enabled = false);
    let refused = authorise_at_bridge(clock, &address).await.unwrap_err();
    assert!(
        refused.contains("gives out no token") && refused.contains("that the Nuki app shows"),
        "{refused}"
    );
    assert!(!refused.contains("switched off"), "{refused}");
    let chance = house.site.world.app.chance();
    let listed = check_bridge(clock, chance, (&address, "123456", "plain")).await.unwrap();
    assert_eq!(listed.len(), 1);
}
