//! What is committed, as the writer tells it and followers see it: how far the files are good, the newest batches in
//! memory, whether the journal takes more.

use super::{
    Committed, JournalError, Position,
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
}

/// What followers wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// The position after the last committed record.
    pub end: u64,
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
        let (progress, _) = watch::channel(Progress { end: extent.end, is_over: false });
        Self {
            durable: Mutex::new(Durable { extent, recent: VecDeque::new(), footprint: 0 }),
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
            Some(batch) => {
                let skipped = (position - batch.first.0) as usize;
                let records = batch.records[skipped..].to_vec();
                Next::Batch(Arc::new(Committed { first: Position(position), records }))
            }
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
    }

    /// A batch is durable in the last segment, which now is `length` long.
    pub(super) fn publish(&self, batch: Committed, footprint: usize, length: u64) {
        let end = batch.first.0 + batch.records.len() as u64;
        let mut durable = self.durable();
        durable.extent.end = end;
        if let Some(segment) = durable.extent.segments.last_mut() {
            segment.length = length;
        }
        durable.recent.push_back((Arc::new(batch), footprint));
        durable.footprint += footprint;
        // The newest always stays, so that live followers need no file however large a batch is.
        while durable.footprint > self.recent_bytes && durable.recent.len() > 1 {
            let oldest = durable.recent.pop_front();
            durable.footprint -= oldest.map_or(0, |(_, footprint)| footprint);
        }
        drop(durable);
        self.progress.send_modify(|progress| progress.end = end);
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
            let batch = Committed { first: Position(first), records: vec![Record::Contact(contact); 2] };
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
