//! What the embedded journal and history do on this machine:
//! `cargo run --release -p store --example history_bench -- [sources] [points] [seconds between points]`.
//!
//! Appends batches of 5,000 points, one per source in turn and in a scattered order, a few of them at a time, while segments
//! are packed and removed as they are sealed; beside it, in the same run, the same bytes are appended to a plain file with a
//! sync per batch, once by somebody who makes the same points before each, and once by one who does nothing else. Then
//! merges, measures the files, and reads.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark reads the clock and prints"
)]

use domain::{
    Coordinates, Fix, Heading, InputName, Inputs, Message, Metres, Record, RecordHash, SourceId, Speed,
    Telemetry, TimeOrigin, Timestamp,
};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::{
    collections::VecDeque,
    env, fs,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    history::{EmbeddedHistory, History, HistoryConfig, Order},
    journal::{EmbeddedJournal, Journal, JournalConfig, Position},
};

const BATCH: usize = 5000;
/// So many batches wait for their commit at a time, as a server's connections do.
const UNDER_WAY: usize = 4;
/// 2025-11-24, a Monday.
const START: i64 = 1_763_942_400_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse::<usize>().unwrap());
    let sources = arguments.next().unwrap_or(10_000);
    let points = arguments.next().unwrap_or(5_000_000);
    let seconds = arguments.next().unwrap_or(10);
    let batches = points.div_ceil(BATCH);
    let folder = tempfile::tempdir_in(env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();

    let mut fleet = Fleet::new(sources, seconds);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    for _ in 0..batches.min(100) {
        std::hint::black_box(fleet.batch());
    }
    let generating = start.elapsed().as_secs_f64() / (batches.min(100) * BATCH) as f64;
    println!(
        "{sources} sources, {points} points; making one takes {:.2} µs ({:.2} µs CPU)",
        generating * 1e6,
        (cpu_seconds() - cpu) / (batches.min(100) * BATCH) as f64 * 1e6
    );

    let point_bytes = journal_bytes(&folder.path().join("sample"), sources, seconds).await;
    let plain = folder.path().join("raw");
    let making = |fleet: &mut Fleet| drop(std::hint::black_box(fleet.batch()));
    let raws = || {
        let alone = raw(&plain, batches, point_bytes, || {});
        let mut fleet = Fleet::new(sources, seconds);
        [alone, raw(&plain, batches, point_bytes, || making(&mut fleet))]
    };
    let before = raws();

    let data_dir = folder.path().join("data");
    let journal = Arc::new(EmbeddedJournal::open(&data_dir, JournalConfig::default()).unwrap());
    let history =
        Arc::new(EmbeddedHistory::open(journal.clone(), &data_dir, &HistoryConfig::default()).unwrap());
    let mut fleet = Fleet::new(sources, seconds);
    let packer = tokio::spawn(pack(journal.clone(), history.clone()));
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut commits = Vec::with_capacity(batches);
    let mut under_way = VecDeque::with_capacity(UNDER_WAY);
    for _ in 0..batches {
        let batch = fleet.batch();
        let given = Instant::now();
        let appending = journal.append(batch);
        let appended = async move {
            appending.await.unwrap();
            given.elapsed()
        };
        under_way.push_back(tokio::spawn(appended));
        if under_way.len() == UNDER_WAY {
            commits.push(under_way.pop_front().unwrap().await.unwrap());
        }
    }
    for appended in under_way {
        commits.push(appended.await.unwrap());
    }
    let appended = start.elapsed();
    journal.seal();
    journal.sealed_beyond(Position(journal.end().0 - 1)).await;
    let end = journal.sealed().last().unwrap().end;
    while history.packed_to() < end {
        history.pack(end).await.unwrap();
    }
    let total = start.elapsed();
    let cpu = (cpu_seconds() - cpu) / (batches * BATCH) as f64;
    packer.abort();
    let after = raws();
    let rate = |elapsed: Duration| (batches * BATCH) as f64 / elapsed.as_secs_f64();
    println!(
        "raw append + fdatasync of the same bytes ({point_bytes} a point): {:.0} and {:.0} points/s; making them as well: {:.0} and {:.0}",
        before[0], after[0], before[1], after[1]
    );
    let shares = |rate: f64| {
        let share = |at: usize| 100.0 * rate / f64::midpoint(before[at], after[at]);
        format!(
            "{rate:.0} points/s, {:.0} % of raw that makes its points, {:.0} % of raw alone",
            share(1),
            share(0)
        )
    };
    println!("journal: {}", shares(rate(appended)));
    println!("journal, and packing to the last point: {}", shares(rate(total)));
    println!("{:.2} µs CPU a point, making it included", cpu * 1e6);
    commits.sort();
    println!(
        "commit of {BATCH}: p50 {:?}, p99 {:?}, p99.9 {:?}",
        commits[batches / 2],
        commits[batches * 99 / 100],
        commits[batches * 999 / 1000]
    );

    sizes("packed", &history, &data_dir, batches * BATCH).await;
    reads("packed", &*history, sources, seconds).await;
    let start = Instant::now();
    let mut merging = None;
    loop {
        merging = history.merge(Timestamp::from_seconds(4_000_000_000), merging).await.unwrap();
        if merging.is_none() {
            break;
        }
    }
    println!("merging: {:.0} points/s", rate(start.elapsed()));
    sizes("merged", &history, &data_dir, batches * BATCH).await;
    reads("merged", &*history, sources, seconds).await;
    println!("peak memory: {} MB", peak_memory());
}

