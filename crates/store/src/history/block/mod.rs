//! The stored form of messages: a block holds some of one source in order of time, as columns. Versions 1 to 6, which
//! are read for ever (`testdata/history`): a change of meaning is a new version beside them.
//!
//! ```text
//! block    version u8, CRC-32 of all after it u32, records varint, length of the columns varint,
//!          length of their zstd frame varint, the frame, the records' hashes: 16 bytes each in versions 1, 3 and 5, their
//!          lowest 4 in the others; those from 3 on have positions from cells among their fixes
//! ```
//!
//! Since version 5, when the length of the frame is that of the columns, the columns themselves stand in its place.
//! `columns` says what they are, `integers`, `decimals` and `bits` how their numbers are written. Hashes are random
//! bytes: they are not worth compressing.

mod bits;
mod columns;
mod decimals;
mod integers;

use crate::wire::{DecodeError, Unread, put_varint};
use domain::{RecordHash, SourceId, Telemetry};
use std::{io, mem};

/// The newest version that this program writes and reads.
const VERSION: u8 = 6;

/// What a block is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Quickly, with whole hashes.
    UntilMerged,
    /// In little room, with shortened hashes.
    ForLong,
}

impl Keeping {
    /// The version in which it is written now.
    fn version(self) -> u8 {
        match self {
            Self::UntilMerged => 5,
            Self::ForLong => 6,
        }
    }

    fn hash_length(self) -> usize {
        match self {
            Self::UntilMerged => WHOLE_HASH,
            Self::ForLong => SHORT_HASH,
        }
    }

    /// Further levels hardly make these small blocks smaller, and take much longer.
    fn zstd_level(self) -> i32 {
        match self {
            Self::UntilMerged => 1,
            Self::ForLong => 6,
        }
    }

    /// Numbers are bits already: zstd is worth its time where there is more than them, or for long.
    fn tries_zstd(self, written: &columns::Written<'_>) -> bool {
        self == Self::ForLong || written.plain > written.columns.len() / 8
    }
}

/// How the versions differ.
struct Layout {
    hash_length: usize,
    /// The columns may stand in the place of their frame.
    may_be_bare: bool,
}

impl Layout {
    fn of(version: u8) -> Result<Self, BlockError> {
        let hash_length = match version {
            0 => return Err(DecodeError::OutOfRange("a version").into()),
            1 | 3 | 5 => WHOLE_HASH,
            2 | 4 | 6 => SHORT_HASH,
            newer => return Err(BlockError::Newer(newer)),
        };
        Ok(Self { hash_length, may_be_bare: version > 4 })
    }
}

const WHOLE_HASH: usize = mem::size_of::<u128>();
const SHORT_HASH: usize = mem::size_of::<u32>();

/// A block has no more records than this.
pub(super) const MAX_RECORDS: usize = 4096;

/// Nor, unless it has one record, more inputs.
const MAX_INPUTS: usize = 1 << 20;

/// Length of columns: an append to the journal cannot hold more than this (64 MiB) plus what columns add.
const MAX_COLUMNS: usize = 96 << 20;

/// No zstd frame expands more than this many times.
const MAX_RATIO: usize = 1 << 16;

#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    #[error("a block has format version {0}, this program reads up to {VERSION}")]
    Newer(u8),
    #[error("the checksum of a block is wrong")]
    Checksum,
    #[error("the columns of a block cannot be decompressed")]
    Compression(#[source] io::Error),
    #[error("a block cannot be understood")]
    Content(#[from] DecodeError),
}

/// Writes blocks; keeps what it needs for that between them.
pub(super) struct Encoder {
    zstd: zstd::bulk::Compressor<'static>,
    columns: columns::Writer,
    frame: Vec<u8>,
}

impl Encoder {
    /// # Errors
    /// When there is no memory for it.
    pub(super) fn new() -> io::Result<Self> {
        let zstd = zstd::bulk::Compressor::new(Keeping::UntilMerged.zstd_level())?;
        Ok(Self { zstd, columns: columns::Writer::default(), frame: Vec::new() })
    }

    /// Begins a block; forgets what was pushed and not finished.
    pub(super) fn begin(&mut self) {
        self.columns.clear();
    }

    /// How many records the block has.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The times of the first and the last.
    pub(super) fn span(&self) -> (i64, i64) {
        self.columns.span()
    }

    /// Whether another record may be in the same block. The first always may.
    pub(super) fn fits(&self, record: &Telemetry) -> bool {
        self.columns.fits(record)
    }

    /// Adds a record, which is of the same source as the others and comes after them.
    pub(super) fn push(&mut self, record: &Telemetry) {
        self.columns.push(record);
    }

    /// Appends the block of the records that were pushed, and begins another one.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(super) fn finish(&mut self, keeping: Keeping, out: &mut Vec<u8>) -> io::Result<()> {
        let written = self.columns.write();
        let columns = written.columns;
        let mut frame = columns;
        if keeping.tries_zstd(&written) {
            self.zstd.set_compression_level(keeping.zstd_level())?;
            self.frame.clear();
            self.frame.reserve(zstd::zstd_safe::compress_bound(columns.len()));
            self.zstd.compress_to_buffer(columns, &mut self.frame)?;
            if self.frame.len() < columns.len() {
                frame = &self.frame;
            }
        }
        let start = out.len();
        out.push(keeping.version());
        out.extend_from_slice(&[0; CHECKSUM]);
        put_varint(out, written.hashes.len() as u64);
        put_varint(out, columns.len() as u64);
        put_varint(out, frame.len() as u64);
        out.extend_from_slice(frame);
        let hash_length = keeping.hash_length();
        for hash in written.hashes {
            out.extend_from_slice(&hash.0.to_le_bytes()[..hash_length]);
        }
        let checksum = crc32fast::hash(&out[start + HEADER..]);
        out[start + 1..start + HEADER].copy_from_slice(&checksum.to_le_bytes());
        self.columns.clear();
        Ok(())
    }
}

