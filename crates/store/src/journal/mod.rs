//! The journal: the durable log of what came in from devices. A record is acknowledged to its device only after
//! `Journal::append` has answered.
//!
//! `EmbeddedJournal` keeps it in files: `queue` → `writer` → segment files (`block`, `stored`, `codec`) → `commits` → `follower`;
//! `survey` is what happens at the start, `scanner` and `reader` read, `segments` ends files and removes them.

mod block;
pub(crate) mod codec;
mod commits;
mod config;
mod damage;
mod embedded;
mod follower;
#[cfg(test)]
mod power_cut;
mod queue;
mod read_all;
mod reader;
mod scanner;
mod segments;
mod stored;
mod survey;
mod writer;

#[cfg(feature = "testing")]
pub mod conformance;

pub(crate) use embedded::FOLDER;

pub use config::JournalConfig;
pub use embedded::EmbeddedJournal;
pub use read_all::{AllRecords, read_all, read_all_on};
pub use reader::ReadError;
pub use segments::Sealed;
#[cfg(feature = "testing")]
pub use stored::try_bytes as try_records;
pub use survey::OpenError;

pub use crate::wire::DecodeError;
use domain::{Contact, Record};
use std::{future::Future, pin::Pin, sync::Arc};
use stored::Stored;

/// The number of a record in the journal. Records are numbered from 0 as they are committed, and no number is given
/// twice; one is missing only where the disk damaged what it held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

pub type Appending = Pin<Box<dyn Future<Output = Result<Position, JournalError>> + Send>>;
pub type Following<'a> = Pin<Box<dyn Future<Output = Result<Arc<Committed>, JournalError>> + Send + 'a>>;

/// The contract. Any implementation passes `conformance`.
pub trait Journal: Send + Sync + 'static {
    /// Makes `records` durable, all or none, in this order; answers with the position of the first when they are.
    /// Waits for room when the queue is full (it is bounded in bytes), so a caller that awaits it is slowed down.
    /// Appends are committed in the order of the calls; those that wait for room in the order in which their futures
    /// were first polled. A future that is dropped may or may not have been committed. No records: answers `end`.
    ///
    /// # Errors
    /// Nothing of `records` may be acknowledged: the disk is full or failed, or the journal has closed. They may be in
    /// the journal all the same.
    fn append(&self, records: Vec<Record>) -> Appending;

    /// Notes a sign of life without waiting. When the queue is full it is dropped and counted: it is worth less than
    /// what waits.
    fn note(&self, contact: Contact);

    /// Follows the journal from `from` on, for ever: first what is on disk, then each batch right after its commit.
    /// A position beyond `end` is waited for; whoever keeps one elsewhere compares them first.
    fn follow(&self, from: Position) -> Box<dyn Follower>;

    /// The position that the next committed record will get.
    fn end(&self) -> Position;

    /// Why the journal cannot be written now; `None` when it can.
    fn trouble(&self) -> Option<JournalError>;
}

/// A reader of the journal. It never holds up a commit: one that lags reads files.
pub trait Follower: Send {
    /// The next records in order, 1 or more. A call that is given up loses nothing.
    ///
    /// # Errors
    /// `Closed` when the journal has closed and everything committed was read; `Unreadable` when a file cannot be
    /// read or understood: the next call tries again.
    fn next(&mut self) -> Following<'_>;
}

/// Records that became durable together.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// Position of `records[0]`.
    pub first: Position,
    pub records: Vec<Record>,
    /// The same.
    pub(crate) stored: Stored,
}

impl Committed {
    pub fn new(first: Position, records: Vec<Record>) -> Self {
        let stored = Stored::of(&records);
        Self { first, records, stored }
    }

    /// What of it is not before `position`.
    fn since(mut self, position: Position) -> Self {
        match position.0.saturating_sub(self.first.0) {
            0 => self,
            before => Self::new(position, self.records.split_off(before as usize)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("the disk has less free space than the journal needs")]
    LowSpace,
    #[error("the journal's file failed and takes no more records: {0}")]
    Failed(Arc<str>),
    #[error("{bytes} bytes of records are more than the {limit} of one append")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the journal cannot be read: {0}")]
    Unreadable(Arc<str>),
    #[error("the journal is closed")]
    Closed,
}
