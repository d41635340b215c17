//! Damaged places of the journal: each is reported once, however many readers pass it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// So many places are remembered; further ones are reported each time they are passed.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Damages(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    places: BTreeSet<(PathBuf, u64)>,
    reported: usize,
}

impl Damages {
    /// `length` bytes at `offset` are no block; 0 bytes when blocks are missing at the end of the file.
    pub(super) fn report(&self, file: &Path, offset: u64, length: u64) {
        let mut known = self.known();
        let place = (file.to_owned(), offset);
        if known.places.contains(&place) {
            return;
        }
        if known.places.len() < REMEMBERED {
            known.places.insert(place);
        }
        known.reported += 1;
        drop(known);
        metrics::counter!("journal_bad_blocks_total").increment(1);
        tracing::error!(file = %file.display(), offset, length, "records of the journal are damaged and were skipped");
    }

    /// How many were reported.
    pub(super) fn count(&self) -> usize {
        self.known().reported
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
