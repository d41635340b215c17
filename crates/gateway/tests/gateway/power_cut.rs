//! What was acknowledged over a socket survives the power and the process: the embedded journal on a disk that loses
//! or tears everything that was not synced.

use crate::site::{Device, TestClock, TestRoster, config, registered};
use domain::Record;
use gateway::Gateway;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use store::{
    disk::SimulatedDisk,
    journal::{EmbeddedJournal, JournalConfig, read_all_on},
    signals::Signals,
};
use tokio::task::JoinSet;

const DEVICES: i64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_when_the_power_goes_or_the_process_dies() {
    let mut acknowledged_in_all = 0;
    for seed in 0..20 {
        acknowledged_in_all += cut(seed, SimulatedDisk::restart_power).await;
        acknowledged_in_all += cut(seed, SimulatedDisk::restart_process).await;
    }
    assert!(acknowledged_in_all > 1000, "{acknowledged_in_all}");
}

/// Devices send until everything stops. Answers how many records were acknowledged.
async fn cut(seed: u64, restart: fn(&SimulatedDisk)) -> usize {
    let data_dir = Path::new("/data");
    let disk = SimulatedDisk::new(seed);
    let journal_config = JournalConfig { segment_bytes: 2000, min_free_bytes: 0, ..JournalConfig::default() };
    let journal = EmbeddedJournal::open_on(Arc::new(disk.clone()), data_dir, journal_config).unwrap();
    let roster = Arc::new(TestRoster::default());
    for source in 1..=DEVICES {
        roster.register(&format!("d{source}"), registered(source));
    }
    let gateway = Gateway::start(
        config(),
        Arc::new(journal),
        roster.clone(),
        roster,
        &Signals::default(),
        Arc::new(TestClock::default()),
    );
    let gateway = gateway.unwrap();
    let address = gateway.bound().tcp["toy"];
    disk.stop_after(StdRng::seed_from_u64(seed).random_range(10..200));

    let mut devices = JoinSet::new();
    for source in 1..=DEVICES {
        devices.spawn(async move {
            let mut device = Device::connect(address, '$').await;
            device.say(&format!("Ld{source}")).await;
            assert_eq!(device.hear().await.unwrap(), "ok");
            let mut acknowledged = 0;
            while disk_answers(&mut device, acknowledged + 1).await {
                acknowledged += 1;
            }
            (source, acknowledged)
        });
    }
    let acknowledged: BTreeMap<i64, u128> = devices.join_all().await.into_iter().collect();
    drop(gateway);

    restart(&disk);
    let mut kept: BTreeMap<i64, Vec<u128>> = BTreeMap::new();
    for committed in read_all_on(Arc::new(disk), data_dir).unwrap() {
        for record in committed.unwrap().records {
            if let Record::Telemetry(telemetry) = record {
                kept.entry(telemetry.source.0).or_default().push(telemetry.hash.0);
            }
        }
    }
    for (source, last) in &acknowledged {
        let kept = kept.get(source).map_or(&[][..], Vec::as_slice);
        let in_order = (1..=kept.len() as u128).collect::<Vec<_>>();
        assert_eq!(kept, in_order, "seed {seed}, source {source}");
        // The last one may be durable without an acknowledgement.
        let count = kept.len() as u128;
        assert!(count == *last || count == last + 1, "seed {seed}, source {source}: {last} of {count}");
    }
    acknowledged.values().sum::<u128>() as usize
}

async fn disk_answers(device: &mut Device, serial: u128) -> bool {
    device.say(&format!("D{serial},-")).await;
    device.hear().await == Some(format!("A{serial}"))
}
