//! Promise 6: a default installation connects to nobody. The kernel's own record of the calls says so.

use lockwarden_simulator::{Fleet, Options};

use crate::kit::{EMAIL, Site, call, get, trace, within};
use crate::unlock::{DOOR, lock_says};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_used_connects_to_nobody_and_asks_for_no_name() {
    let mut site = Site::new().await;
    if !site.database.is_sqlite() {
        return; // Its database is another server.
    }
    site.create_account(EMAIL);
    let record = site.dir().join("calls");
    site.trace_to(&["-yy", "-e", "trace=connect,sendto,sendmsg,sendmmsg"], &record);
    site.serve().await;
    let (token, spec) = (site.token(), site.lock("Front door", 0xA1));
    let fleet = Fleet::start(&site.broker(), vec![spec], &Options { time_scale: 0.01, ..Options::default() });
    lock_says(&site, &token, |lock| lock["serverState"] == 0 && lock["state"]["doorState"] == 2).await;
    call(site.http, "POST", &format!("{DOOR}/action/unlock"), &token, "").await.unwrap();
    lock_says(&site, &token, |lock| lock["state"]["state"] == 3).await;
    for path in ["/sign-in", "/api/smartlock/log", "/api/openapi.json", "/healthz"] {
        get(site.http, path, &token).await.unwrap();
    }
    site.kill();
    fleet.stop().await;
    let calls = within(10, trace(&record)).await;
    assert!(calls.contains("sendto("), "the record holds what it answered: {calls}");
    // Its own address is asked of the kernel by a socket that sends nothing.
    let outgoing = |line: &&str| {
        line.contains("connect(") && !line.contains("<UDP") || line.contains("send") && line.contains("<UDP")
    };
    let outgoing: Vec<&str> = calls.lines().filter(outgoing).collect();
    assert!(outgoing.is_empty(), "{outgoing:#?}");
}
