//! What a journal's directory holds when nobody writes it: which files, how far they are good, where the next record
//! goes.

use super::{
    block::{SEGMENT_HEADER, SegmentHeader, VERSION, check_segment_header, segment_first, segment_path},
    damage::Damages,
    reader::{Extent, Segment},
    scanner::{Found, Scanner},
};
use crate::{
    disk::{Disk, DiskFile},
    lock::LockError,
};
use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Locked(#[from] LockError),
    #[error("{} has format version {version}, this program reads up to {VERSION}", .file.display())]
    NewerFormat { file: PathBuf, version: u32 },
    #[error("cannot {action} {}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot start the journal's writer")]
    Thread(#[source] io::Error),
}

/// What was found, and what repair is needed.
pub(super) struct Survey {
    pub extent: Extent,
    /// Where in the last segment its last whole block stands.
    pub last_block: Range<u64>,
    /// Bytes after it: of a commit that was not finished.
    pub torn: u64,
    /// Last files without any whole block: the end came while they were begun.
    pub empty: Vec<PathBuf>,
}

/// Looks through the directory without changing it. Damage is reported where it is found; the records of segments
/// before the last are not looked at.
pub(super) fn survey(disk: &dyn Disk, dir: &Path, damages: &Damages) -> Result<Survey, OpenError> {
    let names = disk.list(dir).map_err(failed("list", dir))?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| segment_first(name)).collect();
    firsts.sort_unstable();
    let mut segments = Vec::with_capacity(firsts.len());
    let mut last = None;
    for first in firsts {
        let path = segment_path(dir, first);
        let file = disk.open(&path).map_err(failed("open", &path))?;
        let length = file.length().map_err(failed("read", &path))?;
        let mut start = vec![0; SEGMENT_HEADER.min(length as usize)];
        file.read_at(&mut start, 0).map_err(failed("read", &path))?;
        let header = check_segment_header(&start, first);
        if let SegmentHeader::Newer(version) = header {
            return Err(OpenError::NewerFormat { file: path, version });
        }
        segments.push((Segment { first, length }, header));
        last = Some(file);
    }
    let mut survey = Survey { extent: Extent::default(), last_block: 0..0, torn: 0, empty: Vec::new() };
    while let Some((segment, header)) = segments.pop() {
        let path = segment_path(dir, segment.first);
        let file = match last.take() {
            Some(file) => file,
            None => disk.open(&path).map_err(failed("open", &path))?,
        };
        let tail = find_tail(file, segment).map_err(failed("read", &path))?;
        // Nobody begins a segment before everything up to it is durable.
        survey.extent.end = survey.extent.end.max(segment.first);
        let Some(tail) = tail else {
            survey.empty.push(path);
            continue;
        };
        for (offset, length) in tail.damages {
            damages.report(&path, offset, length);
        }
        survey.extent.end = survey.extent.end.max(tail.end);
        survey.torn = segment.length - tail.last_block.end;
        segments.push((Segment { length: tail.last_block.end, ..segment }, header));
        survey.last_block = tail.last_block;
        break;
    }
    for (segment, header) in &segments {
        if *header == SegmentHeader::Damaged {
            damages.report(&segment_path(dir, segment.first), 0, SEGMENT_HEADER as u64);
        }
    }
    survey.extent.segments = segments.into_iter().map(|(segment, _)| segment).collect();
    Ok(survey)
}

struct Tail {
    /// Where the last whole block stands.
    last_block: Range<u64>,
    /// Position after its last record.
    end: u64,
    /// Damaged places before it. One commit is one write of one block and the next begins after it is durable, so that
    /// only the last block can be torn: what has a whole block behind it was durable once.
    damages: Vec<(u64, u64)>,
}

/// `None` when the file has no whole block.
fn find_tail(file: Arc<dyn DiskFile>, segment: Segment) -> io::Result<Option<Tail>> {
    let mut scanner = Scanner::new(file, segment.first);
    let (mut tail, mut damages) = (None, Vec::new());
    while let Some(found) = scanner.next(segment.length)? {
        match found {
            Found::Block(header) => {
                let end = scanner.offset();
                tail = Some((end - header.block_length()..end, header.end(), damages.len()));
            }
            Found::Damage { offset, length, .. } => damages.push((offset, length)),
        }
    }
    Ok(tail.map(|(last_block, end, before)| {
        damages.truncate(before);
        Tail { last_block, end, damages }
    }))
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { action, path, source }
}
