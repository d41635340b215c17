//! What waits for its commit: bounded in bytes, taken out by the one writer.

use super::{JournalError, Position, stored::Stored};
use domain::{InputName, Record, Value};
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};

/// One commit takes no more than about this many bytes of records: enough to make the cost of a sync small, and little
/// enough for a reader to hold in memory.
const COMMIT_BYTES: usize = 4 << 20;

/// What one caller gave.
pub(super) struct Batch {
    pub records: Vec<Record>,
    /// The same.
    pub stored: Stored,
    /// Who waits for it; nobody waits for a note.
    pub caller: Option<oneshot::Sender<Result<Position, JournalError>>>,
    /// Its room in the queue, given back when it is committed or refused.
    pub room: OwnedSemaphorePermit,
}

pub(super) struct Queue {
    capacity: u32,
    room: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<Batch>,
    closed: bool,
    /// The file that is written shall take no more.
    seal: bool,
}

impl Queue {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            capacity,
            room: Arc::new(Semaphore::new(capacity as usize)),
            waiting: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Room for `bytes`, if there is now. Never overtakes one who waits for room.
    pub(super) fn try_room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        Arc::clone(&self.room).try_acquire_many_owned(self.bounded(bytes))
    }

    /// Waits for room, in turn; `None` when the queue has closed.
    pub(super) async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_many_owned(self.bounded(bytes)).await.ok()
    }

    /// Hands a batch to the writer; gives it back when the queue has closed.
    pub(super) fn push(&self, batch: Batch) -> Result<(), Batch> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(batch);
        }
        waiting.batches.push_back(batch);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the batches of the next commit. They are empty when nothing came for `patience` or a seal was asked for;
    /// `None` when the queue has closed and nothing is left.
    pub(super) fn take(&self, patience: Option<Duration>) -> Option<Vec<Batch>> {
        let mut waiting = self.waiting();
        while waiting.batches.is_empty() && !waiting.closed && !waiting.seal {
            let Some(patience) = patience else {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.changed.wait_timeout(waiting, patience);
            let (again, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
            waiting = again;
            if outcome.timed_out() {
                break;
            }
        }
        let is_over = waiting.closed && waiting.batches.is_empty();
        (!is_over).then(|| waiting.next_commit())
    }

    /// Asks the writer to end its file.
    pub(super) fn ask_for_seal(&self) {
        self.waiting().seal = true;
        self.changed.notify_one();
    }

    /// Whether that was asked since the last call.
    pub(super) fn take_seal(&self) -> bool {
        std::mem::take(&mut self.waiting().seal)
    }

    /// From now on nothing comes in; what waits stays.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.room.close();
        self.changed.notify_one();
    }

    /// Whether there is something to commit.
    #[cfg(test)]
    pub(super) fn has_waiting(&self) -> bool {
        let waiting = self.waiting();
        waiting.seal || !waiting.batches.is_empty()
    }

    /// A batch larger than the whole queue goes through it alone.
    fn bounded(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.capacity)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn next_commit(&mut self) -> Vec<Batch> {
        let mut bytes = 0;
        let fitting = self.batches.iter().take_while(|batch| {
            let is_first = bytes == 0;
            bytes += batch.stored.bytes().len();
            is_first || bytes <= COMMIT_BYTES
        });
        let count = fitting.count();
        self.batches.drain(..count).collect()
    }
}

/// About how much memory records take, those of `bytes` stored bytes: the size of every queue is counted in it.
pub(super) fn footprint(records: &[Record], bytes: usize) -> usize {
    let inputs = |record: &Record| match record {
        Record::Telemetry(telemetry) => telemetry.message.inputs.len(),
        _ => 0,
    };
    let inputs: usize = records.iter().map(inputs).sum();
    bytes + size_of_val(records) + inputs * size_of::<(InputName, Value)>()
}
