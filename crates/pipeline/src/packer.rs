//! The task that keeps history in order: packs what the journal has sealed and removes it from there, merges the blocks
//! of weeks that are over, and drops what is older than the retention.

use domain::Clock;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{
    history::{EmbeddedHistory, History, HistoryError},
    journal::{EmbeddedJournal, Journal, JournalError, Position},
};
use tokio::{
    task::{self, JoinHandle},
    time::{self, Instant},
};
use tokio_util::sync::{CancellationToken, DropGuard};

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// The position from which on somebody else may still read the journal, such as the older of the live state's two
/// snapshots: nothing from there on is removed.
pub type KeepFrom = Box<dyn Fn() -> Position + Send + Sync>;

/// What the packer works with.
pub struct Parts {
    pub journal: Arc<EmbeddedJournal>,
    pub history: Arc<EmbeddedHistory>,
    pub clock: Arc<dyn Clock>,
    pub keep_from: KeepFrom,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Messages older than this are dropped. Default 365 days.
    pub retention: Duration,
    /// Records wait no longer than this, and one `upkeep`, for being packed. Default 1 h.
    pub seal_after: Duration,
    /// So long after its end a week is merged; until then its late messages come. Default 1 day.
    pub merge_after: Duration,
    /// How often it is looked whether something has to be sealed, removed, merged or dropped. Default 10 min.
    pub upkeep: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self { retention: 365 * 24 * hour, seal_after: hour, merge_after: 24 * hour, upkeep: hour / 6 }
    }
}

/// Works until it is stopped or dropped, or the journal has closed.
pub struct Packer {
    trouble: Arc<Mutex<Option<HistoryError>>>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
    _stop_on_drop: DropGuard,
}

impl Packer {
    /// Starts in a task of the current tokio runtime.
    pub fn start(parts: Parts, options: Options) -> Self {
        let (trouble, stop) = (Arc::default(), CancellationToken::new());
        let work = Work {
            parts,
            options,
            trouble: Arc::clone(&trouble),
            stop: stop.clone(),
            last_seal: Instant::now(),
            sealed_to: Position(0),
        };
        let task = Mutex::new(Some(tokio::spawn(work.run())));
        Self { trouble, _stop_on_drop: stop.clone().drop_guard(), stop, task }
    }

    /// Why nothing is packed; `None` when packing works. Messages are acknowledged and can be read all the same, until
    /// memory or the disk is full.
    pub fn trouble(&self) -> Option<HistoryError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends after the transaction in which it is. The rest is done after the next start.
    pub async fn stop(&self) {
        self.stop.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the packer failed");
        }
    }
}

struct Work {
    parts: Parts,
    options: Options,
    trouble: Arc<Mutex<Option<HistoryError>>>,
    stop: CancellationToken,
    last_seal: Instant,
    /// End of the newest segment that was seen to be sealed.
    sealed_to: Position,
}

impl Work {
    async fn run(mut self) {
        let mut upkeep = time::interval(self.options.upkeep);
        upkeep.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut pause = FIRST_RETRY;
        loop {
            let is_upkeep_due = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = upkeep.tick() => true,
                () = self.parts.journal.sealed_beyond(self.parts.history.packed_to()) => false,
            };
            // What was committed before it closed is seen by now.
            let is_closed = self.parts.journal.trouble() == Some(JournalError::Closed);
            // First, and whatever comes of packing: on a full disk nothing else makes room.
            let dropped = if is_upkeep_due { self.drop_old().await } else { Ok(()) };
            let mut outcome = dropped.and(self.pack().await);
            if outcome.is_ok() && is_upkeep_due {
                outcome = self.upkeep().await;
            }
            if let Err(error) = &outcome {
                tracing::error!(%error, "the history is not kept in order, will try again");
            }
            let has_failed = outcome.is_err();
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = outcome.err();
            if has_failed {
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    () = time::sleep(pause) => {}
                }
                pause = LAST_RETRY.min(pause * 2);
                continue;
            }
            pause = FIRST_RETRY;
            if is_closed {
                return;
            }
        }
    }

    /// Packs segment by segment, and removes those that nobody needs.
    async fn pack(&mut self) -> Result<(), HistoryError> {
        let Parts { journal, history, .. } = &self.parts;
        for sealed in journal.sealed() {
            if sealed.end > self.sealed_to {
                self.sealed_to = sealed.end;
                self.last_seal = Instant::now();
            }
            while history.packed_to() < sealed.end && !self.stop.is_cancelled() {
                let started = Instant::now();
                let packed = history.pack(sealed.end).await?;
                metrics::counter!("history_packed_records_total").increment(packed.records);
                metrics::histogram!("history_pack_seconds").record(started.elapsed().as_secs_f64());
            }
        }
        self.forget().await;
        Ok(())
    }

    /// A file that cannot be removed is tried again after the next start: until then it only takes space.
    async fn forget(&self) {
        let Parts { journal, history, keep_from, .. } = &self.parts;
        let before = history.packed_to().min(keep_from());
        let journal = Arc::clone(journal);
        match task::spawn_blocking(move || journal.forget_before(before)).await {
            Ok(Ok(0)) => {}
            Ok(Ok(segments)) => {
                metrics::counter!("journal_segments_removed_total").increment(segments as u64)
            }
            Ok(Err(error)) => tracing::warn!(%error, "cannot remove a packed segment of the journal"),
            Err(error) => tracing::error!(%error, "removing segments of the journal failed"),
        }
    }

    async fn drop_old(&self) -> Result<(), HistoryError> {
        let Parts { history, clock, .. } = &self.parts;
        history.drop_before(clock.now().minus(self.options.retention)).await
    }

    async fn upkeep(&mut self) -> Result<(), HistoryError> {
        if self.last_seal.elapsed() >= self.options.seal_after {
            self.last_seal = Instant::now();
            self.parts.journal.seal();
        }
        let closed = self.parts.clock.now().minus(self.options.merge_after);
        let mut merging = None;
        loop {
            merging = self.parts.history.merge(closed, merging).await?;
            if merging.is_none() || self.stop.is_cancelled() {
                break;
            }
            // What comes in meanwhile does not wait for years of blocks.
            self.pack().await?;
        }
        let holding = self.parts.history.holding().await?;
        metrics::gauge!("history_blocks").set(holding.blocks as f64);
        metrics::gauge!("history_bytes").set(holding.bytes as f64);
        Ok(())
    }
}
