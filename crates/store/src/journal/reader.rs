//! Reads committed records from segment files, in order, over damaged places and from file to file.

use super::{
    Committed, Position,
    block::segment_path,
    damage::Damages,
    scanner::{Found, Scanner},
    stored::Stored,
};
use crate::{disk::Disk, wire::DecodeError};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A segment file, as far as it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Position of its first record; names the file.
    pub first: u64,
    /// Durable bytes.
    pub length: u64,
}

/// Everything that is durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Extent {
    /// In order of their positions.
    pub segments: Vec<Segment>,
    /// The position after the last committed record.
    pub end: u64,
}

/// The part of a segment that may be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    segment: Segment,
    /// Where the next segment begins.
    until: u64,
}

impl Extent {
    /// The span in which `position` is, or the next one; `None` when nothing more is committed.
    pub(super) fn span(&self, position: u64) -> Option<Span> {
        if position >= self.end {
            return None;
        }
        let at = self.segments.partition_point(|segment| segment.first <= position).saturating_sub(1);
        let nothing = Segment { first: self.end, length: 0 };
        let segment = self.segments.get(at).copied().unwrap_or(nothing);
        let until = self.segments.get(at + 1).map_or(self.end, |next| next.first);
        Some(Span { segment, until })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
    #[error("the records at {offset} of {} cannot be understood", .file.display())]
    Undecodable { file: PathBuf, offset: u64, source: DecodeError },
}

/// A place in the journal from which reading goes on.
pub(super) struct Reader {
    disk: Arc<dyn Disk>,
    dir: Arc<Path>,
    /// The next record to be read.
    pub position: u64,
    scanner: Option<Scanner>,
    /// Whether the open segment has been seen to lack something.
    damaged: bool,
}

impl Reader {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: Arc<Path>, position: u64) -> Self {
        Self { disk, dir, position, scanner: None, damaged: false }
    }

    /// Reads blocks until their records take `budget` bytes on disk or nothing more is committed (then the answer may
    /// be empty). `span` is `Extent::span` of the moment.
    ///
    /// # Errors
    /// When a file cannot be read or was written by a newer program. What stands before is read all the same: the
    /// error comes when there is nothing else to answer.
    pub(super) fn read(
        &mut self,
        budget: usize,
        span: impl Fn(u64) -> Option<Span>,
        damages: &Damages,
    ) -> Result<Vec<Committed>, ReadError> {
        let mut blocks = Vec::new();
        let mut bytes = 0;
        while bytes < budget
            && let Some(span) = span(self.position)
        {
            match self.read_block(span, damages) {
                Ok(None) => {}
                Ok(Some((block, length))) => {
                    bytes += length;
                    blocks.push(block);
                }
                Err(error) => {
                    // The scanner may have gone past what could not be read.
                    self.scanner = None;
                    return if blocks.is_empty() { Err(error) } else { Ok(blocks) };
                }
            }
        }
        Ok(blocks)
    }

    /// Gives the memory back and keeps the place in the file.
    pub(super) fn rest(&mut self) {
        if let Some(scanner) = &mut self.scanner {
            scanner.release();
        }
    }

    fn read_block(&mut self, span: Span, damages: &Damages) -> Result<Option<(Committed, usize)>, ReadError> {
        let Span { segment, until } = span;
        self.position = self.position.max(segment.first);
        if self.position >= until {
            return Ok(None);
        }
        let path = || segment_path(&self.dir, segment.first);
        let scanner = match &mut self.scanner {
            Some(scanner) if scanner.segment() == segment.first => scanner,
            _ => {
                let file = self.disk.open(&path()).map_err(|error| ReadError::Io(path(), error))?;
                self.damaged = false;
                self.scanner.insert(Scanner::new(file, segment.first))
            }
        };
        let offset = scanner.offset();
        match scanner.next(segment.length).map_err(|error| ReadError::Io(path(), error))? {
            Some(Found::Block(header)) if header.end() <= self.position => {}
            Some(Found::Block(header)) => {
                let (records, stored) = Stored::read(scanner.payload(), header.count)
                    .map_err(|source| ReadError::Undecodable { file: path(), offset, source })?;
                let block = Committed { first: Position(header.first), records, stored };
                let block = block.since(Position(self.position));
                self.position = header.end();
                return Ok(Some((block, scanner.payload().len())));
            }
            Some(Found::Damage { offset, length, header }) => {
                damages.report(&path(), offset, length);
                self.damaged = true;
                if let Some(header) = header {
                    // What was refused for lack of space may stand at the end of a file; its positions were given
                    // again in the next.
                    self.position = self.position.max(header.end().min(until));
                }
            }
            None => {
                if !self.damaged {
                    damages.report(&path(), offset, 0);
                }
                self.position = until;
            }
        }
        Ok(None)
    }
}
