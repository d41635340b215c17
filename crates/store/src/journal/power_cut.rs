//! Whatever happens to the disk, and whenever: what was acknowledged or shown to a follower stays, nothing is doubled
//! or torn, and the journal can be used again. Everything runs on one thread, so that a seed always fails alike.

use super::{
    Appending, Committed, EmbeddedJournal, Journal, JournalConfig, JournalError, Position, commits::Next,
    read_all_on, writer::Writer,
};
use crate::disk::SimulatedDisk;
use domain::{
    Contact, ContactKind, InputName, Message, Problem, Record, RecordHash, Reply, SourceId, Telemetry,
    TimeOrigin, Timestamp,
};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    task::{Context, Poll, Waker},
};

const DATA_DIR: &str = "/data";
const SEEDS: u64 = 1000;
/// Times that the journal is opened, used and stopped, for each seed.
const LIVES: u32 = 4;

#[test]
fn a_thousand_power_cuts() {
    let mut total = Tally::default();
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..LIVES {
            world.live();
        }
        total += world.tally;
    }
    // The test is worth something only if all of this happened.
    for (what, count) in [
        ("acknowledged records", total.acknowledged),
        ("stops during an operation", total.stops),
        ("commits refused because of a failed sync", total.failed),
        ("commits refused because the disk was full", total.low_space),
        ("journals that went on after a full disk", total.recovered),
        ("records there but never acknowledged", total.unacknowledged),
        ("given batches that are lost", total.lost),
        ("openings that were stopped", total.stopped_openings),
    ] {
        assert!(count >= 100, "only {count} {what}");
    }
}

#[derive(Default)]
struct Tally {
    acknowledged: usize,
    stops: usize,
    failed: usize,
    low_space: usize,
    recovered: usize,
    unacknowledged: usize,
    lost: usize,
    stopped_openings: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.stops += other.stops;
        self.failed += other.failed;
        self.low_space += other.low_space;
        self.recovered += other.recovered;
        self.unacknowledged += other.unacknowledged;
        self.lost += other.lost;
        self.stopped_openings += other.stopped_openings;
    }
}

struct World {
    seed: u64,
    random: SmallRng,
    disk: SimulatedDisk,
    /// The next number of each appender.
    numbers: Vec<u64>,
    /// Everything that was ever given to the journal: first record's name and count.
    given: Vec<(Name, u64)>,
    /// What must be there, by position: acknowledged, or shown to a follower.
    promised: BTreeMap<u64, Record>,
    tally: Tally,
}

/// An appender and the number of a record among its own.
type Name = (i64, u64);

