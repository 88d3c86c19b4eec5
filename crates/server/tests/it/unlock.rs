//! The first journey, whole: the API, the server, a lock on the network, and back.

use lockwarden_simulator::{Fleet, Options, Order};
use serde_json::Value;

use crate::kit::{Site, call, get, within};

pub(crate) const DOOR: &str = "/api/smartlock/17179869345";

fn fast() -> Options {
    Options { time_scale: 0.01, ..Options::default() }
}

pub(crate) async fn lock_says(site: &Site, token: &str, fact: impl Fn(&Value) -> bool) -> Value {
    within(30, async {
        loop {
            let (status, body) = get(site.http, DOOR, token).await.unwrap();
            if status == 200 {
                let lock: Value = serde_json::from_str(&body).unwrap();
                if fact(&lock) {
                    return lock;
                }
            }
        }
    })
    .await
}

pub(crate) async fn log(site: &Site, token: &str) -> Vec<Value> {
    let (_, body) = get(site.http, "/api/smartlock/log?limit=50", token).await.unwrap();
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn an_unlock_by_the_api_turns_the_lock_and_is_one_entry_whatever_the_order_of_messages() {
    for order in [Order::Documented, Order::AnswerFirst, Order::EventLate] {
        let site = Site::serving().await;
        let token = site.token();
        let spec = site.lock("Front door", 0xA1);
        let fleet = Fleet::start(&site.broker(), vec![spec], &Options { order, ..fast() });
        lock_says(&site, &token, |lock| lock["serverState"] == 0 && lock["state"]["doorState"] == 2).await;
        let (status, body) =
            call(site.http, "POST", &format!("{DOOR}/action/unlock"), &token, "").await.unwrap();
        assert_eq!((status, body.as_str()), (204, ""));
        lock_says(&site, &token, |lock| lock["state"]["state"] == 3).await;
        let entries = within(30, async {
            loop {
                let entries = log(&site, &token).await;
                if !entries.is_empty() {
                    return entries;
                }
            }
        })
        .await;
        assert_eq!(
            (entries.len(), &entries[0]["action"], &entries[0]["state"]),
            (1, &1.into(), &0.into()),
            "{order:?}"
        );
        let seen = fleet.locks()[0].seen();
        assert_eq!((seen.moves, seen.commands.len()), (1, 1));
        assert!(!seen.commands[0].retain && !seen.commands[0].dup);
        fleet.stop().await;
    }
}

#[tokio::test]
async fn a_lock_that_returns_after_an_order_was_refused_is_not_opened_by_it() {
    let site = Site::serving().await;
    let token = site.token();
    let spec = site.lock("Front door", 0xA1);
    let fleet = Fleet::start(&site.broker(), vec![spec], &fast());
    lock_says(&site, &token, |lock| lock["serverState"] == 0 && lock["state"]["doorState"] == 2).await;
    fleet.locks()[0].go_offline(None);
    lock_says(&site, &token, |lock| lock["serverState"] == 4).await;
    let (status, body) = call(site.http, "POST", &format!("{DOOR}/action/unlock"), &token, "").await.unwrap();
    assert_eq!(status, 409);
    assert!(body.contains("offline"));
    fleet.locks()[0].come_back();
    lock_says(&site, &token, |lock| lock["serverState"] == 0).await;
    // A later command shows that the connection works and that nothing came before it.
    call(site.http, "POST", &format!("{DOOR}/action/lock"), &token, "").await.unwrap();
    let seen = within(30, fleet.locks()[0].wait_for(|seen| seen.moves == 1)).await;
    assert_eq!(seen.commands.iter().map(|command| command.payload.as_str()).collect::<Vec<_>>(), ["2"]);
    fleet.stop().await;
}
