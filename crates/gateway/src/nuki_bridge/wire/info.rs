//! `/info`: the bridge itself, and which devices it hears.

use lockwarden_app::clock::Time;
use lockwarden_app::devices::DeviceType;
use serde::Deserialize;

use super::scalar::{Maybe, Odd, Scalar, Sequence};
use super::{LONGEST_ANSWER, Unreadable, read};

/// Devices in reach that are read; others are an error.
const MOST_SEEN: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BridgeKind {
    Hardware,
    /// On a phone or tablet; it has no hardware id.
    Software,
    Other(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BridgeInfo {
    pub kind: BridgeKind,
    /// What tells one bridge from another.
    pub hardware_id: Option<u32>,
    pub server_id: Option<u32>,
    pub firmware: Option<String>,
    pub wifi_firmware: Option<String>,
    /// Of a software bridge.
    pub app_version: Option<String>,
    /// Seconds since it started.
    pub uptime: Option<u64>,
    /// Its clock: an encrypted token is good for 60 s by it.
    pub current_time: Option<Time>,
    /// Sent by real bridges, and in no version of the specification.
    pub wlan_connected: Option<bool>,
    pub server_connected: Option<bool>,
    pub seen: Vec<SeenDevice>,
    /// Whether it tells at all what it sees.
    pub scans: bool,
    /// Fields and devices that could not be read.
    pub unreadable: u32,
}

/// A device in reach of the bridge, paired with it or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenDevice {
    pub nuki_id: u32,
    pub kind: Option<DeviceType>,
    pub name: Option<String>,
    /// dBm.
    pub rssi: Option<i16>,
    pub paired: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawInfo {
    bridge_type: Scalar,
    ids: Maybe<RawIds>,
    versions: Maybe<RawVersions>,
    uptime: Scalar,
    current_time: Scalar,
    wlan_connected: Scalar,
    server_connected: Scalar,
    scan_results: Option<Sequence<RawSeen, MOST_SEEN>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawIds {
    hardware_id: Scalar,
    server_id: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawVersions {
    firmware_version: Scalar,
    wifi_firmware_version: Scalar,
    app_version: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawSeen {
    device_type: Scalar,
    nuki_id: Scalar,
    name: Scalar,
    rssi: Scalar,
    paired: Scalar,
}

/// `/info`.
pub(crate) fn info(body: &[u8]) -> Result<BridgeInfo, Unreadable> {
    let raw = read::<Maybe<RawInfo>>(body, LONGEST_ANSWER)?;
    let odd = &mut Odd::default();
    let raw = raw.object(odd).ok_or(Unreadable)?;
    let kind = match raw.bridge_type.number(odd).ok_or(Unreadable)? {
        1 => BridgeKind::Hardware,
        2 => BridgeKind::Software,
        other => BridgeKind::Other(other),
    };
    let ids = raw.ids.object(odd).unwrap_or_default();
    let versions = raw.versions.object(odd).unwrap_or_default();
    let scans = raw.scan_results.is_some();
    let in_reach = raw.scan_results.unwrap_or_default();
    odd.0 += in_reach.odd.0;
    let seen = in_reach.items.into_iter().filter_map(|raw| seen(raw, odd)).collect();
    Ok(BridgeInfo {
        kind,
        hardware_id: ids.hardware_id.number(odd),
        server_id: ids.server_id.number(odd),
        firmware: versions.firmware_version.name(odd),
        wifi_firmware: versions.wifi_firmware_version.name(odd),
        app_version: versions.app_version.name(odd),
        uptime: raw.uptime.number(odd),
        current_time: raw.current_time.time(odd),
        wlan_connected: raw.wlan_connected.truth(odd),
        server_connected: raw.server_connected.truth(odd),
        seen,
        scans,
        unreadable: odd.0,
    })
}

fn seen(raw: RawSeen, odd: &mut Odd) -> Option<SeenDevice> {
    let nuki_id = raw.nuki_id.number(odd)?;
    Some(SeenDevice {
        nuki_id,
        kind: raw.device_type.number(odd).map(DeviceType::from_code),
        name: raw.name.name(odd),
        rssi: raw.rssi.number(odd),
        paired: raw.paired.truth(odd),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = r#"{"bridgeType":1,"ids":{"hardwareId":1013065235,"serverId":1754925342},
        "versions":{"firmwareVersion":"2.17.0","wifiFirmwareVersion":"2.4.0"},"uptime":47490,
        "currentTime":"2024-04-06T06:06:02+00:00","wlanConnected":true,"serverConnected":true,
        "scanResults":[{"deviceType":4,"nukiId":1015571181,"name":"Nuki_3C8862ED","rssi":-53,"paired":true}]}"#;

    fn read_info(text: &str) -> BridgeInfo {
        info(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn the_trace_of_a_real_bridge_reads_as_what_it_was() {
        let expected = BridgeInfo {
            kind: BridgeKind::Hardware,
            hardware_id: Some(1_013_065_235),
            server_id: Some(1_754_925_342),
            firmware: Some("2.17.0".to_owned()),
            wifi_firmware: Some("2.4.0".to_owned()),
            app_version: None,
            uptime: Some(47_490),
            current_time: Some(Time(1_712_383_562_000)),
            wlan_connected: Some(true),
            server_connected: Some(true),
            seen: vec![SeenDevice {
                nuki_id: 0x3C88_62ED,
                kind: Some(DeviceType::SmartLock34),
                name: Some("Nuki_3C8862ED".to_owned()),
                rssi: Some(-53),
                paired: Some(true),
            }],
            scans: true,
            unreadable: 0,
        };
        assert_eq!(read_info(REAL), expected);
    }

    #[test]
    fn a_software_bridge_has_an_app_instead_of_hardware() {
        let read = read_info(r#"{"bridgeType":2,"ids":{"serverId":7},"versions":{"appVersion":"2.3.1"}}"#);
        assert_eq!((read.kind, read.hardware_id), (BridgeKind::Software, None));
        assert_eq!((read.app_version.as_deref(), read.seen.len(), read.unreadable), (Some("2.3.1"), 0, 0));
        assert_eq!(read_info(r#"{"bridgeType":9}"#).kind, BridgeKind::Other(9));
    }

    #[test]
    fn what_does_not_say_that_it_is_a_bridge_is_none() {
        for body in
            ["{}", "[]", "null", "1", r#"{"bridgeType":"1"}"#, r#"[{"bridgeType":1}]"#, "<html></html>"]
        {
            assert_eq!(info(body.as_bytes()), Err(Unreadable), "{body}");
        }
    }

    #[test]
    fn one_odd_field_takes_no_other_with_it() {
        let read = read_info(
            r#"{"bridgeType":1,"ids":7,"versions":{"firmwareVersion":["2"]},"uptime":-1,"currentTime":"noon",
            "serverConnected":"yes","scanResults":[5,{"nukiId":"a"},{"nukiId":11,"rssi":99999,"more":{}}]}"#,
        );
        assert_eq!(read.seen.len(), 1);
        assert_eq!((read.seen[0].nuki_id, read.seen[0].rssi), (11, None));
        assert_eq!(read.unreadable, 8);
        assert_eq!((read.uptime, read.current_time, read.server_connected), (None, None, None));
    }
}
