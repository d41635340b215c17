//! Who speaks right now: the open session of each source, and the leash by which a session is woken, or told to let a
//! device go.

use crate::{Refusal, Registered, ending::Ended, lock};
use domain::{DeviceId, SourceId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

const SHARDS: usize = 64;

/// The open sessions by source. Each shard is locked only for a look-up or a change.
pub(crate) struct Sessions {
    take_overs_per_minute: u32,
    shards: [Mutex<HashMap<SourceId, Entry>>; SHARDS],
}

struct Entry {
    session: OpenSession,
    take_overs: TakeOvers,
}

/// A session of a source, as others see it.
#[derive(Clone)]
pub(crate) struct OpenSession {
    pub(crate) device_id: DeviceId,
    /// What it was admitted on.
    pub(crate) registered: Registered,
    pub(crate) leash: Arc<Leash>,
}

impl Sessions {
    pub(crate) fn new(take_overs_per_minute: u32) -> Self {
        Self { take_overs_per_minute, shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Makes `session` the one of its source. Answers with what is cancelled when the older one has let the device go,
    /// which must happen first.
    pub(crate) fn enter(&self, session: OpenSession) -> Result<Option<CancellationToken>, Refusal> {
        let mut shard = lock(self.shard(session.registered.source));
        let Some(entry) = shard.get_mut(&session.registered.source) else {
            let take_overs = TakeOvers { since: Instant::now(), count: 0 };
            shard.insert(session.registered.source, Entry { session, take_overs });
            return Ok(None);
        };
        if Arc::ptr_eq(&entry.session.leash, &session.leash) {
            entry.session = session;
            return Ok(None);
        }
        entry.take_overs.one_more(self.take_overs_per_minute)?;
        let older = std::mem::replace(&mut entry.session, session);
        Ok(Some(older.leash.let_go(older.registered.source, Ended::TakenOver)))
    }

    /// Takes the session out; `false` when it was not the one of its source any longer.
    pub(crate) fn leave(&self, source: SourceId, leash: &Arc<Leash>) -> bool {
        let mut shard = lock(self.shard(source));
        let mine = shard.get(&source).is_some_and(|entry| Arc::ptr_eq(&entry.session.leash, leash));
        if mine {
            shard.remove(&source);
        }
        mine
    }

    pub(crate) fn of(&self, source: SourceId) -> Option<OpenSession> {
        lock(self.shard(source)).get(&source).map(|entry| entry.session.clone())
    }

    /// All sources that have an open session.
    pub(crate) fn sources(&self) -> Vec<SourceId> {
        self.shards.iter().flat_map(|shard| lock(shard).keys().copied().collect::<Vec<_>>()).collect()
    }

    fn shard(&self, source: SourceId) -> &Mutex<HashMap<SourceId, Entry>> {
        &self.shards[source.0.unsigned_abs() as usize % SHARDS]
    }
}

/// Counts the take-overs of a source minute by minute, while it has a session.
struct TakeOvers {
    since: Instant,
    count: u32,
}

impl TakeOvers {
    fn one_more(&mut self, limit: u32) -> Result<(), Refusal> {
        if self.since.elapsed() >= Duration::from_secs(60) {
            *self = Self { since: Instant::now(), count: 0 };
        }
        if self.count >= limit {
            return Err(Refusal::TakeOverRate);
        }
        self.count += 1;
        Ok(())
    }
}

/// Reaches a session from outside.
#[derive(Default)]
pub(crate) struct Leash {
    partings: Mutex<Vec<Parting>>,
    pulled: Notify,
    woken: Notify,
}

/// A device that its session has to let go. To be dropped when nothing of the device will reach the journal any more.
pub(crate) struct Parting {
    pub(crate) source: SourceId,
    pub(crate) why: Ended,
    pub(crate) _gone: DropGuard,
}

impl Leash {
    /// The session lets the device go when its current batch is durable, and ends with its last device. What is answered
    /// is cancelled then.
    pub(crate) fn let_go(&self, source: SourceId, why: Ended) -> CancellationToken {
        let gone = CancellationToken::new();
        lock(&self.partings).push(Parting { source, why, _gone: gone.clone().drop_guard() });
        self.pulled.notify_one();
        gone
    }

    /// Waits until devices are to be let go, which `partings` names.
    pub(crate) async fn pulled(&self) {
        self.pulled.notified().await;
    }

    pub(crate) fn partings(&self) -> Vec<Parting> {
        std::mem::take(&mut lock(&self.partings))
    }

    /// Lets the session see whether a command waits.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }
}
