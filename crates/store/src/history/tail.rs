//! Messages that are in the journal and not packed yet, by source, in their stored form: that takes a fifth of the memory.

use super::{
    Order,
    failure::{FileError, Outcome},
    period::Period,
};
use crate::{
    journal::{Committed, codec},
    wire::{Unread, put_signed},
};
use domain::{Record, RecordIdentity, SourceId, Telemetry, TimeOrigin, Timestamp};
use std::{
    array,
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    mem,
    ops::Range,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Sources share this many locks.
const SHARDS: usize = 64;

pub(super) struct Tail {
    shards: [Mutex<HashMap<SourceId, Unpacked>>; SHARDS],
    bytes: AtomicUsize,
}

/// The messages of one source, in order of their positions.
#[derive(Default)]
struct Unpacked {
    entries: VecDeque<Entry>,
    bytes: Vec<u8>,
    /// What of the bytes was there and is gone: offsets of entries count on.
    gone: u64,
    /// Messages with a device time that are filed under another, with their positions: copies of them may be filed
    /// anywhere.
    suspects: HashMap<RecordIdentity, u64>,
    /// Records before this position were erased.
    erased_before: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    position: u64,
    time: i64,
    offset: u64,
}

/// Messages of one source and period.
pub(super) struct Taken {
    /// In the order asked for.
    pub messages: Vec<(u64, Telemetry)>,
    /// When there were more than asked for: the time of the next one.
    pub next: Option<i64>,
}

impl Default for Tail {
    fn default() -> Self {
        Self { shards: array::from_fn(|_| Mutex::default()), bytes: AtomicUsize::default() }
    }
}

impl Tail {
    /// Memory that is used.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn absorb(&self, batch: &Committed) {
        let mut bytes = 0;
        for (position, record) in (batch.first.0..).zip(&batch.records) {
            let telemetry = match record {
                Record::Telemetry(telemetry) => Cow::Borrowed(telemetry),
                Record::Derived(derived) => Cow::Owned(derived.as_telemetry()),
                Record::Contact(_) | Record::Reply(_) | Record::Problem(_) => continue,
            };
            bytes +=
                self.shard(telemetry.source).entry(telemetry.source).or_default().push(position, &telemetry);
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Forgets what a source has before `position`, also what comes in later.
    pub(super) fn erase(&self, source: SourceId, position: u64) {
        let mut shard = self.shard(source);
        let unpacked = shard.entry(source).or_default();
        unpacked.erased_before = unpacked.erased_before.max(position);
        self.bytes.fetch_sub(unpacked.trim(position), Ordering::Relaxed);
    }

    /// Forgets what was packed: everything before `position`.
    pub(super) fn trim(&self, position: u64) {
        for shard in &self.shards {
            let mut freed = 0;
            let mut shard = lock(shard);
            shard.retain(|_, unpacked| {
                freed += unpacked.trim(position);
                !unpacked.entries.is_empty() || unpacked.erased_before > position
            });
            drop(shard);
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    /// The sources that have messages before `end`, by the periods to which these belong.
    pub(super) fn before(&self, end: u64) -> BTreeMap<Period, Vec<SourceId>> {
        let mut sources: BTreeMap<Period, Vec<SourceId>> = BTreeMap::new();
        for shard in &self.shards {
            for (source, unpacked) in lock(shard).iter() {
                let before = unpacked.entries.iter().take_while(|entry| entry.position < end);
                let mut last = None;
                let mut periods = BTreeSet::new();
                for entry in before {
                    // Nearly all are of the same one.
                    if last.as_ref().is_none_or(|span: &Range<i64>| !span.contains(&entry.time)) {
                        let period = Period::of(Timestamp::from_millis(entry.time));
                        last = Some(period.span());
                        periods.insert(period);
                    }
                }
                for period in periods {
                    sources.entry(period).or_default().push(*source);
                }
            }
        }
        sources.values_mut().for_each(|sources| sources.sort_unstable());
        sources
    }

    /// The messages of a source that were committed at `positions` and have a time in `span`, by time.
    pub(super) fn committed(
        &self,
        source: SourceId,
        positions: Range<u64>,
        span: &Range<i64>,
    ) -> Outcome<Vec<Telemetry>> {
        let shard = self.shard(source);
        let Some(unpacked) = shard.get(&source) else { return Ok(Vec::new()) };
        let is_wanted = |entry: &&Entry| positions.contains(&entry.position) && span.contains(&entry.time);
        let mut wanted: Vec<&Entry> = unpacked.entries.iter().filter(is_wanted).collect();
        wanted.sort_by_key(|entry| entry.time);
        wanted.into_iter().map(|entry| unpacked.message(source, entry)).collect()
    }

    /// The messages of a source in `span` that come first in `order`: `wanted` of them, or more when they are of one
    /// millisecond.
    pub(super) fn take(
        &self,
        source: SourceId,
        span: &Range<i64>,
        order: Order,
        wanted: usize,
    ) -> Outcome<Taken> {
        let shard = self.shard(source);
        let Some(unpacked) = shard.get(&source) else {
            return Ok(Taken { messages: Vec::new(), next: None });
        };
        let mut entries: Vec<&Entry> =
            unpacked.entries.iter().filter(|entry| span.contains(&entry.time)).collect();
        entries.sort_by_key(|entry| entry.time);
        if order == Order::Descending {
            entries.reverse();
        }
        let last = wanted.checked_sub(1).and_then(|last| entries.get(last)).map(|entry| entry.time);
        let count = last.map_or(entries.len(), |last| {
            wanted + entries[wanted..].iter().take_while(|entry| entry.time == last).count()
        });
        let next = entries.get(count).map(|entry| entry.time);
        let message = |entry: &&Entry| Ok((entry.position, unpacked.message(source, entry)?));
        Ok(Taken { messages: entries[..count].iter().map(message).collect::<Outcome<_>>()?, next })
    }

    /// The time of the message of a source in `span` that comes first in `order`.
    pub(super) fn first(&self, source: SourceId, span: &Range<i64>, order: Order) -> Option<i64> {
        let shard = self.shard(source);
        let times = shard.get(&source)?.entries.iter().map(|entry| entry.time);
        let times = times.filter(|time| span.contains(time));
        match order {
            Order::Ascending => times.min(),
            Order::Descending => times.max(),
        }
    }

    fn shard(&self, source: SourceId) -> MutexGuard<'_, HashMap<SourceId, Unpacked>> {
        lock(&self.shards[source.0.rem_euclid(SHARDS as i64) as usize])
    }
}

impl Unpacked {
    /// Answers with the memory that it took.
    fn push(&mut self, position: u64, telemetry: &Telemetry) -> usize {
        if position < self.erased_before || self.is_copy(position, telemetry) {
            return 0;
        }
        let start = self.bytes.len();
        let offset = self.gone + start as u64;
        put_signed(&mut self.bytes, telemetry.received.millis());
        codec::encode_telemetry(telemetry, &mut self.bytes);
        self.entries.push_back(Entry { position, time: telemetry.time.millis(), offset });
        self.bytes.len() - start + mem::size_of::<Entry>()
    }

    /// Whether another message that is filed elsewhere has the same identity.
    fn is_copy(&mut self, position: u64, telemetry: &Telemetry) -> bool {
        let Some(identity) = telemetry.identity() else { return false };
        match telemetry.time_origin {
            TimeOrigin::Suspect => *self.suspects.entry(identity).or_insert(position) != position,
            _ => self.suspects.contains_key(&identity),
        }
    }

    /// Answers with the memory that was freed.
    fn trim(&mut self, position: u64) -> usize {
        let count = self.entries.partition_point(|entry| entry.position < position);
        if count == 0 {
            return 0;
        }
        self.entries.drain(..count);
        let end = self.gone + self.bytes.len() as u64;
        let kept_from = self.entries.front().map_or(end, |entry| entry.offset);
        let freed = (kept_from - self.gone) as usize;
        self.bytes.drain(..freed);
        self.bytes.shrink_to(2 * self.bytes.len());
        self.entries.shrink_to(2 * self.entries.len());
        self.gone = kept_from;
        self.suspects.retain(|_, noted| *noted >= position);
        freed + count * mem::size_of::<Entry>()
    }

    fn message(&self, source: SourceId, entry: &Entry) -> Outcome<Telemetry> {
        let stored = &self.bytes[(entry.offset - self.gone) as usize..];
        let mut from = Unread(stored);
        let received = from.signed().map(Timestamp::from_millis);
        received
            .and_then(|received| codec::decode_telemetry(source, received, &mut from))
            .map_err(FileError::Unpacked)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
