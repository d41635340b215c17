//! The embedded journal conforms, on the real disk and on the simulated one, with files and memory of any size.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::{path::PathBuf, sync::Arc};
use store::{
    disk::{Disk, RealDisk, SimulatedDisk},
    journal::{
        EmbeddedJournal, Journal, JournalConfig,
        conformance::{self, Place},
    },
};
use tempfile::TempDir;

struct Here {
    disk: Arc<dyn Disk>,
    data_dir: PathBuf,
    config: JournalConfig,
    opened: std::sync::Mutex<Option<Arc<EmbeddedJournal>>>,
    _folder: Option<TempDir>,
}

impl Place for Here {
    async fn open(&self) -> Arc<dyn Journal> {
        let journal = EmbeddedJournal::open_on(Arc::clone(&self.disk), &self.data_dir, self.config.clone());
        let journal = Arc::new(journal.unwrap());
        *self.opened.lock().unwrap() = Some(Arc::clone(&journal));
        journal
    }

    async fn close(&self, _: &Arc<dyn Journal>) {
        let journal = self.opened.lock().unwrap().take().unwrap();
        journal.close().await;
    }
}

fn configs() -> [JournalConfig; 3] {
    let usual = JournalConfig { min_free_bytes: 0, ..JournalConfig::default() };
    [
        usual.clone(),
        // Nearly every commit begins a file, and nothing is kept in memory.
        JournalConfig { segment_bytes: 200, recent_bytes: 0, ..usual.clone() },
        // Hardly anything may wait.
        JournalConfig { queue_bytes: 1000, recent_bytes: 5000, ..usual },
    ]
}

fn real(config: JournalConfig) -> Here {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_owned();
    Here { disk: Arc::new(RealDisk), data_dir, config, opened: Default::default(), _folder: Some(folder) }
}

fn simulated(config: JournalConfig) -> Here {
    let disk = Arc::new(SimulatedDisk::new(1));
    Here { disk, data_dir: PathBuf::from("/data"), config, opened: Default::default(), _folder: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_real_disk() {
    for config in configs() {
        conformance::check(|| real(config.clone())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_simulated_disk() {
    for config in configs() {
        conformance::check(|| simulated(config.clone())).await;
    }
}

#[tokio::test]
async fn on_one_thread() {
    for config in configs() {
        conformance::check(|| simulated(config.clone())).await;
    }
}
