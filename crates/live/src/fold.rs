//! The task that follows the journal: applies each batch to the states, publishes the changes, takes snapshots.

use crate::{Shared, snapshot};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    time::Duration,
};
use store::journal::{Committed, JournalError, Position};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

pub(crate) struct Fold {
    shared: Arc<Shared>,
    position: Position,
    reached: watch::Sender<Position>,
    dir: PathBuf,
    snapshot_every: u64,
    /// Of the last snapshot that was taken.
    snapshot: Position,
    /// The snapshot that is being written beside the fold.
    writing: Option<JoinHandle<()>>,
}

enum Ended {
    Stopped,
    Failed(JournalError),
}

impl Fold {
    pub(crate) fn new(
        shared: Arc<Shared>,
        position: Position,
        dir: &Path,
        snapshot_every: u64,
    ) -> (Self, watch::Receiver<Position>) {
        let (reached, receiver) = watch::channel(position);
        let dir = dir.to_owned();
        (Self { shared, position, reached, dir, snapshot_every, snapshot: position, writing: None }, receiver)
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut pause = FIRST_RETRY;
        loop {
            let start = self.position;
            let Ended::Failed(error) = self.follow(&stop).await else { break };
            tracing::error!(journal.position = self.position.0, %error, "cannot follow the journal, will try again");
            self.report(Some(error));
            if self.position > start {
                pause = FIRST_RETRY;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = time::sleep(pause) => {}
            }
            pause = LAST_RETRY.min(pause * 2);
        }
        self.take_snapshot().await;
        self.written().await;
    }

    async fn follow(&mut self, stop: &CancellationToken) -> Ended {
        let mut follower = self.shared.journal.follow(self.position);
        loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => return Ended::Stopped,
                next = follower.next() => next,
            };
            match next {
                Ok(batch) => self.apply(&batch),
                Err(JournalError::Closed) => return Ended::Stopped,
                Err(error) => return Ended::Failed(error),
            }
            let due = self.position.0 >= self.snapshot.0.saturating_add(self.snapshot_every);
            if due && self.writing.as_ref().is_none_or(JoinHandle::is_finished) {
                self.take_snapshot().await;
            }
            // A journal with much to tell is always ready; others want to run too.
            tokio::task::yield_now().await;
        }
    }

    fn apply(&mut self, batch: &Committed) {
        let Shared { sources, publisher, clock, journal, .. } = &*self.shared;
        let now = clock.now();
        for record in &batch.records {
            if let Some(source) = record.source() {
                let change = sources.apply(source, record, now.max(record.received()));
                publisher.publish(source, change);
            }
        }
        let count = batch.records.len() as u64;
        self.position = Position(batch.first.0 + count);
        self.report(None);
        metrics::counter!("live_records_total").increment(count);
        metrics::gauge!("live_lag_records").set(journal.end().0.saturating_sub(self.position.0) as f64);
        metrics::gauge!("live_sources").set(sources.len() as f64);
        self.reached.send_replace(self.position);
    }

    /// The fold waits while the states are encoded, so that all are of one position; readers do not wait. The file is
    /// written while the fold goes on.
    async fn take_snapshot(&mut self) {
        if self.snapshot == self.position {
            return;
        }
        self.written().await;
        let (shared, dir, position) = (self.shared.clone(), self.dir.clone(), self.position);
        let started = Instant::now();
        let encoded = tokio::task::spawn_blocking(move || snapshot::encode(position, &shared.sources)).await;
        let Ok(bytes) = encoded.inspect_err(|error| tracing::error!(%error, "cannot take a snapshot")) else {
            return;
        };
        self.snapshot = position;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let written = snapshot::write(&dir, position, &bytes);
            metrics::histogram!("live_snapshot_seconds").record(started.elapsed().as_secs_f64());
            if let Err(error) = written {
                tracing::error!(%error, "cannot write a snapshot; a restart will take longer");
            }
        }));
    }

    async fn written(&mut self) {
        if let Some(writing) = self.writing.take()
            && let Err(error) = writing.await
        {
            tracing::error!(%error, "cannot write a snapshot");
        }
    }

    fn report(&self, trouble: Option<JournalError>) {
        let mut known = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != trouble {
            *known = trouble;
        }
    }
}