struct Waiting {
    name: Name,
    count: u64,
    append: Appending,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let appenders = random.random_range(1..=5);
        Self {
            seed,
            disk: SimulatedDisk::new(random.random()),
            random,
            numbers: vec![0; appenders],
            given: Vec::new(),
            promised: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// Opens the journal, uses it until something stops it, and lets the disk forget what it may.
    fn live(&mut self) {
        let (journal, writer) = self.open();
        let start = journal.end();
        self.check(&journal);
        self.work(&journal, writer);
        self.remember_what_followers_saw(&journal, start);
        drop(journal);
        self.disk.set_capacity(None);
        self.restart();
    }

    /// The openings may be stopped too.
    fn open(&mut self) -> (EmbeddedJournal, Writer) {
        loop {
            if self.random.random_bool(0.3) {
                self.disk.stop_after(self.random.random_range(0..6));
            }
            let config = JournalConfig {
                segment_bytes: self.random.random_range(100..20_000),
                min_free_bytes: 0,
                recent_bytes: usize::MAX,
                ..JournalConfig::default()
            };
            let disk = Arc::new(self.disk.clone());
            match EmbeddedJournal::open_without_thread(disk, Path::new(DATA_DIR), config) {
                Ok(opened) => return opened,
                Err(error) => {
                    assert!(!self.disk.is_on(), "seed {}: {error:?}", self.seed);
                    self.tally.stopped_openings += 1;
                    self.restart();
                }
            }
        }
    }

    fn restart(&mut self) {
        if self.random.random_bool(0.8) {
            self.disk.restart_power();
        } else {
            self.disk.restart_process();
        }
    }

    fn work(&mut self, journal: &EmbeddedJournal, mut writer: Writer) {
        let fault = self.random.random_range(0..4);
        match fault {
            0 => self.disk.fail_sync_after(self.random.random_range(0..15)),
            1 => self.disk.set_capacity(Some(self.random.random_range(100..30_000))),
            _ => {}
        }
        self.disk.stop_after(self.random.random_range(0..60));
        let mut waiting: Vec<Waiting> = Vec::new();
        let (mut was_full, mut has_failed) = (false, false);
        for _ in 0..100 {
            match self.random.random_range(0..10) {
                0..6 => self.append(journal, &mut waiting),
                6..9 => {
                    if let Some(batches) = journal.take_waiting() {
                        writer.commit(batches);
                    }
                }
                _ if was_full => self.disk.set_capacity(None),
                _ if self.random.random() => journal.seal(),
                _ => self.note(journal),
            }
            let mut still_waiting = Vec::new();
            for mut append in waiting.drain(..) {
                match append.append.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Pending => still_waiting.push(append),
                    Poll::Ready(Ok(first)) => {
                        assert!(!has_failed, "seed {}: acknowledged after a failure", self.seed);
                        self.tally.recovered += usize::from(was_full);
                        was_full = false;
                        self.acknowledge(append, first);
                    }
                    Poll::Ready(Err(JournalError::LowSpace)) => {
                        assert_eq!(journal.trouble(), Some(JournalError::LowSpace), "seed {}", self.seed);
                        self.tally.low_space += 1;
                        was_full = true;
                    }
                    Poll::Ready(Err(error @ JournalError::Failed(_))) => {
                        assert_eq!(journal.trouble(), Some(error), "seed {}", self.seed);
                        // Only these are reasons to give up.
                        assert!(fault == 0 || !self.disk.is_on(), "seed {}", self.seed);
                        self.tally.failed += usize::from(self.disk.is_on());
                        has_failed = true;
                    }
                    Poll::Ready(Err(error)) => panic!("seed {}: {error}", self.seed),
                }
            }
            waiting = still_waiting;
        }
        self.tally.stops += usize::from(!self.disk.is_on());
    }

    /// By an appender that waits for nothing.
    fn append(&mut self, journal: &EmbeddedJournal, waiting: &mut Vec<Waiting>) {
        let appender = self.random.random_range(0..self.numbers.len());
        let source = appender as i64;
        if waiting.iter().any(|waiting| waiting.name.0 == source) {
            return;
        }
        let count = self.random.random_range(1..=4);
        let name = (source, self.numbers[appender]);
        self.numbers[appender] += count;
        let records = (name.1..name.1 + count).map(|number| record((source, number))).collect();
        waiting.push(Waiting { name, count, append: journal.append(records) });
        self.given.push((name, count));
    }

    fn note(&mut self, journal: &EmbeddedJournal) {
        // Notes have a source of their own, so that their order among appends does not matter.
        let name = (i64::MAX, self.given.len() as u64);
        journal.note(contact(name));
        self.given.push((name, 1));
    }

    fn acknowledge(&mut self, append: Waiting, first: Position) {
        let (source, number) = append.name;
        for offset in 0..append.count {
            let before = self.promised.insert(first.0 + offset, record((source, number + offset)));
            assert_eq!(before, None, "seed {}: a position was given twice", self.seed);
        }
        self.tally.acknowledged += append.count as usize;
    }

