//! Who speaks right now: the open session of each source, and the leash by which it is pulled back or woken.

use crate::{Refusal, Registered, ending::Ended, lock};
use domain::{DeviceId, SourceId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

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

    /// Makes `session` the one of its source. Answers with the older one, pulled back, which must end first.
    pub(crate) fn enter(&self, session: OpenSession) -> Result<Option<Arc<Leash>>, Refusal> {
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
        older.leash.pull(Pulled::TakenOver);
        Ok(Some(older.leash))
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

/// Pulls a session back from outside, and tells when it has ended.
#[derive(Default)]
pub(crate) struct Leash {
    why: OnceLock<Pulled>,
    pulled: CancellationToken,
    ended: CancellationToken,
    woken: Notify,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Pulled {
    TakenOver,
    NoLongerWelcome,
}

impl Leash {
    /// The session ends when its current batch is durable. The first reason counts.
    pub(crate) fn pull(&self, why: Pulled) {
        let _ = self.why.set(why);
        self.pulled.cancel();
    }

    pub(crate) async fn pulled(&self) -> Ended {
        self.pulled.cancelled().await;
        match self.why.get() {
            Some(Pulled::NoLongerWelcome) => Ended::NoLongerWelcome,
            Some(Pulled::TakenOver) | None => Ended::TakenOver,
        }
    }

    /// Lets the session see whether a command waits.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Says that nothing of the session will reach the journal any more.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}
