//! Wherever packing, merging or erasing stops: what was in the journal can be read, once, and the work can be finished.
//!
//! SQLite's files cannot be on the simulated disk, so the process dies here in two ways at every step: an error ends what
//! it does, and a copy of its directory at this moment, open files and all, is opened as another process would.

use super::{
    EmbeddedHistory, History, HistoryConfig, Order,
    conformance::{as_read, read, telemetry},
    failure::{FileError, Outcome},
};
use crate::journal::{EmbeddedJournal, Journal, JournalConfig, Position};
use domain::{Record, SourceId, Telemetry, TimeOrigin, Timestamp};
use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

/// What happens at the steps of a writer.
#[derive(Default)]
pub(super) struct Steps(Option<OnStep>);

type OnStep = Box<dyn Fn(&'static str) -> Outcome<()> + Send>;

impl Steps {
    pub(super) fn reached(&self, name: &'static str) -> Outcome<()> {
        self.0.as_ref().map_or(Ok(()), |on_step| on_step(name))
    }
}

const SOURCES: i64 = 5;
const WEEK: i64 = 7 * 86_400;
const MONDAY: i64 = 1_763_942_400;

struct Process {
    journal: Arc<EmbeddedJournal>,
    history: EmbeddedHistory,
}

impl Process {
    async fn start(data_dir: &Path) -> Self {
        let config = JournalConfig { min_free_bytes: 0, segment_records: 100, ..JournalConfig::default() };
        // Without the directory's lock, which a copy of it has too.
        let disk = Arc::new(crate::disk::RealDisk);
        let journal = Arc::new(EmbeddedJournal::open_on(disk, data_dir, config).unwrap());
        let config = HistoryConfig { batch: 7, ..HistoryConfig::default() };
        let history = EmbeddedHistory::open(journal.clone(), data_dir, &config).unwrap();
        history.caught_up_to(journal.end()).await.unwrap();
        Self { journal, history }
    }

    /// Ends, so that nothing changes the files any more.
    async fn stop(self) {
        self.history.close().await;
        self.journal.close().await;
    }

    /// What the packer does: packs and merges everything, and forgets what is packed.
    async fn work(&self) -> Result<(), super::HistoryError> {
        for sealed in self.journal.sealed() {
            self.history.pack(sealed.end).await?;
            self.journal.forget_before(self.history.packed_to()).unwrap();
        }
        self.history.pack(self.journal.end()).await?;
        let (mut merging, closed) = (None, Timestamp::from_seconds(MONDAY + 5 * WEEK));
        loop {
            merging = self.history.merge(closed, merging).await?;
            if merging.is_none() {
                return Ok(());
            }
        }
    }

    async fn all(&self) -> Vec<Vec<Telemetry>> {
        let mut all = Vec::new();
        for source in 0..SOURCES {
            let everything = Timestamp::from_millis(i64::MIN)..Timestamp::from_millis(i64::MAX);
            let messages = read(&self.history, source, everything.clone(), Order::Ascending).await;
            let count = self.history.count(SourceId(source), everything).await.unwrap();
            assert_eq!(count, messages.len() as u64);
            all.push(messages);
        }
        all
    }
}

/// Three weeks in no order, with copies, messages without a device time, and wrong clocks.
fn messages(numbers: std::ops::Range<i64>) -> Vec<Record> {
    let message = |number: i64| {
        let source = number % SOURCES;
        let seconds = MONDAY + (number * 7919 % (3 * WEEK / 600)) * 600;
        let mut message = telemetry(source, seconds, number);
        message.received = Timestamp::from_seconds(MONDAY + 3 * WEEK + number);
        match number % 10 {
            3 => {
                message.time = message.received;
                message.time_origin = TimeOrigin::Suspect;
            }
            4 => {
                message.time = message.received;
                message.time_origin = TimeOrigin::Received;
                message.message.time = None;
            }
            _ => {}
        }
        message
    };
    let with_copies = numbers.flat_map(|number| {
        // Some came before, most of them in another segment.
        let copied = (number % 4 == 0 && number >= 60).then(|| {
            let mut copy = message(number - 60 + number % 8);
            copy.received = Timestamp::from_seconds(MONDAY + 4 * WEEK + number);
            if copy.time_origin == TimeOrigin::Suspect {
                copy.time = copy.received;
            }
            copy
        });
        [Some(message(number)), copied.filter(|copy| copy.identity().is_some())]
    });
    with_copies.flatten().map(Record::Telemetry).collect()
}

/// The same, once each, as it should be read.
fn expected(records: &[Record]) -> Vec<Vec<Telemetry>> {
    let mut expected = vec![Vec::<Telemetry>::new(); SOURCES as usize];
    for record in records {
        let Record::Telemetry(message) = record else { continue };
        let of_source = &mut expected[message.source.0 as usize];
        let is_copy = message
            .identity()
            .is_some_and(|identity| of_source.iter().any(|earlier| earlier.identity() == Some(identity)));
        if !is_copy {
            of_source.push(message.clone());
        }
    }
    expected.iter_mut().for_each(|messages| messages.sort_by_key(|message| message.time));
    expected.into_iter().map(as_read).collect()
}

async fn append(process: &Process, records: &[Record]) {
    for batch in records.chunks(23) {
        process.journal.append(batch.to_vec()).await.unwrap();
    }
    process.history.caught_up_to(process.journal.end()).await.unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_files_at_any_step_has_everything_once() {
    let records = messages(0..400);
    let (old, new) = records.split_at(260);
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let process = Process::start(&data_dir).await;
    // There are blocks of every age when the steps begin to count.
    append(&process, old).await;
    process.work().await.unwrap();
    append(&process, new).await;
    assert_eq!(process.all().await, expected(&records));
    let copies = Arc::new(Mutex::new(Vec::new()));
    let on_step = {
        let (copies, folder, data_dir) = (copies.clone(), folder.path().to_owned(), data_dir.clone());
        move |name| {
            let mut copies = copies.lock().unwrap();
            let target = folder.join(copies.len().to_string());
            copy(&data_dir, &target);
            copies.push((name, target));
            Ok(())
        }
    };
    process.history.writer().steps = Steps(Some(Box::new(on_step)));
    process.work().await.unwrap();
    assert_eq!(process.all().await, expected(&records));
    assert!(process.journal.sealed().len() <= 1, "what is packed is forgotten");
    process.stop().await;
    let copies = std::mem::take(&mut *copies.lock().unwrap());
    assert!(copies.len() > 25, "only {} steps", copies.len());
    for (name, data_dir) in copies {
        let process = Process::start(&data_dir).await;
        assert_eq!(process.all().await, expected(&records), "after \"{name}\"");
        process.work().await.unwrap();
        assert_eq!(process.all().await, expected(&records), "worked on after \"{name}\"");
        assert_eq!(process.history.holding().await.unwrap().blocks, blocks_on_disk(&data_dir));
        process.stop().await;
        fs::remove_dir_all(&data_dir).unwrap();
    }
}

fn blocks_on_disk(data_dir: &Path) -> u64 {
    let mut blocks = 0;
    for entry in fs::read_dir(data_dir.join("history")).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "db") && !path.ends_with("ledger.db") {
            let file = rusqlite::Connection::open(path).unwrap();
            let count: i64 = file.query_row("SELECT count(*) FROM blocks", [], |row| row.get(0)).unwrap();
            blocks += count as u64;
        }
    }
    blocks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_fails_at_any_step_can_be_tried_again() {
    let records = messages(0..400);
    let (old, new) = records.split_at(260);
    let prepared = tempfile::tempdir().unwrap();
    let process = Process::start(prepared.path()).await;
    append(&process, old).await;
    process.work().await.unwrap();
    append(&process, new).await;
    process.stop().await;
    let mut steps = 0;
    for failing in 1.. {
        let folder = tempfile::tempdir().unwrap();
        copy(prepared.path(), folder.path());
        let process = Process::start(folder.path()).await;
        let left = Mutex::new(failing);
        let on_step = move |_| {
            let mut left = left.lock().unwrap();
            *left -= 1;
            let source = io::Error::other("this step fails");
            if *left == 0 {
                Err(FileError::Io { action: "test", path: "here".into(), source })
            } else {
                Ok(())
            }
        };
        process.history.writer().steps = Steps(Some(Box::new(on_step)));
        let is_done = process.work().await.is_ok();
        assert_eq!(process.all().await, expected(&records), "step {failing} failed");
        process.work().await.unwrap();
        assert_eq!(process.all().await, expected(&records), "step {failing} failed");
        if is_done {
            break;
        }
        steps = failing;
    }
    assert!(steps > 25, "only {steps} steps");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_was_noted_is_finished() {
    let records = messages(0..400);
    for failing in ["the erasure is noted", "a source is out of a file"] {
        let folder = tempfile::tempdir().unwrap();
        let process = Process::start(folder.path()).await;
        append(&process, &records[..300]).await;
        process.work().await.unwrap();
        append(&process, &records[300..]).await;
        let source = || io::Error::other("this step fails");
        process.history.writer().steps = Steps(Some(Box::new(move |name| {
            if name == failing {
                Err(FileError::Io { action: "test", path: "here".into(), source: source() })
            } else {
                Ok(())
            }
        })));
        assert!(process.history.erase(SourceId(2)).await.is_err());
        process.stop().await;
        let process = Process::start(folder.path()).await;
        let mut left = expected(&records);
        left[2].clear();
        assert_eq!(process.all().await, left, "after \"{failing}\"");
        let later = telemetry(2, MONDAY + 60, 1_000_000);
        append(&process, &[Record::Telemetry(later.clone())]).await;
        left[2].extend(as_read(vec![later]));
        assert_eq!(process.all().await, left, "after \"{failing}\"");
        process.work().await.unwrap();
        process.stop().await;
        assert_eq!(Process::start(folder.path()).await.all().await, left, "after \"{failing}\"");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_begins_anew_is_packed_from_its_start() {
    let records = messages(0..300);
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path()).await;
    append(&process, &records[..200]).await;
    process.work().await.unwrap();
    process.stop().await;
    fs::remove_dir_all(folder.path().join("journal")).unwrap();
    for _ in 0..2 {
        let process = Process::start(folder.path()).await;
        if process.journal.end() == Position(0) {
            append(&process, &records[200..]).await;
        }
        assert_eq!(process.all().await, expected(&records));
        process.work().await.unwrap();
        assert_eq!(process.all().await, expected(&records));
    }
}
