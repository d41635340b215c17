//! Changes that come by time alone: one timer per source that is not offline, and the task that waits for the first.

use crate::Shared;
use domain::{SourceId, Timestamp};
use std::{
    collections::BTreeSet,
    future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time};
use tokio_util::sync::CancellationToken;

/// The wall clock may be set while we wait, so nobody waits longer than this without looking at it.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How many timers go off before other tasks get their turn.
const AT_ONCE: usize = 1000;

#[derive(Default)]
pub(crate) struct Timers {
    due: Mutex<BTreeSet<(Timestamp, SourceId)>>,
    sooner: Notify,
}

impl Timers {
    /// Moves the timer of `source` from `before` to `due`.
    pub(crate) fn set(&self, source: SourceId, before: Option<Timestamp>, due: Timestamp) {
        let mut timers = self.lock();
        if let Some(before) = before {
            timers.remove(&(before, source));
        }
        timers.insert((due, source));
        if timers.first() == Some(&(due, source)) {
            self.sooner.notify_one();
        }
    }

    fn pop(&self, now: Timestamp) -> Option<(Timestamp, SourceId)> {
        let mut timers = self.lock();
        timers.first().is_some_and(|(due, _)| *due <= now).then(|| timers.pop_first()).flatten()
    }

    fn first(&self) -> Option<Timestamp> {
        self.lock().first().map(|(due, _)| *due)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(Timestamp, SourceId)>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let timers = shared.sources.timers();
    loop {
        let now = shared.clock.now();
        for _ in 0..AT_ONCE {
            let Some((due, source)) = timers.pop(now) else { break };
            let change = shared.sources.time_is_up(source, due, now);
            shared.publisher.publish(source, change);
        }
        let first = timers.first().map(|due| due.since(now).min(LONGEST_WAIT));
        let wait = async {
            match first {
                Some(Duration::ZERO) => tokio::task::yield_now().await,
                Some(wait) => time::sleep(wait).await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = timers.sooner.notified() => {}
            () = wait => {}
        }
    }
}
