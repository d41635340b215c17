//! How many records per second the fold takes on one core: `cargo run --release -p live --example fold_bench`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints, and may fail loudly")]

use domain::{
    Clock, Contact, Coordinates, Fix, InputName, Message, Record, RecordHash, SourceId, Speed, State,
    Telemetry, TimeOrigin, Timestamp, Value,
};
use live::{Live, Options};
use std::{collections::HashMap, future, sync::Arc, time::Duration};
use store::journal::{Appending, Committed, Follower, Following, Journal, JournalError, Position};
use telemetry::{SourceSettings, apply};
use tokio::time::Instant;

const RECORDS: usize = 400_000;
const SOURCES: usize = 10_000;
const BATCH: usize = 500;
/// As a vehicle tracker with the usual parameters sends.
const INPUTS: [&str; 16] = [
    "ignition",
    "motion",
    "gsm_signal_level",
    "board_voltage",
    "battery_voltage",
    "battery_level",
    "hdop",
    "pdop",
    "hw_mileage",
    "digital_input_1",
    "digital_input_2",
    "digital_output_1",
    "analog_1",
    "ext_temp_sensor_1",
    "can_rpm",
    "can_fuel_litres",
];

fn main() {
    let batches = batches();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let started = Instant::now();
        let mut states = HashMap::<_, State>::new();
        for record in batches.iter().flat_map(|batch| &batch.records) {
            let state = states.entry(record.source().unwrap()).or_default();
            apply(state, record, &SourceSettings::default());
        }
        report("fold alone, states in one map", started.elapsed());

        let dir = tempfile::tempdir().unwrap();
        let end = Position(RECORDS as u64);
        let options = Options { snapshot_every: u64::MAX, ..Options::default() };
        let journal = Arc::new(Prepared { batches: batches.into() });
        let started = Instant::now();
        let live = Live::start(journal.clone(), Arc::new(Late), dir.path(), options.clone()).unwrap();
        live.caught_up_to(end).await.unwrap();
        report("Live, from the journal's start", started.elapsed());

        let started = Instant::now();
        live.stop().await;
        println!("snapshot of {SOURCES} sources: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
        let started = Instant::now();
        Live::start(journal, Arc::new(Late), dir.path(), options).unwrap();
        println!("start from it: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
        let size: u64 =
            std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        println!("its size: {} bytes per source", size / SOURCES as u64);
    });
}

fn report(what: &str, took: Duration) {
    let rate = RECORDS as f64 / took.as_secs_f64() / 1e6;
    println!("{what}: {rate:.2} M records/s ({} inputs and a fix each)", INPUTS.len());
}

fn at(record: usize) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + record as i64 * 10)
}

fn batches() -> Vec<Arc<Committed>> {
    let names = INPUTS.map(|name| InputName::find(name).unwrap());
    let record = |number: usize| {
        let value = |at: usize| {
            if at < 2 {
                Value::Flag(number.is_multiple_of(3))
            } else {
                Value::Float((number % 97 + at) as f64)
            }
        };
        let coordinates = Coordinates::new(45.0 + (number % 1000) as f64 * 1e-4, 10.0).unwrap();
        let speed = Some(Speed::from_kmh((number % 90) as f32));
        Record::Telemetry(Telemetry {
            source: SourceId((number * 7919 % SOURCES) as i64),
            received: at(number).plus(Duration::from_secs(1)),
            time: at(number),
            time_origin: TimeOrigin::Device,
            hash: RecordHash(number as u128),
            message: Message {
                time: Some(at(number)),
                fix: Some(Fix { speed, ..Fix::at(coordinates) }),
                inputs: names.into_iter().enumerate().map(|(at, name)| (name, value(at))).collect(),
            },
        })
    };
    let batch =
        |first: usize| Committed::new(Position(first as u64), (first..first + BATCH).map(record).collect());
    (0..RECORDS).step_by(BATCH).map(|first| Arc::new(batch(first))).collect()
}

/// A clock that stands at the last record, so that every source is active and has its timer.
struct Late;

impl Clock for Late {
    fn now(&self) -> Timestamp {
        at(RECORDS)
    }
}

/// A journal whose batches are in memory already.
struct Prepared {
    batches: Arc<[Arc<Committed>]>,
}

impl Journal for Prepared {
    fn append(&self, _: Vec<Record>) -> Appending {
        Box::pin(future::ready(Err(JournalError::Closed)))
    }

    fn note(&self, _: Contact) {}

    fn follow(&self, from: Position) -> Box<dyn Follower> {
        Box::new(PreparedFollower { batches: self.batches.clone(), next: from.0 as usize / BATCH })
    }

    fn end(&self) -> Position {
        Position(RECORDS as u64)
    }

    fn trouble(&self) -> Option<JournalError> {
        None
    }
}

struct PreparedFollower {
    batches: Arc<[Arc<Committed>]>,
    next: usize,
}

impl Follower for PreparedFollower {
    fn next(&mut self) -> Following<'_> {
        Box::pin(async move {
            let Some(batch) = self.batches.get(self.next) else { return future::pending().await };
            self.next += 1;
            Ok(batch.clone())
        })
    }
}
