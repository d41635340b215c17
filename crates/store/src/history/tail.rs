//! Messages that are in the journal and not packed yet, in their stored form: that takes a fifth of the memory. They stand
//! one after the other as they came in, and each tells where the one before it of its source is.

use super::{
    Order,
    failure::{FileError, Outcome},
    waiting::Waiting,
};
use crate::{
    journal::{self, codec},
    wire::Unread,
};
use domain::{Record, RecordIdentity, SourceId, Telemetry, TimeOrigin};
use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
    iter, mem,
    ops::Range,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

/// So many bytes of messages are kept together at most, but for a longer message.
const CHUNK: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Tail {
    held: RwLock<Held>,
    bytes: AtomicUsize,
}

#[derive(Default)]
struct Held {
    /// By position. They change no more.
    full: VecDeque<Arc<Chunk>>,
    /// What comes in is added here.
    open: Chunk,
    /// The number of each source's newest message.
    newest: BySource<u64>,
    /// Messages with a device time that are filed under another, with their positions: copies of them may be filed
    /// anywhere.
    suspects: BySource<HashMap<RecordIdentity, u64>>,
    /// What came in before these positions was erased.
    erased: BySource<u64>,
    /// What came in before this position is packed.
    packed_to: u64,
}

/// Some messages in the order of their positions.
#[derive(Default)]
pub(super) struct Chunk {
    /// The number of the first one: they are counted from the first that ever came in.
    first: u64,
    pub entries: Vec<Entry>,
    /// The stored form of each, without gaps.
    pub bytes: Vec<u8>,
}

pub(super) struct Entry {
    pub position: u64,
    pub time: i64,
    pub source: SourceId,
    /// Where in the chunk's bytes it begins.
    pub start: u32,
    /// So many messages before it the source has another one; 0 when it is the first.
    back: u32,
}

/// Messages of one source and period.
pub(super) struct Taken {
    /// In the order asked for.
    pub messages: Vec<(u64, Telemetry)>,
    /// When there were more than asked for: the time of the next one.
    pub next: Option<i64>,
}

pub(super) type BySource<V> = HashMap<SourceId, V, BuildHasherDefault<ByNumber>>;

/// The catalog numbers sources, no stranger does: nobody can make their hashes collide, so they need not take long.
#[derive(Default)]
pub(super) struct ByNumber(u64);

impl Tail {
    /// Memory that is used.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn absorb(&self, batch: &journal::Committed) {
        let mut held = self.write();
        let mut bytes = 0;
        for ((position, record), stored) in (batch.first.0..).zip(&batch.records).zip(batch.stored.each()) {
            let (source, time) = match record {
                Record::Telemetry(telemetry) => (telemetry.source, telemetry.time),
                Record::Derived(derived) => (derived.source, derived.time),
                Record::Contact(_) | Record::Reply(_) | Record::Problem(_) => continue,
            };
            let is_erased = held.erased.get(&source).is_some_and(|before| position < *before);
            if !is_erased && !held.is_copy(source, position, record) {
                held.push(source, position, time.millis(), stored);
                bytes += memory(1, stored.len());
            }
        }
        drop(held);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Forgets what a source has before `position`, also what comes in later.
    pub(super) fn erase(&self, source: SourceId, position: u64) {
        let mut held = self.write();
        let erased = held.erased.entry(source).or_default();
        *erased = position.max(*erased);
        held.forget_suspects(position, |other| other == source);
    }

    /// Forgets what was packed: everything before `position`.
    pub(super) fn trim(&self, position: u64) {
        let mut held = self.write();
        held.packed_to = held.packed_to.max(position);
        held.forget_suspects(position, |_| true);
        held.erased.retain(|_, before| *before > position);
        if held.open.is_before(position) {
            held.close();
        }
        let count = held.full.partition_point(|chunk| chunk.is_before(position));
        let gone: Vec<_> = held.full.drain(..count).collect();
        let first = held.full.front().map_or(held.open.first, |chunk| chunk.first);
        held.newest.retain(|_, number| *number >= first);
        // Giving much memory back takes its time.
        drop(held);
        let freed = gone.iter().map(|chunk| memory(chunk.entries.len(), chunk.bytes.len())).sum();
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
    }

