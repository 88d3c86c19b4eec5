//! A kill while the tables are made: the next start goes on from there.

use std::time::Duration;

use crate::kit::Site;

const STEP: Duration = Duration::from_millis(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_is_killed_at_any_moment_is_taken_up_by_the_next() {
    let mut kills = 0;
    // Closer together where the tables are made, and then until a start is through, however busy the machine is.
    let moments = std::iter::successors(Some(Duration::ZERO), |last| Some(last.mul_f64(1.15) + STEP));
    for moment in moments {
        let mut site = Site::new().await;
        let served = tokio::time::timeout(moment, site.serve()).await.is_ok();
        site.kill();
        kills += 1;
        site.serve().await;
        site.create_account(crate::kit::EMAIL);
        site.ok(&["healthcheck"], "");
        if served {
            break;
        }
    }
    assert!(kills > 5, "{kills} kills before it served");
}