/// For a fuzzer: whatever the bytes are, as a block (its checksum made right) or as the columns of `count` records,
/// nothing worse than an error comes of it, and what is understood is written and read again alike.
///
/// # Panics
/// When that is not so.
#[cfg(feature = "testing")]
pub fn try_bytes(bytes: &[u8], count: u8) {
    let source = SourceId(1);
    let mut block = bytes.to_vec();
    if block.len() >= HEADER {
        let checksum = crc32fast::hash(&block[HEADER..]);
        block[1..HEADER].copy_from_slice(&checksum.to_le_bytes());
    }
    let Ok((mut encoder, mut decoder)) = Encoder::new().and_then(|encoder| Ok((encoder, Decoder::new()?)))
    else {
        return;
    };
    let understood = [decoder.decode(source, &block).ok(), columns::read(bytes, source, count.into()).ok()];
    for records in understood.into_iter().flatten() {
        for keeping in [Keeping::UntilMerged, Keeping::ForLong] {
            let mut written = Vec::new();
            if !records.iter().all(|record| {
                let fits = encoder.fits(record);
                encoder.push(record);
                fits
            }) {
                encoder.finish(keeping, &mut written).unwrap_or_default();
                continue;
            }
            encoder.finish(keeping, &mut written).unwrap_or_default();
            let mut read = decoder.decode(source, &written).unwrap_or_default();
            read.iter_mut().zip(&records).for_each(|(read, record)| read.hash = record.hash);
            assert_eq!(format!("{read:?}"), format!("{records:?}"), "{keeping:?}");
        }
    }
}

const CHECKSUM: usize = mem::size_of::<u32>();
const HEADER: usize = 1 + CHECKSUM;

/// Reads blocks; keeps what it needs for that between them.
pub(super) struct Decoder {
    zstd: zstd::bulk::Decompressor<'static>,
    columns: Vec<u8>,
}

impl Decoder {
    /// # Errors
    /// When there is no memory for it.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { zstd: zstd::bulk::Decompressor::new()?, columns: Vec::new() })
    }

    /// # Errors
    /// When it is no block, is damaged, or was written by a newer program. No bytes make it allocate more than a
    /// multiple of their number.
    pub(super) fn decode(&mut self, source: SourceId, block: &[u8]) -> Result<Vec<Telemetry>, BlockError> {
        let mut from = Unread(block);
        let layout = Layout::of(from.byte()?)?;
        let checksum = u32::from_le_bytes(from.array()?);
        if crc32fast::hash(from.0) != checksum {
            return Err(BlockError::Checksum);
        }
        let count = bounded(from.varint()?, MAX_RECORDS, "a number of records")?;
        let length = bounded(from.varint()?, MAX_COLUMNS, "the length of columns")?;
        let frame = from.bytes()?;
        if length > frame.len().saturating_mul(MAX_RATIO) {
            return Err(DecodeError::OutOfRange("the length of columns").into());
        }
        let columns = if layout.may_be_bare && frame.len() == length {
            frame
        } else {
            self.columns.clear();
            self.columns.reserve(length);
            self.zstd.decompress_to_buffer(frame, &mut self.columns).map_err(BlockError::Compression)?;
            &self.columns
        };
        let hashes = from.take(count * layout.hash_length)?;
        if !from.0.is_empty() {
            return Err(DecodeError::Trailing(from.0.len()).into());
        }
        let mut records = columns::read(columns, source, count)?;
        for (record, hash) in records.iter_mut().zip(hashes.chunks_exact(layout.hash_length)) {
            let mut whole = [0; WHOLE_HASH];
            whole[..hash.len()].copy_from_slice(hash);
            record.hash = RecordHash(u128::from_le_bytes(whole));
        }
        if self.columns.capacity() > KEPT_BUFFER {
            self.columns = Vec::new();
        }
        Ok(records)
    }
}

/// A buffer longer than this is not kept for the next block.
const KEPT_BUFFER: usize = 1 << 20;

fn bounded(number: u64, most: usize, what: &'static str) -> Result<usize, DecodeError> {
    usize::try_from(number).ok().filter(|number| *number <= most).ok_or(DecodeError::OutOfRange(what))
}

#[cfg(test)]
mod tests;
