//! The clock as an argument: the house reads time only through this trait, so tests decide what time it is.

use crate::Timestamp;

/// Wall-clock time in UTC. An implementation never runs backwards within one process.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}
