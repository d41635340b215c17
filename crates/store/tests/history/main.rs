//! The embedded history conforms, whatever its sizes are.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use store::{
    history::{
        EmbeddedHistory, History, HistoryConfig,
        conformance::{self, Place},
    },
    journal::{EmbeddedJournal, Journal, JournalConfig, Position},
};
use tempfile::TempDir;

struct Here {
    folder: TempDir,
    journal: JournalConfig,
    history: HistoryConfig,
    opened: Mutex<Option<(Arc<EmbeddedJournal>, Arc<EmbeddedHistory>)>>,
}

impl Here {
    fn new(segment_records: u64, history: HistoryConfig) -> Self {
        let journal = JournalConfig { min_free_bytes: 0, segment_records, ..JournalConfig::default() };
        Self { folder: tempfile::tempdir().unwrap(), journal, history, opened: Mutex::default() }
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
        let far = domain::Timestamp::from_seconds(4_000_000_000);
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
        history.close();
        journal.close().await;
        self.opened.lock().unwrap().take();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_usual_sizes() {
    conformance::check(|| Here::new(1_000_000, HistoryConfig::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_small_segments_and_pieces() {
    let config = HistoryConfig { batch: 50, readers: 1, waiting_reads: 1, ..HistoryConfig::default() };
    conformance::check(|| Here::new(100, config.clone())).await;
}
