//! The history: stored messages by source and time. It follows the journal, keeps a record once however often the
//! device sent it, and forgets what is older than the retention.
//!
//! `EmbeddedHistory` keeps it in files: the `tail` holds what is not packed yet, the `writer` packs what is `waiting` there
//! as `block`s into a `file` for each `period`, which stand on the `shelf`; the `store` reads both, `ledger` remembers how far it is.

mod block;
mod config;
#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(test)]
mod crashes;
mod embedded;
mod failure;
mod file;
mod identities;
mod jobs;
mod ledger;
mod maker;
mod period;
mod shelf;
mod store;
mod tail;
mod waiting;
mod writer;

pub(crate) use embedded::FOLDER;
pub(crate) use ledger::FILE as LEDGER;

pub use block::BlockError;
#[cfg(feature = "testing")]
pub use block::try_bytes as try_block;
pub use config::HistoryConfig;
pub use embedded::{EmbeddedHistory, Holding};
pub use failure::FileError;
pub use writer::{Merging, Packed};

use crate::journal::Position;
use domain::{SourceId, Telemetry, Timestamp};
use std::{future::Future, ops::Range, pin::Pin, sync::Arc};

pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, HistoryError>> + Send + 'a>>;

/// The contract. Any implementation passes `conformance`.
///
/// What is read is in order of `Telemetry::time`; records of one millisecond in the order in which they came in. What was
/// learned later about a record is a message of its own (`Derived::as_telemetry`). Of
/// records with the same `Telemetry::identity` a source has only the first that came in. What is read may have its
/// hash shortened.
pub trait History: Send + Sync + 'static {
    /// The messages of `source` whose time is in `span` (its end not included), in pieces: a long span is never held in
    /// memory. A message that comes in while it is read may be missing; nothing is missing or doubled for another reason.
    fn read(&self, source: SourceId, span: Range<Timestamp>, order: Order) -> Box<dyn Messages>;

    /// The newest message of `source` before `time`.
    fn last_before(&self, source: SourceId, time: Timestamp) -> Answer<'_, Option<Telemetry>>;

    /// How many messages `read` would give.
    fn count(&self, source: SourceId, span: Range<Timestamp>) -> Answer<'_, u64>;

    /// Waits until every record before `position` of the journal can be read here. After an append of n records at p
    /// that is p + n.
    fn caught_up_to(&self, position: Position) -> Answer<'_, ()>;

    /// Forgets everything that came in from `source` up to now, for ever.
    fn erase(&self, source: SourceId) -> Answer<'_, ()>;

    /// Forgets messages older than `time`, in units of the implementation's: those that are a little older may stay.
    fn drop_before(&self, time: Timestamp) -> Answer<'_, ()>;

    /// Why the newest messages are missing now; `None` when none are.
    fn trouble(&self) -> Option<HistoryError>;
}

/// Messages that are being read.
pub trait Messages: Send {
    /// The next messages, 1 or more; `None` when there are no more. A call that is given up loses nothing; after an
    /// error the next call tries again.
    fn next(&mut self) -> Answer<'_, Option<Vec<Telemetry>>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    #[error("the history cannot be read: {0}")]
    Unreadable(Arc<str>),
    #[error("the history cannot be written: {0}")]
    Unwritable(Arc<str>),
    #[error("the history cannot follow the journal: {0}")]
    Journal(#[from] crate::journal::JournalError),
    #[error("the newest messages wait in the journal: packing lags behind")]
    Lagging,
    #[error("the history is closed")]
    Closed,
}
