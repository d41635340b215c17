//! The packer packs, removes, merges and drops, in its time, and goes on after trouble.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use domain::{Clock, Record, SourceId, Telemetry, Timestamp};
use pipeline::{Options, Packer, Parts};
use std::{
    fs,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use store::{
    history::{
        EmbeddedHistory, History, HistoryConfig, Order,
        conformance::{as_read, read, telemetry},
    },
    journal::{EmbeddedJournal, Journal, JournalConfig, Position},
};
use tempfile::TempDir;

/// 2025-11-24, a Monday.
const START: i64 = 1_763_942_400;
const DAY: i64 = 86_400;

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::Relaxed))
    }
}

struct World {
    folder: TempDir,
    journal: Arc<EmbeddedJournal>,
    history: Arc<EmbeddedHistory>,
    clock: Arc<HandClock>,
    keep_from: Arc<AtomicU64>,
}

impl World {
    fn new(segment_records: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = JournalConfig { min_free_bytes: 0, segment_records, ..JournalConfig::default() };
        let journal = Arc::new(EmbeddedJournal::open(folder.path(), config).unwrap());
        let history = EmbeddedHistory::open(journal.clone(), folder.path(), &HistoryConfig::default());
        Self {
            history: Arc::new(history.unwrap()),
            folder,
            journal,
            clock: Arc::new(HandClock(AtomicI64::new(START))),
            keep_from: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    fn packer(&self, options: Options) -> Packer {
        let keep_from = Arc::clone(&self.keep_from);
        let parts = Parts {
            journal: self.journal.clone(),
            history: self.history.clone(),
            clock: self.clock.clone(),
            keep_from: Box::new(move || Position(keep_from.load(Ordering::Relaxed))),
        };
        Packer::start(parts, options)
    }

    async fn add(&self, numbers: Range<i64>) {
        for number in numbers {
            self.journal.append(vec![Record::Telemetry(message(number))]).await.unwrap();
        }
    }

    async fn all(&self) -> Vec<Telemetry> {
        self.history.caught_up_to(self.journal.end()).await.unwrap();
        read(&*self.history, 1, at(0)..at(START + 1000 * DAY), Order::Ascending).await
    }

    fn oldest_segment(&self) -> Option<Position> {
        self.journal.sealed().first().map(|sealed| sealed.first)
    }
}

fn message(number: i64) -> Telemetry {
    telemetry(1, START + 600 * number, number)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// Lets everything else run until it is so; the paused clock goes on when there is nothing else to do.
async fn until(condition: impl AsyncFn() -> bool) {
    for _ in 0..1_000_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not become so");
}

#[tokio::test]
async fn sealed_segments_are_packed_and_removed() {
    let world = World::new(10);
    let packer = world.packer(Options::default());
    world.add(0..35).await;
    tokio::time::pause();
    until(async || world.history.packed_to() == Position(30)).await;
    until(async || world.oldest_segment().is_none()).await;
    assert_eq!(world.all().await, as_read((0..35).map(message).collect()));
    assert_eq!(packer.trouble(), None);
    packer.stop().await;
}

#[tokio::test]
async fn a_segment_that_somebody_needs_stays() {
    let world = World::new(10);
    world.keep_from.store(15, Ordering::Relaxed);
    let packer = world.packer(Options::default());
    world.add(0..35).await;
    tokio::time::pause();
    until(async || world.history.packed_to() == Position(30)).await;
    until(async || world.oldest_segment() == Some(Position(10))).await;
    world.keep_from.store(99, Ordering::Relaxed);
    until(async || world.oldest_segment().is_none()).await;
    packer.stop().await;
}

#[tokio::test]
async fn after_an_hour_a_segment_is_sealed() {
    let world = World::new(1_000_000);
    world.add(0..5).await;
    let packer = world.packer(Options::default());
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(1800)).await;
    assert_eq!(world.history.packed_to(), Position(0));
    let started = tokio::time::Instant::now();
    until(async || world.history.packed_to() == Position(5)).await;
    assert!(started.elapsed() >= Duration::from_secs(1700), "{:?}", started.elapsed());
    assert_eq!(world.all().await, as_read((0..5).map(message).collect()));
    packer.stop().await;
}

#[tokio::test]
async fn weeks_that_are_over_are_merged_and_old_ones_dropped() {
    let world = World::new(50);
    // Five weeks, in blocks of fifty.
    world.add(0..5 * 1008).await;
    let packer =
        world.packer(Options { retention: Duration::from_secs(100 * DAY as u64), ..Options::default() });
    tokio::time::pause();
    until(async || world.history.packed_to() == Position(5000)).await;
    let blocks = world.history.holding().await.unwrap().blocks;
    assert!(blocks >= 100, "{blocks}");
    // Three weeks are over for more than a day, one for less.
    world.clock.0.store(START + 28 * DAY + DAY / 2, Ordering::Relaxed);
    until(async || world.history.holding().await.unwrap().blocks < 60).await;
    let blocks = world.history.holding().await.unwrap().blocks;
    assert!((40 + 9..50 + 9).contains(&blocks), "{blocks}");
    assert_eq!(world.all().await.len(), 5 * 1008);
    world.clock.0.store(START + 115 * DAY, Ordering::Relaxed);
    until(async || world.all().await.len() == 3 * 1008).await;
    assert_eq!(world.all().await, as_read((2 * 1008..5 * 1008).map(message).collect()));
    packer.stop().await;
}

#[tokio::test]
async fn trouble_is_told_and_ends() {
    let world = World::new(10);
    // Where the week's file should be.
    let folder = world.folder.path().join("history");
    let in_the_way = folder.join("2916_2025-11-24.db");
    fs::create_dir(&in_the_way).unwrap();
    let packer = world.packer(Options::default());
    world.add(0..35).await;
    tokio::time::pause();
    until(async || packer.trouble().is_some()).await;
    assert_eq!(world.all().await, as_read((0..35).map(message).collect()));
    assert_eq!(world.oldest_segment(), Some(Position(0)));
    fs::remove_dir(&in_the_way).unwrap();
    until(async || packer.trouble().is_none() && world.history.packed_to() == Position(30)).await;
    assert_eq!(world.all().await, as_read((0..35).map(message).collect()));
    assert_eq!(world.history.count(SourceId(1), at(0)..at(START + DAY)).await, Ok(35));
    packer.stop().await;
}

#[tokio::test]
async fn old_weeks_are_dropped_while_nothing_can_be_packed() {
    let world = World::new(50);
    let packer =
        world.packer(Options { retention: Duration::from_secs(100 * DAY as u64), ..Options::default() });
    // Two weeks, then one whose file cannot be made.
    world.add(0..2 * 1008).await;
    tokio::time::pause();
    until(async || world.history.packed_to() >= Position(2000)).await;
    fs::create_dir(world.folder.path().join("history/2918_2025-12-08.db")).unwrap();
    world.add(2 * 1008..3 * 1008).await;
    until(async || packer.trouble().is_some()).await;
    let packed_to = world.history.packed_to();
    let first_week = world.folder.path().join("history/2916_2025-11-24.db");
    assert!(first_week.exists());
    world.clock.0.store(START + 108 * DAY, Ordering::Relaxed);
    until(async || !first_week.exists()).await;
    assert!(packer.trouble().is_some());
    assert_eq!(world.history.packed_to(), packed_to);
    assert_eq!(world.all().await, as_read((1008..3 * 1008).map(message).collect()));
    packer.stop().await;
}

#[tokio::test]
async fn it_ends_with_the_journal() {
    let world = World::new(10);
    let packer = world.packer(Options::default());
    world.add(0..35).await;
    world.journal.close().await;
    tokio::time::pause();
    until(async || world.history.packed_to() == Position(30)).await;
    packer.stop().await;
}