async fn pack(journal: Arc<EmbeddedJournal>, history: Arc<EmbeddedHistory>) {
    loop {
        journal.sealed_beyond(history.packed_to()).await;
        for sealed in journal.sealed() {
            history.pack(sealed.end).await.unwrap();
            journal.forget_before(history.packed_to()).unwrap();
        }
    }
}

/// Bytes that the journal takes for a point.
async fn journal_bytes(data_dir: &Path, sources: usize, seconds: usize) -> usize {
    let journal = EmbeddedJournal::open(data_dir, JournalConfig::default()).unwrap();
    let mut fleet = Fleet::new(sources, seconds);
    for _ in 0..10 {
        journal.append(fleet.batch()).await.unwrap();
    }
    journal.seal();
    journal.sealed_beyond(Position(0)).await;
    journal.sealed()[0].bytes as usize / (10 * BATCH)
}

/// Points per second, with what is done before each batch.
fn raw(path: &Path, batches: usize, point_bytes: usize, mut prepare: impl FnMut()) -> f64 {
    let mut bytes = vec![0; BATCH * point_bytes];
    SmallRng::seed_from_u64(1).fill(&mut bytes[..]);
    let mut file = fs::File::create(path).unwrap();
    let start = Instant::now();
    for _ in 0..batches {
        prepare();
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
    }
    let elapsed = start.elapsed();
    fs::remove_file(path).unwrap();
    (batches * BATCH) as f64 / elapsed.as_secs_f64()
}

async fn sizes(what: &str, history: &EmbeddedHistory, data_dir: &Path, points: usize) {
    let holding = history.holding().await.unwrap();
    let mut content = 0;
    for entry in fs::read_dir(data_dir.join("history")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".db") && name != "ledger.db" {
            let file = rusqlite::Connection::open(entry.path()).unwrap();
            content += file
                .query_row("SELECT sum(length(data)) FROM blocks", [], |row| row.get::<_, i64>(0))
                .unwrap();
        }
    }
    let each = |bytes: f64| bytes / points as f64;
    println!(
        "{what}: {} blocks of {:.0} points; bytes a point: {:.1} in files, {:.1} in blocks",
        holding.blocks,
        points as f64 / holding.blocks as f64,
        each(holding.bytes as f64),
        each(content as f64),
    );
}

/// A day of a source, and its last message.
async fn reads(what: &str, history: &dyn History, sources: usize, seconds: usize) {
    let mut random = SmallRng::seed_from_u64(2);
    let (mut days, mut lasts, mut points) = (Vec::new(), Vec::new(), 0);
    for _ in 0..300 {
        let source = SourceId(random.random_range(0..sources as i64));
        let day = Timestamp::from_millis(START + 7000)..Timestamp::from_millis(START + 86_400_000);
        let start = Instant::now();
        let mut messages = history.read(source, day, Order::Ascending);
        points = 0;
        while let Some(piece) = messages.next().await.unwrap() {
            points += piece.len();
        }
        days.push(start.elapsed());
        let start = Instant::now();
        history.last_before(source, Timestamp::from_seconds(4_000_000_000)).await.unwrap().unwrap();
        lasts.push(start.elapsed());
    }
    days.sort();
    lasts.sort();
    println!(
        "{what}: a day of {points} points every {seconds} s p50 {:?}, p99 {:?}; last point p50 {:?}, p99 {:?}",
        days[150], days[297], lasts[150], lasts[297]
    );
}

/// Vehicles that report what a Teltonika tracker does: a fix and ten inputs.
struct Fleet {
    random: SmallRng,
    vehicles: Vec<Vehicle>,
    names: [InputName; 10],
    interval: i64,
    turn: usize,
}

#[derive(Clone)]
struct Vehicle {
    time: i64,
    lat: i32,
    lng: i32,
    speed: f64,
    heading: f64,
    altitude: f64,
    odometer: i64,
    cell: i64,
    voltage: i64,
    parked_for: u32,
    number: u64,
}

