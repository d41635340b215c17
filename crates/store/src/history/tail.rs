//! Messages that are in the journal and not packed yet, by source, in their stored form: that takes a fifth of the memory.

use super::{
    Order,
    failure::{FileError, Outcome},
    period::Period,
};
use crate::{
    journal::{self, codec},
    wire::{Unread, put_signed},
};
use domain::{Record, RecordIdentity, SourceId, Telemetry, TimeOrigin, Timestamp};
use std::{
    array,
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
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
    shards: [Mutex<Shard>; SHARDS],
    bytes: AtomicUsize,
}

type Shard = HashMap<SourceId, Unpacked, BuildHasherDefault<ByNumber>>;

/// The catalog numbers sources, no stranger does: nobody can make their hashes collide, so they need not take long.
#[derive(Default)]
struct ByNumber(u64);

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

/// Where a message is. Good until the tail is trimmed.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    position: u64,
    pub(super) time: i64,
    offset: u64,
}

/// Messages of one source that are to be packed.
pub(super) struct Committed {
    /// By time; those of one millisecond in the order of their positions.
    pub entries: Vec<Entry>,
    /// No message of the source that waits in the tail is filed under another time than its device's.
    pub is_without_suspects: bool,
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

    pub(super) fn absorb(&self, batch: &journal::Committed) {
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

    /// The messages of a source that were committed at `positions` and have a time in `span`.
    pub(super) fn committed(&self, source: SourceId, positions: Range<u64>, span: &Range<i64>) -> Committed {
        let shard = self.shard(source);
        let Some(unpacked) = shard.get(&source) else {
            return Committed { entries: Vec::new(), is_without_suspects: true };
        };
        let is_wanted = |entry: &&Entry| positions.contains(&entry.position) && span.contains(&entry.time);
        let mut entries: Vec<Entry> = unpacked.entries.iter().filter(is_wanted).copied().collect();
        entries.sort_by_key(|entry| entry.time);
        Committed { entries, is_without_suspects: unpacked.suspects.is_empty() }
    }

    /// Calls `take` with the messages of entries, in their order, until it refuses one; answers with how many it took.
    pub(super) fn give(
        &self,
        source: SourceId,
        entries: &[Entry],
        mut take: impl FnMut(&Telemetry) -> bool,
    ) -> Outcome<usize> {
        let shard = self.shard(source);
        let (Some(unpacked), Some((first, rest))) = (shard.get(&source), entries.split_first()) else {
            return Ok(0);
        };
        // One for all: that spares each its allocations.
        let mut message = unpacked.message(source, first)?;
        if !take(&message) {
            return Ok(0);
        }
        for (taken, entry) in (1..).zip(rest) {
            unpacked.read(entry, &mut message)?;
            if !take(&message) {
                return Ok(taken);
            }
        }
        Ok(entries.len())
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

    fn shard(&self, source: SourceId) -> MutexGuard<'_, Shard> {
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
        // About as much comes in until the next time: room for it need not be found again.
        self.bytes.shrink_to(self.bytes.len() + freed);
        self.entries.shrink_to(self.entries.len() + count);
        self.gone = kept_from;
        self.suspects.retain(|_, noted| *noted >= position);
        freed + count * mem::size_of::<Entry>()
    }

    fn message(&self, source: SourceId, entry: &Entry) -> Outcome<Telemetry> {
        let mut from = self.stored(entry);
        let received = from.signed().map(Timestamp::from_millis);
        received
            .and_then(|received| codec::decode_telemetry(source, received, &mut from))
            .map_err(FileError::Unpacked)
    }

    /// The same into a message of the source that is there.
    fn read(&self, entry: &Entry, message: &mut Telemetry) -> Outcome<()> {
        let mut from = self.stored(entry);
        let received = from.signed().map(Timestamp::from_millis);
        received
            .and_then(|received| {
                message.received = received;
                codec::decode_telemetry_into(message, &mut from)
            })
            .map_err(FileError::Unpacked)
    }

    fn stored(&self, entry: &Entry) -> Unread<'_> {
        Unread(&self.bytes[(entry.offset - self.gone) as usize..])
    }
}

impl Hasher for ByNumber {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_i64(i64::from(*byte)));
    }

    fn write_i64(&mut self, number: i64) {
        let mixed = (self.0 ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Its low bits tell little of the number's high ones.
        self.0 = mixed ^ mixed >> 32;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
