//! What is committed, as the writer tells it and followers see it: how far the files are good, the newest batches in
//! memory, whether the journal takes more.

use super::{
    Committed, JournalError, Position, Sealed,
    block::SEGMENT_HEADER,
    reader::{Extent, Segment, Span},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

pub(super) struct Commits {
    durable: Mutex<Durable>,
    trouble: Mutex<Option<JournalError>>,
    progress: watch::Sender<Progress>,
    recent_bytes: usize,
}

struct Durable {
    extent: Extent,
    /// The newest batches with their footprints, without gaps, up to the end.
    recent: VecDeque<(Arc<Committed>, usize)>,
    footprint: usize,
    /// Whether the last segment is being written.
    is_active: bool,
}

/// What followers wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// The position after the last committed record.
    pub end: u64,
    /// The position after the last record of a segment that takes no more.
    pub sealed: u64,
    /// Nothing more will come.
    pub is_over: bool,
}

/// Where a follower finds its next records.
pub(super) enum Next {
    /// Here.
    Batch(Arc<Committed>),
    /// In files.
    Stored,
    /// They do not exist yet.
    Future,
}

impl Commits {
    pub(super) fn new(extent: Extent, recent_bytes: usize) -> Self {
        let (progress, _) = watch::channel(Progress { end: extent.end, sealed: extent.end, is_over: false });
        Self {
            durable: Mutex::new(Durable { extent, recent: VecDeque::new(), footprint: 0, is_active: false }),
            trouble: Mutex::default(),
            progress,
            recent_bytes,
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.progress.borrow().end
    }

    pub(super) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The records from `position` on.
    pub(super) fn next(&self, position: u64) -> Next {
        let durable = self.durable();
        if position >= durable.extent.end {
            return Next::Future;
        }
        let after = durable.recent.partition_point(|(batch, _)| batch.first.0 <= position);
        match after.checked_sub(1).map(|at| &durable.recent[at].0) {
            None => Next::Stored,
            Some(batch) if batch.first.0 == position => Next::Batch(Arc::clone(batch)),
            Some(batch) => Next::Batch(Arc::new(Committed::clone(batch).since(Position(position)))),
        }
    }

    /// See `Extent::span`.
    pub(super) fn span(&self, position: u64) -> Option<Span> {
        self.durable().extent.span(position)
    }

    /// A file begins; it is empty. It may take the place of one that never held anything.
    pub(super) fn begin_segment(&self, segment: Segment) {
        let mut durable = self.durable();
        durable.extent.segments.pop_if(|last| last.first == segment.first);
        durable.extent.segments.push(segment);
        durable.is_active = true;
        drop(durable);
        self.progress.send_modify(|progress| progress.sealed = segment.first);
    }

    /// The last segment takes no more.
    pub(super) fn seal(&self) {
        self.durable().is_active = false;
        self.progress.send_modify(|progress| progress.sealed = progress.end);
    }

    /// The segments that take no more.
    pub(super) fn sealed(&self) -> Vec<Sealed> {
        let durable = self.durable();
        let Extent { segments, end } = &durable.extent;
        let ends = segments.iter().skip(1).map(|next| next.first).chain([*end]);
        let count = segments.len() - usize::from(durable.is_active);
        let sealed = |(segment, end): (&Segment, u64)| Sealed {
            first: Position(segment.first),
            end: Position(end),
            bytes: segment.length,
        };
        segments.iter().zip(ends).take(count).map(sealed).collect()
    }

    /// Takes the oldest segment out if all of it is before `position`, and answers with the position that names it.
    /// Positions are counted on from what the files hold, so that one with records always stays.
    pub(super) fn forget_oldest(&self, position: u64) -> Option<u64> {
        let segments = &mut self.durable().extent.segments;
        let (_, later) = segments.split_first()?;
        let is_before = later.first().is_some_and(|next| next.first <= position);
        let is_counted = later.iter().any(|segment| segment.length > SEGMENT_HEADER as u64);
        (is_before && is_counted).then(|| segments.remove(0).first)
    }

    /// A batch is durable in the last segment, which now is `length` long. Answers with those that are old now.
    pub(super) fn publish(&self, batch: Committed, footprint: usize, length: u64) -> Vec<Arc<Committed>> {
        let end = batch.first.0 + batch.records.len() as u64;
        let mut durable = self.durable();
        durable.extent.end = end;
        if let Some(segment) = durable.extent.segments.last_mut() {
            segment.length = length;
        }
        durable.recent.push_back((Arc::new(batch), footprint));
        durable.footprint += footprint;
        // The newest always stays, so that live followers need no file however large a batch is.
        let mut old = Vec::new();
        while durable.footprint > self.recent_bytes && durable.recent.len() > 1 {
            let oldest = durable.recent.pop_front();
            durable.footprint -= oldest.as_ref().map_or(0, |(_, footprint)| *footprint);
            old.extend(oldest.map(|(batch, _)| batch));
        }
        drop(durable);
        self.progress.send_modify(|progress| progress.end = end);
        old
    }

    /// Nothing more will come.
    pub(super) fn finish(&self) {
        self.trouble().get_or_insert(JournalError::Closed);
        self.progress.send_modify(|progress| progress.is_over = true);
    }

    pub(super) fn set_trouble(&self, trouble: Option<JournalError>) {
        *self.trouble() = trouble;
    }

    pub(super) fn trouble(&self) -> MutexGuard<'_, Option<JournalError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn durable(&self) -> MutexGuard<'_, Durable> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Contact, ContactKind, Record, SourceId, Timestamp};

    #[test]
    fn memory_holds_the_newest_batches_only() {
        let contact = Contact {
            source: SourceId(1),
            received: Timestamp::from_millis(0),
            kind: ContactKind::Heartbeat,
        };
        let commits = Commits::new(Extent::default(), 1000);
        commits.begin_segment(Segment { first: 0, length: 0 });
        for (first, footprint, oldest) in
            [(0, 400, 0), (2, 400, 0), (4, 200, 0), (6, 1, 2), (8, 900, 6), (10, 5000, 10), (12, 1000, 12)]
        {
            let batch = Committed::new(Position(first), vec![Record::Contact(contact); 2]);
            commits.publish(batch, footprint, 0);
            for position in 0..first + 4 {
                let expected = match position {
                    _ if position >= first + 2 => "future",
                    _ if position >= oldest => "here",
                    _ => "stored",
                };
                let found = match commits.next(position) {
                    Next::Batch(batch) => {
                        assert_eq!(batch.first, Position(position));
                        "here"
                    }
                    Next::Stored => "stored",
                    Next::Future => "future",
                };
                assert_eq!(found, expected, "{position} after {first}");
            }
        }
    }
}
