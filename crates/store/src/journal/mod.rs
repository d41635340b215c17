//! The journal: the durable log of what came in from devices. A record is acknowledged to its device only after
//! `Journal::append` has answered.

use domain::{Contact, Record};
use std::{future::Future, pin::Pin, sync::Arc};

/// The number of a record in the journal; records are numbered from 0 without gaps as they are committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

pub type Appending = Pin<Box<dyn Future<Output = Result<Position, JournalError>> + Send>>;
pub type Following<'a> = Pin<Box<dyn Future<Output = Result<Arc<Committed>, JournalError>> + Send + 'a>>;

/// The contract. Any implementation passes `conformance`.
pub trait Journal: Send + Sync + 'static {
    /// Makes `records` durable, all or none, in this order; answers with the position of the first when they are.
    /// Waits for room when the queue is full (it is bounded in bytes), so a caller that awaits it is slowed down.
    ///
    /// # Errors
    /// Nothing of `records` will be acknowledged: the disk is full or failed, or the journal has closed.
    fn append(&self, records: Vec<Record>) -> Appending;

    /// Notes a sign of life without waiting. When the queue is full it is dropped and counted: it is worth less than
    /// what waits.
    fn note(&self, contact: Contact);

    /// Follows the journal from `from` on, for ever: first what is on disk, then each batch right after its commit.
    fn follow(&self, from: Position) -> Box<dyn Follower>;

    /// The position that the next committed record will get.
    fn end(&self) -> Position;

    /// Why the journal cannot be written now; `None` when it can.
    fn trouble(&self) -> Option<JournalError>;
}

/// A reader of the journal. It never holds up a commit: one that lags reads files.
pub trait Follower: Send {
    /// The next records in order.
    ///
    /// # Errors
    /// When the journal has closed and everything committed was read (`Closed`), or a file cannot be read.
    fn next(&mut self) -> Following<'_>;
}

/// Records that became durable together.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// Position of `records[0]`.
    pub first: Position,
    pub records: Vec<Record>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("the disk has less free space than the journal needs")]
    LowSpace,
    #[error("the journal's file failed and takes no more records: {0}")]
    Failed(Arc<str>),
    #[error("the journal is closed")]
    Closed,
}
