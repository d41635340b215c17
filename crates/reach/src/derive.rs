//! Positions that did not come as messages but were learned from cells. Here they are written into the journal, from
//! which the live state and history learn them as they learn everything else; those of short messages: `sms/reader.rs`.

use domain::{Clock, Derived, Fix, Record, RecordHash, SourceId, Timestamp, plausible_time};
use std::{sync::Arc, time::Duration};
use store::journal::{Journal, JournalError};

/// Where a source was. `fix.source` says whether it is a GPS point.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    pub source: SourceId,
    /// When it was there. A time that cannot be right becomes the time of writing.
    pub time: Timestamp,
    /// The record that named the cells, which stands at `time`; `None` when there is none.
    pub completes: Option<RecordHash>,
    pub fix: Fix,
}

/// Writes what was learned. Clones write into the same journal.
#[derive(Clone)]
pub struct Derivation {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
}

impl Derivation {
    pub fn new(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>) -> Self {
        Self { journal, clock }
    }

    /// Answers when all of it is durable. To write the same again does no harm: history keeps the first.
    ///
    /// # Errors
    /// When the journal cannot be written; it may hold all of it nevertheless.
    pub async fn write(&self, learned: Vec<Learned>) -> Result<(), JournalError> {
        let received = self.clock.now();
        let record = |Learned { source, time, completes, fix }| {
            // One from the future would hold the position for ever; how old it may be does not matter.
            let time = plausible_time(time, received, Duration::MAX).unwrap_or(received);
            Record::Derived(Derived { source, received, time, completes, fix })
        };
        self.journal.append(learned.into_iter().map(record).collect()).await.map(drop)
    }
}
