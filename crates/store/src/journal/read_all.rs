//! Reads a journal without opening it: for tools that count, and for tests. Needs no lock and changes nothing.

use super::{
    Committed, OpenError,
    damage::Damages,
    embedded::FOLDER,
    reader::{Extent, ReadError, Reader},
    survey::survey,
};
use crate::disk::{Disk, RealDisk};
use std::{collections::VecDeque, path::Path, sync::Arc};

/// So many bytes of records are read at a time.
const READ_AHEAD: usize = 1 << 20;

/// What the journal of a data directory holds at this moment, in order. Its last commit may be one that is not
/// acknowledged yet; damaged places are reported and skipped.
///
/// # Errors
/// When the directory or a file cannot be read, or a newer program wrote it.
pub fn read_all(data_dir: &Path) -> Result<AllRecords, OpenError> {
    read_all_on(Arc::new(RealDisk), data_dir)
}

/// `read_all` on a disk of the caller's.
///
/// # Errors
/// Those of `read_all`.
pub fn read_all_on(disk: Arc<dyn Disk>, data_dir: &Path) -> Result<AllRecords, OpenError> {
    let dir: Arc<Path> = data_dir.join(FOLDER).into();
    let damages = Damages::default();
    let extent = survey(&*disk, &dir, &damages)?.extent;
    let reader = Reader::new(disk, dir, 0);
    Ok(AllRecords { extent, reader, damages, ready: VecDeque::new(), is_over: false })
}

/// See `read_all`. Ends after the first error.
pub struct AllRecords {
    extent: Extent,
    reader: Reader,
    damages: Damages,
    ready: VecDeque<Committed>,
    is_over: bool,
}

impl AllRecords {
    /// Damaged places passed so far.
    pub fn bad_blocks(&self) -> usize {
        self.damages.count()
    }
}

impl Iterator for AllRecords {
    type Item = Result<Committed, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() && !self.is_over {
            match self.reader.read(READ_AHEAD, |position| self.extent.span(position), &self.damages) {
                Ok(blocks) => self.ready.extend(blocks),
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
        self.ready.pop_front().map(Ok)
    }
}