    fn remember_what_followers_saw(&mut self, journal: &EmbeddedJournal, start: Position) {
        let mut position = start.0;
        while let Next::Batch(batch) = journal.commits().next(position) {
            let Committed { first, records, .. } = &*batch;
            position = first.0 + records.len() as u64;
            for (position, record) in (first.0..).zip(records) {
                let promised = self.promised.entry(position).or_insert_with(|| record.clone());
                assert_eq!(promised, record, "seed {}: a follower saw something else", self.seed);
            }
        }
        assert_eq!(position, journal.end().0, "seed {}", self.seed);
    }

    /// What a newly opened journal holds is what it should hold; from now on it is promised too.
    fn check(&mut self, journal: &EmbeddedJournal) {
        let seed = self.seed;
        let mut stored = match read_all_on(Arc::new(self.disk.clone()), Path::new(DATA_DIR)) {
            Ok(stored) => stored,
            // Stopped since.
            Err(_) if !self.disk.is_on() => return,
            Err(error) => panic!("seed {seed}: {error}"),
        };
        let mut records = Vec::new();
        for batch in &mut stored {
            let batch = batch.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(batch.first.0, records.len() as u64, "seed {seed}: positions have a gap");
            records.extend(batch.records);
        }
        assert_eq!(journal.end().0, records.len() as u64, "seed {seed}");
        assert_eq!((journal.bad_blocks(), stored.bad_blocks()), (0, 0), "seed {seed}: damage was seen");
        for (position, promised) in &self.promised {
            assert_eq!(records.get(*position as usize), Some(promised), "seed {seed}: lost at {position}");
        }
        let names: Vec<Name> = records.iter().map(name_of).collect();
        for (name, found) in names.iter().zip(&records) {
            let whole = if name.0 == i64::MAX { Record::Contact(contact(*name)) } else { record(*name) };
            assert_eq!(found, &whole, "seed {seed}: not what was given");
        }
        let unique: BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "seed {seed}: a record is there twice");
        let mut newest = BTreeMap::new();
        for (source, number) in &names {
            let before = newest.insert(source, number);
            assert!(before < Some(number), "seed {seed}: appender {source} is out of order");
        }
        for ((source, number), count) in &self.given {
            let found = (0..*count).filter(|offset| unique.contains(&(*source, number + offset))).count();
            assert!(found == 0 || found == *count as usize, "seed {seed}: a part of an append");
            self.tally.lost += usize::from(found == 0);
        }
        self.tally.unacknowledged += records.len() - self.promised.len();
        self.promised = (0..).zip(records).collect();
    }
}

/// A record that tells its name, of any kind and length: many small ones, some of several sectors.
fn record((source, number): Name) -> Record {
    let received = Timestamp::from_millis(number as i64);
    // Not the seeded generator: this is most of the test's work.
    let mixed = (number << 8 | source as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let length = if mixed >> 60 < 3 { mixed >> 20 & 0xfff } else { mixed >> 20 & 0x3f };
    let mut bytes = vec![mixed as u8; length as usize];
    bytes.extend_from_slice(&mixed.to_le_bytes());
    let source = SourceId(source);
    match number % 4 {
        0 => Record::Contact(Contact { source, received, kind: ContactKind::Closed }),
        1 => Record::Reply(Reply { source, received, command: None, bytes: bytes.into() }),
        2 => Record::Problem(Problem {
            source: Some(source),
            received,
            protocol: "none".into(),
            error: "".into(),
            bytes: bytes.into(),
        }),
        _ => {
            let mut message = Message::default();
            let ignition = InputName::find("ignition").unwrap();
            for byte in bytes.into_iter().take(40) {
                message.inputs.push(ignition, i64::from(byte));
            }
            let hash = RecordHash(mixed.into());
            let time_origin = TimeOrigin::Received;
            Record::Telemetry(Telemetry { source, received, time: received, time_origin, hash, message })
        }
    }
}

fn name_of(record: &Record) -> Name {
    (record.source().unwrap().0, record.received().millis() as u64)
}

fn contact((source, number): Name) -> Contact {
    let received = Timestamp::from_millis(number as i64);
    Contact { source: SourceId(source), received, kind: ContactKind::Heartbeat }
}
