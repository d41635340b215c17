//! Work on files beside the async runtime, so much of it at a time and the rest in turn.

use super::HistoryError;
use std::sync::Arc;
use tokio::{sync::Semaphore, task};

pub(super) struct Jobs {
    slots: Arc<Semaphore>,
    count: u32,
}

impl Jobs {
    /// `count` jobs may run at a time.
    pub(super) fn new(count: u32) -> Self {
        let count = count.max(1);
        Self { slots: Arc::new(Semaphore::new(count as usize)), count }
    }

    /// Does `job` on a thread for such work. Once it has begun it is done to its end, even if nobody waits any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HistoryError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| HistoryError::Closed)?;
        let job = move || {
            let _slot = slot;
            job()
        };
        // It panicked, or the runtime is ending.
        task::spawn_blocking(job).await.map_err(|error| HistoryError::Unreadable(error.to_string().into()))
    }

    /// Takes no more jobs and waits for those that have begun.
    pub(super) async fn close(&self) {
        let _ = self.slots.acquire_many(self.count).await;
        self.slots.close();
    }
}
