//! Clients nobody here wrote, in both versions of MQTT.

use std::time::Duration;

use lockwarden_app::activity::EntryQuery;
use rumqttc::v5;
use rumqttc::v5::mqttbytes::v5::{DisconnectReasonCode, Packet};
use tokio::process::Command;

use crate::kit::{Site, within};

#[tokio::test]
async fn mosquittos_own_client_is_understood_in_either_version_and_every_qos() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let mut code = 0;
    for version in ["mqttv311", "mqttv5"] {
        for qos in ["0", "1", "2"] {
            code += 1;
            let output = Command::new("mosquitto_pub")
                .args(["-h", "127.0.0.1", "-p", &site.addr.port().to_string(), "-V", version, "-q", qos])
                .args(["-u", &credentials.username, "-P", &credentials.password, "-i", "SL3P_A1"])
                .args(["--will-topic", "nuki/A1/connected", "--will-payload", "false"])
                .args(["-t", "nuki/A1/lockActionEvent", "-m", &format!("3,0,195249,{code},1")])
                .output();
            let output =
                within(output).await.expect("mosquitto_pub is needed: apt-get install mosquitto-clients");
            assert!(output.status.success(), "{version} {qos}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let mut events = site.world.app.bus().subscribe();
    within(async {
        loop {
            let page = site.world.app.list_activity(&anna, EntryQuery::default()).await.unwrap();
            let mut codes: Vec<u32> = page.entries.iter().filter_map(|entry| entry.code_id).collect();
            codes.sort_unstable();
            if codes == (1..=code).collect::<Vec<_>>() {
                return;
            }
            let _ = tokio::time::timeout(Duration::from_millis(100), events.recv()).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_mqtt_5_client_that_is_taken_over_is_told_so() {
    let site = Site::open().await;
    let anna = site.world.owner("Anna").await;
    let (_, credentials) = site.device(&anna, "Front door").await;
    let connect = || {
        let mut options = v5::MqttOptions::new("SL3P_A1", site.addr.ip().to_string(), site.addr.port());
        options.set_credentials(&credentials.username, &credentials.password);
        v5::AsyncClient::new(options, 10)
    };
    let (_first, mut first) = connect();
    within(async {
        while !matches!(first.poll().await.unwrap(), v5::Event::Incoming(Packet::ConnAck(_))) {}
    })
    .await;
    let (_second, mut second) = connect();
    within(async {
        while !matches!(second.poll().await.unwrap(), v5::Event::Incoming(Packet::ConnAck(_))) {}
    })
    .await;
    let told = within(async {
        loop {
            match first.poll().await {
                Ok(v5::Event::Incoming(Packet::Disconnect(disconnect))) => {
                    return Some(disconnect.reason_code);
                }
                Ok(_) => {}
                // The client turns the word into an error of its own.
                Err(v5::ConnectionError::MqttState(v5::StateError::ServerDisconnect {
                    reason_code, ..
                })) => {
                    return Some(reason_code);
                }
                Err(_) => return None,
            }
        }
    })
    .await;
    assert_eq!(told, Some(DisconnectReasonCode::SessionTakenOver));
}
