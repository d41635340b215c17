//! The locks of a data directory: one process writes it at a time, and while another copies it, nothing is removed from
//! its journal.

use crate::disk::{Disk, RealDisk};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Names of the locks' files.
pub(crate) const OF_WRITER: &str = "lock";
pub(crate) const OF_COPIES: &str = "copies.lock";

/// Held as long as this value lives. The system releases it when the process dies, however it dies.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("the data directory {} is in use by another process", .0.display())]
    Held(PathBuf),
    #[error("cannot lock the data directory {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

impl DataDirLock {
    /// Makes the directory when it does not exist.
    ///
    /// # Errors
    /// When another process (or another part of this one) holds the lock, or the directory cannot be written.
    pub fn take(data_dir: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Io(data_dir.to_owned(), error);
        RealDisk.create_dir(data_dir).map_err(failed)?;
        let file = open(data_dir, OF_WRITER).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(data_dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Held by those who copy the data directory. Several may.
#[derive(Debug)]
pub struct CopyLock {
    _file: File,
}

impl CopyLock {
    /// Waits until nothing is being removed.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn take(data_dir: &Path) -> io::Result<Self> {
        let file = open(data_dir, OF_COPIES)?;
        file.lock_shared()?;
        Ok(Self { _file: file })
    }
}

/// Held while something is removed.
#[derive(Debug)]
pub(crate) struct RemovalLock {
    _file: File,
}

impl RemovalLock {
    /// `None` while somebody copies.
    pub(crate) fn try_take(data_dir: &Path) -> io::Result<Option<Self>> {
        let file = open(data_dir, OF_COPIES)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open(data_dir: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(data_dir.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_which_directory_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DataDirLock::take(dir.path()).unwrap();
        let refused = DataDirLock::take(dir.path()).unwrap_err();
        let expected = format!("the data directory {} is in use by another process", dir.path().display());
        assert_eq!(refused.to_string(), expected);
        drop(lock);
        DataDirLock::take(dir.path()).unwrap();
    }
}
