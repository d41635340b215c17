//! Threads that do one job after another, so that files are read and written beside the async runtime.

use super::HistoryError;
use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};
use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce() + Send>;

pub(super) struct Threads {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// `waiting` jobs may wait for a thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(super) fn start(name: &str, count: usize, waiting: usize) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel(waiting.max(1));
        let queue = Arc::new(Mutex::new(queue));
        let start = |_| {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(name.into()).spawn(move || work(&queue))
        };
        let handles = (0..count.max(1)).map(start).collect::<io::Result<_>>()?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), handles: Mutex::new(handles) })
    }

    /// Does `job` on one of the threads. Once it has begun it is done to its end, even if nobody waits any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HistoryError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (done, answer) = oneshot::channel();
        let job = Box::new(move || _ = done.send(job()));
        jobs.ok_or(HistoryError::Closed)?.send(job).await.map_err(|_| HistoryError::Closed)?;
        // Only a panic leaves no answer.
        answer.await.map_err(|_| HistoryError::Unreadable("a read or write panicked".into()))
    }

    /// Takes no more jobs and waits for those that were taken.
    pub(super) fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        for handle in self.handles.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // A job's panic has been caught.
            let _ = handle.join();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.close();
    }
}

fn work(queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(job) = job else { return };
        // The panic has been printed; who waits for the job sees it.
        let _ = panic::catch_unwind(AssertUnwindSafe(job));
    }
}
