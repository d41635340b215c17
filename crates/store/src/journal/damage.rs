//! Damaged places of the journal: each is reported once, however many readers pass it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// So many places are remembered; further ones are reported each time they are passed.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Damages(Mutex<BTreeSet<(PathBuf, u64)>>);

impl Damages {
    /// `length` bytes at `offset` are no block; 0 bytes when blocks are missing at the end of the file.
    pub(super) fn report(&self, file: &Path, offset: u64, length: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (file.to_owned(), offset);
        if known.contains(&place) {
            return;
        }
        if known.len() < REMEMBERED {
            known.insert(place);
        }
        drop(known);
        metrics::counter!("journal_bad_blocks_total").increment(1);
        tracing::error!(file = %file.display(), offset, length, "records of the journal are damaged and were skipped");
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
