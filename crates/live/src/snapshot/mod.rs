//! Snapshots of all states with the journal position they stand at. They only save time: whatever is wrong with one,
//! the journal knows better.

mod format;

use crate::sources::Sources;
use domain::{SourceId, State};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};
use store::journal::Position;

pub(crate) use format::FormatError;

/// Two, so that a broken one costs little.
const KEPT: usize = 2;
const SUFFIX: &str = ".snapshot";
const UNFINISHED: &str = "unfinished";

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("{} is of version {found}, this program reads up to {known}", path.display())]
    Newer { path: PathBuf, found: u16, known: u16 },
    #[error("cannot {doing} {}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

/// What a snapshot holds; nothing, at the journal's start, when there is none.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) position: Position,
    pub(crate) states: Vec<(SourceId, State)>,
}

pub(crate) fn encode(position: Position, sources: &Sources) -> Vec<u8> {
    let mut writer = format::Writer::new(position);
    sources.for_each(|source, state| writer.state(source, state));
    writer.finish()
}

/// Makes a snapshot durable under its own name, then removes those that are no longer needed.
pub(crate) fn write(dir: &Path, position: Position, bytes: &[u8]) -> Result<(), SnapshotError> {
    let path = dir.join(format!("{:020}{SUFFIX}", position.0));
    let unfinished = dir.join(UNFINISHED);
    let mut file = File::create(&unfinished).map_err(failed("create", &unfinished))?;
    file.write_all(bytes).map_err(failed("write", &unfinished))?;
    file.sync_all().map_err(failed("sync", &unfinished))?;
    fs::rename(&unfinished, &path).map_err(failed("rename", &unfinished))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("sync", dir))?;
    for (_, old) in snapshots(dir)?.into_iter().skip(KEPT) {
        fs::remove_file(&old).map_err(failed("remove", &old))?;
    }
    Ok(())
}

/// The newest snapshot that can be read and does not lie after `end`, the end of the journal. Others are removed:
/// they would outlive the good ones that follow.
pub(crate) fn load(dir: &Path, end: Position) -> Result<Snapshot, SnapshotError> {
    fs::create_dir_all(dir).map_err(failed("create", dir))?;
    for (_, path) in snapshots(dir)? {
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        match format::decode(&bytes) {
            Ok(snapshot) if snapshot.position <= end => return Ok(snapshot),
            Ok(snapshot) => {
                let (at, end) = (snapshot.position.0, end.0);
                tracing::warn!(path = %path.display(), snapshot.position = at, journal.end = end, "a snapshot is ahead of the journal: ignored");
            }
            Err(FormatError::Newer { found }) => {
                return Err(SnapshotError::Newer { path, found, known: format::VERSION });
            }
            Err(FormatError::Broken(reason)) => {
                tracing::warn!(path = %path.display(), reason, "a snapshot is broken: ignored");
            }
        }
        fs::remove_file(&path).map_err(failed("remove", &path))?;
    }
    Ok(Snapshot::default())
}

/// Where the oldest of the kept snapshots stands; the journal's start as long as one could be the only one.
pub(crate) fn kept_from(dir: &Path) -> Result<Position, SnapshotError> {
    let kept = snapshots(dir)?;
    Ok(kept.get(KEPT - 1).map_or(Position(0), |(position, _)| *position))
}

/// The snapshots of a folder, the newest first.
fn snapshots(dir: &Path) -> Result<Vec<(Position, PathBuf)>, SnapshotError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed("read", dir))? {
        let path = entry.map_err(failed("read", dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let position = name.and_then(|name| name.strip_suffix(SUFFIX)?.parse().ok());
        found.extend(position.map(|position| (Position(position), path)));
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::Io { doing, path, source }
}
