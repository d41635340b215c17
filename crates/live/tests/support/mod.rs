//! A journal in memory and records to put into it.

use domain::{
    Clock, Contact, ContactKind, Coordinates, Fix, InputName, Message, Record, RecordHash, SourceId, Speed,
    Telemetry, TimeOrigin, Timestamp, Value,
};
use std::sync::{Arc, Mutex};
use store::journal::{Appending, Committed, Follower, Following, Journal, JournalError, Position};
use tokio::{sync::watch, time::Instant};

/// As many records as a follower gets at once at most.
const BATCH: usize = 1000;

/// Keeps records in memory; they are durable at once.
#[derive(Clone)]
pub(crate) struct MemoryJournal {
    inner: Arc<Inner>,
}

struct Inner {
    records: Mutex<Vec<Record>>,
    end: watch::Sender<u64>,
    /// What the next read of a follower fails with.
    failure: Mutex<Option<JournalError>>,
    /// Where followers began.
    followed: Mutex<Vec<Position>>,
}

impl MemoryJournal {
    pub(crate) fn new(records: Vec<Record>) -> Self {
        let end = watch::Sender::new(records.len() as u64);
        let inner = Inner {
            records: Mutex::new(records),
            end,
            failure: Mutex::default(),
            followed: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Commits records; answers the position after the last.
    pub(crate) fn commit(&self, records: impl IntoIterator<Item = Record>) -> Position {
        let mut all = self.inner.records.lock().unwrap();
        all.extend(records);
        let end = all.len() as u64;
        self.inner.end.send_replace(end);
        Position(end)
    }

    pub(crate) fn fail_next_read(&self, error: JournalError) {
        *self.inner.failure.lock().unwrap() = Some(error);
    }

    pub(crate) fn followed(&self) -> Vec<Position> {
        self.inner.followed.lock().unwrap().clone()
    }
}

impl Journal for MemoryJournal {
    fn append(&self, records: Vec<Record>) -> Appending {
        let count = records.len() as u64;
        let end = self.commit(records);
        Box::pin(async move { Ok(Position(end.0 - count)) })
    }

    fn note(&self, contact: Contact) {
        self.commit([Record::Contact(contact)]);
    }

    fn follow(&self, from: Position) -> Box<dyn Follower> {
        self.inner.followed.lock().unwrap().push(from);
        Box::new(MemoryFollower { journal: self.clone(), next: from.0 })
    }

    fn end(&self) -> Position {
        Position(*self.inner.end.borrow())
    }

    fn trouble(&self) -> Option<JournalError> {
        None
    }
}

struct MemoryFollower {
    journal: MemoryJournal,
    next: u64,
}

impl Follower for MemoryFollower {
    fn next(&mut self) -> Following<'_> {
        Box::pin(async move {
            let inner = &self.journal.inner;
            let _ = inner.end.subscribe().wait_for(|end| *end > self.next).await;
            if let Some(error) = inner.failure.lock().unwrap().take() {
                return Err(error);
            }
            let records: Vec<_> =
                inner.records.lock().unwrap()[self.next as usize..].iter().take(BATCH).cloned().collect();
            let first = Position(self.next);
            self.next += records.len() as u64;
            Ok(Arc::new(Committed::new(first, records)))
        })
    }
}

/// The wall clock of a test: runs with tokio's, which a test pauses.
pub(crate) struct TestClock(Instant);

impl TestClock {
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        at(0).plus(self.0.elapsed())
    }
}

/// So many seconds after the test began.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

/// A message of the moment it was received: a fix at `lat` and an input.
pub(crate) fn message(source: i64, received: i64, lat: f64) -> Record {
    let speed = Some(Speed::from_kmh(50.0));
    let fix = Fix { speed, ..Fix::at(Coordinates::new(lat, 20.0).unwrap()) };
    let ignition = InputName::find("ignition").unwrap();
    let time = at(received);
    Record::Telemetry(Telemetry {
        source: SourceId(source),
        received: time,
        time,
        time_origin: TimeOrigin::Device,
        hash: RecordHash(0),
        message: Message {
            time: Some(time),
            fix: Some(fix),
            inputs: [(ignition, Value::Flag(true))].into_iter().collect(),
        },
    })
}

pub(crate) fn contact(source: i64, received: i64, kind: ContactKind) -> Record {
    Record::Contact(Contact { source: SourceId(source), received: at(received), kind })
}
