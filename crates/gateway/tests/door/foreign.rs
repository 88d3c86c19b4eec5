//! Names that come from outside are shown beside ours: none may turn around the letters that follow it, or begin a line.

use lockwarden_app::devices::NewDevice;
use lockwarden_app::ways::Fact;
use rumqttc::QoS;

use crate::hub::{BASE, Hub, added, log, logged};
use crate::kit::{Client, Site};

/// Every one of them is in this name, and letters of other scripts and pictures, which stay.
const ODD: &str = "\u{202A}F\u{202B}r\u{202C}o\u{202D}n\u{202E}t\u{2066} \u{2067}d\u{2068}o\u{2069}o\u{200E}r\u{200F} ü שלום 👩\u{200D}🔧\u{2028}\u{61C}\u{85}";
const PLAIN: &str = "Front door ü שלום 👩\u{200D}🔧";

#[tokio::test]
async fn no_name_of_a_device_or_of_anybody_at_it_turns_around_the_letters_beside_it() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let unnamed = NewDevice { name: None, ..NewDevice::by_mqtt("") };
    let (door, by_mqtt) = site.world.app.add_device(&anna, unnamed).await.unwrap();
    let mut lock = Client::connect(site.addr, &by_mqtt, "SL3P_A1").await;
    lock.say("nuki/A1/name", ODD, QoS::AtLeastOnce).await;
    let named = site.world.app.load_device(&anna, door).await.unwrap();
    assert_eq!((named.name.as_str(), named.said.own_name.as_deref()), (PLAIN, Some(PLAIN)));
    let announced =
        format!(r#"{{"~":"nuki/A1","dev":{{"ids":"[A1]","name":"{ODD}"}},"cmd_t":"~/lockAction"}}"#);
    lock.say("homeassistant/button/A1/unlatch/config", &announced, QoS::AtLeastOnce).await;
    let facts = site.world.app.load_connection(&anna, door).await.unwrap().facts;
    assert!(facts.iter().any(|said| said.fact == Fact::AnnouncedName && said.value == PLAIN), "{facts:?}");

    let (office, by_hub) = added(&site, &anna).await;
    let mut hub = Hub::connect(&site, &by_hub, BASE).await;
    hub.says("configuration/basicJson", &format!(r#"{{"nukiID":"b2","name":"{ODD}"}}"#)).await;
    let entry = logged(7, 1, r#""type":"LockAction","action":"Lock","trigger":"system""#);
    hub.says("log", &format!("[{}]", entry.replace("Anna", ODD))).await;
    let told = site.world.app.load_device(&anna, office).await.unwrap();
    assert_eq!(told.said.own_name.as_deref(), Some(PLAIN));
    assert_eq!(log(&site, &anna, office).await[0].name.as_deref(), Some(PLAIN));
}
