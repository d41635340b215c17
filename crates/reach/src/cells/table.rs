//! The file of cells: sorted records of one width, found through a sparse index that alone is held in memory.
//!
//! ```text
//! file     header, page*, index
//! header   "OUTRCELL", version u32, cells u64, CRC-32 of the index u32, CRC-32 of all before it u32
//! page     up to 1,024 cells
//! cell     mcc u16, mnc u16, area u32, id u64 (these big endian, so that bytes sort as cells), lat i32, lng i32 (1e-7
//!          degrees), range u32 (metres, 0 unknown; these little endian)
//! index    for each page: mcc, mnc, area, id of its first cell, CRC-32 of the page u32
//! ```

use super::heard::CellName;
use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

pub(super) const NAME: &str = "cells.bin";

const MAGIC: &[u8; 8] = b"OUTRCELL";
/// The newest version that this program writes and reads.
const VERSION: u32 = 1;
const HEADER: usize = 28;
const PAGE_CELLS: usize = 1024;
const KEY: usize = 16;
const CELL: usize = KEY + 12;
const ENTRY: usize = KEY + 4;

/// Where a cell is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Located {
    pub lat: f64,
    pub lng: f64,
    /// Metres over which it is heard; 0: unknown.
    pub range: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum NotATable {
    #[error("cannot read {}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} has format version {version}, this program reads up to {VERSION}", .path.display())]
    Newer { path: PathBuf, version: u32 },
    #[error("{} is damaged; import the cells again", .path.display())]
    Damaged { path: PathBuf },
}

/// An open file of cells. It stays readable when another takes its place.
pub struct Table {
    file: File,
    path: PathBuf,
    identity: Identity,
    cells: u64,
    /// First cell of each page, and the page's checksum.
    index: Vec<([u8; KEY], u32)>,
}

/// Which file it is: another that takes its place has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Identity {
    /// `None` when there is no file.
    pub(super) fn of(path: &Path) -> io::Result<Option<Self>> {
        match path.metadata() {
            Ok(metadata) => Ok(Some(Self::from(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl From<&std::fs::Metadata> for Identity {
    fn from(metadata: &std::fs::Metadata) -> Self {
        let changed = (metadata.mtime(), metadata.mtime_nsec());
        Self { device: metadata.dev(), inode: metadata.ino(), changed }
    }
}

impl Table {
    /// # Errors
    /// When there is none, or it is damaged, or a newer program wrote it.
    pub fn open(path: &Path) -> Result<Self, NotATable> {
        let failed = |source| NotATable::Io { path: path.to_owned(), source };
        let damaged = || NotATable::Damaged { path: path.to_owned() };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0).map_err(|_| damaged())?;
        if header[..8] != *MAGIC || crc32fast::hash(&header[..24]) != u32_at(&header, 24) {
            return Err(damaged());
        }
        let version = u32_at(&header, 8);
        if version > VERSION {
            return Err(NotATable::Newer { path: path.to_owned(), version });
        }
        let cells = u64::from(u32_at(&header, 12)) | u64::from(u32_at(&header, 16)) << 32;
        let pages = cells.div_ceil(PAGE_CELLS as u64);
        let expected = cells
            .checked_mul(CELL as u64)
            .and_then(|length| length.checked_add(HEADER as u64 + pages * ENTRY as u64));
        if expected != Some(metadata.len()) {
            return Err(damaged());
        }
        let mut bytes = vec![0; pages as usize * ENTRY];
        file.read_exact_at(&mut bytes, HEADER as u64 + cells * CELL as u64).map_err(failed)?;
        if crc32fast::hash(&bytes) != u32_at(&header, 20) {
            return Err(damaged());
        }
        let entry = |entry: &[u8]| (array(entry), u32_at(entry, KEY));
        let index = bytes.chunks_exact(ENTRY).map(entry).collect();
        Ok(Self { file, path: path.to_owned(), identity: Identity::from(&metadata), cells, index })
    }

    /// How many cells it has.
    pub fn len(&self) -> u64 {
        self.cells
    }

    pub fn is_empty(&self) -> bool {
        self.cells == 0
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// Reads one page.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn find(&self, name: CellName) -> Result<Option<Located>, NotATable> {
        let key = key(name);
        let Some(page) = self.index.partition_point(|(first, _)| *first <= key).checked_sub(1) else {
            return Ok(None);
        };
        let start = page as u64 * PAGE_CELLS as u64;
        let count = (self.cells - start).min(PAGE_CELLS as u64) as usize;
        let mut bytes = vec![0; count * CELL];
        let failed = |source| NotATable::Io { path: self.path.clone(), source };
        self.file.read_exact_at(&mut bytes, HEADER as u64 + start * CELL as u64).map_err(failed)?;
        if crc32fast::hash(&bytes) != self.index[page].1 {
            return Err(NotATable::Damaged { path: self.path.clone() });
        }
        let (cells, _) = bytes.as_chunks::<CELL>();
        let found = cells.binary_search_by(|cell| cell[..KEY].cmp(&key[..])).ok();
        Ok(found.map(|at| located(&cells[at])))
    }
}

/// Writes a table, cell by cell in ascending order.
pub(super) struct Writer<W> {
    out: W,
    cells: u64,
    page: Vec<u8>,
    index: Vec<u8>,
}

impl<W: Write + Seek> Writer<W> {
    /// # Errors
    /// When it cannot be written.
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&[0; HEADER])?;
        Ok(Self { out, cells: 0, page: Vec::with_capacity(PAGE_CELLS * CELL), index: Vec::new() })
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn push(&mut self, name: CellName, at: Located) -> io::Result<()> {
        self.page.extend(key(name));
        for degrees in [at.lat, at.lng] {
            self.page.extend(((degrees * 1e7).round() as i32).to_le_bytes());
        }
        self.page.extend(at.range.to_le_bytes());
        self.cells += 1;
        if self.page.len() == PAGE_CELLS * CELL { self.write_page() } else { Ok(()) }
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.page.is_empty() {
            self.write_page()?;
        }
        self.out.write_all(&self.index)?;
        let mut header = MAGIC.to_vec();
        header.extend(VERSION.to_le_bytes());
        header.extend(self.cells.to_le_bytes());
        header.extend(crc32fast::hash(&self.index).to_le_bytes());
        header.extend(crc32fast::hash(&header).to_le_bytes());
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_page(&mut self) -> io::Result<()> {
        self.out.write_all(&self.page)?;
        self.index.extend(&self.page[..KEY]);
        self.index.extend(crc32fast::hash(&self.page).to_le_bytes());
        self.page.clear();
        Ok(())
    }
}

fn key(CellName { mcc, mnc, area, id }: CellName) -> [u8; KEY] {
    let [mcc, mnc, area] = [u128::from(mcc) << 112, u128::from(mnc) << 96, u128::from(area) << 64];
    (mcc | mnc | area | u128::from(id)).to_be_bytes()
}

fn located(cell: &[u8; CELL]) -> Located {
    let degrees = |at| f64::from(u32_at(cell, at).cast_signed()) / 1e7;
    Located { lat: degrees(KEY), lng: degrees(KEY + 4), range: u32_at(cell, KEY + 8) }
}

/// The four bytes at a place that is there.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn array(bytes: &[u8]) -> [u8; KEY] {
    bytes.first_chunk().copied().unwrap_or_default()
}
