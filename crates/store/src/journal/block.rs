//! The bytes of a segment file around its records: the file's header, and the header of each committed batch.
//! All numbers are little endian.

use std::path::{Path, PathBuf};

/// The newest version that this program writes and reads. It is that of the records (`codec`); blocks are as ever.
pub(super) const VERSION: u32 = 2;

/// Magic, version, position of the first record, checksum of these: in every version, so that an older program can
/// tell a file that is too new for it from a damaged one.
pub(super) const SEGMENT_HEADER: usize = 24;
const SEGMENT_MAGIC: [u8; 8] = *b"OUTRIDEJ";

/// Magic, length of the records' bytes, number of records, position of the first, checksum of the records' bytes,
/// checksum of this header.
pub(super) const BLOCK_HEADER: usize = 28;
const BLOCK_MAGIC: [u8; 4] = *b"OJB1";

/// A block never holds more bytes of records, so that a damaged length cannot ask for much memory.
pub(super) const MAX_PAYLOAD: usize = 64 << 20;

/// What the start of a segment file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentHeader {
    Good,
    /// A version that this program does not know.
    Newer(u32),
    Damaged,
}

/// Name of the segment whose first record has position `first`; names sort as positions do.
pub(super) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.seg"))
}

/// Position of the first record of the segment with this name; `None` when it is no segment's name.
pub(super) fn segment_first(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg").filter(|digits| digits.len() == 20)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

pub(super) fn segment_header(first: u64) -> [u8; SEGMENT_HEADER] {
    segment_header_of(VERSION, first)
}

fn segment_header_of(version: u32, first: u64) -> [u8; SEGMENT_HEADER] {
    let mut header = [0; SEGMENT_HEADER];
    header[..8].copy_from_slice(&SEGMENT_MAGIC);
    header[8..12].copy_from_slice(&version.to_le_bytes());
    header[12..20].copy_from_slice(&first.to_le_bytes());
    let checksum = crc32fast::hash(&header[..20]);
    header[20..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// Judges the start of the segment that is named by `first`.
pub(super) fn check_segment_header(bytes: &[u8], first: u64) -> SegmentHeader {
    let version =
        bytes.get(8..).and_then(<[u8]>::first_chunk).map_or(0, |version| u32::from_le_bytes(*version));
    if version == 0 || bytes != segment_header_of(version, first) {
        SegmentHeader::Damaged
    } else if version > VERSION {
        SegmentHeader::Newer(version)
    } else {
        SegmentHeader::Good
    }
}

/// The header of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHeader {
    /// Position of the first record.
    pub first: u64,
    /// Number of records, 1 or more.
    pub count: u32,
    /// Length of the records' bytes.
    pub payload: u32,
    /// CRC-32 of the records' bytes.
    pub checksum: u32,
}

impl BlockHeader {
    /// The position after the last record.
    pub(super) fn end(self) -> u64 {
        self.first.saturating_add(self.count.into())
    }

    pub(super) fn block_length(self) -> u64 {
        BLOCK_HEADER as u64 + u64::from(self.payload)
    }

    /// The header's checksum covers where the block stands too: bytes that once were a block of another file, or of
    /// another place, are none here.
    pub(super) fn to_bytes(self, segment: u64, offset: u64) -> [u8; BLOCK_HEADER] {
        let mut header = [0; BLOCK_HEADER];
        header[..4].copy_from_slice(&BLOCK_MAGIC);
        header[4..8].copy_from_slice(&self.payload.to_le_bytes());
        header[8..12].copy_from_slice(&self.count.to_le_bytes());
        header[12..20].copy_from_slice(&self.first.to_le_bytes());
        header[20..24].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = header_checksum(&header, segment, offset);
        header[24..].copy_from_slice(&checksum.to_le_bytes());
        header
    }

    /// `None` when there is no header of a block of this segment at this place.
    pub(super) fn from_bytes(bytes: &[u8; BLOCK_HEADER], segment: u64, offset: u64) -> Option<Self> {
        if bytes[..4] != BLOCK_MAGIC {
            return None;
        }
        let word = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
        let first = bytes[12..].first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        let header = Self { first, count: word(8), payload: word(4), checksum: word(20) };
        let whole = word(24) == header_checksum(bytes, segment, offset)
            && header.count > 0
            && header.payload as usize <= MAX_PAYLOAD
            && first.checked_add(header.count.into()).is_some();
        whole.then_some(header)
    }
}

fn header_checksum(header: &[u8; BLOCK_HEADER], segment: u64, offset: u64) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&segment.to_le_bytes());
    checksum.update(&offset.to_le_bytes());
    checksum.update(&header[..24]);
    checksum.finalize()
}
