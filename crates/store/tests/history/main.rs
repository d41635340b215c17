//! The embedded history conforms, whatever its sizes are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::{Record, SourceId, Telemetry, TimeOrigin, Timestamp};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use store::{
    history::{
        EmbeddedHistory, History, HistoryConfig, HistoryError, Order,
        conformance::{self, Place},
    },
    journal::{EmbeddedJournal, Journal, JournalConfig, Position},
};
use tempfile::TempDir;

#[derive(PartialEq, Eq)]
enum Merging {
    Everything,
    Nothing,
}

struct Here {
    folder: TempDir,
    journal: JournalConfig,
    history: HistoryConfig,
    /// Merging hides what packing did not do.
    merging: Merging,
    opened: Mutex<Option<(Arc<EmbeddedJournal>, Arc<EmbeddedHistory>)>>,
}

impl Here {
    fn new(segment_records: u64, history: HistoryConfig) -> Self {
        let journal = JournalConfig { min_free_bytes: 0, segment_records, ..JournalConfig::default() };
        let merging = Merging::Everything;
        Self { folder: tempfile::tempdir().unwrap(), journal, history, merging, opened: Mutex::default() }
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn opened(&self) -> (Arc<EmbeddedJournal>, Arc<EmbeddedHistory>) {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap()
    }
}

impl Place for Here {
    async fn open(&self) -> (Arc<dyn Journal>, Arc<dyn History>) {
        // Without its lock, which the one before may give back a moment later.
        let disk = Arc::new(store::disk::RealDisk);
        let journal = EmbeddedJournal::open_on(disk, &self.data_dir(), self.journal.clone());
        let journal = Arc::new(journal.unwrap());
        let history = EmbeddedHistory::open(journal.clone(), &self.data_dir(), &self.history).unwrap();
        let opened = (journal, Arc::new(history));
        *self.opened.lock().unwrap() = Some(opened.clone());
        (opened.0, opened.1)
    }

    async fn work(&self) {
        let (journal, history) = self.opened();
        if let Some(last) = journal.end().0.checked_sub(1) {
            journal.seal();
            journal.sealed_beyond(Position(last)).await;
        }
        for sealed in journal.sealed() {
            history.pack(sealed.end).await.unwrap();
        }
        journal.forget_before(history.packed_to()).unwrap();
        if self.merging == Merging::Nothing {
            return;
        }
        let far = Timestamp::from_seconds(4_000_000_000);
        let mut merging = None;
        loop {
            merging = history.merge(far, merging).await.unwrap();
            if merging.is_none() {
                break;
            }
        }
    }

    async fn close(&self) {
        let (journal, history) = self.opened();
        history.close().await;
        journal.close().await;
        self.opened.lock().unwrap().take();
    }
}

/// Files of this version are read for ever. When there are none they are written, and the test fails so that they are
/// looked at and committed; those of a released version are never written again.
#[tokio::test]
async fn files_of_version_1_are_read_for_ever() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/history/v1/files");
    let start = 1_763_942_400;
    let message = |number: i64| {
        let mut message = conformance::telemetry(number % 3, start + number * 86_400, number);
        if number == 7 {
            message.time_origin = TimeOrigin::Suspect;
            message.message.time = Some(Timestamp::from_seconds(77));
        }
        message
    };
    let here = Here::new(5, HistoryConfig::default());
    let folder = here.data_dir().join("history");
    if !golden.exists() {
        let (journal, history) = here.open().await;
        let records = (0..12).map(|number| Record::Telemetry(message(number))).collect();
        journal.append(records).await.unwrap();
        history.caught_up_to(Position(12)).await.unwrap();
        here.work().await;
        here.close().await;
        drop((journal, history));
        copy_files(&folder, &golden);
        panic!("{} did not exist and was written: check and commit it", golden.display());
    }
    copy_files(&golden, &folder);
    let (journal, history) = here.open().await;
    let everything = Timestamp::from_seconds(0)..Timestamp::from_seconds(start + 999 * 86_400);
    for source in 0..3 {
        let expected = (0..12).filter(|number| number % 3 == source).map(message).collect();
        let found = conformance::read(&*history, source, everything.clone(), Order::Ascending).await;
        assert_eq!(found, conformance::as_read(expected));
    }
    // Its copies are known.
    let copy = Telemetry { time: Timestamp::from_seconds(start + 20 * 86_400), ..message(7) };
    journal.append(vec![Record::Telemetry(copy)]).await.unwrap();
    history.caught_up_to(journal.end()).await.unwrap();
    assert_eq!(history.count(SourceId(1), everything.clone()).await, Ok(4));
    here.work().await;
    assert_eq!(history.count(SourceId(1), everything).await, Ok(4));
    here.close().await;
}

#[tokio::test]
async fn files_of_a_newer_version_are_refused() {
    let here = Here::new(5, HistoryConfig::default());
    let (journal, history) = here.open().await;
    let message = conformance::telemetry(1, 1_763_942_400, 1);
    journal.append(vec![Record::Telemetry(message)]).await.unwrap();
    here.work().await;
    here.close().await;
    drop(history);
    for name in ["2916_2025-11-24.db", "ledger.db"] {
        let file = rusqlite::Connection::open(here.data_dir().join("history").join(name)).unwrap();
        for (version, expected) in [(2, "has format version 2, this program reads up to 1"), (1, "")] {
            file.pragma_update(None, "user_version", version).unwrap();
            let opened = EmbeddedHistory::open(journal.clone(), &here.data_dir(), &here.history);
            let error = opened.map_or_else(|error| error.to_string(), |_| String::new());
            assert!(error.ends_with(expected) && error.is_empty() == expected.is_empty(), "{error}");
        }
    }
}

/// Memory is bounded: what does not fit waits in the journal until packing has made room.
#[tokio::test]
async fn too_much_for_memory_waits_in_the_journal() {
    let config = HistoryConfig { unpacked_bytes: 2000, ..HistoryConfig::default() };
    let here = Here::new(1_000_000, config);
    let (journal, _) = here.open().await;
    let (_, history) = here.opened();
    let messages: Vec<_> =
        (0..300).map(|number| conformance::telemetry(1, 1_763_942_400 + number, number)).collect();
    for messages in messages.chunks(10) {
        journal.append(messages.iter().cloned().map(Record::Telemetry).collect()).await.unwrap();
    }
    let everything = Timestamp::from_seconds(0)..Timestamp::from_seconds(2_000_000_000);
    while history.trouble() != Some(HistoryError::Lagging) {
        tokio::task::yield_now().await;
    }
    let mut packings = 0;
    while history.packed_to() < journal.end() {
        history.pack(journal.end()).await.unwrap();
        packings += 1;
        let found = conformance::read(&*history, 1, everything.clone(), Order::Ascending).await;
        assert_eq!(found, conformance::as_read(messages[..found.len()].to_vec()));
        assert!(found.len() as u64 >= history.packed_to().0);
    }
    assert!(packings >= 10, "{packings}");
    assert_eq!(history.count(SourceId(1), everything).await, Ok(300));
    assert_eq!(history.trouble(), None);
    here.close().await;
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_usual_sizes() {
    conformance::check(|| Here::new(1_000_000, HistoryConfig::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_small_segments_and_pieces_and_without_merging() {
    let config = HistoryConfig { batch: 50, readers: 1, ..HistoryConfig::default() };
    conformance::check(|| Here { merging: Merging::Nothing, ..Here::new(100, config.clone()) }).await;
}