    /// What is to be packed: everything before `end`.
    pub(super) fn waiting(&self, end: u64) -> Waiting {
        let mut held = self.write();
        held.close();
        let chunks = held.full.iter().take_while(|chunk| !chunk.is_from(end)).cloned().collect();
        let erased = held.erased.clone();
        let suspected = held.suspects.keys().copied().collect();
        let positions = held.packed_to..end;
        drop(held);
        let is_wanted = |entry: &Entry| {
            positions.contains(&entry.position)
                && erased.get(&entry.source).is_none_or(|before| entry.position >= *before)
        };
        Waiting::new(chunks, is_wanted, suspected)
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
        let held = self.read();
        let newest_first = held.of(source).filter(|(_, entry)| span.contains(&entry.time));
        let mut entries: Vec<(&Chunk, &Entry)> = newest_first.collect();
        entries.reverse();
        entries.sort_by_key(|(_, entry)| entry.time);
        if order == Order::Descending {
            entries.reverse();
        }
        let last = wanted.checked_sub(1).and_then(|last| entries.get(last)).map(|(_, entry)| entry.time);
        let count = last.map_or(entries.len(), |last| {
            wanted + entries[wanted..].iter().take_while(|(_, entry)| entry.time == last).count()
        });
        let next = entries.get(count).map(|(_, entry)| entry.time);
        let message = |(chunk, entry): &(&Chunk, &Entry)| {
            let mut from = Unread(&chunk.bytes[entry.start as usize..]);
            let message = codec::decode_message(&mut from).map_err(FileError::Unpacked)?;
            Ok((entry.position, message))
        };
        Ok(Taken { messages: entries[..count].iter().map(message).collect::<Outcome<_>>()?, next })
    }

    /// The time of the message of a source in `span` that comes first in `order`.
    pub(super) fn first(&self, source: SourceId, span: &Range<i64>, order: Order) -> Option<i64> {
        let held = self.read();
        let times = held.of(source).map(|(_, entry)| entry.time).filter(|time| span.contains(time));
        match order {
            Order::Ascending => times.min(),
            Order::Descending => times.max(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of so many messages that take so many bytes.
fn memory(entries: usize, bytes: usize) -> usize {
    entries * mem::size_of::<Entry>() + bytes
}

impl Held {
    fn push(&mut self, source: SourceId, position: u64, time: i64, stored: &[u8]) {
        if self.open.bytes.len() + stored.len() > CHUNK {
            self.close();
        }
        let Chunk { first, entries, bytes } = &mut self.open;
        let number = *first + entries.len() as u64;
        let before = self.newest.insert(source, number);
        // There is no memory for so many that it would not fit.
        let back = before.map_or(0, |before| u32::try_from(number - before).unwrap_or(0));
        entries.push(Entry { position, time, source, start: bytes.len() as u32, back });
        bytes.extend_from_slice(stored);
    }

    /// Whether another message that is filed elsewhere has the same identity.
    fn is_copy(&mut self, source: SourceId, position: u64, record: &Record) -> bool {
        if let Record::Telemetry(telemetry) = record
            && telemetry.time_origin == TimeOrigin::Suspect
        {
            let Some(identity) = telemetry.identity() else { return false };
            let suspects = self.suspects.entry(source).or_default();
            return *suspects.entry(identity).or_insert(position) != position;
        }
        let Some(suspects) = self.suspects.get(&source) else { return false };
        let identity = match record {
            Record::Telemetry(telemetry) => telemetry.identity(),
            Record::Derived(derived) => derived.as_telemetry().identity(),
            _ => None,
        };
        identity.is_some_and(|identity| suspects.contains_key(&identity))
    }

    /// Those before `position` of some sources.
    fn forget_suspects(&mut self, position: u64, of: impl Fn(SourceId) -> bool) {
        self.suspects.retain(|source, suspects| {
            if of(*source) {
                suspects.retain(|_, noted| *noted >= position);
            }
            !suspects.is_empty()
        });
    }

    /// Adds no more to the open chunk. Room for as much is made for the next, so that it need not grow.
    fn close(&mut self) {
        let Chunk { first, entries, bytes } = &self.open;
        if entries.is_empty() {
            return;
        }
        let next = Chunk {
            first: first + entries.len() as u64,
            entries: Vec::with_capacity(entries.len() + entries.len() / 8),
            bytes: Vec::with_capacity(bytes.len().next_power_of_two().min(CHUNK)),
        };
        self.full.push_back(Arc::new(mem::replace(&mut self.open, next)));
    }

    /// The messages of a source, the newest first.
    fn of(&self, source: SourceId) -> impl Iterator<Item = (&Chunk, &Entry)> {
        let erased = self.erased.get(&source).copied().unwrap_or_default();
        let from = self.packed_to.max(erased);
        let mut next = self.newest.get(&source).copied();
        let mut chunk = &self.open;
        let mut older = self.full.iter().rev();
        iter::from_fn(move || {
            let number = next?;
            while chunk.first > number {
                chunk = older.next()?;
            }
            let entry = chunk.entries.get((number - chunk.first) as usize)?;
            next = (entry.back > 0).then(|| number - u64::from(entry.back));
            (entry.position >= from).then_some((chunk, entry))
        })
    }
}

impl Chunk {
    /// Whether everything in it came in before `position`.
    fn is_before(&self, position: u64) -> bool {
        self.entries.last().is_some_and(|last| last.position < position)
    }

    /// Whether nothing in it did.
    fn is_from(&self, position: u64) -> bool {
        self.entries.first().is_none_or(|first| first.position >= position)
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

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;
