//! What each stage of a record's way costs, alone: decoding, the journal, the live state, packing.

use crate::{
    devices::{now, record},
    server::cpu_of,
};
use domain::{Record, SourceId, State, Telemetry, TimeOrigin};
use protocols::{
    Admission, Connection, DeviceSlot, Event, KnownDevice,
    teltonika::{Codec, Teltonika, encode},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use store::{
    history::{EmbeddedHistory, HistoryConfig},
    journal::{EmbeddedJournal, Journal, JournalConfig, Position},
};
use telemetry::{SourceSettings, apply};

const RECORDS: usize = 300_000;
const SOURCES: i64 = 200;

/// CPU µs a record, by stage.
pub fn measure(together: usize) -> Vec<(&'static str, f64)> {
    let start = now().minus(Duration::from_secs(6 * 3600));
    let frames: Vec<Vec<u8>> = (0..RECORDS / together)
        .map(|frame| {
            let step = |at: usize| frame * together + at;
            let time = |step: usize| start.plus(Duration::from_millis(10 * step as u64));
            let records: Vec<_> = (0..together).map(|at| record(time(step(at)), step(at) as u32)).collect();
            encode::packet(Codec::Codec8, &records)
        })
        .collect();
    let mut stages = Vec::new();
    let mut timed = |name, cost: f64| stages.push((name, cost));

    let mut connection = Connection::new(&Teltonika, domain::Transport::Tcp);
    connection.identified(DeviceSlot(0), &Admission::Known(KnownDevice::default()));
    let mut batches: Vec<Vec<Record>> = Vec::with_capacity(frames.len());
    let cpu = cpu_of("self");
    for (number, frame) in frames.iter().enumerate() {
        connection.receive(frame);
        let mut batch = Vec::new();
        while let Some(event) = connection.poll() {
            if let Event::Message { message, hash, .. } = event {
                let time = message.time.unwrap();
                let source = SourceId(1 + number as i64 % SOURCES);
                let telemetry = Telemetry {
                    source,
                    received: time,
                    time,
                    time_origin: TimeOrigin::Device,
                    hash,
                    message,
                };
                batch.push(Record::Telemetry(telemetry));
            }
        }
        batches.push(batch);
    }
    timed("decode", (cpu_of("self") - cpu) * 1e6 / RECORDS as f64);

    let mut states: HashMap<SourceId, State> = HashMap::new();
    let settings = SourceSettings::default();
    let cpu = cpu_of("self");
    for record in batches.iter().flatten() {
        apply(states.entry(record.source().unwrap()).or_default(), record, &settings);
    }
    timed("live", (cpu_of("self") - cpu) * 1e6 / RECORDS as f64);

    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    crate::devices::runtime().block_on(async {
        let journal = Arc::new(EmbeddedJournal::open(folder.path(), JournalConfig::default()).unwrap());
        let cpu = cpu_of("self");
        // What 200 devices wait for together.
        let mut batches = batches.into_iter().peekable();
        while batches.peek().is_some() {
            let waiting: Vec<_> = batches.by_ref().take(200).map(|batch| journal.append(batch)).collect();
            for append in waiting {
                append.await.unwrap();
            }
        }
        timed("journal", (cpu_of("self") - cpu) * 1e6 / RECORDS as f64);
        let cpu = cpu_of("self");
        let history =
            EmbeddedHistory::open(journal.clone(), folder.path(), &HistoryConfig::default()).unwrap();
        let end: Position = journal.end();
        history.pack(end).await.unwrap();
        timed("pack", (cpu_of("self") - cpu) * 1e6 / RECORDS as f64);
        history.close().await;
        journal.close().await;
    });
    stages
}
