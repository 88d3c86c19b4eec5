//! No bytes, however wrong, make a reader panic, and what is made of them is not much larger than they are.

use proptest::prelude::*;

use crate::nuki_bridge::read_everything;
use crate::nuki_bridge::wire::devices::{self, BridgeDevice};
use crate::nuki_bridge::wire::{self, info};

fn text(text: Option<&String>) -> usize {
    text.map_or(0, String::capacity)
}

/// Bytes on the heap that everything takes that was made of `body`.
fn weight(body: &[u8]) -> usize {
    let device = |device: &BridgeDevice| text(device.name.as_ref()) + text(device.firmware.as_ref());
    let mut all = 0;
    if let Ok(list) = devices::list(body) {
        all += list.devices.capacity() * size_of::<BridgeDevice>();
        all += list.devices.iter().map(device).sum::<usize>();
        assert!(list.devices.len() <= 100);
    }
    if let Ok(info) = info::info(body) {
        all += info.seen.capacity() * size_of::<info::SeenDevice>();
        all += info.seen.iter().map(|seen| text(seen.name.as_ref())).sum::<usize>();
        all += text(info.firmware.as_ref())
            + text(info.wifi_firmware.as_ref())
            + text(info.app_version.as_ref());
    }
    if let Ok(callbacks) = wire::callbacks(body) {
        all += callbacks.capacity() * size_of::<wire::Registered>();
        all += callbacks.iter().map(|callback| callback.url.capacity()).sum::<usize>();
    }
    all + devices::callback(body).map_or(0, |called| device(&called))
}

/// Values as a bridge sends them, and as none does.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|truth| truth.to_string()),
        any::<u8>().prop_map(|code| code.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        ".{0,80}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just("\"2024-04-06T06:00:51+00:00\"".to_owned()),
        Just("[[],{\"a\":[1]}]".to_owned()),
        Just("{}".to_owned()),
    ]
}

const KEYS: [&str; 32] = [
    "deviceType",
    "nukiId",
    "name",
    "firmwareVersion",
    "mode",
    "state",
    "stateName",
    "batteryCritical",
    "batteryCharging",
    "batteryChargeState",
    "keypadBatteryCritical",
    "doorsensorState",
    "ringactionTimestamp",
    "ringactionState",
    "timestamp",
    "success",
    "message",
    "token",
    "bridgeType",
    "uptime",
    "currentTime",
    "wlanConnected",
    "serverConnected",
    "hardwareId",
    "serverId",
    "rssi",
    "paired",
    "id",
    "url",
    "appVersion",
    "wifiFirmwareVersion",
    "unheardOf",
];

fn object(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let entry = (proptest::sample::select(&KEYS[..]), inner);
    proptest::collection::vec(entry, 0..16).prop_map(|entries| {
        let entries: Vec<String> = entries.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", entries.join(","))
    })
}

/// Objects with the ids that make something of them, a state inside and a list around.
fn document() -> impl Strategy<Value = String> {
    let device = || {
        (object(value()), any::<u32>(), any::<u8>()).prop_map(|(state, id, kind)| {
            format!("{{\"nukiId\":{id},\"deviceType\":{kind},\"lastKnownState\":{state}}}")
        })
    };
    let devices =
        || proptest::collection::vec(device(), 0..30).prop_map(|all| format!("[{}]", all.join(",")));
    prop_oneof![
        object(value()),
        devices(),
        (devices(), object(value()), object(value())).prop_map(|(seen, ids, versions)| {
            format!("{{\"bridgeType\":1,\"ids\":{ids},\"versions\":{versions},\"scanResults\":{seen}}}")
        }),
        proptest::collection::vec(object(value()), 0..20)
            .prop_map(|all| format!("{{\"callbacks\":[{}]}}", all.join(","))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_bytes_are_answers_or_errors(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        read_everything(&bytes);
    }

    #[test]
    fn any_document_is_an_answer_or_an_error_and_not_much_larger_for_it(body in document()) {
        read_everything(body.as_bytes());
        let weight = weight(body.as_bytes());
        prop_assert!(weight <= 16 * body.len() + 1_024, "{} bytes became {weight}", body.len());
    }

    #[test]
    fn a_document_with_a_wrong_byte_or_an_early_end_is_read_or_refused(
        body in document(), place in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut body = body.into_bytes();
        let place = place.index(body.len());
        read_everything(&body[..place]);
        body[place] = byte;
        read_everything(&body);
    }
}

#[test]
fn the_shortest_things_that_make_something_make_little_of_it() {
    let most = |item: &str, count: usize| vec![item; count].join(",");
    for body in [
        format!("[{}]", most(r#"{"deviceType":0,"nukiId":1}"#, 100)),
        format!("[{}]", most(r#"{"deviceType":0,"nukiId":1,"lastKnownState":{}}"#, 100)),
        format!("{{\"bridgeType\":1,\"scanResults\":[{}]}}", most(r#"{"nukiId":1}"#, 100)),
        format!("{{\"callbacks\":[{}]}}", most(r#"{"id":0,"url":""}"#, 16)),
    ] {
        let weight = weight(body.as_bytes());
        assert!(weight > 0 && weight <= 16 * body.len(), "{} bytes became {weight}", body.len());
    }
}