impl Fleet {
    fn new(sources: usize, seconds: usize) -> Self {
        let mut random = SmallRng::seed_from_u64(1);
        let vehicles = (0..sources).map(|number| Vehicle {
            time: START + random.random_range(0..seconds as i64 * 1000) / 1000 * 1000,
            lat: random.random_range(480_000_000..550_000_000),
            lng: random.random_range(80_000_000..250_000_000),
            speed: random.random_range(0.0..90.0),
            heading: random.random_range(0.0..360.0),
            altitude: random.random_range(20.0..300.0),
            odometer: random.random_range(0..500_000_000),
            cell: random.random_range(0..60_000),
            voltage: random.random_range(12_000..14_400),
            parked_for: 0,
            number: (number as u64) << 32,
        });
        let vehicles = vehicles.collect();
        let names = [
            "ignition",
            "motion",
            "gsm_signal_level",
            "board_voltage",
            "battery_voltage",
            "gnss_status",
            "hw_mileage",
            "pdop",
            "hdop",
            "gsm_cell_id",
        ];
        let names = names.map(|name| InputName::find(name).unwrap());
        Self { random, vehicles, names, interval: seconds as i64 * 1000, turn: 0 }
    }

    fn batch(&mut self) -> Vec<Record> {
        (0..BATCH).map(|_| Record::Telemetry(self.point())).collect()
    }

    fn point(&mut self) -> Telemetry {
        let count = self.vehicles.len();
        // Every one comes once in a round; the step scatters them.
        let source = self.turn % count * 7919 % count;
        self.turn += 1;
        let random = &mut self.random;
        let vehicle = &mut self.vehicles[source];
        vehicle.number += 1;
        vehicle.time +=
            self.interval + if random.random_bool(0.1) { 1000 * random.random_range(-2..=2) } else { 0 };
        if vehicle.parked_for > 0 {
            vehicle.parked_for -= 1;
            vehicle.speed = 0.0;
        } else {
            if random.random_bool(0.01) {
                vehicle.parked_for = random.random_range(5..60);
            }
            vehicle.speed = (vehicle.speed + random.random_range(-8.0..8.5)).clamp(3.0, 120.0);
            let turn = if random.random_bool(0.1) { 45.0 } else { 4.0 };
            vehicle.heading = (vehicle.heading + random.random_range(-turn..turn)).rem_euclid(360.0);
            let metres = vehicle.speed / 3.6 * self.interval as f64 / 1000.0;
            let (sin, cos) = vehicle.heading.to_radians().sin_cos();
            vehicle.lat += (metres * cos * 90.0) as i32 + random.random_range(-20..20);
            vehicle.lng += (metres * sin * 150.0) as i32 + random.random_range(-20..20);
            if !(400_000_000..600_000_000).contains(&vehicle.lat) {
                vehicle.heading = 180.0 - vehicle.heading;
            }
            vehicle.lat = vehicle.lat.clamp(400_000_000, 600_000_000);
            vehicle.lng = vehicle.lng.clamp(-500_000_000, 500_000_000);
            vehicle.altitude += random.random_range(-3.0..3.0);
            vehicle.odometer += metres as i64;
            vehicle.voltage = (vehicle.voltage + random.random_range(-40..40)).clamp(11_800, 14_600);
            if random.random_bool(0.05) {
                vehicle.cell = random.random_range(0..60_000);
            }
        }
        let is_parked = vehicle.parked_for > 0;
        let coordinates =
            Coordinates::new(f64::from(vehicle.lat) / 1e7, f64::from(vehicle.lng) / 1e7).unwrap();
        let fix = Fix {
            coordinates,
            valid: true,
            speed: Some(Speed::from_kmh(vehicle.speed.round() as f32)),
            heading: Some(Heading::from_degrees(vehicle.heading as u16)),
            altitude: Some(Metres(vehicle.altitude.round() as f32)),
            satellites: Some(12 + random.random_range(-2i8..=2) as u8),
            ..Fix::at(coordinates)
        };
        let time = Timestamp::from_millis(vehicle.time);
        let [ignition, motion, gsm, board, battery, gnss, mileage, pdop, hdop, cell] = self.names;
        let mut inputs = Inputs::with_capacity(self.names.len());
        inputs.push(ignition, !is_parked);
        inputs.push(motion, !is_parked);
        inputs.push(gsm, if random.random_bool(0.9) { 4 } else { random.random_range(1..=5) });
        inputs.push(board, vehicle.voltage as f64 / 1000.0);
        inputs.push(battery, (4050 + random.random_range(0..3)) as f64 / 1000.0);
        inputs.push(gnss, 1);
        inputs.push(mileage, vehicle.odometer as f64 / 1000.0);
        inputs.push(pdop, (13 + random.random_range(-2..=2)) as f64 / 10.0);
        inputs.push(hdop, (8 + random.random_range(-1..=1)) as f64 / 10.0);
        inputs.push(cell, vehicle.cell);
        Telemetry {
            source: SourceId(source as i64),
            received: time.plus(Duration::from_millis(900 + random.random_range(0..900))),
            time,
            time_origin: TimeOrigin::Device,
            hash: RecordHash::of(&vehicle.number.to_le_bytes()),
            message: Message { time: Some(time), fix: Some(fix), inputs },
        }
    }
}

/// Of all threads, those that have ended included.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
