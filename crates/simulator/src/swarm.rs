//! Many devices at once: one task each, called up little by little.

use crate::{
    client::{Client, Dial, Surroundings},
    handset::Handsets,
    imei::Imei,
    kind::Kind,
    language::Language,
    seed::Seed,
    vehicle::{Reporting, Vehicle},
};
use domain::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

/// Who begins so long before now has a record of every vehicle at once, also of those that are parked.
pub const PRELUDE: Duration = Duration::from_secs(300);

/// A tracker in a vehicle.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    pub imei: Imei,
    pub language: Language,
    pub vehicle: Vehicle,
    /// Decides when it misbehaves.
    pub seed: u64,
}

/// `count` devices with consecutive IMEIs and vehicles of all kinds, for load.
pub fn devices(
    language: Language,
    seed: u64,
    first: Imei,
    count: u64,
    reporting: Reporting,
) -> impl Iterator<Item = Device> {
    (0..count).map(move |number| {
        let seed = Seed::new(seed).of(number).number();
        let kind = Kind::ALL[number as usize % Kind::ALL.len()];
        let vehicle = Vehicle::new(seed, kind, reporting);
        Device { imei: first.plus(number), language, vehicle, seed }
    })
}

/// Runs devices until they are stopped; their records begin at `since`, which may lie in the past. They are found among the
/// handsets.
pub async fn run<D: Dial>(
    devices: impl IntoIterator<Item = Device>,
    since: Timestamp,
    surroundings: Arc<Surroundings<D>>,
    handsets: Handsets,
) {
    let tasks = TaskTracker::new();
    for (number, device) in (1..).zip(devices) {
        let Device { imei, language, vehicle, seed } = device;
        let shared = Arc::clone(&surroundings);
        let handsets = handsets.clone();
        tasks.spawn(async move {
            let client = Client::new(imei, language, vehicle.journey(since), seed, shared);
            handsets.add(imei, client.handset());
            client.run().await;
        });
        // A server's queue of calls not yet taken is short.
        if number % AT_ONCE == 0 {
            sleep(PAUSE).await;
        }
        if surroundings.stop.is_cancelled() {
            break;
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// 2,000 calls a second.
const AT_ONCE: u64 = 50;
const PAUSE: Duration = Duration::from_millis(25);
