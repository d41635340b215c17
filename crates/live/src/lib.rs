//! The state of every source and the feed of its changes: a deterministic fold of the journal. A process that serves
//! reads follows the journal itself; a snapshot saves it from starting at the beginning.

mod feed;
mod fold;
mod snapshot;
mod sources;
mod timers;

use crate::{feed::Publisher, fold::Fold, sources::Sources};
use domain::{Clock, SourceId, State};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use store::journal::{Journal, JournalError, Position};
use telemetry::SourceSettings;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use feed::{Feed, FeedEvent};
pub use snapshot::SnapshotError;

/// The state of every source. Reads never meet a lock that all sources share. Dropping it ends its tasks; `stop` does
/// so with a snapshot.
pub struct Live {
    /// Where the snapshots are.
    dir: PathBuf,
    shared: Arc<Shared>,
    reached: watch::Receiver<Position>,
    stop: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    _stop_on_drop: DropGuard,
}

#[derive(Clone, Debug)]
pub struct Options {
    /// A snapshot is written after so many records, and at `Live::stop`.
    pub snapshot_every: u64,
    /// How many changes a subscriber may lag behind before it loses some.
    pub feed_capacity: usize,
    /// Settings of the sources that have none of their own.
    pub defaults: SourceSettings,
    /// Settings of single sources that hold from the first record on.
    pub settings: Vec<(SourceId, SourceSettings)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            snapshot_every: 500_000,
            feed_capacity: 16_384,
            defaults: SourceSettings::default(),
            settings: Vec::new(),
        }
    }
}

/// The fold has ended: it was stopped, or its journal was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the live state follows the journal no more")]
pub struct Stopped;

/// What the tasks and the readers share.
struct Shared {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    sources: Sources,
    publisher: Publisher,
    trouble: Mutex<Option<JournalError>>,
}

impl Live {
    /// Loads the newest good snapshot of `dir` (which is made when it is missing) and follows the journal from there,
    /// in tasks of the current tokio runtime.
    ///
    /// # Errors
    /// When `dir` cannot be read, or a snapshot was written by a newer version. A broken snapshot is reported and
    /// passed over.
    pub fn start(
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        dir: &Path,
        options: Options,
    ) -> Result<Self, SnapshotError> {
        let loaded = snapshot::load(dir, journal.end())?;
        let sources = Sources::new(options.defaults);
        for (source, settings) in options.settings {
            sources.set_settings(source, settings, clock.now());
        }
        for (source, state) in loaded.states {
            sources.restore(source, state, clock.now());
        }
        let publisher = Publisher::new(options.feed_capacity);
        let shared = Arc::new(Shared { journal, clock, sources, publisher, trouble: Mutex::default() });
        let stop = CancellationToken::new();
        let (fold, reached) = Fold::new(shared.clone(), loaded.position, dir, options.snapshot_every);
        let tasks = vec![
            tokio::spawn(fold.run(stop.clone())),
            tokio::spawn(timers::run(shared.clone(), stop.clone())),
        ];
        Ok(Self {
            dir: dir.to_owned(),
            shared,
            reached,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
            tasks: Mutex::new(tasks),
        })
    }

    /// A copy of what is known of `source`; `None` when nothing ever came from it.
    pub fn state(&self, source: SourceId) -> Option<State> {
        self.with_state(source, State::clone)
    }

    /// Reads what is known of `source` in place. `read` holds up records of some sources, so it has to be short, and
    /// must not call back.
    pub fn with_state<R>(&self, source: SourceId, read: impl FnOnce(&State) -> R) -> Option<R> {
        self.shared.sources.with_state(source, read)
    }

    /// How many sources have a state.
    pub fn sources(&self) -> usize {
        self.shared.sources.len()
    }

    /// The next record that will be folded: every record before it shows in the states.
    pub fn position(&self) -> Position {
        *self.reached.borrow()
    }

    /// Waits until every record before `position` shows in the states. After an append of n records at p that is p + n.
    ///
    /// # Errors
    /// When the fold ended before it came that far.
    pub async fn caught_up_to(&self, position: Position) -> Result<(), Stopped> {
        let mut reached = self.reached.clone();
        reached.wait_for(|reached| *reached >= position).await.map(|_| ()).map_err(|_| Stopped)
    }

    /// Waits until everything that is in the journal now shows in the states.
    ///
    /// # Errors
    /// When the fold ended before it came that far.
    pub async fn caught_up(&self) -> Result<(), Stopped> {
        self.caught_up_to(self.shared.journal.end()).await
    }

    /// Subscribes to changes, those that come by time alone included, from now on.
    pub fn feed(&self) -> Feed {
        self.shared.publisher.subscribe(self.stop.clone())
    }

    /// Settings of the sources that have none of their own.
    pub fn defaults(&self) -> SourceSettings {
        self.shared.sources.defaults()
    }

    pub fn settings(&self, source: SourceId) -> SourceSettings {
        self.shared.sources.settings(source)
    }

    /// Sets how records of `source` are understood from now on. Its connection status follows at once; movement with
    /// the next record.
    pub fn set_settings(&self, source: SourceId, settings: SourceSettings) {
        let change = self.shared.sources.set_settings(source, settings, self.shared.clock.now());
        self.shared.publisher.publish(source, change);
    }

    /// Why the states lag behind the journal, when reading it fails; the fold tries again until it can.
    pub fn trouble(&self) -> Option<JournalError> {
        let lags = self.position() < self.shared.journal.end();
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|_| lags)
    }

    /// From here on the journal is needed: a start after a crash reads it again from the older of two snapshots.
    ///
    /// # Errors
    /// When the snapshots cannot be listed.
    pub fn keep_from(&self) -> Result<Position, SnapshotError> {
        snapshot::kept_from(&self.dir)
    }

    /// Ends the tasks, with a last snapshot. States can still be read.
    pub async fn stop(&self) {
        self.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the live state failed");
            }
        }
    }
}
