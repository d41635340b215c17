//! How fast the embedded journal commits, beside a bare loop of append and fdatasync on the same disk in the same run:
//! `cargo run --release -p store --example journal_bench -- [DIRECTORY]`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool that prints")]

use domain::{
    Coordinates, Fix, Heading, InputName, Message, Metres, Record, RecordHash, SourceId, Speed, Telemetry,
    TimeOrigin, Timestamp, Value,
};
use std::{fs::OpenOptions, io::Write, path::Path, sync::Arc, time::Duration};
use store::journal::{EmbeddedJournal, Journal, JournalConfig, Position, read_all};
use tokio::time::Instant;

const APPENDERS: usize = 200;
const RUN: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    println!(
        "{:>14} {:>12} {:>10} {:>14} {:>12} {:>8}",
        "records/append", "records/s", "commits/s", "bytes/record", "raw rec/s", "ratio"
    );
    for count in [1, 30] {
        let dir = tempfile::tempdir_in(&parent).unwrap();
        measure(dir.path(), count).await;
    }
}

async fn measure(dir: &Path, count: usize) {
    let journal = Arc::new(EmbeddedJournal::open(dir, JournalConfig::default()).unwrap());
    let mut follower = journal.follow(Position(0));
    let following = tokio::spawn(async move {
        let mut seen = 0;
        while let Ok(batch) = follower.next().await {
            seen += batch.records.len();
        }
        seen
    });
    let started = Instant::now();
    let appenders: Vec<_> = (0..APPENDERS)
        .map(|appender| {
            let journal = Arc::clone(&journal);
            let message = usual_message();
            tokio::spawn(async move {
                let mut appended = 0;
                while started.elapsed() < RUN {
                    let records =
                        (0..count).map(|number| record(&message, appender, appended + number)).collect();
                    journal.append(records).await.unwrap();
                    appended += count;
                }
                appended
            })
        })
        .collect();
    let mut records = 0;
    for appender in appenders {
        records += appender.await.unwrap();
    }
    let elapsed = started.elapsed();
    journal.close().await;
    assert_eq!(following.await.unwrap(), records);
    let commits = read_all(dir).unwrap().count();
    let bytes: u64 = std::fs::read_dir(dir.join("journal"))
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();

    let raw = raw(&dir.join("raw"), bytes as usize / commits, commits);
    let rate = |time: Duration| records as f64 / time.as_secs_f64();
    println!(
        "{count:>14} {:>12.0} {:>10.0} {:>14.1} {:>12.0} {:>8.2}",
        rate(elapsed),
        commits as f64 / elapsed.as_secs_f64(),
        bytes as f64 / records as f64,
        rate(raw),
        raw.as_secs_f64() / elapsed.as_secs_f64(),
    );
}

/// The same commits without a journal around them.
fn raw(path: &Path, bytes: usize, commits: usize) -> Duration {
    let mut file = OpenOptions::new().create_new(true).append(true).open(path).unwrap();
    let block = vec![0x5a; bytes];
    let started = Instant::now();
    for _ in 0..commits {
        file.write_all(&block).unwrap();
        file.sync_data().unwrap();
    }
    started.elapsed()
}

/// As a usual device sends them: a fix and a dozen inputs.
fn usual_message() -> Message {
    let fix = Coordinates::new(54.714_605, 25.303_195).map(|coordinates| Fix {
        speed: Some(Speed::from_kmh(50.0)),
        heading: Some(Heading::from_degrees(90)),
        altitude: Some(Metres(120.0)),
        satellites: Some(12),
        ..Fix::at(coordinates)
    });
    let inputs = (0..12u32).filter_map(|input| {
        let name = InputName::find(&format!("avl_io_{}", 200 + input))?;
        Some((name, Value::Int(i64::from(input) * 100)))
    });
    Message { time: None, fix, inputs: inputs.collect() }
}

fn record(message: &Message, appender: usize, number: usize) -> Record {
    let time = Timestamp::from_seconds(1_729_080_000 + number as i64);
    Record::Telemetry(Telemetry {
        source: SourceId(appender as i64),
        received: time.plus(Duration::from_millis(700)),
        time,
        time_origin: TimeOrigin::Device,
        hash: RecordHash(((appender as u128) << 64) | number as u128),
        message: Message { time: Some(time), ..message.clone() },
    })
}
