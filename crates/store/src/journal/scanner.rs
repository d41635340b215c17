//! Finds the blocks of one segment file, the damaged places between them included.

use super::block::{BLOCK_HEADER, BlockHeader, SEGMENT_HEADER};
use crate::disk::DiskFile;
use std::{io, ops::Range, sync::Arc};

/// A file is read in pieces of this size, or of one block where that is longer.
const PIECE: usize = 256 << 10;

pub(super) struct Scanner {
    file: Arc<dyn DiskFile>,
    /// Position by which the segment is named.
    segment: u64,
    offset: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    buffer_at: u64,
    payload: Range<usize>,
}

/// What stands at a place of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole block; its records are `Scanner::payload`.
    Block(BlockHeader),
    /// Bytes that are no whole block. `header` is there when only the records' bytes are damaged.
    Damage { offset: u64, length: u64, header: Option<BlockHeader> },
}

impl Scanner {
    pub(super) fn new(file: Arc<dyn DiskFile>, segment: u64) -> Self {
        let offset = SEGMENT_HEADER as u64;
        Self { file, segment, offset, buffer: Vec::new(), buffer_at: offset, payload: 0..0 }
    }

    pub(super) fn segment(&self) -> u64 {
        self.segment
    }

    /// Where the next block is looked for.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Gives the memory back; bytes are read again when they are needed.
    pub(super) fn release(&mut self) {
        self.buffer = Vec::new();
        self.payload = 0..0;
    }

    /// The bytes of the records of the block just found.
    pub(super) fn payload(&self) -> &[u8] {
        &self.buffer[self.payload.clone()]
    }

    /// The next thing within the first `length` bytes of the file; `None` when all of them are read.
    pub(super) fn next(&mut self, length: u64) -> io::Result<Option<Found>> {
        if self.offset >= length {
            return Ok(None);
        }
        let Some(header) = self.header_at(self.offset, length)? else {
            return self.skip_damage(length).map(Some);
        };
        let offset = self.offset;
        let block_length = header.block_length();
        if offset + block_length > length {
            self.offset = length;
            return Ok(Some(Found::Damage { offset, length: length - offset, header: Some(header) }));
        }
        let at = self.load(offset, block_length as usize, length)?;
        self.payload = at + BLOCK_HEADER..at + block_length as usize;
        self.offset += block_length;
        if crc32fast::hash(self.payload()) == header.checksum {
            Ok(Some(Found::Block(header)))
        } else {
            Ok(Some(Found::Damage { offset, length: block_length, header: Some(header) }))
        }
    }

    /// Goes to the next place that has a header. A header's checksum covers its place, so that no bytes of a record
    /// can pass for one.
    fn skip_damage(&mut self, length: u64) -> io::Result<Found> {
        let from = self.offset;
        let mut offset = from + 1;
        while offset < length && self.header_at(offset, length)?.is_none() {
            offset += 1;
        }
        self.offset = offset;
        Ok(Found::Damage { offset: from, length: offset - from, header: None })
    }

    fn header_at(&mut self, offset: u64, length: u64) -> io::Result<Option<BlockHeader>> {
        if offset + BLOCK_HEADER as u64 > length {
            return Ok(None);
        }
        let at = self.load(offset, BLOCK_HEADER, length)?;
        let header = self.buffer[at..].first_chunk();
        Ok(header.and_then(|bytes| BlockHeader::from_bytes(bytes, self.segment, offset)))
    }

    /// Sees that `wanted` bytes from `offset` on are in the buffer; answers where in it they begin.
    fn load(&mut self, offset: u64, wanted: usize, length: u64) -> io::Result<usize> {
        let end = offset + wanted as u64;
        if offset < self.buffer_at || end > self.buffer_at + self.buffer.len() as u64 {
            let piece = (length - offset).min(wanted.max(PIECE) as u64) as usize;
            self.buffer.resize(piece, 0);
            self.buffer_at = offset;
            if let Err(error) = read_exactly(&*self.file, &mut self.buffer, offset) {
                self.buffer.clear();
                return Err(error);
            }
        }
        Ok((offset - self.buffer_at) as usize)
    }
}

fn read_exactly(file: &dyn DiskFile, into: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < into.len() {
        match file.read_at(&mut into[done..], offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
