use lockwarden_app::devices::*;
use lockwarden_testkit::*;
use std::time::Instant;
#[tokio::main]
async fn main() {
    let world = World::on(FreshDatabase::make().await, 1).await;
    let anna = world.owner("Anna").await;
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let batch: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let mut devs = vec![];
    for i in 0..n {
        let (d, _) = world.device(&anna, &format!("d{i}")).await;
        devs.push(d);
    }
    let app = world.app.clone();
    tokio::spawn(async move { app.db().keep_checkpointed().await });
    let total = 300_000usize;
    let mut k = 0usize;
    let t = Instant::now();
    let mut worst = 0f64;
    let mut lat = vec![];
    while k < total {
        let items: Vec<_> = (0..batch)
            .map(|j| {
                let i = k + j;
                world.report(
                    devs[(i * 7919) % n],
                    Observation::Event(LockEvent {
                        action: LockAction::Unlatch,
                        trigger: Trigger::System,
                        auth_id: Some(195_249),
                        code_id: Some(i as u32 % 1000 + 1),
                        extra: 1,
                    }),
                    Delivery::AtLeastOnce {
                        packet: (i % 65535 + 1) as u16,
                        digest: i as u64,
                        repeated: false,
                    },
                )
            })
            .collect();
        let s = Instant::now();
        world.app.record(&items).await.unwrap();
        let e = s.elapsed().as_secs_f64() * 1e3;
        lat.push(e);
        if e > worst {
            worst = e
        }
        k += batch;
        world.clock.advance(std::time::Duration::from_millis(5));
    }
    let el = t.elapsed().as_secs_f64();
    lat.sort_by(f64::total_cmp);
    println!(
        "{n} devices, batch {batch}: {:.0}/s  p50 {:.1} ms p99 {:.1} worst {:.1}",
        total as f64 / el,
        lat[lat.len() / 2],
        lat[lat.len() * 99 / 100],
        worst
    );
}
