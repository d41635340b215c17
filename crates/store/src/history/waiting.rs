//! What of the tail is to be packed, as it was at one moment: by period and source, then by time.

use super::{
    failure::{FileError, Outcome},
    period::Period,
    tail::{BySource, Chunk, Entry},
};
use crate::{journal::codec, wire::Unread};
use domain::{SourceId, Telemetry, Timestamp};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    ops::Range,
    sync::Arc,
};

pub(super) struct Waiting {
    chunks: Vec<Arc<Chunk>>,
    /// By source, then time, then position.
    places: Vec<Place>,
    /// Each period's sources, in order, with what they have.
    groups: BTreeMap<Period, Vec<Group>>,
    /// Sources of which the tail has messages that are filed under another time than their device's.
    suspected: HashSet<SourceId>,
}

pub(super) struct Group {
    source: SourceId,
    places: Range<usize>,
}

/// Messages of one source, by time.
pub(super) struct Part<'a> {
    pub source: SourceId,
    pub places: Cow<'a, [Place]>,
}

/// Where a message is.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    pub position: u64,
    pub time: i64,
    chunk: u32,
    start: u32,
    length: u32,
}

impl Waiting {
    pub(super) fn new(
        chunks: Vec<Arc<Chunk>>,
        is_wanted: impl Fn(&Entry) -> bool,
        suspected: HashSet<SourceId>,
    ) -> Self {
        let (mut places, sources) = by_source(&chunks, is_wanted);
        let mut groups: BTreeMap<Period, Vec<Group>> = BTreeMap::new();
        for (source, all) in sources {
            let of_source = &mut places[all.clone()];
            // They nearly always are so.
            of_source.sort_by_key(|place| place.time);
            let mut start = all.start;
            while let Some(first) = places[start..all.end].first() {
                let period = Period::of(Timestamp::from_millis(first.time));
                let within = period.span();
                let count = places[start..all.end].partition_point(|place| within.contains(&place.time));
                // The last millisecond of all is in no span.
                let end = start + count.max(1);
                groups.entry(period).or_default().push(Group { source, places: start..end });
                start = end;
            }
        }
        Self { chunks, places, groups, suspected }
    }

    pub(super) fn periods(&self) -> impl Iterator<Item = (Period, &[Group])> {
        self.groups.iter().map(|(period, groups)| (*period, &groups[..]))
    }

    /// What a group has that came in at `position` or later.
    pub(super) fn part(&self, group: &Group, position: u64) -> Part<'_> {
        let places = &self.places[group.places.clone()];
        let is_wanted = |place: &Place| place.position >= position;
        let places = if places.iter().all(is_wanted) {
            Cow::Borrowed(places)
        } else {
            Cow::Owned(places.iter().filter(|place| is_wanted(place)).copied().collect())
        };
        Part { source: group.source, places }
    }

    /// Whether the tail has messages of the source that are filed under another time than their device's.
    pub(super) fn has_suspects(&self, source: SourceId) -> bool {
        self.suspected.contains(&source)
    }

    pub(super) fn messages(&self, part: &Part<'_>) -> Outcome<Vec<Telemetry>> {
        let mut messages = Vec::with_capacity(part.places.len());
        self.give(&part.places, &mut Room::default(), &mut |message| {
            messages.push(message.clone());
            true
        })?;
        Ok(messages)
    }

    /// Calls `take` with messages, in their order, until it refuses one.
    pub(super) fn give(
        &self,
        places: &[Place],
        room: &mut Room,
        take: &mut dyn FnMut(&Telemetry) -> bool,
    ) -> Outcome<()> {
        // They are far from each other: brought together first, many are fetched at a time.
        room.bytes.clear();
        for Place { chunk, start, length, .. } in places {
            let bytes = &self.chunks[*chunk as usize].bytes[*start as usize..];
            room.bytes.extend_from_slice(&bytes[..*length as usize]);
        }
        let mut from = Unread(&room.bytes);
        for _ in places {
            codec::decode_message_into(&mut room.message, &mut from).map_err(FileError::Unpacked)?;
            if !take(&room.message) {
                break;
            }
        }
        Ok(())
    }
}

/// Room for messages that are given, kept from one call to the next.
pub(super) struct Room {
    bytes: Vec<u8>,
    message: Telemetry,
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: Vec::new(), message: codec::no_message() }
    }
}

/// Messages by source, and in the order in which they came in. Counting is much faster than comparing.
fn by_source(
    chunks: &[Arc<Chunk>],
    is_wanted: impl Fn(&Entry) -> bool,
) -> (Vec<Place>, Vec<(SourceId, Range<usize>)>) {
    let mut counts: Vec<(SourceId, usize)> = Vec::new();
    let mut numbers: BySource<u32> = BySource::default();
    let mut number_of_each = Vec::with_capacity(chunks.iter().map(|chunk| chunk.entries.len()).sum());
    for entry in chunks.iter().flat_map(|chunk| &chunk.entries).filter(|entry| is_wanted(entry)) {
        let number = *numbers.entry(entry.source).or_insert_with(|| {
            counts.push((entry.source, 0));
            counts.len() as u32 - 1
        });
        counts[number as usize].1 += 1;
        number_of_each.push(number);
    }
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_unstable_by_key(|number| counts[*number].0);
    let mut sources = Vec::with_capacity(counts.len());
    let mut next = vec![0; counts.len()];
    let mut start = 0;
    for number in order {
        let (source, count) = counts[number];
        sources.push((source, start..start + count));
        next[number] = start;
        start += count;
    }
    let mut places = vec![Place::default(); start];
    let mut number_of_each = number_of_each.into_iter();
    for (at, chunk) in (0u32..).zip(chunks) {
        let ends = chunk.entries.iter().skip(1).map(|next| next.start).chain([chunk.bytes.len() as u32]);
        for (entry, end) in chunk.entries.iter().zip(ends).filter(|(entry, _)| is_wanted(entry)) {
            let Some(number) = number_of_each.next() else { break };
            let Entry { position, time, start, .. } = *entry;
            places[next[number as usize]] = Place { position, time, chunk: at, start, length: end - start };
            next[number as usize] += 1;
        }
    }
    (places, sources)
}
