//! What a page weighs on its way, compressed as browsers ask for it. The figures are the design's (section 9).

use lockwarden_app::devices::{Delivery, DeviceType, LockState, Observation};

use crate::kit::Site;

/// A house whose locks have said how they are.
async fn house(doors: u32) -> Site {
    let site = Site::new().await;
    let anna = site.world.owner("Anna").await;
    let mut reports = Vec::new();
    for door in 1..=doors {
        let (device, _) = site.world.device(&anna, &format!("Flat {door}, second floor")).await;
        let says = [
            Observation::Link { up: true },
            Observation::Listens(true),
            Observation::DeviceType(DeviceType::SmartLock34),
            Observation::State(if door % 3 == 0 { LockState::Unlocked } else { LockState::Locked }),
        ];
        reports.extend(says.map(|seen| site.world.report(device, seen, Delivery::AtMostOnce)));
    }
    for batch in reports.chunks(400) {
        site.world.app.record(batch).await.unwrap();
    }
    site
}

#[tokio::test]
async fn a_first_visit_with_style_and_script_weighs_less_than_60_kilobytes() {
    let mut anna = house(12).await.signed_in("Anna").await;
    let page = anna.get("/devices").await;
    assert_eq!(page.body.matches("<article").count(), 12);
    let assets: Vec<&str> = page.body.split('"').filter(|path| path.starts_with("/assets/")).collect();
    assert!(
        ["look-", "app-", "icon"].iter().all(|asset| assets.iter().any(|path| path.contains(asset))),
        "{assets:?}"
    );
    let mut weight = anna.weigh("/devices").await;
    for path in assets {
        weight += anna.weigh(path).await;
    }
    assert!(weight < 60_000, "{weight} bytes");
}

#[tokio::test]
async fn a_thousand_tiles_weigh_less_than_150_kilobytes() {
    let mut anna = house(1_000).await.signed_in("Anna").await;
    assert_eq!(anna.get("/devices").await.body.matches("<article").count(), 100, "no more than asked for");
    assert_eq!(anna.get("/devices?shown=1000").await.body.matches("<article").count(), 1_000);
    let weight = anna.weigh("/devices?shown=1000").await;
    assert!(weight < 150_000, "{weight} bytes");
}
