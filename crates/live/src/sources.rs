//! The states by source, spread over shards so that a reader meets at most the writer of its own shard.

use crate::timers::Timers;
use domain::{ConnectionStatus, Record, SourceId, State, Timestamp};
use std::{
    array,
    collections::HashMap,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering},
    },
};
use telemetry::{Change, SourceSettings, apply, connection_status, next_change};

const SHARDS: usize = 64;

pub(crate) struct Sources {
    /// Of the sources that have none of their own.
    defaults: SourceSettings,
    shards: [RwLock<Shard>; SHARDS],
    len: AtomicUsize,
    timers: Timers,
}

#[derive(Default)]
struct Shard {
    sources: HashMap<SourceId, Source>,
    /// Of those that differ from the default.
    settings: HashMap<SourceId, SourceSettings>,
}

struct Source {
    state: State,
    /// As last seen, so that a change by time alone is noticed.
    status: ConnectionStatus,
    /// When its timer goes off.
    due: Option<Timestamp>,
}

impl Sources {
    pub(crate) fn new(defaults: SourceSettings) -> Self {
        Self {
            defaults,
            shards: array::from_fn(|_| RwLock::default()),
            len: AtomicUsize::new(0),
            timers: Timers::default(),
        }
    }

    pub(crate) fn defaults(&self) -> SourceSettings {
        self.defaults
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.timers
    }

    pub(crate) fn with_state<R>(&self, source: SourceId, read: impl FnOnce(&State) -> R) -> Option<R> {
        self.read(source).sources.get(&source).map(|known| read(&known.state))
    }

    /// Every state, shard by shard: of one moment only while nothing is applied.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(SourceId, &State)) {
        for shard in &self.shards {
            for (source, known) in &shard.read().unwrap_or_else(PoisonError::into_inner).sources {
                visit(*source, &known.state);
            }
        }
    }

    pub(crate) fn settings(&self, source: SourceId) -> SourceSettings {
        self.read(source).settings.get(&source).copied().unwrap_or(self.defaults)
    }

    pub(crate) fn set_settings(&self, source: SourceId, settings: SourceSettings, now: Timestamp) -> Change {
        let mut shard = self.write(source);
        if settings == self.defaults {
            shard.settings.remove(&source);
        } else {
            shard.settings.insert(source, settings);
        }
        match shard.sources.get_mut(&source) {
            Some(known) => self.look(source, known, now, &settings),
            None => Change::NOTHING,
        }
    }

    pub(crate) fn apply(&self, source: SourceId, record: &Record, now: Timestamp) -> Change {
        let mut shard = self.write(source);
        let settings = shard.settings.get(&source).copied().unwrap_or(self.defaults);
        let known = shard.sources.entry(source).or_insert_with(|| {
            self.len.fetch_add(1, Ordering::Relaxed);
            Source { state: State::default(), status: ConnectionStatus::JustRegistered, due: None }
        });
        let change = apply(&mut known.state, record, &settings);
        change | self.look(source, known, now, &settings)
    }

    pub(crate) fn restore(&self, source: SourceId, state: State, now: Timestamp) {
        let mut shard = self.write(source);
        let settings = shard.settings.get(&source).copied().unwrap_or(self.defaults);
        let status = connection_status(&state, now, &settings.timeouts);
        let mut known = Source { state, status, due: None };
        self.look(source, &mut known, now, &settings);
        if shard.sources.insert(source, known).is_none() {
            self.len.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The timer of `source` that was set for `due` went off.
    pub(crate) fn time_is_up(&self, source: SourceId, due: Timestamp, now: Timestamp) -> Change {
        let mut shard = self.write(source);
        let settings = shard.settings.get(&source).copied().unwrap_or(self.defaults);
        let Some(known) = shard.sources.get_mut(&source) else { return Change::NOTHING };
        if known.due == Some(due) {
            known.due = None;
        }
        self.look(source, known, now, &settings)
    }

    /// Notices what time has changed, and sets the timer for the next change. A timer that goes off too early looks
    /// again, so it is only moved when it would be too late: a packet every second does not touch it.
    fn look(
        &self,
        source: SourceId,
        known: &mut Source,
        now: Timestamp,
        settings: &SourceSettings,
    ) -> Change {
        let status = connection_status(&known.state, now, &settings.timeouts);
        let change = Change { connection: status != known.status, ..Change::NOTHING };
        known.status = status;
        let next = next_change(&known.state, now, &settings.timeouts);
        if let Some(next) = next.filter(|next| known.due.is_none_or(|due| *next < due)) {
            self.timers.set(source, known.due, next);
            known.due = Some(next);
        }
        change
    }

    fn shard(&self, source: SourceId) -> &RwLock<Shard> {
        &self.shards[source.0.rem_euclid(SHARDS as i64) as usize]
    }

    // A panic cannot leave a shard half changed in a way that matters: states hold no invariant across fields.
    fn read(&self, source: SourceId) -> RwLockReadGuard<'_, Shard> {
        self.shard(source).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, source: SourceId) -> RwLockWriteGuard<'_, Shard> {
        self.shard(source).write().unwrap_or_else(PoisonError::into_inner)
    }
}
